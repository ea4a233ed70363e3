"""Who may send an attempt now: the lanes of `policy`, and those who wait at them. Here alone a lane meets time.

Lanes are by upstream, account and model family. A call asks to `enter`, and gets a permit: at once, or when its lane
says so. What becomes of the attempt is told to the permit.
"""

import asyncio
import math
import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from seawall.config import Gateway
from seawall.gateway.records import MOST_LANES, LaneKey
from seawall.policy.breaker import Breaker
from seawall.policy.lane import Lane, Sent
from seawall.policy.pacer import INPUT, Level
from seawall.policy.queue import Ticket
from seawall.wire import ratelimit
from seawall.wire.answer import Usage
from seawall.wire.ratelimit import Limits

_SERVED = Ticket("", 0.0, 0.0)
"""Stands for all tickets whose attempt was accepted."""


class Permit:
    """The right to one attempt. It ends once; later endings are nothing."""

    __slots__ = ("_gate", "_open", "_sent", "_size")

    def __init__(self, gate: "Gate", sent: Sent) -> None:
        self._gate, self._sent = gate, sent
        self._size = sent.ticket.size
        self._open = True

    def heard(self, status: int, lower: dict[bytes, bytes], wall: Callable[[], float]) -> None:
        """An answer with these headers began: with 200, the upstream took the request."""
        gate, sent = self._gate, self._sent
        if not self._open or sent.accepted:
            return
        now = gate.time()
        if gate.lane.pacer.listens(now):
            gate.hear(sent, ratelimit.read(lower.get, wall()), now, taken=status == 200)
        if status == 200:
            gate.lane.accepted(sent, now)
            sent.ticket = _SERVED  # its stream may last for long, and nobody asks any more whose turn it was
            gate.changed()

    def ended(self, usage: Usage | None = None) -> None:
        """The answer is whole, or broke off after it had begun: its place is free."""
        if self._open:
            self._open = False
            gate, sent = self._gate, self._sent
            now = gate.time()
            if usage is not None:
                gate.lane.pacer.learn(self._size, usage.input, usage.output)
            if not sent.accepted:
                gate.lane.accepted(sent, now)
            gate.lane.ended(sent, now)
            gate.changed()

    def refused(self, label: str) -> None:
        """The upstream refused it for load, or failed; `label` names it to a person, such as `529`."""
        if self._close():
            self._gate.refused_by = label
            self._gate.lane.refused(self._sent, self._gate.time())
            self._gate.changed(self._sent)

    def unreachable(self) -> None:
        """No connection could be made."""
        if self._close():
            self._gate.refused_by = "no connection"
            self._gate.lane.unreachable(self._sent, self._gate.time())
            self._gate.changed(self._sent)

    def limited(self, limits: Limits, retry_after: float | None, named: str = "") -> str:
        """The account's own limits refused it; its words may have `named` one. Which of them it is larger than, so that
        no wait cures it, or an empty text."""
        if not self._close():
            return ""
        lane, now = self._gate.lane, self._gate.time()
        larger_than = lane.limited(self._sent, levels(limits), retry_after, now, named)
        self._gate.changed(self._sent)
        return larger_than

    def dropped(self) -> None:
        """It ended without a word on load: its client left, or the request was at fault."""
        if self._close():
            self._gate.lane.dropped(self._sent, self._gate.time())
            self._gate.changed(self._sent)

    def _close(self) -> bool:
        was_open, self._open = self._open, False
        return was_open


class Gate:
    """A lane, and the calls that wait at it."""

    def __init__(
        self, key: LaneKey, lane: Lane, host: "_Host", loop: asyncio.AbstractEventLoop, admission: "Admission"
    ) -> None:
        self.key, self.lane = key, lane
        self._host = host
        self.time = loop.time
        self.refused_by = ""
        """What the last refusal was."""
        self.plan: Limits | None = None
        """The last word on a subscription's windows, and when it came."""
        self.plan_at = 0.0
        self.replaced = False
        """Its account has another lane by now: it serves those who are in it, and then is none."""
        self._admission = admission
        self._loop = loop
        self._waiting: dict[Ticket, asyncio.Future[Permit]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def hear(self, sent: Sent, limits: Limits, now: float, *, taken: bool) -> None:
        """Learn what an answer said of the account's limits, and of its plan."""
        if limits.raw:
            self.lane.hear(sent, levels(limits), now, taken=taken)
        self.lane.pacer.listened(now)
        if limits.unified_status is not None:
            self.plan, self.plan_at = limits, now

    def at_once(self, ticket: Ticket, now: float) -> Permit | None:
        """A permit, where nobody waits and the lane lets it go; else it has not come."""
        sent = self.lane.at_once(ticket, now)
        return Permit(self, sent) if sent is not None else None

    def enter(self, ticket: Ticket) -> "Permit | asyncio.Future[Permit]":
        """A permit, or what will give one. Cancelling that is leaving, and `leave` must follow."""
        sent = self.lane.enter(ticket, self.time())
        if sent is not None:
            return Permit(self, sent)
        return self.pump(ticket) or self._waiting.setdefault(ticket, self._loop.create_future())

    def leave(self, ticket: Ticket) -> None:
        """It waits no more."""
        self._waiting.pop(ticket, None)
        self.lane.leave(ticket, self.time())
        self.changed()

    def changed(self, ended: Sent | None = None) -> None:
        """Something happened that may let others go; `ended`: an attempt that was not accepted."""
        if self.lane.load.queued:
            self.pump()
        host = self._host
        # While the host's probe was under way no lane knew when it may go, and this one may have nobody to send next.
        probed = ended is not None and ended.host_probe > 0
        if probed or host.was_open != host.breaker.open:
            host.was_open = host.breaker.open
            for gate in self._admission.gates():
                if gate._host is host and gate.lane.load.queued:
                    gate.pump()

    def pump(self, newcomer: Ticket | None = None) -> Permit | None:
        """Let go whoever may; the newcomer's permit, if it is among them."""
        granted, lane, until = None, self.lane, math.inf
        while lane.load.queued:
            decision = lane.next(self.time())
            if not isinstance(decision, Sent):
                until = decision.until if decision is not None else math.inf
                break
            permit = Permit(self, decision)
            if decision.ticket is newcomer:
                granted = permit
                continue
            future = self._waiting.pop(decision.ticket, None)
            if future is None or future.done():  # its call was cancelled a moment ago
                permit._close()
                lane.dropped(decision, self.time())
            else:
                future.set_result(permit)
        if self._timer is not None or until < math.inf:
            self._arm(until)
        return granted

    def serves(self, within: float) -> bool:
        """Whether the next of those who wait goes within so many seconds, as far as is known, and not to find out
        whether the upstream is well again."""
        lane, now = self.lane, self.time()
        if lane.breaker.open or lane.host.open:
            return False
        wait = lane.peek(now)
        return wait is None or wait.at <= now + within

    def stop(self) -> None:
        """Wake up no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def idle(self) -> bool:
        """Nobody is under way or waits."""
        return not (self.lane.load.in_flight or self.lane.load.queued)

    def _arm(self, at: float) -> None:
        self.stop()
        if at < math.inf:
            self._timer = self._loop.call_at(at, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self.pump()


@dataclass(slots=True, eq=False)
class _Host:
    """Whether an upstream can be reached at all: that concerns all its lanes."""

    breaker: Breaker
    was_open: bool = False
    """When that was last told."""


class Admission:
    """All lanes of a gateway."""

    def __init__(self, settings: Gateway, rng: random.Random) -> None:
        self._settings, self._rng = settings, rng
        self._gates: OrderedDict[LaneKey, Gate] = OrderedDict()
        self._hosts: dict[str, _Host] = {}

    def gate(self, key: LaneKey) -> Gate:
        """Where calls of this lane wait."""
        gate = self._gates.get(key)
        if gate is None:
            host = self._hosts.setdefault(key.route, _Host(Breaker(self._settings.breaker, self._rng)))
            lane = Lane(self._settings, host.breaker, self._rng)
            gate = self._gates[key] = Gate(key, lane, host, asyncio.get_running_loop(), self)
            if len(self._gates) > MOST_LANES:
                self._forget()
        else:
            self._gates.move_to_end(key)
        return gate

    def rename(self, credential: str, account: str) -> None:
        """This credential's account is known now: what was learned of its lanes goes on under that name."""
        for key, gate in tuple(self._gates.items()):
            if key.account == credential:
                known = key.of(account)
                if known not in self._gates:
                    gate.key = known
                    self._gates[known] = gate
                elif self._gates[known] is not gate:
                    gate.replaced = True

    def gates(self) -> list[Gate]:
        """Each once, the one that was made first first."""
        return [gate for gate in dict.fromkeys(self._gates.values()) if not (gate.replaced and gate.idle)]

    @property
    def queued(self) -> int:
        """How many wait."""
        return sum(gate.lane.load.queued for gate in self.gates())

    @property
    def in_flight(self) -> int:
        """Attempts under way."""
        return sum(gate.lane.load.in_flight for gate in self.gates())

    def stop(self) -> None:
        """Let nobody go any more of its own accord."""
        for gate in self._gates.values():
            gate.stop()

    def _forget(self) -> None:
        for key, gate in tuple(self._gates.items())[: len(self._gates) // 2]:
            if gate.idle:
                del self._gates[key]


def levels(limits: Limits) -> list[Level]:
    """What the headers say of the buckets that can be paced against."""
    found = [Level(name, limit, left) for name, limit, left in limits.levels()]
    # The bare `tokens` bucket repeats the tighter of the others, where they are told.
    named = {level.name for level in found}
    return [level for level in found if level.name != "tokens" or INPUT not in named]
