"""What is read from the store; one set of queries for every database behind SQLAlchemy.

Importing this imports SQLAlchemy (about 0.35 s of CPU): only verbs that read history do.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from math import ceil, floor, inf
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    case,
    column,
    create_engine,
    desc,
    func,
    inspect,
    select,
    table,
)
from sqlalchemy.pool import NullPool

from seawall.store.bursts import (
    LONGEST_HOLD,
    MINUTE,
    Burst,
    HourCount,
    ModelCount,
    Note,
    Recovery,
    Start,
    Work,
)
from seawall.store.latency import HourLatency
from seawall.store.rows import Attempt, Count
from seawall.store.schema import attempt, burst, burst_lane, episode, hourly_count, latency, recovery, work

WAITS = 1.0
"""Seconds for another program's lock: a gateway's batch takes milliseconds."""
_AT_ONCE = 500
"""Values that one question names: SQLite takes 32 766, older ones 999."""
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


def attempts_since(
    connection: Connection, since: float, most: int = MOST, until: float = inf
) -> list[Attempt]:
    """Recorded attempts that ended between these times (UTC seconds), newest first, `most` at most."""
    columns = [column for column in attempt.columns if column.name != "id"]
    question = (
        select(*columns)
        .where(attempt.c.at >= since, *([attempt.c.at <= until] if until < inf else []))
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
    """Failures between these times (UTC seconds), those less than a minute apart as one.

    `cause`: only of this one.
    """
    columns, lane = burst.c, burst_lane.c
    hours = floor(since / 3600), floor(until / 3600)
    question = (
        select(columns.id, *list(columns)[2:])
        .where(columns.hour.between(*hours))
        .where(columns.last_at >= since, columns.first_at <= until)
    )
    if cause is not None:
        question = question.where(columns.cause == cause)
    rows = _plain(connection, question)
    lanes: dict[int, list[tuple[str, str]]] = {}
    hit = select(lane.burst, lane.family, lane.account).where(lane.hour.between(*hours))
    for key, *of in _plain(connection, hit) if rows else ():
        lanes.setdefault(key, []).append((of[0], of[1]))
    return [Burst._make((*row[1:], tuple(lanes.get(row[0], ())))) for row in rows]


def recoveries_between(connection: Connection, since: float, until: float) -> list[Recovery]:
    """Calls that succeeded after failures between these times (UTC seconds), added up by lane and minute."""
    columns = recovery.c
    question = (
        select(*list(columns)[1:])
        .where(columns.minute >= floor(since / MINUTE), columns.minute <= floor(until / MINUTE))
        .where(columns.last_at >= since)
        .order_by(columns.minute)
    )
    return list(map(Recovery._make, _plain(connection, question)))


def recoveries_in(connection: Connection, minutes: Iterable[int]) -> list[Recovery]:
    """The same of these minutes (since 1970)."""
    question = select(*list(recovery.c)[1:]).where(recovery.c.minute.in_(bindparam("some", expanding=True)))
    found: list[Recovery] = []
    for batch in batched(minutes, _AT_ONCE):
        found += map(Recovery._make, _plain(connection, question, {"some": batch}))
    return found


def held_between(
    connection: Connection, since: float, until: float, family: str | None = None, cause: str | None = None
) -> tuple[int, float]:
    """How many calls succeeded after failures between these times, and the seconds that they were held together.

    To the minute. `family`: only of this model family. `cause`: only calls that met this one, and not to the minute.
    """
    if cause is not None:
        return _held_for(connection, since, until, family, cause)
    columns = recovery.c
    question = (
        select(func.coalesce(func.sum(columns.calls), 0), func.coalesce(func.sum(columns.waited), 0.0))
        .where(columns.minute >= floor(since / MINUTE), columns.minute <= floor(until / MINUTE))
        .where(columns.last_at >= since)
    )
    if family is not None:
        question = question.where(columns.family == family)
    calls, waited = connection.execute(question).one()
    return int(calls), float(waited)


def _held_for(
    connection: Connection, since: float, until: float, family: str | None, cause: str
) -> tuple[int, float]:
    of = attempt.c
    met = select(of.call).where(of.cause == cause, of.at.between(since - LONGEST_HOLD, until))
    question = (
        select(func.count(), func.coalesce(func.sum(of.held), 0.0))
        .where(
            of.at.between(since, until), of.cause.is_(None), of.ended == "recovered", of.source == "gateway"
        )
        .where(of.call.in_(met))
    )
    if family is not None:
        question = question.where(of.family == family)
    calls, waited = connection.execute(question).one()
    return int(calls), float(waited)


def each_recovery_in(connection: Connection, minutes: Iterable[int]) -> list[Recovery]:
    """Each success of these minutes by itself: beside failures it matters which came first."""
    of, one = attempt.c, recovery.c.minute
    ours = case((of.source == "gateway", 1), else_=0)
    some = select(one).where(one.in_(bindparam("some", expanding=True))).distinct().subquery()
    begin = some.c.minute * MINUTE
    question = (
        select(
            of.route,
            of.family,
            of.account,
            of.at,
            of.at,
            of.at - of.held,
            ours,
            ours * of.held,
        )
        .select_from(some)
        .join(attempt, (of.at >= begin) & (of.at < begin + MINUTE))
        .where(of.cause.is_(None), of.ended == "recovered")
    )
    found: list[Recovery] = []
    for batch in batched(minutes, _AT_ONCE):
        found += map(Recovery._make, _plain(connection, question, {"some": batch}))
    return found


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
    again = Counter[int]()
    for at, kin, n in _tried_again(connection, since, until):
        if family in (None, kin):
            again[at] += n
    found = []
    for hour, offset, n, failed in connection.execute(question):
        repeats = min(int(n), again[hour])
        again[hour] -= repeats  # a second offset in one hour: somebody flew, or a clock was set
        found.append(HourCount(hour, offset, int(n), int(failed), repeats))
    return found


def _tried_again(connection: Connection, since: float, until: float) -> Iterator[tuple[int, str, int]]:
    """How many attempts of each hour and model family were not their call's first; an hour may come twice."""
    first, last = ceil(since / 3600), floor(until / 3600)
    lane, one = burst_lane.c, recovery.c
    hour, before = one.minute // 60, func.sum(lane.attempts - lane.calls)
    questions = (
        select(lane.hour, lane.family, before)
        .where(lane.hour.between(first, last))
        .group_by(lane.hour, lane.family),
        select(hour, one.family, func.sum(one.calls))
        .where(one.minute.between(first * 60, last * 60 + 59))
        .group_by(hour, one.family),
    )
    for question in questions:
        for at, kin, n in connection.execute(question):
            yield at, kin, int(n)


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
    again = Counter[str]()
    for _, kin, more in _tried_again(connection, since, until):
        again[kin] += more
    return [
        ModelCount(kin, int(n), int(failed), min(int(n), again[kin]))
        for kin, n, failed in connection.execute(question)
    ]


def latencies_between(
    connection: Connection, since: float, until: float, family: str | None = None
) -> list[HourLatency]:
    """How long answers took to begin, of the hours that begin between these times (UTC seconds), oldest first.

    `family`: only this model family.
    """
    columns = latency.c
    question = (
        select(columns.hour, columns.utc_offset, columns.step, func.sum(columns.answers))
        .where(columns.hour >= ceil(since / 3600), columns.hour <= until / 3600)
        .group_by(columns.hour, columns.utc_offset, columns.step)
        .order_by(columns.hour, columns.utc_offset, columns.step)
    )
    if family is not None:
        question = question.where(columns.family == family)
    return [HourLatency(hour, offset, step, int(n)) for hour, offset, step, n in connection.execute(question)]


def notes_between(connection: Connection, since: float, until: float, cause: str | None = None) -> list[Note]:
    """What was noted of episodes that began between these times (UTC seconds), oldest first; of this cause only."""
    columns = episode.c
    question = (
        select(
            columns.id,
            columns.cause,
            columns.route,
            columns.opened_at,
            columns.utc_offset,
            columns.note,
            columns.noted_at,
        )
        .where(columns.opened_at >= since, columns.opened_at <= until)
        .where(columns.note.is_not(None), columns.noted_at.is_not(None))
        .order_by(columns.opened_at, columns.id)
    )
    if cause is not None:
        question = question.where(columns.cause == cause)
    return [Note(*row) for row in connection.execute(question)]


def last_note(connection: Connection, cause: str, before: float) -> Note | None:
    """What was noted of the newest episode of this cause that began before this time (UTC seconds)."""
    found = notes_between(connection, 0.0, before, cause)
    return next((one for one in reversed(found) if one.opened_at < before), None)


def work_between(connection: Connection, since: float, until: float) -> list[Work]:
    """What failed of each client, by the hours that begin between these times (UTC seconds), oldest first."""
    columns = work.c
    question = (
        select(columns.hour, columns.utc_offset, columns.client, columns.calls, columns.attempts)
        .where(columns.hour >= ceil(since / 3600), columns.hour <= until / 3600)
        .order_by(columns.hour, columns.client)
    )
    return [Work(*row) for row in connection.execute(question)]


def starts_between(
    connection: Connection, since: float, until: float, causes: Iterable[str], most: int
) -> list[Start]:
    """Calls whose first attempt failed for one of these causes, `most` of each cause at most, the newest first."""
    columns = attempt.c
    question = (
        select(columns.call, columns.at - columns.took, columns.utc_offset)
        .where(columns.cause == bindparam("cause"), columns.at >= since, columns.at <= until)
        .where(columns.number == 1, columns.ended != "abandoned")
        .order_by(columns.at.desc())
        .limit(most)
    )
    return [Start(*row) for cause in causes for row in connection.execute(question, {"cause": cause})]


def recovered_at(connection: Connection, calls: Sequence[str]) -> dict[str, float]:
    """When these calls succeeded (UTC seconds), those that did."""
    columns = attempt.c
    question = select(columns.call, func.max(columns.at)).where(
        columns.call.in_(calls), columns.cause.is_(None), columns.ended == "recovered"
    )
    return {call: float(at) for call, at in connection.execute(question.group_by(columns.call))}


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


def kinds_of(
    connection: Connection, cause: str, route: str, since: float, until: float
) -> list[tuple[int | None, str | None, int]]:
    """Status and error type of those failures, and how many had them, the most first."""
    columns = attempt.c
    question = (
        select(columns.status, columns.error_type, func.count().label("n"))
        .where(columns.cause == cause, columns.route == route)
        .where(columns.at >= since, columns.at <= until)
        .group_by(columns.status, columns.error_type)
        .order_by(desc("n"), columns.status, columns.error_type)
    )
    return [(status, kind, int(n)) for status, kind, n in connection.execute(question)]


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


def batched(values: Iterable[int], most: int) -> Iterator[list[int]]:
    """The values, so many at a time."""
    rest = iter(values)
    while some := list(islice(rest, most)):
        yield some


def _plain(
    connection: Connection, question: Select[Any], given: Mapping[str, object] | None = None
) -> Sequence[tuple[Any, ...]]:
    """The rows as the driver hands them out: SQLAlchemy's own take longer to make than all else of a dense month."""
    cursor = connection.execute(question, given).cursor
    return cursor.fetchall() if cursor is not None else []


def _failed(cause: str | None) -> ColumnElement[int]:
    columns = hourly_count.c
    counts = columns.cause != "" if cause is None else columns.cause == cause
    return func.coalesce(func.sum(case((counts, columns.attempts), else_=0)), 0)
