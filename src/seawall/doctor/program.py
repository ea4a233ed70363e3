"""What another program says when it is asked for something short, within a time; nothing of it is left running."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

MOST = 4096
"""Bytes of what it says that are read."""


def said(command: Sequence[str], environ: Mapping[str, str], seconds: float) -> str | None:
    """What the command writes, at most `MOST` bytes; None where it does not end, or say a line, in this time.

    Raises `OSError` where it cannot be started. Blocks. Its children end with it.
    """
    process = subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=dict(environ),
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout as pipe:
        text = _read(pipe.fileno(), time.monotonic() + seconds)
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return text


def _read(descriptor: int, deadline: float) -> str | None:
    data = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while len(data) < MOST:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                # A line is enough: what follows would be more of the same, or a program that stays.
                return data.decode("utf-8", "replace") if b"\n" in data else None
            piece = os.read(descriptor, MOST - len(data))
            if not piece:
                break
            data += piece
    return data.decode("utf-8", "replace")
