"""The paths of the page, which cost the gateway nothing until somebody opens one: what answers is imported then."""

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Protocol

from seawall.gateway.local import EPISODE, LocalHandler, LocalRequest, LocalResponse

PAGE = "/"
METRICS = "/metrics"
ICON = "/favicon.ico"
"""Browsers ask for it of their own accord, and the API has none."""
STATUS = "/api/v1/status"
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


class Door:
    """Lets the first request in make what answers it."""

    def __init__(self, make: Callable[[], Answers]) -> None:
        self._make = make
        self._behind: Answers | None = None

    def routes(self, own: Mapping[str, LocalHandler]) -> dict[str, LocalHandler]:
        """All local routes: the gateway's `own`, and the page's. Of the status, a program's request goes to its own."""
        return {**dict.fromkeys(PATHS, self._enter), **own, STATUS: self._status(own[STATUS])}

    def _status(self, own: LocalHandler) -> LocalHandler:
        async def status(request: LocalRequest) -> LocalResponse | AsyncGenerator[bytes, None] | None:
            return await (own if "x-seawall-token" in request.headers else self._enter)(request)

        return status

    async def _enter(self, request: LocalRequest) -> LocalResponse | AsyncGenerator[bytes, None] | None:
        if request.path == PAGE and not _for_a_person(request):
            return None
        if self._behind is None:
            self._behind = self._make()
        return await self._behind.answer(request)


def _for_a_person(request: LocalRequest) -> bool:
    """Whether a browser wants a page; whatever else asks for `/` means the upstream's."""
    return request.method in ("GET", "HEAD") and "text/html" in request.headers.get("accept", "")
