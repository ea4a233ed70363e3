"""The tables of a benchmark, its goals, and what its calibration says."""

from typing import Any

import pytest

from seawall.fake.bench import Calibration
from seawall.fake.goals import Goal, Met
from seawall.view import bench


def row(through: str, seed: int = 1, **changed: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "scenario": "S1",
        "through": through,
        "seed": seed,
        "failures": 0,
        "agents_killed": 0,
        "goodput_of_oracle": 99.0,
        "attempts_per_success": 1.07,
        "attempts_of_unavoidable": None,
        "refused_in_event": 250,
        "refused_429": 0,
        "recovery_s": 13.0,
        "delay_p50": 1.5,
        "delay_p95": 66.5,
        "delay_p99": 135.0,
        "jain": 0.975,
        "throughput_of_limit": None,
        "greedy_advantage": None,
        "share": None,
    }
    return given | changed


def test_a_table() -> None:
    """A line a way, means over seeds with the worst beside them; no columns that say nothing."""
    rows = [
        row("oracle", goodput_of_oracle=100.0, recovery_s=3.0, delay_p95=60.0),
        row("seawall", 1),
        row("seawall", 2, goodput_of_oracle=98.0, recovery_s=15.0),
    ]
    assert bench.table(rows) == (
        "| through | failed | killed | goodput % (worst) | attempts/success | refused in event | 429 "
        "| recovery s (worst) | delay p50 | p95 | p99 |  Jain |\n"
        "| ------- | -----: | -----: | ----------------: | ---------------: | ---------------: | --: "
        "| -----------------: | --------: | --: | --: | ----: |\n"
        "| oracle  |      0 |      0 |             100.0 |             1.07 |              250 |   0 "
        "|                  3 |       1.5 |  60 | 135 | 0.975 |\n"
        "| Seawall |      0 |      0 |       98.5 (98.0) |             1.07 |              250 |   0 "
        "|            14 (15) |       1.5 |  66 | 135 | 0.975 |"
    )


def test_columns_of_some_scenarios() -> None:
    """Those that have a figure only there; a way without a figure has a dash."""
    lines = bench.table([row("oracle", share=0.232), row("sdk", recovery_s=None, share=None)]).splitlines()
    assert lines[0].endswith("| share % |")
    assert lines[2].endswith("|    23.2 |")
    assert lines[3].endswith("|       - |")


def test_a_title_in_one_line() -> None:
    """Whatever a scenario's file says: no line break ends the heading, no escape reaches a terminal."""
    said = bench._heading("two\nlines\x1b[31m", 3, [1, 2])
    assert said == "### two lines?[31m, 3 agents, seeds 1, 2"


def test_goals() -> None:
    """What is reached says ok; what is not has the distance."""
    met = [
        Met(Goal("S1", 200, "goodput_of_oracle", "least", 98.5, 98.0), 98.2),
        Met(Goal("S1", 200, "recovery_s", "most", 15, 22, "worst"), 14.0),
        Met(Goal("S1", 200, "failures", "most", 0, 0, "worst"), 0),
    ]
    lines = [[cell.strip() for cell in line.split("|")] for line in bench.goals(met).splitlines()]
    assert lines[2][3:-1] == [
        "useful goodput, % of the oracle's",
        "≥ 98.5",
        "≥ 98",
        "98.2",
        "-0.3",
        "ok +0.2",
    ]
    assert lines[3][3:-1] == ["recovery, s (worst seed)", "≤ 15", "≤ 22", "14", "ok +1", "ok +8"]
    assert lines[4][3:-1] == ["failures that a program saw", "≤ 0", "≤ 0", "0", "ok", "ok"]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Calibration({"sdk": 61.4, "retries10": 86.7}, ()), "SDK, 2 retries 61.4 %, 10 retries 86.7 %"),
        (Calibration({"sdk": 40.0}, ("sdk reached 40.0 %",)), "VOID"),
        (Calibration({}, (), skipped=True), "Not calibrated"),
    ],
)
def test_what_the_calibration_says(found: Calibration, words: str) -> None:
    """Whether the tables mean anything."""
    assert words in "\n".join(bench.calibration(found))
