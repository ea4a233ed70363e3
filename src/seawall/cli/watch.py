"""`seawall watch`: what your gateways hold and how their lanes stand, live, or once."""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import click

from seawall.cli import gateways
from seawall.cli.common import Common, ExitCode, common_options
from seawall.view.facts import Gateway, gateway
from seawall.view.frame import Gone, Scene, frame

EVERY = 1.0
LIMIT = 0.5
"""Seconds that a gateway may take to answer: whoever watches a busy one can wait a little."""
GONE_MOST = 3
"""Gateways that have gone and are still shown."""


@click.command()
@click.option("--once", is_flag=True, help="One frame, then exit with the code of what is held.")
@click.option("--web", is_flag=True, help="The same and more in a browser; the link works once.")
@common_options
def watch(once: bool, web: bool, common: Common) -> int:
    """What your gateways hold, how each lane stands, and why a call waits; redrawn once a second.

    Where there is no terminal: a line for each change. Measures nothing and sends nothing beyond this machine.
    """
    if web:
        from seawall.cli.web import show

        return show(common)
    if once:
        return _once(common)
    if common.json:
        return _objects()
    if common.plain or not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return _lines()
    return _screen(common)


def _once(common: Common) -> int:
    now = time.time()
    found = gateways.observed(os.environ, now, LIMIT)
    if common.json:
        click.echo(gateways.as_json(found, now))
    else:
        scene = Scene(_clock(now), [gateway(one) for one in found])
        for line in frame(scene, gateways.look(common, os.environ)):
            click.echo(line, color=True)  # what colour there is was asked for
    return gateways.code(found)


def _objects() -> int:
    """One object a second, one a line, until somebody ends it."""
    for now in _seconds():
        click.echo(gateways.as_json(gateways.observed(os.environ, now, LIMIT), now))
    return ExitCode.OK


def _lines() -> int:
    """A line for each change, with the time, until somebody ends it."""
    from seawall.view.changes import changes

    before: list[Gateway] | None = None
    for now in _seconds():
        seen = [gateway(one) for one in gateways.observed(os.environ, now, LIMIT)]
        for line in changes(before, seen):
            click.echo(f"{_clock(now)}  {line}")
        before = seen
    return ExitCode.OK


def _seconds() -> Iterator[float]:
    """The time of day, once a second for ever."""
    while True:
        yield time.time()
        time.sleep(EVERY)


def _screen(common: Common) -> int:
    """Frames in a terminal, until `q`."""
    from seawall.view.screen import Screen

    watched = Watched()
    with Screen(sys.stdin, sys.stdout) as screen:
        hint = "q quit" if screen.has_keys else "Ctrl-C quits"
        while True:
            now = time.time()
            watched.look(gateways.observed(os.environ, now, LIMIT), _clock(now))
            next_at = time.monotonic() + EVERY
            while True:
                look, height = gateways.look(common, os.environ), screen.height()
                screen.draw(frame(watched.scene(_clock(time.time()), hint), look, height), height)
                if leaves(screen.wait(next_at - time.monotonic())):
                    return ExitCode.OK
                if time.monotonic() >= next_at:
                    break


def leaves(typed: str | None) -> bool:
    """Whether the keys typed end the view: `q`, Ctrl-D, or the end of the keys; an arrow key does not."""
    if not typed:
        return typed is not None
    return not typed.startswith("\x1b") and any(key in "qQ\x04" for key in typed)


@dataclass(slots=True)
class Watched:
    """What was seen last, and which gateways have gone since the watching began."""

    now: list[Gateway] = field(default_factory=list)
    gone: dict[str, Gone] = field(default_factory=dict)

    def look(self, found: list[dict[str, object]], at: str) -> None:
        """Takes what is seen now; a gateway at an address where one had gone is back."""
        seen = [gateway(one) for one in found]
        present = {one.address for one in seen}
        for one in self.now:
            if one.address not in present:
                self.gone[one.address] = Gone(one.address, at)
        self.gone = {address: gone for address, gone in self.gone.items() if address not in present}
        while len(self.gone) > GONE_MOST:
            del self.gone[next(iter(self.gone))]
        self.now = seen

    def scene(self, at: str, hint: str) -> Scene:
        """What a frame shows."""
        return Scene(at, self.now, tuple(self.gone.values()), hint)


def _clock(now: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(now))
