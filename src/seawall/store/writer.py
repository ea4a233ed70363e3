"""The one writer: rows go in from the hot path, a thread of its own brings them to the file.

Importing this module costs nothing worth naming; sqlite3 is imported in the thread, SQLAlchemy and Alembic in
a program that ends (`store.migrate`). Whatever happens to the file, the gateway goes on: rows wait in bounded
memory, the state says why, and when the trouble ends they are written.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path

from seawall.clock import Clock, SystemClock
from seawall.config import History, Store
from seawall.store.backlog import Backlog
from seawall.store.latency import Latency, latency_cells
from seawall.store.place import here, store_path
from seawall.store.rows import Attempt, Cell, Count, Row, cells
from seawall.store.sqlite import Opened, identity_of, is_damage, is_database, open_store, set_aside
from seawall.store.tidy import anything, step
from seawall.store.trouble import Kind, Trouble, trouble_of


@dataclass(frozen=True, slots=True)
class Pace:
    """How the writer takes its time; in seconds and rows."""

    gather: float = 0.25
    """Rows that come within it share a transaction. A killed process loses no more attempts than this ..."""
    counts_every: float = 5.0
    """... and this of its counts, which would otherwise cost a transaction for every few good calls."""
    batch: int = 200
    """Rows of a transaction. With 1000 of them and 512 KB of pages it is 1.5 times as fast (84 000 rows/s, measured),
    which nobody needs, and 0.6 MB larger when a thousand calls fail at once."""
    bound: int = 10_000
    """Attempts that may wait: some 6 MB; a minute of a thousand agents that all fail every six seconds."""
    busy: float = 0.5
    """How long SQLite itself waits for a lock. Another gateway's batch takes milliseconds."""
    retry_first: float = 0.5
    retry_most: float = 60.0
    """Between tries while the store is in trouble, doubled each time. A look at the file costs next to
    nothing; a migration that fails each time costs half a second of CPU."""
    settle: float = 30.0
    """For so long rows must go in after a disk was full: on one with a page to spare now and then, one would be told
    of each."""
    tidy_after: float = 60.0
    """What is too old goes when the store has been open for so long: a start has other things to do, ..."""
    tidy_every: float = 86400.0
    """... and then once in so long."""


STOPPING_RETRY = 0.05
"""Seconds between tries for a locked store while the gateway waits to leave."""


class Health(StrEnum):
    """How the store is."""

    STARTING = "starting"
    OK = "ok"
    DEGRADED = "degraded"
    """Nothing can be written; rows wait in memory."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class State:
    """What can be said of the store in one line.

    `reason` is why it is degraded, or what is worth knowing all the same (a damaged file was moved aside).
    Rows count as written or waiting once added up: a busy hour's counts are a few rows.
    """

    health: Health
    reason: str = ""
    waiting: int = 0
    dropped: int = 0
    written: int = 0


def insert_of(kind: type[Row | Latency], table: str) -> str:
    """The INSERT of a row's fields, in their order, as SQLite reads it."""
    names = [field.name for field in fields(kind)]
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608


def upsert_of(kind: type[Row | Latency], table: str) -> str:
    """The same of a row whose last field is added to that of the row which is alike in all others."""
    *alike, added = (field.name for field in fields(kind))
    adds = f"DO UPDATE SET {added} = {added} + excluded.{added}"
    return f"{insert_of(kind, table)} ON CONFLICT ({', '.join(alike)}) {adds}"


INSERT_ATTEMPT = insert_of(Attempt, "attempt")
UPSERT_COUNT = upsert_of(Count, "hourly_count")
UPSERT_LATENCY = upsert_of(Latency, "latency")


def _batch(rows: Iterable[Row | Latency]) -> dict[str, list[tuple[Cell, ...]]]:
    """The rows that are fit to be kept, by the statement that brings them in."""
    batch: dict[str, list[tuple[Cell, ...]]] = {INSERT_ATTEMPT: [], UPSERT_COUNT: [], UPSERT_LATENCY: []}
    for row in rows:
        match row:
            case Attempt():
                statement, values = INSERT_ATTEMPT, cells(row)
            case Count():
                statement, values = UPSERT_COUNT, cells(row)
            case Latency():
                statement, values = UPSERT_LATENCY, latency_cells(row)
        if values is not None:
            batch[statement].append(values)
    return batch


class Writer:
    """Writes rows to the store, in a thread that it owns.

    `on_change` is called in that thread when health or reason change; what it raises is ignored. What is older than
    `keep` (seconds) goes, once a day and a few rows at a time; then `each_day` is called, in that thread too, with the
    file's path, if any failure is on record.
    """

    def __init__(
        self,
        store: Store,
        *,
        on_change: Callable[[State], None] | None = None,
        pace: Pace | None = None,
        clock: Clock | None = None,
        keep: float = History().keep,
        each_day: Callable[[Path], None] | None = None,
    ) -> None:
        self._store = store
        self._keep = keep
        self._each_day = each_day
        self._folder = here()  # a gateway that runs on by itself changes to another
        self._on_change = on_change
        self._pace = pace or Pace()
        self._clock = clock or SystemClock()
        self._backlog = Backlog(self._pace.bound)
        self._some = threading.Event()  # something waits
        self._full = threading.Event()  # a whole batch waits
        self._stop = threading.Event()
        self._until = 0.0  # when a closing thread gives up
        self._thread: threading.Thread | None = None
        self._said = (Health.STARTING, "")
        self._note = ""
        self._written = 0
        self._path: Path | None = None
        self._opened: Opened | None = None
        self._counts_due = 0.0
        self._tidy_due: float | None = None
        self._settled_at = 0.0  # from then on a disk that was full counts as one that has room

    def start(self) -> None:
        """Starts the thread, which opens the store; returns at once."""
        if self._thread is None and not self._stop.is_set():
            self._thread = threading.Thread(target=self._run, name="seawall-store", daemon=True)
            self._thread.start()

    def put(self, row: Row | Latency) -> None:
        """Leaves a row to be written. Never waits, never raises; drops the oldest when too many wait."""
        waiting = self._backlog.put(row)
        if waiting >= self._pace.batch:
            self._full.set()
        if not self._some.is_set():
            self._some.set()

    @property
    def state(self) -> State:
        """How the store is now."""
        health, reason = self._said
        return State(health, reason or self._note, len(self._backlog), self._backlog.dropped, self._written)

    def close(self, timeout: float = 5.0) -> State:
        """Writes what waits, ends the thread and returns the last state; what cannot be written is dropped.

        Takes `timeout` seconds at most, and no time where the trouble is not one that passes by itself.
        """
        if not self._stop.is_set():
            self._until = self._clock.now() + timeout
            self._stop.set()
            self._some.set()
            self._full.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        if self._thread is None or not self._thread.is_alive():
            self._backlog.close()
            self._said = (Health.CLOSED, self._said[1])
        return self.state

    def _run(self) -> None:
        failures = 0
        while True:
            stopping = self._stop.is_set()  # before writing: what was put until then is written
            try:
                self._work(stopping)
                more = not stopping and self._tidy()
            except Exception as error:  # whatever it is, the gateway goes on
                trouble = self._troubled(error)
                if stopping and (trouble.kind is not Kind.LOCKED or self._clock.now() >= self._until):
                    break
                if stopping:
                    time.sleep(STOPPING_RETRY)
                else:
                    self._stop.wait(min(self._pace.retry_most, self._pace.retry_first * 2**failures))
                    failures = min(failures + 1, 30)  # 2**30 is far beyond any longest wait
            else:
                failures = 0
                if stopping:
                    break
                self._rest(more)
        self._disconnect()

    def _work(self, stopping: bool) -> None:
        """Opens the store if it is not, and writes all that waits and is due."""
        self._connect()
        counts = stopping or self._clock.now() >= self._counts_due
        if counts:
            self._counts_due = self._clock.now() + self._pace.counts_every
        while self._write(counts):
            counts = False
        # Said only now: a full disk opens well and fails at the first row, or at one that needs a page more.
        if stopping or self._clock.now() >= self._settled_at:
            self._say(Health.OK, "")

    def _write(self, counts: bool) -> bool:
        """Writes one batch; true if more attempts may wait."""
        attempts, folded = self._backlog.take(self._pace.batch, counts)
        if not attempts and not folded:
            return False
        try:
            batch = _batch([*attempts, *folded])
            self._transact(batch)
        except BaseException:
            self._backlog.give_back(attempts, folded)
            raise
        unfit = len(attempts) + len(folded) - sum(map(len, batch.values()))
        self._written += self._backlog.done(unfit)
        return len(attempts) == self._pace.batch

    def _transact(self, batch: dict[str, list[tuple[Cell, ...]]]) -> None:
        assert self._opened is not None
        connection = self._opened.connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement, rows in batch.items():
                connection.executemany(statement, rows)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _tidy(self) -> bool:
        """Takes a few old rows away if it is time; true if more may be left."""
        now = self._clock.now()
        if self._tidy_due is None:
            self._tidy_due = now + self._pace.tidy_after
        if now < self._tidy_due:
            return False
        assert self._opened is not None
        if step(self._opened.connection, self._clock.wall() - self._keep):
            return True
        self._tidy_due = now + self._pace.tidy_every
        if self._each_day is not None and self._path is not None and anything(self._opened.connection):
            try:
                self._each_day(self._path)
            except Exception:  # noqa: S110 - a listener's trouble is not the store's
                pass
        return False

    def _connect(self) -> None:
        if self._path is None:
            self._path = store_path(self._store, self._folder)
        # A file that was deleted, replaced or written over would take rows that nobody ever sees.
        if self._opened is not None:
            there = identity_of(self._path) == self._opened.identity
            if there and not is_database(self._path):
                # Before it is closed: SQLite would bring the log's pages home, and make it look like one again.
                self._remember(set_aside(self._path, self._opened.identity))
                there = False
            if not there:
                self._disconnect()
        if self._opened is None:
            self._opened = open_store(self._path, self._pace.busy)
            self._remember(self._opened.moved)

    def _disconnect(self) -> None:
        if self._opened is not None:
            opened, self._opened = self._opened, None
            try:
                opened.connection.close()
            except Exception:  # noqa: S110 - it is given up either way
                pass

    def _troubled(self, error: Exception) -> Trouble:
        """Says what is wrong and leaves the store so that the next try can begin anew."""
        identity = self._opened.identity if self._opened else None
        trouble = trouble_of(error, self._path)
        self._counts_due = 0.0  # whatever failed is tried again next time
        if trouble.kind is not Kind.LOCKED:
            self._disconnect()
        if identity is not None and self._path is not None and is_damage(error):
            # Found while writing; what is found while opening, `open_store` moves aside itself.
            try:
                self._remember(set_aside(self._path, identity))
                trouble = Trouble(Kind.DAMAGED, self._note or trouble.reason)
            except OSError as second:
                trouble = trouble_of(second, self._path)
        if trouble.kind is Kind.FULL:
            self._settled_at = self._clock.now() + self._pace.settle
        self._say(Health.DEGRADED, trouble.reason)
        return trouble

    def _remember(self, moved: Path | None) -> None:
        if moved is not None:
            self._note = f"A damaged store was moved to {moved}, and a new one was begun."
            self._say(Health.DEGRADED, self._note)

    def _say(self, health: Health, reason: str) -> None:
        if self._said != (health, reason):
            self._said = (health, reason)
            if self._on_change is not None:
                try:
                    self._on_change(self.state)
                except Exception:  # noqa: S110 - a listener's trouble is not the store's
                    pass

    def _rest(self, more: bool) -> None:
        """Waits until something is to be written, and then a moment for more of it; only that moment if old rows are
        left."""
        self._some.clear()
        self._full.clear()
        if not self._stop.is_set():
            if not len(self._backlog) and not more:
                now = self._clock.now()
                due = [] if self._tidy_due is None else [self._tidy_due]
                due += [self._settled_at] if self._settled_at > now else []
                self._some.wait(max(0.0, min(due) - now) if due else None)
            self._full.wait(self._pace.gather)
