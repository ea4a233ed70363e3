"""Hosts of our own on loopback for the doctor to ask, and subjects that name them."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from store_helpers import QUICK

from seawall.config import Config, Doctor, Gateway, Network, Store
from seawall.doctor.check import Finding, Probe, Result, checks, measure
from seawall.doctor.subject import Subject, Value, subject
from seawall.doctor.verdict import Verdict, conclude
from seawall.store.rows import Attempt
from seawall.store.writer import Writer

API_401 = b'{"type":"error","error":{"type":"authentication_error","message":"x-api-key header is required"}}'
GREEN = b'{"page":{"updated_at":"x"},"status":{"indicator":"none"},"components":[{"id":"k8w3r06qmzrp",\
"name":"Claude API (api.anthropic.com)","status":"operational"}],"incidents":[]}'
RED = (
    b'{"status":{"indicator":"minor"},"components":[{"id":"k8w3r06qmzrp","name":"Claude API","status":"major_outage"}]\
,"incidents":[{"name":"Elevated errors","status":"investigating","impact":"major"}]}'
)
KEY = "sk-ant-api03-" + "k" * 93 + "AA"


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """A whole HTTP answer; underscores of header names are dashes."""
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def from_api(status: int, body: bytes = API_401, **headers: str) -> bytes:
    """An answer as the API gives it: with a request id."""
    return answer(
        status, body, request_id="req_011CSHoEeqs5C35K2UUqR7Fy", content_type="application/json", **headers
    )


class Host:
    """A listener that answers each request with what `says` returns; `requests` are what came, whole."""

    def __init__(self, says: Callable[[bytes], bytes | None]) -> None:
        self.requests: list[bytes] = []
        self._says = says
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(peer,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: socket.socket) -> None:
        with peer:
            peer.settimeout(30)
            try:
                data = b""
                while b"\r\n\r\n" not in data:
                    if not (more := peer.recv(65536)):
                        return
                    data += more
                self.requests.append(data)
                said = self._says(data)
                if said is None:  # it says nothing, until the test is over
                    self._over.wait(30)
                else:
                    peer.sendall(said)
            except OSError:
                return

    def close(self) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)


@contextmanager
def host(says: bytes | Callable[[bytes], bytes | None]) -> Iterator[Host]:
    """A host that is gone afterwards."""
    one = Host(says if callable(says) else lambda _: says)
    try:
        yield one
    finally:
        one.close()


def free_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


OVERLOADED = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'


def setting(api: str, status: str = "", control: str = "") -> dict[str, str]:
    """The environment in which a whole command asks these instead of the real hosts."""
    nobody = f"http://127.0.0.1:{free_port()}"
    return {
        "SEAWALL_GATEWAY_UPSTREAM": api,
        "SEAWALL_DOCTOR_STATUS_PAGE": status or nobody,
        "SEAWALL_DOCTOR_CONTROL_HOST": control or nobody,
        "SEAWALL_DOCTOR_CAPTIVE_PROBE": nobody,
    }


def about(
    tmp_path: Path,
    api: str = "http://127.0.0.1:9",
    *,
    control: str = "",
    status: str = "",
    captive: str = "",
    environ: Mapping[str, str] | None = None,
    gateways: tuple[Mapping[str, Any], ...] = (),
    network: Network | None = None,
    base_url: str | None = None,
    offline: bool = False,
    spend: bool = False,
) -> Subject:
    """A subject with nothing of this machine's user in it."""
    nobody = f"http://127.0.0.1:{free_port()}"
    config = Config(
        gateway=Gateway(upstream=api),
        network=network or Network(),
        store=Store(path=str(tmp_path / "seawall.db")),
        doctor=Doctor(
            control_host=control or nobody, status_page=status or nobody, captive_probe=captive or nobody
        ),
    )
    return subject(
        config, "SEAWALL_GATEWAY_UPSTREAM", environ or {}, tmp_path / "home", tmp_path, base_url=base_url,
        offline=offline, gateways=gateways, spend=spend, state=tmp_path / "state",
        managed=[tmp_path / "managed-settings.json"],
    )  # fmt: skip


def examined(one: Subject) -> tuple[Verdict, dict[str, Result]]:
    """The verdict of a whole run, and what each check found."""
    results = measure(one, checks())
    return conclude(results), {result.check.id: result for result in results}


def ran(one: Subject, check: str, **found: Finding) -> Finding:
    """What one check finds, given what others found (`net_dns=...` for `net.dns`)."""
    import asyncio

    from seawall.doctor.check import Loop

    known = {name.replace("_", ".", 1): finding for name, finding in found.items()}
    this = next(each for each in checks() if each.id == check)

    async def run() -> Finding:
        return await this.run(Probe(one, known))

    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(run())


def keep(tmp_path: Path, *rows: Attempt) -> None:
    """These attempts, on record as a gateway writes them."""
    writer = Writer(Store(path=str(tmp_path / "seawall.db")), pace=QUICK)
    writer.start()
    for row in rows:
        writer.put(row)
    writer.close()


def program(path: Path, script: str) -> Path:
    """A program with this script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)
    return path


def value(text: str, scope: str = "environment") -> Value:
    """A variable as somebody set it."""
    return Value(text, "the environment", scope)
