"""The root that re-signs connections: of those that the system trusts, the one that does; never one from the wire."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme
from tls_peers import tls_host

from seawall.config import Network
from seawall.doctor import root
from seawall.http.failure import DialError
from seawall.origin import Origin


def of(authority: trustme.CA) -> root.Root:
    made = root._root(ssl.PEM_cert_to_DER_cert(authority.cert_pem.bytes().decode()))
    assert made is not None
    return made


def test_the_one_that_signs_is_found() -> None:
    """Among others, in whatever order; its fingerprint and text are those of the certificate."""
    signs, other = trustme.CA(organization_name="Corp Root"), trustme.CA()
    with tls_host(signs) as origin:
        found = asyncio.run(root.signer(origin, Network(), [of(other), of(signs)]))
    assert found == of(signs)
    assert "Corp Root" in found.name
    assert len(found.fingerprint) == 95
    assert found.pem.strip() == signs.cert_pem.bytes().decode().strip()


def test_none_of_them_signs() -> None:
    """What comes from the wire is never taken for it."""
    with tls_host(trustme.CA()) as origin:
        assert asyncio.run(root.signer(origin, Network(), [of(trustme.CA())])) is None


def test_nobody_listens() -> None:
    """That is another trouble than a root that is missing."""
    with pytest.raises(DialError):
        asyncio.run(root.signer(Origin("https", "127.0.0.1", 9), Network(), [of(trustme.CA())]))


def test_only_what_the_system_trusts_beside_the_public_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Roots only: not what another has signed, not a public one, nothing that is broken."""
    import certifi

    own = trustme.CA()
    leaf = own.issue_cert("x.example").cert_chain_pems[0].bytes()
    public = Path(certifi.where()).read_bytes()[:200_000]
    bundle = tmp_path / "roots.pem"
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    bundle.write_bytes(own.cert_pem.bytes() * 2 + leaf + broken + public)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    found = root.private_roots()
    assert of(own) in found
    assert len([one for one in found if one == of(own)]) == 1
    assert all(one.name != "x.example" for one in found)


def test_a_bundle_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is passed over."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent/roots.pem")
    assert isinstance(root.private_roots(), list)
