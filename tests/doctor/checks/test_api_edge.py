"""Who answered at the API's address, by what comes back."""

from pathlib import Path

import pytest
from doctor_peers import about, answer, free_port, from_api, host, ran

from seawall.doctor.check import State
from seawall.doctor.checks.api_edge import judged
from seawall.doctor.reach import Answer

PAGE = b"<html><title>Sign in to Guest-WiFi</title></html>"


def test_the_good_answer_is_a_401_of_the_api(tmp_path: Path) -> None:
    """It carries a request id; no credential was sent, and nothing that a model would see."""
    with host(from_api(401, date="Sat, 21 Nov 2026 06:00:00 GMT")) as api:
        found = ran(about(tmp_path, api.url, environ={"ANTHROPIC_API_KEY": "k" * 40}), "api.edge")
    assert (found.state, found.facts["who"], found.facts["status"]) == (State.OK, "api", 401)
    assert found.facts["first_byte"] >= 0
    (request,) = api.requests
    assert request.startswith(b"POST /v1/messages HTTP/1.1\r\n")
    assert b"api-key" not in request.lower()
    assert b"authorization" not in request.lower()


@pytest.mark.parametrize(
    ("says", "who", "cause", "weight"),
    [
        (from_api(529, b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'), "api",
         "provider.overloaded", "decisive"),
        (answer(503, b"no healthy upstream", cf_ray="8f00-FRA"), "edge", "provider.service_unavailable", "strong"),
        (answer(200, PAGE, content_type="text/html"), "between", "network.captive_portal", "strong"),
        (answer(302, PAGE, content_type="text/html", location="http://login.example/"), "between",
         "network.captive_portal", "strong"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "nobody", None, "strong"),
        (b"", "nobody", None, "strong"),
    ],
)  # fmt: skip
def test_other_answers(tmp_path: Path, says: bytes, who: str, cause: str | None, weight: str) -> None:
    """The cause is the catalogue's; decisive only where the API itself says it."""
    with host(says) as api:
        found = ran(about(tmp_path, api.url), "api.edge")
    assert (found.state, found.facts["who"]) == (State.FAIL, who)
    assert found.signs[0].weight.value == weight
    if cause:
        assert found.signs[0].cause == cause


def test_nobody_listens(tmp_path: Path) -> None:
    """A refused connection is a finding, not a crash."""
    found = ran(about(tmp_path, f"http://127.0.0.1:{free_port()}"), "api.edge")
    assert [one.cause for one in found.signs] == ["network.connection_refused"]


BLOCKED = b"<html><title>Access denied</title>This site is blocked by %s policy</html>"


@pytest.mark.parametrize(
    ("brand", "weight"), [(b"FortiGuard (Fortinet)", "decisive"), (b"the school's", "strong")]
)
def test_a_filters_page(tmp_path: Path, brand: bytes, weight: str) -> None:
    """403 with a page that no edge signed: something nearer to here; its maker is named where the page does."""
    with host(answer(403, BLOCKED % brand, content_type="text/html")) as api:
        found = ran(about(tmp_path, api.url), "api.edge")
    (sign,) = found.signs
    assert (sign.cause, sign.weight.value) == ("network.blocked", weight)
    assert ("the page names Fortinet" in sign.text) == (weight == "decisive")


def test_the_edges_own_page_is_the_edges(tmp_path: Path) -> None:
    """With its mark it is no filter of the network here."""
    with host(answer(403, BLOCKED % b"", content_type="text/html", cf_ray="8f00-FRA")) as api:
        found = ran(about(tmp_path, api.url), "api.edge")
    assert found.signs[0].cause == "network.edge_blocked"


def test_a_company_gateways_page_is_that_gateways() -> None:
    """At another address the network is not blamed for what its host says."""
    page = Answer(403, {"content-type": "text/html"}, BLOCKED % b"")
    (sign,) = judged(page, "llm.corp.example", "a call")
    assert sign.cause == "gateway.unexpected_response"
