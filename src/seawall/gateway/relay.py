"""What the client of one messages call is sent, and in which state its answer is.

pending (nothing sent) -> opened (our own 200 and pings; attempts may still be replaced) -> committed (events of an
attempt sent; nothing is replayed any more) -> finished. Only one attempt's events ever reach a client.
"""

import random
from collections.abc import Callable
from enum import IntEnum

import msgspec

from seawall.config import Hold
from seawall.gateway.memory import Kept, Memory
from seawall.http.connection import UpstreamConnection
from seawall.http.head import UNTIL_CLOSE, AnswerHead, Headers, read_answer
from seawall.http.reply import Reply
from seawall.upstream.headers import CONTINUE, client_headers
from seawall.upstream.messages import Failure
from seawall.wire import errors
from seawall.wire.sse import PING, event

_UNREAD = "forwarded unread: its content-encoding is not one of Seawall's"


class Stage(IntEnum):
    PENDING = 0
    OPENED = 1
    COMMITTED = 2
    FINISHED = 3


_PENDING, _OPENED, _COMMITTED, _FINISHED = Stage  # on the path of every call, where an enum's attribute costs


class Told(msgspec.Struct, frozen=True):
    """What the answer's own headers tell of the call."""

    id: str
    attempts: int = 1
    held: float = 0.0
    cause: str = ""
    note: str = ""
    fallback: str = ""
    """Where the attempt went instead."""

    def noted(self, note: str) -> "Told":
        """The same with one more sentence."""
        return msgspec.structs.replace(self, note=f"{self.note}; {note}" if self.note else note)

    def headers(self) -> Headers:
        """Only what there is to say."""
        headers = [b"x-seawall-id: " + self.id.encode()]
        if self.attempts > 1:
            headers.append(b"x-seawall-attempts: %d" % self.attempts)
        if self.held >= 0.05:
            headers.append(b"x-seawall-held: %.1f" % self.held)
        if self.cause:
            headers.append(b"x-seawall-cause: " + self.cause.encode())
        if self.fallback:
            headers.append(b"x-seawall-fallback: " + self.fallback.encode("ascii", "replace"))
        if self.note:
            headers.append(b"x-seawall-note: " + self.note.encode("ascii", "replace"))
        return headers


class Relay:
    """The client's side of one messages call."""

    __slots__ = ("_pinged_at", "_streamed", "kept", "reply", "stage", "told")

    def __init__(self, reply: Reply, *, id: str, streamed: bool, keep: Memory | None = None) -> None:
        """`keep`: what answers may take that are kept, if this one is to be."""
        self.reply = reply
        self._streamed = streamed
        if streamed:
            reply.filler = PING  # only whole events are sent, so one more fits anywhere
        self._pinged_at = 0.0
        self.stage: Stage = _PENDING
        self.told = Told(id)
        self.kept = Kept(keep) if keep is not None else None
        """The answer's body, where it may have to be finished without its client, and can be."""

    # -- what an attempt brings -----------------------------------------------------------------------------------

    @property
    def opened(self) -> bool:
        return self.stage is not _PENDING

    def interim(self, head: AnswerHead) -> None:
        if self.stage is _PENDING and head.status != CONTINUE:
            self.reply.interim(head.status, client_headers(head))

    def content(
        self, head: AnswerHead, data: bytes, source: UpstreamConnection, *, raw: bool
    ) -> Callable[[bytes], None]:
        """Take the first content; what takes all that follows."""
        if self.stage is _PENDING:
            headers = client_headers(head, b"" if raw else b"content-encoding")
            # A stated length holds only for what is forwarded unread.
            length = head.length if raw else UNTIL_CLOSE
            # What begins with nothing was not looked at: what is too large to be judged whole begins with all of it.
            told = self.told.noted(_UNREAD) if raw and not data else self.told
            self.reply.start(head.status, headers + told.headers(), length, head.reason)
        if raw:
            self.reply.filler = b""
            self.forget()  # its head would have to be kept too, and nobody knows whether it is whole
        self.stage = _COMMITTED
        self.reply.source = source
        more = self.reply.write if self.kept is None else self._write_and_keep
        more(data)
        self.reply.flush()
        if self.reply.slow:
            source.pause()
        return more

    def _write_and_keep(self, data: bytes) -> None:
        self.reply.write(data)
        self._keep(data)

    def _keep(self, data: bytes) -> None:
        if self.kept is not None and not self.kept.add(data):
            self.forget()

    def forget(self) -> None:
        """Keep it no more."""
        kept, self.kept = self.kept, None
        if kept is not None:
            kept.take()

    def whole(self, head: AnswerHead, body: bytes, plain: bytes) -> None:
        if self.stage is _PENDING:
            self.reply.start(head.status, client_headers(head) + self.told.headers(), len(body), head.reason)
            self.reply.write(body)
        else:
            self.reply.write(plain)
        self._keep(plain)
        self.stage = _COMMITTED

    # -- while nothing comes --------------------------------------------------------------------------------------

    def open(self, now: float) -> None:
        """Send a 200 of our own, so that the client goes on waiting."""
        if self.stage is not _PENDING:
            return
        self.stage = _OPENED
        kind = b"text/event-stream; charset=utf-8" if self._streamed else b"application/json"
        headers = [b"content-type: " + kind, b"cache-control: no-cache", *self.told.headers()]
        self.reply.start(200, headers, UNTIL_CLOSE)
        self.ping(now)

    def ping(self, now: float) -> None:
        """A sign of life: an event that clients ignore, or white space ahead of JSON."""
        self._pinged_at = now
        self.reply.write(PING if self._streamed else b" ")

    def tick(self, now: float, every: float) -> None:
        """Ping an opened answer when it is time."""
        if self.stage is _OPENED and now - self._pinged_at >= every:
            self.ping(now)

    # -- the end --------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """The answer is whole."""
        self.stage = _FINISHED
        self.reply.end()

    def pass_on(self, failure: Failure) -> None:
        """Hand a failure on as it came, or as near to it as the answer's state allows."""
        if self.stage is not _PENDING:
            self.break_off(failure)
            return
        status, headers, body = _as_answer(failure)
        self._send(status, headers, body)

    def give_up(self, failure: Failure | None, reason: str, params: Hold, rng: random.Random) -> None:
        """Hand on the last failure after a hold; `failure` None where no attempt was made."""
        if self.stage is not _PENDING:
            self.break_off(failure, reason)
            return
        if failure is None:
            status, headers, body = 503, _JSON, errors.envelope("api_error", f"Seawall: {reason}.")
        else:
            status, headers, body = _as_answer(failure)
        # Claude Code gives up at once above 60 s; the SDKs obey whatever is said.
        wait = rng.randint(params.retry_after_least, params.retry_after_most)
        headers = [line for line in headers if _name(line) not in (b"retry-after", b"retry-after-ms")]
        self._send(status, [*headers, b"retry-after: %d" % wait], body)

    def break_off(self, failure: Failure | None, reason: str = "it is stopping") -> None:
        """End an answer that had begun so that nobody takes it for whole."""
        if self.stage is _FINISHED:
            return
        told = self.stage is _COMMITTED and failure is not None and failure.evidence.in_stream
        self.stage = _FINISHED
        if told:
            pass  # the upstream's own `error` event went by as any other
        elif self._streamed and failure is not None:
            self.reply.write(event("error", _error_line(failure)))
        elif self._streamed:
            self.reply.write(event("error", errors.envelope("api_error", f"Seawall: {reason}.")))
        self.reply.abort()

    def replay(self, body: bytes) -> None:
        """Send an answer that was finished while its client was away."""
        if self.stage is _PENDING:
            kind = b"text/event-stream; charset=utf-8" if self._streamed else b"application/json"
            self.reply.start(200, [b"content-type: " + kind, *self.told.headers()], len(body))
        self.reply.write(body)
        self.finish()

    def _send(self, status: int, headers: Headers, body: bytes) -> None:
        self.stage = _FINISHED
        self.reply.answer(status, headers + self.told.headers(), body)


_JSON: Headers = [b"content-type: application/json"]


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].lower()


def _as_answer(failure: Failure) -> tuple[int, Headers, bytes]:
    """A failure as status, headers and body. What looked like an answer (200) never leaves as one."""
    head = read_answer(failure.head, b"POST") if failure.head else None
    if head is not None and head.status >= 300 and not failure.cut:
        return head.status, client_headers(head), failure.body
    if head is not None and failure.error:
        status = head.status if head.status >= 300 else errors.status_of(failure.evidence.error_type or "")
        drop = (b"content-type", b"content-encoding", b"cache-control")
        kept = [line for line in client_headers(head) if _name(line) not in drop]
        return status, kept + _JSON, failure.error
    # The cut body of a real error keeps its status: that much was said.
    status = head.status if head is not None and head.status >= 400 else 503
    return status, _JSON, errors.envelope(errors.type_of(status), f"Seawall: {failure.text}.")


def _error_line(failure: Failure) -> bytes:
    """The error object for an event: the upstream's own where it sent one, on one line."""
    if failure.error:
        return failure.error.replace(b"\r", b" ").replace(b"\n", b" ")
    status = failure.evidence.status
    kind = errors.type_of(status) if status is not None and status >= 400 else "api_error"
    return errors.envelope(kind, f"Seawall: {failure.text}.")
