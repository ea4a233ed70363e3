"""The client's own limits."""

from pathlib import Path

import pytest
from doctor_peers import about, ran

from seawall.doctor.check import Finding, State
from seawall.doctor.checks.local_timeouts import read

SEEN = Finding(State.WARN, "", {"causes": {"network.client_timeout": 3}})


@pytest.mark.parametrize(
    ("text", "seconds", "word"),
    [
        ("600000", 600.0, ""),
        (" 5000 ", 5.0, ""),
        ("10m", None, "no number"),
        ("", None, "no number"),
        ("-1", None, "no number"),
        ("٣", None, "no number"),
        ("9" * 4000, None, "no number"),
        ("2147483648", None, "more than 2147483647"),
        ("0", None, "is 0"),
    ],
)
def test_a_limit(text: str, seconds: float | None, word: str) -> None:
    """Milliseconds; what is none is said to be none."""
    found, wrong = read(text)
    assert found == seconds
    assert word in wrong
    assert bool(wrong) == (seconds is None)


def test_nothing_is_set(tmp_path: Path) -> None:
    """The client's own limits are long enough."""
    assert ran(about(tmp_path), "local.timeouts").state is State.OK


@pytest.mark.parametrize(("seen", "weight"), [({}, "weak"), ({"seen_recent": SEEN}, "strong")])
def test_a_limit_that_is_too_short(tmp_path: Path, seen: dict[str, Finding], weight: str) -> None:
    """It matters where calls ended by it; the place to change is named."""
    one = about(tmp_path, environ={"API_TIMEOUT_MS": "20000"})
    found = ran(one, "local.timeouts", **seen)
    (sign,) = found.signs
    assert (found.state, sign.cause, sign.weight.value) == (State.WARN, "network.client_timeout", weight)
    assert sign.text.startswith("API_TIMEOUT_MS is 20 s (the environment)")
    assert found.facts["limits"] == {"API_TIMEOUT_MS": 20.0}


def test_a_limit_that_is_no_number(tmp_path: Path) -> None:
    """The client takes its own; the person should know."""
    found = ran(about(tmp_path, environ={"API_TIMEOUT_MS": "10min"}), "local.timeouts")
    assert found.state is State.WARN
    assert "is no number of milliseconds" in found.summary


@pytest.mark.parametrize(
    "waiting", [[{"limit": 30}, {"limit": 600.5}], [{"limit": 30}, {}, None, {"limit": "x"}]]
)
def test_what_waiting_calls_stated(tmp_path: Path, waiting: list[object]) -> None:
    """The shortest, where the gateways tell it; what is no number is passed over."""
    found = ran(about(tmp_path, gateways=({"waiting": waiting}, {"waiting": 5})), "local.timeouts")
    assert found.facts["stated"] == 30.0
    assert [one.direction.value for one in found.signs] == ["neutral"]
