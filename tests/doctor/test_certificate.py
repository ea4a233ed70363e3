"""Certificates read from their bytes, without trusting them."""

import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from seawall.doctor.certificate import (
    Certificate,
    blocks,
    chain,
    expired,
    extra_context,
    machine_context,
    public_context,
    read,
)


def der(cert: trustme.LeafCert) -> bytes:
    return ssl.PEM_cert_to_DER_cert(cert.cert_chain_pems[0].bytes().decode())


def test_who_signed_and_until_when() -> None:
    """The issuer's name, and times around now."""
    ca = trustme.CA(organization_name="Zscaler Inc.", organization_unit_name="Root")
    found = read(der(ca.issue_cert("api.anthropic.com")))
    assert "Zscaler Inc." in found.issuer
    assert found.inspector == "Zscaler"
    assert found.begins < time.time() < found.ends


def test_the_certificates_of_a_file() -> None:
    """All that can be read, in their order; a broken one, a key and the text between them are passed over."""
    one, two = (trustme.CA().issue_cert("a.example") for _ in range(2))
    pem = [each.cert_chain_pems[0].bytes().decode() for each in (one, two)]
    broken = "-----BEGIN CERTIFICATE-----\nAAAAA\n-----END CERTIFICATE-----\n"
    text = (
        f"# roots\n{pem[0]}{one.private_key_pem.bytes().decode()}{broken}{pem[1]}-----BEGIN CERTIFICATE-----"
    )
    assert blocks(text) == [der(one), der(two)]
    assert blocks("") == []


def test_a_public_root_is_no_inspector() -> None:
    """Only names that are known for it."""
    ca = trustme.CA(organization_name="Google Trust Services", organization_unit_name="WE1")
    assert read(der(ca.issue_cert("api.anthropic.com"))).inspector == ""


@pytest.mark.parametrize(
    "data", [b"", b"\x30", b"\x30\x84\xff\xff\xff\xff", b"\x00" * 50, b"\x30\x03\x30\x01\x02"]
)
def test_what_is_no_certificate(data: bytes) -> None:
    """ValueError, nothing else."""
    with pytest.raises(ValueError, match=r"."):
        read(data)


def test_every_cut_of_a_certificate_is_survived() -> None:
    """A server can send anything."""
    whole = der(trustme.CA().issue_cert("x.example"))
    for length in range(0, len(whole), 7):
        with pytest.raises(ValueError, match=r"."):
            read(whole[:length])


@pytest.mark.parametrize(
    ("issuer", "name"),
    [
        ("Zscaler Intermediate Root CA (zscalerthree.net)", "Zscaler"),
        ("ca.netskope.com (Netskope Inc)", "Netskope"),
        ("Corp Palo Alto Decryption", "Palo Alto"),
        ("FortiGate CA (Fortinet)", "Fortinet"),
        ("Cisco Umbrella Root CA", "Cisco Umbrella"),
        ("Blue Coat ProxySG", "Blue Coat"),
        ("McAfee Web Gateway", "McAfee"),
        ("Skyhigh Secure Web Gateway", "Skyhigh"),
        ("Sophos SSL CA_C1234", "Sophos"),
        ("Kaspersky Anti-Virus Personal Root Certificate", "Kaspersky"),
        ("ESET SSL Filter CA", "ESET"),
        ("Avast Web/Mail Shield Root", "Avast"),
        ("Bitdefender Personal CA.Net-Defender", "Bitdefender"),
        ("mitmproxy", "mitmproxy"),
        ("Gateway CA - Cloudflare Managed G1", "Gateway CA - Cloudflare"),
        ("WE1 (Google Trust Services)", ""),
        ("Let's Encrypt R11", ""),
        ("Preset Planavsky Authority", ""),
    ],
)
def test_who_is_known_to_sign_anew(issuer: str, name: str) -> None:
    """By the name at the beginning of a word; a public authority is none."""
    assert Certificate(issuer, "x", 0.0, 1.0).inspector == name


def test_a_store_trusts_nothing_but_its_own(tmp_path: Path) -> None:
    """The public bundle has not the company's root, and the company's file has only that."""
    ca = trustme.CA()
    path = tmp_path / "root.pem"
    ca.cert_pem.write_to_path(str(path))
    own = ssl.PEM_cert_to_DER_cert(ca.cert_pem.bytes().decode())
    assert extra_context([str(path), str(tmp_path / "gone"), ""]).get_ca_certs(binary_form=True) == [own]
    assert own not in public_context().get_ca_certs(binary_form=True)
    assert own not in machine_context().get_ca_certs(binary_form=True)
    for context in (extra_context([str(path)]), public_context(), machine_context()):
        assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


class Sent:
    """What Python 3.13 offers of a connection."""

    def __init__(self, *ders: bytes) -> None:
        self.ders = ders

    def get_unverified_chain(self) -> list[bytes]:
        return list(self.ders)


def test_the_chain_that_was_sent() -> None:
    """In its order; what is no certificate is left out."""
    ca = trustme.CA(organization_name="Root Org")
    middle = ca.create_child_ca()
    leaf = middle.issue_cert("x.example")
    ders = [ssl.PEM_cert_to_DER_cert(one.bytes().decode()) for one in leaf.cert_chain_pems]
    found = chain(Sent(*ders, b"nonsense"))
    assert len(found) == len(ders) >= 2
    assert found[0].issuer == found[1].subject
    assert "Root Org" in found[-1].issuer


def test_files_of_roots_that_are_over(tmp_path: Path) -> None:
    """Only where nothing in the file is valid any more; what cannot be read says nothing here."""
    ca = trustme.CA()
    old = [
        ca.issue_cert("a.example", not_after=datetime.now(UTC) - timedelta(days=days))
        .cert_chain_pems[0]
        .bytes()
        for days in (400, 30)
    ]
    files = {
        "one.pem": old[0], "both.pem": old[0] + b"\n" + old[1], "some.pem": old[0] + ca.cert_pem.bytes(),
        "good.pem": ca.cert_pem.bytes(), "none.pem": b"nothing", "empty.pem": b"",
    }  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    names = [str(tmp_path / name) for name in (*files, "gone.pem")]
    lines = expired(["", *names, str(tmp_path)], time.time())
    day = (datetime.now(UTC) - timedelta(days=30)).date()
    assert [line.removeprefix(f"{tmp_path}/").partition(", the last on")[0] for line in lines] == [
        "one.pem: the certificate in it has expired",
        "both.pem: every certificate in it has expired",
    ]
    assert lines[1].endswith(str(day))
