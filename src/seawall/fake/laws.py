"""Two schedulers to compare with, in the benchmark's own process: one that knows the capacity, one textbook AIMD.

Both keep the fair queue that the gateway is designed to have; a law only says when the head of it may go.
Times are model seconds.
"""

import asyncio
import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from seawall.fake.agents import Asking
from seawall.fake.capacity import Capacity
from seawall.fake.limits import Lane
from seawall.fake.manners import Failed, Sender

POLL: Final = 0.1
"""How often the oracle looks whether there is room."""


class Law(Protocol):
    """Says when the next attempt may go, and learns from what becomes of those that went."""

    def when(self, now: float, tokens: float) -> float:
        """The moment from which an attempt may go; `math.inf`: not before something ends."""
        ...

    def sent(self, now: float, tokens: float) -> None: ...
    def accepted(self, now: float) -> None: ...
    def refused(self, now: float, retry_after: float | None) -> None:
        """Refused; with a `retry-after`, for a limit and not for load."""
        ...

    def ended(self, now: float) -> None:
        """An accepted stream is over."""
        ...


@dataclass(order=True, slots=True)
class _Waiting:
    tag: float
    number: int
    made: Asking = field(compare=False)
    answer: "asyncio.Future[str]" = field(compare=False)


class Scheduler:
    """A fair queue by agent in front of a law; what is refused keeps its place."""

    def __init__(self, law: Law, sender: Sender) -> None:
        self._law, self._sender, self._time = law, sender, sender.time
        self._queue: list[_Waiting] = []
        self._finish: dict[int, float] = {}
        self._virtual = 0.0
        self._number = 0
        self._wake: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, made: Asking) -> str:
        """Waits for its turn, again and again, until the whole answer is there."""
        start = max(self._virtual, self._finish.get(made.agent, 0.0))
        self._finish[made.agent] = start + made.drawn.guess / 1000 + 10
        self._number += 1
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, _Waiting(start, self._number, made, answer))
        self._pump()
        return await answer

    def _pump(self) -> None:
        """Send what may go; come back when more may."""
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        while self._queue:
            now, head = self._time.now(), self._queue[0]
            if head.answer.done():
                heapq.heappop(self._queue)
                continue
            moment = self._law.when(now, head.made.drawn.tokens)
            if moment > now:
                if moment < math.inf:
                    loop = asyncio.get_running_loop()
                    self._wake = loop.call_later((moment - now) / self._time.factor, self._pump)
                return
            heapq.heappop(self._queue)
            self._virtual = max(self._virtual, head.tag)
            self._law.sent(now, head.made.drawn.tokens)
            task = asyncio.get_running_loop().create_task(self._attempt(head))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _attempt(self, waiting: _Waiting) -> None:
        accepted = False

        def on_head(status: int) -> None:
            nonlocal accepted
            if status == 200:
                accepted = True
                self._law.accepted(self._time.now())
                self._pump()

        failed = await self._sender.attempt(waiting.made, on_head)
        now = self._time.now()
        if accepted:
            self._law.ended(now)
        else:
            self._law.refused(now, failed.retry_after if failed else None)
        self._over(waiting, failed, accepted)
        self._pump()

    def _over(self, waiting: _Waiting, failed: Failed | None, accepted: bool) -> None:
        if waiting.answer.done():
            return
        if failed is None:
            waiting.answer.set_result("")
        elif accepted or not _again(failed.why):
            waiting.answer.set_result(failed.why)
        else:
            heapq.heappush(self._queue, waiting)

    async def close(self) -> None:
        """Nothing is left running."""
        if self._wake is not None:
            self._wake.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _again(why: str) -> bool:
    return why.startswith(("status 429", "status 5", "no answer"))


# ---- the oracle --------------------------------------------------------------------------------------


class Oracle:
    """Knows the capacity and the limits; the faulty API never refuses what it sends for load.

    `arrived` is to be called for each of its attempts when it was let in, or refused after all.
    """

    def __init__(self, capacity: Capacity | None, lane: Callable[[], Lane]) -> None:
        self._capacity, self._lane = capacity, lane
        self._on_the_way = 0
        self._tokens = 0.0

    def arrived(self, tokens: float) -> None:
        """One attempt is counted by the faulty API from now on."""
        self._on_the_way -= 1
        self._tokens -= tokens

    def when(self, now: float, tokens: float) -> float:
        capacity = self._capacity
        if capacity is not None and capacity.wanted(now) + self._on_the_way > capacity.slots(now):
            return now + POLL
        return self._limited(now, tokens)

    def _limited(self, now: float, tokens: float) -> float:
        lane = self._lane()
        for bucket in (lane.requests, lane.input):
            bucket.fill(now)
        moment = now
        lacking = min(1.0, lane.requests.most) - lane.requests.level + self._on_the_way
        if lacking > 0:
            moment = now + lacking / lane.requests.rate
        # A little more than the request needs: its tokens are counted in whole numbers.
        need = min(tokens * 1.0005, lane.input.most)
        if lane.input.level - self._tokens < need:
            moment = max(moment, now + (need - lane.input.level + self._tokens) / lane.input.rate)
        if lane.too_fast(now, self._on_the_way):
            moment = max(moment, now + 2 * POLL)
        return moment if moment <= now else max(moment, now + 0.01)

    def sent(self, now: float, tokens: float) -> None:
        self._on_the_way += 1
        self._tokens += int(tokens)

    def accepted(self, now: float) -> None:
        pass

    def refused(self, now: float, retry_after: float | None) -> None:
        pass

    def ended(self, now: float) -> None:
        pass


# ---- the textbook ------------------------------------------------------------------------------------


class Breaker:
    """Opens after six refusals in a row with none accepted for two seconds; then one probe at a time."""

    STREAK: Final = 6
    QUIET: Final = 2.0
    FIRST: Final = 1.0
    GROWTH: Final = 1.6
    LONGEST: Final = 5.0

    def __init__(self, rng: random.Random) -> None:
        self.open = False
        self._rng = rng
        self._streak, self._last = 0, 0.0
        self._pause, self._next, self._probing = self.FIRST, 0.0, False

    def when(self, now: float) -> float:
        """When it lets the next attempt through."""
        if not self.open:
            return now
        return math.inf if self._probing else max(now, self._next)

    def sent(self) -> None:
        """An attempt goes; while open it is the probe."""
        self._probing = self.open

    def accepted(self, now: float) -> bool:
        """Whether this closed it."""
        self._streak, self._last, was = 0, now, self.open
        self.open = self._probing = False
        self._pause = self.FIRST
        return was

    def refused(self, now: float) -> None:
        """For load."""
        self._streak += 1
        if self.open:
            self._probing = False
            self._pause = min(self.LONGEST, self._pause * self.GROWTH)
        elif self._streak >= self.STREAK and now - self._last >= self.QUIET:
            self.open, self._probing, self._pause = True, False, self.FIRST
        else:
            return
        self._next = now + self._pause * self._rng.uniform(0.8, 1.2)


class Aimd:
    """A window that grows by one for each window of acceptances and is halved at a refusal, once a second at most.

    Below the level of the last halving it grows by one for each acceptance. A budget rations attempts after
    refusals; a limit's `retry-after` stops everything until it is over.
    """

    FIRST: Final = 10.0
    DOWN: Final = 0.5
    ONCE: Final = 1.0
    BUDGET: Final = 20.0
    BUDGET_RATE: Final = 0.5
    BUDGET_SHARE: Final = 0.2

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"{seed}:aimd")
        self._breaker = Breaker(self._rng)
        self._window, self._slow_until, self._before = self.FIRST, math.inf, self.FIRST
        self._inflight = 0
        self._halved, self._pause = -99.0, 0.0
        self._budget, self._filled, self._owed = self.BUDGET / 2, 0.0, 0

    def when(self, now: float, tokens: float) -> float:
        if (moment := self._breaker.when(now)) > now or self._breaker.open:
            return moment
        if self._inflight >= max(1, int(self._window)):
            return math.inf
        if now < self._pause:
            return self._pause
        if self._owed:
            self._budget = min(self.BUDGET, self._budget + (now - self._filled) * self.BUDGET_RATE)
            self._filled = now
            if self._budget < 1:
                return now + (1 - self._budget) / self.BUDGET_RATE + 1e-3
        return now

    def sent(self, now: float, tokens: float) -> None:
        self._inflight += 1
        if not self._breaker.open and self._owed:
            self._owed -= 1
            self._budget -= 1
        self._breaker.sent()

    def accepted(self, now: float) -> None:
        if self._breaker.accepted(now):
            self._window, self._slow_until = 2.0, max(2.0, self._before * 0.7)
        self._budget = min(self.BUDGET, self._budget + self.BUDGET_SHARE)
        if self._inflight >= 0.8 * max(1, int(self._window)):
            self._window += 1 if self._window < self._slow_until else 1 / self._window

    def refused(self, now: float, retry_after: float | None) -> None:
        self._inflight -= 1
        self._owed += 1
        if retry_after is not None:
            self._pause = max(self._pause, now + retry_after)
            return
        self._breaker.refused(now)
        self._pause = max(self._pause, now + self._rng.uniform(0.3, 1.0))
        if now - self._halved > self.ONCE and not self._breaker.open:
            self._before = self._window
            self._window = max(1.0, min(self._window, self._inflight + 1) * self.DOWN)
            self._slow_until = self._window
            self._halved = now

    def ended(self, now: float) -> None:
        self._inflight -= 1
