"""Whom to trust: the system's roots, the public bundle, and the roots that the user names."""

import re
import ssl
import stat
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from seawall.config import ConfigError, Network

ALPN = "http/1.1"

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----")
_LOCKED = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED")
_LARGEST = 16 * 1024 * 1024
"""Bytes read of one file of roots. All public roots together are a quarter of a megabyte."""
_MOST_FILES = 2000
"""Files looked at in one folder; a system's folder of roots holds some 300."""
LINUX_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Arch, Alpine with ca-certificates
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/pki/tls/certs/ca-bundle.crt",  # RHEL 6, Amazon Linux
    "/etc/ssl/cert.pem",  # Alpine, BSD
)
"""Where systems keep the roots that they trust, all in one file; the first that is there counts."""


def client_context(network: Network) -> ssl.SSLContext:
    """The context for connections to upstreams; one for each set of extra roots, made once (some 40 ms)."""
    return _trust(network.ca_files, _own(network))[0]


def trust_warnings(network: Network) -> tuple[str, ...]:
    """One line for each file of extra roots, or certificate in it, that could not be used, and why.

    The same for the certificate that this side shows.
    """
    return _trust(network.ca_files, _own(network))[1]


@dataclass(frozen=True, slots=True)
class _Own:
    """The certificate that this side shows to a server that demands one."""

    cert: str
    key: str
    passphrase: str = field(repr=False)
    changed: tuple[int, ...]
    """When its files changed: company certificates live for hours, and a new one is used from the next dial on."""


def _own(network: Network) -> _Own | None:
    if not network.client_cert:
        return None
    names = dict.fromkeys([network.client_cert, network.client_key or network.client_cert])
    changed = tuple(map(_changed, names))
    return _Own(network.client_cert, network.client_key, network.client_key_passphrase, changed)


def _changed(name: str) -> int:
    try:
        return Path(name).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


@lru_cache(maxsize=8)
def _trust(ca_files: tuple[str, ...], own: _Own | None = None) -> tuple[ssl.SSLContext, tuple[str, ...]]:
    context = system_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([ALPN])
    # Name checks are on by the protocol's default; said again, because nothing may ever turn them off.
    context.check_hostname = True
    context.verify_mode = ssl.CERT_REQUIRED
    # The same on every Python: an intermediate may be named as a root (3.13's default), and X.509's fine
    # print is not insisted on (3.13 does): company roots often miss it, those in the system's store too.
    context.verify_flags = (context.verify_flags | ssl.VERIFY_X509_PARTIAL_CHAIN) & ~ssl.VERIFY_X509_STRICT
    warnings = _load_public(context)
    for name in filter(None, ca_files):  # an empty name would be the folder we stand in
        warnings += _load(context, Path(name))
    if own is not None:
        warnings += show_certificate(context, own.cert, own.key, own.passphrase)
    return context, tuple(warnings)


def show_certificate(context: ssl.SSLContext, cert: str, key: str, passphrase: str) -> list[str]:
    """Have the context show this certificate to a server that demands one; or a line that says why it cannot.

    `key`: the file of its key; empty where it stands in the same file.
    """
    if found := _loaded(context, cert, key, passphrase):
        return ["{}: the client certificate cannot be used, {}.".format(*found)]
    return []


def listening_context(cert: str, key: str) -> ssl.SSLContext:
    """What a listener shows its clients; raises `ConfigError`, which says which file is at fault and why."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols([ALPN])
    if found := _loaded(context, cert, key, ""):
        raise ConfigError("gateway.tls_cert and gateway.tls_key: {}: {}".format(*found))
    return context


def _loaded(context: ssl.SSLContext, cert: str, key: str, passphrase: str) -> tuple[str, str] | None:
    """Give the context this certificate; the file that is at fault and why, where that cannot be done."""
    for name in filter(None, (cert, key)):
        if why := _unusable(Path(name)):
            return name, why
    try:
        # Always a passphrase, if an empty one: without any, OpenSSL would ask for it at the terminal.
        context.load_cert_chain(cert, key or None, passphrase)
    except ssl.SSLError as exc:
        return cert, _why_not_shown(exc, Path(cert), Path(key or cert))
    except OSError as exc:
        return cert, _why(exc)
    except (ValueError, TypeError):  # a passphrase that OpenSSL does not take: 1 KB is the most
        return cert, "its passphrase is none that can be given"
    return None


def _unusable(path: Path) -> str:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            return "it is not a file"
        if about.st_size > _LARGEST:
            return f"it is larger than {_LARGEST // 2**20} MB"
        path.open("rb").close()
    except (OSError, ValueError) as exc:
        return _why(exc)
    return ""


def _why_not_shown(exc: ssl.SSLError, path: Path, key: Path) -> str:
    reason = exc.reason or ""
    if reason == "KEY_VALUES_MISMATCH":
        return "the key belongs to another certificate"
    if "DECRYPT" in reason or reason in {"BAD_PASSWORD_READ", "PROBLEMS_GETTING_PASSWORD"}:
        return "its key cannot be opened with the passphrase"
    with path.open("rb") as file:
        content = file.read(_LARGEST)
    if not _BLOCK.search(content):
        return _no_blocks(content)
    with key.open("rb") as file:
        if _LOCKED.search(file.read(_LARGEST)):  # of such a one and no passphrase OpenSSL says nothing better
            return "its key cannot be opened without a passphrase"
    return "no key in PEM form that OpenSSL reads stands with it"


def system_context() -> ssl.SSLContext:
    """A context that trusts what this machine trusts."""
    if sys.platform in {"darwin", "win32"}:
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Not truststore here: on Linux it reads the whole bundle again for every connection, 17 ms in which
    # the event loop stands still (docs/decisions/0020-trust.md).
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    # SSL_CERT_FILE replaces OpenSSL's own file above, and a Python from elsewhere looks for it in the wrong
    # place: the system's bundle is added by name.
    for bundle in (ssl.get_default_verify_paths().openssl_cafile, *LINUX_BUNDLES):
        try:
            context.load_verify_locations(cafile=bundle)
        except OSError:  # also ssl.SSLError: a broken bundle is passed over like a missing one
            continue
        break
    return context


def _load_public(context: ssl.SSLContext) -> list[str]:
    import certifi

    try:
        context.load_verify_locations(cafile=certifi.where())
    except OSError as exc:
        return [f"The public bundle of certificates cannot be read: {_why(exc)}."]
    return []


def _load(context: ssl.SSLContext, path: Path) -> list[str]:
    """Add the roots of a PEM file or a folder of them; the warnings."""
    try:
        if not path.is_dir():
            return _load_file(context, path)
        files = sorted(p for p in path.iterdir() if not p.name.startswith(".") and p.is_file())
    except (OSError, ValueError) as exc:
        return [f"{path}: skipped, {_why(exc)}."]
    if not files:
        return [f"{path}: skipped, the folder is empty."]
    if len(files) > _MOST_FILES:
        return [f"{path}: skipped, the folder holds more than {_MOST_FILES} files."]
    warnings: list[str] = []
    for file in files:
        warnings += _load_file(context, file)
    return warnings


def _load_file(context: ssl.SSLContext, path: Path) -> list[str]:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):  # a pipe would block us
            return [f"{path}: skipped, it is not a file."]
        if about.st_size > _LARGEST:
            return [f"{path}: skipped, it is larger than {_LARGEST // 2**20} MB."]
        with path.open("rb") as file:
            content = file.read(_LARGEST)
    except (OSError, ValueError) as exc:
        return [f"{path}: skipped, {_why(exc)}."]
    blocks = _BLOCK.findall(content)
    if not blocks:
        return [f"{path}: skipped, {_no_blocks(content)}."]
    broken = sum(not _add(context, block) for block in blocks)
    if broken == len(blocks):
        return [f"{path}: skipped, no certificate in it can be read."]
    return [f"{path}: {broken} of {len(blocks)} certificates cannot be read."] if broken else []


def _add(context: ssl.SSLContext, block: bytes) -> bool:
    try:
        context.load_verify_locations(cadata=block.decode("ascii"))
    except (ssl.SSLError, ValueError):
        return False
    return True


def _no_blocks(content: bytes) -> str:
    if not content.strip():
        return "the file is empty"
    if content[:2] in {b"\x30\x82", b"\x30\x83"}:  # an ASN.1 sequence with a long length: DER
        return "it is in DER form: convert it to PEM with `openssl x509 -inform der`"
    return "it holds no certificate in PEM form"


def _why(exc: Exception) -> str:
    match exc:
        case FileNotFoundError():
            return "there is no such file or folder"
        case PermissionError():
            return "it may not be read"
        case OSError(strerror=str(text)):
            return text[:1].lower() + text[1:]
        case _:
            return "its name is not a path"
