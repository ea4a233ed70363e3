"""Many `seawall` commands in one process of their own: each as from a shell, but without a start for each."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from own_home import LIMIT, Home

_CHILD = """
import contextlib, io, json, os, sys, traceback
from seawall.cli.verbs import run

class Text(io.TextIOWrapper):
    def isatty(self):
        return False

asked, told = sys.stdin, sys.stdout
for line in asked:
    arguments, given, environ, folder = json.loads(line)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    out, err = (Text(io.BytesIO(), encoding="utf-8") for _ in range(2))
    sys.stdin, code = Text(io.BytesIO(given.encode()), encoding="utf-8"), None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            run(arguments)
        except SystemExit as left:
            code = left.code
        except BaseException:
            traceback.print_exc()
            code = -1
    for one in (out, err):
        one.flush()
    said = [one.buffer.getvalue().decode("utf-8", "replace") for one in (out, err)]
    print(json.dumps([code, *said]), file=told, flush=True)
"""


class Verbs:
    """The process; what is run in it sees the environment and folder that it is given, and no terminal."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-c", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(
        self, arguments: Sequence[str], environ: Mapping[str, str], folder: Path, given: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        """One command, to its end."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps([list(arguments), given, dict(environ), str(folder)]) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        assert line, f"it ended with {arguments}"
        code, out, err = json.loads(line)
        return subprocess.CompletedProcess(list(arguments), code, out, err)

    def close(self) -> None:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        self._child.wait(LIMIT)
        self._child.stdout.close()


class QuickHome(Home):
    """A home whose commands run in that process."""

    def __init__(self, path: Path, verbs: Verbs) -> None:
        super().__init__(path)
        self._verbs = verbs

    def seawall(self, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return self._verbs.run(arguments, self.environ | more, self.path)
