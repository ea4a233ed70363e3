"""Times and lengths of time as programs and people read them."""

import pytest

from seawall.clock import duration, utc


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


@pytest.mark.parametrize(
    ("at", "said"),
    [(0, "1970-01-01T00:00:00Z"), (1_763_644_920.9, "2025-11-20T13:22:00Z"), (-1.0, "1969-12-31T23:59:59Z")],
)
def test_utc(at: float, said: str) -> None:
    """To the second, whatever the machine's zone."""
    assert utc(at) == said


@pytest.mark.parametrize("at", [1e300, -1e300, 1e12, -1e11, float("inf"), float("nan")])
def test_a_time_that_no_calendar_has(at: float) -> None:
    """Nothing is said of it: a record may hold any number."""
    assert utc(at) is None
