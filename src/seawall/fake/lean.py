"""A lean HTTP client for fleets: one prepared request at a time on each connection, the whole answer as bytes.

Heads and framing are read by llhttp. It can be lean because it judges nothing: see `read_answer`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, cast
from urllib.parse import urlsplit

import httptools
import msgspec

MOST: Final = 16 * 1024 * 1024
"""Bytes of an answer that are read at most."""


@dataclass(slots=True)
class Raw:
    """What came: status 0 where nothing did; `broken` says why it is not whole."""

    status: int = 0
    retry_after: float | None = None
    body: bytearray = field(default_factory=bytearray)
    broken: str = ""


class _Connection(asyncio.Protocol):
    """One connection; `answer` is set while a request is under way."""

    def __init__(self, on_head: Callable[[int], None]) -> None:
        self.on_head = on_head
        self.transport: asyncio.Transport
        self.raw = Raw()
        self.answer: asyncio.Future[Raw] | None = None
        self.last = 0.0
        self.lost = self.reusable = False
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)

    def send(self, request: bytes, on_head: Callable[[int], None]) -> "asyncio.Future[Raw]":
        self.on_head, self.raw, self.reusable = on_head, Raw(), False
        self._parser = httptools.HttpResponseParser(self)
        self.last = self._loop.time()
        self.answer = self._loop.create_future()
        self.transport.write(request)
        return self.answer

    def end(self, why: str) -> None:
        """The answer is over; an empty `why`: it is whole."""
        self.raw.broken = why
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(self.raw)
        self.answer = None

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.last = self._loop.time()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.reusable = False
            self.end(f"not HTTP: {error}")
        if self.answer is None and not self.reusable:
            self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        if self.answer is not None:
            self.end("the connection broke" if self.raw.status else "no answer: the connection failed")

    # the parser's side

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"retry-after":
            try:
                self.raw.retry_after = float(value)
            except ValueError:
                pass

    def on_headers_complete(self) -> None:
        self.raw.status = self._parser.get_status_code()
        self.on_head(self.raw.status)

    def on_body(self, data: bytes) -> None:
        self.raw.body += data
        if len(self.raw.body) > MOST:
            raise ValueError("the answer is too long")

    def on_message_complete(self) -> None:
        self.reusable = self._parser.should_keep_alive()
        self.end("")


def _nobody(_: int) -> None:
    pass


class Lean:
    """Connections to one address, kept open; every request waits for a free one or opens another."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.base = parts.path.rstrip("/")
        self._idle: list[_Connection] = []
        self._all: set[_Connection] = set()

    def request(self, path: str, headers: dict[str, str], body: bytes) -> bytes:
        """A whole POST request, to be sent as often as wanted."""
        lines = [f"POST {self.base}{path} HTTP/1.1", f"host: {self.host}:{self.port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body

    async def send(self, request: bytes, silence: float, on_head: Callable[[int], None] = _nobody) -> Raw:
        """The answer to a request; given up after so many real seconds without a byte."""
        try:
            connection = await self._free(silence)
        except (OSError, TimeoutError):
            return Raw(broken="no answer: the connection failed")
        answer = connection.send(request, on_head)
        try:
            while not answer.done():
                left = connection.last + silence - asyncio.get_running_loop().time()
                if left <= 0:
                    connection.end("silence")
                    break
                await asyncio.wait((answer,), timeout=left)
            return answer.result()
        finally:
            connection.answer = None
            if connection.reusable and not connection.lost:
                self._idle.append(connection)
            else:
                connection.transport.abort()
                self._all.discard(connection)

    async def _free(self, limit: float) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.lost:
                return connection
            self._all.discard(connection)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(limit):
            _, made = await loop.create_connection(lambda: _Connection(_nobody), self.host, self.port)
        self._all.add(made)
        return made

    async def close(self) -> None:
        """Every connection is gone."""
        for connection in self._all:
            connection.transport.abort()
        await asyncio.sleep(0)


class _Delta(msgspec.Struct):
    text: str = ""


class _Fault(msgspec.Struct):
    type: str = ""


class _Event(msgspec.Struct):
    type: str = ""
    delta: _Delta = msgspec.field(default_factory=_Delta)
    error: _Fault = msgspec.field(default_factory=_Fault)


_decode: Final = msgspec.json.Decoder(_Event).decode


def read_answer(raw: Raw) -> tuple[str, str]:
    """The text of a streamed answer, and why it is not whole; empty: the stream says that it is."""
    if raw.status and raw.status != 200:
        return "", f"status {raw.status}"
    text: list[str] = []
    stopped = False
    for line in bytes(raw.body).splitlines():
        if not line.startswith(b"data:"):
            continue
        try:
            event = _decode(line[5:])
        except msgspec.DecodeError:
            return "".join(text), "an event that cannot be read"
        if event.type == "content_block_delta":
            text.append(event.delta.text)
        elif event.type == "error":
            return "".join(text), f"error event {event.error.type}"
        stopped = stopped or event.type == "message_stop"
    if stopped:
        return "".join(text), ""
    return "".join(text), raw.broken or "the answer ended too soon"
