"""Figures of all calls since the start, by route and model family: for `/metrics` and for the page.

A call costs a few additions; whoever reads does the work. Lengths are seconds.
"""

from array import array
from bisect import bisect_left
from collections import Counter, deque
from dataclasses import dataclass, field

BOUNDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0,
    32.0, 48.0, 64.0, 96.0, 128.0, 256.0, 512.0, 900.0,
)  # fmt: skip
"""Upper ends of the histograms' buckets: fine where a queue's delay is felt, and up to the longest hold."""
WINDOWS = (300.0, 3600.0, 86400.0)
"""The spans that the page shows."""
_MOST = 100
"""Pairs of route and family that are told apart; a client that makes up names gets the last one."""
_EACH = 60.0
_SELDOM = 900.0
OTHER = ("other", "other")


class Histogram:
    """How many values lay in each bucket (the last one: above all bounds), and their sum."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(BOUNDS, value)] += 1
        self.total += value


class Tally:
    """One route and family. It only grows."""

    __slots__ = ("added", "failed", "held", "holds", "succeeded", "upstream")

    def __init__(self) -> None:
        self.succeeded = 0
        self.failed: Counter[tuple[str, str]] = Counter()
        """Failed attempts by cause and by what became of their call then (`ended` of `store.rows`)."""
        self.added = Histogram()
        """From a call's arrival to its first attempt, of calls whose first attempt succeeded: Seawall's own part."""
        self.upstream = Histogram()
        """From there to the first content of the answer: the upstream's part."""
        self.held = Histogram()
        """From a call's arrival to its end, of calls that were held."""
        self.holds: Counter[str] = Counter()
        """The same calls, by how they ended (`ended` of `store.rows`)."""

    def mark(self) -> bytes:
        """Successes, failures and the upstream's buckets at this moment: 240 bytes, some hundred of which are kept."""
        return array("q", (self.succeeded, self.failed.total(), *self.upstream.counts)).tobytes()


_NOTHING = Tally().mark()


@dataclass(frozen=True, slots=True)
class Window:
    """What happened within a span. Lengths are until the first content, by the upstream alone."""

    seconds: float
    covered: float
    """Shorter than `seconds` where the gateway has not run so long."""
    attempts: int
    succeeded: int
    p50: float | None
    p90: float | None


@dataclass(slots=True)
class Tallies:
    """All of them, and how they stood a while ago."""

    by_name: dict[tuple[str, str], Tally] = field(default_factory=dict)
    _began: float | None = None
    _minutes: deque[tuple[float, dict[tuple[str, str], bytes]]] = field(
        default_factory=lambda: deque(maxlen=int(WINDOWS[1] / _EACH) + 2)
    )
    _quarters: deque[tuple[float, dict[tuple[str, str], bytes]]] = field(
        default_factory=lambda: deque(maxlen=int(WINDOWS[2] / _SELDOM) + 2)
    )

    def of(self, route: str, family: str) -> Tally:
        """Where this route and family are counted."""
        found = self.by_name.get((route, family))
        if found is None:
            key = (route, family) if len(self.by_name) < _MOST else OTHER
            found = self.by_name.setdefault(key, Tally())
        return found

    def sample(self, now: float) -> None:
        """Remember how they stand, if it is time. Called every few seconds; `now` only grows."""
        if self._began is None:
            self._began = now
        last = self._minutes[-1] if self._minutes else None
        if last is not None and now - last[0] < _EACH:
            return
        before = last[1] if last is not None else {}
        marks = {}
        for name, tally in self.by_name.items():
            mark = tally.mark()
            was = before.get(name)
            marks[name] = was if was == mark else mark  # one that is idle takes no more room
        if marks == before and last is not None:
            marks = before
        self._minutes.append((now, marks))
        if not self._quarters or now - self._quarters[-1][0] >= _SELDOM:
            self._quarters.append((now, marks))

    def windows(self, now: float) -> dict[tuple[str, str], tuple[Window, ...]]:
        """What happened in the last five minutes, hour and day, by route and family."""
        began = self._began if self._began is not None else now
        starts = [self._before(now - seconds) for seconds in WINDOWS]
        found = {}
        for name, tally in self.by_name.items():
            mark = tally.mark()
            found[name] = tuple(
                _window(seconds, now - (at if at is not None else began), marks.get(name, _NOTHING), mark)
                for seconds, (at, marks) in zip(WINDOWS, starts, strict=True)
            )
        return found

    def _before(self, moment: float) -> tuple[float | None, dict[tuple[str, str], bytes]]:
        """The last mark not after a moment; none where the gateway began after it."""
        rows = [row for row in (*self._quarters, *self._minutes) if row[0] <= moment]
        return max(rows, key=lambda row: row[0], default=(None, {}))


def _window(seconds: float, covered: float, start: bytes, end: bytes) -> Window:
    succeeded, failed, *counts = (
        now - then for now, then in zip(array("q", end), array("q", start), strict=True)
    )
    return Window(
        seconds, covered, succeeded + failed, succeeded, quantile(counts, 0.5), quantile(counts, 0.9)
    )


def quantile(counts: list[int], share: float) -> float | None:
    """The value that so large a share lies below, taken as spread evenly in its bucket; None of nothing."""
    total = sum(counts)
    if not total:
        return None
    wanted, seen = share * total, 0
    for index, count in enumerate(counts):
        if seen + count >= wanted and count:
            low = BOUNDS[index - 1] if index else 0.0
            high = BOUNDS[index] if index < len(BOUNDS) else BOUNDS[-1]
            return low + (high - low) * (wanted - seen) / count
        seen += count
    return BOUNDS[-1]
