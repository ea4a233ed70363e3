"""How long an episode that goes on will last, judged by those before it."""

from collections.abc import Iterable
from dataclasses import dataclass

from seawall.history.durations import ENOUGH, Lasting, curve
from seawall.history.episodes import Episode

DAYS = 90
"""What is older says little of how things are now (user's surface, section 10)."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be expected; lengths in seconds, None where nobody knows."""

    count: int
    """Of earlier episodes like this one."""
    p50: float | None = None
    p75: float | None = None
    p90: float | None = None
    more: float | None = None
    """Of those that got as far as this one, half were over within so many more seconds."""


def lasting(found: Iterable[Episode]) -> list[Lasting]:
    """Their lengths, as the estimate takes them."""
    return [Lasting(one.lasted, one.ended) for one in found]


def outlook(episode: Episode, earlier: Iterable[Episode]) -> Outlook:
    """From episodes of the same cause that began before this one, within 90 days.

    Those on the same route with a model family in common, if there are eight; else all of the cause. With fewer
    than eight nothing is known but their count.
    """
    since = episode.opened_at - DAYS * 86400
    cause = [
        one
        for one in earlier
        if one.cause == episode.cause and since <= one.opened_at < episode.opened_at and one.id != episode.id
    ]
    families = set(episode.families)
    alike = [
        one
        for one in cause
        if one.route == episode.route and (families & set(one.families) or families == set(one.families))
    ]
    chosen = alike if len(alike) >= ENOUGH else cause
    if len(chosen) < ENOUGH:
        return Outlook(len(chosen))
    found = curve(lasting(chosen))
    return Outlook(
        len(chosen),
        found.within(0.5),
        found.within(0.75),
        found.within(0.9),
        found.half_over_after(episode.lasted),
    )
