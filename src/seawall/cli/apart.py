"""`seawall run --stagger`: runs that stand in line, and start so many seconds one after the other.

The line is a small file in the user's runtime folder. Each run that waits says again and again that it still does:
whoever falls silent, killed or stopped, is soon forgotten, and the others move up.
"""

import json
import math
import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seawall.cli.common import Common, Failure, load_settings
from seawall.clock import Clock, SystemClock, duration
from seawall.gateway import runtime

if TYPE_CHECKING:
    from sqlalchemy import Connection

FILE = "starts.json"
LOCK = "starts.lock"
SILENT = 10.0
"""Seconds after which a run that said nothing waits no more: ten times as long as it needs to speak up."""
GLANCE = 1.0
"""Seconds between two looks at the line."""
MOST = 1000
"""Runs in line; a file with more is not ours."""


@dataclass(frozen=True, slots=True)
class Line:
    """When the last run started, and who waits, the first in front. Times are UTC seconds."""

    last: float = -math.inf
    waiting: Mapping[str, float] | None = None
    """By name, when each was heard of last."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Where somebody stands."""

    line: Line
    """As it is now."""
    starts_at: float
    """UTC seconds; not later than now: go."""
    before: int
    """So many runs start first."""


def turn(line: Line, me: str, now: float, apart: float) -> Turn:
    """Takes a place at the end, or keeps the one that `me` has; who goes leaves the line."""
    waiting = {
        name: heard
        for name, heard in (line.waiting or {}).items()
        if name == me
        or abs(now - heard) <= SILENT  # what lies ahead was written before the clock was set back
    }
    waiting[me] = now
    last = line.last if line.last <= now else -math.inf
    before = list(waiting).index(me)
    starts_at = max(now, last + apart) + before * apart
    if starts_at <= now:
        del waiting[me]
        return Turn(Line(now, waiting), now, 0)
    return Turn(Line(last, waiting), starts_at, before)


def left(line: Line, me: str) -> Line:
    """The line without somebody."""
    return replace(line, waiting={name: heard for name, heard in (line.waiting or {}).items() if name != me})


def parsed(text: str) -> Line:
    """The line that a file tells of; an empty one for anything else."""
    try:
        value = json.loads(text)
        last, waiting = float(value["last"]), value["waiting"]
        heard = {str(name): float(at) for name, at in waiting.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return Line()
    if len(heard) > MOST or not all(map(math.isfinite, heard.values())) or math.isnan(last):
        return Line()
    return Line(last, heard)


def stand(
    place: Path, apart: float, say: Callable[[str], None], clock: Clock, pause: Callable[[float], object]
) -> None:
    """Returns when this run may start. `place` is the user's runtime folder, `apart` in seconds.

    Raises OSError where the line cannot be kept; KeyboardInterrupt passes, and leaves nobody waiting.
    """
    me, said = secrets.token_hex(8), False
    try:
        while True:
            now = clock.wall()
            with runtime.locked(place / LOCK):
                found = turn(_read(place), me, now, apart)
                _write(place, found.line)
            if found.starts_at <= now:
                return
            if not said:
                say(told(found, now))
            said = True
            pause(min(GLANCE, found.starts_at - now))
    except BaseException:
        with suppress(OSError), runtime.locked(place / LOCK):
            _write(place, left(_read(place), me))
        raise


def told(found: Turn, now: float) -> str:
    """`starting in 12 s, 3 runs before this one`."""
    said = f"starting in {duration(math.ceil(found.starts_at - now))}"
    if not found.before:
        return said
    return f"{said}, {found.before} {'run' if found.before == 1 else 'runs'} before this one"


def _read(place: Path) -> Line:
    try:
        return parsed((place / FILE).read_text())
    except (FileNotFoundError, UnicodeDecodeError):
        return Line()


def _write(place: Path, line: Line) -> None:
    """Under the lock only: what a crash leaves half written is an empty line to the next reader."""
    last = None if math.isinf(line.last) else line.last
    text = json.dumps({"last": 0.0 if last is None else last, "waiting": line.waiting or {}})
    descriptor = os.open(place / FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def in_line(common: Common) -> None:
    """Returns when this run may start, by the line of the user's runs. Where none can be kept, at once, and says so."""
    config = load_settings(Common(quiet=True, config=common.config), {}, os.environ).config
    clock = SystemClock()
    seconds = advised(common, clock.wall(), config.history.timezone) or config.plan.apart
    try:
        place = runtime.folder(os.environ, create=True)
        assert place is not None
        stand(place, seconds, common.say, clock, time.sleep)
    except (runtime.Trouble, OSError) as error:
        common.say(f"runs cannot be kept apart: {error}")


def advised(common: Common, now: float, timezone: str) -> float | None:
    """Seconds between starts that `seawall plan` advises by the records of 30 days; None where it advises none."""
    from seawall.cli import times
    from seawall.cli.plan import staggers
    from seawall.cli.records import asked

    zone = times.set_zone(timezone, Common(quiet=True))

    def first(records: "Connection | None") -> float | None:
        found = staggers(records, now, zone) if records is not None else ()
        return next((float(seconds) for _, seconds in found), None)

    found = asked(common, first)
    if isinstance(found, Failure):
        common.say(f"{found}; so runs start as far apart as the settings say")
        return None
    return found
