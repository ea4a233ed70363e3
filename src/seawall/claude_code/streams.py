"""What can be read only once and forwards: standard input, and packed files. Memory is bounded, whatever comes.

The last megabytes are kept, so that a line can be looked at whole, and what stands before it.
"""

import os
import select
import zlib
from collections.abc import Callable

from seawall.claude_code.scan import Stopped

STDIN = "-"
"""As a file's name: standard input."""
MAGIC = b"\x1f\x8b"
"""How gzip's files begin."""
BACK = 4 * 1024 * 1024
"""Bytes that are kept of what has been read: a line of 1 MB, what stands before it, and calls that have not ended."""
MOST_UNPACKED = 4 * 1024**3
"""Bytes that one packed file may unpack to: 15 s of work. 4 MB of nothing but zeros reach it."""
_PIECE = 256 * 1024
_POLL = 0.1
"""Seconds between two looks whether somebody wants the reading to end, while nothing comes."""

TOO_MUCH = "what a packed file holds beyond 4 GB"
DAMAGED = "the rest of a damaged packed file"


class Stream:
    """The bytes of a descriptor, unpacked if they are gzip's, by their places as if they were a file's.

    What lies before `BACK` is gone; the last line always has an end. `odd` says afterwards why not all was read.
    """

    def __init__(self, descriptor: int, stopped: Callable[[], bool]) -> None:
        self._descriptor, self._stopped = os.dup(descriptor), stopped
        self._kept = bytearray()
        self._first = 0  # the place of the first byte that is kept
        self._unpacker: zlib._Decompress | None = None
        self._packed = b""
        self._more_inside = False
        self.ended = False
        self.odd = ""
        head = self._raw()
        while head and len(head) < len(MAGIC) and (more := self._raw()):
            head += more
        self._is_packed = head.startswith(MAGIC)
        self._take(head)

    def close(self) -> None:
        """Ends it."""
        os.close(self._descriptor)

    @property
    def first(self) -> int:
        """The first place that can still be read."""
        return self._first

    @property
    def end(self) -> int:
        """Up to which place has been read."""
        return self._first + len(self._kept)

    def from_here(self, position: int) -> int:
        """The place of the first line at a position or after it that can still be read."""
        if position >= self._first:
            return position
        newline = self._kept.find(b"\n")
        return self._first + newline + 1 if newline >= 0 else self._first

    def into(self, view: memoryview, at: int) -> int:
        """Fills the view with what stands at a place; how much that is, and 0 only at the end."""
        data = self.read(at, at + len(view))
        view[: len(data)] = data
        return len(data)

    def read(self, start: int, end: int) -> bytes:
        """What stands there, as far as it is there. Raises `Stopped`, and OSError as reading does."""
        while self.end < end and not self.ended:
            self._more()
        start = max(start, self._first) - self._first
        found = bytes(self._kept[start : max(end - self._first, start)])
        if (much := len(self._kept) - 2 * BACK) > 0:  # seldom: moving what is kept costs, too
            del self._kept[: much + BACK]
            self._first += much + BACK
        return found

    def _more(self) -> None:
        if self._packed or self._more_inside:
            self._unpack()
        else:
            self._take(self._raw())

    def _take(self, raw: bytes) -> None:
        if self._is_packed:
            self._packed = raw
            if not raw:
                self._end(DAMAGED if self._unpacker is not None else "")
        elif raw:
            self._kept += raw
        else:
            self._end("")

    def _unpack(self) -> None:
        if self._unpacker is None:
            self._packed = self._packed.lstrip(b"\0")  # zeros may follow the last part, as tapes have them
            if not self._packed:
                return
            self._unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            piece = self._unpacker.decompress(self._packed, _PIECE)
        except zlib.error:
            self._end(DAMAGED)
            return
        self._kept += piece
        if self._unpacker.eof:  # another part may follow
            self._packed, self._unpacker, self._more_inside = self._unpacker.unused_data, None, False
        else:
            self._packed, self._more_inside = self._unpacker.unconsumed_tail, len(piece) == _PIECE
        if self.end > MOST_UNPACKED:
            self._end(TOO_MUCH)

    def _end(self, odd: str) -> None:
        self.ended, self.odd, self._packed, self._more_inside = True, odd, b"", False
        if self._kept and not self._kept.endswith(b"\n"):
            self._kept += b"\n"

    def _raw(self) -> bytes:
        # Waiting so that an interrupt is heard: nothing may ever come from the other side of a pipe.
        while not select.select([self._descriptor], (), (), _POLL)[0]:
            if self._stopped():
                raise Stopped
        return os.read(self._descriptor, _PIECE)
