"""Where a connection goes: one reading of an address, for the settings that hold it and the dial that follows it."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_PORT = re.compile(r"[0-9]{1,5}")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host (lower case, IPv6 without brackets) and port."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> tuple[Self, str]:
        """The origin and the base path ("" or "/prefix", no slash at its end) of an upstream's address.

        Raises `ValueError` with one sentence. It never repeats the address: people paste keys into the
        wrong setting.
        """
        text = url.strip()
        if not text:
            raise ValueError("The address is empty.")
        if any(c <= " " or c == "\x7f" for c in text):
            raise ValueError("The address has a blank or a control character in it.")
        scheme, mark, rest = text.partition("://")
        if not mark:
            raise ValueError("The address does not begin with https:// or http://.")
        scheme = scheme.lower()
        if scheme not in _PORTS:
            raise ValueError("The address must begin with https:// or http://; no other scheme is spoken.")
        if "?" in rest or "#" in rest:
            raise ValueError("The address must end with its path: no ? and no # in it.")
        place, slash, tail = rest.partition("/")
        if "@" in place:
            raise ValueError("The address must hold no user name or password.")
        path = slash + tail
        if not _PATH.fullmatch(path):
            raise ValueError("The path of the address has a character in it that no path may have.")
        host, port = split_authority(place)
        return cls(scheme, host, _PORTS[scheme] if port is None else port), path.rstrip("/")

    @property
    def authority(self) -> str:
        """`host:port` as a CONNECT request and a sentence write it."""
        return authority(self.host, self.port)


def authority(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def split_authority(text: str) -> tuple[str, int | None]:
    """Host (checked, lower case, no brackets) and port, if one is named; raises `ValueError`."""
    if text.startswith("["):
        literal, bracket, after = text[1:].partition("]")
        if not bracket or (after and not after.startswith(":")):
            raise ValueError("The address has an IPv6 literal that is not closed by ] and a port.")
        host = _ipv6(literal)
        port = after[1:]
    else:
        if text.count(":") > 1:
            raise ValueError("An IPv6 address must stand in brackets: http://[::1]:8080.")
        name, _, port = text.partition(":")
        host = host_name(name)
    if not port:
        return host, None
    if not _PORT.fullmatch(port) or not 0 < int(port) < 65536:
        raise ValueError("The port of the address must be a number from 1 to 65535.")
    return host, int(port)


def host_name(name: str) -> str:
    """A name in lower case, an international one as `xn--`, or an IPv4 address; raises `ValueError`."""
    bad = ValueError("The address has a host that is no name and no IP address.")
    if not name:
        raise ValueError("The address names no host.")
    if len(name) > 254:  # 253 (RFC 1035) and a dot at the end
        raise bad
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            raise bad from None
    host = name.lower()
    labels = host.removesuffix(".").split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise bad
    if _NUMBER.fullmatch(labels[-1]):
        # A resolver reads 127.1 and 0x7f000001 as addresses too. One spelling only, or the rules about
        # loopback could be passed by.
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise ValueError("An IPv4 address is written as four decimal numbers.") from None
    return host


def _ipv6(literal: str) -> str:
    try:
        if "%" in literal:
            raise ValueError("zone")
        return str(ipaddress.IPv6Address(literal))
    except ValueError:
        raise ValueError("The address has something in brackets that is no IPv6 address.") from None


def ip_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host literally is, an IPv4 one where it is wrapped in IPv6; none for a name."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    return (found.version == 6 and found.ipv4_mapped) or found


def is_loopback(host: str) -> bool:
    """Whether this host can only be this machine: `localhost`, names under it, 127.0.0.0/8, ::1."""
    if found := ip_of(host):
        return found.is_loopback
    name = host.lower().removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")


_ANTHROPICS = ("anthropic.com", "claude.com", "claude.ai")


def anthropics(host: str) -> bool:
    """Whether Anthropic itself answers at this host."""
    return any(host == one or host.endswith(f".{one}") for one in _ANTHROPICS)
