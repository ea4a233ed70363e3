"""How this machine is connected: which interface leads out, which are tunnels, who resolves names. Sends nothing."""

import hashlib
import re
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seawall.doctor.platform import text_of
from seawall.doctor.program import said

_TUNNEL = re.compile(
    r"(?:tun|tap|utun|wg|ppp|ipsec|tailscale|zt|nordlynx|nordtun|proton|mullvad|cscotun|gpd|vpn|warp|CloudflareWARP"
    r"|sing|clash|Meta|mihomo|xray|outline|surfshark|windscribe)[a-zA-Z0-9_.-]*"
)
"""Names that programs give to their tunnels."""
FAKE = re.compile(r"198\.1[89]\.")
"""Addresses that stand for names (RFC 2544's, which nobody uses): what a proxy program in TUN mode answers with."""


@dataclass(frozen=True, slots=True)
class Link:
    """What is known; empty where the system does not say it."""

    interface: str = ""
    """The one that leads out."""
    gateway: str = ""
    tunnels: tuple[str, ...] = ()
    """Interfaces that are up and are VPNs or proxy programs in TUN mode."""
    resolvers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()

    @property
    def through_tunnel(self) -> bool:
        """Whether what leaves goes into a tunnel."""
        return self.interface in self.tunnels

    @property
    def label(self) -> str:
        """A hash, in hex, that tells this network from another, and tells nothing else."""
        facts = "\0".join((self.interface, self.gateway, *self.resolvers, *self.search))
        return hashlib.sha256(facts.encode()).hexdigest()[:12]


def look(
    proc: Path = Path("/proc"),
    sys_net: Path = Path("/sys/class/net"),
    resolv: Path = Path("/etc/resolv.conf"),
) -> Link:
    """The link as it is now. Blocks for milliseconds; half a second on macOS, whose route is asked from a program."""
    if sys.platform == "darwin":
        interface, gateway = from_route_get(_said(["/sbin/route", "-n", "get", "default"]))
    else:
        interface, gateway = default_route(text_of(proc / "net" / "route"))
        interface = interface or default_route6(text_of(proc / "net" / "ipv6_route"))
    resolvers, search = servers(text_of(resolv))
    return Link(interface, gateway, tuple(tunnels(_names(), sys_net)), resolvers, search)


def _said(command: Sequence[str]) -> str:
    try:
        return said(command, {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C"}, 0.5) or ""
    except OSError:
        return ""


def _names() -> list[str]:
    try:
        return [name for _, name in socket.if_nameindex()]
    except OSError:
        return []


def default_route(table: str) -> tuple[str, str]:
    """Interface and gateway of the default route in Linux's table of IPv4; the one of the lowest metric."""
    best: tuple[int, str, str] | None = None
    for line in table.splitlines()[1:]:
        cells = line.split()
        if len(cells) < 8 or cells[1] != "00000000" or cells[7] not in ("00000000", "00000080"):
            continue
        try:
            metric, flags = int(cells[6]), int(cells[3], 16)
            gateway = socket.inet_ntoa(struct.pack("<L", int(cells[2], 16)))
        except (ValueError, struct.error):
            continue
        # Half of all addresses, as VPN programs route them so as to leave the default alone: it goes before it.
        metric -= 1 << 20 if cells[7] == "00000080" else 0
        if flags & 1 and (best is None or metric < best[0]):
            best = (metric, cells[0], "" if gateway == "0.0.0.0" else gateway)  # noqa: S104  compared, not bound
    return (best[1], best[2]) if best else ("", "")


def default_route6(table: str) -> str:
    """Interface of the default route in Linux's table of IPv6."""
    for line in table.splitlines():
        cells = line.split()
        if len(cells) == 10 and cells[0] == "0" * 32 and cells[1] == "00" and cells[9] != "lo":
            return cells[9]
    return ""


def from_route_get(text: str) -> tuple[str, str]:
    """The same from what `route -n get default` prints on macOS."""
    found = dict(line.strip().partition(": ")[::2] for line in text.splitlines() if ": " in line)
    return found.get("interface", "").strip(), found.get("gateway", "").strip()


def servers(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Resolvers and search domains of a resolv.conf."""
    found: list[str] = []
    search: tuple[str, ...] = ()
    for line in text.splitlines():
        words = line.split("#")[0].split(";")[0].split()
        if len(words) > 1 and words[0] == "nameserver":
            found.append(words[1][:64])
        elif words[:1] in (["search"], ["domain"]):
            search = tuple(word[:100] for word in words[1:7])
    return tuple(dict.fromkeys(found))[:8], search


def tunnels(names: Sequence[str], sys_net: Path) -> list[str]:
    """Those of the interfaces that are tunnels and up: by their name, or because the kernel says so.

    macOS keeps some `utun` of its own: there only the default one counts, which the caller knows.
    """
    found = []
    for name in names:
        folder = sys_net / name
        is_tunnel = bool(_TUNNEL.fullmatch(name)) or (folder / "tun_flags").exists()
        if is_tunnel and text_of(folder / "operstate").strip() != "down":
            found.append(name)
    return found


def shown(one: Link) -> Mapping[str, object]:
    """The facts as JSON."""
    return {
        "interface": one.interface,
        "tunnels": list(one.tunnels),
        "through_tunnel": one.through_tunnel,
        "resolvers": list(one.resolvers),
        "label": one.label,
    }
