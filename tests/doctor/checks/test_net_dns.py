"""Names: what the resolver says of ours and of an unrelated one."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doctor_peers import about, examined, ran

from seawall.doctor.check import State
from seawall.doctor.checks import net_dns, net_link

API, CONTROL = "https://api.example", "https://control.example"
V4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("198.51.100.7", 443))
V6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::7", 443, 0, 0))
NONE = socket.gaierror(socket.EAI_NONAME, "no such name")
AGAIN = socket.gaierror(socket.EAI_AGAIN, "try again")


def resolver(monkeypatch: pytest.MonkeyPatch, **names: Any) -> None:
    """A resolver that knows these names; an exception is raised."""

    def answer(host: str, *_: object, **__: object) -> Any:
        said = names[host.partition(".")[0]]
        if isinstance(said, Exception):
            raise said
        return said() if callable(said) else said

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    monkeypatch.setattr(net_link, "routes", lambda: ["IPv4"])


def test_both_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted by kind, each address once."""
    resolver(monkeypatch, api=[V4, V4, V6], control=[V4])
    found = ran(about(tmp_path, API, control=CONTROL), "net.dns")
    assert found.state is State.OK
    assert found.facts["addresses"] == {"IPv4": ["198.51.100.7"], "IPv6": ["2001:db8::7"]}
    assert found.facts["control_resolves"] is True


@pytest.mark.parametrize(
    ("api", "control", "cause", "says"),
    [
        (NONE, [V4], "network.dns_failure", "the resolver answers, but not for this name"),
        (NONE, NONE, "network.dns_failure", "does not resolve either: the resolver, not Anthropic"),
        (AGAIN, AGAIN, "network.dns_temporary", "does not resolve either: the resolver, not Anthropic"),
        ([], [V4], "network.dns_failure", "the resolver answers, but not for this name"),
        (UnicodeError("label"), [V4], "network.dns_failure", "the resolver answers"),
    ],
)
def test_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: Any, control: Any, cause: str, says: str
) -> None:
    """The control tells the resolver from the name; all that needs a name is spared."""
    resolver(monkeypatch, api=api, control=control)
    verdict, found = examined(about(tmp_path, API, control=CONTROL, status="https://api.example"))
    assert (verdict.cause, verdict.confidence.value) == (cause, "certain")
    assert any(says in one.text for one in verdict.evidence)
    for name in ("net.tcp4", "net.tcp6", "tls.chain", "api.edge", "cred.live"):
        assert found[name].finding.blocked_by == "net.dns"
    # Other hosts have names of their own: they are asked unless no name at all resolves.
    for name in ("status.page", "net.captive"):
        assert (found[name].finding.blocked_by == "net.dns") == (control in (NONE, AGAIN))


def test_a_resolver_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time ends, and that is what is said; its threads keep nobody."""
    over = threading.Event()
    silent: Callable[[], object] = lambda: over.wait(30)  # noqa: E731
    resolver(monkeypatch, api=silent, control=silent)
    monkeypatch.setattr(net_dns, "SECONDS", 0.1)
    monkeypatch.setattr("seawall.doctor.checks.net_control.LIMIT", 0.1)
    try:
        verdict, found = examined(about(tmp_path, API, control=CONTROL, status=API))
    finally:
        over.set()
    assert verdict.cause == "network.dns_temporary"
    assert "gave no answer" in found["net.dns"].finding.signs[0].text


def test_no_way_out_spares_the_resolver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a route nothing is asked: the verdict is there at once."""
    resolver(monkeypatch, api=AssertionError(), control=AssertionError())
    monkeypatch.setattr(net_link, "routes", list)
    verdict, found = examined(about(tmp_path, API, control=CONTROL, status=API))
    assert (verdict.cause, verdict.confidence.value) == ("network.offline", "certain")
    assert found["net.dns"].finding.blocked_by == "net.link"


def test_an_address_that_stands_for_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy program in TUN mode answers with addresses that nobody has: a note that helps with other troubles."""
    fake = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("198.18.0.9", 443))
    resolver(monkeypatch, api=[fake], control=[V4])
    found = ran(about(tmp_path, API, control=CONTROL), "net.dns")
    assert (found.state, found.facts["fake"]) == (State.OK, True)
    assert [(one.cause, one.direction.value) for one in found.signs] == [("network.*", "neutral")]
