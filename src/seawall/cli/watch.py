"""`seawall watch`: what your gateways hold, how it stands with the service, and a word when it is over."""

import os
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from seawall.cli import gateways
from seawall.cli.common import Common, ExitCode, Failure, common_options
from seawall.cli.look import look_of

if TYPE_CHECKING:
    from seawall.cli.watching import Watched
    from seawall.view.screen import Screen

EVERY = 1.0


@click.command()
@click.option("--once", is_flag=True, help="One frame, then exit with the code of what is held.")
@click.option("--web", is_flag=True, help="The same and more in a browser; the link works once.")
@click.option("--until", type=click.Choice(["ok"]), help="End with 0 as soon as nothing is wrong.")
@click.option("--max", "longest", metavar="TIME", help="With --until: end with 20 after this, such as 30m.")
@click.option("--lanes", is_flag=True, help="Lanes before held calls where there is no room for all.")
@click.option("--notify", is_flag=True, help="No view: send notifications until nothing is wrong any more.")
@click.option(
    "--test-notify", is_flag=True, help="A test message on each way that is set, and what came of it."
)
@click.option("--down", hidden=True, default="", help="With --notify: a gateway that is known to be gone.")
@common_options
def watch(
    once: bool,
    web: bool,
    until: str | None,
    longest: str | None,
    lanes: bool,
    notify: bool,
    test_notify: bool,
    down: str,
    common: Common,
) -> int:
    """What your gateways hold, how long such trouble lasts, whether to report it; redrawn once a second.

    Where there is no terminal: a line for each change. In trouble it looks at the way to the API and at the status
    page once a minute, else every five minutes; with --offline never. No call is made with your key.
    """
    if web:
        from seawall.cli.web import show

        return show(common)
    if test_notify:
        return _test(common)
    if notify:
        from seawall.cli.following import follow

        return follow(common, down)
    from seawall.cli.times import length

    limit = length(longest, "--max", 366 * 86400.0, "30m")
    if limit is not None and until is None:
        raise click.UsageError("--max goes with --until ok")
    if once:
        return _once(common, lanes)
    ends = Ends(until is not None, limit)
    if (
        not common.json
        and not common.plain
        and sys.stdout.isatty()
        and os.environ.get("TERM", "dumb") != "dumb"
    ):
        return _screen(common, ends, lanes)
    return _lines(common, ends)


class Ends:
    """When the watching ends by itself."""

    def __init__(self, at_recovery: bool, limit: float | None) -> None:
        self._at_recovery = at_recovery
        self._deadline = time.monotonic() + limit if limit is not None else None

    def code(self, watched: "Watched") -> ExitCode | None:
        """0 where all is well, 20 when the time is up; None: it goes on."""
        if not self._at_recovery:
            return None
        if watched.fine:
            return ExitCode.OK
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return ExitCode.GAVE_UP
        return None

    def begin(self, watched: "Watched") -> None:
        """`Failure` where there is nothing that could recover."""
        if self._at_recovery and not watched.now:
            raise Failure(
                "no gateway runs, so nobody here knows whether calls fail; `seawall doctor` measures",
                ExitCode.UNKNOWN,
            )


def _watched(common: Common, **more: Any) -> "Watched":
    from seawall.cli.common import load_settings
    from seawall.cli.measured import Measuring
    from seawall.cli.watching import Watched

    config = load_settings(common, {}, os.environ).config
    return Watched(common, config, measuring=Measuring(common), **more)


def _once(common: Common, lanes: bool) -> int:
    from dataclasses import replace

    now = time.time()
    found = gateways.observed(os.environ, now)
    if common.json:
        click.echo(gateways.as_json(found, now))
        return gateways.code(found)
    from seawall.view.frame import frame

    watched = _watched(replace(common, offline=True))  # what is known already
    watched.look(found, now)
    for line in frame(watched.scene(now, "", lanes=lanes), look_of(common)):
        click.echo(line, color=True)  # what colour there is was asked for
    return gateways.code(found)


def _lines(common: Common, ends: Ends) -> int:
    """A line for each change, with the time, or an object a second, until somebody ends it."""
    from seawall.clock import local
    from seawall.view.changes import changes
    from seawall.view.facts import Gateway

    bell = sys.stdout.isatty() and not common.json
    watched = _watched(common, ring=lambda _: click.echo("\a", nl=False) if bell else None)
    before: list[Gateway] | None = None
    for now in _seconds():
        found = gateways.observed(os.environ, now)
        events = watched.look(found, now)
        if before is None:
            ends.begin(watched)
        if common.json:
            click.echo(gateways.as_json(found, now, [watched.told(event) for event in events]))
        else:
            for line in [*changes(before, watched.now), *watched.said]:
                click.echo(f"{local(now)}  {line}")
            watched.said.clear()
        before = watched.now
        if (code := ends.code(watched)) is not None:
            return _ended(code, watched, common)
    return ExitCode.OK


def _seconds() -> Iterator[float]:
    """The time of day, once a second for ever."""
    while True:
        yield time.time()
        time.sleep(EVERY)


def _ended(code: ExitCode, watched: "Watched", common: Common) -> int:
    """What is left to say when the watching has ended by itself."""
    if code is ExitCode.GAVE_UP:
        going_on = next((one.cause for one in watched.now if one.cause), "")
        common.say(f"the time is up, and it is not over{f': {going_on}' if going_on else ''}")
    return code


def _screen(common: Common, ends: Ends, lanes: bool) -> int:
    """Frames in a terminal, until `q`, or until it is over where that was asked for."""
    from seawall.view.screen import Screen

    watched = _watched(common)
    found = gateways.observed(os.environ, time.time())
    watched.look(found, time.time())
    ends.begin(watched)
    with Screen(sys.stdin, sys.stdout) as screen:
        watched.ring = lambda text: screen.ring(_sequence(text))
        code = _drawn(screen, watched, common, ends, lanes)
    if watched.back:
        click.echo(watched.back)
    return _ended(code, watched, common)


def _drawn(screen: "Screen", watched: "Watched", common: Common, ends: Ends, lanes: bool) -> ExitCode:
    from seawall.cli.watching import KEYS
    from seawall.view.frame import frame

    hint, keys = ("q quit", KEYS) if screen.has_keys else ("Ctrl-C quits", "")
    while True:
        if (code := ends.code(watched)) is not None:
            return code
        next_at = time.monotonic() + EVERY
        while True:
            look, height = look_of(common), screen.height()
            if watched.explains:
                screen.draw(_explained(watched.explains, common, height), height)
            else:
                screen.draw(frame(watched.scene(time.time(), hint, keys, lanes), look, height), height)
            typed = screen.wait(next_at - time.monotonic())
            if leaves(typed):
                return ExitCode.OK
            if typed:
                watched.press(typed, time.time())
            if time.monotonic() >= next_at:
                break
        now = time.time()
        watched.look(gateways.observed(os.environ, now), now)


def leaves(typed: str | None) -> bool:
    """Whether the keys typed end the view: `q`, Ctrl-D, or the end of the keys; an arrow key does not."""
    if not typed:
        return typed is not None
    return not typed.startswith("\x1b") and any(key in "qQ\x04" for key in typed)


def _explained(code: str, common: Common, height: int) -> list[str]:
    """The page of a cause, as much as fits."""
    from seawall.causes.cause import load, lookup
    from seawall.view.explanation import page

    lines = page(load(lookup(code).code), look_of(common))
    return [*lines[: height - 1], "any key goes back"] if height > 1 else lines[:1]


def _sequence(text: str) -> str:
    from seawall.view.ways import sequence

    return sequence(text, os.environ)


def _test(common: Common) -> int:
    """Sends a test message on each way, and says what is known of its arrival."""
    from seawall.cli.common import load_settings
    from seawall.cli.telling import test
    from seawall.config import notify_problems
    from seawall.view.ways import Sent

    config = load_settings(common, {}, os.environ).config
    for line in notify_problems(config.notify):
        common.say(line)
    sent: list[Sent] = []
    if config.notify.bell and sys.stdout.isatty() and not common.json:
        own = _sequence("A test of notifications")
        click.echo(f"\a{own}", nl=False)
        sent.append(Sent("bell", None, "rung; whether it was heard only you know"))
        said = (
            "sent; whether it was shown only you can see" if own else "this terminal has none that is known"
        )
        sent.append(Sent("terminal", None if own else False, said))
    elif config.notify.bell:
        sent.append(Sent("bell", False, "there is no terminal here"))
    if not common.offline:
        sent += test(config, os.environ)
    if common.json:
        import json

        ways = [{"way": one.way, "arrived": one.arrived, "text": one.text} for one in sent]
        click.echo(json.dumps({"schema": "seawall.notify.test/1", "ways": ways}))
    else:
        for one in sent:
            state = {True: "arrived", False: "no", None: "sent"}[one.arrived]
            click.echo(f"{one.way:<18} {state:<8} {one.text}")
        if not sent:
            click.echo("no way of notification is set: see [notify] in the settings")
    return ExitCode.OK if any(one.arrived is not False for one in sent) else ExitCode.SEAWALL
