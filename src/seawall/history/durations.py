"""How long episodes last, when some were not seen to end (Kaplan and Meier's estimate; decision 0025)."""

from collections.abc import Iterable
from dataclasses import dataclass

ENOUGH = 8
"""So many episodes before any percentile is named (user's surface, section 10)."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """One length in seconds; `ended` false where it lasted at least so long."""

    seconds: float
    ended: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """The share that lasts longer than a time, as steps: from `times[i]` on it is `shares[i]`."""

    times: tuple[float, ...]
    shares: tuple[float, ...]
    count: int
    """Of episodes, ended or not."""

    def beyond(self, seconds: float) -> float:
        """The share that lasts longer than this."""
        share = 1.0
        for time, after in zip(self.times, self.shares, strict=True):
            if time > seconds:
                break
            share = after
        return share

    def within(self, share: float) -> float | None:
        """Seconds in which this share (0 to 1) is over; None with too few, or where so many were not seen to end."""
        return self._reaches(1.0 - share) if self.count >= ENOUGH else None

    def half_over_after(self, age: float) -> float | None:
        """Of those that got to this age, half are over within so many more seconds; None where nobody knows."""
        there = self.beyond(age)
        if self.count < ENOUGH or there <= 0:
            return None
        at = self._reaches(there / 2)
        return None if at is None else max(0.0, at - age)

    def _reaches(self, share: float) -> float | None:
        # Shares are products of fractions: a half may come out a hair above a half.
        return next((t for t, s in zip(self.times, self.shares, strict=True) if s <= share + 1e-9), None)


def curve(lengths: Iterable[Lasting]) -> Curve:
    """The estimate from all lengths, those without an end among them.

    Whatever ends at the same moment as another is last seen ends first, as is usual.
    """
    rows = sorted(lengths, key=lambda one: (one.seconds, not one.ended))
    times: list[float] = []
    shares: list[float] = []
    share, left, at = 1.0, len(rows), 0
    while at < len(rows):
        seconds = rows[at].seconds
        same = at
        while same < len(rows) and rows[same].seconds == seconds:
            same += 1
        over = sum(one.ended for one in rows[at:same])
        if over:
            share *= (left - over) / left
            times.append(seconds)
            shares.append(share)
        left -= same - at
        at = same
    return Curve(tuple(times), tuple(shares), len(rows))
