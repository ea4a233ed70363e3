"""One client's request, and the ways to read its body."""

import asyncio
from typing import TYPE_CHECKING, Protocol

from seawall.http.head import RequestHead
from seawall.wire.request import RequestBody

if TYPE_CHECKING:
    from seawall.http.server import ServerConnection

_LARGE = 64 * 1024
"""Bytes still to come from which a body is worth a buffer of its own."""


_NO_PIECES: list[RequestBody] = []
"""Of a body that was given away whole: nothing comes after it."""
_FORGOTTEN = RequestHead(b"", b"", b"", True, [], 0, False, False, {})


class BodyTooLarge(Exception):
    """The request's body is over the limit that its reader set."""


class BodySink(Protocol):
    """Takes a request's body as it arrives."""

    def piece(self, data: RequestBody) -> None: ...
    def end(self) -> None: ...


class Request:
    """One request. Its body is read once, either whole or piece by piece."""

    __slots__ = (
        "_connection",
        "_pieces",
        "_sink",
        "_waiter",
        "arrived_at",
        "complete",
        "head",
        "limit",
        "size",
    )

    def __init__(self, connection: "ServerConnection", head: RequestHead, now: float) -> None:
        self.head = head
        self.arrived_at = now
        self.complete = head.length == 0
        self.limit: int | None = None
        self._connection = connection
        self._pieces: list[RequestBody] = []
        self.size = 0
        """Bytes of its body that have come."""
        self._sink: BodySink | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def connection(self) -> str:
        """Tells its client's connection from all others that are open."""
        return self._connection.name

    async def read(self, limit: int) -> RequestBody:
        """The whole body. Raises BodyTooLarge over `limit` bytes, before the rest is read."""
        self.limit = limit
        length = self.head.length
        if length > limit or self.size > limit:
            raise BodyTooLarge
        self._connection.ask_for_body()
        if not self.complete:
            if length - self.size >= _LARGE:
                pieces, self._pieces = self._pieces, []
                self.size = 0  # they come again, as the beginning of the whole
                self._connection.receive(LargeBody(self._connection, length, pieces))
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self.whole()

    def whole(self) -> RequestBody:
        """The body of a request that is `complete`."""
        pieces, self._pieces = self._pieces, _NO_PIECES
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def stream_to(self, sink: BodySink) -> None:
        """Give `sink` the body, what has arrived first."""
        self._sink = sink
        pieces, self._pieces = self._pieces, []
        for piece in pieces:
            sink.piece(piece)
        if self.complete:
            sink.end()
        else:
            self._connection.ask_for_body()

    def forget_head(self) -> None:
        """Drop the head: a call may wait for minutes, and its headers are more than a small body."""
        self.head = _FORGOTTEN

    def pause(self) -> None:
        """Read no more of the body for now."""
        self._connection.pause_reading()

    def resume(self) -> None:
        """Read on."""
        self._connection.resume_reading()

    def fill(self, body: bytes) -> None:
        """All of the body, which came with the head: nobody waits for it yet."""
        self._pieces, self.size, self.complete = [body], len(body), True

    def take(self, data: RequestBody, complete: bool) -> None:
        if self._sink is not None:
            if data:
                self._sink.piece(data)
            if complete:
                self.complete = True
                self._sink.end()
            return
        if data:
            self._pieces.append(data)
            self.size += len(data)
        if complete:
            self.complete = True
        waiter = self._waiter
        if self.limit is not None and self.size > self.limit and waiter is not None:
            if not waiter.done():
                waiter.set_exception(BodyTooLarge())
        elif complete and waiter is not None and not waiter.done():
            waiter.set_result(None)


class LargeBody(asyncio.BufferedProtocol):
    """Receives the rest of a counted body into one buffer: it is copied nowhere on the way.

    It stands in for its connection's own protocol until the last byte is there.
    """

    __slots__ = ("_at", "_body", "_connection", "_view")

    def __init__(self, connection: "ServerConnection", length: int, begun: list[RequestBody]) -> None:
        self._connection = connection
        # The pages of a large buffer are the system's until they are written to: a client that promises much and
        # sends nothing costs nothing.
        self._body = bytearray(length)
        self._view = memoryview(self._body)
        self._at = 0
        for piece in begun:
            self._view[self._at : self._at + len(piece)] = piece
            self._at += len(piece)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view[self._at :]

    def buffer_updated(self, nbytes: int) -> None:
        self._at += nbytes
        self._connection.heard()
        if self._at == len(self._body):
            self._view.release()
            self._connection.received(self._body)

    def eof_received(self) -> bool:
        return self._connection.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self._connection.connection_lost(error)

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()
