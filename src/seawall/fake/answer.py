"""An answer as a value, from the first raw byte to the way the connection ends; faults change this value.

Nothing here checks that an answer is right: it must be possible to write a wrong one.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, Literal

Framing = Literal[
    "chunked", "length", "close", "two-lengths", "length-and-chunked", "junk-chunk-size", "none"
]
How = Literal["reset", "close"]


@dataclass(frozen=True, slots=True)
class Data:
    """Bytes of the body (or, before the head, raw bytes), `wait` model seconds after the step before."""

    payload: bytes
    wait: float = 0.0
    place: str = ""
    """Where in a stream it stands; see `content.Event`."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence of so many seconds; a fault's, so the load of the engine does not stretch it."""

    seconds: float


@dataclass(frozen=True, slots=True)
class End:
    """The connection ends here; steps behind it are never sent but count in `content-length`."""

    how: How


Step = Data | Pause | End


@dataclass(frozen=True, slots=True)
class Refuse:
    """After this answer the listener is closed for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that will be written for one request."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    steps: tuple[Step, ...] = ()
    framing: Framing = "length"
    lead: tuple[Step, ...] = ()
    """Before the head: silence, interim answers, or the end."""
    head_wait: float = 0.0
    """Model seconds of work before the head, which the load of the engine stretches."""
    coding: str = ""
    close: bool = False
    hangup: bool = False
    """Close the connection after the answer without having said so."""
    drip: float | None = None
    """Seconds between bytes written one at a time."""
    tail: bytes = b""
    """Raw bytes after the end of the body."""
    raw_head: bytes | None = None
    """In place of the head that the fields above make."""
    refuse: Refuse | None = None

    def with_headers(self, *pairs: tuple[str, str]) -> "Answer":
        """The same answer with these headers set."""
        names = {name for name, _ in pairs}
        return replace(self, headers=(*((n, v) for n, v in self.headers if n not in names), *pairs))

    @property
    def streamed(self) -> bool:
        """Whether the body is a stream of events."""
        return any(n == "content-type" and v.startswith("text/event-stream") for n, v in self.headers)


_REASONS: Final = {
    529: "Overloaded",
    520: "Web Server Returned an Unknown Error",
    499: "Client Closed Request",
}


def reason(status: int) -> str:
    """The words after the status; clients must not read them."""
    try:
        return _REASONS.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def bodiless(answer: Answer, method: str) -> bool:
    """Whether no body may follow the head."""
    return method == "HEAD" or answer.status in (204, 304) or 100 <= answer.status < 200


def head(answer: Answer, length: int) -> bytes:
    """The raw head of the answer."""
    if answer.raw_head is not None:
        return answer.raw_head
    lines = [f"HTTP/1.1 {answer.status} {reason(answer.status)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if answer.coding:
        lines.append(f"content-encoding: {answer.coding}")
    match answer.framing:
        case "length":
            lines.append(f"content-length: {length}")
        case "two-lengths":
            lines += [f"content-length: {length}", f"content-length: {length // 2}"]
        case "length-and-chunked":
            lines += [f"content-length: {length}", "transfer-encoding: chunked"]
        case "chunked" | "junk-chunk-size":
            lines.append("transfer-encoding: chunked")
        case "close" | "none":
            pass
    if answer.close:
        lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def closes(answer: Answer) -> bool:
    """Whether the connection cannot be used again after this answer, said or not."""
    return answer.close or answer.hangup or answer.framing == "close" or answer.raw_head is not None


def raw(answer: Answer, method: str) -> Iterator[Step]:
    """The steps with their raw bytes: lead, head, framed body, last chunk, tail."""
    yield from answer.lead
    empty = bodiless(answer, method)
    if empty:
        answer = replace(
            answer, framing="none", steps=tuple(s for s in answer.steps if not isinstance(s, Data))
        )
    steps = encoded(answer)
    length = sum(len(s.payload) for s in steps if isinstance(s, Data))
    yield Data(head(answer, length), wait=answer.head_wait)
    chunked = answer.framing in ("chunked", "length-and-chunked", "junk-chunk-size")
    sent, odd = 0, min(1, sum(isinstance(s, Data) for s in steps) - 1)
    for step in steps:
        if isinstance(step, Data) and chunked:
            junk = answer.framing == "junk-chunk-size" and sent == odd
            yield replace(step, payload=_chunk(step.payload, junk=junk))
            sent += 1
        else:
            yield step
    if chunked:
        yield Data(b"0\r\n\r\n")
    if answer.tail:
        yield Data(answer.tail)


def _chunk(payload: bytes, *, junk: bool = False) -> bytes:
    if not payload:
        return b""  # an empty chunk would end the body
    size = b"%x" % len(payload)
    return (b"+0x" if junk else b"") + size + b"\r\n" + payload + b"\r\n"


def encoded(answer: Answer) -> tuple[Step, ...]:
    """The steps in the answer's content coding, each piece flushed so that it can be read when it arrives."""
    if not answer.coding:
        return answer.steps
    if answer.coding == "br":
        import brotli

        press = brotli.Compressor()

        def push(data: bytes) -> bytes:
            return bytes(press.process(data) + press.flush())

        def finish() -> bytes:
            return bytes(press.finish())
    else:
        gz = zlib.compressobj(wbits=31)

        def push(data: bytes) -> bytes:
            return gz.compress(data) + gz.flush(zlib.Z_SYNC_FLUSH)

        def finish() -> bytes:
            return gz.flush()

    done: list[Step] = [
        replace(s, payload=push(s.payload)) if isinstance(s, Data) else s for s in answer.steps
    ]
    return (*done, Data(finish()))
