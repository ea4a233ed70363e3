"""`seawall status`: what is known already, in one line per gateway; asks nobody but the user's own gateways."""

import os
import time
from collections.abc import Mapping

import click

from seawall.cli import gateways
from seawall.cli.common import Common, common_options
from seawall.cli.look import look_of


@click.command()
@common_options
def status(common: Common) -> int:
    """What is held right now, in one line; with --verbose, held calls and lanes under it.

    Measures nothing and sends nothing beyond this machine.
    """
    now = time.time()
    found = gateways.observed(os.environ, now)
    if common.json:
        click.echo(gateways.as_json(found, now))
    else:
        for one in found:
            click.echo(line(one, plain=common.plain, addressed=len(found) > 1))
            if common.verbose:
                _say_more(one, common)
        if not found:
            click.echo("not running")
    return gateways.code(found)


def _say_more(one: Mapping[str, object], common: Common) -> None:
    from seawall.view import facts, lanes

    for text in lanes.lines(facts.gateway(one), look_of(common)):
        click.echo(text, color=True)  # what colour there is was asked for


def line(status: Mapping[str, object], *, plain: bool = False, addressed: bool = False) -> str:
    """One gateway in one line: `holding 2 · provider.overloaded 3 min 10 s · usually ≤ 4 min · up 6 h`."""
    from seawall.clock import duration
    from seawall.view import facts
    from seawall.view.layout import Look, separator

    one = facts.gateway(status)
    up = f"up {duration(one.up or 0)}"
    if not one.answers:
        parts = ["does not answer", up]
    else:
        parts = [one.counts] if one.held else [f"{up}, {one.counts}"]
        if one.cause:
            parts.append(f"{one.cause} {duration(one.cause_age or 0)}")
            if one.usually is not None:
                parts.append(f"usually {'<=' if plain else '≤'} {duration(one.usually)}")
        if one.held:
            parts.append(up)
        if one.fell_back:
            parts.append(f"{one.fell_back} fell back")
        parts += one.failing
        if one.store == "degraded":
            parts.append("records wait in memory")
    if addressed:
        parts.append(one.address)
    return separator(Look(plain=plain)).join(parts)
