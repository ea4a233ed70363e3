"""A way out of this machine, by its own routing table."""

import socket
from pathlib import Path

import pytest
from doctor_peers import about, free_port, ran

from seawall.config import Network
from seawall.doctor.check import State
from seawall.doctor.checks import net_link

API = "https://api.example"


def test_with_and_without_a_route(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One kind is enough; none is decisive."""
    monkeypatch.setattr(net_link, "routes", lambda: ["IPv6"])
    assert ran(about(tmp_path, API), "net.link").state is State.OK
    monkeypatch.setattr(net_link, "routes", list)
    found = ran(about(tmp_path, API), "net.link")
    assert [(one.cause, one.weight.value) for one in found.signs] == [("network.offline", "decisive")]


def test_no_route_is_an_error_of_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel says so at once, and nothing is sent."""

    def refuse(*_: object) -> None:
        raise OSError("Network is unreachable")

    class Refusing(socket.socket):
        connect = refuse

    monkeypatch.setattr(socket, "socket", Refusing)
    assert net_link.routes() == []


def test_where_it_does_not_matter(tmp_path: Path) -> None:
    """An address of this machine, or a proxy, needs no route of ours."""
    assert ran(about(tmp_path, f"http://127.0.0.1:{free_port()}"), "net.link").state is State.SKIP
    network = Network(https_proxy="http://127.0.0.1:3128")
    assert ran(about(tmp_path, API, network=network), "net.link").state is State.SKIP
