"""Can a secure connection to an unrelated host be made? Where both fail, it is not the API."""

import asyncio

from seawall.causes.evidence import Fault
from seawall.doctor.check import Check, Finding, Probe, State
from seawall.http.dial import DialError, dial
from seawall.origin import Origin

LIMIT = 2.7
"""Seconds."""


async def run(probe: Probe) -> Finding:
    origin, _ = Origin.parse(probe.subject.control)
    facts: dict[str, object] = {"host": origin.host}
    try:
        transport, _ = await dial(origin, probe.subject.config.network, asyncio.Protocol, timeout=LIMIT)
    except DialError as error:
        # A connection that stood and whose certificate is refused shows that there is a network.
        reached = error.fault in (Fault.TLS_UNTRUSTED_CA, Fault.TLS_EXPIRED, Fault.TLS_OTHER)
        facts |= {"fault": error.fault.value, "reached": reached}
        return Finding(State.FAIL, error.text, facts)
    transport.abort()
    return Finding(State.OK, f"{origin.host} is reached", facts | {"reached": True})


CHECK = Check("net.control", "another host", run, needs=("net.link",), to=("control",))
