"""`seawall explain --request`: a request's body, looked at before it is sent."""

import json
import sys
import time
from pathlib import Path
from typing import IO

import click

from seawall.cli.common import Common, ExitCode, Failure
from seawall.cli.look import look_of, printed
from seawall.view.heading import heading

_CHUNK = 1024 * 1024


def answer(common: Common, file: Path) -> int:
    """Prints what the API would refuse in the body that a file, or stdin as `-`, holds; sends nothing."""
    from seawall.causes.lint.check import LONGEST, check, too_long
    from seawall.view import request

    body, whole = _read(file, LONGEST)
    report = check(body, time.strftime("%Y-%m-%d", time.gmtime())) if whole else too_long(len(body))
    code = ExitCode.REQUEST if report.errors else ExitCode.OK
    if common.json:
        said = {**request.as_json(report), "exit_code": int(code)}
        click.echo(json.dumps(heading("seawall.request/1", time.time()) | said))
    else:
        printed(request.lines(report, look_of(common)))
    return code


def _read(file: Path, most: int) -> tuple[bytearray, bool]:
    """The body, one byte more than `most` at the longest, and whether that is all of it."""
    try:
        if str(file) == "-":
            if sys.stdin is None:
                raise Failure("there is no request on stdin", ExitCode.USAGE)
            if sys.stdin.isatty():
                click.echo("Paste the request's body, then press Ctrl-D.", err=True)
            return _bounded(sys.stdin.buffer, most)
        if file.is_dir():
            raise Failure(f"{file} is a folder, not a file", ExitCode.USAGE)
        with file.open("rb") as stream:
            return _bounded(stream, most)
    except (OSError, ValueError) as error:  # a NUL in a name is a ValueError
        why = getattr(error, "strerror", None) or error
        raise Failure(f"cannot read {file}: {why}", ExitCode.USAGE) from None


def _bounded(stream: IO[bytes], most: int) -> tuple[bytearray, bool]:
    body = bytearray()
    while len(body) <= most and (chunk := stream.read(_CHUNK)):
        body += chunk
    return body, len(body) <= most
