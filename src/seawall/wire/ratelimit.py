"""What an answer's headers say about limits: how long to wait, what is left, whether the plan refuses.

Values that make no sense are ignored: a header is a hint from outside, never a reason to fail.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

Get = Callable[[bytes], bytes | None]
"""Looks a header up by its lower-case name; a `dict.get` will do."""

_NUMBER = re.compile(rb"[ \t]*(\d{1,12}(?:\.\d{0,9})?)[ \t]*")
_WORD = re.compile(rb"[ \t]*([A-Za-z0-9_-]{1,64})[ \t]*")
_BELOW = re.compile(rb"[ \t]*-\d{1,12}(?:\.\d{0,9})?[ \t]*")
_DATE = re.compile(rb"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT")
"""How servers write it today. Every answer to a plan has one: it is read without the import that `_http_date` needs."""
_MONTHS = b"JanFebMarAprMayJunJulAugSepOctNovDec"
_LONGEST = 4_294_967.0
"""Seconds. The official SDKs honour a `retry-after` up to this; a longer one says the same thing."""
_LONGEST_VALUE = 64
"""No number and no date is longer; a longer value is junk."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One rate limit of the account: `name` as in the header, `reset` in seconds from the answer."""

    name: str
    limit: int
    remaining: int
    reset: float | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """One window of a subscription's allowance: a budget, not a rate."""

    name: str
    """`5h` or `7d`; `7d_opus` or `7d_sonnet` is of that model family alone."""
    used: float
    """Share, from 0; 1 is all."""
    status: str | None
    reset: float | None
    """Seconds from the answer."""


Raw = tuple[str, bytes, bytes | None, bytes | None]
"""A bucket's name and its three headers: limit, remaining, reset."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the headers said; `retry_after` and the resets are seconds from the answer's arrival."""

    retry_after: float | None = None
    should_retry: bool | None = None
    unified_status: str | None = None
    """The plan's own word: `allowed`, `allowed_warning` or `rejected`."""
    claim: str | None = None
    """The window that decided, such as `five_hour` or `seven_day_opus`."""
    reset: float | None = None
    """When that window starts anew."""
    windows: tuple[Window, ...] = ()
    raw: tuple[Raw, ...] = field(default=(), repr=False)
    """The buckets' headers as they came. Every good answer has them and few are ever asked about."""
    wall: float = 0.0

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """The rate limits of the account; a bucket whose numbers make no sense is left out."""
        read = (_bucket(*raw, self.wall) for raw in self.raw)
        return tuple(bucket for bucket in read if bucket is not None)

    def levels(self) -> Iterator[tuple[str, float, float]]:
        """Name, limit a minute and what is left of each bucket whose numbers make sense."""
        for name, limit, remaining, _ in self.raw:
            most, left = _number(limit), _left(remaining)
            if most and left is not None:
                yield name, most, left

    @property
    def rejected(self) -> bool:
        """The plan's allowance is used up: waiting a moment will not help."""
        return self.unified_status == "rejected"

    def empty_bucket(self, threshold: float = 0.02) -> str | None:
        """The name of the emptiest bucket whose remaining share is at most `threshold`, else None."""
        worst: Bucket | None = None
        for bucket in self.buckets:
            if bucket.remaining > bucket.limit * threshold:
                continue
            if worst is None or bucket.remaining * worst.limit < worst.remaining * bucket.limit:
                worst = bucket
        return worst.name if worst else None


NONE = Limits()
"""An answer that says nothing of limits."""

# The bare `tokens` bucket repeats the tightest of the others, so it comes last and loses a draw.
_NAMES = ("requests", "input-tokens", "output-tokens", "tokens")


def _header(name: str, part: str) -> bytes:
    return f"anthropic-ratelimit-{name}-{part}".encode("ascii")


_WINDOWS = tuple(
    (
        name,
        _header(f"unified-{name}", "utilization"),
        _header(f"unified-{name}", "status"),
        _header(f"unified-{name}", "reset"),
    )
    for name in ("5h", "7d", "7d_opus", "7d_sonnet")
)
_BUCKETS = tuple(
    (name, _header(name, "limit"), _header(name, "remaining"), _header(name, "reset")) for name in _NAMES
)


def read(get: Get, wall: float) -> Limits:
    """Everything the headers say of limits; `wall` (seconds since 1970) is what dates are measured against, where the
    answer has no `date` of its own: this machine's clock may be minutes off."""
    raw = tuple(
        (name, found, get(remaining), get(reset))
        for name, limit, remaining, reset in _BUCKETS
        if (found := get(limit)) is not None
    )
    status = get(b"anthropic-ratelimit-unified-status")
    milliseconds = get(b"retry-after-ms")
    seconds = get(b"retry-after")
    again = get(b"x-should-retry")
    if not raw and status is None and milliseconds is None and seconds is None and again is None:
        return NONE
    if status is not None or (seconds is not None and b":" in seconds):
        wall = _sent_at(get(b"date"), wall)
    return Limits(
        retry_after=_retry_after(milliseconds, seconds, wall),
        should_retry=_flag(again),
        unified_status=_word(status),
        claim=_word(get(b"anthropic-ratelimit-unified-representative-claim")),
        reset=_moment(get(b"anthropic-ratelimit-unified-reset"), wall),
        windows=() if status is None else tuple(_windows(get, wall)),
        raw=raw,
        wall=wall,
    )


def _windows(get: Get, wall: float) -> Iterator[Window]:
    for name, used, status, reset in _WINDOWS:
        if (share := _number(get(used))) is not None:
            yield Window(name, share, _word(get(status)), _moment(get(reset), wall))


def _bucket(
    name: str, limit: bytes, remaining: bytes | None, reset: bytes | None, wall: float
) -> Bucket | None:
    most, left = _number(limit), _left(remaining)
    if most is None or left is None:
        return None
    return Bucket(name, int(most), int(left), _moment(reset, wall))


def _retry_after(milliseconds: bytes | None, seconds: bytes | None, wall: float) -> float | None:
    """The finer header first, as the SDKs read them."""
    if (value := _number(milliseconds)) is not None:
        return min(value / 1000, _LONGEST)
    if (value := _number(seconds)) is not None:
        return min(value, _LONGEST)
    return _http_date(seconds, wall)


def _http_date(value: bytes | None, wall: float) -> float | None:
    if value is None or len(value) > _LONGEST_VALUE or b":" not in value:
        return None
    # Dates are rare here, and this import costs milliseconds at start.
    from email.utils import parsedate_to_datetime

    try:
        at = parsedate_to_datetime(value.decode("latin-1"))
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        return min(max(at.timestamp() - wall, 0.0), _LONGEST)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _moment(value: bytes | None, wall: float) -> float | None:
    """Seconds from now until a reset that is given as RFC 3339 or as seconds since 1970."""
    if value is None or len(value) > _LONGEST_VALUE:
        return None
    at = _number(value)
    if at is None:
        try:
            then = datetime.fromisoformat(value.decode("latin-1").strip())
            at = (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    return min(max(at - wall, 0.0), _LONGEST)


def _sent_at(date: bytes | None, wall: float) -> float:
    """When the answer was written, by the clock of who wrote it."""
    if date is None or (found := _DATE.fullmatch(date.strip())) is None or (at := _MONTHS.find(found[2])) % 3:
        return wall
    try:
        year, day, hour, minute, second = (int(found[part]) for part in (3, 1, 4, 5, 6))
        return datetime(year, at // 3 + 1, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        return wall


def _left(value: bytes | None) -> float | None:
    """What is left of a bucket: of one that is overdrawn nothing."""
    left = _number(value)
    return 0.0 if left is None and value is not None and _BELOW.fullmatch(value) else left


def _number(value: bytes | None) -> float | None:
    if value is None or (found := _NUMBER.fullmatch(value)) is None:
        return None
    return float(found[1])


def _word(value: bytes | None) -> str | None:
    if value is None or (found := _WORD.fullmatch(value)) is None:
        return None
    return found[1].decode("ascii").lower()


def _flag(value: bytes | None) -> bool | None:
    match _word(value):
        case "true":
            return True
        case "false":
            return False
        case _:
            return None
