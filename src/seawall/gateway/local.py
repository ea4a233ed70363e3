"""Answers of the gateway's own: what `cli/serve` gives it to serve beside the API."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field


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
