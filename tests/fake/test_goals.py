"""The goals: their figures, and how far a measurement is off."""

from typing import Any

import pytest

from seawall.fake.goals import GOALS, WORDS, Goal, Met, figure, measured
from seawall.fake.work import SHIPPED, find


def row(**changed: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "scenario": "S1",
        "agents": 200,
        "seed": 1,
        "through": "seawall",
        "failures": 0,
        "lost": 0,
        "goodput_of_oracle": 99.0,
        "attempts_per_success": 1.07,
        "attempts_of_unavoidable": None,
        "refused_429": 0,
        "refused_in_event": 250,
        "recovery_s": 13.0,
        "delay_p50": 2.0,
        "delay_p95": 60.0,
        "delay_p99": 120.0,
        "jain": 0.972,
        "throughput_of_limit": None,
        "greedy_advantage": None,
        "share": None,
        "oracle_delay_p50": 1.5,
        "oracle_delay_p95": 50.0,
        "oracle_delay_p99": 100.0,
        "oracle_jain": 0.975,
    }
    return given | changed


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("goodput_of_oracle", 99.0),
        ("delay_p99_of_oracle", 1.2),
        ("delay_p95_of_oracle", 1.2),
        ("delay_p50_above_oracle", 0.5),
        ("jain_above_oracle", -0.003),
        ("throughput_of_limit", None),
        ("share", None),
    ],
)
def test_figures(name: str, expected: float | None) -> None:
    """As goals speak of them."""
    assert figure(row(), name) == (expected if expected is None else pytest.approx(expected))


def test_shares_are_percentages() -> None:
    """In goals, not in rows."""
    assert figure(row(share=0.231), "share") == pytest.approx(23.1)
    assert figure(row(throughput_of_limit=0.997), "throughput_of_limit") == pytest.approx(99.7)


def test_figures_without_an_oracle() -> None:
    """There are none against it."""
    alone = row(oracle_delay_p99=None, oracle_delay_p50=None, oracle_jain=None)
    for name in ("delay_p99_of_oracle", "delay_p50_above_oracle", "jain_above_oracle"):
        assert figure(alone, name) is None


@pytest.mark.parametrize("goal", GOALS, ids=lambda g: f"{g.scenario}-{g.agents}-{g.figure}-{g.over}")
def test_every_goal_can_be_measured(goal: Goal) -> None:
    """Its scenario is shipped and takes such a fleet, its figure has words, and its floor is no harder than its aim."""
    assert goal.scenario in SHIPPED
    assert find(goal.scenario).fits(goal.agents)
    assert goal.figure in WORDS
    assert Met(goal, goal.aim).to_floor >= 0


def test_means_and_worst_seeds() -> None:
    """Distances are above 0 where a goal is reached, whichever way it points."""
    rows = [
        row(seed=1, failures=0, goodput_of_oracle=99.5, recovery_s=9.0),
        row(seed=2, failures=2, goodput_of_oracle=96.5, recovery_s=17.0),
        row(seed=1, through="sdk", failures=700, goodput_of_oracle=61.0),
        row(seed=1, agents=20, goodput_of_oracle=90.0),
    ]
    found = {(m.goal.agents, m.goal.figure, m.goal.over): m for m in measured(rows)}
    assert found[200, "failures", "worst"].measured == 2
    assert found[200, "failures", "worst"].to_aim == -2
    goodput = found[200, "goodput_of_oracle", "mean"]
    assert (goodput.measured, goodput.to_aim, goodput.to_floor) == (98.0, -0.5, 0.0)
    assert found[200, "recovery_s", "mean"].to_floor == 1.0
    assert found[200, "recovery_s", "worst"].to_aim == -2.0
    assert found[20, "goodput_of_oracle", "mean"].measured == 90.0
    assert goodput.as_json()["aim"] == 98.5
    assert measured([]) == []
