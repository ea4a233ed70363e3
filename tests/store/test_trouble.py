import errno
import os
import sqlite3
from collections import namedtuple
from pathlib import Path

import pytest

from seawall.store import trouble
from seawall.store.trouble import Kind, Trouble, Unusable, sentence, trouble_of

PATH = Path("/data/seawall.db")


def from_sqlite(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("its own words")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_BUSY, Kind.LOCKED),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Kind.LOCKED),
        (sqlite3.SQLITE_LOCKED, Kind.LOCKED),
        (sqlite3.SQLITE_FULL, Kind.FULL),
        (sqlite3.SQLITE_READONLY, Kind.UNWRITABLE),
        (sqlite3.SQLITE_READONLY_DBMOVED, Kind.UNWRITABLE),
        (sqlite3.SQLITE_CANTOPEN, Kind.UNWRITABLE),
        (sqlite3.SQLITE_PERM, Kind.UNWRITABLE),
        (sqlite3.SQLITE_AUTH, Kind.UNWRITABLE),
        (sqlite3.SQLITE_CORRUPT, Kind.DAMAGED),
        (sqlite3.SQLITE_CORRUPT_INDEX, Kind.DAMAGED),
        (sqlite3.SQLITE_NOTADB, Kind.DAMAGED),
        (sqlite3.SQLITE_ERROR, Kind.OTHER),
    ],
)
def test_each_code_of_sqlite_has_its_kind(code: int, kind: Kind):
    """Extended codes count as their family."""
    assert trouble_of(from_sqlite(code), PATH).kind is kind


@pytest.mark.parametrize(
    ("free", "kind"), [(0, Kind.FULL), (8, Kind.FULL), (1_000_000, Kind.OTHER), (None, Kind.OTHER)]
)
def test_an_io_error_on_a_full_disk_is_a_full_disk(
    free: int | None, kind: Kind, monkeypatch: pytest.MonkeyPatch
):
    """SQLite calls it an I/O error when the index of its log cannot grow; the disk is asked."""
    disk = namedtuple("disk", "f_bavail f_frsize")

    def statvfs(_path: object) -> object:
        if free is None:
            raise FileNotFoundError
        return disk(free, 4096)

    monkeypatch.setattr(os, "statvfs", statvfs)
    assert trouble_of(from_sqlite(sqlite3.SQLITE_IOERR_SHMSIZE), PATH).kind is kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, Kind.FULL),
        (errno.EDQUOT, Kind.FULL),
        (errno.EACCES, Kind.UNWRITABLE),
        (errno.EROFS, Kind.UNWRITABLE),
        (errno.ENOTDIR, Kind.UNWRITABLE),
        (errno.ENOENT, Kind.UNWRITABLE),
        (errno.EWOULDBLOCK, Kind.LOCKED),
        (errno.EIO, Kind.OTHER),
    ],
)
def test_each_error_of_the_system_has_its_kind(code: int, kind: Kind):
    """Opening a folder or a file fails for the same few reasons."""
    assert trouble_of(OSError(code, os.strerror(code)), PATH).kind is kind


def test_one_that_was_found_is_passed_on():
    """What `open_store` concluded itself is not concluded again."""
    known = Trouble(Kind.NEWER, "as it was said")
    assert trouble_of(Unusable(known), PATH) is known


def test_a_surprise_is_named_by_its_type_alone():
    """An unexpected error may carry anything in its text: only what it is gets into a log line."""
    said = trouble_of(RuntimeError("sk-ant-api03-canary"), None)
    assert said.kind is Kind.OTHER
    assert "RuntimeError" in said.reason
    assert "canary" not in said.reason


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_one_line_that_names_the_file(kind: Kind):
    """A log line and a status line say where, and end with what to do."""
    text = sentence(kind, str(PATH), "detail")
    assert str(PATH) in text
    assert "\n" not in text
    assert text.count(". ") >= 1
    assert text.endswith((".", "it."))


def test_the_numbers_are_sqlites():
    """The table is written with numbers so that sqlite3 stays unimported; they are the library's."""
    names = {
        3: sqlite3.SQLITE_PERM, 5: sqlite3.SQLITE_BUSY, 6: sqlite3.SQLITE_LOCKED, 8: sqlite3.SQLITE_READONLY,
        11: sqlite3.SQLITE_CORRUPT, 13: sqlite3.SQLITE_FULL, 14: sqlite3.SQLITE_CANTOPEN,
        23: sqlite3.SQLITE_AUTH, 26: sqlite3.SQLITE_NOTADB,
    }  # fmt: skip
    assert set(trouble._SQLITE) == set(names.values())
    assert sqlite3.SQLITE_IOERR == trouble._IOERR
