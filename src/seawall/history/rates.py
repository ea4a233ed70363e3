"""Rates of failure by hour and weekday, with intervals; what may be called busiest, and what has changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import NormalDist, median_low

from seawall.store.bursts import HourCount

ENOUGH = 20
"""Calls of a cell; with fewer it is blank, not green (user's surface, section 10)."""
SURE = 0.95
PARTS = 4
"""So many parts of two spans more than the spans themselves before it can be said whether they differ."""
DATES = 2
"""So many dates more than one of the same hour, on average, before it can be said how much they differ."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`failed` of `attempts`."""

    attempts: int = 0
    failed: int = 0
    repeats: int = 0
    """Attempts that were not their call's first."""

    @property
    def calls(self) -> int:
        return self.attempts - self.repeats

    @property
    def share(self) -> float:
        """0 to 1; 0 of nothing."""
        return self.failed / self.attempts if self.attempts else 0.0

    @property
    def enough(self) -> bool:
        """Whether it may be named: a call that is tried twenty times in an outage is still one."""
        return self.calls >= ENOUGH

    def interval(self, among: int = 1, spread: float = 1.0, wide: float = 1.0) -> tuple[float, float]:
        """Wilson's interval.

        With `among` others such that all of them hold at once in 95 % of cases. `spread`: so many attempts fail
        together, and tell as much as one. `wide`: how much wider it is as that is only an estimate.
        """
        if not self.attempts:
            return 0.0, 1.0
        z = wide * NormalDist().inv_cdf(1 - (1 - SURE) / 2 / max(1, among))
        n, p = self.attempts / spread, self.share
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    def __add__(self, other: "Rate") -> "Rate":
        return Rate(self.attempts + other.attempts, self.failed + other.failed, self.repeats + other.repeats)


@dataclass(frozen=True, slots=True)
class Slot:
    """An hour of a weekday (Monday is 0), or of every day (None), by the wall clock of the time."""

    weekday: int | None
    hour: int


@dataclass(slots=True)
class Hours:
    """Rates by the wall clock."""

    cells: dict[Slot, Rate] = field(default_factory=dict)
    """Of each hour of the week."""
    by_hour: dict[Slot, Rate] = field(default_factory=dict)
    """Of each hour of the day."""
    total: Rate = field(default_factory=Rate)
    days: int = 0
    """Dates with attempts."""
    spread: float | None = None
    """How much more the same hour differs from date to date than chance alone would have it, at least 1: failures
    come in outages. None where too few dates are known."""
    usual: dict[Slot, float] = field(default_factory=dict)
    """The share on the middle one of a slot's dates, the lower of two."""


@dataclass(frozen=True, slots=True)
class Extremes:
    """The hours that may be named, with their rates."""

    busiest: Slot
    quietest: Slot


def wall(hour: int, utc_offset: int) -> tuple[int, int]:
    """The date (days since 1970) and the hour of the day that a clock showed in this hour (since 1970, UTC).

    Where the offset is no whole hour, an hour counts as the one in which it begins.
    """
    return divmod((hour * 60 + utc_offset) // 60, 24)


def of_week(date: int, hour: int) -> Slot:
    """The hour of the week."""
    return Slot((date + 3) % 7, hour)  # 1 January 1970 was a Thursday


def hours(counts: Iterable[HourCount]) -> Hours:
    """Counts by the wall clock of their time, so that daylight saving does not smear."""
    found = Hours()
    rates: dict[tuple[int, int], Rate] = {}
    for row in counts:
        date, hour = wall(row.hour, row.utc_offset)
        rates[date, hour] = rates.get((date, hour), Rate()) + Rate(row.attempts, row.failed, row.repeats)
    for (date, hour), rate in rates.items():
        week = of_week(date, hour)
        day = Slot(None, hour)
        found.cells[week] = found.cells.get(week, Rate()) + rate
        found.by_hour[day] = found.by_hour.get(day, Rate()) + rate
        found.total += rate
    found.days = len({date for date, _ in rates})
    found.spread = _spread(rates, found)
    shares: dict[Slot, list[float]] = {}
    for (date, hour), rate in rates.items():
        for slot in (of_week(date, hour), Slot(None, hour)):
            shares.setdefault(slot, []).append(rate.share)
    found.usual = {slot: median_low(dates) for slot, dates in shares.items()}
    return found


def _spread(rates: Mapping[tuple[int, int], Rate], found: Hours) -> float | None:
    """Pearson's dispersion (quasi-binomial) of dates about their hour: of the week, with a month of data or so."""
    for weekly in (True, False):
        cells = found.cells if weekly else found.by_hour
        excess, free = 0.0, -len(cells)
        for (date, hour), rate in rates.items():
            expected = cells[of_week(date, hour) if weekly else Slot(None, hour)].share
            free += 1
            if 0 < expected < 1:
                chance = rate.attempts * expected * (1 - expected)
                excess += (rate.failed - rate.attempts * expected) ** 2 / chance
        if cells and free >= DATES * len(cells):
            return max(1.0, excess / free)
    return None


def extremes(found: Hours) -> Extremes | None:
    """The busiest and the quietest hour of the week, else of the day; None without a clear pattern.

    They are named only if their intervals do not overlap. The intervals hold for all hours at once: the highest of
    168 equal rates lies above the lowest by far more than two plain intervals. They are as wide as dates differ, and
    the busiest hour is worse than all together on most of its dates: some outages are no pattern.
    """
    if found.spread is None:
        return None
    for slots in (found.cells, found.by_hour):
        known = {slot: rate for slot, rate in slots.items() if rate.enough}
        often = [slot for slot in known if found.usual[slot] > found.total.share]
        if len(known) < 2 or not often:
            continue
        busiest = max(often, key=lambda slot: (known[slot].share, known[slot].attempts))
        quietest = min(known, key=lambda slot: (known[slot].share, -known[slot].attempts))
        among, spread = len(known), found.spread
        if known[busiest].interval(among, spread)[0] > known[quietest].interval(among, spread)[1]:
            return Extremes(busiest, quietest)
    return None


def difference(before: Rate, after: Rate, spread: float = 1.0, wide: float = 1.0) -> tuple[float, float]:
    """Between which bounds the share has changed (after less before), 95 % sure: Newcombe's interval from Wilson's."""
    low_1, high_1 = before.interval(1, spread, wide)
    low_2, high_2 = after.interval(1, spread, wide)
    change = after.share - before.share
    down = sqrt((after.share - low_2) ** 2 + (high_1 - before.share) ** 2)
    up = sqrt((high_2 - after.share) ** 2 + (before.share - low_1) ** 2)
    return change - down, change + up


def changed(before: Sequence[Rate], after: Sequence[Rate]) -> tuple[float, float] | None:
    """The same of two spans that are known part by part, dates say; None where there are too few parts to tell.

    Attempts fail in outages: how much the parts of one span differ among themselves says what may be chance.
    """
    sides = [(sum(parts, Rate()), [one for one in parts if one.attempts]) for parts in (before, after)]
    free, excess = -len(sides), 0.0
    for whole, parts in sides:
        free += len(parts)
        if 0 < whole.share < 1:
            expected = [one.attempts * whole.share for one in parts]
            excess += sum(
                (one.failed - n) ** 2 / (n * (1 - whole.share))
                for one, n in zip(parts, expected, strict=True)
            )
    if free < PARTS:
        return None
    return difference(sides[0][0], sides[1][0], max(1.0, excess / free), _wider(free))


def _wider(free: int) -> float:
    """By how much Student's t is wider than the normal distribution, at 95 % (Fisher's expansion)."""
    z = NormalDist().inv_cdf(1 - (1 - SURE) / 2) ** 2
    return 1 + (z + 1) / (4 * free) + (5 * z * z + 16 * z + 3) / (96 * free * free)
