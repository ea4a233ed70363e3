"""How long answers take to begin, by the hours of the week: medians of what the store has counted."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from seawall.history.rates import Slot, of_week, wall
from seawall.store.latency import HourLatency, ends


@dataclass(frozen=True, slots=True)
class Delay:
    """From the request to the first content of its answer; lengths in seconds, None where nothing was answered."""

    answers: int = 0
    p50: float | None = None
    p90: float | None = None


@dataclass(frozen=True, slots=True)
class Delays:
    """Of a span, and of each hour of the week in it."""

    total: Delay = field(default_factory=Delay)
    cells: Mapping[Slot, Delay] = field(default_factory=dict)


def delays(rows: Iterable[HourLatency]) -> Delays:
    """The rows by the wall clock of their time."""
    cells: dict[Slot, Counter[int]] = {}
    total: Counter[int] = Counter()
    for row in rows:
        steps = cells.setdefault(of_week(*wall(row.hour, row.utc_offset)), Counter())
        steps[row.step] += row.answers
        total[row.step] += row.answers
    return Delays(_delay(total), {slot: _delay(steps) for slot, steps in sorted(cells.items(), key=_order)})


def within(steps: Mapping[int, int], share: float) -> float | None:
    """The length in seconds that so large a share lies below, spread evenly in its step; None of nothing."""
    wanted, seen = share * sum(steps.values()), 0
    for step in sorted(steps):
        if steps[step] and seen + steps[step] >= wanted:
            low, high = ends(step)
            return low + (high - low) * (wanted - seen) / steps[step]
        seen += steps[step]
    return None


def _delay(steps: Mapping[int, int]) -> Delay:
    return Delay(sum(steps.values()), within(steps, 0.5), within(steps, 0.9))


def _order(cell: tuple[Slot, object]) -> tuple[int, int]:
    return cell[0].weekday or 0, cell[0].hour
