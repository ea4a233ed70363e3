"""Who signed the API's certificate, and which of three stores trust it: the public bundle, the system's, extra files?

Every look goes the way that calls go, through the proxy too. Facts: `trusted` (by all stores together), `public`,
`system`, `extra` (null: no extra file is named, or nothing was seen), `issuer`, `root` (who signed the last one that
was sent), `inspector`, `begins`, `ends`, `same` (unrelated hosts with the same root), `seconds`, `fault`. Signs: the
cause of a handshake that fails (decisive); `machine.ca_file`; for `network.tls_untrusted_ca` weak ones where only the
system trusts the chain: a client that does not read the system's store fails there.
"""

import asyncio
import ssl
import time
from dataclasses import dataclass
from typing import Any

from seawall.causes.evidence import Fault
from seawall.doctor.certificate import (
    Certificate,
    bad_roots,
    chain,
    context_that_sees_all,
    extra_context,
    machine_context,
    public_context,
)
from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight, in_thread
from seawall.doctor.subject import Subject
from seawall.http.dial import DialError, dial
from seawall.origin import Origin

LOOK = 2.5
"""Seconds for a look at who signs, beside the connection itself, ..."""
OTHERS = 1.0
"""... and at most for one at unrelated hosts, which must fit into what is left."""
WHOLE = 2.8
_CODES = {
    Fault.TLS_UNTRUSTED_CA: "network.tls_untrusted_ca",
    Fault.TLS_EXPIRED: "network.tls_expired",
    Fault.TLS_OTHER: "network.tls_other",
    Fault.CONNECTION_RESET: "network.connection_reset",
    Fault.CONNECTION_CLOSED: "network.connection_reset",
    Fault.CONNECT_TIMEOUT: "network.connect_timeout",
}


@dataclass(frozen=True, slots=True)
class Look:
    """What was shown, and who would accept it; None where there was no answer."""

    shown: tuple[Certificate, ...] = ()
    public: bool | None = None
    system: bool | None = None
    extra: bool | None = None

    @property
    def root(self) -> str:
        """Who signed the last certificate that was sent: the root, which itself is usually not sent."""
        return self.shown[-1].issuer if self.shown else ""

    @property
    def inspector(self) -> str:
        """The known program that signs connections anew, or empty."""
        return next((one.inspector for one in self.shown if one.inspector), "")


async def _shown(origin: Origin, subject: Subject, seconds: float) -> tuple[Certificate, ...]:
    """The certificates that are shown there, whoever signed them. No request is sent over that connection."""
    context = context_that_sees_all()
    try:
        transport, _ = await dial(
            origin, subject.config.network, asyncio.Protocol, timeout=seconds, trust=context
        )
    except DialError:
        return ()
    found = chain(transport.get_extra_info("ssl_object"))
    transport.abort()
    return tuple(found)


async def _accepts(context: ssl.SSLContext, subject: Subject) -> bool | None:
    """Whether this store alone accepts the chain; None where it did not come to that."""
    try:
        transport, _ = await dial(
            subject.api, subject.config.network, asyncio.Protocol, timeout=LOOK, trust=context
        )
    except DialError as error:
        return False if error.fault is Fault.TLS_UNTRUSTED_CA else None
    transport.abort()
    return True


def _contexts(files: tuple[str, ...]) -> list[ssl.SSLContext]:
    # Reading the stores takes some 20 ms each.
    return [public_context(), machine_context(), *([extra_context(files)] if any(files) else [])]


async def _look(subject: Subject) -> Look:
    contexts: list[ssl.SSLContext] = await in_thread(lambda: _contexts(subject.config.network.ca_files))
    shown, accepted = await asyncio.gather(
        _shown(subject.api, subject, LOOK),
        asyncio.gather(*(_accepts(context, subject) for context in contexts)),
    )
    public, system, *extra = accepted
    return Look(shown, public, system, extra[0] if extra else None)


async def _same(look: Look, subject: Subject, seconds: float) -> list[str]:
    """Unrelated hosts that show the same root as the API does: then it is the network that signs."""
    others = [
        origin
        for url in (subject.control, subject.status)
        if (origin := Origin.parse(url)[0]).scheme == "https"
    ]
    found = await asyncio.gather(*(_shown(origin, subject, min(OTHERS, seconds)) for origin in others))
    return [
        origin.host
        for origin, shown in zip(others, found, strict=True)
        if shown and shown[-1].issuer == look.root and origin.host != subject.api.host
    ]


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))


def _broken(error: DialError, look: Look, host: str, bad: list[str], now: float) -> list[Sign]:
    """What a handshake that failed speaks for."""
    code = _CODES.get(error.fault, "network.tls_other")
    if error.fault not in (Fault.TLS_UNTRUSTED_CA, Fault.TLS_EXPIRED, Fault.TLS_OTHER):
        return [Sign(code, error.text)]
    seen = look.shown[0] if look.shown else None
    title = ""
    if seen and error.fault is Fault.TLS_UNTRUSTED_CA:
        title = f'the connection is re-signed by "{look.root}", which Claude Code does not trust'
    if seen and error.fault is Fault.TLS_EXPIRED:
        early = now < seen.begins
        word = "is not valid before" if early else "expired on"
        title = f"the certificate of {host} {word} {_day(seen.begins if early else seen.ends)}"
    signs = [Sign(code, error.text, Weight.DECISIVE, title=title)]
    if seen:
        signs.append(Sign(code, f"issuer for {host}: {seen.issuer}", Weight.WEAK))
        if error.fault is Fault.TLS_OTHER:
            signs.append(Sign(code, f"it is made out to {seen.subject}", Weight.WEAK))
        if look.inspector:
            signs.append(Sign(code, f"{look.inspector} signs connections anew to look into them"))
        if seen.ends < now or now < seen.begins:
            text = f"it is valid from {_day(seen.begins)} to {_day(seen.ends)}; this machine says {_day(now)}"
            signs.append(Sign(code, text, Weight.WEAK, Direction.NEUTRAL))
    # That they cannot be used is `local.env`'s to say; that it is why nobody is trusted shows only here.
    return [*signs, *(Sign("machine.ca_file", one, Weight.DECISIVE) for one in bad)]


def _stores(look: Look, host: str) -> list[Sign]:
    """Where the stores do not agree: the chain is a company's, and clients differ in which store they read."""
    if not look.shown or look.public is not False:
        return []
    code = "network.tls_untrusted_ca"
    by = (
        "the system store"
        if look.system
        else "the extra file"
        if look.extra
        else "nothing but the sum of all stores"
    )
    signs = [
        Sign(code, f"issuer for {host}: {look.shown[0].issuer}", Weight.WEAK),
        Sign(code, f"{by} accepts the chain, the public bundle does not", Weight.WEAK, Direction.NEUTRAL),
    ]
    if look.inspector:
        text = f"{look.inspector} signs connections anew to look into them"
        signs.append(Sign(code, text, Weight.WEAK, Direction.NEUTRAL))
    return signs


def _alike(same: list[str], trusted: bool) -> Sign:
    count = {1: "an unrelated host shows", 2: "two unrelated hosts show"}[len(same)]
    weight, direction = (Weight.WEAK, Direction.NEUTRAL) if trusted else (Weight.STRONG, Direction.FOR)
    return Sign("network.tls_untrusted_ca", f"{count} the same issuer: it is the network", weight, direction)


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    if subject.api.scheme != "https":
        return Finding(State.SKIP, "http:// on this machine: no certificate")
    network, host = subject.config.network, subject.api.host
    begun = time.monotonic()
    looked = asyncio.create_task(_look(subject))
    try:
        transport, _ = await dial(subject.api, network, asyncio.Protocol, timeout=2.7)
        transport.abort()
        failed = None
    except DialError as error:
        failed = error
    took = time.monotonic() - begun
    look = await looked
    facts: dict[str, Any] = {
        "seconds": round(took, 4), "trusted": failed is None,
        "public": look.public, "system": look.system, "extra": look.extra,
    }  # fmt: skip
    if look.shown:
        first = look.shown[0]
        facts |= {"issuer": first.issuer, "root": look.root, "inspector": look.inspector}
        facts |= {"begins": first.begins, "ends": first.ends}
    strange = look.public is False or (failed is not None and failed.fault is Fault.TLS_UNTRUSTED_CA)
    left = WHOLE - (time.monotonic() - begun)
    same = await _same(look, subject, left) if look.shown and strange and left > 0.1 else []
    facts["same"] = same
    now = time.time()
    if failed is not None:
        bad: list[str] = await in_thread(lambda: bad_roots(subject, now))
        facts["fault"] = failed.fault.value
        signs = _broken(failed, look, host, bad, now)
        if same:
            signs.append(_alike(same, trusted=False))
        return Finding(State.FAIL, failed.text, facts, tuple(signs))
    signs = _stores(look, host)
    if same:
        signs.append(_alike(same, trusted=True))
    by = f", signed by {look.shown[0].issuer}" if look.shown else ""
    return Finding(State.WARN if signs else State.OK, f"{1000 * took:.0f} ms{by}", facts, tuple(signs))


CHECK = Check(
    "tls.chain",
    "TLS",
    run,
    needs=("net.dns", "net.proxy"),
    any_of=("net.tcp4", "net.tcp6"),
    to=("api", "control", "status"),
)
