"""The benchmark: which runs are done, several at the same time in processes of their own, and what they come to."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

import seawall
from seawall.fake.behind import last_line
from seawall.fake.goals import Met, measured
from seawall.fake.score import Row, of_oracle
from seawall.fake.trial import Job
from seawall.fake.work import Work, shipped_text

START_S: Final = 1.5
"""What a run takes beside its scenario, for the estimate."""
LEAVE_LIMIT: Final = 8.0
"""Seconds that a run's process has to end its gateway and itself."""
LAG_MOST: Final = 50.0
"""Milliseconds by which a run's process may wake too late (p99) before its figures mean nothing."""
SHARE_MOST: Final = 0.9
"""Of a processor: a gateway, or the API and its fleet, that takes more has no time left to be on time."""
CALIBRATION: Final = {"sdk": (61.0, 8.0), "retries10": (87.0, 6.0)}
"""What the model must give in S1 with 200 agents, in percent of the oracle's goodput, and the room for chance."""
CALIBRATED_BY: Final = ("S1", 200)
RAW: Final = ("turns", "foreign_turns", "attempt_rows")


class BenchFailed(Exception):
    """A run could not be done; the text is one line."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured."""

    works: tuple[tuple[str, Work], ...]
    """Each with the name or file by which it is found."""
    agents: tuple[int, ...]
    seeds: tuple[int, ...]
    through: tuple[str, ...]
    factor: float
    via: str = ""
    settings: str = ""
    """The text of the gateway's settings file; empty: the defaults."""
    settings_file: str = ""
    """Where it came from."""
    side_by_side: int = 2
    calibrate: bool = True
    keep_raw: bool = True

    def jobs(self) -> list[Job]:
        """All runs; those of the calibration first, none twice, and the oracle's wherever there is something else."""
        through = ("oracle", *(way for way in self.through if way != "oracle"))
        wanted = [Job(*CALIBRATED_BY, self.seeds[0], way, self.factor) for way in ("oracle", *CALIBRATION)]
        jobs = wanted if self.calibrate else []
        for name, work in self.works:
            for agents in self.agents:
                if work.fits(agents):
                    jobs += [self._job(name, agents, seed, way) for seed in self.seeds for way in through]
        return list(dict.fromkeys(jobs))

    def _job(self, name: str, agents: int, seed: int, way: str) -> Job:
        via = self.via if way == "via" else ""
        return Job(name, agents, seed, way, self.factor, via, self.settings if way == "seawall" else "")

    def seconds(self, jobs: Sequence[Job]) -> float:
        """About how long these runs take, in real seconds."""
        return sum(self.horizon(job) / self.factor + START_S for job in jobs) / self.side_by_side

    def horizon(self, job: Job) -> float:
        """The model seconds of a run."""
        found = next((work for name, work in self.works if name == job.scenario), None)
        return found.bench.horizon if found else CALIBRATION_HORIZON


CALIBRATION_HORIZON: Final = 1200.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether the model behaves as it must before anything measured with it means something."""

    found: dict[str, float]
    """Percent of the oracle's goodput, by way."""
    trouble: tuple[str, ...]
    """Why the run is void; empty: it is not."""
    skipped: bool = False

    def as_json(self) -> dict[str, Any]:
        """The object `calibration`."""
        return {
            "state": "void" if self.trouble else "skipped" if self.skipped else "ok",
            "goodput_of_oracle": self.found,
            "expected": {way: {"percent": p, "room": room} for way, (p, room) in CALIBRATION.items()},
            "trouble": list(self.trouble),
        }


def calibrated(rows: Sequence[Row], seed: int, *, asked: bool) -> Calibration:
    """The verdict on rows that carry `goodput_of_oracle`: on the model by the calibration's, on the machine by all."""
    found: dict[str, float] = {}
    trouble = []
    for way, (percent, room) in CALIBRATION.items() if asked else ():
        key = (*CALIBRATED_BY, seed, way)
        row = next((r for r in rows if (r["scenario"], r["agents"], r["seed"], r["through"]) == key), None)
        value = row["goodput_of_oracle"] if row else None
        if value is None:
            trouble.append(f"the calibration of {way} gave nothing")
            continue
        found[way] = value
        if abs(value - percent) > room:
            trouble.append(
                f"{way} reached {value:.1f} % of the oracle's goodput in S1, and must reach "
                f"{percent:g} ± {room:g} %"
            )
    return Calibration(found, (*trouble, *_too_slow(rows)), skipped=not asked)


def _too_slow(rows: Sequence[Row]) -> list[str]:
    """What shows that the machine could not keep up: processes that woke up late, or never slept."""

    def worst(name: str, most: float) -> tuple[Row, int] | None:
        over = [row for row in rows if row["machine"][name] > most]
        return (max(over, key=lambda row: float(row["machine"][name])), len(over)) if over else None

    said = []
    help_ = "use a smaller --factor or --jobs 1"
    if found := worst("lag_p99_ms", LAG_MOST):
        row, count = found
        said.append(
            f"the machine was too slow in {count} of {len(rows)} runs: the benchmark's own process woke up to "
            f"{row['machine']['lag_p99_ms']:.0f} ms late (p99, {_which(row)}); {help_}"
        )
    for name, what in (("processor_share", "API and fleet"), ("gateway_processor_share", "the gateway")):
        if found := worst(name, SHARE_MOST):
            row, count = found
            said.append(
                f"{what} took up to {row['machine'][name]:.0%} of a processor in {count} of {len(rows)} runs "
                f"({_which(row)}); {help_}"
            )
    return said


def _which(row: Row) -> str:
    return f"{row['scenario']}, {row['agents']} agents, {row['through']}"


@dataclass(frozen=True, slots=True)
class Report:
    """A benchmark that was done."""

    plan: Plan
    rows: tuple[dict[str, Any], ...]
    calibration: Calibration
    goals: tuple[Met, ...]
    seconds: float
    undone: tuple[str, ...] = ()
    """Runs that failed, and why: their rows are missing."""

    def as_json(self) -> dict[str, Any]:
        """The object that `seawall bench --json` prints."""
        return {
            "schema": "seawall.bench/1",
            "seawall_version": seawall.__version__,
            "factor": self.plan.factor,
            "settings": self.plan.settings_file or None,
            "seconds": round(self.seconds, 1),
            "calibration": self.calibration.as_json(),
            "goals": [one.as_json() for one in self.goals],
            "undone": list(self.undone),
            "scenarios": self._scenarios(),
            "rows": list(self.rows),
        }

    def _scenarios(self) -> dict[str, str]:
        """What the rows were measured on, as files, by name: without it their turns could not be scored again."""
        own = {work.name: work.text for _, work in self.plan.works if work.text}
        names = dict.fromkeys(row["scenario"] for row in self.rows)
        return {name: own.get(name) or shipped_text(name) for name in names}


# ---- running it ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Standing:
    """A run that is under way."""

    job: Job
    at: float = 0.0
    turns: int = 0
    failed: int = 0


@dataclass(slots=True)
class Bench:
    """The whole of it: `await run()`; `standing` and `rows` tell how it goes meanwhile."""

    plan: Plan
    jobs: list[Job] = field(init=False)
    rows: dict[Job, dict[str, Any]] = field(default_factory=dict)
    undone: dict[Job, str] = field(default_factory=dict)
    standing: dict[Job, Standing] = field(default_factory=dict)
    began: float = 0.0

    def __post_init__(self) -> None:
        self.jobs = self.plan.jobs()

    def left(self) -> float:
        """About how many real seconds remain."""
        whole = self.plan.seconds(
            [job for job in self.jobs if job not in self.rows and job not in self.undone]
        )
        gone = sum(one.at for one in self.standing.values()) / self.plan.factor
        return max(0.0, whole - gone / self.plan.side_by_side)

    async def run(self) -> Report:
        """Every run; nothing is left running, however it ends. OSError; BenchFailed where a way never worked: what
        fails in one run of many costs the others nothing.
        """
        self.began = time.monotonic()
        room = asyncio.Semaphore(self.plan.side_by_side)
        with tempfile.TemporaryDirectory(prefix="seawall-bench-") as folder:
            files = self._kept(Path(folder))
            tasks = [
                asyncio.ensure_future(
                    self._one(job, files.get(job.scenario, ""), Path(folder, f"{n}.json"), room)
                )
                for n, job in enumerate(self.jobs)
            ]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        return self.report()

    def report(self, stopped: str = "") -> Report:
        """What the runs so far came to; where it was `stopped`, that is why the others were not done."""
        rows = of_oracle([self.rows[job] for job in self.jobs if job in self.rows])
        calibration = calibrated(rows, self.plan.seeds[0], asked=self.plan.calibrate)
        seconds, undone = time.monotonic() - self.began, list(self.undone.values())
        if missing := len(self.jobs) - len(rows) - len(undone):
            undone.append(f"{missing} of {len(self.jobs)} runs: {stopped}")
        return Report(self.plan, tuple(rows), calibration, tuple(measured(rows)), seconds, tuple(undone))

    def _kept(self, folder: Path) -> dict[str, str]:
        """Where the scenarios of files stand as they were read: a file may change, or go, while the runs last."""
        kept = {}
        for n, (name, work) in enumerate(self.plan.works):
            if work.text:
                file = folder / f"scenario-{n}" / work.name
                file.parent.mkdir()
                file.write_text(work.text, "utf-8")
                kept[name] = str(file)
        return kept

    async def _one(self, job: Job, file: str, into: Path, room: asyncio.Semaphore) -> None:
        async with room:
            standing = self.standing[job] = Standing(job)
            try:
                row = await trial(msgspec.structs.replace(job, file=file), into, standing)
            except BenchFailed as error:
                if not any(done.through == job.through for done in self.rows):
                    raise
                self.undone[job] = str(error)
                return
            finally:
                del self.standing[job]
        if not self.plan.keep_raw:
            for name in RAW:
                row.pop(name, None)
        self.rows[job] = row


def named(job: Job) -> str:
    """Which run, for people; how its calls went is left out."""
    return f"{job.scenario}, {job.agents} agent{'s' if job.agents > 1 else ''}, seed {job.seed}"


async def trial(job: Job, into: Path, standing: Standing) -> dict[str, Any]:
    """The row of a run in a process of its own; BenchFailed with its last words."""
    said = into.with_suffix(".err")
    try:
        with open(said, "xb") as stderr:  # noqa: ASYNC230  it is empty
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "seawall.fake.trial", msgspec.json.encode(job).decode(), str(into)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                env=os.environ | {"PYTHONPATH": _path()},
                start_new_session=True,  # the terminal's Ctrl-C is for us, and we end it
            )
    except OSError as error:
        raise BenchFailed(f"{named(job)}, {job.through}: cannot be started: {error}") from None
    try:
        trouble = await _followed(process, standing)
        code = await process.wait()
    finally:
        await _ended(process)
    if code or trouble:
        what = trouble or last_line(said) or f"its process ended with code {code}"
        raise BenchFailed(f"{named(job)}, {job.through}: {what}")
    row: dict[str, Any] = json.loads(into.read_bytes())  # noqa: ASYNC240  the run is over
    return row


def _path() -> str:
    package = str(Path(seawall.__file__).parent.parent)
    return os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH", ""))))


async def _followed(process: asyncio.subprocess.Process, standing: Standing) -> str:
    """Notes how the run stands until it has nothing more to say; why it failed, if it says so."""
    assert process.stdout is not None
    async for line in process.stdout:
        match json.loads(line):
            case {"error": str(error)}:
                return error
            case {"at": at, "turns": turns, "failed": failed}:
                standing.at, standing.turns, standing.failed = at, turns, failed
    return ""


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Tells it to end by closing its stdin; kills what has not ended in time."""
    if process.returncode is not None:
        return
    assert process.stdin is not None
    process.stdin.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LEAVE_LIMIT):
            await process.wait()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
