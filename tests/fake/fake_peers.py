"""Raw clients for the tests of the faulty API: they parse strictly with h11, or not at all."""

import asyncio
import gzip
import json
from dataclasses import dataclass, field

import brotli
import h11

KEY = "sk-ant-api03-" + "k" * 20


@dataclass
class Raw:
    """What came over one connection, and how it ended."""

    data: bytes = b""
    end: str = "open"


@dataclass
class Parsed:
    status: int
    headers: dict[str, str]
    body: bytes
    interim: list[int] = field(default_factory=list)

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def events(self) -> list[dict]:
        return events_in(self.body)


def body_of(
    prompt: str = "hello nonce=abc", *, stream: bool = True, model: str = "claude-opus-5", **more
) -> bytes:
    messages = [{"role": "user", "content": prompt}]
    return json.dumps(
        {"model": model, "max_tokens": 200, "messages": messages, "stream": stream, **more}
    ).encode()


def request_of(
    body: bytes | None = None,
    *,
    method: str = "POST",
    target: str = "/v1/messages?beta=true",
    key: str | None = KEY,
    close: bool = True,
    more: dict[str, str] | None = None,
) -> bytes:
    headers = {"host": "fake", "anthropic-version": "2023-06-01", "content-type": "application/json"}
    if key:
        headers["x-api-key"] = key
    if close:
        headers["connection"] = "close"
    if body is not None:
        headers["content-length"] = str(len(body))
    headers |= more or {}
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items())
    return head.encode() + b"\r\n" + (body or b"")


async def send(api, raw: bytes, *, limit: float = 10.0, until: bytes | None = None) -> Raw:
    """Send bytes; read to the end of the connection, or up to `until`."""
    reader, writer = await asyncio.open_connection(api.host, api.port)
    got = Raw()
    try:
        writer.write(raw)
        async with asyncio.timeout(limit):
            while until is None or until not in got.data:
                piece = await reader.read(65536)
                if not piece:
                    got.end = "fin"
                    break
                got.data += piece
    except ConnectionResetError:
        got.end = "reset"
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            pass
    return got


async def ask(api, prompt: str = "hello nonce=abc", *, stream: bool = True, **more) -> Parsed:
    """One messages call, strictly parsed."""
    return parse((await send(api, request_of(body_of(prompt, stream=stream, **more)))).data)


async def call(api, method: str, target: str, body: bytes | None = None, **more) -> Parsed:
    return parse((await send(api, request_of(body, method=method, target=target, **more))).data, method)


def parse(raw: bytes, method: str = "POST") -> Parsed:
    """The answer as h11 reads it; raises where the framing is wrong or the body does not end."""
    peer = h11.Connection(h11.CLIENT)
    peer.send(h11.Request(method=method, target="/", headers=[("host", "fake")]))
    peer.send(h11.EndOfMessage())
    peer.receive_data(raw)
    peer.receive_data(b"")
    interim: list[int] = []
    answer = Parsed(0, {}, b"")
    while True:
        event = peer.next_event()
        if isinstance(event, h11.InformationalResponse):
            interim.append(event.status_code)
        elif isinstance(event, h11.Response):
            named = {n.decode(): v.decode() for n, v in event.headers}
            answer = Parsed(event.status_code, named, b"", interim)
        elif isinstance(event, h11.Data):
            answer.body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            break
    match answer.headers.get("content-encoding"):
        case "gzip":
            answer.body = gzip.decompress(answer.body)
        case "br":
            answer.body = brotli.decompress(answer.body)
    return answer


def events_in(body: bytes) -> list[dict]:
    """The data of each event; asserts that its name is its type."""
    events = []
    for block in body.decode().split("\n\n"):
        lines = [line for line in block.split("\n") if line.startswith(("event:", "data:"))]
        if not lines:
            continue
        named = dict(line.split(": ", 1) for line in lines)
        data = json.loads(named["data"])
        assert named["event"] == data["type"]
        events.append(data)
    return events


def text_of(events: list[dict]) -> str:
    deltas = [e["delta"] for e in events if e["type"] == "content_block_delta"]
    return "".join(d.get("text", "") for d in deltas)
