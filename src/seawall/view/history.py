"""What `seawall history` prints: the hours, the causes, the episodes, one episode, two spans beside each other."""

from collections.abc import Sequence

from seawall.clock import MONTHS, duration, local, there
from seawall.history.episodes import End, Episode
from seawall.history.latency import Delay
from seawall.history.outlook import Outlook
from seawall.history.rates import Hours, Rate, Slot, extremes
from seawall.history.report import CauseLine, Comparison, Report, causes
from seawall.store.bursts import Note
from seawall.store.rows import Attempt
from seawall.view.figures import (
    DAYS,
    at_least,
    counted,
    flowed,
    length,
    nothing,
    number,
    percent,
    ranged,
    table,
)
from seawall.view.layout import Look, clean, separator

STEPS = ((0.01, "."), (0.03, "-"), (0.06, "+"))
"""Below this share, this sign; `#` from the last on."""
BLANK = "blank: under 20 calls"
NOTE = 500
"""Characters of a note that are shown: all that may be kept."""
KINDS = 5
"""Kinds of answer that are named of an episode: one or two are usual."""
_GAP = 1 / 14
"""Of both spans: of a week and the one before, a day without a call at their begin is nothing to speak of."""
_CELL = 2
LISTED = 200
"""Lines of a list; `--csv` and `--json` have all."""


def whole(report: Report, look: Look, said: str, zone: str) -> list[str]:
    """The whole view; `said` names the span, `zone` the clock."""
    lines = [*head(report, look, said, zone), *outlooks(report, look)]
    if report.hours.total.attempts:
        lines += ["", *hours(report.hours, look)]
    if report.episodes:
        lines += ["", *cause_table(causes(report.episodes), look)]
    return [*lines, "", *saved(report, look)]


def head(report: Report, look: Look, said: str, zone: str) -> list[str]:
    """What the span holds, in a line or a few."""
    # Transcripts tell of failures only, and of an hour that began before the span nothing is counted.
    calls = [counted(report.hours.total.calls, "call")] if report.hours.total.attempts else []
    facts = [said, zone, *calls, counted(len(report.episodes), "episode")]
    share = report.recovered_share
    if share is not None:
        facts.append(f"{percent(share)} of held calls recovered")
    if report.future:
        facts.append(f"{counted(report.future, 'attempt')} of the future left out: was the clock wrong?")
    return flowed([separator(look).join(facts)], look)


def outlooks(report: Report, look: Look) -> list[str]:
    """What goes on now, how long it may, and what was noted the last time."""
    from seawall.doctor.earlier import SOURCE, USUAL  # only where something goes on

    lines = []
    for episode, found in report.outlooks:
        known = USUAL.get(episode.cause)
        usual = f"the usual figure is {ranged(known, look)} ({SOURCE})" if known else ""
        sentence = outlook_sentence(found, episode.lasted, usual)
        lines += flowed([f"Now: {episode.cause} for {duration(episode.lasted)}", sentence], look)
        if (note := report.last_notes.get(episode.id)) is not None:
            lines += flowed([note_line(note, report.until)], look, "  ")
    return lines


def outlook_sentence(found: Outlook, age: float, usual: str = "") -> str:
    """What is to be expected at this age in seconds; `usual` is what is known without a history of one's own."""
    if found.p75 is None and found.p50 is None:
        known = f"No history yet ({found.count} earlier)" if found.count else "No history yet"
        return f"{known}; {usual}" if usual else known
    if found.p75 is not None and age <= found.p75:
        return f"Most episodes like this end within {duration(found.p75)}; this one is at {duration(age)}"
    if found.p75 is None:
        half = duration(found.p50 or 0.0)
        return f"Half of the episodes like this end within {half}; of the others too few were seen to end"
    more = (
        f"half ended within another {duration(found.more)}" if found.more is not None else "too few are known"
    )
    return f"Longer than 3 of 4; of those that got this far, {more}"


def note_line(note: Note, at: float) -> str:
    """`Last time, 3 Nov: fixed by ...`, seen at this time (UTC seconds)."""
    day = there(note.opened_at, note.utc_offset)
    year = "" if day[:4] == there(at, note.utc_offset)[:4] else f" {day[:4]}"
    try:
        said = f"{int(day[8:10])} {MONTHS[int(day[5:7]) - 1]}{year}"
    except ValueError:  # a time that no calendar has
        said = day
    return f"Last time, {said}: {clean(note.text, NOTE)}"


def hours(found: Hours, look: Look) -> list[str]:
    """A sign for each hour of the week, and what can be said of it."""
    lines = [
        "Failure rate by hour",
        *flowed(
            [". under 1 %", *(ranged(one, look) for one in ("- 1-3 %", "+ 3-6 %")), "# over 6 %", BLANK],
            look,
            "  ",
            between="   ",
        ),
    ]
    step = next((n for n in (24, 12) if look.width is None or look.width >= 6 + n * _CELL), 6)
    for first, last in ((at, at + step) for at in range(0, 24, step)):
        lines.append(
            "      " + "".join(f"{hour:02d}".ljust(2 * _CELL) for hour in range(first, last, 2)).rstrip()
        )
        for day, name in enumerate(DAYS):
            signs = (sign(found.cells.get(Slot(day, hour), Rate())) for hour in range(first, last))
            lines.append(f"{name}   " + "".join(one.ljust(_CELL) for one in signs))
    return [line.rstrip() for line in [*lines, *pattern(found, look)]]


def begins(found: Delay, look: Look) -> list[str]:
    """How long answers took to begin; nothing where none is on record."""
    if found.p50 is None or found.p90 is None:
        return []
    half, most = (brief(one) for one in (found.p50, found.p90))
    return flowed(
        [f"Answers begin after {half} (half of them), {most} (9 of 10)", counted(found.answers, "answer")],
        look,
    )


def brief(length: float) -> str:
    """A short length with as many digits as tell something: `0.4 s`, `2.1 s`, `14 s`."""
    return f"{length:.1f} s" if length < 9.95 else duration(length)


def sign(rate: Rate) -> str:
    """One cell: blank where too little is known."""
    return next((mark for below, mark in STEPS if rate.share < below), "#") if rate.enough else ""


def pattern(found: Hours, look: Look) -> list[str]:
    """The busiest and the quietest hour, or that there is no pattern."""
    ends = extremes(found)
    if ends is None:
        seen = f"{counted(found.days, 'day')}, {counted(found.total.calls, 'call')}"
        return flowed([f"No clear pattern yet ({seen})"], look)
    rates = found.cells if ends.busiest.weekday is not None else found.by_hour
    busiest, quietest = rates[ends.busiest], rates[ends.quietest]
    return flowed(
        [
            f"Busiest: {ranged(slot(ends.busiest), look)}, {percent(busiest.share)}"
            f" ({counted(busiest.calls, 'call')}).",
            f"Quietest you use: {ranged(slot(ends.quietest), look)}, {percent(quietest.share)}",
        ],
        look,
        between=" ",
    )


def slot(one: Slot) -> str:
    """`Tue 15-16 h`, `15-16 h`."""
    span = f"{one.hour:02d}-{one.hour + 1:02d} h"
    return span if one.weekday is None else f"{DAYS[one.weekday]} {span}"


def cause_table(lines: Sequence[CauseLine], look: Look) -> list[str]:
    """How often each cause came, how many calls it hit, and how long it lasted."""
    header = ("cause", "episodes", "calls hit", "half over in", "9 of 10 in", "longest")
    rows = [
        (
            clean(line.cause),
            number(line.episodes),
            number(line.calls),
            length(line.p50, look),
            length(line.p90, look),
            ("" if line.longest.ended else at_least(look)) + duration(line.longest.seconds),
        )
        for line in lines
    ]
    return table(header, rows, look)


def models(report: Report, look: Look) -> list[str]:
    """How many attempts of each model family failed."""
    rows = []
    for one in report.models:
        rate = Rate(one.attempts, one.failed, one.repeats)
        shown = percent(rate.share) if rate.enough else nothing(look)
        rows.append((clean(one.family) or "other", number(one.attempts), shown))
    if not rows:
        return flowed(["No call was counted: only a gateway sees those that succeed"], look)
    return table(("model", "attempts", "failed"), rows, look)


def saved(report: Report, look: Look) -> list[str]:
    """What holding was good for, and what it could not save."""
    lines = []
    if report.held:
        time = duration(report.waited)
        lines.append(
            f"Held and saved: {counted(report.held, 'call')}, {time} of waiting you did not have to watch"
        )
    lost = report.given_up + report.broken
    why = []
    if report.broken:
        why.append(f"{number(report.broken)} cut in mid-answer")
    if report.given_up:
        why.append(f"{number(report.given_up)} gave up{after(report.holds)}")
    lines.append(f"Lost: {counted(lost, 'call')} ({', '.join(why)})" if lost else "Lost: nothing")
    return [line for one in lines for line in flowed([one], look)]


def after(holds: tuple[float, float] | None) -> str:
    """` after 15 min`, ` after 30 s to 15 min`; empty where nothing was held."""
    if holds is None or not int(holds[1]):
        return ""
    short, long = (duration(one) for one in holds)
    return f" after {long}" if short == long else f" after {short} to {long}"


def listing(episodes: Sequence[Episode], look: Look) -> list[str]:
    """One line an episode, the newest first."""
    rows = [
        (
            one.id,
            there(one.opened_at, one.utc_offset),
            clean(one.cause),
            lasted(one, look),
            number(one.calls),
            clean(" ".join(one.families)) or nothing(look),
        )
        for one in sorted(episodes, key=lambda one: one.opened_at, reverse=True)[:LISTED]
    ]
    lines = table(("id", "began", "cause", "lasted", "calls hit", "models"), rows, look)
    left = len(episodes) - LISTED
    return [*lines, f"{number(left)} older ones: --csv or --json has them all"] if left > 0 else lines


def shown(
    one: Episode,
    attempts: Sequence[Attempt],
    kinds: Sequence[tuple[int | None, str | None, int]],
    calls: int,
    title: str,
    note: Note | None,
    look: Look,
) -> list[str]:
    """One episode: what it was, what was noted, what speaks for its cause, and its failures in their order."""
    facts = [
        f"lasted {lasted(one, look)}",
        f"{counted(one.attempts, 'attempt')} of {counted(calls, 'call')} failed",
        f"{number(one.given_up + one.broken)} lost",
    ]
    answers = counted(sum(n for _, _, n in kinds), "answer")
    evidence = [
        f"{number(n)} of {answers}: {status or 'no answer'} {clean(kind or '')}".rstrip()
        for status, kind, n in kinds[:KINDS]
    ]
    lines = [
        *flowed([f"{one.id}", clean(one.cause), clean(title)], look),
        *flowed([clean(one.route) or "no route", clean(" ".join(one.families)) or "no model named"], look),
        *flowed([f"began {there(one.opened_at, one.utc_offset, seconds=True)}", *facts], look),
        *(flowed([f"Note: {clean(note.text, NOTE)}"], look) if note is not None else []),
        *flowed(evidence, look),
        "",
    ]
    rows = [
        (
            there(row.at, row.utc_offset, seconds=True)[11:],
            clean(row.call),
            number(row.number),
            str(row.status) if row.status is not None else nothing(look),
            row.ended.replace("_", " "),
            clean(row.request_id or "") or nothing(look),
        )
        for row in attempts
    ]
    lines += table(("time", "call", "attempt", "status", "then", "request id"), rows, look)
    left = one.attempts - len(attempts)
    return [*lines, f"and {counted(left, 'attempt')} more"] if left > 0 else lines


def comparison(found: Comparison, look: Look, said: str, more: str = "") -> list[str]:
    """Two spans of equal length beside each other, whether the share of failures has changed, and what else is to be
    said of them.
    """
    sides = (found.before, found.after)
    rows = [
        ("failed", *(percent(one.rate.share) if one.rate.enough else nothing(look) for one in sides)),
        ("attempts", *(number(one.rate.attempts) for one in sides)),
        ("episodes", *(number(one.episodes) for one in sides)),
        ("half over in", *(length(one.p50, look) for one in sides)),
        ("calls lost", *(number(one.lost) for one in sides)),
    ]
    lines = table(("", "before", said), rows, look)
    begin, end = found.before.since, found.after.until
    first = found.after.first_at if found.before.first_at is None else found.before.first_at
    notes = [more] if more else []
    if first is not None and first - begin > _GAP * (end - begin):
        notes.append(f"Nothing of this is on record before {local(first, False, end)}")
    lines += [line for note in notes for line in ("", *flowed([note], look))]
    if found.bounds is None:
        return [*lines, "", *flowed(["Too few calls or hours to compare"], look)]
    low, high = (abs(bound) * 100 for bound in found.bounds)
    word = {-1: "Fewer failures than before", 1: "More failures than before", 0: "No clear change"}[
        found.verdict
    ]
    if found.verdict:
        word += f": by {min(low, high):.1f} to {max(low, high):.1f} points (95 % sure)"
    return [*lines, "", *flowed([word], look)]


def lasted(one: Episode, look: Look) -> str:
    """How long, and how sure that is."""
    if one.end is End.OPEN:
        return f"{duration(one.lasted)}, goes on"
    return duration(one.lasted) if one.ended else f"{at_least(look)}{duration(one.lasted)}"
