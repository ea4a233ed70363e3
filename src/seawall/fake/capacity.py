"""The hidden capacity of the service: who is refused, and how fast those who run are served.

The model of the overload-control benchmark: slots with slow noise, a soft knee, an engine that running
streams share, refusals that cost, refusals that have nothing to do with load, other people's streams.
Times are model seconds; the caller divides by the time factor. No clock, no sleeping.
"""

import math
import random
from typing import Final

import msgspec

LOWEST_SPEED: Final = 0.05
"""A stream is never slower than this share of its own speed, or nothing would ever end in an outage."""


class Phase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begin": "from", "end": "to"}):
    """What is different between two times; what is not named stays."""

    begin: float
    end: float
    slots: float | None = None
    engine: float | None = None
    refuse: float | None = None
    others: float | None = None
    outage: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.begin < self.end:
            raise ValueError("`from` must be 0 or more and below `to`")
        _check(self.slots, self.engine, self.others, self.refuse)


class CapacityModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"phases": "phase"}):
    """The settings of the model: `[capacity]` in a scenario."""

    slots: float
    engine: float | None = None
    noise: float = 0.10
    noise_s: float = 30.0
    knee: float = 0.2
    refusal_cost: float = 0.1
    refuse: float = 0.0
    others: float = 0.0
    unavailable: float = 0.1
    """Share of the refusals that are a 503 and not a 529."""
    phases: tuple[Phase, ...] = ()

    def __post_init__(self) -> None:
        _check(self.slots, self.engine, self.others, self.refuse)
        if not (
            0 <= self.noise <= 1
            and 0 < self.noise_s < 1e9
            and 0 < self.knee < 1e9
            and 0 <= self.refusal_cost < 1e9
        ):
            raise ValueError("noise is a share, noise_s and knee are above 0, refusal_cost is 0 or more")
        if not 0 <= self.unavailable <= 1:
            raise ValueError("unavailable is a share from 0 to 1")


def _check(slots: float | None, engine: float | None, others: float | None, refuse: float | None) -> None:
    if any(v is not None and not 0 <= v < 1e9 for v in (slots, engine, others)):
        raise ValueError("slots, engine and others are numbers of streams, 0 or more")
    if refuse is not None and not 0 <= refuse <= 1:
        raise ValueError("refuse is a probability from 0 to 1")


class Capacity:
    """The model running. Every method takes `now`, which never goes back."""

    def __init__(self, model: CapacityModel, seed: int) -> None:
        self.model = model
        self.running = 0
        self._rng = random.Random(seed * 104729 + 5)
        self._noise_rng = random.Random(seed * 7919 + 11)
        self._deviation = 0.0
        self._decay = math.exp(-1.0 / model.noise_s)
        self._second = 0
        self._refused = 0
        self._refusal_rate = 0.0
        self._work = 0.0
        self._at = 0.0
        self._speed = 1.0
        self._step_noise()

    # ---- what is hidden ---------------------------------------------------------------------------

    def slots(self, now: float) -> float:
        """Streams that fit now, refusals already paid for."""
        self._to(now)
        return max(
            0.0, self._level("slots", now) * self._noise - self.model.refusal_cost * self._refusal_rate
        )

    def wanted(self, now: float) -> float:
        """Streams that there would be with one more."""
        return self.running + self._level("others", now) + 1

    def refusal_probability(self, now: float) -> float:
        """Chance that one more stream is refused now."""
        slots, wanted = self.slots(now), self.wanted(now)
        own = 1.0 if slots < 0.5 else min(1.0, max(0.0, (wanted / slots - 1.0) / self.model.knee))
        return 1 - (1 - own) * (1 - self._level("refuse", now))

    # ---- one stream's life ------------------------------------------------------------------------

    def arrive(self, now: float, *, sure: bool = False) -> int:
        """0 when a stream may start (call `leave` when it ends), else the status that refuses it.

        A `sure` one is never refused.
        """
        if not sure and self._rng.random() < self.refusal_probability(now):
            self.refuse()
            return 503 if self._rng.random() < self.model.unavailable else 529
        self._to(now)
        self.running += 1
        self._speed = self._speed_at(now)
        return 0

    def refuse(self) -> None:
        """Note a refusal, ours or that of a limit: each costs the service something."""
        self._refused += 1

    def leave(self, now: float) -> None:
        """A stream ended, however."""
        self._to(now)
        self.running -= 1
        self._speed = self._speed_at(now)

    def worked(self, now: float) -> float:
        """Seconds of full speed that a stream which ran all the time has had."""
        self._to(now)
        return self._work

    def speed(self, now: float) -> float:
        """Speed of a running stream now, up to 1."""
        self._to(now)
        return self._speed

    def refusal_delay(self) -> float:
        """Seconds until a refusal is written."""
        return min(2.0, 0.1 + self._rng.expovariate(1 / 0.2))

    # ---- time -------------------------------------------------------------------------------------

    def _to(self, now: float) -> None:
        """Bring the model to `now`: whole seconds one by one, for the noise and the cost of refusals."""
        if now - self._second > 3600:  # an idle hour or a jump of the clock: only the last minute matters
            skipped = int(now) - 60
            self._work += max(0.0, skipped - self._at) * self._speed
            self._second = skipped
            self._at = max(self._at, float(skipped))
        while self._second + 1 <= now:
            self._second += 1
            self._run(float(self._second))
            self._refusal_rate = 0.8 * self._refusal_rate + 0.2 * self._refused
            self._refused = 0
            self._step_noise()
            self._speed = self._speed_at(float(self._second))
        self._run(now)

    def _run(self, now: float) -> None:
        if now > self._at:
            self._work += (now - self._at) * self._speed
            self._at = now

    def _step_noise(self) -> None:
        push = self.model.noise * math.sqrt(1 - self._decay**2)
        self._deviation = self._decay * self._deviation + push * self._noise_rng.gauss(0, 1)
        self._noise = max(0.5, 1.0 + self._deviation)

    def _speed_at(self, now: float) -> float:
        streams = self.running + self._level("others", now)
        if streams <= 0:
            return 1.0
        return min(1.0, max(LOWEST_SPEED, self._level("engine", now) * self._noise / streams))

    def _level(self, name: str, now: float) -> float:
        phase = next((p for p in self.model.phases if p.begin <= now < p.end), None)
        if phase is not None:
            if name == "slots" and phase.outage:
                return 0.0
            value = getattr(phase, name)
            if value is None and name == "engine" and not phase.outage:
                value = phase.slots
            if value is not None:
                return float(value)
        if name == "engine" and self.model.engine is None:
            return self.model.slots
        return float(getattr(self.model, name))
