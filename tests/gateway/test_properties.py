"""What must hold whatever happens: nothing replayed after the commit, nothing shared, nothing left behind."""

import asyncio
import json
import random
import socket

import pytest
from ground import (
    Answer,
    Ground,
    ask,
    check_whole,
    ground,
    hold,
    question,
    read_answer,
    send,
    settings,
    until,
    upstream,
)

from seawall.config import Config, Idle, Sizes
from seawall.fake import scenario
from seawall.fake.content import verify_answer
from seawall.gateway.app import GatewayServer
from seawall.wire.sse import event

MIX = """
[answer]
words = 40
seconds = 0.03
[[rule]]
do = "overloaded"
chance = 0.2
[[rule]]
do = "status code=503 body=html"
chance = 0.1
[[rule]]
do = "reset"
chance = 0.1
[[rule]]
do = "error-event at=before-content"
stream = true
chance = 0.1
[[rule]]
do = "early-end at=before-content"
stream = true
chance = 0.1
[[rule]]
do = "error-event at=in-block"
stream = true
chance = 0.1
[[rule]]
do = "cut at=after-block"
stream = true
chance = 0.05
[[rule]]
do = "early-end at=in-block"
stream = true
chance = 0.1
"""


def judge(answer: Answer, text: str) -> str:
    """`whole`, `told` (a clear failure), or what is wrong."""
    if answer.status == 200 and answer.whole:
        wrong = verify_answer(answer.text, text)
        return "whole" if wrong is None else f"half an answer as success: {wrong}"
    if answer.status != 200:
        return "told" if answer.error["type"] else "an error without a type"
    streamed = answer.headers["content-type"].startswith("text/event-stream")
    if streamed and answer.names.count("message_start") > 1:
        return "events of two attempts"
    return "told" if not streamed or answer.error["type"] else "a cut without a word"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_call_ends_whole_or_with_a_clear_failure(seed: int) -> None:
    """Under every fault at once, no client takes half an answer for a whole one, and nobody gets another's."""

    async def run() -> None:
        async with ground(scenario=scenario.read(MIX), hold=hold(open_unknown=0.05, ping_every=0.02)) as g:
            g.fake.seed = seed
            texts = [f"call {n} nonce=s{seed}n{n}" for n in range(60)]
            bodies = [question(text, stream=n % 3 > 0) for n, text in enumerate(texts)]
            answers = await asyncio.gather(*(g.ask(body) for body in bodies))
            verdicts = [judge(answer, text) for answer, text in zip(answers, texts, strict=True)]
            assert set(verdicts) <= {"whole", "told"}, verdicts
            assert verdicts.count("whole") > 30
            _nothing_replayed_after_content(g)
            await _at_rest(g)

    asyncio.run(asyncio.wait_for(run(), 60))


def _nothing_replayed_after_content(g: Ground) -> None:
    """A body whose content was begun is never sent again."""
    after = ("error-event at=in-block", "cut at=after-block", "early-end at=in-block")
    seen: set[str] = set()
    for request in g.fake.requests:
        assert request.body_hash not in seen, "sent again after its content had begun"
        if request.fault in after or request.fault == "":
            seen.add(request.body_hash)


async def _at_rest(g: Ground) -> None:
    for _ in range(500):
        if not g.gateway._exchanges and not g.fake.stats().running:
            break
        await asyncio.sleep(0.01)
    g.at_rest()


def test_two_credentials_never_share() -> None:
    """The same body under two credentials: each upstream request carries its own, and each gets its own answer."""

    async def run() -> None:
        async with ground("overloaded", "overloaded") as g:
            keys = [f"sk-ant-api03-{n:040d}" for n in range(10)]
            session = {"x-claude-code-session-id": "one"}
            answers = await asyncio.gather(*(g.ask(headers={**session, "x-api-key": key}) for key in keys))
            for answer in answers:
                check_whole(answer)
            assert {request.header("x-api-key") for request in g.fake.requests} == set(keys)

    asyncio.run(run())


VANISHING = """
[answer]
words = 30
first_s = 0.02
seconds = 0.2
[[rule]]
do = "overloaded"
chance = 0.3
[[rule]]
do = "hang at=in-block seconds=5"
chance = 0.1
"""


async def _vanish(port: int, rng: random.Random, number: int) -> None:
    body = question(f"vanish nonce=v{number}", stream=rng.random() < 0.7)
    headers = {"x-claude-code-session-id": f"s{number % 7}"} if rng.random() < 0.5 else {}
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return
    try:
        if rng.random() < 0.2:  # in the middle of its own request
            writer.write(
                b"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1:%d\r\ncontent-length: 99\r\n\r\nhalf" % port
            )
            await asyncio.sleep(rng.random() * 0.02)
            return
        await send(writer, port, body, headers=headers)
        try:
            await asyncio.wait_for(read_answer(reader), rng.random() * 0.3)
        except TimeoutError:
            pass
    finally:
        if rng.random() < 0.5:
            writer.transport.abort()
        else:
            writer.close()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_thousand_clients_that_vanish(loop: str) -> None:
    """Wherever a client leaves, no task, socket, permit or byte is left behind."""

    async def run() -> None:
        rng = random.Random(5)
        async with ground(scenario=scenario.read(VANISHING), concurrency=40) as g:
            before = len(asyncio.all_tasks())
            for wave in range(10):
                await asyncio.gather(*(_vanish(g.port, rng, wave * 100 + n) for n in range(100)))
            await _at_rest(g)
            server, pool = g.gateway._server, g.gateway._pool
            assert server is not None
            assert pool is not None
            for _ in range(500):
                if not server.connections and len(asyncio.all_tasks()) <= before:
                    break
                await asyncio.sleep(0.01)
            assert not server.connections
            pool.close_idle()
            for _ in range(200):
                if not pool.open_connections and not g.fake.stats().connections:
                    break
                await asyncio.sleep(0.01)
            assert pool.open_connections == 0
            assert len(asyncio.all_tasks()) <= before
            check_whole(await ask(g.port, question("after nonce=z")), "after nonce=z")

    factory = pytest.importorskip("uvloop").new_event_loop if loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(asyncio.wait_for(run(), 60))


@pytest.mark.parametrize("ending", ["gone", "answered"])
def test_a_full_house_passes_its_places_on(ending: str) -> None:
    """With one place, callers are served one after another, whatever becomes of those before them."""

    async def run() -> None:
        async with ground("hang at=before-headers seconds=0.2", concurrency=1) as g:
            first = asyncio.create_task(g.ask())
            while not g.sent():
                await asyncio.sleep(0.005)
            rest = [asyncio.create_task(g.ask(question(f"n nonce=q{n}"))) for n in range(5)]
            while g.gateway.status()["queued"] < 5:
                await asyncio.sleep(0.005)
            if ending == "gone":
                first.cancel()
                rest[2].cancel()
            answers = await asyncio.gather(*rest, return_exceptions=True)
            whole = [answer for answer in answers if isinstance(answer, Answer)]
            assert [answer.status for answer in whole] == [200] * (4 if ending == "gone" else 5)
            await asyncio.gather(first, return_exceptions=True)
            await _at_rest(g)
            assert g.fake.stats().most_running == 1

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_call_that_waits_too_long_for_a_place_is_told() -> None:
    """The queue is bounded by the hold: a 503 of our own, naming Seawall."""

    async def run() -> None:
        async with ground("hang at=before-headers", concurrency=1, hold=hold(longest=0.2)) as g:
            first = asyncio.create_task(g.ask())
            while not g.sent():
                await asyncio.sleep(0.005)
            answer = await g.ask(question("late nonce=l"))
            assert (answer.status, answer.error["type"]) == (503, "api_error")
            assert "queue" in answer.error["message"]
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_full_memory_costs_who_holds_most_of_it() -> None:
    """The newest waiting call of the largest consumer is told 503; the small one is held like any other."""

    async def run() -> None:
        large = question("x" * 3000 + " nonce=large")
        sizes = Sizes(held=5 * len(large))
        async with ground("hang at=before-headers seconds=0.5", concurrency=1, sizes=sizes) as g:
            greedy = []
            for n in range(5):
                greedy.append(
                    asyncio.create_task(g.ask(large, headers={"x-claude-code-session-id": "greedy"}))
                )
                await until(lambda n=n: g.gateway.status()["running"] == n + 1)
            small = asyncio.create_task(g.ask(large, headers={"x-claude-code-session-id": "small"}))
            refused = await greedy[4]
            assert (refused.status, refused.error["type"]) == (503, "api_error")
            assert "memory" in refused.error["message"]
            assert 30 <= int(refused.headers["retry-after"]) <= 59
            answers = await asyncio.gather(small, *greedy[:4])
            assert [answer.status for answer in answers] == [200] * 5
            await _at_rest(g)

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_full_memory_costs_nobody_smaller() -> None:
    """The largest consumer itself is refused, not its neighbours."""

    async def run() -> None:
        large = question("x" * 3000 + " nonce=large")
        async with ground(
            "hang at=before-headers seconds=0.5", concurrency=1, sizes=Sizes(held=3 * len(large))
        ) as g:
            sessions = ["small", "greedy", "greedy"]
            held = []
            for n, session in enumerate(sessions):
                held.append(asyncio.create_task(g.ask(large, headers={"x-claude-code-session-id": session})))
                await until(lambda n=n: g.gateway.status()["running"] == n + 1)
            refused = await g.ask(large, headers={"x-claude-code-session-id": "greedy"})
            assert refused.status == 503
            assert [answer.status for answer in await asyncio.gather(*held)] == [200] * 3

    asyncio.run(asyncio.wait_for(run(), 20))


def test_what_is_not_a_message_never_waits_behind_messages() -> None:
    """`count_tokens`, models and batches go at once while the queue of messages stands."""

    async def run() -> None:
        async with ground("hang at=before-headers", concurrency=1) as g:
            messages = [asyncio.create_task(g.ask()) for _ in range(4)]
            await until(lambda: g.gateway.status()["queued"] == 3)
            counted = await g.ask(question(), path="/v1/messages/count_tokens")
            models = await g.ask(method="GET", path="/v1/models")
            batches = await g.ask(b"{}", path="/v1/messages/batches")
            assert [counted.status, models.status, batches.status] == [200, 200, 404]
            for task in messages:
                task.cancel()
            await asyncio.gather(*messages, return_exceptions=True)

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_count_of_tokens_needs_no_room_of_messages() -> None:
    """Held calls fill the memory: `count_tokens` passes through all the same, and none of them is refused for it."""

    async def run() -> None:
        one = question("x" * 1000)
        async with ground("hang at=before-headers", concurrency=1, sizes=Sizes(held=3 * len(one))) as g:
            messages = [asyncio.create_task(g.ask(one)) for _ in range(3)]
            await until(lambda: g.gateway.status()["queued"] == 2)
            for session in ("s1", "s2"):
                headers = {"x-claude-code-session-id": session}
                counted = await g.ask(one, path="/v1/messages/count_tokens", headers=headers)
                assert counted.status == 200, counted.body
            assert g.gateway.status()["queued"] == 2
            for task in messages:
                task.cancel()
            await asyncio.gather(*messages, return_exceptions=True)

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_reused_connection_that_died_costs_nothing() -> None:
    """A connection that its other end closed while it was idle is replaced without a failed attempt."""

    async def run() -> None:
        async with ground("idle-close") as g:
            check_whole(await g.ask())
            check_whole(await g.ask(question("next nonce=x")), "next nonce=x")
            assert not g.attempts

    asyncio.run(run())


DEEP = b"[" * 3000 + b"]" * 3000


@pytest.mark.parametrize("stream", [b"true", b"false"])
def test_a_request_nested_deeper_than_anybody_reads(stream: bytes) -> None:
    """It goes on unread, and what was held for it is given back."""

    async def run() -> None:
        async with ground("ok", "overloaded", "ok") as g:
            body = question()[:-1] + b', "stream": %b, "x": %b}' % (stream, DEEP)
            for _ in range(2):
                answer = await g.ask(body)
                assert answer.status == 400, "the API's own word"
            g.at_rest()

    asyncio.run(run())


@pytest.mark.parametrize("place", ["content", "delta", "whole"])
def test_an_answer_nested_deeper_than_anybody_reads(place: str) -> None:
    """It is an answer: it goes to the client as it came, and nothing hangs."""
    start = {"type": "message_start", "message": {"type": "message", "content": []}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    deep = {
        name: b'{"type":"%b","x":%b}' % (name.encode(), DEEP) for name in (block["type"], "message_delta")
    }
    stream = [
        event("message_start", json.dumps(start).encode()),
        event(
            "content_block_start",
            deep["content_block_start"] if place == "content" else json.dumps(block).encode(),
        ),
        event("message_delta", deep["message_delta"] if place == "delta" else b'{"type":"message_delta"}'),
        event("message_stop", b'{"type":"message_stop"}'),
    ]
    body = b'{"type":"message","content":%b}' % DEEP if place == "whole" else b"".join(stream)
    kind = "application/json" if place == "whole" else "text/event-stream"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
        writer.write(
            f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
        )
        writer.close()

    async def run() -> None:
        async with upstream(serve) as url, ground(upstream=url) as g:
            answer = await g.ask(question(stream=place != "whole"))
            assert (answer.status, answer.body, g.attempts) == (200, body, [])
            g.at_rest()

    asyncio.run(asyncio.wait_for(run(), 20))


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/models", "/v1/messages/count_tokens"])
def test_a_ring_of_gateways_is_seen_at_once(path: str) -> None:
    """A call that comes back to a gateway it left is refused there; neither holds it."""

    async def run() -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        port = listening.getsockname()[1]
        async with ground(upstream=f"http://127.0.0.1:{port}") as behind:
            config = Config(gateway=settings(upstream=f"http://127.0.0.1:{behind.port}"))
            front = GatewayServer(config, sockets=[listening])
            await front.start()
            answer = await ask(port, path=path)
            assert answer.status == 508
            assert answer.headers["x-should-retry"] == "false"
            assert "leads back to this gateway" in answer.error["message"]
            behind.at_rest()
            await front.stop()

    asyncio.run(run())


def test_poisoned_connections_are_not_reused() -> None:
    """Bytes behind the end of an answer never become the next client's answer."""

    async def run() -> None:
        async with ground(*["trailing-bytes looks-like=answer"] * 5) as g:
            for number in range(6):
                text = f"poison nonce=p{number}"
                check_whole(await g.ask(question(text, stream=False)), text)

    asyncio.run(run())


def test_the_defaults_are_the_documented_ones() -> None:
    """A gateway of no configuration holds a quarter of an hour on loopback."""
    from seawall.config import Config

    server = GatewayServer(Config())
    assert server._config.gateway.hold.longest == 900.0
    assert Idle().first_byte == 120.0
