"""Finding, starting and sharing one gateway per user and configuration.

A gateway that listens leaves a record in the user's runtime folder. Whoever finds one makes it prove that it
holds the user's token before anything is sent there. Imports only what is cheap, for `seawall status`.
"""

import contextlib
import hmac
import json
import os
import secrets
import socket
import stat
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seawall import __version__

if TYPE_CHECKING:
    from seawall.config import Config

SCHEMA = "seawall.gateway/1"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
START_LIMIT = 15.0
"""A start takes 0.3 s; a machine with every core busy may need fifty times that."""
LOG_LIMIT = 1 << 20
_HEAD_LIMIT = 16 * 1024
_BODY_LIMIT = 1 << 20


class Trouble(Exception):
    """Why there is no gateway to use; one line for a person."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a gateway says of itself to its user's other processes."""

    digest: str
    pid: int
    host: str
    port: int
    started_at: float
    version: str
    shared: bool
    upstream: str
    certificate: str = ""
    """The SHA-256, in hex, of the certificate that it shows; empty where it speaks without TLS."""

    @property
    def address(self) -> str:
        """The base address for clients on this machine."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}"

    def path(self, folder: Path) -> Path:
        """Its file's place."""
        return folder / f"gateway-{self.digest}-{self.pid}.json"


def for_runs(config: "Config") -> "Config":
    """As the gateway that runs share has it: plain HTTP, since it is on this machine's own address only.

    The certificate is for those who call from elsewhere; a command's client would not trust it at 127.0.0.1.
    """
    return replace(config, gateway=replace(config.gateway, tls_cert="", tls_key=""))


def digest_of(config: "Config", environ: Mapping[str, str] | None = None) -> str:
    """A name for a configuration: the same for all runs that may share a gateway, another for any other.

    The keys in `environ` that fallbacks name count: a gateway has those that it was started with. Where on this
    machine it listens does not count, so that `run` finds a gateway that `serve` started.
    """
    import hashlib

    from seawall.config import ConfigError, Doctor, Escalate, History, Notify, Plan, Report, listen_address
    from seawall.origin import is_loopback

    try:
        shared = is_loopback(listen_address(config.gateway.listen)[0])
    except ConfigError:
        shared = False
    if shared:
        config = replace(config, gateway=replace(config.gateway, listen=""))
    # `run` adds this machine's own names for its child; a run inside it is to find the same gateway.
    far = {name.strip() for name in config.network.no_proxy.split(",")} - {"", *LOOPBACK}
    config = replace(config, network=replace(config.network, no_proxy=",".join(sorted(far))))
    # No gateway reads those.
    config = replace(config, doctor=Doctor(), escalate=Escalate(), report=Report(), notify=Notify())
    config = replace(config, history=History(keep=config.history.keep), plan=Plan())
    keys = [(environ or {}).get(one.key_env, "") for one in config.fallback if one.key_env]
    keys.append(config.network.client_key_passphrase)
    return hashlib.sha256(repr((__version__, config, config.team.token, keys)).encode()).hexdigest()[:16]


def _places(environ: Mapping[str, str]) -> Iterator[Path]:
    """Where the folder may be, best first. A folder of another user (after `su`) is passed over."""
    uid = os.getuid()
    for base in (environ.get("XDG_RUNTIME_DIR", ""), f"/run/user/{uid}"):
        with contextlib.suppress(OSError):
            if base.startswith("/") and os.stat(base).st_uid == uid:
                yield Path(base) / "seawall"
    import tempfile  # 0.4 MB with what it imports, and most systems have one of those

    yield Path(tempfile.gettempdir()) / f"seawall-{uid}"


def _is_private(path: Path) -> bool:
    """Whether it is a folder of ours that nobody else may enter; mended where only the mode is wrong."""
    try:
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            return False
        if found.st_mode & 0o077:
            os.chmod(path, 0o700)
    except OSError:
        return False
    return os.access(path, os.W_OK | os.X_OK)


def folder(environ: Mapping[str, str], *, create: bool) -> Path | None:
    """The user's runtime folder (mode 700, owner checked); None where it is not there and not to be made."""
    for place in _places(environ):
        if create:
            with contextlib.suppress(OSError):
                os.mkdir(place, 0o700)
        if _is_private(place):
            return place
    if create:
        raise Trouble(
            "no folder of yours can hold the gateway's state; XDG_RUNTIME_DIR or TMPDIR may name one"
        )
    return None


def _write_private(path: Path, text: str) -> Path:
    """Writes a file of mode 600 beside `path` and returns where; the caller moves it there in one step."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return beside


def read_token(place: Path) -> str | None:
    """The user's token for local routes, if there is one."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return (place / "token").read_text().strip() or None
    return None


def obtain_token(place: Path) -> str:
    """The user's token; made if there is none. Two that make one at once get the same."""
    path = place / "token"
    for _ in range(3):
        if token := read_token(place):
            return token
        beside = _write_private(path, secrets.token_urlsafe(32))
        try:
            os.link(beside, path)
        except FileExistsError:
            if read_token(place) is None:  # a full disk left an empty one, or a broken one something else
                path.unlink(missing_ok=True)
        finally:
            beside.unlink()
    raise Trouble(f"no token can be kept in {place}")


def publish(place: Path, record: Record) -> None:
    """Leaves the record for others to find, in one step."""
    path = record.path(place)
    os.replace(_write_private(path, json.dumps({"schema": SCHEMA, **asdict(record)})), path)


def withdraw(place: Path, record: Record) -> None:
    """Takes the record away; nobody new will come."""
    with contextlib.suppress(OSError):
        record.path(place).unlink()


def _parsed(text: str) -> Record | None:
    try:
        value = json.loads(text)
        if value.pop("schema") != SCHEMA:
            return None
        value.setdefault("certificate", "")  # that of a gateway from before an update has none
        record = Record(**{name: value[name] for name in Record.__dataclass_fields__})
        if not (isinstance(record.certificate, str) and len(record.certificate) in (0, 64)):
            return None
        whole = isinstance(record.pid, int) and isinstance(record.port, int) and isinstance(record.host, str)
        timed = isinstance(record.started_at, (int, float)) and isinstance(record.digest, str)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return record if whole and timed and 0 < record.port < 65536 and record.pid > 0 else None


def records(place: Path) -> list[Record]:
    """The records of gateways, oldest first; those of processes that are gone are removed."""
    found: list[Record] = []
    for path in place.glob("gateway-*.json"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            record = _parsed(path.read_text())
            if record is not None and _lives(record.pid):
                found.append(record)
            else:
                path.unlink()
    return sorted(found, key=lambda record: record.started_at)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return False  # a gateway of ours can be signalled; this number belongs to somebody else now
    return True


def proof(token: str, nonce: str) -> str:
    """What only a holder of the token can answer to a nonce."""
    return hmac.new(token.encode(), nonce.encode(), "sha256").hexdigest()


def fingerprint(file: str) -> str:
    """The SHA-256, in hex, of the certificate that a listener with this PEM file shows: the first that stands in it."""
    import hashlib
    import ssl

    text = Path(file).read_bytes().decode("latin-1")
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    block = begin + text.partition(begin)[2].partition(end)[0] + end
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(block)).hexdigest()


def _sealed(plain: socket.socket, certificate: str) -> socket.socket:
    """The same connection with TLS, its other side known by its certificate; `ConnectionError` for any other.

    Names, dates and issuers count for nothing: this very certificate, whose key the other side has proved to hold,
    is the one that the gateway itself wrote down where only its user can write.
    """
    import hashlib
    import ssl  # 11 ms, which `status` has not got for a gateway without TLS

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    sealed = context.wrap_socket(plain)
    shown = sealed.getpeercert(binary_form=True) or b""
    if not hmac.compare_digest(hashlib.sha256(shown).hexdigest(), certificate):
        sealed.close()
        raise ConnectionError("somebody else listens there: this is not the gateway's certificate")
    return sealed


class Talk:
    """One connection to a listener on this machine, with one limit in seconds for all that is said on it."""

    def __init__(self, record: Record, limit: float) -> None:
        self.record = record
        self._deadline = time.monotonic() + limit
        self._rest = b""
        self._socket = socket.create_connection((record.host, record.port), timeout=limit)
        if record.certificate:
            try:
                self._socket = _sealed(self._socket, record.certificate)
            except BaseException:
                self._socket.close()
                raise

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()

    def get(self, path: str, token: str = "") -> tuple[int, bytes]:
        """Status and body of a GET; OSError if there is no whole answer in time."""
        status, length = self._begin(path, token)
        while len(self._rest) < length:
            self._more()
        body, self._rest = self._rest[:length], self._rest[length:]
        return status, body

    def lease(self, token: str) -> bool:
        """Asks for a lease, which lasts as long as this connection; false if the gateway is leaving."""
        status, _ = self._begin("/api/v1/lease", token)
        self._socket.settimeout(None)
        # End with a reset, also when this process is killed: a plain end might be a client that still reads.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return status == 200

    def ended(self) -> None:
        """Returns when the other side has ended the connection."""
        with contextlib.suppress(OSError):
            while self._socket.recv(4096):
                pass

    def hang_up(self) -> None:
        """Ends the connection from another thread than the one that waits in `ended`."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RD)  # wakes the reader, says nothing to the other side

    def _more(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        self._socket.settimeout(left)
        piece = self._socket.recv(65536)
        if not piece:
            raise ConnectionError("the connection ended before its answer")
        self._rest += piece

    def _begin(self, path: str, token: str) -> tuple[int, int]:
        """Sends a GET and reads the answer's head: its status and its length."""
        address = self.record.address.partition("://")[2]
        lines = [f"GET {path} HTTP/1.1", f"host: {address}", "accept: */*"]
        if token:
            lines.append(f"x-seawall-token: {token}")
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in self._rest:
            if len(self._rest) > _HEAD_LIMIT:
                raise ConnectionError("an answer whose head does not end")
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        named = dict(field.lower().split(":", 1) for field in fields if ":" in field)
        parts = first.split(" ", 2)
        length = named.get("content-length", "0").strip()
        if len(parts) < 2 or not parts[1].isdecimal() or not length.isdecimal() or int(length) > _BODY_LIMIT:
            raise ConnectionError("not an answer of ours")
        return int(parts[1]), int(length)


def approach(record: Record, token: str, limit: float) -> Talk:
    """A connection whose other side has proved that it is the user's own gateway; OSError if it has not."""
    talk = Talk(record, limit)
    try:
        nonce = secrets.token_hex(16)
        status, body = talk.get(f"/api/v1/challenge?nonce={nonce}")
        if status != 200 or not hmac.compare_digest(body, proof(token, nonce).encode()):
            raise ConnectionError("somebody else listens there")
    except BaseException:
        talk.close()
        raise
    return talk


def find(place: Path, digest: str, token: str, *, discard: bool = False, limit: float = 2.0) -> Talk | None:
    """A connection to a running gateway of this configuration, proved; None if there is none.

    With `discard` (under the lock only) the records of those that cannot prove themselves are removed.
    """
    for record in records(place):
        if record.digest == digest:
            try:
                return approach(record, token, limit)
            except OSError:
                if discard:
                    withdraw(place, record)
    return None


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process of the user at a time is inside; the lock goes with its holder, however that ends."""
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def lease(place: Path, digest: str, start: Callable[[], None]) -> Talk:
    """A lease on the gateway of this configuration, which `start` starts where there is none.

    However many ask at once, one of them starts it. Trouble says why there is none.
    """
    token = obtain_token(place)
    for _ in range(5):  # a gateway that is just leaving refuses; then another is found or started
        talk = find(place, digest, token)
        if talk is None:
            with locked(place / f"{digest}.lock"):
                talk = find(place, digest, token, discard=True)
                if talk is None:
                    start()
                    # It has said that it listens; on a busy machine its first answer may take a while.
                    talk = find(place, digest, token, limit=START_LIMIT)
        if talk is None:
            break
        with contextlib.suppress(OSError):
            if talk.lease(token):
                return talk
        talk.close()
        time.sleep(0.05)
    raise Trouble("the gateway was started, but does not answer")
