"""What the store holds of a span, folded into episodes. Imports SQLAlchemy: only verbs that look back import this."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import Connection

from seawall.history.episodes import Episode, closing, episodes, unclear
from seawall.store import queries
from seawall.store.bursts import MINUTE, Recovery

LEAD = 86400.0
"""Seconds read before the span, so that an episode in progress at its begin is not taken for one that began there."""


@dataclass(frozen=True, slots=True)
class Past:
    """Episodes that began in a span, and the calls that succeeded after failures."""

    episodes: Sequence[Episode]
    recoveries: Sequence[Recovery]


def begun(connection: Connection, since: float, now: float, cause: str | None = None) -> list[Episode]:
    """The episodes that began between `since` and now (UTC seconds); of this cause only, if one is named."""
    bursts = queries.bursts_between(connection, since - LEAD, now, cause)
    recoveries = _closing(connection, closing(bursts, now), since - LEAD, now)
    minutes = unclear(bursts, recoveries, now)
    if minutes:
        recoveries = [one for one in recoveries if int(one.last // MINUTE) not in minutes]
        recoveries += queries.each_recovery_in(connection, sorted(minutes))
    return [one for one in episodes(bursts, recoveries, now) if one.opened_at >= since]


def past(connection: Connection, since: float, now: float, cause: str | None = None) -> Past:
    """The same, and all calls that succeeded after failures since then."""
    return Past(begun(connection, since, now, cause), queries.recoveries_between(connection, since, now))


def _closing(connection: Connection, minutes: Sequence[range], since: float, now: float) -> list[Recovery]:
    """The successes of these minutes, which may close something: where trouble goes on and on they are few."""
    if sum(map(len, minutes)) * 2 < (now - since) / MINUTE:
        return queries.recoveries_in(connection, chain.from_iterable(minutes))
    return queries.recoveries_between(connection, since, now)
