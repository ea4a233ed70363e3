"""What is read from the store; one set of queries for every database behind SQLAlchemy.

Importing this imports SQLAlchemy (about 0.35 s of CPU): only verbs that read history do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Integer,
    case,
    cast,
    column,
    create_engine,
    desc,
    func,
    inspect,
    select,
    table,
)
from sqlalchemy.pool import NullPool

from seawall.store.bursts import MINUTE, Burst, HourCount, ModelCount, Recovery
from seawall.store.rows import Attempt, Count
from seawall.store.schema import attempt, hourly_count

WAITS = 1.0
"""Seconds for another program's lock: a gateway's batch takes milliseconds."""
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
    engine = create_engine(
        URL.create("sqlite", database=name, query={"uri": "true"}),
        poolclass=NullPool,
        connect_args={"timeout": WAITS},
    )
    with engine.connect() as connection:
        yield connection


def revision(connection: Connection) -> str | None:
    """Which schema the store has (`store.version` knows them); None for a file that is no store of Seawall's."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables or "attempt" not in tables:
        return None
    found = connection.execute(select(column("version_num")).select_from(table("alembic_version"))).scalar()
    return None if found is None else str(found)


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


def bursts_between(
    connection: Connection, since: float, until: float, cause: str | None = None
) -> list[Burst]:
    """Failures that ended between these times (UTC seconds), added up by lane, cause and minute.

    `cause`: only of this one.
    """
    columns = attempt.c
    # Which 60 seconds are added up does not matter, so neither does how a database rounds. The number stands
    # first: sorting a million rows by it is a third faster than by their texts.
    minute = cast(columns.at / MINUTE, Integer)
    lane = (columns.cause, columns.route, columns.family, columns.account)
    question = (
        select(
            *lane,
            func.min(columns.at),
            func.max(columns.at),
            func.count(),
            _how_many(columns.number == 1),
            _how_many(columns.ended == "given_up"),
            _how_many(columns.ended == "broken"),
            func.min(columns.utc_offset),
        )
        .where(columns.at >= since, columns.at <= until, columns.cause != "")
        # A client that left while its call waited is no failure of its own.
        .where(columns.ended != "abandoned")
        .group_by(minute, *lane)
    )
    if cause is not None:
        question = question.where(columns.cause == cause)
    return [Burst(*row) for row in connection.execute(question)]


def recoveries_between(connection: Connection, since: float, until: float) -> list[Recovery]:
    """Calls that succeeded after failures between these times (UTC seconds), added up by lane and second."""
    columns = attempt.c
    lane = (columns.route, columns.family, columns.account)
    question = (
        select(
            *lane,
            func.min(columns.at),
            func.max(columns.at),
            func.min(columns.at - columns.held),
            func.count(),
            func.sum(columns.held),
        )
        .where(columns.at >= since, columns.at <= until, columns.cause.is_(None))
        .where(columns.ended == "recovered")
        .group_by(cast(columns.at, Integer), *lane)
    )
    return [Recovery(*row) for row in connection.execute(question)]


def hours_between(
    connection: Connection, since: float, until: float, cause: str | None = None, family: str | None = None
) -> list[HourCount]:
    """All attempts of the hours that begin between these times (UTC seconds), and those that failed.

    `cause`: only failures of this one count as failed. `family`: only this model family.
    """
    columns = hourly_count.c
    question = (
        select(columns.hour, columns.utc_offset, func.sum(columns.attempts), _failed(cause))
        .where(columns.hour >= ceil(since / 3600), columns.hour <= until / 3600)
        .group_by(columns.hour, columns.utc_offset)
        .order_by(columns.hour, columns.utc_offset)
    )
    if family is not None:
        question = question.where(columns.family == family)
    return [
        HourCount(hour, offset, int(n), int(failed))
        for hour, offset, n, failed in connection.execute(question)
    ]


def models_between(
    connection: Connection, since: float, until: float, cause: str | None = None
) -> list[ModelCount]:
    """The same by model family, those most used first."""
    columns = hourly_count.c
    question = (
        select(columns.family, func.sum(columns.attempts).label("n"), _failed(cause))
        .where(columns.hour >= ceil(since / 3600), columns.hour <= until / 3600)
        .group_by(columns.family)
        .order_by(desc("n"), columns.family)
    )
    return [ModelCount(family, int(n), int(failed)) for family, n, failed in connection.execute(question)]


def attempts_of(
    connection: Connection, cause: str, route: str, since: float, until: float, most: int
) -> list[Attempt]:
    """Recorded failures of one cause on one route between two times, ends included, oldest first, `most` at most."""
    columns = [column for column in attempt.columns if column.name != "id"]
    question = (
        select(*columns)
        .where(attempt.c.cause == cause, attempt.c.route == route)
        .where(attempt.c.at >= since, attempt.c.at <= until)
        .order_by(attempt.c.at, attempt.c.id)
        .limit(most)
    )
    return [Attempt(**row) for row in connection.execute(question).mappings()]


def calls_of(connection: Connection, cause: str, route: str, since: float, until: float) -> int:
    """How many calls those failures belong to."""
    question = (
        select(func.count(attempt.c.call.distinct()))
        .where(attempt.c.cause == cause, attempt.c.route == route)
        .where(attempt.c.at >= since, attempt.c.at <= until)
    )
    return int(connection.execute(question).scalar_one())


def attempts_after(connection: Connection, moment: float) -> int:
    """How many recorded attempts ended later than this: more than none if a clock was wrong."""
    return int(connection.execute(select(func.count()).where(attempt.c.at > moment)).scalar_one())


def _failed(cause: str | None) -> ColumnElement[int]:
    columns = hourly_count.c
    counts = columns.cause != "" if cause is None else columns.cause == cause
    return func.coalesce(func.sum(case((counts, columns.attempts), else_=0)), 0)


def _how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))
