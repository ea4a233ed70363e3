"""What somebody who does not look is told, and when. Pure: looks at gateways in, events and decisions out.

`look` follows episodes from one look to the next and says what has happened; `admit` says whether that is told:
one message per event and episode, some an hour, none in quiet hours. Section 16 of the user's surface has the rules.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from seawall.clock import duration, local
from seawall.config import ConfigError, Notify, quiet_hours
from seawall.origin import anthropics
from seawall.view.facts import Gateway, Trouble

PASSES = ("provider", "network", "gateway")
"""Parties whose trouble comes and goes by itself; what a person must mend they see at once."""
AWAY = 10.0
"""Seconds that a gateway in use must be gone before that is told: `seawall run` starts another at its address."""
REJECTED = "rejected"
_HOUR = 3600.0
_LATELY = 1800.0
_KEPT = 8 * 86400.0
"""What was told is remembered for so long: the longest window of a plan is a week."""
_MOST_KEPT = 500
_NEWS = 86400.0
_MOST_WAITING = 50
_MOST_TOLD = 3
_LONGEST = 300
"""Characters of a text that waits."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something to be told. Times are UTC seconds since 1970."""

    kind: str
    subject: str
    """What it is about: a host, a plan's window, a gateway's address."""
    since: float
    """When that began: what was told later is about the same."""
    at: float
    cause: str = ""
    families: tuple[str, ...] = ()
    ended_at: float | None = None
    held: int = 0
    finished: int = 0
    given_up: int = 0
    by_api: bool = False


@dataclass(frozen=True, slots=True)
class Episode:
    """Trouble on the way to one host, from its first failure on."""

    route: str
    cause: str
    since: float
    families: tuple[str, ...] = ()
    recovered_at: float | None = None
    """None while it goes on."""
    held: int = 0
    done: Mapping[tuple[str, str, str, float], tuple[int, int]] = field(default_factory=dict)
    """Calls that came through and that were given up, by trouble: one that is over is not told of any more."""
    said: frozenset[str] = frozenset()
    by_api: bool = False
    """The API itself answered so, whatever lies between."""

    @property
    def finished(self) -> int:
        """Held calls that succeeded after all."""
        return sum(finished for finished, _ in self.done.values())

    @property
    def given_up(self) -> int:
        return sum(given_up for _, given_up in self.done.values())


@dataclass(frozen=True, slots=True)
class Gone:
    """A gateway that was in use and is not there any more."""

    since: float
    said: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known after a look."""

    episodes: Mapping[str, Episode] = field(default_factory=dict)
    """By host."""
    resets: Mapping[str, float] = field(default_factory=dict)
    """When a plan's window that is used up begins anew, by its name."""
    begun: frozenset[str] = frozenset()
    """Windows of which that has been said, and which nobody has used since."""
    used: frozenset[str] = frozenset()
    """Addresses of gateways that somebody used at the last look."""
    gone: Mapping[str, Gone] = field(default_factory=dict)

    @property
    def troubled(self) -> bool:
        """Whether trouble goes on, or has not been over for long enough to be sure."""
        return bool(self.episodes)


def look(
    before: Seen, gateways: Sequence[Gateway], now: float, rules: Notify, due: Iterable[str] = ()
) -> tuple[Seen, list[Event]]:
    """What is known now, and what has happened since: every event of section 16, whether it is wanted or not.

    `due`: hosts whose trouble is to be reported to its provider by now.
    """
    events: list[Event] = []
    episodes: dict[str, Episode] = {}
    troubles = _by_route(gateways)
    for route in sorted(before.episodes.keys() | troubles.keys()):
        old = before.episodes.get(route)
        episode = _followed(old, route, troubles.get(route, []), gateways)
        if episode is None:
            continue
        news, over = _news(episode, now, rules, route in set(due))
        events += news
        if not over:
            episodes[route] = replace(episode, said=episode.said | {event.kind for event in news})
    resets, begun, passed = _resets(before, gateways, now)
    used, gone, lost = _gone(before, gateways, now)
    return Seen(episodes, resets, begun, used, gone), [*events, *passed, *lost]


# ---- episodes ------------------------------------------------------------------------------------------


def _by_route(gateways: Iterable[Gateway]) -> dict[str, list[Trouble]]:
    found: dict[str, list[Trouble]] = {}
    for one in gateways:
        for trouble in one.troubles:
            if trouble.cause.partition(".")[0] in PASSES:
                found.setdefault(trouble.route, []).append(trouble)
    return found


def _followed(
    old: Episode | None, route: str, troubles: Sequence[Trouble], gateways: Sequence[Gateway]
) -> Episode | None:
    """The episode as it stands now; None where there is none, or nobody is left who could say."""
    going_on = [one for one in troubles if one.recovered_at is None]
    if old is None:
        if not going_on:
            return None  # it was over before we looked
        old = Episode(route, "", min(one.since for one in going_on))
    here = [one for one in gateways if one.route == route]
    if not here:
        return None
    if not troubles and not any(one.answers for one in here):
        return old  # too busy to say
    if not troubles and old.recovered_at is None:
        return None  # nobody has tried for an hour, or the gateway is another: its end was not seen
    first = min(going_on or troubles, key=lambda one: one.since, default=None)
    ended = [one.recovered_at for one in troubles if one.recovered_at is not None]
    return replace(
        old,
        cause=first.cause if first else old.cause,
        since=min([old.since, *(one.since for one in going_on)]),
        families=tuple(sorted({*old.families, *(one.family for one in troubles if one.family)})),
        recovered_at=None if going_on else max(ended, default=old.recovered_at),
        held=sum(one.held for one in here),
        by_api=old.by_api or any(one.by_api for one in troubles),
        done={**old.done, **{_key(one): (one.finished, one.given_up) for one in troubles}},
    )


def _key(one: Trouble) -> tuple[str, str, str, float]:
    return one.cause, one.family, one.account, one.since


def _news(one: Episode, now: float, rules: Notify, due: bool) -> tuple[list[Event], bool]:
    """What of an episode has not been said yet, and whether it is over."""
    ended = one.recovered_at
    # A clock that was set back must not keep it open.
    over = ended is not None and abs(now - ended) >= rules.settle
    lasted = (ended if ended is not None else now) - one.since
    if lasted < rules.after:
        return [], over
    wanted = {
        "opened": ended is None,
        "held": ended is None and one.held > 0,
        "gave_up": one.given_up > 0,
        "escalate_now": ended is None and due,
        "recovered": over,
    }
    kinds = [kind for kind, true in wanted.items() if true and kind not in one.said]
    return [_event(kind, one, now) for kind in kinds], over


def _event(kind: str, one: Episode, now: float) -> Event:
    return Event(
        kind,
        one.route,
        one.since,
        now,
        one.cause,
        one.families,
        one.recovered_at,
        one.held,
        one.finished,
        one.given_up,
        one.by_api,
    )


# ---- plans and gateways --------------------------------------------------------------------------------


def _resets(
    before: Seen, gateways: Sequence[Gateway], now: float
) -> tuple[dict[str, float], frozenset[str], list[Event]]:
    """When used-up windows begin anew; an event for each that has. One that is not used up any more is forgotten."""
    told: dict[str, float] = {}
    heard: set[str] = set()
    for one in gateways:
        for lane in one.lanes:
            for window in lane.plan:
                name = f"{lane.account} {window.name}".strip()
                heard.add(name)
                if window.status == REJECTED and window.resets_in is not None:
                    # At 0 it is over, and nobody says since when: not long, or nobody would tell.
                    at = now + (window.resets_in or -_LATELY)
                    told[name] = max(told.get(name, 0.0), at)
    said = {name for name in before.begun if name in told and told[name] <= now}
    # The first word on when it begins anew counts: each later one is rounded in another way.
    resets = {name: before.resets.get(name, at) for name, at in told.items() if name not in said}
    resets |= {name: at for name, at in before.resets.items() if name not in heard}
    passed = {name: at for name, at in resets.items() if at <= now}
    events = [Event("limit_reset", name, at, now, ended_at=now) for name, at in sorted(passed.items())]
    left = {name: at for name, at in resets.items() if name not in passed}
    return left, frozenset(said | passed.keys()), events


def _gone(
    before: Seen, gateways: Sequence[Gateway], now: float
) -> tuple[frozenset[str], dict[str, Gone], list[Event]]:
    """Who is in use now, who of those in use before has gone, and an event for each that has not come back."""
    present = {one.address for one in gateways}
    in_use = (one for one in gateways if not one.draining and (one.running or one.leases))
    used = frozenset(one.address for one in in_use) | (
        before.used & {a.address for a in gateways if not a.answers}
    )
    gone = {address: was for address, was in before.gone.items() if address not in present}
    gone |= {address: Gone(now) for address in before.used - present if address not in gone}
    late = [address for address, was in gone.items() if not was.said and abs(now - was.since) >= AWAY]
    events = [Event("gateway_down", address, gone[address].since, now) for address in sorted(late)]
    return (
        used,
        {address: replace(was, said=was.said or address in late) for address, was in gone.items()},
        events,
    )


# ---- what is told --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """A message that went out."""

    at: float
    kind: str
    subject: str


def admit(journal: Sequence[Told], event: Event, now: float, minute: int, rules: Notify) -> str:
    """Why an event is not told: `off`, `told`, `quiet` or `many`; empty: it is.

    `minute`: of the local day. Whoever tells several looks at one journal, so that all keep to one count.
    """
    if event.kind not in rules.on:
        return "off"
    if any(
        (one.kind, one.subject) == (event.kind, event.subject) and one.at >= event.since for one in journal
    ):
        return "told"
    if event.kind != "gateway_down" and is_quiet(minute, rules):
        return "quiet"
    if sum(0.0 <= now - one.at < _HOUR for one in journal) >= rules.most:
        return "many"
    return ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What was not told as so many had been within the hour; it goes with the next message."""

    at: float
    kind: str
    subject: str
    since: float
    text: str


def put_off(waiting: Sequence[Waiting], event: Event, said: str, now: float) -> list[Waiting]:
    """What waits, with this event among it, once; what is a day old is news no more."""
    about = (event.kind, event.subject, event.since)
    kept = [
        one for one in waiting if abs(now - one.at) < _NEWS and (one.kind, one.subject, one.since) != about
    ]
    return [*kept[-(_MOST_WAITING - 1) :], Waiting(now, *about, said[:_LONGEST])]


def made_up(waiting: Sequence[Waiting], event: Event, now: float, rules: Notify) -> str:
    """A sentence with what has waited for a message, where `event` is told; of its own episode it says all itself."""
    left = [
        one
        for one in waiting
        if abs(now - one.at) < _NEWS and (one.subject, one.since) != (event.subject, event.since)
    ]
    if not left:
        return ""
    told = [f"{local(one.at, seconds=False)} {one.text.rstrip('.')}" for one in left[-_MOST_TOLD:]]
    more = [f"and {len(left) - len(told)} more"] if len(left) > len(told) else []
    return f" Not told before, as {rules.most} an hour are the most: {'; '.join([*told, *more])}."


def is_quiet(minute: int, rules: Notify) -> bool:
    """Whether this minute of the local day is within the quiet hours; hours that make no sense are none."""
    try:
        span = quiet_hours(rules.quiet)
    except ConfigError:
        return False
    if span is None or span[0] == span[1]:
        return False
    begin, end = span
    return begin <= minute < end if begin < end else minute >= begin or minute < end


def noted(journal: Sequence[Told], event: Event, now: float) -> list[Told]:
    """The journal with this event in it, and without what is too old to matter."""
    kept = [one for one in journal if abs(now - one.at) < _KEPT]
    return [*kept[-(_MOST_KEPT - 1) :], Told(now, event.kind, event.subject)]


# ---- in words ------------------------------------------------------------------------------------------


def text(event: Event, side: str, what: str) -> str:
    """An event in one line. `side` and `what`: whose side it is on and what it is, as `frame.title` says them."""
    families = f" for {_listed(event.families)}" if event.families else ""
    lasted = duration(max(0.0, (event.ended_at if event.ended_at is not None else event.at) - event.since))
    match event.kind:
        case "opened":
            held = f"{_calls(event.held, 'is', 'are')} held" if event.held else "nothing is held"
            return f"{side}: {what}{families}, for {lasted} now; {held}. Nothing to do but wait."
        case "held":
            goes = "it goes on by itself" if event.held == 1 else "they go on by themselves"
            return (
                f"{side}: {what}{families}, for {lasted} now; {_calls(event.held, 'is', 'are')} held, {goes}."
            )
        case "recovered":
            return f"{_who(event)} is back after {lasted}{_ends(event)}."
        case "gave_up":
            calls = _calls(event.given_up, "was", "were")
            return (
                f"{side}: {what}{families}, for {lasted} now; {calls} given up: send again when it is back."
            )
        case "escalate_now":
            return f"{side}: {what}{families}, for {lasted} now: time to report it, with `seawall report`."
        case "limit_reset":
            return f"Your plan's {event.subject.split()[-1]} limit has begun anew; go on."
        case "gateway_down":
            return f"The gateway at {event.subject} has ended, and calls sent there fail: start `seawall run` again."
        case other:
            return f"{other}: {event.subject}"


def _listed(names: Sequence[str]) -> str:
    """`opus`, `haiku and opus`, `haiku, opus and sonnet`."""
    return " and ".join([*filter(None, [", ".join(names[:-1])]), *names[-1:]])


def _who(event: Event) -> str:
    if event.cause.startswith("network."):
        return "Your network"
    return "Claude" if event.by_api or anthropics(event.subject) else event.subject


def _ends(event: Event) -> str:
    said = (
        f"; {event.finished} held call{'s' if event.finished != 1 else ''} finished" if event.finished else ""
    )
    return said + (f"; {event.given_up} given up" if event.given_up else "")


def _calls(count: int, one: str, many: str) -> str:
    return f"1 call {one}" if count == 1 else f"{count} calls {many}"
