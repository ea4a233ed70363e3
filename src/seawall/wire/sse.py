"""Server-sent events: bytes in, whole events out (HTML standard, section 9.2).

Events are passed on byte for byte. Only where one ends matters here, and for the few that decide, its name and data.
"""

import re
from collections.abc import Iterator

# An event ends at an empty line; a line ends in CRLF, LF or CR. The atomic groups keep CRLF one line end.
_END = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE = re.compile(rb"\r\n|\n|\r")


class EventTooLong(Exception):
    """One event is longer than may be kept."""


class Splitter:
    """Cuts a stream at the ends of events, however its bytes were sliced."""

    __slots__ = ("_limit", "rest")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.rest = b""
        """The beginning of an event whose end has not come."""

    def feed(self, data: bytes) -> bytes:
        """All events that are whole by now, as they came; the rest waits. Raises EventTooLong over the limit."""
        if self.rest:
            data = self.rest + data
            self.rest = b""
        if data[-2:] == b"\n\n":
            return data
        if b"\r" in data:
            end = 0
            for match in _END.finditer(data):
                end = match.end()
        else:
            end = data.rfind(b"\n\n") + 2
            if end == 1:
                end = 0
        self.rest = data[end:]
        if len(self.rest) > self._limit:
            raise EventTooLong
        return data[:end]


def events(block: bytes) -> Iterator[bytes]:
    """The events of a block of whole events, each with its empty line."""
    at = 0
    for match in _END.finditer(block):
        yield block[at : match.end()]
        at = match.end()


def name_and_data(event: bytes) -> tuple[bytes, bytes]:
    """An event's name and its data, its lines joined; empty where it has none."""
    name = b""
    data = []
    for line in _LINE.split(event):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value
        elif field == b"data":
            data.append(value)
    return name, b"\n".join(data)


def event(name: str, data: bytes) -> bytes:
    """One event as bytes; `data` has no line end."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


PING = event("ping", b'{"type": "ping"}')
