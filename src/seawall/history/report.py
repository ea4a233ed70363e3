"""What is said of a span of time: all of it in one value, and two spans beside each other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from seawall.history.durations import Lasting, curve
from seawall.history.episodes import Episode
from seawall.history.latency import Delays
from seawall.history.outlook import Outlook, lasting
from seawall.history.rates import Hours, Rate, changed
from seawall.store.bursts import HourCount, ModelCount, Note

HOUR = 3600.0
DAY = 86400.0
SEVERAL = 7
"""Parts of a span that is compared, as far as it has hours: how they differ says what may be chance."""


@dataclass(frozen=True, slots=True)
class CauseLine:
    """The episodes of one cause. Lengths in seconds; None where too little is known."""

    cause: str
    episodes: int
    calls: int
    p50: float | None
    p90: float | None
    mean: float | None
    """Of those that were seen to end: long tails make it mislead."""
    longest: Lasting


@dataclass(frozen=True, slots=True)
class Report:
    """A span of time, in UTC seconds since 1970."""

    since: float
    until: float
    counts: Sequence[HourCount]
    hours: Hours
    episodes: Sequence[Episode]
    models: Sequence[ModelCount]
    held: int
    """Calls that succeeded after failures."""
    waited: float
    """Seconds that those were held, together."""
    outlooks: Sequence[tuple[Episode, Outlook]] = ()
    """What goes on, and what is to be expected of it."""
    future: int = 0
    """Recorded attempts that lie in the future, left out."""
    notes: Sequence[Note] = ()
    """What was noted of its episodes."""
    last_notes: Mapping[str, Note] = field(default_factory=dict)
    """What was noted the last time, by the id of the episode that goes on."""
    delays: Delays = field(default_factory=Delays)
    """How long answers took to begin."""

    @property
    def given_up(self) -> int:
        return sum(one.given_up for one in self.episodes)

    @property
    def broken(self) -> int:
        return sum(one.broken for one in self.episodes)

    @property
    def holds(self) -> tuple[float, float] | None:
        """The shortest and the longest time that a call was held which was given up."""
        known = [one.holds for one in self.episodes if one.holds is not None]
        return (min(a for a, _ in known), max(b for _, b in known)) if known else None

    @property
    def recovered_share(self) -> float | None:
        """Of the calls that were held until they succeeded or were given up; None where none was."""
        ended = self.held + self.given_up - sum(one.unheld for one in self.episodes)
        return self.held / ended if ended else None

    @property
    def empty(self) -> bool:
        return not (self.counts or self.episodes or self.held)


@dataclass(frozen=True, slots=True)
class Span:
    """One side of a comparison."""

    since: float
    until: float
    rate: Rate
    episodes: int
    p50: float | None
    lost: int
    first_at: float | None = None
    """The hour in which the first attempt of it is on record, in UTC seconds."""
    parts: Sequence[Rate] = ()
    """Of its dates, or of its sevenths where it is shorter than a week."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two spans, and whether the share of failures has changed: -1 fewer, 1 more, 0 if that may be chance."""

    before: Span
    after: Span
    bounds: tuple[float, float] | None
    """Of the change, 95 % sure; None where a side has too few calls, or both have too few hours."""
    verdict: int


def causes(episodes: Iterable[Episode]) -> list[CauseLine]:
    """A line for each cause, those with most episodes first."""
    by_cause: dict[str, list[Episode]] = {}
    for one in episodes:
        by_cause.setdefault(one.cause, []).append(one)
    lines = []
    for cause, rows in by_cause.items():
        lengths = lasting(rows)
        found = curve(lengths)
        seen = [one.seconds for one in lengths if one.ended]
        lines.append(
            CauseLine(
                cause,
                len(rows),
                sum(one.calls for one in rows),
                found.within(0.5),
                found.within(0.9),
                sum(seen) / len(seen) if seen else None,
                max(lengths, key=lambda one: (one.seconds, not one.ended)),
            )
        )
    return sorted(lines, key=lambda line: (-line.episodes, line.cause))


def span(since: float, until: float, counts: Iterable[HourCount], episodes: Iterable[Episode]) -> Span:
    """What is compared of the time from `since` up to `until`."""
    rows = [one for one in counts if since <= one.hour * HOUR < until]
    begun = [one for one in episodes if since <= one.opened_at < until]
    part = min(DAY, max(HOUR, (until - since) / SEVERAL))
    parts: dict[int, Rate] = {}
    for one in rows:
        at = int((one.hour * HOUR - since) // part)
        parts[at] = parts.get(at, Rate()) + Rate(one.attempts, one.failed, one.repeats)
    return Span(
        since,
        until,
        sum(parts.values(), Rate()),
        len(begun),
        curve(lasting(begun)).within(0.5),
        sum(one.given_up + one.broken for one in begun),
        min((one.hour * HOUR for one in rows), default=None),
        tuple(parts.values()),
    )


def compared(before: Span, after: Span) -> Comparison:
    """The two beside each other."""
    if not (before.rate.enough and after.rate.enough):
        return Comparison(before, after, None, 0)
    bounds = changed(before.parts, after.parts)
    if bounds is None:
        return Comparison(before, after, None, 0)
    return Comparison(before, after, bounds, -1 if bounds[1] < 0 else 1 if bounds[0] > 0 else 0)
