"""Trust: whose certificates are believed, and what is said of files that do not help."""

import asyncio
import os
import ssl
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from dial_peers import Client, Echo, listening, on_both_loops, run, server_context, speaks

from seawall.config import Network
from seawall.http import tls as tls_module
from seawall.http.dial import DialError, dial
from seawall.http.tls import client_context, trust_warnings
from seawall.origin import Origin


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


def pem(ca: trustme.CA) -> bytes:
    return ca.cert_pem.bytes()


def subjects(context: ssl.SSLContext) -> set[bytes]:
    return set(context.get_ca_certs(binary_form=True))


def der(ca: trustme.CA) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem(ca).decode())


def test_checks_are_always_on() -> None:
    """Names are checked, certificates required, TLS 1.2 the least; old fine print is not insisted on."""
    context = client_context(Network())
    assert context.check_hostname is True
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN


def test_the_public_bundle_is_trusted() -> None:
    """The bundle's roots are in the context, whatever the system has."""
    import certifi

    public = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    public.load_verify_locations(certifi.where())
    assert subjects(public) <= subjects(client_context(Network()))
    assert len(subjects(public)) > 50


@pytest.mark.skipif(sys.platform in {"darwin", "win32"}, reason="the system's store is no file there")
def test_the_systems_bundle_is_trusted_beside_ssl_cert_file(
    ca: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE takes OpenSSL's own file away; the system's roots are trusted all the same."""
    extra, system = tmp_path / "extra.pem", tmp_path / "system.pem"
    corp = trustme.CA()
    extra.write_bytes(pem(ca))
    system.write_bytes(pem(corp))
    monkeypatch.setenv("SSL_CERT_FILE", str(extra))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(tls_module, "LINUX_BUNDLES", (str(tmp_path / "missing"), str(system)))
    real = ssl.get_default_verify_paths()
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: real._replace(openssl_cafile="/none"))
    tls_module._trust.cache_clear()
    try:
        known = subjects(client_context(Network(ca_files=(str(extra),))))
    finally:
        tls_module._trust.cache_clear()
    assert {der(ca), der(corp)} <= known


def test_a_context_is_made_once(ca: trustme.CA, tmp_path: Path) -> None:
    """Networks with the same roots share one context; other roots, another one."""
    path = tmp_path / "ca.pem"
    path.write_bytes(pem(ca))
    plain = client_context(Network())
    assert client_context(Network(https_proxy="http://proxy:1")) is plain
    extra = client_context(Network(ca_files=(str(path),)))
    assert extra is not plain
    assert der(ca) in subjects(extra)
    assert der(ca) not in subjects(plain)


def test_roots_from_files_and_folders(tmp_path: Path) -> None:
    """A file with several roots and text between them, and a folder of files, are read without a warning."""
    cas = [trustme.CA() for _ in range(4)]
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(
        b"# Unternehmen \xfc\r\n" + pem(cas[0]).replace(b"\n", b"\r\n") + b"\nmore\n" + pem(cas[1])
    )
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / "a.crt").write_bytes(pem(cas[2]))
    (folder / "b.pem").write_bytes(pem(cas[3]) + pem(cas[0]))
    (folder / "1234abcd.0").symlink_to(folder / "a.crt")
    (folder / ".hidden").write_bytes(b"junk")
    (folder / "sub").mkdir()
    network = Network(ca_files=(str(bundle), str(folder), str(bundle)))
    assert trust_warnings(network) == ()
    assert {der(ca) for ca in cas} <= subjects(client_context(network))


def _missing(_: Path) -> None:
    pass


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(tls_module._LARGEST + 1)  # sparse


def _key(path: Path) -> None:
    path.write_bytes(trustme.CA().issue_cert("x.test").private_key_pem.bytes())


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_missing, "there is no such file"),
        (lambda path: path.mkdir(), "the folder is empty"),
        (lambda path: path.write_bytes(b""), "the file is empty"),
        (lambda path: path.write_bytes(b" \n"), "the file is empty"),
        (lambda path: path.write_bytes(der(trustme.CA())), "DER form"),
        (lambda path: path.write_bytes(b"\x00\xff" * 50), "no certificate in PEM form"),
        (_key, "no certificate in PEM form"),
        (lambda path: path.write_bytes(pem(trustme.CA())[:-30]), "no certificate in PEM form"),
        (
            lambda path: path.write_bytes(
                b"-----BEGIN CERTIFICATE-----\nAAAA\xff\n-----END CERTIFICATE-----\n"
            ),
            "no certificate in it can be read",
        ),
        (lambda path: path.write_bytes(pem(trustme.CA()).replace(b"M", b"A", 3)), "no certificate in it"),
        (_fifo, "it is not a file"),
        (_large, "larger than 16 MB"),
    ],
)
def test_files_that_do_not_help(
    make: Callable[[Path], None], why: str, tmp_path: Path, ca: trustme.CA
) -> None:
    """A file that cannot be used is skipped and named in one line; the others count."""
    path, good = tmp_path / "extra.pem", tmp_path / "good.pem"
    make(path)
    good.write_bytes(pem(ca))
    network = Network(ca_files=(str(path), str(good)))
    (warning,) = trust_warnings(network)
    assert warning.startswith(f"{path}: skipped, ")
    assert why in warning
    assert "\n" not in warning
    assert der(ca) in subjects(client_context(network))


def test_one_broken_certificate_among_good_ones(ca: trustme.CA, tmp_path: Path) -> None:
    """What can be read of a file is used, and the rest counted."""
    path = tmp_path / "bundle.pem"
    path.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + pem(ca))
    network = Network(ca_files=(str(path),))
    assert trust_warnings(network) == (f"{path}: 1 of 2 certificates cannot be read.",)
    assert der(ca) in subjects(client_context(network))


def test_an_empty_name_is_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that is there but empty does not mean the folder we stand in."""
    ca = trustme.CA()
    (tmp_path / "stray.pem").write_bytes(pem(ca))
    monkeypatch.chdir(tmp_path)
    network = Network(ca_files=("", ""))
    assert trust_warnings(network) == ()
    assert der(ca) not in subjects(client_context(network))


@pytest.mark.parametrize("name", ["\0", "a\0b", "x" * 5000])
def test_names_that_are_no_paths(name: str) -> None:
    """Any text as a file's name gives a warning, never an exception."""
    (warning,) = trust_warnings(Network(ca_files=(name,)))
    assert "skipped" in warning


@on_both_loops
def test_an_intermediate_may_be_the_root(loop: str, ca: trustme.CA, tmp_path: Path) -> None:
    """Where only the company's intermediate is named, its certificates are believed."""
    child = ca.create_child_ca()
    path = tmp_path / "child.pem"
    path.write_bytes(pem(child))

    async def work() -> None:
        async with listening(Echo, tls=server_context(child.issue_cert("x.test"))) as port:
            transport, protocol = await asyncio.get_running_loop().create_connection(
                Client,
                "127.0.0.1",
                port,
                ssl=client_context(Network(ca_files=(str(path),))),
                server_hostname="x.test",
            )
            await speaks(transport, protocol)

    run(loop, work())


@on_both_loops
@pytest.mark.parametrize("good", [True, False])
def test_truststore_under_the_event_loops(loop: str, good: bool, ca: trustme.CA) -> None:
    """The context that macOS and Windows get shakes hands on both loops, and refuses an unknown root."""
    import truststore

    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["http/1.1"])
    if good:
        ca.configure_trust(context)

    async def work() -> None:
        async with listening(Echo, tls=server_context(ca.issue_cert("x.test"), ["http/1.1"])) as port:
            connecting = asyncio.get_running_loop().create_connection(
                Client, "127.0.0.1", port, ssl=context, server_hostname="x.test"
            )
            if good:
                transport, protocol = await connecting
                chosen = transport.get_extra_info("ssl_object").selected_alpn_protocol()
                assert chosen == "http/1.1"
                await speaks(transport, protocol)
            else:
                with pytest.raises(ssl.SSLCertVerificationError) as refused:
                    await connecting
                assert refused.value.verify_code in {19, 20}

    run(loop, work())


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_get_truststore(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system's store is no file, truststore asks it, with the same settings."""
    import truststore

    monkeypatch.setattr(sys, "platform", platform)
    context, warnings = tls_module._trust.__wrapped__(())
    assert isinstance(context, truststore.SSLContext)
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert warnings == ()


def sloppy_company(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A root without key identifiers and with basic constraints that are not critical, and a server under it."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now = datetime.now(UTC)
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sloppy Corp Root")])

    def sign(subject: x509.Name, public: ec.EllipticCurvePublicKey, *extensions: x509.ExtensionType) -> bytes:
        builder = x509.CertificateBuilder(issuer_name=root_name, subject_name=subject, public_key=public)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(9))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(root_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    root, chain = tmp_path / "root.pem", tmp_path / "server.pem"
    root.write_bytes(sign(root_name, root_key.public_key(), x509.BasicConstraints(ca=True, path_length=None)))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    name = x509.SubjectAlternativeName([x509.DNSName("x.test")])
    chain.write_bytes(secret + sign(x509.Name([]), key.public_key(), name))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return root, context


@on_both_loops
def test_a_company_root_that_python_3_13_would_refuse(loop: str, tmp_path: Path) -> None:
    """What 3.13's strictness refuses (and a strict context here shows that it does) is believed."""
    root, server = sloppy_company(tmp_path)
    strict = ssl.create_default_context(cafile=str(root))
    strict.verify_flags |= ssl.VERIFY_X509_STRICT

    async def connect(port: int, context: ssl.SSLContext) -> None:
        made = await asyncio.get_running_loop().create_connection(
            Client, "127.0.0.1", port, ssl=context, server_hostname="x.test"
        )
        await speaks(*made)

    async def work() -> None:
        async with listening(Echo, tls=server) as port:
            with pytest.raises(ssl.SSLCertVerificationError):
                await connect(port, strict)
            await connect(port, client_context(Network(ca_files=(str(root),))))

    run(loop, work())


def demanding(ca: trustme.CA) -> ssl.SSLContext:
    """A server that takes only clients whose certificate this authority signed."""
    context = server_context(ca.issue_cert("localhost", "127.0.0.1"))
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def own(ca: trustme.CA, tmp_path: Path, name: str = "own") -> tuple[str, str]:
    """Files of a certificate for a client and its key."""
    leaf = ca.issue_cert(f"{name}.example")
    cert, key = tmp_path / f"{name}.pem", tmp_path / f"{name}.key"
    cert.write_bytes(leaf.cert_chain_pems[0].bytes())
    key.write_bytes(leaf.private_key_pem.bytes())
    return str(cert), str(key)


@on_both_loops
def test_a_server_that_demands_a_certificate(loop: str, ca: trustme.CA, tmp_path: Path) -> None:
    """It is shown the one that is set; without one the connection does not last."""
    root = tmp_path / "root.pem"
    root.write_bytes(pem(ca))
    cert, key = own(ca, tmp_path)

    async def work() -> None:
        async with listening(tls=demanding(ca)) as port:
            origin, _ = Origin.parse(f"https://127.0.0.1:{port}")
            network = Network(ca_files=(str(root),), client_cert=cert, client_key=key)
            transport, protocol = await dial(origin, network, Client, timeout=20)
            await speaks(transport, protocol)
            # In TLS 1.3 the refusal comes after the handshake.
            try:
                transport, protocol = await dial(origin, Network(ca_files=(str(root),)), Client, timeout=20)
            except DialError:
                return
            assert isinstance(protocol, Client)
            await protocol.lost.wait()
            assert protocol.got == b""
            transport.close()

    run(loop, work())


def test_a_certificate_that_was_renewed_is_used_from_then_on(ca: trustme.CA, tmp_path: Path) -> None:
    """Another context, with the new one; the same as long as the files are."""
    cert, key = own(ca, tmp_path)
    network = Network(client_cert=cert, client_key=key)
    first = client_context(network)
    assert client_context(network) is first
    later = os.stat(cert).st_mtime_ns + 5_000_000_000
    os.utime(cert, ns=(later, later))
    assert client_context(network) is not first


def test_a_certificate_that_cannot_be_shown_is_warned_of(tmp_path: Path) -> None:
    """The connection is tried without it; the passphrase is in no text."""
    network = Network(client_cert=str(tmp_path / "gone.pem"), client_key_passphrase="open-sesame-123")
    (warning,) = trust_warnings(network)
    assert warning.endswith(
        "gone.pem: the client certificate cannot be used, there is no such file or folder."
    )
    assert "open-sesame" not in warning + repr(network)
