"""One call against the faulty API: what its client can know of the answer."""

import asyncio

import h11
import pytest

from seawall.fake.app import FakeApi
from seawall.fake.caller import MOST, Reading, Reply, call
from seawall.fake.content import verify_answer
from seawall.fake.schedules import Failure

HEADERS = {"x-api-key": "sk-ant-api03-x", "anthropic-version": "2023-06-01", "accept-encoding": "gzip"}
PROMPT = "count, please; nonce=c1"


def asked(fault: str, *, stream: bool = True) -> Reply:
    """The reply to one call that meets this fault."""
    body = {"model": "claude-sonnet-5", "max_tokens": 100, "messages": [{"role": "user", "content": PROMPT}]}

    async def once() -> Reply:
        async with FakeApi() as api:
            api.script(fault)
            return await call(api.url, HEADERS, body | ({"stream": True} if stream else {}))

    return asyncio.run(once())


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "fault",
    ["ok", "encoded coding=gzip", "encoded coding=br", "interim", "framing how=close", "slow-bytes every=0"],
)
def test_a_whole_answer_is_known_as_whole(fault: str, stream: bool) -> None:
    """However it is delivered: the text verifies and there is no failure."""
    reply = asked(fault, stream=stream)
    assert reply.failure is None
    assert verify_answer(reply.text, PROMPT) is None


@pytest.mark.parametrize(
    ("fault", "how", "place", "status"),
    [
        ("reset", "connection", "head", 0),
        ("close", "connection", "head", 0),
        ("status code=502 body=html", "status", "start", 502),
        ("overloaded", "status", "start", 529),
        ("close at=after-headers", "cut", "start", 200),
        ("cut at=before-content", "cut", "start", 200),
        ("cut at=in-block", "cut", "block", 200),
        ("error-event at=before-content", "event", "start", 200),
        ("error-event at=in-block", "event", "block", 200),
        ("early-end at=before-content", "end", "start", 200),
        ("early-end at=in-block", "end", "block", 200),
        ("early-end at=after-block", "end", "after", 200),
        ("wrong-body body=html", "body", "start", 200),
        ("wrong-body body=bad-json", "body", "block", 200),
    ],
)
def test_every_way_to_fail_is_told_from_the_others(fault: str, how: str, place: str, status: int) -> None:
    """How, where, and the status."""
    failure = asked(fault).failure
    assert failure is not None
    assert (failure.how, failure.place, failure.status) == (how, place, status)


def test_an_error_carries_its_type_and_its_hints() -> None:
    """`error.type` of the body, headers by their names in lower case."""
    failure = asked("acceleration retry-after=2").failure
    assert failure is not None
    assert (failure.kind, failure.headers["retry-after"]) == ("rate_limit_error", "2")
    event = asked("error-event").failure
    assert event is not None
    assert event.overloaded


@pytest.mark.parametrize("fault", ["wrong-body body=html", "early-end", "wrong-body body=error-json"])
def test_a_json_answer_that_is_none_is_no_answer(fault: str) -> None:
    """Not streamed: a page, half an object and an error with status 200."""
    failure = asked(fault, stream=False).failure
    assert failure is not None
    assert failure.how == "body"


def test_nobody_listens() -> None:
    """A refused connection is a failure like any other, not an exception."""
    reply = asyncio.run(call("http://127.0.0.1:9", HEADERS, {"stream": True}))
    assert reply.failure == Failure("connection", "head", at=reply.failure.at if reply.failure else 0.0)


def test_events_are_the_same_however_the_bytes_are_cut() -> None:
    """Byte by byte, with both kinds of line ends."""
    events = (
        b'event: content_block_start\r\ndata: {"type":"content_block_start"}\r\n\r\n: note\n\n'
        b'data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"tide"}}\n\n'
        b'data: {"type":"message_stop"}\n\n'
    )
    for size in (1, 2, 3, len(events)):
        reading = Reading(streamed=True, status=200, headers={"content-type": "text/event-stream"})
        for at in range(0, len(events), size):
            reading.feed(events[at : at + size])
        assert (reading.text, reading.stopped) == ("tide", True)


def test_an_answer_without_an_end_is_not_read_for_ever() -> None:
    """Memory is bounded."""
    reading = Reading(streamed=False, status=200)
    for _ in range(MOST // 65536):
        reading.feed(bytes(65536))
    with pytest.raises(h11.RemoteProtocolError, match="too long"):
        reading.feed(b"x")
