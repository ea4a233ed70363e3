"""What is measured: a direct connection, nginx and Seawall, each as an address and a process."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import wire
from bench.measure import pinned

ROOT = Path(__file__).resolve().parents[1]
_CONCURRENCY = "4000"
"""Attempts at a time: the benchmarks hold more streams open than one person's agents do."""

NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000;
  keepalive_timeout 600s;
  client_max_body_size 64m;
  client_body_buffer_size 1m;
  client_body_in_file_only off;
  upstream origin {{
    server 127.0.0.1:{upstream};
    keepalive 256;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_request_buffering on;
      proxy_read_timeout 600s;
    }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One way to the origin. `pid` is that of the process in between, if there is one; `origin_pid` the origin's."""

    name: str
    port: int
    pid: int | None = None
    origin_pid: int | None = None


def nginx() -> str | None:
    """Where nginx is on this machine, if it is."""
    return shutil.which(
        "nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/opt/homebrew/bin"
    )


def free_port() -> int:
    """A port that nobody listened at a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def started(command: list[str], folder: Path, core: int | None) -> Iterator["subprocess.Popen[bytes]"]:
    """A process on one core, with a home of its own, ended on leaving."""
    # Nothing of this machine's settings: another user's figures must mean the same.
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    with pinned(core):
        process = subprocess.Popen(
            command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=(folder / "stderr").open("ab")
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def origin(folder: Path, core: int | None) -> Iterator[Target]:
    """The canned upstream, reached without anything in between."""
    with started([sys.executable, "-m", "bench.origin"], folder, core) as process:
        assert process.stdout is not None
        yield Target("direct", int(process.stdout.readline()), origin_pid=process.pid)


def command(name: str, port: int, upstream: int, folder: Path) -> list[str]:
    """How the gateway `name` is started."""
    if name == "nginx":
        config = folder / f"nginx-{port}.conf"
        config.write_text(NGINX.format(folder=folder, port=port, upstream=upstream))
        return [nginx() or "nginx", "-c", str(config), "-p", str(folder), "-e", str(folder / "error.log")]
    return [
        sys.executable, "-m", "seawall", "serve", "--quiet", "--listen", f"127.0.0.1:{port}",
        "--upstream", f"http://127.0.0.1:{upstream}", "--concurrency", _CONCURRENCY,
    ]  # fmt: skip


@contextmanager
def gateway(name: str, upstream: int, folder: Path, core: int | None) -> Iterator[tuple[Target, float]]:
    """A gateway that answers, and the seconds from its start to its first answer."""
    port = free_port()
    line = command(name, port, upstream, folder)
    began = time.perf_counter()
    with started(line, folder, core) as process:
        first_answer(port, process, folder)
        yield Target(name, port, process.pid), time.perf_counter() - began


def first_answer(port: int, process: "subprocess.Popen[bytes]", folder: Path, patience: float = 30.0) -> None:
    """Return once a request was answered. Raises RuntimeError if that never happens."""
    asked = wire.request(port, "json", 2048)
    until = time.perf_counter() + patience
    while process.poll() is None and time.perf_counter() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
                sock.sendall(asked)
                answer = b""
                while not answer.endswith(wire.TAIL):
                    more = sock.recv(65536)
                    if not more:
                        raise RuntimeError(f"the first answer was cut: {answer[:200]!r}")
                    answer += more
                return
        except ConnectionRefusedError:
            time.sleep(0.001)
    said = (folder / "stderr").read_text(errors="replace")[-2000:]
    raise RuntimeError(f"{process.args!r} does not answer: {said}")
