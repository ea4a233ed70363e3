"""A status page as a value."""

import json
from typing import Any

import pytest

from seawall.doctor.status import old, read, when

API = {"id": "k8w3r06qmzrp", "name": "Claude API (api.anthropic.com)", "status": "operational"}


def page(indicator: str = "none", **summary: Any) -> Any:
    return read(json.dumps({"status": {"indicator": indicator}} | summary).encode())


@pytest.mark.parametrize(
    ("indicator", "summary", "worst"),
    [
        ("none", {}, 0),
        ("critical", {"components": [{"name": "claude.ai", "status": "major_outage"}]}, 4),
        ("none", {"components": [API, {"name": "claude.ai", "status": "major_outage"}]}, 0),
        ("none", {"components": [{"id": "yyzkbfz2thpt", "name": "renamed", "status": "partial_outage"}]}, 3),
        ("minor", {"components": [API | {"status": "partial_outage"}]}, 3),
        ("none", {"incidents": [{"name": "Opus", "status": "monitoring", "impact": "major"}]}, 3),
        ("none", {"incidents": [{"name": "small", "status": "monitoring", "impact": "none"}]}, 1),
        ("none", {"incidents": [{"name": "old", "status": "resolved", "impact": "critical"}]}, 0),
        ("none", {"incidents": [{"name": "x", "status": "investigating", "impact": "major",
                                 "components": [{"name": "Claude for Government"}]}]}, 0),
        ("none", {"incidents": [{"name": "x", "status": "investigating", "impact": "major",
                                 "components": [API]}]}, 3),
        ("none", {"components": "none", "incidents": [1, None, {}]}, 1),
        ("none", {"page": [], "components": [{"name": 7}]}, 0),
        ("maintenance", {}, 1),
        ("a new word", {}, 1),
    ],
)  # fmt: skip
def test_the_worst_of_three(indicator: str, summary: dict[str, Any], worst: int) -> None:
    """Indicator, our products, and incidents that touch them or none; odd shapes are survived."""
    assert page(indicator, **summary).worst == worst


def test_a_product_that_is_not_listed_is_not_healthy() -> None:
    """It is not there."""
    assert page(components=[{"name": "Claude for Government", "status": "operational"}]).components == {}


@pytest.mark.parametrize(
    ("names", "models"),
    [
        (["Elevated errors on Claude Opus 5.5"], ("opus",)),
        (["Elevated errors on Opus 4.6 and Sonnet 5"], ("opus", "sonnet")),
        (["Haiku is slow", "Elevated errors"], ()),
        (["Elevated errors"], ()),
        ([], ()),
    ],
)
def test_models_that_incidents_name(names: list[str], models: tuple[str, ...]) -> None:
    """Only if every incident names some: else all may be hit."""
    incidents = [{"name": name, "status": "investigating", "impact": "major"} for name in names]
    assert page(incidents=incidents).models == models


def test_maintenance_counts_while_it_is_under_way() -> None:
    """What is planned is not yet, what is done is over."""
    planned = [{"name": state, "status": state} for state in ("scheduled", "in_progress", "completed")]
    assert [one.name for one in page(scheduled_maintenances=planned).maintenance] == ["in_progress"]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"status": 5}', b'{"status": {"indicator": null}}']
)
def test_what_is_no_page(body: bytes) -> None:
    """`ValueError`, nothing else."""
    with pytest.raises(ValueError, match=r"."):
        read(body)


def test_texts_of_the_page_cannot_draw_on_a_terminal() -> None:
    """Control characters go, and so does what is too long."""
    found = page(
        incidents=[{"name": "\x1b[2Jgone" + "x" * 500, "status": "investigating", "impact": "major"}]
    )
    assert found.incidents[0].name.startswith("[2Jgone")
    assert len(found.incidents[0].name) < 130


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"age": "700"}, 700),
        ({"age": "x"}, 0),
        ({"age": "nan"}, 0),
        ({"age": "-5"}, 0),
        ({"date": "Thu, 01 Jan 1970 00:16:40 GMT"}, 1000),
        ({"date": "Thu, 01 Jan 1970 00:16:40 GMT", "age": "30"}, 1000),
        ({"date": "nonsense"}, 0),
        ({"date": "Fri, 02 Jan 2099 00:00:00 GMT"}, 0),
    ],
)
def test_how_old_an_answer_is(headers: dict[str, str], seconds: float) -> None:
    """By its own headers; a clock that is days off says nothing."""
    assert old(headers, 2000.0) == seconds


def test_the_pages_times() -> None:
    """With a zone only."""
    assert when("1970-01-01T00:00:10.000Z") == 10.0
    assert when("1970-01-01T00:00:10") is None
    assert when("yesterday") is None
