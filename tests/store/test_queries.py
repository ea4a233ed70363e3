from pathlib import Path

import pytest
import sqlalchemy
from store_helpers import QUICK, attempt

from seawall.config import Store
from seawall.store.queries import attempts_since, counts_since, reading
from seawall.store.rows import Count
from seawall.store.writer import Writer


def written(path: Path, *rows: object) -> Path:
    store = Writer(Store(path=str(path)), pace=QUICK)
    store.start()
    for row in rows:
        store.put(row)  # type: ignore[arg-type]
    assert store.close().dropped == 0
    return path


def test_attempts_come_back_as_they_were_put(path: Path):
    """The newest first, those of the asked time on, equal to what was recorded, types too."""
    old, new, newest = (attempt(n, at=float(n), maybe_billed=n == 2, status=None) for n in (1, 2, 3))
    with reading(written(path, old, newest, new)) as connection:
        found = attempts_since(connection, 2.0)
        assert found == [newest, new]
        assert found[1].maybe_billed is True
        assert attempts_since(connection, 0.0, most=1) == [newest]


def test_counts_come_back_by_hour(path: Path):
    """The oldest hour first, added up."""
    one, two, three = (Count(hour, 60, "host", "opus", "", "", hour) for hour in (1, 2, 3))
    with reading(written(path, three, two, one, two)) as connection:
        assert counts_since(connection, 2) == [Count(2, 60, "host", "opus", "", "", 4), three]


def test_an_empty_store_has_no_rows(path: Path):
    """Nothing recorded is an empty answer."""
    with reading(path) as connection:
        assert attempts_since(connection, 0.0) == []
        assert counts_since(connection, 0) == []


def test_reading_cannot_write(path: Path):
    """A question never changes the store."""
    with (
        reading(path) as connection,
        pytest.raises(sqlalchemy.exc.OperationalError, match="readonly"),
    ):
        connection.execute(sqlalchemy.text("DELETE FROM attempt"))


def test_no_store_is_told_from_an_empty_one(tmp_path: Path):
    """A missing file is not made by looking at it."""
    with pytest.raises(FileNotFoundError), reading(tmp_path / "none.db"):
        pass
    assert list(tmp_path.iterdir()) == []
