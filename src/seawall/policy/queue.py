"""Who is next: start-time fair queueing over agents, with classes and deadlines. Moments are monotonic seconds.

Each agent's requests get tags on a virtual clock, one after the other by their size; the lowest tag is next. So an
agent that asks for eight things at once gets one agent's share (P. Goyal et al., "Start-time Fair Queuing", 1996).
Deferrable requests come after all others, until they have waited for a good part of their hold. In its last part every
request goes first, earliest deadline first. Nothing is dropped: clients wait on open connections, and a dropped call is
a retry more.
"""

import math
from collections import Counter, OrderedDict
from heapq import heapify, heappop, heappush

import msgspec

from seawall.config import Queue as Params


class Ticket(msgspec.Struct, eq=False):
    """One request in line, for its first attempt or another: a refused one keeps its tag, and so its place."""

    flow: str
    """Whose share it takes: an agent, a session."""
    begun_at: float
    deadline: float
    """No attempt begins later."""
    size: int = 0
    """Bytes of its body."""
    tokens: float = 0.0
    """Input, estimated."""
    least: float = 0.0
    """Input tokens that it takes by its own refusal: its prompt is not in the cache, and was estimated too low."""
    most_output: float = math.inf
    """Tokens that it allows itself."""
    deferrable: bool = False
    waits: bool = True
    """Where it must; False: its client wants to hear of every failure now, so it stands in no line for the service."""
    tag: float | None = None
    """On the virtual clock; None until it joins."""
    not_before: float = -math.inf
    """It waits by itself until then, and does not stand in the way of others."""
    _charged: float | None = None
    """What its agent's share bears for it; None: who left before an attempt went is charged anew on coming back."""
    _order: int = 0
    """Among equal tags those who came first go first, however often they were refused; 0: it did not join yet."""
    _entry: int = 0
    """The number of its entry that counts, others are left over; 0: it is not in line."""

    @property
    def waiting(self) -> bool:
        """Whether it is in line."""
        return self._entry != 0


_Entry = tuple[float, int, int, Ticket]
"""Tag, deadline or moment; the ticket's order; the entry's number; the ticket."""
_Line = list[_Entry]
"""A heap. Who leaves or moves leaves its entry behind."""

_SPARE = 64
"""So many who left are not worth sweeping after."""


class Queue:
    """Tickets in line. Each operation takes time in the logarithm of how many there are."""

    __slots__ = (
        "_clock",
        "_deferred",
        "_entries",
        "_finish",
        "_first",
        "_left",
        "_moments",
        "_order",
        "_p",
        "_usual",
        "by_flow",
        "size",
    )

    def __init__(self, params: Params) -> None:
        self._p = params
        self._first: _Line = []
        self._usual: _Line = []
        self._deferred: _Line = []
        self._moments: _Line = []
        """When a ticket must be looked at: it may go at all, ages, or goes first."""
        self._finish: OrderedDict[str, float] = OrderedDict()
        """Where each agent's share so far ends on the virtual clock."""
        self._clock = 0.0
        self._entries = self._order = 0
        """How many entries, and tickets, there were."""
        self._left = 0
        """How many left since the last sweep."""
        self.size = 0
        self.by_flow: Counter[str] = Counter()

    def join(self, ticket: Ticket, now: float) -> None:
        """Stand in line, from `ticket.not_before` on; again in the same, if it did before."""
        self.stamp(ticket)
        self.size += 1
        self.by_flow[ticket.flow] += 1
        self._place(ticket, now)

    def stamp(self, ticket: Ticket) -> None:
        """Give a new ticket its place on the virtual clock, and charge its agent with it."""
        if not ticket._order:
            self._order += 1
            ticket._order = self._order
        if ticket._charged is None:
            p, flow, finish, tag = self._p, ticket.flow, self._finish, self._clock
            if ticket.deferrable:
                flow = "later:" + flow  # what can wait is not charged to what cannot
            after = finish.get(flow)
            if after is not None:
                tag = after if after > tag else tag
                finish.move_to_end(flow)
            if ticket.tag is None:
                ticket.tag = tag
            elif after is None:
                tag = ticket.tag  # a place that it had before, and its agent none since
            ticket._charged = ticket.tokens / p.tokens_unit + p.request_units
            finish[flow] = tag + ticket._charged
            if len(finish) > p.flows_kept:
                finish.popitem(last=False)

    def leave(self, ticket: Ticket) -> None:
        """Stand in line no more; nothing, if it does not. Its agent is not charged with what it did not get."""
        if not ticket._entry:
            return
        self._out(ticket)
        flow = "later:" + ticket.flow if ticket.deferrable else ticket.flow
        if ticket._charged is not None and flow in self._finish:
            self._finish[flow] -= ticket._charged
        ticket._charged = None

    def _out(self, ticket: Ticket) -> None:
        ticket._entry = 0
        self.size -= 1
        left = self.by_flow[ticket.flow] - 1
        if left:
            self.by_flow[ticket.flow] = left
        else:
            del self.by_flow[ticket.flow]
        self._left += 1
        if self._left > self.size + _SPARE:
            self._sweep()

    def head(self, now: float) -> Ticket | None:
        """The next, if anybody may go now."""
        if self._moments and self._moments[0][0] <= now:
            self._move_on(now)
        for line in (self._first, self._usual, self._deferred):
            if line and (first := self._first_of(line)) is not None:
                return first[3]
        return None

    @staticmethod
    def _first_of(line: _Line) -> _Entry | None:
        """The first entry of one who is still in that line."""
        while line:
            first = line[0]
            if first[3]._entry == first[2]:
                return first
            heappop(line)
        return None

    def take(self, ticket: Ticket) -> None:
        """It goes: the virtual clock moves on to it, but past nobody who waits for the usual turn."""
        self._out(ticket)
        tag, usual = ticket.tag, self._usual
        assert tag is not None
        if usual and usual[0][0] < tag:  # it was not the first of that line
            first = self._first_of(usual)
            tag = min(tag, first[0]) if first is not None else tag
        self._move_clock(tag)

    def go_by(self, ticket: Ticket) -> None:
        """It goes at once, where nobody is in line: its agent is charged all the same."""
        self.stamp(ticket)
        assert ticket.tag is not None
        self._move_clock(ticket.tag)

    def _move_clock(self, tag: float) -> None:
        if tag > self._clock:
            self._clock = tag

    def next_moment(self) -> float:
        """When the line changes by itself; inf: never."""
        first = self._first_of(self._moments)
        return first[0] if first is not None else math.inf

    # -- lines ----------------------------------------------------------------------------------------------------

    def _place(self, ticket: Ticket, now: float) -> None:
        """Put it into the line where it belongs now, and note when that changes."""
        p, hold = self._p, ticket.deadline - ticket.begun_at
        promoted_at = ticket.deadline - p.promote_share * hold
        aged_at = ticket.begun_at + p.age_share * hold
        assert ticket.tag is not None
        self._entries += 1
        entry = ticket._entry = self._entries
        order = ticket._order
        if now < ticket.not_before:
            until = ticket.not_before
        elif now >= promoted_at:
            heappush(self._first, (ticket.deadline, order, entry, ticket))
            return
        elif ticket.deferrable and now < aged_at:
            heappush(self._deferred, (ticket.tag, order, entry, ticket))
            until = min(aged_at, promoted_at)
        else:
            heappush(self._usual, (ticket.tag, order, entry, ticket))
            until = promoted_at
        heappush(self._moments, (until, order, entry, ticket))

    def _move_on(self, now: float) -> None:
        """Move those whose moment has come."""
        while (at := self.next_moment()) <= now:
            _, _, _, ticket = heappop(self._moments)
            self._place(ticket, max(now, at))

    def _sweep(self) -> None:
        """Throw out the entries of those who left: now and then, so that each who leaves pays for a few of them."""
        self._left = 0
        for line in (self._first, self._usual, self._deferred, self._moments):
            line[:] = [held for held in line if held[3]._entry == held[2]]
            heapify(line)
