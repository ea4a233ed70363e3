"""One attempt of `POST /v1/messages` at an Anthropic-compatible upstream, watched until it is whole or failed."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from seawall.causes.evidence import Body, Evidence, Fault, Phase
from seawall.config import Gateway
from seawall.http.connection import UpstreamConnection
from seawall.http.head import AnswerHead, Headers
from seawall.wire import errors, ratelimit
from seawall.wire.answer import State, StreamedAnswer, Usage, message_usage
from seawall.wire.request import Facts, RequestBody

_ASKED_LATER = (b"content-type", b"request-id", b"cf-ray", b"x-seawall-id", b"anthropic-organization-id")
_TAIL = 5.0
"""Seconds from the last event of an answer within which its body should end."""
_PIECE = 1024 * 1024
"""Of a compressed answer, so much is unpacked at a time."""
_NO_LINES: Headers = []
_FLOWING = State.FLOWING  # on the path of every event, where even an enum's attribute costs


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed attempt: what it showed, and the answer as it came where there was one."""

    evidence: Evidence
    text: str
    """One sentence for a person: what broke."""
    head: bytes = b""
    """Of the answer, as it came: a call may wait for minutes, and these bytes are a fifth of what is read from them."""
    body: bytes = b""
    error: bytes = b""
    """The upstream's error object as JSON, where it sent one."""
    cut: bool = False
    """`body` is not the whole of what was sent."""


class Taker(Protocol):
    """Takes what an attempt brings, on its client's behalf."""

    @property
    def opened(self) -> bool:
        """Whether the client has been sent a 200 already."""
        ...

    def interim(self, head: AnswerHead) -> None: ...
    def content(
        self, head: AnswerHead, data: bytes, source: UpstreamConnection, *, raw: bool
    ) -> Callable[[bytes], None]:
        """Take the first content; what takes all that follows."""
        ...

    def whole(self, head: AnswerHead, body: bytes, plain: bytes) -> None: ...


class Watcher(Protocol):
    """Told how an attempt fares."""

    def heard(self, head: AnswerHead) -> None:
        """An answer has begun, whatever it is."""

    def committed(self) -> None:
        """Content has begun: the request will not be sent again."""

    def ended(self, failure: Failure | None) -> None:
        """It is over, once: the answer is whole, or this became of it."""


class Attempt:
    """One attempt as the sink of its connection."""

    __slots__ = (
        "_body",
        "_client_limit",
        "_collected",
        "_collected_size",
        "_connection",
        "_facts",
        "_flowing",
        "_good",
        "_head",
        "_more",
        "_over",
        "_settings",
        "_stream",
        "_taker",
        "_unpacker",
        "_wall",
        "_watcher",
        "content_at",
        "limits",
        "sent_at",
        "unread",
        "usage",
    )

    def __init__(
        self,
        taker: Taker,
        watcher: Watcher,
        facts: Facts,
        client_limit: float,
        settings: Gateway,
        wall: Callable[[], float],
    ) -> None:
        self._taker = taker
        self._watcher = watcher
        self._facts = facts
        self._client_limit = client_limit
        self._settings = settings
        self._wall = wall
        self._flowing: StreamedAnswer | None = None
        """The stream, once its events go by as they come."""
        self._over = False
        """It has ended, or was cancelled: nothing more is told."""
        self._connection: UpstreamConnection | None = None
        self._head: AnswerHead | None = None
        self._good = False
        """Its status says that it is an answer, not an error."""
        self._stream: StreamedAnswer | None = None
        self._more: Callable[[bytes], None] = _nothing
        """Takes what follows the first content."""
        self.unread = False
        """Its answer is forwarded as it came: nobody here knows if it is whole inside."""
        self._unpacker: zlib._Decompress | None = None
        self._collected: list[bytes] = []
        self._collected_size = 0
        self._body: Body | None = None
        """What there was of it, where that is known before its end."""
        self.limits = ratelimit.NONE
        """What a failed answer's headers say of limits."""
        self.usage: Usage | None = None
        """What the answer says that it took."""
        self.sent_at = 0.0
        self.content_at: float | None = None

    def send(self, connection: UpstreamConnection, head: bytes, body: RequestBody) -> None:
        """Send the request; from now on it will end, or be cancelled."""
        self._connection = connection
        connection.send(head, body, self, b"POST")
        self.sent_at = connection.used_at

    def cancel(self) -> None:
        """Stop it; nothing more is taken."""
        self._over = True
        self._cancel_upstream()

    def _settle(self, failure: Failure | None) -> None:
        self._over = True
        self._watcher.ended(failure)

    def _cancel_upstream(self) -> None:
        if self._connection is not None:
            self._connection.cancel()
            self._connection = None

    @property
    def organisation(self) -> bytes | None:
        """Whose account it was, where the answer says so."""
        return self._head.lower.get(b"anthropic-organization-id") if self._head is not None else None

    # -- the answer, as it arrives --------------------------------------------------------------------------------

    def interim(self, head: AnswerHead) -> None:
        self._taker.interim(head)

    def head(self, head: AnswerHead) -> None:
        self._head = head
        self._good = 200 <= head.status < 300
        self._watcher.heard(head)
        coding = head.lower.get(b"content-encoding")
        if coding is not None and not self._can_read(coding.lower()):
            return
        if self._good and self._facts.streamed and _is_stream(head):
            self._stream = StreamedAnswer(self._settings.sizes.answer)
            self.usage = self._stream.usage
            self._body = Body.STREAM

    def _can_read(self, coding: bytes) -> bool:
        """Whether what is encoded so will be read; else it is forwarded as it is, or has failed."""
        if coding in (b"gzip", b"x-gzip"):
            self._unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        elif self._good and coding != b"identity":
            if self._taker.opened:
                self._body = Body.ENCODED
                self._fail(None, "the answer is encoded in a way that cannot follow an opened one")
            else:
                self.unread = True
                self._begin(b"")
            return False
        return True

    def piece(self, data: bytes) -> None:
        stream = self._flowing
        if stream is not None:  # nearly every event's way: each call less counts
            out = stream.feed(data)
            if out:
                self._more(out)
            if stream.state is not _FLOWING:
                self._end_of(stream)
            return
        stream = self._stream
        if self.unread:
            self._more(data)
        elif stream is None:
            self._collect(data)
        elif self._unpacker is None:
            self._follow(stream, data)
        else:
            for plain in self._unpack(data):
                if self._over:
                    return
                self._follow(stream, plain)

    def end(self) -> None:
        self._connection = None
        if self._over:
            return
        head, stream = self._head, self._stream
        assert head is not None
        if self.unread or (stream is not None and stream.state is State.WHOLE):
            self._settle(None)
        elif stream is not None:
            self._fail(Fault.CONNECTION_CLOSED, "the stream ended before its answer was whole")
        elif self._good:
            self._judge(head)
        else:
            self._fail(None, f"the upstream answered {head.status}")

    def broken(self, fault: Fault, text: str) -> None:
        stream = self._stream
        if stream is not None and stream.state is State.WHOLE and not self._over:
            # Everything the client needs was sent; how the connection then ended changes nothing.
            self._connection = None
            self._settle(None)
        else:
            self._fail(fault, text)
            self._connection = None

    # -- judging --------------------------------------------------------------------------------------------------

    def _begin(self, data: bytes) -> None:
        head, connection = self._head, self._connection
        assert head is not None
        assert connection is not None
        self.content_at = connection.last_byte_at
        self._more = self._taker.content(head, data, connection, raw=self.unread)
        # Sent: a stream may live for long, and little may still be asked of its head.
        head.lines, head.raw = _NO_LINES, b""
        head.lower = {name: head.lower[name] for name in _ASKED_LATER if name in head.lower}
        if self._unpacker is None and not self.unread:
            self._flowing = self._stream
        self._watcher.committed()
        self._collected = _NO_LINES  # nothing is collected from now on

    def _follow(self, stream: StreamedAnswer, data: bytes) -> None:
        out = stream.feed(data)
        if out:
            if self.content_at is None:
                self._begin(out)
            else:
                self._more(out)
        if stream.state is not _FLOWING:
            self._end_of(stream)

    def _end_of(self, stream: StreamedAnswer) -> None:
        if stream.state is State.ERROR:
            self._fail(None, "the upstream broke off with an error event")
        elif stream.state is State.MALFORMED:
            self._body = Body.TEXT
            self._fail(None, "the answer is not a stream of this API")

    def _collect(self, data: bytes) -> None:
        self._collected.append(data)
        self._collected_size += len(data)
        sizes = self._settings.sizes
        if self._collected_size <= (sizes.answer if self._good else sizes.error_body):
            return
        if self._good and not self._taker.opened:
            # Too large to be judged whole; it is an answer all the same.
            whole = b"".join(self._collected)
            self._collected.clear()
            self.unread = True
            self._begin(whole)
        else:
            self._body = Body.CUT
            self._fail(None, "the answer is larger than may be kept")

    def _judge(self, head: AnswerHead) -> None:
        """A whole body of a good status; no answer where a stream was asked for: its reader would find nothing."""
        raw = b"".join(self._collected)
        body = raw if self._unpacker is None else self._unpacked(raw)
        usage = message_usage(body) if body is not None else None
        if body is None or usage is None:
            self._fail(None, "the answer is not one of this API")
        elif self._facts.streamed:
            self._fail(None, "the answer is not the stream that was asked for")
        else:
            self.usage = usage
            self._taker.whole(head, raw, body)
            self._settle(None)

    def _unpacked(self, data: bytes) -> bytes | None:
        """A whole body without its compression; None where it is broken, or larger than may be kept."""
        pieces, size = [], 0
        for piece in self._unpack(data):
            pieces.append(piece)
            size += len(piece)
            if size > self._settings.sizes.answer:
                return None
        return b"".join(pieces)

    def _unpack(self, data: bytes) -> Iterator[bytes]:
        unpacker = self._unpacker
        assert unpacker is not None
        try:
            while data:
                yield unpacker.decompress(data, _PIECE)
                data = unpacker.unconsumed_tail
        except zlib.error:
            self._body = Body.CUT
            self._fail(Fault.BAD_ANSWER, "the answer's compression is broken")

    def _fail(self, fault: Fault | None, text: str) -> None:
        if self._over:
            return
        body = b"".join(self._collected)
        plain = body
        if self._unpacker is not None and body:
            plain = _begin_of(body)
        failure = Failure(
            evidence=self._evidence(fault, plain),
            text=text,
            head=self._head.raw if self._head is not None else b"",
            body=body,
            error=self._error(plain),
            cut=fault is not None or self._body is Body.CUT,
        )
        self._cancel_upstream()
        self._settle(failure)

    def _error(self, body: bytes) -> bytes:
        if self._stream is not None:
            return self._stream.error
        return body if errors.read(body, None).type is not None and body.lstrip()[:1] == b"{" else b""

    def _phase(self) -> Phase:
        connection = self._connection
        if self.content_at is not None:
            return Phase.CONTENT
        if self._head is not None:
            return Phase.BODY if self._collected or self._stream is not None else Phase.HEAD
        if connection is not None and not connection.sent_all:
            return Phase.SENDING
        return Phase.SENT

    def _evidence(self, fault: Fault | None, body: bytes) -> Evidence:
        head, phase = self._head, self._phase()
        if head is None:
            return Evidence(phase=phase, fault=fault)
        kind = head.lower.get(b"content-type")
        in_stream = self._stream is not None and bool(self._stream.error)
        source = self._stream.error if self._stream is not None else body
        said = errors.read(source, kind.decode("latin-1") if kind and not in_stream else None)
        limits = self.limits = ratelimit.read(head.lower.get, self._wall())
        request_id = head.lower.get(b"request-id")
        shape = self._body
        if shape is None:
            shape = Body.CUT if fault is not None and body else Body(said.kind)
        return Evidence(
            phase=phase,
            status=200 if self._good else head.status,  # any of them says the same: taken
            fault=fault,
            body=shape,
            error_type=said.type,
            error_code=said.code,
            message=said.message,
            in_stream=in_stream,
            retry_after=limits.retry_after,
            should_retry=limits.should_retry,
            limits_rejected=limits.rejected,
            bucket_empty=limits.empty_bucket(),
            has_buckets=bool(limits.buckets),
            request_id=request_id.decode("latin-1")[:128] if request_id else said.request_id,
            from_edge=request_id is None and b"cf-ray" in head.lower,
            from_seawall=b"x-seawall-id" in head.lower,
        )

    # -- time -----------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Fail it where silence has lasted too long. Pings are bytes, and bytes are life."""
        connection, idle = self._connection, self._settings.idle
        if connection is None or self._over:
            return
        silent = now - connection.last_byte_at
        if self._head is None:
            reading = idle.first_byte + self._facts.tokens * idle.first_byte_per_token
            limit = reading if self._facts.streamed else self._client_limit
            if now - self.sent_at > limit:
                self._fail(Fault.FIRST_BYTE_TIMEOUT, f"no answer began within {limit:.0f} s")
        elif self.content_at is None:
            if silent > idle.before_content:
                self._fail(Fault.IDLE_TIMEOUT, f"the answer was silent for {idle.before_content:.0f} s")
        elif self._stream is not None and self._stream.state is State.WHOLE:
            if silent > _TAIL:
                # Everything was sent; only the end of the body is missing, and nobody needs it.
                self._cancel_upstream()
                self._settle(None)
        elif silent > idle.after_content and not connection.paused:
            self._fail(Fault.IDLE_TIMEOUT, f"the stream was silent for {idle.after_content:.0f} s")

    def slept(self) -> None:
        """The machine slept: what had not begun to answer is dead, though nobody will tell."""
        if self.content_at is None:
            self._fail(Fault.ASLEEP, "the machine slept while the call was under way")


def _is_stream(head: AnswerHead) -> bool:
    kind = head.lower.get(b"content-type", b"").partition(b";")[0]
    return kind.strip().lower() == b"text/event-stream"


def _nothing(data: bytes) -> None:
    """In the place of what takes content before there is any."""


def _begin_of(body: bytes) -> bytes:
    """As much of a compressed error as is worth reading."""
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(body, _PIECE)
    except zlib.error:
        return b""
