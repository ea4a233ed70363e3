"""Answers of the gateway's own: what `cli/serve` gives it to serve beside the API."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from seawall.http.head import Headers
from seawall.http.reply import Reply
from seawall.http.request import BodyTooLarge, Request


async def _no_body(limit: int) -> bytes:
    return b""


@dataclass(frozen=True, slots=True)
class LocalRequest:
    """A request for one of our own paths. Header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    read: Callable[[int], Awaitable[bytes | None]] = _no_body
    """Its whole body; None where that is larger than the limit given, in bytes."""


@dataclass(frozen=True, slots=True)
class LocalResponse:
    """A whole answer. It is never kept by a browser, nor taken for another kind than it says."""

    status: int
    content_type: str
    body: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    """Beside the content's type and length."""


LocalHandler = Callable[[LocalRequest], Awaitable[LocalResponse | AsyncGenerator[bytes, None] | None]]
"""Gives a whole answer, or the pieces of one that goes on, or None: the request is for the upstream after all.

A client that leaves ends the pieces, and so does one that has not read the last one when the next is there.
"""

EPISODE = "/api/v1/episodes/"
"""The one route whose path goes on: the episode's id follows."""

_OWN_HEADERS: Headers = [
    b"cache-control: no-store",
    b"x-content-type-options: nosniff",
    b"cross-origin-resource-policy: same-origin",
    b"referrer-policy: no-referrer",
]
"""Of every answer of our own: nobody keeps it, guesses its kind, or reads it from another site's page."""


async def answer_locally(route: LocalHandler, request: Request, reply: Reply) -> bool:
    """Answer a request for one of our own paths; False where it is for the upstream after all."""
    head = request.head
    path, _, query = head.target.partition(b"?")

    async def read(limit: int) -> bytes | None:
        try:
            return bytes(await request.read(limit))
        except BodyTooLarge:
            return None

    asked = LocalRequest(
        head.method.decode(),
        unquote(path.decode("latin-1")),
        dict(parse_qsl(query.decode("latin-1"))),
        {name.decode("latin-1"): value.decode("latin-1") for name, value in head.lower.items()},
        read,
    )
    answer = await route(asked)
    if answer is None:
        return False
    if isinstance(answer, LocalResponse):
        headers = [b"content-type: " + answer.content_type.encode(), *_OWN_HEADERS]
        headers += [b"%b: %b" % pair for pair in answer.headers]
        reply.answer(answer.status, headers, answer.body)
    else:
        await _send_pieces(reply, answer)
    return True


async def _send_pieces(reply: Reply, pieces: AsyncGenerator[bytes, None]) -> None:
    """An answer that goes on. Nothing piles up for a client that does not read: it is let go."""
    reply.start(200, [b"content-type: text/event-stream", *_OWN_HEADERS], -2)
    reply.flush()
    async with aclosing(pieces):
        async for piece in pieces:
            if reply.slow:
                reply.drop()
                return
            reply.write(piece)
    reply.end()
