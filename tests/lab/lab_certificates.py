"""Roots and certificates of the laboratory, with any names and dates: the public one, and those of inspectors."""

import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BEGIN = datetime(2015, 1, 1, tzinfo=UTC)
END = datetime(2045, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Authority:
    """A root, or what one signed in order to sign in its turn."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: tuple[x509.Certificate, ...] = ()
    """What a server shows beside its own certificate, up to but without the root."""

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)


def _named(common: str, organisation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def authority(common: str, organisation: str, by: Authority | None = None) -> Authority:
    """A root, or an authority signed `by` another."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named(common, organisation)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(by.certificate.subject if by else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGIN)
        .not_valid_after(END)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    certificate = built.sign(by.key if by else key, hashes.SHA256())
    return Authority(certificate, key, (certificate, *by.above) if by else ())


@dataclass(frozen=True, slots=True)
class Identity:
    """What a server shows: chain and key, in PEM."""

    chain: bytes
    key: bytes

    def context(self) -> ssl.SSLContext:
        """The server's side of TLS with it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile() as file:
            file.write(self.chain + self.key)
            file.flush()
            context.load_cert_chain(file.name)
        return context


def identity(by: Authority, host: str, begins: datetime = BEGIN, ends: datetime = END) -> Identity:
    """A certificate for one host name."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_named(host, "The laboratory"))
        .issuer_name(by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(by.key, hashes.SHA256())
    )
    chain = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (certificate, *by.above))
    plain = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Identity(chain, plain)


def days(count: float, since: datetime) -> datetime:
    """That many days after a moment."""
    return since + timedelta(days=count)
