"""What Prometheus is told, read back with its own client's parser; and the dashboard file that asks for it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from seawall.gateway.tally import BOUNDS, Tallies
from seawall.view.metrics import TEXT, exposition
from told_gateway import LANE, STATUS

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference" / "metrics.md"
GRAFANA = ROOT / "docs" / "grafana" / "seawall.json"


def tallies() -> Tallies:
    """Some calls of two families."""
    found = Tallies()
    opus = found.of("api.anthropic.com", "opus")
    opus.succeeded = 7
    opus.failed["provider.overloaded", "retried"] = 3
    opus.failed["request.malformed", "passed"] = 1
    opus.holds["recovered"] = 2
    for value in (0.0004, 0.3, 0.3, 1000.0):
        opus.upstream.add(value)
    opus.added.add(0.0002)
    opus.held.add(41.5)
    found.of("api.anthropic.com", "sonnet").succeeded = 1
    return found


def told(status: dict[str, Any] | None = None, counted: Tallies | None = None) -> dict[str, Any]:
    kind, text = exposition(STATUS if status is None else status, counted or tallies(), 2)
    assert kind == TEXT
    return {family.name: family for family in text_string_to_metric_families(text.decode())}


def value(families: dict[str, Any], metric: str, name: str = "", /, **labels: str) -> float:
    [found] = [
        one for one in families[metric].samples if one.name == (name or metric) and one.labels == labels
    ]
    return float(found.value)


def test_attempts_are_counted_by_cause_and_outcome() -> None:
    """Success has no cause."""
    families = told()
    here = {"route": "api.anthropic.com", "family": "opus"}
    name = "seawall_attempts_total"
    assert value(families, "seawall_attempts", name, cause="", outcome="succeeded", **here) == 7
    assert (
        value(families, "seawall_attempts", name, cause="provider.overloaded", outcome="retried", **here) == 3
    )
    assert value(families, "seawall_attempts", name, cause="request.malformed", outcome="passed", **here) == 1
    assert value(families, "seawall_holds", "seawall_holds_total", outcome="recovered", **here) == 2


def test_histograms_add_up() -> None:
    """Buckets only grow, the last is the count, and what is above all bounds is in it."""
    families = told()
    here = {"route": "api.anthropic.com", "family": "opus"}
    name = "seawall_upstream_first_content_seconds"
    buckets = [
        one
        for one in families[name].samples
        if one.name.endswith("_bucket") and one.labels["family"] == "opus"
    ]
    assert [one.labels["le"] for one in buckets] == [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
    counts = [one.value for one in buckets]
    assert counts == sorted(counts)
    assert value(families, name, f"{name}_bucket", le="0.001", **here) == 1
    assert value(families, name, f"{name}_bucket", le="0.5", **here) == 3
    assert value(families, name, f"{name}_bucket", le="900", **here) == 3
    assert (
        value(families, name, f"{name}_bucket", le="+Inf", **here)
        == value(families, name, f"{name}_count", **here)
        == 4
    )
    assert value(families, name, f"{name}_sum", **here) == pytest.approx(1000.6004)


def test_lanes_of_many_accounts_are_one_line() -> None:
    """Accounts are hashes without end: what they do is added up by route and family."""
    lanes = [
        LANE | {"account": f"{number:x}", "breaker": "open" if number < 3 else "closed"}
        for number in range(50)
    ]
    families = told(STATUS | {"lanes": lanes})
    [queued] = families["seawall_lane_queued"].samples
    assert (queued.labels, queued.value) == ({"route": "api.anthropic.com", "family": "opus"}, 2000)
    assert value(families, "seawall_lane_breakers_open", route="api.anthropic.com", family="opus") == 3


def test_a_lane_without_a_limit_has_no_sample_of_it() -> None:
    """0 would mean that nothing may go."""
    families = told(STATUS | {"lanes": [LANE | {"limit": None}]})
    assert families["seawall_lane_limit"].samples == []
    assert told(STATUS | {"lanes": [LANE | {"limit": 0}]})["seawall_lane_limit"].samples[0].value == 0


@pytest.mark.parametrize("name", ['a"b', "a\\", "a\nb", "ö{}", ""])
def test_labels_cannot_break_the_format(name: str) -> None:
    """A name from outside stays one value."""
    counted = Tallies()
    counted.of(name, name).succeeded = 1
    [sample] = told(counted=counted)["seawall_attempts"].samples
    assert (sample.labels["route"], sample.labels["family"]) == (name, name)


def test_a_status_that_lacks_keys_is_no_trouble() -> None:
    """All figures are there, as 0."""
    families = told({})
    assert value(families, "seawall_calls", "seawall_calls_total") == 0
    assert value(families, "seawall_store_up") == 0


def test_names_follow_the_conventions() -> None:
    """One prefix, base units, `_total` for counters and for nothing else, a text for each."""
    for name, family in told().items():
        assert name.startswith("seawall_")
        assert family.documentation.endswith(".")
        assert not re.search(r"_(ms|milliseconds|minutes|percent|count)$", name), name
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter")


def test_every_name_is_described() -> None:
    """The reference names each metric, and no other."""
    told_names = {f"{name}_total" if family.type == "counter" else name for name, family in told().items()}
    described = set(re.findall(r"`(seawall_[a-z_]+)(?:\{[^`]*)?`", REFERENCE.read_text()))
    assert described == told_names


def test_the_dashboard_file_asks_for_what_is_there() -> None:
    """Each expression of the Grafana file names metrics and labels that a scrape has."""
    known = {sample.name: set(sample.labels) for family in told().values() for sample in family.samples}
    board = json.loads(GRAFANA.read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    assert len(expressions) > 10
    for expression in expressions:
        names = re.findall(r"\bseawall_[a-z_]+", expression)
        assert names, expression
        for name in names:
            assert name in known, expression
        for labels in re.findall(r"by \(([^)]*)\)", expression):
            allowed = set().union(*(known[name] for name in names))
            assert {label.strip() for label in labels.split(",")} <= allowed, expression
    assert board["uid"] == "seawall"
    assert {variable["name"] for variable in board["templating"]["list"]} == {"source", "route"}
