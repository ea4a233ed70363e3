"""What the user's gateways say of themselves becomes evidence, whatever they say."""

from pathlib import Path
from typing import Any

import pytest
from doctor_peers import about, ran

from seawall.doctor.check import State

ADDRESS = {"address": "http://127.0.0.1:8787", "pid": 7}


@pytest.mark.parametrize(
    ("status", "state", "cause", "weight"),
    [
        (
            {"held": 2, "cause": "provider.overloaded", "cause_age": 190},
            State.WARN,
            "provider.overloaded",
            "strong",
        ),
        (
            {"held": 0, "cause": "network.dns_failure", "cause_age": 5},
            State.WARN,
            "network.dns_failure",
            "weak",
        ),
        ({"held": 0, "cause": None}, State.OK, "*", "weak"),
        ({"answers": False}, State.FAIL, "seawall.internal_error", "strong"),
        ({"held": "2", "cause": ["x"], "cause_age": "y"}, State.OK, "*", "weak"),
        ({"held": float("nan"), "cause": "no.such"}, State.OK, "*", "weak"),
        ({"held": -1, "cause": "\x1b[2J"}, State.OK, "*", "weak"),
    ],
)
def test_a_gateway(tmp_path: Path, status: dict[str, Any], state: State, cause: str, weight: str) -> None:
    """Held calls weigh more than a trouble that is remembered; nonsense weighs nothing."""
    found = ran(about(tmp_path, gateways=(ADDRESS | status,)), "local.gateway")
    assert (found.state, found.signs[0].cause, found.signs[0].weight.value) == (state, cause, weight)


def test_none(tmp_path: Path) -> None:
    """Nobody must run one."""
    assert ran(about(tmp_path), "local.gateway").state is State.SKIP


def test_the_plan_and_the_models(tmp_path: Path) -> None:
    """Windows of the plan, each once, and what became of each model's calls; nonsense is left out."""
    week = {"window": "seven_day", "used": 0.41, "status": "allowed", "resets_in": 9000.0}
    session = {"window": "five_hour", "used": 1.0, "status": "rejected", "resets_in": float("nan")}
    status = {
        "lanes": [{"plan": [week, session, 7]}, {"plan": [week, {"window": 1}]}, {"plan": "x"}, None],
        "recent": {
            "models": [{"family": "opus", "succeeded": 0, "tried": 14}, "x", {"family": 3, "tried": -1}]
        },
    }
    facts = ran(about(tmp_path, gateways=(ADDRESS | status,)), "local.gateway").facts
    assert facts["plan"] == [
        {"window": "seven_day", "used": 0.41, "rejected": False, "resets_in": 9000.0},
        {"window": "five_hour", "used": 1.0, "rejected": True, "resets_in": None},
    ]
    assert facts["models"] == [
        {"family": "opus", "succeeded": 0, "tried": 14},
        {"family": "3", "succeeded": 0, "tried": 0},
    ]
