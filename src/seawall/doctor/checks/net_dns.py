"""Has the API's name an address, of which kinds, and does an unrelated name have one?

Facts: `host`, `addresses`, `seconds`, `control`, `control_resolves`, `fault`, `fake` (the address is one that a proxy
program in TUN mode gives out). Signs: `network.dns_failure` or `network.dns_temporary`, decisive, and strong where the
unrelated name fails too.
"""

import asyncio
import socket
import time
from typing import Any

from seawall.causes.evidence import Fault
from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight
from seawall.doctor.link import FAKE
from seawall.http.dial import DialError
from seawall.http.proxy import choose
from seawall.origin import Origin, ip_of

SECONDS = 2.7


async def addresses(host: str) -> dict[str, list[str]] | Fault:
    """The addresses of a name by kind, or why there are none."""
    if literal := ip_of(host):
        return {"IPv4" if literal.version == 4 else "IPv6": [str(literal)]}
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(SECONDS):
            found: list[Any] = await loop.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except TimeoutError:
        return Fault.DNS_TEMPORARY
    except socket.gaierror as error:
        return Fault.DNS_TEMPORARY if error.errno == socket.EAI_AGAIN else Fault.DNS_FAILURE
    except (OSError, UnicodeError):
        return Fault.DNS_FAILURE
    kinds: dict[str, list[str]] = {}
    for family, _, _, _, place in found:
        name = "IPv6" if family == socket.AF_INET6 else "IPv4"
        kinds.setdefault(name, []).append(place[0])
    return {name: list(dict.fromkeys(places)) for name, places in kinds.items()} or Fault.DNS_FAILURE


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    host, what = subject.api.host, ""
    try:
        if proxy := choose(subject.api, subject.config.network):
            host, what = proxy.host, "the proxy "
    except DialError as error:
        return Finding(State.SKIP, f"which name matters is not known: {error.text}")
    control, _ = Origin.parse(subject.control)
    begun = time.monotonic()
    timed: list[float] = []

    async def first() -> dict[str, list[str]] | Fault:
        found = await addresses(host)
        timed.append(time.monotonic() - begun)
        return found

    found, other = await asyncio.gather(first(), addresses(control.host))
    took = timed[0]
    facts: dict[str, Any] = {"host": host, "seconds": round(took, 4), "control": control.host}
    facts["control_resolves"] = not isinstance(other, Fault)
    if isinstance(found, dict):
        facts["addresses"] = found
        facts["fake"] = all(FAKE.match(one) for places in found.values() for one in places)
        said = ", ".join(f"{len(places)} {name}" for name, places in found.items())
        notes: tuple[Sign, ...] = ()
        if facts["fake"]:
            text = f"{host} resolves to {found['IPv4'][0]}, which a proxy program in TUN mode gives out"
            notes = (Sign("network.*", text, Weight.WEAK, Direction.NEUTRAL),)
        return Finding(State.OK, f"{said} in {1000 * took:.0f} ms", facts, notes)
    facts["fault"] = found.value
    silent = found is Fault.DNS_TEMPORARY
    code = "network.dns_temporary" if silent else "network.dns_failure"
    said = f"gave no answer in {took:.1f} s" if silent else "says that there is no such name"
    signs = [
        Sign(
            code,
            f"asked for {what}{host}, the resolver {said}",
            Weight.DECISIVE,
            title=f"{what}{host} does not resolve",
        )
    ]
    if host != control.host:
        if isinstance(other, Fault):
            signs.append(Sign(code, f"{control.host} does not resolve either: the resolver, not Anthropic"))
        else:
            text = f"{control.host} resolves: the resolver answers, but not for this name"
            signs.append(Sign(code, text, Weight.WEAK, Direction.NEUTRAL))
    return Finding(State.FAIL, signs[0].title, facts, tuple(signs))


def no_names(probe: Probe) -> Finding | None:
    """Why a check that asks another host is not run: no name resolves at all, which is one problem and not many."""
    if probe.fact("net.dns", "fault") is None or probe.fact("net.dns", "control_resolves"):
        return None
    return Finding(State.SKIP, "not run: name failed", blocked_by="net.dns")


CHECK = Check("net.dns", "name", run, needs=("net.link",), to=("resolver",))
