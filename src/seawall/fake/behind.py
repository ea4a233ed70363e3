"""A gateway in front of the faulty API, in a process and folder of its own: Seawall, or anybody's command."""

import asyncio
import contextlib
import json
import os
import shlex
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import seawall

START_LIMIT: Final = 20.0
"""Seconds for Seawall to start: it takes under one, on a busy machine some more."""
FOREIGN_START_LIMIT: Final = 90.0
"""Seconds for somebody else's gateway to listen: some load half a minute."""


MOST_KEPT: Final = 512 * 1024**2
"""Bytes that a gateway may have in its folder: a benchmark must not fill somebody's disk."""
LOOK_EVERY: Final = 1.0
"""Seconds between two looks at that."""
_TAIL: Final = 8192
"""Bytes of what a process wrote that are kept, and in which its last line is looked for."""
_READ: Final = 65536
_LAST_READS: Final = 64
"""Reads at its end: more than any pipe holds."""
_LONGEST: Final = 300
"""Characters of a line."""
_GROUP: Final = 2
_TIMES: Final = slice(11, 15)
"""Places in Linux's `/proc/PID/stat`, after the name: the group; its own times and those of its ended children."""


class GatewayFailed(Exception):
    """The gateway did not start, or did not stay; the text is one line."""


def gateway_environ(environ: Mapping[str, str], folder: str) -> dict[str, str]:
    """The environment for a gateway that knows nothing of this user's settings, records, proxies and keys."""
    dropped = ("SEAWALL_", "ANTHROPIC_", "LISTEN_")
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(dropped) and not name.lower().endswith("_proxy")
    }
    package = str(Path(seawall.__file__).parent.parent)
    return kept | {
        "XDG_RUNTIME_DIR": folder,
        "SEAWALL_STORE_PATH": os.path.join(folder, "records.db"),
        "PYTHONPATH": os.pathsep.join(filter(None, (package, kept.get("PYTHONPATH", "")))),
    }


# The `seawall` command, but it ends at once when its stdin does: with its parent, should that be killed outright.
_SEAWALL: Final = """
import os, signal, threading

def watch():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGKILL)

threading.Thread(target=watch, daemon=True).start()
from seawall.cli import main
main()
"""


@contextlib.asynccontextmanager
async def gateway(upstream: str, settings: str = "") -> AsyncIterator["Gateway"]:
    """`seawall serve` in front of `upstream`, with the text of a settings file; gone afterwards, with its folder."""
    with tempfile.TemporaryDirectory(prefix="seawall-behind-") as folder:
        file = Path(folder, "settings.toml")
        file.write_text(settings, "utf-8")  # noqa: ASYNC240  a short file in an empty folder
        arguments = ("--json", "--listen", "127.0.0.1:0", "--upstream", upstream, "--config", str(file))
        command = (sys.executable, "-c", _SEAWALL, "serve", *arguments)
        environ = gateway_environ(os.environ, folder)
        async with _running(command, folder, environ, group=False) as began:
            began.address = await began.announced()
            yield began


@contextlib.asynccontextmanager
async def foreign(command: str, upstream: str, key: str) -> AsyncIterator["Gateway"]:
    """Somebody else's gateway, by a command with `{port}` and `{upstream}`.

    Its home is the empty folder in which it starts, and `key` is in ANTHROPIC_API_KEY.
    """
    port = _free_port()
    words = arguments(command, port, upstream)
    with tempfile.TemporaryDirectory(prefix="seawall-behind-") as folder:
        environ = gateway_environ(os.environ, folder) | {"ANTHROPIC_API_KEY": key, "HOME": folder}
        async with _running(words, folder, environ, group=True) as began:
            await began.accepting(port)
            began.address = f"http://127.0.0.1:{port}"
            yield began


def arguments(command: str, port: int, upstream: str) -> list[str]:
    """The words of a command with its places filled in; ValueError, in one line, where it is no such command."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ValueError(f"the command cannot be read: {error}") from None
    if not words:
        raise ValueError("the command is empty")
    for place in ("{port}", "{upstream}"):
        if not any(place in word for word in words):
            raise ValueError(f"the command has no {place}")
    return [word.replace("{port}", str(port)).replace("{upstream}", upstream) for word in words]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.asynccontextmanager
async def _running(
    command: Sequence[str], folder: str, environ: Mapping[str, str], *, group: bool
) -> AsyncIterator["Gateway"]:
    with Said() as said:
        process = await _started(command, folder, said, environ, group=group)
        began = Gateway(process, folder, said, group=group)
        try:
            yield began
            await began.leave()
        finally:
            began.kill()
            await process.wait()


async def _started(
    command: Sequence[str], folder: str, said: "Said", environ: Mapping[str, str], *, group: bool
) -> asyncio.subprocess.Process:
    """The process; of a foreign one stdout goes where stderr goes."""
    with said.writing() as stderr:
        try:
            return await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=stderr if group else asyncio.subprocess.PIPE,
                stderr=stderr,
                cwd=folder,
                env=dict(environ),
                start_new_session=True,  # the terminal's Ctrl-C is for the parent, which then ends this
            )
        except OSError as error:
            raise GatewayFailed(f"cannot start {command[0]}: {error.strerror or error}") from None


class Said:
    """The end of what a process writes, however much that is; read all the time, so that it never waits for a reader.

    A pipe of our own: that of a subprocess is over only when all that the process started is.
    """

    def __init__(self) -> None:
        self._from, self._to = os.pipe()
        os.set_blocking(self._from, False)
        self._end = bytearray()
        self.bytes = 0

    def __enter__(self) -> "Said":
        asyncio.get_running_loop().add_reader(self._from, self._more)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._from)
        os.close(self._from)

    @contextlib.contextmanager
    def writing(self) -> Iterator[int]:
        """Where the process writes, while it is started."""
        try:
            yield self._to
        finally:
            os.close(self._to)

    def last_line(self) -> str:
        """Its last words, and that there were many where only the end is left."""
        # What it wrote just before it ended; one that goes on writing is not waited for.
        for _ in range(_LAST_READS):
            if not self._more():
                break
        line = _last_line(self._end)
        return f"{line} (the end of {self.bytes / 1e6:.1f} MB)" if line and self.bytes > 10 * _TAIL else line

    def _more(self) -> bool:
        """Whether there may be more at once."""
        try:
            data = os.read(self._from, _READ)
        except BlockingIOError:
            return False
        if not data:
            asyncio.get_running_loop().remove_reader(self._from)
            return False
        self.bytes += len(data)
        self._end += data
        del self._end[:-_TAIL]
        return True


def _object(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None


class Gateway:
    """A gateway's process."""

    def __init__(self, process: asyncio.subprocess.Process, folder: str, said: Said, *, group: bool) -> None:
        self._process, self._folder, self._said, self._group = process, folder, said, group
        self.address = ""

    async def announced(self) -> str:
        """The address that Seawall says; GatewayFailed with its own last words where it does not come."""
        assert self._process.stdout is not None
        line = b""
        with contextlib.suppress(TimeoutError, ValueError):
            async with asyncio.timeout(START_LIMIT):
                line = await self._process.stdout.readline()
        match _object(line):
            case {"address": str(address)}:
                return address
            case {"error": {"message": str(message)}}:
                raise GatewayFailed(f"the gateway did not start: {message}")
            case _:
                raise GatewayFailed(f"the gateway did not start{self._words()}")

    async def accepting(self, port: int) -> None:
        """Waits until something listens there; GatewayFailed where the process ends first or takes too long."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + FOREIGN_START_LIMIT
        while loop.time() < deadline:
            if self._process.returncode is not None:
                raise GatewayFailed(
                    f"the command ended with code {self._process.returncode} before it listened{self._words()}"
                )
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                self._check_folder()
                continue
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return
        raise GatewayFailed(
            f"the command did not listen on port {port} within {FOREIGN_START_LIMIT:.0f} s{self._words()}"
        )

    async def died(self) -> None:
        """Returns never; GatewayFailed when the process ends, or fills its folder."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    code = await self._process.wait()
                    raise GatewayFailed(f"the gateway ended in the middle with code {code}{self._words()}")
            self._check_folder()

    def _check_folder(self) -> None:
        if kept(Path(self._folder)) > MOST_KEPT:
            raise GatewayFailed(f"the gateway wrote more than {MOST_KEPT / 1024**2:.0f} MiB into its folder")

    async def leave(self) -> None:
        """Asks it to stop and waits a little."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3.0):
                await self._process.wait()

    def kill(self) -> None:
        """Ends it, and what a foreign command started, at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._group:
                os.killpg(self._process.pid, number)
            elif self._process.returncode is None:
                self._process.send_signal(number)

    def last_words(self) -> str:
        """The last line that it wrote on stderr; empty where there is none, as there should be."""
        return self._said.last_line()

    def processor_time(self) -> float | None:
        """Seconds of a processor that it and what it started have used so far; None where the system does not tell."""
        found = None
        for each in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = each.read_bytes().rpartition(b")")[2].split()
            except OSError:  # it has just ended
                continue
            if fields[_GROUP] == str(self._process.pid).encode():
                found = (found or 0.0) + sum(map(int, fields[_TIMES])) / os.sysconf("SC_CLK_TCK")
        return found

    def _words(self) -> str:
        words = self.last_words()
        return f": {words}" if words else ""


def last_line(said: Path) -> str:
    """The last line of a file, which may be large, or empty; at most 300 characters."""
    try:
        with said.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            return _last_line(file.read())
    except OSError:
        return ""


def _last_line(text: bytes | bytearray) -> str:
    lines = text.decode("utf-8", "replace").strip().splitlines()
    if not lines:
        return ""
    return lines[-1] if len(lines[-1]) <= _LONGEST else f"{lines[-1][:_LONGEST]}…"


def kept(folder: Path) -> int:
    """Bytes on the disk of all files in a folder, of those that can be seen."""
    found = 0
    for at, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # it has just gone
                found += 512 * os.lstat(os.path.join(at, name)).st_blocks
    return found
