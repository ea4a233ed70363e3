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


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a call stands when one of its attempts has failed. Moments are monotonic seconds."""

    failures: int
    """In a row, this one included."""
    deadline: float
    """No attempt may begin after it."""
    first_failed_at: float
    replays_left: int
    """Ambiguous attempts that may still be repeated."""
    has_hold: bool
    """False for the retry of a call that was given up: its hold is spent."""


def decide(outcome: Outcome, standing: Standing, now: float, params: Backoff, rng: random.Random) -> Decision:
    """What to do after `outcome`."""
    if outcome.hold is Hold.NO or outcome.elsewhere:
        return Through()
    if not standing.has_hold:
        return GiveUp("this call was given up before; its hold is spent")
    if outcome.ambiguous and standing.replays_left <= 0:
        return GiveUp("it may have been carried out already, so it is not sent again")
    if outcome.throttle:
        if now - standing.first_failed_at >= params.throttle_most:
            return Through()
        delay = next_throttle_delay(standing.failures, params, rng)
    else:
        delay = next_delay(standing.failures, outcome.retry_after, params, rng)
    if now + delay < standing.deadline:
        return Again(delay)
    if outcome.hold is Hold.UNTIL:
        return Through()
    if (
        outcome.retry_after is not None
        and standing.first_failed_at + outcome.retry_after >= standing.deadline
    ):
        return GiveUp(f"the service asks for {duration(outcome.retry_after)}, longer than it may be held")
    return GiveUp("it was held as long as it may be")
