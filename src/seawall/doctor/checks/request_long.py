"""Were calls of the last minutes so large that a limit of the client is too short for them?

Facts: `largest` (bytes), `tokens` (an estimate), `needs` (seconds until a first byte may come), `limit` (the client's).
Signs: `network.client_timeout` (strong where such calls were given up, else weak), `request.request_too_large`
(weak, near 32 MB).
"""

from collections.abc import Sequence

from seawall.doctor.check import Check, Finding, Probe, Sign, State, Weight
from seawall.doctor.recorded import attempts
from seawall.store.rows import Attempt

BYTES_EACH = 4.0
"""Of JSON for a token: English text has 4 to 5, code 3 to 4."""
_FIRST_BYTE = 10.0
"""Seconds until a first byte of a short request at a busy hour; each 2 000 tokens add one."""
_PER_TOKEN = 1 / 2000
LARGEST = 32 * 1000 * 1000
LIMIT = 180.0
"""Seconds that Claude Code waits for a first byte where nothing else is said; 300 behind a gateway."""
_TOLD = ("API_TIMEOUT_MS", "CLAUDE_STREAM_FIRST_BYTE_TIMEOUT_MS")
ADVICE = "raise the limit, stream, split the request, or shorten the conversation with /compact"


def needs(size: int) -> float:
    """Seconds that may pass before the first byte of an answer to a request of this size."""
    return _FIRST_BYTE + size / BYTES_EACH * _PER_TOKEN


def signs_of(rows: Sequence[Attempt], limit: float) -> list[Sign]:
    """What the sizes of these attempts speak for."""
    largest = max((row.input_bytes for row in rows), default=0)
    if not largest:
        return []
    signs = []
    slow = [row for row in rows if needs(row.input_bytes) > 0.8 * limit]
    if slow:
        gone = [row for row in slow if row.ended == "abandoned" or row.cause == "network.client_timeout"]
        text = (
            f"{len(slow)} of your recent calls are so large ({_size(largest)}) that an answer may begin after "
            f"{needs(largest):.0f} s; the client waits {limit:.0f} s: {ADVICE}"
        )
        if gone:
            text += f"; {len(gone)} of them were given up"
        signs.append(Sign("network.client_timeout", text, Weight.STRONG if gone else Weight.WEAK))
    if largest > 0.9 * LARGEST:
        text = f"the largest recent call has {_size(largest)}, and the service takes 32 MB at most"
        signs.append(Sign("request.request_too_large", text, Weight.WEAK))
    return signs


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.0f} KB"


async def run(probe: Probe) -> Finding:
    rows = await attempts(probe)
    if isinstance(rows, Finding):
        return rows
    told = probe.fact("local.timeouts", "limits") or {}
    limit = min((told[name] for name in _TOLD if told.get(name)), default=LIMIT)
    largest = max((row.input_bytes for row in rows), default=0)
    tokens = round(largest / BYTES_EACH)
    facts = {"largest": largest, "tokens": tokens, "limit": limit}
    if not largest:
        return Finding(State.SKIP, "no call of the last 15 min is on record", facts)
    facts["needs"] = round(needs(largest), 1)
    signs = signs_of(rows, limit)
    text = signs[0].text if signs else f"the largest has {_size(largest)}"
    return Finding(State.WARN if signs else State.OK, text, facts, tuple(signs))


CHECK = Check("request.long", "size of calls", run, after=("local.timeouts",))
