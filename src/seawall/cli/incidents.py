"""One incident: shown, explained, or noted; and all of them forgotten."""

import json
import sys
import time
from typing import TYPE_CHECKING

import click

from seawall.cli.common import Common, ExitCode, Failure, exit_code_of
from seawall.cli.look import look_of, printed
from seawall.cli.records import asked, open_records, place
from seawall.history.episodes import KEPT
from seawall.view.heading import heading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from seawall.history.episodes import Episode

TIMELINE = 50
"""Failures of an episode that are shown; `--json` has them too."""


def show(common: Common, wanted: str, now: float) -> int:
    """What is on record of one episode."""
    from seawall.causes.cause import lookup
    from seawall.history.notes import note_of
    from seawall.store import queries
    from seawall.view import history as shown
    from seawall.view import history_data as data

    with open_records(common) as connection:
        one = _found(connection, wanted, now)
        assert connection is not None
        span = (one.cause, one.route, one.opened_at, one.last_failure_at)
        rows = queries.attempts_of(connection, *span, TIMELINE)
        kinds = queries.kinds_of(connection, *span)
        calls = queries.calls_of(connection, *span)
        note = note_of(one, queries.notes_between(connection, one.opened_at, one.until, one.cause))
    if common.json:
        whole = {
            "episode": data.episode(one, note) | {"calls": calls},
            "evidence": [data.kind(kind) for kind in kinds],
            "attempts": [data.attempt(row) for row in rows],
        }
        click.echo(json.dumps(heading("seawall.episode/1", now) | whole))
    else:
        look = look_of(common)
        lines = shown.shown(one, rows, kinds, calls, lookup(one.cause).title, note, look)
        click.echo("\n".join(lines))
    return ExitCode.OK


def explained(common: Common, wanted: str) -> int | None:
    """What `explain ID` shows: the incident, and the page of its cause; None where no incident has this id."""
    from seawall.causes.cause import load, lookup
    from seawall.cli import catalogue
    from seawall.view import explanation
    from seawall.view import history_data as data

    found = asked(
        common,
        lambda records: [one for one in _known(records, time.time()) if one.id.startswith(wanted)],
    )
    if isinstance(found, Failure) or not found:
        return None  # records that cannot be read hold no incident; the text is explained
    if len(found) > 1:
        ids = ", ".join(one.id for one in found[:5])
        raise Failure(f"{len(found)} incidents begin with {wanted!r}: {ids}", ExitCode.USAGE)
    [one] = found
    code = lookup(one.cause).code
    cause, ends = load(code), exit_code_of(code)
    if common.json:
        from seawall.view import explanation_data

        whole = explanation_data.of_record(cause, data.episode(one), time.time(), ends)
        click.echo(json.dumps(whole))
        return ends
    look = look_of(common)
    page = explanation.page(
        cause, look, common.verbose, catalogue.own_history(common, code), catalogue.here()
    )
    printed([*explanation.row("Incident", [_said(one)], look), "", *page])
    return ends


def _said(one: "Episode") -> str:
    from seawall.clock import duration
    from seawall.history.episodes import End

    began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.opened_at))
    how = {
        End.RECOVERED: "then a call succeeded",
        End.OPEN: "and it goes on",
        End.UNSEEN: "its end was not seen",
    }
    families = ", ".join(one.families)
    counts = (
        f"{one.attempts} attempts of {one.calls} calls"
        if one.calls != 1
        else f"{one.attempts} attempts of 1 call"
    )
    on = f" for {families}" if families else ""
    return (
        f"{one.id}: from {began}, {duration(one.lasted)}, {how[one.end]}; {counts}{on} failed at {one.route}"
    )


def note(common: Common, wanted: str, text: str, now: float) -> int:
    """Keeps a person's words on an episode; none takes them away."""
    from seawall import redact
    from seawall.history.notes import note_of, row
    from seawall.store import notes, queries
    from seawall.view.layout import clean

    # A credential may be in what somebody pastes; nothing that a terminal would obey is kept.
    said = clean(redact.text(text), notes.LONGEST).strip()
    with open_records(common) as connection:
        one = _found(connection, wanted, now)
        assert connection is not None
        before = note_of(one, queries.notes_between(connection, one.opened_at, one.until, one.cause))
    path = place(common)
    try:
        if before is not None:
            notes.drop(path, before.key)
        if said:
            notes.keep(path, row(one, said, now))
    except Exception as error:
        raise Failure(f"the note was not kept: {_why(error, path)}") from None
    if said:
        answer = f"Noted for {one.id} ({one.cause}); it is shown the next time this cause comes up"
    else:
        answer = f"{one.id} has no note any more" if before is not None else f"{one.id} had no note"
    click.echo(
        json.dumps({"schema": "seawall.note/1", "id": one.id, "note": said or None})
        if common.json
        else answer
    )
    return ExitCode.OK


def forget(common: Common, yes: bool) -> int:
    """Deletes everything that is on record, after a question."""
    from seawall.history import usual
    from seawall.store import notes

    path = place(common)
    aside = sorted(path.parent.glob(f"{path.name}.damaged-*")) if path.parent.is_dir() else []
    if not path.exists() and not aside:
        none = {"schema": "seawall.forgotten/1", "attempts": 0}
        click.echo(json.dumps(none) if common.json else "Nothing is on record")
        return ExitCode.OK
    if not yes:
        if common.json or not sys.stdin.isatty():
            raise Failure("--forget asks first; with --yes it does not", ExitCode.USAGE)
        click.echo(f"All of {path} goes: attempts, counts, notes. It cannot be brought back.", err=True)
        if not click.confirm("Go ahead?", default=False, err=True):
            click.echo("Nothing was changed", err=True)
            return ExitCode.OK
    try:
        gone = notes.forget(path) if path.exists() else 0
        usual.forget(path)
        for copy in aside:
            copy.unlink(missing_ok=True)
    except Exception as error:
        raise Failure(f"not all was deleted: {_why(error, path)}") from None
    said = f"Forgotten: {gone} attempt{'' if gone == 1 else 's'}, and all counts and notes"
    click.echo(json.dumps({"schema": "seawall.forgotten/1", "attempts": gone}) if common.json else said)
    return ExitCode.OK


def _why(error: Exception, path: "Path") -> str:
    from seawall.store.trouble import Kind, trouble_of

    match trouble_of(error, path).kind:
        case Kind.LOCKED:
            return f"{path} is locked by another program (`lsof {path}` names it)"
        case Kind.FULL:
            return f"the disk of {path} is full"
        case Kind.UNWRITABLE:
            return f"{path} cannot be written; look at its permissions"
        case _:
            return f"{path}: {type(error).__name__}"


def pick(known: "Sequence[Episode]", wanted: str) -> "Episode":
    """The one episode whose id begins so; `Failure` for none or several."""
    text = wanted.strip().lower()
    found = [one for one in known if len(text) >= 2 and (one.id.startswith(text) or one.key.startswith(text))]
    if len(found) != 1:
        what = f"{len(found)} episodes begin with" if found else "no episode has the id"
        raise Failure(f"{what} {wanted[:40]!r}; `seawall history list` shows them", ExitCode.USAGE)
    return found[0]


def _found(connection: "Connection | None", wanted: str, now: float) -> "Episode":
    return pick(_known(connection, now), wanted)


def _known(connection: "Connection | None", now: float) -> "Sequence[Episode]":
    from seawall.history.past import begun

    return begun(connection, now - KEPT, now) if connection is not None else ()
