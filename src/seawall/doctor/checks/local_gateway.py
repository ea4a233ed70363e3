"""What the user's own gateways hold just now, and why; asks nobody beyond this machine."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from seawall.causes.cause import codes
from seawall.doctor.behind import behind, same
from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight
from seawall.doctor.side import name_of
from seawall.doctor.subject import Subject
from seawall.origin import Origin


def _number(value: object) -> int:
    return int(value) if isinstance(value, (int, float)) and 0 <= value < 1e9 else 0


def _said(one: Mapping[str, Any], elsewhere: str) -> Sign | None:
    """What a gateway's state speaks for; of one that calls go `elsewhere` from, nothing about what is measured."""
    if one.get("answers") is False:
        text = f"the gateway at {one.get('address')} runs (process {one.get('pid')}) and does not answer"
        return Sign("seawall.internal_error", text, Weight.STRONG)
    held, cause = _number(one.get("held")), one.get("cause")
    if cause not in codes():
        return None
    age = _number(one.get("cause_age"))
    if elsewhere:
        text = f"the gateway at {one.get('address')} has trouble with {elsewhere}, which is not what is measured here"
        return Sign("*", f"{text}: {cause}, {_calls(held)} held", Weight.WEAK, Direction.NEUTRAL)
    if held:
        return Sign(str(cause), f"Seawall holds {_calls(held)} for this, the first trouble {age} s ago")
    return Sign(str(cause), f"Seawall saw this {age} s ago, and no success since", Weight.WEAK)


def _elsewhere(one: Mapping[str, Any], subject: Subject) -> str:
    """The host that the gateway's calls end up at, if that is another than the one that is measured."""
    try:
        upstream, _ = Origin.parse(str(one.get("upstream")))
    except ValueError:
        return ""
    end, _ = behind(upstream, subject.gateways) or (upstream, "")
    return "" if same(f"http://{end.authority}", subject.api) else name_of(end)


def _held_for(one: Mapping[str, Any]) -> Counter[str]:
    """How many calls are held for which cause: those that wait say it, the rest is held for the gateway's first."""
    whole, first = _number(one.get("held")), one.get("cause")
    told = Counter(str(each["cause"]) for each in items(one, "waiting") if each.get("cause") in codes())
    if first in codes() and whole > told.total():
        told[str(first)] += whole - told.total()
    return told if whole else Counter()


def items(one: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects of a list that a gateway tells of; whatever else it says there is left out."""
    found = one.get(name)
    return [each for each in found if isinstance(each, Mapping)][:100] if isinstance(found, list) else []


def finite(value: object) -> float | None:
    """The value if it is a number that makes sense."""
    return float(value) if isinstance(value, (int, float)) and 0 <= value < 1e9 else None


def moment(value: object) -> float | None:
    """The value if it is a time, in UTC seconds."""
    return float(value) if isinstance(value, (int, float)) and 0 < value < 1e11 else None


def plan_of(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The windows of the plan as the service last told them, each once."""
    windows: dict[str, dict[str, Any]] = {}
    for lane in items(one, "lanes"):
        for window in items(lane, "plan"):
            if isinstance(name := window.get("window"), str):
                windows[name[:40]] = {
                    "window": name[:40],
                    "used": finite(window.get("used")),
                    "rejected": window.get("status") == "rejected",
                    "resets_in": finite(window.get("resets_in")),
                }
    return list(windows.values())


def models_of(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How many calls of each model family succeeded of those tried in the last minutes."""
    recent = one.get("recent")
    found = items(recent, "models") if isinstance(recent, Mapping) else []
    return [
        {
            "route": str(each.get("route") or "")[:100],
            "family": str(each.get("family"))[:20],
            "succeeded": _number(each.get("succeeded")),
            "tried": _number(each.get("tried")),
            "succeeded_at": moment(each.get("succeeded_at")),
        }
        for each in found
    ]


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count} calls"


async def run(probe: Probe) -> Finding:
    gateways = probe.subject.gateways
    if not gateways:
        return Finding(State.SKIP, "no gateway of yours runs", {"running": 0, "held": 0})
    signs = tuple(sign for one in gateways if (sign := _said(one, _elsewhere(one, probe.subject))))
    held = sum(_number(one.get("held")) for one in gateways)
    facts: dict[str, Any] = {
        "running": len(gateways),
        "held": held,
        "held_for": dict(sum(map(_held_for, gateways), Counter[str]())),
        "addresses": [one.get("address") for one in gateways],
    }
    facts["next_tries"] = [finite(one.get("next_try_in")) for one in gateways]
    facts["plan"] = [window for one in gateways for window in plan_of(one)]
    facts["models"] = [model for one in gateways for model in models_of(one)]
    silent = any(one.get("answers") is False for one in gateways)
    state = State.FAIL if silent else State.WARN if signs else State.OK
    text = (
        f"{len(gateways)} running, {_calls(held)} held" if held else f"{len(gateways)} running, nothing held"
    )
    if not signs:
        signs = (Sign("*", f"Seawall: {text}", Weight.WEAK, Direction.NEUTRAL),)
    return Finding(state, text, facts, signs)


CHECK = Check("local.gateway", "gateway", run)
