"""The hosts beyond the client's network: the API, an unrelated host, the status page, a probe, gateways."""

import asyncio
import json
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path

from lab_certificates import Authority, Identity, days, identity
from lab_world import ADDRESSES, API, API4, API6, COMPANY, CONTROL, PORTAL, PROBE, STATUS, World

from seawall.fake.app import FakeApi
from seawall.fake.scenario import AnswerShape, Scenario

Say = Callable[[bytes], bytes | None]
"""The answer to a request's head, as bytes; None: none, and the connection stays as it is."""

_EDGE = "server: cloudflare\r\ncf-ray: 8f00000000000000-FRA\r\n"


def reply(status: int, body: str = "", kind: str = "application/json", more: str = "") -> bytes:
    """A whole answer."""
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body.encode())}\r\n"
    return f"{head}date: {formatdate(usegmt=True)}\r\n{more}connection: close\r\n\r\n{body}".encode()


def typed(status: int, kind: str, message: str) -> Say:
    """An error of the API itself, whatever is asked."""
    body = json.dumps({"type": "error", "error": {"type": kind, "message": message}})
    return lambda _: reply(status, body, more="request-id: req_011CSHoEeqs5C35K2UUqR7Fy\r\n" + _EDGE)


def page(title: str, text: str) -> str:
    """A web page."""
    return (
        f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1>{text}</body></html>"
    )


_BLOCKED = page("Access denied", "<p>FortiGuard Intrusion Prevention: category Artificial Intelligence.</p>")
SAYS: dict[str, Say] = {
    "edge 503": lambda _: reply(503, page("503", "Service unavailable"), "text/html", _EDGE),
    "edge 522": lambda _: reply(522, page("522", "Connection timed out"), "text/html", _EDGE),
    "challenge": lambda _: reply(
        403, page("Just a moment...", ""), "text/html", _EDGE + "cf-mitigated: challenge\r\n"
    ),
    "overloaded": typed(529, "overloaded_error", "Overloaded"),
    "broken": typed(500, "api_error", "Internal server error"),
    "region": typed(403, "forbidden", "Request not allowed"),
    "silent": lambda _: None,
    "blocked page": lambda _: reply(403, _BLOCKED, "text/html", "server: FortiWeb\r\n"),
    "welcome": lambda _: reply(200, page("Welcome to nginx!", ""), "text/html", "server: nginx\r\n"),
    "nothing": lambda _: b"",
    "garbage": lambda _: b"\x00\x01SSH-2.0-OpenSSH_9.2\r\n\r\n",
}


class Internet:
    """Every host, until it is closed."""

    def __init__(
        self, world: World, public: Authority, company: Authority, stranger: Authority, place: Path
    ) -> None:
        self.world = world
        self.public, self.company, self.stranger = public, company, stranger
        self.place = place
        self.apis: list[FakeApi] = []
        self._stack = AsyncExitStack()
        self._children: list[subprocess.Popen[bytes]] = []

    async def start(self) -> None:
        """All of them listen when this returns."""
        world = self.world
        for address in ADDRESSES[CONTROL]:
            await self._serve(address, 443, self._shown(CONTROL), SAYS["welcome"])
        for address in ADDRESSES[STATUS]:
            await self._serve(address, 443, self._shown(STATUS), self._status)
        for address in ADDRESSES[PROBE]:
            await self._serve(address, 80, None, lambda _: reply(204))
        if world.portal:
            await self._portal()
        await self._api()
        if world.company == "502":
            self.nginx(
                COMPANY, identity(self.public, COMPANY), ADDRESSES[COMPANY][0], 443, "http://127.0.0.1:9"
            )
        elif world.company:
            await self._serve(ADDRESSES[COMPANY][0], 443, self._shown(COMPANY), SAYS[world.company])

    async def stop(self) -> None:
        for child in self._children:
            child.kill()
            child.wait()
        await self._stack.aclose()

    def _dates(self) -> tuple[datetime, datetime]:
        """From when to when certificates are valid: 30 days around the world's own today."""
        today = days(self.world.off, datetime.now(UTC))
        return days(-30, today), days(30, today)

    def _shown(self, host: str) -> ssl.SSLContext:
        begins, ends = self._dates()
        return identity(self.public, host, begins, ends).context()

    def _api_identity(self) -> ssl.SSLContext | None:
        begins, ends = self._dates()
        match self.world.certificate:
            case "right":
                return identity(self.public, API, begins, ends).context()
            case "expired":
                return identity(self.public, API, days(-60, begins), days(-20, begins)).context()
            case "another name":
                return identity(self.public, "www.parked.example", begins, ends).context()
            case "own root":
                return identity(self.stranger, API, begins, ends).context()
            case _:
                return None

    async def _api(self) -> None:
        context = self._api_identity()
        if self.world.api != "fake":
            for address in (API4, API6):
                await self._serve(address, 443, context, SAYS[self.world.api])
            return
        scenario = Scenario(rules=self.world.rules, answer=AnswerShape(seconds=1.2))
        for address in (API4, API6):
            clock = _Clock(86400 * self.world.off)
            api = FakeApi(scenario, seed=1, host=address, port=443, tls=context, clock=clock)
            await self._stack.enter_async_context(api)
            self.apis.append(api)

    def _status(self, head: bytes) -> bytes:
        now = datetime.now(UTC).isoformat()
        match self.world.page:
            case "html":
                return reply(200, page("Status", "All fine"), "text/html")
            case "gone":
                return reply(404, page("404", ""), "text/html")
            case colour:
                red = colour == "red"
        words = "major_outage" if red else "operational"
        components = [
            {
                "id": "k8w3r06qmzrp",
                "name": "Claude API (api.anthropic.com)",
                "status": words,
                "updated_at": now,
            },
            {"id": "yyzkbfz2thpt", "name": "Claude Code", "status": words, "updated_at": now},
        ]
        incident = {
            "id": "x1", "name": "Elevated errors on the Claude API", "status": "investigating", "impact": "major",
            "created_at": now, "updated_at": now, "started_at": now, "components": components, "incident_updates": [],
        }  # fmt: skip
        summary = {
            "page": {"id": "tymt9n04zgry", "name": "Claude", "url": f"https://{STATUS}", "updated_at": now},
            "status": {"indicator": "major" if red else "none", "description": "x"},
            "components": components, "incidents": [incident] if red else [], "scheduled_maintenances": [],
        }  # fmt: skip
        found = b"/api/v2/summary.json" in head.partition(b"\r\n")[0]
        return reply(200, json.dumps(summary)) if found else reply(404, "{}")

    async def _portal(self) -> None:
        """A hotspot's sign-in page: it answers for every host."""
        sign_in = page("Hotel WiFi", "<form action=/login>Please sign in</form>")

        def plain(head: bytes) -> bytes:
            if b" /login" in head.partition(b"\r\n")[0]:
                return reply(200, sign_in, "text/html")
            return reply(302, "", "text/html", "location: http://hotspot.example/login\r\n")

        await self._serve(PORTAL, 80, None, plain)
        if self.world.portal == "answers":
            shown = identity(self.stranger, "hotspot.example").context()
            await self._serve(PORTAL, 443, shown, lambda _: reply(200, sign_in, "text/html"))

    async def _serve(self, address: str, port: int, context: ssl.SSLContext | None, say: Say) -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                head = b""
                while b"\r\n\r\n" not in head and len(head) < 65536:
                    if not (more := await reader.read(65536)):
                        break
                    head += more
                    if more[0] == 0x16:  # TLS, where none is spoken
                        break
                if (said := say(head)) is None:
                    await reader.read()
                else:
                    writer.write(said)
                    await writer.drain()
            except (OSError, EOFError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(answer, address, port, ssl=context)
        self._stack.callback(server.close)

    def nginx(self, name: str, shown: Identity, address: str, port: int, upstream: str, *lines: str) -> None:
        """A real nginx before something else."""
        folder = self.place / f"nginx-{name}"
        folder.mkdir()
        (folder / "shown.pem").write_bytes(shown.chain + shown.key)
        (folder / "public.pem").write_bytes(self.public.pem)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        (folder / "conf").write_text(
            f"""user root; worker_processes 1; daemon off; master_process off; pid {folder}/pid;
error_log {folder}/errors; events {{ worker_connections 256; }}
http {{ access_log off; {temporary}
 server {{ listen {address}:{port} ssl;
  ssl_certificate {folder}/shown.pem; ssl_certificate_key {folder}/shown.pem;
  location / {{ proxy_pass {upstream}; proxy_http_version 1.1; proxy_ssl_server_name on; proxy_ssl_name {API};
   proxy_set_header Host {API}; add_header Via "1.1 proxy.corp.example" always; {" ".join(lines)} }} }} }}
"""
        )
        program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin") or "nginx"
        self.run(program, "-e", f"{folder}/errors", "-p", str(folder), "-c", f"{folder}/conf")
        listening(address, port)

    def run(self, *command: str) -> None:
        """A program that runs until the hosts are closed."""
        with (self.place / "programs.log").open("ab") as log:
            self._children.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))


class _Clock:
    """The world's time: other than this machine's by so many seconds."""

    now = staticmethod(time.monotonic)

    def __init__(self, off: float) -> None:
        self._off = off

    def wall(self) -> float:
        return time.time() + self._off


def listening(address: str, port: int, udp: bool = False) -> None:
    """Returns once somebody listens there; `OSError` after 20 seconds."""
    import socket

    end = time.monotonic() + 20
    while True:
        try:
            kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
            with socket.socket(type=kind) as sock:
                if not udp:
                    sock.settimeout(1)
                    sock.connect((address, port))
                    return
                try:
                    sock.bind((address, port))
                except OSError:
                    return  # it is taken: that is what was waited for
        except OSError:
            pass
        if time.monotonic() > end:
            raise OSError(f"nobody listens on {address}:{port}")
        time.sleep(0.02)
