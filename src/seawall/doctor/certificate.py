"""Who signed a certificate, for whom, and from when to when: read from its DER, whether or not anybody trusts it."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

_NAMES = {b"\x55\x04\x03": "common name", b"\x55\x04\x0a": "organisation"}
"""The object identifiers 2.5.4.3 and 2.5.4.10."""
INSPECTORS = (
    "Zscaler", "Netskope", "Palo Alto", "Fortinet", "FortiGate", "Blue Coat", "Symantec Web", "Cisco Umbrella",
    "Forcepoint", "McAfee", "Skyhigh", "Sophos", "Check Point", "iboss", "Barracuda", "WatchGuard", "SonicWall",
    "Kaspersky", "ESET", "Avast", "AVG", "Bitdefender", "AdGuard", "mitmproxy", "Charles Proxy", "Fiddler",
    "Burp", "PortSwigger", "Proxyman", "Cato Networks", "Menlo", "Cloudflare Gateway", "Gateway CA - Cloudflare",
)  # fmt: skip
"""Programs and services that sign connections anew, by what stands in their roots."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says; times in UTC seconds."""

    issuer: str
    subject: str
    begins: float
    ends: float

    @property
    def inspector(self) -> str:
        """The known program that signed it, or empty."""
        low = self.issuer.lower()
        return next((name for name in INSPECTORS if name.lower() in low), "")


def read(der: bytes) -> Certificate:
    """The certificate; `ValueError` for bytes that are none."""
    try:
        body = next(_parts(next(_parts(der))[1]))[1]
        parts = [one for one in _parts(body) if one[0] != 0xA0]  # the version is left out where it is 1
        _, _, issuer, validity, subject = parts[:5]
        begins, ends = (_time(tag, value) for tag, value in _parts(validity[1]))
        return Certificate(_name(issuer[1]), _name(subject[1]), begins, ends)
    except (StopIteration, IndexError, UnicodeDecodeError) as error:
        raise ValueError("not a certificate") from error


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each value, one after another."""
    at = 0
    while at < len(data):
        tag, size, at = data[at], data[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            if not 1 <= count <= 4:
                raise ValueError("a length that no certificate has")
            size, at = int.from_bytes(data[at : at + count], "big"), at + count
        if at + size > len(data):
            raise ValueError("cut off")
        yield tag, data[at : at + size]
        at += size


def _name(data: bytes) -> str:
    found: dict[str, str] = {}
    for _, group in _parts(data):
        for _, pair in _parts(group):
            (_, oid), (tag, value) = list(_parts(pair))[:2]
            if name := _NAMES.get(oid):
                found[name] = value.decode("utf-16-be" if tag == 0x1E else "utf-8", "replace")
    said = " ".join((found.get("common name") or found.get("organisation") or "nobody named").split())
    shown = "".join(char if char.isprintable() else "?" for char in said[:80])
    more = " ".join(found.get("organisation", "").split())[:80]
    return shown if not more or more in shown else f"{shown} ({''.join(c for c in more if c.isprintable())})"


def _time(tag: int, value: bytes) -> float:
    text = value.decode("ascii")
    if tag == 0x17:  # two digits of the year: 50 to 99 are of the last century (RFC 5280)
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def context_that_sees_all() -> ssl.SSLContext:
    """A context that takes any certificate: to look at it. No request is ever sent over such a connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def public_context() -> ssl.SSLContext:
    """A context that trusts the public bundle, and nothing that this machine adds."""
    import certifi

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=certifi.where())
    return context
