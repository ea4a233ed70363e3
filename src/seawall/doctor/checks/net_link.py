"""Is there a way out of this machine at all? Asks the routing table; nothing is sent."""

import socket

from seawall.doctor.check import Check, Finding, Probe, Sign, State, Weight
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
    if is_loopback(subject.api.host):
        return Finding(State.SKIP, "the address is on this machine")
    try:
        if choose(subject.api, subject.config.network):
            return Finding(State.SKIP, "calls go through a proxy")
    except DialError:
        pass
    found = routes()
    if found:
        return Finding(State.OK, " and ".join(found), {"routes": found})
    sign = Sign("network.offline", "no route leads out of this machine, by IPv4 or IPv6", Weight.DECISIVE)
    return Finding(State.FAIL, "no way out of this machine", {"routes": []}, (sign,))


CHECK = Check("net.link", "network", run)
