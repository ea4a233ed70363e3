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


def dated(off: float) -> Finding:
    return Finding(State.OK, "", {"date": formatdate(time.time() - off, usegmt=True)})


def test_whose_time_counts(tmp_path: Path) -> None:
    """The API's own; the page's where that is missing; the plain probe's where no secure connection stands."""
    one = about(tmp_path)
    all_ = {"api_edge": dated(0), "status_page": dated(5000), "net_captive": dated(9000)}
    assert ran(one, "local.clock", **all_).state is State.OK
    assert (
        "the status page's"
        in ran(one, "local.clock", **{**all_, "api_edge": Finding(State.FAIL, "")}).summary
    )
    assert "83 min ahead of" in ran(one, "local.clock", status_page=dated(5000)).summary
    found = ran(one, "local.clock", net_captive=dated(-400 * 86400))
    assert found.summary == "the clock here is 400 days behind that of an unrelated host"


@pytest.mark.parametrize(
    ("fault", "begins", "ends", "weight"),
    [
        ("tls_expired", -10, 10, "decisive"),
        ("tls_expired", 5, 10, "strong"),
        ("tls_untrusted_ca", -10, 10, "strong"),
        (None, -10, 10, "strong"),
    ],
)
def test_a_clock_that_makes_a_certificate_invalid(
    tmp_path: Path, fault: str | None, begins: float, ends: float, weight: str
) -> None:
    """By the other time it is valid: the clock is the reason, beyond doubt. Days are from that other time."""
    theirs = time.time() - 400 * 86400
    chain = Finding(
        State.FAIL, "", {"fault": fault, "begins": theirs + begins * 86400, "ends": theirs + ends * 86400}
    )
    found = ran(about(tmp_path), "local.clock", net_captive=dated(400 * 86400), tls_chain=chain)
    assert [(one.cause, one.weight.value) for one in found.signs] == [("machine.clock", weight)]
