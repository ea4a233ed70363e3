"""What a Statuspage (API v2) says of the products that matter here. Pure: an answer in, a page out."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

# Ids first, names as a second way: names have changed before. As of November 2026.
PRODUCTS = {"k8w3r06qmzrp": "claude api", "yyzkbfz2thpt": "claude code"}
"""Those whose trouble ends calls."""
SIGN_IN = {"rwppv331jlwc": "claude.ai", "": "claude console"}
"""Those whose trouble keeps people from signing in; of the Console no id is known."""
HOSTS = ("status.claude.com", "status.anthropic.com")
"""Where the page may send whoever asks: the newer name and the older."""
RANK = {
    "operational": 0, "none": 0, "under_maintenance": 1, "maintenance": 1, "degraded_performance": 2, "minor": 2,
    "partial_outage": 3, "major": 3, "major_outage": 4, "critical": 4,
}  # fmt: skip
BAD = 3
"""From this rank on the page shows an outage; below, something that may pass unnoticed."""
STALE = 600.0
"""Seconds: an answer that was kept on the way for longer says nothing of now."""
_DONE = ("resolved", "postmortem", "completed")
_UNDER_WAY = ("in_progress", "verifying")
_MODEL = re.compile(r"(?i)\b(?:claude )?(opus|sonnet|haiku|fable|mythos)( \d+(?:\.\d+)?)?")
_MOST = 200


@dataclass(frozen=True, slots=True)
class Incident:
    """One that is not over, or a maintenance that is under way."""

    name: str
    impact: str
    state: str
    updated: str = ""
    models: tuple[str, ...] = ()
    """Model families that it names; empty: it may be about all."""


@dataclass(frozen=True, slots=True)
class Page:
    """The page at one moment."""

    indicator: str
    components: Mapping[str, str]
    """State by name, of the products that matter; one that the page does not list is missing here, not healthy."""
    sign_in: Mapping[str, str]
    incidents: tuple[Incident, ...]
    maintenance: tuple[Incident, ...]
    updated: str

    @property
    def products(self) -> int:
        """The worst rank of the products, and of incidents that touch them or name none."""
        open_ = [
            max(1, rank(one.impact)) for one in self.incidents
        ]  # an open one is something, whatever it says
        return max([*map(rank, self.components.values()), *open_], default=0)

    @property
    def worst(self) -> int:
        """The worst of indicator, product and incident: each of them has been seen greener than the others."""
        return max(rank(self.indicator), self.products)

    @property
    def models(self) -> tuple[str, ...]:
        """The model families that incidents name, if every one of them names some."""
        if not self.incidents or not all(one.models for one in self.incidents):
            return ()
        return tuple(dict.fromkeys(name for one in self.incidents for name in one.models))


def rank(word: str) -> int:
    """How bad a word of the page is; one that nobody knows is a small trouble, not none."""
    return RANK.get(word, 1)


def read(body: bytes) -> Page:
    """The page from a summary; `ValueError` for something that is none."""
    value = json.loads(body)
    status = value.get("status") if isinstance(value, dict) else None
    if not isinstance(status, dict) or not isinstance(status.get("indicator"), str):
        raise ValueError("no summary of a status page")
    components = _items(value, "components")
    page = value.get("page")
    return Page(
        indicator=word(status["indicator"]),
        components=_states(components, PRODUCTS),
        sign_in=_states(components, SIGN_IN),
        incidents=tuple(
            _incident(one)
            for one in _items(value, "incidents")
            if one.get("status") not in _DONE and _touches(one)
        ),
        maintenance=tuple(
            _incident(one)
            for one in _items(value, "scheduled_maintenances")
            if one.get("status") in _UNDER_WAY and _touches(one)
        ),
        updated=word(page.get("updated_at")) if isinstance(page, dict) else "",
    )


def _items(value: Any, name: str) -> list[dict[str, Any]]:
    found = value.get(name) if isinstance(value, dict) else None
    return [one for one in found if isinstance(one, dict)][:_MOST] if isinstance(found, list) else []


def word(value: Any) -> str:
    """A text of the page, fit to be shown; empty for what is none."""
    return "".join(c for c in value[:120] if c.isprintable()) if isinstance(value, str) else ""


def _is_one_of(component: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    named = word(component.get("name")).lower().startswith(tuple(wanted.values()))
    return named or component.get("id") in [one for one in wanted if one]


def _states(components: list[dict[str, Any]], wanted: Mapping[str, str]) -> dict[str, str]:
    return {word(one.get("name")): word(one.get("status")) for one in components if _is_one_of(one, wanted)}


def _touches(incident: Mapping[str, Any]) -> bool:
    """Whether it may be about the products: one that names no component may be about any."""
    touched = _items(incident, "components")
    return not touched or any(_is_one_of(one, PRODUCTS) for one in touched)


def _incident(one: Mapping[str, Any]) -> Incident:
    name = word(one.get("name"))
    models = tuple(dict.fromkeys(found[0].lower() for found in _MODEL.findall(name)))
    return Incident(
        name, word(one.get("impact")), word(one.get("status")), word(one.get("updated_at")), models
    )


def old(headers: Mapping[str, str], now: float) -> float:
    """How long the answer was kept on the way, in seconds, by its own headers; 0.0 where they do not say."""
    ages = [0.0]
    try:
        ages.append(float(headers.get("age", "0")[:12]))
    except ValueError:
        pass
    try:
        ages.append(now - parsedate_to_datetime(headers.get("date", "")).timestamp())
    except (ValueError, TypeError, OverflowError):
        pass
    # A clock here that is wrong by a day would make every page old: then only the proxy's own word counts.
    return max((age for age in ages if 0 <= age < 86400), default=0.0)


def when(stamp: str) -> float | None:
    """UTC seconds of one of the page's times."""
    try:
        found = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return found.timestamp() if found.tzinfo else None
