"""Lines of large files that hold one of a few byte strings; the other lines are never made into objects."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import stringzilla

CHUNK = 1024 * 1024
"""Bytes that are searched at a time. What a processor's own memory holds is searched a fifth faster than 2 MB; with
less than 1 MB, threads wait for Python's lock so often that they lose as much."""
LONGEST = 1024 * 1024
"""Bytes of a line that is read. A failure's record has 1 to 5 KB; what is longer quotes something."""
_STEP = 64 * 1024

_spare: list[bytearray] = []
"""Buffers that nobody uses just now."""
_SPARE = 4
_SIZE = CHUNK


class Stopped(Exception):
    """Somebody wants the reading to end."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that holds a marker. `data` is without its end, and None for one longer than `LONGEST`."""

    at: int
    """Where in the file it begins."""
    end: int
    """Where the next one begins."""
    data: bytes | None
    whole: bool
    """Whether it has an end; the last line of a file that is being written may have none yet."""


class Source(Protocol):
    """Bytes that have places. At the end there are fewer than asked for."""

    def into(self, view: memoryview, at: int) -> int:
        """Fills the view with what stands at a place; how much that is, and 0 only at the end."""

    def read(self, start: int, end: int) -> bytes:
        """What stands there."""


class File:
    """An open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def into(self, view: memoryview, at: int) -> int:
        """Fills the view with what stands at a place; how much that is, and 0 only at the end."""
        return os.preadv(self._descriptor, [view], at)

    def read(self, start: int, end: int) -> bytes:
        """What stands there."""
        return os.pread(self._descriptor, end - start, start)


class Scan:
    """One pass over a part of a source, `begin` being the start of a line.

    `markers` may be changed between two lines. `stopped` is asked at each chunk.
    """

    def __init__(
        self,
        source: Source,
        begin: int,
        end: int,
        markers: tuple[bytes, ...],
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.markers = markers
        self.position = begin
        """Where the line begins that has not ended yet, as far as has been read."""
        self._source, self._begin, self._end = source, begin, end
        self._stopped = stopped
        self._base = begin  # of the buffer, in the file
        self._filled = 0
        self._next = begin  # nothing before it is searched any more

    def lines(self) -> Iterator[Line]:
        """The lines with markers, in order. Raises `Stopped`, and OSError where the file cannot be read."""
        # A new buffer for each file would be a twentieth of the work: the system clears its pages first.
        buffer = _spare.pop() if _spare and CHUNK == _SIZE else bytearray(CHUNK)
        try:
            yield from self._pass(buffer)
        finally:
            if len(_spare) < _SPARE and len(buffer) == _SIZE:
                _spare.append(buffer)

    def _pass(self, buffer: bytearray) -> Iterator[Line]:
        view = memoryview(buffer)
        while self._base + self._filled < self._end:
            if self._stopped():
                raise Stopped
            room = min(len(buffer), self._end - self._base) - self._filled
            got = self._source.into(view[self._filled : self._filled + room], self._base + self._filled)
            if not got:
                return  # it has become shorter
            self._filled += got
            yield from self._hits(buffer)
            newline = buffer.rfind(b"\n", 0, self._filled)
            if newline >= 0:
                self.position = max(self.position, self._base + newline + 1)
            self._advance(buffer)

    def _advance(self, buffer: bytearray) -> None:
        """Keeps the end of the buffer, where a marker may have begun, unless a line reached beyond it."""
        end = self._base + self._filled
        keep = max(map(len, self.markers), default=1) - 1
        start = max(end - keep, self._next, self._base)
        kept = max(end - start, 0)
        buffer[:kept] = buffer[self._filled - kept : self._filled]
        self._base, self._filled = start, kept

    def _hits(self, buffer: bytearray) -> Iterator[Line]:
        base, filled = self._base, self._filled
        found: dict[bytes, int] = {}
        while (start := max(self._next - base, 0)) < filled:
            for marker in self.markers:
                if -1 < found.get(marker, 0) < start or marker not in found:
                    found[marker] = stringzilla.find(buffer, marker, start, filled)
            places = [place for marker in self.markers if (place := found[marker]) >= 0]
            if not places:
                return
            line = self._line(buffer, min(places))
            self._next = line.end
            if line.whole:
                self.position = max(self.position, line.end)
            yield line

    def _line(self, buffer: bytearray, place: int) -> Line:
        """The line around a place in the buffer; what lies outside of it is read."""
        base, filled = self._base, self._filled
        before, after = buffer.rfind(b"\n", 0, place), buffer.find(b"\n", place, filled)
        start = base + before + 1 if before >= 0 else self._start(base)
        end, whole = (base + after, True) if after >= 0 else self._end_of_line(base + filled)
        data: bytes | None = None
        if start is not None and end - start <= LONGEST:
            inside = before >= 0 and after >= 0
            data = bytes(buffer[before + 1 : after]) if inside else self._source.read(start, end)
        return Line(max(self._begin, base) if start is None else start, end + whole, data, whole)

    def _start(self, place: int) -> int | None:
        """Where the line begins that goes on at a place; None where that is too far away."""
        floor, upper = max(self._begin, self.position), place
        if upper - floor > LONGEST:
            return None
        while upper > floor:
            lower = max(floor, upper - _STEP)
            newline = self._source.read(lower, upper).rfind(b"\n")
            if newline >= 0:
                return lower + newline + 1
            upper = lower
        return floor

    def _end_of_line(self, place: int) -> tuple[int, bool]:
        """Where the line ends that goes on at a place, and whether an end of line is there."""
        while place < self._end:
            if self._stopped():
                raise Stopped
            piece = self._source.read(place, min(place + _STEP, self._end))
            newline = piece.find(b"\n")
            if newline >= 0:
                return place + newline, True
            if not piece:
                break
            place += len(piece)
        return place, False

    def before(self, place: int, most: int) -> bytes:
        """Up to so many bytes that stand before a place in the file."""
        return self._source.read(max(0, place - most), place)
