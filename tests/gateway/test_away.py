"""One call in two lines: it goes where it is let go first, and nothing is left behind in the other."""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from seawall.causes.cause import Hold
from seawall.config import Config, Gateway
from seawall.gateway.accounts import Accounts
from seawall.gateway.admission import Admission, Permit
from seawall.gateway.away import Away
from seawall.gateway.fallback import Detour, Fallbacks
from seawall.gateway.memory import Memory
from seawall.gateway.records import LaneKey
from seawall.http.head import format_head
from seawall.policy.outcome import Outcome
from seawall.policy.pacer import Cost, Level
from seawall.policy.queue import Ticket

OVERLOADED = Outcome("provider.overloaded", Hold.YES)
HERE, THERE = LaneKey("api.anthropic.com", "me", "opus"), LaneKey("api.anthropic.com", "me", "sonnet", "5.5")
NEXT = LaneKey("api.anthropic.com", "me", "haiku", "5.5")
BODY = json.dumps({"model": "claude-opus-5-5", "max_tokens": 9, "messages": []}).encode()
TWICE = BODY[:-1] + b', "model": "claude-opus-5"}'


@dataclass
class Scene:
    """A call that may go to Sonnet at once, and the lane there, which lets one attempt go at a time."""

    admission: Admission
    memory: Memory
    away: Away
    taken: list[Permit] = field(default_factory=list)
    needs_it: bool = True

    def look(self, held: float = 1.0) -> Permit | None:
        return self.away.look(OVERLOADED, held, ticket)

    def occupied(self) -> Permit:
        """Somebody else's attempt there."""
        permit = self.admission.gate(THERE).enter(ticket())
        assert isinstance(permit, Permit)
        return permit

    @property
    def there(self) -> tuple[int, int]:
        """Attempts under way there, and how many wait."""
        load = self.admission.gate(THERE).lane.load
        return load.in_flight, load.queued


def ticket() -> Ticket:
    now = asyncio.get_running_loop().time()
    return Ticket("f", now, now + 100.0)


def scene(
    play: Callable[[Scene], Any],
    *,
    body: bytes = BODY,
    memory: int = 10_000,
    models: tuple[str, ...] = ("sonnet",),
) -> None:
    """Plays it on a loop."""

    async def run() -> None:
        settings = Gateway(fallback=models, fallback_after=0.5, concurrency=1)
        config = Config(gateway=settings)
        fallbacks = Fallbacks(config, {}, Accounts(b"salt"), (("127.0.0.1", 1),), lambda _: b"1.1 seawall-1")
        head = format_head(b"POST /v1/messages HTTP/1.1", [b"content-length: 1"])
        detour = Detour(fallbacks, head=head, body=body, plain=body, tokens=1, lane=HERE)
        admission, room = Admission(settings, random.Random(1)), Memory(memory)

        def take(permit: Permit) -> bool:
            made.taken.append(permit)
            return made.needs_it

        made = Scene(admission, room, Away(detour, admission, room, take, 10.0))
        await play(made)
        admission.stop()

    asyncio.run(run())


def test_it_goes_at_once() -> None:
    """Where that lane has room; its bytes count as held until the attempt is over."""

    async def play(s: Scene) -> None:
        assert s.look(held=0.4) is None
        permit = s.look()
        assert permit is not None
        assert s.away.way is not None
        assert s.away.way.told == "model=claude-sonnet-5-5"
        assert s.memory.used == len(s.away.way.body)
        assert s.there == (1, 0)
        permit.dropped()
        s.away.come_home()
        s.away.come_home()
        assert (s.away.way, s.memory.used, s.there) == (None, 0, (0, 0))

    scene(play)


def test_it_waits_there_and_is_let_go() -> None:
    """The permit is handed over when it comes; looking again meanwhile takes no second place."""

    async def play(s: Scene) -> None:
        other = s.occupied()
        assert s.look() is None
        assert s.look() is None
        assert s.away.waiting
        assert s.there == (1, 1)
        other.dropped()
        await asyncio.sleep(0)
        assert len(s.taken) == 1
        assert s.away.way is not None
        assert not s.away.waiting
        assert s.there == (1, 0)

    scene(play)


def test_one_that_is_out_keeps_nobody_from_the_next() -> None:
    """Its probes are for finding out whether it is well: the call goes to the next, and leaves no place behind."""

    async def play(s: Scene) -> None:
        lane = s.admission.gate(THERE).lane
        while not lane.breaker.open:
            lane.breaker.refused(asyncio.get_running_loop().time(), 0)
        assert s.look() is not None
        assert s.away.way is not None
        assert s.away.way.told == "model=claude-haiku-5-5"
        assert (s.there, s.away.waiting) == ((0, 0), False)

    scene(play, models=("sonnet", "haiku"))


def test_in_two_lines_the_first_that_lets_it_go_has_it() -> None:
    """Both are out: it stands in both lines, once in each, and leaves the other."""

    async def play(s: Scene) -> None:
        others = [s.occupied(), s.admission.gate(NEXT).enter(ticket())]
        assert s.look() is None
        assert s.look() is None
        assert s.there == (1, 1)
        assert s.admission.gate(NEXT).lane.load.queued == 1
        for other in others:
            assert isinstance(other, Permit)
            other.dropped()  # both let it go in one moment
        await asyncio.sleep(0)
        assert len(s.taken) == 1
        assert s.away.way is not None
        assert s.away.way.told == "model=claude-sonnet-5-5"
        assert s.there == (1, 0)
        await asyncio.sleep(0)
        assert (s.admission.gate(NEXT).lane.load.in_flight, s.admission.gate(NEXT).lane.load.queued) == (0, 0)

    scene(play, models=("sonnet", "haiku"))


@pytest.mark.parametrize(("block", "goes"), [(1.0, False), (50.0, True)])
def test_a_line_that_moves_soon_is_waited_for(block: float, goes: bool) -> None:
    """The order is the user's: a moment's pause is no reason for the second choice, and a long one is."""

    async def play(s: Scene) -> None:
        pacer, now = s.admission.gate(THERE).lane.pacer, asyncio.get_running_loop().time()
        pacer.limited([Level("requests", 100, 0)], Cost(0.0, 0.0), block, now)
        permit = s.look()
        assert (permit is not None) == goes
        assert s.there == (0, 0 if goes else 1)
        s.away.leave_line()
        assert s.there == (0, 0)

    scene(play, models=("sonnet", "haiku"))


def test_its_own_lane_was_first() -> None:
    """The place there is given up, whether or not a permit was on its way already."""

    async def play(s: Scene) -> None:
        for let_go_meanwhile in (False, True):
            other = s.occupied()
            assert s.look() is None
            if let_go_meanwhile:
                other.dropped()
            s.away.leave_line()
            other.dropped()
            await asyncio.sleep(0)
            assert (s.taken, s.away.way, s.there, s.memory.used) == ([], None, (0, 0), 0)

    scene(play)


def test_a_permit_that_nobody_needs_any_more() -> None:
    """It goes to the next, and no bytes stay counted."""

    async def play(s: Scene) -> None:
        s.needs_it = False
        other = s.occupied()
        s.look()
        other.dropped()
        await asyncio.sleep(0)
        assert (len(s.taken), s.away.way, s.there, s.memory.used) == (1, None, (0, 0), 0)

    scene(play)


@pytest.mark.parametrize(("body", "memory", "said"), [(TWICE, 10_000, 1), (BODY, 10, 0)])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_way_that_cannot_be_taken_after_all(body: bytes, memory: int, said: int, at_once: bool) -> None:
    """A body that cannot be changed, or no memory for another: the permit goes to the next, the call stays."""

    async def play(s: Scene) -> None:
        other = s.occupied()
        if at_once:
            other.dropped()
        assert s.look() is None
        other.dropped()
        await asyncio.sleep(0)
        assert (s.taken, s.away.way, s.there, s.memory.used) == ([], None, (0, 0), 0)
        assert len(s.away.skipped) == said

    scene(play, body=body, memory=memory)


def test_a_target_that_failed_is_not_asked_again_at_once() -> None:
    """It rests for as long as is said."""

    async def play(s: Scene) -> None:
        permit = s.look()
        assert permit is not None
        s.away.failed(OVERLOADED, 529, 1.0, 10.0)
        permit.dropped()
        s.away.come_home()
        assert s.look(held=10.9) is None
        assert s.look(held=11.0) is not None

    scene(play)


def test_after_the_commit_nothing_is_kept() -> None:
    """The bytes are let go of while the stream lasts; what is told of the way stays. It goes nowhere else any more."""

    async def play(s: Scene) -> None:
        permit = s.look()
        assert permit is not None
        s.away.committed()
        assert s.memory.used == 0
        assert s.away.way is not None
        assert (s.away.way.head, s.away.way.body, s.away.way.told) == (b"", b"", "model=claude-sonnet-5-5")
        permit.ended()
        s.away.come_home()
        assert s.look(held=900.0) is None
        assert (s.memory.used, s.away.skipped) == (0, [])

    scene(play)
