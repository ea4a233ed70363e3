"""The sockets that the gateway listens on."""

import errno
import os
import socket

from seawall.origin import is_loopback

_NO_IPV6 = frozenset((errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT))


def listening_sockets(host: str, port: int) -> list[socket.socket]:
    """Sockets bound to an address; both loopback families for a loopback one. Raises OSError."""
    if not is_loopback(host):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return [_bound(family, host, port)]
    for attempt in range(20):
        first = _bound(socket.AF_INET, "127.0.0.1", port)
        chosen = first.getsockname()[1]
        try:
            return [first, _bound(socket.AF_INET6, "::1", chosen)]
        except OSError as error:
            if not socket.has_ipv6 or error.errno in _NO_IPV6:
                return [first]
            first.close()
            if port or attempt == 19:
                # Somebody else at the same port of ::1 would get the calls of clients that say `localhost`.
                raise
    raise AssertionError


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock
