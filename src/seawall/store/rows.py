"""The rows that are kept. Never a prompt, an answer, a file name or a credential."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that failed or was held. Times are UTC seconds since 1970, lengths are seconds."""

    at: float
    utc_offset: int
    """Minutes east of UTC at that moment, for statistics by the wall clock."""
    call: str
    """The call's id, as in `x-seawall-id`."""
    number: int
    """From 1."""
    route: str
    """Host of the upstream."""
    family: str
    """Model family: opus, sonnet, haiku, fable, mythos, or empty."""
    status: int | None
    error_type: str | None
    cause: str | None
    """None for an attempt that succeeded after others had failed."""
    request_id: str | None
    took: float
    """Of this attempt."""
    held: float
    """Of its call, until this attempt ended."""
    ended: str
    """`recovered`, `retried`, `passed`, `given_up`, `broken` (after content), `abandoned` (client gone)."""
    source: str = "gateway"
    client: str = ""
    """The client's name and version."""
    network: str = ""
    """A hash that tells one network from another."""
    account: str = ""
    """Salted hash of the credential, or of the organisation once an answer named it."""
    maybe_billed: bool = False
    cache_cold: bool = False
    input_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Count:
    """Attempts of one hour that ended alike; counts of all attempts, so that rates can be had."""

    hour: int
    """Hours since 1970, UTC."""
    utc_offset: int
    route: str
    family: str
    account: str
    cause: str
    """Empty for success."""
    attempts: int
