"""The gateway's thirteen rules, each on real sockets before the faulty API."""

import asyncio
import gzip
import json
import socket
import time
from dataclasses import replace

import pytest
from ground import (
    KEY,
    LAW,
    QUICK,
    SOON,
    Answer,
    Ground,
    ask,
    check_whole,
    ground,
    hold,
    question,
    read_answer,
    send,
    until,
    upstream,
)

from seawall.causes.cause import lookup
from seawall.config import Backoff, Pacer, Sizes
from seawall.fake import scenario
from seawall.fake.limits import Bucket, LimitsModel

STREAMED = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "not streamed"])


# -- 1: bytes pass through --------------------------------------------------------------------------------------------


@STREAMED
def test_rule_1_bytes_pass_through(stream: bool) -> None:
    """Method, path, query, unknown headers and the body arrive as they were sent; what differs is named."""

    async def run() -> None:
        async with ground() as g:
            body = question(stream=stream, safeguards={"mode": "x"}, unknown=[1, 2])
            headers = {
                "X-Strange-Header": "kept",
                "anthropic-beta": "a-1,b-2",
                "anthropic-version": "2023-06-01",
                "accept-encoding": "gzip, br",
                "connection": "keep-alive, x-hop",
                "x-hop": "dropped",
                "x-seawall-hold": "20s",
            }
            answer = await g.ask(body, path="/v1/messages?beta=true&x=%2F", headers=headers)
            check_whole(answer)
            seen = g.fake.requests[0]
            assert (seen.method, seen.target, seen.body) == ("POST", "/v1/messages?beta=true&x=%2F", body)
            assert seen.header("x-strange-header") == "kept"
            assert seen.header("anthropic-beta") == "a-1,b-2"
            assert seen.header("anthropic-version") == "2023-06-01"
            assert seen.header("x-api-key") == KEY
            assert seen.header("accept-encoding") == "identity"
            assert seen.header("host") == g.fake.url.removeprefix("http://")
            assert seen.header("x-hop") == seen.header("x-seawall-hold") == ""
            assert answer.headers["request-id"].startswith("req_")
            assert answer.headers["x-seawall-id"].startswith("sw_")
            assert "anthropic-ratelimit-requests-limit" in answer.headers
            assert "x-seawall-attempts" not in answer.headers

    asyncio.run(run())


def test_rule_1_only_messages_lose_their_coding() -> None:
    """`accept-encoding` of other paths goes on unchanged."""

    async def run() -> None:
        async with ground() as g:
            await g.ask(b"", method="GET", path="/v1/models", headers={"accept-encoding": "gzip, br"})
            assert g.fake.requests[0].header("accept-encoding") == "gzip, br"

    asyncio.run(run())


@STREAMED
@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_rule_1_encoded_answers(stream: bool, coding: str) -> None:
    """An encoded answer arrives whole: gzip decoded or as it came, another coding unread."""

    async def run() -> None:
        async with ground(f"encoded coding={coding}") as g:
            answer = await g.ask(question(stream=stream))
            assert answer.whole
            if answer.headers.get("content-encoding") == "gzip":
                answer.body = gzip.decompress(answer.body)
            elif answer.headers.get("content-encoding") == "br":
                import brotli

                answer.body = brotli.decompress(answer.body)
            check_whole(answer)

    asyncio.run(run())


@STREAMED
def test_rule_1_an_answer_that_nobody_could_read_is_told_as_such(stream: bool) -> None:
    """Whether it is whole inside is not known: the client is told, it is counted, and on record it is no success."""

    async def run() -> None:
        async with ground("encoded coding=br", "overloaded", "encoded coding=br", "encoded coding=gzip") as g:
            answer = await g.ask(question(stream=stream))
            assert answer.whole
            assert (
                answer.headers["x-seawall-note"]
                == "forwarded unread: its content-encoding is not one of Seawall's"
            )
            again = await g.ask(question(stream=stream))
            assert (again.whole, again.headers["x-seawall-attempts"]) == (True, "2")
            assert "forwarded unread" in again.headers["x-seawall-note"]
            assert [(row.cause, row.ended) for row in g.attempts] == [
                ("provider.overloaded", "retried"),
                (None, "unread"),
            ]
            assert g.gateway.status()["unread"] == 2
            assert "x-seawall-note" not in (await g.ask(question(stream=stream))).headers
            assert g.gateway.status()["unread"] == 2

    asyncio.run(run())


def test_rule_1_an_encoded_answer_after_opening_is_a_failed_attempt() -> None:
    """What cannot follow an opened answer is replaced by another attempt."""

    async def run() -> None:
        faults = ("hang at=before-headers", "encoded coding=br")
        async with ground(*faults, hold=hold(open_unknown=0.0), idle=IDLE) as g:
            answer = await g.ask()
            check_whole(answer)
            assert g.sent() == 3

    asyncio.run(run())


def test_rule_1_compressed_requests() -> None:
    """A compressed request goes on as it is; its facts are read all the same."""

    async def run() -> None:
        async with ground("overloaded") as g:
            packed = gzip.compress(question(model="claude-opus-5"))
            answer = await g.ask(packed, headers={"content-encoding": "gzip"})
            check_whole(answer)
            assert g.fake.requests[1].body in (packed, question(model="claude-opus-5"))
            assert g.fake.requests[1].header("content-encoding") == "gzip"
            assert g.attempts[0].family == "opus"

    asyncio.run(run())


# -- 2: what is held and replayed -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/models"), ("POST", "/v1/messages/count_tokens")])
def test_rule_2_quick_calls_get_one_more_try(method: str, path: str) -> None:
    """A connection that breaks is tried once more, and an error status is none of our business."""

    async def run() -> None:
        async with ground(scenario=_faults(path, "reset", 1)) as g:
            answer = await g.ask(question() if method == "POST" else b"", method=method, path=path)
            assert (answer.status, g.sent()) == (200, 2)
        async with ground(scenario=_faults(path, "overloaded", 9)) as g:
            answer = await g.ask(question() if method == "POST" else b"", method=method, path=path)
            assert (answer.status, g.sent()) == (529, 1)

    asyncio.run(run())


def test_rule_2_other_requests_pass_through_once() -> None:
    """A request with a body that streams through is sent once, however large, and its failure is told."""

    async def run() -> None:
        async with ground(sizes=Sizes(body=1000)) as g:
            answer = await g.ask(b"x" * 300_000, path="/v1/files")
            assert (answer.status, g.fake.requests[0].body_size) == (404, 300_000)

        came = []

        async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            came.append(await reader.read(100))
            writer.transport.abort()

        async with upstream(reset) as url, ground(upstream=url) as g:
            answer = await g.ask(b"x" * 300_000, path="/v1/files")
            assert (answer.status, answer.error["type"]) == (503, "api_error")
            assert "Seawall" in answer.error["message"]
            assert len(came) == 1

    asyncio.run(run())


@pytest.mark.parametrize(
    ("more", "sent"),
    [
        ({"stream": True}, 3),
        ({"stream": False}, 3),
        ({"stream": False, "tools": [{"type": "web_search_1", "name": "w"}]}, 1),
        ({"stream": False, "mcp_servers": [{"url": "https://x"}]}, 1),
        ({"stream": False, "container": "c"}, 1),
    ],
)
def test_rule_2_ambiguous_failures_are_replayed_twice_at_most(more: dict[str, object], sent: int) -> None:
    """A request that may have been carried out is repeated twice, or never where that could act twice."""

    async def run() -> None:
        async with ground(*["close"] * 9) as g:
            answer = await g.ask(question(**more))
            assert answer.status == 503
            assert g.sent() == sent
            assert all(row.maybe_billed for row in g.attempts)
            assert g.attempts[-1].ended == "given_up"

    asyncio.run(run())


@pytest.mark.parametrize(("crossed", "attempts"), [(1.0, 2), (0.0, 3)])
def test_rule_2_holds_on_connections_that_were_idle(
    monkeypatch: pytest.MonkeyPatch, crossed: float, attempts: int
) -> None:
    """One that ends at once is replaced, and counts as a replay; one that ends later was a failed attempt."""
    monkeypatch.setattr("seawall.gateway.exchange._CROSSED", crossed)

    async def run() -> None:
        async with ground() as g:
            await asyncio.gather(*(g.ask(question(f"warm {n}")) for n in range(6)))
            warm = g.sent()
            g.fake.script(*["close"] * 20)
            answer = await g.ask()
            assert answer.status == 503
            assert g.sent() - warm == 3
            assert len(g.attempts) == attempts
            assert all(row.maybe_billed for row in g.attempts)

    asyncio.run(run())


def test_rule_2_a_call_meets_one_dead_connection_at_most() -> None:
    """Where one that was idle has died, the call's later attempts dial: that nobody listens costs no replay."""

    async def run() -> None:
        async with ground() as g:
            await asyncio.gather(*(g.ask(question(f"warm {n}")) for n in range(6)))
            warm = g.sent()
            g.fake.script(*["close"] * 20)
            assert g.fake._server is not None
            g.fake._server.close()  # those who are connected stay so
            asking = asyncio.create_task(g.ask())
            await until(lambda: asking.done() or len(g.attempts) >= 5)
            assert not asking.done(), "it is held"
            assert g.sent() - warm == 1
            assert {row.cause for row in g.attempts} == {"network.connection_refused"}
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(run())


def test_rule_2_a_messages_body_has_a_limit() -> None:
    """A body over the limit is refused before it is read, chunked or counted."""

    async def run() -> None:
        async with ground(sizes=Sizes(body=1000)) as g:
            answer = await g.ask(b"x" * 1001)
            assert (answer.status, answer.error["type"]) == (413, "request_too_large")
            big = b"".join(b"200\r\n" + b"x" * 512 + b"\r\n" for _ in range(4)) + b"0\r\n\r\n"
            answer = await g.ask(big, headers={"transfer-encoding": "chunked"}, without=("content-length",))
            assert answer.status == 413
            assert g.sent() == 0

    asyncio.run(run())


def test_rule_2_auxiliary_calls_are_held_briefly() -> None:
    """Nobody waits long for a title or a quota probe."""

    async def run() -> None:
        async with ground(*["overloaded"] * 999, hold=hold(auxiliary=0.15)) as g:
            answer = await g.ask(question(max_tokens=1))
            assert answer.status == 529
            answer = await g.ask(headers={"x-claude-code-request-class": "auxiliary"})
            assert answer.status == 529

    asyncio.run(run())


# -- 3: hold, then tell -----------------------------------------------------------------------------------------------

HELD = [
    "overloaded",
    "status code=503",
    "status code=503 body=html",
    "status code=500",
    "status code=502 body=html",
    "status code=504",
    "status code=520 body=html",
    "status code=529 body=cut",
    "status code=529 body=empty",
    "rate-limit retry-after=0",
    "acceleration retry-after=0",
    "throttle",
    "reset",
    "close",
    "refused seconds=0.05",
    "two-lengths",
    "length-and-chunked",
    "junk-chunk-size",
    "switch-protocols",
    "bad-status-line",
    "huge-head",
    "wrong-body body=html",
    "wrong-body body=empty",
    "wrong-body body=error-json",
    "wrong-body body=html code=202",
    "wrong-body body=html code=203",
    "wrong-body body=empty code=204",
    "wrong-body body=wrong-json code=206",
]


@STREAMED
@pytest.mark.parametrize("fault", HELD)
def test_rule_3_the_client_sees_none_of_it(fault: str, stream: bool) -> None:
    """Whatever fails before content, the client gets the whole answer of a later attempt."""

    async def run() -> None:
        async with ground(fault, "overloaded") as g:
            answer = await g.ask(question(stream=stream))
            check_whole(answer)
            assert g.sent() >= 2
            assert int(answer.headers["x-seawall-attempts"]) >= 2
            assert answer.headers["x-seawall-cause"]
            await asyncio.sleep(0)
            g.at_rest()

    asyncio.run(run())


STREAM_HELD = [
    "error-event at=before-content",
    "error-event at=before-content type=api_error message=Oops",
    "cut at=before-content",
    "cut at=after-headers",
    "close at=after-headers",
    "reset at=after-headers",
    "early-end at=before-content",
    "early-end at=after-headers",
    "wrong-body body=keep-type-html",
    "wrong-body body=message",
    "cut at=before-content how=close",
]


@pytest.mark.parametrize("fault", STREAM_HELD)
def test_rule_3_broken_streams_before_content(fault: str) -> None:
    """A stream that breaks before content is replaced; only the last attempt's events are seen."""

    async def run() -> None:
        async with ground(fault, "overloaded") as g:
            answer = await g.ask()
            check_whole(answer)
            assert answer.names.count("message_start") == 1
            assert g.sent() == 3

    asyncio.run(run())


@pytest.mark.parametrize(
    "fault", ["slow-bytes", "garbage-lines", "interim code=103 count=3", "connection-close"]
)
@pytest.mark.parametrize("how", ["", "framing how=close", "framing how=length"])
def test_rule_3_odd_but_right_answers_pass(fault: str, how: str) -> None:
    """What is unusual but whole arrives whole, from one attempt."""

    async def run() -> None:
        async with ground(f"{fault} + {how}" if how else fault) as g:
            answer = await g.ask()
            check_whole(answer)
            assert g.sent() == 1

    asyncio.run(run())


def test_rule_3_opened_before_the_clients_limit() -> None:
    """A held stream is opened with 200 and pings, and only one attempt's events follow."""

    async def run() -> None:
        faults = ["overloaded"] * 8
        async with ground(*faults, hold=hold(open_unknown=0.05, ping_every=0.02)) as g:
            answer = await g.ask()
            check_whole(answer)
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-cache"
            assert answer.headers["x-seawall-id"]
            assert answer.names[0] == "ping"
            assert answer.names.count("message_start") == 1

    asyncio.run(run())


def test_rule_3_opened_json_begins_with_white_space() -> None:
    """A held call that is not streamed is kept alive by white space ahead of its JSON."""

    async def run() -> None:
        async with ground(*["overloaded"] * 8, hold=hold(open_unknown=0.05, ping_every=0.02)) as g:
            answer = await g.ask(question(stream=False))
            assert answer.body.startswith(b" ")
            check_whole(answer)

    asyncio.run(run())


@STREAMED
def test_rule_3_a_short_limit_gets_its_error_in_time(stream: bool) -> None:
    """A client that gives up soon gets the last error before that, never an opened answer."""

    async def run() -> None:
        async with ground(*["overloaded"] * 999, hold=hold(open_unknown=0.0)) as g:
            began = time.monotonic()
            answer = await g.ask(question(stream=stream), headers={"x-stainless-timeout": "0.5"})
            assert answer.status == 529
            assert time.monotonic() - began < 0.5
            assert 30 <= int(answer.headers["retry-after"]) <= 59

    asyncio.run(run())


def test_rule_3_a_short_limit_ends_a_later_attempt_that_hangs() -> None:
    """Where the attempt under way brings nothing in time, the client is told in time what failed before."""

    async def run() -> None:
        async with ground("overloaded", "hang at=before-headers") as g:
            answer = await g.ask(headers={"x-stainless-timeout": "1"})
            assert answer.status == 529
            assert g.sent() == 2

    asyncio.run(run())


@STREAMED
def test_rule_3_a_short_limit_leaves_a_first_attempt_alone(stream: bool) -> None:
    """Nothing failed: a slow answer comes whole, as it would without a gateway."""

    async def run() -> None:
        async with ground("hang at=before-headers seconds=0.5", hold=hold(deadline_share=0.05)) as g:
            check_whole(await g.ask(question(stream=stream), headers={"x-stainless-timeout": "30"}))
            assert g.sent() == 1

    asyncio.run(run())


def test_rule_3_a_first_attempt_that_fails_near_a_short_limit_is_told() -> None:
    """There is no time for another."""

    async def run() -> None:
        async with ground("hang at=before-headers", idle=IDLE, hold=hold(deadline_share=0.01)) as g:
            answer = await g.ask(headers={"x-stainless-timeout": "4"})
            assert (answer.status, answer.error["type"]) == (503, "api_error")
            assert "Seawall" in answer.error["message"]
            assert g.sent() == 1

    asyncio.run(run())


# -- 4: failing after opening is unmistakable -------------------------------------------------------------------------

AFTER = [
    ("error-event at=in-block", "overloaded_error"),
    ("error-event at=after-block type=api_error message=Oops", "api_error"),
    ("cut at=in-block", "api_error"),
    ("cut at=after-block how=close", "api_error"),
    ("early-end at=in-block", "api_error"),
    ("early-end at=after-block", "api_error"),
    ("early-end at=after-delta", "api_error"),
]


@pytest.mark.parametrize(("fault", "kind"), AFTER)
def test_rule_4_after_content_nothing_is_replayed(fault: str, kind: str) -> None:
    """A stream that breaks after content ends with one error event, not cleanly, and is not sent again."""

    async def run() -> None:
        async with ground(fault) as g:
            answer = await g.ask()
            assert not answer.whole
            assert answer.names.count("error") == 1
            assert answer.error["type"] == kind
            assert "message_stop" not in answer.names
            assert g.sent() == 1
            assert g.attempts[-1].ended == "broken"

    asyncio.run(run())


def test_rule_4_error_inside_tool_json() -> None:
    """An error inside a tool's input is told; the client may have seen half a tool call, never a whole one."""

    async def run() -> None:
        tools = scenario.read('[answer]\nblocks = ["tool"]\n')
        async with ground("error-event at=in-tool", scenario=tools) as g:
            answer = await g.ask()
            assert not answer.whole
            assert answer.error["type"] == "overloaded_error"
            assert g.sent() == 1

    asyncio.run(run())


def test_rule_4_opened_and_given_up() -> None:
    """An opened stream that finds no answer ends with the upstream's own error object."""

    async def run() -> None:
        async with ground(*["overloaded"] * 999, hold=hold(open_unknown=0.0, longest=0.3)) as g:
            answer = await g.ask()
            assert (answer.status, answer.whole) == (200, False)
            assert answer.error["type"] == "overloaded_error"
            answer = await g.ask(question(stream=False))
            assert (answer.status, answer.whole, answer.body.strip()) == (200, False, b"")

    asyncio.run(run())


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/models"])
def test_what_nobody_answered_is_told_in_one_sentence(path: str) -> None:
    """It is the text that Claude Code shows."""

    async def run() -> None:
        with socket.socket() as taken:  # and nobody listens
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            async with ground(upstream=f"http://127.0.0.1:{port}", hold=hold(longest=0.05)) as g:
                answer = await g.ask(path=path)
                assert answer.status == 503
                assert answer.error["message"] == f"Seawall: 127.0.0.1:{port} refused the connection."

    asyncio.run(run())


def test_rule_4_an_error_inside_a_200_never_leaves_as_one() -> None:
    """A failure that came as 200 is told with the status that its error type has."""

    async def run() -> None:
        faults = ["error-event at=before-content"] * 999
        async with ground(*faults, hold=hold(longest=0.2)) as g:
            answer = await g.ask()
            assert (answer.status, answer.error["type"]) == (529, "overloaded_error")
        async with ground(*["wrong-body body=html"] * 999, hold=hold(longest=0.2)) as g:
            answer = await g.ask(question(stream=False))
            assert (answer.status, answer.error["type"]) == (503, "api_error")
            assert "Seawall" in answer.error["message"]

    asyncio.run(run())


# -- 5: one retry loop; a retry inherits ------------------------------------------------------------------------------

SESSION = {"x-claude-code-session-id": "s-1"}


async def _leave_during_hold(g: Ground, body: bytes, headers: dict[str, str]) -> None:
    """Ask, see it held after its third attempt, and go; the gateway has noticed when this returns."""
    _, writer = await asyncio.open_connection("127.0.0.1", g.port)
    await send(writer, g.port, body, headers=headers)
    await until(lambda: g.sent() > 2)
    writer.transport.abort()
    await until(lambda: not g.gateway._exchanges)


@pytest.mark.parametrize(
    ("headers", "later", "inherits"),
    [
        (SESSION, SESSION, True),
        (SESSION, {"x-claude-code-session-id": "s-2"}, False),
        (SESSION, {**SESSION, "x-claude-code-agent-id": "a-1"}, False),
        (SESSION, {**SESSION, "x-api-key": "sk-ant-api03-other"}, False),
        ({"x-stainless-retry-count": "1"}, {"x-stainless-retry-count": "2"}, True),
        ({"x-stainless-retry-count": "0"}, {"x-stainless-retry-count": "1"}, False),
    ],
)
def test_rule_5_a_retry_inherits(headers: dict[str, str], later: dict[str, str], inherits: bool) -> None:
    """The same caller's same request goes on where it left; anybody else's begins anew."""

    async def run() -> None:
        async with ground(*["overloaded"] * 5000, hold=hold(longest=2.0)) as g:
            await _leave_during_hold(g, question(), headers)
            task = asyncio.create_task(g.ask(headers=later))
            await until(lambda: any(e.standing.attempts for e in g.gateway._exchanges))
            assert [e.standing.started_at < e.arrived_at for e in g.gateway._exchanges] == [inherits]
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_rule_5_two_live_requests_never_share() -> None:
    """Two identical requests at once make two upstream requests, and each gets its own answer."""

    async def run() -> None:
        async with ground() as g:
            answers = await asyncio.gather(*(g.ask(headers=SESSION) for _ in range(8)))
            for answer in answers:
                check_whole(answer)
            assert g.sent() == 8
            assert len({answer.headers["x-seawall-id"] for answer in answers}) == 8

    asyncio.run(run())


def test_rule_5_a_hold_is_spent_once() -> None:
    """The retry of a call that was given up, and its not streamed twin, get one attempt and no new hold."""

    async def run() -> None:
        async with ground(*["overloaded"] * 999, hold=hold(longest=0.2)) as g:
            assert (await g.ask(headers=SESSION)).status == 529
            for body in (question(), question(stream=False, max_tokens=64000)):
                before = g.sent()
                answer = await g.ask(body, headers=SESSION)
                assert (answer.status, g.sent() - before) == (529, 1)
            before = g.sent()
            await g.ask(question("another nonce=x"), headers=SESSION)
            assert g.sent() - before > 1

    asyncio.run(run())


def test_rule_5_a_spent_hold_is_not_spent_again_in_line() -> None:
    """In an outage too the retry of a call that was given up gets its one attempt, now: not a second hold in line for
    the next probe, at whose end nothing was tried."""

    async def run() -> None:
        seldom = replace(LAW.breaker, probe_first=60.0, probe_most=60.0)
        async with ground(*["overloaded"] * 999, hold=hold(longest=0.5), breaker=seldom) as g:
            sessions = [{"x-claude-code-session-id": f"s{number}"} for number in range(10)]
            given_up = await asyncio.gather(*(g.ask(headers=one) for one in sessions))
            assert {answer.status for answer in given_up} <= {503, 529}
            (gate,) = g.gateway._admission.gates()
            assert gate.lane.breaker.open
            before = g.sent()
            again = await asyncio.gather(*(g.ask(headers=one) for one in sessions))
            assert [answer.status for answer in again] == [529] * 10
            assert g.sent() - before == 10
            g.at_rest()

    asyncio.run(asyncio.wait_for(run(), 20))


# -- 6: giving up is honest -------------------------------------------------------------------------------------------


@STREAMED
def test_rule_6_the_last_error_byte_for_byte(stream: bool) -> None:
    """After the hold the client gets the upstream's own status and body, and a retry-after it can live with."""

    async def run() -> None:
        async with ground(*["status code=503 body=html retry-after=0"] * 999, hold=hold(longest=0.2)) as g:
            answer = await g.ask(question(stream=stream))
            assert answer.status == 503
            assert answer.body.startswith(b"<!DOCTYPE html>")
            assert 30 <= int(answer.headers["retry-after"]) <= 59
            assert "x-should-retry" not in answer.headers
            assert "held" in answer.headers["x-seawall-note"]
            assert answer.headers["x-seawall-cause"] == "provider.service_unavailable"
            assert g.attempts[-1].ended == "given_up"

    asyncio.run(run())


def test_rule_6_where_nothing_answered() -> None:
    """Without any answer: 503 in the API's envelope, naming Seawall, never 529."""

    async def run() -> None:
        async with ground(hold=hold(longest=0.2)) as g:
            await g.fake.stop()
            answer = await g.ask()
            assert (answer.status, answer.error["type"]) == (503, "api_error")
            assert "Seawall" in answer.error["message"]
            assert 30 <= int(answer.headers["retry-after"]) <= 59
            assert answer.headers["x-seawall-cause"] == "network.connection_refused"

    asyncio.run(run())


def test_rule_6_a_call_that_was_never_tried_names_what_its_lane_waits_for() -> None:
    """The cause of the lane's last refusal, in the message that a client shows, in the header and on record."""

    async def run() -> None:
        async with ground("rate-limit retry-after=3600", hold=hold(longest=0.3), pacer=Pacer()) as g:
            assert (await g.ask()).status == 429  # for longer than a call is held: at once
            asking = asyncio.create_task(g.ask())
            await until(lambda: g.gateway.status()["untried"] == 1)
            assert g.gateway.status()["held"] == 0
            answer = await asking
            assert (answer.status, g.sent()) == (503, 1)
            assert answer.headers["x-seawall-cause"] == "limit.rate_limited_requests"
            said = f"What it waited for: {lookup('limit.rate_limited_requests').title} (limit.rate_limited_requests)."
            assert said in answer.error["message"]
            assert "given up after 0 s:" in answer.headers["x-seawall-note"]
            row = g.attempts[-1]
            assert (row.cause, row.status, row.ended) == ("limit.rate_limited_requests", None, "given_up")
            assert row.number == 1
            g.at_rest()

    asyncio.run(run())


def test_rule_6_a_call_that_waited_for_one_of_its_own_places_says_so() -> None:
    """No cause of the catalogue; what is on record is no success."""

    async def run() -> None:
        async with ground("hang", hold=hold(longest=0.3), concurrency=1) as g:
            first = asyncio.create_task(g.ask())
            await until(lambda: g.sent() == 1)
            answer = await g.ask()
            assert (answer.status, g.sent()) == (503, 1)
            assert "gateway.concurrency" in answer.error["message"]
            assert "x-seawall-cause" not in answer.headers
            assert (g.attempts[-1].cause, g.attempts[-1].ended) == ("unknown.unknown", "given_up")
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)

    asyncio.run(run())


def test_rule_6_full_memory_is_a_503() -> None:
    """What cannot be kept is refused at once."""

    async def run() -> None:
        async with ground(sizes=Sizes(held=100)) as g:
            answer = await g.ask()
            assert (answer.status, answer.error["type"]) == (503, "api_error")
            assert answer.headers["x-seawall-cause"] == "seawall.memory_full"
            assert g.sent() == 0

    asyncio.run(run())


def test_rule_6_chunks_take_the_memory_that_they_fill() -> None:
    """Small calls in chunks do not fill the memory by what they might become; one that becomes too large is refused."""

    async def begin(g: Ground, body: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", g.port)
        await send(writer, g.port, headers={"transfer-encoding": "chunked"}, without=("content-length",))
        writer.write(b"%x\r\n%b\r\n" % (len(body), body))
        return reader, writer

    async def run() -> None:
        body = question()
        async with ground(sizes=Sizes(body=1 << 20, held=2 << 20)) as g:
            begun = [await begin(g, body[:20]) for _ in range(20)]
            await until(lambda: g.gateway._memory.used > 0)
            for reader, writer in begun:
                writer.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body) - 20, body[20:]))
                check_whole(await read_answer(reader))
                writer.close()
            reader, writer = await begin(g, question("x" * (1 << 20)))
            assert (await read_answer(reader)).status == 413
            writer.close()
            large = question("nonce=abc" + "x" * 900_000)
            reader, writer = await begin(g, large)
            writer.write(b"0\r\n\r\n")
            assert (await read_answer(reader)).status == 200
            assert g.fake.requests[-1].body == large
            writer.close()
            await until(lambda: g.gateway.status()["running"] == 0)
            g.at_rest()

    asyncio.run(run())


# -- 7: what cannot pass is not held ----------------------------------------------------------------------------------

THROUGH = [
    ("status code=400", 400),
    ("status code=401", 401),
    ("status code=402", 402),
    ("status code=403", 403),
    ("status code=404", 404),
    ("status code=413 body=html", 413),
    ("status code=422", 422),
    ("status code=301 body=html", 301),
    ("spend-cap", 429),
    ("plan-limit", 429),
    ("rate-limit retry-after=99999", 429),
    ("status code=529 x-should-retry=false", 529),
    ("status code=503 x-should-retry=false", 503),
]


@STREAMED
@pytest.mark.parametrize(("fault", "status"), THROUGH)
def test_rule_7_through_at_once(fault: str, status: int, stream: bool) -> None:
    """What waiting cannot change goes to the client at once, unchanged."""

    async def run() -> None:
        async with ground(*[fault] * 9) as g:
            straight = await ask(int(g.fake.url.rpartition(":")[2]), question(stream=stream))
            answer = await g.ask(question(stream=stream))
            assert answer.status == straight.status == status
            assert g.sent() == 2
            same = ("retry-after", "x-should-retry", "content-type")
            assert [answer.headers.get(n) for n in same] == [straight.headers.get(n) for n in same]
            assert _without_id(answer) == _without_id(straight)
            assert g.attempts[-1].ended == "passed"

    asyncio.run(run())


def test_rule_7_a_throttle_passes_after_a_while() -> None:
    """A 429 that states no time is tried again calmly, and handed on after its two minutes."""

    async def run() -> None:
        async with ground(*["throttle"] * 999, backoff=replace(QUICK, throttle_most=1.0)) as g:
            answer = await g.ask()
            assert answer.status == 429
            assert g.sent() > 2
            assert "retry-after" not in answer.headers

    asyncio.run(run())


@pytest.mark.parametrize("fault", ["spend-cap", "plan-limit", "status code=429 x-should-retry=false"])
def test_rule_7_a_429_that_no_time_cures_slows_nobody(fault: str) -> None:
    """It says nothing of how fast calls may start: a fleet whose money is spent hears so at once, each call of it."""

    async def run() -> None:
        async with ground(*[fault] * 30) as g:
            for answer in await asyncio.gather(*(g.ask() for _ in range(30))):
                assert answer.status == 429
            (gate,) = g.gateway._admission.gates()
            assert gate.lane.pacer.start_rate(gate.time()) is None
            assert gate.lane.pacer.blocked(gate.time()) == 0
            g.at_rest()

    asyncio.run(run())


def test_rule_7_a_call_larger_than_the_accounts_limit_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """More tokens than a minute has, and a bucket that is full: the refusal goes through at once and says why. Smaller
    calls are not slowed by it."""
    lenient = Bucket.wait

    def wait(self: Bucket, need: float) -> float:
        return 20.0 if need > self.limit else lenient(self, need)

    monkeypatch.setattr(Bucket, "wait", wait)
    limits = LimitsModel(requests_per_minute=1000, input_tokens_per_minute=10_000)

    async def run() -> None:
        async with ground(scenario=scenario.Scenario(limits=limits), pacer=Pacer()) as g:
            answer = await g.ask(question("hello " * 20_000))
            assert (answer.status, g.sent()) == (429, 1)
            assert "larger than the limit of input tokens a minute" in answer.headers["x-seawall-note"]
            (gate,) = g.gateway._admission.gates()
            assert gate.lane.pacer.start_rate(gate.time()) is None
            assert gate.lane.pacer.blocked(gate.time()) == 0
            assert (await g.ask()).status == 200
            g.at_rest()

    asyncio.run(run())


def test_rule_7_a_call_that_takes_more_than_was_thought_gets_it() -> None:
    """The others' prompts come from the cache and this one does not: after a refusal that names the tokens it waits
    until there are enough, and the others behind it. Before, they took each time what had come for it."""
    limits = LimitsModel(requests_per_minute=1000, input_tokens_per_minute=20_000)

    async def run() -> None:
        async with ground(scenario=scenario.Scenario(limits=limits), pacer=Pacer()) as g:
            assert (await g.ask(question("hello " * 12_000))).status == 200
            (gate,) = g.gateway._admission.gates()
            gate.lane.pacer._input_per_byte = 0.001
            asking = asyncio.create_task(g.ask(question("hello " * 12_000)))
            await until(lambda: g.sent() == 2 and g.gateway.status()["queued"] == 1)
            (call,) = g.gateway._exchanges
            assert call.ticket is not None
            assert call.ticket.least > 10_000
            assert gate.lane.pacer.blocked(gate.time()) > 5
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await until(lambda: g.gateway.status()["queued"] == 0)
            g.at_rest()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_rule_7_a_throttle_after_an_outage_has_its_own_time() -> None:
    """A call that was held through failures of another kind for longer than a throttle may last is not handed the first
    429 that states no time, and its pauses begin as short as anybody's."""

    async def run() -> None:
        quick = Backoff(first=0.01, most=0.02, throttle_first=0.02, throttle_most=0.2)
        faults = ["overloaded retry-after=0.3", "throttle", "throttle"]
        async with ground(*faults, backoff=quick) as g:
            check_whole(await g.ask())
            assert g.sent() == 4

    asyncio.run(run())


def test_rule_7_a_stale_token_goes_through() -> None:
    """A 401 after a long hold is told at once, with a word on why."""

    async def run() -> None:
        faults = ["overloaded"] * 3 + ["status code=401"]
        async with ground(*faults, hold=hold(stale_token_after=0.0)) as g:
            answer = await g.ask()
            assert answer.status == 401
            assert "token" in answer.headers["x-seawall-note"]

    asyncio.run(run())


# -- 8: idle upstreams are noticed ------------------------------------------------------------------------------------

IDLE = replace(SOON, first_byte=0.15, before_content=0.15, after_content=0.3)


@pytest.mark.parametrize("at", ["before-headers", "after-headers", "before-content"])
def test_rule_8_silence_before_content(at: str) -> None:
    """An upstream that says nothing is left, and the call tried again."""

    async def run() -> None:
        async with ground(f"hang at={at}", idle=IDLE) as g:
            check_whole(await g.ask())
            assert g.sent() == 2

    asyncio.run(run())


def test_rule_8_silence_of_a_call_that_is_not_streamed() -> None:
    """The client's own limit bounds a call whose answer comes at once."""

    async def run() -> None:
        idle = replace(IDLE, client_limit=0.2)
        async with ground("hang at=before-headers", idle=idle) as g:
            check_whole(await g.ask(question(stream=False)))
            assert g.sent() == 2

    asyncio.run(run())


def test_rule_8_silence_after_content() -> None:
    """Long silence inside an answer breaks it off, with an error event."""

    async def run() -> None:
        async with ground("hang at=in-block", idle=IDLE) as g:
            answer = await g.ask()
            assert not answer.whole
            assert "silent" in answer.error["message"]

    asyncio.run(run())


def test_rule_8_pings_are_life() -> None:
    """A stream that pings is not cancelled, however long its content is silent."""

    async def run() -> None:
        async with ground("hang at=in-block seconds=1 pings=true every=0.05", idle=IDLE) as g:
            check_whole(await g.ask())
            assert g.sent() == 1

    asyncio.run(run())


# -- 9: client gone, upstream cancelled -------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["hang at=before-headers", "hang at=in-block"])
def test_rule_9_client_gone(fault: str) -> None:
    """When the client leaves, the upstream request ends and nothing is left."""

    async def run() -> None:
        async with ground(fault) as g:
            _, writer = await asyncio.open_connection("127.0.0.1", g.port)
            await send(writer, g.port, question())
            while not g.fake.requests:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            writer.transport.abort()
            while not g.fake.requests[0].client_gone:
                await asyncio.sleep(0.01)
            g.at_rest()

    asyncio.run(asyncio.wait_for(run(), 10))


def test_rule_9_an_orderly_close_is_noticed_too() -> None:
    """A client that closes in good order while it waits is gone as well."""

    async def run() -> None:
        async with ground("hang at=before-headers") as g:
            _, writer = await asyncio.open_connection("127.0.0.1", g.port)
            await send(writer, g.port, question())
            while not g.fake.requests:
                await asyncio.sleep(0.01)
            writer.close()
            while not g.fake.requests[0].client_gone:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            g.at_rest()

    asyncio.run(asyncio.wait_for(run(), 10))


def test_rule_9_a_half_closed_client_gets_its_answer() -> None:
    """A client that only stopped sending still reads."""

    async def run() -> None:
        async with ground("overloaded", "overloaded") as g:
            reader, writer = await asyncio.open_connection("127.0.0.1", g.port)
            await send(writer, g.port, question())
            writer.write_eof()
            check_whole(await read_answer(reader))
            writer.close()

    asyncio.run(run())


def test_rule_9_finish_abandoned() -> None:
    """Where it is wished, an answer is finished without its client and kept for its return, once."""

    async def run() -> None:
        async with ground("hang at=in-block seconds=1.5", finish_abandoned=True) as g:
            _, writer = await asyncio.open_connection("127.0.0.1", g.port)
            await send(writer, g.port, question(), headers=SESSION)
            while not g.fake.requests:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            writer.transport.abort()
            while not g.gateway._places.any_left:
                await asyncio.sleep(0.01)
            check_whole(await g.ask(headers=SESSION))
            assert g.sent() == 1
            check_whole(await g.ask(headers=SESSION))
            assert g.sent() == 2
            g.at_rest()

    asyncio.run(run())


def test_rule_9_who_left_is_not_tried_for_again() -> None:
    """The attempt that was under way is finished for its client's return. It failed: nobody is there to hold it for."""

    async def run() -> None:
        fault = "hang at=before-headers seconds=0.3 + status code=529"
        async with ground(fault, finish_abandoned=True) as g:
            _, writer = await asyncio.open_connection("127.0.0.1", g.port)
            await send(writer, g.port, question(), headers=SESSION)
            while not g.fake.requests:
                await asyncio.sleep(0.01)
            writer.transport.abort()
            while g.gateway._exchanges:
                await asyncio.sleep(0.01)
            assert g.sent() == 1
            assert [attempt.ended for attempt in g.attempts] == ["abandoned"]
            check_whole(await g.ask(headers=SESSION))
            assert g.sent() == 2
            g.at_rest()

    asyncio.run(run())


def _faults(path: str, fault: str, first: int) -> scenario.Scenario:
    return scenario.read(f'[[rule]]\npath = "{path}"\ndo = "{fault}"\nfirst = {first}\n')


def _without_id(answer: Answer) -> object:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return answer.body
    body.pop("request_id", None)
    return body
