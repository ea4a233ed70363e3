"""Episodes: stretches of failures of one cause on one route, found in what the store added up."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from itertools import pairwise
from operator import attrgetter

from seawall.history.ids import LONGEST, SHORTEST
from seawall.store.bursts import LONGEST_HOLD, MINUTE, Burst, Recovery

KEPT = 400 * 86400.0
"""Seconds that anybody looks back for an episode: as far as records are kept unless the settings say otherwise."""
APART = 300.0
"""Failures less than so many seconds apart belong together (user's surface, section 10)."""
QUIET = 60.0
"""A success closes an episode if nothing fails for so long after it."""

_Lane = tuple[str, str, str]
_first = attrgetter("first")
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
    unheld: int = 0
    """Of those given up the ones that no gateway held."""

    @property
    def lasted(self) -> float:
        """How long; at least so long unless it recovered."""
        return self.until - self.opened_at

    @property
    def ended(self) -> bool:
        """Whether its end was seen."""
        return self.end is End.RECOVERED


def episodes(bursts: Iterable[Burst], recoveries: Iterable[Recovery], now: float) -> list[Episode]:
    """The episodes in these rows (in any order), by the time they began. Rows of the future are left out.

    Failures of the same cause and route less than five minutes apart are one episode. A success in a lane that was
    hit closes it if a minute without failure follows; it must come less than five minutes after the last failure,
    or be of a call that was held since: a success the next morning says nothing of when the trouble ended.
    """
    successes: dict[_Lane, list[Recovery]] = {}
    for one in sorted(recoveries, key=_last):
        if one.last <= now:
            successes.setdefault((one.route, one.family, one.account), []).append(one)
    found: list[Episode] = []
    for rows in _by_kind(bursts, now).values():
        found += _of_one_kind(rows, successes, now)
    found.sort(key=lambda one: (one.opened_at, one.cause, one.route))
    return _named(found)


def closing(bursts: Iterable[Burst], now: float) -> list[range]:
    """The minutes (since 1970) in which a success may close an episode: of all others `episodes` needs none."""
    spans: list[tuple[int, int]] = []
    for rows in _by_kind(bursts, now).values():
        for _, end, last in _stretches(rows):
            following = rows[end].first if end < len(rows) else now
            latest = min(following - QUIET, last + LONGEST_HOLD)
            spans.append((int(last // MINUTE), int(latest // MINUTE) + 1))
    found: list[range] = []
    for start, stop in sorted(spans):
        if found and start <= found[-1].stop:
            found[-1] = range(found[-1].start, max(found[-1].stop, stop))
        else:
            found.append(range(start, stop))
    return found


def unclear(bursts: Iterable[Burst], recoveries: Iterable[Recovery], now: float) -> set[int]:
    """The minutes (since 1970) in which failures end and calls recovered before and after: their order matters.

    For these `episodes` needs each recovery by itself; of all others the sum of a minute says as much.
    """
    minutes: dict[tuple[str, int], list[Recovery]] = {}
    for one in recoveries:
        if one.first < one.last:
            minutes.setdefault((one.route, int(one.last // MINUTE)), []).append(one)
    if not minutes:
        return set()
    found: set[int] = set()
    for (_, route), rows in _by_kind(bursts, now).items():
        for _, _, last in _stretches(rows):
            minute = int(last // MINUTE)
            if any(one.first <= last < one.last for one in minutes.get((route, minute), ())):
                found.add(minute)
    return found


def _by_kind(bursts: Iterable[Burst], now: float) -> dict[tuple[str, str], list[Burst]]:
    """Bursts of each cause on each route, in their order; those of the future left out."""
    kinds: dict[tuple[str, str], list[Burst]] = {}
    for burst in bursts:
        if burst.first <= now:
            # What is written while this is read may end a moment later than now.
            known = burst if burst.last <= now else burst._replace(last=now)
            kinds.setdefault((burst.cause, burst.route), []).append(known)
    for rows in kinds.values():
        rows.sort(key=_first)  # as the store hands them out they nearly are
    return kinds


def _stretches(rows: Sequence[Burst]) -> Iterator[tuple[int, int, float]]:
    """Where failures follow each other so closely that no success between them counts: from, up to, the last one.

    This walks through every row, of which a dense month has thousands; all else is done a stretch.
    """
    start, last = 0, float("-inf")
    for at, burst in enumerate(rows):
        if burst.first - last >= QUIET and at:
            yield start, at, last
            start = at
        if burst.last > last:
            last = burst.last
    if rows:
        yield start, len(rows), last


def _of_one_kind(
    rows: Sequence[Burst], successes: Mapping[_Lane, Sequence[Recovery]], now: float
) -> Iterator[Episode]:
    begin, lanes = 0, set[_Lane]()
    for start, end, last in _stretches(rows):
        lanes.update((one.route, *lane) for one in rows[start:end] for lane in one.lanes)
        following = rows[end].first if end < len(rows) else now
        closed = _closed_at(lanes, last, successes, following)
        if closed is not None:
            yield _episode(rows[begin:end], last, closed, End.RECOVERED)
        elif following - last >= APART:
            yield _episode(rows[begin:end], last, last, End.UNSEEN)
        elif end == len(rows):
            yield _episode(rows[begin:end], last, now, End.OPEN)
        else:
            continue
        begin, lanes = end, set()


def _episode(rows: Sequence[Burst], last: float, until: float, end: End) -> Episode:
    first = rows[0]
    key = _digest(first.cause, first.route, first.first)
    holds = [
        (burst.shortest_hold, burst.longest_hold)
        for burst in rows
        if burst.shortest_hold is not None and burst.longest_hold is not None
    ]
    return Episode(
        id=key,
        cause=first.cause,
        route=first.route,
        families=tuple(sorted({family for burst in rows for family, _ in burst.lanes} - {""})),
        opened_at=first.first,
        last_failure_at=last,
        until=until,
        end=end,
        attempts=sum(burst.attempts for burst in rows),
        calls=max(1, sum(burst.calls for burst in rows)),
        given_up=sum(burst.given_up for burst in rows),
        broken=sum(burst.broken for burst in rows),
        utc_offset=first.utc_offset,
        key=key,
        unheld=sum(burst.unheld for burst in rows),
        holds=(min(a for a, _ in holds), max(b for _, b in holds)) if holds else None,
    )


def _closed_at(
    lanes: Iterable[_Lane], last: float, successes: Mapping[_Lane, Sequence[Recovery]], following: float
) -> float | None:
    """The first success after the last failure that closes it, given the next failure (or now)."""
    latest = following - QUIET
    if latest < last:
        return None
    closing: list[float] = []
    for lane in lanes:
        rows = successes.get(lane, ())
        for number in range(bisect_right(rows, last, key=_last), len(rows)):
            row = rows[number]
            at = row.first if row.first > last else row.last
            if at > latest:
                break
            if at - last < APART or row.since <= last:
                closing.append(at)
                break
            if at - last > LONGEST_HOLD:
                break
    return min(closing, default=None)


def _digest(cause: str, route: str, opened_at: float) -> str:
    return sha256(f"{cause}|{route}|{opened_at:.3f}".encode()).hexdigest()[:LONGEST]


def _named(found: list[Episode]) -> list[Episode]:
    """The same with ids as short as tells them apart."""
    lengths: dict[str, int] = {}
    ordered = sorted({one.id for one in found})
    for before, after in pairwise(ordered):
        common = next(n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b) + 1
        for one in (before, after):
            lengths[one] = max(lengths.get(one, SHORTEST), common)
    return [replace(one, id=one.id[: lengths.get(one.id, SHORTEST)]) for one in found]
