"""`doctor --export-ca`: a file with the root that this machine trusts already; everything else is refused."""

import ssl
from pathlib import Path

import pytest
import trustme
from doctor_peers import setting
from tls_peers import tls_host

from own_home import Home
from shapes import conforms


@pytest.fixture
def bundle(tmp_path: Path) -> tuple[Path, trustme.CA]:
    """What this machine trusts: a company's root and another."""
    own = trustme.CA(organization_name="Corp Root")
    path = tmp_path / "roots.pem"
    path.write_bytes(trustme.CA().cert_pem.bytes() + own.cert_pem.bytes())
    return path, own


def test_the_root_is_written(own_home: Home, bundle: tuple[Path, trustme.CA]) -> None:
    """Its name and fingerprint first; the file is that certificate, and a program that is given it connects."""
    path, own = bundle
    target = own_home.path / "company-root.pem"
    with tls_host(own) as origin:
        url = f"https://127.0.0.1:{origin.port}"
        done = own_home.seawall(
            "doctor", "--export-ca", "~/company-root.pem", **setting(url), SSL_CERT_FILE=str(path)
        )
        as_json = own_home.seawall(
            "doctor", "--export-ca", "two.pem", "--json", **setting(url), SSL_CERT_FILE=str(path)
        )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "Corp Root" in lines[0]
    assert lines[1].startswith("SHA-256 ")
    assert lines[2].endswith(f"export NODE_EXTRA_CA_CERTS={target}")
    assert ssl.PEM_cert_to_DER_cert(target.read_text()) == ssl.PEM_cert_to_DER_cert(
        own.cert_pem.bytes().decode()
    )
    value = conforms(as_json.stdout)
    assert f"SHA-256 {value['sha256']}" == lines[1]


def test_one_that_nobody_trusts_is_not_written(own_home: Home, bundle: tuple[Path, trustme.CA]) -> None:
    """Whoever answers could have made it: code 14, and no file."""
    path, _ = bundle
    with tls_host(trustme.CA()) as origin:
        done = own_home.seawall(
            "doctor",
            "--export-ca",
            "x.pem",
            **setting(f"https://127.0.0.1:{origin.port}"),
            SSL_CERT_FILE=str(path),
        )
    assert (done.returncode, done.stdout) == (14, "")
    assert "Ask IT for the company's root" in done.stderr
    assert not (own_home.path / "x.pem").exists()


def test_files_that_are_there_stay(own_home: Home) -> None:
    """Nothing is overwritten, followed or made in a folder that is not there; each in one line."""
    there = own_home.path / "there.pem"
    there.write_text("mine")
    (own_home.path / "link.pem").symlink_to(own_home.path / "nowhere.pem")
    for name, said in (
        ("there.pem", "is there already"),
        ("link.pem", "is there already"),
        ("a/b.pem", "no folder"),
    ):
        done = own_home.seawall("doctor", "--export-ca", name, **setting("https://127.0.0.1:9"))
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
    assert there.read_text() == "mine"


def test_where_there_is_nothing_to_write(own_home: Home, bundle: tuple[Path, trustme.CA]) -> None:
    """No TLS, no network, nobody there: said in a line."""
    path, _ = bundle
    plain = own_home.seawall("doctor", "--export-ca", "x.pem", **setting("http://127.0.0.1:9"))
    assert (plain.returncode, "asked without TLS" in plain.stderr) == (2, True)
    offline = own_home.seawall(
        "doctor", "--export-ca", "x.pem", "--offline", **setting("https://127.0.0.1:9")
    )
    assert (offline.returncode, "leave out --offline" in offline.stderr) == (2, True)
    nobody = own_home.seawall(
        "doctor", "--export-ca", "x.pem", **setting("https://127.0.0.1:9"), SSL_CERT_FILE=str(path)
    )
    assert (nobody.returncode, nobody.stdout) == (14, "")
    assert not (own_home.path / "x.pem").exists()
