"""Attempts as the store adds them up for history: a minute of failures, a second of recoveries."""

from dataclasses import dataclass

MINUTE = 60
"""Seconds of failures that are one burst. An episode is not closed by a success less than a minute before the next
failure, so nothing that ends one can hide inside."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Failures of one cause in one lane within one minute. Times are UTC seconds since 1970."""

    cause: str
    route: str
    family: str
    account: str
    first: float
    last: float
    attempts: int = 1
    calls: int = 1
    """Calls whose first attempt is among them, so that no call counts twice."""
    given_up: int = 0
    broken: int = 0
    utc_offset: int = 0
    """Minutes east of UTC."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Calls of one lane that succeeded, after failures, within one second."""

    route: str
    family: str
    account: str
    first: float
    last: float
    since: float
    """When the one that was held longest began to be held."""
    calls: int = 1
    waited: float = 0.0
    """Seconds that they were held, together."""


@dataclass(frozen=True, slots=True)
class HourCount:
    """Attempts of one hour, and how many of them failed."""

    hour: int
    """Hours since 1970, UTC."""
    utc_offset: int
    """Minutes east of UTC at that hour."""
    attempts: int
    failed: int


@dataclass(frozen=True, slots=True)
class ModelCount:
    """Attempts of one model family, and how many of them failed."""

    family: str
    attempts: int
    failed: int
