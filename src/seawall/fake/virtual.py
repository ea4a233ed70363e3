"""The benchmark's work in virtual time: the same agents, capacity and limits, against a lane of the control law itself.

No sockets, no processes, no waiting: twenty minutes of forty agents take a fraction of a second. So tests can hold the
law to bounds, and a change of it can be tried on many seeds. Left out is what is not the law's: bodies, connections,
answers opened before their time, other people's fleets. Times are model seconds.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Final, Protocol

from seawall.config import Gateway
from seawall.fake.agents import BYTES_PER_TOKEN, Outcome, Turn
from seawall.fake.capacity import Capacity
from seawall.fake.laws import Oracle
from seawall.fake.limits import Lane as Buckets
from seawall.fake.limits import LimitsModel
from seawall.fake.score import Attempt
from seawall.fake.work import Drawn, Work, agents_rng, draw
from seawall.policy.backoff import next_delay
from seawall.policy.breaker import Breaker
from seawall.policy.lane import Lane, Sent, Wait
from seawall.policy.limiter import Kind
from seawall.policy.pacer import INPUT, OUTPUT, REQUESTS, Cost, Level
from seawall.policy.queue import Queue, Ticket

_START: Final = 1000.0
"""Zero of the lane's clock is somewhere else than that of the model: nothing may depend on it."""
_REFUSAL: Final = 0.1
"""Until a refusal arrives where no model of the capacity says it."""


class Law(Protocol):
    """What of a lane the simulation speaks to."""

    def join(self, ticket: Ticket, now: float) -> None: ...
    def leave(self, ticket: Ticket, now: float) -> None: ...
    def next(self, now: float) -> Sent | Wait | None: ...
    def hear(self, sent: Sent, levels: list[Level], now: float) -> None: ...
    def accepted(self, sent: Sent, now: float) -> None: ...
    def refused(self, sent: Sent, now: float) -> None: ...
    def limited(self, sent: Sent, levels: list[Level], retry_after: float | None, now: float) -> None: ...
    def ended(self, sent: Sent, now: float) -> None: ...


@dataclass(slots=True)
class Run:
    """What happened: rows for `score`."""

    turns: list[Turn] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Call:
    """One request of an agent, until it is whole or given up."""

    agent: "_Agent"
    ask: int
    drawn: Drawn
    began: float
    ticket: Ticket
    failures: int = 0


@dataclass(slots=True, eq=False)
class _Agent:
    number: int
    width: int
    rng: random.Random
    asks: int = 0
    open: int = 0
    """Requests of its present ask that have not ended."""
    failed: bool = False
    think: float = 0.0


class Simulation:
    """One run, of a law that `law` makes for it. The law sees a clock of its own."""

    def __init__(
        self, work: Work, agents: int, seed: int, law: "Callable[[Simulation], Law] | None" = None
    ) -> None:
        if work.fleet.foreign:
            raise ValueError(f"{work.name}: fleets of others are not simulated")
        served = work.served(agents)
        self.work, self.settings, self.seed = work, Gateway(), seed
        self.now = 0.0
        self.buckets = Buckets(served.limits or LimitsModel(), 0.0)
        self.capacity = None if served.capacity is None else Capacity(served.capacity, seed)
        self.law = (law or own_lane)(self)
        self.calls: dict[Ticket, Call] = {}
        """Those that are not over."""
        self._running: dict[Call, float] = {}
        """Those that were let in and have not ended, and when."""
        self._result = Run()
        self._rng = random.Random(f"{seed}:virtual")
        self._first = served.answer.first_s, served.answer.first_spread
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        """By moment."""
        self._streams: list[tuple[float, int, Callable[[], None]]] = []
        """By seconds of full speed: what happens when the service has worked for so long."""
        self._number = count()
        self._wake_at = math.inf
        for number, start in enumerate(work.starts(agents, seed)):
            self._at(start, partial(self._ask, _Agent(number, work.width(number), agents_rng(seed, number))))

    def run(self) -> Run:
        """From the first agent's start to the horizon."""
        horizon = self.work.bench.horizon
        while (moment := self._next_moment()) < horizon:
            self.now = max(self.now, moment)
            done = self._worked() + 1e-9
            while self._streams and self._streams[0][0] <= done:
                heappop(self._streams)[2]()
            while self._events and self._events[0][0] <= self.now:
                heappop(self._events)[2]()
        self.now = horizon
        for call in self.calls.values():
            self._note(call, Outcome.OPEN)
        for call, admitted in self._running.items():
            tokens = int(call.drawn.tokens)
            self._result.attempts.append(Attempt(admitted, admitted, horizon, 0, tokens, 1))
        return self._result

    # -- time -----------------------------------------------------------------------------------------------------

    def _at(self, moment: float, what: Callable[[], None]) -> None:
        heappush(self._events, (moment, next(self._number), what))

    def _after_work(self, seconds: float, what: Callable[[], None]) -> None:
        heappush(self._streams, (self._worked() + seconds, next(self._number), what))

    def _worked(self) -> float:
        return self.now if self.capacity is None else self.capacity.worked(self.now)

    def _next_moment(self) -> float:
        moment = self._events[0][0] if self._events else math.inf
        if self._streams:
            speed = 1.0 if self.capacity is None else self.capacity.speed(self.now)
            ends = self.now + max(0.0, self._streams[0][0] - self._worked()) / speed
            # The speed changes each whole second: look again then.
            moment = min(moment, ends, math.floor(self.now) + 1.0)
        return moment

    # -- agents ---------------------------------------------------------------------------------------------------

    def _ask(self, agent: _Agent) -> None:
        agent.open, agent.failed = agent.width, False
        drawn = [draw(self.work.fleet, agent.rng) for _ in range(agent.width)]
        agent.think, ask, agent.asks = drawn[0].think, agent.asks, agent.asks + 1
        deadline = self.now + self.settings.hold.longest
        for one in drawn:
            ticket = Ticket(
                f"s:{agent.number}",
                _START + self.now,
                _START + deadline,
                size=int(one.guess * BYTES_PER_TOKEN),
                tokens=one.guess,
            )
            call = self.calls[ticket] = Call(agent, ask, one, self.now, ticket)
            self.law.join(ticket, _START + self.now)
            self._at(deadline, partial(self._overdue, call))
        self._pump()

    def _over(self, call: Call, outcome: Outcome) -> None:
        del self.calls[call.ticket]
        self._note(call, outcome)
        agent = call.agent
        agent.open -= 1
        agent.failed |= outcome is not Outcome.WHOLE
        if not agent.open:
            pause = self.work.fleet.restart_s if agent.failed else agent.think
            self._at(self.now + pause, partial(self._ask, agent))

    def _note(self, call: Call, outcome: Outcome) -> None:
        stream, tokens = round(call.drawn.stream, 2), int(call.drawn.tokens)
        turn = Turn(call.agent.number, call.ask, call.began, self.now, int(outcome), stream, tokens)
        self._result.turns.append(turn)

    def _overdue(self, call: Call) -> None:
        """Its hold is over: if it still waits, it is given up."""
        if call.ticket.waiting:
            self.law.leave(call.ticket, _START + self.now)
            self._over(call, Outcome.FAILED)

    # -- attempts -------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Let go whoever may, and come back when the law says so."""
        now = _START + self.now
        while isinstance(said := self.law.next(now), Sent):
            self._attempt(self.calls[said.ticket], said)
        self._wake_at = said.until if said is not None else math.inf
        if self._wake_at < math.inf:
            self._at(self._wake_at - _START, partial(self._wake, self._wake_at))

    def _wake(self, at: float) -> None:
        if at == self._wake_at:
            self._pump()

    def _attempt(self, call: Call, sent: Sent) -> None:
        """It arrives at the service at once; its verdict comes later."""
        tokens = int(call.drawn.tokens)
        limited = self.buckets.take(self.now, tokens)
        status = 429 if limited is not None else 0
        if self.capacity is not None:
            if limited is not None:
                self.capacity.refuse()
            else:
                status = self.capacity.arrive(self.now, sure=isinstance(self.law, Knowing))
        if status:
            delay = self.capacity.refusal_delay() if self.capacity is not None else _REFUSAL
            retry_after = limited.retry_after if limited is not None else None
            row = Attempt(self.now, None, self.now + delay, status, tokens, 1)
            self._result.attempts.append(row)
            self._at(self.now + delay, partial(self._refused, call, sent, retry_after))
            return
        mean, sigma = self._first
        first = mean * self._rng.lognormvariate(-sigma * sigma / 2, sigma)
        admitted = self._running[call] = self.now
        self._after_work(first, partial(self._accepted, call, sent, admitted))

    def _refused(self, call: Call, sent: Sent, retry_after: float | None) -> None:
        now = _START + self.now
        if retry_after is None:
            self.law.refused(sent, now)
        else:
            self.law.limited(sent, self._levels(), retry_after, now)
        call.failures += 1
        delay = next_delay(call.failures, retry_after, self.settings.backoff, self._rng)
        if now + delay < call.ticket.deadline:
            call.ticket.not_before = now + delay
            self.law.join(call.ticket, now)
        else:
            self._over(call, Outcome.FAILED)
        self._pump()

    def _accepted(self, call: Call, sent: Sent, admitted: float) -> None:
        now = _START + self.now
        self.law.hear(sent, self._levels(), now)
        self.law.accepted(sent, now)
        self._after_work(call.drawn.stream, partial(self._ended, call, sent, admitted))
        self._pump()

    def _ended(self, call: Call, sent: Sent, admitted: float) -> None:
        if self.capacity is not None:
            self.capacity.leave(self.now)
        del self._running[call]
        tokens = int(call.drawn.tokens)
        self._result.attempts.append(Attempt(admitted, admitted, self.now, 200, tokens, 1))
        self.law.ended(sent, _START + self.now)
        self._over(call, Outcome.WHOLE)
        self._pump()

    def _levels(self) -> list[Level]:
        """The buckets as the headers of an answer tell them: tokens in whole thousands."""
        told = []
        buckets = self.buckets
        for name, bucket in ((REQUESTS, buckets.requests), (INPUT, buckets.input), (OUTPUT, buckets.output)):
            bucket.fill(self.now)
            left = max(0.0, bucket.level)
            left = float(int(left)) if name == REQUESTS else int(left / 1000 + 0.5) * 1000.0
            told.append(Level(name, bucket.limit, left))
        return told


def own_lane(simulation: Simulation) -> Lane:
    """A lane as the gateway makes it."""
    settings, rng = simulation.settings, random.Random(f"{simulation.seed}:lane")
    return Lane(settings, Breaker(settings.breaker, rng), rng)


class Knowing:
    """The scheduler that knows the capacity and is never refused for load: what a law is measured against."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._queue = Queue(simulation.settings.queue)
        self._oracle = Oracle(simulation.capacity, lambda: simulation.buckets)

    def join(self, ticket: Ticket, now: float) -> None:
        self._queue.join(ticket, now)

    def leave(self, ticket: Ticket, now: float) -> None:
        self._queue.leave(ticket)

    def next(self, now: float) -> Sent | Wait | None:
        """The head, when there is room for it. What it sends arrives at once, so nothing is ever on its way."""
        ticket = self._queue.head(now)
        if ticket is None:
            until = self._queue.next_moment()
            return Wait(until, "backoff", until) if self._queue.size else None
        simulation = self._simulation
        at = _START + self._oracle.when(simulation.now, simulation.calls[ticket].drawn.tokens)
        if at > now:
            return Wait(at, "capacity", at)
        self._queue.take(ticket)
        return Sent(ticket, Cost(0.0, 0.0), Kind.SURPLUS, now, 0, 0, [])

    def hear(self, sent: Sent, levels: list[Level], now: float) -> None: ...
    def accepted(self, sent: Sent, now: float) -> None: ...
    def refused(self, sent: Sent, now: float) -> None: ...
    def limited(self, sent: Sent, levels: list[Level], retry_after: float | None, now: float) -> None: ...
    def ended(self, sent: Sent, now: float) -> None: ...
