"""Answers of the gateway's own, over real sockets: whole ones, ones that go on, bodies, and requests handed on."""

import asyncio
import socket
from collections.abc import AsyncGenerator

from ground import KEY, settings

from seawall.config import Config
from seawall.fake.app import FakeApi
from seawall.gateway.app import GatewayServer
from seawall.gateway.local import EPISODE, LocalHandler, LocalRequest, LocalResponse


async def _with(routes: dict[str, LocalHandler], ask: object) -> object:
    async with FakeApi(seed=1) as fake:
        server = GatewayServer(Config(gateway=settings(upstream=fake.url)), local_routes=routes)
        await server.start()
        try:
            return await ask(server.addresses[0][1])  # type: ignore[operator]
        finally:
            await server.stop()


async def _raw(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer


def _request(port: int, method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        f"host: 127.0.0.1:{port}",
        "connection: close",
        f"x-api-key: {KEY}",
        *headers,
    ]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_a_client_that_does_not_read_is_let_go() -> None:
    """What it does not take is not kept for it: the pieces end after what a socket holds, and are closed."""
    made, closed = 0, asyncio.Event()

    async def flood(request: LocalRequest) -> AsyncGenerator[bytes, None]:
        async def pieces() -> AsyncGenerator[bytes, None]:
            nonlocal made
            try:
                while True:
                    made += 1
                    yield b"x" * 65536
                    await asyncio.sleep(0)
            finally:
                closed.set()

        return pieces()

    async def ask(port: int) -> None:
        with socket.socket() as stuck:
            stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stuck.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(stuck, ("127.0.0.1", port))
            await loop.sock_sendall(stuck, _request(port, "GET", "/flood"))
            await asyncio.wait_for(closed.wait(), 30)

    asyncio.run(_with({"/flood": flood}, ask))
    assert made < 400  # 25 MB; what a kernel takes for a socket is below that


def test_a_body_is_read_within_its_bound() -> None:
    """Whole, or not at all."""

    async def length(request: LocalRequest) -> LocalResponse:
        body = await request.read(1000)
        return LocalResponse(200 if body is not None else 413, "text/plain", str(len(body or b"")).encode())

    async def ask(port: int) -> list[bytes]:
        # Of one that is too large the head alone is sent: it is refused by what it promises.
        too_large = _request(port, "POST", "/text", b"", "content-length: 1001")
        whole = [_request(port, "POST", "/text", b"x" * size) for size in (10, 1000)]
        return [await _raw(port, request) for request in (*whole, too_large)]

    answers = asyncio.run(_with({"/text": length}, ask))
    assert isinstance(answers, list)
    assert [one.split(b" ")[1] for one in answers] == [b"200", b"200", b"413"]
    assert answers[1].endswith(b"\r\n\r\n1000")


def test_the_route_of_episodes_goes_on() -> None:
    """An id follows, and whatever stands there is the route's to judge; nothing else is answered by its beginning."""
    seen = []

    async def episode(request: LocalRequest) -> LocalResponse:
        seen.append(request.path)
        return LocalResponse(200, "text/plain", b"")

    async def ask(port: int) -> None:
        for path in (EPISODE + "7f3a", EPISODE, EPISODE + "a/b", "/api/v1/episodesx"):
            await _raw(port, _request(port, "GET", path))

    asyncio.run(_with({EPISODE: episode}, ask))
    assert seen == [EPISODE + "7f3a", EPISODE, EPISODE + "a/b"]


def test_a_request_that_is_not_ours_after_all_is_carried_under_the_upstreams_rules() -> None:
    """None of a route hands it on with its body; with an origin of a web page it is refused as any other."""

    async def nothing(request: LocalRequest) -> None:
        return None

    async def ask(port: int) -> list[bytes]:
        return [
            await _raw(port, _request(port, "GET", "/")),
            await _raw(port, _request(port, "POST", "/", b"hello")),
            await _raw(port, _request(port, "GET", "/", b"", f"origin: http://127.0.0.1:{port}")),
        ]

    answers = asyncio.run(_with({"/": nothing}, ask))
    assert isinstance(answers, list)
    assert [one.split(b" ")[1] for one in answers] == [b"404", b"400", b"403"]  # as the API says itself
    assert b"not_found_error" in answers[0]


def test_origins_of_our_own_page_open_our_own_routes_only() -> None:
    """A browser names the page's own address with a POST; another port's, another host's, or none at all is refused."""

    async def fine(request: LocalRequest) -> LocalResponse:
        return LocalResponse(200, "text/plain", b"")

    async def ask(port: int) -> list[bytes]:
        origins = [f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}", "https://evil.example", "null"]
        return [await _raw(port, _request(port, "GET", "/own", b"", f"origin: {one}")) for one in origins]

    answers = asyncio.run(_with({"/own": fine}, ask))
    assert isinstance(answers, list)
    assert [one.split(b" ")[1] for one in answers] == [b"200", b"403", b"403", b"403"]
