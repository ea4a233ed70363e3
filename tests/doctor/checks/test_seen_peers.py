"""What teammates' gateways say."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from doctor_peers import about, answer, free_port, host, ran

from seawall.config import Team
from seawall.doctor.check import State
from seawall.doctor.checks.seen_peers import Peer, read, signs_of
from seawall.doctor.subject import Subject

ROUTE = "api.anthropic.com"


def counts(*rows: tuple[str, int]) -> bytes:
    return json.dumps(
        {"counts": [{"cause": cause, "route": ROUTE, "attempts": n} for cause, n in rows]}
    ).encode()


FAILING = counts(("", 5), ("provider.overloaded", 12))
FINE = counts(("", 40), ("network.connection_reset", 1))


def team(tmp_path: Path, *peers: str, token: str = "") -> Subject:
    one = about(tmp_path, f"https://{ROUTE}")
    return replace(one, config=replace(one.config, team=Team(token=token, peers=peers)))


def test_no_team(tmp_path: Path) -> None:
    """Said in three words; nobody is asked."""
    found = ran(about(tmp_path), "seen.peers")
    assert (found.state, found.summary) == (State.SKIP, "no team configured")


def test_teammates_fail_too(tmp_path: Path) -> None:
    """The strongest evidence there is that it is not this machine; the token goes along."""
    with host(answer(200, FAILING)) as a, host(answer(200, FAILING)) as b, host(answer(200, FINE)) as c:
        found = ran(team(tmp_path, a.url, b.url, c.url, token="team-token-1"), "seen.peers")
        assert b"x-seawall-token: team-token-1\r\n" in a.requests[0]
        assert a.requests[0].startswith(b"GET /api/v1/peers HTTP/1.1\r\n")
    assert (found.facts["failing"], found.facts["fine"]) == (2, 1)
    (sign,) = found.signs
    assert (sign.cause, sign.direction.value) == ("provider.overloaded", "for")
    assert sign.text == "2 of 3 teammates fail too"


def test_only_you(tmp_path: Path) -> None:
    """It speaks against the provider."""
    with host(answer(200, FINE)) as a:
        found = ran(team(tmp_path, a.url), "seen.peers")
    assert [(one.cause, one.direction.value) for one in found.signs] == [("provider.*", "against")]


@pytest.mark.parametrize(
    "says",
    [
        answer(404),
        answer(200, b"<html>"),
        answer(200, b"[" * 100_000),
        answer(200, b'{"counts": 5}'),
        answer(302, location="http://elsewhere.example/"),
        b"garbage",
        b"",
        b"HTTP/1.1 200 X\r\n" + b"x: " + b"y" * 2_000_000,
        None,
    ],
)
def test_any_answer_is_borne(tmp_path: Path, says: bytes | None) -> None:
    """Silence, nonsense and floods: no teammate answered, and that is all."""
    with host(lambda _: says) as a:
        found = ran(team(tmp_path, a.url, f"http://127.0.0.1:{free_port()}", "nonsense"), "seen.peers")
    assert (found.state, found.summary) == (State.SKIP, "no teammate's gateway answered")
    assert found.facts["asked"] == 3


def test_rows_that_are_none() -> None:
    """Other routes, negative and huge numbers, causes nobody knows."""
    rows = [
        {"cause": "", "route": "other.example", "attempts": 5},
        {"cause": "", "route": ROUTE, "attempts": -5},
        {"cause": "", "route": ROUTE, "attempts": True},
        {"cause": "", "route": ROUTE, "attempts": 1 << 80},
        {"cause": {"a": 1}, "route": ROUTE, "attempts": 3},
        {"cause": "made.up", "route": f"{ROUTE}:8443", "attempts": 2},
        {"cause": "", "route": f"{ROUTE}.evil.example", "attempts": 2},
        {"cause": "", "route": 5, "attempts": 2},
        None,
        "x",
    ]
    assert read(json.dumps({"counts": rows}).encode(), ROUTE) == Peer(5, 5, "")


def test_a_few_failures_are_everyday() -> None:
    """A teammate fails from a quarter of the attempts on."""
    assert not Peer(40, 1, "provider.overloaded").fails
    assert Peer(4, 1, "provider.overloaded").fails
    assert signs_of([Peer(0, 0)]) == () or signs_of([]) == ()
