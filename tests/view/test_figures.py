"""Figures as people read them, and tables at any width."""

import pytest

from seawall.view.figures import counted, flowed, length, nothing, percent, ranged, table
from seawall.view.layout import Look, columns


@pytest.mark.parametrize("width", [20, 40, 60, 80, None])
def test_any_width(width: int | None) -> None:
    """Nothing is wider than the terminal, and nothing is left out."""
    look = Look(width)
    rows = table(("cause", "episodes", "longest"), [("provider.overloaded", "23", "38 min")], look)
    lines = [*rows, *flowed(["a word " * 20, "another"], look)]
    assert width is None or max(map(columns, lines)) <= width
    assert "38 min" in "\n".join(rows)


@pytest.mark.parametrize(("share", "says"), [(0, "0 %"), (0.0912, "9.1 %"), (0.96, "96 %"), (1, "100 %")])
def test_percents(share: float, says: str) -> None:
    """One decimal below ten."""
    assert percent(share) == says


def test_words_and_signs() -> None:
    """Counts with their noun, ranges and what is not known; plainly without a sign beyond ASCII."""
    assert [counted(value, "call") for value in (0, 1, 9412)] == ["0 calls", "1 call", "9 412 calls"]
    look, plain = Look(80), Look(None, plain=True)
    assert (ranged("15-16 h", look), ranged("15-16 h", plain)) == ("15–16 h", "15-16 h")
    assert (nothing(look), nothing(plain), length(None, plain), length(90, look)) == (
        "–",
        "-",
        "-",
        "1 min 30 s",
    )
