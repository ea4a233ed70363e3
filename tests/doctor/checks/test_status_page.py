"""The status page, by component and incident; what is no status page is not known, not green."""

import email.utils
import time
from pathlib import Path
from typing import Any

import pytest
from doctor_peers import GREEN, RED, about, answer, host, ran

from seawall.doctor.check import Finding, State
from seawall.doctor.checks.status_page import next_place
from seawall.fake.scenario import Scenario
from seawall.fake.status_page import Notice
from seawall.fake.thread import BackgroundFakeApi
from seawall.origin import Origin


def page(tmp_path: Path, says: Any) -> Finding:
    with host(says) as status:
        return ran(about(tmp_path, status=status.url), "status.page")


def test_green_speaks_faintly_against(tmp_path: Path) -> None:
    """It proves nothing: it lags."""
    found = page(tmp_path, answer(200, GREEN))
    assert found.state is State.OK
    assert [(one.cause, one.direction.value, one.weight.value) for one in found.signs] == [
        ("provider.*", "against", "weak")
    ]


def test_a_component_that_is_down_is_worse_than_the_indicator(tmp_path: Path) -> None:
    """The page's own word under-reports."""
    found = page(tmp_path, answer(200, RED))
    assert found.state is State.WARN
    assert found.facts["worst"] == 4
    assert "Claude API: major_outage" in found.signs[0].text
    assert found.signs[0].weight.value == "strong"


@pytest.mark.parametrize(
    "says",
    [
        answer(200, b"<html>sign in</html>"), answer(200, b"[]"), answer(200, b"[" * 100_000), answer(503, GREEN),
        answer(200, b'{"status":{"indicator":7}}'), b"garbage\r\n\r\n", b"",
        answer(302, location="http://elsewhere.example/x"),
    ],
)  # fmt: skip
def test_what_is_no_status_page_is_not_known(tmp_path: Path, says: bytes) -> None:
    """Neither green nor red."""
    found = page(tmp_path, says)
    assert found.state is State.UNKNOWN
    assert found.signs == ()


def test_a_redirection_is_followed_but_not_for_ever(tmp_path: Path) -> None:
    """The page moved once; a circle ends."""

    def moved(request: bytes) -> bytes:
        return answer(200, GREEN) if request.startswith(b"GET /new ") else answer(301, location="/new")

    assert page(tmp_path, moved).state is State.OK
    assert page(tmp_path, answer(301, location="/again")).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("location", "followed"),
    [
        ("/new", True),
        ("https://status.claude.com/api/v2/summary.json", True),
        ("https://status.anthropic.com/api/v2/summary.json?x=1", True),
        ("http://status.claude.com/api/v2/summary.json", False),
        ("https://sign-in.hotel.example/", False),
        ("//sign-in.hotel.example/", False),
        ("https://status.claude.com.evil.example/", False),
        ("ftp://status.claude.com/", False),
        ("", False),
        ("https://[broken", False),
    ],
)
def test_where_a_redirection_may_lead(location: str, followed: bool) -> None:
    """Within https, and only to the hosts that are known for the page."""
    origin, _ = Origin.parse("https://status.claude.com")
    assert (next_place(origin, location, "status.claude.com") is not None) is followed


def test_an_answer_that_was_kept_on_the_way(tmp_path: Path) -> None:
    """A green page of an hour ago speaks neither for nor against; a red one only faintly."""
    date = email.utils.formatdate(time.time() - 3600, usegmt=True)
    green, red = page(tmp_path, answer(200, GREEN, date=date)), page(tmp_path, answer(200, RED, age="3600"))
    assert [one.direction.value for one in green.signs] == ["neutral"]
    assert "60 min old" in green.signs[0].text
    assert [(one.direction.value, one.weight.value) for one in red.signs] == [("for", "weak")]


def test_the_pages_colour_alone_is_faint(tmp_path: Path) -> None:
    """It is the colour of all products: ours may be well."""
    body = b'{"status":{"indicator":"critical"},"components":[{"name":"Claude API","status":"operational"}]}'
    found = page(tmp_path, answer(200, body))
    assert (found.facts["worst"], found.signs[0].weight.value) == (4, "weak")


def test_an_endless_page(tmp_path: Path) -> None:
    """It is cut at a megabyte, and is no page then."""
    head = b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\n\r\n"
    found = page(tmp_path, head + b'{"status": "' + b"x" * 3_000_000)
    assert found.state is State.UNKNOWN


def noticed(tmp_path: Path, *notices: Notice) -> Finding:
    """What is found where the fake API's page shows these notices."""
    with BackgroundFakeApi(Scenario(notices=notices)) as api:
        return ran(about(tmp_path, status=api.url), "status.page")


def test_the_fakes_page(tmp_path: Path) -> None:
    """Green without a notice; by component, by incident, and by model where all incidents name it."""
    assert noticed(tmp_path).state is State.OK
    outage = noticed(
        tmp_path, Notice(component="Claude API", state="major_outage", incident="Elevated errors")
    )
    assert (outage.state, outage.facts["worst"]) == (State.WARN, 4)
    assert outage.facts["incidents"][0]["name"] == "Elevated errors"
    model = noticed(tmp_path, Notice(incident="Elevated errors on Claude Opus 5.5", impact="minor"))
    assert (model.facts["models"], model.signs[0].weight.value) == (["opus"], "weak")
    assert model.signs[0].text.endswith("; only opus is named")


def test_signing_in(tmp_path: Path) -> None:
    """The Console's trouble keeps nobody's key from working."""
    found = noticed(tmp_path, Notice(component="Claude Console", state="major_outage", indicator="none"))
    assert {one.cause for one in found.signs} == {"provider.*", "provider.login_down"}
    assert all(one.weight.value == "weak" for one in found.signs)


def test_maintenance_is_noted(tmp_path: Path) -> None:
    """It is told, and speaks for nothing."""
    found = noticed(tmp_path, Notice(maintenance="Database work", indicator="none"))
    assert found.state is State.OK
    assert found.facts["maintenance"] == ["Database work"]
    assert [one.direction.value for one in found.signs] == ["against", "neutral"]
