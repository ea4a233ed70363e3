"""A status page as Statuspage (API v2) serves one, whose state is scripted: `[[notice]]` of a scenario."""

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

PREFIX: Final = "/api/v2/"
COMPONENTS: Final = {
    "claude.ai": "rwppv331jlwc",
    "Claude Console (platform.claude.com)": "c0nsole00000",
    "Claude API (api.anthropic.com)": "k8w3r06qmzrp",
    "Claude Code": "yyzkbfz2thpt",
    "Claude for Government": "g0vernment00",
}
STATES: Final = (
    "operational",
    "degraded_performance",
    "partial_outage",
    "major_outage",
    "under_maintenance",
)
INDICATORS: Final = ("none", "minor", "major", "critical")
_WORSE: Final = {"operational": 0, "under_maintenance": 0, "degraded_performance": 1, "partial_outage": 2}


class Notice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begin": "from", "end": "to"}):
    """What the page shows for a time: `[[notice]]`. Seconds of the model since the start."""

    begin: float = 0.0
    end: float = math.inf
    component: str = ""
    """The beginning of a component's name; empty: none is shown in trouble."""
    state: str = "partial_outage"
    incident: str = ""
    """The name of an open incident; empty: none, as pages often are in the first minutes of an outage."""
    impact: str = "major"
    maintenance: str = ""
    """The name of a maintenance that is under way."""
    indicator: str = ""
    """The page's own word; empty: what follows from the components."""

    def __post_init__(self) -> None:
        if not 0 <= self.begin <= self.end:
            raise ValueError("from and to are seconds, and to is not before from")
        if self.state not in STATES:
            raise ValueError(f"state is one of {', '.join(STATES)}")
        if self.indicator not in ("", *INDICATORS) or self.impact not in INDICATORS:
            raise ValueError(f"impact and indicator are of {', '.join(INDICATORS)}")
        if self.component and not any(map(self.touches, COMPONENTS)):
            raise ValueError(f"component begins one of {', '.join(COMPONENTS)}")

    def touches(self, name: str) -> bool:
        """Whether it is about the component of this name."""
        return bool(self.component) and name.lower().startswith(self.component.lower())


def summary(notices: Sequence[Notice], now: float, wall: float) -> dict[str, Any]:
    """The page's `summary.json` at `now` model seconds; `wall` is the time that it names."""
    stamp = datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    shown = [one for one in notices if one.begin <= now < one.end]
    components = [_component(name, shown, stamp) for name in COMPONENTS]
    said = [one.indicator for one in shown if one.indicator]
    worst = max(_WORSE.get(one["status"], 3) for one in components)
    indicator = said[-1] if said else INDICATORS[worst]
    return {
        "page": {
            "id": "tymt9n04zgry",
            "name": "Claude",
            "url": "https://status.claude.com",
            "time_zone": "Etc/UTC",
            "updated_at": stamp,
        },
        "status": {
            "indicator": indicator,
            "description": "All Systems Operational" if indicator == "none" else "Service Outage",
        },
        "components": components,
        "incidents": [_incident(n, one, components, stamp) for n, one in enumerate(shown) if one.incident],
        "scheduled_maintenances": [
            _incident(n, one, components, stamp) | {"name": one.maintenance, "status": "in_progress"}
            for n, one in enumerate(shown)
            if one.maintenance
        ],
    }


def _component(name: str, shown: Sequence[Notice], stamp: str) -> dict[str, Any]:
    state = next((one.state for one in reversed(shown) if one.touches(name)), "operational")
    return {
        "id": COMPONENTS[name],
        "name": name,
        "status": state,
        "created_at": stamp,
        "updated_at": stamp,
        "group": False,
        "page_id": "tymt9n04zgry",
        "only_show_if_degraded": False,
    }


def _incident(number: int, one: Notice, components: list[dict[str, Any]], stamp: str) -> dict[str, Any]:
    return {
        "id": f"fake{number:08d}",
        "name": one.incident,
        "status": "investigating",
        "impact": one.impact,
        "created_at": stamp,
        "updated_at": stamp,
        "started_at": stamp,
        "resolved_at": None,
        "page_id": "tymt9n04zgry",
        "incident_updates": [],
        "components": [component for component in components if one.touches(component["name"])],
    }


def body(path: str, notices: Sequence[Notice], now: float, wall: float) -> bytes | None:
    """What the page answers at this path, or None where it has no such page."""
    if not (path.startswith(PREFIX) and path.endswith(".json")):
        return None
    parts = {
        "summary": ("page", "status", "components", "incidents", "scheduled_maintenances"),
        "status": ("page", "status"),
        "components": ("page", "components"),
        "incidents": ("page", "incidents"),
        "incidents/unresolved": ("page", "incidents"),
        "scheduled-maintenances": ("page", "scheduled_maintenances"),
        "scheduled-maintenances/active": ("page", "scheduled_maintenances"),
    }.get(path.removeprefix(PREFIX).removesuffix(".json"))
    if parts is None:
        return None
    whole = summary(notices, now, wall)
    return json.dumps({name: whole[name] for name in parts}).encode()
