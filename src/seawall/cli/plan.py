"""`seawall plan`: when to run heavy work, by one's own past, and whether it should be a batch."""

import gc
import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import tzinfo
from typing import TYPE_CHECKING

import click

from seawall.cli import times
from seawall.cli.common import Common, ExitCode, Failure, common_options, load_settings
from seawall.cli.look import look_of
from seawall.cli.records import asked
from seawall.view.heading import heading

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from seawall import config
    from seawall.history.rates import Hours
    from seawall.history.work import Burst
    from seawall.view.plan import Move, Plan, Wanted

SPAN = 30 * 86400.0
"""Of the past that is looked at: older habits say little of tomorrow."""
STARTS = 5000
"""Throttled starts of a cause that are looked through, the newest."""
_SDK = ("python", "uv", "node", "npx", "deno", "bun", "go", "ruby", "java")
"""Programs that call the API themselves, where `--for` names one."""


@click.command()
@click.option("--for", "command", metavar="COMMAND", help="When to run this, and whether as a batch.")
@click.option("--calls", type=click.IntRange(min=0), metavar="N", help="So many calls it makes.")
@click.option("--deadline", metavar="SPAN", help="When its answers are needed at the latest: 1d, 12h.")
@click.option(
    "--hours", type=click.IntRange(1, 168), default=24, metavar="N", help="How far ahead. Default: 24."
)
@click.option("--tz", metavar="ZONE", help="By this zone's clock, such as Europe/Berlin.")
@click.option("--snippet", is_flag=True, help="Print the batch call in Python.")
@common_options
def plan(
    command: str | None,
    calls: int | None,
    deadline: str | None,
    hours: int,
    tz: str | None,
    snippet: bool,
    common: Common,
) -> int:
    """When to run heavy work: the quiet hours of your own past, what to move there, what to make a batch."""
    gc.disable()  # a command that ends
    now = time.time()
    if command is None and (calls is not None or deadline is not None):
        raise Failure("--calls and --deadline say something of the work that --for names", ExitCode.USAGE)
    if command is not None and not command.strip():
        raise Failure("--for names no work", ExitCode.USAGE)
    due = times.span(deadline, "--deadline") if deadline is not None else None
    if snippet:
        return _snippet(common, now)
    settings = load_settings(common, {}, os.environ).config
    zone = _zone(tz, settings.history.timezone, common)
    wanted, unread = _wanted(command, calls, due, now), None
    found = asked(common, lambda records: _plan(records, settings.plan, now, hours, zone, wanted))
    if isinstance(found, Failure):
        unread = str(found)
        common.say(f"{unread}; what follows is without your own past")
        found = _plan(None, settings.plan, now, hours, zone, wanted)
    from seawall.history.claims import claim
    from seawall.view import plan as shown

    for text in settings.plan.published_peaks:
        if claim(text) is None:
            common.say(f"plan.published_peaks: {text[:60]!r} is no claim of busy hours; it is not shown")

    if common.json:
        click.echo(json.dumps(heading("seawall.plan/1", now) | shown.data(found) | {"unread": unread}))
    else:
        click.echo("\n".join(shown.whole(found, look_of(common))))
    return ExitCode.OK


def _snippet(common: Common, now: float) -> int:
    from seawall.view.plan import SNIPPET

    if common.json:
        click.echo(json.dumps(heading("seawall.snippet/1", now) | {"language": "python", "text": SNIPPET}))
    else:
        click.echo(SNIPPET, nl=False)
    return ExitCode.OK


def _zone(option: str | None, setting: str, common: Common) -> tzinfo | None:
    """The zone whose clock counts; None: this machine's."""
    if option is not None:
        found = times.zone_of(option)
        if found is None:
            raise Failure(
                f"--tz {option[:40]!r} is no zone that this machine knows; Europe/Berlin is", ExitCode.USAGE
            )
        return found
    return times.set_zone(setting, common)


def _wanted(command: str | None, calls: int | None, due: float | None, now: float) -> "Wanted | None":
    from seawall.history.plan import batch
    from seawall.view.plan import Wanted

    if command is None:
        return None
    program = os.path.basename(command.split()[0])
    fits = batch(program.startswith(_SDK), calls, due)
    return Wanted(command, None, fits, due=now + due if due is not None else None)


def _plan(
    connection: "Connection | None",
    settings: "config.Plan",
    now: float,
    ahead: int,
    zone: tzinfo | None,
    wanted: "Wanted | None",
) -> "Plan":
    from seawall.history.claims import claim
    from seawall.history.plan import HOUR, coming, planned
    from seawall.view.plan import Plan

    offset = times.east(zone)
    found = hours_of(connection, now, zone)
    least = settings.min_calls_per_cell
    outlook = planned(found, now, ahead, offset, least)
    if wanted is not None:
        here = coming(found, now, 1, offset, least)
        left = ahead if wanted.due is None else min(ahead, int((wanted.due - now) // HOUR))
        best = (outlook if left == ahead else planned(found, now, left, offset, least)).best
        wanted = replace(wanted, now=here[0].rate if here else None, best=best[0] if best else None)
    made = Plan(
        now, ahead, SPAN, least, found, outlook, (), (),
        [one for text in settings.published_peaks if (one := claim(text)) is not None], wanted, offset,
    )  # fmt: skip
    if connection is None:
        return made
    return replace(made, moves=_moves(connection, made, zone), stagger=list(staggers(connection, now, zone)))


def hours_of(connection: "Connection | None", now: float, zone: tzinfo | None) -> "Hours":
    """What the records of the last days tell of hours, by the zone's clock."""
    from seawall.history.rates import hours
    from seawall.store import queries

    counts = queries.hours_between(connection, now - SPAN, now) if connection is not None else []
    if zone is not None:
        offset = times.east(zone)
        counts = [replace(one, utc_offset=offset(one.hour * 3600.0)) for one in counts]
    return hours(counts)


def _moves(connection: "Connection", plan: "Plan", zone: tzinfo | None) -> "list[Move]":
    """What comes again and would be better off elsewhere."""
    from seawall.history.plan import batch
    from seawall.history.rates import Rate, Slot
    from seawall.history.work import recurring
    from seawall.store import queries
    from seawall.view.plan import Move

    rows = queries.work_between(connection, plan.now - SPAN, plan.now)
    if zone is not None:
        rows = [replace(row, utc_offset=plan.offset(row.hour * 3600.0)) for row in rows]
    best = plan.outlook.best[0] if plan.outlook.best else None
    quiet = {
        (int(at // 60) + plan.offset(at)) // 60 % 24
        for one in plan.outlook.best
        for at in range(int(one.start), int(one.end), 3600)
    }
    moves: list[Move] = []
    batches = set()
    for work in recurring(rows):
        fits = batch(work.sdk, round(work.calls_a_day), None)
        if fits.fits and work.client in batches:
            continue  # the program as a whole can be a batch: its largest hour stands for it
        if fits.fits:
            batches.add(work.client)
        here = plan.hours.by_hour.get(Slot(None, work.hour), Rate())
        fewer = work.fewer(here, best.rate) if best is not None and work.hour not in quiet else 0
        if fits.fits or fewer:
            moves.append(Move(work, best, fewer, fits))
    return moves


def staggers(connection: "Connection", now: float, zone: tzinfo | None) -> Iterator["tuple[Burst, int]"]:
    """Bursts of one's own that come again, and how many seconds apart their starts should be."""
    from seawall.history.work import THROTTLES, apart, bursts
    from seawall.store import queries

    starts = queries.starts_between(connection, now - SPAN, now, THROTTLES, STARTS)
    if zone is not None:
        offset = times.east(zone)
        starts = [replace(one, utc_offset=offset(one.at)) for one in starts]
    for burst in bursts(starts)[:5]:
        seconds = apart(burst, queries.recovered_at(connection, burst.calls[:STARTS]))
        if seconds is not None:
            yield burst, seconds
