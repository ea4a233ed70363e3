"""The client's side of the data path, on real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus

import pytest

from seawall.config import Idle, Sizes
from seawall.http.head import UNTIL_CLOSE
from seawall.http.reply import REASONS, Reply
from seawall.http.request import BodyTooLarge, Request
from seawall.http.server import Server

LOOPS = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello"
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


def run(main: Callable[[], Awaitable[None]], loop: str = "asyncio") -> None:
    factory = None
    if loop == "uvloop":
        uvloop = pytest.importorskip("uvloop")
        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(asyncio.wait_for(main(), 20))  # type: ignore[arg-type]


async def echo(request: Request, reply: Reply) -> None:
    body = await request.read(1000)
    reply.answer(200, [b"x-target: " + request.head.target], body)


def refuse(status: int, why: str) -> bytes:
    return b"HTTP/1.1 %d No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status


Dial = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@asynccontextmanager
async def serving(
    handler: Callable[[Request, Reply], Awaitable[None]] = echo,
    idle: Idle | None = None,
    sizes: Sizes | None = None,
) -> AsyncIterator[tuple[Server, Dial]]:
    server = Server(handler, refuse, idle or Idle(), sizes or Sizes())
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    writers = []

    async def dial() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        return reader, writer

    try:
        yield server, dial
    finally:
        listener.close()
        for writer in writers:
            writer.transport.abort()
        while server.connections:
            await asyncio.sleep(0.001)


async def answer_of(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and counted body of the next answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    return head, await reader.readexactly(int(lines.get(b"content-length", b"0")))


@LOOPS
def test_requests_in_sequence_on_one_connection(loop: str) -> None:
    """A connection is kept and used again."""

    async def main() -> None:
        async with serving() as (_, dial):
            reader, writer = await dial()
            for _ in range(3):
                writer.write(POST)
                head, body = await answer_of(reader)
                assert head.startswith(b"HTTP/1.1 200 OK\r\n")
                assert body == b"hello"

    run(main, loop)


@pytest.mark.parametrize("piece", [1, 1000])
@pytest.mark.parametrize("empty", [b"\r\n", b"\r\n\r\n", b"\r\n\r\n\r\n"])
def test_empty_lines_before_a_request_are_ignored(empty: bytes, piece: int) -> None:
    """Clients of old sent one behind a body (RFC 9112, 2.2)."""

    async def main() -> None:
        async with serving() as (_, dial):
            reader, writer = await dial()
            sent = empty + POST + empty + GET
            for at in range(0, len(sent), piece):
                writer.write(sent[at : at + piece])
                await asyncio.sleep(0)
            assert (await answer_of(reader))[1] == b"hello"
            head, _ = await answer_of(reader)
            assert head.startswith(b"HTTP/1.1 200")

    run(main)


@LOOPS
def test_every_byte_alone(loop: str) -> None:
    """A request that drips in byte by byte is read like any other."""

    async def main() -> None:
        async with serving() as (_, dial):
            reader, writer = await dial()
            for byte in POST:
                writer.write(bytes([byte]))
                await asyncio.sleep(0)
            assert (await answer_of(reader))[1] == b"hello"

    run(main, loop)


@LOOPS
def test_expect_100_continue(loop: str) -> None:
    """A client that asks first is told to go on, and only then sends its body."""

    async def main() -> None:
        async with serving() as (_, dial):
            reader, writer = await dial()
            writer.write(POST[:-5].replace(b"host: x", b"host: x\r\nexpect: 100-continue"))
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hello")
            assert (await answer_of(reader))[1] == b"hello"

    run(main, loop)


def test_an_answer_before_the_body_closes_the_connection() -> None:
    """A body that nobody read is never taken for the next request."""

    async def hasty(request: Request, reply: Reply) -> None:
        reply.answer(413, [], b"")

    async def main() -> None:
        async with serving(hasty) as (_, dial):
            reader, writer = await dial()
            writer.write(
                b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n"
            )
            head, _ = await answer_of(reader)
            assert b"connection: close" in head
            assert await reader.read() == b""

    run(main)


@LOOPS
def test_who_still_sends_reads_why_it_was_refused(loop: str) -> None:
    """An answer before the body is whole at its client, however large the body is: no reset takes it away."""

    async def hasty(request: Request, reply: Reply) -> None:
        reply.answer(503, [b"retry-after: 30"], b"full")

    async def main() -> None:
        async with serving(hasty) as (server, dial):
            reader, writer = await dial()
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 8000000\r\n\r\n")
            for _ in range(80):
                writer.write(b"x" * 100_000)
                await writer.drain()
                await asyncio.sleep(0)
            head, body = await answer_of(reader)
            assert head.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 30" in head
            assert body == b"full"
            assert await reader.read() == b""
            writer.close()
            while server.connections:
                await asyncio.sleep(0.01)

    run(main, loop)


def test_who_sends_for_ever_after_its_refusal_is_cut_off() -> None:
    """What is still sent after an answer is thrown away for a few seconds, and no longer."""

    async def hasty(request: Request, reply: Reply) -> None:
        reply.answer(503, [], b"full")

    async def main() -> None:
        async with serving(hasty) as (server, dial):
            reader, writer = await dial()
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
            await answer_of(reader)
            now = asyncio.get_running_loop().time()
            server.tick(now + 4)
            writer.write(b"5\r\nhello\r\n")
            await asyncio.sleep(0.05)
            assert len(server.connections) == 1
            server.tick(now + 6)
            while server.connections:
                await asyncio.sleep(0.01)

    run(main)


@pytest.mark.parametrize("framing", ["counted", "chunked"])
def test_too_large_is_said_before_it_is_read(framing: str) -> None:
    """A reader's limit holds for counted and chunked bodies."""
    caught = []

    async def limited(request: Request, reply: Reply) -> None:
        try:
            await request.read(100)
        except BodyTooLarge:
            caught.append(True)
            reply.answer(413, [], b"")

    async def main() -> None:
        async with serving(limited) as (_, dial):
            reader, writer = await dial()
            if framing == "counted":
                writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 101\r\n\r\n")
            else:
                writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
                writer.write(b"40\r\n" + b"x" * 64 + b"\r\n40\r\n" + b"x" * 64 + b"\r\n")
            assert (await answer_of(reader))[0].startswith(b"HTTP/1.1 413")
        assert caught == [True]

    run(main)


def test_http_1_0_gets_no_chunks() -> None:
    """An old client's answer of unknown length ends with the connection."""

    async def streamed(request: Request, reply: Reply) -> None:
        reply.start(200, [], UNTIL_CLOSE)
        reply.write(b"a")
        reply.write(b"b")
        reply.end()

    async def main() -> None:
        async with serving(streamed) as (_, dial):
            reader, writer = await dial()
            writer.write(b"GET / HTTP/1.0\r\nhost: x\r\n\r\n")
            answer = await reader.read()
            assert b"chunked" not in answer
            assert answer.endswith(b"\r\n\r\nab")
            reader, writer = await dial()
            writer.write(GET)
            assert (await reader.readuntil(b"0\r\n\r\n")).endswith(b"\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n")

    run(main)


@LOOPS
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_an_aborted_answer_is_no_whole_answer(version: bytes, loop: str) -> None:
    """Neither a chunked nor a close-delimited answer ends in good order when it is broken off."""

    async def broken(request: Request, reply: Reply) -> None:
        reply.start(200, [], UNTIL_CLOSE)
        reply.write(b"half")
        await asyncio.sleep(0.1)
        reply.abort()

    async def main() -> None:
        async with serving(broken) as (_, dial):
            reader, writer = await dial()
            writer.write(GET.replace(b"1.1", version))
            if version == b"1.0":
                await reader.readuntil(b"half")
                with pytest.raises(ConnectionError):
                    await reader.read()
            else:
                assert not (await reader.read()).endswith(b"0\r\n\r\n")

    run(main, loop)


@pytest.mark.parametrize("started", [False, True])
def test_a_handler_that_fails_ends_its_answer(started: bool) -> None:
    """A fault of ours costs one answer, told as ours where nothing was sent; the traceback goes to the loop."""
    told = []

    async def bug(request: Request, reply: Reply) -> None:
        if started:
            reply.start(200, [], 100)
            reply.flush()
        raise ZeroDivisionError

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
        async with serving(bug) as (_, dial):
            reader, writer = await dial()
            writer.write(GET)
            answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 200" if started else b"HTTP/1.1 503")
            assert isinstance(told[0]["exception"], ZeroDivisionError)

    run(main)


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"GET / HT", b"408"), (POST[:-2], b"408"), (b"", b"")],
    ids=["head", "body", "nothing"],
)
def test_slow_clients(sent: bytes, status: bytes) -> None:
    """A head or a body that does not come in time is refused; a connection without any request is closed."""

    async def main() -> None:
        idle = replace(Idle(), head=0.02, body=0.02, keep_alive=0.02)
        async with serving(idle=idle) as (server, dial):
            reader, writer = await dial()
            writer.write(sent)
            while not server.connections:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.01)
            server.tick(asyncio.get_running_loop().time() + 1)
            assert (await reader.read()).startswith(b"HTTP/1.1 " + status if status else b"")

    run(main)


def test_a_head_that_drips_in_has_one_limit() -> None:
    """The head's time runs from its first byte: a byte now and then does not prolong it."""

    async def main() -> None:
        async with serving(idle=replace(Idle(), head=1.0)) as (server, dial):
            reader, writer = await dial()
            loop = asyncio.get_running_loop()
            began = loop.time()
            for byte in b"GET / HT":
                writer.write(bytes([byte]))
                await asyncio.sleep(0.01)
            assert loop.time() - began < 1.0
            server.tick(began + 1.05)
            assert (await reader.read()).startswith(b"HTTP/1.1 408")

    run(main)


def test_a_slow_reader_pauses_the_source() -> None:
    """What a client does not read is not read for it either; memory stays bounded."""
    events = []

    class Source:
        def pause(self) -> None:
            events.append("pause")

        def resume(self) -> None:
            events.append("resume")

    async def flood(request: Request, reply: Reply) -> None:
        reply.source = Source()
        reply.start(200, [], UNTIL_CLOSE)
        while "pause" not in events:
            reply.write(b"x" * 100_000)
            await asyncio.sleep(0)
        while "resume" not in events:
            await asyncio.sleep(0.001)
        reply.end()

    async def main() -> None:
        async with serving(flood) as (_, dial):
            reader, writer = await dial()
            writer.write(GET)
            await asyncio.sleep(0.05)
            await reader.readuntil(b"\r\n\r\n")
            while events != ["pause", "resume"]:
                await reader.read(1 << 20)

    run(main)


def test_a_client_that_leaves_cancels_its_handler() -> None:
    """The handler's task ends with the client."""
    ended = []

    async def waits(request: Request, reply: Reply) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            ended.append(True)

    async def main() -> None:
        async with serving(waits) as (_, dial):
            _, writer = await dial()
            writer.write(GET)
            await asyncio.sleep(0.02)
            writer.transport.abort()
            while not ended:
                await asyncio.sleep(0.001)

    run(main)


def test_closing_lets_answers_finish() -> None:
    """Idle connections close at once, busy ones after their answer."""

    async def slow(request: Request, reply: Reply) -> None:
        await asyncio.sleep(0.05)
        reply.answer(200, [], b"done")

    async def main() -> None:
        async with serving(slow) as (server, dial):
            idle, _ = await dial()
            busy, writer = await dial()
            writer.write(GET)
            while len(server.connections) < 2:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.01)
            server.close_idle()
            assert await idle.read() == b""
            head, body = await answer_of(busy)
            assert b"connection: close" in head
            assert body == b"done"
            assert await busy.read() == b""

    run(main)


LARGE = bytes(range(256)) * 4000


@LOOPS
@pytest.mark.parametrize("first", [0, 1, 100, 65_536, 900_000])
def test_a_large_body_goes_into_one_buffer(loop: str, first: int) -> None:
    """However much of it comes with the head, it arrives whole, and the next request is read as ever."""
    bodies = []

    async def keep(request: Request, reply: Reply) -> None:
        bodies.append(bytes(await request.read(2_000_000)))
        reply.answer(200, [], b"%d" % len(bodies))

    async def main() -> None:
        async with serving(keep) as (_, dial):
            reader, writer = await dial()
            for number in (1, 2):
                head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(LARGE)
                writer.write(head + LARGE[:first])
                await asyncio.sleep(0.02)
                writer.write(LARGE[first:] + POST)
                assert (await answer_of(reader))[1] == b"%d" % (2 * number - 1)
                assert (await answer_of(reader))[1] == b"%d" % (2 * number)
        assert bodies == [LARGE, b"hello"] * 2

    run(main, loop)


@LOOPS
def test_a_client_that_leaves_inside_a_large_body(loop: str) -> None:
    """Its handler is cancelled, and nothing is left."""
    ended = []

    async def keep(request: Request, reply: Reply) -> None:
        try:
            await request.read(2_000_000)
        except asyncio.CancelledError:
            ended.append(True)
            raise

    async def main() -> None:
        async with serving(keep) as (server, dial):
            for way in ("abort", "close"):
                _, writer = await dial()
                writer.write(
                    b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(LARGE) + LARGE[:70_000]
                )
                await asyncio.sleep(0.05)
                writer.transport.abort() if way == "abort" else writer.close()
            while len(ended) < 2 or server.connections:
                await asyncio.sleep(0.001)

    run(main, loop)


@LOOPS
def test_a_large_body_that_stops_coming(loop: str) -> None:
    """Silence inside it is noticed like anywhere else."""

    async def keep(request: Request, reply: Reply) -> None:
        await request.read(2_000_000)

    async def main() -> None:
        async with serving(keep, idle=replace(Idle(), body=0.02)) as (server, dial):
            reader, writer = await dial()
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\nhalf" % len(LARGE))
            await asyncio.sleep(0.05)
            server.tick(asyncio.get_running_loop().time() + 1)
            assert (await reader.read()).startswith(b"HTTP/1.1 408")

    run(main, loop)


@LOOPS
def test_thousands_of_requests_answered_at_once_do_not_nest(loop: str) -> None:
    """However many a client sends in one go, each is answered, one after the other."""

    def at_once(request: Request, reply: Reply) -> None:
        reply.answer(200, [b"x-target: " + request.head.target], b"")

    async def main() -> None:
        async with serving(at_once) as (_, dial):  # type: ignore[arg-type]
            reader, writer = await dial()
            writer.write(b"".join(b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n" % n for n in range(5000)))
            for number in range(5000):
                head, _ = await answer_of(reader)
                assert b"x-target: /%d\r\n" % number in head

    run(main, loop)


@LOOPS
def test_a_handler_that_fails_at_once_costs_one_answer(loop: str) -> None:
    """The client is told whose fault it is, and the connection closes."""

    def broken(request: Request, reply: Reply) -> None:
        raise RuntimeError("a bug")

    async def main() -> None:
        seen: list[str] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: seen.append(str(context["exception"]))
        )
        async with serving(broken) as (_, dial):  # type: ignore[arg-type]
            reader, writer = await dial()
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
            assert seen == ["a bug"]

    run(main, loop)


def test_reasons_are_those_of_the_standard() -> None:
    """A status that nobody gave words gets the usual ones; in newer Pythons 413 and 422 have newer names."""
    usual = {status.value: status.phrase.encode() for status in HTTPStatus}
    renamed = {413, 422}
    assert {status: usual[status] for status in REASONS if status not in renamed} == {
        status: reason for status, reason in REASONS.items() if status not in renamed
    }
