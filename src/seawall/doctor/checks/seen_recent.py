"""What became of one's own calls in the last 15 minutes, by model and cause, as the gateway recorded them."""

import time
from collections.abc import Sequence
from typing import Any

from seawall.causes.cause import lookup
from seawall.causes.match import UNKNOWN
from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight, in_thread
from seawall.store.place import here, store_path
from seawall.store.rows import Attempt
from seawall.store.trouble import Unusable

WINDOW = 900.0
_FROM_API = "req_"


def _rows(probe: Probe, since: float) -> list[Attempt]:
    from sqlalchemy.exc import SQLAlchemyError

    path = store_path(probe.subject.config.store, here())
    if not path.exists():
        return []
    from seawall.store.queries import attempts_since, reading

    try:
        with reading(path) as connection:
            return attempts_since(connection, since, 2000)
    except SQLAlchemyError as error:
        raise Unreadable(str(path)) from error


class Unreadable(Exception):
    """The records are there and cannot be read."""


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
    try:
        rows: list[Attempt] = await in_thread(lambda: _rows(probe, now - WINDOW))
    except Unusable as error:
        return Finding(State.SKIP, str(error))
    except Unreadable as error:
        return Finding(State.UNKNOWN, f"the records in {error} cannot be read")
    failed = [row for row in rows if row.cause is not None]
    recovered = len(rows) - len(failed)
    facts: dict[str, Any] = {"failed": len(failed), "recovered": recovered, "window": WINDOW}
    if not rows:
        return Finding(State.SKIP, "no call of the last 15 min is on record", facts)
    signs = signs_of([row for row in rows if row.at <= now + 60])
    if not signs:
        text = f"{len(failed)} failed in the last 15 min, all were answered since"
        return Finding(State.OK, text, facts, (Sign("*", text, Weight.WEAK, Direction.NEUTRAL),))
    return Finding(State.WARN, signs[0].text, facts, tuple(signs))


CHECK = Check("seen.recent", "your own calls", run)
