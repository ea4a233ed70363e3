"""One client connection of the faulty API: requests parsed by h11, answers written as raw bytes.

h11 is given only what comes in. What goes out is not shown to it: it would refuse to write wrong answers.
"""

import asyncio
import os
import socket
import struct
import zlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import h11

from seawall.fake.answer import Answer, Data, Pause, closes, raw

MOST_HEAD: Final = 64 * 1024
MOST_BODY: Final = 32 * 1024 * 1024
"""The API's own limit for a messages request."""
MOST_UNREAD: Final = 256 * 1024
"""What may lie unread while an answer is written; then the socket is no longer read."""


@dataclass(slots=True)
class Request:
    """One request as it came."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    keep_alive: bool
    too_large: bool = False

    def header(self, name: str) -> str:
        """The first header of this name, else an empty text."""
        return next((v for n, v in self.headers if n == name), "")


@dataclass(frozen=True, slots=True)
class Delivery:
    """Who is told what became of an answer: before the bytes leave, so that a client cannot know earlier."""

    began: Callable[[], None] = lambda: None
    """The head is about to be written."""
    over: Callable[[], None] = lambda: None
    """The last byte is about to be written, or the connection to be ended as the fault wants it."""


class BadHttp(Exception):
    """The client's bytes are no HTTP request."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class Connection(asyncio.Protocol):
    """Reads requests, one at a time, and writes what it is told to."""

    def __init__(self, number: int, serve: Callable[["Connection"], Coroutine[Any, Any, None]]) -> None:
        self.number = number
        self.busy = False
        self._serve = serve
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD)
        self._unread = 0
        self._paused_reading = False
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._task: asyncio.Task[None] | None = None
        self.gone = False
        self.transport: asyncio.Transport

    # ---- asyncio's side ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # those of uvloop are no subclass
        self.transport.set_write_buffer_limits(high=64 * 1024)
        self._task = asyncio.get_running_loop().create_task(self._serve(self))

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.receive_data(data)
        except RuntimeError:  # bytes after an end that h11 was told of
            return
        self._unread += len(data)
        if self.busy and self._unread > MOST_UNREAD and not self._paused_reading:
            self._paused_reading = True
            self.transport.pause_reading()
        self._arrived.set()

    def eof_received(self) -> bool:
        # A half-closed client counts as gone, as it does for the servers that stand before the API.
        self._leave()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._leave()

    def _leave(self) -> None:
        self.gone = True
        self._arrived.set()
        self._writable.set()
        if self._task is not None and not self._task.done() and self._task is not asyncio.current_task():
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # ---- requests ---------------------------------------------------------------------------------

    async def next_request(self) -> Request | None:
        """The next whole request; None when the client has gone. Raises BadHttp."""
        try:
            return await self._read_request()
        except h11.RemoteProtocolError as error:
            raise BadHttp(str(error), error.error_status_hint) from None

    async def _read_request(self) -> Request | None:
        head: h11.Request | None = None
        parts: list[bytes] = []
        size = 0
        while True:
            event = self._parser.next_event()
            if event is h11.NEED_DATA:
                if self._parser.they_are_waiting_for_100_continue and head is not None:
                    self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    # Told only of this, so that h11 does not ask again.
                    self._parser.send(h11.InformationalResponse(status_code=100, headers=[]))
                if self.gone:
                    return None
                self._arrived.clear()
                self._unread = 0
                self._resume()
                await self._arrived.wait()
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                size += len(event.data)
                if size <= MOST_BODY:
                    parts.append(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                self.busy = True
                return self._request(head, b"".join(parts), size > MOST_BODY)
            else:  # PAUSED, ConnectionClosed
                return None

    def _request(self, head: h11.Request, body: bytes, too_large: bool) -> Request:
        pairs = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in head.headers)
        tokens = [t.strip().lower() for n, v in pairs if n == "connection" for t in v.split(",")]
        keep = head.http_version != b"1.0" and "close" not in tokens
        target = head.target.decode("latin-1")
        return Request(head.method.decode("latin-1"), target, pairs, body, keep, too_large)

    def _resume(self) -> None:
        if self._paused_reading:
            self._paused_reading = False
            self.transport.resume_reading()

    def ready_for_next(self) -> None:
        """Forget the request that was answered; what came after it is the next one's."""
        rest, _ = self._parser.trailing_data
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD)
        self.busy = False
        if rest:
            self._parser.receive_data(rest)

    # ---- answers ----------------------------------------------------------------------------------

    async def deliver(self, answer: Answer, request: Request, delivery: Delivery, pace: "Pace") -> bool:
        """Write the answer; True when the connection can be used again."""
        body_begins = len(answer.lead)
        if not request.keep_alive:
            answer = replace(answer, close=True)
        steps = tuple(raw(answer, request.method))
        last = len(steps) - 1
        for index, step in enumerate(steps):
            match step:
                case Data(payload, wait):
                    await pace.work(wait)
                    if index == body_begins:
                        delivery.began()
                    await self._write(payload, answer.drip, pace, delivery if index == last else Delivery())
                case Pause(seconds):
                    await pace.pause(seconds)
                case _:
                    await self.flush()
                    delivery.over()
                    self.end(reset=step.how == "reset")
                    return False
        delivery.over()
        await self.flush()
        if closes(answer):
            self.transport.close()
            return False
        return True

    async def _write(self, payload: bytes, drip: float | None, pace: "Pace", told: Delivery) -> None:
        if drip is None:
            told.over()
            self.transport.write(payload)
            await self._writable.wait()
            return
        for index in range(len(payload)):
            if index == len(payload) - 1:
                told.over()
            self.transport.write(payload[index : index + 1])
            await self._writable.wait()
            await pace.pause(drip)

    async def flush(self) -> None:
        """Wait until the kernel has everything: a reset would throw away what it has not."""
        turns = 0
        while self.transport.get_write_buffer_size() and not self.gone:
            # Looked at again and again, because TLS transports take a high-water mark of 0 for "always full".
            await asyncio.sleep(0 if turns < 10 else 0.005)
            turns += 1

    def end(self, *, reset: bool) -> None:
        """Close the connection, by RST or by FIN."""
        if reset:
            self._linger()
            self.transport.abort()
        else:
            self.transport.close()

    def _linger(self) -> None:
        """Ask the kernel to answer the close with RST."""
        opened = self.transport.get_extra_info("socket")
        if opened is None or opened.fileno() < 0:
            return
        # Through a second handle: event loops hand out sockets whose setters they may refuse.
        with socket.socket(fileno=os.dup(opened.fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def cancel(self) -> asyncio.Task[None] | None:
        """Stop at once, without a farewell; the task to wait for."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
        self.transport.abort()
        return self._task


class Pace:
    """How fast an answer is written: by the clock, or by the share of the engine that it has."""

    def __init__(
        self,
        factor: float,
        done: Callable[[], float],
        speed: Callable[[], float],
    ) -> None:
        self._factor, self._done, self._speed = factor, done, speed
        self._target = done()

    async def work(self, seconds: float) -> None:
        """Wait until so many more seconds of full speed have been had."""
        if seconds <= 0:
            return
        self._target += seconds
        while (left := self._target - self._done()) > 1e-4:
            speed = self._speed()
            # A slowed stream looks again every second: others may have ended meanwhile.
            await asyncio.sleep((left if speed >= 1 else min(1.0, left / speed)) / self._factor)

    async def pause(self, seconds: float) -> None:
        """Wait so many seconds, whatever the load."""
        await asyncio.sleep(seconds / self._factor)
        self._target = max(self._target, self._done())


def decoded(body: bytes, coding: str) -> bytes | None:
    """A request's body without its content coding, at most MOST_BODY; None when that cannot be had."""
    if coding in ("", "identity"):
        return body
    if coding != "gzip":
        return None
    press = zlib.decompressobj(wbits=31)
    try:
        whole = press.decompress(body, MOST_BODY)
    except zlib.error:
        return None
    return whole if press.eof else None
