"""The requests and answers of the benchmarks: the Messages API's shapes and sizes, made once and sent as they are."""

import json

MODEL = "claude-sonnet-4-5"
TAIL = b'"service_tier":"standard"}}'
"""Where every JSON answer ends: a reader needs no parser to know that it is whole."""
MARK = b'"text":"@'
"""Ahead of the moment (monotonic nanoseconds, 19 digits) at which the origin wrote an event."""
STOP = b'"type":"message_stop"'

_REQUEST_HEADERS = """\
accept: application/json
accept-encoding: gzip, deflate
content-type: application/json
user-agent: Anthropic/Python 2.11.0
x-api-key: sk-ant-bench-not-a-real-key
anthropic-version: 2023-06-01
x-stainless-lang: python
x-stainless-package-version: 2.11.0
x-stainless-os: Linux
x-stainless-arch: x64
x-stainless-runtime: CPython
x-stainless-retry-count: 0
x-stainless-timeout: 600"""

_ANSWER_HEADERS = """\
date: Sat, 21 Nov 2026 00:00:00 GMT
request-id: req_011CSHoEeqs5C35K2UUqR7Fy
anthropic-organization-id: 00000000-0000-4000-8000-000000000000
anthropic-ratelimit-requests-limit: 4000
anthropic-ratelimit-requests-remaining: 3999
anthropic-ratelimit-requests-reset: 2026-11-21T00:00:00Z"""


def _lines(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode() + b"\r\n"


def request(port: int, mode: str, size: int, *, streamed: bool = False) -> bytes:
    """A `POST /v1/messages` whose body has `size` bytes; `mode` tells the origin how to answer."""
    top = {
        "model": MODEL,
        "max_tokens": 1024,
        "stream": streamed,
        "messages": [{"role": "user", "content": ""}],
    }
    empty = json.dumps(top)
    top["messages"] = [{"role": "user", "content": "x" * (size - len(empty))}]
    body = json.dumps(top).encode()
    head = b"POST /v1/messages?%b HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n" % (mode.encode(), port)
    return head + _lines(_REQUEST_HEADERS) + b"content-length: %d\r\n\r\n" % len(body) + body


def _answer(status: bytes, headers: bytes, body: bytes) -> bytes:
    return (
        b"HTTP/1.1 " + status + b"\r\n" + _lines(_ANSWER_HEADERS) + headers
        + b"content-length: %d\r\n\r\n" % len(body) + body
    )  # fmt: skip


_JSON = b"content-type: application/json\r\n"

MESSAGE = _answer(
    b"200 OK",
    _JSON,
    b'{"id":"msg_011CSHoEeqs5C35K2UUqR7Fy","type":"message","role":"assistant","model":"' + MODEL.encode()
    + b'","content":[{"type":"text","text":"Four."}],"stop_reason":"end_turn","stop_sequence":null,'
    b'"usage":{"input_tokens":512,"output_tokens":4,' + TAIL,
)  # fmt: skip

OVERLOADED = _answer(
    b"529 Overloaded",
    _JSON,
    b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},'
    b'"request_id":"req_011CSHoEeqs5C35K2UUqR7Fy"}',
)


def _event(name: str, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


STREAM_BEGIN = (
    b"HTTP/1.1 200 OK\r\n" + _lines(_ANSWER_HEADERS)
    + b"content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
    + b"transfer-encoding: chunked\r\n\r\n"
    + _chunk(_event(
        "message_start",
        b'{"type":"message_start","message":{"id":"msg_011CSHoEeqs5C35K2UUqR7Fy","type":"message",'
        b'"role":"assistant","model":"' + MODEL.encode() + b'","content":[],"stop_reason":null,'
        b'"stop_sequence":null,"usage":{"input_tokens":512,"output_tokens":1}}}',
    ))
    + _chunk(_event(
        "content_block_start",
        b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
    ))
)  # fmt: skip

STREAM_END = (
    _chunk(_event("content_block_stop", b'{"type":"content_block_stop","index":0}'))
    + _chunk(_event(
        "message_delta",
        b'{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
        b'"usage":{"output_tokens":300}}',
    ))
    + _chunk(_event("message_stop", b'{"type":"message_stop"}'))
    + b"0\r\n\r\n"
)  # fmt: skip


def delta(now_ns: int) -> bytes:
    """One `content_block_delta` as a chunk, with the moment at which it was written."""
    return _DELTA % now_ns


def moments(data: bytes) -> list[int]:
    """The moments of all deltas in `data`."""
    return [int(piece[:19]) for piece in data.split(MARK)[1:] if len(piece) >= 19]


_DELTA = _chunk(
    _event(
        "content_block_delta",
        b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"@%019d and on"}}',
    )
    % 0
).replace(b"0" * 19, b"%019d")
