"""Who signed the API's certificate, does this machine trust it, and would the public bundle alone?"""

import asyncio
import ssl
import time
from typing import Any

from seawall.causes.evidence import Fault
from seawall.doctor.certificate import Certificate, context_that_sees_all, public_context, read
from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight
from seawall.http.dial import DialError, dial
from seawall.http.proxy import choose
from seawall.http.tls import trust_warnings
from seawall.origin import Origin

_CODES = {
    Fault.TLS_UNTRUSTED_CA: "network.tls_untrusted_ca",
    Fault.TLS_EXPIRED: "network.tls_expired",
    Fault.TLS_OTHER: "network.tls_other",
    Fault.CONNECTION_RESET: "network.connection_reset",
    Fault.CONNECTION_CLOSED: "network.connection_reset",
    Fault.CONNECT_TIMEOUT: "network.connect_timeout",
}


async def _seen(address: str, origin: Origin, context: ssl.SSLContext, seconds: float) -> bytes | None:
    """The certificate that is shown there, in DER; None where the handshake fails."""
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(
                address, origin.port, ssl=context, server_hostname=origin.host.removesuffix(".")
            )
    except (OSError, ValueError):
        return None
    der: bytes | None = writer.get_extra_info("ssl_object").getpeercert(True)
    writer.transport.abort()
    return der


async def _look(probe: Probe) -> tuple[Certificate | None, bool | None]:
    """The certificate, and whether the public bundle alone accepts it; nothing of either through a proxy."""
    subject = probe.subject
    addresses = probe.fact("net.dns", "addresses") or {}
    family = next((kind for kind in ("IPv4", "IPv6") if addresses.get(kind)), "")
    try:
        through = choose(subject.api, subject.config.network) is not None
    except DialError:
        through = True
    if through or not family:
        return None, None
    if probe.found.get("net.tcp4") and probe.found["net.tcp4"].state is State.FAIL:
        family = "IPv6" if addresses.get("IPv6") else family
    address = addresses[family][0]
    der, public = await asyncio.gather(
        _seen(address, subject.api, context_that_sees_all(), 1.5),
        _seen(address, subject.api, public_context(), 1.5),
    )
    try:
        return (read(der) if der else None), public is not None
    except ValueError:
        return None, public is not None


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))


def _broken(
    error: DialError, seen: Certificate | None, host: str, warnings: tuple[str, ...], now: float
) -> list[Sign]:
    """What a handshake that failed speaks for."""
    code = _CODES.get(error.fault, "network.tls_other")
    if error.fault not in (Fault.TLS_UNTRUSTED_CA, Fault.TLS_EXPIRED, Fault.TLS_OTHER):
        return [Sign(code, error.text.rstrip("."))]
    title = ""
    signs = []
    if seen and error.fault is Fault.TLS_UNTRUSTED_CA:
        title = f'the connection is re-signed by "{seen.issuer}", whom this machine does not trust'
    if seen and error.fault is Fault.TLS_EXPIRED:
        early = now < seen.begins
        word = "is not valid before" if early else "expired on"
        title = f"the certificate of {host} {word} {_day(seen.begins if early else seen.ends)}"
    signs.append(Sign(code, error.text.rstrip("."), Weight.DECISIVE, title=title))
    if seen:
        signs.append(Sign(code, f"issuer for {host}: {seen.issuer}", Weight.WEAK))
        if seen.inspector:
            signs.append(Sign(code, f"{seen.inspector} signs connections anew to look into them"))
        if seen.ends < now or now < seen.begins:
            text = f"it is valid from {_day(seen.begins)} to {_day(seen.ends)}; this machine says {_day(now)}"
            signs.append(Sign(code, text, Weight.WEAK, Direction.NEUTRAL))
    signs += [Sign("machine.ca_file", one.rstrip("."), Weight.DECISIVE) for one in warnings]
    return signs


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    if subject.api.scheme != "https":
        return Finding(State.SKIP, "http:// on this machine: no certificate")
    network = subject.config.network
    begun = time.monotonic()
    looked = asyncio.create_task(_look(probe))
    try:
        transport, _ = await dial(subject.api, network, asyncio.Protocol, timeout=2.7)
        transport.abort()
        failed = None
    except DialError as error:
        failed = error
    took = time.monotonic() - begun
    seen, public = await looked
    facts: dict[str, Any] = {"seconds": round(took, 4), "trusted": failed is None, "public": public}
    if seen:
        facts |= {"issuer": seen.issuer, "inspector": seen.inspector, "ends": seen.ends}
    warnings = trust_warnings(network)
    if failed is not None:
        facts["fault"] = failed.fault.value
        signs = _broken(failed, seen, subject.api.host, warnings, time.time())
        return Finding(State.FAIL, failed.text, facts, tuple(signs))
    signs = [Sign("machine.ca_file", one.rstrip("."), Weight.WEAK) for one in warnings]
    if seen and public is False:
        text = f"issuer for {subject.api.host}: {seen.issuer}; this machine trusts it, the public bundle does not"
        signs.append(Sign("network.tls_untrusted_ca", text, Weight.WEAK))
    by = f", signed by {seen.issuer}" if seen else ""
    return Finding(State.WARN if signs else State.OK, f"{1000 * took:.0f} ms{by}", facts, tuple(signs))


CHECK = Check(
    "tls.chain", "TLS", run, needs=("net.dns", "net.proxy"), any_of=("net.tcp4", "net.tcp6"), to=("api",)
)
