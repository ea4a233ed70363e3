"""The scale on which the store counts how long answers took to begin."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.store.latency import STEPS, Latency, ends, latency_cells, step_of


@given(st.floats(0.0011, 1000))
def test_a_length_lies_within_its_step(seconds: float):
    """Whatever it is, its step's ends are at most a factor of the root of two apart, and it is between them."""
    low, high = ends(step_of(seconds))
    assert low * 0.999999 <= seconds <= high * 1.000001
    assert high / low == pytest.approx(2**0.5)


@pytest.mark.parametrize(
    ("seconds", "step"),
    [
        (0.0, 0), (-1.0, 0), (0.001, 0), (0.0011, 1), (0.002, 2), (1.024, 20), (1.025, 21), (1e6, STEPS),
        (float("inf"), STEPS), (float("nan"), 0),
    ],
)  # fmt: skip
def test_the_scale_stays_what_it_is(seconds: float, step: int):
    """Rows that were written years ago are read by it: these numbers must never change."""
    assert step_of(seconds) == step


def test_steps_join_without_a_gap():
    """Each begins where the one before ends; the first begins at nothing."""
    assert ends(0) == (0.0, 0.001)
    for step in range(1, STEPS + 1):
        assert ends(step)[0] == ends(step - 1)[1]


def test_only_what_fits_is_kept():
    """A name that looks like no host or family is left out; an impossible number keeps the row out."""
    good = Latency(498_611, 60, "api.anthropic.com", "opus", 20, 3)
    assert latency_cells(good) == tuple(getattr(good, field.name) for field in fields(good))
    assert latency_cells(Latency(1, 0, "a path/with words", "Opus 4!", 1, 1)) == (1, 0, "", "", 1, 1)
    for step, answers in ((-1, 1), (STEPS + 1, 1), (1.5, 1), (1, 2**63), (1, float("nan"))):
        assert latency_cells(Latency(1, 0, "host", "opus", step, answers)) is None  # type: ignore[arg-type]
