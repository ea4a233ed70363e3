"""Time as a thing that is passed in: decisions get `now`, shells get a `Clock`. And how they are said."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the program knows of time. Tests give one that they move by hand."""

    def now(self) -> float:
        """Monotonic seconds; for durations and deadlines, meaningless across processes."""
        ...

    def wall(self) -> float:
        """Seconds since 1970 in UTC; for what is stored and shown."""
        ...


class SystemClock:
    """The machine's own time."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)


def utc(at: float) -> str | None:
    """Wall time as programs read it: `2026-11-20T13:22:00Z`; None for a time that no calendar has."""
    try:
        moment = time.gmtime(at)
    except (OverflowError, OSError, ValueError):
        return None
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", moment) if 1 <= moment.tm_year <= 9999 else None


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def local(at: float, seconds: bool = True, now: float | None = None) -> str:
    """A moment by this machine's clock: `14:28:50`, or `14:28`.

    With `now` the day is said where it is another than now's: `yesterday 09:12`, `3 Nov 09:12`, `3 Nov 2025 09:12`.
    """
    try:
        then = time.localtime(at)
        said = time.strftime("%H:%M:%S" if seconds else "%H:%M", then)
        if now is None:
            return said
        today = time.localtime(now)
        before = time.localtime(time.mktime((*today[:3], 12, 0, 0, 0, 0, -1)) - 86400)
    except (OverflowError, OSError, ValueError):
        return "an unknown time"
    if then[:3] == today[:3]:
        return said
    if then[:3] == before[:3]:
        return f"yesterday {said}"
    year = f" {then.tm_year}" if then.tm_year != today.tm_year else ""
    return f"{then.tm_mday} {MONTHS[then.tm_mon - 1]}{year} {said}"


def there(at: float, utc_offset: int, seconds: bool = False) -> str:
    """A moment by the clock of its time and place, so many minutes east of UTC: `2026-11-20 15:04`."""
    try:
        moment = datetime.fromtimestamp(at, UTC) + timedelta(minutes=utc_offset)
    except (OverflowError, OSError, ValueError):
        return "an unknown time"
    return moment.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def duration(seconds: float) -> str:
    """A length of time as people say it: `45 s`, `3 min 10 s`, `15 min`, `6 h`, `2 d`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, rest = divmod(whole // 60, 60)
    if hours >= 48:
        return f"{hours // 24} d"
    return f"{hours} h {rest} min" if rest and hours < 6 else f"{hours} h"
