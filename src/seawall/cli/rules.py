"""`seawall rules`: a block for CLAUDE.md about retries and outages; put into a file, or taken out, only if asked."""

import contextlib
import json
import os
import sys
import time
from pathlib import Path

import click

from seawall.cli.common import Common, ExitCode, Failure, common_options
from seawall.view.heading import heading

_LARGEST = 10 * 1024 * 1024
"""Bytes of a file that is changed; instructions of a project are a few thousand."""
_HERE = "CLAUDE.md"


@click.command()
@click.option(
    "--write", is_flag=False, flag_value=_HERE, metavar="[PATH]", help="Put it into this file (CLAUDE.md)."
)
@click.option(
    "--remove", is_flag=False, flag_value=_HERE, metavar="[PATH]", help="Take it out of this file again."
)
@click.option(
    "--for", "audience", type=click.Choice(["sdk", "claude-code", "both"]), default="sdk", help="For whom."
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@common_options
def rules(
    common: Common, write: str | None, remove: str | None, audience: str, dry_run: bool, yes: bool
) -> int:
    """Print a block for CLAUDE.md about retries and outages; put it into a file, or take it out, if asked."""
    from seawall.view import snippet

    if write is not None and remove is not None:
        raise Failure("give one of --write, --remove", ExitCode.USAGE)
    named = write if write is not None else remove
    if named is None:
        block = snippet.block(audience)
        said = heading("seawall.rules/1", time.time()) | {"for": audience, "block": block}
        click.echo(json.dumps(said) if common.json else block, nl=common.json)
        return ExitCode.OK
    path = Path(named).expanduser()
    old = _read(path)
    text = old or b""
    new = snippet.removed(text) if remove is not None else snippet.written(text, audience)
    if isinstance(new, snippet.Unusable):
        raise Failure(f"{path} is left as it is: {new.reason}", ExitCode.USAGE)
    return _changed(common, path, old, new, dry_run, yes)


def _changed(common: Common, path: Path, old: bytes | None, new: bytes, dry_run: bool, yes: bool) -> int:
    """Shows what changes, asks where somebody can answer, writes; says how to undo it."""
    changes = new != (old or b"")
    diff = _diff(path, old or b"", new)
    backup = None
    if not common.json:
        click.echo(diff if changes else f"{path}: nothing to change", nl=not changes)
    if changes and not dry_run:
        asks = not (yes or common.json) and sys.stdin is not None and sys.stdin.isatty()
        if asks and not click.confirm("Go ahead?", default=False, err=True):
            raise Failure(f"{path} is left as it is")
        backup = _write(path, old, new)
        if not common.json:
            common.say(f"wrote {path}" + (f"; as it was: {backup}" if backup else ""))
    if common.json:
        kept = str(backup) if backup else None
        said = heading("seawall.rules/1", time.time()) | {
            "path": str(path),
            "changed": changes and not dry_run,
            "diff": diff,
        }
        click.echo(json.dumps(said | {"backup": kept}))
    return ExitCode.OK


def _read(path: Path) -> bytes | None:
    """The file's bytes; None where there is none yet."""
    try:
        with path.open("rb") as stream:
            text = stream.read(_LARGEST + 1)
    except FileNotFoundError:
        if path.parent.is_dir() and not path.is_symlink():
            return None
        raise Failure(f"there is no folder {path.parent}", ExitCode.USAGE) from None
    except (OSError, ValueError) as error:
        raise Failure(
            f"cannot read {path}: {getattr(error, 'strerror', None) or error}", ExitCode.USAGE
        ) from None
    if len(text) > _LARGEST:
        raise Failure(f"{path} is left as it is: it has over {_LARGEST >> 20} MB", ExitCode.USAGE)
    return text


def _diff(path: Path, old: bytes, new: bytes) -> str:
    """What changes, as a patch shows it; signs that a terminal would obey as `?`."""
    import difflib

    now, then = (text.decode("utf-8", "replace").splitlines() for text in (old, new))
    made = difflib.unified_diff(now, then, f"{path} (now)", f"{path} (then)", lineterm="", n=2)
    shown = ("".join(char if char.isprintable() or char == "\t" else "?" for char in line) for line in made)
    # A last line without its end looks the same with one.
    return "".join(f"{line}\n" for line in shown) or "only line ends change\n"


def _write(path: Path, old: bytes | None, new: bytes) -> Path | None:
    """Replaces the file at once, so that nobody ever sees half of it; returns where its former text is kept."""
    import tempfile

    target = Path(os.path.realpath(path))  # a link stays a link
    made: str | None = None
    try:
        if not os.access(target if old is not None else target.parent, os.W_OK):
            raise PermissionError(13, "it may not be written")
        backup = _backup(target, old) if old else None
        handle, made = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(new)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(made, target.stat().st_mode & 0o7777 if old is not None else 0o644 & ~_umask())
        if _read(path) != old:
            raise Failure(f"{path} is left as it is: somebody changed it meanwhile; try again")
        os.replace(made, target)
        made = None
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror or error}; it is left as it is") from None
    finally:
        if made is not None:
            with contextlib.suppress(OSError):
                os.unlink(made)
    return backup


def _umask() -> int:
    now = os.umask(0o022)
    os.umask(now)
    return now


def _backup(target: Path, old: bytes) -> Path:
    """A copy beside the file, with the time in its name; one that is there already is never written over."""
    # Not one long word: what looks like a key is masked when the name is said.
    stamp = time.strftime("%Y-%m-%d-%H%M%S", time.gmtime())
    for number in range(100):
        kept = target.with_name(f"{target.name}.seawall-{stamp}" + (f"-{number}" if number else ""))
        try:
            handle = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, target.stat().st_mode & 0o777)
        except FileExistsError:
            continue
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(old)
        except OSError:
            kept.unlink(missing_ok=True)
            raise
        return kept
    raise FileExistsError(17, f"there are a hundred copies of {stamp} beside it")
