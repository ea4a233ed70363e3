"""Who signs, and who is trusted: against servers with certificates of our own."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from dial_peers import expired, not_yet, server_context
from doctor_peers import about, examined, free_port, ran

from seawall.config import Network
from seawall.doctor.check import Finding, State

FOUND = Finding(State.OK, "", {"addresses": {"IPv4": ["127.0.0.1"]}})


@contextmanager
def server(cert: trustme.LeafCert) -> Iterator[str]:
    """An address that speaks TLS with this certificate, and answers as the API does."""
    loop, begun, port = asyncio.new_event_loop(), threading.Event(), [0]
    body = b'{"type":"error","error":{"type":"authentication_error","message":"no key"}}'

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(
                b"HTTP/1.1 401 X\r\nrequest-id: req_1\r\ncontent-type: application/json\r\n"
                b"content-length: %d\r\n\r\n" % len(body) + body
            )
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        writer.transport.abort()

    async def main() -> None:
        listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context(cert))
        port[0] = listening.sockets[0].getsockname()[1]
        begun.set()
        await over.wait()
        listening.close()

    over = asyncio.Event()
    loop.set_exception_handler(lambda *_: None)  # handshakes that are refused on purpose
    thread = threading.Thread(target=loop.run_until_complete, args=(main(),), daemon=True)
    thread.start()
    begun.wait(10)
    try:
        yield f"https://127.0.0.1:{port[0]}"
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()


def trusting(tmp_path: Path, ca: trustme.CA) -> Network:
    path = tmp_path / "root.pem"
    ca.cert_pem.write_to_path(str(path))
    return Network(ca_files=(str(path),))


def test_a_root_that_nobody_trusts_is_named(tmp_path: Path) -> None:
    """The verdict names who signs it; the API is not asked over such a connection."""
    ca = trustme.CA(organization_name="Zscaler Inc.")
    with server(ca.issue_cert("127.0.0.1")) as url:
        verdict, found = examined(about(tmp_path, url))
    assert (verdict.cause, verdict.confidence.value) == ("network.tls_untrusted_ca", "certain")
    assert "Zscaler Inc." in verdict.title
    assert any(one.text.startswith("Zscaler signs connections anew") for one in verdict.evidence)
    assert found["api.edge"].finding.blocked_by == "tls.chain"


def test_a_root_that_only_this_machine_trusts_is_a_note(tmp_path: Path) -> None:
    """It works here; a client that does not read this machine's roots would fail."""
    ca = trustme.CA(organization_name="Corp")
    with server(ca.issue_cert("127.0.0.1")) as url:
        verdict, found = examined(about(tmp_path, url, network=trusting(tmp_path, ca)))
    chain = found["tls.chain"].finding
    assert (chain.state, chain.facts["trusted"], chain.facts["public"]) == (State.WARN, True, False)
    assert found["api.edge"].finding.state is State.OK
    assert verdict.cause is None
    assert any("the public bundle does not" in one.text for one in verdict.evidence)


@pytest.mark.parametrize(("made", "word"), [(expired, "expired on"), (not_yet, "is not valid before")])
def test_a_certificate_out_of_its_time(tmp_path: Path, made: object, word: str) -> None:
    """The day is named."""
    ca = trustme.CA()
    with server(made(ca, "127.0.0.1")) as url:  # type: ignore[operator]
        found = ran(about(tmp_path, url, network=trusting(tmp_path, ca)), "tls.chain", net_dns=FOUND)
    assert found.signs[0].cause == "network.tls_expired"
    assert word in found.signs[0].title


def test_another_name(tmp_path: Path) -> None:
    """A certificate for somebody else."""
    ca = trustme.CA()
    with server(ca.issue_cert("other.example")) as url:
        found = ran(about(tmp_path, url, network=trusting(tmp_path, ca)), "tls.chain", net_dns=FOUND)
    assert found.signs[0].cause == "network.tls_other"


def test_a_file_of_roots_that_cannot_be_used(tmp_path: Path) -> None:
    """It is why nobody is trusted: this machine's setting, to be mended first."""
    ca = trustme.CA()
    path = tmp_path / "root.der"
    path.write_bytes(ssl.PEM_cert_to_DER_cert(ca.cert_pem.bytes().decode()))
    with server(ca.issue_cert("127.0.0.1")) as url:
        verdict, _ = examined(about(tmp_path, url, network=Network(ca_files=(str(path),))))
    assert (verdict.cause, verdict.confidence.value) == ("machine.ca_file", "certain")
    assert "network.tls_untrusted_ca" in verdict.also


def test_plain_http_has_no_certificate(tmp_path: Path) -> None:
    """Only on this machine, where it is meant."""
    assert ran(about(tmp_path, f"http://127.0.0.1:{free_port()}"), "tls.chain").state is State.SKIP
