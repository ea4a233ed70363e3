"""The answer to one client's request, as it is written."""

from collections.abc import Callable, Coroutine
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from seawall.http.body import LAST_CHUNK
from seawall.http.head import BODILESS, CHUNKED, UNTIL_CLOSE, Headers, format_head

if TYPE_CHECKING:
    from asyncio import Task

    from seawall.http.server import ServerConnection

REASONS = {
    100: b"Continue", 102: b"Processing", 103: b"Early Hints", 200: b"OK", 201: b"Created", 202: b"Accepted",
    204: b"No Content", 206: b"Partial Content", 301: b"Moved Permanently", 302: b"Found", 303: b"See Other",
    304: b"Not Modified", 307: b"Temporary Redirect", 308: b"Permanent Redirect", 400: b"Bad Request",
    401: b"Unauthorized", 402: b"Payment Required", 403: b"Forbidden", 404: b"Not Found", 405: b"Method Not Allowed",
    406: b"Not Acceptable", 408: b"Request Timeout", 409: b"Conflict", 410: b"Gone", 411: b"Length Required",
    413: b"Request Entity Too Large", 415: b"Unsupported Media Type", 417: b"Expectation Failed",
    422: b"Unprocessable Entity", 429: b"Too Many Requests", 431: b"Request Header Fields Too Large",
    500: b"Internal Server Error", 501: b"Not Implemented", 502: b"Bad Gateway", 503: b"Service Unavailable",
    504: b"Gateway Timeout", 505: b"HTTP Version Not Supported",
}  # fmt: skip
"""What is said beside a status where the upstream said nothing; optional (RFC 9112 section 4). The library's own table
would be 75 KB."""
_NEVER_A_BODY = frozenset((204, 304))


class Source(Protocol):
    """Something whose reading can be paused while its taker is slow."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...


@lru_cache(64)
def _status_line(status: int, reason: bytes) -> bytes:
    return b"HTTP/1.1 %d %b" % (status, reason or REASONS.get(status, b""))


class Reply:
    """The answer to one request: `start`, then `write` as often as needed, then `end` or `abort`."""

    __slots__ = ("_connection", "_framing", "_pending", "ended", "filler", "gone", "source", "started")

    def __init__(self, connection: "ServerConnection") -> None:
        self._connection = connection
        self._framing = 0
        self._pending = b""
        self.started = False
        self.ended = False
        self.source: Source | None = None
        """What is paused while the client reads slowly."""
        self.filler = b""
        """What may be written at any time without a meaning, to learn whether the client is there."""
        self.gone: Callable[[], None] | None = None
        """Called once if the client goes away before the answer has ended; without it, the task that answers is
        cancelled."""

    def interim(self, status: int, headers: Headers) -> None:
        """A 1xx answer ahead of the real one."""
        if not self.started and self._connection.request_http11:
            self._connection.write(format_head(_status_line(status, b""), headers))

    def start(self, status: int, headers: Headers, length: int, reason: bytes = b"") -> None:
        """Begin the answer. `length` is the body's, or `UNTIL_CLOSE` where it is not known (chunks, if the client
        can), or `BODILESS` where there is none and the headers say all that is to be said.

        The head leaves with the first bytes of the body, or with `flush`.
        """
        connection = self._connection
        self.started = True
        lines = [_status_line(status, reason), *headers]
        if length >= 0:
            if status not in _NEVER_A_BODY and status >= 200:
                lines.append(b"content-length: %d" % length)
        elif length == BODILESS:
            length = 0
        elif connection.request_http11:
            length = CHUNKED
            lines.append(b"transfer-encoding: chunked")
        else:
            connection.last_request()
            length = UNTIL_CLOSE
        if not connection.stays_open:
            lines.append(b"connection: close")
        self._framing = length
        lines.append(b"\r\n")
        self._pending = b"\r\n".join(lines)

    def write(self, data: bytes) -> None:
        """A piece of the body; empty pieces are nothing."""
        if not data or self.ended:
            return
        if self._framing == CHUNKED:
            data = b"%x\r\n%b\r\n" % (
                len(data),
                data,
            )  # `body.chunk`, without its call: each event comes by here
        if self._pending:
            data, self._pending = self._pending + data, b""
        if (transport := self._connection.transport) is not None:
            transport.write(data)

    def flush(self) -> None:
        """Send the head now, without waiting for a body."""
        if self._pending:
            pending, self._pending = self._pending, b""
            self._connection.write(pending)

    def end(self) -> None:
        """The answer is whole."""
        if self.ended:
            return
        self.ended = True
        self.gone = None
        tail = LAST_CHUNK if self._framing == CHUNKED else b""
        if self._pending or tail:
            tail, self._pending = self._pending + tail, b""
            self._connection.write(tail)
        self._connection.reply_ended()

    def abort(self) -> None:
        """The answer is broken off, so that no client can take it for whole."""
        if not self.ended:
            self.ended = True
            self.gone = None
            if self._framing == UNTIL_CLOSE:
                self._connection.reset()  # to this client an orderly close would be the answer's end
            else:
                self.flush()
                self._connection.close()

    def drop(self) -> None:
        """The client does not read what it was sent: what waits for it is thrown away."""
        if not self.ended:
            self.ended = True
            self.gone = None
            self._connection.reset()

    def lost(self) -> None:
        """The client is gone."""
        self.ended = True
        gone, self.gone = self.gone, None
        if gone is not None:
            gone()

    def carried(self, task: "Task[None]") -> None:
        """The task that was to give the answer has ended."""
        self._connection.carried(self, task)

    def carry_on(self, carrying: Coroutine[None, None, None]) -> None:
        """Let this give the answer, in a task of its own."""
        self._connection.carry(carrying, self)

    def fault(self, error: Exception) -> None:
        """A fault of ours costs one answer, and the client is told whose it is."""
        self._connection.fault(self, error)

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer at once; to HEAD, only what its head says."""
        self.start(status, headers, len(body))
        if self._connection.reads_bodies:
            self.write(body)
        self.end()

    @property
    def slow(self) -> bool:
        """Whether the client has not yet read what was written."""
        return self._connection.slow
