"""What the gateway wrote down lately: attempts that failed or were held."""

import os
import sqlite3
import time
from contextlib import closing
from dataclasses import fields
from pathlib import Path

from seawall.claude_code.settings import shown
from seawall.doctor.check import Finding, Probe, State, in_thread
from seawall.store.place import here, store_path
from seawall.store.rows import Attempt
from seawall.store.trouble import Kind, Unusable, trouble_of
from seawall.store.version import HEAD, REVISIONS

WINDOW = 900.0
"""Seconds that checks look back."""
_MOST = 2000
_WAITS = 1.0
"""Seconds for a lock: a gateway's batch holds it for milliseconds."""
_BOOLEANS = ("maybe_billed", "cache_cold")
"""SQLite keeps these as 0 and 1."""


class Unreadable(Exception):
    """The records are there and cannot be read; the text says why, and what becomes of them."""


def why_unusable(path: Path, home: Path) -> str:
    """Why the gateway cannot use the file of records as it is, and what comes of it; empty where it can. Blocks.

    One that is not there, that is empty or of an earlier version it makes usable itself.
    """
    name = shown(path, home)
    try:
        if not path.exists() or (path.is_file() and not path.stat().st_size):
            return ""
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no regular file"
            return f"{name} is {what}: nothing is recorded; set another path for the store"
        with closing(_opened(path)) as store:
            version = _version(store)
    except (sqlite3.Error, OSError) as error:
        return _said(error, path, name)
    if version is None:
        return f"{name} belongs to another program: nothing is recorded; set another path for the store"
    if version and version not in REVISIONS:
        return f"{name} was made by a newer Seawall (schema {version[:32]}): nothing is recorded; update this one"
    return (
        ""
        if os.access(path, os.W_OK)
        else f"{name} cannot be written: nothing is recorded; change its permissions"
    )


def _opened(path: Path) -> sqlite3.Connection:
    # Not by SQLAlchemy, whose import takes half a second here, and on a busy machine all the time that a check has.
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_WAITS)


def _version(store: sqlite3.Connection) -> str | None:
    """The schema's revision; empty for an empty file, None for what is no store of Seawall's."""
    tables = {name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return ""
    if not {"alembic_version", "attempt"} <= tables:
        return None
    found = store.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if found is None else str(found[0])


def _said(error: Exception, path: Path, name: str) -> str:
    match trouble_of(error, path).kind:
        case Kind.DAMAGED:
            return f"{name} is damaged: the next gateway that starts moves it aside and begins a new one"
        case Kind.LOCKED:
            return f"{name} is locked by another program: records wait until it lets go"
        case _:
            return f"{name} cannot be opened: nothing is recorded; look at its permissions"


def _rows(probe: Probe, since: float) -> list[Attempt]:
    path = store_path(probe.subject.config.store, here())
    names = [one.name for one in fields(Attempt)]
    columns = ", ".join(f'"{name}"' for name in names)
    question = f"SELECT {columns} FROM attempt WHERE at >= ? ORDER BY at DESC, id DESC LIMIT ?"  # noqa: S608  no value
    try:
        if not path.exists():
            return []
        with closing(_opened(path)) as store:
            if (version := _version(store)) == HEAD:
                rows = store.execute(question, (since, _MOST)).fetchall()
    except (sqlite3.Error, OSError) as error:
        raise Unreadable(why_unusable(path, probe.subject.home) or str(path)) from error
    if version == "":
        return []
    if version != HEAD:
        older = (
            f"{shown(path, probe.subject.home)} is of an older Seawall: the next gateway brings it up to date"
        )
        raise Unreadable(why_unusable(path, probe.subject.home) or older)
    return [
        Attempt(**row | {name: bool(row[name]) for name in _BOOLEANS})
        for row in (dict(zip(names, one, strict=True)) for one in rows)
    ]


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
        return Finding(State.UNKNOWN, f"the records cannot be read: {error}")
    return [row for row in rows if row.at <= now + 60]
