"""Brings a store to the newest schema: `python -m seawall.store.migrate PATH`, or a SQLAlchemy address.

A program of its own, so that what SQLAlchemy and Alembic cost (0.6 s of CPU, 25 MB) leaves with it. Ends with
0, or with one line on stderr: 1 where it failed, 2 for wrong usage, 75 (try again later) where the store is
locked.
"""

import sqlite3
import sys
from pathlib import Path

LOCKED = 75
"""The same number as EX_TEMPFAIL of sysexits.h."""
WAITS = 5.0
"""Seconds that it waits for another program's lock."""


def migrate(target: str) -> None:
    """Moves the store at this path or address to the newest schema, wholly or not at all.

    Raises what SQLAlchemy and Alembic raise; a file of a newer version is left as it is.
    """
    from alembic.command import upgrade
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    engine = create_engine(_address(target), poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        _begin_for_real(engine)
    settings = Config()
    # ConfigParser reads % as the beginning of a name.
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with engine.begin() as connection:
        settings.attributes["connection"] = connection
        upgrade(settings, "head")


def _address(target: str) -> str:
    from sqlalchemy import URL

    if "://" in target:
        return target
    # As a `file:` address: the file must be there, so that it has the mode that its owner gave it.
    name = f"{Path(target).absolute().as_uri()}?mode=rw"
    return URL.create("sqlite", database=name, query={"uri": "true"}).render_as_string()


def _begin_for_real(engine: object) -> None:
    """Makes a transaction cover CREATE and ALTER too: Python's sqlite3 would begin none before them."""
    from sqlalchemy import Connection, event

    @event.listens_for(engine, "connect")
    def manual(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {int(WAITS * 1000)}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def main(arguments: list[str]) -> int:
    """Runs the program and returns its exit code."""
    if len(arguments) != 1:
        print("usage: python -m seawall.store.migrate PATH", file=sys.stderr)
        return 2
    try:
        migrate(arguments[0])
    except Exception as error:
        origin = getattr(error, "orig", None) or error
        print(" ".join(f"{type(origin).__name__}: {origin}".split())[:300], file=sys.stderr)
        code = getattr(origin, "sqlite_errorcode", 0) & 0xFF
        return LOCKED if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
