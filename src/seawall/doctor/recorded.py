"""What the gateway wrote down lately: attempts that failed or were held."""

import time

from seawall.doctor.check import Finding, Probe, State, in_thread
from seawall.store.place import here, store_path
from seawall.store.rows import Attempt
from seawall.store.trouble import Unusable

WINDOW = 900.0
"""Seconds that checks look back."""
_MOST = 2000


class Unreadable(Exception):
    """The records are there and cannot be read."""


def _rows(probe: Probe, since: float) -> list[Attempt]:
    path = store_path(probe.subject.config.store, here())
    if not path.exists():
        return []
    from sqlalchemy.exc import SQLAlchemyError

    from seawall.store.queries import attempts_since, reading

    try:
        with reading(path) as connection:
            return attempts_since(connection, since, _MOST)
    except (SQLAlchemyError, OSError) as error:
        raise Unreadable(str(path)) from error


async def attempts(probe: Probe, now: float | None = None) -> list[Attempt] | Finding:
    """The attempts of the last 15 minutes, newest first; or the finding of a check that cannot have them.

    Those that a clock set back put into the future are left out.
    """
    now = time.time() if now is None else now
    try:
        rows: list[Attempt] = await in_thread(lambda: _rows(probe, now - WINDOW))
    except Unusable as error:
        return Finding(State.SKIP, str(error))
    except Unreadable as error:
        return Finding(State.UNKNOWN, f"the records in {error} cannot be read")
    return [row for row in rows if row.at <= now + 60]
