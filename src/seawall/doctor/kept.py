"""Small files of facts in the user's state folder: what was found last, what was saved to be compared. No secrets."""

import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LARGEST = 1024 * 1024
"""Bytes of such a file that are read: a saved run is some 10 KB."""


def folder(environ: Mapping[str, str]) -> Path | None:
    """Where they are kept, whether it is there or not; None where the user has no home."""
    home, base = environ.get("HOME", ""), environ.get("XDG_STATE_HOME", "")
    if sys.platform == "linux":
        # The usual case without platformdirs, whose import takes longer than all else here.
        place = base if os.path.isabs(base) else f"{home}/.local/state" if os.path.isabs(home) else ""
        return Path(place, "seawall") if place else None
    from platformdirs import user_state_dir

    try:
        found = Path(user_state_dir("seawall", appauthor=False))
    except RuntimeError:  # there is no home
        return None
    return found if found.is_absolute() else None


def read(path: Path) -> dict[str, Any] | None:
    """The object that the file holds; None where there is none, or it is none of ours any more."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        value = json.loads(data) if len(data) <= LARGEST else None
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def write(path: Path, value: Mapping[str, Any]) -> None:
    """Keeps the object (mode 600) in one step: a reader sees the old or the new whole. `OSError` where it cannot."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=True)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
