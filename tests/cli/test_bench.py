"""`seawall bench`: its text and JSON as a whole, bad input, and what an interruption leaves."""

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from own_home import LIMIT, Home, until
from seawall.cli import bench, schemas
from seawall.cli.common import Failure
from seawall.fake.agents import Turn
from seawall.fake.bench import Bench, Plan, Standing
from seawall.fake.scenario import read
from seawall.fake.score import Attempt, score
from seawall.fake.work import find, work

TINY = "[bench]\nhorizon = 20\nevent = [5, 10]\n[fleet]\nthink_s = 1\nstream_s = 2\nstarts_s = 1\n"


@pytest.fixture
def tiny(own_home: Home) -> Path:
    file = own_home.path / "tiny.toml"
    file.write_text(TINY)
    return file


def test_the_whole_of_it_once(own_home: Home, tiny: Path) -> None:
    """Through a real Seawall and by the oracle: no failure, and an object that says everything."""
    (tiny.parent / "own.toml").write_text('[gateway]\nhold = "20m"\nconcurrency = 50\n')
    done = own_home.seawall(
        *("bench", "--scenario", "tiny.toml", "--agents", "3", "--seed", "4", "--factor", "15"),
        *("--no-calibration", "--json", "--config", "own.toml"),
    )
    found = json.loads(done.stdout)
    # A machine that was too busy for it makes a benchmark void, and that is told by the code too.
    assert done.returncode == bool(found["calibration"]["trouble"]), done.stderr
    assert (found["schema"], found["settings"]) == ("seawall.bench/1", "own.toml")
    assert found["calibration"]["state"] in ("skipped", "void")
    schema = json.loads(schemas.text("bench"))
    told = schema["properties"]["rows"]["items"]
    assert not list(Draft202012Validator(schema).iter_errors(found))
    assert [one["through"] for one in found["rows"]] == ["oracle", "seawall"]
    for one in found["rows"]:
        assert (one["scenario"], one["agents"], one["seed"]) == ("tiny.toml", 3, 4)
        assert one["failures"] == 0
        assert one["completed"] == sum(turn[4] == 1 for turn in one["turns"]) > 0
        for name in ("goodput_of_oracle", "attempts_per_success", "recovery_s", "refused_429", "jain"):
            assert name in one
            assert name in told["required"]
        assert scored_again(found, one) == {name: one[name] for name in scored_again(found, one)}
        assert set(one) <= documented()
        assert set(one) <= set(told["properties"])
    assert documented() <= set(told["properties"])
    assert found["scenarios"] == {"tiny.toml": TINY}
    assert "0 of 2 runs done" in done.stderr
    assert list(own_home.path.parent.glob("seawall-*")) == []


def scored_again(found: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    """The figures of a row from nothing but what the object holds."""
    name = one["scenario"]
    asked = work(name, read(found["scenarios"][name], name))
    turns, others = ([Turn(*turn) for turn in one[part]] for part in ("turns", "foreign_turns"))
    attempts = [Attempt(*attempt) for attempt in one["attempt_rows"]]
    return score(asked, one["agents"], turns, others, attempts).as_json()


def documented() -> set[str]:
    """The fields of a row that the page on the benchmark has."""
    page = Path(__file__).parent.parent.parent / "docs" / "how-to" / "benchmark.md"
    (table,) = re.findall(r"\| in a row \|.*?\n\n", page.read_text("utf-8"), re.DOTALL)
    cells = (line.split("|")[1] for line in table.splitlines()[2:] if line)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_its_text(own_home: Home, tiny: Path) -> None:
    """Markdown; with `--quiet` nothing else."""
    done = own_home.seawall(
        *("bench", "--scenario", str(tiny), "--agents", "1", "--seed", "4", "--factor", "15", "--quiet"),
        *("--no-calibration", "--through", "sdk"),
    )
    assert done.stderr == ""
    assert done.returncode == ("VOID" in done.stdout)
    assert done.stdout.startswith("### tiny.toml, 1 agent, seed 4\n\n| through ")
    assert "| SDK, 2 retries |" in done.stdout
    assert "Not calibrated" in done.stdout or "VOID" in done.stdout
    assert "15 times the speed of life" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scenario", "S3"], "no scenario is called 'S3'; there are S1"),
        (["--scenario", "none.toml"], "none.toml: No such file"),
        (["--scenario", "broken.toml"], "broken.toml: not TOML"),
        (["--scenario", "deep.toml"], "deep.toml: its tables are nested too deep"),
        (["--scenario", "/dev/zero"], "/dev/zero: more than 1000000 characters: it is no scenario"),
        (["--scenario", ""], "an empty name is no file (the benchmark's own are S1"),
        (["--scenario", "x" * 300], "no scenario is called 'xxx"),
        (["--scenario", "x" * 300 + ".toml"], "File name too long"),
        (["--scenario", "./S1"], "./S1: the benchmark has a S1 of its own; give the file another name"),
        (["--scenario", "drill.toml"], "no table [bench]"),
        (["--scenario", "S8", "--agents", "3"], "S8 needs at least 10 agents"),
        (["--scenario", "large.toml"], "large.toml, for 200 agents: slots"),
        (["--scenario", "tiny.toml", "--scenario", "./tiny.toml"], "two scenarios are called tiny.toml"),
        (["--config", "none.toml"], "there is no settings file none.toml"),
        (["--config", "broken.toml"], "this file is not used, so there is nothing to measure"),
        (["--config", "."], "this file is not used, so there is nothing to measure"),
        (["--via", "gateway {upstream}"], "--via: the command has no {port}"),
        (["--via", "gateway '{port}"], "--via: the command cannot be read"),
        (["--factor", "0"], "factor"),
        (["--factor", "fast"], "factor"),
        (["--factor", "nan"], "nan is no number"),
        (["--agents", "0"], "agents"),
        (["--jobs", "0"], "jobs"),
        (["--seed", "-1"], "seed"),
        (["--through", "magic"], "through"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_bad_input(own_home: Home, tiny: Path, arguments: list[str], words: str) -> None:
    """One line that names it, exit code 2, and nothing has run."""
    (tiny.parent / "broken.toml").write_text("= 1")
    (tiny.parent / "S1").write_text(TINY)
    (tiny.parent / "deep.toml").write_text("a=" + "[" * 100_000)
    (tiny.parent / "drill.toml").write_text("title = 'x'")
    (tiny.parent / "large.toml").write_text(TINY + "[capacity]\nslots = 5e8")
    done = own_home.seawall("bench", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr


def test_small_fleets_leave_out_what_needs_more() -> None:
    """Of the scenarios that nobody named; a named one is a mistake."""
    plan = Plan((("S8", find("S8")), ("S1", find("S1"))), (3,), (1,), ("seawall",), 20.0, calibrate=False)
    bench._check_fits(plan, named=False)
    assert {job.scenario for job in plan.jobs()} == {"S1"}
    with pytest.raises(Failure, match="S8 needs at least 10 agents"):
        bench._check_fits(plan, named=True)


def test_how_far_it_is_whatever_the_files_name() -> None:
    """No sign that a terminal would obey."""
    plan = Plan((("a\x1b[31m.toml", find("S1")),), (3,), (1,), ("seawall",), 20.0, calibrate=False)
    running = Bench(plan)
    running.standing[running.jobs[0]] = Standing(running.jobs[0], 600.0, 7, 2)
    assert bench.progress(running)[1] == "a?[31m.toml, 3 agents, seed 1, oracle: 50%, 7 turns, 2 failed"


def test_a_gateway_that_cannot_be_started(own_home: Home, tiny: Path) -> None:
    """One line with its name, exit code 1."""
    done = own_home.seawall(
        *("bench", "--quiet", "--scenario", "tiny.toml", "--agents", "1", "--seed", "1", "--factor", "50"),
        *("--no-calibration", "--via", "/nowhere/at-all {port} {upstream}"),
    )
    assert done.returncode == 1
    assert done.stderr == (
        "seawall: tiny.toml, 1 agent, seed 1, via: cannot start /nowhere/at-all: No such file or directory\n"
    )


def test_an_interruption_leaves_nothing(own_home: Home, tiny: Path) -> None:
    """Exit code 130; no process and no folder of any run is left."""
    process = own_home.start(
        *("bench", "--scenario", "tiny.toml", "--agents", "2", "--seed", "1", "--factor", "0.1"),
        *("--no-calibration",),
    )
    assert process.stderr is not None
    assert "0 of 2 runs done" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert list(own_home.path.parent.glob("seawall-*")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_keeps_what_was_measured(own_home: Home, tiny: Path, number: signal.Signals) -> None:
    """The runs that are done are the report, which says that others are not; exit code 130."""
    (tiny.parent / "long.toml").write_text(TINY.replace("horizon = 20", "horizon = 86400"))
    process = own_home.start(
        *("bench", "--scenario", "tiny.toml", "--scenario", "long.toml", "--agents", "2", "--seed", "1"),
        *("--factor", "40", "--jobs", "1", "--through", "sdk", "--no-calibration", "--json", "--no-turns"),
    )
    until(lambda: len(list(folder_of(own_home).glob("*.json"))) == 2, "the two short runs")
    until(lambda: len(list(folder_of(own_home).glob("*.err"))) == 3, "the first long run")
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    found = json.loads(stdout)
    assert [(one["scenario"], one["through"]) for one in found["rows"]] == [
        ("tiny.toml", "oracle"),
        ("tiny.toml", "sdk"),
    ]
    assert found["undone"] == ["2 of 4 runs: interrupted"]
    assert "not done: 2 of 4 runs: interrupted" in stderr
    assert list(own_home.path.parent.glob("seawall-*")) == []


def folder_of(own_home: Home) -> Path:
    """Where the benchmark that runs keeps its rows."""
    return next(own_home.path.parent.glob("seawall-bench-*"), own_home.path / "none yet")
