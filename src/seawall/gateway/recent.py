"""How attempts ended lately: of the last minutes by route and model family, of the last hour by the minute."""

from collections import deque

SLOT = 20
"""Seconds that are counted together."""
SPAN = 180
"""Seconds that models are looked at for; `user-surface` section 11 shows three minutes."""
HOUR = 60
"""Minutes that are remembered."""


Key = tuple[str, str]
"""A route and a model family."""


class Recent:
    """Counts of attempts: some kilobytes, however many there are."""

    def __init__(self) -> None:
        self._slot = -1
        self._now: dict[Key, list[int]] = {}
        self._slots: deque[tuple[int, dict[Key, list[int]]]] = deque(maxlen=SPAN // SLOT)
        self._minutes: dict[int, list[int]] = {}

    def count(self, at: float, key: Key, failed: bool, attempts: int = 1) -> None:
        """Attempts of this route and model family ended at this moment (UTC seconds)."""
        slot = int(at) // SLOT
        if slot != self._slot:
            self._turn(slot)
        row = self._now.get(key)
        if row is None:
            row = self._now[key] = [0, 0]
        row[failed] += attempts

    def _turn(self, slot: int) -> None:
        """A new slot begins; the one that ends is added to its minute."""
        if self._now:
            self._slots.append((self._slot, self._now))
            minute = self._minutes.setdefault(self._slot * SLOT // 60, [0, 0])
            for good, bad in self._now.values():
                minute[0] += good
                minute[1] += bad
        while len(self._minutes) > HOUR:
            del self._minutes[min(self._minutes)]
        self._slot, self._now = slot, {}

    def models(self, now: float) -> dict[Key, tuple[int, int]]:
        """How many attempts succeeded and how many ended at all in the last three minutes, by route and family."""
        last = int(now) // SLOT
        found: dict[Key, tuple[int, int]] = {}
        for slot, rows in (*self._slots, (self._slot, self._now)):
            if last - SPAN // SLOT < slot <= last:
                for key, (good, bad) in rows.items():
                    before = found.get(key, (0, 0))
                    found[key] = before[0] + good, before[1] + good + bad
        return found

    def minutes(self, now: float) -> list[tuple[int, int]]:
        """How many attempts succeeded and how many failed in each of the last 60 minutes, the oldest first."""
        last = int(now) // 60
        rows = {minute: (good, bad) for minute, (good, bad) in self._minutes.items()}
        here = self._slot * SLOT // 60
        for good, bad in self._now.values():
            before = rows.get(here, (0, 0))
            rows[here] = before[0] + good, before[1] + bad
        return [rows.get(minute, (0, 0)) for minute in range(last - HOUR + 1, last + 1)]
