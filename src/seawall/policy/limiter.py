"""How fast the number of running streams may grow: the control law. Moments are monotonic seconds.

A stream that ended proves one free slot, so its replacement goes at once. Anything beyond that, a surplus attempt, is
paced at a rate which acceptances multiply up and refusals down.

What a refusal does not say is whose doing it is. While few requests wait and few are refused it does not matter: each
tries again about once a second, and work goes on. With a backlog, or many refusals, it does. Then the lane looks: it
leaves streams that end without a replacement until a third fewer run, and weighs the verdicts there. Were the refusals
our doing, they are gone, and the lane stays low and tries gently. A few acceptances in a row let it climb, and the next
refusal takes that back. Are they as many as before, less load buys nothing, and it goes on trying. A conclusion holds
for a while, or until verdicts speak against it.
Why this law and no other: decision 0021.
"""

import math
import random
from enum import Enum, StrEnum

from seawall.config import Limiter as Params
from seawall.policy.load import Load


class Kind(Enum):
    """Why an attempt was let go."""

    REPLACEMENT = "replacement"
    SURPLUS = "surplus"
    PROBE = "probe"


class State(StrEnum):
    """What the limiter makes of the refusals it has seen."""

    CALM = "calm"
    """There are none."""
    STRAINED = "strained"
    """There are some, but hardly anybody waits."""
    OWN = "own"
    """A backlog, and as far as is known our own load is the reason."""
    FOREIGN = "foreign"
    """A backlog, and less load of ours did not help."""


# On the path of every call, where an enum's attribute costs as much as a call of a function.
_REPLACEMENT, _CALM = Kind.REPLACEMENT, State.CALM


class Limiter:
    """The law of one lane: asked `when`, told what became of each attempt."""

    __slots__ = (
        "_acceptance_at",
        "_acceptance_rate",
        "_accepted_in_row",
        "_backlog",
        "_backlog_at",
        "_balance",
        "_base",
        "_concluded",
        "_credit",
        "_found",
        "_height",
        "_hold",
        "_load",
        "_looks",
        "_next",
        "_p",
        "_proof",
        "_refused_at",
        "_rng",
        "_skip",
        "_some",
        "_until",
        "ramping",
        "rate",
    )

    def __init__(self, params: Params, load: Load, rng: random.Random) -> None:
        self._p, self._load, self._rng = params, load, rng
        self.rate = params.up
        """Surplus attempts a second, before its bounds."""
        self._next = 0.0
        """When the next surplus attempt may go."""
        self._credit = 0.0
        """Streams that ended and may be replaced."""
        self._skip = 0.0
        """Streams whose end will not be followed by a replacement."""
        self._refused_at = -math.inf
        self._acceptance_rate = self._acceptance_at = 0.0
        self._accepted_in_row = 0
        """Of those sent after the last refusal."""
        self._proof = 0.0
        """The same, each weighed by what it says of room."""
        self._base: float | None = None
        """OWN: the rate from before it began to climb; None while it does not."""
        self.ramping = False
        """An outage is over, and nothing was refused since."""
        self._backlog = self._backlog_at = 0.0
        """How many waited lately."""
        self._found = State.STRAINED
        """What it makes of refusals, when there are any."""
        self._looks = False
        """OWN: whether that is still to be found out."""
        self._height = 0
        """A third fewer is counted from here: the most under way since it began to look, or, once it has
        concluded, what was under way then."""
        self._balance, self._some = 0.0, False
        """Refusals less acceptances, weighed as the state demands; whether any acceptance was among them."""
        self._until, self._hold = -math.inf, params.look_again
        """Until when the conclusion holds, and for how long the last one was to."""
        self._concluded: State | None = None

    # -- questions ------------------------------------------------------------------------------------------------

    def when(self, now: float) -> float:
        """The moment from which one more attempt may go, as things stand."""
        if self._credit >= 1:
            return now
        return self._next

    def state(self, now: float) -> State:
        """What it makes of the refusals so far."""
        return _CALM if now - self._refused_at > self._p.quiet else self._found

    def limit(self, now: float) -> int | None:
        """Streams that it would let run now; None while nothing limits them."""
        return None if self.state(now) is State.CALM else self._load.in_flight + int(self._credit)

    # -- what happens ---------------------------------------------------------------------------------------------

    def send(self, now: float) -> Kind:
        """An attempt goes; what it counts as."""
        if self._credit >= 1:
            self._credit -= 1
            return _REPLACEMENT
        p, most, late = self._p, self._most(), self._p.late
        match self.state(now):
            case State.CALM:
                # What takes so many a second may be given as many more: short answers end before a fleet has begun.
                self.rate = most = max(most, p.calm_rate, self._acceptance_rate)
                # A handful of calls at once is no stampede.
                late = (p.calm_burst - 1) / most
            case State.STRAINED:
                most = min(most, max(p.most_rate, p.waiting_rate * self._load.queued))
            case _:
                pass
        rate = min(max(self.rate, self._least()), most)
        self._next = max(self._next, now - late) + self._rng.uniform(0.6, 1.4) / rate
        return Kind.SURPLUS

    def accepted(self, kind: Kind, now: float, sent_at: float = math.inf) -> None:
        """The upstream took what was sent then."""
        p, state = self._p, self.state(now)
        self._count(kind, 0, state, now)
        self._skip = 0.0
        proves = sent_at > self._refused_at
        if proves:
            self._accepted_in_row += 1
        if state is _CALM:
            return
        if proves:
            # A surplus attempt is load that was not there before: the fewer run, the more of it.
            more = 0 if kind is _REPLACEMENT else p.climb_weight / max(1, self._load.in_flight)
            self._proof += 1 + more
        own = state is State.OWN
        climbs = own and self._proof >= p.climb_from
        if kind is _REPLACEMENT and not climbs:
            return
        before = self.rate
        gently = own and not climbs and not self.ramping
        rate = max(before, self._least()) * (p.own_up if gently else p.up)
        if climbs:
            rate = max(rate, self._climb())
            self._base = before if self._base is None else self._base
        self.rate = min(self._most(), rate)
        if self.rate > before:
            self._next = min(self._next, now + 1 / self.rate)

    def refused(self, kind: Kind, now: float, streak: int) -> None:
        """The upstream refused it for load; `streak` times in a row with this."""
        p = self._p
        if now - self._refused_at > p.quiet:
            self.rate = min(self.rate, max(p.most_rate, self._least()))
            self._forget()
            self._credit = min(self._credit, self._most_credit())
            self._next = max(self._next, now)
        self._refused_at, self.ramping, self._accepted_in_row, self._proof = now, False, 0, 0.0
        base, self._base = self._base, None
        self._count(kind, streak, self._found, now)
        own = self._found is State.OWN
        if kind is not Kind.REPLACEMENT:
            self.rate = max(self._least(), self.rate * (p.own_down if own else p.foreign_down))
        elif own:
            self._skip = min(p.skip_most, self._skip + p.skip_step * streak)
        if own and base is not None:
            # There was no room after all: as if it had not climbed.
            self.rate = max(self._least(), min(self.rate, base))
        self._next = max(self._next, now + p.refusal_gap / self.rate)

    def ended(self, now: float) -> None:
        """An accepted stream ended, however: its slot is free."""
        calm = now - self._refused_at > self._p.quiet
        low = self._looks and not calm and self._is_low()
        if self._looks and not calm and not low:
            return
        if self._skip >= 1 and not low:
            self._skip -= 1
            return
        if self._skip >= 1:
            self._skip = 0.0
        most, credit = self._most_credit(), self._credit + 1
        if calm:
            most += self._p.spare_time * self._acceptance_rate
        self._credit = credit if credit < most else most

    def returned(self, kind: Kind) -> None:
        """An attempt ended without a verdict: what it used up is there again."""
        if kind is Kind.REPLACEMENT:
            self._credit += 1

    def queue_changed(self, now: float) -> None:
        """More or fewer wait than a moment ago."""
        if now <= self._backlog_at:
            return
        kept = math.exp((self._backlog_at - now) / self._p.backlog_time)
        self._backlog = self._backlog * kept + self._load.queued * (1 - kept)
        self._backlog_at = now

    def stop(self) -> None:
        """The breaker is open: whatever was known of slots is void."""
        self._credit = 0.0
        self._find(State.STRAINED, -math.inf)

    def ramp(self, now: float) -> None:
        """The breaker closed: begin anew, and double with each acceptance until the first refusal."""
        self.rate = max(self._p.most_rate, self._p.ramp_fleet_rate * self._load.fleet)
        self._next, self.ramping = now, True
        self._credit = self._skip = 0.0

    # -- its parts ------------------------------------------------------------------------------------------------

    def _count(self, kind: Kind, streak: int, state: State, now: float) -> None:
        """Remember a verdict, the nth refusal in a row or an acceptance (0): for the rate of acceptances, and for
        what it says of whose doing refusals are."""
        p, refused = self._p, streak > 0
        self._acceptance_rate *= math.exp((self._acceptance_at - now) / p.acceptance_time)
        self._acceptance_at = now
        if not refused:
            self._acceptance_rate += 1 / p.acceptance_time
        if state is _CALM:
            return
        match state:
            case State.STRAINED:
                many = self._weigh(refused, p.strained_share) >= p.strained_most
                if (many and self._load.queued > p.backlog_least) or (
                    now > self._until and self._has_backlog(now)
                ):
                    self._find(State.OWN, looks=True)
            case State.OWN if self._is_over(now):
                self._find(State.STRAINED)
            case State.OWN if self._looks:
                self._look(refused, now)
            case State.OWN:
                # Less load once more did not help. A service that shrinks refuses several in a row, and they end it.
                if kind is _REPLACEMENT and streak == 1 and self._is_low():
                    self._until = -math.inf
                if now > self._until and not refused:
                    # Not from the rate it came down to: before the pause was over nothing would have been tried.
                    self._find(State.STRAINED, now + p.own_pause)
                    self.rate = max(self.rate, self._climb())
                    self._next = min(self._next, now + 1 / self.rate)
            case State.FOREIGN:
                if now > self._until:
                    self._find(State.STRAINED)
                elif self._weigh(refused, p.foreign_share) >= p.foreign_most:
                    self._find(State.OWN, looks=True)

    def _weigh(self, refused: bool, share: float) -> float:
        """Refusals of late beyond this share of them for each acceptance."""
        self._balance = max(0.0, self._balance + (1 if refused else -share))
        return self._balance

    def _look(self, refused: bool, now: float) -> None:
        """A verdict on the way down, or there. Where all are refused nothing is concluded: capacity may be falling
        still, or it is an outage and the breaker's business."""
        p = self._p
        self._height = max(self._height, self._load.in_flight)
        if self._accepted_in_row >= p.own_run:
            self._conclude(State.OWN, now)
            return
        if not self._is_low():
            return
        self._balance += 1 if refused else -1
        self._some = self._some or not refused
        if self._balance >= p.look_margin and self._some:
            self._conclude(State.FOREIGN, now)
            self.rate, self._skip, self._next = max(self.rate, self._most() / 4), 0.0, now
        elif self._balance <= -p.look_margin:
            self._conclude(State.OWN, now)

    def _conclude(self, state: State, now: float) -> None:
        p = self._p
        self._hold = min(p.look_most, 2 * self._hold) if state is self._concluded else p.look_again
        self._concluded = state
        self._find(state, now + self._hold)
        self._height = self._load.in_flight

    def _find(self, state: State, until: float | None = None, *, looks: bool = False) -> None:
        self._found, self._looks = state, looks
        self._balance, self._some, self._height = 0.0, False, 0
        if until is not None:
            self._until = until

    def _forget(self) -> None:
        """A new episode."""
        self._concluded = None
        self._find(State.STRAINED, -math.inf)

    def _is_over(self, now: float) -> bool:
        """Nobody need care any more whose doing it was."""
        few = self._load.queued <= self._p.backlog_least
        return not self._has_backlog(now) and (few or self._accepted_in_row >= self._p.own_run)

    def _is_low(self) -> bool:
        """Far enough below where it began to shrink for a look, or where it concluded for a doubt."""
        return self._load.in_flight <= max(1, min(self._height - 1, self._p.depth * self._height))

    def _has_backlog(self, now: float) -> bool:
        self.queue_changed(now)
        p = self._p
        return self._backlog > max(p.backlog_least, p.backlog_share * self._load.in_flight)

    def _most_credit(self) -> float:
        return self._p.spare + self._p.spare_share * self._load.in_flight

    def _climb(self) -> float:
        return self._p.climb_fleet_rate * self._load.fleet

    def _most(self) -> float:
        p = self._p
        most = max(p.most_rate, p.fleet_rate * self._load.fleet)
        return most * p.ramp_share if self.ramping else most

    def _least(self) -> float:
        p = self._p
        return max(p.least_rate, p.least_share * self._acceptance_rate, self._load.queued / p.queue_time)
