"""Rows that wait for the store: bounded, the oldest go first when there are too many."""

from collections import deque
from dataclasses import fields
from operator import attrgetter
from threading import Lock
from typing import Any

from seawall.store.latency import Latency
from seawall.store.rows import Attempt, Count

Sum = Count | Latency
"""Rows whose last field is a number that is added up where all others are alike."""
_VALUES = {kind: attrgetter(*(field.name for field in fields(kind))) for kind in (Count, Latency)}


class Backlog:
    """What was put and is not yet written. Any thread may call anything.

    Attempts wait one by one; counts of the same hour and kind are added up here, and so are latencies: a busy hour
    is a few rows. `most` bounds each of the two.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._attempts: deque[Attempt] = deque()
        self._counts: dict[tuple[Any, ...], int] = {}
        """By the kind of row and all its fields but the last."""
        self._in_hand = 0
        self._closed = False
        self.dropped = 0
        """Rows that were lost: too many waited, or they were not fit to be kept."""

    def __len__(self) -> int:
        """Rows that wait, those that are being written among them."""
        return len(self._attempts) + len(self._counts) + self._in_hand

    def put(self, row: Attempt | Sum) -> int:
        """Adds a row and returns how many attempts wait; anything that is no row is dropped."""
        with self._lock:
            if self._closed:
                self.dropped += 1
            elif type(row) is Attempt:
                if len(self._attempts) >= self._most:
                    self._attempts.popleft()
                    self.dropped += 1
                self._attempts.append(row)
            elif type(row) is Count or type(row) is Latency:
                self._add(row)
            else:
                self.dropped += 1
            return len(self._attempts)

    def take(self, most: int, counts: bool) -> tuple[list[Attempt], list[Sum]]:
        """Hands out the oldest attempts, and all counts if asked; then call `done` or `give_back`."""
        with self._lock:
            attempts = [self._attempts.popleft() for _ in range(min(most, len(self._attempts)))]
            folded, self._counts = (self._counts, {}) if counts else ({}, self._counts)
            self._in_hand = len(attempts) + len(folded)
        return attempts, [kind(*alike, n) for (kind, *alike), n in folded.items()]

    def done(self, unfit: int) -> int:
        """What was taken is written, but for `unfit` rows; returns how many were."""
        with self._lock:
            written, self._in_hand = self._in_hand - unfit, 0
            self.dropped += unfit
        return written

    def give_back(self, attempts: list[Attempt], counts: list[Sum]) -> None:
        """What was taken could not be written: it waits again, in front of what came meanwhile."""
        with self._lock:
            self._in_hand = 0
            room = max(0, self._most - len(self._attempts))
            kept = attempts[max(0, len(attempts) - room) :]
            self.dropped += len(attempts) - len(kept)
            self._attempts.extendleft(reversed(kept))
            for count in counts:
                self._add(count)

    def close(self) -> None:
        """Nothing will be written any more: what waits is dropped, and what comes."""
        with self._lock:
            self._closed = True
            self.dropped += len(self._attempts) + len(self._counts) + self._in_hand
            self._attempts.clear()
            self._counts = {}
            self._in_hand = 0

    def _add(self, row: Sum) -> None:
        *alike, number = _VALUES[type(row)](row)
        key = (type(row), *alike)
        try:
            known = self._counts.get(key)
            if known is None and len(self._counts) >= self._most:
                self.dropped += 1
            else:
                self._counts[key] = (known or 0) + number
        except TypeError:  # not hashable, or not a number: no row of ours
            self.dropped += 1
