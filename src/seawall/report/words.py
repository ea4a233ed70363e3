"""How a report says times and what happened; used by all of its texts."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import assert_never

from seawall.clock import duration
from seawall.history.episodes import End, Episode
from seawall.report.case import Case, Kind
from seawall.store.rows import Attempt


def utc(at: float) -> str:
    """`2026-11-20 13:22:00 UTC`; the same for everybody who reads it."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return "at a time that no calendar has"


def stamp(at: float) -> str:
    """`2026-11-20T13:22:00.125Z`, for programs; empty for a time that no calendar has."""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return ""


def happened(case: Case) -> str:
    """What was wrong, in two or three sentences with figures."""
    rows, one = case.recorded.rows, case.recorded.episode
    title = case.cause.title
    if not rows:
        return f"{title}. Nothing of it is on record; this was measured at {utc(case.made_at)}."
    families = sorted({row.family for row in rows} - {""})
    models = f" for {', '.join(families)}" if families else ""
    hosts = ", ".join(sorted({row.route for row in rows} - {""}))
    what = f"{counted(rows, case.recorded.calls)} failed{models} at {hosts}, {between(rows)}"
    if len(kinds := case.kinds) > 1:
        lines = (f"- {counted(one.rows, one.calls)}: {one.cause.title}{_with(one)}." for one in kinds)
        return "\n".join([f"{what}, by {len(kinds)} causes:", *lines])
    known = ", ".join([*dict.fromkeys(said(row) for row in rows)][:3])
    return f"{title} ({known}). {what}. {_end(one)}".rstrip()


def counted(rows: Sequence[Attempt], calls: int) -> str:
    """`3 attempts of 2 calls`."""
    return f"{len(rows)} attempt{'' if len(rows) == 1 else 's'} of {calls} call{'' if calls == 1 else 's'}"


def between(rows: Sequence[Attempt]) -> str:
    """When they failed."""
    return f"between {utc(rows[0].at)} and {utc(rows[-1].at)}"


def _with(kind: Kind) -> str:
    """Its code, and what the service answered."""
    answers = dict.fromkeys(_answer(row) for row in kind.rows)
    return f" ({'; '.join([kind.cause.code, *answers][:4])})"


def _answer(row: Attempt) -> str:
    return " ".join([str(row.status) if row.status else "no answer", *filter(None, [row.error_type])])


def said(row: Attempt) -> str:
    """What an attempt failed with: `529 overloaded_error`."""
    status = str(row.status) if row.status else "no answer"
    return f"{status} {row.error_type}" if row.error_type else f"{status} ({row.cause})"


def _end(one: Episode | None) -> str:
    if one is None:
        return ""
    match one.end:
        case End.OPEN:
            return f"It goes on, for {duration(one.lasted)} so far."
        case End.RECOVERED:
            return f"It was over at {utc(one.until)}, after {duration(one.lasted)}."
        case End.UNSEEN:
            return "Its end was not seen: nothing was tried any more."
    assert_never(one.end)


def ruled_out(case: Case) -> list[str]:
    """What was measured and is fine, and what speaks against the cause."""
    lines = (
        [f"fine, measured {utc(case.made_at)}: {', '.join(case.verdict.fine)}"] if case.verdict.fine else []
    )
    return lines + [one.text for one in case.verdict.evidence if one.direction == "against"]
