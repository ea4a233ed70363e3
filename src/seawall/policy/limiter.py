"""How fast the number of running streams may grow: the control law. Moments are monotonic seconds.

A stream that ended proves one free slot, so its replacement goes at once. Anything beyond that, a surplus attempt, is
paced at a rate which acceptances multiply up and refusals down.

What a refusal does not say is whose doing it is. While few requests wait it does not matter: each tries again about
once a second, and work goes on. With a backlog it does. Then the law shrinks, by leaving streams that end without a
replacement, and looks at the verdicts a third further down: were they our doing, the refusals are gone there, and the
lane stays low and tries gently; are they as many as before, shrinking buys nothing, and it goes on trying.
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


class Limiter:
    """The law of one lane: asked `when`, told what became of each attempt."""

    __slots__ = (
        "_acceptance_at",
        "_acceptance_rate",
        "_accepted_in_row",
        "_backlog",
        "_backlog_at",
        "_credit",
        "_foreign_until",
        "_load",
        "_next",
        "_p",
        "_refused_at",
        "_rng",
        "_seen",
        "_seen_refused",
        "_skip",
        "_top",
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
        """Surplus attempts."""
        self.ramping = False
        """An outage is over, and nothing was refused since."""
        self._backlog = self._backlog_at = 0.0
        """How many waited lately."""
        self._foreign_until = -math.inf
        self._top = 0
        """The most that was under way since the lane began to shrink."""
        self._seen, self._seen_refused = 0, 0.0
        """Verdicts seen below, and the share of refusals among them."""

    # -- questions ------------------------------------------------------------------------------------------------

    def when(self, now: float) -> float:
        """The moment from which one more attempt may go, as things stand."""
        if self._credit >= 1:
            return now
        return self._next

    def state(self, now: float) -> State:
        """What it makes of the refusals so far."""
        if now - self._refused_at > self._p.quiet:
            return State.CALM
        if not self._has_backlog(now):
            return State.STRAINED
        return State.FOREIGN if now < self._foreign_until else State.OWN

    def limit(self, now: float) -> int | None:
        """Streams that it would let run now; None while nothing limits them."""
        return None if self.state(now) is State.CALM else self._load.in_flight + int(self._credit)

    # -- what happens ---------------------------------------------------------------------------------------------

    def send(self, now: float) -> Kind:
        """An attempt goes; what it counts as."""
        if self._credit >= 1:
            self._credit -= 1
            return Kind.REPLACEMENT
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

    def accepted(self, kind: Kind, now: float) -> None:
        """The upstream took it."""
        p, state = self._p, self.state(now)
        self._count(kind, False, state, now)
        self._skip = 0.0
        if kind is Kind.REPLACEMENT or state is State.CALM:
            return
        gently = state is State.OWN and self._accepted_in_row < p.own_run and not self.ramping
        before = self.rate
        self.rate = min(self._most(), max(before, self._least()) * (p.own_up if gently else p.up))
        if self.rate > before:
            self._next = min(self._next, now + 1 / self.rate)

    def refused(self, kind: Kind, now: float, streak: int) -> None:
        """The upstream refused it for load; `streak` times in a row with this."""
        p = self._p
        if now - self._refused_at > p.quiet:
            self.rate = min(self.rate, max(p.most_rate, self._least()))
            self._foreign_until = -math.inf
            self._credit = min(self._credit, self._most_credit())
            self._next = max(self._next, now)
        self._refused_at, self.ramping = now, False
        self._count(kind, True, self.state(now), now)
        state = self.state(now)
        if kind is not Kind.REPLACEMENT:
            self.rate = max(self._least(), self.rate * (p.own_down if state is State.OWN else p.foreign_down))
        elif state is State.OWN:
            self._skip = min(p.skip_most, self._skip + p.skip_step * streak)
        self._next = max(self._next, now + p.refusal_gap / self.rate)

    def ended(self, now: float) -> None:
        """An accepted stream ended, however: its slot is free."""
        if self._skip >= 1 and not (self.state(now) is State.OWN and self._is_low()):
            self._skip -= 1
            return
        self._skip = 0.0 if self._skip >= 1 else self._skip
        most = self._most_credit()
        if now - self._refused_at > self._p.quiet:
            most += self._p.spare_time * self._acceptance_rate
        self._credit = min(self._credit + 1, most)

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
        self._foreign_until = -math.inf
        self._forget()

    def ramp(self, now: float) -> None:
        """The breaker closed: begin anew, and double with each acceptance until the first refusal."""
        self.rate, self._next, self.ramping = self._p.ramp_rate, now, True
        self._credit = self._skip = 0.0
        self._forget()

    # -- its parts ------------------------------------------------------------------------------------------------

    def _count(self, kind: Kind, refused: bool, state: State, now: float) -> None:
        """Remember a verdict: for the rate of acceptances, the run, and the look below."""
        p = self._p
        self._acceptance_rate *= math.exp((self._acceptance_at - now) / p.acceptance_time)
        self._acceptance_at = now
        if not refused:
            self._acceptance_rate += 1 / p.acceptance_time
        if kind is Kind.SURPLUS:
            self._accepted_in_row = 0 if refused else self._accepted_in_row + 1
        in_flight = self._load.in_flight
        if state is not State.OWN:
            self._seen, self._seen_refused, self._top = 0, 0.0, in_flight
            return
        self._top = max(self._top, in_flight)
        if not self._is_low():
            return
        self._seen += 1
        self._seen_refused += (refused - self._seen_refused) / self._seen
        if self._seen < p.look_verdicts:
            return
        if self._seen_refused > p.look_share:
            self._foreign_until = now + p.look_again
            self.rate, self._skip, self._next = max(self.rate, self._most() / 4), 0.0, now
        self._forget()
        self._top = in_flight

    def _forget(self) -> None:
        self._seen, self._seen_refused, self._top = 0, 0.0, 0

    def _is_low(self) -> bool:
        """Far enough below where it began to shrink for a look."""
        return self._load.in_flight <= max(1, min(self._top - 1, self._p.depth * self._top))

    def _has_backlog(self, now: float) -> bool:
        self.queue_changed(now)
        p = self._p
        return self._backlog > max(p.backlog_least, p.backlog_share * self._load.in_flight)

    def _most_credit(self) -> float:
        return self._p.spare + self._p.spare_share * self._load.in_flight

    def _most(self) -> float:
        p = self._p
        most = max(p.most_rate, p.fleet_rate * (self._load.queued + self._load.in_flight))
        return most * p.ramp_share if self.ramping else most

    def _least(self) -> float:
        p = self._p
        return max(p.least_rate, p.least_share * self._acceptance_rate, self._load.queued / p.queue_time)
