"""Time as a thing that is passed in: decisions get `now`, shells get a `Clock`. And how they are said."""

import time
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
