"""If a proxy is set: can its address be read, does it answer, does it open the way? And is there a way without it?"""

import asyncio
from dataclasses import replace

from seawall.causes.evidence import Fault
from seawall.config import Network
from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight
from seawall.doctor.subject import Subject
from seawall.http.dial import DialError, dial
from seawall.http.proxy import choose

_PROXY = (Fault.PROXY_AUTH, Fault.PROXY_FAILED)


async def _opens(subject: Subject, network: Network) -> DialError | None:
    try:
        transport, _ = await dial(subject.api, network, asyncio.Protocol, timeout=2.7)
    except DialError as error:
        return error
    transport.abort()
    return None


def _where(subject: Subject) -> str:
    names = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")
    name = next((one for one in names if one in subject.variables), "")
    return f"{name} of {subject.variables[name].where}" if name else "the settings of Seawall"


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    network = subject.config.network
    where = _where(subject)
    try:
        proxy = choose(subject.api, network)
    except DialError as error:
        sign = Sign("network.proxy_failed", f"{where}: {error.text}", Weight.DECISIVE)
        return Finding(State.FAIL, error.text, {"where": where}, (sign,))
    if proxy is None:
        return Finding(State.SKIP, "no proxy is set for this host")
    facts: dict[str, object] = {"proxy": proxy.authority, "where": where}
    if subject.offline:
        return Finding(State.SKIP, f"{proxy.authority} is set; not tried: --offline", facts)
    without = replace(network, https_proxy="", http_proxy="")
    error_, direct = await asyncio.gather(_opens(subject, network), _opens(subject, without))
    facts["without"] = direct is None
    if error_ is None or error_.fault not in _PROXY:
        return Finding(State.OK, f"{proxy.authority} opens the way", facts)
    facts["fault"] = error_.fault.value
    code = "network.proxy_auth" if error_.fault is Fault.PROXY_AUTH else "network.proxy_failed"
    said = "can be reached" if direct is None else "cannot be reached either"
    signs = (
        Sign(code, f"{error_.text.rstrip('.')}; set in {where}", Weight.DECISIVE),
        Sign(code, f"without the proxy the API {said}", Weight.WEAK, Direction.NEUTRAL),
    )
    return Finding(State.FAIL, error_.text, facts, signs)


CHECK = Check("net.proxy", "proxy", run, to=("proxy", "api"))
