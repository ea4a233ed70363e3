"""What a page that is open is told as it happens: server-sent events.

Each follower looks once a second; what they look at is made once for all of them, and not at all where nobody looks.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import asdict, dataclass
from time import monotonic

from seawall.gateway.tally import Tallies
from seawall.view.web.door import GATEWAY

FOLLOWERS = 16
"""Pages that may be open at a time."""
EVERY = 1.0
RATES_EVERY = 5
"""In looks."""
HEARTBEAT = 10.0
"""Seconds of silence after which a page is told that all is as it was; one that hears nothing for longer says so."""


@dataclass(slots=True)
class Feed:
    """The events of one gateway."""

    status: Callable[[], Mapping[str, object]]
    figures: Callable[[], tuple[Tallies, float]]
    closing: Callable[[], bool]
    every: float = EVERY
    followers: int = 0
    _made_at: float = -1e9
    _status: bytes = b""
    _rates_at: float = -1e9
    _rates: bytes = b""

    @property
    def full(self) -> bool:
        return self.followers >= FOLLOWERS

    async def follow(self) -> AsyncGenerator[bytes, None]:
        """The events for one page, until the gateway leaves."""
        self.followers += 1
        told, rates, silent_since, look = b"", b"", monotonic(), 0
        try:
            yield b"retry: 2000\n\n"
            while not self.closing():
                pieces = []
                if (now := self.current()) != told:
                    told = now
                    pieces.append(told)
                if look % RATES_EVERY == 0 and (now := self.rates()) != rates:
                    rates = now
                    pieces.append(rates)
                if pieces:
                    yield b"".join(pieces)
                    silent_since = monotonic()
                elif monotonic() - silent_since >= HEARTBEAT:
                    yield b"event: same\ndata: {}\n\n"
                    silent_since = monotonic()
                look += 1
                await asyncio.sleep(self.every)
            yield b"event: leaving\ndata: {}\n\n"
        finally:
            self.followers -= 1

    def current(self) -> bytes:
        """The status as an event."""
        if monotonic() - self._made_at >= self.every / 2:
            status = self.status()
            self._status = _event("status", {"schema": GATEWAY, **status, **_side(status)})
            self._made_at = monotonic()
        return self._status

    def rates(self) -> bytes:
        """How each model and route did lately, as an event."""
        if monotonic() - self._rates_at >= self.every * RATES_EVERY / 2:
            self._rates = _event("rates", rates(*self.figures()))
            self._rates_at = monotonic()
        return self._rates


def _side(status: Mapping[str, object]) -> dict[str, object]:
    """Whose side the trouble is on, if there is any, in the words of every other view."""
    if not status.get("cause"):
        return {}
    from seawall.view.facts import gateway  # only where a page is open in trouble
    from seawall.view.frame import title

    one = gateway(status)
    return {"side": title(one.cause, one.host, one.by_api)[1]}


def rates(tallies: Tallies, now: float) -> dict[str, object]:
    """`seawall.rates/1`: for each route and model family the last 5 minutes, hour and day."""
    rows = [
        {"route": route, "family": family, "windows": [_rounded(asdict(one)) for one in windows]}
        for (route, family), windows in sorted(tallies.windows(now).items())
    ]
    return {"schema": "seawall.rates/1", "models": rows}


def _rounded(window: dict[str, object]) -> dict[str, object]:
    covered = float(str(window["covered"]))
    return window | {"covered": min(float(str(window["seconds"])), round(covered / 60) * 60.0)}


def _event(name: str, value: object) -> bytes:
    # JSON has no line breaks of its own, so it is one `data` line.
    return f"event: {name}\ndata: {json.dumps(value)}\n\n".encode()
