"""The fake's status page: shaped like Statuspage's, and as its script says."""

import json
from typing import Any

import pytest

from seawall.fake import scenario
from seawall.fake.scenario import ScenarioError
from seawall.fake.status_page import COMPONENTS, Notice, body, summary

OUTAGE = Notice(begin=10, end=20, component="Claude API", incident="Elevated errors")


@pytest.mark.parametrize(
    ("now", "state"), [(9.9, "operational"), (10, "partial_outage"), (20, "operational")]
)
def test_a_notice_has_its_time(now: float, state: str) -> None:
    """From its beginning until its end; every component is listed all along."""
    page = summary([OUTAGE], now, 0.0)
    states = {one["name"]: one["status"] for one in page["components"]}
    assert states["Claude API (api.anthropic.com)"] == state
    assert set(states) == set(COMPONENTS)
    assert len(page["incidents"]) == (state != "operational")


@pytest.mark.parametrize(
    ("notice", "indicator"),
    [
        (Notice(), "none"),
        (Notice(component="Claude Code", state="degraded_performance"), "minor"),
        (Notice(component="Claude Code", state="partial_outage"), "major"),
        (Notice(component="Claude Code", state="major_outage"), "critical"),
        (Notice(component="Claude Code", state="major_outage", indicator="none"), "none"),
        (Notice(component="Claude Code", state="under_maintenance"), "none"),
    ],
)
def test_the_pages_own_word(notice: Notice, indicator: str) -> None:
    """It follows from the components, unless the script lets it lag."""
    assert summary([notice], 0.0, 0.0)["status"]["indicator"] == indicator


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/api/v2/summary.json", {"page", "status", "components", "incidents", "scheduled_maintenances"}),
        ("/api/v2/status.json", {"page", "status"}),
        ("/api/v2/components.json", {"page", "components"}),
        ("/api/v2/incidents/unresolved.json", {"page", "incidents"}),
        ("/api/v2/scheduled-maintenances/active.json", {"page", "scheduled_maintenances"}),
    ],
)
def test_its_pages(path: str, parts: set[str]) -> None:
    """What each has at its top."""
    found = body(path, [OUTAGE], 15.0, 0.0)
    assert found is not None
    assert set(json.loads(found)) == parts


@pytest.mark.parametrize(
    "path", ["/api/v2/", "/api/v2/summary", "/api/v2/none.json", "/v1/messages", "/api/v2/x/../summary.json"]
)
def test_pages_that_it_has_not(path: str) -> None:
    """None, for a 404."""
    assert body(path, [], 0.0, 0.0) is None


def test_a_script_in_a_scenario() -> None:
    """`[[notice]]`, checked when it is read."""
    found = scenario.read(
        '[[notice]]\nfrom = 30\nto = 90\ncomponent = "claude api"\nstate = "major_outage"\n'
    )
    assert found.notices == (Notice(begin=30, end=90, component="claude api", state="major_outage"),)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ('state = "broken"', "state is one of"),
        ('component = "Nothing"', "component begins one of"),
        ("from = 9\nto = 1", "to is not before from"),
        ('impact = "huge"', "impact and indicator"),
        ('colour = "red"', "unknown field"),
    ],
)
def test_a_script_that_is_none(line: str, word: str) -> None:
    """Said with its place."""
    with pytest.raises(ScenarioError, match=word) as raised:
        scenario.read(f"[[notice]]\n{line}\n")
    assert "notice[0]" in str(raised.value)


def test_the_shape_of_a_statuspage() -> None:
    """The fields that readers of such pages use."""
    page: dict[str, Any] = summary([OUTAGE], 15.0, 1_795_000_000.25)
    assert page["page"]["updated_at"] == "2026-11-18T11:06:40.250Z"
    (incident,) = page["incidents"]
    assert (incident["status"], incident["impact"]) == ("investigating", "major")
    assert [one["id"] for one in incident["components"]] == ["k8w3r06qmzrp"]
