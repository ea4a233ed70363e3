"""When to stop trying, and how to find out that one may go on. Moments are monotonic seconds."""

import math
import random

from seawall.config import Breaker as Params

_STEP = 0.1
"""Weight of one verdict in the usual share of refusals: of the last dozen or so. With half of it a brownout that is
others' doing had opened the breaker before its refusals were usual."""
_LONGEST = 50
"""Refusals of one streak that count for it."""


class Breaker:
    """Opens after a streak of refusals that chance would not explain; then one probe at a time until one is accepted.

    A probe that has said nothing for `probe_silence` is none any more: what it says later counts as any attempt's.

    The probe is a real request, the next in line: a made-up one costs money, and may be taken where a real one is not.
    """

    __slots__ = (
        "_accepted_at",
        "_gap",
        "_heard_at",
        "_next",
        "_p",
        "_probe",
        "_probe_at",
        "_probes",
        "_rng",
        "_usual",
        "open",
        "streak",
    )

    def __init__(self, params: Params, rng: random.Random) -> None:
        self._p, self._rng = params, rng
        self.open = False
        self.streak = 0
        """Refusals in a row."""
        self._accepted_at = self._heard_at = -math.inf
        """When one was taken last; when the first refusal of this streak was heard."""
        self._usual = 0.0
        """Share of refusals before this streak."""
        self._gap = params.probe_first
        self._next = 0.0
        self._probes = 0
        """All there were: their numbers count from 1."""
        self._probe = 0
        """The one under way, or 0; and when it went."""
        self._probe_at = 0.0

    def when(self, now: float) -> float:
        """When an attempt may go: now while closed; the next probe, or inf while one is under way."""
        if not self.open:
            return now
        return math.inf if self._probe and now < self.patient_until else max(now, self._next)

    @property
    def patient_until(self) -> float:
        """How long the probe that was sent last may say nothing."""
        return self._probe_at + self._p.probe_silence

    def send(self, now: float) -> int:
        """An attempt goes; the probe's number if it is one, else 0."""
        if not self.open:
            return 0
        self._probes += 1
        self._probe, self._probe_at = self._probes, now
        return self._probe

    def accepted(self, now: float, sent_at: float = math.inf) -> bool:
        """An attempt of that moment was taken; whether that closed it.

        A refusal is heard in a fraction of a second, an acceptance with the first byte. So after the beginning of an
        outage acceptances of attempts from before it go on arriving for seconds: they end no streak and close nothing.
        """
        self._accepted_at = now
        if self.streak:
            if sent_at <= self._heard_at:
                return False
            if not self.open:
                self._usual = 1 - (1 - self._usual) * (1 - _STEP) ** min(self.streak, _LONGEST)
            self.streak = 0
        if self.open:
            self.open, self._probe = False, 0
            return True
        self._usual -= _STEP * self._usual
        return False

    def refused(self, now: float, probe: int = 0) -> bool:
        """An attempt, or the probe of this number, was refused; whether that opened it."""
        p = self._p
        if not self.streak:
            self._heard_at = now
        self.streak += 1
        opens = not self.open and self.streak >= self._enough() and now - self._accepted_at >= p.quiet
        if opens:
            self.open, self._gap = True, p.probe_first
        elif self.open:
            self._gap = min(p.probe_most, self._gap * p.probe_factor)
        else:
            return False
        self.returned(probe)
        self._next = now + self._gap * self._rng.uniform(1 - p.probe_spread, 1 + p.probe_spread)
        return opens

    def returned(self, probe: int) -> None:
        """The probe of this number ended, refused or without a verdict: the next may follow."""
        if probe and probe == self._probe:
            self._probe = 0

    def _enough(self) -> int:
        """Refusals in a row that are too many for chance, given how usual refusals were."""
        p = self._p
        if self._usual < _STEP:
            return p.streak_least
        needed = math.ceil(math.log(p.alarm) / math.log(min(0.95, self._usual)))
        return min(p.streak_most, max(p.streak_least, needed))
