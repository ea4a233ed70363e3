"""If a proxy is set: can its address be read, does it answer, does it open the way? And is there a way without it?

Facts: `proxy` (host and port), `where`, `without` (whether the API is reached without it), `fault`, `differ` (variables
of both cases with different values). Signs: `network.proxy_failed` or `network.proxy_auth` (decisive), with a note on
the way without it, and one where the cases differ: Claude Code takes the lower case, other programs may not.
"""

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


_CASES = (("https_proxy", "HTTPS_PROXY"), ("http_proxy", "HTTP_PROXY"), ("no_proxy", "NO_PROXY"))


def _differ(subject: Subject) -> list[str]:
    """Names of variables that are set in both cases, and differently."""
    texts = {name: value.text.strip() for name, value in subject.variables.items()}
    return [low for low, high in _CASES if low in texts and high in texts and texts[low] != texts[high]]


def _notes(differ: list[str]) -> tuple[Sign, ...]:
    return tuple(
        Sign("network.*", f"{name} and {name.upper()} are set and differ; Claude Code takes {name}", Weight.WEAK,
             Direction.NEUTRAL)
        for name in differ
    )  # fmt: skip


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    network = subject.config.network
    where = _where(subject)
    differ = _differ(subject)
    notes = _notes(differ)
    try:
        proxy = choose(subject.api, network)
    except DialError as error:
        sign = Sign("network.proxy_failed", f"{where}: {error.text}", Weight.DECISIVE)
        return Finding(State.FAIL, error.text, {"where": where}, (sign, *notes))
    if proxy is None:
        return Finding(State.SKIP, "no proxy is set for this host", {"differ": differ}, notes)
    facts: dict[str, object] = {"proxy": proxy.authority, "where": where, "differ": differ}
    if subject.offline:
        return Finding(State.SKIP, f"{proxy.authority} is set; not tried: --offline", facts)
    without = replace(network, https_proxy="", http_proxy="")
    error_, direct = await asyncio.gather(_opens(subject, network), _opens(subject, without))
    facts["without"] = direct is None
    if error_ is None or error_.fault not in _PROXY:
        return Finding(State.OK, f"{proxy.authority} opens the way", facts, notes)
    facts["fault"] = error_.fault.value
    code = "network.proxy_auth" if error_.fault is Fault.PROXY_AUTH else "network.proxy_failed"
    said = "can be reached" if direct is None else "cannot be reached either"
    signs = (
        Sign(code, f"{error_.text}; set in {where}", Weight.DECISIVE),
        Sign(code, f"without the proxy the API {said}", Weight.WEAK, Direction.NEUTRAL),
        *notes,
    )
    return Finding(State.FAIL, error_.text, facts, signs)


CHECK = Check("net.proxy", "proxy", run, to=("proxy", "api"))
