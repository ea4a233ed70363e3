"""What is on record, for verbs that only look back a step."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from seawall.cli.common import Common, ExitCode, Failure, home, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from seawall.store.rows import Attempt

T = TypeVar("T")

_RECENT = 200
"""Rows that are looked through: those behind a failure are its call's later attempts."""
_PATIENCE = 2.0
"""Seconds that another program may have the store locked."""
_SKEW = 60.0
"""Seconds that a record may lie in the future; one beyond was written by a clock that was wrong, and is no newest."""
_CLOSED = "{} cannot be opened; look at its permissions"
_SAME = 5.0
"""Seconds between what the gateway and a transcript note of one failure; the gateway knows more of it."""


def newest_failure(common: Common) -> "Attempt":
    """The newest failed attempt that the gateway or a hook recorded, or that Claude Code's transcripts tell of.

    Its `source` says which. `Failure` where there is none.
    """
    import time

    from seawall.claude_code.transcripts import folders, last_failure

    now = time.time()
    trouble: Failure | None = None
    try:
        newest = _recorded(common, now)
    except Failure as error:
        newest, trouble = None, error
    told = last_failure(folders(os.environ, home(os.environ)), now)
    if told is not None and (newest is None or told[0].at > newest.at + _SAME):
        newest = told[0]
    if newest is not None:
        return newest
    raise trouble or Failure(
        "no failure is on record; paste the error into `seawall explain`", ExitCode.USAGE
    )


SEEN_BY = {
    "gateway": "by the gateway",
    "hook": "by Claude Code's hook",
    "transcript": "in Claude Code's transcript",
    "doctor": "by the doctor",
    "log": "in a log",
}
"""Where a recorded attempt was seen, to be said after its time."""


def place(common: Common) -> "Path":
    """Where the store is, or would be; `Failure` where it can be nowhere, or one may not even look for it."""
    from seawall.store.place import here, store_path
    from seawall.store.trouble import Unusable

    try:
        path = store_path(load_settings(common, {}, os.environ).config.store, here())
    except Unusable as error:
        raise Failure(str(error)) from None
    try:
        path.stat()
    except PermissionError:  # its folder is somebody else's: made by `sudo seawall`, say
        raise Failure(_CLOSED.format(path)) from None
    except OSError:
        pass  # it is not there yet, or whoever opens it says why not
    return path


def _recorded(common: Common, now: float) -> "Attempt | None":
    """The newest failure in the store that is not of the future."""
    with open_records(common) as connection:
        if connection is None:
            return None
        from seawall.store.queries import attempts_since

        rows = attempts_since(connection, 0.0, _RECENT, now + _SKEW)
        return next((row for row in rows if row.cause), None)


def asked(common: Common, question: "Callable[[Connection | None], T]") -> T | Failure:
    """What the records answer, or why they cannot be read: for verbs that go on without them."""
    try:
        with open_records(common) as connection:
            return question(connection)
    except Failure as failure:
        return failure


@contextmanager
def open_records(common: Common) -> "Iterator[Connection | None]":
    """The store, to be read; None where there is none yet. `Failure` in one line for whatever else keeps it shut."""
    from sqlalchemy.exc import SQLAlchemyError

    from seawall.store.queries import reading, revision
    from seawall.store.version import HEAD, REVISIONS

    path = place(common)
    found: str | None = None
    for again in (False, True):
        try:
            with reading(path) as connection:
                found = revision(connection)
                if found == HEAD:
                    yield connection
                    return
        except FileNotFoundError:
            yield None
            return
        except SQLAlchemyError as error:
            raise Failure(_unreadable(path, error)) from None
        if again or found not in REVISIONS or not _brought_up_to_date(path):
            break
    if found is None and _is_empty(path):
        yield None
        return
    if found is None:
        raise Failure(f"{path} has no records of Seawall in it")
    raise Failure(
        f"the records in {path} are of an older Seawall and could not be brought up to date; a gateway tries again"
        if found in REVISIONS
        else f"the records in {path} are of a newer Seawall (schema {found[:32]}); update this one to read them"
    )


def _is_empty(path: "Path") -> bool:
    """Whether nothing at all is in the file yet: the next gateway begins its records there."""
    try:
        return path.stat().st_size == 0
    except OSError:
        return False


def _brought_up_to_date(path: "Path") -> bool:
    """Whether an earlier version's records have this one's shape now: nobody need start a gateway to look back."""
    import sqlite3

    from seawall.store.sqlite import open_store
    from seawall.store.trouble import Unusable

    try:
        open_store(path, _PATIENCE).connection.close()
    except (Unusable, OSError, ValueError, sqlite3.Error):
        return False
    return True


def _unreadable(path: "Path", error: Exception) -> str:
    """Why it cannot be read, and what to do, in one line."""
    from seawall.store.trouble import Kind, trouble_of

    if path.is_dir():
        return f"{path} is a folder, not a file of records; set another path for the store"
    match trouble_of(getattr(error, "orig", None) or error, path).kind:
        case Kind.LOCKED:
            return (
                f"{path} is locked by another program; try again when it has let go (`lsof {path}` names it)"
            )
        case Kind.DAMAGED:
            return f"{path} is damaged; the next gateway that starts moves it aside and begins a new one"
        case Kind.UNWRITABLE:
            return _CLOSED.format(path)
        case _:
            return f"{path} cannot be read ({type(error).__name__})"
