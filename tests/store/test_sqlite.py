import fcntl
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from seawall.store import sqlite
from seawall.store.sqlite import identity_of, open_store, set_aside
from seawall.store.trouble import Kind, Unusable


def mode(path: Path | str) -> int:
    return os.stat(path).st_mode & 0o777


def damaged_in(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.iterdir() if ".damaged-" in found.name)


def test_a_new_store_is_the_users_alone(tmp_path: Path):
    """File, log and index have mode 600, made folders 700, whatever the umask says."""
    path = tmp_path / "a" / "b" / "seawall.db"
    before = os.umask(0)
    try:
        opened = open_store(path, busy=1)
        opened.connection.execute("INSERT INTO hourly_count VALUES (1, 0, '', '', '', '', 1)")
        modes = [mode(path), mode(f"{path}-wal"), mode(f"{path}-shm")]
    finally:
        os.umask(before)
    opened.connection.close()
    assert modes == [0o600, 0o600, 0o600]
    assert [mode(path.parent), mode(path.parent.parent)] == [0o700, 0o700]


def test_a_new_file_is_never_open_to_others(tmp_path: Path):
    """Not even for the moment between its making and its first opening."""
    path = tmp_path / "seawall.db"
    before = os.umask(0)
    try:
        sqlite._make_file(path)
    finally:
        os.umask(before)
    assert mode(path) == 0o600


def test_a_store_that_cannot_be_written_is_found_at_opening(path: Path):
    """A lock that still lets it be read is noticed before the first row needs it gone."""
    open_store(path, busy=1).connection.close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        open_store(path, busy=0.01)
    holder.close()


def test_a_folder_that_was_there_keeps_its_mode(path: Path):
    """A store in a folder of the user's own choice does not close that folder to others."""
    path.parent.chmod(0o755)
    open_store(path, busy=1).connection.close()
    assert mode(path.parent) == 0o755


def test_a_file_that_others_can_read_is_closed_to_them(path: Path):
    """A store copied back from somewhere with mode 644 gets 600."""
    path.chmod(0o644)
    open_store(path, busy=1).connection.close()
    assert mode(path) == 0o600


def test_a_log_is_kept_beside_it(path: Path):
    """WAL: readers do not stop the writer; NORMAL: no wait for the disk at each commit."""
    connection = open_store(path, busy=1).connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (1,)
    connection.close()


def test_a_store_of_this_schema_needs_no_other_program(path: Path, monkeypatch: pytest.MonkeyPatch):
    """The usual start runs no migration."""
    monkeypatch.setattr(sqlite, "_migrate", lambda _path: pytest.fail("a migration was run"))
    open_store(path, busy=1).connection.close()


def test_a_newer_store_is_not_touched(path: Path):
    """Not a byte, nor its mode: a newer Seawall will read it again."""
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    path.chmod(0o640)
    before = path.read_bytes()
    with pytest.raises(Unusable, match="newer Seawall") as caught:
        open_store(path, busy=1)
    assert caught.value.trouble.kind is Kind.NEWER
    assert (path.read_bytes(), mode(path)) == (before, 0o640)
    assert [found.name for found in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("version", [None, "0001"])
def test_another_programs_database_is_not_touched(tmp_path: Path, version: str | None):
    """A path that names some other SQLite file, even one that Alembic made, is refused."""
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE songs (title TEXT)")
    if version:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (version,))
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(Unusable, match="another program") as caught:
        open_store(path, busy=1)
    assert caught.value.trouble.kind is Kind.FOREIGN
    assert path.read_bytes() == before


def test_an_older_schema_is_brought_forward(path: Path, monkeypatch: pytest.MonkeyPatch):
    """A store whose schema is known but not the newest is migrated, once, and opened."""
    ran = []

    def forward(at: Path) -> None:
        ran.append(at)
        connection = sqlite3.connect(at)
        connection.execute("UPDATE alembic_version SET version_num = 'next'")
        connection.commit()
        connection.close()

    monkeypatch.setattr(sqlite, "REVISIONS", (*sqlite.REVISIONS, "next"))
    monkeypatch.setattr(sqlite, "HEAD", "next")
    monkeypatch.setattr(sqlite, "_migrate", forward)
    open_store(path, busy=1).connection.close()
    assert ran == [path]


def test_a_migration_that_fails_is_said_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The last line that the program wrote is in the reason; the empty file can be tried again."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "alembic.py").write_text("raise ImportError('half an installation')")
    path = tmp_path / "seawall.db"
    with pytest.raises(Unusable, match="half an installation"):
        open_store(path, busy=1)
    monkeypatch.delenv("PYTHONPATH")
    open_store(path, busy=1).connection.close()


def test_a_migration_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It has a bounded time, and the gateway goes on without a store."""
    monkeypatch.setattr(sqlite, "MIGRATES_WITHIN", 0.01)
    with pytest.raises(Unusable, match="not done within"):
        open_store(tmp_path / "seawall.db", busy=1)


DAMAGE = {
    "random bytes": lambda whole: os.urandom(9000),
    "a text": lambda whole: b"this is no database\n" * 100,
    "cut": lambda whole: whole[: len(whole) // 2],
    "cut in the header": lambda whole: whole[:50],
    "schema overwritten": lambda whole: whole[:100] + b"\xff" * 3996 + whole[4096:],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_store_is_moved_aside_and_a_new_one_begun(
    path: Path, damage: str, monkeypatch: pytest.MonkeyPatch, made: Path
):
    """Nothing is deleted: the old bytes are found under a name that says when, and the new store works."""
    monkeypatch.setattr(sqlite, "_migrate", lambda at: at.write_bytes(made.read_bytes()))
    bytes_now = DAMAGE[damage](path.read_bytes())
    path.write_bytes(bytes_now)
    Path(f"{path}-wal").write_bytes(b"its log")
    opened = open_store(path, busy=1)
    assert opened.connection.execute("SELECT count(*) FROM attempt").fetchone() == (0,)
    opened.connection.close()
    assert opened.moved is not None
    assert opened.moved.name.startswith("seawall.db.damaged-2")
    assert opened.moved.read_bytes() == bytes_now
    assert opened.moved.name in damaged_in(path.parent)


def test_a_damaged_log_does_not_stay_beside_the_new_store(path: Path):
    """A stranger's log next to a new file would be a second damage."""
    Path(f"{path}-wal").write_bytes(b"its log")
    identity = identity_of(path)
    assert identity is not None
    moved = set_aside(path, identity)
    assert moved is not None
    assert damaged_in(path.parent) == [moved.name, f"{moved.name}-wal"]
    assert not path.exists()


def test_two_damaged_stores_in_one_second_get_two_names(path: Path):
    """The second does not replace the first."""
    for content in (b"first", b"second"):
        path.write_bytes(content)
        identity = identity_of(path)
        assert identity is not None
        set_aside(path, identity)
    assert len(damaged_in(path.parent)) == 2


def test_a_file_that_took_its_place_is_not_moved(path: Path):
    """Two gateways see the same damage: the second must not move the store that the first began."""
    identity = identity_of(path)
    assert identity is not None
    path.rename(path.with_name("elsewhere"))
    path.write_bytes(b"the new one")
    assert set_aside(path, identity) is None
    assert path.read_bytes() == b"the new one"


@pytest.mark.parametrize("content", [b"my notes\n" * 500, b"one line"])
def test_a_path_that_was_set_by_mistake_costs_nobody_a_file(tmp_path: Path, content: bytes):
    """What neither is nor is named as a database is not taken for a damaged store, and stays where it is."""
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(Unusable, match="another program") as caught:
        open_store(path, busy=1)
    assert caught.value.trouble.kind is Kind.FOREIGN
    assert [found.read_bytes() for found in tmp_path.iterdir()] == [content]


HALF_MADE = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("CREATE TABLE attempt (id INTEGER)")
connection.executemany("INSERT INTO attempt VALUES (?)", ((n,) for n in range(20_000)))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_migration_that_was_killed_is_begun_again(tmp_path: Path):
    """Half of its pages are in the file, the way back is in the journal: SQLite takes it, and it starts anew."""
    path = tmp_path / "seawall.db"
    path.touch(0o600)
    subprocess.run([sys.executable, "-c", HALF_MADE, str(path)], check=False)
    assert path.stat().st_size > 0
    assert Path(f"{path}-journal").stat().st_size > 0
    opened = open_store(path, busy=1)
    assert opened.connection.execute("SELECT count(*) FROM attempt").fetchone() == (0,)
    opened.connection.close()
    assert opened.moved is None


def test_a_file_of_no_bytes_becomes_a_store(tmp_path: Path):
    """What a full disk or a crash left empty is not damaged."""
    path = tmp_path / "seawall.db"
    path.touch()
    opened = open_store(path, busy=1)
    opened.connection.close()
    assert opened.moved is None


@pytest.mark.parametrize(
    ("name", "said"),
    [("folder", "it is a folder"), ("pipe", "no regular file"), ("file/below.db", "Not a directory|exists")],
)
def test_a_path_that_can_be_no_store_is_said(tmp_path: Path, name: str, said: str):
    """A folder, a pipe, a file used as a folder: the reason names it, nothing is made or changed."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("kept")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises((Unusable, OSError), match=said):
        open_store(tmp_path / name, busy=1)
    assert (tmp_path / "file").read_text() == "kept"
    assert sorted(found.name for found in tmp_path.iterdir()) == ["file", "folder", "pipe"]


def test_a_place_where_nothing_can_be_made_is_said():
    """A file system that refuses even the owner, as a read-only home does."""
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc here to stand for a read-only home")
    with pytest.raises(OSError, match="proc"):
        open_store(Path("/proc/seawall/seawall.db"), busy=1)


def test_two_that_begin_at_once_make_one_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Two gateways start together on a new file: one makes it, the other waits, both can write."""
    path = tmp_path / "seawall.db"
    said: list[object] = []
    genuine, made = sqlite._migrate, []
    monkeypatch.setattr(sqlite, "_migrate", lambda at: made.append(at) or genuine(at))

    def begin() -> None:
        opened = open_store(path, busy=5)
        opened.connection.execute("INSERT INTO hourly_count VALUES (?, 0, '', '', '', '', 1)", (len(said),))
        said.append(opened.identity)
        opened.connection.close()

    threads = [threading.Thread(target=begin) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [identity_of(path)] * 2
    assert made == [path]


def test_a_folder_that_somebody_keeps_locked_is_tried_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Another gateway hangs while it makes the store: this one goes on and says that it is locked."""
    monkeypatch.setattr(sqlite, "WAITS_FOR_FOLDER", 0.01)
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with pytest.raises(BlockingIOError):
            open_store(tmp_path / "seawall.db", busy=1)
    finally:
        os.close(handle)
