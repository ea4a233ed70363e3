"""The status page, by component and incident; what is no status page is not known, not green."""

import json
from pathlib import Path
from typing import Any

import pytest
from doctor_peers import GREEN, RED, about, answer, host, ran

from seawall.doctor.check import Finding, State
from seawall.doctor.checks.status_page import read


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
    ("summary", "worst"),
    [
        ({"components": [{"name": "claude.ai", "status": "major_outage"}]}, 4),
        ({"components": [{"name": "Claude API (new name)", "status": "operational"},
                         {"name": "claude.ai", "status": "major_outage"}]}, 0),
        ({"components": [{"id": "yyzkbfz2thpt", "name": "renamed", "status": "partial_outage"}]}, 3),
        ({"incidents": [{"name": "Opus", "status": "monitoring", "impact": "major"}]}, 3),
        ({"incidents": [{"name": "old", "status": "resolved", "impact": "critical"}]}, 0),
        ({"incidents": [{"name": "x", "status": "investigating", "impact": "major",
                         "components": [{"name": "Claude for Government"}]}]}, 0),
        ({"components": "none", "incidents": [1, None, {}]}, 1),
        ({"page": [], "components": [{"name": 7}]}, 0),
    ],
)  # fmt: skip
def test_what_counts(summary: dict[str, Any], worst: int) -> None:
    """Our components, unresolved incidents that touch them or none; else the indicator; odd shapes are survived."""
    indicator = "critical" if worst == 4 else "none"
    assert read(json.dumps({"status": {"indicator": indicator}} | summary).encode())["worst"] == worst


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
