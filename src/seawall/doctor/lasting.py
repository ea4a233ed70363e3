"""How long it may go on, and how often it was so before, in words: by the episodes on record. Pure."""

from seawall.causes.cause import Party
from seawall.clock import duration
from seawall.doctor.case import Case
from seawall.doctor.earlier import SOURCE, USUAL, same_hours
from seawall.history.outlook import Outlook


def lasts(case: Case) -> str:
    """How long it may go on, as a sentence; empty where no episode is known to go on, or nothing of its like."""
    current, seen = case.earlier.current, case.earlier.outlook
    if current is None:
        return ""
    age = max(0.0, case.now - current.opened_at)
    if seen.p75 is not None and age <= seen.p75:
        return f"Most episodes like this end within {duration(seen.p75)}; this one is at {duration(age)}."
    if seen.p75 is not None:
        more = (
            f"; of those that got this far, half ended within another {duration(seen.more)}"
            if seen.more
            else ""
        )
        return f"This one is at {duration(age)}, longer than 3 of 4{more}."
    return f"This one is at {duration(age)}."


def history(case: Case) -> list[str]:
    """Lines on earlier episodes of this cause; none where there is nothing to say."""
    if case.cause is None or case.verdict.decides:
        return []
    before = case.earlier
    lines = []
    if case.party is Party.LIMIT:
        lines += _this_week(case)
    elif (said := spread(before.outlook)) and before.month:
        lines.append(f"{_episodes(before.month)} in 30 days; {said}")
    elif usual := USUAL.get(case.cause.code):
        known = (
            f"No history yet ({before.outlook.count} earlier)" if before.outlook.count else "No history yet"
        )
        lines.append(f"{known}; the usual figure is {usual} ({SOURCE})")
    elif before.month:
        lines.append(f"{_episodes(before.month)} in 30 days")
    return [*lines, *([before.note] if before.note else [])]


def spread(seen: Outlook) -> str:
    """`half over in 2 min, 9 of 10 in 11 min`; empty with too few."""
    if seen.p50 is None:
        return ""
    rest = f", 9 of 10 in {duration(seen.p90)}" if seen.p90 is not None else ""
    return f"half over in {duration(seen.p50)}{rest}"


def _episodes(count: int) -> str:
    return "1 such episode" if count == 1 else f"{count} such episodes"


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def _this_week(case: Case) -> list[str]:
    week = case.earlier.week
    if len(week) < 2:
        return []
    count = len(week)
    said = f"{_ORDINALS[count - 1] if count <= len(_ORDINALS) else f'{count}th'} time this week"
    hours = same_hours(week)
    each = f", each between {hours[0]:02d}:00 and {hours[1] % 24:02d}:00" if hours else ""
    return [
        f"{said}{each}",
        *(["(seawall plan shows what to move)"] if hours and "plan" in case.verbs else []),
    ]
