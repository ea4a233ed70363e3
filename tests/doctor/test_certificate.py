"""Certificates read from their bytes, without trusting them."""

import ssl
import time

import pytest
import trustme

from seawall.doctor.certificate import read


def der(cert: trustme.LeafCert) -> bytes:
    return ssl.PEM_cert_to_DER_cert(cert.cert_chain_pems[0].bytes().decode())


def test_who_signed_and_until_when() -> None:
    """The issuer's name, and times around now."""
    ca = trustme.CA(organization_name="Zscaler Inc.", organization_unit_name="Root")
    found = read(der(ca.issue_cert("api.anthropic.com")))
    assert "Zscaler Inc." in found.issuer
    assert found.inspector == "Zscaler"
    assert found.begins < time.time() < found.ends


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
