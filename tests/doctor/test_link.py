"""How this machine is connected, from the system's own tables."""

from pathlib import Path

import pytest

from seawall.doctor import link
from seawall.doctor.link import Link

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
ETH = "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
LOCAL = "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
WG = "wg0\t00000000\t00000000\t0001\t0\t0\t50\t00000000\t0\t0\t0\n"
HALF = "tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n"


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("", ("", "")),
        (HEAD + LOCAL, ("", "")),
        (HEAD + LOCAL + ETH, ("eth0", "192.0.2.1")),
        (HEAD + ETH + WG, ("wg0", "")),
        (HEAD + ETH + HALF, ("tun0", "10.8.0.1")),
        (HEAD + "nonsense\n" + ETH.replace("0003", "zz") + ETH, ("eth0", "192.0.2.1")),
    ],
)
def test_the_default_route(table: str, found: tuple[str, str]) -> None:
    """The lowest metric wins; a VPN's two halves of all addresses go before the default one."""
    assert link.default_route(table) == found


def test_the_default_route_of_ipv6() -> None:
    """Not the one of the loopback interface, which every machine has."""
    line = "0" * 32 + " 00 " + "0" * 32 + " 00 fe80" + "0" * 28 + " 00000400 00000001 00000000 00000003 {}\n"
    assert link.default_route6(line.format("lo") + line.format("eth0")) == "eth0"
    assert link.default_route6("nonsense") == ""


def test_the_default_route_of_macos() -> None:
    """As its program prints it."""
    text = "   route to: default\ndestination: default\n    gateway: 192.0.2.1\n  interface: utun4\n      flags: <UP>\n"
    assert link.from_route_get(text) == ("utun4", "192.0.2.1")
    assert link.from_route_get("route: writing to routing socket: not in table") == ("", "")


def test_resolvers() -> None:
    """Each once; comments and nonsense are passed over."""
    text = "# nameserver 9.9.9.9\nnameserver 192.0.2.53\nnameserver 192.0.2.53\nsearch corp.example\nnameserver\n"
    assert link.servers(text) == (("192.0.2.53",), ("corp.example",))
    assert link.servers("") == ((), ())


def test_tunnels(tmp_path: Path) -> None:
    """By their names, or by the kernel's word; one that is down is none."""
    for name, state in (("tun0", "unknown"), ("wg0", "down"), ("odd1", "up"), ("eth0", "up")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "operstate").write_text(state + "\n")
    (tmp_path / "odd1" / "tun_flags").write_text("0x1\n")
    assert link.tunnels(["lo", "eth0", "tun0", "wg0", "odd1"], tmp_path) == ["tun0", "odd1"]


def test_a_machine_without_any_of_it(tmp_path: Path) -> None:
    """No tables, no /etc/resolv.conf: nothing is known, and nothing is raised."""
    found = link.look(tmp_path, tmp_path, tmp_path / "resolv.conf")
    assert (found.interface, found.resolvers, found.through_tunnel) == ("", (), False)


def test_the_label_tells_networks_apart_and_nothing_else() -> None:
    """The same for the same network; no address can be read from it."""
    one, other = Link("eth0", "192.0.2.1"), Link("eth0", "198.51.100.1")
    assert one.label == Link("eth0", "192.0.2.1").label != other.label
    assert len(one.label) == 12
    assert set(one.label) <= set("0123456789abcdef")
