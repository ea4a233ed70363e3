"""Which way to an origin: straight, or through the company's proxy."""

import base64
import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from seawall.causes.evidence import Fault
from seawall.config import Network
from seawall.http.failure import DialError
from seawall.origin import Origin, authority, host_name, ip_of, is_loopback, split_authority

_BETWEEN = re.compile(r"[,\s]+")
_PORT = re.compile(r"[0-9]{1,5}")
_OTHERS = {"https", "socks", "socks4", "socks4a", "socks5", "socks5h", "ftp"}


@dataclass(frozen=True, slots=True)
class ProxyAddress:
    """An HTTP proxy; `authorization` is the whole value of `Proxy-Authorization`, or empty."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)

    @property
    def authority(self) -> str:
        """`host:port` as a sentence writes it."""
        return authority(self.host, self.port)


def choose(origin: Origin, network: Network) -> ProxyAddress | None:
    """The proxy to go through, or none; a proxy address that cannot be used raises `DialError`.

    `http://` origins are on this machine only, so they never go through one.
    """
    # The order that Claude Code keeps: https_proxy before http_proxy, for https addresses too.
    url = network.https_proxy.strip() or network.http_proxy.strip()
    if not url or origin.scheme != "https" or is_loopback(origin.host):
        return None
    if excepted(origin, network.no_proxy):
        return None
    return parse(url)


def parse(url: str) -> ProxyAddress:
    """A proxy from its address, `http://` understood where there is no scheme; raises `DialError`."""
    scheme, mark, rest = url.strip().partition("://")
    if not mark:
        scheme, rest = "http", scheme
    if scheme.lower() != "http":
        known = f"{scheme.lower()}://" if scheme.lower() in _OTHERS else "another scheme"
        raise DialError(
            Fault.PROXY_FAILED,
            f"The proxy's address begins with {known}; only http:// proxies are spoken to.",
            lasting=True,
        )
    # A raw @ in a password is common, so the last one counts. A raw / cannot be told from a path's, and
    # what follows it must not be mistaken for one: a part of the password would be taken for host and port.
    place, *tail = re.split(r"[/?#]", rest, maxsplit=1)
    user, _, place = place.rpartition("@")
    try:
        if tail and "@" in tail[0]:
            raise ValueError("a special character in the password")
        host, port = split_authority(place)
    except ValueError:
        raise DialError(
            Fault.PROXY_FAILED,
            "The proxy is not set to an address of the form http://host:port;"
            " special characters in its user name or password must be percent-encoded.",
            lasting=True,
        ) from None
    return ProxyAddress(host, 80 if port is None else port, _basic(user) if user else "")


def _basic(user: str) -> str:
    name, _, password = user.partition(":")
    pair = unquote_to_bytes(name) + b":" + unquote_to_bytes(password)
    return "Basic " + base64.b64encode(pair).decode("ascii")


def excepted(origin: Origin, no_proxy: str) -> bool:
    """Whether `NO_PROXY` names this origin.

    Entries stand between commas or blanks: `*`, a name (it and all below it; a leading dot or `*.` changes
    nothing), an IP address, a network (`10.0.0.0/8`); each but `*` and networks may end with `:port`. What
    cannot be read matches nothing.
    """
    return any(_matches(origin, entry) for entry in _BETWEEN.split(no_proxy) if entry)


def _matches(origin: Origin, entry: str) -> bool:
    if entry == "*":
        return True
    address = ip_of(origin.host)
    if "/" in entry:
        return address is not None and _within(address, entry)
    place, port = _entry(entry)
    if port is not None and port != origin.port:
        return False
    if named := ip_of(place):
        return address == named
    try:
        name = host_name(place.removeprefix("*").removeprefix(".")).removesuffix(".")
    except ValueError:
        return False
    host = origin.host.removesuffix(".")
    return address is None and (host == name or host.endswith("." + name))


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, entry: str) -> bool:
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _entry(text: str) -> tuple[str, int | None]:
    """The name or address of an entry without brackets, and its port."""
    if text.startswith("["):
        place, _, after = text[1:].partition("]")
        port = after.removeprefix(":")
    elif text.count(":") == 1:
        place, _, port = text.partition(":")
    else:
        return text, None  # no port, or a bare IPv6 address
    if not port:
        return place, None
    # A port that is no number must not turn into "every port".
    return place, int(port) if _PORT.fullmatch(port) else 0
