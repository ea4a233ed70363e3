"""Upstream connections: kept, handed out again only when their answer ended exactly, opened ahead of need."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from seawall.causes.evidence import Fault
from seawall.config import Idle, Network, Sizes
from seawall.http.dial import DialError
from seawall.http.head import AnswerHead
from seawall.http.pool import Pool
from seawall.origin import Origin

LOOPS = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Sink:
    """Collects one answer."""

    def __init__(self) -> None:
        self.status = 0
        self.body = b""
        self.interims: list[int] = []
        self.fault: Fault | None = None
        self.done = asyncio.Event()

    def interim(self, head: AnswerHead) -> None:
        self.interims.append(head.status)

    def head(self, head: AnswerHead) -> None:
        self.status = head.status

    def piece(self, data: bytes) -> None:
        self.body += data

    def end(self) -> None:
        assert not self.done.is_set()
        self.done.set()

    def broken(self, fault: Fault, text: str) -> None:
        assert not self.done.is_set()
        self.fault = fault
        self.done.set()


def run(main: Callable[[], Awaitable[None]], loop: str = "asyncio") -> None:
    factory = pytest.importorskip("uvloop").new_event_loop if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(asyncio.wait_for(main(), 20))  # type: ignore[arg-type]


def always(*answers: bytes, close: bool = False) -> Serve:
    """An upstream that gives each request of a connection the next answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for answer in answers:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
            if not close:
                await reader.read()  # until the client leaves
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        if close:
            writer.close()
            await writer.wait_closed()

    return serve


@asynccontextmanager
async def pooled(
    serve: Serve, idle: Idle | None = None, tls: ssl.SSLContext | None = None, network: Network | None = None
) -> AsyncIterator[Pool]:
    busy = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal busy
        busy += 1
        try:
            await serve(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()
            busy -= 1

    server = await asyncio.start_server(counted, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    origin = Origin("https", "localhost", port) if tls else Origin("http", "127.0.0.1", port)
    pool = Pool(origin, network or Network(), idle or Idle(), Sizes())
    try:
        yield pool
    finally:
        pool.close()
        server.close()
        while pool.open_connections or busy or pool._warming is not None:
            await asyncio.sleep(0.001)


async def exchange(pool: Pool, *, fresh: bool = False) -> Sink:
    connection = await pool.acquire(fresh=fresh)
    sink = Sink()
    connection.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"", sink, b"GET")
    await sink.done.wait()
    return sink


@LOOPS
@pytest.mark.parametrize(
    "answer",
    [
        OK,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK,
    ],
)
def test_an_exact_answer_keeps_the_connection(answer: bytes, loop: str) -> None:
    """The next exchange uses the same connection."""

    async def main() -> None:
        async with pooled(always(answer, answer, answer)) as pool:
            for _ in range(3):
                sink = await exchange(pool)
                assert (sink.status, sink.body, sink.fault) == (200, b"ok", None)
            assert pool.open_connections == 1
            assert sink.interims in ([], [103, 102])

    run(main, loop)


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
        OK + b"x",
        OK.replace(b"content-length", b"connection: close\r\ncontent-length"),
        OK.replace(b"1.1", b"1.0"),
    ],
)
def test_what_is_left_over_is_nobodys_answer(answer: bytes) -> None:
    """A connection with bytes behind the answer's end, or that is to be closed, is not used again."""

    async def main() -> None:
        async with pooled(always(answer)) as pool:
            sink = await exchange(pool)
            assert (sink.body, sink.fault) == (b"ok", None)
            while pool.open_connections:
                await asyncio.sleep(0.001)
            assert (await exchange(pool)).body == b"ok"

    run(main)


def test_bytes_on_an_idle_connection_close_it() -> None:
    """An answer that nobody asked for is dropped with its connection."""
    told = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await told.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")

    async def main() -> None:
        async with pooled(serve) as pool:
            await exchange(pool)
            assert pool.open_connections == 1
            told.set()
            while pool.open_connections:
                await asyncio.sleep(0.001)

    run(main)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok", Fault.CONNECTION_CLOSED),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n", Fault.CONNECTION_CLOSED),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", Fault.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello", Fault.BAD_ANSWER),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", Fault.BAD_ANSWER),
        (b"HTTP/1.1 103 Early\r\n\r\n" * 101, Fault.BAD_ANSWER),
        (b"<html>not http</html>\r\n\r\n", Fault.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000, Fault.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\nx: y\n\n", Fault.BAD_ANSWER),
        (b"", Fault.CONNECTION_CLOSED),
    ],
)
def test_broken_answers(answer: bytes, fault: Fault) -> None:
    """What is cut or ambiguous is told as what it is, once, and its connection is gone."""

    async def main() -> None:
        async with pooled(always(answer, close=True)) as pool:
            assert (await exchange(pool)).fault is fault
            while pool.open_connections:
                await asyncio.sleep(0.001)

    run(main)


def test_a_close_ends_a_body_without_length() -> None:
    """Close-delimited answers are whole at the close."""

    async def main() -> None:
        async with pooled(always(b"HTTP/1.1 200 OK\r\n\r\nall of it", close=True)) as pool:
            sink = await exchange(pool)
            assert (sink.body, sink.fault) == (b"all of it", None)

    run(main)


def test_idle_connections_expire() -> None:
    """A connection that was idle for too long is not trusted."""

    async def main() -> None:
        async with pooled(always(OK, OK), replace(Idle(), pooled=10.0)) as pool:
            await exchange(pool)
            pool.tick(asyncio.get_running_loop().time() + 5)
            assert pool.open_connections == 1
            pool.tick(asyncio.get_running_loop().time() + 11)
            while pool.open_connections:
                await asyncio.sleep(0.001)

    run(main)


def test_fresh_means_new() -> None:
    """A request that cannot be sent twice gets a connection that is surely open."""

    async def main() -> None:
        async with pooled(always(OK, OK)) as pool:
            await exchange(pool)
            connection = await pool.acquire(fresh=True)
            assert connection.fresh
            assert pool.open_connections == 2

    run(main)


def test_nobody_there() -> None:
    """A refused connection is an error with its fault."""

    async def main() -> None:
        async with pooled(always(OK)) as pool:
            pass
        pool = Pool(Origin("http", "127.0.0.1", 1), Network(), Idle(), Sizes())
        with pytest.raises(DialError) as error:
            await pool.acquire()
        assert error.value.fault is Fault.CONNECTION_REFUSED
        pool.close()
        with pytest.raises(DialError):
            await pool.acquire()

    run(main)


@LOOPS
def test_tls_is_opened_ahead_of_need(tmp_path: Path, loop: str) -> None:
    """One TLS connection waits, so that a request pays for no handshake."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)

    async def main() -> None:
        network = Network(ca_files=(str(tmp_path / "ca.pem"),))
        async with pooled(always(OK, OK), tls=context, network=network) as pool:
            pool.warm()
            while not pool.open_connections or pool._warming is not None:
                await asyncio.sleep(0.001)
            assert (await exchange(pool)).body == b"ok"
            while pool._warming is not None:
                await asyncio.sleep(0.001)
            assert pool.open_connections == 2  # the one that was used, and the next that waits

    run(main, loop)
