"""What the benchmarks send and answer is what the Messages API's clients and servers do."""

import json

import pytest
from bench.origin import read_head

from bench import wire
from seawall.http.body import Chunked
from seawall.http.head import CHUNKED, read_answer, read_request
from seawall.wire.answer import State, StreamedAnswer, message_usage
from seawall.wire.request import read


@pytest.mark.parametrize("size", [2048, 500_000])
def test_a_request_has_the_stated_size(size: int) -> None:
    """Head and body are whole, and the body is a messages request."""
    sent = wire.request(8787, "json", size, streamed=True)
    head, body = sent[:-size], sent[-size:]
    assert read_request(head).length == size == len(body)
    facts = read(body, size)
    assert (facts.readable, facts.streamed, facts.family) == (True, True, "sonnet")
    assert read_head(head) == (size, "json")


def test_the_answers() -> None:
    """A message that Seawall takes for one, and an error that it holds for."""
    end = wire.MESSAGE.index(b"\r\n\r\n") + 4
    assert read_answer(wire.MESSAGE[:end], b"POST").length == len(wire.MESSAGE) - end
    assert message_usage(wire.MESSAGE[end:]) is not None
    assert wire.MESSAGE.endswith(wire.TAIL)
    end = wire.OVERLOADED.index(b"\r\n\r\n") + 4
    assert read_answer(wire.OVERLOADED[:end], b"POST").status == 529
    assert json.loads(wire.OVERLOADED[end:])["error"]["type"] == "overloaded_error"


def test_a_stream_is_one_of_the_api() -> None:
    """Begin, deltas and end are a whole answer, and each delta tells when it was written."""
    end = wire.STREAM_BEGIN.index(b"\r\n\r\n") + 4
    assert read_answer(wire.STREAM_BEGIN[:end], b"POST").length == CHUNKED
    now = 1_234_567_890_123_456_789
    sent = wire.STREAM_BEGIN[end:] + wire.delta(now) + wire.delta(now + 1) + wire.STREAM_END
    chunks = Chunked()
    body = chunks.feed(sent)
    answer = StreamedAnswer(1 << 20)
    answer.feed(body)
    assert chunks.done
    assert answer.state is State.WHOLE
    assert wire.STOP in body
    assert wire.moments(body) == [now, now + 1]
