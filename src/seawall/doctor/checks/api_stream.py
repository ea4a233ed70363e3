"""Do the parts of a streamed answer arrive one by one, or all at once at the end?

A short stream of some 150 tokens, spent only with `--spend`. Facts: `first`, `last` (seconds of the first and the last
part), `parts`, `whole`. Signs: `network.proxy_buffering` (strong) where all came at once, `network.stream_truncated`
(strong) where it broke off, the answer's own cause where it was refused.

Without `--spend`: what running gateways saw of the calls of the last 15 minutes. Facts: `streams` (long ones) and
`together` (those whose parts came all at once). A strong sign for `network.proxy_buffering` where five or more did.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from seawall.doctor.check import Check, Finding, Probe, Sign, State
from seawall.doctor.checks.api_edge import facts_of, judged
from seawall.doctor.checks.local_gateway import finite, items
from seawall.doctor.reach import Answer
from seawall.doctor.recorded import WINDOW
from seawall.doctor.spending import SECONDS, call, refused

_MOST = 150
"""Tokens: a small model writes some hundred a second, so its parts lie a second or more apart."""
SPREAD = 0.15
"""Of the whole time, what lies between the first and the last part of an answer that is not held back: half or more.
Below this share everything came together."""
LEAST = 0.8
"""Seconds: an answer that is over sooner tells nothing, whichever way it came."""
FASTEST = 5000.0
"""Tokens a second: no model writes so fast. What comes faster was written before, and lay somewhere."""
ENOUGH = 5
"""Streams that came at once: one or two may be a machine that was busy or slept."""
_SHOWN = 2
_END = b"event: message_stop"


def spread(answer: Answer) -> tuple[float, float, int] | None:
    """When the first and the last part of the body came (seconds from the start), and in how many pieces."""
    # The head alone is no part of the answer: some proxies send it on at once and keep the rest.
    end = next((at for at, size in answer.arrivals if size > answer.head_size), None)
    if end is None:
        return None
    times = [at for at, size in answer.arrivals if size > answer.head_size]
    return times[0], times[-1], len(times)


def held_back(first: float, last: float) -> bool:
    """Whether all parts of an answer, whose last came after so many seconds, came together."""
    return last >= LEAST and last - first < SPREAD * last


def together(first: float, whole: float, tokens: int) -> bool:
    """Whether an answer of so many tokens, begun and ended so many seconds after its request, came all at once."""
    return whole >= LEAST and held_back(first, whole) and (whole - first) * FASTEST < tokens


def _streams(gateways: Sequence[Mapping[str, Any]], now: float) -> list[tuple[float, float, int]]:
    """First content, end and tokens of the long streams that gateways saw lately, oldest first; no nonsense."""
    found = []
    for gateway in gateways:
        for one in items(gateway, "streams"):
            at = one.get("at")
            first, whole, tokens = (finite(one.get(name)) for name in ("first", "whole", "tokens"))
            if not isinstance(at, (int, float)) or not abs(now - at) <= WINDOW:
                continue
            if first is not None and whole is not None and tokens is not None and first <= whole:
                found.append((at, first, whole, int(tokens)))
    return [(first, whole, tokens) for _, first, whole, tokens in sorted(found)]


def seen(gateways: Sequence[Mapping[str, Any]], now: float, otherwise: str) -> Finding:
    """What running gateways saw of streamed answers; skipped, for the reason `otherwise`, where that is too little."""
    streams = _streams(gateways, now)
    at_once = [(first, whole) for first, whole, tokens in streams if together(first, whole, tokens)]
    facts = {"streams": len(streams), "together": len(at_once)}
    if len(at_once) >= ENOUGH:
        times = "; ".join(f"{first:.1f} s and {whole:.1f} s" for first, whole in at_once[-_SHOWN:])
        text = f"{len(at_once)} of {len(streams)} streams: first part and last part together ({times}; …)"
        return Finding(State.WARN, text, facts, (Sign("network.proxy_buffering", text),))
    if len(streams) < ENOUGH:
        return Finding(State.SKIP, otherwise, facts if streams else {})
    return Finding(State.OK, f"{len(streams) - len(at_once)} of {len(streams)} streams came in parts", facts)


async def run(probe: Probe) -> Finding:
    if why := refused(probe):
        return seen(probe.subject.gateways, time.time(), why)
    answer = await call(probe, "Count from 1 to 60, in digits, with commas.", _MOST, stream=True)
    facts = facts_of(answer)
    is_stream = answer.headers.get("content-type", "").startswith("text/event-stream")
    if answer.status != 200 or not is_stream:
        signs = judged(answer, probe.subject.api.host, "a short stream")
        return Finding(State.FAIL, signs[0].text, facts, signs)
    found = spread(answer)
    if found is None:
        text = f"a short stream: it began, and no part of it came in {SECONDS:g} s"
        return Finding(State.FAIL, text, facts, (Sign("network.proxy_buffering", text),))
    first, last, parts = found
    facts |= {"first": round(first, 3), "last": round(last, 3), "parts": parts, "whole": _END in answer.body}
    if _END not in answer.body and answer.whole:
        text = f"a short stream broke off after {last:.1f} s"
        return Finding(State.FAIL, text, facts, (Sign("network.stream_truncated", text),))
    if held_back(first, last):
        text = f"a short stream: first part and last part together ({first:.1f} s and {last:.1f} s)"
        via = f'; answers pass "Via: {facts["via"]}"' if answer.headers.get("via") else ""
        return Finding(State.WARN, text, facts, (Sign("network.proxy_buffering", text + via),))
    return Finding(State.OK, f"{parts} parts, from {first:.1f} s to {last:.1f} s", facts)


CHECK = Check(
    "api.stream",
    "stream",
    run,
    needs=("api.edge", "cred.live"),
    to=("api",),
    limit=SECONDS + 0.2,
    cost="tokens",
)
