"""One run of the benchmark: the faulty API and the fleet in this process, a gateway in another beside it.

`seawall bench` runs several at the same time, each in a process of its own, by `main`.
"""

import asyncio
import contextlib
import errno
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec

from seawall.config import Config
from seawall.fake.agents import MODEL, Ask, Fleet, Time
from seawall.fake.app import FakeApi, Seen, Watch
from seawall.fake.behind import Gateway, GatewayFailed, foreign, gateway
from seawall.fake.content import Asked
from seawall.fake.laws import Aimd, Oracle, Scheduler
from seawall.fake.lean import Lean
from seawall.fake.manners import NONE, SDK, TEN, Sender, retrying, through_proxy
from seawall.fake.scenario import MESSAGES, ScenarioError
from seawall.fake.score import Attempt, score
from seawall.fake.work import Work, find
from seawall.http.loop import loop_runner

KEY: Final = "sk-ant-api03-bench"
OTHERS: Final = "sk-ant-api03-others"
"""No keys: they only have the form of one, and go nowhere but to this machine."""
HOLD: Final = 600.0
SILENCE: Final = 300.0
SDK_SILENCE: Final = 600.0
"""Model seconds without a byte after which Claude Code and the SDK give an attempt up."""
FOREIGN_SEED: Final = 500
"""Other people's agents have this much higher a seed."""
REPORT_EVERY: Final = 0.5
LAG_EVERY: Final = 0.02


class Job(msgspec.Struct, frozen=True):
    """One run that is to be done."""

    scenario: str
    """A shipped name, or a file."""
    agents: int
    seed: int
    through: str
    factor: float
    via: str = ""
    settings: str = ""
    """The gateway's settings file, its times divided already; empty: the defaults."""
    file: str = ""
    """Where the scenario stands as it was when the benchmark began; empty: as it says itself."""


class Trial:
    """A run: `await run()` gives its row; `done` and `failed` tell how it stands meanwhile."""

    def __init__(self, job: Job, work: Work) -> None:
        self.job, self.work = job, work
        served = msgspec.structs.replace(work.served(job.agents), factor=job.factor)
        sure = frozenset((KEY,)) if job.through == "oracle" else frozenset[str]()
        self.attempts: list[Attempt] = []
        self._oracle: Oracle | None = None
        self.api = FakeApi(served, seed=job.seed, watch=Watch(self._admitted, self._over), sure=sure)
        own, starts = work.own(job.agents), work.starts(job.agents, job.seed)
        self.fleet = Fleet(work, range(own), starts[:own], job.seed, KEY)
        self.others = Fleet(work, range(own, job.agents), starts[own:], job.seed + FOREIGN_SEED, OTHERS)
        self._time = Time(self.api.now, job.factor)
        self._lags: list[float] = []
        self._begun = False

    # ---- what the faulty API tells ----------------------------------------------------------------

    def _admitted(self, seen: Seen) -> None:
        if self._oracle is not None and _own(seen):
            self._oracle.arrived(seen.input_tokens)

    def _over(self, seen: Seen) -> None:
        if seen.target.partition("?")[0] != MESSAGES:
            return
        own = _own(seen)
        if self._oracle is not None and own and seen.admitted is None:
            self._oracle.arrived(seen.input_tokens)
        if seen.since_start > self.work.bench.horizon:
            return
        self.attempts.append(
            Attempt(
                round(seen.since_start, 2),
                None if seen.admitted is None else round(seen.admitted, 2),
                round(self.api.now() if seen.ended is None else seen.ended, 2),
                seen.status,
                seen.input_tokens,
                int(own),
            )
        )

    # ---- how the fleet asks -----------------------------------------------------------------------

    def _sender(self, url: str, stack: contextlib.AsyncExitStack, silence: float = SILENCE) -> Sender:
        lean = Lean(url)
        stack.push_async_callback(lean.close)
        return Sender(lean, self._time, silence)

    async def _asks(self, stack: contextlib.AsyncExitStack) -> tuple[Ask, Gateway | None]:
        """How the fleet's requests go, and the gateway's process where there is one."""
        job, url = self.job, self.api.url
        match job.through:
            case "seawall":
                behind = await stack.enter_async_context(gateway(url, job.settings or settings(job.factor)))
                return retrying(self._sender(behind.address, stack), NONE, job.seed), behind
            case "via":
                behind = await stack.enter_async_context(foreign(job.via, url, KEY))
                return retrying(self._sender(behind.address, stack), TEN, job.seed), behind
            case "sdk":
                return retrying(self._sender(url, stack, SDK_SILENCE), SDK, job.seed), None
            case "retries10":
                return retrying(self._sender(url, stack), TEN, job.seed), None
            case "proxy":
                return through_proxy(self._sender(url, stack), job.seed), None
        if job.through == "oracle":
            limited_as = Asked("POST", MESSAGES, model=MODEL).limited_as
            self._oracle = Oracle(self.api.capacity, lambda: self.api.lane(KEY, limited_as))
        scheduler = Scheduler(self._oracle or Aimd(job.seed), self._sender(url, stack))
        stack.push_async_callback(scheduler.close)
        return scheduler.ask, None

    # ---- the run ----------------------------------------------------------------------------------

    async def run(self) -> dict[str, Any]:
        """The row, raw turns and attempts included. GatewayFailed, OSError."""
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self.api)
            ask, behind = await self._asks(stack)
            others = retrying(self._sender(self.api.url, stack), TEN, self.job.seed + FOREIGN_SEED)
            self.api.begin()
            self._begun = True
            loaded = behind.processor_time() if behind is not None else None
            began, used = time.monotonic(), _processor()
            await self._until_the_horizon(ask, others, behind)
            seconds = time.monotonic() - began
            own_share = (_processor() - used) / seconds
            children = _processor(resource.RUSAGE_CHILDREN)
            worked = behind.processor_time() if behind is not None else None
        if loaded is None or worked is None:  # then with what its start took
            loaded, worked = children, _processor(resource.RUSAGE_CHILDREN)
        return self._row(seconds, own_share, max(0.0, worked - loaded) / seconds)

    async def _until_the_horizon(self, ask: Ask, others: Ask, behind: Gateway | None) -> None:
        lives = [
            asyncio.ensure_future(self.fleet.live(self._time, ask)),
            asyncio.ensure_future(self.others.live(self._time, others)),
            asyncio.ensure_future(self._feel()),
        ]
        if behind is not None:
            lives.append(asyncio.ensure_future(behind.died()))
        try:
            # A fleet without agents is over at once; whatever else ends before the horizon is an error.
            left: set[asyncio.Future[None]] = set(lives)
            while left and (seconds := self.work.bench.horizon - self._time.now()) > 0:
                done, left = await asyncio.wait(
                    left, timeout=seconds / self.job.factor, return_when=asyncio.FIRST_COMPLETED
                )
                for one in done:
                    one.result()
        finally:
            for one in lives:
                one.cancel()
            await asyncio.gather(*lives, return_exceptions=True)

    async def _feel(self) -> None:
        """Measures how late this process wakes up, in real seconds."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LAG_EVERY
            await asyncio.sleep(LAG_EVERY)
            self._lags.append(max(0.0, loop.time() - due))

    def standing(self) -> dict[str, Any]:
        """How the run stands."""
        failed = sum(1 for turn in self.fleet.turns if turn.why)
        # While its gateway starts, the service's clock runs already; it is set to 0 when the fleet begins.
        at = round(self._time.now(), 1) if self._begun else 0.0
        return {"at": at, "turns": len(self.fleet.turns), "failed": failed}

    def _row(self, seconds: float, own_share: float, behind_share: float) -> dict[str, Any]:
        job = self.job
        lags = sorted(self._lags)
        figures = score(self.work, job.agents, self.fleet.turns, self.others.turns, self.attempts)
        why: dict[str, int] = {}
        for turn in self.fleet.turns:
            if turn.why:
                why[turn.why] = why.get(turn.why, 0) + 1
        return {
            "scenario": self.work.name,
            "title": self.work.scenario.title or self.work.name,
            "agents": job.agents,
            "seed": job.seed,
            "through": job.through,
            "factor": job.factor,
            **({"via": job.via} if job.through == "via" else {}),
            **figures.as_json(),
            "why": why,
            "machine": {
                "seconds": round(seconds, 2),
                "lag_p99_ms": round(1000 * lags[int(0.99 * len(lags))], 1) if lags else 0.0,
                "processor_share": round(own_share, 3),
                "gateway_processor_share": round(behind_share, 3),
            },
            "turns": self.fleet.turns,
            "foreign_turns": self.others.turns,
            "attempt_rows": self.attempts,
        }


def _own(seen: Seen) -> bool:
    """Whether it came from the fleet that is measured; a gateway may send its key in another header."""
    return seen.header("x-api-key") != OTHERS


def _processor(who: int = resource.RUSAGE_SELF) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


MEASURED: Final = (
    *("concurrency", "finish_abandoned", "hold", "backoff", "limiter", "breaker", "pacer", "queue", "budget"),
    *("idle", "sizes"),
)
"""Parts of a user's own settings that a benchmark can be run on; the others say where calls go, and who may call."""


def settings(factor: float, own: Config | None = None) -> str:
    """The settings file of a gateway for which all time is shorter by the factor.

    The defaults with the benchmark's hold, or what of a user's own settings can be measured.
    """
    from seawall.settings import accelerated, as_toml

    usual = Config()
    if own is None:
        changed: dict[str, Any] = {"hold": replace(usual.gateway.hold, longest=HOLD)}
    else:
        changed = {name: getattr(own.gateway, name) for name in MEASURED}
    return as_toml(accelerated(replace(usual, gateway=replace(usual.gateway, **changed)), factor))


# ---- as a process of its own ---------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _until_stdin_ends(task: "asyncio.Task[Any]") -> AsyncIterator[None]:
    """Cancels the task when the parent is gone, or says that it is enough, by closing our stdin."""
    loop = asyncio.get_running_loop()

    def ended() -> None:
        if not os.read(0, 1024):
            loop.remove_reader(0)
            task.cancel()

    loop.add_reader(0, ended)
    try:
        yield
    finally:
        loop.remove_reader(0)


async def _told(trial: Trial, say: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """The row of a run that says how it stands meanwhile."""

    async def tell() -> None:
        while True:
            await asyncio.sleep(REPORT_EVERY)
            say(trial.standing())

    telling = asyncio.ensure_future(tell())
    try:
        return await trial.run()
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _process(trial: Trial, into: Path) -> None:
    work = asyncio.ensure_future(_told(trial, lambda line: print(json.dumps(line), flush=True)))
    async with _until_stdin_ends(work):
        row = await work
    into.write_bytes(msgspec.json.encode(row))  # noqa: ASYNC240  the run is over


def main(arguments: list[str]) -> int:
    """Runs the job in the first argument (JSON) and leaves its row in the file that the second names.

    Says how it stands on stdout, a line of JSON each time; an expected failure is one such line with `error`.
    """
    import gc

    job = msgspec.json.decode(arguments[0], type=Job)
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    try:
        with loop_runner() as runner:
            runner.run(_process(Trial(job, find(job.file or job.scenario)), Path(arguments[1])))
    except (GatewayFailed, ScenarioError, OSError) as error:
        # What failed is the answer here: the parent makes one line of it.
        with contextlib.suppress(OSError):
            print(json.dumps({"error": _said(error)}), flush=True)
        return 1
    except asyncio.CancelledError:
        return 130
    return 0


def _said(error: Exception) -> str:
    """What failed, and where: a disk that is full while something is written does not say which."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{error.strerror}: {error.filename or tempfile.gettempdir()}"
    return str(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
