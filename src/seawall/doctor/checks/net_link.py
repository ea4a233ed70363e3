"""Is there a way out of this machine at all, and does it lead into a VPN or a proxy program in TUN mode?

Asks the routing table; nothing is sent. Facts: `routes` (kinds of address), `interface`, `tunnels`, `through_tunnel`,
`resolvers`, `label` (a hash of the network). Signs: `network.offline` (decisive) without a way out; neutral for
`network.*` where calls leave through a tunnel.
"""

import socket

from seawall.doctor import link
from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight, in_thread
from seawall.http.dial import DialError
from seawall.http.proxy import choose
from seawall.origin import is_loopback

# Addresses for documentation (RFC 5737, RFC 3849): a datagram socket that is connected sends nothing.
_PLACES = ((socket.AF_INET, "198.51.100.1", "IPv4"), (socket.AF_INET6, "2001:db8::1", "IPv6"))


def routes() -> list[str]:
    """The kinds of address for which there is a way out."""
    found = []
    for family, address, name in _PLACES:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.connect((address, 443))
                if sock.getsockname()[0] not in ("0.0.0.0", "::"):  # noqa: S104  compared, not bound
                    found.append(name)
        except OSError:
            continue
    return found


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    here: link.Link = await in_thread(link.look)
    facts: dict[str, object] = dict(link.shown(here))
    signs = []
    if here.through_tunnel:
        text = f"calls leave through the tunnel {here.interface} (a VPN, or a proxy program in TUN mode)"
        signs.append(Sign("network.*", text, Weight.WEAK, Direction.NEUTRAL))
    if is_loopback(subject.api.host):
        return Finding(State.SKIP, "the address is on this machine", facts, tuple(signs))
    try:
        if choose(subject.api, subject.config.network):
            return Finding(State.SKIP, "calls go through a proxy", facts, tuple(signs))
    except DialError:
        pass
    found = routes()
    facts["routes"] = found
    if found:
        by = f", through the tunnel {here.interface}" if here.through_tunnel else ""
        return Finding(State.OK, " and ".join(found) + by, facts, tuple(signs))
    sign = Sign("network.offline", "no route leads out of this machine, by IPv4 or IPv6", Weight.DECISIVE)
    return Finding(State.FAIL, "no way out of this machine", facts, (sign,))


CHECK = Check("net.link", "network", run)
