"""Episodes: stretches of failures of one cause on one route, found in what the store added up."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from itertools import pairwise
from operator import attrgetter

from seawall.store.bursts import MINUTE, Burst, Recovery

APART = 300.0
"""Failures less than so many seconds apart belong together (user's surface, section 10)."""
QUIET = 60.0
"""A success closes an episode if nothing fails for so long after it."""
SHORTEST_ID = 4
"""Hex digits of an id; more where two episodes share them."""

_Lane = tuple[str, str, str]
_order = attrgetter("first", "last", "family", "account")
_last = attrgetter("last")


class End(StrEnum):
    """How an episode ended, as far as anybody saw."""

    RECOVERED = "recovered"
    UNSEEN = "unseen"
    """Nobody was trying any more: it lasted at least so long."""
    OPEN = "open"
    """It goes on."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One stretch of failures. Times are UTC seconds since 1970, lengths are seconds."""

    id: str
    cause: str
    route: str
    families: tuple[str, ...]
    opened_at: float
    last_failure_at: float
    until: float
    """The success that closed it; the last failure where nobody saw the end; now while it goes on."""
    end: End
    attempts: int
    calls: int
    """Calls that met it first, one at least."""
    given_up: int
    broken: int
    utc_offset: int
    """Minutes east of UTC when it began."""
    key: str = ""
    """The whole of its id, under which the store keeps a note of it."""
    holds: tuple[float, float] | None = None
    """The shortest and the longest that a call was held which was given up; None where that is not known."""

    @property
    def lasted(self) -> float:
        """How long; at least so long unless it recovered."""
        return self.until - self.opened_at

    @property
    def ended(self) -> bool:
        """Whether its end was seen."""
        return self.end is End.RECOVERED


@dataclass(slots=True)
class _Stretch:
    """An episode while it is put together."""

    lanes: set[_Lane] = field(default_factory=set)
    bursts: list[Burst] = field(default_factory=list)
    last: float = float("-inf")

    def add(self, burst: Burst) -> None:
        self.bursts.append(burst)
        self.lanes.add((burst.route, burst.family, burst.account))
        self.last = max(self.last, burst.last)

    def ended(self, until: float, end: End) -> Episode:
        first, all_ = self.bursts[0], self.bursts
        key = _digest(first.cause, first.route, first.first)
        holds = [
            (burst.shortest_hold, burst.longest_hold)
            for burst in all_
            if burst.shortest_hold is not None and burst.longest_hold is not None
        ]
        return Episode(
            id=key,
            cause=first.cause,
            route=first.route,
            families=tuple(sorted({burst.family for burst in all_} - {""})),
            opened_at=first.first,
            last_failure_at=self.last,
            until=until,
            end=end,
            attempts=sum(burst.attempts for burst in all_),
            calls=max(1, sum(burst.calls for burst in all_)),
            given_up=sum(burst.given_up for burst in all_),
            broken=sum(burst.broken for burst in all_),
            utc_offset=first.utc_offset,
            key=key,
            holds=(min(a for a, _ in holds), max(b for _, b in holds)) if holds else None,
        )


def episodes(bursts: Iterable[Burst], recoveries: Iterable[Recovery], now: float) -> list[Episode]:
    """The episodes in these rows (in any order), by the time they began. Rows of the future are left out.

    Failures of the same cause and route less than five minutes apart are one episode. A success in a lane that was
    hit closes it if a minute without failure follows; it must come less than five minutes after the last failure,
    or be of a call that was held since: a success the next morning says nothing of when the trouble ended.
    """
    by_kind: dict[tuple[str, str], list[Burst]] = {}
    for burst in bursts:
        if burst.first <= now:
            # What is written while this is read may end a moment later than now.
            known = burst if burst.last <= now else burst._replace(last=now)
            by_kind.setdefault((burst.cause, burst.route), []).append(known)
    successes: dict[_Lane, list[Recovery]] = {}
    for one in sorted(recoveries, key=_last):
        if one.last <= now:
            successes.setdefault((one.route, one.family, one.account), []).append(one)
    found = [episode for rows in by_kind.values() for episode in _of_one_kind(rows, successes, now)]
    found.sort(key=lambda one: (one.opened_at, one.cause, one.route))
    return _named(found)


def unclear(bursts: Iterable[Burst], recoveries: Iterable[Recovery]) -> set[int]:
    """The minutes (since 1970) in which failures end and calls recovered before and after: their order matters.

    For these `episodes` needs each recovery by itself; of all others the sum of a minute says as much.
    """
    minutes: dict[tuple[str, int], list[Recovery]] = {}
    for one in recoveries:
        if one.first < one.last:
            minutes.setdefault((one.route, int(one.last // MINUTE)), []).append(one)
    last: dict[tuple[str, str], float] = {}
    found: set[int] = set()

    def look(route: str, at: float) -> None:
        minute = int(at // MINUTE)
        if any(one.first <= at < one.last for one in minutes.get((route, minute), ())):
            found.add(minute)

    if not minutes:
        return found
    for burst in sorted(bursts, key=_order):
        kind = burst.cause, burst.route
        before = last.get(kind)
        if before is not None and burst.first - before >= QUIET:
            look(burst.route, before)
        last[kind] = burst.last if before is None else max(before, burst.last)
    for (_, route), at in last.items():
        look(route, at)
    return found


def _of_one_kind(
    rows: list[Burst], successes: Mapping[_Lane, Sequence[Recovery]], now: float
) -> list[Episode]:
    found: list[Episode] = []
    current = _Stretch()
    for burst in sorted(rows, key=_order):
        if current.bursts:
            closed = _closed_at(current, successes, burst.first)
            if closed is not None:
                found.append(current.ended(closed, End.RECOVERED))
                current = _Stretch()
            elif burst.first - current.last >= APART:
                found.append(current.ended(current.last, End.UNSEEN))
                current = _Stretch()
        current.add(burst)
    closed = _closed_at(current, successes, now)
    if closed is not None:
        found.append(current.ended(closed, End.RECOVERED))
    elif now - current.last >= APART:
        found.append(current.ended(current.last, End.UNSEEN))
    else:
        found.append(current.ended(now, End.OPEN))
    return found


def _closed_at(
    stretch: _Stretch, successes: Mapping[_Lane, Sequence[Recovery]], following: float
) -> float | None:
    """The first success after its last failure that closes it, given the next failure (or now)."""
    latest = following - QUIET
    if latest < stretch.last:
        return None
    closing: list[float] = []
    for lane in stretch.lanes:
        rows = successes.get(lane, ())
        for at_row in range(bisect_right(rows, stretch.last, key=_last), len(rows)):
            row = rows[at_row]
            at = row.first if row.first > stretch.last else row.last
            if at > latest:
                break
            if at - stretch.last < APART or row.since <= stretch.last:
                closing.append(at)
                break
            if at - stretch.last > 86400.0:  # nothing is held for a day
                break
    return min(closing, default=None)


def _digest(cause: str, route: str, opened_at: float) -> str:
    return sha256(f"{cause}|{route}|{opened_at:.3f}".encode()).hexdigest()[:16]


def _named(found: list[Episode]) -> list[Episode]:
    """The same with ids as short as tells them apart."""
    lengths: dict[str, int] = {}
    ordered = sorted({one.id for one in found})
    for before, after in pairwise(ordered):
        common = next(n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b) + 1
        for one in (before, after):
            lengths[one] = max(lengths.get(one, SHORTEST_ID), common)
    return [replace(one, id=one.id[: lengths.get(one.id, SHORTEST_ID)]) for one in found]
