"""A connection by one kind of address, and what it says when there is none."""

import asyncio
import errno
import socket
import time

from seawall.causes.evidence import Fault
from seawall.doctor.check import Finding, Probe, State

SECONDS = 2.5


async def connected(address: str, port: int, seconds: float = SECONDS) -> float | Fault:
    """Seconds until the connection stood, or why there is none; nothing stays open."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    begun = time.monotonic()
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            async with asyncio.timeout(seconds):
                await loop.sock_connect(sock, (address, port))
            return time.monotonic() - begun
    except TimeoutError:
        return Fault.CONNECT_TIMEOUT
    except ConnectionRefusedError:
        return Fault.CONNECTION_REFUSED
    except ConnectionError:
        return Fault.CONNECTION_RESET
    except OSError as error:
        return Fault.CONNECT_TIMEOUT if error.errno == errno.ETIMEDOUT else Fault.UNREACHABLE


SAID = {
    Fault.CONNECT_TIMEOUT: f"no answer in {SECONDS:g} s",
    Fault.CONNECTION_REFUSED: "refused",
    Fault.CONNECTION_RESET: "cut while it was being made",
    Fault.UNREACHABLE: "no route to it",
}


async def by(kind: str, probe: Probe) -> Finding:
    """What a connection to the API by `IPv4` or `IPv6` comes to; the addresses are the name's, at most two tried."""
    addresses = (probe.fact("net.dns", "addresses") or {}).get(kind, [])
    port = probe.subject.api.port
    if probe.fact("net.proxy", "proxy"):
        return Finding(State.SKIP, "calls go through a proxy")
    if not addresses:
        return Finding(State.SKIP, f"the name has no {kind} address")
    results = await asyncio.gather(*(connected(one, port) for one in addresses[:2]))
    times = [one for one in results if isinstance(one, float)]
    if times:
        return Finding(State.OK, f"{1000 * min(times):.0f} ms", {"seconds": round(min(times), 4)})
    fault = next(one for one in results if isinstance(one, Fault))
    facts = {
        "fault": fault.value,
        "address": addresses[0],
        "host": probe.subject.api.host,
        "said": SAID[fault],
    }
    if fault is Fault.UNREACHABLE and kind == "IPv6":
        # Usual: the name has such addresses and this machine has no IPv6. Programs notice at once, and none suffers.
        return Finding(State.SKIP, "this machine has no way out by IPv6", facts)
    return Finding(State.FAIL, f"{addresses[0]} by {kind}: {SAID[fault]}", facts)
