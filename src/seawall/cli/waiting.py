"""`doctor --wait`: measures again and again until all is fine, then rings."""

import json
import sys
import time
from typing import TYPE_CHECKING

import click

from seawall.cli import doctor, examine
from seawall.cli.common import Common, ExitCode

if TYPE_CHECKING:
    from seawall.cli.doctor import Asked
    from seawall.doctor.case import Case

FIRST, MOST = 1.0, 30.0
"""Seconds between two runs: at first, and at last."""


def until_fine(common: Common, asked: "Asked") -> int:
    """0 once nothing is the matter; 20 with the last verdict where the time is over before."""
    given = examine.chosen_checks(asked.only)
    begun = time.monotonic()
    end = begun + asked.timeout if asked.timeout is not None else None
    pause, said = FIRST, ""
    while True:
        subject = examine.subject_of(common, asked.base_url, True if asked.spend else None)
        left = None if end is None else min(subject.config.doctor.deadline, max(1.0, end - time.monotonic()))
        results = doctor.measured(common, subject, given, left)
        case = examine.case_of(subject, results, time.time())
        if case.verdict.ok:
            return _fine(common, case, time.monotonic() - begun, waited=bool(said))
        said = _tell(common, case, said)
        if end is not None and time.monotonic() + pause >= end:
            return _gave_up(common, case)
        time.sleep(pause)
        pause = min(MOST, 2 * pause)


def _tell(common: Common, case: "Case", said: str) -> str:
    """A line for each other verdict; returns what was said last."""
    from seawall.doctor.exact import headline
    from seawall.view.doctor import harmless

    assert case.cause is not None
    now = harmless(headline(case)) or case.cause.title
    if now != said:
        common.say(f"{time.strftime('%H:%M:%S')} waiting: {now} ({case.cause.code})")
    return now


def _fine(common: Common, case: "Case", seconds: float, waited: bool) -> int:
    from seawall.clock import duration

    if not common.json and not common.quiet and sys.stdout.isatty():
        print("\a", end="", flush=True)
    first = f"Fine again after {duration(seconds)}." if waited else "Fine already."
    return doctor.answer(common, case, first=first)


def _gave_up(common: Common, case: "Case") -> int:
    if common.json:
        click.echo(json.dumps(examine.json_of(case, ExitCode.GAVE_UP)))
    else:
        doctor.answer(common, case)
        common.say("the time is over, and it is not fine")
    return ExitCode.GAVE_UP
