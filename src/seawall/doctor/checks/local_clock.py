"""Is this machine's clock right? Compared with the time in answers that are there anyway; nothing more is asked.

The API's answer counts first; where none came, the status page's, then that of the plain HTTP probe, which needs no
certificate: a clock that is days off keeps every other answer away. Facts: `off` (seconds, positive: ahead), `by`
(whose time). Signs for `machine.clock`: weak from 2 min on, strong from 5, decisive where the API's certificate is
refused for its dates and would be valid by that other time.
"""

import time
from email.utils import parsedate_to_datetime

from seawall.doctor.check import Check, Finding, Probe, Sign, State, Weight

MOST = 120.0
"""Seconds: below that nothing suffers. Signatures of AWS fail from 5 min on, certificates from their first day."""
MUCH = 300.0
_SOURCES = (
    ("api.edge", "the API's"),
    ("status.page", "the status page's"),
    ("net.captive", "that of an unrelated host"),
)


def _stated(probe: Probe) -> tuple[float, str] | None:
    """The time that the first of the answers states, and whose it is."""
    for check, whose in _SOURCES:
        try:
            return parsedate_to_datetime(str(probe.fact(check, "date"))).timestamp(), whose
        except (ValueError, TypeError, OverflowError):
            continue
    return None


def _explains(probe: Probe, theirs: float) -> bool:
    """Whether the API's certificate is refused for its dates here, and would be valid by the other time."""
    begins, ends = probe.fact("tls.chain", "begins"), probe.fact("tls.chain", "ends")
    known = isinstance(begins, (int, float)) and isinstance(ends, (int, float))
    return probe.fact("tls.chain", "fault") == "tls_expired" and known and begins <= theirs <= ends


async def run(probe: Probe) -> Finding:
    stated = _stated(probe)
    if stated is None:
        return Finding(State.SKIP, "no answer that says the time")
    theirs, whose = stated
    off = time.time() - theirs
    facts = {"off": round(off, 1), "by": whose}
    if abs(off) <= MOST:
        return Finding(State.OK, "within 2 min" if abs(off) > 2 else "within 2 s", facts)
    said = f"the clock here is {_span(abs(off))} {'ahead of' if off > 0 else 'behind'} {whose}"
    if _explains(probe, theirs):
        text = f"{said}, by which the certificate is valid"
        return Finding(State.FAIL, said, facts, (Sign("machine.clock", text, Weight.DECISIVE, title=said),))
    weight = Weight.STRONG if abs(off) > MUCH else Weight.WEAK
    return Finding(State.WARN, said, facts, (Sign("machine.clock", said, weight),))


def _span(seconds: float) -> str:
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86400:.0f} days"


CHECK = Check("local.clock", "clock", run, after=("api.edge", "status.page", "net.captive", "tls.chain"))
