"""`seawall run --when quiet`: until when a command waits, by one's own past, and whether it may go then.

What is quiet is decided as in `seawall plan`. Hours are of the wall clock: a machine that slept, or whose clock was
set, finds out when it looks again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from seawall.doctor.verdict import Verdict
    from seawall.history.claims import Claim
    from seawall.history.plan import Offset, Window
    from seawall.history.rates import Rate

GLANCE = 30.0
"""Seconds between two looks at the wall clock: a clock that is set, or a sleep, is noticed this late at most."""
AGAIN = 60.0
"""Seconds between two questions whether the service answers: recovery is a matter of minutes."""


class Step(Enum):
    """What to do now."""

    WAIT = auto()
    ASK = auto()
    """The hour is right: go if the service answers."""
    PLAN = auto()
    """The hour was slept through: look for the next one."""


@dataclass(frozen=True, slots=True)
class Past:
    """What one's own records say of the coming hours."""

    best: "Sequence[Window]" = ()
    """Quiet ones, none without a clear pattern."""
    here: "Rate | None" = None
    """Of this hour; None where too little is known of it."""
    days: int = 0
    calls: int = 0
    span: float = 0.0
    """Seconds of the past that were looked at."""
    known: bool = False
    """Whether enough is known of any coming hour."""
    claims: "Sequence[Claim]" = ()
    """Published ones by which this hour is busy."""
    trouble: str = ""
    """Why nothing could be read."""


def next_window(best: "Sequence[Window]", now: float) -> "Window | None":
    """The quiet hours that come first, those that go on among them; None where none is known."""
    return min((one for one in best if one.end > now), key=lambda one: one.start, default=None)


def decide(window: "Window | None", now: float) -> Step:
    """What to do at this moment (UTC seconds) of somebody who waits for this window, or for none."""
    if window is None or window.start <= now < window.end:
        return Step.ASK
    return Step.WAIT if now < window.start else Step.PLAN


def trouble(verdict: "Verdict") -> str:
    """What keeps calls from being answered, in some words; empty where waiting would mend nothing.

    Only the service's own troubles, limits that end by themselves, and an API that cannot be reached count; what the
    user must mend is for the command to say.
    """
    from seawall.causes.cause import Party, Retry, lookup
    from seawall.causes.verdict import Confidence

    if verdict.cause is None or verdict.confidence not in (Confidence.CERTAIN, Confidence.LIKELY):
        return ""
    known = lookup(verdict.cause)
    if verdict.party is Party.NETWORK:
        waits = verdict.who in ("nobody", "between", "edge")
    else:
        waits = verdict.party in (Party.PROVIDER, Party.LIMIT) and known.retry in (
            Retry.YES,
            Retry.AFTER_WAIT,
        )
    title = verdict.title or known.title
    return f"{title[:1].upper()}{title[1:]} ({verdict.cause})" if waits else ""


class Clock(Protocol):
    """Of `seawall.clock.Clock` what is needed here."""

    def wall(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """All that the waiting touches."""

    past: Callable[[float], Past]
    service: Callable[[], str]
    """What keeps calls from being answered just now, in some words; empty where nothing does."""
    say: Callable[[str], None]
    sentence: "Callable[[Past, Window | None, float], str]"
    pause: Callable[[float], bool]
    """Waits so many seconds; true, and at once, where somebody wants the command to start now."""
    clock: Clock


def wait(waiting: Waiting) -> None:
    """Returns when the command should start. KeyboardInterrupt passes."""
    step = Step.PLAN
    while step is Step.PLAN:
        now = waiting.clock.wall()
        past = waiting.past(now)
        window = next_window(past.best, now)
        waiting.say(waiting.sentence(past, window, now))
        while (step := decide(window, now := waiting.clock.wall())) is Step.WAIT:
            assert window is not None
            if waiting.pause(min(GLANCE, window.start - now)):
                return
        if step is Step.PLAN:
            waiting.say("The quiet hour went by while this machine slept, or its clock was set.")
    said = False
    while trouble := waiting.service():
        if not said:
            waiting.say(f"{trouble}: not started until the service answers.")
        said = True
        if waiting.pause(AGAIN):
            return
    if said:
        waiting.say("The service answers: starting.")


# -- what is said ---------------------------------------------------------------------------------------------------


def sentence(past: Past, window: "Window | None", now: float, offset: "Offset", enter: bool) -> str:
    """What is waited for, and why; or why nothing is."""
    if window is None:
        return _unknown(past)
    from seawall.view.figures import percent
    from seawall.view.plan import ahead

    days = f"your last {past.span / 86400:.0f} days"
    there = percent(window.rate.share)
    if window.start <= now:
        return f"This is a quiet hour: failure rate {there} ({days}). Starting."
    than = (
        f"against {percent(past.here.share)} now ({days})"
        if past.here
        else f"({days}; of now too little is known)"
    )
    keys = "Ctrl-C to stop, Enter to start now." if enter else "Ctrl-C to stop."
    return (
        f"Waiting for a quiet hour: {_named(window.start, now, offset)} (in {ahead(window.start - now)}); "
        f"failure rate there {there} {than}. {keys}"
    )


def _unknown(past: Past) -> str:
    from seawall.view.figures import counted
    from seawall.view.plan import day

    if past.trouble:
        return f"No quiet hour is known ({past.trouble}). Starting."
    seen = f"{counted(past.days, 'day')}, {counted(past.calls, 'call')}"
    said = f"No hour of yours is surely better than another ({seen})" if past.known else (
        f"Too little is on record to name a quiet hour ({seen})"
    )  # fmt: skip
    if not past.claims:
        return f"{said}. Starting."
    one = past.claims[0]
    dated = f", {day(one.date)}" if one.date else ""
    return f'{said}; that "{one.said}" is busy is only a claim ({one.source}{dated}). Starting.'


def _named(at: float, now: float, offset: "Offset") -> str:
    """`today 20:00`, by the wall clock."""
    from seawall.view.figures import DAYS

    then, today = (datetime.fromtimestamp(one, UTC) + timedelta(minutes=offset(one)) for one in (at, now))
    date = (then.date() - today.date()).days
    return f"{ {0: 'today', 1: 'tomorrow'}.get(date, DAYS[then.weekday()]) } {then:%H:%M}"


def covers(claim: "Claim", now: float) -> bool:
    """Whether the claim calls this moment busy, by the clock of its zone."""
    from seawall.cli.times import zone_of
    from seawall.history.claims import WEEK

    zone = zone_of(claim.zone)
    if zone is None:
        return False
    there = datetime.fromtimestamp(now, zone)
    days = [WEEK.index(day) for day in claim.days.split("-")]
    first, last = days[0], days[-1]
    # Hours beyond midnight belong to the day on which they began.
    begun = there - timedelta(days=1) if claim.last <= claim.first and there.hour < claim.last else there
    inside = (
        claim.first <= there.hour < claim.last
        if claim.first < claim.last
        else not claim.last <= there.hour < claim.first
    )
    return inside and (begun.weekday() - first) % 7 <= (last - first) % 7
