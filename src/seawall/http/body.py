"""Bodies taken apart: counted, chunked, or ended by the close. Strict: a body that could be read in two ways is
refused, and what stands behind its end is never silently dropped."""

import re
from typing import Final

from seawall.http.head import CHUNKED, UNTIL_CLOSE

_LONGEST_LINE: Final = 4096
"""Of a chunk's size with its extensions, or of one trailer; nobody needs more."""
_MOST_TRAILERS: Final = 64
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\t\x20-\x7e\x80-\xff]*)?[ \t]*\Z")
"""RFC 9112 section 7.1: digits, then extensions, which nobody uses and a recipient ignores. Some servers pad the
line with blanks at its end."""
_NO_TRAILER: Final = (b"transfer-encoding:", b"content-length:", b"host:", b"trailer:")
"""Framing that came too late: RFC 9110 section 6.5.1 forbids it, and somebody might believe it."""
_BEGIN = re.compile(rb"([0-9A-Fa-f]{1,15})\r\n")
"""A chunk's first line as nearly everybody writes it."""
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\Z")


class BadBody(Exception):
    """A body whose framing is broken. The text says how."""


class Counted:
    """A body of a stated length."""

    __slots__ = ("done", "left", "rest")

    def __init__(self, length: int) -> None:
        self.left = length
        self.done = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """The body's part of `data`; what is behind its end is in `rest`."""
        size = len(data)
        if size < self.left:
            self.left -= size
            return data
        if size > self.left:
            self.rest = data[self.left :]
            data = data[: self.left]
        self.left = 0
        self.done = True
        return data


class Chunked:
    """A body in chunks. Trailers are read and dropped: nothing of ours or of the API's is in them."""

    __slots__ = ("_left", "_line", "_state", "_trailers", "done", "rest")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""
        self._line = b""  # of a line that is not whole yet
        self._left = 0  # of the chunk's data
        self._state = "size"
        self._trailers = 0

    def feed(self, data: bytes) -> bytes:
        """The content in `data`; what is behind the body's end is in `rest`. Raises BadBody."""
        if self._line:
            data = self._line + data
            self._line = b""
        at, size = 0, len(data)
        if self._state == "size" and (begin := _BEGIN.match(data)) is not None:
            # An event of a stream comes as one chunk, and nearly always alone.
            first = begin.end()
            end = first + int(begin[1], 16)
            if first < end == size - 2 and data[end:] == b"\r\n":
                return data[first:end]
        pieces = []
        while at < size and not self.done:
            if self._state == "size" and (begin := _BEGIN.match(data, at)) is not None:
                # Nearly always a chunk is here whole: one step for all of it, one look at its end.
                first = begin.end()
                end = first + int(begin[1], 16)
                if end > first and data[end : end + 2] == b"\r\n":
                    pieces.append(data[first:end])
                    at = end + 2
                    continue
            if self._state == "data":
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left == 0:
                    self._state = "end of data"
                continue
            end = data.find(b"\n", at, at + _LONGEST_LINE)
            if end < 0:
                if size - at >= _LONGEST_LINE:
                    raise BadBody("a line between chunks is too long")
                self._check_unfinished(data[at:])
                self._line = data[at:]
                break
            if end == at or data[end - 1] != 13:
                raise BadBody("a bare line feed between chunks")
            self._take_line(data[at : end - 1])
            at = end + 1
        if self.done:
            self.rest = data[at:]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _check_unfinished(self, line: bytes) -> None:
        # Junk is refused when it is seen, not when its line ends: its sender may wait for our answer.
        body = line[:-1] if line.endswith(b"\r") else line
        if self._state == "size" and body and not _SIZE.match(body):
            raise BadBody("junk in a chunk size")
        if self._state == "end of data" and body:
            raise BadBody("a chunk is longer than its size")

    def _take_line(self, line: bytes) -> None:
        if self._state == "size":
            match = _SIZE.match(line)
            if match is None:
                raise BadBody("junk in a chunk size")
            self._left = int(match[1], 16)
            self._state = "data" if self._left else "trailers"
        elif self._state == "end of data":
            if line:
                raise BadBody("a chunk is longer than its size")
            self._state = "size"
        elif not line:
            self.done = True
        else:
            self._trailers += 1
            late = line.lower().startswith(_NO_TRAILER)
            if late or self._trailers > _MOST_TRAILERS or not _TRAILER.match(line):
                raise BadBody("junk behind the last chunk")


class UntilClose:
    """A body that the end of the connection ends."""

    __slots__ = ("done", "rest")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """All of it."""
        return data


Reader = Counted | Chunked | UntilClose


def reader(length: int) -> Reader:
    """What takes apart a body whose head stated `length`."""
    if length == CHUNKED:
        return Chunked()
    if length == UNTIL_CLOSE:
        return UntilClose()
    return Counted(length)


def chunk(piece: bytes) -> bytes:
    """`piece`, which is not empty, as one chunk."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


LAST_CHUNK: Final = b"0\r\n\r\n"
