"""A place is taken over once, by its own caller, while it lasts."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from seawall.gateway.memory import Kept, Memory
from seawall.gateway.places import Caller, Place, Places
from seawall.policy.retry import Standing

CALLER = Caller("account", "user", "session", "agent", b"/v1/messages")
PLACE = Place(Standing(started_at=1.0, attempts=3, failures=3, replays=1, first_failed_at=2.0))


def places() -> Places:
    return Places(keep=60.0, keep_spent=120.0)


def test_taken_over_once() -> None:
    """The first to come with the key gets it, the second does not."""
    shelf = places()
    shelf.leave((CALLER, b"d"), PLACE, 0.0)
    assert shelf.any_left
    assert shelf.take_over((CALLER, b"d"), 59.9) is PLACE
    assert shelf.take_over((CALLER, b"d"), 59.9) is None
    assert not shelf.any_left


def test_nobody_else_gets_it() -> None:
    """Another credential, user, session, agent, path or body is another call."""
    shelf = places()
    shelf.leave((CALLER, b"d"), PLACE, 0.0)
    for field in ("credential", "user", "session", "agent"):
        other = msgspec.structs.replace(CALLER, **{field: "other"})
        assert shelf.take_over((other, b"d"), 1.0) is None
    assert shelf.take_over((msgspec.structs.replace(CALLER, path=b"/x"), b"d"), 1.0) is None
    assert shelf.take_over((CALLER, b"e"), 1.0) is None
    assert shelf.take_over((CALLER, b"d"), 1.0) is PLACE


def test_places_and_spent_holds_end() -> None:
    """After their time they are nothing, whether or not a tick came by."""
    shelf = places()
    shelf.leave((CALLER, b"d"), PLACE, 0.0)
    shelf.spend((CALLER, b"d"), 0.0)
    assert shelf.is_spent((CALLER, b"d"), 119.0)
    assert not shelf.is_spent((CALLER, b"d"), 120.0)
    shelf.tick(59.0)
    assert shelf.any_left
    shelf.tick(60.0)
    assert not shelf.any_left
    assert shelf.any_spent
    shelf.tick(120.0)
    assert not shelf.any_spent


def test_memory_is_bounded() -> None:
    """The oldest go when there are too many."""
    shelf = places()
    for number in range(10_001):
        shelf.leave((CALLER, b"%d" % number), PLACE, 0.0)
        shelf.spend((CALLER, b"%d" % number), 0.0)
    assert shelf.take_over((CALLER, b"0"), 0.0) is None
    assert not shelf.is_spent((CALLER, b"0"), 0.0)
    assert shelf.take_over((CALLER, b"10000"), 0.0) is PLACE


def test_an_answer_that_comes_has_all_its_time() -> None:
    """Its place does not end while the answer is under way; its minute begins with the answer's end."""

    async def run() -> None:
        shelf, answer = places(), asyncio.get_running_loop().create_future()
        place = replace(PLACE, answer=answer)
        shelf.leave((CALLER, b"d"), place, 0.0)
        shelf.tick(1000.0)
        assert shelf.any_left
        answer.set_result(None)
        shelf.came((CALLER, b"d"), place, 1000.0)
        shelf.tick(1059.0)
        assert shelf.take_over((CALLER, b"d"), 1059.0) is place
        assert not shelf.any_left

    asyncio.run(run())


def test_an_answer_that_comes_after_its_place_was_taken_changes_nothing() -> None:
    """Who took it has it; and the place that an equal call left since stays as it is."""

    async def run() -> None:
        shelf, answer = places(), asyncio.get_running_loop().create_future()
        place = replace(PLACE, answer=answer)
        shelf.leave((CALLER, b"d"), place, 0.0)
        assert shelf.take_over((CALLER, b"d"), 1.0) is place
        shelf.leave((CALLER, b"d"), PLACE, 2.0)
        answer.set_result(None)
        shelf.came((CALLER, b"d"), place, 3.0)
        assert shelf.take_over((CALLER, b"d"), 4.0) is PLACE

    asyncio.run(run())


def _others(shelf: Places) -> None:
    for number in range(10_000):
        shelf.leave((CALLER, b"%d" % number), PLACE, 1.0)


@pytest.mark.parametrize(
    "end",
    [
        lambda shelf: shelf.leave((CALLER, b"d"), PLACE, 1.0),
        lambda shelf: shelf.tick(60.0),
        lambda shelf: shelf.take_over((CALLER, b"d"), 60.0),
        _others,
    ],
    ids=["another is left", "its time is over", "its client is late", "too many"],
)
def test_an_answer_that_nobody_gets_takes_no_memory(end: Callable[[Places], object]) -> None:
    """Whichever way its place ends."""

    async def run() -> None:
        memory = Memory(100)
        kept = Kept(memory)
        kept.add(b"answer")
        shelf, answer = places(), asyncio.get_running_loop().create_future()
        answer.set_result(kept)
        shelf.leave((CALLER, b"d"), replace(PLACE, answer=answer), 0.0)
        end(shelf)
        assert memory.used == 0

    asyncio.run(run())


def test_an_answer_under_way_that_nobody_gets_is_cancelled() -> None:
    """An equal call left its place there."""

    async def run() -> None:
        shelf, answer = places(), asyncio.get_running_loop().create_future()
        shelf.leave((CALLER, b"d"), replace(PLACE, answer=answer), 0.0)
        shelf.leave((CALLER, b"d"), PLACE, 1.0)
        assert answer.cancelled()

    asyncio.run(run())
