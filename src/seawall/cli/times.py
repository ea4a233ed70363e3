"""Times as people write them in options and settings: a length, a beginning, a zone."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

import click

from seawall.cli.common import Common, ExitCode, Failure
from seawall.settings import seconds


def length(text: str | None, option: str, most: float, said: str) -> float | None:
    """Seconds of a length from 0 to `most`, None where none was given; `said` describes it where it is none."""
    if text is None:
        return None
    try:
        found = seconds(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= most:
        raise click.UsageError(f"{option} must be a length of time such as {said}, not {text!r}")
    return found


def span(text: str, option: str) -> float:
    """Seconds of a span before now or after it, as far as records go back at most; `Failure` where it is none."""
    from seawall.history.episodes import KEPT  # only verbs that look back need it

    found = _span(text)
    if found is None:
        raise Failure(f"{option} {text[:40]!r} is no span of time; 7d, 12h or 90m is", ExitCode.USAGE)
    return min(found, KEPT)


def begin(text: str, now: float, zone: tzinfo | None = None) -> float:
    """When `--since` begins, in UTC seconds: so long before now, or with a day; `Failure` where it is neither.

    The day is one of this zone, or of this machine's.
    """
    said = text.strip()
    try:
        found = datetime.strptime(said, "%Y-%m-%d").replace(tzinfo=zone).timestamp()
    except (ValueError, OverflowError, OSError):
        ago = _span(said)
        if ago is None:
            raise Failure(
                f"--since {said[:40]!r} is neither a span of time (7d, 12h) nor a day (2026-11-01)",
                ExitCode.USAGE,
            ) from None
        return max(0.0, now - ago)
    if found > now:
        raise Failure(f"--since {said} has not come yet", ExitCode.USAGE)
    return found


def _span(text: str) -> float | None:
    try:
        found = seconds(text)
    except ValueError:
        return None
    return found if 0 < found < float("inf") else None


def zone_of(name: str) -> tzinfo | None:
    """The zone of this name; None where there is none."""
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # not there, not a zone, a name that no file can have
        return None


def set_zone(setting: str, common: Common) -> tzinfo | None:
    """The zone that `history.timezone` names; None: this machine's. One that nobody knows is said."""
    if setting in ("", "local"):
        return None
    found = zone_of(setting)
    if found is None:
        common.say(
            f"history.timezone {setting[:40]!r} is no zone that this machine knows; local time is used"
        )
    return found


def east(zone: tzinfo | None) -> Callable[[float], int]:
    """Minutes east of UTC at a moment, by this zone or, with None, by this machine's."""

    def offset(at: float) -> int:
        try:
            if zone is None:
                return time.localtime(at).tm_gmtoff // 60
            found = datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset()
            return int(found.total_seconds() // 60) if found is not None else 0
        except (OverflowError, OSError, ValueError):  # a time that no calendar has
            return 0

    return offset


def utc_name(offset: int) -> str:
    """`UTC+1`, `UTC-3:30`, `UTC`; of seconds east."""
    hours, minutes = divmod(abs(offset) // 60, 60)
    tail = f":{minutes:02d}" if minutes else ""
    return f"UTC{'-' if offset < 0 else '+'}{hours}{tail}" if offset else "UTC"
