"""What is read from the store; one set of queries for every database behind SQLAlchemy.

Importing this imports SQLAlchemy (about 0.35 s of CPU): only verbs that read history do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, select
from sqlalchemy.pool import NullPool

from seawall.store.rows import Attempt, Count
from seawall.store.schema import attempt, hourly_count

MOST = 10_000
"""Rows that one question returns unless more are asked for: about 6 MB."""


@contextmanager
def reading(path: Path) -> Iterator[Connection]:
    """A connection that can only read; the gateway may write meanwhile.

    Raises `FileNotFoundError` where there is none, `sqlalchemy.exc.DatabaseError` where it cannot be read.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    name = f"{path.absolute().as_uri()}?mode=ro"
    engine = create_engine(URL.create("sqlite", database=name, query={"uri": "true"}), poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def attempts_since(connection: Connection, since: float, most: int = MOST) -> list[Attempt]:
    """Recorded attempts that ended at or after this time (UTC seconds), newest first, `most` at most."""
    columns = [column for column in attempt.columns if column.name != "id"]
    question = (
        select(*columns)
        .where(attempt.c.at >= since)
        .order_by(attempt.c.at.desc(), attempt.c.id.desc())
        .limit(most)
    )
    return [Attempt(**row) for row in connection.execute(question).mappings()]


def counts_since(connection: Connection, hour: int) -> list[Count]:
    """Counts of this hour (hours since 1970, UTC) and later, oldest first."""
    question = (
        select(hourly_count)
        .where(hourly_count.c.hour >= hour)
        .order_by(hourly_count.c.hour, hourly_count.c.route, hourly_count.c.family, hourly_count.c.cause)
    )
    return [Count(**row) for row in connection.execute(question).mappings()]
