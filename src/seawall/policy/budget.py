"""The last guard: how many refusals a lane may cause. Moments are monotonic seconds."""

import math

from seawall.config import Budget as Params

_BINS = 30


class Budget:
    """Counts acceptances and refusals of a sliding window; whatever the limiter thinks, it is not exceeded by more than
    what is under way, and one attempt each `1 / free_rate` seconds."""

    __slots__ = ("_accepted", "_at", "_bins", "_p", "_sent_at", "_width", "refused")

    def __init__(self, params: Params) -> None:
        self._p = params
        self._width = params.window / _BINS
        self._accepted = self.refused = 0
        """In the window, as it was at the last count or question."""
        self._bins = [(0, 0)] * _BINS
        self._at = 0
        """The bin of the newest count."""
        self._sent_at = -math.inf

    def when(self, now: float, foreign: bool) -> float:
        """The moment from which an attempt may go, where the refusals are our doing or not."""
        self._roll(now)
        p = self._p
        share = p.foreign_share if foreign else p.own_share
        if self.refused <= share * self._accepted + p.free_rate * p.window:
            return now
        return max(now, self._sent_at + 1 / p.free_rate)

    def refused_share(self, now: float) -> float:
        """Share of refusals among the verdicts of the window."""
        self._roll(now)
        return self.refused / max(1, self.refused + self._accepted)

    def send(self, now: float) -> None:
        """An attempt goes."""
        self._sent_at = now

    def count(self, now: float, *, refused: bool) -> None:
        """One attempt was taken, or refused for load."""
        self._roll(now)
        accepted, so_far = self._bins[self._at % _BINS]
        self._bins[self._at % _BINS] = (accepted + (not refused), so_far + refused)
        self._accepted += not refused
        self.refused += refused

    def _roll(self, now: float) -> None:
        """Forget what has left the window."""
        at = int(now / self._width)
        if at <= self._at:
            return
        for gone in range(self._at + 1, min(at, self._at + _BINS) + 1):
            accepted, refused = self._bins[gone % _BINS]
            self._accepted -= accepted
            self.refused -= refused
            self._bins[gone % _BINS] = (0, 0)
        self._at = at
