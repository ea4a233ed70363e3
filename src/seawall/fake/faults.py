"""Every way in which the faulty API can answer wrongly: one small function a fault, the table at the foot.

A fault takes the right answer, the facts of the request and its own parameters, and returns another answer.
To add one: write the function, with a sentence that says what a client sees, and give it a line in `FAULTS`.
Its parameters and the command's list follow from there (`script.py`); `docs/reference/fake.md` must name it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Final, Literal

import msgspec

from seawall.fake.answer import Answer, Data, End, How, Pause, Refuse, Step
from seawall.fake.content import PING, Asked, error_object, sse

Where = Literal["before-headers", "after-headers"]
Place = Literal["after-headers", "before-content", "in-block", "after-block", "in-tool", "after-delta"]
Anywhere = Literal[
    "before-headers", "after-headers", "before-content", "in-block", "after-block", "in-tool", "after-delta"
]
Body = Literal["json", "html", "text", "empty", "cut"]

LONG: Final = 3600.0
"""Seconds that stand for "for ever" where a fault hangs."""
MOST_PINGS: Final = 10_000

HTML: Final = (
    b"<!DOCTYPE html>\n<html><head><title>%d</title></head>\n"
    b"<body><h1>%s</h1><p>This page did not come from the API.</p></body></html>\n"
)


@dataclass(frozen=True, slots=True)
class Context:
    """What a fault may know beside the answer: the time, the time factor, the ids of this answer."""

    wall: float
    factor: float = 1.0
    request_id: str = "req_011000000000000000000000"

    def seconds(self, model: float) -> str:
        """A duration as a header says it: whole seconds at factor 1."""
        return f"{model:g}" if self.factor == 1 else f"{model / self.factor:.3f}"


# ---- error answers ---------------------------------------------------------------------------------


def status(
    a: Answer,
    x: Asked,
    c: Context,
    *,
    code: int = 529,
    type: str = "",
    message: str = "",
    error_code: str = "",
    body: Body = "json",
    retry_after: float | None = None,
    retry_after_date: float | None = None,
    retry_after_ms: float | None = None,
    x_should_retry: bool | None = None,
) -> Answer:
    """An error of any status, with a JSON, HTML, text, empty or cut body and any hints to retry."""
    kept = [(n, v) for n, v in a.headers if n in _IDENTITY]
    says = message or _MESSAGES.get(code, "Error")
    match body:
        case "json" | "cut":
            envelope = error_object(code, says, kind=type, code=error_code) | {"request_id": c.request_id}
            payload, kind = msgspec.json.encode(envelope), "application/json"
        case "html":
            payload, kind = HTML % (code, says.encode()), "text/html; charset=UTF-8"
        case "text":
            payload, kind = says.encode(), "text/plain"
        case "empty":
            payload, kind = b"", ""
    if body in ("html", "text"):  # from something on the way: neither its id nor its headers are the API's
        kept = [("server", "cloudflare"), ("cf-ray", "8f00000000000000-FRA")]
    headers = [*kept, *([("content-type", kind)] if kind else [])]
    if retry_after is not None:
        headers.append(("retry-after", c.seconds(retry_after)))
    if retry_after_date is not None:
        when = formatdate(c.wall + retry_after_date / c.factor, usegmt=True)
        headers.append(("retry-after", when))
    if retry_after_ms is not None:
        headers.append(("retry-after-ms", f"{retry_after_ms / c.factor:g}"))
    if x_should_retry is not None:
        headers.append(("x-should-retry", str(x_should_retry).lower()))
    half = len(payload) // 2
    cut: tuple[Step, ...] = (Data(payload[:half]), End("close"), Data(payload[half:]))
    steps = cut if body == "cut" else (Data(payload),)
    return replace(a, status=code, headers=tuple(headers), steps=steps, framing="length")


_IDENTITY: Final = ("request-id", "anthropic-organization-id", "date")
_MESSAGES: Final = {
    401: "invalid x-api-key",
    404: "Not found",
    429: "This request would exceed your account's rate limit. Please try again later.",
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service unavailable",
    504: "Gateway timeout",
    529: "Overloaded",
}


def overloaded(a: Answer, x: Asked, c: Context, *, retry_after: float | None = None) -> Answer:
    """529 `overloaded_error`: the service is saturated."""
    return status(a, x, c, code=529, retry_after=retry_after)


def rate_limit(a: Answer, x: Asked, c: Context, *, retry_after: float = 20.0) -> Answer:
    """429 with `retry-after` and empty buckets: the caller's own limit a minute."""
    answer = status(a, x, c, code=429, retry_after=retry_after)
    return answer.with_headers(*_buckets(c, remaining=0, seconds=retry_after))


def acceleration(a: Answer, x: Asked, c: Context, *, retry_after: float = 10.0) -> Answer:
    """429 `ramp_limit_exceeded` with full buckets: use grew too fast."""
    says = "Your usage has grown too quickly. Please ramp up gradually."
    answer = status(
        a, x, c, code=429, message=says, error_code="ramp_limit_exceeded", retry_after=retry_after
    )
    return answer.with_headers(*_buckets(c, remaining=4000, seconds=0.0))


def throttle(a: Answer, x: Asked, c: Context) -> Answer:
    """429 that says nothing: no `retry-after`, no limits, the message `Error`, `x-should-retry: true`."""
    return status(a, x, c, code=429, message="Error", x_should_retry=True)


def spend_cap(a: Answer, x: Asked, c: Context) -> Answer:
    """429 `enforced_spend_limit_reached` without `retry-after`: the month's money is spent."""
    says = (
        "You have reached your API usage limits: your organization's monthly spend limit. "
        "You will regain access on the 1st of next month at 00:00 UTC."
    )
    return status(a, x, c, code=429, message=says, error_code="enforced_spend_limit_reached")


def plan_limit(
    a: Answer,
    x: Asked,
    c: Context,
    *,
    window: Literal["5h", "7d"] = "5h",
    resets_in: float = 7200.0,
) -> Answer:
    """429 with unified headers `rejected`: a subscription's window is used up."""
    says = "This request would exceed your account's rate limit. Please try again later."
    answer = status(a, x, c, code=429, message=says, retry_after=resets_in, x_should_retry=False)
    prefix, reset = "anthropic-ratelimit-unified-", str(int(c.wall + resets_in / c.factor))
    claim = "five_hour" if window == "5h" else "seven_day"
    return answer.with_headers(
        (prefix + "status", "rejected"),
        (prefix + "reset", reset),
        (prefix + "representative-claim", claim),
        (f"{prefix}{window}-status", "rejected"),
        (f"{prefix}{window}-reset", reset),
        (f"{prefix}{window}-utilization", "1.0"),
        (prefix + "overage-status", "rejected"),
        (prefix + "overage-disabled-reason", "org_level_disabled"),
    )


def _buckets(c: Context, *, remaining: int, seconds: float) -> Iterator[tuple[str, str]]:
    from seawall.fake.limits import rfc3339

    for name, limit in (("requests", 4000), ("input-tokens", 2_000_000), ("output-tokens", 400_000)):
        left = limit if remaining else 0
        yield f"anthropic-ratelimit-{name}-limit", str(limit)
        yield f"anthropic-ratelimit-{name}-remaining", str(left)
        yield f"anthropic-ratelimit-{name}-reset", rfc3339(c.wall + seconds / c.factor)


# ---- the connection --------------------------------------------------------------------------------


def refused(a: Answer, x: Asked, c: Context, *, seconds: float = 1.0) -> Answer:
    """The listener is closed for so long: this connection and idle ones are reset, new ones refused."""
    return replace(a, lead=(End("reset"),), refuse=Refuse(seconds))


def reset(a: Answer, x: Asked, c: Context, *, at: Where = "before-headers") -> Answer:
    """The connection is reset (TCP RST) before or just after the headers."""
    return _end(a, "reset", at)


def close(a: Answer, x: Asked, c: Context, *, at: Where = "before-headers") -> Answer:
    """The connection is closed (TCP FIN) without an answer, or just after the headers."""
    return _end(a, "close", at)


def _end(a: Answer, how: How, at: str) -> Answer:
    if at == "before-headers":
        return replace(a, lead=(*a.lead, End(how)))
    return replace(a, steps=(End(how), *a.steps))


def hang(
    a: Answer,
    x: Asked,
    c: Context,
    *,
    at: Anywhere = "before-headers",
    seconds: float = LONG,
    pings: bool = False,
    every: float = 10.0,
) -> Answer:
    """Silence at a place, then the rest of the answer; with `pings`, a sign of life now and then.

    Before the headers a ping is a `102 Processing`, in a stream a `ping` event, in JSON a space.
    """
    if pings and seconds > every > 0:
        count = min(MOST_PINGS, int(seconds / every))
        mark = b"HTTP/1.1 102 Processing\r\n\r\n" if at == "before-headers" else PING if a.streamed else b" "
        silence: tuple[Step, ...] = (Pause(every), Data(mark)) * count
        silence += (Pause(max(0.0, seconds - count * every)),)
    else:
        silence = (Pause(seconds),)
    if at == "before-headers":
        return replace(a, lead=(*a.lead, *silence))
    before, after = _split(a, at if a.streamed or not pings else "after-headers")
    return replace(a, steps=(*before, *silence, *after))


# ---- streams and bodies that break off -------------------------------------------------------------


def error_event(
    a: Answer,
    x: Asked,
    c: Context,
    *,
    at: Place = "before-content",
    type: str = "overloaded_error",
    message: str = "Overloaded",
) -> Answer:
    """An `error` event ends the stream at a place; a call not streamed gets it as its body, with 200."""
    error = error_object(529, message, kind=type)
    if not a.streamed:
        return replace(a, steps=(Data(msgspec.json.encode(error | {"request_id": c.request_id})),))
    before, _ = _split(a, at)
    return replace(a, steps=(*before, Data(sse(error))))


def cut(a: Answer, x: Asked, c: Context, *, at: Place = "in-block", how: How = "reset") -> Answer:
    """The connection breaks in the middle: a reset, or a close without the last chunk."""
    before, after = _split(a, at)
    return replace(a, steps=(*before, End(how), *after))


def early_end(a: Answer, x: Asked, c: Context, *, at: Place = "in-block") -> Answer:
    """The body ends cleanly but too soon: no `message_stop`, or half the JSON."""
    return replace(a, steps=_split(a, at)[0])


def _split(a: Answer, at: str) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The steps before and after a place; a JSON body is cut into the part that stands for it."""
    if not a.streamed:
        return _split_bytes(
            a.steps, {"after-headers": 0.0, "before-content": 0.2, "in-block": 0.5}.get(at, 0.9)
        )
    places = [s.place if isinstance(s, Data) else "" for s in a.steps]
    match at:
        case "after-headers":
            index = 0
        case "before-content":
            index = _find(places, "before")
        case "in-block":
            index = _middle(places, ("in", "in-tool"))
        case "in-tool":
            index = _middle(places, ("in-tool", "in"))
        case "after-block":
            index = _find(places, "after") + 1
        case _:
            index = _find(places, "delta") + 1
    return a.steps[:index], a.steps[index:]


def _find(places: list[str], place: str) -> int:
    return places.index(place) if place in places else len(places) - 1


def _middle(places: list[str], wanted: tuple[str, ...]) -> int:
    for place in wanted:
        if found := [i for i, p in enumerate(places) if p == place]:
            return found[len(found) // 2] if len(found) > 1 else found[0] + 1
    return len(places) // 2


def _split_bytes(steps: tuple[Step, ...], share: float) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    total = sum(len(s.payload) for s in steps if isinstance(s, Data))
    left = int(total * share)
    before: list[Step] = []
    for index, step in enumerate(steps):
        if isinstance(step, Data) and len(step.payload) > left:
            rest = (replace(step, payload=step.payload[left:], wait=0.0), *steps[index + 1 :])
            return (*before, replace(step, payload=step.payload[:left])), rest
        before.append(step)
        left -= len(step.payload) if isinstance(step, Data) else 0
    return steps, ()


# ---- 200, but no answer ----------------------------------------------------------------------------


def wrong_body(
    a: Answer,
    x: Asked,
    c: Context,
    *,
    body: Literal[
        "html", "empty", "bad-json", "error-json", "wrong-json", "message", "keep-type-html"
    ] = "html",
    code: Literal[200, 201, 202, 203, 204, 206] = 200,
) -> Answer:
    """A good status with a page, nothing, broken JSON, an error, another object, or a message instead of a stream."""
    a = replace(a, status=code)
    match body:
        case "html" | "keep-type-html":
            page = replace(a, steps=(Data(HTML % (200, b"Welcome")),), framing="length")
            return page if body == "keep-type-html" else page.with_headers(("content-type", "text/html"))
        case "empty":
            return replace(a, steps=(), framing="length")
        case "error-json" | "wrong-json" | "message":
            value: object = {"ok": True}
            if body == "error-json":
                value = error_object(529, "Overloaded")
            elif body == "message":
                text = [{"type": "text", "text": "In one piece."}]
                value = {"id": "msg_1", "type": "message", "role": "assistant", "content": text}
            answer = replace(a, steps=(Data(msgspec.json.encode(value)),), framing="length")
            return answer.with_headers(("content-type", "application/json"))
        case _ if a.streamed:
            before, after = _split(a, "in-block")
            bad = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"del\n\n'
            return replace(a, steps=(*before, Data(bad), *after[1:]))
        case _:
            return replace(a, steps=_split_bytes(a.steps, 0.5)[0])


def garbage_lines(a: Answer, x: Asked, c: Context) -> Answer:
    """Between events, lines that are no fields and an event of an unknown kind: clients must skip them."""
    if not a.streamed:
        return a
    noise = b': a comment\nnot a field at all\nid\n\nevent: tide\ndata: {"type": "tide"}\n\n'
    before, after = _split(a, "in-block")
    return replace(a, steps=(*before, Data(noise), *after))


# ---- right answers, delivered oddly ----------------------------------------------------------------


def slow_bytes(a: Answer, x: Asked, c: Context, *, every: float = 0.001) -> Answer:
    """The whole answer, head included, one byte at a time."""
    return replace(a, drip=every)


def encoded(a: Answer, x: Asked, c: Context, *, coding: Literal["gzip", "br"] = "gzip") -> Answer:
    """The body compressed, whether or not the client asked for it."""
    return replace(a, coding=coding)


def framing(
    a: Answer, x: Asked, c: Context, *, how: Literal["chunked", "length", "close"] = "chunked"
) -> Answer:
    """The body's end told by chunks, by `content-length`, or by the end of the connection."""
    return replace(a, framing=how)


def connection_close(a: Answer, x: Asked, c: Context) -> Answer:
    """`connection: close`, and the connection closed after a whole answer."""
    return replace(a, close=True)


def idle_close(a: Answer, x: Asked, c: Context) -> Answer:
    """A whole answer that promises keep-alive, and then the connection is closed all the same."""
    return replace(a, framing="chunked" if a.framing == "close" else a.framing, hangup=True)


def interim(a: Answer, x: Asked, c: Context, *, code: Literal[100, 102, 103] = 103, count: int = 1) -> Answer:
    """1xx answers before the real one; clients must ignore them."""
    words = {100: b"Continue", 102: b"Processing", 103: b"Early Hints"}[code]
    link = b"link: </style.css>; rel=preload\r\n" if code == 103 else b""
    raw = b"HTTP/1.1 %d %s\r\n%s\r\n" % (code, words, link)
    return replace(a, lead=(*a.lead, *[Data(raw)] * min(max(count, 0), MOST_PINGS)))


# ---- answers whose end or meaning is ambiguous -----------------------------------------------------


def two_lengths(a: Answer, x: Asked, c: Context) -> Answer:
    """`content-length` twice, with different values."""
    return replace(a, framing="two-lengths")


def length_and_chunked(a: Answer, x: Asked, c: Context) -> Answer:
    """Both `content-length` and `transfer-encoding: chunked`."""
    return replace(a, framing="length-and-chunked")


def junk_chunk_size(a: Answer, x: Asked, c: Context) -> Answer:
    """A chunk whose size is no plain hexadecimal number (`+0x1f`)."""
    return replace(a, framing="junk-chunk-size")


def trailing_bytes(
    a: Answer, x: Asked, c: Context, *, looks_like: Literal["junk", "answer"] = "answer"
) -> Answer:
    """Bytes after the end of the body, such as a second answer that nobody asked for."""
    second = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    answer = replace(a, framing="chunked") if a.framing == "close" else a
    return replace(answer, tail=second if looks_like == "answer" else b"junk\r\n")


def switch_protocols(a: Answer, x: Asked, c: Context) -> Answer:
    """`101 Switching Protocols` that nobody asked for."""
    raw = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    return replace(a, status=101, raw_head=raw, framing="close", steps=())


def bad_status_line(a: Answer, x: Asked, c: Context) -> Answer:
    """Bytes that are no HTTP answer at all."""
    return replace(a, status=0, raw_head=b"SSH-2.0-OpenSSH_9.7\r\n", framing="close", steps=())


def huge_head(a: Answer, x: Asked, c: Context, *, kilobytes: int = 1024) -> Answer:
    """A head far above any sensible limit."""
    size = min(max(kilobytes, 1), 65536)
    return a.with_headers(*((f"x-filler-{i}", "f" * 1000) for i in range(size)))


# A fault's name in scripts is its function's, with dashes. The second column is an example; each is tested.
FAULTS: Final[tuple[tuple[Callable[..., Answer], str], ...]] = (
    (status, "status code=503 body=html retry-after=20"),
    (overloaded, "overloaded"),
    (rate_limit, "rate-limit retry-after=20"),
    (acceleration, "acceleration retry-after=10"),
    (throttle, "throttle"),
    (spend_cap, "spend-cap"),
    (plan_limit, "plan-limit window=5h resets-in=7200"),
    (refused, "refused seconds=2"),
    (reset, "reset at=after-headers"),
    (close, "close"),
    (hang, "hang at=in-block seconds=30 pings=true every=5"),
    (error_event, "error-event at=in-tool type=api_error message='Internal server error'"),
    (cut, "cut at=after-block how=close"),
    (early_end, "early-end at=in-block"),
    (wrong_body, "wrong-body body=html"),
    (garbage_lines, "garbage-lines"),
    (slow_bytes, "slow-bytes every=0.001"),
    (encoded, "encoded coding=br"),
    (framing, "framing how=close"),
    (connection_close, "connection-close"),
    (idle_close, "idle-close"),
    (interim, "interim code=103 count=3"),
    (two_lengths, "two-lengths"),
    (length_and_chunked, "length-and-chunked"),
    (junk_chunk_size, "junk-chunk-size"),
    (trailing_bytes, "trailing-bytes looks-like=answer"),
    (switch_protocols, "switch-protocols"),
    (bad_status_line, "bad-status-line"),
    (huge_head, "huge-head kilobytes=256"),
)
