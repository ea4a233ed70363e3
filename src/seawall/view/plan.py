"""What `seawall plan` prints: when to run heavy work, what to move, what to start apart, and a batch in Python."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from seawall.clock import MONTHS, duration, utc
from seawall.history.claims import Claim
from seawall.history.plan import Batch, Outlook, Window
from seawall.history.rates import Hours, Rate
from seawall.history.work import Burst, Recurring
from seawall.view.figures import DAYS, counted, flowed, number, percent, ranged
from seawall.view.layout import Look, clean, columns

MOVES = 5
"""Lines of what to move: the largest."""
PRICE = "half the price, done within 24 h"
PRICE_SOURCE = "Anthropic's documentation of the Message Batches API, read in August 2026"


@dataclass(frozen=True, slots=True)
class Move:
    """Work that comes again, and where it would meet fewer failures: in a batch, or at `to`."""

    work: Recurring
    to: Window | None
    fewer: int
    batch: Batch


@dataclass(frozen=True, slots=True)
class Wanted:
    """Work that was asked about."""

    command: str
    now: Rate | None
    """As calls at this hour do; None where too little is known."""
    batch: Batch
    best: Window | None = None
    """Of the hours that are left until it is due; None where none of them is surely better."""
    due: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that can be said. Times are UTC seconds since 1970."""

    now: float
    ahead: int
    """Hours."""
    span: float
    """Seconds of the past that were looked at."""
    least: int
    hours: Hours
    outlook: Outlook
    moves: Sequence[Move]
    stagger: Sequence[tuple[Burst, int]]
    claims: Sequence[Claim]
    wanted: Wanted | None
    offset: Callable[[float], int]


def whole(plan: Plan, look: Look) -> list[str]:
    """The whole answer."""
    blocks = [
        _windows(plan, look),
        _wanted(plan, look),
        _moves(plan, look),
        _stagger(plan, look),
        _claims(plan, look),
    ]
    lines: list[str] = []
    for block in blocks:
        lines += [*([""] if lines and block else []), *block]
    return lines


def _windows(plan: Plan, look: Look) -> list[str]:
    days = f"{plan.span / 86400:.0f} days"
    total = plan.hours.total
    seen = f"{counted(plan.hours.days, 'day')}, {counted(total.calls, 'call')}"
    if not plan.outlook.known:
        text = f"Too little is on record to say when ({seen}): an hour needs {plan.least} calls"
        return flowed([text], look)
    if not plan.outlook.best:
        text = f"No clear pattern yet ({seen}): no hour of yours is surely better than another"
        return flowed([text], look)
    names = [span(one, plan, look) for one in plan.outlook.best]
    width = max(map(columns, names))
    lines = flowed([f"Best windows in the next {plan.ahead} h, from your own {days}:"], look)
    for name, one in zip(names, plan.outlook.best, strict=True):
        facts = f"{percent(one.rate.share)} failures ({counted(one.rate.calls, 'call')})"
        text = f"{name}{' ' * (width - columns(name))}   {facts}   {_starts(one, plan)}"
        fits = look.width is None or columns(text) + 2 <= look.width
        lines += (
            [f"  {text}"] if fits else flowed([name, facts, _starts(one, plan)], look, "  ", between=", ")
        )
    if (worst := plan.outlook.avoid) is not None:
        facts = f"{percent(worst.rate.share)} ({counted(worst.rate.calls, 'call')})"
        lines += flowed([f"Avoid: {span(worst, plan, look)}", facts], look, between="   ")
    return lines


def _starts(one: Window, plan: Plan) -> str:
    return f"starts in {ahead(one.start - plan.now)}" if one.start > plan.now else "starts now"


def ahead(seconds: float) -> str:
    """How long until a moment that somebody will be at hand for: `13 h 50 min`."""
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours} h {minutes} min" if hours and minutes else duration(seconds)


def _wanted(plan: Plan, look: Look) -> list[str]:
    if plan.wanted is None:
        return []
    command, there = clean(plan.wanted.command), plan.wanted.now
    now = f"now {percent(there.share)}" if there is not None else "of this hour too little is known"
    lines = []
    if (best := plan.wanted.best) is not None:
        when = f"{span(best, plan, look)} ({_starts(best, plan)}), {percent(best.rate.share)} failures"
        lines += flowed([f"{command}: {when}; {now}"], look)
    else:
        due = plan.wanted.due
        until = f" until {_name(due, plan)} {_hour(due, plan)}" if due is not None else ""
        lines += flowed([f"{command}: any hour{until}; {now}"], look)
    fits = "Batch: " if plan.wanted.batch.fits else "No batch: "
    return [*lines, *flowed([fits + plan.wanted.batch.reason], look)]


def _moves(plan: Plan, look: Look) -> list[str]:
    if not plan.moves:
        return []
    lines = flowed(["Move off-peak or to a batch:"], look)
    arrow = "->" if look.plain else "→"
    for one in plan.moves[:MOVES]:
        work = one.work
        hit = f"{clean(work.client)} ({counted(work.calls, 'call')} hit at {work.hour:02d}:00 on {work.dates} days)"
        if one.batch.fits:
            to = f"batch: {PRICE}"
        else:
            assert one.to is not None
            fewer = f"about {counted(one.fewer, 'failure')} fewer a day"
            to = f"{_hour(one.to.start, plan)}: {fewer}"
        lines += flowed([hit, f"{arrow} {to}"], look, "  ", between="  ")
    if any(one.batch.fits for one in plan.moves):
        lines += flowed([f"({PRICE_SOURCE}; `seawall plan --snippet` prints the call)"], look, "  ")
    return lines


def _stagger(plan: Plan, look: Look) -> list[str]:
    lines = []
    for burst, apart in plan.stagger[:1]:
        runs = f"{number(len(burst.calls))} runs started within {max(1, round(burst.within))} s"
        at = f"at {burst.minute // 60:02d}:{burst.minute % 60:02d} (on {burst.dates} days)"
        lines += flowed([f"Stagger: {runs} {at}; {apart} s apart avoids the 429s"], look)
    return lines


def _claims(plan: Plan, look: Look) -> list[str]:
    if not plan.claims:
        return []
    said = []
    for one in plan.claims:
        withdrawn = f"; withdrawn on {day(one.withdrawn)}" if one.withdrawn else ""
        dated = f", {day(one.date)}" if one.date else ""
        said.append(f'"{ranged(one.said, look)}" ({clean(one.source)}{dated}{withdrawn})')
    own = plan.outlook.best and plan.outlook.avoid
    end = (
        "Your own numbers are used instead."
        if own
        else "These are claims; nothing of your own confirms them yet."
    )
    return flowed([f"Published claims, for comparison: {'; '.join(said)}. {end}"], look)


def span(one: Window, plan: Plan, look: Look) -> str:
    """`today 20:00–23:00`, by the wall clock."""
    hours = ranged(f"{_hour(one.start, plan)}-{_hour(one.end, plan)}", look)
    return f"{_name(one.start, plan)} {hours}"


def _name(at: float, plan: Plan) -> str:
    """The day of a moment in the coming week."""
    day = _local(at, plan)
    date = (day.date() - _local(plan.now, plan).date()).days
    return {0: "today", 1: "tomorrow"}.get(date, DAYS[day.weekday()])


def _hour(at: float, plan: Plan) -> str:
    return f"{_local(at, plan):%H:%M}"


def _local(at: float, plan: Plan) -> datetime:
    return datetime.fromtimestamp(at, UTC) + timedelta(minutes=plan.offset(at))


def day(text: str) -> str:
    """`26 Mar 2026` for `2026-03-26`; any other text as it is."""
    try:
        year, month, date = (int(part) for part in text.split("-"))
        return f"{date} {MONTHS[month - 1]} {year}"
    except (ValueError, IndexError):
        return clean(text)


def data(plan: Plan) -> dict[str, object]:
    """The same for programs: UTC, seconds, shares from 0 to 1."""
    best = [_window(one) for one in plan.outlook.best]
    return {
        "basis": "own" if best else "none",
        "hours_ahead": plan.ahead,
        "days": plan.hours.days,
        "calls": plan.hours.total.calls,
        "known_hours": plan.outlook.known,
        "best": best,
        "avoid": _window(plan.outlook.avoid) if plan.outlook.avoid else None,
        "move": [
            {
                "client": one.work.client,
                "hour": one.work.hour,
                "days": one.work.dates,
                "calls_hit": one.work.calls,
                "failures": one.work.failures,
                "to": "batch" if one.batch.fits else "window",
                "window": _window(one.to) if one.to is not None and not one.batch.fits else None,
                "fewer_a_day": None if one.batch.fits else one.fewer,
            }
            for one in plan.moves
        ],
        "stagger": [
            {
                "calls": len(burst.calls),
                "within": round(burst.within, 3),
                "at": f"{burst.minute // 60:02d}:{burst.minute % 60:02d}",
                "days": burst.dates,
                "apart": apart,
            }
            for burst, apart in plan.stagger
        ],
        "claims": [
            {
                "days": one.days,
                "hours": f"{one.first:02d}-{one.last:02d}",
                "tz": one.zone,
                "source": one.source,
                "date": one.date or None,
                "withdrawn": one.withdrawn or None,
            }
            for one in plan.claims
        ],
        "for": None
        if plan.wanted is None
        else {
            "command": plan.wanted.command,
            "share_now": plan.wanted.now.share if plan.wanted.now is not None else None,
            "batch": plan.wanted.batch.fits,
            "batch_reason": plan.wanted.batch.reason,
            "due": utc(plan.wanted.due) if plan.wanted.due is not None else None,
            "window": _window(plan.wanted.best) if plan.wanted.best is not None else None,
        },
    }


def _window(one: Window) -> dict[str, object]:
    return {
        "start": utc(one.start),
        "end": utc(one.end),
        "calls": one.rate.calls,
        "attempts": one.rate.attempts,
        "failed": one.rate.failed,
        "share": one.rate.share,
    }


SNIPPET = '''\
"""One batch of Claude calls: half the price, done within 24 hours, nobody waits for it."""

import json
import sys
import time

import anthropic

MODEL = "claude-sonnet-5"
PROMPTS = {"first": "Say hello.", "second": "Say goodbye."}  # your own, each under a name of its own

client = anthropic.Anthropic()  # the key is in ANTHROPIC_API_KEY
batch = client.messages.batches.create(
    requests=[
        {
            "custom_id": name,
            "params": {
                "model": MODEL,
                "max_tokens": 1024,
                "messages": [{"role": "user", "content": prompt}],
            },
        }
        for name, prompt in PROMPTS.items()
    ]
)
print(batch.id, file=sys.stderr)  # results can be fetched by it for 29 days
while batch.processing_status != "ended":
    time.sleep(60)
    batch = client.messages.batches.retrieve(batch.id)
for one in client.messages.batches.results(batch.id):  # in any order
    texts = []
    if one.result.type == "succeeded":
        texts = [part.text for part in one.result.message.content if part.type == "text"]
    print(json.dumps({"id": one.custom_id, "type": one.result.type, "texts": texts}))
'''
"""The batch call in Python, as `--snippet` prints it."""
