"""Who signed a certificate, for whom, and from when to when: read from its DER, whether or not anybody trusts it."""

import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from seawall.doctor.subject import Subject
from seawall.http.tls import system_context, trust_warnings

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
_NAMES = {b"\x55\x04\x03": "common name", b"\x55\x04\x0a": "organisation"}
"""The object identifiers 2.5.4.3 and 2.5.4.10."""
INSPECTORS = (
    "Zscaler", "Netskope", "Palo Alto", "Fortinet", "FortiGate", "Blue Coat", "BlueCoat", "Symantec Web",
    "Cisco Umbrella",
    "Cisco Secure Web", "OpenDNS", "Forcepoint", "Websense", "McAfee", "Skyhigh", "Trellix", "Sophos", "Check Point",
    "iboss", "Barracuda", "WatchGuard", "SonicWall", "Versa Networks", "Cato Networks", "Menlo", "Prisma Access",
    "Cloudflare Gateway", "Gateway CA - Cloudflare", "Cloudflare for Teams", "Smoothwall", "Lightspeed", "Securly",
    "GoGuardian", "ContentKeeper", "Untangle", "Squid", "Kaspersky", "ESET", "Avast", "AVG", "Bitdefender",
    "Trend Micro",
    "F-Secure", "G DATA", "Dr.Web", "AdGuard", "Norton", "mitmproxy", "Charles Proxy", "Fiddler", "Burp", "PortSwigger",
    "Proxyman", "HTTP Toolkit", "OWASP", "Superfish",
)  # fmt: skip
"""Programs and services that sign connections anew, by what stands in their roots."""

_FORMS = tuple((name, re.compile(rf"(?<![A-Za-z]){re.escape(name)}", re.IGNORECASE)) for name in INSPECTORS)
"""At the beginning of a word: "ESET" is no part of "reset"."""


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
        return named_in(self.issuer)


def named_in(text: str) -> str:
    """The known program that a text names, or empty."""
    return next((name for name, form in _FORMS if form.search(text)), "")


def blocks(pem: str) -> list[bytes]:
    """The certificates in a PEM text, in DER; what is none is passed over."""
    found = []
    for block in _BLOCK.findall(pem):
        with suppress(ValueError):
            found.append(ssl.PEM_cert_to_DER_cert(block))
    return found


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


def chain(ssl_object: Any) -> list[Certificate]:
    """The certificates that the other side sent, its own first; those that cannot be read are left out."""
    found = []
    for der in _sent(ssl_object):
        with suppress(ValueError):
            found.append(read(der))
    return found


def _sent(ssl_object: Any) -> list[bytes]:
    if hasattr(ssl_object, "get_unverified_chain"):  # from Python 3.13 on
        return list(ssl_object.get_unverified_chain())
    try:
        import _ssl

        return [one.public_bytes(_ssl.ENCODING_DER) for one in ssl_object._sslobj.get_unverified_chain()]
    except (AttributeError, ImportError):
        own = ssl_object.getpeercert(True)
        return [own] if own else []


_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----")


def expired(files: Sequence[str], now: float) -> list[str]:
    """A line for each file of roots in which every certificate that can be read is out of its time."""
    lines = []
    for name in filter(None, files):
        found = []
        with suppress(OSError, ValueError):
            with Path(name).open("rb") as file:
                text = file.read(16 << 20).decode("ascii", "replace")
            for block in _BLOCK.findall(text)[:2000]:
                with suppress(ValueError):
                    found.append(read(ssl.PEM_cert_to_DER_cert(block)))
        if found and all(now > one.ends for one in found):
            day = datetime.fromtimestamp(max(one.ends for one in found), UTC).date()
            what = "every certificate in it" if len(found) > 1 else "the certificate in it"
            lines.append(f"{name}: {what} has expired, the last on {day}")
    return lines


_ROOTS = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE")


def bad_roots(subject: Subject, now: float) -> list[str]:
    """A line for each file of extra roots that cannot be used, with the variable that names it. Blocks; asks nobody."""
    named = {subject.variables[one].text.strip(): one for one in _ROOTS if one in subject.variables}
    files = tuple(dict.fromkeys([*subject.config.network.ca_files, *named]))
    if not any(files):
        return []  # reading the other stores would take 60 ms for nothing
    network = replace(subject.config.network, ca_files=files, client_cert="")
    lines = []
    for line in (*trust_warnings(network), *expired(files, now)):
        name = next((variable for file, variable in named.items() if line.startswith(f"{file}: ")), "")
        where = f"{name} ({subject.variables[name].where}): " if name else ""
        lines.append(where + line.rstrip("."))
    return lines


def context_that_sees_all() -> ssl.SSLContext:
    """A context that takes any certificate: to look at it. No request is ever sent over such a connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def public_context() -> ssl.SSLContext:
    """A context that trusts the public bundle, and nothing that this machine adds."""
    import certifi

    context = _checking()
    context.load_verify_locations(cafile=certifi.where())
    return context


def machine_context() -> ssl.SSLContext:
    """A context that trusts what the system does, and nothing else."""
    context = system_context()
    context.verify_flags = _lenient(context.verify_flags)
    return context


def extra_context(files: Sequence[str]) -> ssl.SSLContext:
    """A context that trusts these files of roots, and nothing else; one that cannot be read adds none."""
    context = _checking()
    for name in filter(None, files):
        with suppress(OSError, ValueError):
            context.load_verify_locations(cafile=name)
    return context


def _checking() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags = _lenient(context.verify_flags)
    return context


def _lenient(flags: ssl.VerifyFlags) -> ssl.VerifyFlags:
    """The same as for the gateway's connections, so that only the roots differ."""
    return (flags | ssl.VERIFY_X509_PARTIAL_CHAIN) & ~ssl.VERIFY_X509_STRICT
