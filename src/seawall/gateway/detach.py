"""Starting a gateway that outlives the command that needed it."""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from seawall.gateway.runtime import LOG_LIMIT, START_LIMIT, Trouble
from seawall.settings import CLIENT_CERTIFICATE

_SECRET = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")

_CERTIFICATE = frozenset(CLIENT_CERTIFICATE.values())
"""What is shown to servers is the connection's, and every connection is the gateway's."""


def kept_environment(environ: Mapping[str, str], named: Collection[str] = ()) -> dict[str, str]:
    """The environment of a gateway: no client's credentials, which come with each request.

    `named`: variables that its user named as the gateway's own.
    """
    kept = {}
    for name, value in environ.items():
        ours = name.startswith("SEAWALL_") or name == "ANTHROPIC_BASE_URL" or name in _CERTIFICATE
        theirs = name.startswith(("ANTHROPIC_", "CLAUDE_", "AWS_")) or any(
            part in name.upper() for part in _SECRET
        )
        if ours or not theirs or name in named:
            kept[name] = value
    return kept


def log_file() -> Path | None:
    """Where a detached gateway writes what goes wrong; None where no such file can be kept."""
    from platformdirs import user_state_dir

    try:
        place = Path(user_state_dir("seawall", appauthor=False))
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = place / "gateway.log"
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size > LOG_LIMIT:
                os.replace(path, place / "gateway.log.1")
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    except (OSError, RuntimeError):
        return None
    return path


def start_detached(arguments: Sequence[str], environ: Mapping[str, str], named: Collection[str] = ()) -> None:
    """Starts `seawall serve` with these arguments in a session of its own; returns when it listens.

    `named`: variables that it gets although they look like a client's credentials. Trouble carries the line by which
    it said why it does not.
    """
    log = log_file()
    with contextlib.ExitStack() as stack:
        errors = stack.enter_context(log.open("ab")) if log else subprocess.DEVNULL
        # -P: the folder where somebody works must not lend its modules to the gateway.
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-m", "seawall", "serve", "--json", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=kept_environment(environ, named),
            start_new_session=True,
        )
    assert process.stdout is not None
    with process.stdout as said:
        line = _first_line(said.fileno(), time.monotonic() + START_LIMIT)
    try:
        answer = json.loads(line)
        ready = answer.get("schema") == "seawall.serve/1"
        why = "" if ready else str(answer["error"]["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        ready, why = False, "it said nothing" + (f"; see {log}" if log else "")
    if ready:
        # It lives on. Should it end before this process, somebody must take note, or it stays as a zombie.
        threading.Thread(target=process.wait, name="seawall-detached", daemon=True).start()
        return
    process.kill()
    process.wait()
    raise Trouble(f"the gateway did not start: {why}")


def start_beside(arguments: Sequence[str], environ: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Starts `seawall` with these arguments in a session of its own; what it has to say goes to the gateway's log."""
    log = log_file()
    with contextlib.ExitStack() as stack:
        errors = stack.enter_context(log.open("ab")) if log else subprocess.DEVNULL
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-m", "seawall", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=kept_environment(environ),
            start_new_session=True,
            cwd="/",
        )


def _first_line(descriptor: int, deadline: float) -> bytes:
    """The first line that is written within the time, or what there is of it."""
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while not line.endswith(b"\n") and len(line) < 65536:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                break
            piece = os.read(descriptor, 4096)
            if not piece:
                break
            line += piece
    return line
