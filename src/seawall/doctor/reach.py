"""One request to a host, measured, within a time and a size; nothing that comes back can hang or fill us."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from seawall.causes.evidence import Body, Evidence, Fault, Phase, by_api
from seawall.causes.match import match
from seawall.config import Network
from seawall.http.dial import dial
from seawall.http.failure import DialError
from seawall.http.head import BadHead, end_of_head, read_answer
from seawall.origin import Origin

MOST_ARRIVALS = 2000
MOST_HEAD = 64 * 1024
MOST_BODY = 1024 * 1024
"""Bytes of an answer that are read: the status page's summary is some 30 KB."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: an answer, or what broke. Times are seconds from the start."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    fault: Fault | None = None
    text: str = ""
    """One sentence on the fault."""
    connected: float | None = None
    first_byte: float | None = None
    arrivals: tuple[tuple[float, int], ...] = ()
    """When bytes came, and how many in all by then; the first `MOST_ARRIVALS` times."""
    head_size: int = 0
    """Bytes of its head."""
    whole: bool = False
    """The answer came to its end in the time."""

    @property
    def who(self) -> str:
        """Who answered: `api`, `edge`, `seawall`, `between` or `nobody`."""
        if self.status is None:
            return "nobody"
        if by_api(self.headers.get("request-id")):
            return "api"
        if "x-seawall-id" in self.headers:
            return "seawall"
        return "edge" if "cf-ray" in self.headers else "between"

    @property
    def cause(self) -> str:
        """The catalogue's code for it, if it was a failure."""
        return match(self.evidence)

    @property
    def evidence(self) -> Evidence:
        """The answer as the catalogue reads failures."""
        from seawall.wire import errors

        if self.status is None:
            phase = Phase.CONNECT if self.connected is None else Phase.SENT
            return Evidence(phase=phase, fault=self.fault)
        said = errors.read(self.body, self.headers.get("content-type"))
        return Evidence(
            phase=Phase.HEAD,
            status=self.status,
            body=Body(said.kind),
            error_type=said.type,
            error_code=said.code,
            message=said.message,
            request_id=self.headers.get("request-id") or said.request_id,
            from_edge=self.who == "edge",
            from_seawall=self.who == "seawall",
        )


class _Reader(asyncio.Protocol):
    """Takes what comes until it is whole, too much, or over."""

    def __init__(self, begun: float) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.data = bytearray()
        self.begun = begun
        self.first: float | None = None
        self.arrivals: list[tuple[float, int]] = []
        self.error: Exception | None = None

    def data_received(self, data: bytes) -> None:
        if self.first is None:
            self.first = time.monotonic() - self.begun
        if len(self.data) < MOST_HEAD + MOST_BODY:
            self.data += data
        if len(self.arrivals) < MOST_ARRIVALS:
            self.arrivals.append((time.monotonic() - self.begun, len(self.data)))
        if len(self.data) >= MOST_HEAD + MOST_BODY or _is_whole(self.data):
            self.finish()

    def eof_received(self) -> bool:
        self.finish()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.error = error
        self.finish()

    def finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


def _is_whole(data: bytearray) -> bool:
    """Whether the answer's stated end has come; one without a stated end closes its connection."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return len(data) > MOST_HEAD
    head = bytes(data[:end]).lower()
    place = head.find(b"\r\ncontent-length:")
    if place >= 0:
        stated = head[place + 17 :].split(b"\r\n", 1)[0].strip()
        return stated.isdigit() and len(stated) < 12 and len(data) >= end + 4 + int(stated)
    return b"chunked" in head and data.endswith(b"0\r\n\r\n")


async def ask(
    origin: Origin,
    network: Network,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    *,
    seconds: float = 2.7,
) -> Answer:
    """What the host answers to one request. Never raises but for a cancellation; leaves nothing open."""
    begun = time.monotonic()
    try:
        transport, reader = await dial(origin, network, lambda: _Reader(begun), timeout=seconds)
    except DialError as error:
        return Answer(fault=error.fault, text=str(error))
    assert isinstance(reader, _Reader)
    connected = time.monotonic() - begun
    port = "" if origin.port in (80, 443) else f":{origin.port}"
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    lines = [f"{method} {target} HTTP/1.1", f"host: {host}{port}", "connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"content-length: {len(body)}")
    try:
        transport.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        await asyncio.wait([reader.done], timeout=max(0.05, begun + seconds - time.monotonic()))
    finally:
        transport.abort()
    return replace(
        _read(reader, method, seconds),
        connected=connected,
        first_byte=reader.first,
        arrivals=tuple(reader.arrivals),
        whole=reader.done.done(),
    )


def _read(reader: _Reader, method: str, seconds: float) -> Answer:
    data = bytes(reader.data)
    if not data:
        if not reader.done.done():
            return Answer(
                fault=Fault.FIRST_BYTE_TIMEOUT,
                text=f"it took the request and said nothing for {seconds:.2g} s",
            )
        if "CERTIFICATE_REQUIRED" in str(getattr(reader.error, "reason", "")):
            return Answer(fault=Fault.TLS_OTHER, text="it demands a client certificate, and was shown none")
        if reader.error is not None:
            return Answer(fault=Fault.CONNECTION_RESET, text="it cut the connection before it answered")
        return Answer(fault=Fault.CONNECTION_CLOSED, text="it closed the connection before it answered")
    try:
        end = end_of_head(data, MOST_HEAD)
        if not end:
            raise BadHead("no whole head")
        head = read_answer(data[:end], method.encode())
    except BadHead:
        return Answer(fault=Fault.BAD_ANSWER, text="what came back is no HTTP answer")
    shown = {name.decode("latin-1"): value.decode("latin-1")[:2000] for name, value in head.lower.items()}
    content = data[end:][:MOST_BODY]
    if shown.get("transfer-encoding", "").lower() == "chunked":
        content = _joined(content)
    return Answer(head.status, shown, content, head_size=end)


def _joined(data: bytes) -> bytes:
    """The content of chunks, as far as they can be read."""
    from seawall.http.body import BadBody, reader
    from seawall.http.head import CHUNKED

    chunks = reader(CHUNKED)
    try:
        return bytes(chunks.feed(data))
    except BadBody:
        return b""
