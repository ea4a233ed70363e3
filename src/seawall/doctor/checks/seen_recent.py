"""What became of one's own calls in the last 15 minutes, by model and cause, as the gateway recorded them."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from seawall.causes.cause import lookup
from seawall.causes.match import UNKNOWN
from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight
from seawall.doctor.recorded import WINDOW, attempts
from seawall.store.rows import Attempt

_FROM_API = "req_"


def signs_of(rows: Sequence[Attempt]) -> list[Sign]:
    """What records of the window speak for, a cause and model family each; what has ended in success is left out."""
    groups: dict[tuple[str, str, str], list[Attempt]] = {}
    success: dict[tuple[str, str], float] = {}
    for row in rows:
        lane = (row.route, row.family)
        if row.cause is None:
            success[lane] = max(row.at, success.get(lane, 0.0))
        else:
            groups.setdefault((*lane, row.cause), []).append(row)
    signs = []
    for (route, family, code), failed in groups.items():
        last = max(failed, key=lambda row: row.at)
        if lookup(code).code == UNKNOWN or success.get((route, family), 0.0) > last.at:
            continue
        signs.append(_sign(failed, last, code, family))
        if others := [
            name for (r, name), at in success.items() if r == route and name != family and at > last.at - 60
        ]:
            text = f"{', '.join(sorted(filter(None, others))) or 'other models'} succeed meanwhile"
            signs.append(Sign(code, text, Weight.STRONG if code.startswith("provider.") else Weight.WEAK))
    return signs


def _sign(failed: list[Attempt], last: Attempt, code: str, family: str) -> Sign:
    """What one group of failures says; that old facts count less is the verdict's business."""
    typed = last.status is not None and (last.request_id or "").startswith(_FROM_API)
    weight = Weight.DECISIVE if typed else Weight.STRONG
    said = f"{len(failed)} calls failed with" if len(failed) > 1 else "1 call failed with"
    what = str(last.status) if last.status else lookup(code).title[:1].lower() + lookup(code).title[1:]
    when = time.strftime("%H:%M:%S", time.localtime(last.at))
    text = f"{said} {what}{' from the API itself' if typed else ''}, the last at {when}"
    if typed:
        text += f" ({(last.request_id or '')[:40]})"
    title = ""
    if code == "provider.overloaded" and family:
        title = f"the API is overloaded ({last.status or 529}) for {family}"
    facts: dict[str, Any] = {"n": len(failed), "status": last.status, "family": family, "route": last.route}
    if typed:
        facts |= {"who": "api", "request_id": last.request_id}
    return Sign(code, text, weight, title=title, at=last.at, facts=facts)


async def run(probe: Probe) -> Finding:
    now = time.time()
    rows = await attempts(probe, now)
    if isinstance(rows, Finding):
        return rows
    failed = [row for row in rows if row.cause is not None]
    recovered = len(rows) - len(failed)
    facts: dict[str, Any] = {"failed": len(failed), "recovered": recovered, "window": WINDOW}
    facts["succeeded"] = sorted({row.family for row in rows if row.cause is None})
    answered: dict[str, float] = {}
    for row in rows:
        if row.cause is None and row.family:
            answered[row.family] = max(row.at, answered.get(row.family, 0.0))
    facts["answered"] = answered
    facts["causes"] = dict(Counter(row.cause for row in failed))
    if not rows:
        return Finding(State.SKIP, "no call of the last 15 min is on record", facts)
    signs = signs_of([row for row in rows if row.at <= now + 60])
    if not signs:
        text = f"{len(failed)} failed in the last 15 min, all were answered since"
        return Finding(State.OK, text, facts, (Sign("*", text, Weight.WEAK, Direction.NEUTRAL),))
    return Finding(State.WARN, signs[0].text, facts, tuple(signs))


CHECK = Check("seen.recent", "your own calls", run)
