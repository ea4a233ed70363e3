"""What the page's paths answer: its files, its events, and the same JSON as the command line's."""

import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seawall.gateway.local import EPISODE, LocalRequest, LocalResponse
from seawall.gateway.tally import Tallies
from seawall.history.ids import is_id
from seawall.view.web import door
from seawall.view.web.ask import Asker, Broken, Busy
from seawall.view.web.door import as_json, refused
from seawall.view.web.feed import Feed, rates
from seawall.view.web.keys import OPEN, Keys

EVENTS = "/api/v1/events"
EXPLAIN = "/api/v1/explain"
TEXT = 1 << 20
"""Bytes of an error text that may be pasted."""
_FILES = Path(__file__).parent
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    b"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_PAGE_HEADERS = [(b"content-security-policy", _POLICY), (b"x-frame-options", b"DENY")]
_NOT_THE_GATEWAYS = re.compile(r"cred\.|local\.(?:env|base_url|settings|client|timeouts)$|seen\.changes$")
"""Checks that look at the environment of who runs them: the gateway's is not the one of its user's programs."""
_SPAN = re.compile(r"[1-9]\d{0,3}[dh]")
_CAUSE = re.compile(r"[a-z]{1,16}\.[a-z0-9_]{1,48}")
_FAMILY = re.compile(r"[a-z0-9]{1,16}")


@dataclass(frozen=True, slots=True)
class Sources:
    """What the page is told of its gateway."""

    token: str
    status: Callable[[], Mapping[str, object]]
    figures: Callable[[], tuple[Tallies, float]]
    settings: Callable[[], Mapping[str, object]]
    closing: Callable[[], bool]
    wall: Callable[[], float]
    secure: bool = False
    """Whether browsers reach it by https."""


@dataclass(slots=True)
class Web:
    """Answers for one gateway."""

    sources: Sources
    asker: Asker
    every: float = 1.0
    _keys: Keys = field(init=False)
    _feed: Feed = field(init=False)
    _checks: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        sources = self.sources
        self._keys = Keys(sources.token)
        self._feed = Feed(sources.status, sources.figures, sources.closing, self.every)

    async def answer(self, request: LocalRequest) -> LocalResponse | AsyncGenerator[bytes, None] | None:
        """The answer to a request for one of `door.PATHS`."""
        path, now = request.path, self.sources.wall()
        methods = {EXPLAIN: (*door.READING, "POST"), EVENTS: ("GET",)}.get(path, door.READING)
        if request.method not in methods:
            return door.not_so(*methods)
        if path == OPEN:
            return self._open(request, now)
        if path == door.ICON:
            return _file("icon.svg")
        if path.startswith("/seawall/"):
            return _file(path.rpartition("/")[2])
        if not self._keys.admits(request.headers, now):
            if path == door.PAGE:
                return _file("closed.html", 401)
            return refused(401, door.CLOSED)
        if path == door.PAGE:
            return _file("index.html")
        if path == door.METRICS:
            return self._metrics(request)
        try:
            return await self._data(path, request)
        except Busy:
            return refused(503, "others ask for the same; try again in a moment")
        except Broken as broken:
            return refused(503, f"no answer: {broken}")
        except _Wrong as wrong:
            return refused(400, str(wrong))

    def _open(self, request: LocalRequest, now: float) -> LocalResponse:
        """A good link gives the cookie. Its answer is a page that goes on by itself: a redirect would still count as
        coming from wherever the link was clicked, and the browser would keep the cookie to itself.
        """
        if request.method != "GET" or not self._keys.spend(request.query.get("key", ""), now):
            return _file("closed.html", 401)
        answer = _file("opened.html")
        return LocalResponse(
            200, answer.content_type, answer.body,
            [*answer.headers, (b"set-cookie", self._keys.cookie(now, secure=self.sources.secure).encode())],
        )  # fmt: skip

    def _metrics(self, request: LocalRequest) -> LocalResponse:
        from seawall.view import metrics

        kind, text = metrics.exposition(
            self.sources.status(),
            self.sources.figures()[0],
            self._feed.followers,
            request.headers.get("accept", ""),
        )
        return LocalResponse(200, kind, text)

    async def _data(self, path: str, request: LocalRequest) -> LocalResponse | AsyncGenerator[bytes, None]:
        query = request.query
        if path.startswith(EPISODE):
            return await self._episode(path.removeprefix(EPISODE))
        match path.removeprefix("/api/v1/"):
            case "events":
                return refused(503, "too many pages are open") if self._feed.full else self._feed.follow()
            case "rates":
                return as_json(200, rates(*self.sources.figures()))
            case "config":
                return as_json(200, dict(self.sources.settings()))
            case "verdict":
                return await self._doctor(60.0)
            case "doctor":
                return await self._doctor(5.0)
            case "history":
                return await self._asked("history", *_history_options(query), fresh=3.0)
            case "plan":
                return await self._asked("plan", fresh=60.0)
            case "explain":
                return await self._explain(request)
        return refused(404, "there is nothing at this path")

    async def _doctor(self, fresh: float) -> LocalResponse:
        if self._checks is None:
            self._checks = _fit(json.loads((await self.asker.ask("doctor", "--list")).body).get("checks", []))
        return await self._asked("doctor", "--only", ",".join(self._checks), fresh=fresh)

    async def _episode(self, name: str) -> LocalResponse:
        if not is_id(name):
            raise _Wrong("an episode's id is 4 to 16 hexadecimal digits")
        return await self._asked("history", "show", name, fresh=5.0, missing=404)

    async def _explain(self, request: LocalRequest) -> LocalResponse:
        if request.method != "POST":
            code = request.query.get("code", "")
            if not _CAUSE.fullmatch(code):
                raise _Wrong("POST a text, or GET with ?code= and a cause's code")
            return await self._asked("explain", code, fresh=3600.0)
        text = await request.read(TEXT)
        if text is None:
            return refused(413, f"a text may have {TEXT} bytes")
        if not text.strip():
            raise _Wrong("there is no text to explain")
        return await self._asked("explain", "--file", "-", text=text)

    async def _asked(self, verb: str, *arguments: str, missing: int = 400, **how: Any) -> LocalResponse:
        answer = await self.asker.ask(verb, *arguments, **how)
        # 1: Seawall itself failed, 2: it could not be used so; all others are the code of a cause, and an answer.
        status = {1: 503, 2: missing}.get(answer.code, 200)
        return LocalResponse(status, "application/json", answer.body)


class _Wrong(Exception):
    """What was asked cannot be meant; one line says why."""


def _fit(checks: list[dict[str, Any]]) -> tuple[str, ...]:
    """The checks that say the same whoever runs them, and cost nothing; in the order of the list, which has what a
    check needs before it.
    """
    found: list[str] = []
    left_out: set[str] = set()
    for one in checks:
        name, needs = str(one["id"]), set(one.get("needs", ()))
        if _NOT_THE_GATEWAYS.match(name) or one.get("cost") != "none" or needs & left_out:
            left_out.add(name)
        else:
            found.append(name)
    return tuple(found)


def _history_options(query: Mapping[str, str]) -> list[str]:
    options = []
    for name, shape in (("since", _SPAN), ("cause", _CAUSE), ("model", _FAMILY)):
        if (value := query.get(name)) is not None:
            if not shape.fullmatch(value):
                raise _Wrong(f"{name} is not of the shape that `seawall history --{name}` takes here")
            options += [f"--{name}", value]
    return options


def _file(name: str, status: int = 200) -> LocalResponse:
    path = _FILES / name
    kind = _KINDS[path.suffix]
    charset = "" if path.suffix == ".svg" else "; charset=utf-8"
    return LocalResponse(status, kind + charset, path.read_bytes(), list(_PAGE_HEADERS))
