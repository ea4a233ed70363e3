"""Where a text to be explained comes from: an argument, a file, stdin, the clipboard, a person who pastes."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import click

from seawall.cli.common import Common, ExitCode, Failure

_CHUNK = 1024 * 1024


def pieces(given: str, file: Path | None, clipboard: bool, common: Common) -> Iterable[str]:
    """The text's pieces; `Failure` where it cannot be had."""
    if clipboard:
        from seawall.cli.clipboard import pasted

        return [pasted()]
    if given and given != "-":
        path = _path(given)
        return _read(path) if path else [given]
    if file is not None and str(file) != "-":
        return _read(file)
    if sys.stdin is None:
        raise Failure("there is no text to explain", ExitCode.USAGE)
    if given != "-" and file is None and sys.stdin.isatty():
        return [_asked(common)]
    return _decoded(sys.stdin.buffer)


def _path(given: str) -> Path | None:
    """The file that an argument names; None for a text. `Failure` for what can only be a path and is not there."""
    if len(given) > 1024 or "\n" in given or "\0" in given:
        return None
    path = Path(given).expanduser() if given.startswith("~/") else Path(given)
    try:
        if path.exists():
            return path
    except OSError:
        return None
    if not any(map(str.isspace, given)) and given.startswith(("/", "./", "../", "~/")) and "{" not in given:
        raise Failure(f"there is no file {given}", ExitCode.USAGE)
    return None


def _read(path: Path) -> Iterator[str]:
    try:
        if path.is_dir():
            raise Failure(f"{path} is a folder, not a file", ExitCode.USAGE)
        with path.open("rb") as stream:
            yield from _decoded(stream)
    except (OSError, ValueError) as error:  # a NUL in a name is a ValueError
        raise Failure(
            f"cannot read {path}: {getattr(error, 'strerror', None) or error}", ExitCode.USAGE
        ) from None


def _decoded(stream: IO[bytes]) -> Iterator[str]:
    """The stream's text, a megabyte at a time; bytes that are no text become a sign that stands for them."""
    import codecs

    first = stream.read(_CHUNK)
    wide = first[:2] in (b"\xff\xfe", b"\xfe\xff")
    decoder = codecs.getincrementaldecoder("utf-16" if wide else "utf-8")("replace")
    chunk = first
    while chunk:
        yield decoder.decode(chunk)
        chunk = stream.read(_CHUNK)
    yield decoder.decode(b"", True)


def whole(parts: Iterable[str]) -> str:
    """The whole text if it is short, else the lines of it that may matter."""
    from itertools import chain

    from seawall.causes.extract import MOST

    held: list[str] = []
    rest = iter(parts)
    for piece in rest:
        held.append(piece)
        if sum(map(len, held)) > MOST:
            from seawall.causes.condense import condensed

            # Something was there, even if no line of it matters.
            return condensed(chain(held, rest)) or held[0][:MOST].strip() or "."
    return "".join(held)


def _asked(common: Common) -> str:
    """What a person pastes, up to an empty line or the end of input."""
    if not common.quiet:
        click.echo("Paste the error, then press Enter on an empty line.", err=True)
    lines: list[str] = []
    size = 0
    while size < _CHUNK:
        print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line.strip():
            break
        lines.append(line)
        size += len(line)
    return "".join(lines)
