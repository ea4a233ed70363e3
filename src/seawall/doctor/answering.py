"""Which models answer while others fail, by what the record and the user's gateways tell. Pure.

A model answers if it succeeded after the trouble began and did not fail since. A gateway's counts are of three minutes:
of a trouble that is younger they tell nothing.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seawall.clock import duration
from seawall.doctor.checks.local_gateway import finite, items, models_of, moment
from seawall.origin import Origin
from seawall.store.rows import Attempt


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


def at_route(
    rows: Sequence[Attempt], gateways: Sequence[Mapping[str, Any]], route: str
) -> tuple[list[Attempt], list[Mapping[str, Any]]]:
    """What of these is about one upstream: two of them fail and answer each for itself.

    Where a call went a gateway knows; what hooks, logs and transcripts tell may be of any.
    """
    return (
        [row for row in rows if row.route == route or row.source != "gateway"],
        [_at_route(one, route) for one in gateways],
    )


def _at_route(gateway: Mapping[str, Any], route: str) -> Mapping[str, Any]:
    try:
        own = Origin.parse(str(gateway.get("upstream")))[0].host
    except ValueError:
        own = route  # it does not say
    found: dict[str, object] = {
        "troubles": [one for one in items(gateway, "troubles") if one.get("route", own) == route]
    }
    recent = gateway.get("recent")
    if isinstance(recent, Mapping):
        models = [one for one in items(recent, "models") if one.get("route", own) == route]
        found["recent"] = {**recent, "models": models}
    return {**gateway, **found, "succeeded_at": gateway.get("succeeded_at") if own == route else None}


def recoveries(gateways: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    """When the last trouble of a route and model family ended, as gateways tell: plain successes are not on record.

    Where another goes on, as with a second account, none has ended.
    """
    ended: dict[tuple[str, str], float] = {}
    going_on = set()
    for one in (each for gateway in gateways for each in items(gateway, "troubles")):
        lane, at = (str(one.get("route")), str(one.get("family"))), moment(one.get("recovered_at"))
        if at is not None:
            ended[lane] = max(at, ended.get(lane, 0.0))
        else:
            going_on.add(lane)
    return {lane: at for lane, at in ended.items() if lane not in going_on}


def going(gateways: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The troubles that gateways tell of and that no success has ended."""
    return [
        one
        for gateway in gateways
        for one in items(gateway, "troubles")
        if moment(one.get("recovered_at")) is None
    ]


def answering(
    rows: Sequence[Attempt], gateways: Sequence[Mapping[str, Any]], since: float, now: float
) -> dict[str, float | None]:
    """The model families that have succeeded since then (UTC seconds) and not failed since, and when each last did.

    None where only that it did is known.
    """
    out = {str(one.get("family")) for one in going(gateways)}
    succeeded: dict[str, float | None] = {}
    for gateway in gateways:
        succeeded |= _by_counts(gateway, out, since, now)
    for (_, family), at in recoveries(gateways).items():
        if at > since:
            succeeded[family] = max(at, succeeded.get(family) or 0.0)
    failed: dict[str, float] = {}
    for row in rows:
        if row.cause is not None:
            failed[row.family] = max(row.at, failed.get(row.family, 0.0))
        elif row.at > since:
            succeeded[row.family] = max(row.at, succeeded.get(row.family) or 0.0)
    counted = lately(gateways)
    # Of what is only counted it is known that none failed in that span.
    begun = now - counted.span if counted else now
    return {
        family: at
        for family, at in sorted(succeeded.items())
        if family and family not in out and failed.get(family, 0.0) < (begun if at is None else at)
    }


def _by_counts(
    gateway: Mapping[str, Any], out: Container[str], since: float, now: float
) -> dict[str, float | None]:
    """Families without a failure in what this gateway has counted lately, if those successes came after `since`."""
    recent = gateway.get("recent")
    span = finite(recent.get("span")) if isinstance(recent, Mapping) else None
    able = [one for one in models_of(gateway) if one["succeeded"] and one["family"] not in out]
    whole = [one["family"] for one in able if one["succeeded"] == one["tried"]]
    if span and since <= now - span:
        return {one["family"]: one["succeeded_at"] for one in able if one["family"] in whole}
    if any(one["succeeded_at"] for one in able):
        return {
            one["family"]: at
            for one in able
            if one["family"] in whole and (at := one["succeeded_at"]) and at > since
        }
    # Of an older gateway: its last success of all is of a model that has had any and is not out, if that is but one.
    last = moment(gateway.get("succeeded_at"))
    return {whole[0]: last} if last is not None and last > since and len(able) == len(whole) == 1 else {}


def succeed(fine: Mapping[str, float | None], counted: Lately | None) -> str:
    """`haiku and sonnet succeed: 6 of 6 in the last 3 min`: models that work meanwhile; empty where none does."""
    pairs = {name: counted.models.get(name, (0, 0)) for name in fine} if counted else {}
    often = {name: one for name, one in pairs.items() if 2 * one[0] > one[1]}
    names = sorted(often or fine)
    if not names or (counted and not often):
        return ""
    *first, last = names
    who = f"{', '.join(first)} and {last} succeed" if first else f"{last} succeeds"
    if counted is None:
        return f"{who} meanwhile"
    good, tried = (sum(one[place] for one in often.values()) for place in (0, 1))
    return f"{who}: {good} of {tried} in the last {duration(counted.span)}"
