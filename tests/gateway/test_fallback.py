"""What goes elsewhere, made ready: the lane it stands in, its head, its body, and what is told of it."""

import asyncio
import json
from typing import Any

import pytest

from seawall.causes.cause import Hold
from seawall.config import Config, Fallback, Gateway
from seawall.gateway.accounts import Accounts
from seawall.gateway.fallback import Detour, Fallbacks, is_one_of
from seawall.gateway.records import LaneKey
from seawall.http.head import format_head, read_request
from seawall.origin import Origin
from seawall.policy.outcome import Outcome

OVERLOADED = Outcome("provider.overloaded", Hold.YES)
LANE = LaneKey("api.anthropic.com", "me", "opus")
HERE = (("127.0.0.1", 8787),)
AWAY = Fallback(("*",), "claude-haiku-5-5", "https://other.example:8443/base", "OTHER_KEY", after=0.0)
BODY = {"model": "claude-opus-5-5", "max_tokens": 10, "messages": [], "metadata": {"user_id": "u1"}}


def head(*headers: bytes) -> bytes:
    usual = [b"host: api.anthropic.com", b"x-api-key: mine", b"content-length: 1"]
    return format_head(b"POST /v1/messages HTTP/1.1", [*usual, *headers])


def made(config: Config, keys: dict[int, str], listens: Any = HERE) -> Fallbacks:
    """The fallbacks of a gateway; pools ask for a loop, and open nothing by themselves."""

    async def make() -> Fallbacks:
        return Fallbacks(
            config,
            keys,
            Accounts(b"salt"),
            listens,
            lambda host: b"" if host == "api.anthropic.com" else b"1.1 seawall-1",
        )

    return asyncio.run(make())


def detour(fallbacks: Fallbacks, *headers: bytes, **changes: Any) -> Detour:
    body = json.dumps({**BODY, **changes}).encode()
    return Detour(fallbacks, head=head(*headers), body=body, plain=body, tokens=10, lane=LANE)


def test_another_model_stands_in_its_own_lane() -> None:
    """Of the same upstream and account; the body differs in its model, the head in its length."""
    call = detour(made(Config(gateway=Gateway(fallback=("sonnet",))), {}))
    assert call.next(OVERLOADED, 29.9) is None
    go = call.next(OVERLOADED, 30.0)
    assert go is not None
    way = call.way(go)
    assert way is not None
    assert way.lane == call.lane(go) == LaneKey("api.anthropic.com", "me", "sonnet", "5.5")
    assert json.loads(way.body) == {**BODY, "model": "claude-sonnet-5-5"}
    assert way.head == head().replace(b"content-length: 1", b"content-length: %d" % len(way.body))
    assert (way.pool, way.told) == (None, "model=claude-sonnet-5-5")


def test_another_address_gets_nothing_of_the_clients() -> None:
    """Its own lane, key and connections; no user."""
    call = detour(made(Config(fallback=(AWAY,)), {0: "their-key"}), b"cookie: secret")
    go = call.next(OVERLOADED, 0.0)
    assert go is not None
    way = call.way(go)
    assert way is not None
    assert way.pool is not None
    assert way.pool.origin == Origin("https", "other.example", 8443)
    assert way.lane == LaneKey("other.example:8443", Accounts(b"salt").hash(b"their-key"), "haiku", "5.5")
    assert json.loads(way.body) == {**BODY, "model": "claude-haiku-5-5", "metadata": {}}
    assert read_request(way.head).lower[b"x-api-key"] == b"their-key"
    assert read_request(way.head).target == b"/base/v1/messages"
    for mine in (b"mine", b"secret", b"u1"):
        assert mine not in way.head + way.body
    assert way.told == "upstream=other.example:8443 model=claude-haiku-5-5"


def test_two_addresses_of_one_machine_are_two_lanes() -> None:
    """One that nobody listens at says nothing of the other, even where both take the same key."""
    near = Fallback(("*",), upstream="http://127.0.0.1:4001", key_env="K", after=0.0)
    far = Fallback(("*",), upstream="http://127.0.0.1:4002", key_env="K", after=0.0)
    call = detour(made(Config(fallback=(near, far)), {0: "one-key", 1: "one-key"}))
    routes = []
    for number in (0, 1):
        go = call.next(OVERLOADED, 0.0, [n for n in (0, 1) if n != number])
        assert go is not None
        routes.append(call.lane(go).route)
    assert routes == ["127.0.0.1:4001", "127.0.0.1:4002"]


@pytest.mark.parametrize(
    ("address", "told"),
    [("https://gateway.example", [b"1.1 seawall-1"]), ("https://api.anthropic.com", [])],
)
def test_another_address_is_told_by_what_a_ring_is_known(address: str, told: list[bytes]) -> None:
    """As the call's own address is; the API itself leads nowhere back."""
    target = Fallback(("*",), upstream=address, key_env="K", after=0.0)
    call = detour(made(Config(fallback=(target,)), {0: "k"}))
    go = call.next(OVERLOADED, 0.0)
    assert go is not None
    way = call.way(go)
    assert way is not None
    assert [value for name, value in read_request(way.head).fields if name == b"via"] == told


@pytest.mark.parametrize("model", ["evil\r\nx: y", "a b", "ü", "m" * 200])
def test_a_model_that_no_header_can_hold_is_not_told(model: str) -> None:
    """The client's own word may be anything; the address is told all the same."""
    target = Fallback(("*",), upstream="https://other.example", key_env="K", after=0.0)
    call = detour(made(Config(fallback=(target,)), {0: "k"}), model=model)
    go = call.next(OVERLOADED, 0.0)
    assert go is not None
    way = call.way(go)
    assert way is not None
    assert way.told == "upstream=other.example"


def test_addresses_without_a_key_and_ourselves_are_no_targets() -> None:
    """What cannot be asked is not in the list."""
    config = Config(fallback=(AWAY, Fallback(("*",), upstream="http://localhost:8787", key_env="K")))
    assert made(config, {}).targets == ()
    assert [target.table for target in made(config, {0: "a", 1: "b"}).targets] == [0]
    assert [target.table for target in made(config, {0: "a", 1: "b"}, (("127.0.0.1", 1),)).targets] == [0, 1]


@pytest.mark.parametrize(
    ("url", "host", "ours"),
    [
        ("http://localhost:8787", "127.0.0.1", True),
        ("http://[::1]:8787", "0.0.0.0", True),
        ("https://gateway.example:8787", "gateway.example", True),
        ("http://localhost:8788", "127.0.0.1", False),
        ("https://gateway.example:8787", "127.0.0.1", False),
    ],
)
def test_what_is_this_gateway_itself(url: str, host: str, ours: bool) -> None:
    """The same port, by any name that leads here."""
    assert is_one_of(Origin.parse(url)[0], ((host, 8787),)) is ours


def test_a_target_that_fails_rests_and_one_that_refuses_is_struck_off() -> None:
    """As the decision says, for this call alone."""
    fallbacks = made(Config(fallback=(Fallback(("*",), "sonnet", after=0.0),)), {})
    call = detour(fallbacks)
    go = call.next(OVERLOADED, 5.0)
    assert go is not None
    call.failed(go.target, OVERLOADED, 529, 5.0, 10.0)
    assert call.next(OVERLOADED, 14.9) is None
    assert call.next(OVERLOADED, 15.0) == go
    call.failed(go.target, Outcome("request.parameter_invalid", Hold.NO), 400, 15.0, 10.0)
    assert call.next(OVERLOADED, 800.0) is None
    assert detour(fallbacks).next(OVERLOADED, 5.0) is not None


def test_what_cannot_be_sent_is_said_once() -> None:
    """A sentence for a target that is due; it is not asked again."""
    targets = (Fallback(("*",), "haiku", after=0.0), Fallback(("*",), "claude-opus-4-5", after=0.0))
    call = detour(made(Config(fallback=targets), {}), max_tokens=500_000)
    for held in (0.0, 1.0):
        assert call.next(OVERLOADED, held) is None
    assert [sentence.partition(":")[0] for sentence in call.skipped] == [
        "not sent to claude-haiku-5-5",
        "not sent to claude-opus-4-5",
    ]


def test_a_model_that_stands_twice_is_found_out_when_it_is_replaced() -> None:
    """The target is struck off then, with its sentence."""
    body = json.dumps(BODY).encode()[:-1] + b', "model": "claude-opus-5"}'
    fallbacks = made(Config(fallback=(Fallback(("*",), "sonnet", after=0.0),)), {})
    call = Detour(fallbacks, head=head(), body=body, plain=body, tokens=1, lane=LANE)
    go = call.next(OVERLOADED, 0.0)
    assert go is not None
    assert call.way(go) is None
    assert call.skipped == [
        "not sent to claude-sonnet-5-5: its model cannot be replaced: a field stands twice"
    ]
    assert call.next(OVERLOADED, 1.0) is None


@pytest.mark.parametrize(
    ("headers", "listens", "goes"),
    [
        ((), HERE, True),
        ((b"authorization: Bearer sk-ant-oat01-x",), HERE, False),
        ((), (("0.0.0.0", 8787),), False),
    ],
)
def test_whose_calls_go_to_another_address(headers: Any, listens: Any, goes: bool) -> None:
    """No logins, and nobody's from a listener that is not loopback unless that is configured."""
    call = detour(made(Config(fallback=(AWAY,)), {0: "k"}, listens), *headers)
    assert (call.next(OVERLOADED, 0.0) is not None) is goes
    assert bool(call.skipped) is not goes
