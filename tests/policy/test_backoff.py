"""Waits between attempts: at least what is asked, at most what is set, and spread."""

import random

from hypothesis import given
from hypothesis import strategies as st

from seawall.config import Backoff
from seawall.policy.backoff import next_delay, next_throttle_delay

PARAMS = Backoff()
FAILURES = st.integers(0, 10_000)


@given(FAILURES, st.none() | st.floats(0, 1e6), st.integers())
def test_never_earlier_than_the_hint(failures: int, hint: float | None, seed: int) -> None:
    """`retry-after` is a minimum; jitter goes upward only, by a bounded share."""
    delay = next_delay(failures, hint, PARAMS, random.Random(seed))
    if hint is None:
        assert 0 <= delay <= PARAMS.most
    else:
        assert hint <= delay <= max(hint * (1 + PARAMS.hint_spread), PARAMS.most)


@given(FAILURES, st.integers())
def test_throttle_waits_are_calm(failures: int, seed: int) -> None:
    """A throttle never retries at once."""
    delay = next_throttle_delay(failures, PARAMS, random.Random(seed))
    assert PARAMS.throttle_first / 2 <= delay <= PARAMS.throttle_most


def test_bounds_double() -> None:
    """The first failures cost no wait; after them the mean wait doubles until the bound is reached."""
    rng = random.Random(1)
    assert {next_delay(n, None, PARAMS, rng) for n in range(PARAMS.free + 1)} == {0.0}
    after = range(PARAMS.free + 1, PARAMS.free + 7)
    means = [sum(next_delay(n, None, PARAMS, rng) for _ in range(4000)) / 4000 for n in after]
    expected = [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert all(abs(mean - want) < 0.1 * want for mean, want in zip(means, expected, strict=True))


def test_draws_come_from_the_rng() -> None:
    """The same seed gives the same wait."""
    assert next_delay(3, None, PARAMS, random.Random(7)) == next_delay(3, None, PARAMS, random.Random(7))
