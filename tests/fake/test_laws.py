"""The schedulers to compare with: what each law allows, step by step, and the queue in front of them."""

import asyncio
import math
import random

import pytest

from seawall.fake.agents import Asking, Time
from seawall.fake.capacity import Capacity, CapacityModel
from seawall.fake.laws import Aimd, Breaker, Oracle, Scheduler
from seawall.fake.lean import Lean
from seawall.fake.limits import Acceleration, Lane, LimitsModel
from seawall.fake.manners import Failed, Sender
from seawall.fake.work import Drawn


def oracle(slots: float | None = None, **limits: object) -> tuple[Oracle, Lane, Capacity | None]:
    capacity = None if slots is None else Capacity(CapacityModel(slots=slots, noise=0), 1)
    lane = Lane(LimitsModel(**limits), 0.0)  # type: ignore[arg-type]
    return Oracle(capacity, lambda: lane), lane, capacity


def test_the_oracle_fills_the_capacity_and_no_more() -> None:
    """What is on its way counts; what ended makes room."""
    law, _, capacity = oracle(2)
    assert capacity is not None
    assert law.when(1.0, 1000) == 1.0
    law.sent(1.0, 1000)
    assert law.when(1.0, 1000) == 1.0
    law.sent(1.0, 1000)
    assert law.when(1.0, 1000) > 1.0
    for _ in range(2):
        capacity.arrive(1.1, sure=True)
        law.arrived(1000)
    assert law.when(1.2, 1000) > 1.2
    capacity.leave(1.3)
    assert law.when(1.3, 1000) == 1.3


def test_the_oracle_knows_the_buckets() -> None:
    """It waits exactly until the bucket holds what is needed, requests on their way counted."""
    law, lane, _ = oracle(requests_per_minute=60, burst_s=1)
    assert law.when(10.0, 100) == 10.0
    law.sent(10.0, 100)
    assert law.when(10.0, 100) == pytest.approx(11.0)
    assert lane.take(10.0, 100) is None
    law.arrived(100)
    assert law.when(10.5, 100) == pytest.approx(11.0)
    assert law.when(11.0, 100) == 11.0
    law, lane, _ = oracle(input_tokens_per_minute=60_000, burst_s=10)
    assert lane.take(0.0, 10_000) is None
    assert law.when(0.0, 2000) == pytest.approx(2.001)
    assert law.when(0.0, 1e9) == pytest.approx(10.0)


def test_the_oracle_and_a_bucket_that_holds_less_than_one_request() -> None:
    """A small fleet's limits: it waits until the bucket is full, not for ever."""
    law, lane, _ = oracle(requests_per_minute=3, burst_s=15)
    assert law.when(0.0, 100) == 0.0
    law.sent(0.0, 100)
    assert lane.take(0.0, 100) is None
    law.arrived(100)
    assert law.when(0.0, 100) == pytest.approx(15.0)
    assert law.when(15.0, 100) == 15.0


def test_the_oracle_is_never_refused_by_limits() -> None:
    """Whatever it sends when it may is let in."""
    law, lane, _ = oracle(
        requests_per_minute=120, input_tokens_per_minute=300_000, burst_s=5, acceleration=Acceleration(base=4)
    )
    rng = random.Random(7)
    now, tokens = 0.0, 2000
    started = 0
    while now < 200:
        moment = law.when(now, tokens)
        if moment > now:
            now = moment
            continue
        law.sent(now, tokens)
        assert lane.take(now, tokens) is None
        law.arrived(tokens)
        started += 1
        tokens = rng.randrange(200, 30_000)
    assert started > 50


def test_the_breaker() -> None:
    """Six refusals in a row, none accepted for two seconds; then single probes, further and further apart."""
    breaker = Breaker(random.Random(1))
    breaker.accepted(0.0)
    for _ in range(10):
        breaker.refused(1.0)
    assert not breaker.open
    breaker.refused(2.0)
    assert breaker.open
    waits = []
    now = 2.0
    for _ in range(6):
        due = breaker.when(now)
        waits.append(due - now)
        breaker.sent()
        assert breaker.when(due) == math.inf
        now = due
        breaker.refused(now)
    assert 0.8 <= waits[0] <= 1.2
    assert 1.28 <= waits[1] <= 1.92
    assert all(4 <= wait <= 6 for wait in waits[4:])
    assert breaker.accepted(now)
    assert breaker.when(now) == now


def test_the_textbook_window() -> None:
    """Ten at first, one more for each acceptance while it is used, halved by a refusal, then one a window."""
    law = Aimd(1)
    sent = 0
    while law.when(0.0, 1) == 0.0:
        law.sent(0.0, 1)
        sent += 1
    assert sent == 10
    for _ in range(10):
        law.accepted(0.0)
    while law.when(0.0, 1) == 0.0:
        law.sent(0.0, 1)
        sent += 1
    assert sent == 13
    law.refused(5.0, None)
    for _ in range(6):
        assert law.when(9.0, 1) == math.inf, "the window is six now"
        law.ended(9.0)
    law.ended(9.0)
    assert law.when(9.0, 1) <= 9.0
    law.sent(9.0, 1)
    assert law.when(9.0, 1) == math.inf
    law.accepted(9.0)
    assert law.when(9.0, 1) == math.inf, "one acceptance is a sixth of a place"


def test_a_limit_stops_the_textbook() -> None:
    """`retry-after` is obeyed, and does not halve the window."""
    law = Aimd(1)
    law.sent(0.0, 1)
    law.refused(0.0, 7.0)
    assert law.when(1.0, 1) == 7.0
    sent = 0
    while law.when(8.0, 1) == 8.0:
        law.sent(8.0, 1)
        sent += 1
    assert sent == 10


class Refusing(Sender):
    """Refuses each request once, then takes it."""

    def __init__(self) -> None:
        super().__init__(Lean("http://127.0.0.1:9"), Time(asyncio.get_running_loop().time, 1000), 1.0)
        object.__setattr__(self, "order", [])

    order: list[str]

    async def attempt(self, made: Asking, on_head: object = None) -> Failed | None:
        self.order.append(made.nonce)
        await asyncio.sleep(0)
        if self.order.count(made.nonce) == 1:
            return Failed("status 529")
        assert callable(on_head)
        on_head(200)
        await asyncio.sleep(0)
        return None


def made(agent: int, number: int) -> Asking:
    return Asking(agent, f"a{agent}.{number}", Drawn(1, 1000, 1000, 1), {}, b"")


class OneAtATime:
    """A law for one attempt at a time."""

    busy = False

    def when(self, now: float, tokens: float) -> float:
        return math.inf if self.busy else now

    def sent(self, now: float, tokens: float) -> None:
        self.busy = True

    def accepted(self, now: float) -> None:
        pass

    def refused(self, now: float, retry_after: float | None) -> None:
        self.busy = False

    def ended(self, now: float) -> None:
        self.busy = False


def test_the_queue_is_fair_and_refused_requests_keep_their_place() -> None:
    """An agent that sends three at once gets one turn in each round; a refused request goes first again."""

    async def run() -> list[str]:
        sender = Refusing()
        scheduler = Scheduler(OneAtATime(), sender)
        asks = [made(0, 0), made(0, 1), made(0, 2), made(1, 0), made(2, 0)]
        assert await asyncio.gather(*(scheduler.ask(one) for one in asks)) == [""] * 5
        await scheduler.close()
        return sender.order

    order = asyncio.run(run())
    assert order == [name for name in ("a0.0", "a1.0", "a2.0", "a0.1", "a0.2") for _ in range(2)]


def test_what_waits_may_be_cancelled() -> None:
    """Its place is not taken by anything, and nothing is left running."""

    async def run() -> None:
        sender = Refusing()
        law = OneAtATime()
        law.busy = True
        scheduler = Scheduler(law, sender)
        waits = asyncio.ensure_future(scheduler.ask(made(0, 0)))
        await asyncio.sleep(0)
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
        law.busy = False
        assert await scheduler.ask(made(1, 0)) == ""
        assert sender.order == ["a1.0", "a1.0"]
        await scheduler.close()

    asyncio.run(run())
