"""Who may send an attempt now.

Today a fixed number at a time, in the order of arrival. The control law (limiter, breaker, pacer, fair queue) takes
this place: callers only know `enter` and a permit's three endings.
"""

import asyncio
from collections import deque
from enum import StrEnum


class Ending(StrEnum):
    """How an attempt went, for whoever counts."""

    SUCCESS = "success"
    """The upstream took it: proof of a free place."""
    DROPPED = "dropped"
    """The upstream refused it for load."""
    IGNORE = "ignore"
    """It tells nothing of load."""


class Permit:
    """The right to one attempt. It ends once; later endings are nothing."""

    __slots__ = ("_admission", "_open")

    def __init__(self, admission: "Admission") -> None:
        self._admission = admission
        self._open = True

    def end(self, ending: Ending) -> None:
        """Give the place to the next."""
        if self._open:
            self._open = False
            self._admission._ended(ending)


class Admission:
    """A fixed limit on attempts under way."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._queue: deque[asyncio.Future[None]] = deque()
        self.inflight = 0

    async def enter(self) -> Permit:
        """A permit, when there is a place."""
        if self.inflight < self._limit:
            self.inflight += 1
            return Permit(self)
        place = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                self._queue.remove(place)
            else:
                self._ended(Ending.IGNORE)  # the place was ours already: pass it on
            raise
        return Permit(self)

    @property
    def queued(self) -> int:
        """How many wait."""
        return len(self._queue)

    def _ended(self, _ending: Ending) -> None:
        # A place goes straight to who waits longest, so that no newcomer slips in between.
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)
                return
        self.inflight -= 1
