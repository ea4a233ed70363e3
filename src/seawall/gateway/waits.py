"""Waits of many calls on one timer: each costs a heap entry, where a sleep of its own costs a timer and two frames."""

import asyncio
from heapq import heappop, heappush


class Waits:
    """Moments that somebody waits for, on the loop's clock."""

    __slots__ = ("_heap", "_loop", "_next", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[tuple[float, int, asyncio.Future[None]]] = []
        self._next = 0
        """Entries of one moment come in the order in which they were made."""
        self._timer: asyncio.TimerHandle | None = None

    def until(self, at: float) -> asyncio.Future[None]:
        """What is done at `at`. Cancelling it is leaving."""
        done = self._loop.create_future()
        self._next += 1
        heappush(self._heap, (at, self._next, done))
        if self._heap[0][2] is done:
            self._arm()
        return done

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._heap[0][0], self._wake)

    def _wake(self) -> None:
        self._timer = None
        heap, now = self._heap, self._loop.time()
        # A timer may ring a moment early: the clock it counts by is coarser.
        while heap and (heap[0][0] <= now + 0.001 or heap[0][2].done()):
            done = heappop(heap)[2]
            if not done.done():
                done.set_result(None)
        if heap:
            self._arm()
