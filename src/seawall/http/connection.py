"""The upstream's side: one connection that carries one exchange at a time.

What arrives is handed to a sink as it arrives. A connection is fit for another exchange only if the answer ended
exactly where its head said, no byte is left over, and the whole request was sent.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from seawall.causes.evidence import Fault
from seawall.config import Sizes
from seawall.http.body import LAST_CHUNK, BadBody, Reader, UntilClose, chunk, reader
from seawall.http.head import AnswerHead, BadHead, end_of_head, read_answer
from seawall.http.reply import Source
from seawall.wire.request import RequestBody


class AnswerSink(Protocol):
    """Takes an answer as it arrives. After `end` or `broken` nothing more comes."""

    def interim(self, head: AnswerHead) -> None: ...
    def head(self, head: AnswerHead) -> None: ...
    def piece(self, data: bytes) -> None: ...
    def end(self) -> None: ...
    def broken(self, fault: Fault, text: str) -> None: ...


class UpstreamConnection(asyncio.Protocol):
    """One connection to an upstream. `send` begins an exchange; `cancel` ends it and the connection."""

    __slots__ = (
        "_body",
        "_buffer",
        "_interims",
        "_loop",
        "_method",
        "_release",
        "_reusable",
        "_sizes",
        "_transport",
        "fresh",
        "last_byte_at",
        "paused",
        "sent_all",
        "sink",
        "slow",
        "source",
        "used_at",
    )

    def __init__(self, sizes: Sizes, release: Callable[["UpstreamConnection", bool], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._sizes = sizes
        self._release = release
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._method = b""
        self._reusable = False
        """What the answer's head said of this connection."""
        self._body: Reader | None = None
        self._interims = 0
        self.sink: AnswerSink | None = None
        self.source: Source | None = None
        """What is paused while the upstream reads slowly."""
        self.slow = False
        self.paused = False
        self.fresh = True
        """No exchange was carried yet."""
        self.sent_all = False
        self.used_at = self.last_byte_at = self._loop.time()

    # -- what asyncio calls ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # those of uvloop are no subclass
        self._transport = transport
        transport.set_write_buffer_limits(self._sizes.buffer)

    def data_received(self, data: bytes) -> None:
        self.last_byte_at = self._loop.time()
        sink, body = self.sink, self._body
        if sink is None:
            self._drop()  # bytes that nobody asked for: the next answer could not be told from them
            return
        try:
            if body is None:
                self._take_head(self._buffer + data if self._buffer else data)
                return
            piece = body.feed(data)
            if piece:
                sink.piece(piece)
            if body.done and self.sink is sink:
                self._finish(body.rest)
        except (BadHead, BadBody) as error:
            self._break(Fault.BAD_ANSWER, str(error))

    def eof_received(self) -> bool:
        if self.sink is None:
            return False
        if isinstance(self._body, UntilClose) and not self._body.done:
            self._body.done = True
            self._finish()
        else:
            self._break(
                Fault.CONNECTION_CLOSED, "the other side closed the connection before its answer was whole"
            )
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self.sink is not None:
            if error is None:
                self._break(Fault.CONNECTION_CLOSED, "the connection ended before the answer was whole")
            elif "CERTIFICATE_REQUIRED" in str(getattr(error, "reason", "")):
                # With TLS 1.3 a client has done its part of the handshake, and sent, before it is told so.
                self._break(
                    Fault.TLS_OTHER, "the other side demands a client certificate, and was shown none"
                )
            else:
                self._break(Fault.CONNECTION_RESET, "the connection was reset before the answer was whole")
        self._release(self, False)

    def pause_writing(self) -> None:
        self.slow = True
        if self.source is not None:
            self.source.pause()

    def resume_writing(self) -> None:
        self.slow = False
        if self.source is not None:
            self.source.resume()

    # -- one exchange ---------------------------------------------------------------------------------------------

    def send(self, head: bytes, body: RequestBody | None, sink: AnswerSink, method: bytes) -> None:
        """Send a request; `body` None where it follows by `write_body` and `end_body`."""
        transport = self._transport
        assert transport is not None
        self.sink, self._method, self._interims = sink, method, 0
        self.used_at = self.last_byte_at = self._loop.time()
        self.sent_all = body is not None
        if not body:
            transport.write(head)
        elif len(body) <= self._sizes.buffer:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)

    def write_body(self, data: RequestBody, chunked: bool) -> None:
        """A piece of the request's body, which is not empty."""
        if self._transport is not None:
            self._transport.write(chunk(bytes(data)) if chunked else data)

    def end_body(self, chunked: bool) -> None:
        """The request's body is whole."""
        self.sent_all = True
        if chunked and self._transport is not None:
            self._transport.write(LAST_CHUNK)

    def cancel(self) -> None:
        """End the exchange, and with it the connection. The sink hears nothing more."""
        self.sink = self.source = None
        self._drop()

    def pause(self) -> None:
        """Read no more for now."""
        if self._transport is not None and not self.paused:
            self.paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None and self.paused:
            self.paused = False
            self.last_byte_at = self._loop.time()  # the silence was ours
            self._transport.resume_reading()

    def close(self) -> None:
        """Close in good order; for a connection that carries nothing."""
        if self._transport is not None:
            self._transport.close()

    @property
    def open(self) -> bool:
        """Whether it can still carry something."""
        return self._transport is not None and not self._transport.is_closing()

    # -- reading the answer ---------------------------------------------------------------------------------------

    def _take_head(self, data: bytes) -> None:
        while True:
            end = end_of_head(data, self._sizes.head)
            if not end:
                self._buffer = data
                return
            head, data = read_answer(data[:end], self._method), data[end:]
            self._buffer = b""
            sink = self.sink
            assert sink is not None
            if head.status >= 200:
                break
            self._interims += 1
            if self._interims > 100:
                raise BadHead("more than a hundred interim answers")
            sink.interim(head)
            if self.sink is None:
                return
            if not data:
                return
        self._reusable = head.keep_alive
        length = head.length
        sink.head(head)
        if self.sink is not sink:  # it has seen enough
            return
        if 0 <= length <= len(data):  # all of it is here, as nearly always where it is small
            rest = data[length:]
            if length:
                sink.piece(data[:length])
                if self.sink is not sink:
                    return
            self._finish(rest)
            return
        self._body = reader(length)
        if data:
            self.data_received(data)

    def _finish(self, rest: bytes = b"") -> None:
        """The answer is whole; `rest` came behind its end."""
        sink = self.sink
        assert sink is not None
        reusable = self._reusable and self.sent_all and not rest and self.open
        self.sink = self.source = self._body = None
        self.fresh = self.sent_all = False
        self.used_at = self.last_byte_at
        if reusable:
            if self.paused:
                self.resume()
            self._release(self, True)
        else:
            self.close()
        sink.end()

    def _break(self, fault: Fault, text: str) -> None:
        sink = self.sink
        self.sink = self.source = None
        self._drop()
        if sink is not None:
            sink.broken(fault, text)

    def _drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()
