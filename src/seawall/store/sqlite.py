"""Opens the SQLite file as the writer needs it: private, of this version's schema, a damaged one moved aside.

`open_store` is the one function that knows how a store is opened. sqlite3 is imported when it is called.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seawall.store.trouble import Kind, Trouble, Unusable, is_full, sentence
from seawall.store.version import HEAD, REVISIONS

if TYPE_CHECKING:
    from sqlite3 import Connection

Identity = tuple[int, int]
"""Device and inode: tells a file from another that took its name."""

MIGRATES_WITHIN = 60.0
"""Seconds. It takes half a second; a slow disk and a busy machine get a hundred times that."""
WAITS_FOR_FOLDER = 10.0
"""Seconds that another gateway may take to make or move the file, before this one tries again later."""
LOG_KEPT = 4 * 1024 * 1024
"""Bytes that the write-ahead log may keep when it has been emptied."""
DATABASES = (".db", ".sqlite", ".sqlite3")
"""A file with such a name and other content is a damaged store; any other may be the user's notes."""
CACHE = 64
"""KB of pages in memory: the writer appends, it reads next to nothing."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An open store. `moved` is where a damaged one was moved to just before, if it was."""

    connection: "Connection"
    identity: Identity
    moved: Path | None = None


def open_store(path: Path, busy: float) -> Opened:
    """Opens the file, making it or moving it to this version's schema first where that is needed.

    Waits for locks up to `busy` seconds. Raises `Unusable`, `OSError`, `ValueError` (a path that is none) or
    `sqlite3.Error`; `trouble_of` puts each of them in words. The connection belongs to the calling thread.
    """
    if path.exists() and not path.is_file():
        what = "it is a folder" if path.is_dir() else "it is no regular file"
        raise Unusable(Trouble(Kind.UNWRITABLE, sentence(Kind.UNWRITABLE, str(path), what)))
    _make_folder(path.parent)
    opened = _open_present(path, busy)
    if opened is not None:
        return opened
    with _folder_locked(path.parent):
        # Another gateway may have done the work while this one waited for the folder.
        opened = _open_present(path, busy)
        if opened is not None:
            return opened
        moved = _move_aside(path, busy)
        _make_file(path)
        _migrate(path)
        opened = _open_present(path, busy)
    if opened is None:
        raise Unusable(Trouble(Kind.OTHER, sentence(Kind.OTHER, str(path), "it stayed as it was")))
    return Opened(opened.connection, opened.identity, moved)


def identity_of(path: Path) -> Identity | None:
    """Which file has this name now; None for none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def is_database(path: Path) -> bool:
    """Whether the file begins as SQLite's do."""
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def is_damage(error: Exception) -> bool:
    """Whether this error means that the file's content is not what SQLite wrote."""
    import sqlite3

    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def set_aside(path: Path, identity: Identity) -> Path | None:
    """Gives a damaged file and its log another name; None where another gateway already has."""
    with _folder_locked(path.parent):
        return _rename(path) if identity_of(path) == identity else None


def _open_present(path: Path, busy: float) -> Opened | None:
    """The open store; None where there is no file, or one that is damaged or of an older schema."""
    import sqlite3

    identity = identity_of(path)
    if identity is None:
        return None
    # Not made by this call: SQLite would give a new file whatever mode the umask allows.
    connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=busy, isolation_level=None)
    try:
        version = _version(connection, path)
        if version == HEAD:
            _prepare(connection, path)
            return Opened(connection, identity)
        if version and version not in REVISIONS:
            detail = f"schema {version[:32]}, this one knows {HEAD}"
            raise Unusable(Trouble(Kind.NEWER, sentence(Kind.NEWER, str(path), detail)))
    except sqlite3.DatabaseError as error:
        connection.close()
        if is_damage(error):
            return None
        raise
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


def _version(connection: "Connection", path: Path) -> str:
    """The revision of the schema in the file; empty for an empty file. Reads only."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return ""
    if "alembic_version" in tables:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        if found is not None and "attempt" in tables:
            return str(found[0])
    raise Unusable(Trouble(Kind.FOREIGN, sentence(Kind.FOREIGN, str(path), "")))


def _prepare(connection: "Connection", path: Path) -> None:
    # The log and its index take the file's mode when SQLite makes them.
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        try:
            if os.stat(name).st_mode & 0o077:
                os.chmod(name, 0o600)
        except OSError:
            pass  # not there, or somebody else's: what can be written is not refused for its mode
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute(f"PRAGMA cache_size = -{CACHE}")
    # Where the file system has no shared memory for a log (some network shares) SQLite keeps its old journal.
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA journal_size_limit = {LOG_KEPT}").fetchone()
    # SQLite opens what cannot be written for reading: find out now, not at the first row.
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")


def _make_folder(folder: Path) -> None:
    """Makes what is missing of the folders, for the user alone; leaves those that are there."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            if not folder.is_dir():
                raise


def _make_file(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        pass


def _move_aside(path: Path, busy: float) -> Path | None:
    """Moves the file away if it is damaged; called with the folder locked.

    Raises `Unusable` for a file that neither is nor is named as a database: a path that was set by mistake.
    """
    import sqlite3

    if identity_of(path) is None:
        return None
    connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=busy, isolation_level=None)
    try:
        _version(connection, path)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
    else:
        return None
    finally:
        connection.close()
    if path.suffix not in DATABASES and not is_database(path):
        raise Unusable(Trouble(Kind.FOREIGN, sentence(Kind.FOREIGN, str(path), "")))
    return _rename(path)


def _rename(path: Path) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    name, again = f"{path}.damaged-{stamp}", 1
    while os.path.lexists(name):
        again += 1
        name = f"{path}.damaged-{stamp}-{again}"
    # The log goes first: it must never be found beside a new file.
    for ending in ("-wal", "-shm", "-journal", ""):
        try:
            os.rename(f"{path}{ending}", f"{name}{ending}")
        except FileNotFoundError:
            pass
    return Path(name)


def _migrate(path: Path) -> None:
    """Runs `store.migrate` as a program of its own; raises `Unusable` with its last words where it failed."""
    from seawall.store import migrate

    command = [sys.executable, "-P", "-m", "seawall.store.migrate", str(path)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module by our own interpreter
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=MIGRATES_WITHIN,
            check=False,
            # Ctrl-C is for the gateway, which stops in good order; this is over in a moment.
            start_new_session=True,
        )
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        code, detail = done.returncode, words[0][:300] if words else f"exit code {done.returncode}"
    except subprocess.TimeoutExpired:
        code, detail = 1, f"not done within {MIGRATES_WITHIN:.0f} s"
    if code:
        kind = Kind.LOCKED if code == migrate.LOCKED else Kind.FULL if is_full(path) else Kind.OTHER
        raise Unusable(Trouble(kind, sentence(kind, str(path), f"its tables could not be made: {detail}")))


@contextmanager
def _folder_locked(folder: Path) -> Iterator[None]:
    """Keeps other gateways from making, migrating or moving the same file; leaves no lock file behind."""
    import fcntl

    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        until = time.monotonic() + WAITS_FOR_FOLDER
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
            except OSError:
                break  # a file system without such locks: the transaction of the migration still protects it
        yield
    finally:
        os.close(handle)
