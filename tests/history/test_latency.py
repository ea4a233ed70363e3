"""How long answers take to begin, from counts by step."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.history.latency import Delay, delays, within
from seawall.history.rates import Slot
from seawall.store.latency import HourLatency, step_of

MONDAY = (1_794_787_200 // 86_400) * 24  # 2026-11-16 00:00 UTC, in hours


@given(st.lists(st.floats(0.05, 200), min_size=5, max_size=300))
def test_a_median_is_near_the_true_one(lengths: list[float]) -> None:
    """Whatever was answered: not further off than its step is wide."""
    steps: dict[int, int] = {}
    for one in lengths:
        steps[step_of(one)] = steps.get(step_of(one), 0) + 1
    for share in (0.5, 0.9):
        found, true = within(steps, share), sorted(lengths)[max(0, -int(-share * len(lengths) // 1) - 1)]
        assert found is not None
        assert true / 1.42 <= found <= true * 1.42


def test_nothing_answered_has_no_median() -> None:
    """Not 0 seconds: unknown."""
    assert within({}, 0.5) is None
    assert within({3: 0}, 0.5) is None
    assert delays([]).total == Delay(0, None, None)


def test_by_the_wall_clock_of_the_time() -> None:
    """The same UTC hour in winter and in summer time is another hour of the week; all weeks of one are together."""
    week = 7 * 24
    found = delays(
        [
            HourLatency(MONDAY + 23, 60, 20, 10),
            HourLatency(MONDAY + week + 23, 60, 20, 5),
            HourLatency(MONDAY + 23, -60, 25, 1),
        ]
    )
    assert {slot: cell.answers for slot, cell in found.cells.items()} == {Slot(1, 0): 15, Slot(0, 22): 1}
    assert list(found.cells) == [Slot(0, 22), Slot(1, 0)]
    assert found.total.answers == 16


def test_a_slow_hour_is_seen() -> None:
    """Of made-up days whose afternoons are three times as slow, the afternoons' medians are three times as long."""
    rng, rows = random.Random(5), []
    for day in range(14):
        for hour in (9, 15):
            for _ in range(50):
                seconds = rng.lognormvariate(0.5, 0.4) * (3 if hour == 15 else 1)
                rows.append(HourLatency(MONDAY + 24 * day + hour, 0, step_of(seconds), 1))
    cells = delays(rows).cells
    for day in range(7):
        slow, fast = cells[Slot(day, 15)].p50, cells[Slot(day, 9)].p50
        assert slow is not None
        assert fast is not None
        assert slow / fast == pytest.approx(3, rel=0.3)
