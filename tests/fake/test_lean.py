"""The lean client: connections kept and thrown away, silence, and what an answer says."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from seawall.fake.lean import Lean, Raw, read_answer

EVENTS = (
    b'event: message_start\ndata: {"type":"message_start","message":{}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}\n\n'
    b'data: {"type":"content_block_delta","delta":{"text":"b"}}\r\n\r\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\n'
)
STOP = b'data: {"type":"message_stop"}\n\n'


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (Raw(200, body=bytearray(EVENTS + STOP)), ("ab", "")),
        (Raw(200, body=bytearray(EVENTS + STOP), broken="the connection broke"), ("ab", "")),
        (Raw(200, body=bytearray(EVENTS)), ("ab", "the answer ended too soon")),
        (Raw(200, body=bytearray(EVENTS), broken="silence"), ("ab", "silence")),
        (Raw(529, body=bytearray(b"{}")), ("", "status 529")),
        (Raw(0, broken="no answer: the connection failed"), ("", "no answer: the connection failed")),
        (
            Raw(200, body=bytearray(b'data: {"type":"error","error":{"type":"overloaded_error"}}\n\n')),
            ("", "error event overloaded_error"),
        ),
        (Raw(200, body=bytearray(b"data: {\n\n")), ("", "an event that cannot be read")),
        (Raw(200, body=bytearray(b"<html>")), ("", "the answer ended too soon")),
    ],
)
def test_read_answer(raw: Raw, expected: tuple[str, str]) -> None:
    """The text, and why it is not whole."""
    assert read_answer(raw) == expected


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


def with_server(serve: Serve, use: Callable[[Lean], Coroutine[Any, Any, None]]) -> None:
    over: list[asyncio.Event] = []

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        over.append(mine := asyncio.Event())
        try:
            await serve(reader, writer)
        except ConnectionError:
            pass
        writer.close()
        mine.set()

    async def run() -> None:
        server = await asyncio.start_server(served, "127.0.0.1", 0)
        lean = Lean(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/base")
        try:
            await use(lean)
        finally:
            await lean.close()
            await asyncio.gather(*(one.wait() for one in over))
            server.close()
            await server.wait_closed()

    asyncio.run(run())


async def head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def test_a_connection_is_used_again() -> None:
    """Two requests, one connection; the path follows the address's own."""
    connections: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            connections.append(await head(reader))
            await reader.readexactly(2)
            writer.write(b"HTTP/1.1 200 OK\r\nretry-after: 1.5\r\ncontent-length: 2\r\n\r\nok")

    async def use(lean: Lean) -> None:
        request = lean.request("/v1/messages", {"x-own": "1"}, b"{}")
        statuses: list[int] = []
        for _ in range(2):
            raw = await lean.send(request, 5.0, statuses.append)
            assert (raw.status, raw.retry_after, bytes(raw.body), raw.broken) == (200, 1.5, b"ok", "")
        assert statuses == [200, 200]

    with_server(serve, use)
    assert len(connections) == 2
    assert connections[0].startswith(b"POST /base/v1/messages HTTP/1.1\r\n")
    assert b"x-own: 1\r\ncontent-length: 2\r\n" in connections[0]


@pytest.mark.parametrize(
    ("sent", "status", "why"),
    [
        (b"", 0, "no answer: the connection failed"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", 200, "the connection broke"),
        (b"nonsense\r\n\r\n", 0, "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", 200, ""),
    ],
)
def test_answers_after_which_the_connection_is_gone(sent: bytes, status: int, why: str) -> None:
    """What came, why it is not whole, and another connection for the next request."""
    count = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        await head(reader)
        writer.write(sent)
        await writer.drain()

    async def use(lean: Lean) -> None:
        for _ in range(2):
            raw = await lean.send(lean.request("/", {}, b""), 5.0)
            assert raw.status == status
            assert raw.broken.startswith(why)
            assert bool(raw.broken) == bool(why)

    with_server(serve, use)
    assert count == 2


def test_silence_ends_a_request() -> None:
    """Nothing for so long: given up, and the connection is not used again."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        await reader.read()

    async def use(lean: Lean) -> None:
        raw = await lean.send(lean.request("/", {}, b""), 0.02)
        assert (raw.status, raw.broken) == (0, "silence")

    with_server(serve, use)


def test_nobody_listens() -> None:
    """An answer that says so, not an exception."""

    async def run() -> None:
        lean = Lean("http://127.0.0.1:9")
        raw = await lean.send(lean.request("/", {}, b""), 1.0)
        assert (raw.status, raw.broken) == (0, "no answer: the connection failed")

    asyncio.run(run())
