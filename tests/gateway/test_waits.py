"""Waiters are woken in their order, however many leave before."""

import asyncio
import random

import pytest

from seawall.gateway.waits import Waits


class Loop:
    """A loop of one timer, moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, object]] = []
        self.real = asyncio.new_event_loop()

    def time(self) -> float:
        return self.now

    def create_future(self) -> "asyncio.Future[None]":
        return self.real.create_future()

    def call_at(self, at: float, call: object) -> "Timer":
        timer = Timer(self, at, call)
        self.timers.append((at, timer))
        return timer

    def go(self, seconds: float) -> None:
        until = self.now + seconds
        while due := [(at, timer) for at, timer in self.timers if at <= until and not timer.gone]:  # type: ignore[attr-defined]
            at, timer = min(due, key=lambda one: one[0])
            self.now = at
            timer.gone = True  # type: ignore[attr-defined]
            timer.call()  # type: ignore[attr-defined]
        self.now = until

    @property
    def armed(self) -> int:
        return sum(not timer.gone for _, timer in self.timers)  # type: ignore[attr-defined]


class Timer:
    def __init__(self, loop: Loop, at: float, call: object) -> None:
        self.at, self.call, self.gone = at, call, False

    def cancel(self) -> None:
        self.gone = True


@pytest.mark.parametrize("seed", range(20))
def test_everybody_is_woken_at_his_time(seed: int) -> None:
    """Each wait ends when its moment has come and not before; there is never more than one timer."""
    rng, loop = random.Random(seed), Loop()
    waits = Waits(loop)  # type: ignore[arg-type]
    waiting = []
    for _ in range(200):
        at = loop.now + rng.random() * 10
        waiting.append((at, waits.until(at)))
        if rng.random() < 0.2:
            rng.choice(waiting)[1].cancel()
        if rng.random() < 0.3:
            loop.go(rng.random())
        assert loop.armed <= 1
        for moment, done in waiting:
            assert done.cancelled() or not done.done() or moment <= loop.now + 0.001
            assert done.done() or moment > loop.now
    loop.go(20)
    assert all(done.done() for _, done in waiting)
    assert loop.armed == 0
    loop.real.close()


def test_stopping_leaves_no_timer() -> None:
    """After `stop` nothing rings."""
    loop = Loop()
    waits = Waits(loop)  # type: ignore[arg-type]
    waits.until(101.0)
    waits.stop()
    assert loop.armed == 0
    loop.real.close()
