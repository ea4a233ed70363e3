"""The way to a real upstream: TLS, a proxy with a password, certificates nobody trusts; and back-pressure both ways."""

import asyncio
import base64
import gc
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from dial_peers import ConnectProxy, expired, on_both_loops, server_context
from dial_peers import run as run_on
from ground import SOON, ask, check_whole, ground, hold, question, send, settings, until, upstream

from seawall.config import Config, Network
from seawall.fake.app import FakeApi
from seawall.gateway.app import GatewayServer
from seawall.store.rows import Attempt
from seawall.wire.sse import event

NAME = "api.example.test"
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture(autouse=True)
def sockets_of_the_other_side() -> Iterator[None]:
    """asyncio's own TLS server keeps the socket of a client that leaves in the middle of a handshake for a minute: it
    is dropped here, and not in a test that comes later. That our side closes its own: `tests/http/test_dial.py`."""
    yield
    gc.collect()


@on_both_loops
@pytest.mark.parametrize("proxied", [False, True], ids=["direct", "through a proxy"])
def test_tls_and_proxy(loop: str, proxied: bool, tmp_path: Path) -> None:
    """Calls are carried through failures over TLS with a root of one's own, straight or through a CONNECT proxy."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "root.pem"))
    context = server_context(ca.issue_cert(NAME, "localhost"), ["http/1.1"])

    async def run() -> None:
        proxy = ConnectProxy(authorization="Basic " + base64.b64encode(b"me:p@ss").decode())
        async with FakeApi(seed=1, tls=context) as fake, proxy.serving() as address:
            fake.script("overloaded", "reset", "error-event at=before-content")
            host = NAME if proxied else "localhost"
            network = Network(
                https_proxy=address.replace("http://", "http://me:p%40ss@") if proxied else "",
                ca_files=(str(tmp_path / "root.pem"),),
            )
            gateway = settings(upstream=f"https://{host}:{fake.port}")
            server = GatewayServer(Config(gateway=gateway, network=network))
            await server.start()
            port = server.addresses[0][1]
            check_whole(await ask(port, question()))
            check_whole(await ask(port, question("more nonce=m", stream=False)), "more nonce=m")
            assert len(fake.requests) == 5
            assert fake.requests[0].header("host") == f"{host}:{fake.port}"
            assert fake.requests[0].header("proxy-authorization") == ""
            assert bool(proxy.heads) is proxied
            await server.stop()

    run_on(loop, asyncio.wait_for(run(), 20))


@on_both_loops
def test_an_upstream_that_is_shown_no_certificate_is_told_of_at_once(loop: str, tmp_path: Path) -> None:
    """Nobody reads a call that came without one: it is neither held nor counted as billed, and the cause is named."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "root.pem"))
    context = server_context(ca.issue_cert("127.0.0.1"), ["http/1.1"])
    context.minimum_version = ssl.TLSVersion.TLSv1_3  # where a client hears of it after it has sent
    context.verify_mode = ssl.CERT_REQUIRED

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Not by asyncio's own TLS, which ends such a connection without the alert.
        came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(came, goes, server_side=True)
        while data := await reader.read(65536):
            came.write(data)
            try:
                tls.do_handshake()
            except ssl.SSLError:  # it wants to read more, or it has seen that there is no certificate
                writer.write(goes.read())
        writer.close()

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        rows: list[object] = []
        async with upstream(serve) as url:
            network = Network(ca_files=(str(tmp_path / "root.pem"),))
            gateway = settings(upstream=url.replace("http:", "https:"))
            server = GatewayServer(Config(gateway=gateway, network=network), sink=rows.append)
            await server.start()
            answer = await ask(server.addresses[0][1], question())
            assert (answer.status, answer.headers.get("x-seawall-cause")) == (503, "network.tls_other"), (
                answer
            )
            assert "client certificate" in answer.error["message"]
            assert "x-seawall-attempts" not in answer.headers
            await server.stop()
            [attempt] = [row for row in rows if isinstance(row, Attempt)]
            assert not attempt.maybe_billed

    run_on(loop, asyncio.wait_for(run(), 20))


@pytest.mark.parametrize(
    ("says", "held"), [("403 Forbidden", False), ("405 Method Not Allowed", False), ("502 Bad Gateway", True)]
)
def test_a_proxy_that_refuses_the_way_is_told_at_once(says: str, held: bool) -> None:
    """A proxy's rule does not pass; a fault of it may."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {says}\r\n\r\n".encode())
        await writer.drain()

    async def run() -> None:
        async with ConnectProxy(script).serving() as address:
            gateway = settings(upstream=f"https://{NAME}", hold=hold(longest=0.3))
            server = GatewayServer(Config(gateway=gateway, network=Network(https_proxy=address)))
            await server.start()
            answer = await ask(server.addresses[0][1], question())
            assert answer.status == 503
            assert answer.headers["x-seawall-cause"] == "network.proxy_failed"
            assert says[:3] in answer.error["message"]
            assert (int(answer.headers.get("x-seawall-attempts", "1")) > 1) is held
            await server.stop()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("trouble", "cause"), [("unknown root", "network.tls_untrusted_ca"), ("expired", "network.tls_expired")]
)
def test_a_certificate_that_nobody_trusts_is_told_at_once(trouble: str, cause: str, tmp_path: Path) -> None:
    """No hold helps against a certificate: the client is told, by its cause, and nothing was sent."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "root.pem"))
    cert = expired(ca, "localhost") if trouble == "expired" else trustme.CA().issue_cert("localhost")

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        async with FakeApi(seed=1, tls=server_context(cert)) as fake:
            gateway = settings(upstream=f"https://localhost:{fake.port}")
            network = Network(ca_files=(str(tmp_path / "root.pem"),))
            server = GatewayServer(Config(gateway=gateway, network=network))
            await server.start()
            answer = await ask(server.addresses[0][1], question())
            assert (answer.status, answer.error["type"]) == (503, "api_error")
            assert answer.headers["x-seawall-cause"] == cause
            assert not fake.requests
            await server.stop()

    asyncio.run(asyncio.wait_for(run(), 20))


@on_both_loops
def test_an_upstream_that_demands_a_certificate(loop: str, tmp_path: Path) -> None:
    """It is shown the one that is set, on every connection, and calls are carried."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "root.pem"))
    own = ca.issue_cert("client.example")
    own.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "own.pem"))
    context = server_context(ca.issue_cert("localhost"), ["http/1.1"])
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED

    async def run() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        async with FakeApi(seed=1, tls=context) as fake:
            gateway = settings(upstream=f"https://localhost:{fake.port}")
            network = Network(ca_files=(str(tmp_path / "root.pem"),), client_cert=str(tmp_path / "own.pem"))
            server = GatewayServer(Config(gateway=gateway, network=network))
            await server.start()
            fake.script("reset")  # the next attempt needs another connection
            check_whole(await ask(server.addresses[0][1], question()))
            assert len(fake.requests) == 2
            pool = server._pool
            assert pool is not None
            # A handshake that stops half-way leaves the other side its socket.
            await until(lambda: pool._warming is None)
            await server.stop()

    run_on(loop, asyncio.wait_for(run(), 20))


def test_a_slow_client_slows_the_upstream() -> None:
    """What a client does not read is not fetched for it: an endless answer is taken only a few buffers far."""
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: x/y\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65536)
                sent += 65536
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def run() -> None:
        async with upstream(flood) as url, ground(upstream=url) as g:
            _, writer = await asyncio.open_connection("127.0.0.1", g.port, limit=1)
            await send(writer, g.port, method="GET", path="/v1/files/f/content")
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.2)
            assert 0 < sent < 32 * 1024 * 1024
            writer.transport.abort()

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_client_that_does_not_read_is_not_an_upstreams_silence() -> None:
    """A stream that is kept back on the client's behalf is not broken off as one from which nothing comes."""
    delta = event("content_block_delta", b'{"type":"content_block_delta","x":"%b"}' % (b"x" * 65536))
    begin = event("message_start", b'{"type":"message_start"}') + event("content_block_start", b"{}")
    whole = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + begin)
        while not whole.is_set():
            writer.write(delta)
            await writer.drain()
        writer.write(event("message_stop", b'{"type":"message_stop"}'))
        writer.close()

    async def run() -> None:
        async with upstream(flood) as url, ground(upstream=url, idle=replace(SOON, after_content=0.05)) as g:
            reader, writer = await asyncio.open_connection("127.0.0.1", g.port, limit=1)
            await send(writer, g.port, question())
            await until(lambda: any(one._attempt for one in g.gateway._exchanges))
            [exchange] = g.gateway._exchanges
            assert exchange._attempt is not None
            connection = exchange._attempt._connection
            assert connection is not None
            loop = asyncio.get_running_loop()
            await until(lambda: connection.paused and loop.time() - connection.last_byte_at > 0.25)
            whole.set()
            end = b""
            while b"event: message_stop" not in end and (piece := await reader.read(1 << 20)):
                end = (end + piece)[-1000:]
            assert b"event: message_stop" in end
            assert not g.attempts
            writer.close()

    asyncio.run(asyncio.wait_for(run(), 60))


def test_a_slow_upstream_slows_the_client() -> None:
    """A body that streams through is read no faster than it is taken."""
    began = asyncio.Event()

    async def stuck(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            writer.transport.abort()

    async def run() -> None:
        async with upstream(stuck) as url, ground(upstream=url) as g:
            _, writer = await asyncio.open_connection("127.0.0.1", g.port)
            size = 200 * 1024 * 1024
            await send(writer, g.port, path="/v1/files", headers={"content-length": str(size)})
            await began.wait()
            piece, written = b"x" * 1_000_000, 0
            try:
                while written < size:
                    writer.write(piece)
                    await asyncio.wait_for(writer.drain(), 0.5)
                    written += len(piece)
            except TimeoutError:
                pass
            assert written < 64 * 1024 * 1024
            writer.transport.abort()

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_large_body_passes_in_both_framings() -> None:
    """Twenty megabytes go through to any path but messages, counted or in chunks, byte for byte."""

    async def run() -> None:
        async with ground() as g:
            body = bytes(range(256)) * 80_000
            counted = await g.ask(body, path="/v1/files")
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(body[a : a + 70_001]), body[a : a + 70_001])
                              for a in range(0, len(body), 70_001)) + b"0\r\n\r\n"  # fmt: skip
            chunked = await g.ask(
                chunks,
                path="/v1/files",
                headers={"transfer-encoding": "chunked"},
                without=("content-length",),
            )
            assert (counted.status, chunked.status) == (404, 404)
            assert [seen.body_size for seen in g.fake.requests] == [len(body), len(body)]
            assert len({seen.body_hash for seen in g.fake.requests}) == 1

    asyncio.run(asyncio.wait_for(run(), 30))


def test_memory_for_bodies_is_one_account() -> None:
    """Bodies under way count from their first byte: together they never exceed what may be held."""

    async def run() -> None:
        sizes = replace(settings().sizes, held=5_000, body=4_000)
        async with ground("hang at=before-headers seconds=0.3", sizes=sizes, hold=hold()) as g:
            first = asyncio.create_task(g.ask(question("x" * 3000 + " nonce=a")))
            while not g.sent():
                await asyncio.sleep(0.005)
            refused = await g.ask(question("y" * 3000 + " nonce=b"))
            assert (refused.status, refused.headers["x-seawall-cause"]) == (503, "seawall.memory_full")
            chunked = await g.ask(
                b"5\r\nhello\r\n",
                headers={"transfer-encoding": "chunked"},
                without=("content-length",),
            )
            assert chunked.status == 503
            assert (await first).status == 200
            g.at_rest()

    asyncio.run(asyncio.wait_for(run(), 20))


def test_a_heads_length_is_the_upstreams() -> None:
    """An answer to HEAD has no body and keeps the length that GET would have had."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n")
        await reader.read()
        writer.close()

    async def run() -> None:
        async with upstream(serve) as url, ground(upstream=url) as g:
            answer = await g.ask(b"", method="HEAD", path="/v1/models")
            assert (answer.status, answer.headers["content-length"], answer.body) == (200, "1234", b"")
            assert answer.whole

    asyncio.run(asyncio.wait_for(run(), 10))
