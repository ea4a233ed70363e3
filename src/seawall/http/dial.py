"""From an origin to a connection that is ready for a request, or one error that says what broke."""

import asyncio
import errno
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import aiohappyeyeballs

from seawall.causes.evidence import Fault
from seawall.config import Network
from seawall.http.failure import DialError
from seawall.http.proxy import ProxyAddress, choose
from seawall.http.tls import ALPN, client_context
from seawall.origin import Origin, ip_of

__all__ = ["DialError", "dial"]

_STAGGER = 0.25
"""Seconds before the next address is tried beside the first: RFC 8305, section 5."""
_CLOSING = 5.0
"""Seconds that a TLS connection which we close waits for the other side's farewell."""
_PROXY_HEAD = 8 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: [^\r\n\x00]*)?")
_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\x00]*")
_ERRNO = re.compile(r"\[Errno (\d+)\]")
_REASON = re.compile(r"[A-Z0-9_]{1,60}")
_KEEP_ALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPALIVE", 60), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4))
"""A peer that vanished is noticed after 3 minutes, and a NAT's memory (often 5 minutes) is kept fresh.
TCP_KEEPALIVE is macOS's name for TCP_KEEPIDLE."""


class Stage(StrEnum):
    """How far a dial had come."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TUNNEL = "tunnel"
    HANDSHAKE = "handshake"


@dataclass(slots=True)
class _Way:
    """One dial: where it goes, by which proxy, and how far it has come."""

    origin: Origin
    proxy: ProxyAddress | None
    seconds: float
    stage: Stage = Stage.RESOLVE


async def dial(
    origin: Origin,
    network: Network,
    make_protocol: Callable[[], asyncio.Protocol],
    *,
    timeout: float,  # noqa: ASYNC109
    trust: ssl.SSLContext | None = None,
) -> tuple[asyncio.Transport, asyncio.Protocol]:
    """A connection to the origin within `timeout` seconds in all; raises `DialError`.

    `trust`: whom to trust instead of those that the network's settings name.
    When it fails, or is cancelled, nothing stays open. The protocol may have seen its connection made
    and lost by then.
    """
    way = _Way(origin, choose(origin, network), timeout)
    try:
        async with asyncio.timeout(timeout):
            sock = await _connected(way)
            try:
                if way.proxy is not None:
                    way.stage = Stage.TUNNEL
                    await _open_tunnel(sock, origin, way.proxy)
                context = (trust or client_context(network)) if origin.scheme == "https" else None
                protocol = make_protocol()
            except BaseException:
                sock.close()
                raise
            way.stage = Stage.HANDSHAKE
            return await _hand_over(sock, context, origin, protocol, timeout)
    except OSError as exc:  # a TimeoutError and every ssl error is one too
        raise translate(exc, way.stage, origin, way.proxy, timeout) from exc


async def _connected(way: _Way) -> socket.socket:
    """A connected socket to the origin, or to the proxy on the way to it."""
    next_hop = way.proxy or way.origin
    addresses = await _resolve(next_hop.host, next_hop.port)
    way.stage = Stage.CONNECT
    # Not the event loop's own race: uvloop has none.
    try:
        sock = await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=_STAGGER, interleave=1)
    except RuntimeError as exc:  # uvloop's, for a descriptor that it finds in use
        raise OSError(str(exc)) from exc
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEP_ALIVE:
            if option := getattr(socket, name, None):
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
    except BaseException:
        sock.close()
        raise
    return sock


async def _resolve(host: str, port: int) -> list[Any]:
    """Addresses as `getaddrinfo` lists them; a literal needs no resolver and no thread."""
    if literal := ip_of(host):
        family = socket.AF_INET if literal.version == 4 else socket.AF_INET6
        place = (str(literal), port) if literal.version == 4 else (str(literal), port, 0, 0)
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", place)]
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except UnicodeError:  # `xn--` with nonsense behind it
        found = []
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "no address")
    return list(found)


async def _open_tunnel(sock: socket.socket, origin: Origin, proxy: ProxyAddress) -> None:
    """CONNECT and a 2xx answer to it, on the bare socket: no byte can be lost in a hand-over."""
    loop = asyncio.get_running_loop()
    lines = [f"CONNECT {origin.authority} HTTP/1.1", f"Host: {origin.authority}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    await loop.sock_sendall(sock, "\r\n".join([*lines, "", ""]).encode("ascii"))
    answer = b""
    while (end := answer.find(b"\r\n\r\n")) < 0:
        if len(answer) >= _PROXY_HEAD:
            raise _proxy_failed(proxy, "sent an answer whose head does not end")
        more = await loop.sock_recv(sock, _PROXY_HEAD - len(answer))
        if not more:
            raise _proxy_failed(proxy, "closed the connection without a whole answer")
        answer += more
        if not b"HTTP/1.".startswith(answer[:7]):
            raise _proxy_failed(proxy, "sent an answer that is not HTTP")
    _judge(answer[:end], answer[end + 4 :], origin, proxy)


def _judge(head: bytes, early: bytes, origin: Origin, proxy: ProxyAddress) -> None:
    """Raise unless the proxy's answer means that the tunnel stands."""
    first, *fields = head.split(b"\r\n")
    status_line = _STATUS.fullmatch(first)
    if status_line is None or not all(_FIELD.fullmatch(field) for field in fields):
        raise _proxy_failed(proxy, "sent an answer that is not HTTP")
    status = int(status_line[1])
    # 407 is the right word for it (RFC 9110, 15.5.8); tinyproxy says 401 to a wrong password.
    if status in (401, 407):
        wish = (
            "refused the user name and password" if proxy.authorization else "wants a user name and password"
        )
        raise DialError(Fault.PROXY_AUTH, f"The proxy {proxy.authority} {wish} ({status}).")
    if not 200 <= status < 300:
        raise _proxy_failed(
            proxy, f"refused the way to {origin.authority} with status {status}", lasting=status in _FORBIDDEN
        )
    if early:
        # In TLS the client speaks first: these bytes are the proxy's, and must not pass for the origin's.
        raise _proxy_failed(proxy, "sent bytes of its own after it had opened the way")


_FORBIDDEN = frozenset({400, 403, 404, 405, 451, 501})
"""Statuses by which a proxy says that it does not do this at all, rather than not now."""


def _proxy_failed(proxy: ProxyAddress, what: str, *, lasting: bool = False) -> DialError:
    return DialError(Fault.PROXY_FAILED, f"The proxy {proxy.authority} {what}.", lasting=lasting)


async def _hand_over(
    sock: socket.socket,
    context: ssl.SSLContext | None,
    origin: Origin,
    protocol: asyncio.Protocol,
    seconds: float,
) -> tuple[asyncio.Transport, asyncio.Protocol]:
    """Give the socket to the event loop, with TLS where the origin wants it."""
    loop = asyncio.get_running_loop()
    try:
        if context is None:
            transport, _ = await loop.create_connection(lambda: protocol, sock=sock)
            return transport, protocol
        transport, _ = await loop.create_connection(
            lambda: protocol,
            sock=sock,
            ssl=context,
            # A certificate names no host with a dot at its end.
            server_hostname=origin.host.removesuffix("."),
            # Our own limit comes first and knows better what to say.
            ssl_handshake_timeout=seconds + 1.0,
            ssl_shutdown_timeout=_CLOSING,
        )
    finally:
        if not isinstance(loop, asyncio.BaseEventLoop):  # asyncio's transports close this very object
            # libuv has the descriptor, and closes it. Where the connection breaks at once, uvloop leaves the
            # number in our object, and its end would close whatever connection has that number by then.
            sock.detach()
    tls = transport.get_extra_info("ssl_object")
    if tls is None or (chosen := tls.selected_alpn_protocol()) not in {None, ALPN}:
        transport.abort()
        if tls is None:
            raise ConnectionResetError
        raise DialError(
            Fault.TLS_OTHER, f"{origin.authority} insists on speaking {chosen!r} instead of HTTP/1.1."
        )
    return transport, protocol


def translate(
    exc: Exception, stage: Stage, origin: Origin, proxy: ProxyAddress | None, seconds: float
) -> DialError:
    """What a foreign exception means: the only place that knows their classes and numbers."""
    hop = proxy.authority if proxy else origin.authority
    match stage:
        case Stage.RESOLVE:
            fault, text = _of_name(exc, proxy.host if proxy else origin.host, seconds)
        case Stage.CONNECT:
            fault, text = _of_socket(exc, hop, seconds)
        case Stage.TUNNEL:
            fault, text = _of_socket(exc, hop, seconds)
            if isinstance(exc, TimeoutError):
                text = f"{hop} did not answer CONNECT within {seconds:g} s."
        case Stage.HANDSHAKE:
            if isinstance(exc, ssl.SSLError):
                return DialError(*_of_tls(exc, origin))
            fault, text = _of_socket(exc, origin.authority, seconds)
            return DialError(fault, text)
    if proxy:
        # Up to here only the proxy was spoken to: whatever broke is the way to it, not to the origin.
        return DialError(Fault.PROXY_FAILED, f"The proxy cannot be used: {text}")
    return DialError(fault, text)


def _of_name(exc: Exception, host: str, seconds: float) -> tuple[Fault, str]:
    if isinstance(exc, TimeoutError):
        return Fault.DNS_TEMPORARY, f"The name {host} was not resolved within {seconds:g} s."
    if isinstance(exc, socket.gaierror) and exc.errno == socket.EAI_AGAIN:
        return Fault.DNS_TEMPORARY, f"The name {host} cannot be resolved at the moment."
    return Fault.DNS_FAILURE, f"The name {host} has no address."


_REFUSED = {errno.ECONNREFUSED}
_RESET = {errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE, errno.ENOTCONN}
_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


def _of_socket(exc: Exception, place: str, seconds: float) -> tuple[Fault, str]:
    # A race that nobody won reports all its errors in one text. A refusal tells more than silence.
    numbers = {exc.errno} if isinstance(exc, OSError) and exc.errno else set()
    numbers |= {int(found) for found in _ERRNO.findall(str(exc))}
    if numbers & _REFUSED or isinstance(exc, ConnectionRefusedError):
        return Fault.CONNECTION_REFUSED, f"{place} refused the connection."
    if numbers & _RESET or isinstance(exc, ConnectionError):
        return Fault.CONNECTION_RESET, f"{place} dropped the connection while it was being made."
    if errno.ETIMEDOUT in numbers or isinstance(exc, TimeoutError):
        return Fault.CONNECT_TIMEOUT, f"No connection to {place} within {seconds:g} s."
    if numbers & _NO_ROOM:
        return (
            Fault.UNREACHABLE,
            f"No connection to {place}: this machine has no descriptors or buffers left.",
        )
    return Fault.UNREACHABLE, f"{place} cannot be reached from this network."


# X509_V_ERR_... of OpenSSL's x509_vfy.h, and what macOS and Windows say instead.
_UNTRUSTED = {2, 18, 19, 20, 21, 24, 27, 28, -67843, 0x800B0109, 0x800B010A}
_NOT_NOW = {9, 10, -67818, -67819, 0x800B0101}
_WRONG_NAME = {62, 64, -67602, 0x800B010F}


def _of_tls(exc: ssl.SSLError, origin: Origin) -> tuple[Fault, str]:
    place = origin.authority
    if isinstance(exc, ssl.SSLCertVerificationError):
        code = getattr(exc, "verify_code", 0)
        if code in _NOT_NOW:
            return Fault.TLS_EXPIRED, (
                f"The certificate of {place} has expired or is not valid yet, or this machine's clock is wrong."
            )
        if code in _UNTRUSTED:
            return (
                Fault.TLS_UNTRUSTED_CA,
                f"The certificate of {place} is signed by nobody that this machine trusts.",
            )
        if code in _WRONG_NAME:
            return Fault.TLS_OTHER, f"The certificate of {place} is for another name."
        return Fault.TLS_OTHER, f"The certificate of {place} cannot be accepted (verification error {code})."
    if isinstance(exc, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return Fault.CONNECTION_RESET, f"{place} dropped the connection while it was being made."
    reason = getattr(exc, "reason", None) or ""
    if reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"}:
        return Fault.TLS_OTHER, f"{place} does not speak TLS on this port."
    known = f" ({reason})" if _REASON.fullmatch(reason) else ""
    return Fault.TLS_OTHER, f"No TLS connection to {place} could be agreed on{known}."
