"""One run of the benchmark, by every way, small and fast."""

import asyncio
import os
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from seawall.config import Config, Gateway, Hold, Network
from seawall.fake.behind import GatewayFailed
from seawall.fake.trial import Job, Trial, main, settings
from seawall.fake.work import find

TINY = """
title = "tiny"

[bench]
horizon = 40
event = [14, 20]

[fleet]
think_s = 2
stream_s = 4
starts_s = 2

[answer]
words = 1
first_s = 1.5

[capacity]
slots = 2
noise = 0

[[capacity.phase]]
from = 14
to = 20
outage = true
"""

# Forwards bytes, and knows nothing of what they are.
PASSING = """
import asyncio, sys

async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
    finally:
        writer.close()

async def serve(reader, writer):
    there, to = await asyncio.open_connection("127.0.0.1", int(sys.argv[2].rpartition(":")[2]))
    await asyncio.gather(pump(reader, to), pump(there, writer), return_exceptions=True)

async def run():
    async with await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1])) as server:
        await server.serve_forever()

asyncio.run(run())
"""


BURNING = "import time\nwhile time.process_time() < 1.2:\n    pass\n"
BUSY = """
import threading
def burn():
    while True:
        sum(range(1000))
threading.Thread(target=burn, daemon=True).start()
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The file of a scenario of forty seconds; afterwards no temporary folder may be left."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    file = tmp_path / "tiny.toml"
    file.write_text(TINY)
    yield str(file)
    assert list(folder.iterdir()) == []


def passing(tmp_path: Path) -> str:
    program = tmp_path / "passing.py"
    program.write_text(PASSING)
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(program))} {{port}} {{upstream}}"


@pytest.mark.parametrize("through", ["seawall", "oracle", "sdk", "retries10", "proxy", "aimd", "via"])
def test_a_run(tiny: str, tmp_path: Path, through: str) -> None:
    """Three agents through some seconds of outage: turns are completed by every way, and none is wrong."""
    via = passing(tmp_path) if through == "via" else ""
    row = asyncio.run(Trial(Job(tiny, 3, 1, through, 50.0, via), find(tiny)).run())
    assert (row["scenario"], row["title"], row["agents"], row["through"]) == ("tiny.toml", "tiny", 3, through)
    assert row["completed"] > 0
    assert row["completed"] == sum(turn.outcome == 1 for turn in row["turns"])
    assert row["attempts"] == len(row["attempt_rows"]) >= row["completed"]
    assert not any("wrong answer" in why for why in row["why"])
    assert row["machine"]["processor_share"] > 0
    if through in ("seawall", "oracle", "aimd"):
        assert row["failures"] == 0
    if through == "oracle":
        assert row["refused_in_event"] == row["refused_429"] == 0
    assert ("via" in row) is (through == "via")
    assert through in ("seawall", "via") or row["machine"]["gateway_processor_share"] == 0


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="only there is it told what a process has used"
)
@pytest.mark.parametrize(("busy", "least", "most"), [("at its start", 0.0, 0.5), ("all the time", 0.05, 2.0)])
def test_what_a_gateway_takes_of_a_processor(
    tiny: str, tmp_path: Path, busy: str, least: float, most: float
) -> None:
    """Of the run alone: loading takes a second of processor time, which makes no short run void."""
    command = passing(tmp_path)
    (tmp_path / "passing.py").write_text((BURNING if busy == "at its start" else BUSY) + PASSING)
    row = asyncio.run(Trial(Job(tiny, 3, 1, "via", 40.0, command), find(tiny)).run())
    assert least <= row["machine"]["gateway_processor_share"] < most


def test_a_run_that_has_not_begun(tiny: str) -> None:
    """While its gateway loads nothing of its scenario is over, however long that takes."""

    async def run() -> None:
        trial = Trial(Job(tiny, 3, 1, "oracle", 500.0), find(tiny))
        async with trial.api:
            await asyncio.sleep(0.02)
            assert trial.standing() == {"at": 0.0, "turns": 0, "failed": 0}
        whole = Trial(Job(tiny, 3, 1, "oracle", 500.0), find(tiny))
        await whole.run()
        assert whole.standing()["at"] > 0

    asyncio.run(run())


def test_foreign_agents_are_not_measured(tmp_path: Path) -> None:
    """They take capacity, and their turns are kept apart."""
    file = tmp_path / "shared.toml"
    file.write_text(TINY.replace("[fleet]", "[fleet]\nforeign = 0.5"))
    row = asyncio.run(Trial(Job(str(file), 4, 1, "oracle", 50.0), find(str(file))).run())
    assert {turn.agent for turn in row["turns"]} == {0, 1}
    assert {turn.agent for turn in row["foreign_turns"]} == {2, 3}
    assert row["failures"] == 0
    assert 0 < row["share"] < 1
    assert {attempt.own for attempt in row["attempt_rows"]} == {0, 1}
    assert row["attempts"] == sum(attempt.own for attempt in row["attempt_rows"])


def test_a_gateway_that_ends_in_the_middle(tiny: str) -> None:
    """The run says so at once."""
    command = (
        f'{shlex.quote(sys.executable)} -c \'import socket,sys; s=socket.create_server(("127.0.0.1",'
        'int(sys.argv[1]))); s.accept(); s.accept(); sys.exit("out of luck")\' {port} {upstream}'
    )
    with pytest.raises(GatewayFailed, match="ended in the middle with code 1: out of luck"):
        asyncio.run(Trial(Job(tiny, 3, 1, "via", 20.0, command), find(tiny)).run())


def test_the_gateways_settings() -> None:
    """All its times by the factor shorter, the hold that of the benchmark."""
    found = tomllib.loads(settings(20))
    assert found["gateway"]["hold"]["longest"] == 30.0
    assert found["gateway"]["hold"]["ping_every"] == 0.5
    assert found["gateway"]["hold"]["deadline_share"] == 0.8


def test_a_users_own_settings() -> None:
    """What can be measured is taken over; addresses, keys and fallbacks are not."""
    own = Config(
        gateway=Gateway(
            listen="127.0.0.1:1", upstream="https://elsewhere.test", hold=Hold(longest=100.0), fallback=("haiku",),
            concurrency=7,
        ),
        network=Network(https_proxy="http://proxy.test"),
    )  # fmt: skip
    found = tomllib.loads(settings(10, own))
    assert found["gateway"]["hold"]["longest"] == 10.0
    assert found["gateway"]["concurrency"] == 7
    assert found["gateway"]["fallback"] == []
    assert "elsewhere" not in settings(10, own)
    assert "proxy.test" not in settings(10, own)


def test_the_process_of_a_run(tiny: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What it cannot do is one line of JSON; what it did is in the file."""
    assert main([msgspec.json.encode(Job("none.toml", 3, 1, "oracle", 100.0)).decode(), "-"]) == 1
    assert msgspec.json.decode(capfd.readouterr().out)["error"].startswith("none.toml: No such file")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_run_that_finds_no_room_says_where(tiny: str, tmp_path: Path) -> None:
    """A row that cannot be written: the folder is named that is full."""
    job = msgspec.json.encode(Job(tiny, 1, 1, "oracle", 200.0)).decode()
    with subprocess.Popen(
        [sys.executable, "-m", "seawall.fake.trial", job, "/dev/full"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = process.stdout.readlines()
        process.communicate()
    assert process.returncode == 1
    assert msgspec.json.decode(said[-1]) == {"error": f"No space left on device: {tmp_path}"}


def test_a_run_ends_with_its_parent(tiny: str, tmp_path: Path) -> None:
    """When stdin ends it leaves at once, with its gateway, and without a row."""
    job = msgspec.json.encode(Job(tiny, 3, 1, "seawall", 0.5)).decode()
    environ = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    process = subprocess.Popen(
        [sys.executable, "-m", "seawall.fake.trial", job, str(tmp_path / "row.json")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ,
    )  # fmt: skip
    assert process.stdout is not None
    assert "turns" in process.stdout.readline()
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert not (tmp_path / "row.json").exists()
