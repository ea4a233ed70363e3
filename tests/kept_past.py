"""A store in a home of its own with a past in it: quiet and busy hours, bursts that were throttled."""

import random
import shutil
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from store_helpers import empty_store

from own_home import Home
from seawall.store.rows import Attempt, Count, cells
from seawall.store.writer import INSERT_ATTEMPT, UPSERT_COUNT

HOUR, DAY = 3600, 86400
THROTTLED = Attempt(
    at=0.0, utc_offset=0, call="c1", number=1, route="api.anthropic.com", family="opus", status=429,
    error_type="rate_limit_error", cause="limit.rate_limited_requests", request_id=None, took=0.5, held=0.0,
    ended="retried", client="claude-cli/2.1.59", account="ab",
)  # fmt: skip


def store_of(home: Home) -> Path:
    """Where this home's store is."""
    return home.path / ".local/share/seawall/seawall.db"


def kept(home: Home, attempts: Iterable[Attempt] = (), counts: Iterable[Count] = ()) -> Path:
    """This home's store, with these rows added."""
    path = store_of(home)
    if not path.exists():
        path.parent.mkdir(0o700, parents=True)
        shutil.copyfile(empty_store(), path)
    connection = sqlite3.connect(path)
    connection.executemany(INSERT_ATTEMPT, [cells(row) for row in attempts])
    connection.executemany(UPSERT_COUNT, [cells(row) for row in counts])
    connection.commit()
    connection.close()
    return path


def past(now: float, busy: Iterable[int], quiet: Iterable[int]) -> list[Count]:
    """28 days by the hour (UTC): busy hours fail at 8 %, quiet ones never, the others at 2 %."""
    rng = random.Random(5)
    rows = []
    for hour in range(int(now // DAY) * 24 - 28 * 24, int(now // HOUR)):
        share = 0.08 if hour % 24 in busy else 0.0 if hour % 24 in quiet else 0.02
        failed = round(200 * share) + (rng.choice((-1, 0, 1)) if share else 0)
        rows.append(Count(hour, 0, "api.anthropic.com", "opus", "", "", 200 - failed))
        if failed:
            rows.append(Count(hour, 0, "api.anthropic.com", "opus", "", "provider.overloaded", failed))
    return rows


def bursts(now: float) -> list[Attempt]:
    """Six calls within three seconds, at 9:00 (UTC) of five days; the last got through 100 s after the first began."""
    rows = []
    midnight = int(now // DAY) * DAY
    for day in range(1, 6):
        for n in range(6):
            at = midnight - day * DAY + 9 * HOUR
            began = replace(THROTTLED, at=at + n * 0.6 + 0.5, call=f"{day}-{n}")
            rows += [
                began,
                replace(began, at=at + 20.0 * n, cause=None, status=200, ended="recovered", number=2),
            ]
    return rows
