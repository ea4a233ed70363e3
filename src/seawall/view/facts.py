"""What a gateway's status says, read so that nothing in it can surprise: an older gateway lacks keys, a newer has more.

What is missing or is not of its kind is None, or an empty text or tuple, and is not shown. Texts are clean.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from seawall.view.layout import clean

_MOST_SECONDS = 1e9
_MOST_COUNT = 10**15
_MOST_LANES = 500
_MOST_WAITING = 1000
_MOST_MODELS = 20


@dataclass(frozen=True, slots=True)
class Bucket:
    """One limit of the account's own; `wait` is the seconds until the first in the queue fits."""

    name: str
    limit: int | None
    left: int | None
    wait: float | None


@dataclass(frozen=True, slots=True)
class Window:
    """A budget of a plan; `used` is a share."""

    name: str
    used: float | None
    status: str
    resets_in: float | None


@dataclass(frozen=True, slots=True)
class Lane:
    """One model, of one account at one upstream."""

    upstream: str
    account: str
    family: str
    running: int | None
    pending: int | None
    queued: int | None
    agents: tuple[tuple[str, int], ...]
    limit: int | None
    state: str
    rate: float | None
    refused_share: float | None
    breaker: str
    probe_in: float | None
    buckets: tuple[Bucket, ...]
    blocked_for: float | None
    start_rate: float | None
    plan: tuple[Window, ...]
    next_in: float | None
    why: str
    refused_by: str = ""
    """What the last refusal was: a status, or what broke."""
    version: str = ""

    @property
    def idle(self) -> bool:
        """Whether nothing is under way or waits here."""
        return not (self.running or self.pending or self.queued)


@dataclass(frozen=True, slots=True)
class Held:
    """A call that waits, and why."""

    id: str
    client: str
    agent: str
    family: str
    attempt: int | None
    waited: float | None
    next_in: float | None
    cause: str
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Failures of one cause in one lane. Times are UTC seconds since 1970."""

    route: str
    family: str
    account: str
    cause: str
    since: float
    recovered_at: float | None
    finished: int = 0
    """Held calls that succeeded after all."""
    given_up: int = 0
    by_api: bool = False
    """The API itself answered so, whatever lies between."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Attempts for one model family in the last minutes."""

    family: str
    succeeded: int
    tried: int
    route: str = ""
    succeeded_at: float | None = None
    """UTC seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """One gateway, as it was a moment ago."""

    address: str
    upstream: str
    answers: bool
    draining: bool
    up: float | None
    held: int
    cause: str
    cause_age: float | None
    store: str
    calls: int | None
    recovered: int | None
    fell_back: int | None
    lost: int | None
    longest_held: float | None
    next_try_in: float | None
    lanes: tuple[Lane, ...]
    waiting: tuple[Held, ...]
    waiting_more: int
    running: int | None = None
    leases: int | None = None
    """Runs that use it."""
    troubles: tuple[Trouble, ...] = ()
    fallback_troubles: tuple[Trouble, ...] = ()
    """The same of other addresses, to which its calls fall back."""
    models: tuple[Tried, ...] = ()
    span: float | None = None
    """Seconds that `models` covers."""
    minutes: tuple[tuple[int, int], ...] = ()
    """How many attempts succeeded and failed in each of the last minutes, the oldest first."""
    cut_at: float | None = None
    """When an answer last broke off after content of it had been sent."""
    succeeded_at: float | None = None
    untried: int = 0
    """Calls that wait beside those that are held: not tried yet, so none of theirs has failed."""
    usually: float | None = None
    """Seconds in which 3 of 4 episodes like this one are over, where that is known."""

    @property
    def host(self) -> str:
        """Whom calls go to, with its port if one is named."""
        return self.upstream.partition("://")[2].partition("/")[0]

    @property
    def route(self) -> str:
        """The same as lanes name it: without a port."""
        host, _, port = self.host.rpartition(":")
        return (host if host and port.isdecimal() else self.host).strip("[]")

    @property
    def listed(self) -> int:
        """How many calls are said to wait."""
        return len(self.waiting) + self.waiting_more

    @property
    def by_api(self) -> bool:
        """Whether the API itself is what fails so, behind whatever address."""
        return any(one.by_api for one in self.alike)

    @property
    def alike(self) -> list[Trouble]:
        """The troubles of the cause that is shown: those that go on, or the one that ended last while a call is held.

        In a brownout some calls succeed all the time: others are held by what those are past.
        """
        same = [one for one in self.troubles if one.cause == self.cause]
        going_on = [one for one in same if one.recovered_at is None]
        if going_on or not (same and self.held):
            return going_on
        return [max(same, key=lambda one: one.recovered_at or 0.0)]

    @property
    def failing(self) -> list[str]:
        """Where its calls could not fall back to when that was last tried, and why not; each address once."""
        causes = {one.route: one.cause for one in self.fallback_troubles if one.recovered_at is None}
        return [f"fallback {route} fails: {cause}" for route, cause in causes.items()]

    @property
    def counts(self) -> str:
        """How many calls are held and how many wait beside them: `holding 2, 37 more wait`; `nothing held`."""
        said = f"holding {self.held}" if self.held else "nothing held"
        if not self.untried:
            return said
        return f"{said}, {self.untried}{' more' if self.held else ''} wait{'s' if self.untried == 1 else ''}"


Facts = Mapping[str, object]


def gateway(one: Facts) -> Gateway:
    """A gateway from its status, whatever that holds."""
    found = one.get("recent")
    recent: Facts = found if isinstance(found, dict) else {}
    held, untried = _count(one, "held") or 0, _count(one, "untried")
    more = (_count(one, "waiting_more") or 0) + max(0, len(_list(one, "waiting")) - _MOST_WAITING)
    waiting = tuple(_held(call) for call in _list(one, "waiting")[:_MOST_WAITING])
    if untried is None:  # an older gateway: at least so many
        untried = max(0, len(waiting) + more - held)
    return Gateway(
        address=_text(one, "address"),
        upstream=_text(one, "upstream"),
        answers=one.get("answers") is not False,
        draining=one.get("draining") is True,
        up=_seconds(one, "up"),
        held=held,
        untried=untried,
        cause=_text(one, "cause"),
        cause_age=_seconds(one, "cause_age"),
        store=_text(one, "store"),
        calls=_count(one, "calls"),
        recovered=_count(one, "recovered"),
        fell_back=_count(one, "fell_back"),
        lost=_count(one, "lost"),
        longest_held=_seconds(one, "longest_held"),
        next_try_in=_seconds(one, "next_try_in"),
        lanes=tuple(_lane(lane) for lane in _list(one, "lanes")[:_MOST_LANES]),
        waiting=waiting,
        waiting_more=more,
        running=_count(one, "running"),
        leases=_count(one, "leases"),
        troubles=tuple(filter(None, map(_trouble, _list(one, "troubles")[:_MOST_LANES]))),
        fallback_troubles=tuple(filter(None, map(_trouble, _list(one, "fallback_troubles")[:_MOST_LANES]))),
        models=tuple(filter(None, map(_tried, _list(recent, "models")[:_MOST_MODELS]))),
        span=_seconds(recent, "span"),
        minutes=_minutes(recent),
        cut_at=_number(one, "cut_at"),
        succeeded_at=_number(one, "succeeded_at"),
        usually=_seconds(usual, "p75") if isinstance(usual := one.get("usual"), dict) else None,
    )


def _trouble(one: Facts) -> Trouble | None:
    since, cause = _number(one, "since"), _text(one, "cause")
    if since is None or not cause:
        return None
    return Trouble(
        _text(one, "route"),
        _text(one, "family"),
        _text(one, "account"),
        cause,
        since,
        _number(one, "recovered_at"),
        _count(one, "finished") or 0,
        _count(one, "given_up") or 0,
        one.get("by_api") is True,
    )


def _tried(one: Facts) -> Tried | None:
    tried = _count(one, "tried")
    if not tried:
        return None
    succeeded = min(_count(one, "succeeded") or 0, tried)
    return Tried(_text(one, "family"), succeeded, tried, _text(one, "route"), _number(one, "succeeded_at"))


def _minutes(recent: Facts) -> tuple[tuple[int, int], ...]:
    rows = recent.get("minutes")
    if not isinstance(rows, list):
        return ()
    pairs = ({"good": row[0], "bad": row[1]} for row in rows[-60:] if isinstance(row, list) and len(row) == 2)
    return tuple((_count(pair, "good") or 0, _count(pair, "bad") or 0) for pair in pairs)


def _lane(one: Facts) -> Lane:
    agents = [(_text(agent, "agent"), _count(agent, "queued")) for agent in _list(one, "queued_by_agent")]
    return Lane(
        upstream=_text(one, "upstream"),
        account=_text(one, "account"),
        family=_text(one, "family"),
        running=_count(one, "running"),
        pending=_count(one, "pending"),
        queued=_count(one, "queued"),
        agents=tuple((name, queued) for name, queued in agents[:10] if name and queued),
        limit=_count(one, "limit"),
        state=_text(one, "state"),
        rate=_number(one, "rate"),
        refused_share=_number(one, "refused_share"),
        breaker=_text(one, "breaker"),
        probe_in=_seconds(one, "probe_in"),
        buckets=tuple(_bucket(bucket) for bucket in _list(one, "buckets")[:20]),
        blocked_for=_seconds(one, "blocked_for"),
        start_rate=_number(one, "start_rate"),
        plan=tuple(_window(window) for window in _list(one, "plan")[:20]),
        next_in=_seconds(one, "next_attempt_in"),
        why=_text(one, "why"),
        refused_by=_text(one, "refused_by"),
        version=_text(one, "version"),
    )


def _bucket(one: Facts) -> Bucket:
    return Bucket(_text(one, "name"), _count(one, "limit"), _count(one, "left"), _seconds(one, "wait"))


def _window(one: Facts) -> Window:
    return Window(
        _text(one, "window"), _number(one, "used"), _text(one, "status"), _seconds(one, "resets_in")
    )


def _held(one: Facts) -> Held:
    waited = _seconds(one, "waited")
    return Held(
        id=_text(one, "id"),
        client=_text(one, "client"),
        agent=_text(one, "agent"),
        family=_text(one, "family"),
        attempt=_count(one, "attempt"),
        waited=_seconds(one, "held") if waited is None else waited,
        next_in=_seconds(one, "next_in"),
        cause=_text(one, "cause"),
        kind=_text(one, "class"),
        why=_text(one, "why"),
    )


def _list(one: Facts, name: str) -> list[Facts]:
    value = one.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(one: Facts, name: str) -> str:
    value = one.get(name)
    return clean(value) if isinstance(value, str) else ""


def _number(one: Facts, name: str) -> float | None:
    """A finite number that is not negative; any other is None, or 0 where it is below."""
    value = one.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return float(min(max(value, 0), _MOST_COUNT))


def _count(one: Facts, name: str) -> int | None:
    value = _number(one, name)
    return None if value is None else int(value)


def _seconds(one: Facts, name: str) -> float | None:
    value = _number(one, name)
    return None if value is None else min(value, _MOST_SECONDS)
