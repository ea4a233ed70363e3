"""Two network namespaces joined by a cable, which nobody outside sees and which end with the process that made them.

The process is `internet`: the router, the name server and every host beyond are its own addresses. `client` is a
second namespace of its, held by an open file, in which the doctor runs.
"""

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lab_world import ADDRESSES, CLIENT, PORTAL, RESOLVER, ROUTER, World

NEWNS, NEWNET = 0x00020000, 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_LIBC, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")


def leave() -> None:
    """This process gets a network of its own, without a cable, and file systems whose mounts are its own."""
    _call("unshare", NEWNS | NEWNET)


def hidden(path: Path, by: Path) -> None:
    """`by` stands where `path` was, for this process and its children alone."""
    subprocess.run(["mount", "--bind", str(by), str(path.resolve())], check=True)


def full(path: Path) -> None:
    """A folder without any space left."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=64", "tmpfs", str(path)], check=True)
    try:
        with (path / "filler").open("wb") as file:
            while True:
                file.write(bytes(512))
                file.flush()
    except OSError:
        return


class Client:
    """The client's namespace."""

    def __init__(self) -> None:
        def begin() -> int:
            _call("unshare", NEWNET)
            return os.open("/proc/thread-self/ns/net", os.O_RDONLY)

        self._file: int = _in_thread(begin)
        self.path = f"/proc/{os.getpid()}/fd/{self._file}"

    def run(self, work: Callable[[], Any]) -> Any:
        """What `work` returns when it runs in a thread that stands in the client's network."""

        def inside() -> Any:
            _call("setns", self._file, NEWNET)
            return work()

        return _in_thread(inside)

    def command(self, *words: str) -> list[str]:
        """A command that runs in the client's network."""
        return ["nsenter", f"--net={self.path}", "--", *words]


def _in_thread(work: Callable[[], Any]) -> Any:
    """A thread may change its namespace without the others."""
    found: list[Any] = []
    broke: list[BaseException] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:
            broke.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if broke:
        raise broke[0]
    return found[0]


def _batch(command: Sequence[str], lines: Sequence[str]) -> None:
    done = subprocess.run(command, input="\n".join(lines) + "\n", text=True, capture_output=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


def joined(world: World) -> Client:
    """The cable, the addresses and the routes of a world, and what its router does to packets."""
    client = Client()
    hosts = [one for many in ADDRESSES.values() for one in many]
    four = [one for one in hosts if ":" not in one]
    six = [one for one in hosts if ":" in one]
    lines = ["link set lo up", "link add i0 type veth peer name c0", f"link set c0 netns {client.path}"]
    lines += [f"addr add {one}/24 dev i0" for one in (ROUTER, RESOLVER, PORTAL)]
    lines += ["addr add fd07::1/64 dev i0 nodad", "link set i0 up"]
    lines += [f"addr add {one}/{24 if one.startswith('10.7.') else 32} dev i0" for one in four]
    lines += [f"addr add {one}/128 dev i0 nodad" for one in six]
    _batch(["ip", "-batch", "-"], lines)
    lines = ["link set lo up", f"addr add {CLIENT}/24 dev c0"]
    if world.route == "both":
        lines.append("addr add fd07::2/64 dev c0 nodad")
    if world.route != "down":
        lines.append("link set c0 up")
    if world.route in ("both", "IPv4"):
        lines.append(f"route add default via {ROUTER}")
    if world.route == "both":
        lines.append("route add default via fd07::1")
    _batch(client.command("ip", "-batch", "-"), lines)
    _packets(world)
    if world.shape:
        for command in (["tc"], client.command("tc")):
            device = "i0" if command == ["tc"] else "c0"
            subprocess.run(
                [*command, "qdisc", "add", "dev", device, "root", *world.shape.split()], check=True
            )
    return client


def _packets(world: World) -> None:
    """What the router lets through, refuses, drops, and sends to an inspector."""
    lines = [
        "table inet lab {",
        " chain from_client {",
        "  type filter hook input priority 0; policy accept;",
    ]
    lines += [f"  iifname i0 {rule}" for rule in world.firewall]
    lines += [" }", " chain to_client {", "  type filter hook output priority 0; policy accept;"]
    lines += [f"  oifname i0 {rule}" for rule in world.back]
    lines += [" }", " chain inspected {", "  type nat hook prerouting priority -100; policy accept;"]
    if world.inspector.startswith("nginx"):
        lines.append(
            f"  iifname i0 ip daddr {ADDRESSES['api.anthropic.com'][0]} tcp dport 443 redirect to :8443"
        )
    elif world.inspector:
        lines.append("  iifname i0 tcp dport 443 redirect to :8443")
    if world.portal:
        lines.append(f"  iifname i0 tcp dport 80 dnat ip to {PORTAL}:80")
        if world.portal == "answers":
            lines.append(f"  iifname i0 tcp dport 443 dnat ip to {PORTAL}:443")
    lines += [" }", "}"]
    if world.firewall or world.back or world.inspector or world.portal:
        _batch(["nft", "-f", "-"], lines)
