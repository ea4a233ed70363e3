"""Answers of the gateway's own: what `cli/serve` gives it to serve beside the API."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LocalRequest:
    """A request for one of our own paths. Header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LocalResponse:
    """A whole answer."""

    status: int
    content_type: str
    body: bytes


LocalHandler = Callable[[LocalRequest], Awaitable[LocalResponse | AsyncIterator[bytes]]]
"""Gives a whole answer, or the pieces of one that goes on; a client that leaves ends the pieces."""
