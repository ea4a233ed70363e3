"""`seawall explain 7f3a`: an incident on record, and the page of its cause."""

import json
import time
from typing import TYPE_CHECKING

import click

from seawall.cli import catalogue
from seawall.cli.common import Common, ExitCode, Failure, exit_code_of
from seawall.cli.records import open_records

if TYPE_CHECKING:
    from seawall.history.episodes import Episode

KEPT = 400 * 86400.0
"""Seconds that records go back at most."""


def incident(common: Common, wanted: str) -> int | None:
    """Prints the incident with this id and its cause's page; None where no incident has it."""
    from seawall.causes.cause import load, lookup

    now = time.time()
    found = _found(common, wanted, now)
    if not found:
        return None
    if len(found) > 1:
        ids = ", ".join(one.id for one in found[:5])
        raise Failure(f"{len(found)} incidents begin with {wanted!r}: {ids}", ExitCode.USAGE)
    [one] = found
    code = lookup(one.cause).code
    cause, ends = load(code), exit_code_of(code)
    if common.json:
        from seawall.view import history_data

        verdict = {"cause": code, "party": cause.party, "title": cause.title, "retry": cause.retry}
        seen = history_data.episode(one)
        click.echo(
            json.dumps(
                {"schema": "seawall.verdict/1", "verdict": verdict, "seen": seen, "exit_code": int(ends)}
            )
        )
        return ends
    from seawall.view import explanation

    look = catalogue.look_of(common)
    page = explanation.page(
        cause, look, common.verbose, catalogue.own_history(common, code), catalogue.here()
    )
    catalogue.printed([*explanation.row("Incident", [_said(one)], look), "", *page])
    return ends


def _found(common: Common, wanted: str, now: float) -> "list[Episode]":
    from seawall.history.past import past

    try:
        with open_records(common) as connection:
            if connection is None:
                return []
            return [one for one in past(connection, now - KEPT, now).episodes if one.id.startswith(wanted)]
    except Failure:
        return []  # records that cannot be read hold no incident; the text is explained


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
