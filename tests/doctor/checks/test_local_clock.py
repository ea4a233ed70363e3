"""This machine's clock against the API's."""

import time
from email.utils import formatdate
from pathlib import Path

import pytest
from doctor_peers import about, ran

from seawall.doctor.check import Finding, State


@pytest.mark.parametrize(
    ("off", "state", "weight"),
    [(0, State.OK, ""), (60, State.OK, ""), (200, State.WARN, "weak"), (-4000, State.WARN, "strong")],
)
def test_the_difference(tmp_path: Path, off: float, state: State, weight: str) -> None:
    """Below two minutes nothing suffers; beyond five it is strong evidence."""
    edge = Finding(State.OK, "", {"date": formatdate(time.time() - off, usegmt=True)})
    found = ran(about(tmp_path), "local.clock", api_edge=edge)
    assert found.state is state
    assert [one.weight.value for one in found.signs] == ([weight] if weight else [])


@pytest.mark.parametrize("date", [None, "", "yesterday", "Sat, 99 Nov 2026 99:00:00 GMT", "1"])
def test_no_time_stated(tmp_path: Path, date: str | None) -> None:
    """Nothing to compare with is no failure."""
    edge = Finding(State.OK, "", {"date": date})
    assert ran(about(tmp_path), "local.clock", api_edge=edge).state is State.SKIP
