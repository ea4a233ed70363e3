"""Verbs as real processes: `seawall` itself, and programs in its place that do all that a process can do wrong."""

import asyncio
import json
import os
import time
from pathlib import Path

import pytest

from own_home import LIMIT, Home
from seawall.view.web.ask import Asker, Broken, Busy


@pytest.fixture
def pretend(tmp_path: Path) -> "Pretend":
    return Pretend(tmp_path)


class Pretend:
    """A package `seawall` whose verbs are a script of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "pretend"
        (self.folder / "seawall").mkdir(parents=True)
        (self.folder / "seawall" / "__init__.py").write_text("")
        self.log = folder / "log"

    def asker(self, script: str, **more: float) -> Asker:
        begin = f"import sys, time, os\nopen({str(self.log)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
        (self.folder / "seawall" / "__main__.py").write_text(begin + script)
        return Asker(environ={**os.environ, "PYTHONPATH": str(self.folder)}, **more)

    def ran(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


def test_a_verbs_json_is_the_command_lines_own(own_home: Home) -> None:
    """What the same command prints, but for the second in which it was asked; and its code."""
    asker = Asker(environ=own_home.environ, limit=LIMIT)
    answer = asyncio.run(asker.ask("explain", "provider.overloaded"))
    here, there = (
        json.loads(answer.body),
        json.loads(own_home.seawall("explain", "provider.overloaded", "--json").stdout),
    )
    assert here.pop("generated_at") <= there.pop("generated_at")
    assert here == there
    assert here["cause"]["code"] == "provider.overloaded"
    assert answer.code == 0


def test_a_text_goes_in_by_stdin(own_home: Home) -> None:
    """An argument could be an option, and shows in the list of processes."""
    asker = Asker(environ=own_home.environ, limit=LIMIT)
    answer = asyncio.run(asker.ask("explain", "--file", "-", text=b"API Error: 529 Overloaded"))
    assert json.loads(answer.body)["verdict"]["cause"] == "provider.overloaded"
    assert answer.code == 10


def test_the_same_is_asked_once(pretend: Pretend) -> None:
    """However many pages ask at once, and again within its time; then anew."""
    asker = pretend.asker("print('{}')")

    async def pages() -> None:
        await asyncio.gather(*(asker.ask("doctor", fresh=600) for _ in range(5)))
        await asker.ask("doctor", fresh=600)
        assert len(pretend.ran()) == 1
        await asker.ask("doctor", fresh=0)

    asyncio.run(pages())
    assert pretend.ran() == ["doctor --json --quiet"] * 2


def test_what_is_kept_is_bounded(pretend: Pretend) -> None:
    """By its bytes; the newest answer always is there, however large."""
    asker = pretend.asker("sys.stdout.write('{\"a\": \"' + 'x' * 3_000_000 + '\"}')")

    async def pages() -> None:
        for number in (1, 2, 3, 3):
            await asker.ask("history", "--since", f"{number}d", fresh=600)

    asyncio.run(pages())
    assert len(pretend.ran()) == 3
    assert list(asker._answers) == [("history", "--since", "3d")]


def test_one_of_a_kind_runs_at_a_time_and_few_wait(pretend: Pretend) -> None:
    """A page that asks for a hundred spans of history starts no hundred processes."""
    asker = pretend.asker("time.sleep(0.05)\nprint('{}')")

    async def pages() -> list[object]:
        asked = [asker.ask("history", "--since", f"{number}d") for number in range(30)]
        return list(await asyncio.gather(*asked, return_exceptions=True))

    ended = asyncio.run(pages())
    assert sum(isinstance(one, Busy) for one in ended) == 22
    assert len(pretend.ran()) == 8


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("", "no answer"),
        ("print('Traceback')", "no answer"),
        ("print('[1]')", "no answer"),
        ("sys.stdout.buffer.write(b'{' + b'x' * 10_000_000)", "too large"),
        ("os.kill(os.getpid(), 9)", "no answer"),
        ("sys.stdout.buffer.write(bytes(range(256)))", "no answer"),
    ],
)
def test_what_is_no_answer_is_said(pretend: Pretend, script: str, why: str) -> None:
    """Nothing, a traceback, another kind of JSON, far too much, a killed process, bytes."""
    with pytest.raises(Broken, match=why):
        asyncio.run(pretend.asker(script).ask("history"))


def test_one_that_hangs_is_ended_with_all_it_started(pretend: Pretend) -> None:
    """Also what ignores a gentle signal, and its own child."""
    script = (
        "import signal, subprocess\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"open({str(pretend.folder / 'pid')!r}, 'w').write(str(child.pid))\n"
        f"os.rename({str(pretend.folder / 'pid')!r}, {str(pretend.folder / 'child')!r})\ntime.sleep(600)\n"
    )
    asker = pretend.asker(script, limit=3.0)
    with pytest.raises(Broken, match="within 3 s"):
        asyncio.run(asker.ask("doctor"))
    child = int((pretend.folder / "child").read_text())
    deadline = time.monotonic() + LIMIT
    while _lives(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _lives(child)


def test_an_asker_that_leaves_leaves_no_process(pretend: Pretend) -> None:
    """A page that is closed while the doctor measures."""
    script = f"open({str(pretend.folder / 'mine')!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    asker = pretend.asker(script)

    async def leave() -> int:
        asking = asyncio.create_task(asker.ask("doctor"))
        path = pretend.folder / "mine"
        while not (path.exists() and path.read_text()):
            await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return int(path.read_text())

    assert not _lives(asyncio.run(leave()))


def test_a_verb_that_reads_no_stdin_is_no_trouble(pretend: Pretend) -> None:
    """It ends while a large text is still being written to it."""
    answer = asyncio.run(pretend.asker("print('{}')").ask("explain", text=b"x" * 1_000_000))
    assert answer.body.strip() == b"{}"


def _lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
