"""Records, tokens, proofs: what is believed, and what is not."""

import json
import os
import socket
import ssl
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from seawall.config import Config, Fallback, Gateway, Network, Team
from seawall.gateway import runtime
from seawall.gateway.runtime import Record, Talk, Trouble

RECORD = Record("d" * 16, os.getpid(), "127.0.0.1", 1, 5.0, "0", True, "https://x.example")


def test_the_same_configuration_has_the_same_name() -> None:
    """Where on this machine it listens, and this machine's names in NO_PROXY, make no difference."""
    usual = runtime.digest_of(Config())
    assert usual == runtime.digest_of(Config(gateway=Gateway(listen="127.0.0.1:0")))
    assert usual == runtime.digest_of(Config(network=Network(no_proxy="127.0.0.1,::1,localhost")))
    assert runtime.digest_of(Config(network=Network(no_proxy="a,b"))) == runtime.digest_of(
        Config(network=Network(no_proxy="b, localhost ,a"))
    )


@pytest.mark.parametrize(
    "other",
    [
        Config(gateway=Gateway(upstream="https://other.example")),
        Config(gateway=Gateway(upstream_is_clients=True)),
        Config(gateway=Gateway(listen="0.0.0.0:8787")),
        Config(gateway=Gateway(listen="nonsense")),
        Config(network=Network(https_proxy="http://p:1")),
        Config(team=Team(token="t")),
    ],
)
def test_another_configuration_has_another_name(other: Config) -> None:
    """Whatever decides where calls go, or who may come, parts the gateways."""
    assert runtime.digest_of(other) != runtime.digest_of(Config())


def test_another_key_for_a_fallback_has_another_name() -> None:
    """A gateway goes on with the keys that it was started with: a new key needs a new one."""
    config = Config(fallback=(Fallback(upstream="https://other.example", key_env="A_KEY"),))
    names = {runtime.digest_of(config, environ) for environ in ({}, {"A_KEY": "a"}, {"A_KEY": "b"})}
    assert len(names) == 3
    assert runtime.digest_of(config, {"A_KEY": "a", "B_KEY": "c"}) in names
    assert runtime.digest_of(Config(), {"A_KEY": "a"}) == runtime.digest_of(Config())


def test_the_folder_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made with mode 700; a mode that is too open is mended."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert runtime.folder(environ, create=False) is None
    made = runtime.folder(environ, create=True)
    assert made == tmp_path / "seawall"
    made.chmod(0o755)
    assert runtime.folder(environ, create=False) == made
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_a_folder_that_somebody_prepared_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link, or a file, in its place: the next place is tried, and in the end it is said."""
    monkeypatch.setattr(runtime, "_places", lambda _: iter([tmp_path / "link", tmp_path / "file"]))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "file").touch()
    assert runtime.folder({}, create=False) is None
    with pytest.raises(Trouble, match="XDG_RUNTIME_DIR"):
        runtime.folder({}, create=True)


def test_all_that_ask_at_once_get_one_token(tmp_path: Path) -> None:
    """Mode 600, the same for everybody, nothing left beside it."""
    with ThreadPoolExecutor(16) as pool:
        tokens = set(pool.map(lambda _: runtime.obtain_token(tmp_path), range(64)))
    assert len(tokens) == 1
    assert len(tokens.pop()) >= 32
    assert [path.name for path in tmp_path.iterdir()] == ["token"]
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


@pytest.mark.parametrize("left", [b"", b" \n", b"\xff\xfe\x00"])
def test_what_is_no_token_is_replaced(tmp_path: Path, left: bytes) -> None:
    """What a full disk or a broken one left behind stops nobody."""
    (tmp_path / "token").write_bytes(left)
    assert runtime.obtain_token(tmp_path) == runtime.obtain_token(tmp_path)


def test_a_record_is_found_and_withdrawn(tmp_path: Path) -> None:
    """Mode 600, in one step, gone when told."""
    runtime.publish(tmp_path, RECORD)
    assert runtime.records(tmp_path) == [RECORD]
    assert stat.S_IMODE(RECORD.path(tmp_path).stat().st_mode) == 0o600
    runtime.withdraw(tmp_path, RECORD)
    runtime.withdraw(tmp_path, RECORD)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", "null", '{"schema": "other/1"}', '{"schema": "seawall.gateway/1"}', "\udcff",
     json.dumps({"schema": "seawall.gateway/1", "digest": "d", "pid": "1", "host": "h", "port": 1, "started_at": 1,
                 "version": "", "shared": True, "upstream": ""}),
     json.dumps({"schema": "seawall.gateway/1", "digest": "d", "pid": 1, "host": "h", "port": 99999, "started_at": 1,
                 "version": "", "shared": True, "upstream": ""}),
     json.dumps({"schema": "seawall.gateway/1", "digest": "d", "pid": 1, "host": "h", "port": 1, "started_at": 1,
                 "version": "", "shared": True, "upstream": "", "certificate": True})],
)  # fmt: skip
def test_a_record_that_is_none_is_removed(tmp_path: Path, content: str) -> None:
    """Cut off, foreign or impossible: it leads nobody astray twice."""
    (tmp_path / "gateway-d-1.json").write_text(content, errors="surrogateescape")
    assert runtime.records(tmp_path) == []
    assert runtime.records(tmp_path) == []


def test_a_record_of_an_older_version_is_read(tmp_path: Path) -> None:
    """A gateway that runs through an update goes on to be found: it speaks without TLS."""
    runtime.publish(tmp_path, RECORD)
    path = RECORD.path(tmp_path)
    older = json.loads(path.read_text())
    del older["certificate"]
    path.write_text(json.dumps(older))
    assert runtime.records(tmp_path) == [RECORD]
    assert RECORD.address == "http://127.0.0.1:1"
    assert replace(RECORD, host="::1", certificate="c" * 64).address == "https://[::1]:1"


def test_a_record_of_a_process_that_is_gone_is_removed(tmp_path: Path) -> None:
    """A number that nobody has is a gateway that died."""
    gone = replace(RECORD, pid=2**22 + 1)
    runtime.publish(tmp_path, gone)
    assert runtime.records(tmp_path) == []
    assert not gone.path(tmp_path).exists()


@contextmanager
def listener(answers: list[bytes]) -> Iterator[tuple[Record, list[bytes]]]:
    """Somebody who gives these bytes to each request in turn, then hangs up; and what was sent to them."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                for answer in answers:
                    heard.append(client.recv(65536))
                    client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield replace(RECORD, port=server.getsockname()[1]), heard
        finally:
            thread.join(10)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 64\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ncontent-length: 64\r\n\r\n" + b"0" * 64,
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n",
        b"x" * 40_000,
    ],
)
def test_who_cannot_prove_it_is_not_believed(answer: bytes) -> None:
    """Whatever a stranger answers, it is an OSError, and the token is never sent there."""
    with listener([answer]) as (record, heard), pytest.raises(OSError):  # noqa: PT011
        runtime.approach(record, "very-secret-token", 2.0)
    assert all(b"very-secret-token" not in request for request in heard)


def test_who_proves_it_is_asked_on_the_same_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nobody can come between the proof and the token."""
    monkeypatch.setattr(runtime.secrets, "token_hex", lambda _: "n" * 32)
    right = runtime.proof("token", "n" * 32).encode()
    proved = b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + right
    status = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    with listener([proved, status]) as (record, heard):
        talk = runtime.approach(record, "token", 5.0)
        assert talk.get("/api/v1/status", "token") == (200, b"{}")
        talk.close()
    assert b"x-seawall-token" not in heard[0]
    assert b"x-seawall-token: token\r\n" in heard[1]


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


def of_file(cert: trustme.LeafCert, folder: Path) -> str:
    """What the record says of a listener with this certificate."""
    cert.private_key_and_cert_chain_pem.write_to_path(folder / "cert.pem")  # the key stands first
    return runtime.fingerprint(str(folder / "cert.pem"))


@contextmanager
def sealed_listener(cert: trustme.LeafCert, answers: list[bytes]) -> Iterator[tuple[Record, list[bytes]]]:
    """As `listener`, with TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            plain, _ = server.accept()
            with plain, suppress(OSError), context.wrap_socket(plain, server_side=True) as client:
                for answer in answers:
                    heard.append(client.recv(65536))
                    client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield replace(RECORD, port=server.getsockname()[1]), heard
        finally:
            thread.join(10)


def test_a_gateway_with_tls_is_known_by_its_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ca: trustme.CA
) -> None:
    """Whoever issued it and whatever name it is for: it is the one that the gateway wrote down."""
    monkeypatch.setattr(runtime.secrets, "token_hex", lambda _: "n" * 32)
    right = runtime.proof("token", "n" * 32).encode()
    proved = b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + right
    cert = ca.issue_cert("gateway.example")
    with sealed_listener(cert, [proved]) as (record, heard):
        record = replace(record, certificate=of_file(cert, tmp_path))
        runtime.approach(record, "token", 10.0).close()
    assert f"host: 127.0.0.1:{record.port}\r\n".encode() in heard[0]


def test_another_certificate_is_told_nothing(tmp_path: Path, ca: trustme.CA) -> None:
    """Of the same issuer and for the same name: it is not even asked for its proof."""
    mine, other = ca.issue_cert("gateway.example"), ca.issue_cert("gateway.example")
    with sealed_listener(other, [b""]) as (record, heard):
        record = replace(record, certificate=of_file(mine, tmp_path))
        with pytest.raises(ConnectionError, match="not the gateway's certificate"):
            runtime.approach(record, "token", 10.0)
    assert heard == [b""]


def test_one_that_speaks_no_tls_is_told_nothing() -> None:
    """A gateway with a certificate never falls back to a connection without."""
    plain = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
    with listener([plain]) as (record, heard), pytest.raises(OSError):  # noqa: PT011
        runtime.approach(replace(record, certificate="c" * 64), "token", 10.0)
    assert b"GET" not in heard[0]


def test_silence_ends_in_time() -> None:
    """A listener that says nothing costs the limit and no more; with TLS too."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(TimeoutError):
            Talk(replace(RECORD, port=silent.getsockname()[1], certificate="c" * 64), 0.05)
        talk = Talk(replace(RECORD, port=silent.getsockname()[1]), 0.05)
        with pytest.raises(TimeoutError):
            talk.get("/")
        talk.close()


def test_a_start_that_fails_says_why_and_frees_the_lock(tmp_path: Path) -> None:
    """The line reaches whoever asked; the next may try."""

    def fail() -> None:
        raise Trouble("the gateway did not start: no luck")

    for _ in range(2):
        with pytest.raises(Trouble, match="no luck"):
            runtime.lease(tmp_path, "d" * 16, fail)


def test_only_one_is_inside_the_lock(tmp_path: Path) -> None:
    """The others wait for their turn."""
    inside, most = [0], [0]

    def enter(_: int) -> None:
        with runtime.locked(tmp_path / "lock"):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(enter, range(100)))
    assert most == [1]


KEPT_OUT = {"html.entities", "platformdirs", "tempfile", "shutil", "bz2", "lzma", "tomllib", "email", "urllib.request",
            "sqlalchemy", "alembic", "rich", "h11", "brotli", "truststore", "certifi"}  # fmt: skip


def test_a_gateway_keeps_nothing_in_memory_that_it_seldom_needs(tmp_path: Path) -> None:
    """Each of these is some hundred KB, or many, of the 30 MB that a gateway takes before its first call."""
    code = (
        "import os, sys\n"
        "import seawall.cli.verbs, seawall.cli.serving, seawall.gateway.app, seawall.gateway.sharing\n"
        "from seawall import settings\n"
        "from seawall.config import Store\n"
        "from seawall.gateway import runtime\n"
        "from seawall.store import place, sqlite, writer\n"
        "settings.load({}, os.environ, user_file=settings.Path('none.toml'), project_file=None)\n"
        "place.store_path(Store(), place.here()), runtime.folder(os.environ, create=True)\n"
        "print(*sys.modules)"
    )
    environ = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert KEPT_OUT & set(done.stdout.split()) == set()
