"""`seawall history`: what failed, when, how long it lasted and what was lost, from the records of this machine."""

import gc
import json
import os
import re
import sys
import time
from dataclasses import replace
from datetime import tzinfo
from typing import TYPE_CHECKING

import click

from seawall.cli import incidents, times
from seawall.cli.common import Common, ExitCode, Failure, common_options, home, load_settings
from seawall.cli.look import look_of
from seawall.cli.records import open_records, place
from seawall.history.episodes import KEPT
from seawall.history.ids import begins_one, is_id
from seawall.view.heading import heading

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from seawall.history.episodes import Episode
    from seawall.history.report import Report
    from seawall.store.bursts import HourCount
    from seawall.store.latency import HourLatency

DAY = 86400.0
SKEW = 60.0
"""Seconds that a record may lie in the future before a clock is thought to have been wrong."""
MOST_COMPARED = KEPT / 2
"""Seconds of a span that is compared with the one before it."""
VIEWS = ("list", "show", "note", "hours", "causes", "models")


@click.command()
@click.argument("view", required=False, type=click.Choice(VIEWS), metavar="[VIEW]")
@click.argument("episode", required=False, metavar="[ID]")
@click.argument("text", required=False, metavar="[TEXT]")
@click.option("--since", metavar="SPAN|DATE", help="How far back: 30d, 12h, 2026-11-01. Default: 30d.")
@click.option("--cause", metavar="CODE", help="Only this cause.")
@click.option(
    "--model", metavar="FAMILY", help="Only this model family: opus, sonnet, ..., or a model of it."
)
@click.option(
    "--compare",
    metavar="SPAN|ID",
    help="The last 7d, say, beside the 7d before; or since the note on an episode.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated: the episodes, or the view's rows.")
@click.option("--forget", is_flag=True, help="Delete all that is on record. Asks first.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@common_options
def history(
    view: str | None,
    episode: str | None,
    text: str | None,
    since: str | None,
    cause: str | None,
    model: str | None,
    compare: str | None,
    as_csv: bool,
    forget: bool,
    yes: bool,
    common: Common,
) -> int:
    """What failed, when, how long it lasted, and what was lost.

    VIEW is one part of it: `list` (the episodes), `show ID` (one of them), `hours`, `causes`, `models`; or
    `note ID TEXT`, which keeps what helped for the next time.
    """
    gc.disable()  # it would walk through hundreds of thousands of rows, and find nothing, in a command that ends
    now = time.time()
    narrowed = any((since, cause, model, compare, as_csv))
    _check(view, episode, text, since, cause, compare, as_csv, common)
    if (yes and not forget) or (forget and (view or narrowed)):
        raise Failure("--forget deletes everything: it takes --yes and nothing else", ExitCode.USAGE)
    if forget:
        return incidents.forget(common, yes)
    if view == "note":
        return incidents.note(common, episode or "", text or "", now)
    if view == "show":
        return incidents.show(common, episode or "", now)
    if model is not None:
        from seawall.wire.request import family

        model = family(model.lower()) or model
    cause, unknown = _meant(cause)
    if compare is not None:
        return _compare(common, compare.strip(), cause, model, now)
    zone, zone_name = _zone(common, now)
    begin, said = _begin(since, now, zone)
    with open_records(common) as connection:
        if connection is None and not as_csv:
            return _nothing(common, now)
        report = _report(connection, begin, now, cause, model, zone) if connection else _empty(begin, now)
    if unknown and not report.episodes:
        common.say(unknown)
    said = f"{said}{_narrowed(cause, model)}"
    code = _printed(common, report, view, as_csv, said, zone_name, now)
    sys.stdout.flush()
    _keep_usual(common, now)
    return code


def _printed(
    common: Common, report: "Report", view: str | None, as_csv: bool, said: str, zone: str, now: float
) -> int:
    from seawall.view import history_data as data

    if as_csv:
        click.echo(data.rows(report, view), nl=False)
    elif common.json:
        click.echo(json.dumps(heading("seawall.history/1", now) | data.report(report)))
    elif report.empty:
        click.echo(f"Nothing is on record: {said[:1].lower()}{said[1:]}{_counted_by_hour(report)}.")
        _offer(common)
    else:
        from seawall.history import report as report_of
        from seawall.view import history as shown

        look = look_of(common)
        match view:
            case "list":
                lines = shown.listing(report.episodes, look)
            case "hours":
                lines = [*shown.hours(report.hours, look), *shown.begins(report.delays.total, look)]
            case "causes":
                lines = shown.cause_table(report_of.causes(report.episodes), look)
            case "models":
                lines = shown.models(report, look)
            case _:
                lines = shown.whole(report, look, said, zone)
        click.echo("\n".join(lines))
    return ExitCode.OK


def _counted_by_hour(report: "Report") -> str:
    """What to ask for where the span is shorter than an hour: calls are counted by the whole hour."""
    return "; calls are counted by the hour: --since 1h" if report.until - report.since < 3600 else ""


def _check(
    view: str | None,
    episode: str | None,
    text: str | None,
    since: str | None,
    cause: str | None,
    compare: str | None,
    as_csv: bool,
    common: Common,
) -> None:
    """Raises `Failure` for options that do not go together."""
    wrong = ""
    if (view in ("show", "note")) != (episode is not None):
        wrong = "`history show` and `note` take the id of an episode, as `history list` shows it; no other view does"
    elif (view == "note") != (text is not None):
        wrong = '`history note 7f3a "what helped"` takes a text in quotes; no other view does'
    elif compare is not None and (since is not None or view is not None or as_csv):
        wrong = "--compare takes neither a view nor --since nor --csv: it says both spans itself"
    elif as_csv and (common.json or view in ("show", "note")):
        wrong = "--csv is another form than --json, and of `show` and `note` there is none"
    elif cause is not None and not re.fullmatch(r"[a-z]+\.[a-z0-9_]+", cause):
        wrong = f"{cause[:60]!r} is no cause's code; `seawall explain --list` has them"
    if wrong:
        raise Failure(wrong, ExitCode.USAGE)


def _meant(cause: str | None) -> tuple[str | None, str]:
    """The code that is meant, and what is to be said of one that is in no catalogue; records may still have it."""
    from seawall.cli.catalogue import code_of

    if cause is None:
        return None, ""
    try:
        return code_of(cause) or cause, ""
    except Failure as unknown:
        return cause, str(unknown)


def _begin(since: str | None, now: float, zone: tzinfo | None) -> tuple[float, str]:
    """When the span begins, and how it is called."""
    if since is None:
        return now - 30 * DAY, "Last 30 days"
    text = since.strip()
    begin, earliest = times.begin(text, now, zone), now - KEPT
    if begin < earliest:
        return earliest, f"Last {KEPT / DAY:.0f} days, the most that is kept"
    called = "Since" if re.fullmatch(r"\d+-\d+-\d+", text) else "Last"
    return begin, f"{called} {text}"


def _is_span(text: str) -> bool:
    """Whether this is a length with its unit: `7d` is, and `7f3a` and `1234` are ids."""
    from seawall.settings import seconds

    try:
        seconds(text)
    except ValueError:
        return False
    return not re.fullmatch(r"[\d.e+-]*", text)


def _is_id(connection: "Connection", text: str, now: float) -> bool:
    """Whether a length, such as `123d`, is the id of an episode as well: then that is meant."""
    from seawall.history.past import begun

    if not is_id(text):
        return False
    return any(one.id == text for one in begun(connection, now - KEPT, now))


def _narrowed(cause: str | None, model: str | None) -> str:
    return "".join(f", only {one}" for one in (cause, model) if one)


def _zone(common: Common, now: float) -> tuple[tzinfo | None, str]:
    """The zone whose clock counts (None: as recorded), and how it is called."""
    name = load_settings(common, {}, os.environ).config.history.timezone
    if (found := times.set_zone(name, common)) is not None:
        return found, name
    return None, f"local time ({times.utc_name(time.localtime(now).tm_gmtoff)})"


def _report(
    connection: "Connection",
    begin: float,
    now: float,
    cause: str | None,
    model: str | None,
    zone: tzinfo | None,
) -> "Report":
    """What is on record of the span."""
    from seawall.history.latency import delays
    from seawall.history.outlook import DAYS, outlook
    from seawall.history.past import begun
    from seawall.history.rates import hours
    from seawall.history.report import Report
    from seawall.store import queries

    found = begun(connection, begin, now, cause)
    if model is not None:
        found = [one for one in found if model in one.families]
    held, seconds = queries.held_between(connection, begin, now, model, cause)
    counts = queries.hours_between(connection, begin, now, cause, model)
    latencies = queries.latencies_between(connection, begin, now, model)
    if zone is not None:
        found, counts, latencies = _in_zone(found, counts, latencies, zone)
    going_on = [one for one in found if one.end == "open"]
    earlier = {
        code: begun(connection, now - DAYS * DAY, now, code) for code in {one.cause for one in going_on}
    }
    said = ((one, queries.last_note(connection, one.cause, one.opened_at)) for one in going_on)
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
        notes=queries.notes_between(connection, begin, now, cause),
        last_notes={one.id: note for one, note in said if note is not None},
        delays=delays(latencies),
    )


def _empty(begin: float, now: float) -> "Report":
    """What is on record where nothing is."""
    from seawall.history.rates import Hours
    from seawall.history.report import Report

    return Report(begin, now, (), Hours(), (), (), 0, 0.0)


def _in_zone(
    found: "list[Episode]", counts: "list[HourCount]", latencies: "list[HourLatency]", zone: tzinfo
) -> "tuple[list[Episode], list[HourCount], list[HourLatency]]":
    """The same by another clock than that of the time and place."""
    east = times.east(zone)
    return (
        [replace(one, utc_offset=east(one.opened_at)) for one in found],
        [replace(one, utc_offset=east(one.hour * 3600.0)) for one in counts],
        [one._replace(utc_offset=east(one.hour * 3600.0)) for one in latencies],
    )


def _keep_usual(common: Common, now: float) -> None:
    """Adds up what `status` says of how long trouble usually lasts, where that is a day old."""
    from seawall.history.outlook import DAYS
    from seawall.history.past import begun
    from seawall.history.usual import added_up, keep, stale

    store = place(common)
    if not stale(store, now):
        return
    try:
        with open_records(common) as connection:
            found = begun(connection, now - DAYS * DAY, now) if connection is not None else ()
        if found:
            keep(store, added_up(found))
    except (OSError, Failure):
        pass  # a home that cannot be written, a store that is locked by now: `status` says less


def _compare(common: Common, said: str, cause: str | None, model: str | None, now: float) -> int:
    from seawall.history.past import begun
    from seawall.history.report import compared, span
    from seawall.store import queries
    from seawall.view import history as shown
    from seawall.view import history_data as data

    more = ""
    with open_records(common) as connection:
        if connection is None or (_is_span(said) and not _is_id(connection, said, now)):
            length, name = times.span(said, "--compare"), f"last {said}"
            if length > MOST_COMPARED:
                length, name = MOST_COMPARED, f"last {MOST_COMPARED / DAY:.0f} days"
                more = f"Longer spans are not compared: records are kept for {KEPT / DAY:.0f} days"
        else:
            length, name = _since_note(connection, said, now)
        if connection is None and not common.json:
            return _nothing(common, now)
        middle = now - length
        begin = middle - length
        counts = queries.hours_between(connection, begin, now, cause, model) if connection else []
        found = begun(connection, begin, now, cause) if connection else []
    if model is not None:
        found = [one for one in found if model in one.families]
    result = compared(span(begin, middle, counts, found), span(middle, now, counts, found))
    if common.json:
        click.echo(json.dumps(heading("seawall.comparison/1", now) | data.comparison(result)))
    else:
        click.echo("\n".join(shown.comparison(result, look_of(common), name, more)))
    return ExitCode.OK


def _since_note(connection: "Connection", wanted: str, now: float) -> tuple[float, str]:
    """How long ago the note on this episode was written, and how that span is called."""
    from seawall.history.notes import note_of
    from seawall.history.past import begun
    from seawall.store import queries

    if not begins_one(wanted):
        times.span(wanted, "--compare")  # no span either: says so
    one = incidents.pick(begun(connection, now - KEPT, now), wanted)
    note = note_of(one, queries.notes_between(connection, one.opened_at, one.until, one.cause))
    if note is None:
        raise Failure(f'{one.id} has no note; `seawall history note {one.id} "what helped"`', ExitCode.USAGE)
    return min(MOST_COMPARED, max(1.0, now - note.noted_at)), f"since the note on {one.id}"


def _nothing(common: Common, now: float) -> int:
    """There is no store: nothing has failed behind a gateway of this user."""
    if common.json:
        click.echo(json.dumps(heading("seawall.history/1", now) | {"attempts": 0, "episodes": []}))
    else:
        common.say(
            "nothing is on record yet: `seawall run -- claude` keeps records from its first failure on"
        )
        _offer(common)
    return ExitCode.OK


def _offer(common: Common) -> None:
    """Says where older failures are to be found, if Claude Code has kept any."""
    if not load_settings(common, {}, os.environ).config.history.import_transcripts:
        return
    folder = os.environ.get("CLAUDE_CONFIG_DIR") or home(os.environ) / ".claude"
    try:
        there = os.scandir(os.path.join(folder, "projects"))
        with there:
            if next(there, None) is not None:
                common.say("`seawall import` reads what Claude Code's transcripts tell of the last 30 days")
    except (OSError, ValueError):
        pass
