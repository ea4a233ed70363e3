"""The canned upstream: `python -m bench.origin` listens on a port of its own choice and prints it.

It does as little as it can, so that what is measured is what stands in front of it. The query says how it answers:
`json`, `overloaded`, `sse=N` (N events, one each 20 ms), `hang` (a stream that has begun and then is silent).
"""

import asyncio
import time
from typing import cast

from bench import wire
from bench.measure import run

PERIOD = 0.020
_SLOTS = 20
"""Streams are spread over the period, so that their events do not come in one burst."""
_AHEAD = 1.5
"""Seconds before the first event of a stream: by then all streams are open."""


class Streams:
    """All streams that are written to, by slot."""

    def __init__(self) -> None:
        self._slots: list[list[tuple[asyncio.Transport, list[int]]]] = [[] for _ in range(_SLOTS)]
        self._next = 0
        self._loop = asyncio.get_running_loop()
        self._running = False

    def add(self, transport: asyncio.Transport, events: int) -> None:
        """Begin a stream of so many events."""
        transport.write(wire.STREAM_BEGIN)
        self._loop.call_later(_AHEAD, self._join, transport, events)

    def _join(self, transport: asyncio.Transport, events: int) -> None:
        self._next = (self._next + 1) % _SLOTS
        self._slots[self._next].append((transport, [events]))
        if not self._running:
            self._running = True
            self._tick(0, self._loop.time())

    def _tick(self, slot: int, at: float) -> None:
        streams = self._slots[slot]
        for stream in streams:
            transport, left = stream
            if left[0] and not transport.is_closing():
                left[0] -= 1
                transport.write(wire.delta(time.monotonic_ns()))
            else:
                left[0] = -1
                transport.write(wire.STREAM_END)
        if any(left[0] < 0 for _, left in streams):
            streams[:] = [stream for stream in streams if stream[1][0] >= 0]
        self._running = any(self._slots)
        if self._running:
            at += PERIOD / _SLOTS
            self._loop.call_at(at, self._tick, (slot + 1) % _SLOTS, at)


class Origin(asyncio.Protocol):
    """One connection. Heads are the same again and again, so each is read once."""

    def __init__(self, streams: Streams, known: dict[bytes, tuple[int, str]]) -> None:
        self._streams = streams
        self._known = known
        self._left = 0
        self._buffer = b""
        self._mode = ""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # those of uvloop are no subclass
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._left:
            self._left -= len(data)
        else:
            data = self._buffer + data
            end = data.find(b"\r\n\r\n") + 4
            if end == 3:
                self._buffer = data
                return
            self._buffer = b""
            head = data[:end]
            if head not in self._known:
                self._known[head] = read_head(head)
            length, self._mode = self._known[head]
            self._left = length - (len(data) - end)
        if not self._left:
            self._answer(self._mode)

    def _answer(self, mode: str) -> None:
        if mode == "json":
            self._transport.write(wire.MESSAGE)
        elif mode == "overloaded":
            self._transport.write(wire.OVERLOADED)
        elif mode == "hang":
            self._transport.write(wire.STREAM_BEGIN + wire.delta(time.monotonic_ns()))
        else:
            self._streams.add(self._transport, int(mode.partition("=")[2]))


def read_head(head: bytes) -> tuple[int, str]:
    """The body's length, and how to answer."""
    lines = head.decode("latin-1").split("\r\n")
    length = next((line for line in lines if line.lower().startswith("content-length:")), ":0")
    return int(length.partition(":")[2]), lines[0].split()[1].partition("?")[2]


async def listen() -> asyncio.Server:
    """The upstream on a free port of this process's loop."""
    streams = Streams()
    known: dict[bytes, tuple[int, str]] = {}
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Origin(streams, known), "127.0.0.1", 0, backlog=2048)


async def _serve() -> None:
    server = await listen()
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    run(_serve())
