"""How long does the client wait, and is any of its limits one that ordinary answers exceed?

Facts: `limits` (seconds by variable), `stated` (the shortest limit that a waiting call stated to a gateway of yours).
Signs for `network.client_timeout`: strong where a limit is short and calls ended by it lately, weak where it is only
short, or no number.
"""

from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight

# Seconds by default, and below which answers that are in order are cut: a first byte takes 1 s for each 2 000 tokens
# of input, a whole answer without streaming minutes. Claude Code's settings reference, August 2026.
LIMITS = {
    "API_TIMEOUT_MS": (600.0, 120.0),
    "CLAUDE_STREAM_FIRST_BYTE_TIMEOUT_MS": (180.0, 60.0),
    "CLAUDE_STREAM_IDLE_TIMEOUT_MS": (300.0, 60.0),
    "CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS": (180.0, 60.0),
}
_LARGEST = 2_147_483_647
"""Milliseconds: JavaScript's timers take no more, and fire at once beyond it."""
_MEETS = ("network.client_timeout", "network.stream_idle_timeout")


def read(text: str) -> tuple[float | None, str]:
    """Seconds from the milliseconds that a variable holds; or None and what is wrong with it."""
    text = text.strip()
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        return None, "is no number of milliseconds, so the client's own limit holds"
    if int(text) > _LARGEST:
        return None, f"is more than {_LARGEST}, the most that a timer takes: it may end calls at once"
    if int(text) == 0:
        return None, "is 0, which is no limit"
    return int(text) / 1000, ""


def _stated(probe: Probe) -> float | None:
    """The shortest limit that a call which waits has stated, where the gateways tell it."""
    found = []
    for gateway in probe.subject.gateways:
        waiting = gateway.get("waiting")
        for one in waiting if isinstance(waiting, list) else []:
            limit = one.get("limit") if isinstance(one, dict) else None
            if isinstance(limit, (int, float)) and limit > 0:
                found.append(float(limit))
    return min(found, default=None)


async def run(probe: Probe) -> Finding:
    variables = probe.subject.variables
    seen = probe.fact("seen.recent", "causes") or {}
    ended = any(seen.get(cause) for cause in _MEETS)
    limits, signs = {}, []
    for name, (_, least) in LIMITS.items():
        if name not in variables:
            continue
        where = variables[name].where
        seconds, wrong = read(variables[name].text)
        if wrong:
            signs.append(Sign("network.client_timeout", f"{name} ({where}) {wrong}", Weight.WEAK))
            continue
        limits[name] = seconds
        if seconds is not None and seconds < least:
            text = (
                f"{name} is {seconds:g} s ({where}): ordinary answers take longer; {least:g} s is the least"
            )
            signs.append(Sign("network.client_timeout", text, Weight.STRONG if ended else Weight.WEAK))
    stated = _stated(probe)
    facts = {"limits": limits, "stated": stated}
    if signs:
        return Finding(State.WARN, signs[0].text, facts, tuple(signs))
    if stated is not None and stated < 60:
        text = f"a call that waits states a limit of {stated:g} s; Seawall tells it the failure before that"
        note = Sign("network.client_timeout", text, Weight.WEAK, Direction.NEUTRAL)
        return Finding(State.OK, text, facts, (note,))
    said = ", ".join(f"{name} {seconds:g} s" for name, seconds in limits.items())
    return Finding(State.OK, said or "the client's own", facts)


CHECK = Check("local.timeouts", "time limits", run, after=("seen.recent",))
