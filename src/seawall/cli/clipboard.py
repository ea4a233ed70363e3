"""What was copied, by the tool that the platform has for it."""

import shutil
import subprocess
import sys

from seawall.cli.common import ExitCode, Failure

_TOOLS = (
    ("pbpaste",),
    ("wl-paste", "--no-newline"),
    ("xclip", "-selection", "clipboard", "-out"),
    ("xsel", "--clipboard", "--output"),
    ("powershell.exe", "-NoProfile", "-Command", "Get-Clipboard -Raw"),
    ("termux-clipboard-get",),
)
_LIMIT = 3.0
"""Seconds: a clipboard whose owner hangs must not hang us. PowerShell needs one to start."""


def pasted() -> str:
    """The clipboard's text; `Failure` where there is none, or nothing that reads it."""
    tried = []
    for tool in _TOOLS:
        path = shutil.which(tool[0])
        if path is None:
            continue
        tried.append(tool[0])
        try:
            done = subprocess.run(  # noqa: S603
                [path, *tool[1:]], capture_output=True, timeout=_LIMIT, check=False, stdin=subprocess.DEVNULL
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.decode("utf-8", "replace")
    if tried:
        raise Failure(f"the clipboard has no text ({', '.join(tried)} gave none)", ExitCode.USAGE)
    need = "pbpaste" if sys.platform == "darwin" else "wl-paste, xclip or xsel"
    raise Failure(
        f"nothing here reads the clipboard ({need}); paste into `seawall explain` instead", ExitCode.USAGE
    )
