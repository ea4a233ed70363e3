"""Connections by one kind of address."""

import asyncio
import errno
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from dial_peers import hanging_port
from doctor_peers import about, free_port, host, ran

from seawall.causes.evidence import Fault
from seawall.doctor import tcp
from seawall.doctor.check import Finding, State


def names(**kinds: list[str]) -> Finding:
    return Finding(State.OK, "", {"addresses": kinds})


def test_connected_refused_and_silent() -> None:
    """Seconds, or the fault."""
    with host(b"") as one:
        took = asyncio.run(tcp.connected("127.0.0.1", one.port))
    assert isinstance(took, float)
    assert asyncio.run(tcp.connected("127.0.0.1", free_port())) is Fault.CONNECTION_REFUSED
    with hanging_port() as (address, port):
        assert asyncio.run(tcp.connected(address, port, 0.05)) is Fault.CONNECT_TIMEOUT


def test_each_kind_by_itself(tmp_path: Path) -> None:
    """The one that the name has is tried, the other is not a failure."""
    with host(b"") as one:
        subject = about(tmp_path, one.url)
        found = names(IPv4=["127.0.0.1"])
        assert ran(subject, "net.tcp4", net_dns=found).state is State.OK
        assert ran(subject, "net.tcp6", net_dns=found).state is State.SKIP


def test_a_refusal_is_a_failure_with_its_facts(tmp_path: Path) -> None:
    """The verdict's rules read them."""
    found = ran(
        about(tmp_path, f"http://127.0.0.1:{free_port()}"), "net.tcp4", net_dns=names(IPv4=["127.0.0.1"])
    )
    assert found.state is State.FAIL
    assert found.facts["fault"] == "connection_refused"
    assert found.facts["address"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("error", "state"),
    [(OSError(errno.ENETUNREACH, "x"), State.SKIP), (OSError(errno.ETIMEDOUT, "x"), State.FAIL),
     (ConnectionResetError(), State.FAIL)],
)  # fmt: skip
def test_a_machine_without_ipv6_is_not_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, state: State
) -> None:
    """The name has such an address and there is no way to it: usual. A connection that hangs or breaks is not."""

    def refuse(*_: object) -> Callable[..., object]:
        raise error

    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", refuse)
    if not socket.has_ipv6:
        pytest.skip("this Python has no IPv6 sockets")
    assert ran(about(tmp_path), "net.tcp6", net_dns=names(IPv6=["2001:db8::1"])).state is state


def test_behind_a_proxy_neither_is_asked(tmp_path: Path) -> None:
    """The way to the API is not this machine's then."""
    proxy = Finding(State.OK, "", {"proxy": "proxy.example:3128"})
    found = ran(about(tmp_path), "net.tcp4", net_dns=names(IPv4=["127.0.0.1"]), net_proxy=proxy)
    assert found.state is State.SKIP
