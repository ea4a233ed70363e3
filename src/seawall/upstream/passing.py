"""Every other request: carried through as it arrives, in both directions."""

import asyncio
from dataclasses import dataclass

from seawall.causes.evidence import Evidence, Fault, Phase
from seawall.config import Idle
from seawall.http.connection import UpstreamConnection
from seawall.http.head import BODILESS, CHUNKED, AnswerHead, Headers
from seawall.http.reply import Reply
from seawall.http.request import Request
from seawall.upstream.headers import CONTINUE, client_headers
from seawall.wire.request import RequestBody


@dataclass(frozen=True, slots=True)
class Broken:
    """A request that got no whole answer."""

    evidence: Evidence
    text: str
    answer_begun: bool


class Passage:
    """One request on its way through. `ended` gives None, or what broke."""

    __slots__ = (
        "_connection",
        "_given",
        "_head",
        "_idle",
        "_method",
        "_reply",
        "ended",
    )

    def __init__(self, reply: Reply, given: Headers, idle: Idle) -> None:
        self._reply = reply
        self._given = given
        self._idle = idle
        self._connection: UpstreamConnection | None = None
        self._head: AnswerHead | None = None
        self._method = b""
        self.ended: asyncio.Future[Broken | None] = asyncio.get_running_loop().create_future()

    def send(
        self, connection: UpstreamConnection, head: bytes, method: bytes, body: RequestBody | Request
    ) -> None:
        """Send the request; a body that is a Request is passed on as it arrives."""
        self._connection = connection
        self._method = method
        if isinstance(body, Request):
            connection.source = body
            connection.send(head, None, self, method)
            body.stream_to(_Upload(connection, body.head.length == CHUNKED))
        else:
            connection.send(head, body, self, method)

    def cancel(self) -> None:
        """Stop it; nothing more is passed on."""
        if self._connection is not None:
            self._connection.cancel()
            self._connection = None

    def interim(self, head: AnswerHead) -> None:
        if head.status != CONTINUE:
            self._reply.interim(head.status, client_headers(head))

    def head(self, head: AnswerHead) -> None:
        self._head = head
        self._reply.source = self._connection
        headers, length = client_headers(head), head.length
        if self._method == b"HEAD":
            if (stated := head.lower.get(b"content-length")) is not None:
                # It tells of the answer that GET would have had.
                headers.append(b"content-length: " + stated)
            length = BODILESS
        self._reply.start(head.status, headers + self._given, length, head.reason)
        self._reply.flush()

    def piece(self, data: bytes) -> None:
        self._reply.write(data)

    def end(self) -> None:
        self._connection = None
        self._reply.end()
        if not self.ended.done():
            self.ended.set_result(None)

    def broken(self, fault: Fault, text: str) -> None:
        connection, self._connection = self._connection, None
        if self._head is not None:
            self._reply.abort()
        if not self.ended.done():
            self.ended.set_result(Broken(self._evidence(fault, connection), text, self._head is not None))

    def _evidence(self, fault: Fault, connection: UpstreamConnection | None) -> Evidence:
        if self._head is not None:
            return Evidence(Phase.BODY, status=self._head.status, fault=fault)
        sent_all = connection is None or connection.sent_all
        return Evidence(Phase.SENT if sent_all else Phase.SENDING, fault=fault)

    def tick(self, now: float) -> None:
        """Fail it where silence has lasted too long."""
        connection, idle = self._connection, self._idle
        if connection is None or connection.paused or not connection.sent_all:
            return
        if self._head is None and now - connection.last_byte_at > idle.client_limit:
            self._time_out(
                connection, Fault.FIRST_BYTE_TIMEOUT, f"no answer within {idle.client_limit:.0f} s"
            )
        elif self._head is not None and now - connection.last_byte_at > idle.after_content:
            self._time_out(connection, Fault.IDLE_TIMEOUT, f"silence for {idle.after_content:.0f} s")

    def _time_out(self, connection: UpstreamConnection, fault: Fault, text: str) -> None:
        connection.cancel()
        self.broken(fault, text)


class _Upload:
    """Passes a request's body on."""

    __slots__ = ("_chunked", "_connection")

    def __init__(self, connection: UpstreamConnection, chunked: bool) -> None:
        self._connection = connection
        self._chunked = chunked

    def piece(self, data: RequestBody) -> None:
        self._connection.write_body(data, self._chunked)

    def end(self) -> None:
        self._connection.end_body(self._chunked)
