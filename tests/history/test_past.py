"""From a real store to episodes."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from seawall.history.episodes import End
from seawall.history.past import LEAD, past
from seawall.store.migrate import migrate
from seawall.store.queries import reading
from seawall.store.rows import Attempt, cells
from seawall.store.writer import INSERT_ATTEMPT

NOW = 1_795_000_000.0
MINUTE = NOW - NOW % 60 - 6000  # where one begins, an hour and a half ago
FAILED = Attempt(
    at=0.0, utc_offset=60, call="c", number=1, route="api.anthropic.com", family="opus", status=529,
    error_type="overloaded_error", cause="provider.overloaded", request_id=None, took=0.5, held=0.0, ended="retried",
)  # fmt: skip


def failed(at: float, cause: str = "provider.overloaded") -> Attempt:
    return replace(FAILED, at=MINUTE + at, cause=cause)


def worked(at: float, held: float = 10.0) -> Attempt:
    return replace(FAILED, at=MINUTE + at, cause=None, status=200, ended="recovered", number=2, held=held)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "seawall.db"
    path.touch()
    migrate(str(path))
    return path


def put(path: Path, *rows: Attempt) -> None:
    connection = sqlite3.connect(path)
    connection.executemany(INSERT_ATTEMPT, [cells(row) for row in rows])
    connection.commit()
    connection.close()


def test_an_end_in_the_midst_of_successes_is_known_to_the_second(path: Path) -> None:
    """The store adds up by minute; where that hides which success came first, the attempts are asked."""
    put(path, failed(-30), worked(5), failed(20), worked(21), worked(50), failed(3000), worked(3001))
    with reading(path) as connection:
        found = past(connection, MINUTE - 86400, NOW)
        assert [(one.lasted, one.end) for one in found.episodes] == [(51, End.RECOVERED), (1, End.RECOVERED)]
        assert sum(one.calls for one in found.recoveries) == 4
        assert sum(one.waited for one in found.recoveries) == 40.0
        later = past(connection, MINUTE + 100, NOW)
        assert [one.lasted for one in later.episodes] == [1]
        assert sum(one.calls for one in later.recoveries) == 1


def test_what_was_in_progress_when_the_span_begins_is_not_of_it(path: Path) -> None:
    """An episode belongs to the span in which it began, however long it lasts."""
    put(path, *(failed(60.0 * n) for n in range(60)))
    with reading(path) as connection:
        assert past(connection, MINUTE + 1800, NOW).episodes == []
        [one] = past(connection, MINUTE - LEAD, NOW).episodes
        assert (one.attempts, one.lasted, one.end) == (60, 3540, End.UNSEEN)


def test_one_cause_alone(path: Path) -> None:
    """Of the others nothing is read; an empty store has no episodes."""
    with reading(path) as connection:
        assert past(connection, 0.0, NOW).episodes == []
    put(path, failed(0), failed(1, "network.reset"))
    with reading(path) as connection:
        assert [one.cause for one in past(connection, 0.0, NOW, "network.reset").episodes] == [
            "network.reset"
        ]
