import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from store_helpers import QUICK, attempt, until

from seawall.config import Store
from seawall.store import place, sqlite, writer
from seawall.store.rows import Count
from seawall.store.writer import Health, State, Writer

WriterOf = Callable[..., Writer]
COUNT = Count(498_611, 60, "api.anthropic.com", "opus", "", "provider.overloaded", 1)


def ask(path: Path, question: str = "SELECT number FROM attempt ORDER BY id") -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(question).fetchall()
    finally:
        connection.close()


def is_(writer: Writer, health: Health) -> Callable[[], bool]:
    return lambda: writer.state.health is health


@pytest.fixture
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program that has the store to itself."""
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    yield holder
    holder.close()


# What it does when all is well


def test_what_is_put_is_in_the_store(path: Path, writer_of: WriterOf):
    """Attempts land one by one and in order, counts added up, every field as it was put."""
    row = attempt(cause=None, status=None, maybe_billed=True, ended="recovered")
    store = writer_of(path)
    store.put(row)
    for _ in range(3):
        store.put(COUNT)
    last = store.close()
    assert last == State(Health.CLOSED, "", waiting=0, dropped=0, written=2)
    names = ", ".join(type(row).__dataclass_fields__)
    assert ask(path, f"SELECT {names} FROM attempt") == [tuple(getattr(row, n) for n in names.split(", "))]
    assert ask(path, "SELECT cause, attempts FROM hourly_count") == [("provider.overloaded", 3)]


def test_counts_are_added_to_those_of_earlier_runs(path: Path, writer_of: WriterOf):
    """The same hour counted by two gateways, or before and after a restart, is one row."""
    for _ in range(2):
        store = writer_of(path)
        store.put(replace(COUNT, attempts=21))
        store.close()
    assert ask(path, "SELECT attempts FROM hourly_count") == [(42,)]


def test_rows_are_written_without_being_asked(path: Path, writer_of: WriterOf):
    """Nobody has to flush: attempts and counts are in the file while the gateway runs."""
    store = writer_of(path)
    store.put(attempt())
    store.put(COUNT)
    until(lambda: store.state.written == 2)
    assert store.state == State(Health.OK, "", 0, 0, 2)
    assert ask(path) == [(1,)]


def test_a_relative_path_begins_where_the_writer_was_made(path: Path, monkeypatch: pytest.MonkeyPatch):
    """A gateway that leaves its folder before the store is opened does not take the store along."""
    monkeypatch.chdir(path.parent)
    store = Writer(Store(path=path.name), pace=QUICK)
    monkeypatch.chdir("/")
    store.start()
    store.put(attempt())
    assert store.close().written == 1
    assert ask(path) == [(1,)]


def test_more_rows_than_a_batch_all_land(path: Path, writer_of: WriterOf):
    """Batches follow each other until nothing waits."""
    store = writer_of(path, pace=replace(QUICK, batch=10))
    for number in range(95):
        store.put(attempt(number))
    store.close()
    assert ask(path) == [(number,) for number in range(95)]


def test_a_new_store_is_made(tmp_path: Path, writer_of: WriterOf):
    """The first start of all: the folder, the file and its tables come from nothing."""
    path = tmp_path / "data" / "seawall" / "seawall.db"
    store = writer_of(path)
    store.put(attempt())
    until(is_(store, Health.OK))
    store.close()
    assert ask(path) == [(1,)]


def test_two_writers_on_one_file_both_land_all_rows(path: Path, writer_of: WriterOf):
    """Two gateways of one user share a store; neither loses a row to the other's lock."""
    both = [writer_of(path), writer_of(path)]
    for number in range(500):
        for store in both:
            store.put(attempt(number))
            store.put(COUNT)
    assert [store.close(20).dropped for store in both] == [0, 0]
    assert ask(path, "SELECT count(*) FROM attempt") == [(1000,)]
    assert ask(path, "SELECT sum(attempts) FROM hourly_count") == [(1000,)]


def test_rows_come_from_any_thread(path: Path, writer_of: WriterOf):
    """`put` from several threads at once loses nothing."""
    store = writer_of(path)

    def feed() -> None:
        for number in range(300):
            store.put(attempt(number))
            store.put(COUNT)

    threads = [threading.Thread(target=feed) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    assert ask(path, "SELECT count(*) FROM attempt") == [(1200,)]
    assert ask(path, "SELECT attempts FROM hourly_count") == [(1200,)]


# What it costs


PROBE = """
import sys, time
from seawall.config import Store
import seawall.store.writer as writer
heavy = ("sqlite3", "_sqlite3", "sqlalchemy", "alembic", "platformdirs", "msgspec")
early = [name for name in heavy if name in sys.modules]
began = time.perf_counter()
w = writer.Writer(Store(path=sys.argv[1]))
w.start()
took = time.perf_counter() - began
waited = w.state.health
w.put(None)
last = w.close(60)
late = [name for name in ("sqlalchemy", "alembic", "mako") if name in sys.modules]
print(early, late, took < 0.1, str(waited), str(last.health), last.dropped)
"""


def test_importing_and_starting_it_is_light(tmp_path: Path):
    """The gateway answers before a store is opened: nothing heavy is imported, `start` does not wait.

    Not even where the schema must be made first: that happens in a program of its own.
    """
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path / "seawall.db")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[0] == "[] [] True starting closed 1"
    assert ask(tmp_path / "seawall.db") == []


def test_an_idle_writer_does_nothing(path: Path, writer_of: WriterOf, monkeypatch: pytest.MonkeyPatch):
    """With nothing to write the thread sleeps until it is woken; it does not poll."""
    looks = []
    looked = writer.identity_of
    monkeypatch.setattr(writer, "identity_of", lambda at: looks.append(at) or looked(at))
    store = writer_of(path)
    until(is_(store, Health.OK))
    until(lambda: not store._some.is_set())
    before = len(looks)
    threading.Event().wait(0.05)  # fifty times as long as a batch gathers
    assert len(looks) - before <= 1


# What goes wrong, and passes


def test_a_locked_store_is_waited_for(path: Path, locked: sqlite3.Connection, writer_of: WriterOf):
    """The rows wait, the state says why and what to do; when the lock goes they are written."""
    store = writer_of(path)
    store.put(attempt(1))
    until(is_(store, Health.DEGRADED))
    store.put(attempt(2))
    store.put(COUNT)
    said = store.state
    assert "locked by another program" in said.reason
    assert f"lsof {path}" in said.reason
    assert (said.waiting, said.written) == (3, 0)
    locked.execute("ROLLBACK")
    until(lambda: store.state.written == 3)
    assert store.state == State(Health.OK, "", 0, 0, 3)
    assert ask(path) == [(1,), (2,)]


def test_counts_that_failed_are_tried_with_the_next_batch(
    path: Path, writer_of: WriterOf, monkeypatch: pytest.MonkeyPatch
):
    """They were due; they do not wait a whole turn again because the store was locked."""
    genuine = writer.open_store
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def locked_after_opening(at: Path, busy: float) -> sqlite.Opened:
        started.wait(30)
        opened = genuine(at, busy)
        holder.execute("BEGIN IMMEDIATE")
        return opened

    started = threading.Event()
    monkeypatch.setattr(writer, "open_store", locked_after_opening)
    store = writer_of(path, pace=replace(QUICK, counts_every=3600))
    store.put(COUNT)
    started.set()
    until(is_(store, Health.DEGRADED))
    holder.close()
    until(lambda: store.state.written == 1)


def test_a_reader_may_lock_out_the_writer_where_there_is_no_log(
    path: Path, writer_of: WriterOf, monkeypatch: pytest.MonkeyPatch
):
    """Some file systems allow no write-ahead log. A commit that a reader stops is tried again, and lands once."""
    genuine = writer.open_store

    def without_log(at: Path, busy: float) -> sqlite.Opened:
        opened = genuine(at, busy)
        opened.connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        return opened

    monkeypatch.setattr(writer, "open_store", without_log)
    heard: list[State] = []
    store = writer_of(path, on_change=heard.append)
    store.put(attempt(1))
    store.put(attempt(2))
    until(lambda: store.state.written == 2)
    reader = sqlite3.connect(path, isolation_level=None)
    rows = reader.execute("SELECT number FROM attempt")
    rows.fetchone()
    store.put(attempt(3))
    store.put(COUNT)
    until(is_(store, Health.DEGRADED))
    threading.Event().wait(0.05)  # some more tries
    assert all("locked" in state.reason for state in heard if state.health is Health.DEGRADED)
    rows.close()
    until(lambda: store.state.written == 4)
    reader.close()
    assert ask(path) == [(1,), (2,), (3,)]


def test_memory_is_bounded_while_it_waits(path: Path, locked: sqlite3.Connection, writer_of: WriterOf):
    """Of more rows than may wait the newest are kept, the others counted."""
    store = writer_of(path, pace=replace(QUICK, bound=10))
    until(is_(store, Health.DEGRADED))
    for number in range(25):
        store.put(attempt(number))
    until(lambda: store.state.waiting == 10)
    assert store.state.dropped == 15
    locked.execute("ROLLBACK")
    until(lambda: store.state.written == 10)
    assert ask(path) == [(number,) for number in range(15, 25)]


def test_a_full_disk_is_waited_for(path: Path, writer_of: WriterOf, monkeypatch: pytest.MonkeyPatch):
    """SQLite's own "full" keeps the rows, is said once, and ends when there is room."""
    room = {"pages": 0}
    genuine = writer.open_store

    def narrow(at: Path, busy: float) -> sqlite.Opened:
        opened = genuine(at, busy)
        pages = opened.connection.execute("PRAGMA page_count").fetchone()[0] + room["pages"]
        opened.connection.execute(f"PRAGMA max_page_count = {pages}")
        return opened

    monkeypatch.setattr(writer, "open_store", narrow)
    heard: list[State] = []
    store = writer_of(path, on_change=heard.append)
    for number in range(200):
        store.put(attempt(number))
    until(is_(store, Health.DEGRADED))
    assert "is full" in store.state.reason
    threading.Event().wait(0.05)  # some more tries
    room["pages"] = 10_000
    until(lambda: store.state.written == 200)
    assert ask(path, "SELECT count(*) FROM attempt") == [(200,)]
    assert [state.health for state in heard if state.written == 0] in (
        [Health.OK, Health.DEGRADED],
        [Health.DEGRADED],
    )
    until(lambda: heard[-1].health is Health.OK)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 400 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk to fill")
    options = ["-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if subprocess.run([mount, *options], capture_output=True).returncode:
        pytest.skip("this machine does not let a small disk be mounted")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path, made: Path, writer_of: WriterOf):
    """Nothing breaks where the file, its log or its index cannot grow; what is freed is used."""
    path = small_disk / "seawall.db"
    shutil.copyfile(made, path)
    filler = small_disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    store = writer_of(path)
    for number in range(100):
        store.put(attempt(number))
    until(is_(store, Health.DEGRADED))
    assert "is full" in store.state.reason
    filler.unlink()
    until(lambda: store.state.written == 100)
    store.close()
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]
    assert ask(path, "SELECT count(*) FROM attempt") == [(100,)]


def test_a_home_that_is_read_only(small_disk: Path, made: Path, writer_of: WriterOf):
    """Said as soon as the store is opened, before there is a row; written when it can be."""
    path = small_disk / "seawall.db"
    shutil.copyfile(made, path)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    store = writer_of(path)
    until(is_(store, Health.DEGRADED))
    assert "cannot be written" in store.state.reason
    store.put(attempt())
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    until(lambda: store.state.written == 1)
    store.close()
    assert ask(path) == [(1,)]


def test_the_first_start_on_a_full_disk(small_disk: Path, writer_of: WriterOf):
    """Even the tables find no room: that, and not a failed migration, is what is said."""
    (small_disk / "filler").write_bytes(bytes(380 * 1024))
    store = writer_of(small_disk / "seawall.db")
    until(is_(store, Health.DEGRADED))
    assert "is full" in store.state.reason
    (small_disk / "filler").unlink()
    until(is_(store, Health.OK))
    store.close()


def test_a_store_that_is_deleted_is_begun_anew(path: Path, made: Path, writer_of: WriterOf):
    """Rows after `rm seawall.db` go to a file that somebody can find, not to one without a name."""
    store = writer_of(path)
    store.put(attempt(1))
    until(lambda: store.state.written == 1)
    path.unlink()
    store.put(attempt(2))
    until(lambda: store.state.written == 2)
    assert ask(path) == [(2,)]


def test_a_store_that_is_replaced_is_opened_anew(path: Path, made: Path, writer_of: WriterOf):
    """A file that took the name is the store from then on; rows do not go to one that has no name any more."""
    store = writer_of(path)
    store.put(attempt(1))
    until(lambda: store.state.written == 1)
    shutil.copyfile(made, path.with_name("backup"))
    path.with_name("backup").rename(path)
    store.put(attempt(2))
    until(lambda: store.state.written == 2)
    store.close()
    assert (2,) in ask(path)
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_damaged_store_is_replaced_and_said(path: Path, writer_of: WriterOf):
    """The user learns where the old one is; the rows land in the new one."""
    path.write_bytes(os.urandom(8192))
    heard: list[State] = []
    store = writer_of(path, on_change=heard.append)
    store.put(attempt())
    until(lambda: store.state.written == 1)
    aside = [found for found in path.parent.iterdir() if ".damaged-" in found.name]
    assert len(aside) == 1
    assert store.state.health is Health.OK
    assert str(aside[0]) in store.state.reason
    assert str(aside[0]) in heard[-1].reason
    assert ask(path) == [(1,)]


def test_a_store_that_is_written_over_is_noticed(path: Path, writer_of: WriterOf):
    """Another program's bytes in the file while it is open: said at the next row, which lands in a new one."""
    heard: list[State] = []
    store = writer_of(path, on_change=heard.append)
    store.put(attempt(1))
    until(lambda: store.state.written == 1)
    junk = os.urandom(8192)
    with path.open("r+b") as file:
        file.write(junk)
    store.put(attempt(2))
    until(lambda: store.state.written == 2)
    aside = [
        found for found in path.parent.iterdir() if found.name.split("-wal")[0].partition(".damaged-")[1]
    ]
    assert [state.reason for state in heard if state.health is Health.DEGRADED] == [store.state.reason]
    assert "was moved to" in store.state.reason
    assert any(str(found) in store.state.reason for found in aside)
    assert ask(path) == [(2,)]


def test_a_disk_with_little_room_now_and_then_is_said_once(
    path: Path, writer_of: WriterOf, monkeypatch: pytest.MonkeyPatch
):
    """Every second row fails for want of a page: that is one trouble, not one for each."""
    genuine, tries = writer.Writer._transact, iter(range(10_000))

    def tight(self: Writer, batch: object) -> None:
        if next(tries) % 2:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        genuine(self, batch)

    monkeypatch.setattr(writer.Writer, "_transact", tight)
    heard: list[State] = []
    store = writer_of(path, on_change=heard.append, pace=replace(QUICK, settle=3600.0))
    for number in range(1, 7):
        store.put(attempt(number))
        until(lambda: store.state.written == number)  # noqa: B023  now
    assert [state.health for state in heard] in ([Health.OK, Health.DEGRADED], [Health.DEGRADED])
    assert "is full" in store.state.reason


def test_damage_that_shows_while_writing_is_dealt_with_too(path: Path, writer_of: WriterOf):
    """The file opens well, and its tables are found broken at the first row."""
    whole = bytearray(path.read_bytes())
    connection = sqlite3.connect(path)
    question = "SELECT rootpage FROM sqlite_master WHERE tbl_name = 'attempt' AND rootpage > 0"
    roots = [root for (root,) in connection.execute(question)]
    connection.close()
    assert len(roots) > 1
    for root in roots:
        whole[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    path.write_bytes(whole)
    heard: list[State] = []
    store = writer_of(path, on_change=heard.append)
    store.put(attempt())
    until(lambda: store.state.written == 1)
    aside = [found for found in path.parent.iterdir() if ".damaged-" in found.name]
    said = next(state.reason for state in heard if state.health is Health.DEGRADED)
    assert "was moved to" in said
    assert said == store.state.reason
    assert bytes(whole[4096:]) in [found.read_bytes()[4096:] for found in aside]
    assert ask(path) == [(1,)]


# What goes wrong, and stays


def test_a_newer_store_is_worked_without(path: Path, writer_of: WriterOf):
    """The file is left alone, the reason says what to do, and closing does not wait for a miracle."""
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    store = writer_of(path)
    store.put(attempt())
    until(is_(store, Health.DEGRADED))
    assert "newer Seawall" in store.state.reason
    assert "Update Seawall" in store.state.reason
    last = store.close(3600)
    assert (last.health, last.dropped, last.written) == (Health.CLOSED, 1, 0)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["folder", "file/below.db", "a" * 300 + ".db"])
def test_a_path_that_can_be_no_store_is_said(tmp_path: Path, name: str, writer_of: WriterOf):
    """A folder, a file used as a folder, a name that is too long: degraded, with the path."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    store = writer_of(tmp_path / name)
    store.put(attempt())
    until(is_(store, Health.DEGRADED))
    assert str(tmp_path) in store.state.reason
    assert store.close(3600).dropped == 1


def test_a_folder_that_goes_away_makes_room(tmp_path: Path, made: Path, writer_of: WriterOf):
    """What stood in the way is removed by the user: the rows that waited are written."""
    path = tmp_path / "seawall.db"
    path.mkdir()
    store = writer_of(path)
    store.put(attempt())
    until(is_(store, Health.DEGRADED))
    path.rmdir()
    shutil.copyfile(made, tmp_path / "copy")
    (tmp_path / "copy").rename(path)
    until(lambda: store.state.written == 1)
    assert store.state.reason == ""


def test_no_home_is_said(writer_of: WriterOf, monkeypatch: pytest.MonkeyPatch):
    """Without HOME and without a path there is no place; the gateway goes on."""
    for name in ("HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(place.os.path, "expanduser", lambda path: path)
    store = writer_of("")
    until(is_(store, Health.DEGRADED))
    assert "Set HOME" in store.state.reason


def test_a_surprise_does_not_end_the_thread(path: Path, writer_of: WriterOf, monkeypatch: pytest.MonkeyPatch):
    """An error that nobody foresaw is a reason like others; the next try may succeed."""
    genuine, tries = writer.open_store, []

    def surprise(at: Path, busy: float) -> sqlite.Opened:
        tries.append(at)
        if len(tries) < 3:
            raise RuntimeError("sk-ant-api03-canary")
        return genuine(at, busy)

    monkeypatch.setattr(writer, "open_store", surprise)
    heard: list[State] = []
    store = writer_of(path, on_change=heard.append)
    store.put(attempt())
    until(lambda: store.state.written == 1)
    assert heard[0].health is Health.DEGRADED
    assert "canary" not in heard[0].reason


def test_a_listener_that_raises_is_no_trouble(path: Path, writer_of: WriterOf):
    """The log line of a loop that is closed already must not stop the writing."""

    def listener(_state: State) -> None:
        raise RuntimeError("the loop is closed")

    store = writer_of(path, on_change=listener)
    store.put(attempt())
    assert store.close().written == 1


# Only rows of ours


def test_nothing_that_a_person_or_an_upstream_wrote_gets_in(path: Path, writer_of: WriterOf):
    """Canaries in every way in: as a row, in every text of a row. None of them is in the file or its log."""
    canary = "canary of a prompt: rewrite my novel"
    store = writer_of(path)
    for nonsense in (canary, {"prompt": canary}, (canary,), None):
        store.put(nonsense)  # type: ignore[arg-type]
    for name in (
        "call",
        "route",
        "error_type",
        "cause",
        "request_id",
        "ended",
        "client",
        "network",
        "account",
    ):
        store.put(attempt(**{name: canary}))
    store.put(replace(COUNT, route=canary, cause=canary))
    until(lambda: store.state.written == 10)
    stored = b"".join(found.read_bytes() for found in path.parent.iterdir())
    last = store.close()
    assert b"canary" not in stored + path.read_bytes()
    assert b"novel" not in stored
    assert (last.written, last.dropped) == (10, 4)


def test_one_impossible_row_does_not_hold_up_the_others(path: Path, writer_of: WriterOf):
    """A number that no database has is dropped by itself; its batch lands."""
    store = writer_of(path)
    store.put(attempt(1))
    store.put(attempt(2, took=float("nan")))
    store.put(attempt(3, input_bytes=2**70))
    store.put(attempt(4))
    last = store.close()
    assert (last.written, last.dropped) == (2, 2)
    assert ask(path) == [(1,), (4,)]


# The end


def test_closing_twice_is_the_same(path: Path, writer_of: WriterOf):
    """A stop that is asked for twice, by a signal and by the end of the program, does nothing more."""
    store = writer_of(path)
    store.put(attempt())
    assert store.close() == store.close()
    assert store._thread is not None
    assert not store._thread.is_alive()


def test_closing_what_never_started_drops_what_waits(path: Path):
    """A gateway that could not take its port leaves nothing behind, and says what was lost."""
    store = Writer(Store(path=str(path)))
    store.put(attempt())
    assert store.close() == State(Health.CLOSED, "", 0, 1, 0)
    store.start()
    assert store._thread is None


def test_closing_while_it_is_being_opened(path: Path, writer_of: WriterOf, monkeypatch: pytest.MonkeyPatch):
    """A stop before the store is open returns within its time; the thread ends by itself soon after."""
    reached, go = threading.Event(), threading.Event()
    genuine = writer.open_store

    def slow(at: Path, busy: float) -> sqlite.Opened:
        reached.set()
        go.wait(30)
        return genuine(at, busy)

    monkeypatch.setattr(writer, "open_store", slow)
    store = writer_of(path)
    store.put(attempt())
    reached.wait(30)
    last = store.close(0.01)
    assert (last.health, last.waiting) == (Health.STARTING, 1)
    go.set()
    until(lambda: store._thread is not None and not store._thread.is_alive())
    assert store.close().written == 1


def test_what_is_put_after_the_end_is_counted(path: Path, writer_of: WriterOf):
    """Late rows raise nothing and are not forgotten silently."""
    store = writer_of(path)
    store.close()
    store.put(attempt())
    assert store.state.dropped == 1


def test_a_lock_is_waited_for_at_the_end_too(path: Path, locked: sqlite3.Connection, writer_of: WriterOf):
    """Another program's lock passes by itself: the last rows still land if it goes in time."""
    store = writer_of(path)
    store.put(attempt())
    until(is_(store, Health.DEGRADED))
    release = threading.Timer(0.05, lambda: locked.execute("ROLLBACK"))
    release.start()
    last = store.close(20)
    release.join()
    assert (last.written, last.dropped) == (1, 0)


def test_a_lock_that_stays_does_not_keep_the_gateway(
    path: Path, locked: sqlite3.Connection, writer_of: WriterOf
):
    """After its time the stop goes on, and the lost row is counted."""
    store = writer_of(path)
    store.put(attempt())
    until(is_(store, Health.DEGRADED))
    store.close(0.02)
    until(lambda: store._thread is not None and not store._thread.is_alive())
    assert (store.close().dropped, store.state.written) == (1, 0)


KILLED = """
import sys
sys.path.insert(0, sys.argv[2])
from store_helpers import QUICK, attempt
from seawall.config import Store
from seawall.store.writer import Writer
w = Writer(Store(path=sys.argv[1]), pace=QUICK)
w.start()
n = 0
while True:
    n += 1
    w.put(attempt(n))
    if n == 2000:
        print("going", flush=True)
"""


def test_a_killed_gateway_leaves_a_readable_store(path: Path, writer_of: WriterOf):
    """Killed in the midst of writing: the file is whole, whole batches are in it, the next gateway goes on."""
    command = [sys.executable, "-c", KILLED, str(path), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            until(lambda: ask(path, "SELECT count(*) FROM attempt") > [(100,)])
        finally:
            child.send_signal(signal.SIGKILL)
    assert ask(path, "PRAGMA integrity_check") == [("ok",)]
    numbers = [number for (number,) in ask(path)]
    assert numbers == sorted(set(numbers))
    store = writer_of(path)
    store.put(attempt(0))
    assert store.close().written == 1
    assert len(ask(path)) == len(numbers) + 1
