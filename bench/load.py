"""The load: one connection that measures time, many that saturate, and streams. As cheap as they can be."""

import asyncio
import socket
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

from bench import wire

P = TypeVar("P", bound=asyncio.BaseProtocol)


class Failed(Exception):
    """An answer was not what it had to be; figures of such a run mean nothing."""


class Line:
    """One connection on which one request follows another, by plain blocking calls."""

    def __init__(self, port: int, request: bytes) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request

    def times(self, count: int) -> list[float]:
        """Microseconds of each of `count` exchanges."""
        sock, request, tail = self._sock, self._request, wire.TAIL
        taken = []
        for _ in range(count):
            began = time.perf_counter_ns()
            sock.sendall(request)
            answer = sock.recv(65536)
            while not answer.endswith(tail):
                more = sock.recv(65536)
                if not more:
                    raise Failed(f"cut: {answer[:200]!r}")
                answer += more
            taken.append((time.perf_counter_ns() - began) / 1000)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise Failed(f"{answer[:200]!r}")
        return taken

    def close(self) -> None:
        self._sock.close()


class Worker(asyncio.Protocol):
    """Sends a request as soon as the last one is answered."""

    def __init__(self, request: bytes, tally: list[int]) -> None:
        self._request = request
        self._tally = tally
        self._part = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # those of uvloop are no subclass
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._part:
            data = self._part + data
        if not data.endswith(wire.TAIL):
            self._part = data
            return
        self._part = b""
        if data.startswith(b"HTTP/1.1 200"):
            self._tally[0] += 1
        else:
            self._tally[1] += 1
        self.transport.write(self._request)


async def saturate(
    port: int, connections: int, warm: float, seconds: float, cpu: Callable[[], float]
) -> tuple[float, float, float]:
    """Requests, seconds and the gateway's processor seconds, with always one request on each connection."""
    loop, tally = asyncio.get_running_loop(), [0, 0]
    request = wire.request(port, "json", 2048)
    workers = [
        (await loop.create_connection(lambda: Worker(request, tally), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    try:
        await asyncio.sleep(warm)
        done, began, used = tally[0], time.perf_counter(), cpu()
        await asyncio.sleep(seconds)
        done, took, used = tally[0] - done, time.perf_counter() - began, cpu() - used
    finally:
        for worker in workers:
            worker.transport.abort()
    if tally[1] or not done:
        raise Failed(f"{tally[1]} answers were no success, {done} were")
    return float(done), took, used


@contextmanager
def awake() -> Iterator[None]:
    """Keeps this process's loop from ever sleeping.

    Waking a sleeping peer costs a gateway time at each write, 25 us a request on a virtual machine, and only those that
    are slower than the load pay it. No client far away is woken like that.
    """
    loop = asyncio.get_running_loop()
    going_on = True

    def again() -> None:
        if going_on:
            loop.call_soon(again)

    again()
    try:
        yield
    finally:
        going_on = False


class Reader(asyncio.Protocol):
    """Reads one stream and notes how late each event is."""

    def __init__(self, request: bytes, delays: "array[float]", seen: list[int]) -> None:
        self._request = request
        self._delays = delays
        self._seen = seen
        self._rest = b""
        self.begun = False
        self.whole = False
        self.status = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # those of uvloop are no subclass
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self.begun:
            self.begun, self.status = True, data[:12]
        now = time.monotonic_ns()
        data = self._rest + data
        end = data.rfind(b"\n\n") + 2  # of the last whole event
        data, self._rest = data[:end], data[end:]
        found = wire.moments(data)
        self._seen[0] += len(found)
        for moment in found:
            self._delays.append((now - moment) / 1000)
        if wire.STOP in data:
            self.whole = True


_STARTING = 6.0
"""Seconds within which all streams have begun: a calm lane spreads the starts of a fleet over five."""


async def stream(
    port: int, streams: int, seconds: float, cpu: Callable[[], float], waited: Callable[[], float]
) -> tuple[float, float, float, "array[float]"]:
    """Events, processor seconds an event, the share of the time that was waited for a core, and delays (us), in the
    middle of so many streams of 50 events a second."""
    loop = asyncio.get_running_loop()
    delays, seen = array("d"), [0]
    events = int((_STARTING + seconds + 0.5) * 50)
    request = wire.request(port, f"sse={events}", 2048, streamed=True)
    readers = await _open(loop, port, streams, lambda: Reader(request, delays, seen))
    try:
        for _ in range(int(_STARTING / 0.05)):
            if all(reader.begun for reader in readers):
                break
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.7)  # the origin waits 1.5 s before a stream's first event
        first, began, used, late = seen[0], time.perf_counter(), cpu(), waited()
        await asyncio.sleep(seconds)
        last, took, used, late = seen[0], time.perf_counter() - began, cpu() - used, waited() - late
        window = delays[first:last]
        for _ in range(200):  # the rest of the events, and a while for a machine that is late
            await asyncio.sleep(0.05)
            if all(reader.whole for reader in readers):
                break
        lost = streams * events - seen[0]
        if lost or not all(reader.whole and reader.status == b"HTTP/1.1 200" for reader in readers):
            raise Failed(f"{lost} of {streams * events} events did not arrive, or not every stream was whole")
    finally:
        for reader in readers:
            reader.transport.abort()
    return float(last - first), used / (last - first), late / took, window


class Silent(asyncio.Protocol):
    """Sends one request and keeps its connection; what comes is counted by the byte."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.received = 0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # those of uvloop are no subclass
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self.received += len(data)


async def hold(port: int, mode: str, streams: int, seconds: float, memory: Callable[[], float]) -> float:
    """The gateway's memory (KB) at its highest while so many calls are with it, after `seconds`."""
    loop = asyncio.get_running_loop()
    request = wire.request(port, mode, 2048, streamed=True)
    clients = await _open(loop, port, streams, lambda: Silent(request))
    try:
        most = 0.0
        for _ in range(int(seconds / 0.1)):
            await asyncio.sleep(0.1)
            most = max(most, memory())
        answered = sum(1 for client in clients if client.received)
        if answered != (streams if mode == "hang" else 0):
            raise Failed(f"{answered} of {streams} calls were answered while they were {mode}")
        return most
    finally:
        for client in clients:
            client.transport.abort()


async def _open(loop: asyncio.AbstractEventLoop, port: int, count: int, make: Callable[[], "P"]) -> "list[P]":
    """So many connections, a few dozen at a time: no backlog overflows."""
    opened: list[P] = []
    while len(opened) < count:
        some = min(50, count - len(opened))
        pairs = await asyncio.gather(*(loop.create_connection(make, "127.0.0.1", port) for _ in range(some)))
        opened += [protocol for _, protocol in pairs]
    return opened
