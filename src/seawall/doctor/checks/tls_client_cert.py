"""If a certificate of this side's own is set: is it there, does its key fit, and is it valid today?

Facts: `cert`, `ends` (UTC seconds), `trouble`. Signs for `machine.settings` (decisive): a server that demands the
certificate refuses every call without it.
"""

import ssl
import time
from pathlib import Path

from seawall.claude_code.settings import shown
from seawall.doctor.certificate import Certificate, blocks, read
from seawall.doctor.check import Check, Finding, Probe, Sign, State, Weight, in_thread
from seawall.http.tls import show_certificate
from seawall.settings import CLIENT_CERTIFICATE

CAUSE = "machine.settings"
_SOON = 7 * 86400.0


def certificate(path: Path) -> Certificate | None:
    """The first certificate of a PEM file; None where it has none that can be read."""
    try:
        with path.open("rb") as file:
            found = blocks(file.read(1 << 20).decode("ascii", "replace"))
        return read(found[0]) if found else None
    except (OSError, ValueError):
        return None


def trouble(cert: str, key: str, passphrase: str, now: float) -> tuple[str, Certificate | None]:
    """What is wrong with it, and the certificate where it can be read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if lines := show_certificate(context, cert, key, passphrase):
        return lines[0].rstrip("."), None
    found = certificate(Path(cert))
    if found and not found.begins <= now <= found.ends:
        word = "expired on" if now > found.ends else "is not valid before"
        day = time.strftime("%Y-%m-%d", time.gmtime(found.ends if now > found.ends else found.begins))
        return f"{cert}: the client certificate {word} {day}", found
    return "", found


async def run(probe: Probe) -> Finding:
    network = probe.subject.config.network
    if not network.client_cert:
        if network.client_key:
            text = "a key for a client certificate is named, and no certificate"
            return Finding(State.WARN, text, {}, (Sign(CAUSE, text, Weight.WEAK),))
        return Finding(State.SKIP, "none is set")
    now = time.time()
    where = probe.subject.variables.get(CLIENT_CERTIFICATE["network.client_cert"])
    wrong, found = await in_thread(
        lambda: trouble(network.client_cert, network.client_key, network.client_key_passphrase, now)
    )
    facts = {
        "cert": shown(Path(network.client_cert), probe.subject.home),
        "ends": found.ends if found else None,
        "trouble": wrong,
    }
    if wrong:
        text = f"{wrong}; set in {where.where if where else 'the settings of Seawall'}"
        return Finding(State.FAIL, wrong, facts, (Sign(CAUSE, text, Weight.DECISIVE, title=wrong),))
    if found and found.ends - now < _SOON:
        text = f"the client certificate expires on {time.strftime('%Y-%m-%d', time.gmtime(found.ends))}"
        return Finding(State.WARN, text, facts, (Sign("*", text, Weight.WEAK),))
    return Finding(State.OK, f"issued by {found.issuer}" if found else "can be used", facts)


CHECK = Check("tls.client_cert", "client certificate", run)
