"""The client's side: one connection that reads requests and writes their answers, one at a time.

The connection knows HTTP and nothing of what is carried. What takes more than a moment to answer is a task of its own,
cancelled when the client goes away, or asks its `Reply` to be told of that.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import cast

from seawall.config import Idle, Sizes
from seawall.http.body import BadBody, Reader, reader
from seawall.http.head import BadHead, end_of_head, read_request
from seawall.http.reply import Reply
from seawall.http.request import LargeBody, Request

_NO_LINGER = struct.pack("ii", 1, 0)
_PROBE_AFTER = (0.05, 0.2, 1.0)
"""Seconds after a client closed its sending side at which we write to it to learn whether it still listens."""
_LINGER = 5.0
"""Seconds for which what a client still sends after its answer is thrown away. To close at once would be a reset, which
takes the answer from who has not read it yet (RFC 9112 section 9.6)."""


Handler = Callable[[Request, Reply], Coroutine[None, None, None] | None]
"""Answers a request, now or later, or gives what will."""


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
        self._finished: asyncio.Future[None] | None = None

    def __call__(self) -> "ServerConnection":
        """A protocol for one new connection."""
        return ServerConnection(self)

    def tick(self, now: float) -> None:
        """Close what has been too slow. Called every now and then, so that no request needs a timer."""
        for connection in tuple(self.connections):
            connection.tick(now)

    def close_idle(self) -> None:
        """From now on connections close after their answer; those with no request close at once."""
        self.closing = True
        for connection in tuple(self.connections):
            connection.last_request()

    async def finish(self, most: float) -> None:
        """Wait until all requests are answered, so many seconds at most; for one that is `closing`."""
        self._finished = asyncio.get_running_loop().create_future()
        self.answered()
        await asyncio.wait((self._finished,), timeout=most)

    def answered(self) -> None:
        """One answer less is under way."""
        finished = self._finished
        if finished is not None and not finished.done() and not any(c.busy for c in self.connections):
            finished.set_result(None)


class ServerConnection(asyncio.Protocol):
    """One client connection."""

    __slots__ = (
        "_beginning",
        "_body",
        "_buffer",
        "_continue",
        "_keep",
        "_lingers",
        "_loop",
        "_paused",
        "_probe",
        "_reply",
        "_request",
        "_since",
        "name",
        "request_http11",
        "server",
        "slow",
        "task",
        "transport",
    )

    def __init__(self, server: Server) -> None:
        self.server = server
        self.name = f"{id(self):x}"
        """Tells it from all others that are open."""
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
        self._beginning = False
        self._lingers = False
        """Answered for good: what still comes is thrown away."""

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
            if self._lingers:
                return
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
        if self.transport is None or self.transport.get_extra_info("sslcontext") is not None:
            return False  # TLS knows no half-closed connections
        self._keep = False
        self._probe_client(0)
        return True

    def connection_lost(self, error: Exception | None) -> None:
        self.server.connections.discard(self)
        self.transport = None
        self.slow = False  # nobody is waited for
        if self._probe is not None:
            self._probe.cancel()
        reply, task = self._reply, self.task
        self._request = self._body = self._reply = self.task = None
        if reply is not None:
            reply.lost()
        if task is not None and not task.done():
            task.cancel()
        if self.server.closing:
            self.server.answered()

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
        # Requests that are answered at once follow each other here: many in a row must not nest.
        self._beginning = True
        try:
            while self._begin_request():
                pass
        finally:
            self._beginning = False

    def _begin_request(self) -> bool:
        """Begin with the next request if its head is here; whether it is answered already and another may follow."""
        data = self._buffer
        try:
            end = end_of_head(data, self.server.sizes.head)
            if not end:
                return False
            head = read_request(data[:end])
        except BadHead as error:
            if data.startswith(b"\r\n"):  # after an earlier body, by clients of old: RFC 9112, 2.2
                self._buffer = data.lstrip(b"\r\n")
                return bool(self._buffer)
            self._refuse(error)
            return False
        length, rest = head.length, data[end:]
        self.request_http11 = head.http11
        self._keep = head.keep_alive and not self.server.closing
        self._continue = head.expects_continue
        request = self._request = Request(self, head, self._since)
        reply = self._reply = Reply(self)
        if 0 <= length <= len(rest):  # all of it is here, as nearly always where it is small
            self._buffer = rest[length:]
            if length:
                request.fill(rest[:length])
        else:
            self._buffer = b""
            self._body = reader(length)
            if rest:
                self._take_body(rest)
                if self._request is not request:  # its body was refused
                    return False
        try:
            carrying = self.server.handler(request, reply)
        except Exception as error:
            self.fault(reply, error)
            return False
        if carrying is not None:
            self.task = self.carry(carrying, reply)
        return bool(self._buffer) and self._request is None and self.transport is not None

    def carry(self, carrying: Coroutine[None, None, None], reply: Reply) -> asyncio.Task[None]:
        """The task of what answers a request."""
        # A held call has such a task: a name of its own and a callback of its own would be a quarter of a KB.
        task = self._loop.create_task(carrying, name="call")
        task.add_done_callback(reply.carried)
        return task

    def carried(self, reply: Reply, task: asyncio.Task[None]) -> None:
        """That task has ended."""
        if self.task is task:
            self.task = None
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self.fault(reply, error)
        elif not reply.ended and reply.gone is None:  # else somebody answers later
            reply.abort()

    def fault(self, reply: Reply, error: Exception) -> None:
        """A fault of ours costs one answer, and the client is told whose it is."""
        if not reply.started and not reply.ended:
            self.write(self.server.refuse(503, "it met a fault of its own with this call"))
        context = {"message": "a request met a fault of Seawall's own", "exception": error}
        self._loop.call_exception_handler(context)
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
        if self.server.closing:
            self.server.answered()
        if self.transport is None or self.transport.is_closing():
            return  # nobody reads what another request that is here already would be answered
        if request is not None and not request.complete:
            self._linger()  # a body that nobody read would be taken for the next request
            return
        if not self._keep or request is None:
            self.close()
            return
        self._since = self._loop.time()
        if self._paused:
            self.resume_reading()
        if self._buffer and not self._beginning:
            self._next_request()

    def _linger(self) -> None:
        """Send no more, and close when the client does, or after a while."""
        transport = self.transport
        if transport is None or transport.get_protocol() is not self:
            self.close()  # a buffer of its own still takes the body
            return
        self._lingers, self._body, self._buffer = True, None, b""
        self._since = self._loop.time()
        if transport.can_write_eof():
            transport.write_eof()
        self.resume_reading()

    @property
    def busy(self) -> bool:
        """Whether a request has no answer yet."""
        return self._request is not None

    @property
    def reads_bodies(self) -> bool:
        """Whether the answer to this request has a body: behind one to HEAD its client reads the next answer."""
        return self._request is None or self._request.head.method != b"HEAD"

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
            elif silent > (_LINGER if self._lingers else idle.keep_alive):
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
