"""The client's side: one connection that reads requests and writes their answers, one at a time.

The connection knows HTTP and nothing of what is carried. Each request starts one task of the handler; when the
client goes away that task is cancelled.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import cast

from seawall.config import Idle, Sizes
from seawall.http.body import BadBody, Reader, reader
from seawall.http.head import BadHead, end_of_head, read_request
from seawall.http.reply import Reply
from seawall.http.request import LargeBody, Request

_NO_LINGER = struct.pack("ii", 1, 0)
_PROBE_AFTER = (0.05, 0.2, 1.0)
"""Seconds after a client closed its sending side at which we write to it to learn whether it still listens."""


Handler = Callable[[Request, Reply], Awaitable[None] | None]
"""Answers a request, or gives what will."""


class Server:
    """What the connections of a listener share."""

    def __init__(
        self, handler: Handler, refuse: Callable[[int, str], bytes], idle: Idle, sizes: Sizes
    ) -> None:
        self.handler = handler
        self.refuse = refuse
        self.idle = idle
        self.sizes = sizes
        self.connections: set[ServerConnection] = set()
        self.closing = False

    def __call__(self) -> "ServerConnection":
        """A protocol for one new connection."""
        return ServerConnection(self)

    def tick(self, now: float) -> None:
        """Close what has been too slow. Called every now and then, so that no request needs a timer."""
        for connection in tuple(self.connections):
            connection.tick(now)

    def under_way(self) -> set[asyncio.Task[None]]:
        """The handlers that have not answered yet."""
        return {task for connection in self.connections if (task := connection.task) is not None}

    def close_idle(self) -> None:
        """From now on connections close after their answer; those with no request close at once."""
        self.closing = True
        for connection in tuple(self.connections):
            connection.last_request()


class ServerConnection(asyncio.Protocol):
    """One client connection."""

    __slots__ = (
        "_body",
        "_buffer",
        "_continue",
        "_keep",
        "_loop",
        "_paused",
        "_probe",
        "_reply",
        "_request",
        "_since",
        "request_http11",
        "server",
        "slow",
        "task",
        "transport",
    )

    def __init__(self, server: Server) -> None:
        self.server = server
        self.request_http11 = True
        self.slow = False
        self._loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        self._buffer = b""
        self._request: Request | None = None
        self._reply: Reply | None = None
        self._body: Reader | None = None
        self.task: asyncio.Task[None] | None = None
        self._probe: asyncio.TimerHandle | None = None
        self._since = self._loop.time()
        self._continue = False
        self._keep = True
        self._paused = False

    # -- what asyncio calls ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # those of uvloop are no subclass
        self.transport = transport
        transport.set_write_buffer_limits(self.server.sizes.buffer)
        self.server.connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._body is not None:
            self._since = self._loop.time()
            self._take_body(data)
        elif self._request is None:
            if self._buffer:  # its time runs from the head's first byte, however slowly the rest drips in
                self._buffer += data
            else:
                self._since = self._loop.time()
                self._buffer = data
            self._next_request()
        else:  # the next request, before this one is answered
            self._buffer += data
            if len(self._buffer) > self.server.sizes.head:
                self.pause_reading()

    def eof_received(self) -> bool:
        """The client sends no more. It may still read (a half-closed connection), or be gone: a write tells."""
        if self._request is None or not self._request.complete or not self.request_http11:
            return False
        self._keep = False
        self._probe_client(0)
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self.server.connections.discard(self)
        self.transport = None
        if self._probe is not None:
            self._probe.cancel()
        reply, task = self._reply, self.task
        self._request = self._body = self._reply = self.task = None
        if reply is not None:
            reply.ended = True
        if task is not None and not task.done():
            task.cancel()

    def pause_writing(self) -> None:
        self.slow = True
        self._since = self._loop.time()
        if self._reply is not None and self._reply.source is not None:
            self._reply.source.pause()

    def resume_writing(self) -> None:
        self.slow = False
        if self._reply is not None and self._reply.source is not None:
            self._reply.source.resume()

    # -- reading --------------------------------------------------------------------------------------------------

    def _next_request(self) -> None:
        data = self._buffer
        try:
            end = end_of_head(data, self.server.sizes.head)
            if not end:
                return
            head = read_request(data[:end])
        except BadHead as error:
            self._refuse(error)
            return
        length, rest = head.length, data[end:]
        self.request_http11 = head.http11
        self._keep = head.keep_alive and not self.server.closing
        self._continue = head.expects_continue
        request = self._request = Request(self, head, self._since)
        reply = self._reply = Reply(self)
        if 0 <= length <= len(rest):  # all of it is here, as nearly always where it is small
            self._buffer = rest[length:]
            if length:
                request.take(rest[:length], True)
        else:
            self._buffer = b""
            self._body = reader(length)
            if rest:
                self._take_body(rest)
                if self._request is not request:  # its body was refused
                    return
        self.task = self._loop.create_task(self._handle(request, reply))

    async def _handle(self, request: Request, reply: Reply) -> None:
        try:
            carrying = self.server.handler(request, reply)
            if carrying is not None:
                await carrying
        except Exception as error:
            # A fault of ours costs one answer, and the client is told whose it is.
            if not reply.started and self.transport is not None:
                self.write(self.server.refuse(503, "it met a fault of its own with this call"))
            context = {"message": "a request met a fault of Seawall's own", "exception": error}
            self._loop.call_exception_handler(context)
        finally:
            if not reply.ended:
                reply.abort()

    def _take_body(self, data: bytes) -> None:
        body, request = self._body, self._request
        assert body is not None
        assert request is not None
        try:
            piece = body.feed(data)
        except BadBody as error:
            self._refuse(BadHead(str(error)))
            return
        if body.done:
            self._buffer = body.rest
            self._body = None
        request.take(piece, body.done)

    def receive(self, body: LargeBody) -> None:
        """Let the rest of the request's body go straight into a buffer of its own."""
        self._switch(body)

    def heard(self) -> None:
        """Bytes came."""
        self._since = self._loop.time()

    def received(self, body: bytearray) -> None:
        """That buffer is full: the body is whole."""
        request = self._request
        self._switch(self)
        self._body = None
        if request is not None:
            request.take(body, True)

    def _switch(self, protocol: asyncio.BaseProtocol) -> None:
        if self.transport is not None:
            # Event loops choose how to read when reading begins.
            self.transport.pause_reading()
            self.transport.set_protocol(protocol)
            self.transport.resume_reading()

    def ask_for_body(self) -> None:
        """Tell a client that waits for our word (`Expect: 100-continue`) to send its body."""
        if self._continue:
            self._continue = False
            if self._body is not None:
                self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def pause_reading(self) -> None:
        if self.transport is not None and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if self.transport is not None and self._paused:
            self._paused = False
            self.transport.resume_reading()

    def _refuse(self, error: BadHead) -> None:
        """Answer a request that cannot be read, and close: where it ends is not known."""
        task, self.task = self.task, None
        started = self._reply is not None and self._reply.started
        self._request = self._body = None
        self._buffer = b""
        self._keep = False
        if task is not None:
            task.cancel()
        if not started:
            self.write(self.server.refuse(error.status, str(error)))
        if self._reply is not None:
            self._reply.ended = True
        self.close()

    # -- writing --------------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)

    def reply_ended(self) -> None:
        """The answer is written; go on to the next request, or close."""
        request = self._request
        self._request = self._reply = self.task = None
        if self.transport is None:
            return
        if not self._keep or request is None or not request.complete:
            # A body that nobody read would be taken for the next request.
            self.close()
            return
        self._since = self._loop.time()
        self.resume_reading()
        if self._buffer:
            self._next_request()

    @property
    def stays_open(self) -> bool:
        """Whether another request may follow this one."""
        return self._keep and (self._request is None or self._request.complete)

    def last_request(self) -> None:
        """No request after this one."""
        self._keep = False
        if self._request is None:
            self.close()

    def close(self) -> None:
        """Close once what was written has left."""
        if self.transport is not None:
            self.transport.close()

    def reset(self) -> None:
        """Close at once, as broken: with a reset, for without it the client would see an orderly end."""
        if self.transport is not None:
            sock = self.transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.transport.abort()

    # -- time -----------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Close a client that is too slow."""
        idle, silent = self.server.idle, now - self._since
        if self._request is None:
            if self._buffer and silent > idle.head:
                self._refuse(BadHead("the request's head did not arrive in time", 408))
            elif silent > idle.keep_alive:
                self.close()
        elif self._body is not None and not self._paused and silent > idle.body:
            self._refuse(BadHead("the request's body did not arrive in time", 408))
        elif self.slow and silent > idle.keep_alive:
            self.reset()  # it has not read for minutes, and keeps an upstream connection waiting

    def _probe_client(self, number: int) -> None:
        # To a process that has gone, a write draws a reset, and the next one fails: `connection_lost` is called.
        # A client that only stopped sending ignores 102, as every client measured does.
        if self._request is None or self._reply is None:
            return
        if self._reply.started:
            self._reply.write(self._reply.filler)
        else:
            self.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        if number < len(_PROBE_AFTER):
            self._probe = self._loop.call_later(_PROBE_AFTER[number], self._probe_client, number + 1)
