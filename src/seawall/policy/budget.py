"""The last guard: how many refusals a lane may cause. Moments are monotonic seconds."""

import math

from seawall.config import Budget as Params


class Budget:
    """An account of refusals: each costs one, each acceptance pays for `share` of them, and a few are free with time.

    Where it is used up, one attempt goes each `1 / free_rate` seconds. Nothing is owed beyond that: a few acceptances
    are enough to go on as before. (Counts of a window would keep a lane shut for minutes after its brownout is over.)
    """

    __slots__ = ("_accepted", "_at", "_left", "_p", "_refused", "_sent_at")

    def __init__(self, params: Params) -> None:
        self._p = params
        self._left = params.most
        self._accepted = self._refused = 0.0
        """So many lately; each fades within `window`, reckoned to the second."""
        self._at, self._sent_at = 0.0, -math.inf

    def when(self, now: float) -> float:
        """The moment from which an attempt may go."""
        if self._left < 1:
            self._move_to(now)
        return now if self._left >= 1 else max(now, self._sent_at + 1 / self._p.free_rate)

    def refused_share(self, now: float) -> float:
        """Share of refusals among the verdicts of lately."""
        self._move_to(now)
        return self._refused / max(1.0, self._refused + self._accepted)

    def send(self, now: float) -> None:
        """An attempt goes."""
        self._sent_at = now

    def count(self, now: float, *, refused: bool) -> None:
        """One attempt was taken, or refused for load."""
        if not refused and self._left == self._p.most and now - self._at < 1:
            self._accepted += 1  # as nearly always: nothing is owed, and how they fade can wait
            return
        self._move_to(now)
        if refused:
            self._refused += 1
            self._left = max(0.0, self._left - 1)
        else:
            self._accepted += 1
            left, most = self._left + self._p.share, self._p.most
            self._left = left if left < most else most

    def _move_to(self, now: float) -> None:
        gone, p = now - self._at, self._p
        if gone <= 0:
            return
        kept = math.exp(-gone / p.window)
        self._accepted *= kept
        self._refused *= kept
        left = self._left + gone * p.free_rate
        self._left = left if left < p.most else p.most
        self._at = now
