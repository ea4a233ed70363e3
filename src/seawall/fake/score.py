"""What a run of the benchmark came to: pure functions over raw turns and attempts. Times are model seconds."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple

from seawall.fake.agents import Outcome, Turn
from seawall.fake.limits import LimitsModel
from seawall.fake.work import Work

LEVEL: Final = 0.9
"""Recovered: running streams are back at this share of their level before the event ..."""
LEVEL_OVER: Final = 120
"""... which is their mean over so many seconds ..."""
SMOOTH: Final = 5
"""... as the mean of so many seconds."""
SETTLED: Final = 60.0
"""Greedy agents are compared from so long after the beginning of the event: the first minute drains what ran."""


class Attempt(NamedTuple):
    """One request as the faulty API saw it. A row of raw attempts."""

    at: float
    admitted: float | None
    """When limits and capacity let it in; None: they did not."""
    ended: float
    status: int
    """0: the client was gone before an answer began."""
    tokens: int
    own: int
    """1: of the fleet that is measured; 0: of others."""


@dataclass(frozen=True, slots=True)
class Score:
    """The figures of one run; None where a figure has no meaning for its scenario."""

    completed: int
    lost: int
    """Completed turns whose agent died before its next checkpoint."""
    failures: int
    """Requests that ended with an error for the program that sent them."""
    agents_killed: int
    attempts: int
    attempts_per_success: float | None
    attempts_of_unavoidable: float | None
    """Against those that one needs who repeats at once what others' load refuses."""
    refused_in_event: int
    refused_429: int
    recovery_s: float | None
    """From the end of the event; of a run that never recovers, the time until its end."""
    delay_p50: float | None
    delay_p95: float | None
    delay_p99: float | None
    """Latency less the time that the answer itself takes."""
    jain: float
    throughput_of_limit: float | None
    greedy_advantage: float | None
    share: float | None

    @property
    def useful(self) -> int:
        """Turns that were completed and not lost: goodput."""
        return self.completed - self.lost

    def as_json(self) -> dict[str, Any]:
        """The figures, rounded."""
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in (asdict(self) | {"useful": self.useful}).items()
        }


def score(
    work: Work, agents: int, turns: Sequence[Turn], foreign: Sequence[Turn], attempts: Sequence[Attempt]
) -> Score:
    """The figures of a run with so many agents in all; `turns` are those of the fleet that is measured."""
    begin, end = work.bench.event
    own = [one for one in attempts if one.own]
    whole = [turn for turn in turns if turn.outcome == Outcome.WHOLE]
    killed, lost = deaths(turns, work.fleet.checkpoint)
    delays = sorted(turn.ended - turn.began - turn.stream for turn in whole)
    running = running_streams(own, int(work.bench.horizon))
    served = work.served(agents)
    return Score(
        completed=len(whole),
        lost=lost,
        failures=sum(turn.outcome == Outcome.FAILED for turn in turns),
        agents_killed=killed,
        attempts=len(own),
        attempts_per_success=len(own) / len(whole) if whole else None,
        attempts_of_unavoidable=against_unavoidable(work, own),
        refused_in_event=sum(begin <= one.at <= end and refused(one) for one in own),
        refused_429=sum(one.status == 429 for one in own),
        recovery_s=recovery(running, int(begin), int(end)),
        delay_p50=percentile(delays, 0.50),
        delay_p95=percentile(delays, 0.95),
        delay_p99=percentile(delays, 0.99),
        jain=jain(completed_by(whole, [n for n in range(work.own(agents)) if work.width(n) == 1])),
        throughput_of_limit=throughput(work.scenario.limits, served.limits, own, begin, end),
        greedy_advantage=greedy_advantage(work, agents, whole),
        share=share(whole, foreign) if work.fleet.foreign else None,
    )


def refused(one: Attempt) -> bool:
    """Whether limits or capacity refused it."""
    return one.admitted is None and one.status in (429, 503, 529)


def deaths(turns: Iterable[Turn], checkpoint: int) -> tuple[int, int]:
    """How often an agent died, and how many completed turns since its last checkpoint were lost by that.

    An agent dies when all requests of one ask have ended and one of them failed.
    """
    asks: dict[int, dict[int, Counter[int]]] = {}
    for turn in turns:
        asks.setdefault(turn.agent, {}).setdefault(turn.ask, Counter())[turn.outcome] += 1
    killed = lost = 0
    for of_agent in asks.values():
        since = 0
        for _, outcomes in sorted(of_agent.items()):
            since = (since + outcomes[Outcome.WHOLE]) % checkpoint
            if outcomes[Outcome.FAILED] and not outcomes[Outcome.OPEN]:
                killed, lost, since = killed + 1, lost + since, 0
    return killed, lost


def running_streams(attempts: Iterable[Attempt], horizon: int) -> list[int]:
    """How many streams ran at each whole second from 0 to the horizon."""
    change = [0] * (horizon + 2)
    for one in attempts:
        if one.admitted is not None:
            change[min(horizon + 1, math.ceil(one.admitted))] += 1
            change[min(horizon + 1, math.ceil(one.ended))] -= 1
    levels, level = [], 0
    for second in range(horizon + 1):
        level += change[second]
        levels.append(level)
    return levels


def recovery(running: Sequence[int], begin: int, end: int) -> float | None:
    """Seconds from the end of an event to the first at which running streams are back.

    None where there was no time before the event to compare with, or none after it.
    """
    if begin <= LEVEL_OVER or end >= len(running) - 1:
        return None
    before = sum(running[begin - LEVEL_OVER : begin]) / LEVEL_OVER
    for second in range(end, len(running)):
        if sum(running[second - SMOOTH + 1 : second + 1]) / SMOOTH >= LEVEL * before:
            return float(second - end)
    return float(len(running) - 1 - end)


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The value below which this share of the values lies."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def jain(counts: Sequence[int]) -> float:
    """Jain's index of fairness: 1 when all are equal, 1/n when one has all; 0 when there is nothing."""
    total = sum(counts)
    return total * total / (len(counts) * sum(count * count for count in counts)) if total else 0.0


def completed_by(whole: Iterable[Turn], agents: Sequence[int]) -> list[int]:
    """Completed turns of each of these agents."""
    found = Counter(turn.agent for turn in whole)
    return [found[agent] for agent in agents]


def throughput(
    given: LimitsModel, limits: LimitsModel, attempts: Iterable[Attempt], begin: float, end: float
) -> float | None:
    """The larger share that was used of what the buckets of requests and of input tokens gave in a window.

    None where the scenario names neither.
    """
    usual = LimitsModel()
    named = [
        given.requests_per_minute != usual.requests_per_minute,
        given.input_tokens_per_minute != usual.input_tokens_per_minute,
    ]
    if not any(named):
        return None
    inside = [one for one in attempts if one.admitted is not None and begin <= one.admitted < end]
    # A request takes no more than a bucket holds, which for a single agent may be less than one request.
    request = min(1.0, limits.requests_per_minute / 60 * limits.burst_s)
    most = limits.input_tokens_per_minute / 60 * limits.burst_s
    minutes = (end - begin) / 60
    shares = (
        len(inside) * request / (limits.requests_per_minute * minutes),
        sum(min(one.tokens, most) for one in inside) / (limits.input_tokens_per_minute * minutes),
    )
    return max(share for share, counts in zip(shares, named, strict=True) if counts)


def against_unavoidable(work: Work, attempts: Sequence[Attempt]) -> float | None:
    """Attempts against the sum of 1/(1 - e) over those let in; None where nothing is refused whatever the load."""
    model = work.scenario.capacity
    if model is None or not (model.refuse or any(phase.refuse for phase in model.phases)):
        return None
    needed = sum(
        1 / max(1e-3, 1 - work.refused(one.admitted)) for one in attempts if one.admitted is not None
    )
    return len(attempts) / needed if needed else None


def greedy_advantage(work: Work, agents: int, whole: Iterable[Turn]) -> float | None:
    """How many times the turns of a single agent a greedy one had while capacity was short."""
    begin, end = work.bench.event
    inside = [turn for turn in whole if begin + SETTLED <= turn.ended <= end]
    numbers = range(work.own(agents))
    greedy = completed_by(inside, [n for n in numbers if work.width(n) > 1])
    single = completed_by(inside, [n for n in numbers if work.width(n) == 1])
    if not greedy or not sum(single):
        return None
    return (sum(greedy) / len(greedy)) / (sum(single) / len(single))


def share(whole: Sequence[Turn], foreign: Iterable[Turn]) -> float | None:
    """The share of all completed turns that our own agents had."""
    others = sum(turn.outcome == Outcome.WHOLE for turn in foreign)
    return len(whole) / (len(whole) + others) if whole or others else None


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of those that are there."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


Row = Mapping[str, Any]
"""A run as an object of `rows`: its scenario, agents, seed, through, and the figures of its score."""


def of_oracle(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows with `goodput_of_oracle` (percent) and the oracle's own delays and fairness beside theirs."""
    oracles = {(r["scenario"], r["agents"], r["seed"]): r for r in rows if r["through"] == "oracle"}
    done = []
    for row in rows:
        best = oracles.get((row["scenario"], row["agents"], row["seed"]))
        more: dict[str, Any] = {"goodput_of_oracle": None}
        if best is not None and best["useful"]:
            more["goodput_of_oracle"] = round(100 * row["useful"] / best["useful"], 2)
        if best is not None:
            more |= {f"oracle_{name}": best[name] for name in ("delay_p50", "delay_p95", "delay_p99", "jain")}
        done.append({**row, **more})
    return done
