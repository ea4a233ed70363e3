"""From rounds to figures, ratios and goals; nothing is measured here."""

import os
import signal
import sys
import time

import pytest
from bench.measure import ON_LINUX, calmest, paired, percentile, waited_seconds
from bench.report import GOALS, MEASURES, Rounds, figures, ratios, text, verdicts

GOOD: Rounds = {
    "latency_p50": {"direct": [100.0, 200.0], "nginx": [150.0, 250.0], "seawall": [160.0, 260.0]},
    "requests": {"nginx": [30_000.0, 10_000.0], "seawall": [24_000.0, 8_000.0]},
    "start": {"nginx": [10.0], "seawall": [150.0]},
}


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([1.0], 0.99, 1.0),
        ([float(n) for n in range(1000)], 0.99, 990.0),
        ([1.0, 2.0], 1.0, 2.0),
    ],
)
def test_a_percentile(values: list[float], share: float, expected: float) -> None:
    """The nearest rank, whatever the order."""
    assert percentile(values, share) == expected


def test_no_values_have_no_percentile() -> None:
    """An empty measurement is an error, not a zero."""
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_rounds_of_different_length_are_not_compared() -> None:
    """A round that one target lacks would shift all others."""
    with pytest.raises(ValueError, match="zip"):
        paired([1.0], [1.0, 2.0])


def test_what_is_added_is_taken_round_by_round() -> None:
    """The direct connection's value of the same round is taken off; a slow round changes nothing."""
    assert figures(GOOD)["latency_p50"] == {"nginx": 50.0, "seawall": 60.0}


def test_ratios_are_of_the_same_round() -> None:
    """A machine that was three times slower in one round gives the same ratio in both."""
    assert ratios(GOOD)["requests"] == pytest.approx(0.8)
    assert ratios(GOOD)["latency_p50"] == pytest.approx(1.2)


def test_a_ratio_needs_both() -> None:
    """Without nginx there are figures and no ratios."""
    alone: Rounds = {"requests": {"seawall": [10.0]}}
    assert ratios(alone) == {}
    assert figures(alone)["requests"] == {"seawall": 10.0}


@pytest.mark.parametrize(
    ("measure", "values", "reached"),
    [
        ("start", {"seawall": [200.0]}, True),
        ("start", {"seawall": [200.1]}, False),
        ("requests", {"nginx": [10.0], "seawall": [7.0]}, True),
        ("requests", {"nginx": [10.0], "seawall": [6.9]}, False),
        ("event_cpu", {"nginx": [10.0], "seawall": [14.1]}, False),
        ("large_p50", {"direct": [100.0], "seawall": [800.0]}, True),
        ("large_p50", {"direct": [100.0], "seawall": [801.0]}, False),
    ],
)
def test_a_goal(measure: str, values: dict[str, list[float]], reached: bool) -> None:
    """Each goal is met at its bound and not beyond it."""
    verdict = next(v for v in verdicts({measure: values}) if v.goal.measure == measure)
    assert verdict.value is not None
    assert verdict.reached is reached


def test_what_was_not_measured_is_not_reached() -> None:
    """No value is no success, and the text says so."""
    assert not any(verdict.reached for verdict in verdicts({}))
    assert text({}, []).count("not measured") == len(GOALS)


def test_the_text() -> None:
    """Goals come first, with value, bound and verdict; notes last."""
    said = text({**GOOD, "requests": {"nginx": [10.0], "seawall": [3.5]}}, ["One note."])
    first, _, rest = said.partition("Figures")
    assert "goal <= 200 ms" in first
    assert "reached" in first
    assert "short by 50%" in first
    assert rest.endswith("One note.")


def test_every_goal_has_its_measure() -> None:
    """No goal is of something that nobody measures."""
    assert {goal.measure for goal in GOALS} <= {measure.name for measure in MEASURES}


def test_the_least_disturbed_rounds_count() -> None:
    """By how long was waited for a core, in the order in which they were measured; never more than there are."""
    rounds = [(0.3, "a"), (0.01, "b"), (0.0, "c"), (0.02, "d")]
    assert calmest(rounds, 2) == ["b", "c"]
    assert calmest(rounds, 3) == ["b", "c", "d"]
    assert calmest(rounds, 9) == ["a", "b", "c", "d"]


@pytest.mark.skipif(not ON_LINUX, reason="other systems do not tell")
def test_waiting_for_a_core_is_seen() -> None:
    """Two busy processes on one core keep each other waiting."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        child = os.spawnvp(os.P_NOWAIT, sys.executable, [sys.executable, "-c", "while True: pass"])
        try:
            began, until = waited_seconds(child), time.monotonic() + 30
            while waited_seconds(child) - began < 0.02:
                assert time.monotonic() < until
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    finally:
        os.sched_setaffinity(0, before)
