"""Reads many files for failures, a few at a time, and keeps what they tell together with how far they were read.

Each file goes on where the last reading ended, as long as what stands before that place is what stood there then;
otherwise it is read anew, and nothing is counted twice since each record is known by its own id.
"""

import os
import stat
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from seawall.claude_code.logs import SIGNS, LogReader, is_transcript
from seawall.claude_code.scan import File, Scan, Source
from seawall.claude_code.streams import MAGIC, STDIN, Stream
from seawall.claude_code.transcripts import HOST, MARKERS, Found, NotAFile, Reader, Reading, reason
from seawall.store.imported import Fate, FileState, Settling, Told, files, keep
from seawall.store.late import merge

if TYPE_CHECKING:
    from concurrent.futures import Future
    from sqlite3 import Connection

READER = 1
"""Which version of the readers this is. A newer one that understands more reads every file again."""
PARTLY = 0
"""Instead of that: older failures were left out, and a reading without `since` begins anew."""
TAIL = 4096
"""Bytes before the place to go on from that must be as they were: a few records, each with an id of its own."""
AT_ONCE = 500
"""Failures of one transaction: some 50 ms, for which the gateway waits to write ..."""
FILES_AT_ONCE = 50
"""... and files, so that an import that is interrupted has little to do again."""
MOST_THREADS = 4
"""Two keep a laptop's memory busy; more help where files come from a network."""


@dataclass(slots=True)
class Sum:
    """What an import did so far."""

    files: int = 0
    """That were looked at."""
    unchanged: int = 0
    read: int = 0
    size: int = 0
    """Bytes of all files that were to be read; `scanned` of those that were."""
    scanned: int = 0
    fates: Counter[Fate] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    """Of what is new."""
    recovered: int = 0
    """Calls that got through after failures; they are among the new."""
    older: int = 0
    """Failures from before `since`."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Files that were not read, by reason."""
    odd: Counter[str] = field(default_factory=Counter)
    """Lines that could not be used, by reason."""

    @property
    def failures(self) -> int:
        """New ones."""
        return self.causes.total()


@dataclass(frozen=True, slots=True)
class _Part:
    """One reading of one file."""

    found: Found
    state: FileState | None
    """None for standard input, which is not there the next time."""
    told: list[Told]
    ended: bool
    scanned: int
    older: int
    odd: dict[str, int]
    left: str = ""
    """Why a stream was not read to its end."""


@dataclass(slots=True)
class _Open:
    """A stream of which a part has been read."""

    stream: Stream
    log: bool
    position: int = 0


class Intake:
    """One import. `connection` is an open store, or None: then nothing is known, and nothing can be kept.

    `kept` says whether something may be written. `since` is UTC seconds; `logs` whether files may be of other programs.
    """

    def __init__(
        self,
        connection: "Connection | None",
        now: float,
        *,
        kept: bool = True,
        since: float | None = None,
        logs: bool = False,
        route: str = HOST,
    ) -> None:
        self.sum = Sum()
        self._connection, self._now, self._kept = connection, now, kept and connection is not None
        self._since, self._logs, self._route = since, logs, route
        self._known = files(connection) if connection is not None else {}
        self._settling = Settling(connection)
        self._stop = False
        self._waiting: list[_Part] = []
        self._streams: dict[str, _Open] = {}

    def take(self, found: Iterable[Found], shown: Callable[[Sum], None] = lambda _: None) -> None:
        """Reads these files. `shown` is told now and then how far it is.

        Raises `sqlite3.Error` and KeyboardInterrupt; what was kept until then stays, and the next import goes on there.
        """
        if self._kept and self._connection is not None:
            merge(self._connection, self._now)
        # The largest first, and whichever ends first is followed by the next: no thread waits for another's file.
        todo = deque(sorted((one for one in found if self._wanted(one)), key=lambda one: -one.status.st_size))
        if not todo:
            return
        from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

        threads = min(MOST_THREADS, os.cpu_count() or 1)
        reading: dict[Future[_Part], Found] = {}
        with ThreadPoolExecutor(threads, "seawall-import") as pool:
            try:
                while todo or reading:
                    while todo and len(reading) < 2 * threads:
                        one = todo.popleft()
                        reading[pool.submit(self._read, one)] = one
                    for future in wait(reading, return_when=FIRST_COMPLETED).done:
                        one = reading.pop(future)
                        if (part := self._result(one, future)) is not None:
                            self._took(part)
                            if not part.ended:
                                reading[pool.submit(self._read, one, part.state)] = one
                        shown(self.sum)
                self._keep()
            finally:
                self._stop = True
        # Those of an import that failed; the others are closed when they end.
        for opened in self._streams.values():
            opened.stream.close()
        self._streams.clear()

    def _wanted(self, one: Found) -> bool:
        self.sum.files += 1
        if one.path == STDIN:
            return True
        if self._since is not None and one.status.st_mtime < self._since:
            self.sum.left_out["older"] += 1
            return False
        known = self._known.get(_hash(one.path))
        usable = known is not None and self._fits(known)
        if known and usable and _same_file(known, one.status) and known.position == known.size:
            self.sum.unchanged += 1
            return False
        self.sum.size += one.status.st_size - (known.position if known and usable else 0)
        return True

    def _fits(self, known: FileState) -> bool:
        """Whether nothing that is wanted now was left out then."""
        return known.reader == READER or (known.reader == PARTLY and self._since is not None)

    def _result(self, one: Found, future: "Future[_Part]") -> _Part | None:
        try:
            return future.result()
        except OSError as error:
            self.sum.left_out[reason(error)] += 1
            return None

    def _read(self, one: Found, going_on: FileState | None = None) -> _Part:
        """In a thread: the next part of a file."""
        if one.path == STDIN:
            return self._read_stream(one, 0, os.fstat(0))
        descriptor = os.open(one.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise NotAFile
            if os.pread(descriptor, len(MAGIC), 0) == MAGIC:
                return self._read_stream(one, descriptor, status)
            known = going_on or self._known.get(_hash(one.path))
            begin = self._begin(descriptor, status, known)
            file = File(descriptor)
            reading = self._reader(file, self._is_log(file), begin, status.st_size).read()
            state = self._state(one, descriptor, status, reading.position)
            scanned = (state.size if reading.ended else reading.position) - begin
            return self._part(one, state, reading, scanned, known if begin else None)
        finally:
            os.close(descriptor)

    def _read_stream(self, one: Found, descriptor: int, status: os.stat_result) -> _Part:
        """The next part of what can only be read forwards; a packed file that has changed is read anew as a whole."""
        opened = self._streams.get(one.path)
        if opened is None:
            stream = Stream(descriptor, lambda: self._stop)
            opened = self._streams[one.path] = _Open(stream, False)
            opened.log = self._is_log(stream)
        stream, begin = opened.stream, opened.stream.from_here(opened.position)
        reading = self._reader(stream, opened.log, begin, sys.maxsize).read()
        opened.position = reading.position
        state = None
        if one.path != STDIN:
            whole = reading.ended and reading.position >= stream.end
            state = self._state(one, descriptor, status, status.st_size if whole else 0)
        if reading.ended:
            self._streams.pop(one.path).stream.close()
        scanned = (stream.end if reading.ended else reading.position) - begin
        return replace(
            self._part(one, state, reading, scanned, None), left=stream.odd if reading.ended else ""
        )

    def _state(self, one: Found, descriptor: int, status: os.stat_result, position: int) -> FileState:
        return FileState(
            path_hash=_hash(one.path),
            identity=_identity(status),
            size=status.st_size,
            modified_ns=status.st_mtime_ns,
            position=position,
            digest=_digest(descriptor, position),
            reader=READER,
            read_at=self._now,
        )

    def _is_log(self, source: Source) -> bool:
        return self._logs and not is_transcript(source.read(0, 64 * 1024))

    def _reader(self, source: Source, log: bool, begin: int, end: int) -> Reader | LogReader:
        stopped = lambda: self._stop  # noqa: E731
        if log:
            return LogReader(Scan(source, begin, end, SIGNS, stopped), self._now, self._route)
        return Reader(Scan(source, begin, end, MARKERS, stopped), self._now, self._route)

    def _begin(self, descriptor: int, status: os.stat_result, known: FileState | None) -> int:
        """Where to go on: at the begin where the file is another, was shortened or was written anew."""
        if known is None or not self._fits(known) or known.identity != _identity(status):
            return 0
        if known.position > status.st_size or known.digest != _digest(descriptor, known.position):
            return 0
        return known.position

    def _part(
        self, one: Found, state: FileState | None, reading: Reading, scanned: int, known: FileState | None
    ) -> _Part:
        told, older = reading.told, 0
        if self._since is not None:
            told = [one for one in told if one.attempt.at >= self._since]
            older = len(reading.told) - len(told)
        if state and (older or (known and known.reader == PARTLY)):
            state = replace(state, reader=PARTLY)
        return _Part(one, state, told, reading.ended, scanned, older, reading.odd)

    def _took(self, part: _Part) -> None:
        self.sum.read += part.ended
        self.sum.scanned += part.scanned
        self.sum.older += part.older
        self.sum.odd.update(part.odd)
        if part.left:
            self.sum.left_out[part.left] += 1
        self._waiting.append(part)
        many = sum(len(one.told) for one in self._waiting) >= AT_ONCE
        if not self._kept or many or len(self._waiting) >= FILES_AT_ONCE:
            self._keep()

    def _keep(self) -> None:
        """Writes what waits, in one transaction with how far the files were read; or only decides about it."""
        waiting, self._waiting = self._waiting, []
        if self._kept and self._connection is not None:
            fates = keep(self._connection, [(part.state, part.told) for part in waiting])
        else:
            fates = [[self._settling.settle(one) for one in part.told] for part in waiting]
            self._settling.rows.clear()
            self._settling.records.clear()
        for part, part_fates in zip(waiting, fates, strict=True):
            for told, fate in zip(part.told, part_fates, strict=True):
                self.sum.fates[fate] += 1
                if fate is Fate.NEW:
                    self._new(told)

    def _new(self, told: Told) -> None:
        if told.attempt.cause:
            self.sum.causes[told.attempt.cause] += 1
        else:
            self.sum.recovered += 1


def _hash(path: str) -> str:
    return sha256(os.fsencode(path)).hexdigest()


def _identity(status: os.stat_result) -> str:
    return f"{status.st_dev}:{status.st_ino}"


def _same_file(known: FileState, status: os.stat_result) -> bool:
    return (known.identity, known.size, known.modified_ns) == (
        _identity(status),
        status.st_size,
        status.st_mtime_ns,
    )


def _digest(descriptor: int, position: int) -> str:
    start = max(0, position - TAIL)
    return sha256(os.pread(descriptor, position - start, start)).hexdigest()[:32]
