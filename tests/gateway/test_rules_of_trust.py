"""Rules 10 to 13: credentials, the listener, stopping and sleeping, subscriptions."""

import asyncio
import json
import logging
from dataclasses import replace
from typing import Any

import pytest
from ground import (
    KEY,
    SOON,
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

from seawall.causes.evidence import Fault
from seawall.config import Config, Team
from seawall.gateway.app import GatewayServer
from seawall.gateway.guard import Guard
from seawall.gateway.local import LocalRequest, LocalResponse
from seawall.http.head import read_request

OAT = "sk-ant-oat01-" + "t" * 40


# -- 10: credentials --------------------------------------------------------------------------------------------------


def test_rule_10_credentials_are_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """No row, no status, no log and no error holds any part of a credential."""

    async def run() -> str:
        with caplog.at_level(logging.DEBUG):
            async with ground("overloaded", *["close"] * 9) as g:
                answer = await g.ask(headers={"cookie": "secret-cookie-value"})
                shown = repr(g.rows) + json.dumps(g.gateway.status()) + repr(answer)
                return shown + caplog.text

    shown = asyncio.run(run())
    assert "retried" in shown
    assert KEY[13:25] not in shown
    assert "secret-cookie" not in shown


def test_rule_10_accounts_are_told_apart_by_a_salted_hash() -> None:
    """Two credentials have two accounts, which differ from gateway to gateway."""

    async def accounts() -> list[str]:
        async with ground("overloaded", "ok", "overloaded") as g:
            await g.ask(headers={"x-api-key": "sk-ant-api03-one"})
            await g.ask(headers={"x-api-key": "sk-ant-api03-two"})
            return [row.account for row in g.attempts if row.status]

    first, second = asyncio.run(accounts()), asyncio.run(accounts())
    assert len({*first, *second}) == 4


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_rule_10_redirects_are_not_followed(code: int) -> None:
    """A redirect is the client's to see: its credential goes nowhere else."""

    async def run() -> None:
        went = []

        async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            went.append(await reader.read(10))

        async with upstream(other) as elsewhere:

            async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await reader.readuntil(b"\r\n\r\n")
                location = f"location: {elsewhere}/v1/messages\r\ncontent-length: 0\r\n\r\n"
                writer.write(f"HTTP/1.1 {code} Moved\r\n{location}".encode())
                writer.close()

            async with upstream(redirect) as url, ground(upstream=url) as g:
                answer = await g.ask()
                assert (answer.status, answer.headers["location"]) == (code, f"{elsewhere}/v1/messages")
        assert not went

    asyncio.run(run())


def test_rule_10_a_base_path_is_kept() -> None:
    """An upstream with a path gets it in front of every target."""

    async def run() -> None:
        async with ground() as g:
            url = g.fake.url + "/some/base"
            async with ground(upstream=url) as other:
                await other.ask(b"", method="GET", path="/v1/models")
                assert g.fake.requests[0].target == "/some/base/v1/models"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        ("seawall=9-ab.cd", None),
        ("a=1; seawall=9-ab.cd; b=2", "a=1; b=2"),
        ("seawall2=1; xseawall=2", "seawall2=1; xseawall=2"),
        (" seawall=1;seawall=2", None),
    ],
)
def test_rule_10_the_pages_own_cookie_goes_no_further(sent: str, arrives: str | None) -> None:
    """A browser that has the page's cookie sends it with whatever it asks here; the upstream is not told."""

    async def run() -> None:
        async with ground() as g:
            for path, method, body in (("/v1/models", "GET", b""), ("/v1/messages", "POST", question())):
                await g.ask(body, method=method, path=path, headers={"cookie": sent})
                assert dict(g.fake.requests[-1].headers).get("cookie") == arrives

    asyncio.run(run())


# -- 11: the listener -------------------------------------------------------------------------------------------------


def test_rule_11_both_loopback_addresses() -> None:
    """127.0.0.1 and ::1 answer at the same port."""

    async def run() -> None:
        async with ground() as g:
            assert {host for host, _ in g.gateway.addresses} == {"127.0.0.1", "::1"}
            assert len({port for _, port in g.gateway.addresses}) == 1
            answer = await g.ask(host="::1", headers={"host": f"[::1]:{g.port}"})
            check_whole(answer)

    asyncio.run(run())


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8787", "127.0.0.1.evil.example", "127.0.0.1:1"]
)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/models", "/api/v1/status", "/"])
def test_rule_11_a_foreign_host_is_refused(host: str, path: str) -> None:
    """A page that points a name of its own at us (DNS rebinding) gets nothing, on no path."""

    async def run() -> None:
        async with ground() as g:
            answer = await g.ask(path=path, headers={"host": host})
            assert (answer.status, answer.error["type"]) == (403, "permission_error")
            assert g.sent() == 0

    asyncio.run(run())


def test_rule_11_a_foreign_origin_is_refused() -> None:
    """A web page's request is refused unless its origin is configured."""

    async def run() -> None:
        async with ground(origins=("https://mine.example",)) as g:
            answer = await g.ask(headers={"origin": "https://evil.example"})
            assert answer.status == 403
            answer = await g.ask(headers={"origin": "null"})
            assert answer.status == 403
            check_whole(await g.ask(headers={"origin": "https://mine.example"}))

    asyncio.run(run())


@pytest.mark.parametrize(
    "head",
    [
        "POST http://127.0.0.1/v1/messages HTTP/1.1\r\nhost: HOST\r\n",
        "CONNECT api.example:443 HTTP/1.1\r\nhost: HOST\r\n",
        "GET / HTTP/1.1\r\nhost: HOST\r\nconnection: upgrade\r\nupgrade: websocket\r\n",
        "GET / HTTP/1.1\r\nhost: HOST\r\nhost: HOST\r\n",
        "GET / HTTP/1.1\r\n",
        "POST /v1/messages HTTP/1.1\r\nhost: HOST\r\ncontent-length: 3\r\ncontent-length: 3\r\n",
        "POST /v1/messages HTTP/1.1\r\nhost: HOST\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n",
        "POST /v1/messages HTTP/1.1\r\nhost: HOST\r\nx: a\rb\r\n",
        "POST /v1/messages HTTP/1.1\nhost: HOST\n",
        "POST /v1/messages HTTP/1.1\r\nhost: HOST\r\nx: a\r\n b\r\n",
        "POST /v1/messages HTTP/1.1\r\nhost: HOST\r\ntransfer-encoding: gzip, chunked\r\n",
    ],
)
def test_rule_11_ambiguous_requests_are_refused(head: str) -> None:
    """What two parsers could read differently is answered with 400, closed, and never sent on."""

    async def run() -> None:
        async with ground() as g:
            reader, writer = await asyncio.open_connection("127.0.0.1", g.port)
            end = "\n" if "\r\n" not in head else "\r\n"
            writer.write((head.replace("HOST", f"127.0.0.1:{g.port}") + end).encode())
            answer = await read_answer(reader)
            assert (answer.status, answer.whole) == (400, True)
            assert answer.error["type"] == "invalid_request_error"
            assert answer.headers["connection"] == "close"
            assert await reader.read() == b""
            writer.close()
            assert g.sent() == 0

    asyncio.run(run())


def test_rule_11_junk_in_a_chunk_size_is_refused() -> None:
    """A body whose chunks are no chunks is refused, and nothing of it is sent on."""

    async def run() -> None:
        async with ground() as g:
            reader, writer = await asyncio.open_connection("127.0.0.1", g.port)
            chunked = {"transfer-encoding": "chunked"}
            await send(writer, g.port, b"zz\r\nabc", headers=chunked, without=("content-length",))
            assert (await read_answer(reader)).status == 400
            assert await reader.read() == b""
            writer.close()
            assert g.sent() == 0

    asyncio.run(run())


def test_rule_11_pipelined_requests_are_answered_one_at_a_time() -> None:
    """Requests sent ahead wait their turn and are answered in order."""

    async def run() -> None:
        async with ground("hang at=before-headers seconds=0.2") as g:
            reader, writer = await asyncio.open_connection("127.0.0.1", g.port)
            for number in range(3):
                await send(writer, g.port, question(f"number nonce=n{number}"))
            data = b""
            while data.count(b"\r\n0\r\n\r\n") < 3:
                data += await reader.read(65536)
            writer.close()
            order = [data.index(f"nonce=n{number}".encode()) for number in range(3)]
            assert order == sorted(order)
            assert [f"nonce=n{n}".encode() in g.fake.requests[n].body for n in range(3)] == [True] * 3

    asyncio.run(run())


def test_rule_11_another_address_needs_a_token() -> None:
    """On a listener that is not loopback, a request without the team's token is refused."""
    config = Config(gateway=settings(upstream="https://api.anthropic.com"), team=Team("team-secret"))
    guard = Guard(config, [("192.0.2.1", 8787)], "api.anthropic.com")
    head = read_request(b"GET /v1/models HTTP/1.1\r\nhost: 192.0.2.1:8787\r\n\r\n")
    refusal = guard.refusal(head)
    assert refusal is not None
    assert refusal.status == 401
    head.lower[b"x-seawall-token"] = b"team-secret"
    assert guard.refusal(head) is None
    head.lower[b"x-seawall-token"] = b"team-secre"
    assert guard.refusal(head) is not None


def test_rule_11_local_routes_are_ours() -> None:
    """A path that serve gave us is answered here; pieces end when the client leaves."""
    ended = []

    async def whole(request: LocalRequest) -> LocalResponse:
        return LocalResponse(200, "text/plain", f"{request.method} {request.query['a']}".encode())

    async def pieces() -> Any:
        try:
            while True:
                yield b"x"
                await asyncio.sleep(0.01)
        finally:
            ended.append(True)

    async def lease(request: LocalRequest) -> Any:
        return pieces()

    async def run() -> None:
        async with ground() as g:
            g.gateway._routes = {b"/api/v1/whole": whole, b"/api/v1/lease": lease}
            answer = await g.ask(b"", method="GET", path="/api/v1/whole?a=%31")
            assert (answer.status, answer.body) == (200, b"GET 1")
            reader, writer = await asyncio.open_connection("127.0.0.1", g.port)
            await send(writer, g.port, method="GET", path="/api/v1/lease")
            await reader.readuntil(b"x")
            writer.close()
            while not ended:
                await asyncio.sleep(0.01)
            assert g.sent() == 0

    asyncio.run(asyncio.wait_for(run(), 10))


def test_rule_11_a_chained_seawall_does_the_holding() -> None:
    """Behind another Seawall, the outer one passes its failures on at once."""

    async def run() -> None:
        async with ground(*["overloaded"] * 999, hold=hold(longest=0.2)) as inner:
            url = f"http://127.0.0.1:{inner.port}"
            async with ground(upstream=url) as outer:
                before = len(inner.fake.requests)
                answer = await outer.ask()
                assert answer.status == 529
                assert len(outer.attempts) == 1
                assert outer.attempts[0].ended == "passed"
                assert len(inner.fake.requests) - before > 1

    asyncio.run(run())


# -- 12: never why work stops -----------------------------------------------------------------------------------------


def test_rule_12_drain_answers_what_waits_and_finishes_what_runs() -> None:
    """At the first signal, holds get their last error at once, streams end whole, the listener is closed."""

    async def run() -> None:
        async with ground("hang at=in-block seconds=0.3", *["overloaded"] * 999) as g:
            running = asyncio.create_task(g.ask())
            while not g.sent():
                await asyncio.sleep(0.01)
            held = asyncio.create_task(g.ask(question("other nonce=o")))
            while g.sent() < 3:
                await asyncio.sleep(0.01)
            draining = asyncio.create_task(g.gateway.drain())
            answer = await held
            assert answer.status == 529
            assert "stopping" in answer.headers["x-seawall-note"]
            check_whole(await running)
            await draining
            with pytest.raises(OSError, match=r"."):
                await asyncio.open_connection("127.0.0.1", g.port)
            g.at_rest()

    asyncio.run(asyncio.wait_for(run(), 20))


def test_rule_12_what_runs_too_long_is_cut_with_an_error_event() -> None:
    """A stream that outlives the drain, or a second signal, ends with an error event."""

    async def run() -> None:
        async with ground("hang at=in-block", idle=replace(SOON, drain=0.1)) as g:
            running = asyncio.create_task(g.ask())
            while not g.sent():
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            await g.gateway.drain()
            answer = await running
            assert not answer.whole
            assert "stopping" in answer.error["message"]

    asyncio.run(asyncio.wait_for(run(), 10))


def test_rule_12_a_failure_while_draining_is_told() -> None:
    """Once it is stopping, no call is held anew."""

    async def run() -> None:
        async with ground("hang at=before-headers seconds=0.2 + overloaded", *["overloaded"] * 99) as g:
            running = asyncio.create_task(g.ask())
            while not g.sent():
                await asyncio.sleep(0.01)
            await g.gateway.drain()
            assert (await running).status == 529

    asyncio.run(asyncio.wait_for(run(), 10))


class Sleeper:
    """A clock whose wall time can run ahead, as it does when the machine sleeps."""

    def __init__(self) -> None:
        import time

        self.now = time.monotonic
        self._wall = time.time
        self.slept = 0.0

    def wall(self) -> float:
        return self._wall() + self.slept


def test_rule_12_after_a_sleep_nothing_old_is_trusted() -> None:
    """What had not begun to answer is tried again at once, on a new connection, and counts against nobody."""

    async def run() -> None:
        clock = Sleeper()
        async with ground("ok", "hang at=before-headers", clock=clock) as g:
            check_whole(await g.ask())
            pool = g.gateway._pool
            assert pool is not None
            idle = await pool.acquire(fresh=True)
            running = asyncio.create_task(g.ask(question("again nonce=a")))
            while g.sent() < 2:
                await asyncio.sleep(0.01)
            pool.put_back(idle)
            clock.slept = 3600.0
            check_whole(await running, "again nonce=a")
            assert not idle.open
            assert g.fake.requests[2].connection not in (g.fake.requests[0].connection,)
            assert g.attempts[0].cause is not None
            assert g.attempts[0].status is None

    assert Fault.ASLEEP
    asyncio.run(asyncio.wait_for(run(), 10))


def test_rule_12_what_could_act_twice_is_not_sent_again_after_a_sleep() -> None:
    """A call that is not streamed and has server tools was sent whole before the machine slept: nobody knows what
    became of it, and its client is told so (rule 2)."""

    async def run() -> None:
        clock, tools = Sleeper(), [{"type": "web_search_20250305", "name": "web_search"}]
        async with ground("ok", "hang at=before-headers", clock=clock) as g:
            check_whole(await g.ask())
            running = asyncio.create_task(g.ask(question(stream=False, tools=tools)))
            await until(lambda: g.sent() == 2)
            clock.slept = 3600.0
            answer = await running
            assert answer.status == 503
            assert "carried out" in answer.headers["x-seawall-note"]
            assert g.sent() == 2
            g.at_rest()

    asyncio.run(asyncio.wait_for(run(), 10))


def test_rule_12_a_dead_sink_is_not_our_end() -> None:
    """Whatever the store does, calls go on."""

    async def run() -> None:
        def broken(row: object) -> None:
            raise OSError("disk full")

        async with ground("overloaded") as g:
            g.gateway._records._sink = broken
            check_whole(await g.ask())

    asyncio.run(run())


def test_rule_12_cold_caches_are_marked() -> None:
    """A long hold of a large call has lost its prompt cache; the row says so."""

    async def run() -> None:
        async with ground("overloaded", hold=hold(cold_after=0.0, cold_tokens=10)) as g:
            check_whole(await g.ask())
            assert g.attempts[-1].cache_cold

    asyncio.run(run())


# -- 13: subscriptions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bound", "upstream_host", "clients", "carried"),
    [
        ("127.0.0.1", "api.anthropic.com", False, True),
        ("127.0.0.1", "127.0.0.1", False, True),
        ("127.0.0.1", "relay.example", False, False),
        ("127.0.0.1", "relay.example", True, True),
        ("192.0.2.1", "api.anthropic.com", False, False),
    ],
)
@pytest.mark.parametrize(
    "header",
    [
        "authorization: Bearer ",
        "authorization: Bearer\t",
        "x-api-key: ",
        "authorization: Bearer k\r\nx-api-key: ",
        "x-api-key: k\r\nx-other: ",
    ],
)
def test_rule_13_subscription_tokens(
    bound: str, upstream_host: str, clients: bool, carried: bool, header: str
) -> None:
    """A login's token is carried on a loopback listener, to where its client would go without us; else refused."""
    gateway = settings(upstream=f"https://{upstream_host}", upstream_is_clients=clients)
    guard = Guard(Config(gateway=gateway, team=Team("t")), [(bound, 1)], upstream_host)
    lines = f"host: {bound}:1\r\nx-seawall-token: t\r\n{header}{OAT}\r\n\r\n"
    refusal = guard.refusal(read_request(f"POST /v1/messages HTTP/1.1\r\n{lines}".encode()))
    assert (refusal is None) is carried
    if refusal is not None:
        assert refusal.status == 403
        assert "claude.ai login" in refusal.message


def test_rule_13_a_refused_token_is_sent_nowhere() -> None:
    """The refusal is the gateway's own answer."""

    async def run() -> None:
        config = Config(gateway=settings(upstream="https://relay.invalid"))
        server = GatewayServer(config)
        await server.start()
        headers = {"authorization": f"Bearer {OAT}"}
        answer = await ask(server.addresses[0][1], question(), headers=headers, without=("x-api-key",))
        assert answer.status == 403
        await server.stop()

    asyncio.run(run())
