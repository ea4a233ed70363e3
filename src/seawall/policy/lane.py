"""One lane: the calls of one account to one model family at one upstream, and who of them may go when.

Queue, pacer, limiter, breaker and budget in one: told what happens, asked who is next. Nothing here waits, and the same
events at the same moments give the same answers. Moments are monotonic seconds.
"""

import math
import random
from dataclasses import dataclass

import msgspec

from seawall.config import Gateway
from seawall.policy.breaker import Breaker
from seawall.policy.budget import Budget
from seawall.policy.limiter import Kind, Limiter
from seawall.policy.load import Load
from seawall.policy.pacer import Cost, Level, Pacer
from seawall.policy.queue import Queue, Ticket


class Sent(msgspec.Struct, eq=False):
    """An attempt under way, as the lane knows it."""

    ticket: Ticket
    cost: Cost
    kind: Kind
    at: float
    probe: int
    """Its number where it is the breaker's probe, else 0; and the same for the host's."""
    host_probe: int
    marks: list[float]
    accepted: bool = False


@dataclass(slots=True)
class Wait:
    """Nobody may go now."""

    until: float
    """Ask again then, or when something happened; inf: only then."""
    why: str
    """`backoff`, `breaker`, `host`, `limiter`, `budget`, `concurrency`, or the limit of one's own that it is."""
    at: float
    """When the head may go, as far as is known; inf where that hangs on others."""


_PAID = Cost(0.0, 0.0)
_NO_MARKS: list[float] = []


class Lane:
    """The state of one lane. `host` is shared by the lanes of one upstream: whether it can be reached at all."""

    def __init__(self, settings: Gateway, host: Breaker, rng: random.Random) -> None:
        self._settings = settings
        self.load = Load()
        self.queue = Queue(settings.queue)
        self.pacer = Pacer(settings.pacer)
        self.limiter = Limiter(settings.limiter, self.load, rng)
        self.breaker = Breaker(settings.breaker, rng)
        self.host = host
        self.budget = Budget(settings.budget)
        self.running = 0
        """Accepted, and not ended."""

    # -- who is next ----------------------------------------------------------------------------------------------

    def at_once(self, ticket: Ticket, now: float) -> Sent | None:
        """The newcomer's attempt, where nobody waits and it may go; one that `waits` for nothing needs only room."""
        if not ticket.waits and self.load.in_flight < self._settings.concurrency:
            self.queue.stamp(ticket)
            return self._send(ticket, self._cost(ticket), now)
        if self.queue.size or ticket.not_before > now:
            return None
        cost = self._cost(ticket)
        if self._when(cost, now)[0] > now:
            return None
        self.queue.go_by(ticket)
        return self._send(ticket, cost, now)

    def enter(self, ticket: Ticket, now: float) -> Sent | None:
        """The newcomer's attempt, where nobody waits and it may go; else it stands in line."""
        sent = self.at_once(ticket, now)
        if sent is None:
            self.join(ticket, now)
        return sent

    def join(self, ticket: Ticket, now: float) -> None:
        """One more waits, or again."""
        self.limiter.queue_changed(now)
        self.queue.join(ticket, now)
        self.load.queued = self.queue.size

    def leave(self, ticket: Ticket, now: float) -> None:
        """It waits no more."""
        self.limiter.queue_changed(now)
        self.queue.leave(ticket)
        self.load.queued = self.queue.size

    def next(self, now: float) -> Sent | Wait | None:
        """Who goes now, or until when nobody does; None where nobody waits."""
        ticket = self.queue.head(now)
        if ticket is None:
            return self._nobody_yet()
        cost = self._cost(ticket)
        at, why = self._when(cost, now)
        if at > now:
            until = at
            if at == math.inf and why in ("host", "breaker"):  # a probe is under way
                until = (self.host if why == "host" else self.breaker).patient_until
            return Wait(min(until, self.queue.next_moment()), why, at)
        self.limiter.queue_changed(now)
        self.queue.take(ticket)
        self.load.queued = self.queue.size
        return self._send(ticket, cost, now)

    def peek(self, now: float) -> Wait | None:
        """When the head may go and what it waits for, without letting it; None where nobody waits."""
        ticket = self.queue.head(now)
        if ticket is None:
            wait = self._nobody_yet()
            if wait is None:
                return None
            # Whatever the first of them takes, it goes no sooner than the least.
            at, why = self._when(_PAID, now)
            return Wait(at, why, at) if at > wait.at else wait
        at, why = self._when(self._cost(ticket), now)
        return Wait(at, why, at)

    def limit(self, now: float) -> int | None:
        """How many attempts may be under way; None where nothing says so just now."""
        most, limit = self._settings.concurrency, self.limiter.limit(now)
        return limit if self.load.in_flight < most else min(most, limit if limit is not None else most)

    def head_cost(self, now: float) -> Cost | None:
        """What the next will take from the account's limits."""
        ticket = self.queue.head(now)
        return self._cost(ticket) if ticket is not None else None

    def _cost(self, ticket: Ticket) -> Cost:
        cost = self.pacer.cost(ticket.size, ticket.most_output)
        if ticket.least > cost.input:
            cost.input = ticket.least
        return cost

    def _nobody_yet(self) -> Wait | None:
        """All who wait do so by themselves, until then."""
        until = self.queue.next_moment()
        return Wait(until, "backoff", until) if self.queue.size else None

    def _when(self, cost: Cost, now: float) -> tuple[float, str]:
        """When an attempt of this cost may go, and who says so."""
        if self.load.in_flight >= self._settings.concurrency:
            return math.inf, "concurrency"
        is_open = self.host.open or self.breaker.open
        if is_open:
            at = self.host.when(now)
            if at > now:
                return at, "host"
            at = self.breaker.when(now)
            if at > now:
                return at, "breaker"
        at, why = self.pacer.when(cost, now)
        if is_open or at > now:
            return at, why
        at = self.limiter.when(now)
        if at > now:
            return at, "limiter"
        at = self.budget.when(now)
        return at, "budget" if at > now else ""

    def _send(self, ticket: Ticket, cost: Cost, now: float) -> Sent:
        probe = self.breaker.send(now) if self.breaker.open and ticket.waits else 0
        host_probe = self.host.send(now) if self.host.open and ticket.waits else 0
        kind = Kind.PROBE if self.breaker.open or self.host.open else self.limiter.send(now)
        self.load.in_flight += 1
        self.budget.send(now)
        return Sent(ticket, cost, kind, now, probe, host_probe, self.pacer.send(cost, now))

    # -- what became of it ----------------------------------------------------------------------------------------

    def hear(self, sent: Sent, levels: list[Level], now: float, *, taken: bool = True) -> None:
        """An answer's headers said what is left of the account's limits; `taken`: it was let in."""
        self.pacer.hear(levels, sent.marks, sent.at, now, sent.cost if taken else _PAID)

    def accepted(self, sent: Sent, now: float) -> None:
        """The upstream took it: its stream runs."""
        sent.accepted = True
        sent.cost, sent.marks = _PAID, _NO_MARKS  # a stream may run for long
        self.running += 1
        self.host.accepted(now)
        self.budget.count(now, refused=False)
        self.pacer.accepted(sent.at)
        if self.breaker.accepted(now, sent.at):
            self.limiter.ramp(now)
        else:
            self.limiter.accepted(sent.kind, now, sent.at)

    def refused(self, sent: Sent, now: float) -> None:
        """The upstream refused it for load, or failed."""
        self._over(sent)
        self.host.accepted(now)  # it answered, whatever it said
        self._refused(sent, now)

    def unreachable(self, sent: Sent, now: float) -> None:
        """No connection could be made."""
        self._over(sent)
        if sent.ticket.waits or not self.host.open:
            self.host.refused(now, sent.host_probe)
        self._refused(sent, now)

    def _refused(self, sent: Sent, now: float) -> None:
        self.budget.count(now, refused=True)
        # In an outage calls that wait for nothing do not put off the probes of those who wait.
        if sent.ticket.waits or not self.breaker.open:
            self.breaker.refused(now, sent.probe)
        self.limiter.refused(sent.kind, now, self.breaker.streak)
        if self.breaker.open:
            self.limiter.stop()

    def limited(
        self, sent: Sent, levels: list[Level], retry_after: float | None, now: float, named: str = ""
    ) -> str:
        """The account's own limits refused it, of which the answer's words may have `named` one: no word on the
        service's load. The limit that it is larger than, or an empty text."""
        self.dropped(sent, now)
        self.host.accepted(now)
        if named == "tokens":
            sent.ticket.least = max(sent.ticket.least, self.pacer.larger(levels, sent.cost, retry_after))
        return self.pacer.limited(levels, sent.cost, retry_after, now, named)

    def ended(self, sent: Sent, now: float) -> None:
        """Its stream ended."""
        self._over(sent)
        if not self.breaker.open:
            self.limiter.ended(now)

    def dropped(self, sent: Sent, now: float) -> None:
        """It ended without a verdict on load."""
        if sent.accepted:
            self.ended(sent, now)
            return
        self._over(sent)
        self.breaker.returned(sent.probe)
        self.host.returned(sent.host_probe)
        self.limiter.returned(sent.kind)

    def _over(self, sent: Sent) -> None:
        self.load.in_flight -= 1
        self.running -= sent.accepted
