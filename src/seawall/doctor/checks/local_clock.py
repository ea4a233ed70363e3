"""Is this machine's clock right? Compared with the time in the API's answer; nothing more is asked."""

import time
from email.utils import parsedate_to_datetime

from seawall.doctor.check import Check, Finding, Probe, Sign, State, Weight

MOST = 120.0
"""Seconds: below that nothing suffers. Signatures of AWS fail from 5 min on, certificates from their first day."""


async def run(probe: Probe) -> Finding:
    stated = probe.fact("api.edge", "date")
    try:
        theirs = parsedate_to_datetime(str(stated)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return Finding(State.SKIP, "no answer that says the time")
    off = time.time() - theirs
    facts = {"off": round(off, 1)}
    if abs(off) <= MOST:
        return Finding(State.OK, "within 2 min" if abs(off) > 2 else "within 2 s", facts)
    said = f"the clock here is {abs(off) / 60:.0f} min {'ahead of' if off > 0 else 'behind'} the API's"
    weight = Weight.STRONG if abs(off) > 300 else Weight.WEAK
    return Finding(State.WARN, said, facts, (Sign("machine.clock", said, weight),))


CHECK = Check("local.clock", "clock", run, after=("api.edge",))
