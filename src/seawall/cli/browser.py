"""Opening an address in the person's own browser, where there is one to be seen."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping

_LIMIT = 5.0
"""Seconds that a starter may take; those that are the browser itself run on."""


def command(environ: Mapping[str, str], platform: str = sys.platform) -> list[str] | None:
    """What opens an address here; None where nothing can (no display, no program)."""
    path = environ.get("PATH")
    for one in filter(None, environ.get("BROWSER", "").split(os.pathsep)):
        try:
            parts = shlex.split(one)
        except ValueError:
            continue
        if parts and "%s" not in one and (found := shutil.which(parts[0], path=path)):
            return [found, *parts[1:]]
    if platform == "darwin":
        return ["/usr/bin/open"]
    if platform == "win32":
        return ["rundll32.exe", "url.dll,FileProtocolHandler"]
    if environ.get("WSL_DISTRO_NAME") and (found := shutil.which("wslview", path=path)):
        return [found]
    if not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return None
    found = shutil.which("xdg-open", path=path)
    return [found] if found else None


def opened(address: str, environ: Mapping[str, str]) -> bool:
    """Whether the address was handed to a browser."""
    program = command(environ)
    if program is None:
        return False
    try:
        started = subprocess.Popen(  # noqa: S603
            [*program, address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    try:
        return started.wait(_LIMIT) == 0
    except subprocess.TimeoutExpired:
        return True  # it is the browser itself
