"""Who signs, and who is trusted: against servers with certificates of our own."""

import asyncio
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from dial_peers import expired, not_yet, server_context
from doctor_peers import about, examined, free_port, ran

from seawall.config import Network
from seawall.doctor.check import Finding, State
from seawall.doctor.checks import tls_chain
from seawall.doctor.escalation import Met, facts_of


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take longer for a handshake than a person would wait."""
    monkeypatch.setattr(tls_chain, "LOOK", 20.0)
    monkeypatch.setattr(tls_chain, "OTHERS", 20.0)
    monkeypatch.setattr(tls_chain, "WHOLE", 60.0)


FOUND = Finding(State.OK, "", {"addresses": {"IPv4": ["127.0.0.1"]}})


async def ended(listening: asyncio.Server) -> None:
    """Closes it, and waits until its connections, those whose handshake was refused too, are gone."""
    listening.close()
    for _ in range(1000):
        if not listening._active_count:  # type: ignore[attr-defined]
            break
        await asyncio.sleep(0.005)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.sleep(0)


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
        await ended(listening)

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
        verdict, found = examined(about(tmp_path, url, control=url, network=trusting(tmp_path, ca)))
    chain = found["tls.chain"].finding
    assert (chain.state, chain.facts["trusted"], chain.facts["public"]) == (State.WARN, True, False)
    assert found["api.edge"].finding.state is State.OK
    assert verdict.cause is None
    assert any("the public bundle does not" in one.text for one in verdict.evidence)
    # ... and no reason not to tell Anthropic of an overload: the way there is fine, though it is warned of.
    walked = [found[name] for name in ("tls.chain", "net.control")]
    assert facts_of("provider.overloaded", walked, time.time()).network is Met.YES


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


def test_the_three_stores(tmp_path: Path) -> None:
    """Only the extra file accepts it: neither the public bundle nor the system's store."""
    ca = trustme.CA(organization_name="Corp")
    with server(ca.issue_cert("127.0.0.1")) as url:
        facts = ran(about(tmp_path, url, network=trusting(tmp_path, ca)), "tls.chain", net_dns=FOUND).facts
        none = ran(about(tmp_path, url), "tls.chain", net_dns=FOUND).facts
    assert (facts["trusted"], facts["public"], facts["system"], facts["extra"]) == (True, False, False, True)
    assert (none["trusted"], none["public"], none["system"], none["extra"]) == (False, False, False, None)


@contextmanager
def tunnel(to: int) -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that opens every tunnel to this port; its address, and the first lines that it was sent."""
    lines: list[bytes] = []
    loop, begun, port = asyncio.new_event_loop(), threading.Event(), [0]

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines.append(head.split(b"\r\n")[0])
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", to)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))

    async def main() -> None:
        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        port[0] = listening.sockets[0].getsockname()[1]
        begun.set()
        await over.wait()
        await ended(listening)

    over = asyncio.Event()
    loop.set_exception_handler(lambda *_: None)
    thread = threading.Thread(target=loop.run_until_complete, args=(main(),), daemon=True)
    thread.start()
    begun.wait(10)
    try:
        yield f"http://127.0.0.1:{port[0]}", lines
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()


def test_who_signs_behind_a_proxy(tmp_path: Path) -> None:
    """Every look goes through the proxy, as calls do."""
    ca = trustme.CA(organization_name="Netskope")
    with server(ca.issue_cert("api.example")) as url, tunnel(int(url.rpartition(":")[2])) as (proxy, lines):
        one = about(tmp_path, "https://api.example", network=Network(https_proxy=proxy))
        found = ran(one, "tls.chain")
    assert found.signs[0].cause == "network.tls_untrusted_ca"
    assert (found.facts["inspector"], found.facts["public"]) == ("Netskope", False)
    assert set(lines) == {b"CONNECT api.example:443 HTTP/1.1"}


def test_unrelated_hosts_with_the_same_root(tmp_path: Path) -> None:
    """Then it is the network that signs, and not the API's own trouble."""
    ca, other = trustme.CA(organization_name="Zscaler Inc."), trustme.CA(organization_name="Another")
    cert = ca.issue_cert("127.0.0.1", "localhost")
    with server(cert) as url, server(cert) as second, server(other.issue_cert("localhost")) as third:
        near = second.replace("127.0.0.1", "localhost")
        far = third.replace("127.0.0.1", "localhost")
        both = ran(about(tmp_path, url, control=near, status=near), "tls.chain", net_dns=FOUND)
        one = ran(about(tmp_path, url, control=near, status=far), "tls.chain", net_dns=FOUND)
        none = ran(about(tmp_path, url, control=far, status=far), "tls.chain", net_dns=FOUND)
    assert any(s.text == "two unrelated hosts show the same issuer: it is the network" for s in both.signs)
    assert one.facts["same"] == ["localhost"]
    assert none.facts["same"] == []
    assert both.signs[0].title.startswith('the connection is re-signed by "')
    assert both.signs[0].title.endswith('", which Claude Code does not trust')


def test_many_roots_in_one_file(tmp_path: Path) -> None:
    """Two hundred certificates, the right one among them."""
    ca = trustme.CA()
    path = tmp_path / "roots.pem"
    others = [trustme.CA(key_type=trustme.KeyType.ECDSA).cert_pem.bytes() for _ in range(199)]
    path.write_bytes(b"\n".join([*others, ca.cert_pem.bytes()]))
    with server(ca.issue_cert("127.0.0.1")) as url:
        one = about(tmp_path, url, network=Network(ca_files=(str(path),)))
        facts = ran(one, "tls.chain", net_dns=FOUND).facts
    assert (facts["trusted"], facts["extra"]) == (True, True)


@pytest.mark.parametrize("kind", ["missing", "folder", "der", "empty", "garbage"])
def test_files_of_roots_that_are_none(tmp_path: Path, kind: str) -> None:
    """Each is named as this machine's setting, to be mended."""
    ca = trustme.CA()
    path = tmp_path / "root"
    match kind:
        case "folder":
            path.mkdir()
        case "der":
            path.write_bytes(ssl.PEM_cert_to_DER_cert(ca.cert_pem.bytes().decode()))
        case "empty":
            path.write_bytes(b"")
        case "garbage":
            path.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with server(ca.issue_cert("127.0.0.1")) as url:
        one = about(tmp_path, url, network=Network(ca_files=(str(path),)))
        found = ran(one, "tls.chain", net_dns=FOUND)
    assert found.state is State.FAIL
    assert any(sign.cause == "machine.ca_file" and str(path) in sign.text for sign in found.signs)
