"""What is kept of a call whose client went away, or whose hold was spent, for when the client comes back.

A retry inherits, it never shares: a place is taken over once, by the next request with the same key.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

import msgspec

from seawall.gateway.memory import Kept
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
    not_before: float = 0.0
    """When it was to be tried again."""
    cause: str = ""
    """Why its last attempt failed, if one did."""
    answer: "asyncio.Future[Kept | None] | None" = None
    """What is kept of the answer that is finished without its client; None in it if that failed. It is cancelled when
    nobody can come for it any more."""
    fallback: str = ""
    """From where else that answer comes, as its headers tell it."""

    @property
    def comes(self) -> bool:
        """Whether that answer is still under way."""
        return self.answer is not None and not self.answer.done()

    def drop(self) -> None:
        """Nobody comes for it any more."""
        if self.answer is None or self.answer.cancel():
            return
        kept = None if self.answer.cancelled() else self.answer.result()
        if kept is not None:
            kept.take()


class Places:
    """Places by key, each kept for a while."""

    def __init__(self, keep: float, keep_spent: float) -> None:
        self._keep = keep
        self._keep_spent = keep_spent
        self._places: OrderedDict[Key, tuple[float, Place]] = OrderedDict()
        self._coming: dict[Key, Place] = {}
        """Those whose answer is under way: their time begins with its end."""
        self._spent: OrderedDict[Key, float] = OrderedDict()

    def leave(self, key: Key, place: Place, now: float) -> None:
        """Keep a place. The place of an equal call that left before is the older one, and goes."""
        older = self._pop(key)
        if older is not None:
            older.drop()
        if place.comes:
            self._coming[key] = place
            return
        self._places[key] = (now + self._keep, place)
        if len(self._places) > _MOST:
            self._drop_oldest()

    def came(self, key: Key, place: Place, now: float) -> None:
        """The answer that this place has been kept for came to its end."""
        if self._coming.get(key) is place:
            del self._coming[key]
            self.leave(key, place, now)

    def take_over(self, key: Key, now: float) -> Place | None:
        """The place left under `key`, once."""
        until, place = self._places.pop(key, (0.0, None))
        if place is None:
            return self._coming.pop(key, None)
        if now < until:
            return place
        place.drop()
        return None

    def _pop(self, key: Key) -> Place | None:
        return self._coming.pop(key, None) or self._places.pop(key, (0.0, None))[1]

    def _drop_oldest(self) -> None:
        _, (_, place) = self._places.popitem(last=False)
        place.drop()

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
        return bool(self._places or self._coming)

    @property
    def any_spent(self) -> bool:
        """Whether any call's hold is spent."""
        return bool(self._spent)

    def tick(self, now: float) -> None:
        """Drop what nobody came back for. Both are in order of leaving, so the oldest come first."""
        while self._places and next(iter(self._places.values()))[0] <= now:
            self._drop_oldest()
        while self._spent and next(iter(self._spent.values())) <= now:
            self._spent.popitem(last=False)
