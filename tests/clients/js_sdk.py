"""The JavaScript SDK in a node process of its own."""

import json
import os
import queue
import subprocess
import threading
from typing import Any

from client_setup import KEY, SONNET, Outcome
from npm_clients import FOLDER


class Node:
    """A node process that runs many calls of the JavaScript SDK at once."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", "drive.mjs"],
            cwd=FOLDER,
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._waiting: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._next = 0
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            self._waiting.pop(told.pop("id")).put(told)

    def call(self, way: str, url: str, prompt: str, *, limit: float, retries: int | None) -> Outcome:
        """The outcome of one call; `retries` None leaves the SDK its default."""
        ask = {"model": SONNET, "max_tokens": 500, "messages": [{"role": "user", "content": prompt}]}
        told: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        with self._lock:
            self._next += 1
            self._waiting[self._next] = told
            job = {"id": self._next, "way": way, "url": url, "key": KEY, "limit": limit, "ask": ask}
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({**job, "retries": retries}) + "\n")
            self._process.stdin.flush()
        return Outcome(**told.get(timeout=60))

    def stop(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
