"""A place is taken over once, by its own caller, while it lasts."""

import msgspec

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
