"""How long answers took to begin, by the hour: in steps of a scale that never changes, so that hours can be added up.

The gateway counts each answer under the step that its time falls in; a median of any hours is had from the counts.
"""

from dataclasses import dataclass
from math import ceil, isfinite, log2
from typing import NamedTuple

from seawall.store.rows import Cell, Count, cells

PER_OCTAVE = 2
"""Steps in which the time doubles: a median is known to a fifth of itself, and an hour is a handful of rows."""
STEPS = 40
"""The last one ends at 17 min: an answer that took longer is counted there."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Answers of one hour whose first content came after about as long, by the upstream alone."""

    hour: int
    """Hours since 1970, UTC."""
    utc_offset: int
    """Minutes east of UTC at that hour."""
    route: str
    family: str
    step: int
    """From 0, as `step_of` has it."""
    answers: int


class HourLatency(NamedTuple):
    """The same of all routes together."""

    hour: int
    utc_offset: int
    step: int
    answers: int


def step_of(seconds: float) -> int:
    """The step that a length falls in: 0 is up to a millisecond, each further one longer by the root of two."""
    if not seconds > 0.001:
        return 0
    return min(STEPS, ceil(PER_OCTAVE * log2(seconds * 1000))) if isfinite(seconds) else STEPS


def ends(step: int) -> tuple[float, float]:
    """Between how many seconds the lengths of a step lie: more than the first, up to the second."""
    low, high = (0.001 * 2 ** (one / PER_OCTAVE) for one in (step - 1, step))
    return (low if step > 0 else 0.0), high


def latency_cells(row: Latency) -> tuple[Cell, ...] | None:
    """The row's values in the order of its fields, fit to be kept; None for one with an impossible number."""
    fit = cells(Count(row.hour, row.utc_offset, row.route, row.family, "", "", row.answers))
    if fit is None or not isinstance(row.step, int) or not 0 <= row.step <= STEPS:
        return None
    return (*fit[:4], row.step, fit[-1])
