"""A home of its own for real `seawall` processes: nothing of this machine's user is read, written or signalled."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from seawall.gateway import runtime

LIMIT = 30.0
"""Seconds that a busy machine may need for anything here; nothing waits for it to pass."""


def until(true: Callable[[], object], what: str) -> None:
    """Returns once it is true."""
    deadline = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


class Home:
    """An empty home, runtime folder and environment, whose upstream is an address where nobody listens."""

    def __init__(self, path: Path) -> None:
        self.path = path / "home"
        self.runtime = path / "run"
        self.tools = path / "bin"
        for folder in (self.path, self.runtime, self.tools):
            folder.mkdir()
        self.environ = {
            "PATH": f"{self.tools}:{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(self.path),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "TMPDIR": str(path),
            "SEAWALL_GATEWAY_UPSTREAM": "http://127.0.0.1:9",
        }
        if "PYTHONPATH" in os.environ:
            self.environ["PYTHONPATH"] = os.environ["PYTHONPATH"]
        self._started: list[subprocess.Popen[str]] = []

    @property
    def place(self) -> Path:
        """The runtime folder of seawall."""
        return self.runtime / "seawall"

    def seawall(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """A whole `seawall` command."""
        return subprocess.run(
            [sys.executable, "-m", "seawall", *arguments],
            env=self.environ | more, cwd=self.path, capture_output=True, text=True, timeout=LIMIT, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def start(self, *arguments: str, **more: str) -> "subprocess.Popen[str]":
        """A `seawall` command that runs on, in a session of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "seawall", *arguments],
            env=self.environ | more, cwd=self.path, text=True, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._started.append(process)
        return process

    def tool(self, name: str, script: str) -> None:
        """A program of this name on the path."""
        path = self.tools / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def gateways(self) -> list[runtime.Record]:
        """The records of gateways that run."""
        return runtime.records(self.place) if self.place.exists() else []

    def end(self) -> None:
        """Nothing that was started here stays."""
        for process in self._started:
            # Its group is still there when the command itself is gone and left its child behind.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=LIMIT)
        for record in self.gateways():
            with contextlib.suppress(ProcessLookupError):
                os.kill(record.pid, signal.SIGKILL)
