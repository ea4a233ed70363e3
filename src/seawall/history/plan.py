"""When heavy work fails least: the coming hours by the rates of one's own past, and nothing where that is chance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from seawall.history.rates import Hours, Rate, Slot

HOUR = 3600
WINDOWS = 2
"""So many good windows are named."""
LONGEST = 8
"""Hours of a window: "some time today" is no plan."""

Offset = Callable[[float], int]
"""Minutes east of UTC at a moment (UTC seconds)."""


@dataclass(frozen=True, slots=True)
class Window:
    """Coming hours, from `start` up to `end` (UTC seconds), and what failed at such hours."""

    start: float
    end: float
    rate: Rate


@dataclass(frozen=True, slots=True)
class Outlook:
    """What can be said of the coming hours."""

    best: Sequence[Window] = ()
    """The first is the best; none without a clear pattern."""
    avoid: Window | None = None
    known: int = 0
    """Coming hours of which enough is known."""


def coming(found: Hours, now: float, ahead: int, offset: Offset, least: int) -> list[Window]:
    """The coming hours (this one is the first), each with its rate: of its weekday, else of every day.

    Hours with fewer than `least` calls on record are left out.
    """
    return [window for window, _ in _known(found, now, ahead, offset, least)]


def _known(found: Hours, now: float, ahead: int, offset: Offset, least: int) -> list[tuple[Window, Slot]]:
    first = int(now // HOUR) * HOUR
    hours = []
    for start in range(first, first + ahead * HOUR, HOUR):
        date, hour = divmod((start // 60 + offset(start)) // 60, 24)
        week, day = Slot((date + 3) % 7, hour), Slot(None, hour)
        for slot, rate in ((week, found.cells.get(week)), (day, found.by_hour.get(day))):
            if rate is not None and rate.calls >= least:
                hours.append((Window(max(now, start), start + HOUR, rate), slot))
                break
    return hours


def planned(found: Hours, now: float, ahead: int, offset: Offset, least: int) -> Outlook:
    """The best windows and the worst in the coming `ahead` hours.

    Quiet hours are nearer to the best than to the middle one, and among the better quarter; busy ones likewise, and
    worse than all hours together on most of their dates: some outages are no pattern. They are named only where they
    differ for sure: the intervals of best and worst, as wide as dates differ, do not overlap.
    """
    hours = _known(found, now, ahead, offset, least)
    if found.spread is None or len(hours) < 4:
        return Outlook(known=len(hours))
    shares = sorted(one.rate.share for one, _ in hours)
    quarter, middle = (len(shares) - 1) // 4, median(shares)
    low = min(shares[quarter], (shares[0] + middle) / 2)
    high = max(shares[-1 - quarter], (shares[-1] + middle) / 2)
    often = found.total.share
    quiet = _runs([one for one, _ in hours if one.rate.share <= low])
    busy = _runs(
        [one for one, slot in hours if one.rate.share >= high > low and found.usual.get(slot, 0.0) > often]
    )
    if not quiet or not busy:
        return Outlook(known=len(hours))
    best = sorted(quiet, key=lambda one: (one.rate.share, one.start - one.end, one.start))
    worst = max(busy, key=lambda one: (one.rate.share, one.end - one.start))
    among = len(hours)
    # Of the worst, also the middle one of its dates: one outage among four dates is no habit of that hour.
    usual = min(found.usual[slot] for one, slot in hours if worst.start <= one.start < worst.end)
    ceiling = min(usual, worst.rate.interval(among, found.spread)[0])
    sure = [one for one in best if one.rate.interval(among, found.spread)[1] < ceiling]
    return Outlook(sure[:WINDOWS], worst if sure else None, len(hours))


def _runs(hours: Sequence[Window]) -> list[Window]:
    """Hours that follow each other, as one, up to the longest."""
    runs: list[Window] = []
    for one in hours:
        last = runs[-1] if runs else None
        if last is not None and last.end == one.start and one.end - last.start <= LONGEST * HOUR:
            runs[-1] = Window(last.start, one.end, last.rate + one.rate)
        else:
            runs.append(one)
    return runs


@dataclass(frozen=True, slots=True)
class Batch:
    """Whether work could go to the Message Batches API, and why not."""

    fits: bool
    reason: str


BATCH_CALLS = 50
BATCH_DEADLINE = 86400.0
"""A batch is done within 24 hours (Anthropic's documentation)."""


def batch(sdk: bool, calls: int | None, deadline: float | None) -> Batch:
    """Work through the SDK or an API key that nobody waits for: 50 calls or more, or a day or more until it is due."""
    if not sdk:
        return Batch(False, "Claude Code waits for its answers: only work through the SDK can be a batch")
    if deadline is not None and deadline < BATCH_DEADLINE:
        return Batch(False, "a batch may take 24 h, and this is due earlier")
    if (calls or 0) >= BATCH_CALLS or deadline is not None:
        return Batch(True, "half the price, done within 24 h")
    return Batch(False, f"fewer than {BATCH_CALLS} calls, and no deadline of a day or more")
