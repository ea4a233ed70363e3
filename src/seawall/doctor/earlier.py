"""What earlier episodes say about the one that goes on. Pure."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from seawall.history.durations import ENOUGH, curve
from seawall.history.episodes import End, Episode
from seawall.history.outlook import DAYS, Outlook, lasting, outlook

MONTH = 30 * 86400.0
WEEK = 7 * 86400.0
USUAL: Mapping[str, str] = {
    "provider.overloaded": "2-5 min",
    "provider.service_unavailable": "2-5 min",
    "provider.bad_gateway": "2-5 min",
    "provider.gateway_timeout": "2-5 min",
    "provider.cdn_origin_error": "2-5 min",
    "provider.internal_server_error": "1-5 min",
    "provider.rate_limited_unspecified": "under a minute",
}
"""How long such episodes last by public troubleshooting texts, read in 2026."""
SOURCE = "public troubleshooting texts, 2026"


@dataclass(frozen=True, slots=True)
class Recently:
    """The calls since midnight by the local clock; lengths in seconds."""

    calls: int
    held: int
    longest: float
    lost: int
    last: Episode | None = None
    """The incident that ended last, of any cause."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the store knows of a cause; empty where there is no store."""

    current: Episode | None = None
    """The episode that goes on."""
    month: int = 0
    """Of the last 30 days, the current one left out."""
    week: tuple[Episode, ...] = ()
    """Of the last 7 days, the current one among them."""
    outlook: Outlook = field(default_factory=lambda: Outlook(0))
    within_5_min: float | None = None
    """The share of those that got as far as the current one which ended within another 5 min; None where unknown."""
    note: str = ""
    """What was noted at the last one of this cause."""


def earlier(cause: str, found: Sequence[Episode], now: float, note: str = "") -> Earlier:
    """What episodes of the last 90 days say of this cause now (UTC seconds)."""
    own = [one for one in found if one.cause == cause and one.opened_at >= now - DAYS * 86400]
    within = None
    current = max((one for one in own if one.end is End.OPEN), key=lambda one: one.opened_at, default=None)
    others = [one for one in own if current is None or one.id != current.id]
    if current is not None:
        seen = outlook(current, own)
        within = _ends_soon(others, now - current.opened_at)
    elif len(others) >= ENOUGH:
        steps = curve(lasting(others))
        seen = Outlook(len(others), steps.within(0.5), steps.within(0.75), steps.within(0.9))
    else:
        seen = Outlook(len(others))
    return Earlier(
        current,
        sum(one.opened_at >= now - MONTH for one in others),
        tuple(one for one in own if one.opened_at >= now - WEEK),
        seen,
        within,
        note,
    )


def _ends_soon(others: Sequence[Episode], age: float) -> float | None:
    steps = curve(lasting(others))
    there = steps.beyond(age)
    if steps.count < ENOUGH or there <= 0:
        return None
    return round(1 - steps.beyond(age + 300.0) / there, 4)


def same_hours(found: Sequence[Episode]) -> tuple[int, int] | None:
    """Between which hours of the local clock all of them began, where that is 3 h or less; None for fewer than 3."""
    if len(found) < 3:
        return None
    hours = [time.localtime(one.opened_at).tm_hour for one in found]
    low, high = min(hours), max(hours) + 1
    return (low, high) if high - low <= 3 else None
