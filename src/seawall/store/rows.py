"""The rows that are kept. Never a prompt, an answer, a file name or a credential."""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from math import isfinite

from seawall import redact


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
    """`recovered`, `retried`, `passed`, `given_up`, `broken` (after content), `abandoned` (client gone), `unread` (an
    answer came that the gateway could not read: as far as is known it succeeded).
    """
    source: str = "gateway"
    client: str = ""
    """The client's name and version."""
    network: str = ""
    """A hash, in hex, that tells one network from another."""
    account: str = ""
    """Salted hash, in hex, of the credential, or of the organisation once an answer named it."""
    maybe_billed: bool = False
    cache_cold: bool = False
    input_bytes: int = 0
    fallback: str | None = None
    """Where this attempt went instead, as in `x-seawall-fallback`; None where its client sent it."""

    @property
    def untried(self) -> bool:
        """Whether its call was given up in line: the cause is what it waited for, and no attempt was made."""
        return self.ended == "given_up" and not self.held and self.status is None and self.source == "gateway"


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


Row = Attempt | Count
Harmless = Callable[[str], bool]
Cell = str | float | None

# No name begins like a key.
_NO_KEY = r"(?!(?:sk|pk|rk)-|gh[a-z]_|xox[a-z]-|eyJ)"
_NAME = _NO_KEY + r"[A-Za-z][A-Za-z0-9_.+-]{0,39}"
_MODEL = _NO_KEY + r"[A-Za-z][A-Za-z0-9_.:/@+-]{0,99}"
_HASH = r"[0-9a-f]{0,64}"
_SHAPES = {
    "call": r"[A-Za-z0-9_-]{1,64}",
    # A host and its port; no path, and no user name before an @.
    "route": r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::\d{1,5})?",
    "family": r"[a-z0-9]{0,16}",
    "error_type": _NAME + r"(?:/" + _NAME + r")?",
    "cause": r"(?:[a-z]+\.[a-z0-9_]{1,48})?",
    # Anthropic's, a UUID (Bedrock and many gateways), or Cloudflare's ray.
    "request_id": r"req_[A-Za-z0-9_]{1,60}|[0-9A-Fa-f-]{16,64}|[0-9a-f]{16}-[A-Z]{3}",
    "ended": r"[a-z_]{1,16}",
    "source": r"[a-z_]{1,16}",
    # `claude-cli/2.1.59`, `AsyncAnthropic/Python 2.11.0`.
    "client": r"(?:" + _NAME + r"(?:/" + _NAME + r")?(?:[/ ]\d[A-Za-z0-9_.+-]{0,31})?)?",
    "network": _HASH,
    "account": _HASH,
    # `model=claude-sonnet-5-5`, `upstream=host:port model=...`: the `route` of that attempt is the same host:port.
    "fallback": r"(?:upstream=[A-Za-z0-9._\[\]:-]{1,262}(?: model=" + _MODEL + r")?|model=" + _MODEL + r")",
}
"""What each text may look like. Most come from an upstream or a client, who may write anything there: a
sentence, a path, a key. What does not look like its shape is not kept."""

_SAID = frozenset({"client", "error_type", "fallback"})
"""Words of others: no key in them, and nothing that looks like one. A host's name may look like anything."""

_LARGEST = 2**63
"""Beyond it SQLite and PostgreSQL have no whole numbers."""


def cells(row: Row) -> tuple[Cell, ...] | None:
    """The row's values in the order of its fields, fit to be kept; None for a row with an impossible number.

    A text that has not the shape of its field is replaced by nothing (empty, or null where that is allowed).
    """
    kind: type = type(row)
    if kind not in (Attempt, Count):
        return None
    try:
        # By way of a list: a tuple that grows never takes one that Python keeps for reuse, but is kept like them when
        # it goes, 2000 of them (0.4 MB).
        plan = _plan(kind)
        return tuple(
            [_cell(getattr(row, name), shape, none, harmless) for name, shape, none, harmless in plan]
        )
    except ValueError:
        return None


def _cell(value: object, shape: re.Pattern[str] | None, optional: bool, harmless: Harmless | None) -> Cell:
    if value is None and optional:
        return None
    if shape is not None:
        fits = isinstance(value, str) and shape.fullmatch(value) and (harmless is None or harmless(value))
        return str(value) if fits else None if optional else ""
    if isinstance(value, float) and isfinite(value):
        return value
    if isinstance(value, int) and -_LARGEST <= value < _LARGEST:
        return int(value)
    raise ValueError("not a number that can be kept")


@lru_cache(128)
def _is_harmless(value: str) -> bool:
    return redact.line(value) == value


@lru_cache(32)
def _is_host(value: str) -> bool:
    return not redact.keyed(value)


@cache
def _plan(kind: type) -> tuple[tuple[str, re.Pattern[str] | None, bool, Harmless | None], ...]:
    # Made at the first row, in the writer's thread: compiling takes 2 ms that the start need not wait for.
    return tuple(
        (
            field.name,
            re.compile(_SHAPES[field.name], re.ASCII) if field.type in (str, str | None) else None,
            field.type in (str | None, int | None),
            _is_harmless if field.name in _SAID else _is_host if field.name == "route" else None,
        )
        for field in fields(kind)
    )
