"""What the gateway wrote down lately: attempts that failed or were held."""

import sqlite3
import time
from contextlib import closing
from dataclasses import fields

from seawall.doctor.check import Finding, Probe, State, in_thread
from seawall.store.place import here, store_path
from seawall.store.rows import Attempt
from seawall.store.trouble import Unusable

WINDOW = 900.0
"""Seconds that checks look back."""
_MOST = 2000
_WAITS = 1.0
"""Seconds for a lock: a gateway's batch holds it for milliseconds."""
_BOOLEANS = ("maybe_billed", "cache_cold")
"""SQLite keeps these as 0 and 1."""


class Unreadable(Exception):
    """The records are there and cannot be read."""


def _rows(probe: Probe, since: float) -> list[Attempt]:
    path = store_path(probe.subject.config.store, here())
    if not path.exists():
        return []
    names = [one.name for one in fields(Attempt)]
    columns = ", ".join(f'"{name}"' for name in names)
    question = f"SELECT {columns} FROM attempt WHERE at >= ? ORDER BY at DESC, id DESC LIMIT ?"  # noqa: S608  no value
    try:
        # Not by SQLAlchemy, whose import takes half a second here, and on a busy machine all the time that a check has.
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_WAITS)
        ) as store:
            found = [dict(zip(names, row, strict=True)) for row in store.execute(question, (since, _MOST))]
    except (sqlite3.Error, OSError) as error:
        raise Unreadable(str(path)) from error
    return [Attempt(**row | {name: bool(row[name]) for name in _BOOLEANS}) for row in found]


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
