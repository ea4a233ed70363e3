"""A page that stands between here and everybody."""

from pathlib import Path

import pytest
from doctor_peers import about, answer, host, ran

from seawall.config import Network
from seawall.doctor.check import State


def found(tmp_path: Path, says: bytes) -> object:
    with host(says) as probe:
        return ran(about(tmp_path, captive=f"{probe.url}/generate_204"), "net.captive")


def test_nobody_between(tmp_path: Path) -> None:
    """204 and nothing else; the path is the configured one, and no key is sent."""
    with host(answer(204)) as probe:
        one = about(
            tmp_path, captive=f"{probe.url}/generate_204", environ={"ANTHROPIC_API_KEY": "sk-ant-api03-x"}
        )
        done = ran(one, "net.captive")
        (request,) = probe.requests
    assert (done.state, done.facts["portal"]) == (State.OK, False)
    assert request.startswith(b"GET /generate_204 HTTP/1.1\r\n")
    assert b"sk-ant" not in request


@pytest.mark.parametrize(
    ("says", "place"),
    [
        (answer(302, location="http://login.hotel.example/?u=secret"), "login.hotel.example"),
        (answer(200, b"<html>Sign in</html>", content_type="text/html"), ""),
        (answer(302, location="http://[broken"), ""),
        (answer(511, b"<html>", content_type="text/html"), ""),
    ],
)
def test_a_sign_in_page(tmp_path: Path, says: bytes, place: str) -> None:
    """Where it leads is named; it is weak evidence by itself, since plain HTTP is looked into by many."""
    done = found(tmp_path, says)
    assert (done.state, done.facts["portal"], done.facts["place"]) == (State.WARN, True, place)  # type: ignore[attr-defined]
    assert [(one.cause, one.weight.value) for one in done.signs] == [("network.captive_portal", "weak")]  # type: ignore[attr-defined]
    assert "secret" not in done.summary  # type: ignore[attr-defined]


def test_no_answer_is_no_page(tmp_path: Path) -> None:
    """Firewalls drop plain HTTP; nothing follows from that."""
    assert ran(about(tmp_path), "net.captive").state is State.SKIP


def test_behind_a_proxy_it_is_not_asked(tmp_path: Path) -> None:
    """Calls go another way there."""
    one = about(tmp_path, "https://api.example", network=Network(https_proxy="http://127.0.0.1:9"))
    assert ran(one, "net.captive").state is State.SKIP
