"""Where this runs, and what its files say: what is done differently there is shown there only."""

import sys
from collections.abc import Mapping
from pathlib import Path

from seawall.causes.cause import Platform

_SYSTEMS = {"linux": Platform.LINUX, "darwin": Platform.MACOS, "win32": Platform.WINDOWS}
_EDITORS = ("vscode", "jetbrains", "cursor", "zed", "windsurf")


def platforms(
    environ: Mapping[str, str], system: str = sys.platform, root: Path = Path("/")
) -> frozenset[Platform]:
    """The platforms that this is, several at once where one runs in another."""
    found = {_SYSTEMS[system]} if system in _SYSTEMS else set()
    if system == "linux":
        if environ.get("WSL_DISTRO_NAME") or "microsoft" in text_of(root / "proc/version", 500).lower():
            found.add(Platform.WSL)
        if _there(root / ".dockerenv") or _there(root / "run/.containerenv") or environ.get("container"):
            found.add(Platform.CONTAINER)
    if environ.get("CI", "").lower() not in ("", "0", "false"):
        found.add(Platform.CI)
    said = f"{environ.get('TERM_PROGRAM', '')} {environ.get('TERMINAL_EMULATOR', '')}".lower()
    if any(name in said for name in _EDITORS):
        found.add(Platform.EDITOR)
    return frozenset(found)


def text_of(path: Path, most: int = 256 << 10) -> str:
    """A file of the system, its first `most` bytes; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(most).decode("utf-8", "replace")
    except OSError:
        return ""


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
