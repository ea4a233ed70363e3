"""How long a call is held, and when its answer must be opened so that its client goes on waiting."""

import msgspec

from seawall.config import Hold


class Client(msgspec.Struct, frozen=True):
    """What a request's headers tell of its client's patience."""

    limit: float | None
    """Seconds after which it gives up, where it states them."""
    is_claude_code: bool
    loopback: bool
    """Whether it came in on a loopback listener, with no hops between."""


class Patience(msgspec.Struct, frozen=True):
    """How long a call may take, in seconds."""

    hold: float
    """No attempt begins later than this after the call's first arrival. 0: every failure is passed on."""
    open_after: float | None
    """From this request's arrival: when its answer is opened; None: never."""
    tell_after: float | None = None
    """From this request's arrival: when its client must have been told; None: it waits for as long as it is pinged."""


def plan(client: Client, *, auxiliary: bool, asked: float | None, params: Hold) -> Patience:
    """The patience that a call deserves.

    `auxiliary`: nobody waits for it (a title, a quota probe). `asked`: a hold that the run states for itself.
    """
    hold = params.longest if asked is None else asked
    if auxiliary:
        hold = min(hold, params.auxiliary)
    limit = client.limit
    if limit is not None and limit < params.shortest_limit:
        return Patience(hold, None, params.deadline_share * limit)
    if limit is not None:
        open_after = min(params.open_after, limit - params.open_margin)
    elif client.is_claude_code:
        open_after = params.open_after
    else:
        open_after = params.open_unknown
    if not client.loopback:
        open_after = min(open_after, params.open_unknown)
    return Patience(hold, open_after)


def stated_limit(timeout: bytes | None, read_timeout: bytes | None) -> float | None:
    """The client's limit from `x-stainless-timeout` and `x-stainless-read-timeout`, the shorter if both speak.

    Python often sends the word NOT_GIVEN, which says nothing.
    """
    limits = [limit for limit in (_seconds(timeout), _seconds(read_timeout)) if limit is not None]
    return min(limits) if limits else None


def _seconds(value: bytes | None) -> float | None:
    try:
        seconds = float(value) if value is not None else -1.0
    except ValueError:
        return None
    return seconds if 0 < seconds < 1e9 else None
