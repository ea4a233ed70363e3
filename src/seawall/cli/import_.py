"""`seawall import`: failures that were written down before Seawall was there, from transcripts and logs."""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seawall.cli import times
from seawall.cli.common import Common, ExitCode, Failure, common_options, home, load_settings
from seawall.cli.look import columns, look_of
from seawall.clock import utc
from seawall.view.heading import heading

if TYPE_CHECKING:
    from sqlite3 import Connection

    from seawall.claude_code.intake import Sum
    from seawall.claude_code.transcripts import Found
    from seawall.config import Store

BUSY = 2.0
"""Seconds that it waits for another program's lock on the store."""
REDRAWN = 0.1
"""Seconds between two looks at how far it is."""
KEPT_DAYS = "Claude Code deletes its transcripts after 30 days; what was imported stays."


@click.command("import")
@click.argument("file", nargs=-1, type=click.Path(path_type=Path, readable=False), metavar="[FILE]...")
@click.option("--since", metavar="SPAN|DATE", help="Only failures since then: 7d, 12h, 2026-11-01.")
@click.option("--dry-run", is_flag=True, help="Say what would be imported, and keep nothing.")
@common_options
def import_(common: Common, file: tuple[Path, ...], since: str | None, dry_run: bool) -> int:
    """Read failures out of Claude Code's transcripts, or out of FILEs: transcripts, logs, folders of them; - is stdin.

    Each file is read once, and then only what was added. Prompts, answers and names of files are not kept.
    """
    from seawall.claude_code.intake import Intake

    begun, now = time.monotonic(), time.time()
    begin = None if since is None else times.begin(since, now)
    settings = load_settings(common, {}, os.environ).config
    left_out: Counter[str] = Counter()
    found = list(_named(file, left_out) if file else _usual(common, left_out))
    with opened_store(settings.store, common, dry_run) as connection:
        intake = Intake(
            connection,
            now,
            kept=not dry_run,
            since=begin,
            logs=bool(file),
            route=host(settings.gateway.upstream),
        )
        intake.sum.left_out += left_out
        interrupted = False
        with _progress(common, len(found)) as shown:
            try:
                intake.take(found, shown)
            except KeyboardInterrupt:
                interrupted = True
    took = time.monotonic() - begun
    if common.json:
        click.echo(json.dumps(_object(intake.sum, took, dry_run, interrupted, begin)))
    else:
        click.echo("\n".join(_wrapped(_lines(intake.sum, took, dry_run, not file, common.quiet), common)))
        if interrupted:
            common.say("interrupted; what was read until now is kept, and the next import goes on from there")
    if interrupted:
        return ExitCode.INTERRUPTED
    known = intake.sum.read + intake.sum.unchanged + intake.sum.left_out["older"]
    return ExitCode.SEAWALL if file and not known else ExitCode.OK


def host(upstream: str) -> str:
    """The host that this machine's calls go to."""
    from seawall.config import ConfigError, upstream_address

    try:
        return str(upstream_address(upstream)[0].host)
    except ConfigError:
        from seawall.claude_code.transcripts import HOST

        return HOST


def _usual(common: Common, left_out: Counter[str]) -> "Iterator[Found]":
    """Claude Code's own transcripts."""
    from seawall.claude_code import transcripts

    places = transcripts.folders(os.environ, home(os.environ))
    if not places:
        common.say("Claude Code keeps no transcripts here (CLAUDE_CONFIG_DIR would say where else)")
    return transcripts.find(places, lambda why: left_out.update([why]))


def _named(files: tuple[Path, ...], left_out: Counter[str]) -> "Iterator[Found]":
    """The files that were named, and those in folders that were. `Failure` for one that is not there."""
    import stat

    from seawall.claude_code.streams import STDIN
    from seawall.claude_code.transcripts import Found, NotAFile, find, reason

    for path in dict.fromkeys(files):
        try:
            if str(path) == STDIN:
                yield Found(STDIN, os.fstat(0))
                continue
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError, ValueError):
            raise Failure(f"there is no file {path}", ExitCode.USAGE) from None
        except OSError as error:
            left_out[reason(error)] += 1
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from find([path], lambda why: left_out.update([why]), (".jsonl", ".log", ".txt", ".gz"))
        elif stat.S_ISREG(status.st_mode):
            yield Found(os.path.realpath(path), status)
        else:
            left_out[reason(NotAFile())] += 1


@contextmanager
def opened_store(store: "Store", common: Common, dry_run: bool) -> "Iterator[Connection | None]":
    """The store, open to be written; with `--dry-run` only to be read, and None where there is none.

    `Failure` in one line for whatever keeps it shut, or ends the writing.
    """
    import sqlite3

    from seawall.store.place import here, store_path
    from seawall.store.sqlite import open_store
    from seawall.store.trouble import Unusable, trouble_of

    path = None
    try:
        path = store_path(store, here())
        if dry_run:
            connection = _readable(path)
        else:
            opened = open_store(path, BUSY)
            connection = opened.connection
            if opened.moved is not None:
                common.say(f"a damaged store was moved to {opened.moved}, and a new one was begun")
        try:
            yield connection
        finally:
            if connection is not None:
                connection.close()
    except (Unusable, sqlite3.Error, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        what = trouble_of(error, path).reason.replace("Records wait in memory", "Nothing more was imported")
        raise Failure(what) from None


def _readable(path: Path) -> "Connection | None":
    import sqlite3

    from seawall.store.version import HEAD

    if not path.exists():
        return None
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=BUSY)
    try:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        found = None
    if found == (HEAD,):
        return connection
    connection.close()  # of another version: what is on record cannot be compared
    return None


class _Shown:
    """One line on the terminal that changes and is erased."""

    def __init__(self, files: int) -> None:
        self._files, self._begun, self._next = files, time.monotonic(), 0.0

    def __call__(self, so_far: "Sum") -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + REDRAWN
        speed = so_far.scanned / max(now - self._begun, 0.001)
        done = so_far.unchanged + so_far.read + so_far.left_out.total()
        line = f"{done} of {self._files} files, {_bytes(so_far.scanned)} of {_bytes(so_far.size)}"
        rest = f", {_bytes(speed)}/s, {so_far.failures} new failures"
        width = columns(sys.stderr)
        print(
            f"\r\x1b[K{(line + rest if len(line + rest) < width else line)[: width - 1]}",
            end="",
            file=sys.stderr,
        )
        sys.stderr.flush()


@contextmanager
def _progress(common: Common, files: int) -> "Iterator[Callable[[Sum], None]]":
    drawn = not (common.quiet or common.plain) and os.environ.get("TERM") != "dumb" and sys.stderr.isatty()
    if not drawn:
        yield lambda _: None
        return
    try:
        yield _Shown(files)
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _bytes(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _many(number: int, one: str, more: str = "") -> str:
    shown = f"{number:,}".replace(",", " ")  # a thin gap, as in all of Seawall's tables
    return f"{shown} {one if number == 1 else more or one + 's'}"


def _lines(found: "Sum", took: float, dry_run: bool, usual: bool, quiet: bool) -> list[str]:
    """What was imported, for a person."""
    from seawall.store.imported import Fate

    new = _many(found.failures, "new failure")
    if found.recovered:
        new += f" and {_many(found.recovered, 'call')} that got through after failures"
    if not found.read:
        known = (
            f": {_many(found.unchanged, 'file')} unchanged since the last import" if found.unchanged else ""
        )
        lines = [f"Nothing to read{known}."]
    else:
        lines = [
            f"{'Would import' if dry_run else 'Imported'} {new}, from {_many(found.read, 'file')}"
            f" ({_bytes(found.scanned)} in {took:.1f} s)."
        ]
    lines += [f"  {count:>6}  {cause}" for cause, count in found.causes.most_common()]
    if again := found.fates[Fate.AGAIN]:
        lines.append(f"Read before: {again}.")
    if seen := found.fates[Fate.SEEN]:
        lines.append(f"On record already, seen by the gateway, a hook or another file: {seen}.")
    if found.read and found.unchanged:
        lines.append(f"Unchanged since the last import: {_many(found.unchanged, 'file')}.")
    counted = {**found.odd, **found.left_out}
    odd = [f"{what} ({count})" for what, count in sorted(counted.items()) if what != "older"]
    if odd:
        lines.append(f"Left out: {', '.join(odd)}.")
    if found.older or found.left_out["older"]:
        lines.append("Older ones were left out; `seawall import` without --since reads them.")
    if usual and not quiet:
        lines.append(KEPT_DAYS)
    return lines


def _wrapped(lines: list[str], common: Common) -> list[str]:
    """No line wider than the terminal, or than 80 columns; with `--plain` as they are."""
    import textwrap

    width = look_of(common).width
    if width is None:
        return lines
    return [part for line in lines for part in textwrap.wrap(line, width, subsequent_indent="  ")]


def _object(
    found: "Sum", took: float, dry_run: bool, interrupted: bool, since: float | None
) -> dict[str, object]:
    from seawall.store.imported import Fate

    return heading("seawall.import/1", time.time()) | {
        "dry_run": dry_run,
        "interrupted": interrupted,
        "since": None if since is None else utc(since),
        "files": {
            "found": found.files,
            "read": found.read,
            "unchanged": found.unchanged,
            "left_out": dict(sorted(found.left_out.items())),
        },
        "bytes": found.scanned,
        "seconds": round(took, 3),
        "new": found.failures,
        "recovered": found.recovered,
        "read_before": found.fates[Fate.AGAIN],
        "seen_elsewhere": found.fates[Fate.SEEN],
        "older": found.older,
        "causes": dict(found.causes.most_common()),
        "lines_left_out": dict(sorted(found.odd.items())),
    }
