"""How many of your own calls that were refused had begun within the same five seconds?

Facts: `most`, `window` (5 s), `refused` (calls of the last 15 min that got 429 or 529). A sign for
`limit.self_burst`: strong where they were refused with 429, weak with 529, which a full service gives to anybody.
"""

from collections.abc import Sequence

from seawall.doctor.check import Check, Finding, Probe, Sign, State, Weight
from seawall.doctor.recorded import attempts
from seawall.store.rows import Attempt

WINDOW = 5.0
MANY = 8
"""Calls: Claude Code alone runs up to ten tools, and their agents, side by side; fewer are everyday work."""
_REFUSED = (429, 529)


def starts(rows: Sequence[Attempt]) -> list[float]:
    """When each refused call began, in order."""
    begun: dict[str, float] = {}
    for row in rows:
        if row.status in _REFUSED:
            at = row.at - max(row.held, row.took)
            begun[row.call] = min(at, begun.get(row.call, at))
    return sorted(begun.values())


def most_within(moments: Sequence[float], window: float) -> int:
    """The most of these moments, which are in order, that lie within one span of this length."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] > window:
            first += 1
        most = max(most, last - first + 1)
    return most


async def run(probe: Probe) -> Finding:
    rows = await attempts(probe)
    if isinstance(rows, Finding):
        return rows
    moments = starts(rows)
    most = most_within(moments, WINDOW)
    facts = {"most": most, "window": WINDOW, "refused": len(moments)}
    if most < MANY:
        return Finding(State.OK if rows else State.SKIP, f"{most} at most within {WINDOW:g} s", facts)
    throttled = sum(row.status == 429 for row in rows) * 2 > sum(row.status in _REFUSED for row in rows)
    text = f"{most} of your own calls that were refused had begun within {WINDOW:g} s"
    sign = Sign("limit.self_burst", text, Weight.STRONG if throttled else Weight.WEAK)
    return Finding(State.WARN, text, facts, (sign,))


CHECK = Check("seen.burst", "bursts of your own", run)
