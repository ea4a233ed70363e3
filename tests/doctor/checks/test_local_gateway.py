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
