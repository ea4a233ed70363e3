"""Challenge, status and leases, with a clock that is moved by hand."""

import asyncio
import json
from collections.abc import AsyncIterator

from seawall.doctor.checks.seen_peers import read
from seawall.gateway.local import LocalRequest, LocalResponse
from seawall.gateway.runtime import proof
from seawall.gateway.sharing import Sharing, shared
from shapes import conforms


class HandClock:
    """Time that moves when it is told to."""

    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return self.at


def asked(
    sharing: Sharing, path: str, *, token: str | None = None, method: str = "GET", **query: str
) -> LocalResponse | AsyncIterator[bytes]:
    """The answer of a route."""
    headers = {"x-seawall-token": token} if token is not None else {}
    return asyncio.run(_answer(sharing, LocalRequest(method, path, query, headers)))


async def _answer(sharing: Sharing, request: LocalRequest) -> LocalResponse | AsyncIterator[bytes]:
    return await sharing.routes()[request.path](request)


def made(clock: HandClock | None = None) -> Sharing:
    return Sharing("token", lambda: {"held": 2}, clock or HandClock())


def test_a_challenge_is_answered_by_proof() -> None:
    """Without any token asked for: who asks wants to know whom they ask."""
    answer = asked(made(), "/api/v1/challenge", nonce="n" * 32)
    assert isinstance(answer, LocalResponse)
    assert (answer.status, answer.body.decode()) == (200, proof("token", "n" * 32))


def test_a_bad_challenge_is_refused() -> None:
    """Too short to be a nonce, too long to be honest, or not a GET."""
    for method, nonce in (("GET", ""), ("GET", "n" * 15), ("GET", "n" * 129), ("POST", "n" * 32)):
        answer = asked(made(), "/api/v1/challenge", method=method, nonce=nonce)
        assert isinstance(answer, LocalResponse)
        assert answer.status == 400


def test_a_lease_needs_the_token() -> None:
    """A missing, wrong, or strange token holds nothing."""
    sharing = made()
    for token in (None, "", "tokem", "tökén"):
        answer = asked(sharing, "/api/v1/lease", token=token)
        assert isinstance(answer, LocalResponse)
        assert answer.status == 401
    assert sharing.leases == 0


def test_refusals_are_of_the_shape_that_is_shipped() -> None:
    """Whoever reads one reads them all: a number, a class and a line, as the commands' own errors have them."""
    leaving = made()
    leaving.closing = True
    refusals = {
        "usage": [
            asked(made(), "/api/v1/challenge", nonce="short"),
            asked(made(), "/api/v1/lease"),
            asked(made(), "/api/v1/peers"),
            asked(Sharing("token", dict, HandClock(), "team"), "/api/v1/peers"),
        ],
        "seawall": [asked(leaving, "/api/v1/lease", token="token")],
    }
    for kind, answers in refusals.items():
        for answer in answers:
            assert isinstance(answer, LocalResponse)
            error = conforms(answer.body.decode() + "\n")["error"]
            assert (error["code"], error["class"]) == (answer.status, kind)


def test_the_status_names_the_leases() -> None:
    """What the gateway says of itself, and who uses it."""
    assert made().told() == {"held": 2, "leases": 0}


def test_a_lease_lasts_as_long_as_its_connection() -> None:
    """It counts from its first byte to its end, and the time without any counts from the last one's end."""

    async def scenario() -> None:
        clock = HandClock()
        sharing = made(clock)
        clock.at += 10
        assert sharing.unused_for() == 10
        request = LocalRequest("GET", "/api/v1/lease", {}, {"x-seawall-token": "token"})
        first = await sharing.routes()["/api/v1/lease"](request)
        second = await sharing.routes()["/api/v1/lease"](request)
        assert not isinstance(first, LocalResponse)
        assert not isinstance(second, LocalResponse)
        readers = [asyncio.ensure_future(anext(first)), asyncio.ensure_future(anext(second))]
        assert await asyncio.gather(*readers) == [b"\n", b"\n"]
        assert (sharing.leases, sharing.unused_for()) == (2, 0)
        await first.aclose()  # type: ignore[attr-defined]
        assert (sharing.leases, sharing.unused_for()) == (1, 0)
        waiting = asyncio.ensure_future(anext(second))
        await asyncio.sleep(0)
        waiting.cancel()  # as the gateway does when the connection is gone
        await asyncio.gather(waiting, return_exceptions=True)
        clock.at += 7
        assert (sharing.leases, sharing.unused_for()) == (0, 7)

    asyncio.run(scenario())


def test_a_gateway_that_leaves_gives_no_lease() -> None:
    """Who asks must look for another."""
    sharing = made()
    sharing.closing = True
    answer = asked(sharing, "/api/v1/lease", token="token")
    assert isinstance(answer, LocalResponse)
    assert answer.status == 503


STATUS = {
    "upstream": "https://api.anthropic.com",
    "recent": {"minutes": [[100, 100]] * 45 + [[2, 1]] * 15},
    "troubles": [
        {
            "cause": "provider.overloaded",
            "route": "api.anthropic.com",
            "failures": 12,
            "last": 99.0,
            "account": "a1",
        },
        {"cause": "network.dns_failure", "route": "api.anthropic.com", "failures": 9, "last": 100.0 - 901},
    ],
}


def test_teammates_learn_counts_and_nothing_else() -> None:
    """By the team's token: attempts of 15 minutes by cause and route; no account, no model, no time."""
    sharing = Sharing("token", lambda: STATUS, HandClock(), "team-token")
    answer = asked(sharing, "/api/v1/peers", token="team-token")
    assert isinstance(answer, LocalResponse)
    value = json.loads(answer.body)
    assert value == {
        "schema": "seawall.peers/1",
        "minutes": 15,
        "counts": [
            {"cause": "", "route": "api.anthropic.com", "attempts": 30},
            {"cause": "provider.overloaded", "route": "api.anthropic.com", "attempts": 12},
        ],
    }
    peer = read(answer.body, "api.anthropic.com")
    assert (peer.attempts, peer.failed, peer.cause) == (42, 12, "provider.overloaded")


def test_nobody_learns_what_is_not_shared() -> None:
    """Without the setting there is nothing; with it another token, the user's own too, is refused."""
    for sharing, token, status in (
        (made(), "token", 404),
        (Sharing("token", lambda: STATUS, HandClock(), "team-token"), "token", 401),
        (Sharing("token", lambda: STATUS, HandClock(), "team-token"), None, 401),
    ):
        answer = asked(sharing, "/api/v1/peers", token=token)
        assert isinstance(answer, LocalResponse)
        assert answer.status == status


def test_a_status_without_counts_shares_none() -> None:
    """A gateway that has just begun."""
    assert shared({}, 100.0) == []
    assert shared({"recent": {"minutes": []}, "troubles": []}, 100.0) == []
