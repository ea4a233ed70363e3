"""What is told of attempts as they end: rows for the store, counts for rates, and the state that `status` shows."""

import re
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import msgspec

from seawall import redact
from seawall.causes.cause import Hold, lookup
from seawall.clock import Clock
from seawall.gateway.recent import SLOT, SPAN, Key, Recent
from seawall.gateway.tally import BOUNDS, Tallies, Tally
from seawall.store.latency import Latency, step_of
from seawall.store.rows import Attempt, Count

Sink = Callable[[Attempt | Count | Latency], None]

_CLIENT = re.compile(rb"[A-Za-z0-9_.\-]{1,40}/[A-Za-z0-9_.\-]{1,24}(?: [0-9][A-Za-z0-9_.\-]{0,24})?")
_NAME = 96
"""Bytes of it that are looked at."""
_QUIET = 60.0
"""An episode is over when nothing failed for a minute after a success (user's surface, section 10)."""
_MOST_TOLD = 50
MOST_LANES = 1000
"""That the gateway remembers at once; where there are more it forgets some, not their calls."""
LONG = 100
"""Tokens of an answer that takes a model a second or so: whether its parts came one by one can be seen."""
_STREAMS = 20
_STEPS = tuple(
    step_of((low * high) ** 0.5) for low, high in pairwise((BOUNDS[0] / 2, *BOUNDS, 2 * BOUNDS[-1]))
)
"""The store's step of each bucket of a histogram."""
_PASSES = ("provider.", "network.", "gateway.")
"""Trouble that comes and goes by itself."""


class LaneKey(msgspec.Struct, frozen=True):
    """What is counted, and let go, together: one upstream, one account, one model."""

    route: str
    account: str
    family: str
    version: str = ""

    def of(self, account: str) -> "LaneKey":
        """The same lane under another name of its account."""
        return LaneKey(self.route, account, self.family, self.version)


@dataclass(slots=True)
class Trouble:
    """An episode as it is seen from here: failures of one cause in one lane."""

    cause: str
    since: float
    last: float
    failures: int = 0
    by_api: bool = False
    """One of the failures came from the API itself, whatever lies between."""
    recovered_at: float | None = None
    finished: int = 0
    """Held calls that succeeded after all."""
    given_up: int = 0

    def joined(self, other: "Trouble") -> "Trouble":
        """Both as one: it goes on while one of them does."""
        mine, its = self.recovered_at, other.recovered_at
        return Trouble(
            self.cause,
            min(self.since, other.since),
            max(self.last, other.last),
            self.failures + other.failures,
            self.by_api or other.by_api,
            None if mine is None or its is None else max(mine, its),
            self.finished + other.finished,
            self.given_up + other.given_up,
        )


class _Lane:
    """What ended in one lane and is not added to the rest yet."""

    __slots__ = ("failed", "succeeded", "succeeded_at", "tally")

    def __init__(self, tally: Tally) -> None:
        self.failed: Counter[tuple[str, str]] = Counter()
        """By cause, and by what became of the call."""
        self.succeeded = 0
        self.succeeded_at = 0.0
        self.tally = tally


def client_name(user_agent: bytes | None) -> str:
    """The client's name and version, `claude-cli/2.1.329` or `Anthropic/Python 2.11.0`; empty where none is said."""
    return _name_in(user_agent[:_NAME]) if user_agent else ""


@lru_cache(64)
def _name_in(user_agent: bytes) -> str:
    match = _CLIENT.match(user_agent)
    name = match[0].decode() if match else ""
    # A client may write anything there, a key too.
    return "" if redact.random_looking(name, 8) or redact.keyed(name) else name


def utc_offset(at: float) -> int:
    """Minutes east of UTC at a moment, by this machine's zone."""
    return time.localtime(at).tm_gmtoff // 60


class Records:
    """Counts what ends and hands rows to a sink, which must not wait."""

    def __init__(
        self, clock: Clock, sink: Sink | None, route: str = "", account: Callable[[str], str] = str
    ) -> None:
        """`route`: where calls go; what fails at any other is a fallback's trouble. Empty: all is the calls' own.
        `account`: under which name an account is known by now."""
        self._clock = clock
        self._account = account
        self._route = route
        self._sink = sink
        self._counts: Counter[tuple[int, LaneKey, str]] = Counter()
        self._timed: dict[tuple[str, str], list[int]] = {}
        """The upstream's histograms as they were last handed on, by route and family."""
        self._troubles: dict[tuple[LaneKey, str], Trouble] = {}
        self.calls = 0
        self.own_hold = 0
        """Those that named a hold of their own."""
        self.recovered = 0
        self.lost = 0
        self.fell_back = 0
        """Calls that another model or address answered."""
        self.unread = 0
        """Answers that were forwarded as they came: encoded, or too large. Counted as successes, as far as is known."""
        self.unwritten = 0
        self.cut_at: float | None = None
        """When an answer last broke off after content of it had been sent."""
        self.succeeded_at: float | None = None
        self._recent = Recent()
        self._succeeded_at: dict[Key, float] = {}
        """The last success of each route and family."""
        self._tallies = Tallies()
        self._lanes: dict[LaneKey, _Lane] = {}
        """What ends is counted once, where it ends, and added to all the rest by the slot."""
        self._since = self._until = 0.0
        """The slot that this belongs to: no hour and no minute ends within it."""
        self._streams: deque[tuple[float, float, float, int]] = deque(maxlen=_STREAMS)
        """Of the last long streams: when each ended, seconds to its first content and to its end, tokens."""

    def succeed(self, lane: LaneKey, added: float | None, upstream: float) -> None:
        """One attempt succeeded: seconds that its call was with Seawall before (None where failures came before), and
        seconds from then until its answer began."""
        at = self._clock.wall()
        if not self._since <= at < self._until:
            self._turn(at)
        here = self._lanes.get(lane) or self._lane(lane)
        here.succeeded += 1
        tally = here.tally
        if added is not None:
            tally.added.add(added)
        tally.upstream.add(upstream)
        self.succeeded_at = here.succeeded_at = at
        if self._troubles:
            self._recover(lane, at)

    def count(self, lane: LaneKey, cause: str, then: str = "", by_api: bool = False) -> None:
        """One attempt failed, and `then` became of its call; `by_api`: the API itself said so."""
        at = self._clock.wall()
        if not self._since <= at < self._until:
            self._turn(at)
        self._lane(lane).failed[cause, then] += 1
        key = self._known(lane), cause
        trouble = self._troubles.get(key)
        if trouble is None:
            trouble = self._troubles[key] = Trouble(cause, at, at)
        trouble.last = at
        trouble.recovered_at = None
        trouble.failures += 1
        trouble.by_api |= by_api

    @property
    def tallies(self) -> Tallies:
        """Figures of all calls since the start."""
        self._add_up()
        return self._tallies

    def _lane(self, lane: LaneKey) -> _Lane:
        found = self._lanes.get(lane)
        if found is None:
            if len(self._lanes) >= MOST_LANES:
                self._turn(self._clock.wall())
            found = self._lanes[lane] = _Lane(self._tallies.of(lane.route, lane.family))
        return found

    def _turn(self, at: float) -> None:
        """A slot ended, or the clock was set."""
        self._add_up()
        self._lanes.clear()  # those that are in use come again
        self._since = at - at % SLOT
        self._until = self._since + SLOT

    def _add_up(self) -> None:
        """Add what ended in this slot so far to the rest."""
        hour = int(self._since // 3600)
        for key, lane in self._lanes.items():
            of = key.route, key.family
            for (cause, then), attempts in lane.failed.items():
                self._counts[hour, key, cause] += attempts
                self._recent.count(self._since, of, True, attempts)
                lane.tally.failed[cause, then] += attempts
            lane.failed.clear()
            if lane.succeeded:
                self._counts[hour, key, ""] += lane.succeeded
                self._recent.count(self._since, of, False, lane.succeeded)
                self._succeeded_at[of] = max(lane.succeeded_at, self._succeeded_at.get(of, 0.0))
                lane.tally.succeeded += lane.succeeded
                lane.succeeded = 0

    def rename(self, credential: str, account: str) -> None:
        """This credential's account is known now: its troubles go on under that name."""
        for (lane, cause), old in tuple(self._troubles.items()):
            if lane.account == credential:
                del self._troubles[lane, cause]
                key = lane.of(account), cause
                known = self._troubles.get(key)
                self._troubles[key] = old if known is None else known.joined(old)

    def _known(self, lane: LaneKey) -> LaneKey:
        """The same lane under its account's name of now: a held call keeps the one that it came with."""
        account = self._account(lane.account)
        return lane if account == lane.account else lane.of(account)

    def _recover(self, lane: LaneKey, at: float) -> None:
        lane = self._known(lane)
        for (other, _), trouble in self._troubles.items():
            if other == lane and trouble.recovered_at is None:
                trouble.recovered_at = at

    def streamed(self, first: float, whole: float, tokens: int | None) -> None:
        """A stream is whole: seconds from the request to its first content and to its end, and the tokens it took."""
        if tokens is not None and tokens >= LONG:
            self._streams.append((self._clock.wall(), first, whole, tokens))

    def ended(self, lane: LaneKey, cause: str, *, finished: bool) -> None:
        """A call that had failed for this cause came to its end: with an answer, or given up."""
        trouble = self._troubles.get((self._known(lane), cause))
        if finished:
            self.recovered += 1
        else:
            self.lost += 1
        if trouble is not None:
            trouble.finished += finished
            trouble.given_up += not finished

    def cut(self) -> None:
        """An answer broke off after content of it had been sent."""
        self.lost += 1
        self.cut_at = self._clock.wall()

    def write(self, row: Attempt | Count | Latency) -> None:
        """Keep one row; whatever becomes of it, calls go on."""
        if isinstance(row, Attempt) and row.ended != "retried" and row.held > 0:
            tally = self._tallies.of(row.route, row.family)
            tally.holds[row.ended] += 1
            tally.held.add(row.held)
        if self._sink is None:
            return
        try:
            self._sink(row)
        except Exception:
            self.unwritten += 1

    def flush(self) -> None:
        """Hand on the counts so far, and forget episodes that are over."""
        self._add_up()
        counts, self._counts = self._counts, Counter()
        for (hour, lane, cause), attempts in counts.items():
            offset = utc_offset(hour * 3600.0)
            self.write(Count(hour, offset, lane.route, lane.family, lane.account, cause, attempts))
        self._hand_on_latencies()
        self._tallies.sample(self._clock.now())
        now = self._clock.wall()
        for key, trouble in tuple(self._troubles.items()):
            over = trouble.recovered_at is not None and now - trouble.recovered_at > _QUIET
            if over or now - trouble.last > 3600:
                del self._troubles[key]

    def _hand_on_latencies(self) -> None:
        """How long answers took to begin since the last time, from figures that are counted anyway."""
        hour = int(self._clock.wall() // 3600)
        for (route, family), tally in self.tallies.by_name.items():
            counts, before = tally.upstream.counts, self._timed.get((route, family), [0] * len(_STEPS))
            if counts != before:
                self._timed[route, family] = counts.copy()
                for step, now, then in zip(_STEPS, counts, before, strict=True):
                    if now > then:
                        self.write(Latency(hour, utc_offset(hour * 3600.0), route, family, step, now - then))

    def cause_in(self, lane: LaneKey, since: float) -> str:
        """Why this lane fails, by its last failure; empty where none came after `since`, or a success after it."""
        lane = self._known(lane)
        here = (t for (key, _), t in self._troubles.items() if key == lane and t.recovered_at is None)
        last = max(here, key=lambda t: t.last, default=None)
        return last.cause if last is not None and last.last >= since else ""

    def waited_out(self, lane: LaneKey, since: float) -> str:
        """What calls wait for in this lane: the cause of its last failure that goes on, or came after `since`, and that
        may be waited out; else of its upstream's last that nobody can reach. Empty where there is none.
        """
        lane = self._known(lane)
        lately = [
            (key, t) for (key, _), t in self._troubles.items() if t.recovered_at is None or t.last >= since
        ]
        here = [t for key, t in lately if key == lane and lookup(t.cause).hold is not Hold.NO]
        away = [t for key, t in lately if key.route == lane.route and t.cause.startswith("network.")]
        last = max(here or away, key=lambda t: t.last, default=None)
        return last.cause if last is not None else ""

    def trouble(self, cause: str = "") -> Trouble | None:
        """The oldest episode that is going on where calls go, of this cause if one is named."""
        going_on = [t for t in self._going_on() if cause in ("", t.cause)]
        return min(going_on, key=lambda t: t.since, default=None)

    def lasting(self) -> float:
        """Seconds that the oldest trouble goes on already which nobody here can mend; 0 where there is none."""
        going_on = [t.since for t in self._going_on() if t.cause.startswith(_PASSES)]
        return max(0.0, self._clock.wall() - min(going_on)) if going_on else 0.0

    def _going_on(self) -> list[Trouble]:
        """Of the calls' own upstream. While that is well nobody tries where they fall back to, so trouble there never
        ends, and concerns nobody."""
        return [t for (lane, _), t in self._troubles.items() if t.recovered_at is None and self._own(lane)]

    def _own(self, lane: LaneKey) -> bool:
        return not self._route or lane.route == self._route

    def told(self) -> dict[str, Any]:
        """What `status` says of troubles that go on or have just ended, the oldest first, and of attempts lately."""
        now = self._clock.wall()
        self._add_up()
        oldest = sorted(self._troubles.items(), key=lambda one: one[1].since)
        told: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
        for (lane, _), trouble in oldest:
            told[self._own(lane)].append(msgspec.structs.asdict(lane) | asdict(trouble))
        return {
            "troubles": told[True][:_MOST_TOLD],
            "fallback_troubles": told[False][:_MOST_TOLD],
            "recent": {
                "span": SPAN,
                "models": [
                    {
                        "route": key[0],
                        "family": key[1],
                        "succeeded": good,
                        "tried": tried,
                        "succeeded_at": self._succeeded_at.get(key),
                    }
                    for key, (good, tried) in sorted(self._recent.models(now).items())
                ],
                "minutes": self._recent.minutes(now),
            },
            "streams": [
                {"at": at, "first": round(first, 4), "whole": round(whole, 4), "tokens": tokens}
                for at, first, whole, tokens in self._streams
            ],
            "cut_at": self.cut_at,
            "succeeded_at": self.succeeded_at,
        }
