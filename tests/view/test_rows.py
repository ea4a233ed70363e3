"""What stands around a gateway's rows: how long trouble lasts, models, the way, the page, the last hour."""

import pytest

from seawall.history.usual import Usual
from seawall.view.facts import Tried
from seawall.view.layout import Look, laid_out
from seawall.view.rows import models_row, over_by, page_row, path_row, strip_row, usual_line

KNOWN = Usual(23, 120.0, 240.0, 660.0)


@pytest.mark.parametrize(
    ("age", "share"),
    [(0, 0.0), (60, 0.25), (120, 0.5), (180, 0.625), (240, 0.75), (450, 0.825), (660, 0.9), (9999, 0.9)],
)  # fmt: skip
def test_how_many_are_over_by_then(age: float, share: float) -> None:
    """What is known of half, three quarters and nine tenths, and straight lines between."""
    assert over_by(age, KNOWN) == pytest.approx(share)


@pytest.mark.parametrize("known", [Usual(7), Usual(30, 0.0, 0.0, 0.0)])
def test_too_few_are_known(known: Usual) -> None:
    """No bar from nothing."""
    assert over_by(10.0, known) is None
    assert usual_line(10.0, known, Look(80)) == ""


@pytest.mark.parametrize(
    ("age", "known", "says"),
    [
        (100, KNOWN, "3 of 4 are over by 4 min"),
        (300, KNOWN, "longer than 3 of 4; 9 of 10 are over by 11 min"),
        (700, KNOWN, "longer than 9 of 10"),
        (300, Usual(9, 120.0, 240.0, None), "longer than 3 of 4"),
        (300, Usual(9, 120.0, None, None), "half are over by 2 min"),
        (-5, KNOWN, "3 of 4 are over by 4 min"),
    ],
)
def test_what_the_bar_means(age: float, known: Usual, says: str) -> None:
    """Never a percentage; where the age is beyond what is usual, that is said."""
    line = usual_line(age, known, Look(80))
    assert line.endswith(f"  {says}")
    assert line.startswith("  [")
    assert len(line) <= 80
    assert usual_line(age, known, Look(None)) == f"  {says}"


@pytest.mark.parametrize("width", range(1, 90))
def test_the_bar_fits(width: int) -> None:
    """A narrow terminal gets a shorter bar, a very narrow one only words; it is never full before the end."""
    line = usual_line(1e9, KNOWN, Look(width))
    assert len(line) <= width
    assert "[" not in line or "-]" in line


def test_models() -> None:
    """Those most used first, a handful; a family without a name is called what it is."""
    models = [
        Tried("haiku", 3, 3),
        Tried("opus", 0, 14),
        Tried("", 1, 2),
        *(Tried(f"m{n}", 0, 1) for n in range(9)),
    ]
    assert laid_out(models_row(models, 180.0), Look(None)) == [
        "Models: opus 0/14   haiku 3/3   any model 1/2   m0 0/1   m1 0/1   m2 0/1 · last 3 min"
    ]
    assert models_row([], 180.0) == []
    two = [
        Tried("opus", 0, 14, "api.anthropic.com"),
        Tried("opus", 3, 3, "llm.example"),
        Tried("haiku", 1, 1, "x"),
    ]
    assert laid_out(models_row(two, 180.0), Look(None)) == [
        "Models: opus api.anthropic.com 0/14   opus llm.example 3/3   haiku 1/1 · last 3 min"
    ]


def test_the_way() -> None:
    """What was measured in milliseconds; what failed is marked; of nothing measured nothing is said."""
    hops: dict[str, object] = {"name": 0.009, "first_byte": 0.1312, "slowest": "first_byte"}
    assert laid_out(path_row(hops, "fine", False), Look(None)) == [
        "Path: name 9 ms  first byte 131 ms · fine"
    ]
    assert laid_out(path_row({}, "no \x1b[2Jway out", True), Look(None)) == ["Path: x no ?[2Jway out"]
    assert path_row({}, "", False) == []


def test_the_page() -> None:
    """What it said and when it was read."""
    assert laid_out(page_row("no open incident", "14:21:40", False), Look(None)) == [
        "Status page: no open incident, read 14:21:40"
    ]
    assert laid_out(page_row("API: major outage", "14:21:40", True), Look(None)) == [
        "Status page: ! API: major outage, read 14:21:40"
    ]
    assert page_row("", "14:21:40", False) == []


@pytest.mark.parametrize(("width", "label", "signs"), [(80, "Last 4 min", ".+# "), (5, "Last 3 min", "+# ")])
def test_the_last_hour(width: int, label: str, signs: str) -> None:
    """A sign a minute; where there is no room, the newest."""
    [row] = strip_row([(3, 0), (3, 1), (1, 3), (0, 0)], Look(width))
    assert (row.label, row.facts[0].text) == (label, signs)
    assert strip_row([(0, 0)] * 60, Look(80)) == []
