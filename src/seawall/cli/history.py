"""`seawall history`: what failed, when, how long it lasted and what was lost, from the records of this machine."""

import gc
import json
import os
import re
import time
from datetime import datetime
from typing import TYPE_CHECKING

import click

from seawall import __version__
from seawall.cli.common import Common, ExitCode, Failure, common_options
from seawall.cli.records import open_records

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from seawall.history.report import Report

DAY = 86400.0
KEPT = 400 * DAY
"""Nothing older is on record."""
TIMELINE = 50
"""Failures of an episode that are shown; `--json` has them too."""
SKEW = 60.0
"""Seconds that a record may lie in the future before a clock is thought to have been wrong."""
VIEWS = ("list", "show", "hours", "causes", "models")


@click.command()
@click.argument("view", required=False, type=click.Choice(VIEWS), metavar="[VIEW]")
@click.argument("episode", required=False, metavar="[ID]")
@click.option("--since", metavar="SPAN|DATE", help="How far back: 30d, 12h, 2026-11-01. Default: 30d.")
@click.option("--cause", metavar="CODE", help="Only this cause.")
@click.option("--model", metavar="FAMILY", help="Only this model family: opus, sonnet, ...")
@click.option("--compare", metavar="SPAN", help="The last 7d, say, beside the 7d before them.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated: the episodes, or the view's rows.")
@common_options
def history(
    view: str | None,
    episode: str | None,
    since: str | None,
    cause: str | None,
    model: str | None,
    compare: str | None,
    as_csv: bool,
    common: Common,
) -> int:
    """What failed, when, how long it lasted, and what was lost.

    VIEW is one part of it: `list` (the episodes), `show ID` (one of them), `hours`, `causes`, `models`.
    """
    gc.disable()  # it would walk through hundreds of thousands of rows, and find nothing, in a command that ends
    now = time.time()
    _check(view, episode, since, cause, compare, as_csv, common)
    if view == "show":
        return _show(common, episode or "", now)
    if compare is not None:
        return _compare(common, _span(compare, "--compare"), compare.strip(), cause, model, now)
    begin, said = _begin(since, now)
    with open_records(common) as connection:
        if connection is None:
            return _nothing(common, now)
        report = _report(connection, begin, now, cause, model)
    return _printed(common, report, view, as_csv, f"{said}{_narrowed(cause, model)}", now)


def _printed(common: Common, report: "Report", view: str | None, as_csv: bool, said: str, now: float) -> int:
    from seawall.view import history_data as data

    if as_csv:
        click.echo(data.rows(report, view), nl=False)
    elif common.json:
        click.echo(json.dumps(_object("seawall.history/1", now) | data.report(report)))
    elif report.empty:
        click.echo(f"Nothing is on record: {said[:1].lower()}{said[1:]}.")
    else:
        from seawall.cli import gateways
        from seawall.history import report as report_of
        from seawall.view import history as shown

        look = gateways.look(common, os.environ)
        match view:
            case "list":
                lines = shown.listing(report.episodes, look)
            case "hours":
                lines = shown.hours(report.hours, look)
            case "causes":
                lines = shown.cause_table(report_of.causes(report.episodes), look)
            case "models":
                lines = shown.models(report, look)
            case _:
                lines = shown.whole(report, look, said)
        click.echo("\n".join(lines))
    return ExitCode.OK


def _check(
    view: str | None,
    episode: str | None,
    since: str | None,
    cause: str | None,
    compare: str | None,
    as_csv: bool,
    common: Common,
) -> None:
    """Raises `Failure` for options that do not go together."""
    wrong = ""
    if (view == "show") != (episode is not None):
        wrong = "`history show` takes the id of an episode, as `history list` shows it; no other view does"
    elif compare is not None and (since is not None or view is not None or as_csv):
        wrong = "--compare takes neither a view nor --since nor --csv: it says both spans itself"
    elif as_csv and (common.json or view == "show"):
        wrong = "--csv is another form than --json, and of `history show` there is none"
    elif cause is not None and not re.fullmatch(r"[a-z]+\.[a-z0-9_]+", cause):
        wrong = f"{cause[:60]!r} is no cause's code; `seawall explain --list` has them"
    if wrong:
        raise Failure(wrong, ExitCode.USAGE)


def _begin(since: str | None, now: float) -> tuple[float, str]:
    """When the span begins, and how it is called."""
    if since is None:
        return now - 30 * DAY, "Last 30 days"
    text = since.strip()
    try:
        day = datetime.strptime(text, "%Y-%m-%d")
        begin = day.timestamp()
    except (ValueError, OverflowError, OSError):
        return now - _span(text, "--since"), f"Last {text}"
    if begin > now:
        raise Failure(f"--since {text} has not come yet", ExitCode.USAGE)
    return max(begin, now - KEPT), f"Since {text}"


def _span(text: str, option: str) -> float:
    from seawall.settings import seconds

    try:
        length = seconds(text)
    except ValueError:
        length = 0.0
    if not 0 < length < float("inf"):
        raise Failure(f"{option} {text[:40]!r} is no span of time; 7d, 12h or 90m is", ExitCode.USAGE)
    return min(length, KEPT)


def _narrowed(cause: str | None, model: str | None) -> str:
    return "".join(f", only {one}" for one in (cause, model) if one)


def _report(
    connection: "Connection", begin: float, now: float, cause: str | None, model: str | None
) -> "Report":
    """What is on record of the span."""
    from seawall.history.outlook import outlook
    from seawall.history.past import past
    from seawall.history.rates import hours
    from seawall.history.report import Report, waited
    from seawall.store import queries

    recorded = past(connection, begin, now, cause)
    found, recoveries = list(recorded.episodes), list(recorded.recoveries)
    if model is not None:
        found = [one for one in found if model in one.families]
        recoveries = [one for one in recoveries if one.family == model]
    held, seconds = waited(recoveries, begin)
    counts = queries.hours_between(connection, begin, now, cause, model)
    going_on = [one for one in found if one.end == "open"]
    earlier = {
        code: past(connection, now - 90 * DAY, now, code).episodes for code in {one.cause for one in going_on}
    }
    return Report(
        since=begin,
        until=now,
        counts=counts,
        hours=hours(counts),
        episodes=found,
        models=[
            one
            for one in queries.models_between(connection, begin, now, cause)
            if model in (None, one.family)
        ],
        held=held,
        waited=seconds,
        outlooks=[(one, outlook(one, earlier[one.cause])) for one in going_on],
        future=queries.attempts_after(connection, now + SKEW),
    )


def _show(common: Common, wanted: str, now: float) -> int:
    from seawall.causes.cause import lookup
    from seawall.cli import gateways
    from seawall.history.past import past
    from seawall.store import queries
    from seawall.view import history as shown
    from seawall.view import history_data as data

    with open_records(common) as connection:
        known = past(connection, now - KEPT, now).episodes if connection is not None else []
        found = [one for one in known if len(wanted) >= 2 and one.id.startswith(wanted.lower())]
        if len(found) != 1:
            what = f"{len(found)} episodes begin with" if found else "no episode has the id"
            raise Failure(f"{what} {wanted[:40]!r}; `seawall history list` shows them", ExitCode.USAGE)
        [one] = found
        assert connection is not None
        span = (one.cause, one.route, one.opened_at, one.last_failure_at)
        rows = queries.attempts_of(connection, *span, TIMELINE)
        calls = queries.calls_of(connection, *span)
    if common.json:
        timeline = [data.attempt(row) for row in rows]
        whole = {"episode": data.episode(one) | {"calls": calls}, "attempts": timeline}
        click.echo(json.dumps(_object("seawall.episode/1", now) | whole))
    else:
        look = gateways.look(common, os.environ)
        click.echo("\n".join(shown.shown(one, rows, calls, lookup(one.cause).title, look)))
    return ExitCode.OK


def _compare(
    common: Common, length: float, said: str, cause: str | None, model: str | None, now: float
) -> int:
    from seawall.cli import gateways
    from seawall.history.past import past
    from seawall.history.report import compared, span
    from seawall.store import queries
    from seawall.view import history as shown
    from seawall.view import history_data as data

    middle = now - length
    begin = middle - length
    with open_records(common) as connection:
        if connection is None:
            return _nothing(common, now)
        counts = queries.hours_between(connection, begin, now, cause, model)
        found = list(past(connection, begin, now, cause).episodes)
    if model is not None:
        found = [one for one in found if model in one.families]
    result = compared(span(begin, middle, counts, found), span(middle, now, counts, found))
    if common.json:
        click.echo(json.dumps(_object("seawall.comparison/1", now) | data.comparison(result)))
    else:
        click.echo("\n".join(shown.comparison(result, gateways.look(common, os.environ), f"last {said}")))
    return ExitCode.OK


def _nothing(common: Common, now: float) -> int:
    """There is no store: nothing has failed behind a gateway of this user."""
    if common.json:
        click.echo(json.dumps(_object("seawall.history/1", now) | {"attempts": 0, "episodes": []}))
    else:
        common.say(
            "nothing is on record yet: `seawall run -- claude` keeps records from its first failure on"
        )
    return ExitCode.OK


def _object(schema: str, now: float) -> dict[str, object]:
    from seawall.view.history_data import utc

    return {"schema": schema, "generated_at": utc(now), "seawall_version": __version__}
