"""After a failed attempt: again, through, or give up."""

import random
from dataclasses import dataclass

from seawall.causes.cause import Hold
from seawall.clock import duration
from seawall.config import Backoff
from seawall.policy.backoff import next_delay, next_throttle_delay
from seawall.policy.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Again:
    """Wait `after` seconds in the queue, then try again."""

    after: float


@dataclass(frozen=True, slots=True)
class Through:
    """Hand the failure on as it came: waiting would not help, or is not ours to do."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Hand the failure on, with Seawall's sentence: it waited as long as it may."""

    reason: str


Decision = Again | Through | GiveUp


@dataclass(slots=True)
class Standing:
    """What a call has been through; it outlives the connection of its client. Moments are monotonic seconds."""

    started_at: float
    """When its hold began."""
    attempts: int = 0
    failures: int = 0
    """In a row and of one kind: throttles, or none."""
    first_failed_at: float = 0.0
    """Of those."""
    throttled: bool = False
    """Whether they are throttles."""
    replays: int = 0
    """How often it was sent again though the attempt before may have been carried out."""

    def failed(self, outcome: Outcome, now: float) -> None:
        """Count a failure. Pauses, and the time that throttles are given, begin anew with another kind."""
        if not self.failures or outcome.throttle is not self.throttled:
            self.failures, self.first_failed_at, self.throttled = 0, now, outcome.throttle
        self.failures += 1


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a call may still do."""

    deadline: float
    """No attempt may begin after it, monotonic."""
    may_replay: bool = True
    """Be sent again though it may have been carried out."""
    has_hold: bool = True
    """False for the retry of a call that was given up: its hold is spent."""


def decide(
    outcome: Outcome, standing: Standing, bounds: Bounds, now: float, params: Backoff, rng: random.Random
) -> Decision:
    """What to do after `outcome`, which `standing` has counted."""
    if outcome.hold is Hold.NO or outcome.elsewhere:
        return Through()
    if not bounds.has_hold:
        return GiveUp("this call was given up before; its hold is spent")
    if outcome.ambiguous and not bounds.may_replay:
        return GiveUp("it may have been carried out already, so it is not sent again")
    if outcome.throttle:
        if now - standing.first_failed_at >= params.throttle_most:
            return Through()
        delay = next_throttle_delay(standing.failures, params, rng)
    else:
        delay = next_delay(standing.failures, outcome.retry_after, params, rng)
    if now + delay < bounds.deadline:
        return Again(delay)
    if outcome.hold is Hold.UNTIL:
        return Through()
    stated = outcome.retry_after
    if stated is not None and standing.first_failed_at + stated >= bounds.deadline:
        return GiveUp(f"the service asks for {duration(stated)}, longer than it may be held")
    return GiveUp("it was held as long as it may be")
