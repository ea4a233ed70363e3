"""What does the status page say of the API and Claude Code, by component and incident? Green proves nothing."""

import json
from typing import Any

from seawall import __version__
from seawall.doctor.check import Check, Direction, Finding, Probe, Sign, State, Weight
from seawall.doctor.reach import Answer, ask
from seawall.origin import Origin, is_loopback

# Ids first, names as a second way: names have changed before (as of 2026).
COMPONENTS = {"k8w3r06qmzrp": "claude api", "yyzkbfz2thpt": "claude code"}
_RANK = {
    "operational": 0, "none": 0, "under_maintenance": 1, "maintenance": 1, "degraded_performance": 2, "minor": 2,
    "partial_outage": 3, "major": 3, "major_outage": 4, "critical": 4,
}  # fmt: skip
_DONE = ("resolved", "postmortem", "completed")
_BAD = 3


def _items(value: Any, name: str) -> list[dict[str, Any]]:
    found = value.get(name) if isinstance(value, dict) else None
    return [one for one in found if isinstance(one, dict)][:200] if isinstance(found, list) else []


def _word(value: Any) -> str:
    return "".join(c for c in value[:120] if c.isprintable()) if isinstance(value, str) else ""


def _relevant(component: dict[str, Any]) -> bool:
    name = _word(component.get("name")).lower()
    return component.get("id") in COMPONENTS or name.startswith(tuple(COMPONENTS.values()))


def read(body: bytes) -> dict[str, Any]:
    """What a summary says of what matters; `ValueError` for something that is no summary."""
    value = json.loads(body)
    status = value.get("status") if isinstance(value, dict) else None
    if not isinstance(status, dict) or not isinstance(status.get("indicator"), str):
        raise ValueError("no summary of a status page")
    components = {
        _word(one.get("name")): _word(one.get("status"))
        for one in _items(value, "components")
        if _relevant(one)
    }
    incidents = []
    for one in _items(value, "incidents"):
        touched = _items(one, "components")
        # One that names no component may be about any.
        if one.get("status") not in _DONE and (not touched or any(map(_relevant, touched))):
            incidents.append({"name": _word(one.get("name")), "impact": _word(one.get("impact"))})
    words = [*components.values(), *(one["impact"] for one in incidents)]
    # The page's own indicator is of all products: it counts where nothing is said of ours.
    words += [_word(status["indicator"])] if not components else []
    return {
        "indicator": _word(status["indicator"]),
        "components": components,
        "incidents": incidents,
        "worst": max((_RANK.get(one, 1) for one in words), default=0),
        "updated": _word((value.get("page") or {}).get("updated_at"))
        if isinstance(value.get("page"), dict)
        else "",
    }


async def _fetch(probe: Probe) -> tuple[Answer, str]:
    """The summary, by way of at most two redirections to addresses of the same kind."""
    origin, path = Origin.parse(probe.subject.status)
    target = f"{path}/api/v2/summary.json"
    answer = Answer()
    for _ in range(3):
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        headers["user-agent"] = f"seawall-doctor/{__version__}"
        answer = await ask(origin, probe.subject.config.network, "GET", target, headers)
        if answer.status not in (301, 302, 307, 308):
            break
        place = answer.headers.get("location", "")
        if place.startswith("/") and not place.startswith("//"):
            target = place
            continue
        try:
            origin, target = Origin.parse(place.partition("?")[0])
        except ValueError:
            break
        if origin.scheme != "https" and not is_loopback(origin.host):
            break
    return answer, origin.host


async def run(probe: Probe) -> Finding:
    answer, host = await _fetch(probe)
    if answer.status != 200:
        said = answer.text.rstrip(".") if answer.status is None else f"status {answer.status}"
        return Finding(State.UNKNOWN, f"{host} cannot be read: {said}", {"host": host, "reached": False})
    try:
        facts = read(answer.body)
    except (ValueError, RecursionError):
        text = f"{host} answered with something that is no status page"
        return Finding(State.UNKNOWN, text, {"host": host, "reached": False})
    facts |= {"host": host, "reached": True}
    if facts["worst"] == 0:
        text = f"{host} shows no incident (it often lags)"
        sign = Sign("provider.*", text, Weight.WEAK, Direction.AGAINST)
        return Finding(State.OK, "no open incident", facts, (sign,))
    named = [f"{name}: {status}" for name, status in facts["components"].items() if _RANK.get(status, 1)]
    named += [f"incident: {one['name']} ({one['impact']})" for one in facts["incidents"]]
    text = f"{host}: {'; '.join(named[:3]) or facts['indicator']}"
    weight = Weight.STRONG if facts["worst"] >= _BAD else Weight.WEAK
    signs = (Sign("provider.*", text, weight),)
    return Finding(State.WARN, text, facts, signs)


CHECK = Check("status.page", "status page", run, needs=("net.link", "net.dns"), to=("status",))
