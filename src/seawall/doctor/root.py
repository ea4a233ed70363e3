"""The root by which a company re-signs connections, out of the system's own store: never from the wire."""

import asyncio
import hashlib
import ssl
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seawall.config import Network
from seawall.doctor.certificate import blocks, read
from seawall.http.dial import DialError, dial
from seawall.http.tls import LINUX_BUNDLES
from seawall.origin import Origin

MOST = 40
"""Roots that are tried: a company's store has a handful beside the public ones."""
SECONDS = 3.0
_LARGEST = 16 << 20
_KEYCHAINS = (
    "/Library/Keychains/System.keychain",
    "/System/Library/Keychains/SystemRootCertificates.keychain",
)


@dataclass(frozen=True, slots=True)
class Root:
    """A root that this machine trusts."""

    der: bytes
    name: str
    begins: float
    ends: float

    @property
    def fingerprint(self) -> str:
        """SHA-256, as other programs print it."""
        return hashlib.sha256(self.der).digest().hex(":").upper()

    @property
    def pem(self) -> str:
        return ssl.DER_cert_to_PEM_cert(self.der)


def private_roots() -> list[Root]:
    """The roots that this machine trusts and the public bundle has not."""
    import certifi

    public = set(_from(certifi.where()))
    found = dict.fromkeys(der for der in system_roots() if der not in public)
    return [root for der in found if (root := _root(der))]


def system_roots() -> Iterable[bytes]:
    """What this machine trusts, in DER."""
    if sys.platform == "win32":
        return [der for der, kind, _ in ssl.enum_certificates("ROOT") if kind == "x509_asn"]
    if sys.platform == "darwin":
        return [der for keychain in _KEYCHAINS for der in blocks(_keychain(keychain))]
    paths = ssl.get_default_verify_paths()
    # SSL_CERT_FILE stands in the first place, where it is set; the system's own file is trusted beside it.
    own = [path for path in (paths.cafile, paths.openssl_cafile) if path]
    bundle = next((one for one in LINUX_BUNDLES if Path(one).is_file()), None)
    return [der for path in dict.fromkeys([*own, *([bundle] if bundle else [])]) for der in _from(path)]


def _keychain(path: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603
            ["/usr/bin/security", "find-certificate", "-a", "-p", path],
            capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _from(path: str) -> list[bytes]:
    try:
        with open(path, "rb") as file:
            return blocks(file.read(_LARGEST).decode("ascii", "replace"))
    except OSError:
        return []


def _root(der: bytes) -> Root | None:
    """The root, if it has signed itself: what others have signed is no root."""
    try:
        seen = read(der)
    except ValueError:
        return None
    if seen.issuer != seen.subject:
        return None
    return Root(der, seen.subject, seen.begins, seen.ends)


async def signer(origin: Origin, network: Network, roots: Sequence[Root]) -> Root | None:
    """The root by which the connection to this host holds, of these; None where it is none of them.

    Raises `DialError` where no connection comes about at all.
    """
    for root in roots[:MOST]:
        if await _holds(origin, network, root):
            return root
    return None


async def _holds(origin: Origin, network: Network, root: Root) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # company roots often miss the fine print
    context.load_verify_locations(cadata=root.der)
    try:
        transport, _ = await dial(origin, network, asyncio.Protocol, timeout=SECONDS, trust=context)
    except DialError as error:
        if error.fault.value.startswith("tls_"):
            return False
        raise
    transport.abort()
    return True
