"""What each fault makes of a right answer; no socket."""

import json
from email.utils import parsedate_to_datetime

import h11
import pytest
from fake_peers import body_of, events_in, parse, text_of

from seawall.fake.answer import Answer, Data, End, Pause, raw
from seawall.fake.content import blocks_of, events_of, message_of, read_messages, verify_answer
from seawall.fake.faults import Context
from seawall.fake.script import parse as faults_in

CONTEXT = Context(wall=1_800_000_000.0)
BASE = (
    ("request-id", "req_1"),
    ("anthropic-organization-id", "org"),
    ("anthropic-ratelimit-requests-limit", "9"),
)


def right(stream: bool) -> tuple[Answer, object]:
    asked = read_messages(body_of(stream=stream), "/v1/messages")
    blocks = blocks_of(asked, ("text", "tool"), 24, 1)
    if not stream:
        payload = json.dumps(message_of(asked, blocks, "msg")).encode()
        return Answer(headers=(*BASE, ("content-type", "application/json")), steps=(Data(payload),)), asked
    steps = tuple(Data(e.encode(), place=e.place) for e in events_of(asked, blocks, "msg", 4))
    headers = (*BASE, ("content-type", "text/event-stream"))
    return Answer(headers=headers, steps=steps, framing="chunked"), asked


def faulty(script: str, *, stream: bool = True, context: Context = CONTEXT) -> Answer:
    answer, asked = right(stream)
    for fault in faults_in(script):
        answer = fault.apply(answer, asked, context)  # type: ignore[arg-type]
    return answer


def wire(answer: Answer) -> tuple[bytes, str]:
    """The raw bytes up to the end of the connection, and that end."""
    sent = b""
    for step in raw(answer, "POST"):
        if isinstance(step, Data):
            sent += step.payload
        elif isinstance(step, End):
            return sent, step.how
    return sent, "whole"


def body_before_end(answer: Answer) -> bytes:
    """What of the body comes before the connection's end, unframed."""
    sent = b""
    for step in answer.steps:
        if isinstance(step, End):
            break
        sent += step.payload if isinstance(step, Data) else b""
    return sent


@pytest.mark.parametrize("stream", [True, False])
def test_a_right_answer_is_right(stream):
    """Without a fault the bytes are a valid answer, whole."""
    sent, end = wire(faulty("ok", stream=stream))
    got = parse(sent)
    assert (end, got.status) == ("whole", 200)
    text = text_of(got.events) if stream else got.json["content"][0]["text"]
    assert verify_answer(text, "nonce=abc") is None


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("script", "status", "kind", "headers"),
    [
        ("overloaded", 529, "overloaded_error", {"retry-after": None}),
        ("overloaded retry-after=3600", 529, "overloaded_error", {"retry-after": "3600"}),
        ("status code=500", 500, "api_error", {"x-should-retry": None}),
        ("status code=418 type=odd", 418, "odd", {}),
        ("status code=429 retry-after-ms=300", 429, "rate_limit_error", {"retry-after-ms": "300"}),
        ("status code=529 x-should-retry=false", 529, "overloaded_error", {"x-should-retry": "false"}),
        ("status code=400 x-should-retry=true", 400, "invalid_request_error", {"x-should-retry": "true"}),
        ("rate-limit retry-after=7", 429, "rate_limit_error",
         {"retry-after": "7", "anthropic-ratelimit-requests-remaining": "0"}),
        ("acceleration", 429, "rate_limit_error",
         {"retry-after": "10", "anthropic-ratelimit-input-tokens-remaining": "2000000"}),
        ("throttle", 429, "rate_limit_error", {"retry-after": None, "x-should-retry": "true"}),
        ("spend-cap", 429, "rate_limit_error", {"retry-after": None}),
        ("plan-limit window=7d", 429, "rate_limit_error",
         {"x-should-retry": "false", "anthropic-ratelimit-unified-status": "rejected",
          "anthropic-ratelimit-unified-representative-claim": "seven_day",
          "anthropic-ratelimit-unified-7d-status": "rejected"}),
    ],
)  # fmt: skip
def test_error_answers_have_the_apis_envelope_and_hints(stream, script, status, kind, headers):
    """Status, type, ids and the headers that clients decide by."""
    got = parse(wire(faulty(script, stream=stream))[0])
    assert (got.status, got.json["type"], got.json["error"]["type"]) == (status, "error", kind)
    assert got.json["request_id"] == CONTEXT.request_id
    assert got.headers["request-id"] == "req_1"
    assert {name: got.headers.get(name) for name in headers} == headers


@pytest.mark.parametrize(
    ("script", "code"),
    [("spend-cap", "enforced_spend_limit_reached"), ("acceleration", "ramp_limit_exceeded"),
     ("status code=400 error-code=organization_on_hold", "organization_on_hold")],
)  # fmt: skip
def test_coded_errors_carry_their_code(script, code):
    """In `error.details.error_code`."""
    assert parse(wire(faulty(script))[0]).json["error"]["details"] == {"error_code": code}


def test_retry_after_can_be_a_date_and_follows_the_time_factor():
    """A date as far ahead as was asked; seconds divided by the factor."""
    got = parse(wire(faulty("status code=503 retry-after-date=90"))[0])
    assert parsedate_to_datetime(got.headers["retry-after"]).timestamp() == CONTEXT.wall + 90
    quick = faulty("overloaded retry-after=20", context=Context(CONTEXT.wall, factor=20))
    assert parse(wire(quick)[0]).headers["retry-after"] == "1.000"


@pytest.mark.parametrize(
    ("body", "kind", "starts"),
    [("html", "text/html; charset=UTF-8", b"<!DOCTYPE html>"), ("text", "text/plain", b"Bad gateway"),
     ("empty", None, b"")],
)  # fmt: skip
def test_error_bodies_that_are_not_the_apis(body, kind, starts):
    """Pages and texts come from something on the way: no request id on them."""
    got = parse(wire(faulty(f"status code=502 body={body}"))[0])
    assert (got.status, got.headers.get("content-type")) == (502, kind)
    assert got.body.startswith(starts)
    assert ("request-id" in got.headers) is (body == "empty")


def test_a_cut_error_body_is_shorter_than_it_said():
    """The connection ends in the middle of the JSON."""
    sent, end = wire(faulty("status code=500 body=cut"))
    assert end == "close"
    with pytest.raises(h11.RemoteProtocolError):
        parse(sent)


@pytest.mark.parametrize("code", [204, 304])
def test_a_status_without_a_body_has_none(code):
    """No body and no length that promises one."""
    sent, _ = wire(faulty(f"status code={code}"))
    assert sent.endswith(b"\r\n\r\n")
    assert b"content-length" not in sent


PLACES = {
    "after-headers": ("", ""),
    "before-content": ("message_start", "content_block_start"),
    "in-block": ("content_block_delta", "content_block_stop"),
    "after-block": ("content_block_stop", "message_delta"),
    "in-tool": ("input_json_delta", "message_delta"),
    "after-delta": ("message_delta", "message_stop"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "script", ["cut how=reset", "cut how=close", "early-end", "error-event", "hang seconds=9"]
)
def test_each_place_in_a_stream_is_where_its_name_says(place, script):
    """What comes before is there, what comes after is not."""
    answer = faulty(f"{script} at={place}")
    before = body_before_end(answer)
    if script.startswith("hang"):
        index = answer.steps.index(Pause(9.0))
        before = b"".join(s.payload for s in answer.steps[:index] if isinstance(s, Data))
    has, lacks = PLACES[place]
    sent = before.decode().split("event: error")[0]
    assert has in sent
    assert not lacks or lacks not in sent
    if place.startswith("in-"):
        assert sent.count("event: content_block_start") - sent.count("event: content_block_stop") == 1


@pytest.mark.parametrize("place", PLACES)
def test_a_cut_breaks_the_connection_and_an_early_end_does_not(place):
    """The first leaves the body unfinished, the second ends it cleanly without `message_stop`."""
    for how in ("reset", "close"):
        sent, end = wire(faulty(f"cut at={place} how={how}"))
        assert end == how
        with pytest.raises(h11.RemoteProtocolError):
            parse(sent)
    sent, end = wire(faulty(f"early-end at={place}"))
    assert end == "whole"
    assert "message_stop" not in [e["type"] for e in parse(sent).events]


@pytest.mark.parametrize("place", ["after-headers", "before-content", "in-block", "after-delta"])
def test_a_json_answer_breaks_off_too(place):
    """Cut: shorter than its length. Early end: half the JSON, properly framed."""
    sent, _ = wire(faulty(f"cut at={place}", stream=False))
    with pytest.raises(h11.RemoteProtocolError):
        parse(sent)
    sent, _ = wire(faulty(f"early-end at={place}", stream=False))
    with pytest.raises(json.JSONDecodeError):
        _ = parse(sent).json


def test_the_error_event_is_the_streams_last():
    """With the type that was asked for; a call that is not streamed gets it with status 200."""
    events = parse(wire(faulty("error-event at=after-block type=api_error message=Boo"))[0]).events
    assert events[-1] == {"type": "error", "error": {"type": "api_error", "message": "Boo"}}
    got = parse(wire(faulty("error-event", stream=False))[0])
    assert (got.status, got.json["error"]["type"]) == (200, "overloaded_error")


@pytest.mark.parametrize(
    ("at", "stream", "mark"),
    [
        ("before-headers", True, b"102 Processing"),
        ("in-block", True, b"event: ping"),
        ("in-block", False, b" "),
    ],
)
def test_a_hang_may_show_signs_of_life(at, stream, mark):
    """Four pings in 45 s at one every ten, and the answer is whole after it."""
    answer = faulty(f"hang at={at} seconds=45 pings=true every=10", stream=stream)
    steps = answer.lead if at == "before-headers" else answer.steps
    pauses = [s.seconds for s in steps if isinstance(s, Pause)]
    assert pauses == [10.0] * 4 + [5.0]
    assert sum(mark in s.payload for s in steps if isinstance(s, Data)) >= 4
    got = parse(wire(answer)[0])
    assert (
        verify_answer(text_of(got.events) if stream else got.json["content"][0]["text"], "nonce=abc") is None
    )


def test_a_hang_without_pings_is_silent():
    """One pause, nothing else."""
    assert faulty("hang at=before-headers").lead == (Pause(3600.0),)


def test_the_number_of_pings_is_bounded():
    """A million seconds with a ping each millisecond do not fill the memory."""
    assert len(faulty("hang at=in-block seconds=1000000 pings=true every=0.001").steps) < 25_000


def test_another_good_status_is_no_answer_either():
    """The API gives 200 and no other; whoever stands between may give any."""
    assert parse(wire(faulty("wrong-body body=html code=202"))[0]).status == 202


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("body", "kind"), [("html", "text/html"), ("empty", None), ("error-json", "application/json"),
                       ("wrong-json", "application/json"), ("keep-type-html", None), ("bad-json", None),
                       ("message", "application/json")],
)  # fmt: skip
def test_a_200_that_is_no_answer(stream, body, kind):
    """Status 200 and validly framed, but what is inside cannot be the answer."""
    got = parse(wire(faulty(f"wrong-body body={body}", stream=stream))[0])
    assert got.status == 200
    if kind:
        assert got.headers["content-type"] == kind
    if body == "empty":
        assert got.body == b""
    elif body.endswith("html"):
        assert got.body.startswith(b"<!DOCTYPE")
    elif body == "bad-json":
        with pytest.raises(json.JSONDecodeError):
            _ = events_in(got.body) if stream else got.json
    elif body == "message":
        assert got.json["type"] == "message"
    else:
        assert "content" not in got.json


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "script",
    ["encoded coding=gzip", "encoded coding=br", "framing how=chunked", "framing how=length", "framing how=close",
     "connection-close", "idle-close", "interim code=102 count=3", "garbage-lines",
     "encoded coding=gzip + framing how=length", "encoded coding=br + framing how=close"],
)  # fmt: skip
def test_oddly_delivered_answers_are_right(stream, script):
    """A good client reads the whole answer from each."""
    sent, _ = wire(faulty(script, stream=stream))
    got = parse(sent)
    body = got.body.replace(b": a comment\nnot a field at all\nid\n\n", b"")
    text = text_of(events_in(body)) if stream else json.loads(body)["content"][0]["text"]
    assert verify_answer(text, "nonce=abc") is None
    if "interim" in script:
        assert got.interim == [102, 102, 102]
    if "encoded" in script:
        assert got.headers["content-encoding"] in script


def test_encoded_events_can_be_read_as_they_come():
    """Each event is flushed: what was sent up to a cut decodes."""
    import zlib

    sent, _ = wire(faulty("encoded coding=gzip + framing how=close + cut at=in-block how=close"))
    body = zlib.decompressobj(wbits=31).decompress(sent.partition(b"\r\n\r\n")[2])
    assert body.count(b"event: ") >= 3
    assert body.endswith(b"\n\n")


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("script", ["two-lengths", "junk-chunk-size", "bad-status-line", "switch-protocols"])
def test_ambiguous_answers_are_refused_by_a_strict_reader(stream, script):
    """h11 does not take them for an answer."""
    sent, _ = wire(
        faulty(script if script != "junk-chunk-size" else "framing how=chunked + " + script, stream=stream)
    )
    with pytest.raises((h11.RemoteProtocolError, AssertionError)):
        assert parse(sent).status == 200


@pytest.mark.parametrize("stream", [True, False])
def test_both_framings_are_in_the_head(stream):
    """Length and chunks; the body is chunked."""
    sent, _ = wire(faulty("length-and-chunked", stream=stream))
    head = sent.partition(b"\r\n\r\n")[0]
    assert b"content-length: " in head
    assert b"transfer-encoding: chunked" in head
    assert sent.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("stream", [True, False])
def test_trailing_bytes_follow_a_whole_answer(stream):
    """On a connection that promises to stay open, so that a pool would keep them."""
    sent, _ = wire(faulty("trailing-bytes", stream=stream))
    assert sent.endswith(b"content-length: 2\r\n\r\n{}")
    assert b"connection: close" not in sent
    assert sent.count(b"HTTP/1.1 200") == 2


def test_a_huge_head_is_huge():
    """As many kilobytes as asked."""
    assert len(wire(faulty("huge-head kilobytes=100"))[0].partition(b"\r\n\r\n")[0]) > 100_000
