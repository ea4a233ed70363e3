"""What was found after it was built, each a test of its own."""

import asyncio
import gzip
import json
import resource

import pytest
from ground import check_whole, ground, hold, question, send, upstream

from seawall.causes.evidence import Body, Evidence, Phase
from seawall.config import Config
from seawall.fake.scenario import Rule, Scenario
from seawall.policy.outcome import is_ambiguous
from seawall.wire.sse import event

PLAIN_STREAM = b"".join(
    event(one["type"], json.dumps(one).encode())
    for one in (
        {"type": "message_start", "message": {"id": "m", "type": "message", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {"type": "message_stop"},
    )
)


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens", "/v1/models"])
def test_a_100_of_the_upstream_goes_no_further(path: str) -> None:
    """A client that did not ask for `100 Continue` is not sent one (node's fetch drops the connection)."""

    async def run() -> None:
        rule = Rule(do="interim code=100 + interim code=103", path=path)
        async with ground(scenario=Scenario(rules=(rule,))) as g:
            method = "GET" if path == "/v1/models" else "POST"
            answer = await g.ask(b"" if method == "GET" else question(), method=method, path=path)
            assert (answer.status, answer.interims) == (200, [103])

    asyncio.run(run())


def test_an_error_object_is_a_verdict_whatever_the_status() -> None:
    """200 with an error body said that nothing was done: it is replayed like the 529 that it means."""
    told = Evidence(Phase.BODY, status=200, body=Body.JSON, error_type="overloaded_error")
    assert not is_ambiguous(told)

    async def run() -> None:
        async with ground(*["error-event"] * 4) as g:
            check_whole(await g.ask(question(stream=False)))
            assert g.sent() == 5

    asyncio.run(run())


def test_an_answer_is_whole_at_its_last_event() -> None:
    """An upstream that never ends its body after `message_stop` costs the client nothing but a moment."""

    async def run() -> None:
        events = PLAIN_STREAM

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            writer.write(head + b"%x\r\n%b\r\n" % (len(events), events))
            await reader.read(100_000)
            await reader.read()
            writer.close()

        async with upstream(serve) as url, ground(upstream=url) as g:
            asking = asyncio.create_task(g.ask())
            while not g.gateway._exchanges:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            (exchange,) = g.gateway._exchanges
            exchange.tick(asyncio.get_running_loop().time() + 6)
            answer = await asking
            assert (answer.status, answer.whole, answer.names[-1]) == (200, True, "message_stop")
            assert not g.attempts

    asyncio.run(asyncio.wait_for(run(), 10))


@pytest.mark.parametrize("stream", [True, False])
def test_a_compressed_bomb_is_not_unpacked(stream: bool) -> None:
    """A small compressed answer that unpacks to gigabytes is bounded, and is no answer."""

    async def run() -> None:
        packed = gzip.compress(b" " * 200_000_000)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            kind = b"text/event-stream" if stream else b"application/json"
            head = (
                b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n"
            )
            writer.write(head % (kind, len(packed)) + packed)
            writer.close()

        async with upstream(serve) as url, ground(upstream=url, hold=hold(longest=0.2)) as g:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            answer = await g.ask(question(stream=stream))
            assert (answer.status, answer.error["type"]) == (503, "api_error")
            assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_retry_that_inherits_has_its_own_clients_limits() -> None:
    """The hold goes on from the call's first arrival; opening and a short limit count from the retry's own."""

    async def run() -> None:
        session = {"x-claude-code-session-id": "s"}
        limit = {**session, "x-stainless-timeout": "30"}
        async with ground(*["overloaded"] * 60) as g:
            _, writer = await asyncio.open_connection("127.0.0.1", g.port)
            await send(writer, g.port, question(), headers=session)
            while g.sent() < 5:
                await asyncio.sleep(0.01)
            (exchange,) = g.gateway._exchanges
            exchange.standing.started_at -= 100  # it came a while ago
            writer.transport.abort()
            while not g.gateway._places.any_left:
                await asyncio.sleep(0.01)
            asking = asyncio.create_task(g.ask(headers=limit))
            while not g.gateway._exchanges:
                await asyncio.sleep(0.01)
            (later,) = g.gateway._exchanges
            assert later.standing.started_at == exchange.standing.started_at
            answer = await asking
            check_whole(answer)
            assert int(answer.headers["x-seawall-attempts"]) >= 61
            assert float(answer.headers["x-seawall-held"]) > 100

    asyncio.run(asyncio.wait_for(run(), 10))


@pytest.mark.parametrize("header", [True, False])
def test_without_a_hold_failures_pass_as_they_are(header: bool) -> None:
    """`--no-hold` is a plain gateway: one attempt, the upstream's own words and hints."""

    async def run() -> None:
        changes = {} if header else {"hold": hold(longest=0.0)}
        headers = {"x-seawall-hold": "0s"} if header else {}
        async with ground(*["overloaded retry-after=7"] * 3, **changes) as g:
            answer = await g.ask(headers=headers)
            assert (answer.status, answer.headers["retry-after"], g.sent()) == (529, "7", 1)
            assert "x-seawall-note" not in answer.headers

    asyncio.run(run())


@pytest.mark.parametrize("header", [True, False])
def test_without_a_hold_nobody_waits_in_an_outages_line(header: bool) -> None:
    """Where each failure is passed on at once, a call of an outage hears its own 529, and is no line's last."""

    async def run() -> None:
        changes = {} if header else {"hold": hold(longest=0.0)}
        headers = {"x-seawall-hold": "0s"} if header else {}
        async with ground(*["overloaded"] * 999, breaker=Config().gateway.breaker, **changes) as g:
            held = [asyncio.create_task(g.ask(question(f"held {n}"))) for n in range(20 if header else 0)]
            for n in range(20):
                answer = await asyncio.wait_for(g.ask(question(f"plain {n}"), headers=headers), 10)
                assert (answer.status, "x-seawall-attempts" in answer.headers) == (529, False)
            assert g.gateway._admission.gates()[0].lane.breaker.open
            for one in held:
                one.cancel()
            await asyncio.gather(*held, return_exceptions=True)

    asyncio.run(run())


@pytest.mark.parametrize("how", ["refused", "unreachable"])
def test_behind_an_answer_to_head_comes_the_next_answer(how: str) -> None:
    """What Seawall itself answers to HEAD has no body: its client would read it as the beginning of the next answer."""

    async def run() -> None:
        away = {"upstream": "http://127.0.0.1:9"} if how == "unreachable" else {}
        async with ground(warm=False, **away) as g:
            reader, writer = await asyncio.open_connection("127.0.0.1", g.port)
            headers = {"origin": "https://elsewhere.example"} if how == "refused" else {}
            await send(writer, g.port, method="HEAD", path="/api/hello", headers=headers)
            first = await reader.readuntil(b"\r\n\r\n")
            assert b"\r\ncontent-length: " in first  # what GET would have had
            await send(writer, g.port, method="GET", path="/v1/models", headers={"connection": "close"})
            assert (await reader.read()).startswith(b"HTTP/1.1 ")
            writer.close()

    asyncio.run(run())


def test_an_answer_to_head_of_unknown_length_stays_one() -> None:
    """An upstream that does not say how long GET's answer would be did not say that it is empty."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
        await writer.drain()

    async def run() -> None:
        async with upstream(serve) as url, ground(upstream=url, warm=False) as g:
            answer = await g.ask(b"", method="HEAD", path="/v1/models")
            assert (answer.status, "content-length" in answer.headers) == (200, False)

    asyncio.run(run())


@pytest.mark.parametrize("most", [-(10**400), 10**400, -1_000_000], ids=["least", "most", "negative"])
def test_a_number_that_nobody_can_reckon_with_is_the_apis_to_judge(most: int) -> None:
    """It is passed on, and nothing of it is left: no memory, and no credit in the account of the limits."""

    async def run() -> None:
        async with ground() as g:
            for _ in range(3):
                await g.ask(headers={"x-stainless-retry-count": "9" * 5000})
                answer = await g.ask(question(max_tokens=most))
                assert answer.status in (200, 400)
                assert "Seawall" not in answer.body.decode()
            assert g.sent() == 6
            buckets = g.gateway._admission.gates()[0].lane.pacer.buckets.values()
            assert all(bucket.level <= bucket.limit for bucket in buckets)
            g.at_rest()

    asyncio.run(run())
