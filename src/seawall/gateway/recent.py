"""How attempts ended lately: of the last minutes by model family, of the last hour by the minute."""

from collections import deque

SLOT = 20
"""Seconds that are counted together."""
SPAN = 180
"""Seconds that models are looked at for; `user-surface` section 11 shows three minutes."""
HOUR = 60
"""Minutes that are remembered."""


class Recent:
    """Counts of attempts: some kilobytes, however many there are."""

    def __init__(self) -> None:
        self._slot = -1
        self._now: dict[str, list[int]] = {}
        self._slots: deque[tuple[int, dict[str, list[int]]]] = deque(maxlen=SPAN // SLOT)
        self._minutes: dict[int, list[int]] = {}

    def count(self, at: float, family: str, failed: bool, attempts: int = 1) -> None:
        """Attempts of this model family ended at this moment (UTC seconds)."""
        slot = int(at) // SLOT
        if slot != self._slot:
            self._turn(slot)
        row = self._now.get(family)
        if row is None:
            row = self._now[family] = [0, 0]
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

    def models(self, now: float) -> dict[str, tuple[int, int]]:
        """How many attempts succeeded and how many ended at all in the last three minutes, by family."""
        last = int(now) // SLOT
        found: dict[str, tuple[int, int]] = {}
        for slot, rows in (*self._slots, (self._slot, self._now)):
            if last - SPAN // SLOT < slot <= last:
                for family, (good, bad) in rows.items():
                    before = found.get(family, (0, 0))
                    found[family] = before[0] + good, before[1] + good + bad
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
