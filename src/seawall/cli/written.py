"""`seawall run --direct`: what Claude Code wrote down of failures while a command ran is kept, as `import` keeps it."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from seawall.cli.common import Common, home, load_settings

LONGEST = 5.0
"""Seconds that a command's end may be held up; the next import goes on where this one stopped."""


class _Enough(Exception):
    """The time is over."""


def keep_what_was_written(common: Common, began: float) -> None:
    """Failures since then (UTC seconds), of transcripts that were written to since; never raises for trouble.

    Says one line on trouble, and with `--verbose` what was kept.
    """
    try:
        _keep(common, began)
    except _Enough:
        common.say(f"not all of what failed meanwhile was read in {LONGEST:.0f} s; `seawall import` goes on")
    except (
        Exception
    ) as error:  # the command is over, and its exit code is the answer, whatever goes wrong here
        common.say(f"what failed meanwhile could not be kept: {str(error) or type(error).__name__}")


def _keep(common: Common, began: float) -> None:
    unsaid = Common(quiet=True, config=common.config)
    config = load_settings(unsaid, {}, os.environ).config
    if not config.history.import_transcripts:
        return
    from seawall.claude_code.transcripts import SETTLING, find, folders

    left_out: Counter[str] = Counter()
    places = folders(os.environ, home(os.environ))
    with _at_most(LONGEST):
        found = [
            one for one in find(places, lambda why: left_out.update([why])) if one.status.st_mtime >= began
        ]
        if not found:
            return
        from seawall.claude_code.intake import Intake
        from seawall.cli.import_ import host, opened_store

        with opened_store(config.store, unsaid, dry_run=False) as connection:
            # Nobody else notes anything of a command that has ended: its last failure need not settle.
            now = time.time() + SETTLING
            intake = Intake(connection, now, since=began, route=host(config.gateway.upstream))
            intake.take(found)
    if common.verbose:
        kept = intake.sum.failures
        common.say(
            f"{kept} failure{'' if kept == 1 else 's'} of this run kept, from Claude Code's transcripts"
        )


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raises `_Enough` inside when the time is over; only the main thread can be stopped so, others are not."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(_number: int, _frame: object) -> None:
        raise _Enough

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
