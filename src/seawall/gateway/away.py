"""A held call elsewhere: it stands in targets' lines beside its own, and whichever lets it go first has it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from seawall.gateway.admission import Admission, Gate, Permit
from seawall.gateway.fallback import Detour, Way
from seawall.gateway.memory import Memory
from seawall.policy.outcome import Outcome
from seawall.policy.queue import Ticket
from seawall.policy.route import Go


class Away:
    """What one call does elsewhere. `way` is where its attempt under way goes; None: where its client sent it."""

    __slots__ = ("_admission", "_detour", "_lines", "_memory", "_patience", "_take", "way")

    def __init__(
        self,
        detour: Detour,
        admission: Admission,
        memory: Memory,
        take: Callable[[Permit], bool],
        patience: float,
    ) -> None:
        """`take` is given a permit that comes while the call waits; False: it needs it no more. A target whose line
        moves within `patience` seconds is waited for; beyond that, the next may have the call too."""
        self._detour: Detour | None = detour
        self._admission, self._memory, self._take, self._patience = admission, memory, take, patience
        self._lines: list[_Beside] = []
        self.way: Way | None = None

    @property
    def skipped(self) -> list[str]:
        """A sentence for each target that was due and could not take the call."""
        return self._detour.skipped if self._detour is not None else []

    @property
    def waiting(self) -> bool:
        """Whether it stands in line elsewhere."""
        return bool(self._lines)

    def look(self, outcome: Outcome, held: float, ticket: Callable[[], Ticket]) -> Permit | None:
        """A permit to go elsewhere now; None: it stays, or stands in line there with a `ticket` from now on."""
        detour, lines = self._detour, self._lines
        if detour is None or len(lines) == detour.most or (lines and lines[-1].gate.serves(self._patience)):
            return None
        passed = {one.go.target.number for one in lines if not one.gate.serves(self._patience)}
        while (go := detour.next(outcome, held, passed)) is not None:
            beside = next((one for one in lines if one.go.target is go.target), None)
            if beside is None:
                beside = _Beside(self._admission.gate(detour.lane(go)), ticket(), go, self._granted)
                lines.append(beside)
            if beside.permit is not None:
                return self._go(beside)
            if beside.gate.serves(self._patience):
                break
            passed.add(go.target.number)
        return None

    def _granted(self, beside: "_Beside") -> None:
        permit = self._go(beside) if beside in self._lines else None
        if permit is not None and not self._take(permit):
            permit.dropped()
            self.come_home()

    def _go(self, beside: "_Beside") -> Permit | None:
        """Take the way with this permit; None where that cannot be after all."""
        assert self._detour is not None
        self._lines.remove(beside)
        way = self._detour.way(beside.go)
        if way is None or not self._memory.take(len(way.body)):
            beside.leave()
            return None
        self.way = way
        self.leave_line()
        return beside.permit

    def leave_line(self) -> None:
        """Another lane let it go, or it waits no more: its places elsewhere are the next ones'."""
        lines, self._lines = self._lines, []
        for beside in lines:
            beside.leave()

    def failed(self, outcome: Outcome, status: int | None, held: float, rest: float) -> None:
        """The attempt elsewhere failed: its target rests so long at least, or is struck off for this call."""
        assert self.way is not None
        assert self._detour is not None
        self._detour.failed(self.way.target, outcome, status, held, rest)

    def committed(self) -> None:
        """Nothing is sent again: what was kept for that goes."""
        self._detour = None
        if self.way is not None:
            self._memory.give(len(self.way.body))
            self.way = replace(self.way, head=b"", body=b"")

    def come_home(self) -> None:
        """The attempt elsewhere is over."""
        way, self.way = self.way, None
        if way is not None:
            self._memory.give(len(way.body))


class _Beside:
    """One place in another lane's line. `permit` is there when that lane lets the call go."""

    __slots__ = ("_future", "_granted", "_left", "_ticket", "gate", "go", "permit")

    def __init__(self, gate: Gate, ticket: Ticket, go: Go, granted: Callable[["_Beside"], None]) -> None:
        """`granted` is called where the permit does not come at once."""
        self.go = go
        self.permit: Permit | None = None
        self.gate, self._ticket, self._granted = gate, ticket, granted
        self._left = False
        self._future: asyncio.Future[Permit] | None = None
        entered = gate.enter(ticket)
        if isinstance(entered, Permit):
            self.permit = entered
        else:
            self._future = entered
            entered.add_done_callback(self._done)

    def _done(self, future: asyncio.Future[Permit]) -> None:
        if not self._left and not future.cancelled():
            self.permit = future.result()
            self._granted(self)

    def leave(self) -> None:
        """The place, or the permit, is the next one's."""
        if self._left:
            return
        self._left = True
        future = self._future
        if future is not None and not future.done():
            future.cancel()
            self.gate.leave(self._ticket)
        elif self.permit is not None:
            self.permit.dropped()
        elif future is not None and not future.cancelled():
            future.result().dropped()
