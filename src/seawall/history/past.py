"""What the store holds of a span, folded into episodes. Imports SQLAlchemy: only verbs that look back import this."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from seawall.history.episodes import Episode, episodes, unclear
from seawall.store import queries
from seawall.store.bursts import MINUTE, Recovery

LEAD = 86400.0
"""Seconds read before the span, so that an episode in progress at its begin is not taken for one that began there."""


@dataclass(frozen=True, slots=True)
class Past:
    """Episodes that began in a span, and the calls that succeeded after failures."""

    episodes: Sequence[Episode]
    recoveries: Sequence[Recovery]


def past(connection: Connection, since: float, now: float, cause: str | None = None) -> Past:
    """What began between `since` and now (UTC seconds); of this cause only, if one is named."""
    bursts = queries.bursts_between(connection, since - LEAD, now, cause)
    recoveries = queries.recoveries_between(connection, since - LEAD, now)
    minutes = unclear(bursts, recoveries)
    if minutes:
        recoveries = [one for one in recoveries if int(one.last // MINUTE) not in minutes]
        recoveries += queries.recoveries_in(connection, sorted(minutes))
    found = [one for one in episodes(bursts, recoveries, now) if one.opened_at >= since]
    return Past(found, [one for one in recoveries if one.last >= since])
