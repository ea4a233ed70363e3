"""Lengths of time as people say them."""

import pytest

from seawall.view.words import duration


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"), (0.9, "0 s"), (45.5, "45 s"), (60, "1 min"), (190, "3 min 10 s"), (610, "10 min"), (900, "15 min"),
        (3600, "1 h"), (4320, "1 h 12 min"), (6 * 3600 + 600, "6 h"), (47 * 3600, "47 h"), (49 * 3600, "2 d"),
    ],
)  # fmt: skip
def test_duration(seconds: float, said: str) -> None:
    """Two units where the second matters, one where it does not."""
    assert duration(seconds) == said
