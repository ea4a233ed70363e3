"""A gateway before a faulty API, and a client that reads its answers strictly, byte for byte."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import h11

from seawall.config import Backoff, Config, Gateway, Hold, Idle, Network, Team
from seawall.fake.app import FakeApi
from seawall.fake.content import verify_answer
from seawall.fake.scenario import Scenario
from seawall.gateway.app import GatewayServer
from seawall.http.dial import DialError
from seawall.settings import accelerated
from seawall.store.rows import Attempt
from seawall.wire.sse import events, name_and_data

KEY = "sk-ant-api03-" + "k" * 40
QUICK = Backoff(first=0.01, most=0.02, throttle_first=0.02, throttle_most=0.3)
LAW = accelerated(Config(), 200).gateway
SOON = Idle(tick=0.01, drain=2.0, connect=2.0)


@dataclass
class Answer:
    """What a client was sent."""

    status: int
    headers: dict[str, str]
    body: bytes
    whole: bool
    """It ended as HTTP says an answer ends."""
    interims: list[int] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The names of the stream's events."""
        return [name_and_data(one)[0].decode() for one in events(self.body)]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The text of the answer, streamed or not."""
        if not self.headers.get("content-type", "").startswith("text/event-stream"):
            return "".join(block.get("text", "") for block in self.json["content"])
        named = [name_and_data(one) for one in events(self.body)]
        found = [json.loads(data) for name, data in named if name]
        return "".join(one["delta"].get("text", "") for one in found if one["type"] == "content_block_delta")

    @property
    def error(self) -> dict[str, Any]:
        """The error object of the body, or of the stream's error event."""
        if self.headers.get("content-type", "").startswith("text/event-stream"):
            *_, last = events(self.body)
            name, data = name_and_data(last)
            assert name == b"error", last
            return json.loads(data)["error"]
        return self.json["error"]


@dataclass
class Ground:
    """Where a test takes place."""

    fake: FakeApi
    gateway: GatewayServer
    rows: list[Any]

    @property
    def port(self) -> int:
        return self.gateway.addresses[0][1]

    @property
    def attempts(self) -> list[Attempt]:
        return [row for row in self.rows if isinstance(row, Attempt)]

    def sent(self) -> int:
        """Requests that reached the API."""
        return len(self.fake.requests)

    async def ask(self, body: bytes | None = None, **more: Any) -> Answer:
        return await ask(self.port, question() if body is None else body, **more)

    def at_rest(self) -> None:
        """Nothing is under way and nothing was leaked."""
        status = self.gateway.status()
        assert (status["running"], status["queued"]) == (0, 0)
        assert self.gateway._admission.in_flight == 0
        assert self.gateway._memory.used == 0


def settings(**changes: Any) -> Gateway:
    """Quick settings for tests, with changes."""
    law = {name: getattr(LAW, name) for name in ("limiter", "breaker", "pacer", "queue", "budget")}
    return replace(Gateway(listen="127.0.0.1:0", backoff=QUICK, idle=SOON, **law), **changes)


@asynccontextmanager
async def ground(
    *faults: str,
    scenario: Scenario | None = None,
    team: str = "",
    clock: Any = None,
    warm: bool = True,
    **changes: Any,
) -> AsyncIterator[Ground]:
    """A gateway before a faulty API that gives the first calls `faults`; `warm`: with a connection to it, as nearly
    always: then the first attempt goes at once."""
    rows: list[Any] = []
    async with FakeApi(scenario, seed=1) as fake:
        fake.script(*faults)
        gateway = settings(**{"upstream": fake.url, **changes})
        config = Config(gateway=gateway, network=Network(), team=Team(team))
        server = GatewayServer(config, rng=random.Random(1), sink=rows.append, clock=clock)
        await server.start()
        if warm:
            await keep_connection(server)
        try:
            yield Ground(fake, server, rows)
        finally:
            await server.stop()


async def keep_connection(server: GatewayServer) -> None:
    """Open a connection to the upstream ahead of need, if there is anybody."""
    pool = server._pool
    assert pool is not None
    try:
        pool._release(await pool._dial(), True)
    except DialError:
        pass


def question(text: str = "hello nonce=abc", *, stream: bool = True, **more: Any) -> bytes:
    """The body of a messages request."""
    fields = {"model": "claude-sonnet-5", "max_tokens": 100, "stream": stream}
    return json.dumps({**fields, "messages": [{"role": "user", "content": text}], **more}).encode()


def check_whole(answer: Answer, text: str = "hello nonce=abc") -> None:
    """The answer is the whole right one."""
    assert (answer.status, answer.whole) == (200, True), answer
    assert verify_answer(answer.text, text) is None


async def ask(
    port: int,
    body: bytes = b"",
    *,
    method: str = "POST",
    path: str = "/v1/messages",
    headers: dict[str, str] | None = None,
    without: tuple[str, ...] = (),
    host: str = "127.0.0.1",
) -> Answer:
    """Send one request and read its answer to the end."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        await send(writer, port, body, method=method, path=path, headers=headers, without=without)
        return await read_answer(reader, method)
    finally:
        writer.close()


async def send(
    writer: asyncio.StreamWriter,
    port: int,
    body: bytes = b"",
    *,
    method: str = "POST",
    path: str = "/v1/messages",
    headers: dict[str, str] | None = None,
    without: tuple[str, ...] = (),
) -> None:
    """Write one request."""
    lines = {"host": f"127.0.0.1:{port}", "x-api-key": KEY, "anthropic-version": "2023-06-01"}
    lines |= {"content-type": "application/json", **(headers or {})}
    if body or method == "POST":
        lines.setdefault("content-length", str(len(body)))
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if name not in without)
    writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
    await writer.drain()


async def read_answer(reader: asyncio.StreamReader, method: str = "POST") -> Answer:
    """Read one answer, judged by h11."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    connection.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    answer = Answer(0, {}, b"", False)
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            return answer
        match event:
            case h11.NEED_DATA:
                try:
                    connection.receive_data(await reader.read(65536))
                except ConnectionError:
                    return answer
            case h11.InformationalResponse():
                answer.interims.append(event.status_code)
            case h11.Response():
                answer.status = event.status_code
                answer.headers = {name.decode(): value.decode() for name, value in event.headers}
            case h11.Data():
                answer.body += bytes(event.data)
            case h11.EndOfMessage():
                answer.whole = True
                return answer
            case _:
                return answer


async def until(true: Callable[[], bool]) -> None:
    """Until something has come true; a test that waits for a moment instead fails on a slow machine."""
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.002)


@asynccontextmanager
async def upstream(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """An upstream that does to each connection what `serve` says, and closes it then; its address."""
    tasks: set[asyncio.Task[None] | None] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # it was opened ahead of need, or its gateway has left
        finally:
            writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            if task is not None:
                task.cancel()
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)


def hold(**changes: Any) -> Hold:
    """The hold's settings with changes."""
    return replace(Hold(), **changes)
