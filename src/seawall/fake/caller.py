"""One messages request over a connection of its own, and what its client could read of the answer.

Framing by h11, events by the few lines below: nothing is shared with the gateway, so that no bug hides in both.
"""

import asyncio
import json
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import h11

from seawall.fake.schedules import Failure, How, Place

FIRST_BYTE: Final = 360.0
IDLE: Final = 300.0
"""Seconds of silence after which Claude Code gives an attempt up: before the head, and in the answer."""
MOST: Final = 16 * 1024 * 1024
"""Bytes of an answer that are read at most."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The text that came, and why it is not the whole answer; no failure: the answer said that it is whole."""

    text: str
    failure: Failure | None = None


@dataclass(slots=True)
class Reading:
    """An answer while it is read."""

    streamed: bool
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    place: Place = "start"
    stopped: bool = False
    error: str | None = None
    """`error.type` of an event that said so."""
    odd: bool = False
    """An event came that cannot be read: clients stop there."""
    raw: bytearray = field(default_factory=bytearray)
    size: int = 0

    @property
    def is_stream(self) -> bool:
        """Whether events are read from it."""
        return self.status == 200 and self.headers.get("content-type", "").startswith("text/event-stream")

    def feed(self, data: bytes) -> None:
        """Reads on."""
        self.size += len(data)
        if self.size > MOST:
            raise h11.RemoteProtocolError("the answer is too long")
        self.raw += data
        if self.is_stream:
            *whole, rest = bytes(self.raw).replace(b"\r\n", b"\n").split(b"\n\n")
            self.raw = bytearray(rest)
            for event in whole:
                self._event(event)

    def _event(self, event: bytes) -> None:
        lines = [line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:")]
        if not lines or self.stopped or self.error is not None or self.odd:
            return
        try:
            data = json.loads(b"\n".join(lines))
        except ValueError:
            self.odd = True
            return
        match data:
            case {"type": "content_block_start"}:
                self.place = "block"
            case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": str(text)}}:
                self.text += text
            case {"type": "content_block_stop"} | {"type": "message_delta"}:
                self.place = "after"
            case {"type": "message_stop"}:
                self.stopped = True
            case {"type": "error"}:
                self.error = _kind(data)

    def ended(self, broken: bool, at: float) -> Reply:
        """What came of it when it is over; `broken`: the connection went before the end."""
        if self.status == 0:
            return Reply("", Failure("connection", "head", self.streamed, at=at))
        if self.status != 200:
            return Reply("", self._failure("status", at, _kind(_json(bytes(self.raw)))))
        if self.is_stream:
            return Reply(self.text, self._stream_failure(broken, at))
        if broken:
            return Reply("", self._failure("cut", at))
        value = None if self.streamed else _json(bytes(self.raw))
        text = _text(value)
        return Reply(text) if text is not None else Reply("", self._failure("body", at, _kind(value)))

    def _stream_failure(self, broken: bool, at: float) -> Failure | None:
        if self.stopped:
            return None
        if self.error is not None:
            return self._failure("event", at, self.error)
        if self.odd:
            return self._failure("body", at)
        return self._failure("cut" if broken else "end", at)

    def _failure(self, how: How, at: float, kind: str = "") -> Failure:
        place: Place = "start" if how == "status" else self.place
        return Failure(how, place, self.streamed, self.status, kind, self.headers, at)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _kind(value: Any) -> str:
    match value:
        case {"type": "error", "error": {"type": str(kind)}}:
            return kind
        case _:
            return ""


def _text(value: Any) -> str | None:
    match value:
        case {"type": "message", "content": list(blocks)}:
            return "".join(str(b.get("text", "")) for b in blocks if isinstance(b, dict))
        case _:
            return None


def _decoder(coding: str) -> Callable[[bytes], bytes]:
    if coding == "gzip":
        return zlib.decompressobj(wbits=31).decompress
    if coding == "br":
        import brotli

        press = brotli.Decompressor()

        def decompress(data: bytes) -> bytes:
            try:
                return bytes(press.process(data))
            except brotli.error as error:
                raise h11.RemoteProtocolError(f"no brotli: {error}") from None

        return decompress
    return bytes


async def call(url: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> Reply:
    """One attempt: sends the request and reads the answer to its end, whatever that is. Raises nothing expected."""
    reading = Reading(streamed=bool(body.get("stream")))
    where = urlsplit(url)
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(FIRST_BYTE):
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
        talk = h11.Connection(h11.CLIENT)
        writer.write(_request(talk, where.netloc, where.path, headers, json.dumps(body).encode()))
        await _read(talk, reader, reading)
        broken = False
    except (OSError, TimeoutError, h11.RemoteProtocolError, zlib.error):
        broken = True
    finally:
        if writer is not None:
            writer.transport.abort()
    return reading.ended(broken, time.time())


def _request(talk: h11.Connection, host: str, path: str, headers: Mapping[str, str], payload: bytes) -> bytes:
    fields = {
        "host": host,
        **headers,
        "content-type": "application/json",
        "content-length": str(len(payload)),
    }
    head = h11.Request(method="POST", target=f"{path.rstrip('/')}/v1/messages", headers=list(fields.items()))
    parts = (talk.send(head), talk.send(h11.Data(payload)), talk.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)


async def _read(talk: h11.Connection, reader: asyncio.StreamReader, reading: Reading) -> None:
    decode = _decoder("")
    while True:
        match talk.next_event():
            case h11.NEED_DATA:
                async with asyncio.timeout(IDLE if reading.status else FIRST_BYTE):
                    talk.receive_data(await reader.read(65536))
            case h11.Response() as head:
                reading.status = head.status_code
                reading.headers = {n.decode("latin-1"): v.decode("latin-1") for n, v in head.headers}
                decode = _decoder(reading.headers.get("content-encoding", ""))
            case h11.Data(data=data):
                reading.feed(decode(bytes(data)))
            case h11.EndOfMessage() | h11.ConnectionClosed():
                return
            case _:
                pass  # 1xx: clients ignore them
