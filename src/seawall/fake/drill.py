"""The drill: one scripted outage three times at once, for the SDK, for Claude Code, and for both through Seawall."""

import asyncio
import contextlib
import json
import math
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

import seawall
from seawall.fake.app import FakeApi, Seen
from seawall.fake.behind import Gateway, gateway
from seawall.fake.content import nonce_of
from seawall.fake.fleet import Ask, Client, Fleet, RealSdk, Terms, Through, Turn, by_schedule, nonce
from seawall.fake.scenario import MESSAGES, Rule, Scenario, table

RUNS: Final[tuple[Through, ...]] = ("sdk", "claude-code", "seawall")
MOST_AGENTS: Final = 200
MOST_SECONDS: Final = 3600.0


# ---- what a scenario says about the fleet ------------------------------------------------------------


class FleetModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The agents of every run: `[fleet]` in a scenario."""

    agents: int = 12
    turns: int | None = None
    """How many turns each agent has to do; without it, as many as it can begin in time."""
    seconds: float | None = None
    """How long turns are begun; without it, until six seconds after the last rule."""
    think_s: float = 0.5
    finish_s: float = 25.0
    """How long begun turns may still take."""

    def __post_init__(self) -> None:
        if not 1 <= self.agents <= MOST_AGENTS:
            raise ValueError(f"agents must be from 1 to {MOST_AGENTS}")
        if self.turns is not None and self.turns < 1:
            raise ValueError("turns must be 1 or more")
        if self.seconds is not None and not 0 < self.seconds <= MOST_SECONDS:
            raise ValueError(f"seconds must be above 0 and at most {MOST_SECONDS:g}")
        if not 0.05 <= self.think_s <= 600:
            raise ValueError("think_s must be from 0.05 to 600")
        if not 0 <= self.finish_s <= MOST_SECONDS:
            raise ValueError(f"finish_s must be from 0 to {MOST_SECONDS:g}")


def terms(
    scenario: Scenario, *, agents: int | None = None, seed: int | None = None, name: str = "fleet"
) -> Terms:
    """The terms of a drill by this scenario; ScenarioError, naming the table so, where `[fleet]` is wrong."""
    model = table(name, scenario.fleet, FleetModel)
    ends = [rule.end if math.isfinite(rule.end) else rule.begin for rule in scenario.rules]
    seconds = model.seconds if model.seconds is not None else min(max(ends, default=14.0) + 6, MOST_SECONDS)
    return Terms(
        agents=model.agents if agents is None else agents,
        seconds=seconds / scenario.factor,
        turns=model.turns,
        think=model.think_s / scenario.factor,
        finish=model.finish_s / scenario.factor,
        seed=next(s for s in (seed, scenario.seed, 1) if s is not None),
    )


def going_on(rules: Iterable[Rule], now: float) -> tuple[str, ...]:
    """What the script does at a model second: the rules in force, each once, as they are written.

    Rules for a counted few requests are left out: they say nothing about how the API is.
    """
    found = (rule.do for rule in rules if rule.begin <= now < rule.end and rule.count is None)
    return tuple(dict.fromkeys(found))


# ---- figures -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run came to; everything is counted, nothing assumed."""

    through: Through
    agents: int
    finished: int
    lost: int
    unfinished: int
    taken: int
    """Of the lost: those that the program took for finished."""
    after_content: int
    """Of the lost: those whose answer broke after part of it had come."""
    attempts: int
    broken: int
    """Attempts whose answer was broken off after its first words: nobody on the way can send that again."""
    longest_wait: float

    @property
    def begun(self) -> int:
        """All turns that were begun."""
        return self.finished + self.lost + self.unfinished

    @property
    def attempts_per_success(self) -> float | None:
        """Requests that the API saw for each finished turn; None where none was."""
        return self.attempts / self.finished if self.finished else None

    def as_json(self) -> dict[str, Any]:
        """The run as an object of `seawall.drill/1`."""
        ratio = self.attempts_per_success
        return {
            "through": self.through,
            "agents": self.agents,
            "turns_finished": self.finished,
            "turns_lost": self.lost,
            "turns_unfinished": self.unfinished,
            "lost_taken_for_finished": self.taken,
            "lost_after_content": self.after_content,
            "attempts": self.attempts,
            "attempts_broken_after_content": self.broken,
            "attempts_per_success": None if ratio is None else round(ratio, 3),
            "longest_wait_s": round(self.longest_wait, 3),
        }


_AFTER_CONTENT: Final = re.compile(
    r"\b(error-event|cut|early-end) .*at=(in-block|after-block|in-tool|after-delta)"
)


def figures(through: Through, agents: int, turns: Sequence[Turn], seen: Sequence[Seen]) -> Figures:
    """The figures of one run, from its turns and from the requests that its API saw."""
    outcomes = Counter(turn.outcome for turn in turns)
    return Figures(
        through=through,
        agents=agents,
        finished=outcomes["finished"],
        lost=outcomes["lost"],
        unfinished=outcomes["unfinished"],
        taken=sum(turn.taken for turn in turns),
        after_content=sum(turn.after_content for turn in turns),
        attempts=len(seen),
        broken=sum(one.status == 200 and bool(_AFTER_CONTENT.search(one.fault)) for one in seen),
        longest_wait=max((turn.ended - turn.began for turn in turns), default=0.0),
    )


@dataclass(frozen=True, slots=True)
class Report:
    """A drill that was done."""

    scenario: str
    seed: int
    seconds: float
    turns: int | None
    """How many each agent had to do; None: as many as it could."""
    sdk_version: str
    """Empty: agents with its schedule stood in for the SDK."""
    runs: tuple[Figures, ...]
    gateway_said: str = ""
    """The last thing that the gateway complained of."""
    transcript: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    def as_json(self) -> dict[str, Any]:
        """The object that `seawall drill --json` prints."""
        return {
            "schema": "seawall.drill/1",
            "seawall_version": seawall.__version__,
            "scenario": self.scenario,
            "seed": self.seed,
            "seconds": round(self.seconds, 3),
            "sdk_version": self.sdk_version or None,
            "runs": [run.as_json() for run in self.runs],
        }


def transcript(
    through: Through, turns: Sequence[Turn], seen: Sequence[Seen], factor: float
) -> list[dict[str, Any]]:
    """Every turn and attempt of a run in the order of its beginning; seconds since the script began."""
    lines: list[dict[str, Any]] = []
    for turn in turns:
        lines.append(
            {
                "kind": "turn",
                "through": through,
                "agent": turn.agent.number,
                "turn": turn.number,
                "client": turn.agent.client,
                "model": turn.agent.model,
                "began_s": round(turn.began, 3),
                "ended_s": round(turn.ended, 3),
                "outcome": turn.outcome,
                "why": turn.why,
                "taken_for_finished": turn.taken,
            }
        )
    known = {nonce(turn.agent.number, turn.number): turn for turn in turns}
    for one in seen:
        of = known.get(_nonce(one.body))
        ended = None if one.ended is None else round(one.ended / factor, 3)
        lines.append(
            {
                "kind": "attempt",
                "through": through,
                "agent": of.agent.number if of else None,
                "turn": of.number if of else None,
                "request_id": one.request_id,
                "began_s": round(one.since_start / factor, 3),
                "ended_s": ended,
                "status": one.status,
                "fault": one.fault,
                "client_gone": one.client_gone,
            }
        )
    return sorted(lines, key=lambda line: (line["began_s"], line["kind"] != "turn"))


def _nonce(body: bytes) -> str:
    try:
        return nonce_of(str(json.loads(body)["messages"][-1]["content"]))
    except (ValueError, LookupError, TypeError):
        return ""


# ---- the drill ---------------------------------------------------------------------------------------


class Drill:
    """Three runs at the same time: `await run()`; `figures()` tells how they stand meanwhile."""

    def __init__(self, scenario: Scenario, the_terms: Terms, name: str, *, real_sdk: bool = True) -> None:
        self.scenario, self.terms, self.name = scenario, the_terms, name
        self._real_sdk = real_sdk
        self._fakes = {run: FakeApi(scenario, seed=the_terms.seed) for run in RUNS}
        self._fleets: dict[Through, Fleet] = {}

    def now(self) -> float:
        """Seconds since the script began; 0 before."""
        return next((fleet.now() for fleet in self._fleets.values()), 0.0)

    def figures(self) -> tuple[Figures, ...]:
        """The runs as they stand."""
        return tuple(
            figures(run, self.terms.agents, fleet.turns, self._seen(run))
            for run, fleet in self._fleets.items()
        )

    def script(self) -> tuple[str, ...]:
        """What the script does now."""
        return going_on(self.scenario.rules, self.now() * self.scenario.factor)

    def waiting(self, run: Through) -> int:
        """Turns under way."""
        return len(self._fleets[run].under_way)

    def _seen(self, run: Through) -> list[Seen]:
        return [seen for seen in self._fakes[run].requests if seen.target.startswith(MESSAGES)]

    async def run(self, *, keep_transcript: bool = False) -> Report:
        """The whole drill; nothing is left running, however it ends. GatewayFailed, OSError."""
        began = time.monotonic()
        async with contextlib.AsyncExitStack() as stack:
            for fake in self._fakes.values():
                await stack.enter_async_context(fake)
            behind = await stack.enter_async_context(gateway(self._fakes["seawall"].url))
            urls = {run: fake.url for run, fake in self._fakes.items()} | {"seawall": behind.address}
            version, asks = "", {}
            for run in RUNS:
                asks[run], version = await self._clients(urls[run], stack)
            for fake in self._fakes.values():  # the script begins now, on the same port
                await fake.stop()
                await fake.start()
            self._fleets = {run: Fleet(run, self.terms, asks[run]) for run in RUNS}
            await _all_or_failed([fleet.run() for fleet in self._fleets.values()], behind)
            said = behind.last_words()
        lines = list(self._lines()) if keep_transcript else []
        return Report(
            scenario=self.name,
            seed=self.terms.seed,
            seconds=time.monotonic() - began,
            turns=self.terms.turns,
            sdk_version=version,
            runs=self.figures(),
            gateway_said=said,
            transcript=tuple(lines),
        )

    async def _clients(self, url: str, stack: contextlib.AsyncExitStack) -> tuple[dict[Client, Ask], str]:
        """How the agents of a run ask, and the version of the SDK, empty where there is none."""
        measured = by_schedule(url, self.terms.seed)
        try:
            real = RealSdk(url) if self._real_sdk else None
        except ImportError:
            real = None
        if real is None:
            return {"sdk": measured, "claude-code": measured}, ""
        stack.push_async_callback(real.close)
        return {"sdk": real.ask, "claude-code": measured}, real.version

    def _lines(self) -> Iterator[dict[str, Any]]:
        yield {
            "kind": "drill",
            "schema": "seawall.drill.transcript/1",
            "scenario": self.name,
            "seed": self.terms.seed,
        }
        for run, fleet in self._fleets.items():
            yield from transcript(run, fleet.turns, self._seen(run), self.scenario.factor)
        for one in self.figures():
            yield {"kind": "run", **one.as_json()}


async def _all_or_failed(runs: Sequence[Any], behind: Gateway) -> None:
    """Waits for all runs; ends them at once when one fails or the gateway ends."""
    watch = asyncio.ensure_future(behind.died())
    fleets = asyncio.ensure_future(_all(runs))
    try:
        await asyncio.wait((watch, fleets), return_when=asyncio.FIRST_COMPLETED)
        if watch.done() and not fleets.done():
            watch.result()
        await fleets
    finally:
        for task in (watch, fleets):
            task.cancel()
        await asyncio.gather(watch, fleets, return_exceptions=True)


async def _all(runs: Sequence[Any]) -> None:
    async with asyncio.TaskGroup() as group:
        for run in runs:
            group.create_task(run)
