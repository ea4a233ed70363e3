"""Times and lengths of time as programs and people read them."""

import time
from collections.abc import Iterator

import pytest

from seawall.clock import duration, local, there, utc


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


NOON = 1_794_999_600.0 - 1_794_999_600.0 % 86400 + 43200  # of some day in UTC


@pytest.fixture
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_utc")
@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (3600, "11:00"), (-3600, "13:00"), (43200, "00:00"), (43201, "yesterday 23:59"),
        (43200 + 86400, "yesterday 00:00"), (43201 + 86400, "16 Nov 23:59"), (-86400, "19 Nov 12:00"),
        (400 * 86400, "14 Oct 2025 12:00"),
    ],
)  # fmt: skip
def test_the_day_is_said_where_it_is_another(ago: float, said: str) -> None:
    """A time alone would be taken for today's; the year where it is another too."""
    assert local(NOON - ago, seconds=False, now=NOON) == said
    assert local(NOON - ago, now=NOON).startswith(f"{said}:")
    assert local(NOON - ago, seconds=False) == said.split()[-1]


def test_the_clock_of_another_place() -> None:
    """By what it was east of UTC then, whatever this machine's zone."""
    assert there(1_795_000_000.0, 60) == "2026-11-18 12:06"
    assert there(1_795_000_000.0, -330, seconds=True) == "2026-11-18 05:36:40"
    for at in (1e300, float("nan"), float("inf")):
        assert there(at, 0) == local(at) == local(at, now=NOON) == "an unknown time"
