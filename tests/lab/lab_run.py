"""Runs broken networks of the laboratory, several at a time, and prints for each a line of JSON: what the doctor said.

    unshare --user --map-root-user --net --mount --pid --fork --kill-child --mount-proc python lab_run.py PLACE CASE...

As root the first two are left out. All that is made here belongs to this process and ends with it; it ends itself
when its standard input does.
"""

import asyncio
import contextlib
import http.client
import json
import os
import shutil
import signal
import sqlite3
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import certifi
import lab_ground as ground
from lab_between import Inspector, Proxy
from lab_cases import CASES
from lab_certificates import Authority, authority, identity
from lab_internet import Internet, listening
from lab_names import Names
from lab_world import ADDRESSES, API, API4, KEY, PROXY, RESOLVER, Call, Case, World

AT_ONCE = 4
MOST = 60.0
"""Seconds for one case, on a busy machine."""
GATEWAY = 8787


@dataclass(frozen=True, slots=True)
class Roots:
    """Who signs in the laboratory."""

    public: Authority
    company: Authority
    intermediate: Authority
    stranger: Authority


def roots() -> Roots:
    """The root that everybody trusts, a company's, and one that nobody does."""
    company = authority("Zscaler Root CA", "Zscaler Inc.")
    between = authority("Zscaler Intermediate Root CA", "Zscaler Inc.", company)
    return Roots(
        authority("Laboratory Public Root", "Laboratory"),
        company,
        between,
        authority("Self Signed", "Somebody"),
    )


class Setting:
    """The client's machine: files of the system that are other than they are, a home, an environment."""

    def __init__(self, world: World, known: Roots, place: Path) -> None:
        self.world, self.known = world, known
        self.home, self.here = place / "home", place / "project"
        self.tools, self.runtime = place / "bin", place / "run"
        for folder in (self.home, self.here, self.tools, self.runtime):
            folder.mkdir(mode=0o700)
        self._system(place)
        self._own()

    def _system(self, place: Path) -> None:
        """Names and roots: none of the machine's own files is read, let alone written."""
        public = self.known.public.pem
        trusted = public + (self.known.company.pem if self.world.inspector not in ("", "unknown") else b"")
        for path, content in (
            ("/etc/resolv.conf", f"nameserver {RESOLVER}\noptions timeout:5 attempts:1\n".encode()),
            ("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n{self.world.hosts}\n".encode()),
            ("/etc/nsswitch.conf", b"hosts: files dns\n"),
            ("/etc/ssl/certs/ca-certificates.crt", trusted),
            (certifi.where(), public),
        ):
            beside = place / f"system-{Path(path).name}"
            beside.write_bytes(content)
            if Path(path).exists():
                ground.hidden(Path(path), beside)

    def _own(self) -> None:
        if self.world.settings:
            (self.home / ".claude").mkdir()
            (self.home / ".claude" / "settings.json").write_text(self.world.settings)
        for name, text in self.world.files.items():
            path = self.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text == "{company root in DER}":
                path.write_bytes(self.known.company.der)
            else:
                path.write_text(text.replace("{company root}", self.known.company.pem.decode()))
        for name, script in self.world.programs.items():
            (self.tools / name).write_text(script if script.startswith("#!") else f"#!/bin/sh\n{script}\n")
            (self.tools / name).chmod(0o755)
        if self.world.full:
            folder = self.home / self.world.full
            folder.mkdir(parents=True, exist_ok=True)
            ground.full(folder)

    @property
    def environ(self) -> dict[str, str]:
        """All that the client's programs are told."""
        own = {
            "PATH": f"{self.tools}:/usr/bin:/bin", "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.runtime),
            "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        return own | {name: text.replace("~", str(self.home)) for name, text in self.world.env.items()}


async def between(world: World, known: Roots, internet: Internet, place: Path) -> None:
    """The name server, inspectors and proxies."""
    await names(world, internet, place)
    signs = known.stranger if world.inspector == "own" else known.intermediate
    inspector = Inspector(signs, known.public, blocked=world.inspector == "page")
    if world.inspector.startswith("nginx"):
        wish = {
            "nginx-buffers": ("proxy_buffering on;", "proxy_buffers 16 64k;", "proxy_buffer_size 64k;"),
            "nginx-cuts": ("proxy_buffering off;", "proxy_read_timeout 2s;"),
        }
        shown = identity(known.intermediate, API)
        internet.nginx("inspector", shown, "0.0.0.0", 8443, f"https://{API4}", *wish[world.inspector])
    elif world.inspector:
        await asyncio.start_server(inspector.serve, ["0.0.0.0", "::"], 8443, ssl=inspector.context)
    if world.proxy == "tinyproxy":
        config = place / "tinyproxy.conf"
        lines = [
            "Port 3128",
            f"Listen {ADDRESSES[PROXY][0]}",
            "MaxClients 20",
            "Timeout 30",
            *world.tinyproxy_lines,
        ]
        config.write_text("\n".join(lines) + "\n")
        internet.run("tinyproxy", "-d", "-c", str(config))
        await asyncio.to_thread(listening, ADDRESSES[PROXY][0], 3128)
    elif world.proxy:
        await asyncio.start_server(Proxy(world.proxy, inspector).serve, ADDRESSES[PROXY][0], 3128)


async def names(world: World, internet: Internet, place: Path) -> None:
    """The name server."""
    if world.resolver == "none":
        return
    if world.resolver == "dnsmasq":
        records = [
            f"--host-record={host},{','.join(them)}"
            for host, them in ADDRESSES.items()
            if host not in world.names
        ]
        internet.run(
            "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null",
            "--user=root", "--group=",  # a plain user's namespace lets nobody change groups
            f"--listen-address={RESOLVER}", "--bind-interfaces", "--local-service", f"--pid-file={place}/dnsmasq",
            *records, *world.dnsmasq_lines,
        )  # fmt: skip
        await asyncio.to_thread(listening, RESOLVER, 53, True)
        return
    known = {**({} if "*" in world.names else ADDRESSES), **world.names}
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: Names(known, world.late), local_addr=(RESOLVER, 53))


async def examined(case: Case, known: Roots, place: Path) -> dict[str, Any]:
    """What the doctor says of a case, beside what the API was sent."""
    world = case.world
    setting = Setting(world, known, place)
    client = ground.joined(world)
    internet = Internet(world, known.public, known.company, known.stranger, place)
    await internet.start()
    await between(world, known, internet, place)
    if world.calls:
        gateway = await traffic(world.calls, client, setting, internet)
        if world.hung:
            gateway.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    command = client.command(sys.executable, "-m", "seawall", "doctor", "--json", *world.arguments)
    process = await asyncio.create_subprocess_exec(
        *command, cwd=setting.here, env=setting.environ, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, complained = await process.communicate()
    took = time.monotonic() - begun
    headers = [value for api in internet.apis for seen in api.requests for _, value in seen.headers]
    try:
        answer = json.loads(said)
    except ValueError:
        answer = None
    return {
        "took": round(took, 2), "code": process.returncode, "answer": answer,
        "complained": complained.decode(errors="replace")[-2000:], "headers": headers,
    }  # fmt: skip


async def traffic(
    calls: tuple[Call, ...], client: ground.Client, setting: Setting, internet: Internet
) -> asyncio.subprocess.Process:
    """Real calls through a real gateway in the client's network; the gateway runs on."""
    process = await asyncio.create_subprocess_exec(
        *client.command(sys.executable, "-m", "seawall", "serve"),
        cwd=setting.here, env=setting.environ, stdin=asyncio.subprocess.DEVNULL,
        stdout=(setting.home.parent / "serve.log").open("wb"), stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    end = time.monotonic() + 30
    while not await asyncio.to_thread(client.run, _answers):
        if process.returncode is not None or time.monotonic() > end:
            raise OSError((setting.home.parent / "serve.log").read_text()[-1000:])
        await asyncio.sleep(0.05)
    for number, call in enumerate(calls):
        work = _held if call.held else _whole
        await asyncio.to_thread(client.run, lambda call=call, number=number, work=work: work(call, number))
    before = time.monotonic()
    while any(call.held for call in calls) and time.monotonic() < before + 20:
        if sum(len(api.requests) for api in internet.apis) >= len(calls):
            break
        await asyncio.sleep(0.02)
    # The gateway writes in batches: the doctor is to find what went wrong on record.
    wrong = sum(bool(seen.fault) for api in internet.apis for seen in api.requests)
    while _recorded(setting.home) < wrong and time.monotonic() < before + 20:
        await asyncio.sleep(0.05)
    return process


def _recorded(home: Path) -> int:
    path = home / ".local" / "share" / "seawall" / "seawall.db"
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
            return int(store.execute("select count(*) from attempt where cause is not null").fetchone()[0])
    except sqlite3.Error:  # not yet there
        return 0


def _answers() -> bool:
    try:
        http.client.HTTPConnection("127.0.0.1", GATEWAY, timeout=1).connect()
    except OSError:
        return False
    return True


def _asked(call: Call, number: int) -> http.client.HTTPConnection:
    body = {
        "model": call.model, "max_tokens": 500, "stream": call.stream,
        "messages": [{"role": "user", "content": f"words={call.words} nonce=lab{number}"}],
    }  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", GATEWAY, timeout=30)
    headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01", "content-type": "application/json"}
    connection.request("POST", "/v1/messages", json.dumps(body), headers)
    return connection


def _whole(call: Call, number: int) -> None:
    try:
        _asked(call, number).getresponse().read()
    except (OSError, http.client.HTTPException):
        pass  # a stream that is cut is what some cases are about


_HELD: list[http.client.HTTPConnection] = []


def _held(call: Call, number: int) -> None:
    _HELD.append(_asked(call, number))


def child(case: Case, known: Roots, place: Path) -> None:
    """One case in a process and a network of its own; what came of it is in `result` when it ends."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    result: dict[str, Any]
    try:
        ground.leave()
        with asyncio.Runner() as runner:
            result = runner.run(asyncio.wait_for(examined(case, known, place), MOST))
    except BaseException as error:
        import traceback

        result = {"broke": f"{type(error).__name__}: {error}\n{traceback.format_exc()[-1500:]}"}
    (place / "result.part").write_text(json.dumps({"case": case.name} | result))
    (place / "result.part").rename(place / "result")
    os._exit(0)


def end_with_input() -> None:
    """This process is the first of its space of processes: when it ends, so do all that it started."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        os._exit(3)

    threading.Thread(target=wait, daemon=True).start()


def main(place: Path, wanted: list[str]) -> None:
    """Runs the wanted cases (all, if none is named) and prints what came of each."""
    end_with_input()
    known = roots()
    left = [(number, one) for number, one in enumerate(CASES) if not wanted or one.name in wanted]
    running: dict[int, Path] = {}
    while left or running:
        while left and len(running) < AT_ONCE:
            number, case = left.pop(0)
            folder = place / f"case{number}"
            folder.mkdir()
            if pid := os.fork():
                running[pid] = folder
            else:
                child(case, known, folder)
        pid, _ = os.wait()
        folder = running.pop(pid, None)  # orphans of a case come to us too
        if folder and (folder / "result").exists():
            print((folder / "result").read_text(), flush=True)
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
