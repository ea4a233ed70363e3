"""Dialling: addresses raced, tunnels opened, TLS agreed on, and nothing left open when it fails."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable

import pytest
import trustme
from dial_peers import (
    Client,
    ConnectProxy,
    Echo,
    Says,
    expired,
    free_port,
    hanging_port,
    leaves_nothing_open,
    listening,
    not_yet,
    on_both_loops,
    resolve_to,
    run,
    server_context,
    speaks,
)

from seawall.causes.evidence import Fault
from seawall.config import Network
from seawall.http import dial as dial_module
from seawall.http.dial import DialError, Stage, dial, translate
from seawall.http.proxy import ProxyAddress
from seawall.origin import Origin

NAME = "api.test"
LONG = 20.0
"""A limit that no test comes near."""
SHORT = 0.3
"""A limit that a test waits for."""


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def network(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Network:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return Network(ca_files=(str(path),))


def through(network: Network, proxy: str) -> Network:
    return Network(https_proxy=proxy, ca_files=network.ca_files)


async def refused(origin: Origin, network: Network, fault: Fault, *, timeout: float = LONG) -> str:
    """Expect this fault, and nothing left open; the sentence."""
    async with leaves_nothing_open():
        with pytest.raises(DialError) as raised:
            await dial(origin, network, Client, timeout=timeout)
    assert raised.value.fault is fault, raised.value.text
    assert raised.value.text[-1] not in ".;:"
    assert "\n" not in raised.value.text
    return raised.value.text


# Straight


@on_both_loops
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_plain_http(loop: str, host: str) -> None:
    """An http origin on this machine is reached, and a proxy for http is not asked."""

    async def work() -> None:
        async with (
            listening(host=host if host != "localhost" else "127.0.0.1") as port,
            leaves_nothing_open(),
        ):
            network = Network(http_proxy=f"http://127.0.0.1:{free_port()}")
            await speaks(*await dial(Origin("http", host, port), network, Client, timeout=LONG))

    run(loop, work())


@on_both_loops
def test_socket_options(loop: str) -> None:
    """Small writes go out at once, and a vanished peer is noticed."""

    async def work() -> None:
        async with listening() as port:
            transport, protocol = await dial(
                Origin("http", "127.0.0.1", port), Network(), Client, timeout=LONG
            )
            sock = transport.get_extra_info("socket")
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            await speaks(transport, protocol)

    run(loop, work())


@on_both_loops
@pytest.mark.parametrize(
    ("host", "alpn"),
    [(NAME, ["http/1.1"]), (NAME, None), (NAME, ["h2", "http/1.1"]), ("127.0.0.1", None), (f"{NAME}.", None)],
)
def test_tls(
    loop: str,
    host: str,
    alpn: list[str] | None,
    ca: trustme.CA,
    network: Network,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """TLS by name and by address, with and without ALPN at the other side; only http/1.1 is ever chosen."""

    async def work() -> None:
        tls = server_context(ca.issue_cert(NAME, "127.0.0.1"), alpn)
        async with listening(tls=tls) as port, leaves_nothing_open():
            resolve_to(monkeypatch, ("127.0.0.1", port))
            transport, protocol = await dial(Origin("https", host, port), network, Client, timeout=LONG)
            chosen = transport.get_extra_info("ssl_object").selected_alpn_protocol()
            assert chosen == ("http/1.1" if alpn else None)
            await speaks(transport, protocol)

    run(loop, work())


@on_both_loops
def test_tls_to_an_ipv6_literal(loop: str, ca: trustme.CA, network: Network) -> None:
    """The certificate of an IPv6 literal is checked against that address."""

    async def work() -> None:
        tls = server_context(ca.issue_cert("::1"))
        async with listening(tls=tls, host="::1") as port, leaves_nothing_open():
            await speaks(*await dial(Origin("https", "::1", port), network, Client, timeout=LONG))

    run(loop, work())


Issue = Callable[[trustme.CA], trustme.LeafCert]


@on_both_loops
@pytest.mark.parametrize(
    ("issue", "fault", "says"),
    [
        (lambda ca: expired(ca, NAME), Fault.TLS_EXPIRED, "clock"),
        (lambda ca: not_yet(ca, NAME), Fault.TLS_EXPIRED, "not valid yet"),
        (lambda ca: ca.issue_cert("other.test"), Fault.TLS_OTHER, "another name"),
        (lambda ca: ca.issue_cert("127.0.0.9"), Fault.TLS_OTHER, "another name"),
        (lambda _: trustme.CA().issue_cert(NAME), Fault.TLS_UNTRUSTED_CA, "nobody that this machine trusts"),
        (lambda _: trustme.CA().create_child_ca().issue_cert(NAME), Fault.TLS_UNTRUSTED_CA, "nobody"),
    ],
    ids=["expired", "not-yet", "other-name", "other-address", "unknown-ca", "unknown-intermediate"],
)
def test_certificates_that_are_refused(
    loop: str,
    issue: Issue,
    fault: Fault,
    says: str,
    ca: trustme.CA,
    network: Network,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each thing that can be wrong with a certificate has its fault."""

    async def work() -> None:
        async with listening(tls=server_context(issue(ca))) as port:
            resolve_to(monkeypatch, ("127.0.0.1", port))
            assert says in await refused(Origin("https", NAME, port), network, fault)

    run(loop, work())


@on_both_loops
def test_an_address_that_the_certificate_does_not_name(loop: str, ca: trustme.CA, network: Network) -> None:
    """A certificate for a name does not do for an IP address."""

    async def work() -> None:
        async with listening(tls=server_context(ca.issue_cert(NAME))) as port:
            assert "another name" in await refused(
                Origin("https", "127.0.0.1", port), network, Fault.TLS_OTHER
            )

    run(loop, work())


@on_both_loops
def test_a_peer_that_insists_on_http2(
    loop: str, ca: trustme.CA, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were h2 ever chosen, the connection is not used."""

    def offers_h2(_: Network) -> ssl.SSLContext:
        context = ssl.create_default_context()
        ca.configure_trust(context)
        context.set_alpn_protocols(["h2"])
        return context

    async def work() -> None:
        monkeypatch.setattr(dial_module, "client_context", offers_h2)
        async with listening(tls=server_context(ca.issue_cert("127.0.0.1"), ["h2"])) as port:
            assert "'h2'" in await refused(Origin("https", "127.0.0.1", port), network, Fault.TLS_OTHER)

    run(loop, work())


@on_both_loops
@pytest.mark.parametrize(
    ("data", "stays", "fault", "says"),
    [
        (b"", False, Fault.CONNECTION_RESET, "dropped"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False, Fault.TLS_OTHER, "does not speak TLS"),
        (b"\x15\x03\x03\x00\x02\x02\x28", True, Fault.TLS_OTHER, "HANDSHAKE_FAILURE"),
        (b"\x16\x03\x03\x40", False, Fault.CONNECTION_RESET, "dropped"),
        (b"", True, Fault.CONNECT_TIMEOUT, "within"),
    ],
    ids=["closed", "plain-http", "alert", "cut", "silent"],
)
def test_peers_that_break_the_handshake(
    loop: str, data: bytes, stays: bool, fault: Fault, says: str, network: Network
) -> None:
    """What is no TLS, and what ends or hangs in the handshake, each has its fault."""

    async def work() -> None:
        async with listening(lambda: Says(data, stays=stays)) as port:
            origin = Origin("https", "127.0.0.1", port)
            limit = SHORT if fault is Fault.CONNECT_TIMEOUT else LONG
            assert says in await refused(origin, network, fault, timeout=limit)

    run(loop, work())


@on_both_loops
def test_a_reset_in_the_handshake(loop: str, network: Network) -> None:
    """RST instead of a handshake is a reset connection."""

    class Resets(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            transport.close()

    async def work() -> None:
        async with listening(Resets) as port:
            await refused(Origin("https", "127.0.0.1", port), network, Fault.CONNECTION_RESET)

    run(loop, work())


# Names and addresses


@on_both_loops
@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), Fault.DNS_FAILURE),
        (socket.gaierror(socket.EAI_AGAIN, "x"), Fault.DNS_TEMPORARY),
        (UnicodeError("label too long"), Fault.DNS_FAILURE),
    ],
)
def test_names_that_do_not_resolve(
    loop: str, error: Exception, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is not there, and a resolver that is not there, differ."""

    async def work() -> None:
        resolve_to(monkeypatch, error)
        assert NAME in await refused(Origin("https", NAME, 443), Network(), fault)

    run(loop, work())


@on_both_loops
def test_a_name_without_addresses(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty answer is no address."""

    async def work() -> None:
        resolve_to(monkeypatch)
        await refused(Origin("https", NAME, 443), Network(), Fault.DNS_FAILURE)

    run(loop, work())


@on_both_loops
def test_a_silent_resolver(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that does not answer within the limit is a resolver in trouble, not a slow connection."""

    async def work() -> None:
        async def getaddrinfo(*_: object, **__: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        text = await refused(Origin("https", NAME, 443), Network(), Fault.DNS_TEMPORARY, timeout=SHORT)
        assert "not resolved within 0.3 s" in text

    run(loop, work())


@on_both_loops
@pytest.mark.parametrize("dead", ["refused", "hanging"])
@pytest.mark.parametrize("family", ["::1", "127.0.0.1"])
def test_one_family_is_broken(loop: str, dead: str, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one of IPv6 and IPv4 refuses or swallows connections, the other one wins, in either order."""
    other = "127.0.0.1" if family == "::1" else "::1"

    async def work() -> None:
        with hanging_port(family) as hanging:
            async with listening(host=other) as port, leaves_nothing_open():
                bad = hanging if dead == "hanging" else (family, free_port(family))
                resolve_to(monkeypatch, bad, bad, (other, port))
                transport, protocol = await dial(
                    Origin("http", "localhost", port), Network(), Client, timeout=LONG
                )
                assert transport.get_extra_info("peername")[0] == other
                await speaks(transport, protocol)

    run(loop, work())


@on_both_loops
def test_every_address_refuses(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens on any address: refused."""

    async def work() -> None:
        resolve_to(monkeypatch, ("::1", free_port("::1")), ("127.0.0.1", free_port()))
        text = await refused(Origin("http", "localhost", 7), Network(), Fault.CONNECTION_REFUSED)
        assert text == "localhost:7 refused the connection"

    run(loop, work())


@on_both_loops
def test_every_address_hangs(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is for all addresses together."""

    async def work() -> None:
        with hanging_port() as one, hanging_port("::1") as two:
            resolve_to(monkeypatch, one, two)
            text = await refused(Origin("https", NAME, 443), Network(), Fault.CONNECT_TIMEOUT, timeout=SHORT)
            assert text == "No connection to api.test:443 within 0.3 s"

    run(loop, work())


# Through a proxy


@on_both_loops
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.0 200\r\nVia: x\r\nX-Empty:\r\n\r\n",
        b"HTTP/1.1 204 \r\nContent-Length: 5\r\n\r\n",
    ],
)
@pytest.mark.parametrize("pieces", [0, 1])
def test_a_tunnel(loop: str, answer: bytes, pieces: int, ca: trustme.CA, network: Network) -> None:
    """Any 2xx opens the way, whole or byte by byte; the proxy resolves the name, we check it."""

    async def work() -> None:
        proxy = ConnectProxy(answer=answer, pieces=pieces)
        async with (
            listening(tls=server_context(ca.issue_cert(NAME))) as port,
            proxy.serving() as url,
            leaves_nothing_open(),
        ):
            origin = Origin("https", NAME, port)
            await speaks(*await dial(origin, through(network, url), Client, timeout=LONG))
            assert proxy.heads == [f"CONNECT {NAME}:{port} HTTP/1.1\r\nHost: {NAME}:{port}\r\n\r\n".encode()]

    run(loop, work())


@on_both_loops
def test_a_tunnel_with_user_and_password(loop: str, ca: trustme.CA, network: Network) -> None:
    """User and password of the proxy are sent decoded; without them, or with others: PROXY_AUTH."""

    async def work() -> None:
        proxy = ConnectProxy(authorization="Basic bWU6cEBzcw==")
        async with listening(tls=server_context(ca.issue_cert(NAME))) as port, proxy.serving() as url:
            origin = Origin("https", NAME, port)
            good = through(network, url.replace("//", "//me:p%40ss@"))
            await speaks(*await dial(origin, good, Client, timeout=LONG))
            text = await refused(origin, through(network, url), Fault.PROXY_AUTH)
            assert "wants a user name and password" in text
            bad = through(network, url.replace("//", "//me:hunter2@"))
            text = await refused(origin, bad, Fault.PROXY_AUTH)
            assert "refused the user name and password" in text
            assert "hunter2" not in text

    run(loop, work())


@on_both_loops
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!", "status 403"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "status 502"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://login\r\n\r\n", "status 302"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "status 101"),
        (b"", "without a whole answer"),
        (b"HTTP/1.1 200 OK\r\n", "without a whole answer"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "not HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "not HTTP"),
        (b"HTTP/2 200 OK\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200OK\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\n\x16\x03\x03", "bytes of its own"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 9000 + b"\r\n\r\n", "does not end"),
    ],
)
def test_proxies_that_do_not_open_the_way(loop: str, data: bytes, says: str, network: Network) -> None:
    """Everything but a clean 2xx is PROXY_FAILED, with what the proxy did; nothing is read past 8 KB."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    async def work() -> None:
        async with ConnectProxy(script).serving() as url:
            text = await refused(Origin("https", NAME, 443), through(network, url), Fault.PROXY_FAILED)
            assert says in text
            assert "127.0.0.1" in text

    run(loop, work())


@on_both_loops
@pytest.mark.parametrize("status", ["401 Unauthorized", "407 Proxy Authentication Required"])
def test_both_words_for_a_wrong_password(loop: str, status: str, network: Network) -> None:
    """Some proxies say 401 where 407 is meant: both are PROXY_AUTH, with the status."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\n\r\n".encode())
        await writer.drain()

    async def work() -> None:
        async with ConnectProxy(script).serving() as url:
            text = await refused(Origin("https", NAME, 443), through(network, url), Fault.PROXY_AUTH)
            assert status[:3] in text

    run(loop, work())


@on_both_loops
@pytest.mark.parametrize("drip", [b"", b"x"])
def test_a_proxy_that_does_not_finish(loop: str, drip: bytes, network: Network) -> None:
    """Silence, and an answer that never ends, are given up at the limit."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if drip:
            writer.write(b"HTTP/1.1 200 OK\r\nA: ")
        while not reader.at_eof():
            writer.write(drip)
            await writer.drain()
            await asyncio.sleep(0.02)

    async def work() -> None:
        async with ConnectProxy(script).serving() as url:
            text = await refused(
                Origin("https", NAME, 443), through(network, url), Fault.PROXY_FAILED, timeout=SHORT
            )
            assert "did not answer CONNECT within 0.3 s" in text

    run(loop, work())


@on_both_loops
def test_a_proxy_that_resets(loop: str, network: Network) -> None:
    """RST instead of an answer is the proxy's failure."""

    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    async def work() -> None:
        async with ConnectProxy(script).serving() as url:
            text = await refused(Origin("https", NAME, 443), through(network, url), Fault.PROXY_FAILED)
            assert "dropped the connection" in text

    run(loop, work())


@on_both_loops
def test_a_proxy_that_is_not_there(loop: str, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that refuses, hangs or has no name is PROXY_FAILED, not the origin's failure."""

    async def work() -> None:
        origin = Origin("https", NAME, 443)
        gone = f"http://me:hunter2@127.0.0.1:{free_port()}"
        text = await refused(origin, through(network, gone), Fault.PROXY_FAILED)
        assert "refused the connection" in text
        assert "hunter2" not in text
        with hanging_port() as (host, port):
            url = f"http://{host}:{port}"
            text = await refused(origin, through(network, url), Fault.PROXY_FAILED, timeout=SHORT)
            assert "within 0.3 s" in text
        asked = resolve_to(monkeypatch, socket.gaierror(socket.EAI_NONAME, "x"))
        text = await refused(origin, through(network, "proxy.test"), Fault.PROXY_FAILED)
        assert asked == ["proxy.test"]
        assert "proxy.test has no address" in text

    run(loop, work())


@on_both_loops
def test_a_proxy_setting_that_cannot_be_used(loop: str, network: Network) -> None:
    """A socks proxy is refused before anything is opened."""

    async def work() -> None:
        text = await refused(
            Origin("https", NAME, 443), through(network, "socks5://u:hunter2@h"), Fault.PROXY_FAILED
        )
        assert "socks5" in text
        assert "hunter2" not in text

    run(loop, work())


@on_both_loops
def test_an_inspecting_proxy_is_named_as_untrusted(loop: str, network: Network) -> None:
    """A proxy that shows a certificate of its own company is TLS_UNTRUSTED_CA: its root is missing here."""

    async def work() -> None:
        tls = server_context(trustme.CA(organization_name="Corp").issue_cert(NAME))
        async with listening(tls=tls) as port, ConnectProxy().serving() as url:
            await refused(Origin("https", NAME, port), through(network, url), Fault.TLS_UNTRUSTED_CA)

    run(loop, work())


@on_both_loops
def test_a_tunnel_that_ends_in_the_handshake(loop: str, network: Network) -> None:
    """Once the way is open, its end is the connection's, not the proxy's."""

    async def work() -> None:
        async with listening(lambda: Says(b"")) as port, ConnectProxy().serving() as url:
            await refused(Origin("https", NAME, port), through(network, url), Fault.CONNECTION_RESET)

    run(loop, work())


# Cancelled


@on_both_loops
@pytest.mark.parametrize("at", ["connect", "tunnel", "handshake"])
def test_cancelled_while_it_waits(loop: str, at: str, network: Network) -> None:
    """A dial that is cancelled at any stage raises that, and closes what it had opened."""

    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async def work() -> None:
        with hanging_port() as hanging:
            async with (
                listening(lambda: Says(b"", stays=True)) as port,
                ConnectProxy(silent).serving() as url,
                leaves_nothing_open(),
            ):
                target = {
                    "connect": (Origin("https", *hanging), network),
                    "tunnel": (Origin("https", NAME, 443), through(network, url)),
                    "handshake": (Origin("https", "127.0.0.1", port), network),
                }[at]
                task = asyncio.ensure_future(dial(*target, Client, timeout=LONG))
                await asyncio.sleep(0.05)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

    run(loop, work())


@on_both_loops
@pytest.mark.parametrize("proxied", [False, True])
def test_cancelled_after_any_number_of_turns(
    loop: str, proxied: bool, ca: trustme.CA, network: Network
) -> None:
    """Cancelled after 0, 1, 2 ... turns of the loop, until a dial is through: no socket is left open."""

    async def work() -> None:
        tls = server_context(ca.issue_cert("127.0.0.1", NAME))
        async with listening(tls=tls) as port, ConnectProxy().serving() as url:
            origin = Origin("https", NAME if proxied else "127.0.0.1", port)
            way = through(network, url) if proxied else network
            for turns in range(400):
                async with leaves_nothing_open():
                    task = asyncio.ensure_future(dial(origin, way, Client, timeout=LONG))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    done = task.done()
                    task.cancel()
                    try:
                        transport, protocol = await task
                    except asyncio.CancelledError:
                        continue
                    await speaks(transport, protocol)
                if done:
                    return
            raise AssertionError("no dial was ever through")

    run(loop, work())


@on_both_loops
def test_a_protocol_that_cannot_be_made(loop: str) -> None:
    """An error of the caller's own is not translated, and the socket is closed."""

    def broken() -> asyncio.Protocol:
        raise LookupError("mine")

    async def work() -> None:
        async with listening() as port, leaves_nothing_open():
            with pytest.raises(LookupError, match="mine"):
                await dial(Origin("http", "127.0.0.1", port), Network(), broken, timeout=LONG)

    run(loop, work())


@on_both_loops
def test_many_at_once(loop: str, ca: trustme.CA, network: Network) -> None:
    """Dials do not disturb one another, whatever becomes of them."""

    async def work() -> None:
        tls = server_context(ca.issue_cert("127.0.0.1"))
        async with listening(tls=tls) as port, listening(Echo) as plain, leaves_nothing_open():
            origins = [Origin("https", "127.0.0.1", port), Origin("https", "127.0.0.1", free_port())]
            dials = [dial(origins[n % 2], network, Client, timeout=LONG) for n in range(20)]
            dials.append(dial(Origin("http", "127.0.0.1", plain), network, Client, timeout=LONG))
            for result in await asyncio.gather(*dials, return_exceptions=True):
                if isinstance(result, DialError):
                    assert result.fault is Fault.CONNECTION_REFUSED
                else:
                    assert not isinstance(result, BaseException)
                    await speaks(*result)

    run(loop, work())


# Translation


ORIGIN = Origin("https", NAME, 443)
PROXY = ProxyAddress("proxy.test", 3128, "Basic c2VjcmV0")


def verification(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return error


@pytest.mark.parametrize(
    ("stage", "exc", "fault"),
    [
        (Stage.RESOLVE, socket.gaierror(socket.EAI_AGAIN, ""), Fault.DNS_TEMPORARY),
        (Stage.RESOLVE, socket.gaierror(socket.EAI_FAIL, ""), Fault.DNS_FAILURE),
        (Stage.RESOLVE, TimeoutError(), Fault.DNS_TEMPORARY),
        (Stage.CONNECT, TimeoutError(), Fault.CONNECT_TIMEOUT),
        (Stage.CONNECT, OSError(errno.ETIMEDOUT, ""), Fault.CONNECT_TIMEOUT),
        (Stage.CONNECT, OSError(errno.ECONNREFUSED, ""), Fault.CONNECTION_REFUSED),
        (Stage.CONNECT, OSError(errno.ECONNRESET, ""), Fault.CONNECTION_RESET),
        (Stage.CONNECT, OSError(errno.ENETUNREACH, ""), Fault.UNREACHABLE),
        (Stage.CONNECT, OSError(errno.EHOSTUNREACH, ""), Fault.UNREACHABLE),
        (Stage.CONNECT, OSError(errno.EPERM, ""), Fault.UNREACHABLE),
        (Stage.CONNECT, OSError(errno.EMFILE, ""), Fault.UNREACHABLE),
        (
            Stage.CONNECT,
            OSError(
                "Multiple exceptions: [Errno 101] Network is unreachable, [Errno 111] Connect call failed"
            ),
            Fault.CONNECTION_REFUSED,
        ),
        (Stage.CONNECT, OSError("no matching local address"), Fault.UNREACHABLE),
        (Stage.HANDSHAKE, TimeoutError(), Fault.CONNECT_TIMEOUT),
        (Stage.HANDSHAKE, ConnectionAbortedError("handshake is taking long"), Fault.CONNECTION_RESET),
        (Stage.HANDSHAKE, ssl.SSLEOFError(8, "EOF"), Fault.CONNECTION_RESET),
        (Stage.HANDSHAKE, ssl.SSLZeroReturnError(6, "closed"), Fault.CONNECTION_RESET),
        (Stage.HANDSHAKE, ssl.SSLError(1, "no protocols available"), Fault.TLS_OTHER),
        (Stage.HANDSHAKE, verification(10), Fault.TLS_EXPIRED),
        (Stage.HANDSHAKE, verification(9), Fault.TLS_EXPIRED),
        (Stage.HANDSHAKE, verification(-67818), Fault.TLS_EXPIRED),
        (Stage.HANDSHAKE, verification(18), Fault.TLS_UNTRUSTED_CA),
        (Stage.HANDSHAKE, verification(19), Fault.TLS_UNTRUSTED_CA),
        (Stage.HANDSHAKE, verification(20), Fault.TLS_UNTRUSTED_CA),
        (Stage.HANDSHAKE, verification(-67843), Fault.TLS_UNTRUSTED_CA),
        (Stage.HANDSHAKE, verification(62), Fault.TLS_OTHER),
        (Stage.HANDSHAKE, verification(23), Fault.TLS_OTHER),
        (Stage.HANDSHAKE, ssl.SSLCertVerificationError("no code at all"), Fault.TLS_OTHER),
    ],
)
def test_translation(stage: Stage, exc: Exception, fault: Fault) -> None:
    """Every foreign exception has one fault; before the tunnel stands it is the proxy's, if there is one."""
    assert translate(exc, stage, ORIGIN, None, 10.0).fault is fault
    by_proxy = translate(exc, stage, ORIGIN, PROXY, 10.0)
    assert by_proxy.fault is (fault if stage is Stage.HANDSHAKE else Fault.PROXY_FAILED)
    assert "c2VjcmV0" not in by_proxy.text
