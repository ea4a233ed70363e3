"""Again, through, or give up: the table, and what must hold for every failure."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.causes.cause import Hold
from seawall.config import Backoff
from seawall.policy.outcome import Outcome
from seawall.policy.retry import Again, Bounds, Decision, GiveUp, Standing, Through, decide

PARAMS = Backoff()
NOW = 1000.0


def outcome(**changes: object) -> Outcome:
    return Outcome(**{"cause": "provider.overloaded", "hold": Hold.YES, **changes})  # type: ignore[arg-type]


def decided(what: Outcome, first_failed_at: float = NOW, **bounds: object) -> Decision:
    usual = {"deadline": NOW + 900, "may_replay": True, "has_hold": True}
    standing = Standing(NOW - 900, attempts=1, failures=1, first_failed_at=first_failed_at)
    return decide(what, standing, Bounds(**{**usual, **bounds}), NOW, PARAMS, random.Random(3))  # type: ignore[arg-type]


def kind(decision: Decision) -> str:
    return type(decision).__name__


@pytest.mark.parametrize(
    ("stated", "deadline", "reason"),
    [
        (901.0, NOW + 900, "the service asks for 15 min, longer than it may be held"),
        (None, NOW, "it was held as long as it may be"),
        (1.0, NOW, "it was held as long as it may be"),
    ],
)
def test_the_reason_is_the_one_that_counts(stated: float | None, deadline: float, reason: str) -> None:
    """A wait that the service states is not a hold that was used up."""
    first = NOW - (0 if deadline > NOW else 900)
    assert decided(outcome(retry_after=stated), first, deadline=deadline) == GiveUp(reason)


@pytest.mark.parametrize(
    ("what", "where", "expected"),
    [
        ({}, {}, "Again"),
        ({"hold": Hold.NO}, {}, "Through"),
        ({"elsewhere": True}, {}, "Through"),
        ({}, {"has_hold": False}, "GiveUp"),
        ({"hold": Hold.NO}, {"has_hold": False}, "Through"),
        ({}, {"deadline": NOW}, "GiveUp"),
        ({}, {"deadline": NOW - 5}, "GiveUp"),
        ({"ambiguous": True}, {}, "Again"),
        ({"ambiguous": True}, {"may_replay": False}, "GiveUp"),
        ({}, {"may_replay": False}, "Again"),
        ({"hold": Hold.UNTIL, "retry_after": 60.0}, {}, "Again"),
        ({"hold": Hold.UNTIL, "retry_after": 901.0}, {}, "Through"),
        ({"hold": Hold.YES, "retry_after": 901.0}, {}, "GiveUp"),
        ({"throttle": True}, {}, "Again"),
        ({"throttle": True}, {"first_failed_at": NOW - 119}, "Again"),
        ({"throttle": True}, {"first_failed_at": NOW - 120}, "Through"),
    ],
)
def test_table(what: dict[str, object], where: dict[str, object], expected: str) -> None:
    """Each row is one rule of the gateway (rules 2, 3, 5, 6 and 7)."""
    assert kind(decided(outcome(**what), **where)) == expected  # type: ignore[arg-type]


OUTCOMES = st.builds(
    Outcome,
    cause=st.just("provider.overloaded"),
    hold=st.sampled_from(Hold),
    retry_after=st.none() | st.floats(0, 1e5),
    throttle=st.booleans(),
    ambiguous=st.booleans(),
    elsewhere=st.booleans(),
)
STANDINGS = st.builds(
    Standing,
    started_at=st.just(NOW - 1000),
    failures=st.integers(1, 500),
    first_failed_at=st.floats(NOW - 1000, NOW),
)
BOUNDS = st.builds(
    Bounds, deadline=st.floats(NOW - 1000, NOW + 1000), may_replay=st.booleans(), has_hold=st.booleans()
)


@given(OUTCOMES, STANDINGS, BOUNDS, st.integers())
def test_what_always_holds(what: Outcome, where: Standing, bounds: Bounds, seed: int) -> None:
    """No attempt begins after the deadline, earlier than asked, without a hold, or once too often."""
    decision = decide(what, where, bounds, NOW, PARAMS, random.Random(seed))
    if isinstance(decision, Again):
        assert NOW + decision.after < bounds.deadline
        assert what.throttle or what.retry_after is None or decision.after >= what.retry_after
        assert bounds.has_hold
        assert what.hold is not Hold.NO
        assert not what.elsewhere
        assert not (what.ambiguous and not bounds.may_replay)
    if what.hold is Hold.NO or what.elsewhere:
        assert isinstance(decision, Through)
    if isinstance(decision, GiveUp):
        assert decision.reason


@given(st.lists(st.booleans(), min_size=1))
def test_failures_are_counted_by_kind(throttles: list[bool]) -> None:
    """Throttles, or all others, in a row: a failure of the other kind begins a new count and a new time."""
    standing, alike = Standing(NOW), 0
    for number, throttle in enumerate(throttles):
        alike = alike + 1 if number and throttle is throttles[number - 1] else 1
        standing.failed(outcome(throttle=throttle), NOW + number)
        assert (standing.failures, standing.first_failed_at) == (alike, NOW + number + 1 - alike)
