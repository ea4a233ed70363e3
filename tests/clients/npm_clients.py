"""The clients from npm: installed once by `npm ci`, or a reason why not."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"
_LOCK = FOLDER / "package-lock.json"
STAMP = MODULES / ".package-lock.json"
"""npm writes it when everything is in place; `make npm` looks at the same file."""
_LIMIT = 600.0


def install(failed: Path) -> str:
    """Bring the clients into `node_modules`; an empty text, or why they are not there.

    Safe in many processes at once. `failed` is where the first to fail tells the others.
    """
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    if missing:
        return f"{' and '.join(missing)} not found: the clients from npm were not tried"
    with _LOCK.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if _is_current():
            return ""
        if failed.exists():
            return failed.read_text()
        reason = _ci()
        if reason:
            failed.write_text(reason)
        return reason


def _is_current() -> bool:
    return STAMP.exists() and STAMP.stat().st_mtime >= _LOCK.stat().st_mtime


def _ci() -> str:
    command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"]
    try:
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=_LIMIT)
    except subprocess.TimeoutExpired:
        return f"npm ci did not end within {_LIMIT:.0f} s: the clients from npm were not tried"
    if done.returncode == 0:
        return ""
    lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
    return f"npm ci failed ({lines[0].strip()}): the clients from npm were not tried"


def claude_code() -> Path | None:
    """The program itself: it comes in a package of its own for each platform, and needs no install script."""
    found = sorted(MODULES.glob("@anthropic-ai/claude-code-*/claude"))
    return next((path for path in found if os.access(path, os.X_OK)), None)
