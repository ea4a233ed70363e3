"""What is kept of a call whose client left, and what the client finds when it comes back."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ground import KEY, Ground, check_whole, ground, hold, question, read_answer, send, until, upstream

from seawall.config import Sizes
from seawall.wire.sse import event

SESSION = {"x-claude-code-session-id": "s1"}
RESET = socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
"""What makes a socket's close a reset: the other side knows at once that nobody is there."""
KEEPS: dict[str, Any] = {"finish_abandoned": True}
_BEGIN = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    + event(
        "message_start",
        b'{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],'
        b'"model":"claude-sonnet-5","usage":{"input_tokens":1,"output_tokens":1}}}',
    )
    + event(
        "content_block_start",
        b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
    )
)
_PIECE = event(
    "content_block_delta",
    b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%b"}}' % (b"x" * 50_000),
)
_END = (
    event("content_block_stop", b'{"type":"content_block_stop","index":0}')
    + event("message_delta", b'{"type":"message_delta","delta":{"stop_reason":"end_turn"}}')
    + event("message_stop", b'{"type":"message_stop"}')
)


async def begin(g: Ground, **headers: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that has sent a call."""
    reader, writer = await asyncio.open_connection("127.0.0.1", g.port)
    await send(writer, g.port, question(), headers=SESSION | headers)
    return reader, writer


async def leave(g: Ground, number: int = 1, **headers: str) -> None:
    """A client that goes away while its attempt of that number is under way."""
    _, writer = await begin(g, **headers)
    await until(lambda: g.sent() == number)
    writer.transport.abort()
    await until(lambda: g.gateway._places.any_left)


def at_rest(g: Ground) -> None:
    """Nothing is under way, and nothing is kept."""
    g.at_rest()
    means = g.gateway._means
    assert means is not None
    assert means.kept.used == 0


@contextlib.asynccontextmanager
async def long_answers(pieces: int) -> AsyncIterator[str]:
    """An upstream whose answers are that long."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_BEGIN)
        for _ in range(pieces):
            writer.write(_PIECE)
            await writer.drain()
        writer.write(_END)
        await writer.drain()

    async with upstream(serve) as url:
        yield url


def test_a_client_that_read_slowly_and_left_keeps_nothing_waiting() -> None:
    """Its upstream had been paused for it: the answer comes home all the same, and its place is the next one's."""

    async def run() -> None:
        async with long_answers(400) as url, ground(upstream=url, warm=False, **KEEPS) as g:
            _, writer = await begin(g)

            def paused() -> bool:
                attempts = [one._attempt for one in g.gateway._exchanges]
                return any(one and one._connection and one._connection.paused for one in attempts)

            await until(paused)
            writer.transport.abort()
            await until(lambda: not g.gateway._exchanges)
            answer = await g.ask(headers=SESSION)
            assert len(answer.text) == 400 * 50_000
            at_rest(g)

    asyncio.run(run())


def test_an_answer_that_is_too_large_to_be_kept_is_not_finished_for_nobody() -> None:
    """What is kept of all answers has a bound; beyond it the upstream is told that its client has gone."""

    async def run() -> None:
        small = Sizes(held=8 * 500_000)
        async with long_answers(10**9) as url, ground(upstream=url, warm=False, sizes=small, **KEEPS) as g:
            reader, writer = await begin(g)
            await reader.readexactly(1000)
            writer.transport.abort()
            await until(lambda: not g.gateway._exchanges)
            assert [row.ended for row in g.attempts] == ["abandoned"]
            at_rest(g)

    asyncio.run(run())


def test_an_answer_that_is_too_large_to_be_kept_reaches_a_client_that_stayed() -> None:
    """The bound is of what is kept, not of what is sent."""

    async def run() -> None:
        small = Sizes(held=8 * 500_000)
        async with long_answers(100) as url, ground(upstream=url, warm=False, sizes=small, **KEEPS) as g:
            assert len((await g.ask(headers=SESSION)).text) == 100 * 50_000
            at_rest(g)

    asyncio.run(run())


def test_an_answer_that_cannot_be_read_is_not_kept() -> None:
    """It went by as it came, encoded; a retry would be sent those bytes without the header that says so."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: br\r\n\r\n"
        writer.write(head + b"first bytes")
        with contextlib.suppress(ConnectionError):
            await reader.read()  # until it is told that nobody wants it
        gone.set()

    gone = asyncio.Event()

    async def run() -> None:
        async with upstream(serve) as url, ground(upstream=url, warm=False, **KEEPS) as g:
            reader, writer = await begin(g)
            await reader.readuntil(b"first bytes")
            writer.get_extra_info("socket").setsockopt(*RESET)
            writer.transport.abort()
            async with asyncio.timeout(20):
                await gone.wait()
            await until(lambda: not g.gateway._exchanges)
            assert not g.gateway._places.any_left
            at_rest(g)

    asyncio.run(run())


def test_the_limit_of_a_client_that_left_ends_nothing() -> None:
    """It would have been told by now; what is finished for its return goes on, and its hold is not spent."""

    async def run() -> None:
        faults = "status code=529", "hang at=before-headers seconds=1"
        async with ground(*faults, hold=hold(deadline_share=0.1), **KEEPS) as g:
            await leave(g, 2, **{"x-stainless-timeout": "3"})
            status = g.gateway.status()
            assert (status["running"], status["held"]) == (1, 0)
            await until(lambda: not g.gateway._exchanges)
            assert g.gateway.status()["lost"] == 0
            assert not g.gateway._places.any_spent
            check_whole(await g.ask(headers=SESSION))
            assert g.sent() == 2
            assert [row.ended for row in g.attempts] == ["retried", "recovered"]
            at_rest(g)

    asyncio.run(run())


def test_a_retry_that_leaves_leaves_the_answer_where_it_was() -> None:
    """It waited for what is finished for it; the next one finds that."""

    async def run() -> None:
        async with ground("hang at=in-block seconds=1.5", **KEEPS) as g:
            await leave(g)
            _, writer = await begin(g)
            await until(lambda: not g.gateway._places.any_left)
            writer.transport.abort()
            await until(lambda: g.gateway._places.any_left)
            check_whole(await g.ask(headers=SESSION))
            assert g.sent() == 1
            at_rest(g)

    asyncio.run(run())


def test_an_answer_is_kept_from_its_end() -> None:
    """However long it takes: its client's retry does not have it made a second time beside it."""

    async def run() -> None:
        async with ground("hang at=in-block seconds=1", hold=hold(place_kept=0.3), **KEEPS) as g:
            await leave(g)
            await asyncio.sleep(0.5)
            check_whole(await g.ask(headers=SESSION))
            assert g.sent() == 1
            at_rest(g)

    asyncio.run(run())


def test_an_answer_that_nobody_comes_for_is_forgotten() -> None:
    """When its time is over, what it took is there for others."""

    async def run() -> None:
        async with ground("hang at=in-block seconds=0.3", hold=hold(place_kept=0.2), **KEEPS) as g:
            await leave(g)
            await until(lambda: not g.gateway._exchanges and not g.gateway._places.any_left)
            at_rest(g)

    asyncio.run(run())


def test_of_two_retries_one_has_the_kept_answer() -> None:
    """The other is a call of its own; neither waits for ever."""

    async def run() -> None:
        async with ground("hang at=in-block seconds=0.5", **KEEPS) as g:
            await leave(g)
            for answer in await asyncio.gather(g.ask(headers=SESSION), g.ask(headers=SESSION)):
                check_whole(answer)
            assert g.sent() == 2
            at_rest(g)

    asyncio.run(run())


def test_an_answer_that_nobody_can_come_for_is_not_finished() -> None:
    """An equal call left too: one place is kept, so the older answer is wanted no more, and its upstream is told."""

    async def run() -> None:
        async with ground("hang at=in-block", "hang at=in-block seconds=1", **KEEPS) as g:
            one, two = (await begin(g))[1], (await begin(g))[1]
            await until(lambda: g.sent() == 2)
            one.transport.abort()
            await until(lambda: g.gateway._places.any_left)
            two.transport.abort()
            await until(lambda: g.fake.requests[0].client_gone)
            check_whole(await g.ask(headers=SESSION))
            assert g.sent() == 2
            at_rest(g)

    asyncio.run(run())


def test_a_kept_answer_tells_what_its_call_has_been_through() -> None:
    """Its headers are those of any call that was held and tried twice, and one row says how it ended."""

    async def run() -> None:
        async with ground("status code=529", "hang at=in-block seconds=0.3", **KEEPS) as g:
            await leave(g, 2)
            answer = await g.ask(headers=SESSION)
            check_whole(answer)
            assert answer.headers["x-seawall-attempts"] == "2"
            assert answer.headers["x-seawall-cause"] == "provider.overloaded"
            assert float(answer.headers["x-seawall-held"]) > 0
            assert [(row.number, row.ended) for row in g.attempts] == [(1, "retried"), (2, "recovered")]
            assert g.gateway.status()["recovered"] == 1
            at_rest(g)

    asyncio.run(run())


def test_a_kept_attempt_that_fails_is_one_row() -> None:
    """Of its failure, which is known, and not of the moment at which its client left too."""

    async def run() -> None:
        last = "hang at=before-headers seconds=0.3 + status code=529"
        async with ground("status code=529", last, **KEEPS) as g:
            await leave(g, 2)
            await until(lambda: not g.gateway._exchanges)
            rows = [(row.number, row.ended, row.status) for row in g.attempts]
            assert rows == [(1, "retried", 529), (2, "abandoned", 529)]
            at_rest(g)

    asyncio.run(run())


def test_a_place_that_is_taken_over_brings_its_cause() -> None:
    """Headers, rows and the trouble's own count know why the call was held, however often its client came back."""

    async def run() -> None:
        hangs = "hang at=before-headers"
        async with ground("status code=529", hangs, hangs) as g:
            await leave(g, 2)
            await leave(g, 3)
            answer = await g.ask(headers=SESSION)
            check_whole(answer)
            assert answer.headers["x-seawall-attempts"] == "4"
            assert answer.headers["x-seawall-cause"] == "provider.overloaded"
            ends = [(row.number, row.ended, row.cause) for row in g.attempts]
            assert ends == [
                (1, "retried", "provider.overloaded"),
                (2, "abandoned", "provider.overloaded"),
                (3, "abandoned", "provider.overloaded"),
                (4, "recovered", None),
            ]
            (trouble,) = g.gateway.status()["troubles"]
            assert trouble["finished"] == 1
            at_rest(g)

    asyncio.run(run())


def test_a_retry_waits_out_the_pause_of_its_call() -> None:
    """The service asked for a minute and a half: that its client left and came back is no attempt ahead of that."""

    async def run() -> None:
        cli = {"user-agent": "claude-cli/2.1.0 (external, cli)"}
        async with ground("status code=529 retry-after=90") as g:
            for _ in range(2):
                _, writer = await begin(g, **cli)
                await until(lambda: g.gateway.status()["queued"] == 1)
                (wait,) = [one.ticket for one in g.gateway._exchanges]
                assert wait is not None
                assert wait.not_before > asyncio.get_running_loop().time() + 30
                writer.transport.abort()
                await until(lambda: not g.gateway._exchanges)
            assert g.sent() == 1
            at_rest(g)

    asyncio.run(run())


def test_a_call_that_never_failed_did_not_recover() -> None:
    """Its client left and came back: nothing was held, and no figure says so."""

    async def run() -> None:
        async with ground("hang at=before-headers") as g:
            await leave(g)
            check_whole(await g.ask(headers=SESSION))
            assert g.gateway.status()["recovered"] == 0
            assert g.attempts == []
            at_rest(g)

    asyncio.run(run())


# -- while it stops ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "not kept"])
@pytest.mark.parametrize("at", ["in-block", "before-headers"])
def test_what_is_cut_is_told_and_gives_back_all_it_had(keep: bool, at: str) -> None:
    """An answer that had begun is lost by Seawall's stopping, and the row says so; it is nobody's place."""

    async def run() -> None:
        async with ground(f"hang at={at}", finish_abandoned=keep) as g:
            reader, writer = await begin(g)
            await until(lambda: g.sent() == 1)
            if at == "in-block":
                await reader.readuntil(b"content_block_delta")
            await g.gateway.stop()
            await until(lambda: not g.gateway._exchanges)
            (row,) = g.attempts
            ended = "broken" if at == "in-block" else "given_up"
            assert (row.ended, row.cause) == (ended, "seawall.stopping")
            assert g.gateway.status()["lost"] == 1
            assert not g.gateway._places.any_left
            at_rest(g)
            writer.close()

    asyncio.run(run())


@pytest.mark.parametrize("at", ["in-block", "before-headers"])
def test_what_is_finished_for_nobody_ends_with_the_gateway(at: str) -> None:
    """Nobody is told, and nobody lost anything that was waited for."""

    async def run() -> None:
        async with ground(f"hang at={at}", **KEEPS) as g:
            await leave(g)
            await g.gateway.stop()
            await until(lambda: not g.gateway._exchanges)
            assert g.gateway.status()["lost"] == 0
            assert not g.gateway._places.any_spent
            at_rest(g)

    asyncio.run(run())


def test_a_retry_that_waits_for_an_answer_while_it_stops_is_not_sent_again() -> None:
    """That answer failed: the retry is told so at once, and nothing new is begun."""

    async def run() -> None:
        fault = "hang at=before-headers seconds=0.5 + status code=529"
        async with ground(fault, **KEEPS) as g:
            await leave(g)
            reader, writer = await begin(g)
            await until(lambda: not g.gateway._places.any_left)
            stopping = asyncio.create_task(g.gateway.drain())
            answer = await read_answer(reader)
            assert answer.status == 503
            assert "it is stopping" in answer.error["message"]
            await stopping
            writer.close()
            assert g.sent() == 1
            at_rest(g)

    asyncio.run(run())


def test_a_request_whose_body_comes_while_it_stops_is_refused() -> None:
    """As one that begins then: it would be held as long as the stop may take."""

    async def run() -> None:
        async with ground("status code=529") as g:
            body = question()
            reader, writer = await asyncio.open_connection("127.0.0.1", g.port)
            await send(writer, g.port, body[:10], headers={"content-length": str(len(body))})
            await until(lambda: g.gateway._memory.used > 0)
            stopping = asyncio.create_task(g.gateway.drain())
            await until(lambda: g.gateway._draining)
            writer.write(body[10:])
            answer = await read_answer(reader)
            assert (answer.status, answer.headers["x-seawall-cause"]) == (503, "seawall.stopping")
            await stopping
            writer.close()
            assert g.sent() == 0
            at_rest(g)

    asyncio.run(run())


# -- the next request -------------------------------------------------------------------------------------------------


def test_a_request_behind_an_answer_that_nobody_read_is_not_begun() -> None:
    """Its client broke off unheard: nothing is sent for it, and what was held for it is not held for ever."""

    async def run() -> None:
        async with ground("hang at=before-headers seconds=0.5", sizes=Sizes(head=4096), **KEEPS) as g:
            first, second = question(stream=False), question("nonce=abc " + 8_000 * "x")
            lines = f"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1:{g.port}\r\nx-api-key: {KEY}\r\n"
            lines += "anthropic-version: 2023-06-01\r\ncontent-type: application/json\r\n"
            more = "x-claude-code-session-id: s2\r\n"
            client = socket.create_connection(("127.0.0.1", g.port))
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(client, f"{lines}content-length: {len(first)}\r\n\r\n".encode() + first)
            await until(lambda: g.sent() == 1)
            head = f"{lines}{more}content-length: {len(second)}\r\n\r\n"
            await loop.sock_sendall(client, head.encode() + second)
            server = g.gateway._server
            assert server is not None
            (connection,) = server.connections
            await until(lambda: connection._paused and len(connection._buffer) > len(second))
            client.setsockopt(*RESET)
            client.close()
            await until(lambda: not server.connections)
            await until(lambda: not g.gateway._exchanges)
            assert g.sent() == 1
            at_rest(g)

    asyncio.run(run())
