"""The benchmark's plan, its calibration, and its runs in processes of their own."""

import asyncio
import errno
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from seawall.fake import bench
from seawall.fake.bench import Bench, BenchFailed, Plan, Standing, calibrated, trial
from seawall.fake.trial import Job
from seawall.fake.work import SHIPPED, find
from seawall.view.bench import text

TINY = "[bench]\nhorizon = 20\nevent = [5, 10]\n[fleet]\nthink_s = 1\nstream_s = 2\nstarts_s = 1\n"


def plan(*names: str, **changed: Any) -> Plan:
    given: dict[str, Any] = {
        "works": tuple((name, find(name)) for name in names),
        "agents": (200,),
        "seeds": (1, 2, 3),
        "through": ("seawall",),
        "factor": 20.0,
    }
    return Plan(**given | changed)


def test_the_usual_plan_takes_less_than_half_an_hour() -> None:
    """Eight scenarios, three seeds, Seawall and the oracle, and two runs more that calibrate."""
    usual = plan(*SHIPPED)
    jobs = usual.jobs()
    assert len(jobs) == len(set(jobs)) == 8 * 3 * 2 + 2
    assert [job.through for job in jobs[:3]] == ["oracle", "sdk", "retries10"]
    assert usual.seconds(jobs) < 30 * 60


def test_the_oracle_always_runs_once() -> None:
    """First, and not twice where it was asked for."""
    assert [j.through for j in plan("S2", seeds=(1,), calibrate=False).jobs()] == ["oracle", "seawall"]
    both = plan("S2", seeds=(1,), calibrate=False, through=("aimd", "oracle"))
    assert [j.through for j in both.jobs()] == ["oracle", "aimd"]


def test_fleets_that_make_no_sense_are_left_out() -> None:
    """One agent is no competition."""
    jobs = plan("S8", "competition", agents=(1, 20), seeds=(1,), calibrate=False).jobs()
    assert {job.agents for job in jobs} == {20}


def test_only_via_carries_the_command() -> None:
    """Other runs do not depend on it."""
    jobs = plan(
        "S2", seeds=(1,), through=("seawall", "via"), via="x {port} {upstream}", calibrate=False
    ).jobs()
    assert [job.via for job in jobs] == ["", "", "x {port} {upstream}"]


def test_only_seawall_carries_settings() -> None:
    """The oracle has none."""
    jobs = plan("S2", seeds=(1,), settings="gateway.concurrency = 1", calibrate=False).jobs()
    assert [job.settings for job in jobs] == ["", "gateway.concurrency = 1"]


def row(
    through: str,
    goodput: float | None,
    seed: int = 1,
    lag: float = 2.0,
    own: float = 0.2,
    gateway: float = 0.1,
) -> dict[str, Any]:
    return {
        "scenario": "S1",
        "agents": 200,
        "seed": seed,
        "through": through,
        "goodput_of_oracle": goodput,
        "machine": {"lag_p99_ms": lag, "processor_share": own, "gateway_processor_share": gateway},
    }


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([row("sdk", 61.4), row("retries10", 86.7)], []),
        ([row("sdk", 53), row("retries10", 93)], []),
        ([row("sdk", 70), row("retries10", 87)], ["sdk reached 70.0 %"]),
        ([row("sdk", 52), row("retries10", 80)], ["sdk reached 52.0 %", "retries10 reached 80.0 %"]),
        ([row("sdk", 61)], ["the calibration of retries10 gave nothing"]),
        ([row("sdk", 61, seed=2), row("retries10", 87)], ["the calibration of sdk gave nothing"]),
        ([row("sdk", None), row("retries10", 87)], ["the calibration of sdk gave nothing"]),
        ([row("sdk", 61), row("retries10", 87), row("seawall", 99, lag=51)], ["too slow in 1 of 3 runs"]),
        ([row("sdk", 61, own=0.95), row("retries10", 87)], ["API and fleet took up to 95% of a processor"]),
        (
            [row("sdk", 61), row("retries10", 87), row("via", 20, gateway=1.6)],
            ["the gateway took up to 160%"],
        ),
    ],
)
def test_calibration(rows: list[dict[str, Any]], words: list[str]) -> None:
    """Void where a way is off, or missing, or the machine woke up late; and it says which."""
    found = calibrated(rows, 1, asked=True)
    assert len(found.trouble) == len(words)
    assert all(word in said for word, said in zip(words, found.trouble, strict=True))
    assert found.as_json()["state"] == ("void" if words else "ok")


def test_without_calibration() -> None:
    """It says that it was left out; a slow machine makes it void all the same."""
    assert calibrated([row("seawall", 99)], 1, asked=False).as_json()["state"] == "skipped"
    assert calibrated([row("seawall", 99, lag=80)], 1, asked=False).as_json()["state"] == "void"


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    file = tmp_path / "tiny.toml"
    file.write_text(TINY)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return str(file)


def test_runs_side_by_side(tiny: str, tmp_path: Path) -> None:
    """Every run has its row, in the order of the plan, with its goodput; nothing is left behind."""
    running = Bench(plan(tiny, agents=(2,), seeds=(5, 6), through=("sdk",), calibrate=False))
    report = asyncio.run(running.run())
    assert [(r["seed"], r["through"]) for r in report.rows] == [
        (5, "oracle"), (5, "sdk"), (6, "oracle"), (6, "sdk"),
    ]  # fmt: skip
    assert all(r["goodput_of_oracle"] > 0 for r in report.rows)
    shown = report.as_json()
    assert shown["schema"] == "seawall.bench/1"
    assert shown["goals"] == []
    turns = shown["rows"][0]["turns"]
    assert turns
    assert len(turns[0]) == 8
    assert running.left() == 0
    assert list(tmp_path.iterdir()) == [Path(tiny)]


def test_figures_without_raw_turns(tiny: str) -> None:
    """The rows have everything else."""
    running = Bench(plan(tiny, agents=(1,), seeds=(1,), through=(), calibrate=False, keep_raw=False))
    (found,) = asyncio.run(running.run()).rows
    assert "turns" not in found
    assert "attempt_rows" not in found
    assert found["completed"] > 0


def test_a_scenario_that_is_changed_meanwhile(tiny: str) -> None:
    """Every run is of the file as it was when the benchmark began; it may be gone, as a shell's `<(...)` is."""
    asked = plan(tiny, agents=(1,), seeds=(1,), through=(), calibrate=False)
    Path(tiny).unlink()
    (found,) = asyncio.run(Bench(asked).run()).rows
    assert (found["scenario"], found["title"]) == ("tiny.toml", "tiny.toml")
    assert found["completed"] > 0


def test_a_run_that_fails_costs_the_others_nothing(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a gateway that dies in one of a hundred runs: that one is missing, and the report says so."""

    async def dies_once(job: Job, into: Path, standing: Standing) -> dict[str, Any]:
        if (job.through, job.seed) == ("sdk", 2):
            raise BenchFailed("seed 2, sdk: the gateway ended")
        return await trial(job, into, standing)

    monkeypatch.setattr(bench, "trial", dies_once)
    running = Bench(plan(tiny, agents=(2,), through=("sdk",), factor=200, calibrate=False, side_by_side=1))
    report = asyncio.run(running.run())
    assert report.undone == ("seed 2, sdk: the gateway ended",)
    done = [(row["through"], row["seed"]) for row in report.rows]
    assert done == [("oracle", 1), ("sdk", 1), ("oracle", 2), ("oracle", 3), ("sdk", 3)]
    assert report.as_json()["undone"] == list(report.undone)
    assert "- seed 2, sdk: the gateway ended" in text(report)
    assert running.left() == 0


def test_a_way_that_never_worked_ends_the_benchmark(tiny: str, tmp_path: Path) -> None:
    """One line that names the run; the others are ended and nothing is left behind."""
    via = "/nowhere/at-all {port} {upstream}"
    running = Bench(plan(tiny, agents=(2,), seeds=(1,), through=("via",), via=via, factor=1, calibrate=False))
    with pytest.raises(
        BenchFailed, match=r"seed 1, via: cannot start /nowhere/at-all: No such file"
    ) as failed:
        asyncio.run(running.run())
    assert "\n" not in str(failed.value)
    assert list(tmp_path.iterdir()) == [Path(tiny)]


def test_a_run_whose_process_dies(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last words, or its code."""
    monkeypatch.setattr(bench.sys, "executable", "/bin/false")
    running = Bench(plan(tiny, agents=(2,), seeds=(1,), through=(), calibrate=False))
    with pytest.raises(BenchFailed, match="its process ended with code 1"):
        asyncio.run(running.run())


def test_a_run_that_cannot_be_started(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as for want of room or of processes: it is one that failed, and costs those that are done nothing."""
    begin = asyncio.create_subprocess_exec

    async def no_room(*words: str, **more: Any) -> asyncio.subprocess.Process:
        if json.loads(words[3])["seed"] == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return await begin(*words, **more)

    monkeypatch.setattr(bench.asyncio, "create_subprocess_exec", no_room)
    running = Bench(plan(tiny, agents=(2,), seeds=(1, 2), through=(), calibrate=False, side_by_side=1))
    report = asyncio.run(running.run())
    assert [row["seed"] for row in report.rows] == [1]
    (undone,) = report.undone
    assert "seed 2, oracle: cannot be started: " in undone
    assert "No space left" in undone
