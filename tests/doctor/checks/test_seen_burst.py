"""Calls of one's own that began all at once."""

import time
from pathlib import Path

import pytest
from doctor_peers import about, keep, ran
from store_helpers import attempt

from seawall.doctor.check import State
from seawall.doctor.checks.seen_burst import MANY, most_within, starts

NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("moments", "most"),
    [
        ([], 0),
        ([1.0], 1),
        ([0.0, 4.9, 5.0, 5.1], 3),
        ([0.0, 10.0, 20.0], 1),
        ([float(n) for n in range(20)], 6),
    ],
)
def test_the_most_within_a_window(moments: list[float], most: int) -> None:
    """Both ends count."""
    assert most_within(moments, 5.0) == most


def test_when_a_call_began() -> None:
    """A call counts once, from its first attempt; successes and other failures do not count."""
    rows = [
        attempt(1, call="a", at=NOW + 1, took=0.5, held=1.0),
        attempt(2, call="a", at=NOW + 30, took=0.5, held=30.0),
        attempt(1, call="b", at=NOW + 2, took=2.0, held=0.0, status=429),
        attempt(1, call="c", at=NOW + 2, status=500),
        attempt(2, call="d", at=NOW + 2, status=200, cause=None),
    ]
    assert starts(rows) == [NOW, NOW]


@pytest.mark.parametrize(("status", "weight"), [(429, "strong"), (529, "weak")])
def test_a_burst(tmp_path: Path, status: int, weight: str) -> None:
    """With 429 it is likely the reason; a full service refuses everybody."""
    now = time.time()
    keep(
        tmp_path,
        *(
            attempt(1, call=f"c{n}", at=now - 60 + n / 10, took=0.1, held=0.1, status=status)
            for n in range(20)
        ),
    )
    found = ran(about(tmp_path), "seen.burst")
    assert (found.state, found.facts["most"]) == (State.WARN, 20)
    assert [(one.cause, one.weight.value) for one in found.signs] == [("limit.self_burst", weight)]


def test_everyday_work_is_no_burst(tmp_path: Path) -> None:
    """Fewer than an agent's tools side by side."""
    now = time.time()
    keep(tmp_path, *(attempt(1, call=f"c{n}", at=now - 60, status=429) for n in range(MANY - 1)))
    found = ran(about(tmp_path), "seen.burst")
    assert (found.state, found.signs) == (State.OK, ())


def test_no_record(tmp_path: Path) -> None:
    """Nothing is known."""
    assert ran(about(tmp_path), "seen.burst").state is State.SKIP
