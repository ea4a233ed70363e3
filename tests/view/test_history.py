"""What `seawall history` prints: signs, sentences, tables at any width."""

import pytest

from seawall.history.outlook import Outlook
from seawall.history.rates import Rate, Slot, hours
from seawall.store.bursts import HourCount
from seawall.view import history
from seawall.view.layout import Look, columns


@pytest.mark.parametrize(
    ("rate", "sign"),
    [
        (Rate(19, 19), ""),
        (Rate(20, 0), "."),
        (Rate(1000, 9), "."),
        (Rate(1000, 10), "-"),
        (Rate(1000, 30), "+"),
        (Rate(1000, 60), "#"),
        (Rate(20, 20), "#"),
    ],
)
def test_the_sign_of_a_cell(rate: Rate, sign: str) -> None:
    """By its share; blank, not green, where too little is known."""
    assert history.sign(rate) == sign


@pytest.mark.parametrize(
    ("found", "age", "says"),
    [
        (Outlook(3), 60, "No history yet (3 earlier)"),
        (Outlook(9, 120, 240, 660, 90), 180, "Most episodes like this end within 4 min; this one is at 3 min"),
        (
            Outlook(9, 120, 240, 660, 360),
            300,
            "Longer than 3 of 4; of those that got this far, half ended within another 6 min",
        ),
        (Outlook(9, 120, 240, 240, None), 300, "Longer than 3 of 4; of those that got this far, too few are known"),
        (
            Outlook(9, 120, None, None, None),
            300,
            "Half of the episodes like this end within 2 min; of the others too few were seen to end",
        ),
    ],
)  # fmt: skip
def test_the_outlook(found: Outlook, age: float, says: str) -> None:
    """One sentence, and never a figure that is not known."""
    assert history.outlook_sentence(found, age) == says


def test_the_hours_of_a_week() -> None:
    """Monday 09 h failed half the time; the columns stand under their hours."""
    monday = 494_688 // 24 * 24
    monday -= (monday // 24 + 3) % 7 * 24
    lines = history.hours(hours([HourCount(monday + 9, 0, 20, 10)]), Look(80))
    at = next(line for line in lines if line.startswith("Mon"))
    header = next(line for line in lines if line.startswith("      00"))
    assert at.index("#") == header.index("08") + 2
    assert lines[-1].startswith("No clear pattern yet (1 day")


@pytest.mark.parametrize("width", [20, 40, 60, 80, None])
def test_any_width(width: int | None) -> None:
    """Nothing is wider than the terminal, and nothing is left out."""
    look = Look(width)
    table = history.table(("cause", "episodes", "longest"), [("provider.overloaded", "23", "38 min")], look)
    lines = [*table, *history.hours(hours([]), look), *history.flowed(["a word " * 20, "another"], look)]
    assert width is None or max(map(columns, lines)) <= width
    assert "38 min" in "\n".join(table)


@pytest.mark.parametrize(("share", "says"), [(0, "0 %"), (0.0912, "9.1 %"), (0.96, "96 %"), (1, "100 %")])
def test_percents(share: float, says: str) -> None:
    """One decimal below ten."""
    assert history.percent(share) == says


def test_moments() -> None:
    """By the wall clock of the time; a time that no calendar has breaks nothing."""
    assert history.clock(1_795_000_000.0, 60) == "2026-11-18 12:06"
    assert history.clock(1e300, 0) == "no such time"
    assert history.slot(Slot(1, 15)) == "Tue 15-16 h"
