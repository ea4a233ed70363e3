"""Claude Code's transcripts: where they are, and which failures they tell of.

Three kinds of lines matter: a retry (`retryAttempt`), the failure that was shown in the end (`isApiErrorMessage`), and
the first answer after a retry, which says that the call got through. The others are not even made into objects.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from seawall.claude_code import record as records
from seawall.claude_code.record import Record
from seawall.claude_code.scan import Line, Scan
from seawall.claude_code.settings import user_folder
from seawall.store.imported import Told
from seawall.store.rows import Attempt
from seawall.wire.request import family

MARKERS = (b'"isApiErrorMessage":', b'"retryAttempt":')
"""As keys: within a prompt their quotes are escaped. The longer, the faster they are searched."""
_ANSWERS = (b'"type":"assistant"', b'"type": "assistant"')
KIND = "t"
"""How the ids of transcripts' records begin in the store."""
SETTLING = 2.0
"""Seconds. A failure as young as this is left for the next time: the gateway or a hook may be about to note it."""
PATIENCE = 200
"""Failures and answers after a retry, none of which continues it, until its end is no longer waited for."""
NEARBY = (16 * 1024, 256 * 1024)
"""Bytes before a failure in which the model that was in use is looked for: the last turn, then a few more."""
MOST = 1000
"""Failures of one reading, about 1 MB; a file with more is read in several."""
HOST = "api.anthropic.com"

TOO_LONG = "lines over 1 MB"
NO_JSON = "lines that are no JSON"
NO_TIME = "failures without a time"


class NotAFile(OSError):
    """It is a pipe, a device or a folder."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be read, as it was when it was found."""

    path: str
    """Without links in the folder that was searched, so that it is known again."""
    status: os.stat_result


@dataclass(frozen=True, slots=True)
class Reading:
    """What a part of a file told."""

    told: list[Told]
    position: int
    """Where the next reading begins."""
    ended: bool
    """Whether the file's end was reached; else there is more to read now."""
    odd: dict[str, int] = field(default_factory=dict)
    """Lines that could not be used, by reason."""


def folders(environ: Mapping[str, str], home: Path) -> list[Path]:
    """Where Claude Code keeps this user's transcripts; only folders that are there, as far as one may look."""
    places = [user_folder(environ, home)]
    if not environ.get("CLAUDE_CONFIG_DIR"):
        # Some versions of 2025 kept them where the freedesktop standard has settings.
        places.append(Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "claude")
    return [folder for place in places if _may_be_there(folder := place / "projects")]


def _may_be_there(folder: Path) -> bool:
    try:
        return folder.is_dir()
    except PermissionError:
        return True  # whoever reads it says so
    except OSError:  # a name that no folder can have
        return False


def find(
    places: Iterable[Path], trouble: Callable[[str], None], endings: tuple[str, ...] = (".jsonl",)
) -> Iterator[Found]:
    """The files below these folders, each once, however it is linked; `trouble` is told why something was left out."""
    seen: set[tuple[int, int]] = set()
    waiting = [os.path.realpath(place) for place in places]
    while waiting:
        folder = waiting.pop()
        try:
            status = os.stat(folder)
            if (status.st_dev, status.st_ino) in seen:
                continue  # a link led back here
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                inside = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            trouble(reason(error, folder=True))
            continue
        for entry in inside:
            try:
                if entry.is_dir():
                    waiting.append(entry.path)
                elif entry.name.endswith(endings):
                    status = entry.stat()
                    if not stat.S_ISREG(status.st_mode):
                        raise NotAFile
                    elif (status.st_dev, status.st_ino) not in seen:
                        seen.add((status.st_dev, status.st_ino))
                        yield Found(entry.path, status)
            except OSError as error:
                trouble(reason(error))


def reason(error: OSError, folder: bool = False) -> str:
    """Why a file was not read, in a few words that fit behind a count."""
    match error:
        case NotAFile():
            return "no regular file"
        case PermissionError():
            return "folder without permission" if folder else "without permission"
        case FileNotFoundError():
            return "folder not there" if folder else "vanished"
        case _ if error.errno == errno.ELOOP:
            return "links in a circle"
        case _:
            return "unreadable"


@dataclass(slots=True)
class _Chain:
    """A call that failed and is tried again: its last retry, and what has come since."""

    record: str
    line: int
    rows: list[int]
    """Which of the told are its failures: the answer says of which model they were."""
    others: int = 0


class Reader:
    """Reads a part of one open transcript. `now` is wall time, `route` the host where the file names none."""

    def __init__(self, scan: Scan, now: float, route: str = HOST) -> None:
        self._scan, self._now, self._route = scan, now, route
        self._told: list[Told] = []
        self._odd: dict[str, int] = {}
        self._open: dict[str, _Chain] = {}
        """By the uuid of the last retry."""
        self._family, self._looked = "", 0

    def read(self) -> Reading:
        """What the part tells. Raises `scan.Stopped` and OSError."""
        for line in self._scan.lines():
            if line.data is None:
                self._count(TOO_LONG)
            elif self._line(line, line.data):
                return self._reading(line.at, True)
            elif len(self._told) >= MOST and line.whole:
                return self._reading(line.end, False)
            self._scan.markers = MARKERS + _ANSWERS if self._open else MARKERS
        return self._reading(self._scan.position, True)

    def _reading(self, position: int, ended: bool) -> Reading:
        # A call whose end is not there yet is read again from its last retry on.
        return Reading(
            self._told, min([position, *(one.line for one in self._open.values())]), ended, self._odd
        )

    def _line(self, line: Line, data: bytes) -> bool:
        """Takes a line in; true if it is too young to be read now."""
        record = records.decoded(data)
        what = records.kind(record) if record else None
        if record is None or what is None:
            if record is None and line.whole:
                self._count(NO_JSON)
            return False
        at = records.moment(record)
        if at is None:
            self._count(NO_TIME)
        elif 0 <= self._now - at < SETTLING:
            return True
        elif what == "answer":
            self._answered(record, at, data)
        else:
            self._failed(record, at, line, data)
        return False

    def _failed(self, record: Record, at: float, line: Line, data: bytes) -> None:
        chain = self._continued(record)
        kin = self._told[chain.rows[0]].attempt.family if chain else self._model(line.at)
        attempt = records.failure(record, at, self._route, kin)
        uuid = record.uuid if isinstance(record.uuid, str) else ""
        name = records.identity(KIND, records.name(record, data))
        self._told.append(Told(name, attempt, chain.record if chain else ""))
        if uuid and attempt.ended == "retried":
            rows = [*(chain.rows if chain else ()), len(self._told) - 1]
            self._open[uuid] = _Chain(name, line.at, rows)

    def _answered(self, record: Record, at: float, data: bytes) -> None:
        chain = self._continued(record)
        if chain is None:
            return
        attempt = records.recovered(record, at, self._route)
        for row in chain.rows:
            told = self._told[row]
            self._told[row] = replace(told, attempt=replace(told.attempt, family=attempt.family))
        self._told.append(Told(records.identity(KIND, records.name(record, data)), attempt, chain.record))

    def _continued(self, record: Record) -> _Chain | None:
        """The call that this record goes on with; the others have waited for one more."""
        parent = record.parent_uuid if isinstance(record.parent_uuid, str) else ""
        chain = self._open.pop(parent, None)
        for uuid, other in list(self._open.items()):
            other.others += 1
            if other.others > PATIENCE:
                del self._open[uuid]
        return chain

    def _model(self, place: int) -> str:
        """The family of the model that answered last before a place, as far as that is near."""
        for most in NEARBY:
            if found := last_family(self._scan.before(place, min(most, place - self._looked))):
                self._family = found
                break
        self._looked = place
        return self._family

    def _count(self, odd: str) -> None:
        self._odd[odd] = self._odd.get(odd, 0) + 1


_MODEL = b'"model":'


def last_family(data: bytes) -> str:
    """The family of the last Claude model that is named in JSON; empty where none is."""
    place = len(data)
    for _ in range(16):  # Claude Code's own messages name none
        place = data.rfind(_MODEL, 0, place)
        if place < 0:
            return ""
        value = data[place + len(_MODEL) : place + 100].split(b'"', 2)
        if len(value) > 1 and (kin := family(value[1].decode("ascii", "replace"))):
            return kin
    return ""


NEWEST = 24
"""Files whose ends are read for the last failure ..."""
END = 512 * 1024
"""... and how many bytes of each: a dozen turns."""


def last_failure(places: Iterable[Path], now: float, route: str = HOST) -> tuple[Attempt, str] | None:
    """The newest failure that was shown, with its words; None where the newest transcripts tell of none at their ends.

    Reads only the ends of the newest files: 12 MB at most.
    """
    found = sorted(find(places, lambda _: None), key=lambda one: one.status.st_mtime, reverse=True)
    newest: tuple[Attempt, str] | None = None
    for one in found[:NEWEST]:
        # What was written last in a file that is older than a failure is older than it too.
        if newest and one.status.st_mtime < newest[0].at:
            break
        told = _last_of(one.path, now, route)
        if told and (newest is None or told[0].at > newest[0].at):
            newest = told
    return newest


def _last_of(path: str, now: float, route: str) -> tuple[Attempt, str] | None:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            start = max(0, size - END)
            data = os.pread(stream.fileno(), END, start)
    except OSError:
        return None
    place = len(data)
    while (place := data.rfind(MARKERS[0], 0, place)) >= 0:
        begin, end = data.rfind(b"\n", 0, place) + 1, data.find(b"\n", place)
        record = records.decoded(data[begin : end if end >= 0 else len(data)])
        at = records.moment(record) if record and records.kind(record) == "shown" else None
        if record is not None and at is not None and at <= now + 60:
            return records.failure(record, at, route, last_family(data[:begin])), records.said(record)
        place = begin
    return None
