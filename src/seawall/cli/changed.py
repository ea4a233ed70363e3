"""What an answer that was cut may have changed, for whoever goes on working."""

import os
import subprocess
from pathlib import Path

_GIT_LIMIT = 2.0
_MOST_FILES = 5000


def changed(since: float) -> str:
    """What to look at before going on, where an answer was cut: how many files here have changed since."""
    try:
        folder = Path.cwd()
        done = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), "status", "--porcelain", "-z"],  # noqa: S607  the user's own git
            stdin=subprocess.DEVNULL, capture_output=True, timeout=_GIT_LIMIT, check=False,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},
        )  # fmt: skip
        root = subprocess.run(  # noqa: S603
            ["git", "-C", str(folder), "rev-parse", "--show-toplevel"],  # noqa: S607
            stdin=subprocess.DEVNULL, capture_output=True, timeout=_GIT_LIMIT, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return "An answer was cut: look at what it changed before you go on."
    top = os.fsdecode(root.stdout.rstrip(b"\n"))
    if done.returncode or not top:
        return "An answer was cut: look at what it changed before you go on."
    names = [os.fsdecode(row[3:]) for row in done.stdout.split(b"\0") if len(row) > 3][:_MOST_FILES]
    count = sum(_touched(Path(top, name), since) for name in names)
    if not count:
        return "An answer was cut; no file here has changed since."
    files = "1 file" if count == 1 else f"{count} files"
    return f"Before you go on: {files} changed in {_shown(top)} during the cut answer: git diff"


def _touched(path: Path, since: float) -> bool:
    try:
        return path.lstat().st_mtime >= since
    except OSError:
        return False  # gone: whether before or since cannot be seen


def _shown(path: str) -> str:
    home = os.environ.get("HOME", "")
    return f"~{path[len(home) :]}" if home and path.startswith(f"{home}/") else path
