"""The paths of the page, which cost the gateway nothing until somebody opens one: what answers is imported then.

What programs ask for all the time, the status, is answered here.
"""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from seawall.gateway.local import EPISODE, LocalHandler, LocalRequest, LocalResponse
from seawall.view.heading import heading
from seawall.view.web.keys import Keys

PAGE = "/"
METRICS = "/metrics"
ICON = "/favicon.ico"
"""Browsers ask for it of their own accord, and the API has none."""
STATUS = "/api/v1/status"
GATEWAY = "seawall.gateway/1"
"""What one gateway says of itself."""
READING = ("GET", "HEAD")
CLOSED = "x-seawall-token is missing or wrong; `seawall watch --web` opens the page"
PATHS = (
    PAGE,
    METRICS,
    ICON,
    "/seawall/open",
    "/seawall/style.css",
    "/seawall/page.js",
    "/seawall/live.js",
    "/seawall/past.js",
    "/seawall/draw.js",
    "/seawall/icon.svg",
    "/api/v1/events",
    STATUS,
    "/api/v1/rates",
    "/api/v1/verdict",
    "/api/v1/doctor",
    "/api/v1/history",
    EPISODE,
    "/api/v1/explain",
    "/api/v1/plan",
    "/api/v1/config",
)


class Answers(Protocol):
    """What stands behind the door."""

    async def answer(self, request: LocalRequest) -> LocalResponse | AsyncGenerator[bytes, None] | None: ...


@dataclass(frozen=True, slots=True)
class Door:
    """Lets the first request in make what answers it."""

    make: Callable[[], Answers]
    token: str
    status: Callable[[], Mapping[str, object]]
    wall: Callable[[], float]
    _behind: list[Answers] = field(default_factory=list)

    def routes(self, own: Mapping[str, LocalHandler]) -> dict[str, LocalHandler]:
        """All local routes: the gateway's `own`, which only tell, and the page's."""
        told = {path: _reading(handler) for path, handler in own.items()}
        return {**dict.fromkeys(PATHS, self._enter), **told, STATUS: _reading(self._status)}

    async def _status(self, request: LocalRequest) -> LocalResponse:
        now = self.wall()
        if not Keys(self.token).admits(request.headers, now):
            return refused(401, CLOSED)
        return as_json(200, heading(GATEWAY, now) | dict(self.status()))

    async def _enter(self, request: LocalRequest) -> LocalResponse | AsyncGenerator[bytes, None] | None:
        if request.path == PAGE and not _for_a_person(request):
            return None
        if not self._behind:
            self._behind.append(self.make())
        return await self._behind[0].answer(request)


def _reading(handler: LocalHandler) -> LocalHandler:
    """The same for GET and HEAD; no other method means anything there."""

    async def reading(request: LocalRequest) -> LocalResponse | AsyncGenerator[bytes, None] | None:
        return await handler(request) if request.method in READING else not_so()

    return reading


def not_so(*methods: str) -> LocalResponse:
    """The answer to another method than these, of a path that answers them."""
    there = ", ".join(methods or READING)
    return replace(refused(405, f"this path answers {there}"), headers=[(b"allow", there.encode())])


def as_json(status: int, value: object) -> LocalResponse:
    """A value as an answer."""
    return LocalResponse(status, "application/json", json.dumps(value).encode())


def refused(status: int, message: str) -> LocalResponse:
    """Why there is no other answer."""
    kind = "seawall" if status >= 500 else "usage"
    error = {"code": status, "class": kind, "message": message}
    return as_json(status, {"schema": "seawall.error/1", "error": error})


def _for_a_person(request: LocalRequest) -> bool:
    """Whether a browser wants a page; whatever else asks for `/` means the upstream's."""
    return request.method in READING and "text/html" in request.headers.get("accept", "")
