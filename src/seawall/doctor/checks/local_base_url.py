"""If calls are sent to an address of this machine: does anybody take them there?"""

import asyncio
import time
from contextlib import suppress

from seawall.doctor.behind import same
from seawall.doctor.check import Check, Finding, Probe, Sign, State, Weight
from seawall.origin import Origin, is_loopback


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    try:
        origin, _ = Origin.parse(subject.base_url)
    except ValueError:
        return Finding(State.SKIP, "calls are sent to no address of this machine")
    if not is_loopback(origin.host):
        return Finding(State.SKIP, "calls are sent to no address of this machine")
    facts: dict[str, object] = {"address": origin.authority, "where": subject.base_where}
    begun = time.monotonic()
    try:
        async with asyncio.timeout(0.9):
            _, writer = await asyncio.open_connection(origin.host, origin.port)
    except OSError as error:
        took = 1000 * (time.monotonic() - begun)
        refused = isinstance(error, ConnectionRefusedError)
        how = f"is refused after {took:.0f} ms" if refused else "gets no answer"
        title = f"Claude Code is sent to {origin.authority}, where nobody listens"
        signs = (
            Sign(
                "machine.dead_base_url",
                f"connecting to {origin.authority} {how}; set in {subject.base_where}",
                Weight.DECISIVE,
                title=title,
            ),
        )
        return Finding(State.FAIL, title, facts, signs)
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    ours = any(same(one.get("address"), origin) for one in subject.gateways)
    facts["ours"] = ours
    return Finding(State.OK, f"{'Seawall' if ours else 'a program'} listens on {origin.authority}", facts)


CHECK = Check("local.base_url", "base address", run, limit=1.0, settles=True)
