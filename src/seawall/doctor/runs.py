"""Runs that are kept to be looked at again: which checks failed, and which facts differ from another run's. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seawall.doctor.case import Case
from seawall.doctor.check import Result, State

SCHEMA = "seawall.doctor.run/1"
_PASSING = frozenset(("request_id", "date", "off", "by", "free", "slowest", "at"))
"""Facts that are another at each run."""
_OF_CALLS = ("seen.", "local.gateway", "local.store", "request.long")
"""Checks of what calls met, and of the disk: they say when, not where."""
_NOISE = 0.05
"""Seconds by which a time may differ, and it may be twice as long, before it is another."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that differs; None where one of the runs has not got it."""

    check: str
    fact: str
    there: Any
    here: Any


@dataclass(frozen=True, slots=True)
class Compared:
    """What a kept run and this one have in common, and what not."""

    differs: tuple[Difference, ...]
    same: int


def kept_of(case: Case) -> dict[str, Any]:
    """What is kept of a run: how each check ended and its facts."""
    return {
        "schema": SCHEMA,
        "at": case.now,
        "cause": case.verdict.cause,
        "title": case.verdict.title or (case.cause.title if case.cause else "All clear"),
        "checks": {
            one.check.id: {
                "state": one.finding.state.value,
                "blocked_by": one.finding.blocked_by,
                "facts": dict(one.finding.facts),
            }
            for one in case.results
        },
    }


def to_repeat(kept: Mapping[str, Any]) -> tuple[str, ...]:
    """The checks that did not pass in a kept run, and those that hung on them."""
    bad = (State.FAIL, State.WARN, State.UNKNOWN, State.CRASH)
    return tuple(
        str(name)
        for name, one in _checks(kept).items()
        if one.get("state") in bad or (one.get("state") == State.SKIP and one.get("blocked_by"))
    )


def compared(kept: Mapping[str, Any], results: Sequence[Result]) -> Compared:
    """The facts that differ between a kept run and these results, check by check."""
    before = _checks(kept)
    differs: list[Difference] = []
    same = 0
    for one in results:
        there, here = before.get(one.check.id), one.finding
        if there is None or one.check.id.startswith(_OF_CALLS):
            continue
        was = {"state": there.get("state"), **_flat(there.get("facts"))}
        now = {"state": here.state.value, **_flat(here.facts)}
        for name in dict.fromkeys((*was, *now)):
            if alike(was.get(name), now.get(name)):
                same += 1
            else:
                differs.append(Difference(one.check.id, name, was.get(name), now.get(name)))
    return Compared(tuple(differs), same)


def second_network(kept: Mapping[str, Any], case: Case) -> bool | None:
    """Whether the fault of a kept run is met here too; None where it is the same network, or none is known."""
    link = _checks(kept).get("net.link", {}).get("facts")
    there = link.get("label") if isinstance(link, Mapping) else None
    here = case.fact("net.link", "label")
    if not there or not here or there == here or not kept.get("cause"):
        return None
    if case.verdict.cause == kept["cause"]:
        return True
    return False if case.verdict.ok and case.ok("api.edge") else None


def alike(there: Any, here: Any) -> bool:
    """Whether a fact is the same; of times, which are no whole numbers, only what nobody would call noise differs."""
    if (
        isinstance(there, float)
        and isinstance(here, (int, float))
        and math.isfinite(there)
        and math.isfinite(here)
    ):
        low, high = sorted((there, float(here)))
        return high - low <= _NOISE or high <= 2 * low
    return bool(there == here)


def _flat(facts: Any, before: str = "") -> dict[str, Any]:
    """Facts within facts by their whole names; lists in a fixed order; what is another at each run left out."""
    found: dict[str, Any] = {}
    for name, value in facts.items() if isinstance(facts, Mapping) else ():
        if name in _PASSING:
            continue
        whole = f"{before}{name}"
        if isinstance(value, Mapping):
            found |= _flat(value, f"{whole}.")
        elif isinstance(value, (list, tuple)):
            found[whole] = ", ".join(sorted(map(_word, value)))
        else:
            found[whole] = value
    return found


def _word(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    return " ".join(str(one) for name, one in value.items() if name not in _PASSING)


def _checks(kept: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    checks = kept.get("checks")
    items: Iterable[tuple[Any, Any]] = checks.items() if isinstance(checks, Mapping) else ()
    return {str(name): one for name, one in items if isinstance(one, Mapping)}
