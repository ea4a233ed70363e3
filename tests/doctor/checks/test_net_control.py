"""An unrelated host: reached or not, and reached although nobody trusts it."""

from pathlib import Path

import pytest
from doctor_peers import about, free_port, host, ran

from seawall.causes.evidence import Fault
from seawall.doctor.check import State
from seawall.doctor.checks import net_control
from seawall.http.dial import DialError


def test_reached_and_not(tmp_path: Path) -> None:
    """Nothing is sent but a connection."""
    with host(b"") as one:
        found = ran(about(tmp_path, control=one.url), "net.control")
        assert (found.state, found.facts["reached"]) == (State.OK, True)
    assert one.requests == []
    found = ran(about(tmp_path, control=f"http://127.0.0.1:{free_port()}"), "net.control")
    assert (found.state, found.facts["reached"]) == (State.FAIL, False)


@pytest.mark.parametrize(
    ("fault", "reached"),
    [(Fault.TLS_UNTRUSTED_CA, True), (Fault.TLS_EXPIRED, True), (Fault.CONNECT_TIMEOUT, False)],
)
def test_a_refused_certificate_still_shows_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault, reached: bool
) -> None:
    """The host was there: this machine is not offline."""

    async def fail(*_: object, **__: object) -> None:
        raise DialError(fault, "no")

    monkeypatch.setattr(net_control, "dial", fail)
    found = ran(about(tmp_path, control="https://control.example"), "net.control")
    assert (found.state, found.facts["reached"], found.facts["fault"]) == (State.FAIL, reached, fault.value)
