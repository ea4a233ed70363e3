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
        {"route": "", "family": "opus", "succeeded": 0, "tried": 14, "succeeded_at": None},
        {"route": "", "family": "3", "succeeded": 0, "tried": 0, "succeeded_at": None},
    ]


def test_what_calls_are_held_for(tmp_path: Path) -> None:
    """By those that wait; those that are not listed are held for what the gateway names; nonsense counts nothing."""
    waiting = [{"cause": "provider.rate_limited_unspecified"}, {"cause": ["x"]}, {"cause": ""}, {}, 7]
    status = {"held": 3, "cause": "provider.overloaded", "waiting": waiting}
    other = {"held": 1, "cause": "no.such", "waiting": "x"}
    found = ran(about(tmp_path, gateways=(ADDRESS | status, ADDRESS | other)), "local.gateway")
    assert found.facts["held_for"] == {"provider.rate_limited_unspecified": 1, "provider.overloaded": 2}
    assert ran(about(tmp_path, gateways=(ADDRESS,)), "local.gateway").facts["held_for"] == {}


def test_trouble_with_another_host_speaks_of_nothing_here(tmp_path: Path) -> None:
    """What a gateway holds for its own upstream is no evidence about the host that is measured."""
    status = ADDRESS | {"held": 4, "cause": "provider.overloaded", "upstream": "https://relay.example"}
    found = ran(about(tmp_path, gateways=(status,), api="https://api.anthropic.com"), "local.gateway")
    [sign] = found.signs
    assert (sign.cause, sign.direction.value) == ("*", "neutral")
    assert "trouble with relay.example, which is not what is measured here" in sign.text
    found = ran(about(tmp_path, gateways=(status,), api="https://relay.example"), "local.gateway")
    assert found.signs[0].cause == "provider.overloaded"
