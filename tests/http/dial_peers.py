"""The other ends that the dial's tests speak to: TLS servers and CONNECT proxies, good and bad ones."""

import asyncio
import contextlib
import gc
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme
import uvloop

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
on_both_loops = pytest.mark.parametrize("loop", list(LOOPS))


def run(loop: str, work: Coroutine[Any, Any, None]) -> None:
    """Run on the named event loop; an error that the loop had nobody to tell is the test's."""
    unheard: list[dict[str, Any]] = []

    async def watched() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
        await work

    # Not in debug mode: with it asyncio tells the loop of every handshake that a peer here was made to refuse.
    with asyncio.Runner(debug=False, loop_factory=LOOPS[loop]) as runner:
        runner.run(watched())
    gc.collect()  # an unclosed transport or socket warns here, and warnings are errors
    assert unheard == []


def open_sockets() -> set[int]:
    """The inodes of this process's TCP sockets, without those that listen."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{name}")
            if target.startswith("socket:["):
                found.add(int(target[8:-1]))
    return found


@contextlib.asynccontextmanager
async def leaves_nothing_open() -> AsyncIterator[None]:
    """Fail if a socket was opened inside and is still there once both ends had time to see the end."""
    before = open_sockets()
    yield
    for _ in range(6000):  # half a minute: a busy machine takes its time
        if open_sockets() <= before:
            return
        await asyncio.sleep(0.005)
    raise AssertionError("a socket was left open")


class Echo(asyncio.Protocol):
    """Sends back what it gets; a server's side."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)  # type: ignore[attr-defined]


class Client(asyncio.Protocol):
    """Collects what arrives."""

    def __init__(self) -> None:
        self.made = 0
        self.got = b""
        self.news = asyncio.Event()
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.made += 1

    def data_received(self, data: bytes) -> None:
        assert self.made == 1, "data before the connection"
        self.got += data
        self.news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


async def speaks(transport: asyncio.Transport, protocol: asyncio.Protocol) -> None:
    """Expect an echo over the connection, then close it."""
    assert isinstance(protocol, Client)
    transport.write(b"hello")
    while protocol.got != b"hello":
        protocol.news.clear()
        await protocol.news.wait()
    assert protocol.made == 1
    transport.close()
    await protocol.lost.wait()


@contextlib.asynccontextmanager
async def listening(
    make: Callable[[], asyncio.Protocol] = Echo, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[int]:
    """A server on loopback; its port."""
    server = await asyncio.get_running_loop().create_server(make, host, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


class Says(asyncio.Protocol):
    """Sends these bytes at once, then closes, or stays silent."""

    def __init__(self, data: bytes, *, stays: bool = False) -> None:
        self.data = data
        self.stays = stays

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self.data)  # type: ignore[attr-defined]
        if not self.stays:
            transport.close()


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class ConnectProxy:
    """A small CONNECT proxy: tunnels to 127.0.0.1 for any name, or does what its script says."""

    script: Script | None = None
    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"
    authorization: str = ""
    pieces: int = 0
    """Bytes of the answer sent at a time; 0 for all."""
    heads: list[bytes] = field(default_factory=list)
    port: int = 0
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Listen; the proxy's address as a setting would hold it."""
        tasks: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.append(writer)
            task = asyncio.ensure_future(self._one(reader, writer))
            tasks.add(task)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{self.port}"
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            # A task that was cancelled before its first step, or while it closed, leaves its connection open.
            for writer in self._writers:
                writer.transport.abort()
            await asyncio.sleep(0)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            if self.script is not None:
                await self.script(reader, writer)
            elif (
                self.authorization
                and f"\r\nProxy-Authorization: {self.authorization}\r\n" not in head.decode()
            ):
                writer.write(
                    b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n"
                )
            else:
                await self._tunnel(head, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client left
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _tunnel(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place = head.split(b" ")[1].decode()
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", int(place.rpartition(":")[2]))
        self._writers.append(far_writer)
        try:
            step = self.pieces or len(self.answer)
            for at in range(0, len(self.answer), step):
                writer.write(self.answer[at : at + step])
                await writer.drain()
                await asyncio.sleep(0)
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            far_writer.close()
            with contextlib.suppress(OSError):
                await far_writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


def server_context(cert: trustme.LeafCert, alpn: list[str] | None = None) -> ssl.SSLContext:
    """What a TLS server with this certificate needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


def expired(ca: trustme.CA, name: str) -> trustme.LeafCert:
    """A certificate that ended yesterday."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return ca.issue_cert(name, not_before=yesterday - timedelta(days=9), not_after=yesterday)


def not_yet(ca: trustme.CA, name: str) -> trustme.LeafCert:
    """A certificate that begins tomorrow."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    return ca.issue_cert(name, not_before=tomorrow, not_after=tomorrow + timedelta(days=9))


@contextlib.contextmanager
def hanging_port(host: str = "127.0.0.1") -> Iterator[tuple[str, int]]:
    """An address whose connections are never made: a listener that accepts nothing, its queue full."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.bind((host, 0))
        listener.listen(0)
        place = listener.getsockname()[:2]
        fillers = []
        try:
            for _ in range(4):
                filler = socket.socket(listener.family)
                filler.setblocking(False)
                fillers.append(filler)
                with contextlib.suppress(BlockingIOError):
                    filler.connect(place)
            yield place
        finally:
            for filler in fillers:
                filler.close()


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def resolve_to(monkeypatch: pytest.MonkeyPatch, *places: tuple[str, int] | BaseException) -> list[str]:
    """Let the running loop's resolver answer with these addresses, or fail; the names that were asked for."""
    asked: list[str] = []

    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        if "." not in host.replace("127.0.0.1", "") and host != "localhost":
            # uvloop asks again for each literal that it connects to.
            places_now: tuple[tuple[str, int] | BaseException, ...] = ((host, port),)
        else:
            asked.append(host)
            places_now = places
        found = []
        for place in places_now:
            if isinstance(place, BaseException):
                raise place
            v6 = ":" in place[0]
            sockaddr = (*place, 0, 0) if v6 else place
            family = socket.AF_INET6 if v6 else socket.AF_INET
            found.append((family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", sockaddr))
        return found

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    return asked
