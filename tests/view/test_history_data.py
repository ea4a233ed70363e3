"""History for programs."""

import csv
import io
import json

import pytest

from seawall.history.episodes import End, Episode
from seawall.history.rates import Hours, Rate
from seawall.history.report import Report, Span, compared
from seawall.store.bursts import ModelCount
from seawall.view import history_data as data

ONE = Episode("7f3a", "a.b", "api", ("opus", "sonnet"), 1e9, 1e9, 1e9 + 60, End.UNSEEN, 3, 2, 1, 0, 60)
REPORT = Report(0.0, 2e9, [], Hours(), [ONE], [ModelCount("opus", 30, 3, 2)], 0, 0.0)


def test_an_object() -> None:
    """UTC with Z, seconds, null for what is not known."""
    value = json.loads(json.dumps(data.report(REPORT)))
    [one] = value["episodes"]
    assert (one["opened_at"], one["closed_at"], one["lasted"], one["end"]) == (
        "2001-09-09T01:46:40Z",
        None,
        60,
        "unseen",
    )
    assert (value["busiest"], value["causes"][0]["p50"], value["causes"][0]["longest_ended"]) == (
        None,
        None,
        False,
    )
    assert [(one["attempts"], one["calls"]) for one in value["models"]] == [(30, 28)]


@pytest.mark.parametrize(
    ("view", "rows"), [(None, 1), ("list", 1), ("causes", 1), ("models", 1), ("hours", 0)]
)
def test_rows(view: str | None, rows: int) -> None:
    """A header that is the same whatever was found, then a row each with every cell."""
    found = list(csv.reader(io.StringIO(data.rows(REPORT, view))))
    assert tuple(found[0]) == data.HEADERS[view or "list"]
    assert [len(row) for row in found[1:]] == [len(found[0])] * rows


def test_two_spans() -> None:
    """The verdict in a word, and its bounds."""
    sides = [
        Span(0, 1, Rate(1000, failed, 100), 1, None, 0, parts=[Rate(200, failed // 5, 20)] * 5)
        for failed in (200, 20)
    ]
    value = data.comparison(compared(*sides))
    assert value["verdict"] == "fewer"
    assert (value["before"]["attempts"], value["before"]["calls"]) == (1000, 900)
    assert data.comparison(compared(*reversed(sides)))["verdict"] == "more"
