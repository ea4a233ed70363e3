"""What can go wrong, as data: a cause is `party.condition`."""

from seawall.causes.cause import EXIT_CODES, Cause, Hold, Party, Retry, Summary, codes, load, lookup
from seawall.causes.evidence import Body, Evidence, Fault, Phase
from seawall.causes.match import match

__all__ = [
    "EXIT_CODES",
    "Body",
    "Cause",
    "Evidence",
    "Fault",
    "Hold",
    "Party",
    "Phase",
    "Retry",
    "Summary",
    "codes",
    "load",
    "lookup",
    "match",
]
