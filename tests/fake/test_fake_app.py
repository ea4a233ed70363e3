"""The running server, looked at through raw sockets and through the real SDK."""

import asyncio
import gzip
import json
import socket
import ssl

import anthropic
import pytest
import trustme
from fake_peers import KEY, ask, body_of, call, events_in, parse, request_of, send, text_of

from seawall.fake.app import FakeApi, Watch
from seawall.fake.content import verify_answer
from seawall.fake.scenario import read


def run(work):
    """Run a coroutine; afterwards nothing may be left: a task, a warning, a socket."""

    async def whole():
        await work
        await settled(lambda: asyncio.all_tasks() == {asyncio.current_task()})

    asyncio.run(whole())


def scenario_test(text: str = "", **options):
    """A test whose body is a coroutine that is given a running server."""

    def wrap(work):
        def test():
            async def whole():
                async with FakeApi(read(text), **options) as api:
                    await work(api)

            run(whole())

        test.__name__, test.__doc__ = work.__name__, work.__doc__
        return test

    return wrap


class HandClock:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> float:
        return self.seconds

    def wall(self) -> float:
        return 1_800_000_000.0 + self.seconds


async def settled(condition, rounds: int = 2000) -> None:
    """Wait until the server has noticed."""
    for _ in range(rounds):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("never happened")


# ---- right answers ---------------------------------------------------------------------------------


@scenario_test()
async def test_a_streamed_answer_is_whole_and_carries_ids_and_limits(api):
    """Events in order, request id, organization, limits that deplete."""
    first, second = await ask(api), await ask(api)
    assert verify_answer(text_of(first.events), "hello nonce=abc") is None
    assert first.headers["content-type"].startswith("text/event-stream")
    assert first.headers["request-id"].startswith("req_")
    assert first.headers["request-id"] != second.headers["request-id"]
    assert first.headers["anthropic-organization-id"] == second.headers["anthropic-organization-id"]
    left = [int(a.headers["anthropic-ratelimit-input-tokens-limit"]) for a in (first, second)]
    assert left[0] == left[1] > 0
    assert api.requests[0].request_id == first.headers["request-id"]


@scenario_test()
async def test_a_json_answer_is_whole(api):
    """With usage and stop reason."""
    got = await ask(api, stream=False)
    assert verify_answer(got.json["content"][0]["text"], "hello nonce=abc") is None
    assert got.json["stop_reason"] == "end_turn"
    assert got.headers["content-length"] == str(len(got.body))


@scenario_test('[answer]\nblocks = ["thinking", "text", "tool"]')
async def test_blocks_of_every_kind(api):
    """Thinking with a signature, text, a tool call with whole JSON."""
    got = await ask(api, tools=[{"name": "Bash", "input_schema": {}}])
    starts = [e["content_block"]["type"] for e in got.events if e["type"] == "content_block_start"]
    assert starts == ["thinking", "text", "tool_use"]
    parts = [e["delta"].get("partial_json", "") for e in got.events if e["type"] == "content_block_delta"]
    assert json.loads("".join(parts))["nonce"] == "abc"
    assert got.events[-2]["delta"]["stop_reason"] == "tool_use"


@pytest.mark.parametrize("stream", [True, False])
def test_the_same_seed_and_request_give_the_same_text(stream):
    """On another server too."""

    async def once(seed):
        async with FakeApi(seed=seed) as api:
            got = await ask(api, stream=stream)
            return text_of(got.events) if stream else got.json["content"][0]["text"]

    one, two, other = (asyncio.run(once(s)) for s in (1, 1, 2))
    assert one == two != other


@scenario_test()
async def test_the_other_paths(api):
    """count_tokens, models, hello; what does not exist is 404 in the API's envelope."""
    count = await call(api, "POST", "/v1/messages/count_tokens?beta=true", body_of())
    assert count.json["input_tokens"] > 0
    models = await call(api, "GET", "/v1/models?limit=1000")
    names = [m["id"] for m in models.json["data"]]
    assert (await call(api, "GET", f"/v1/models/{names[0]}")).json["id"] == names[0]
    hello = await call(api, "HEAD", "/api/hello", key=None)
    assert (hello.status, hello.body) == (200, b"")
    for method, target, status, kind in (
        ("GET", "/v1/models/none", 404, "not_found_error"),
        ("POST", "/v1/v1/messages", 404, "not_found_error"),
        ("GET", "/v1/messages", 405, "invalid_request_error"),
    ):
        got = await call(api, method, target)
        assert (got.status, got.json["error"]["type"]) == (status, kind)
        assert got.json["request_id"] == got.headers["request-id"]


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        ({"key": None}, 401, "header is required"),
        ({"key": "sk-other"}, 401, "invalid x-api-key"),
        ({"key": None, "more": {"authorization": f"Bearer {KEY}"}}, 200, None),
        ({"key": None, "more": {"authorization": "Basic abc"}}, 401, "header is required"),
        ({"more": {"anthropic-version": ""}}, 400, "anthropic-version"),
        ({"body": b"{"}, 400, "not valid JSON"),
        ({"body": body_of(model="gpt-4")}, 404, "model: gpt-4"),
        ({"body": gzip.compress(body_of()), "more": {"content-encoding": "gzip"}}, 200, None),
        ({"body": body_of(), "more": {"content-encoding": "gzip"}}, 400, "content-encoding"),
        ({"body": body_of(), "more": {"content-encoding": "zstd"}}, 400, "content-encoding"),
    ],
)
def test_what_the_api_refuses_by_itself(options, status, says):
    """Missing and wrong credentials, bad bodies, unknown models; either header carries a key."""

    async def work():
        async with FakeApi() as api:
            got = parse((await send(api, request_of(**{"body": body_of(), **options}))).data)
            assert got.status == status
            assert "date" in got.headers  # by which clients see that their clock is off
            assert says is None or says in got.json["error"]["message"]
            assert says is None or got.json["request_id"].startswith("req_")

    run(work())


@scenario_test()
async def test_a_body_above_the_apis_limit_is_refused_and_not_kept(api):
    """413; what is kept of it is bounded."""
    body = body_of("x" * (33 * 1024 * 1024))
    got = parse((await send(api, request_of(body))).data)
    assert (got.status, got.json["error"]["type"]) == (413, "request_too_large")
    assert len(api.requests[0].body) <= 1024 * 1024


@scenario_test()
async def test_a_chunked_request_and_expect_continue(api):
    """The body arrives by chunks after `100 Continue`."""
    head = request_of(None, more={"transfer-encoding": "chunked", "expect": "100-continue"})
    body = body_of()
    reader, writer = await asyncio.open_connection(api.host, api.port)
    writer.write(head)
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    for index in range(0, len(body), 50):
        piece = body[index : index + 50]
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    writer.write(b"0\r\n\r\n")
    got = parse(await reader.read())
    assert got.status == 200
    assert api.requests[0].body == body
    writer.close()
    await writer.wait_closed()


@scenario_test()
async def test_connections_are_kept_and_pipelined_requests_answered_in_order(api):
    """Two requests in one packet, two answers on one connection."""
    both = request_of(body_of("nonce=one", stream=False), close=False) + request_of(
        body_of("nonce=two", stream=False)
    )
    sent = (await send(api, both)).data
    first, second = sent.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert b"nonce=one" in first
    assert b"nonce=two" in second
    assert [r.connection for r in api.requests] == [1, 1]


@pytest.mark.parametrize(
    "raw",
    [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nhost: a\r\nx y: 1\r\n\r\n",
     b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
     b"GET / HTTP/1.1\r\nhost: a\r\n" + b"x: " + b"y" * 400_000],
)  # fmt: skip
def test_what_is_no_http_is_refused_and_counted(raw):
    """400 or 431, connection closed, no request seen."""

    async def work():
        async with FakeApi() as api:
            got = await send(api, raw)
            assert got.data[9:12] in (b"400", b"431")
            assert api.requests == []
            assert api.stats().by_fault == {"not HTTP": 1}

    run(work())


@scenario_test()
async def test_requests_are_seen_as_they_came(api):
    """Method, target, headers, body, attempt, connection, how it was answered."""
    api.script("overloaded")
    body = body_of()
    for _ in range(2):
        await send(api, request_of(body, more={"x-own": "1"}))
    first, second = api.requests
    assert (first.method, first.target, first.body) == ("POST", "/v1/messages?beta=true", body)
    assert first.header("x-own") == "1"
    assert (first.attempt, first.fault, first.status, first.done) == (1, "overloaded", 529, True)
    assert (second.attempt, second.fault, second.status, second.done) == (2, "", 200, True)
    assert not first.client_gone
    assert KEY not in repr(first)


# ---- faults ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("script", "end", "has"),
    [
        ("reset", "reset", b""),
        ("reset at=after-headers", "reset", b"\r\n\r\n"),
        ("close", "fin", b""),
        ("close at=after-headers", "fin", b"\r\n\r\n"),
        ("cut how=reset", "reset", b"HTTP/1.1 200 OK"),
        ("cut how=close", "fin", b"HTTP/1.1 200 OK"),
        ("refused seconds=0", "reset", b""),
        ("switch-protocols", "fin", b"HTTP/1.1 101"),
        ("bad-status-line", "fin", b"SSH-2.0"),
        ("interim count=2 + overloaded", "fin", b"HTTP/1.1 103 Early Hints"),
        ("framing how=close", "fin", b"HTTP/1.1 200 OK"),
        ("slow-bytes every=0", "fin", b"HTTP/1.1 200 OK"),
    ],
)
def test_how_connections_end(stream, script, end, has):
    """RST is RST, FIN is FIN, and what came before it arrives."""

    async def work():
        async with FakeApi() as api:
            api.script(script)
            got = await send(api, request_of(body_of(stream=stream)))
            assert got.end == end
            assert has in got.data
            assert bool(has) is bool(got.data)
            (seen,) = api.requests
            assert (seen.done, seen.client_gone) == (True, False)
            assert bool(seen.status) is has.startswith((b"HTTP", b"\r"))

    run(work())


@scenario_test()
async def test_bytes_come_one_at_a_time(api):
    """The reader sees many small pieces, and the answer is right."""
    api.script("slow-bytes every=0.0001")
    reader, writer = await asyncio.open_connection(api.host, api.port)
    writer.write(request_of(body_of(stream=False)))
    pieces = []
    while piece := await reader.read(65536):
        pieces.append(piece)
    assert len(pieces) > 50
    assert parse(b"".join(pieces)).status == 200
    writer.close()
    await writer.wait_closed()


@scenario_test()
async def test_a_hang_is_silent_until_the_client_leaves(api):
    """Before the headers, after them, in the middle: the client's going is noticed at once, nothing stays."""
    for at, until in (
        ("before-headers", None),
        ("after-headers", b"\r\n\r\n"),
        ("in-block", b"content_block_delta"),
    ):
        api.script(f"hang at={at}")
        reader, writer = await asyncio.open_connection(api.host, api.port)
        writer.write(request_of(body_of(f"nonce={at}")))
        if until:
            await reader.readuntil(until)
        else:
            await settled(lambda: api.stats().running == 1)
        assert api.stats().running == 1
        writer.close()
        await writer.wait_closed()
        await settled(lambda: api.stats().running == 0)
        assert api.requests[-1].client_gone
        assert not api.requests[-1].done
        assert api.requests[-1].status == (0 if until is None else 200)
    assert api.stats().clients_gone == 3
    assert api.stats().connections == 0


@scenario_test()
async def test_a_hang_with_pings_goes_on_with_the_answer(api):
    """Pings in the stream, or 102s before the head; then the whole answer."""
    api.script(*[f"hang at={at} seconds=0.05 pings=true every=0.01" for at in ("in-block", "before-headers")])
    got = await ask(api)
    assert sum(e["type"] == "ping" for e in got.events) >= 5
    assert verify_answer(text_of(got.events), "nonce=abc") is None
    got = await ask(api)
    assert got.interim == [102] * 5
    assert verify_answer(text_of(got.events), "nonce=abc") is None


@scenario_test(clock=HandClock())
async def test_a_refusing_listener_is_really_closed_and_comes_back(api):
    """Idle connections are reset, new ones refused, the port stays ours, then all is well."""
    reader, writer = await asyncio.open_connection(api.host, api.port)
    await settled(lambda: api.stats().connections == 1)
    api.script("refused seconds=30")
    await send(api, request_of(body_of()))
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(api.host, api.port)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((api.host, api.port))
    api.clock.seconds += 31
    await settled(lambda: api._closings == 0 and api._server.is_serving())
    assert (await ask(api)).status == 200


@scenario_test('[[rule]]\nfrom = 5\nto = 25\npath = "*"\ndo = "refused"', clock=HandClock())
async def test_a_closed_listener_by_the_clock(api):
    """Open before `from`, closed without a request, open again at `to`."""
    assert (await ask(api)).status == 200
    api.clock.seconds += 5
    await settled(lambda: api._holder is not None)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(api.host, api.port)
    api.clock.seconds += 20
    await settled(lambda: api._holder is None and api._server.is_serving())
    assert (await ask(api)).status == 200


@scenario_test('[[rule]]\nfrom = 0\nto = 1000\npath = "*"\ndo = "refused"')
async def test_stopping_while_the_listener_is_closed(api):
    """Nothing is left, the port is free."""
    await settled(lambda: api._holder is not None)
    await api.stop()
    with socket.socket() as other:
        other.bind((api.host, api.port))


@scenario_test('[[rule]]\nfirst = 2\nmodel = "*opus*"\ndo = "overloaded"')
async def test_rules_count_attempts_of_each_call(api):
    """Two 529s for each body on Opus, none for others; a script of the test's comes first."""

    async def statuses(prompt, times, **more):
        return [(await ask(api, prompt, **more)).status for _ in range(times)]

    assert await statuses("a", 3) == [529, 529, 200]
    assert await statuses("b", 3) == [529, 529, 200]
    assert await statuses("c", 2, model="claude-haiku-5-5") == [200, 200]
    api.script("ok", "status code=500")
    assert await statuses("d", 3) == [200, 500, 200]


@scenario_test('[[rule]]\npath = "*"\ndo = "status code=503 body=html"')
async def test_a_rule_for_every_path(api):
    """count_tokens, models and hello too; HEAD has no body."""
    assert (await call(api, "POST", "/v1/messages/count_tokens", body_of())).status == 503
    assert (await call(api, "GET", "/v1/models")).status == 503
    assert (await call(api, "HEAD", "/api/hello", key=None)).status == 503


# ---- limits and capacity ---------------------------------------------------------------------------


@scenario_test("[limits]\nrequests_per_minute = 3")
async def test_an_empty_bucket_is_a_429_with_a_wait(api):
    """Three pass and the headers count down; the fourth is told how long to wait; another key has its own."""
    got = [await ask(api) for _ in range(4)]
    assert [g.status for g in got] == [200, 200, 200, 429]
    assert [g.headers["anthropic-ratelimit-requests-remaining"] for g in got] == ["2", "1", "0", "0"]
    assert 1 <= int(got[3].headers["retry-after"]) <= 20
    assert got[3].json["error"]["type"] == "rate_limit_error"
    assert api.requests[3].fault == "limit"
    other = request_of(body_of(), key="sk-ant-api03-another")
    assert parse((await send(api, other)).data).status == 200


@scenario_test("[limits]\nplan_tokens_5h = 40")
async def test_a_subscription_has_windows_and_no_buckets(api):
    """Unified headers on each answer; when full, 429 `rejected`."""
    token = {"key": None, "more": {"authorization": "Bearer sk-ant-oat01-abc"}}
    got = [parse((await send(api, request_of(body_of(), **token))).data) for _ in range(2)]
    assert [g.status for g in got] == [200, 429]
    prefix = "anthropic-ratelimit-unified-"
    assert float(got[0].headers[prefix + "5h-utilization"]) > 0.5
    assert "anthropic-ratelimit-requests-limit" not in got[0].headers
    assert got[1].headers[prefix + "status"] == "rejected"
    assert got[1].headers[prefix + "representative-claim"] == "five_hour"
    assert got[1].headers["x-should-retry"] == "false"


@scenario_test("[limits.acceleration]\nbase = 2")
async def test_growth_is_a_429_with_full_buckets(api):
    """With its code and its wait."""
    got = [await ask(api) for _ in range(3)]
    assert [g.status for g in got] == [200, 200, 429]
    assert got[2].json["error"]["details"]["error_code"] == "ramp_limit_exceeded"
    assert got[2].headers["retry-after"] == "10"
    assert int(got[2].headers["anthropic-ratelimit-requests-remaining"]) > 90_000


@scenario_test("factor = 50\n[answer]\nseconds = 5\n[capacity]\nslots = 4\nnoise = 0", clock=HandClock())
async def test_capacity_refuses_what_does_not_fit_and_slots_come_back(api):
    """Twelve while the clock stands: four run, perhaps a fifth; when it moves all slots are free again."""
    calls = [asyncio.create_task(ask(api, f"nonce=n{n}")) for n in range(12)]
    await settled(lambda: api.stats().running + api.stats().by_fault.get("capacity", 0) >= 12)
    assert api.capacity.running in (4, 5)
    api.clock.seconds += 10
    got = await asyncio.gather(*calls)
    codes = [g.status for g in got]
    assert set(codes) <= {200, 529, 503}
    assert codes.count(200) in (4, 5)
    assert [
        verify_answer(text_of(g.events), f"nonce=n{n}") for n, g in enumerate(got) if g.status == 200
    ] == [None] * codes.count(200)
    await settled(lambda: api.capacity.running == 0)
    assert api.stats().by_fault["capacity"] == 12 - codes.count(200)


@scenario_test("factor = 20\n[answer]\nseconds = 1000\n[capacity]\nslots = 1000")
async def test_clients_that_vanish_give_everything_back(api):
    """Forty clients leave at different points; no slot, no answer, no connection stays."""
    writers = []
    for number in range(40):
        reader, writer = await asyncio.open_connection(api.host, api.port)
        raw = request_of(body_of(f"nonce=n{number}"))
        writer.write(raw if number % 4 else raw[: number * 5])
        if number % 4 > 1:
            await reader.readuntil(b"\r\n\r\n")
        writers.append(writer)
    for number, writer in enumerate(writers):
        if number % 2:
            writer.transport.abort()
        else:
            writer.close()
    await settled(lambda: api.stats().connections == 0)
    assert api.stats().running == 0
    assert api.capacity.running == 0
    for writer in writers:
        try:
            await writer.wait_closed()
        except OSError:
            pass


# ---- the shell -------------------------------------------------------------------------------------


def test_stopping_ends_running_answers():
    """Streams, idle connections and hangs are gone; the port is free again."""

    async def work():
        api = FakeApi()
        await api.start()
        api.script("hang", "hang at=in-block")
        peers = [await asyncio.open_connection(api.host, api.port) for _ in range(3)]
        for _, writer in peers[:2]:
            writer.write(request_of(body_of()))
        await settled(lambda: api.stats().running == 2)
        await api.stop()
        assert api.stats().running == api.stats().connections == 0
        for _, writer in peers:
            writer.close()
        again = FakeApi(port=api.port)
        await again.start()
        await again.stop()

    run(work())


def test_a_port_that_is_taken_is_an_oserror():
    """Nothing half started."""

    async def work():
        async with FakeApi() as first:
            with pytest.raises(OSError, match="in use"):
                await FakeApi(port=first.port).start()

    run(work())


def test_over_tls():
    """The same server behind a certificate; resets and cuts too."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(client)

    async def work():
        async with FakeApi(tls=server) as api:
            assert api.url.startswith("https://127.0.0.1:")
            api.script("ok", "reset", "cut how=close")
            ends = []
            for _ in range(3):
                reader, writer = await asyncio.open_connection(api.host, api.port, ssl=client)
                writer.write(request_of(body_of()))
                try:
                    data = await reader.read()
                    ends.append("message_stop" in data.decode())
                except OSError as error:
                    ends.append(type(error))
                writer.close()
                try:
                    await writer.wait_closed()
                except OSError:
                    pass
            assert ends[0] is True
            assert ends[1] is ConnectionResetError
            assert ends[2] is False

    run(work())


def test_on_uvloop():
    """Answers, resets, closings and a refused listener work there as well."""
    uvloop = pytest.importorskip("uvloop")

    async def work():
        async with FakeApi(clock=HandClock()) as api:
            api.script("ok", "reset", "cut how=close", "hang at=in-block seconds=0.01", "refused seconds=5")
            ends = [(await send(api, request_of(body_of()))).end for _ in range(5)]
            assert ends == ["fin", "reset", "fin", "fin", "reset"]
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(api.host, api.port)
            api.clock.seconds += 6
            await settled(lambda: api._closings == 0 and api._server.is_serving())
            assert (await ask(api)).status == 200
        left = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        assert left == []

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work())


def test_over_ipv6():
    """The address in the URL is one that clients understand."""

    async def work():
        try:
            api = FakeApi(host="::1")
            await api.start()
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
        try:
            assert api.url.startswith("http://[::1]:")
            assert (await ask(api)).status == 200
        finally:
            await api.stop()

    run(work())


def test_the_clock_is_the_one_that_is_passed_in():
    """Windows of rules and limits follow it."""
    clock = HandClock()

    async def work():
        text = (
            'factor = 2\n[limits]\nrequests_per_minute = 3\n[[rule]]\nfrom = 10\nto = 20\ndo = "overloaded"'
        )
        async with FakeApi(read(text), clock=clock) as api:
            statuses = [(await ask(api)).status]
            clock.seconds += 5.0
            statuses.append((await ask(api)).status)
            clock.seconds += 5.0
            statuses.append((await ask(api)).status)
            assert statuses == [200, 529, 200]
            assert [s.since_start for s in api.requests] == [0.0, 10.0, 20.0]
            assert api.requests[1].at == clock.wall() - 5.0

    run(work())


def test_what_is_kept_of_requests_is_bounded(monkeypatch):
    """The oldest are forgotten, by number and by size."""
    monkeypatch.setattr("seawall.fake.app.KEPT_REQUESTS", 3)
    monkeypatch.setattr("seawall.fake.app.KEPT_BODIES", 3000)
    monkeypatch.setattr("seawall.fake.app.KEPT_CALLS", 2)

    async def work():
        async with FakeApi() as api:
            for number in range(5):
                await ask(api, f"nonce=n{number}")
            assert [b"n%d" % n in r.body for n, r in zip((2, 3, 4), api.requests, strict=True)] == [True] * 3
            await ask(api, "x" * 2500)
            assert len(api.requests) < 4
            assert api.stats().requests == 6
            assert len(api._calls) == 2

    run(work())


# ---- the real SDK ----------------------------------------------------------------------------------


def sdk(api, **options):
    return anthropic.AsyncAnthropic(
        api_key="sk-ant-api03-" + "f" * 20, base_url=api.url, **{"max_retries": 0, "timeout": 10, **options}
    )


async def spoken(client, prompt, *, stream):
    wish = {"model": "claude-sonnet-5", "max_tokens": 200, "messages": [{"role": "user", "content": prompt}]}
    if stream:
        async with client.messages.stream(**wish) as answer:
            message = await answer.get_final_message()
    else:
        message = await client.messages.create(**wish)
    return "".join(b.text for b in message.content if b.type == "text")


@scenario_test()
async def test_the_sdk_reads_whole_answers(api):
    """Streamed and not, compressed and not, by any framing, with retries of its own."""
    prompt = "please nonce=sdk-1"
    async with sdk(api, max_retries=2) as client:
        for script in ("ok", "encoded", "encoded coding=br", "framing how=close", "framing how=length",
                       "interim", "connection-close", "idle-close", "garbage-lines",
                       "status code=503 retry-after-ms=1", "reset"):  # fmt: skip
            for stream in (True, False):
                api.script(script)
                assert verify_answer(await spoken(client, prompt, stream=stream), prompt) is None
        assert (await client.messages.count_tokens(model="claude-sonnet-5", messages=[
            {"role": "user", "content": "x"}])).input_tokens > 0  # fmt: skip
        assert [m.id async for m in client.models.list()]


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("overloaded", anthropic.APIStatusError),
        ("status code=401", anthropic.AuthenticationError),
        ("spend-cap", anthropic.RateLimitError),
        ("status code=502 body=html", anthropic.InternalServerError),
        ("status code=500 body=empty", anthropic.InternalServerError),
        ("reset", anthropic.APIConnectionError),
        ("close", anthropic.APIConnectionError),
        ("error-event at=before-content", anthropic.APIStatusError),
        ("error-event at=after-block", anthropic.APIStatusError),
    ],
)
def test_the_sdk_sees_the_errors_it_knows(script, error):
    """Each fault is the exception that the real API would cause."""

    async def work():
        async with FakeApi() as api, sdk(api) as client:
            api.script(script)
            with pytest.raises(error):
                await spoken(client, "x", stream=True)

    run(work())


@scenario_test()
async def test_half_an_answer_is_found_out_where_the_sdk_takes_it_for_whole(api):
    """The raw iterator ends without an error; the text itself tells."""
    api.script("early-end at=in-block")
    async with sdk(api) as client:
        stream = await client.messages.create(
            model="claude-opus-5",
            max_tokens=100,
            stream=True,
            messages=[{"role": "user", "content": "nonce=half"}],
        )
        text = "".join([e.delta.text async for e in stream if e.type == "content_block_delta"])
    assert text
    assert "cut" in (verify_answer(text, "nonce=half") or "")


def test_events_are_not_held_back():
    """With half a second between events, the first is read while the last is still to come."""

    async def work():
        async with FakeApi(read("[answer]\nseconds = 1000\nwords_each = 1")) as api:
            reader, writer = await asyncio.open_connection(api.host, api.port)
            writer.write(request_of(body_of()))
            data = await reader.readuntil(b"message_start")
            assert data.startswith(b"HTTP/1.1 200")
            assert api.stats().running == 1
            assert not api.requests[0].done
            writer.close()
            await writer.wait_closed()

    run(work())


def test_pings_fill_long_gaps():
    """A ping each so often between events that are far apart."""

    async def work():
        async with FakeApi(read("factor = 100\n[answer]\nseconds = 30\nwords_each = 12\nping_s = 1")) as api:
            got = await ask(api)
            kinds = [e["type"] for e in events_in(got.body)]
            assert kinds.count("ping") > 15
            assert kinds[0] == "message_start"
            assert kinds[-1] == "message_stop"

    run(work())


@scenario_test("factor = 50\n[answer]\nfirst_s = 5\nseconds = 10", clock=HandClock())
async def test_the_head_comes_with_the_first_byte(api):
    """Nothing at all before it is due; then head and first block together, and the rest over time."""
    reader, writer = await asyncio.open_connection(api.host, api.port)
    writer.write(request_of(body_of()))
    await settled(lambda: api.stats().running == 1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await reader.read(1)
    api.clock.seconds += 0.1
    begun = await reader.readuntil(b"content_block_start")
    assert begun.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"message_start" in begun
    assert b"content_block_delta" not in begun
    api.clock.seconds += 0.2
    assert b"message_stop" in await reader.read()
    writer.close()
    await writer.wait_closed()


def test_who_watches_is_told_and_nothing_is_kept():
    """Of each request when it is let in and when it is over, with its tokens; refused ones are only over."""
    admitted, over = [], []

    async def work():
        watch = Watch(admitted.append, over.append)
        async with FakeApi(read("[limits.acceleration]\nbase = 1"), watch=watch) as api:
            for number in range(2):
                await ask(api, f"nonce=n{number}\nseawall-fake: tokens=700")
            assert api.requests == []

    run(work())
    assert [(s.status, s.admitted is None, s.input_tokens) for s in over] == [
        (200, False, 700),
        (429, True, 700),
    ]
    assert admitted == over[:1]
    assert over[0].admitted <= over[0].ended


def test_a_sure_credential_is_never_refused_for_load_but_counts():
    """Where everybody else is refused it gets in, and its stream takes a slot."""

    async def work():
        text = "factor = 50\n[answer]\nseconds = 9\n[capacity]\nslots = 4\nnoise = 0\nrefuse = 1"
        async with FakeApi(read(text), sure=frozenset((KEY,)), clock=HandClock()) as api:
            calls = [asyncio.create_task(ask(api, f"nonce=n{n}")) for n in range(3)]
            await settled(lambda: api.capacity.running == 3)
            other = "sk-ant-api03-other"
            refused = parse((await send(api, request_of(body_of(), key=other))).data)
            assert refused.status in (529, 503)
            api.clock.seconds += 10
            assert [got.status for got in await asyncio.gather(*calls)] == [200] * 3

    run(work())


def test_the_scenario_begins_when_it_is_told_to():
    """The time before counts for nothing, and limits are looked at by credential and family."""
    clock = HandClock()

    async def work():
        async with FakeApi(read("factor = 2"), clock=clock) as api:
            clock.seconds += 50
            assert api.now() == 100
            api.begin()
            assert api.now() == 0
            await ask(api, "nonce=a\nseawall-fake: tokens=700")
            assert api.lane(KEY, "opus 5").input.level == 500_000_000 - 700
            assert api.lane(KEY, "sonnet 5").input.level == 500_000_000

    run(work())
