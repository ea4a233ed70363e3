"""`seawall run --when quiet` on this machine: its records, the service, the terminal. What is decided: `cli.quiet`."""

import os
import select
import sys
import textwrap
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from seawall import redact
from seawall.cli import quiet, times
from seawall.cli.common import Common, Failure, load_settings
from seawall.cli.look import columns
from seawall.clock import SystemClock
from seawall.config import check

if TYPE_CHECKING:
    from seawall.config import Config

AHEAD = 24
"""Hours that are looked at, as `seawall plan` does: by then every hour of the day has come once."""


def until_quiet(common: Common, here: Callable[[], bool]) -> None:
    """Waits for the next quiet window and for the service. What is said goes to stderr; nothing with `--quiet`.

    `here` says whether keys of the terminal reach this process just now.
    """
    config = load_settings(common, {}, os.environ).config
    check(config)
    person = Person(here)
    offset = times.east(times.set_zone(config.history.timezone, common))
    unsaid = Common(quiet=True, offline=common.offline, config=common.config)
    quiet.wait(
        quiet.Waiting(
            lambda now: past_of(unsaid, config, now),
            lambda: service(unsaid),
            lambda text: _say(common, text),
            lambda past, window, now: quiet.sentence(past, window, now, offset, person.can_answer),
            person.pause,
            SystemClock(),
        )
    )


def _say(common: Common, text: str) -> None:
    if common.quiet:
        return
    whole = redact.line(text).replace(" %", "\u00a0%")  # a figure and its sign stay in one line
    lines = [whole] if common.plain else textwrap.wrap(whole, columns(sys.stderr))
    click.echo("\n".join(lines).replace("\u00a0", " "), err=True)


def past_of(common: Common, config: "Config", now: float) -> quiet.Past:
    """What the store says, as `seawall plan` reads it."""
    from seawall.cli.plan import SPAN, hours_of
    from seawall.cli.records import asked
    from seawall.history.claims import claim
    from seawall.history.plan import coming, planned

    zone = times.set_zone(config.history.timezone, common)
    offset, least = times.east(zone), config.plan.min_calls_per_cell
    found = asked(common, lambda records: hours_of(records, now, zone))
    if isinstance(found, Failure):
        return quiet.Past(trouble=str(found))
    outlook = planned(found, now, AHEAD, offset, least)
    here = coming(found, now, 1, offset, least)
    said = (claim(text) for text in config.plan.published_peaks)
    return quiet.Past(
        outlook.best,
        here[0].rate if here else None,
        found.days,
        found.total.calls,
        SPAN,
        outlook.known > 0,
        [one for one in said if one is not None and not one.withdrawn and quiet.covers(one, now)],
    )


def service(common: Common) -> str:
    """What keeps calls from being answered, as `seawall doctor` finds it; empty where they are, or nobody can say."""
    from seawall.cli import examine
    from seawall.doctor.check import measure
    from seawall.doctor.verdict import conclude

    try:
        subject = examine.subject_of(common)
    except Failure:  # settings of the doctor's own that are none
        return ""
    results = measure(subject, examine.chosen_checks(()))
    return quiet.trouble(conclude(results, time.time(), subject.api.host))


class Person:
    """Whoever may press Enter; nobody where the command has no terminal, or runs behind another one's back."""

    def __init__(self, here: Callable[[], bool]) -> None:
        self._here = here
        """Whether keys of a terminal reach this process just now."""
        self._there = sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()

    @property
    def can_answer(self) -> bool:
        return self._there and self._here()

    def pause(self, seconds: float) -> bool:
        """Waits so long, or until a line is typed: true then."""
        if not self.can_answer:
            time.sleep(seconds)
            return False
        descriptor = sys.stdin.fileno()
        if not select.select([descriptor], [], [], seconds)[0] or not self.can_answer:
            return False
        try:
            typed = os.read(descriptor, 4096)
        except OSError:  # the terminal is gone
            typed = b""
        if not typed:
            self._there = False  # Ctrl-D: nothing more is typed
        return bool(typed)
