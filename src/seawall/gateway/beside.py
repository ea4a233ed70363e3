"""A place in another lane's line for a call that keeps the place in its own: whichever lets it go first has it."""

import asyncio
from collections.abc import Callable

from seawall.gateway.admission import Gate, Permit
from seawall.policy.queue import Ticket
from seawall.policy.route import Go


class Beside:
    """One such place. `permit` is there when that lane lets the call go."""

    __slots__ = ("_future", "_gate", "_granted", "_left", "_ticket", "go", "permit")

    def __init__(self, gate: Gate, ticket: Ticket, go: Go, granted: Callable[["Beside"], None]) -> None:
        """`granted` is called where the permit does not come at once."""
        self.go = go
        self.permit: Permit | None = None
        self._gate, self._ticket, self._granted = gate, ticket, granted
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
        """Not needed any more: the place, or the permit, is the next one's."""
        if self._left:
            return
        self._left = True
        future = self._future
        if future is not None and not future.done():
            future.cancel()
            self._gate.leave(self._ticket)
        elif self.permit is not None:
            self.permit.dropped()
        elif future is not None and not future.cancelled():
            future.result().dropped()
