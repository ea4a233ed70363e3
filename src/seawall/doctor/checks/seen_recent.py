"""What became of one's own calls in the last 15 minutes, by model and cause, as the gateway recorded them.

Where a gateway runs it has counted the successes of the last minutes too: then the share of failures is said.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seawall.causes.cause import codes, lookup
from seawall.causes.match import UNKNOWN
from seawall.clock import duration
from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight
from seawall.doctor.checks.local_gateway import finite, items, models_of
from seawall.doctor.recorded import WINDOW, attempts
from seawall.store.rows import Attempt

_FROM_API = "req_"


@dataclass(frozen=True, slots=True)
class Lately:
    """How the attempts of the last minutes ended, as running gateways counted them."""

    span: float
    """Seconds."""
    models: Mapping[str, tuple[int, int]]
    """By model family: attempts that succeeded, and all."""


def lately(gateways: Sequence[Mapping[str, Any]]) -> Lately | None:
    """What all of the user's gateways counted, together; None where none that runs has."""
    models: dict[str, tuple[int, int]] = {}
    spans = []
    for one in gateways:
        recent = one.get("recent")
        span = finite(recent.get("span")) if isinstance(recent, Mapping) else None
        if not span:
            continue
        spans.append(span)
        for each in models_of(one):
            good, tried = models.get(each["family"], (0, 0))
            models[each["family"]] = good + each["succeeded"], tried + each["tried"]
    return Lately(max(spans), models) if spans else None


def recoveries(gateways: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    """When the last trouble of a route and model family ended, as gateways tell: plain successes are not on record.

    Where another goes on, as with a second account, none has ended.
    """
    ended: dict[tuple[str, str], float] = {}
    going_on = set()
    for one in (each for gateway in gateways for each in items(gateway, "troubles")):
        lane, at = (str(one.get("route")), str(one.get("family"))), one.get("recovered_at")
        if isinstance(at, (int, float)) and at > 0:
            ended[lane] = max(float(at), ended.get(lane, 0.0))
        else:
            going_on.add(lane)
    return {lane: at for lane, at in ended.items() if lane not in going_on}


def signs_of(
    rows: Sequence[Attempt],
    counted: Lately | None = None,
    now: float = 0.0,
    ended: Mapping[tuple[str, str], float] | None = None,
) -> list[Sign]:
    """What records of the window speak for, a cause and model family each; what has ended in success is left out.

    `counted` is what gateways say of the minutes before `now` (UTC seconds): with it the share of failures is told.
    `ended` are their `recoveries`.
    """
    groups: dict[tuple[str, str, str], list[Attempt]] = {}
    success: dict[tuple[str, str], float] = dict(ended or {})
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
        share = _share(rows, failed, counted, now) if counted else ""
        signs.append(_sign(failed, last, code, family, share))
        if counted and (text := _well(counted, family)):
            signs.append(Sign(code, text, Weight.STRONG if code.startswith("provider.") else Weight.WEAK))
        elif others := [
            name for (r, name), at in success.items() if r == route and name != family and at > last.at - 60
        ]:
            text = f"{', '.join(sorted(filter(None, others))) or 'other models'} succeed meanwhile"
            signs.append(Sign(code, text, Weight.STRONG if code.startswith("provider.") else Weight.WEAK))
    return signs


def unrecorded(
    gateways: Sequence[Mapping[str, Any]], rows: Sequence[Attempt], counted: Lately | None, now: float
) -> list[Sign]:
    """What gateways tell of trouble that goes on and is not on record, as where the store cannot be written or read."""
    if counted is None:
        return []
    found = [one for gateway in gateways for one in items(gateway, "troubles")]
    going_on = [
        one
        for one in found
        if one.get("cause") in codes() and one.get("recovered_at") is None and _within(one, counted.span, now)
    ]
    known = {row.family for row in rows if row.cause is not None and row.at >= now - counted.span}
    families = Counter(str(one.get("family")) for one in going_on)
    signs = []
    for one in going_on:
        family, code = str(one.get("family")), str(one["cause"])
        good, tried = counted.models.get(family, (0, 0))
        if code == UNKNOWN or family in known or families[family] > 1 or tried <= good:
            continue
        cause = lookup(code)
        title = cause.title[:1].lower() + cause.title[1:]
        text = f"{tried - good} of {tried} attempts in {duration(counted.span)} failed: {title}"
        signs.append(Sign(code, text, facts={"n": tried - good, "family": family[:20]}))
        if well := _well(counted, family):
            signs.append(Sign(code, well, Weight.STRONG if code.startswith("provider.") else Weight.WEAK))
    return signs


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
    own = [row for row in failed if row.at >= begin]
    bad = tried - good
    if not own or bad <= 0:
        return ""
    count = bad if len(own) == len(young) else min(bad, len(own))
    answered = all(row.status is not None for row in young)
    what = "answers" if answered else "attempts"
    verb = ("was" if count == 1 else "were") if own[0].status is not None else "failed with"
    return f"{count} of {tried} {what} in {duration(counted.span)} {verb}"


def _well(counted: Lately, family: str) -> str:
    """`haiku and sonnet succeed: 6 of 6 in the last 3 min`: models that work meanwhile; empty where none does."""
    fine = {
        name: (good, tried)
        for name, (good, tried) in counted.models.items()
        if name and name != family and 2 * good > tried
    }
    if not fine:
        return ""
    *names, last = sorted(fine)
    who = f"{', '.join(names)} and {last} succeed" if names else f"{last} succeeds"
    good, tried = (sum(one[place] for one in fine.values()) for place in (0, 1))
    return f"{who}: {good} of {tried} in the last {duration(counted.span)}"


def _short(request_id: str) -> str:
    """Both ends of an id, which tell it from others; the whole of it is in the facts."""
    return request_id if len(request_id) < 16 else f"{request_id[:8]}…{request_id[-3:]}"


def _sign(failed: list[Attempt], last: Attempt, code: str, family: str, share: str = "") -> Sign:
    """What one group of failures says; that old facts count less is the verdict's business."""
    typed = last.status is not None and (last.request_id or "").startswith(_FROM_API)
    weight = Weight.DECISIVE if typed else Weight.STRONG
    said = f"{len(failed)} calls failed with" if len(failed) > 1 else "1 call failed with"
    what = str(last.status) if last.status else lookup(code).title[:1].lower() + lookup(code).title[1:]
    when = time.strftime("%H:%M:%S", time.localtime(last.at))
    itself = " from the API itself" if typed else ""
    if share:
        which = f"last {_short(last.request_id or '')} at" if typed else "the last at"
        text = f"{share} {what}{itself} ({which} {when})"
    else:
        text = f"{said} {what}{itself}, the last at {when}"
        text += f" ({(last.request_id or '')[:40]})" if typed else ""
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
    gateways = probe.subject.gateways
    counted = lately(gateways)
    more = unrecorded(gateways, [] if isinstance(rows, Finding) else rows, counted, now)
    if isinstance(rows, Finding):
        return replace(rows, state=State.WARN, summary=more[0].text, signs=tuple(more)) if more else rows
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
    if not rows and not more:
        return Finding(State.SKIP, "no call of the last 15 min is on record", facts)
    signs = [*signs_of(rows, counted, now, recoveries(gateways)), *more]
    if not signs:
        text = f"{len(failed)} failed in the last 15 min, all were answered since"
        return Finding(State.OK, text, facts, (Sign("*", text, Weight.WEAK, Direction.NEUTRAL),))
    return Finding(State.WARN, signs[0].text, facts, tuple(signs))


CHECK = Check("seen.recent", "your own calls", run)
