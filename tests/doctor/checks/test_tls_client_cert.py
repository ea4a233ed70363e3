"""A certificate of this side's own."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from doctor_peers import about, ran

from seawall.config import Network
from seawall.doctor.check import Finding, State

CA = trustme.CA()


def write(tmp_path: Path, name: str, data: bytes) -> str:
    (tmp_path / name).write_bytes(data)
    return str(tmp_path / name)


def issued(tmp_path: Path, name: str = "own", days: int = 300) -> tuple[str, str]:
    """Files of a certificate and its key."""
    leaf = CA.issue_cert(f"{name}.example", not_after=datetime.now(UTC) + timedelta(days=days))
    return (
        write(tmp_path, f"{name}.pem", leaf.cert_chain_pems[0].bytes()),
        write(tmp_path, f"{name}.key", leaf.private_key_pem.bytes()),
    )


def found(tmp_path: Path, cert: str, key: str = "", passphrase: str = "") -> Finding:
    network = Network(client_cert=cert, client_key=key, client_key_passphrase=passphrase)
    return ran(about(tmp_path, network=network), "tls.client_cert")


def test_none_is_set(tmp_path: Path) -> None:
    """Most have none."""
    assert ran(about(tmp_path), "tls.client_cert").state is State.SKIP


def test_a_good_one(tmp_path: Path) -> None:
    """With its key beside it, or in the same file."""
    cert, key = issued(tmp_path)
    assert found(tmp_path, cert, key).state is State.OK
    both = write(tmp_path, "both.pem", Path(cert).read_bytes() + Path(key).read_bytes())
    assert found(tmp_path, both).state is State.OK


def test_a_key_with_a_passphrase(tmp_path: Path) -> None:
    """Opened with the right one; without it, or with another, nobody is asked at the terminal."""
    cert, key = issued(tmp_path)
    loaded = serialization.load_pem_private_key(Path(key).read_bytes(), None)
    shut = write(
        tmp_path,
        "shut.key",
        loaded.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open sesame"),
        ),
    )
    assert found(tmp_path, cert, shut, "open sesame").state is State.OK
    for wrong in ("", "another-passphrase"):
        bad = found(tmp_path, cert, shut, wrong)
        assert (bad.state, "passphrase" in bad.summary) == (State.FAIL, True)
        assert "another-passphrase" not in repr(bad)


def test_what_is_wrong_with_it(tmp_path: Path) -> None:
    """Each said in words, and certain: servers that demand it refuse every call."""
    cert, key = issued(tmp_path)
    _, other = issued(tmp_path, "other")
    (tmp_path / "folder").mkdir()
    der = ssl.PEM_cert_to_DER_cert(Path(cert).read_text())
    for bad, its_key, words in (
        (str(tmp_path / "gone.pem"), key, "no such file"),
        (str(tmp_path / "folder"), key, "not a file"),
        (write(tmp_path, "a.der", der), key, "DER form"),
        (write(tmp_path, "empty.pem", b""), key, "empty"),
        (cert, other, "belongs to another certificate"),
        (cert, "", "no key in PEM form"),
        (cert, str(tmp_path / "gone.key"), "no such file"),
        ("nul\0name", "", "not a path"),
    ):
        done = found(tmp_path, bad, its_key)
        assert done.state is State.FAIL, words
        assert words in done.summary
        assert [(one.cause, one.weight.value) for one in done.signs] == [("machine.settings", "decisive")]


def test_one_that_expired_or_will_soon(tmp_path: Path) -> None:
    """The day is named."""
    cert, key = issued(tmp_path, days=3)
    soon = found(tmp_path, cert, key)
    assert (soon.state, "expires on" in soon.summary) == (State.WARN, True)
    cert, key = issued(tmp_path, "old", days=-3)
    over = found(tmp_path, cert, key)
    assert (over.state, "expired on" in over.summary) == (State.FAIL, True)


def test_a_key_without_a_certificate(tmp_path: Path) -> None:
    """Half of a setting."""
    one = about(tmp_path)
    network = replace(one.config.network, client_key="k.pem")
    one = replace(one, config=replace(one.config, network=network))
    assert ran(one, "tls.client_cert").state is State.WARN


@pytest.mark.parametrize("scope", ["the environment"])
def test_where_it_is_set(tmp_path: Path, scope: str) -> None:
    """The place to mend is named."""
    environ = {"CLAUDE_CODE_CLIENT_CERT": str(tmp_path / "gone.pem")}
    one = about(tmp_path, environ=environ, network=Network(client_cert=environ["CLAUDE_CODE_CLIENT_CERT"]))
    assert ran(one, "tls.client_cert").signs[0].text.endswith(f"set in {scope}")
