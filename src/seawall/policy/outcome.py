"""What a failed attempt means: its cause, and what that cause allows."""

from dataclasses import dataclass

from seawall.causes.cause import Hold, lookup
from seawall.causes.evidence import Evidence, Fault, Phase
from seawall.causes.match import match

_NEVER_HELD = frozenset((400, 401, 402, 403, 404, 413))
"""Whatever the body says: the client must see these, and knows what to do (rule 7)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One failed attempt, classified. This is the only place where that is done."""

    cause: str
    hold: Hold
    """Whether a call may wait for this to pass."""
    retry_after: float | None = None
    throttle: bool = False
    """A 429 without a stated time."""
    ambiguous: bool = False
    """The whole request was sent and no verdict came: it may have been carried out, and billed."""
    elsewhere: bool = False
    """Another Seawall stands behind this answer; the holding is its."""


def classify(evidence: Evidence) -> Outcome:
    """The outcome of an attempt that failed before any of its content was forwarded."""
    cause = match(evidence)
    hold = lookup(cause).hold
    if evidence.should_retry is False or evidence.status in _NEVER_HELD:
        hold = Hold.NO
    throttle = False
    if evidence.status == 429 and hold is not Hold.NO:
        throttle = evidence.retry_after is None
        hold = Hold.YES if throttle else Hold.UNTIL
    return Outcome(
        cause=cause,
        hold=hold,
        retry_after=evidence.retry_after,
        throttle=throttle,
        ambiguous=is_ambiguous(evidence),
        elsewhere=evidence.from_seawall,
    )


def is_ambiguous(evidence: Evidence) -> bool:
    """Whether the upstream may have worked on the request without telling."""
    match evidence.phase:
        case Phase.CONNECT | Phase.SENDING:
            return False
        case Phase.SENT | Phase.CONTENT:
            return evidence.fault is not Fault.TLS_OTHER  # told where the handshake ends: it was not read
        case Phase.HEAD | Phase.BODY:
            # An error status, an `error` event or an error object is a verdict. A 200 that broke off first is none.
            return evidence.status == 200 and not evidence.in_stream and evidence.error_type is None
