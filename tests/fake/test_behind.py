"""A gateway's process: its environment, its start, and how it fails."""

import asyncio
import os
import shlex
import sys
import tempfile
from pathlib import Path

import pytest

from own_home import LIMIT, until
from seawall.fake import behind
from seawall.fake.behind import GatewayFailed, arguments, foreign, gateway, gateway_environ


def test_the_gateway_knows_nothing_of_this_users_own() -> None:
    """No settings, keys or proxies of the environment; its records in a folder that goes."""
    environ = {
        "PATH": "/bin",
        "HOME": "/home/a",
        "SEAWALL_GATEWAY_HOLD": "0",
        "ANTHROPIC_API_KEY": "sk-ant-api03-secret",
        "https_proxy": "http://127.0.0.1:1",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "LISTEN_FDS": "1",
    }
    found = gateway_environ(environ, "/tmp/x")
    assert {name for name in found if name in environ} == {"PATH", "HOME"}
    assert found["SEAWALL_STORE_PATH"] == "/tmp/x/records.db"
    assert found["XDG_RUNTIME_DIR"] == "/tmp/x"


def test_a_gateway_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One line with its own last words; its folder is gone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async def enter() -> None:
        async with gateway("ftp://nowhere"):
            raise AssertionError("it has started")

    with pytest.raises(GatewayFailed, match=r"did not start: .*upstream") as failed:
        asyncio.run(enter())
    assert "\n" not in str(failed.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("", "is empty"),
        ("serve {upstream}", "has no {port}"),
        ("serve {port}", "has no {upstream}"),
        ("serve '{port} {upstream}", "cannot be read"),
    ],
)
def test_a_command_that_is_none(command: str, why: str) -> None:
    """One line says what is wrong with it."""
    with pytest.raises(ValueError, match=why):
        arguments(command, 1, "http://x")


def test_a_commands_places_are_filled_in() -> None:
    """Everywhere, within words too, and without a shell."""
    assert arguments("a --p={port} '{upstream}/v1 b'", 7, "http://x") == ["a", "--p=7", "http://x/v1 b"]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/nowhere/at-all {port} {upstream}", "cannot start /nowhere/at-all: No such file"),
        (
            f"{sys.executable} -c 'import sys; sys.exit(\"no such model\")' {{port}} {{upstream}}",
            "ended with code 1 before it listened: no such model",
        ),
    ],
)
def test_a_foreign_gateway_that_does_not_start(
    command: str, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One line with its last words; its folder is gone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async def enter() -> None:
        async with foreign(command, "http://127.0.0.1:9", "sk-ant-api03-none"):
            raise AssertionError("it has started")

    with pytest.raises(GatewayFailed, match=why):
        asyncio.run(enter())
    assert list(tmp_path.iterdir()) == []


def test_the_last_words_of_one_that_says_much(tmp_path: Path) -> None:
    """Only the end of what it wrote is read, however much that is."""
    said = tmp_path / "stderr"
    with said.open("wb") as file:
        file.truncate(4_000_000_000)  # takes no room on the disk
        file.seek(0, os.SEEK_END)
        file.write(b"\nout of luck\n")
    assert behind.last_line(said) == "out of luck"
    assert behind.last_line(tmp_path / "nothing") == ""


LOUD = """
import os, signal, socket, sys, threading
line = b"a line of words\\n" * 4096
for _ in range(40):
    os.write(1, line)
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listening:
    listening.accept()
    for _ in range(40):
        os.write(2, line)
    os.write(1, b"out of luck\\n")
    os._exit(3)
"""


def test_what_a_foreign_gateway_says_takes_no_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It never waits for a reader, nothing of it comes to the disk, and of its last line is said that it is the end."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(LOUD)} {{port}} {{upstream}}"

    async def enter() -> None:
        async with foreign(command, "http://127.0.0.1:9", "sk-ant-api03-none") as begun:
            assert sum(behind.kept(folder) for folder in tmp_path.iterdir()) < 100_000
            async with asyncio.timeout(LIMIT):
                await begun.died()

    with pytest.raises(GatewayFailed) as failed:
        asyncio.run(enter())
    assert str(failed.value) == (
        "the gateway ended in the middle with code 3: out of luck (the end of 5.2 MB)"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_long_last_line_is_cut_and_says_so(tmp_path: Path) -> None:
    """300 characters of it."""
    said = tmp_path / "stderr"
    said.write_text("x" * 400)
    assert behind.last_line(said) == "x" * 300 + "…"


@pytest.mark.parametrize("listens", [True, False])
def test_a_foreign_gateway_that_fills_its_folder(
    listens: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is ended before the disk is full, whether it listens already or not."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(behind, "MOST_KEPT", 1024**2)
    monkeypatch.setattr(behind, "LOOK_EVERY", 0.02)
    fill = "import socket, sys, time\n"
    fill += 's = socket.create_server(("127.0.0.1", int(sys.argv[1])))\n' if listens else ""
    fill += 'open("records", "wb").write(b"x" * 3_000_000)\ntime.sleep(600)'
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(fill)} {{port}} {{upstream}}"

    async def enter() -> None:
        async with (
            foreign(command, "http://127.0.0.1:9", "sk-ant-api03-none") as begun,
            asyncio.timeout(LIMIT),
        ):
            await begun.died()

    with pytest.raises(GatewayFailed, match="wrote more than 1 MiB into its folder"):
        asyncio.run(enter())
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_gateway_that_never_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told so after a while, with its last words; whatever it started is gone too."""
    monkeypatch.setattr(behind, "FOREIGN_START_LIMIT", 0.5)
    idle = "import os,sys,time; print(os.getpid(), flush=True); time.sleep(600)"
    inner = f"{shlex.quote(sys.executable)} -c {shlex.quote(idle)}"
    command = f"sh -c {shlex.quote(inner + ' & wait')} sh {{port}} {{upstream}}"

    async def enter() -> None:
        async with foreign(command, "http://127.0.0.1:9", "sk-ant-api03-none"):
            raise AssertionError("it has started")

    with pytest.raises(GatewayFailed, match=r"did not listen on port \d+ within .*: \d+$") as failed:
        asyncio.run(enter())
    number = int(str(failed.value).rpartition(" ")[2])
    until(lambda: not alive(number), "the end of what it started")


def alive(number: int) -> bool:
    """Whether a process still runs; one that only waits to be noticed does not."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return not Path("/proc/self").exists()  # elsewhere than on Linux the signal's answer is all there is
