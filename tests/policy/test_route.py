"""Where a held call goes, and why not."""

from dataclasses import replace
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.causes.cause import Hold, codes, lookup
from seawall.config import Config, Fallback, Gateway
from seawall.config import Hold as HoldSettings
from seawall.policy.outcome import Outcome
from seawall.policy.route import Go, Sender, Stay, Target, after_failure, choose, next_due, read
from seawall.wire.models import CURRENT
from seawall.wire.translate import Asks, Refused

OVERLOADED = Outcome("provider.overloaded", Hold.YES)
REFUSED_BY_NETWORK = Outcome("network.connection_refused", Hold.YES)
ASKS = Asks("claude-opus-5-5", 1000, 32_000)
ME = Sender(subscription=False, loopback=True)
SONNET = Target(0, (), "claude-sonnet-5-5", "", 30.0)
HAIKU = Target(1, ("provider.overloaded",), "claude-haiku-4-5", "", 60.0)
AWAY = Target(2, ("network.*",), "", "https://other.example", 10.0)


def test_nothing_is_configured() -> None:
    """Off by default: no target, and no moment at which one would be due."""
    assert read(Config()) == ((), ())
    assert next_due((), OVERLOADED, {}) is None
    assert choose((), OVERLOADED, 900.0, ASKS, ME, {}) == Stay(None)


def test_the_short_form() -> None:
    """A family is its current model; the causes are the service's own failures; tables come first."""
    table = Fallback(("*",), upstream="https://other.example", key_env="OTHER_KEY", after=5.0)
    config = Config(gateway=Gateway(fallback=("sonnet", "claude-haiku-4-5")), fallback=(table,))
    targets, problems = read(config)
    assert problems == ()
    assert targets == (
        Target(0, ("*",), "", "https://other.example", 5.0, table=0),
        Target(1, (), CURRENT["sonnet"], "", 30.0, another_family=True),
        Target(2, (), "claude-haiku-4-5", "", 30.0),
    )
    assert [target.name for target in targets] == [
        "https://other.example",
        "claude-sonnet-5-5",
        "claude-haiku-4-5",
    ]


@pytest.mark.parametrize(
    ("config", "targets", "says"),
    [
        (
            Config(gateway=Gateway(fallback=("gpt",))),
            0,
            "gateway.fallback: nothing is known of the model 'gpt'",
        ),
        (Config(fallback=(Fallback(model="claude-9"),)), 0, "[[fallback]] 1: nothing is known of the model"),
        (
            Config(fallback=(Fallback(("provider.overlaoded",), "opus"),)),
            1,
            "no cause is named provider.overlaoded",
        ),
        (
            Config(fallback=(Fallback(("request.*",), "opus"),)),
            1,
            "request.* is passed on at once and never held",
        ),
        (Config(fallback=(Fallback(("nobody.*",), "opus"),)), 1, "no cause is named nobody.*"),
        (
            Config(gateway=Gateway(fallback=("opus",), fallback_after=1200.0)),
            1,
            "gateway.fallback: it waits for 20 min, and calls are held for 15 min (gateway.hold)",
        ),
        (
            Config(
                gateway=Gateway(hold=HoldSettings(longest=0.0)), fallback=(Fallback(model="opus", after=0.0),)
            ),
            1,
            "[[fallback]] 1: it waits for 0 s, and calls are not held",
        ),
    ],
)
def test_what_can_never_be_used_is_said(config: Config, targets: int, says: str) -> None:
    """An unknown model is no target; a cause that never comes is said, and harms nothing."""
    found, problems = read(config)
    assert len(found) == targets
    assert len(problems) == 1
    assert says in problems[0]


@pytest.mark.parametrize(
    ("cause", "held", "tried", "expected"),
    [
        # Not yet; then the first that is due, in the order of the configuration.
        ("provider.overloaded", 0.0, {}, 30.0),
        ("provider.overloaded", 29.9, {}, 30.0),
        ("provider.overloaded", 30.0, {}, 0),
        ("provider.overloaded", 900.0, {}, 0),
        # One that failed rests, one that is struck off never comes back.
        ("provider.overloaded", 50.0, {0: 70.0}, 60.0),
        ("provider.overloaded", 65.0, {0: 70.0}, 1),
        ("provider.overloaded", 70.0, {0: 70.0}, 0),
        ("provider.overloaded", 50.0, {0: inf}, 60.0),
        ("provider.overloaded", 80.0, {0: inf, 1: inf}, None),
        # Each cause has its own targets.
        ("provider.service_unavailable", 65.0, {0: inf}, None),
        ("provider.internal_server_error", 65.0, {}, 0),
        ("network.connection_refused", 5.0, {}, 10.0),
        ("network.connection_refused", 900.0, {}, 2),
        ("limit.rate_limited_tokens", 900.0, {}, None),
    ],
)
def test_which_target_is_next(
    cause: str, held: float, tried: dict[int, float], expected: float | None
) -> None:
    """A number of a target that is gone to, or the moment when one will be due."""
    targets = (SONNET, HAIKU, AWAY)
    outcome = Outcome(cause, lookup(cause).hold)
    decision = choose(targets, outcome, held, ASKS, ME, tried)
    if isinstance(expected, int):
        assert isinstance(decision, Go)
        assert decision.target.number == expected
    else:
        assert decision == Stay(expected)


@pytest.mark.parametrize(
    "outcome", [Outcome("request.parameter_invalid", Hold.NO), replace(OVERLOADED, elsewhere=True)]
)
def test_what_is_not_held_goes_nowhere(outcome: Outcome) -> None:
    """A failure that is passed on, and one whose holding is another Seawall's."""
    everywhere = (replace(SONNET, causes=("*",), after=0.0),)
    assert next_due(everywhere, outcome, {}) is None
    assert choose(everywhere, outcome, 900.0, ASKS, ME, {}) == Stay(None)


def test_the_first_that_can_take_it() -> None:
    """One that cannot is skipped with its reason, and the next is gone to at once."""
    decision = choose((SONNET, HAIKU), OVERLOADED, 60.0, replace_asks(thinking="enabled"), ME, {})
    assert isinstance(decision, Go)
    assert decision.target is HAIKU
    assert [skip.sentence for skip in decision.skipped] == [
        "not sent to claude-sonnet-5-5: it has no thinking 'enabled'"
    ]


def replace_asks(**changes: Any) -> Asks:
    import msgspec

    return msgspec.structs.replace(ASKS, **changes)


@pytest.mark.parametrize(
    ("target", "asks", "sender", "says"),
    [
        (SONNET, ASKS, Sender(True, True), "claude.ai login"),
        (AWAY, ASKS, Sender(True, True), "claude.ai login"),
        (AWAY, ASKS, Sender(False, False), "not loopback"),
        (replace(AWAY, team=True), ASKS, Sender(False, False), ""),
        (SONNET, ASKS, Sender(False, False), ""),
        (SONNET, Refused("it is compressed"), ME, "it is compressed"),
        (AWAY, Refused("it is compressed"), ME, "it is compressed"),
        (SONNET, replace_asks(model="claude-sonnet-5-5"), ME, "that model already"),
        (SONNET, replace_asks(model="claude-sonnet-5"), ME, ""),
        (
            replace(SONNET, another_family=True),
            replace_asks(model="claude-sonnet-4-6"),
            ME,
            "that family already",
        ),
        (AWAY, replace_asks(tied=("container",)), ME, "container belongs to the client's own account"),
        (SONNET, replace_asks(tied=("container",)), ME, ""),
        (AWAY, replace_asks(tied=("fallbacks",), fast=True), ME, ""),
        (replace(AWAY, model="claude-haiku-4-5"), replace_asks(prefill=True), ME, ""),
        (replace(AWAY, model="claude-haiku-5-5"), replace_asks(prefill=True), ME, "assistant's"),
    ],
)
def test_who_may_go_where(target: Target, asks: Asks | Refused, sender: Sender, says: str) -> None:
    """Logins never; other people's calls to a paid address only where that is configured; and what fits."""
    decision = choose((replace(target, causes=("*",)),), OVERLOADED, 900.0, asks, sender, {})
    if says:
        assert isinstance(decision, Stay)
        assert decision.until is None
        assert says in decision.skipped[0].why
    else:
        assert isinstance(decision, Go)


def test_what_differs_there() -> None:
    """The model where it is another; the user and all credentials where the address is another."""
    moved = replace(AWAY, causes=("*",), model="claude-haiku-5-5")
    same = replace(moved, model=ASKS.model)
    for target, model, without_user in (
        (SONNET, SONNET.model, False),
        (moved, moved.model, True),
        (same, "", True),
    ):
        decision = choose((target,), OVERLOADED, 900.0, ASKS, ME, {})
        assert decision == Go(target, model, without_user)


@pytest.mark.parametrize(
    ("outcome", "status", "again"),
    [
        (OVERLOADED, 529, 130.0),
        (OVERLOADED, None, 130.0),
        (Outcome("limit.rate_limited_requests", Hold.UNTIL), 429, 130.0),
        (Outcome("request.parameter_invalid", Hold.NO), 400, inf),
        (Outcome("account.invalid_api_key", Hold.NO), 401, inf),
        (Outcome("request.conflict", Hold.YES), 409, inf),
        (Outcome("limit.spend_limit_reached", Hold.NO), 429, inf),
    ],
)
def test_a_target_that_failed(outcome: Outcome, status: int | None, again: float) -> None:
    """It rests as long as it was waited for; one that refused the call itself is struck off."""
    assert after_failure(SONNET, outcome, status, 100.0, 10.0) == again
    assert after_failure(replace(SONNET, after=0.0), OVERLOADED, 529, 100.0, 10.0) == 110.0


targets = st.lists(
    st.builds(
        Target,
        st.just(0),
        st.lists(st.sampled_from(["*", "provider.*", "network.*", *codes()]), max_size=2).map(tuple),
        st.sampled_from(["claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-4-5"]),
        st.sampled_from(["", "https://other.example"]),
        st.floats(0, 900),
        st.booleans(),
    ),
    max_size=4,
).map(lambda found: tuple(replace(target, number=number) for number, target in enumerate(found)))


@given(
    targets,
    st.sampled_from(codes()),
    st.floats(0, 1000),
    st.builds(Sender, st.booleans(), st.booleans()),
    st.dictionaries(st.integers(0, 3), st.floats(0, 2000) | st.just(inf)),
)
def test_nobody_goes_too_early_or_twice(
    found: tuple[Target, ...], cause: str, held: float, sender: Sender, tried: dict[int, float]
) -> None:
    """Whatever is configured: never before its time, never to one that is struck off, never with a login; and the
    moment that is told is the one at which something is due."""
    outcome = Outcome(cause, lookup(cause).hold)
    decision, due = choose(found, outcome, held, ASKS, sender, tried), next_due(found, outcome, tried)
    if isinstance(decision, Go):
        number = decision.target.number
        assert tried.get(number, decision.target.after) <= held
        assert not sender.subscription
        assert outcome.hold is not Hold.NO
        assert due is not None
        assert due <= held
    else:
        assert decision.until is None or decision.until > held
        assert due is None or due <= held or due == decision.until
