"""The faulty API: a real HTTP/1.1 server that answers like the Messages API, and wrongly on purpose."""

import asyncio
import hashlib
import socket
import ssl
import uuid
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from seawall.clock import Clock, SystemClock
from seawall.fake import content, status_page
from seawall.fake.answer import Answer, Data, Step
from seawall.fake.capacity import Capacity
from seawall.fake.connection import BadHttp, Connection, Delivery, Pace, Request, decoded
from seawall.fake.content import Asked, BadRequest
from seawall.fake.faults import Context, acceleration, plan_limit, status
from seawall.fake.limits import Lane, Limited, Limits, Plan
from seawall.fake.scenario import MESSAGES, Scenario, Script
from seawall.fake.script import Fault, as_faults

KEPT_BODY: Final = 1024 * 1024
KEPT_BODIES: Final = 64 * 1024 * 1024
KEPT_REQUESTS: Final = 20_000
KEPT_CALLS: Final = 100_000


@dataclass(slots=True)
class Seen:
    """One request that came, and what became of it."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    """At most the first 1 MB."""
    body_size: int
    body_hash: str
    at: float
    """Wall time, seconds since 1970."""
    since_start: float
    """Model seconds since the server started."""
    connection: int
    attempt: int
    """From 1: how often this path was called with this body."""
    request_id: str
    fault: str = ""
    """The script of the fault, `capacity`, `limit`, or empty for a right answer."""
    status: int = 0
    """The status that was sent; 0 if the client got none."""
    done: bool = False
    """The answer was written to its end, or to the end that the fault gave it."""
    client_gone: bool = False
    """The client went away before that."""
    ended: float | None = None
    """Model seconds since the start when the answer was over, however."""
    admitted: float | None = None
    """Model seconds since the start when limits and capacity let it in; None: they did not, or were not asked."""
    input_tokens: int = 0

    def header(self, name: str) -> str:
        """The first header of this name (lower case), else an empty text."""
        return next((v for n, v in self.headers if n == name), "")


def _nothing(_: Seen) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told of each request as it goes on; then none is kept in `requests`."""

    admitted: Callable[[Seen], None] = _nothing
    over: Callable[[Seen], None] = _nothing


@dataclass(frozen=True, slots=True)
class Stats:
    """What was answered so far, and what is going on now."""

    requests: int
    by_status: dict[int, int]
    by_fault: dict[str, int]
    running: int
    """Answers being written."""
    most_running: int
    connections: int
    clients_gone: int


class FakeApi:
    """The server. `await start()`, aim a client at `url`, look at `requests`, `await stop()`."""

    def __init__(
        self,
        scenario: Scenario | None = None,
        *,
        seed: int | None = None,
        clock: Clock | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        watch: Watch | None = None,
        sure: frozenset[str] = frozenset(),
    ) -> None:
        self.scenario = scenario or Scenario()
        self.seed = next(s for s in (seed, self.scenario.seed, 1) if s is not None)
        self.clock = clock or SystemClock()
        self.host, self.port = host, port
        self.tls = tls
        self._watch = watch
        self._sure = sure
        """Credentials that the capacity always lets in, and counts: those of a scheduler that knows it."""
        self.requests: list[Seen] = []
        self._started = self.clock.now()
        self._script = Script(self.scenario.rules, self.seed)
        self._next: deque[tuple[Fault, ...]] = deque()
        self._limits = Limits(self.scenario.limits)
        model = self.scenario.capacity
        self.capacity = Capacity(model, self.seed) if model else None
        self._calls: OrderedDict[bytes, int] = OrderedDict()
        self._kept = 0
        self._counts: Counter[str] = Counter()
        self._by_status: Counter[int] = Counter()
        self._by_fault: Counter[str] = Counter()
        self._running = self._most_running = 0
        self._connections: dict[int, Connection] = {}
        self._server: asyncio.Server | None = None
        self._holder: socket.socket | None = None
        self._closings = 0
        self._tasks: set[asyncio.Task[None]] = set()

    # ---- starting and stopping --------------------------------------------------------------------

    async def start(self) -> None:
        """Listen; raises OSError where the port cannot be had."""
        self._started = self.clock.now()
        await self._listen(_bound(self.host, self.port))
        for rule in self.scenario.rules:
            if rule.closes_listener:
                self._spawn(self._refuse_between(rule.begin, rule.end))

    def begin(self) -> None:
        """The scenario begins now: for who had to know the port before. Only before the first request."""
        self._started = self.clock.now()

    async def stop(self) -> None:
        """Close everything at once; nothing is left running."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if self._server is not None:
            self._server.close()
        ended = [c.cancel() for c in list(self._connections.values())]
        await asyncio.gather(*tasks, *[t for t in ended if t is not None], return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None
        if self._holder is not None:
            self._holder.close()
            self._holder = None
        await asyncio.sleep(0)  # transports that were aborted say goodbye in the next round

    async def __aenter__(self) -> "FakeApi":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """The base address for a client."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    async def _listen(self, sock: socket.socket) -> None:
        self.port = sock.getsockname()[1]
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._connected, sock=sock, backlog=2048, ssl=self.tls)
        except BaseException:
            sock.close()
            raise

    def _connected(self) -> Connection:
        self._counts["connections"] += 1
        return Connection(self._counts["connections"], self._serve)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ---- a closed listener ------------------------------------------------------------------------

    async def _refuse_between(self, begin: float, end: float) -> None:
        await self._until(begin)
        await self._refuse(end)

    async def _until(self, moment: float) -> None:
        """Wait until this model second by the clock that was passed in, looking at it now and then."""
        while (left := moment - self.now()) > 0:  # noqa: ASYNC110 - a clock moved by hand sets no event
            await asyncio.sleep(min(0.05, left / self.scenario.factor))

    async def _refuse(self, until: float) -> None:
        """Close the listener and reset idle connections until this model second."""
        self._closings += 1
        try:
            if self._closings == 1:
                assert self._server is not None
                self._server.close()
                # Bound but not listening: connections are refused, and nobody else takes the port.
                self._holder = await self._bound_again()
                for connection in list(self._connections.values()):
                    if not connection.busy:
                        connection.end(reset=True)
            await self._until(until)
        finally:
            self._closings -= 1
        if self._closings == 0:
            if self._holder is not None:
                self._holder.close()
                self._holder = None
            await self._listen(await self._bound_again())

    async def _bound_again(self) -> socket.socket:
        """The port, as soon as the loop has closed the socket that had it."""
        while True:
            await asyncio.sleep(0)
            try:
                return _bound(self.host, self.port)
            except OSError:
                await asyncio.sleep(0.01)

    # ---- what tests ask ---------------------------------------------------------------------------

    def script(self, *faults: str | Fault | tuple[Fault, ...]) -> None:
        """The next requests to POST /v1/messages get these, in order; then the scenario goes on.

        Each is a line such as `"status code=529 retry-after=1"`, `"ok"`, or `"encoded + cut at=in-block"`.
        """
        self._next.extend([as_faults(f) for f in faults])

    def stats(self) -> Stats:
        """Counts by fault and status, and what is running now."""
        return Stats(
            requests=self._counts["requests"],
            by_status=dict(self._by_status),
            by_fault=dict(self._by_fault),
            running=self._running,
            most_running=self._most_running,
            connections=len(self._connections),
            clients_gone=self._counts["gone"],
        )

    def lane(self, credential: str, limited_as: str) -> Lane:
        """The limits of this credential for these models, as they stand."""
        return self._limits.lane(_organization(credential), limited_as, self.now())

    def now(self) -> float:
        """Model seconds since the start."""
        return (self.clock.now() - self._started) * self.scenario.factor

    # ---- one connection ---------------------------------------------------------------------------

    async def _serve(self, connection: Connection) -> None:
        self._connections[connection.number] = connection
        try:
            while (request := await connection.next_request()) is not None:
                if not await self._answer(connection, request):
                    break
                connection.ready_for_next()
        except BadHttp as error:
            self._by_fault["not HTTP"] += 1
            answer = self._error(error.status, f"The request is not valid HTTP: {error}", "req_none")
            request = Request("GET", "", (), b"", keep_alive=False)
            await connection.deliver(answer, request, Delivery(), self._pace(loaded=False))
        except asyncio.CancelledError:
            pass  # the client went away, or the server stops: nobody waits for this task's result
        finally:
            self._connections.pop(connection.number, None)
            if not connection.gone:
                connection.transport.close()

    async def _answer(self, connection: Connection, request: Request) -> bool:
        seen = self._note(connection, request)
        try:
            answer, loaded = await self._decide(request, seen)
            if answer.refuse is not None:
                self._spawn(self._refuse(self.now() + answer.refuse.seconds))
            self._running += 1
            self._most_running = max(self._most_running, self._running)

            def began() -> None:
                seen.status = answer.status

            delivery = Delivery(began, lambda: self._over(seen, done=True))
            try:
                return await connection.deliver(answer, request, delivery, self._pace(loaded=loaded))
            finally:
                self._running -= 1
                if loaded:
                    assert self.capacity is not None
                    self.capacity.leave(self.now())
        finally:
            self._over(seen, done=False, gone=connection.gone)

    def _over(self, seen: Seen, *, done: bool, gone: bool = False) -> None:
        """Count an answer, once: written to its end, or broken off."""
        if seen.ended is not None:
            return
        seen.ended = self.now()
        seen.done, seen.client_gone = done, gone
        self._counts["gone"] += gone
        self._by_status[seen.status] += 1
        if seen.fault:
            self._by_fault[seen.fault] += 1
        if self._watch is not None:
            self._watch.over(seen)

    def _pace(self, *, loaded: bool) -> Pace:
        capacity = self.capacity
        if loaded and capacity is not None:
            return Pace(
                self.scenario.factor,
                lambda: capacity.worked(self.now()),
                lambda: capacity.speed(self.now()),
            )
        return Pace(self.scenario.factor, self.now, lambda: 1.0)

    def _note(self, connection: Connection, request: Request) -> Seen:
        path = request.target.partition("?")[0]
        digest = hashlib.sha256(request.body)
        key = hashlib.sha256(path.encode() + b"\0" + digest.digest()).digest()[:16]
        attempt = self._calls[key] = self._calls.pop(key, 0) + 1
        if len(self._calls) > KEPT_CALLS:
            self._calls.popitem(last=False)
        self._counts["requests"] += 1
        seen = Seen(
            method=request.method,
            target=request.target,
            headers=request.headers,
            body=request.body[:KEPT_BODY],
            body_size=len(request.body),
            body_hash=digest.hexdigest(),
            at=self.clock.wall(),
            since_start=self.now(),
            connection=connection.number,
            attempt=attempt,
            request_id=self._ident("req_011", self._counts["requests"]),
        )
        if self._watch is not None:
            return seen
        self.requests.append(seen)
        self._kept += len(seen.body)
        while len(self.requests) > KEPT_REQUESTS or self._kept > KEPT_BODIES:
            self._kept -= len(self.requests.pop(0).body)
        return seen

    def _ident(self, prefix: str, *parts: object) -> str:
        drawn = hashlib.sha256(":".join(map(str, (self.seed, prefix, *parts))).encode()).hexdigest()
        return prefix + drawn[:21]

    # ---- one request ------------------------------------------------------------------------------

    async def _decide(self, request: Request, seen: Seen) -> tuple[Answer, bool]:
        """The answer, and whether it runs on the capacity model (and must give its slot back)."""
        path = unquote(request.target.partition("?")[0])
        if path == "/api/hello":
            right = Answer(headers=(("content-type", "application/json"),), steps=(Data(b"{}"),))
            return self._faulty(right, Asked(request.method, path), request, seen), False
        if (page := status_page.body(path, self.scenario.notices, self.now(), self.clock.wall())) is not None:
            date = ("date", formatdate(self.clock.wall(), usegmt=True))
            return Answer(headers=(date, _JSON), steps=(Data(page),)), False
        if (refusal := self._unauthorized(request)) is not None:
            return self._error(refusal[0], refusal[1], seen.request_id), False
        if path == MESSAGES and request.method == "POST":
            return await self._messages(request, seen)
        return self._other(path, request, seen), False

    def _unauthorized(self, request: Request) -> tuple[int, str] | None:
        credential = _credential(request)
        if not credential:
            return 401, "x-api-key header is required"
        if not credential.startswith("sk-ant-"):
            return 401, "invalid x-api-key"
        if request.too_large:
            return 413, "Request exceeds the maximum size"
        if not request.header("anthropic-version") and request.method == "POST":
            return 400, "anthropic-version: header is required"
        return None

    def _other(self, path: str, request: Request, seen: Seen) -> Answer:
        asked = Asked(request.method, path)
        headers = self._base_headers(request, seen)
        if path == MESSAGES + "/count_tokens" and request.method == "POST":
            try:
                asked = content.read_messages(_plain(request), path, counting=True)
            except BadRequest as error:
                return self._error(400, str(error), seen.request_id, headers)
            value: Any = {"input_tokens": asked.input_tokens}
        elif path == "/v1/models" and request.method in ("GET", "HEAD"):
            names = content.MODELS
            value = {"data": [content.model_object(n) for n in names], "has_more": False}
            value |= {"first_id": names[0], "last_id": names[-1]}
        elif path.startswith("/v1/models/") and request.method in ("GET", "HEAD"):
            name = path.removeprefix("/v1/models/")
            if name not in content.MODELS:
                return self._error(404, f"model: {name}", seen.request_id, headers)
            value = content.model_object(name)
        elif path in (MESSAGES, MESSAGES + "/count_tokens", "/v1/models"):
            return self._error(405, "Method Not Allowed", seen.request_id, headers)
        else:
            return self._error(404, "Not Found", seen.request_id, headers)
        right = Answer(headers=(*headers, _JSON), steps=(Data(msgspec.json.encode(value)),))
        return self._faulty(right, asked, request, seen)

    async def _messages(self, request: Request, seen: Seen) -> tuple[Answer, bool]:
        base = self._base_headers(request, seen)
        try:
            asked = content.read_messages(_plain(request), MESSAGES)
        except BadRequest as error:
            return self._error(400, str(error), seen.request_id, base), False
        if not asked.model.startswith("claude"):
            return self._error(404, f"model: {asked.model}", seen.request_id, base), False
        credential = _credential(request)
        account = _organization(credential)
        seen.input_tokens = asked.input_tokens
        lane = self._limits.lane(account, asked.limited_as, self.now())
        plan = self._limits.plan(account, self.now()) if credential.startswith("sk-ant-oat") else None
        meter: Lane | Plan = plan or lane
        limited = meter.take(self.now(), asked.input_tokens)
        if limited is not None:
            seen.fault = "limit"
            return await self._limited(limited, asked, meter, base, seen), False
        if self.capacity is not None and (
            code := self.capacity.arrive(self.now(), sure=credential in self._sure)
        ):
            seen.fault = "capacity"
            await asyncio.sleep(self.capacity.refusal_delay() / self.scenario.factor)
            return status(Answer(headers=tuple(base)), asked, self._context(seen), code=code), False
        seen.admitted = self.now()
        if self._watch is not None:
            self._watch.admitted(seen)
        try:
            return self._admitted(asked, meter, base, seen), self.capacity is not None
        except BaseException:
            if self.capacity is not None:
                self.capacity.leave(self.now())
            raise

    def _admitted(self, asked: Asked, meter: Lane | Plan, base: list[tuple[str, str]], seen: Seen) -> Answer:
        faults = self._choose(asked, seen)
        if any(f.needs_tool for f in faults):
            asked = replace(asked, blocks=(*(asked.blocks or self.scenario.answer.blocks), "tool"))
        right = self._right(asked, meter, base)
        for fault in faults:
            right = fault.apply(right, asked, self._context(seen))
        return right

    async def _limited(
        self, limited: Limited, asked: Asked, meter: Lane | Plan, base: list[tuple[str, str]], seen: Seen
    ) -> Answer:
        if self.capacity is not None:
            self.capacity.refuse()
            await asyncio.sleep(self.capacity.refusal_delay() / self.scenario.factor)
        empty, context = Answer(headers=tuple(base)), self._context(seen)
        headers = meter.headers(self.now(), self.clock.wall(), self.scenario.factor)
        match limited.kind:
            case "plan":
                answer = plan_limit(empty, asked, context, resets_in=limited.retry_after)
                extra = dict(answer.headers) | dict(headers)
                return replace(answer, headers=tuple(extra.items()))
            case "acceleration":
                answer = acceleration(empty, asked, context, retry_after=limited.retry_after)
            case _:
                says = (
                    f"This request would exceed your organization's rate limit ({limited.kind} per minute)."
                )
                answer = status(
                    empty, asked, context, code=429, message=says, retry_after=limited.retry_after
                )
        return answer.with_headers(*headers)

    def _right(self, asked: Asked, meter: Lane | Plan, base: list[tuple[str, str]]) -> Answer:
        shape = self.scenario.answer
        words = shape.words if asked.words is None else asked.words
        blocks = content.blocks_of(asked, shape.blocks, words, self.seed)
        output = content.output_tokens(asked, blocks)
        if isinstance(meter, Plan):
            meter.spend(output)
        else:
            meter.output.take(output)
        headers = (*base, *meter.headers(self.now(), self.clock.wall(), self.scenario.factor))
        ident = self._ident("msg_01", asked.nonce, self._counts["requests"])
        first, seconds = shape.draw(asked, self.seed)
        if not asked.stream:
            payload = msgspec.json.encode(content.message_of(asked, blocks, ident))
            return Answer(headers=(*headers, _JSON), steps=(Data(payload, wait=first + seconds),))
        events = content.events_of(asked, blocks, ident, shape.words_each)
        steps = _paced(events, seconds, shape.ping_s)
        return Answer(headers=(*headers, *_STREAM), steps=steps, framing="chunked", head_wait=first)

    def _faulty(self, right: Answer, asked: Asked, request: Request, seen: Seen) -> Answer:
        """A right answer of a path beside /v1/messages, with the faults that rules name for that path."""
        for fault in self._choose(asked, seen):
            right = fault.apply(right, asked, self._context(seen))
        return right

    def _choose(self, asked: Asked, seen: Seen) -> tuple[Fault, ...]:
        if asked.path == MESSAGES and self._next:
            faults = self._next.popleft()
        else:
            faults = self._script.choose(asked, seen.body_hash, seen.attempt, self.now())
        seen.fault = " + ".join(map(str, faults))
        return faults

    def _context(self, seen: Seen) -> Context:
        return Context(self.clock.wall(), self.scenario.factor, seen.request_id)

    def _base_headers(self, request: Request, seen: Seen) -> list[tuple[str, str]]:
        return [
            ("date", formatdate(self.clock.wall(), usegmt=True)),
            ("request-id", seen.request_id),
            ("anthropic-organization-id", _organization(_credential(request))),
        ]

    def _error(
        self, code: int, message: str, request_id: str, headers: list[tuple[str, str]] | None = None
    ) -> Answer:
        date = formatdate(self.clock.wall(), usegmt=True)
        known = headers if headers is not None else [("date", date), ("request-id", request_id)]
        context = Context(self.clock.wall(), self.scenario.factor, request_id)
        return status(Answer(headers=tuple(known)), Asked("", ""), context, code=code, message=message)


_JSON: Final = ("content-type", "application/json")
_STREAM: Final = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))


def _paced(events: list[content.Event], seconds: float, ping_s: float) -> tuple[Step, ...]:
    """The events over time: those up to the first block's begin with the head, the last `seconds` later.

    Longer gaps are filled with pings.
    """
    at_once = next(n for n, event in enumerate(events) if event.place == "before")
    gap = seconds / (len(events) - 1 - at_once)
    steps: list[Step] = []
    for index, event in enumerate(events):
        wait = 0.0 if index <= at_once else gap
        while ping_s and wait > ping_s:
            steps.append(Data(content.PING, wait=ping_s))
            wait -= ping_s
        steps.append(Data(event.encode(), wait=wait, place=event.place))
    return tuple(steps)


def _credential(request: Request) -> str:
    """The key or token of a request; an empty text where there is none."""
    if key := request.header("x-api-key"):
        return key.strip()
    scheme, _, token = request.header("authorization").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _organization(credential: str) -> str:
    """The id of whose account a credential is: the same for the same credential."""
    return str(uuid.UUID(bytes=hashlib.sha256(credential.encode()).digest()[:16], version=4))


def _plain(request: Request) -> bytes:
    body = decoded(request.body, request.header("content-encoding").strip().lower())
    if body is None:
        raise BadRequest(
            "The request body's content-encoding is not supported, or the body does not match it"
        )
    return body


def _bound(host: str, port: int) -> socket.socket:
    """A TCP socket bound to this address; raises OSError."""
    family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    sock = socket.socket(family, kind, proto)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock
