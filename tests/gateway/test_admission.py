"""Admission: a permit at once or later, lanes apart, places given on, nothing leaked."""

import asyncio
import random
import time
from dataclasses import replace

import pytest

from seawall.config import Config, Gateway
from seawall.gateway.admission import Admission, Gate, Permit
from seawall.gateway.records import LaneKey
from seawall.policy.queue import Ticket
from seawall.settings import accelerated
from seawall.wire import ratelimit

OPUS = LaneKey("api.anthropic.com", "a1", "opus")
HAIKU = LaneKey("api.anthropic.com", "a1", "haiku")


def admission(**changes: object) -> Admission:
    return Admission(replace(Gateway(), **changes), random.Random(1))


def ticket(gate: Gate, flow: str = "s:1") -> Ticket:
    return Ticket(flow, gate.time(), gate.time() + 600)


def now(gate: Gate, flow: str = "s:1") -> Permit:
    permit = gate.enter(ticket(gate, flow))
    assert isinstance(permit, Permit)
    return permit


def later(gate: Gate, flow: str = "s:1") -> "asyncio.Future[Permit]":
    permit = gate.enter(ticket(gate, flow))
    assert isinstance(permit, asyncio.Future)
    return permit


def test_a_place_goes_to_who_waits() -> None:
    """With one place, the second call waits, and goes when the first has ended, however that ended."""

    async def run(end: str) -> None:
        gate = admission(concurrency=1).gate(OPUS)
        first, second = now(gate), later(gate)
        assert not second.done()
        {"ended": first.ended, "refused": lambda: first.refused("529"), "dropped": first.dropped}[end]()
        (await second).dropped()
        assert gate.idle

    for end in ("ended", "refused", "dropped"):
        asyncio.run(asyncio.wait_for(run(end), 10))


def test_a_permit_ends_once() -> None:
    """Later endings are nothing."""

    async def run() -> None:
        gate = admission().gate(OPUS)
        permit = now(gate)
        permit.heard(200, {}, time.time)
        assert gate.lane.running == 1
        permit.ended()
        permit.refused("529")
        permit.dropped()
        assert (gate.lane.running, gate.lane.load.in_flight, gate.lane.breaker.streak) == (0, 0, 0)

    asyncio.run(run())


def test_a_waiting_call_that_leaves_takes_no_place() -> None:
    """A cancelled wait is out of the queue at once, and its place goes to the next."""

    async def run() -> None:
        gate = admission(concurrency=1).gate(OPUS)
        first = now(gate)
        gone = ticket(gate)
        waits, last = gate.enter(gone), later(gate, "s:2")
        assert isinstance(waits, asyncio.Future)
        waits.cancel()
        first.ended()  # before its task has run: the queue still has it
        gate.leave(gone)
        (await last).ended()
        assert gate.idle

    asyncio.run(asyncio.wait_for(run(), 10))


def test_lanes_do_not_wait_for_each_other() -> None:
    """A full lane, or one in an outage, stops no other model."""

    async def run() -> None:
        both = admission(concurrency=1)
        opus, haiku = both.gate(OPUS), both.gate(HAIKU)
        now(opus)
        later(opus)
        now(haiku).ended()
        assert both.queued == 1
        both.stop()

    asyncio.run(run())


def test_an_unreachable_host_concerns_all_its_lanes() -> None:
    """Connections that fail for one model stop the others too, and one answer opens all."""

    async def run() -> None:
        both = admission()
        opus, haiku = both.gate(OPUS), both.gate(HAIKU)
        answered = now(haiku)
        for permit in [now(opus) for _ in range(6)]:
            permit.unreachable()
        waits = later(haiku, "s:2")
        assert opus.lane.host.open
        answered.heard(200, {}, time.time)
        assert not opus.lane.host.open
        (await waits).ended()

    asyncio.run(asyncio.wait_for(run(), 10))


@pytest.mark.parametrize("end", ["dropped", "unreachable"])
def test_the_hosts_probe_is_passed_on_to_another_lane(end: str) -> None:
    """Where the host's probe has failed or its client has left, and nobody else waits in its lane, another lane's call
    is the next one soon: not when its hold is nearly over."""

    async def run() -> None:
        lanes = Admission(accelerated(Config(), 100).gateway, random.Random(1))
        opus, *others = (lanes.gate(LaneKey("here", "a1", family)) for family in ("opus", "haiku", "sonnet"))
        for permit in [now(opus) for _ in range(6)]:
            permit.unreachable()
        waits = [later(gate) for gate in others]
        done, left = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == len(left) == 1
        getattr(done.pop().result(), end)()
        next_one = left.pop()
        # Five minutes of its clock, which runs a hundred times as fast; its hold is ten.
        await asyncio.wait_for(asyncio.shield(next_one), 3)
        next_one.result().ended()
        assert not opus.lane.host.open

    asyncio.run(asyncio.wait_for(run(), 10))


def test_a_probe_that_hangs_keeps_nobody_for_long() -> None:
    """Its connection leads nowhere, and the service is well: the next one finds that out, not the end of its limit."""

    async def run() -> None:
        lanes = Admission(accelerated(Config(), 100).gateway, random.Random(1))
        gate = lanes.gate(LaneKey("here", "a1", "opus"))
        for permit in [now(gate) for _ in range(6)]:
            permit.refused("529")
        assert gate.lane.breaker.open
        waits = [later(gate), later(gate)]
        hangs, left = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        assert len(hangs) == 1
        (await left.pop()).ended()
        assert not gate.lane.breaker.open
        hangs.pop().result().refused("hang")
        assert not gate.lane.breaker.open
        assert gate.idle

    asyncio.run(asyncio.wait_for(run(), 10))


def test_a_credential_that_has_an_account_keeps_its_lane() -> None:
    """When an answer names the organisation, what was learned goes on under its name; two keys of one share it."""

    async def run() -> None:
        lanes = admission()
        gate = lanes.gate(LaneKey("api.anthropic.com", "key1", "opus"))
        lanes.rename("key1", "org")
        assert lanes.gate(LaneKey("api.anthropic.com", "org", "opus")) is gate
        other = lanes.gate(LaneKey("api.anthropic.com", "key2", "opus"))
        lanes.rename("key2", "org")
        assert lanes.gate(LaneKey("api.anthropic.com", "org", "opus")) is gate
        assert lanes.gates() == [gate]
        assert other.idle

    asyncio.run(run())


def test_a_lane_whose_account_has_another_is_told_of_while_it_is_in_use() -> None:
    """Two keys began at once, and an answer says that they are one organisation's: there is one lane of it as soon as
    the second key's calls are over, not an idle one beside it for ever."""

    async def run() -> None:
        lanes = admission()
        first = lanes.gate(LaneKey("api.anthropic.com", "key1", "opus"))
        second = lanes.gate(LaneKey("api.anthropic.com", "key2", "opus"))
        permit = now(second)
        lanes.rename("key1", "org")
        lanes.rename("key2", "org")
        lanes.rename("key1", "org")
        assert lanes.gates() == [first, second]
        assert lanes.in_flight == 1
        permit.ended()
        assert lanes.gates() == [first]

    asyncio.run(run())


def test_lanes_are_bounded() -> None:
    """Thousands of credentials leave no thousands of lanes."""

    async def run() -> None:
        lanes = admission()
        for number in range(5000):
            lanes.gate(LaneKey("api.anthropic.com", f"k{number}", "opus"))
        assert len(lanes.gates()) <= 1001

    asyncio.run(run())


def test_the_lane_in_use_is_not_forgotten() -> None:
    """However many credentials come and go, it is the longest idle that goes: what was learned of a busy lane stays."""

    async def run() -> None:
        lanes = admission()
        busy = lanes.gate(OPUS)
        for number in range(5000):
            lanes.gate(LaneKey("api.anthropic.com", f"k{number}", "opus"))
            assert lanes.gate(OPUS) is busy

    asyncio.run(run())


@pytest.mark.parametrize("seed", range(5))
def test_every_place_is_given_back(seed: int) -> None:
    """Whatever calls do, in the end nothing is under way and nobody waits."""

    async def run() -> None:
        rng = random.Random(seed)
        quick = replace(accelerated(Config(), 2000).gateway, concurrency=5)
        gate = Admission(quick, random.Random(1)).gate(OPUS)

        async def call(number: int) -> None:
            mine = ticket(gate, f"s:{number % 7}")
            permit = gate.enter(mine)
            if isinstance(permit, asyncio.Future):
                if rng.random() < 0.3:
                    await asyncio.sleep(0)
                    if permit.cancel():
                        gate.leave(mine)
                    else:
                        permit.result().dropped()
                    return
                permit = await permit
            await asyncio.sleep(0)
            match rng.randrange(4):
                case 0:
                    permit.heard(200, {}, time.time)
                    permit.ended()
                case 1:
                    permit.limited(ratelimit.NONE, 0.01)
                case 2:
                    permit.dropped()
                case _:
                    permit.ended()

        await asyncio.wait_for(asyncio.gather(*(call(number) for number in range(60))), 30)
        assert gate.idle
        assert gate.lane.running == 0

    asyncio.run(run())
