"""What is kept of a call whose client went away, or whose hold was spent, for when the client comes back.

A retry inherits, it never shares: a place is taken over once, by the next request with the same key.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

import msgspec

from seawall.policy.retry import Standing

_MOST = 10_000
"""Places kept at a time; beyond that the oldest go."""


class Caller(msgspec.Struct, frozen=True):
    """Who makes a call, as far as two requests can be told to be the same caller's. Nobody else takes its place."""

    credential: str
    """Hash of the credential."""
    user: str
    """Of the listener."""
    session: str
    agent: str
    path: bytes


Key = tuple[Caller, bytes]
"""A caller and the digest of a body."""


@dataclass(slots=True)
class Place:
    """What is kept of one call."""

    standing: Standing
    tag: float | None = None
    """Its place in its lane's queue."""
    answer: "asyncio.Future[bytes | None] | None" = None
    """The body of the answer that is finished without its client; None in it if that failed."""
    fallback: str = ""
    """From where else that answer comes, as its headers tell it."""


class Places:
    """Places by key, each kept for a while."""

    def __init__(self, keep: float, keep_spent: float) -> None:
        self._keep = keep
        self._keep_spent = keep_spent
        self._places: OrderedDict[Key, tuple[float, Place]] = OrderedDict()
        self._spent: OrderedDict[Key, float] = OrderedDict()

    def leave(self, key: Key, place: Place, now: float) -> None:
        """Keep a place. The place of an equal call that left before is the older one, and goes."""
        self._places.pop(key, None)
        self._places[key] = (now + self._keep, place)
        if len(self._places) > _MOST:
            self._places.popitem(last=False)

    def take_over(self, key: Key, now: float) -> Place | None:
        """The place left under `key`, once."""
        until, place = self._places.pop(key, (0.0, None))
        return place if now < until else None

    def spend(self, key: Key, now: float) -> None:
        """Remember that the hold of this call is spent."""
        self._spent.pop(key, None)
        self._spent[key] = now + self._keep_spent
        if len(self._spent) > _MOST:
            self._spent.popitem(last=False)

    def is_spent(self, key: Key, now: float) -> bool:
        """Whether this call was given up a short while ago."""
        return now < self._spent.get(key, 0.0)

    @property
    def any_left(self) -> bool:
        """Whether it is worth making a key: digests of large bodies cost."""
        return bool(self._places)

    @property
    def any_spent(self) -> bool:
        """Whether any call's hold is spent."""
        return bool(self._spent)

    def tick(self, now: float) -> None:
        """Drop what nobody came back for. Both are in order of leaving, so the oldest come first."""
        while self._places and next(iter(self._places.values()))[0] <= now:
            self._places.popitem(last=False)
        while self._spent and next(iter(self._spent.values())) <= now:
            self._spent.popitem(last=False)
