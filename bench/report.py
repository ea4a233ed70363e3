"""From rounds to figures, from figures to goals, from goals to the text that is printed. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.measure import middle, paired

Rounds = dict[str, dict[str, list[float]]]
"""Values by measure, then by target, one a round. Round n of all targets was measured at about the same time."""

DIRECT, NGINX, SEAWALL = "direct", "nginx", "seawall"


@dataclass(frozen=True, slots=True)
class Measure:
    """What was measured, and how its value is read from rounds: as it is, or beside the direct connection's."""

    name: str
    title: str
    unit: str
    added: bool = False
    """Of each round, the direct connection's value is taken off: what the gateway adds is left."""


MEASURES = (
    Measure("latency_p50", "added latency p50, 1 connection, 2 KB", "us", added=True),
    Measure("latency_p99", "added latency p99, 1 connection, 2 KB", "us", added=True),
    Measure("large_p50", "added latency p50, 1 connection, 500 KB", "us", added=True),
    Measure("requests", "requests a second of one core's time, 64 connections", "/s"),
    Measure("request_rate", "requests a second as they came", "/s"),
    Measure("request_cpu", "processor time a request", "us"),
    Measure("event_cpu", "processor time an SSE event, 500 streams x 50/s", "us"),
    Measure("event_delay_p99", "added event delay p99, 500 streams x 50/s", "us", added=True),
    Measure("held_kb", "a call held after a 529, beside its body", "KB"),
    Measure("held_total", "resident memory with 1000 such calls", "MB"),
    Measure("stream_kb", "an open stream, beside its request's body", "KB"),
    Measure("stream_total", "resident memory with 1000 such streams", "MB"),
    Measure("start", "start to first answered request", "ms"),
    Measure("decision_0", "a decision of the control law, nobody queued", "us"),
    Measure("decision_100", "a decision of the control law, 100 queued", "us"),
    Measure("decision_10000", "a decision of the control law, 10 000 queued", "us"),
)


@dataclass(frozen=True, slots=True)
class Goal:
    """What a measure of Seawall should come to; where `of` names a target, as a multiple of that one's value."""

    measure: str
    bound: float
    of: str | None = None
    at_least: bool = False


# From the table of goals; those of whole fleets are `seawall bench`'s.
GOALS = (
    Goal("latency_p50", 1.4, NGINX),
    Goal("latency_p99", 2.0, NGINX),
    Goal("requests", 0.7, NGINX, at_least=True),
    Goal("event_cpu", 1.4, NGINX),
    Goal("event_delay_p99", 500.0),
    Goal("large_p50", 700.0),
    Goal("held_kb", 8.0),
    Goal("held_total", 40.0),
    Goal("stream_kb", 8.0),
    Goal("stream_total", 40.0),
    Goal("start", 200.0),
    Goal("decision_0", 20.0),
    Goal("decision_100", 20.0),
    Goal("decision_10000", 20.0),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal beside what was measured; `value` None where it could not be."""

    goal: Goal
    title: str
    unit: str
    value: float | None
    reached: bool


def figures(rounds: Rounds) -> dict[str, dict[str, float]]:
    """The middle value of each measure, by target; of what is added, nothing for the direct connection."""
    found: dict[str, dict[str, float]] = {}
    for measure in MEASURES:
        by_target = rounds.get(measure.name, {})
        found[measure.name] = {
            target: middle(_values(measure, by_target, target))
            for target in by_target
            if not (measure.added and target == DIRECT)
        }
    return {name: values for name, values in found.items() if values}


def ratios(rounds: Rounds) -> dict[str, float]:
    """Seawall's value over nginx's by measure: the middle of the rounds' own ratios."""
    found = {}
    for measure in MEASURES:
        by_target = rounds.get(measure.name, {})
        if SEAWALL not in by_target or NGINX not in by_target:
            continue
        pairs = paired(_values(measure, by_target, SEAWALL), _values(measure, by_target, NGINX))
        each = [ours / theirs for ours, theirs in pairs if theirs > 0]
        if each:
            found[measure.name] = middle(each)
    return found


def verdicts(rounds: Rounds) -> list[Verdict]:
    """Every goal, in the order of the table."""
    absolute, relative = figures(rounds), ratios(rounds)
    by_name = {measure.name: measure for measure in MEASURES}
    found = []
    for goal in GOALS:
        measure = by_name[goal.measure]
        value = relative.get(goal.measure) if goal.of else absolute.get(goal.measure, {}).get(SEAWALL)
        reached = value is not None and (value >= goal.bound if goal.at_least else value <= goal.bound)
        unit = f"x {goal.of}" if goal.of else measure.unit
        found.append(Verdict(goal, measure.title, unit, value, reached))
    return found


def text(rounds: Rounds, notes: Sequence[str]) -> str:
    """What is printed: goals and ratios first, then the figures, then what a reader must know of the run."""
    lines = ["Goals", *(f"  {line}" for line in map(_verdict, verdicts(rounds))), ""]
    lines += ["Figures (compare them within this run only)", *_table(figures(rounds)), ""]
    return "\n".join([*lines, *notes])


def _values(measure: Measure, by_target: Mapping[str, list[float]], target: str) -> list[float]:
    values = by_target[target]
    if not measure.added:
        return values
    return [value - base for value, base in paired(values, by_target[DIRECT])]


def _verdict(verdict: Verdict) -> str:
    goal, value = verdict.goal, verdict.value
    sign = ">=" if goal.at_least else "<="
    wanted = f"{sign} {_number(goal.bound)} {verdict.unit}"
    if value is None:
        return f"{verdict.title:<52} {'not measured':>14}   goal {wanted}"
    said = "reached" if verdict.reached else f"short by {_share(value, goal.bound):.0%}"
    return f"{verdict.title:<52} {_number(value):>8} {verdict.unit:<8} goal {wanted:<18} {said}"


def _share(value: float, bound: float) -> float:
    return abs(value - bound) / bound


def _table(found: Mapping[str, Mapping[str, float]]) -> list[str]:
    number: Callable[[Mapping[str, float], str], str] = lambda values, target: (  # noqa: E731
        _number(values[target]) if target in values else "-"
    )
    lines = [f"  {'':<52} {DIRECT:>9} {NGINX:>9} {SEAWALL:>9}"]
    for measure in MEASURES:
        if measure.name in found:
            values = found[measure.name]
            cells = " ".join(f"{number(values, target):>9}" for target in (DIRECT, NGINX, SEAWALL))
            lines.append(f"  {measure.title:<52} {cells} {measure.unit}")
    return lines


def _number(value: float) -> str:
    """Three figures, or all before the point."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 1 else f"{value:.2f}"
