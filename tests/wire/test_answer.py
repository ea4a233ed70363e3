"""A streamed answer is held until it is content, followed to its end, and judged."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.wire.answer import State, StreamedAnswer, message_usage
from seawall.wire.sse import PING, event


def data(kind: str, **more: object) -> bytes:
    return event(kind, json.dumps({"type": kind, **more}).encode())


START = data("message_start", message={"id": "msg_1", "type": "message", "content": []})
BLOCK = data("content_block_start", index=0, content_block={"type": "text", "text": ""})
DELTA = data("content_block_delta", index=0, delta={"type": "text_delta", "text": "an error, message_stop"})
STOP = data("content_block_stop", index=0)
ENDING = data("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 3})
LAST = data("message_stop")
ERROR = data("error", error={"type": "overloaded_error", "message": "Overloaded"})
WHOLE = START + PING + BLOCK + DELTA + STOP + ENDING + LAST


def follow(*pieces: bytes) -> tuple[bytes, StreamedAnswer]:
    answer = StreamedAnswer(1 << 20)
    return b"".join(answer.feed(piece) for piece in pieces), answer


@given(st.lists(st.integers(0, len(WHOLE)), max_size=30))
def test_a_whole_answer_however_sliced(cuts: list[int]) -> None:
    """All events but the pings before content leave, in order, and the answer is known to be whole."""
    places = sorted({0, len(WHOLE), *cuts})
    out, answer = follow(*(WHOLE[a:b] for a, b in pairwise(places)))
    assert out == START + BLOCK + DELTA + STOP + ENDING + LAST
    assert answer.state is State.WHOLE


@pytest.mark.parametrize("before", [b"", PING, START, START + PING, PING + START])
def test_nothing_leaves_before_content(before: bytes) -> None:
    """Until a content block starts, everything is kept back."""
    out, answer = follow(before)
    assert out == b""
    assert answer.state is State.HELD


@pytest.mark.parametrize("before", [b"", START, PING + START])
def test_an_error_before_content_leaves_nothing(before: bytes) -> None:
    """An error event before content is a failed attempt: nothing of it is forwarded."""
    out, answer = follow(before, ERROR)
    assert out == b""
    assert answer.state is State.ERROR
    assert json.loads(answer.error)["error"]["type"] == "overloaded_error"


@pytest.mark.parametrize("begin", [BLOCK, PING + BLOCK, LAST, ENDING + LAST, START + START + BLOCK])
def test_content_of_no_message_is_malformed(begin: bytes) -> None:
    """A message begins once, before anything of it: otherwise the head of the answer is lost, or of another one."""
    out, answer = follow(begin + DELTA + STOP)
    assert out == b""
    assert answer.state is State.MALFORMED


def test_an_error_after_content_is_forwarded() -> None:
    """After the commit the client must see the upstream's own error event."""
    out, answer = follow(START + BLOCK + DELTA, ERROR)
    assert out == START + BLOCK + DELTA + ERROR
    assert answer.state is State.ERROR


def test_content_commits_however_it_was_cut_into_packets() -> None:
    """Content whose error came in the same packet is committed all the same: packets decide nothing."""
    out, answer = follow(START + BLOCK + DELTA + ERROR)
    assert (out, answer.state) == (START + BLOCK + DELTA + ERROR, State.ERROR)


def test_text_that_speaks_of_errors_is_text() -> None:
    """Only an event's name decides, never words in its data."""
    _, answer = follow(START + BLOCK, DELTA, DELTA + DELTA)
    assert answer.state is State.FLOWING


def test_an_answer_without_content_is_whole_at_its_stop() -> None:
    """A refusal may hold no block at all; its stop is what commits it."""
    out, answer = follow(START + ENDING)
    assert (out, answer.state) == (b"", State.HELD)
    out, answer = follow(START + ENDING, LAST)
    assert (out, answer.state) == (START + ENDING + LAST, State.WHOLE)


@pytest.mark.parametrize("junk", [b"event: message_start\ndata: {oops\n\n", b"event: ping2\ndata: \n\n"])
def test_bad_json_before_content_is_malformed(junk: bytes) -> None:
    """A named event without JSON would break the client: the attempt has failed."""
    out, answer = follow(junk)
    assert out == b""
    assert answer.state is State.MALFORMED


def test_endless_prelude_is_malformed() -> None:
    """What is kept back is bounded."""
    filler = event("mystery", json.dumps({"type": "mystery", "x": "y" * 100_000}).encode())
    _, answer = follow(*([filler] * 12))
    assert answer.state is State.MALFORMED


@pytest.mark.parametrize(
    ("body", "whole"),
    [
        (b'{"type":"message","role":"assistant","content":[]}', True),
        (b'{"type":"message","content":[{"type":"text","text":"x"}],"usage":{}}', True),
        (b'{"type":"error","error":{"type":"api_error","message":"x"}}', False),
        (b'{"type":"message"}', False),
        (b'{"type":"message","content":[{"type":"te', False),
        (b"<html>", False),
        (b"", False),
        (b"[]", False),
        (b'"message"', False),
    ],
)
def test_what_is_a_message(body: bytes, whole: bool) -> None:
    """Only a whole message counts as an answer."""
    assert (message_usage(body) is not None) is whole


@pytest.mark.parametrize("tokens", [-1, 10**400], ids=["negative", "most"])
def test_figures_that_nobody_can_reckon_with_teach_nothing(tokens: int) -> None:
    """The answer is one all the same, streamed or not."""
    usage = {"input_tokens": tokens, "output_tokens": tokens}
    whole = message_usage(json.dumps({"type": "message", "content": [{}], "usage": usage}).encode())
    assert whole is not None
    assert (whole.input, whole.output) == (None, None)
    answer = StreamedAnswer(1 << 20)
    answer.feed(data("message_start", message={"usage": usage}))
    answer.feed(data("content_block_start", index=0))
    answer.feed(data("message_delta", delta={}, usage=usage))
    assert answer.state is State.FLOWING
    assert (answer.usage.input, answer.usage.output) == (None, None)
