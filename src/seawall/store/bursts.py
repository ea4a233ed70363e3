"""Attempts as the store adds them up for history: runs of failures, minutes of recoveries."""

from dataclasses import dataclass
from typing import NamedTuple

LONGEST_HOLD = 86400.0
"""Seconds. Nothing is held for a day."""
MINUTE = 60
"""Seconds of recoveries that are one. Failures closer to each other than this are one burst: an episode is not closed
by a success less than a minute before the next failure, so nothing that ends one can hide inside."""


class Burst(NamedTuple):
    """Failures of one cause on one route, each less than a minute from another. Times are UTC seconds since 1970.

    A tuple, as `Recovery` is: a dense month has a hundred thousand of those, and a dataclass takes longer to make.
    """

    cause: str
    route: str
    first: float
    last: float
    attempts: int = 1
    calls: int = 1
    """Calls whose first attempt is among them, so that no call counts twice."""
    given_up: int = 0
    broken: int = 0
    utc_offset: int = 0
    """Minutes east of UTC."""
    shortest_hold: float | None = None
    longest_hold: float | None = None
    """Seconds that a gateway had held the calls which were given up."""
    unheld: int = 0
    """Of those given up the ones that no gateway held: a file tells that their own client did."""
    lanes: tuple[tuple[str, str], ...] = ()
    """Family and account of each lane that it hit."""


class Recovery(NamedTuple):
    """Calls of one lane that succeeded after failures, within one minute."""

    route: str
    family: str
    account: str
    first: float
    last: float
    since: float
    """When the one that was held longest began to be held."""
    calls: int = 1
    """Those that a gateway held: a file may tell of others, which were tried again by their own client."""
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
    repeats: int = 0
    """Attempts that were not their call's first."""


@dataclass(frozen=True, slots=True)
class ModelCount:
    """Attempts of one model family, and how many of them failed."""

    family: str
    attempts: int
    failed: int
    repeats: int = 0
    """Attempts that were not their call's first."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a person wrote about an episode. Times are UTC seconds since 1970."""

    key: str
    """The episode's whole id when it was written."""
    cause: str
    route: str
    opened_at: float
    utc_offset: int
    """Minutes east of UTC when the episode began."""
    text: str
    noted_at: float


@dataclass(frozen=True, slots=True)
class Work:
    """Failed attempts of one client in one hour, and the calls that began with one of them."""

    hour: int
    """Hours since 1970, UTC."""
    utc_offset: int
    client: str
    """Name and version."""
    calls: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Start:
    """A call whose first attempt failed. Times are UTC seconds since 1970."""

    call: str
    at: float
    """When it began."""
    utc_offset: int
