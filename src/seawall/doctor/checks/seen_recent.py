"""What became of one's own calls in the last 15 minutes, by model and cause, as the gateway recorded them.

Where a gateway runs it has counted the successes of the last minutes too: then the share of failures is said.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seawall.causes.cause import codes, lookup
from seawall.causes.evidence import by_api
from seawall.causes.match import UNKNOWN
from seawall.clock import duration, local
from seawall.doctor.answering import Lately, answering, at_route, going, lately, recoveries, succeed
from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight
from seawall.doctor.recorded import WINDOW, attempts
from seawall.store.rows import Attempt

_MOST_NAMED = 3
"""Model families that a headline names, as the live view does."""


@dataclass(frozen=True, slots=True)
class _Live:
    """Failures of one cause for one model family that no success has ended."""

    code: str
    family: str
    since: float
    failed: tuple[Attempt, ...] = ()
    """As they are on record, the last one first; none: a gateway alone tells of them."""


def _recorded(rows: Sequence[Attempt], ended: Mapping[tuple[str, str], float]) -> list[_Live]:
    """What is on record and goes on, a cause and model family each."""
    groups: dict[tuple[str, str, str], list[Attempt]] = {}
    success: dict[tuple[str, str], float] = dict(ended)
    for row in rows:
        lane = (row.route, row.family)
        if row.cause is None:
            success[lane] = max(row.at, success.get(lane, 0.0))
        else:
            groups.setdefault((*lane, row.cause), []).append(row)
    found = []
    for (route, family, code), failed in groups.items():
        last = max(row.at for row in failed)
        over = success.get((route, family), 0.0)
        if lookup(code).code == UNKNOWN or over > last:
            continue
        since = min(row.at for row in failed if row.at >= over)
        failed = [row for row in failed if not row.untried] or failed
        found.append(_Live(code, family, since, tuple(sorted(failed, key=lambda row: -row.at))))
    return found


def _unrecorded(
    gateways: Sequence[Mapping[str, Any]], rows: Sequence[Attempt], counted: Lately | None, now: float
) -> list[_Live]:
    """What gateways tell of trouble that goes on and is not on record, as where the store cannot be written or read."""
    if counted is None:
        return []
    going_on = [
        one
        for one in going(gateways)
        if one.get("cause") in codes() and _within(one, counted.span, now) and one["cause"] != UNKNOWN
    ]
    known = {row.family for row in rows if row.cause is not None and row.at >= now - counted.span}
    families = Counter(str(one.get("family")) for one in going_on)
    found = []
    for one in going_on:
        family, since = str(one.get("family")), one.get("since")
        good, tried = counted.models.get(family, (0, 0))
        if family in known or families[family] > 1 or tried <= good:
            continue
        begun = float(since) if isinstance(since, (int, float)) else now
        found.append(_Live(str(one["cause"]), family[:20], begun))
    return found


def signs_of(
    rows: Sequence[Attempt], gateways: Sequence[Mapping[str, Any]] = (), now: float = 0.0
) -> tuple[list[Sign], dict[str, float | None]]:
    """What records of the window and gateways speak for, a cause and model family each; what has ended is left out.

    With it the families that answer for all that, and when each last did where that is known. `now` in UTC seconds.
    """
    counted = lately(gateways)
    live = [*_recorded(rows, recoveries(gateways)), *_unrecorded(gateways, rows, counted, now)]
    begun = {(one.code, one.family): one.since for one in live}
    for trouble in going(gateways):
        key, since = (str(trouble.get("cause")), str(trouble.get("family"))), trouble.get("since")
        if key in begun and isinstance(since, (int, float)):
            begun[key] = min(begun[key], float(since))
    fine = answering(rows, gateways, max(begun.values(), default=0.0), now)
    # A gateway forgets a trouble that is over; what it has counted since then tells the same.
    live = [one for one in live if one.family not in fine]
    signs = []
    for one in live:
        weight = Weight.STRONG if one.code.startswith("provider.") else Weight.WEAK
        hit = sorted({each.family for each in live if each.code == one.code} - {""})
        signs.append(_sign(one, rows, hit, counted, now))
        if text := succeed(fine, counted):
            signs.append(Sign(one.code, text, weight))
    return signs, fine


def _within(trouble: Mapping[str, Any], span: float, now: float) -> bool:
    last = trouble.get("last")
    return isinstance(last, (int, float)) and abs(now - last) <= span


def _share(rows: Sequence[Attempt], failed: Sequence[Attempt], counted: Lately, now: float) -> str:
    """`14 of 14 answers in 3 min were`: how many of the model's last attempts ended like these; empty if unknown.

    The gateway tells failures of a model from its successes, the records tell one failure from another. Where all on
    record are alike, so are those that the gateway has counted and not written down yet.
    """
    begin, last = now - counted.span, failed[0]
    good, tried = counted.models.get(last.family, (0, 0))
    young = [row for row in rows if row.cause is not None and row.family == last.family and row.at >= begin]
    young = [row for row in young if not row.untried]
    own = [row for row in failed if row.at >= begin]
    bad = tried - good
    if not own or bad <= 0:
        return ""
    count = bad if len(own) == len(young) else min(bad, len(own))
    answered = all(row.status is not None for row in young)
    what = "answers" if answered else "attempts"
    verb = ("was" if count == 1 else "were") if own[0].status is not None else "failed with"
    return f"{count} of {tried} {what} in {duration(counted.span)} {verb}"


def _short(request_id: str) -> str:
    """Both ends of an id, which tell it from others; the whole of it is in the facts."""
    return request_id if len(request_id) < 16 else f"{request_id[:8]}…{request_id[-3:]}"


def _sign(
    one: _Live, rows: Sequence[Attempt], hit: Sequence[str], counted: Lately | None, now: float
) -> Sign:
    """What one group of failures says, and of which model where several fail; its age is the verdict's business."""
    which = f"{one.family}: " if len(hit) > 1 and one.family else ""
    status = one.failed[0].status if one.failed else None
    title = ""
    if one.code == "provider.overloaded" and hit:
        title = f"the API is overloaded ({status or 529})"
        title += f" for {', '.join(hit)}" if len(hit) <= _MOST_NAMED else ""
    if one.failed:
        return _of_record(one, which, title, _share(rows, one.failed, counted, now) if counted else "")
    assert counted is not None
    good, tried = counted.models[one.family]
    text = f"{tried - good} of {tried} attempts in {duration(counted.span)} failed: {_low(lookup(one.code).title)}"
    return Sign(one.code, which + text, title=title, facts={"n": tried - good, "family": one.family})


def _of_record(one: _Live, which: str, title: str, share: str) -> Sign:
    failed, last = one.failed, one.failed[0]
    typed = last.status is not None and by_api(last.request_id)
    weight = Weight.DECISIVE if typed else Weight.STRONG
    said = f"{len(failed)} calls failed with" if len(failed) > 1 else "1 call failed with"
    what = str(last.status) if last.status else _low(lookup(one.code).title)
    when = local(last.at)
    itself = " from the API itself" if typed else ""
    if share:
        named = f"last {_short(last.request_id or '')} at" if typed else "the last at"
        text = f"{share} {what}{itself} ({named} {when})"
    else:
        text = f"{said} {what}{itself}, the last at {when}"
        text += f" ({(last.request_id or '')[:40]})" if typed else ""
    facts: dict[str, Any] = {
        "n": len(failed),
        "status": last.status,
        "family": one.family,
        "route": last.route,
    }
    if typed:
        facts |= {"who": "api", "request_id": last.request_id}
    return Sign(one.code, which + text, weight, title=title, at=last.at, facts=facts)


def _low(title: str) -> str:
    return title[:1].lower() + title[1:]


async def run(probe: Probe) -> Finding:
    now = time.time()
    found = await attempts(probe, now)
    host = probe.subject.api.host
    whole = [] if isinstance(found, Finding) else found
    rows, gateways = at_route(whole, probe.subject.gateways, host)
    signs, fine = signs_of(rows, gateways, now)
    away = _elsewhere(whole, rows)
    failed = [row for row in rows if row.cause is not None]
    facts: dict[str, Any] = {"failed": len(failed), "recovered": len(rows) - len(failed), "window": WINDOW}
    facts |= {"answering": fine, "causes": dict(Counter(row.cause for row in failed))}
    if away:
        facts["elsewhere"] = away
    if isinstance(found, Finding):
        return (
            replace(found, state=State.WARN, summary=signs[0].text, facts=facts, signs=tuple(signs))
            if signs
            else found
        )
    if not rows and not signs:
        to = f" to {host}" if away else ""
        more = f"; {away}" if away else ""
        return Finding(State.SKIP, f"no call{to} of the last 15 min is on record{more}", facts)
    if not signs:
        text = f"{len(failed)} failed in the last 15 min, all were answered since"
        return Finding(State.OK, text, facts, (Sign("*", text, Weight.WEAK, Direction.NEUTRAL),))
    if away:
        signs.append(Sign("*", away, Weight.WEAK, Direction.NEUTRAL))
    return Finding(State.WARN, signs[0].text, facts, tuple(signs))


def _elsewhere(whole: Sequence[Attempt], here: Sequence[Attempt]) -> str:
    """`3 failed at llm.example, which is another upstream`; empty where none did."""
    known = set(map(id, here))
    failed = Counter(row.route for row in whole if id(row) not in known and row.cause is not None)
    if not failed:
        return ""
    route, _ = failed.most_common(1)[0]
    more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    return f"{failed.total()} failed at {route[:60]}{more}, another upstream than this"


CHECK = Check("seen.recent", "your own calls", run)
