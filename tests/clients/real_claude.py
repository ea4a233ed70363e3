"""Claude Code, kept away from everything but the gateway."""

import json
import os
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

from client_setup import KEY


class Trap:
    """A proxy that nobody should use: it counts who comes and hangs up."""

    def __init__(self) -> None:
        self.caught = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            self.caught += 1
            peer.close()

    def stop(self) -> None:
        """Close it."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


class Claude:
    """Claude Code in a folder, a home and an environment of its own."""

    def __init__(self, program: Path, folder: Path, trap: Trap) -> None:
        self._program, self._folder, self._trap = program, folder, trap
        self._runs = 0

    def ask(self, url: str, prompt: str, *, model: str, **variables: str) -> dict[str, Any]:
        """The JSON that `claude -p` prints, with its exit code as `exit`."""
        self._runs += 1
        home = self._folder / f"home{self._runs}"
        work = home / "work"
        work.mkdir(parents=True)
        environment = {
            "PATH": os.defpath,
            "HOME": str(home),
            "TMPDIR": str(home),
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": url,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_TELEMETRY": "1",
            "HTTPS_PROXY": self._trap.url,
            "HTTP_PROXY": self._trap.url,
            "NO_PROXY": "127.0.0.1,localhost,::1",
            **variables,
        }
        command = [str(self._program), "-p", prompt, "--output-format", "json", "--model", model]
        done = subprocess.run(
            command, cwd=work, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=40
        )
        assert done.stdout, done.stderr.decode(errors="replace")
        told: dict[str, Any] = json.loads(done.stdout)
        return {**told, "exit": done.returncode}
