"""A gateway that says what a test tells it to: the status of one in every kind of weather, and a listener for it."""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from seawall.gateway import runtime

LANE: dict[str, Any] = {
    "upstream": "api.anthropic.com", "account": "a1b2c3d4e5f60718", "family": "opus",
    "running": 12, "pending": 3, "queued": 40,
    "queued_by_agent": [{"agent": "s:1f0c2a7e/a:3", "queued": 3}, {"agent": "s:2b", "queued": 2}],
    "limit": 57, "state": "foreign", "rate": 4.0, "refused_share": 0.31, "breaker": "closed", "probe_in": None,
    "buckets": [], "blocked_for": 0.0, "start_rate": None, "plan": [], "next_attempt_in": 2.0, "why": "",
}  # fmt: skip
CALM: dict[str, Any] = LANE | {
    "family": "haiku", "running": 3, "pending": 0, "queued": 0, "queued_by_agent": [], "limit": None,
    "state": "calm", "rate": 40.0, "refused_share": 0.0, "next_attempt_in": None,
}  # fmt: skip
CALL: dict[str, Any] = {
    "id": "sw_1234567800002a", "client": "claude-cli/2.1.329", "agent": "s:1f0c2a7e", "family": "opus", "attempt": 7,
    "waited": 171.0, "held": 168.0, "next_in": 11.0, "cause": "provider.overloaded", "class": "interactive",
    "why": "529 for opus: probe in 2 s",
}  # fmt: skip
STATUS: dict[str, Any] = {
    "upstream": "https://api.anthropic.com", "running": 16, "queued": 40, "held": 2, "longest_held": 168.0,
    "next_try_in": 11.0, "cause": "provider.overloaded", "party": "provider", "calls": 187, "recovered": 12,
    "lost": 0, "unwritten": 0, "draining": False, "store": "ok", "lanes": [LANE, CALM],
    "waiting": [CALL, CALL | {"id": "sw_12345678000030", "attempt": 3, "waited": 48.0, "next_in": 4.0}],
    "waiting_more": 0,
}  # fmt: skip

HOSTILE = "\x1b]0;own\x07\x1b[2J\x9b31m\r\n\t\u202eevil\u200b\ud800 \x00 名前 e\u0301" + "\u0301" * 50
"""Escape sequences, a title, a direction override, a lone surrogate, wide signs, a heap of accents."""


@contextmanager
def told(place: Path, status: Callable[[], object]) -> Iterator[runtime.Record]:
    """A listener that proves itself as the user's gateway and answers with what `status` gives, while inside."""
    place.mkdir(mode=0o700, exist_ok=True)
    token = runtime.obtain_token(place)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            if asked.path == "/api/v1/challenge":
                self._answer(runtime.proof(token, parse_qs(asked.query)["nonce"][0]).encode())
            else:
                said = status()
                self._answer(said if isinstance(said, bytes) else json.dumps(said).encode())

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    record = runtime.Record(
        f"{server.server_port:016x}", os.getpid(), "127.0.0.1", server.server_port, 0.0, "0", False,
        "https://api.anthropic.com",
    )  # fmt: skip
    runtime.publish(place, record)
    try:
        yield record
    finally:
        runtime.withdraw(place, record)
        server.shutdown()
        server.server_close()
        thread.join()


def without(facts: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The same without some keys, as an older gateway has it."""
    return {name: value for name, value in facts.items() if name not in names}
