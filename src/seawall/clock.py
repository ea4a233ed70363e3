"""Time as a thing that is passed in: decisions get `now`, shells get a `Clock`."""

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
