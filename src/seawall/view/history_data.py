"""History for programs: JSON objects (UTC, seconds) and comma-separated rows."""

import csv
import io
from collections.abc import Sequence

from seawall.clock import utc
from seawall.history.episodes import Episode
from seawall.history.latency import Delay
from seawall.history.notes import note_of
from seawall.history.outlook import Outlook
from seawall.history.rates import Rate, Slot, extremes
from seawall.history.report import Comparison, Report, Span, causes
from seawall.store.bursts import Note
from seawall.store.rows import Attempt

HEADERS = {
    "list": (
        "id", "cause", "route", "families", "opened_at", "last_failure_at", "closed_at", "end", "lasted",
        "attempts", "calls", "given_up", "broken", "utc_offset",
    ),
    "hours": ("at", "utc_offset", "attempts", "failed", "calls"),
    "causes": ("cause", "episodes", "calls", "p50", "p90", "mean", "longest", "longest_ended"),
    "models": ("family", "attempts", "failed", "low", "high"),
}  # fmt: skip
"""The columns of each view's rows."""


def report(found: Report) -> dict[str, object]:
    """Everything that was found of a span."""
    ends = extremes(found.hours)
    return {
        "since": utc(found.since),
        "until": utc(found.until),
        "attempts": found.hours.total.attempts,
        "calls": found.hours.total.calls,
        "failed": found.hours.total.failed,
        "held_and_recovered": {"calls": found.held, "waited": found.waited},
        "lost": {"given_up": found.given_up, "broken": found.broken},
        "future_attempts": found.future,
        "causes": [
            {
                "cause": line.cause,
                "episodes": line.episodes,
                "calls": line.calls,
                "p50": line.p50,
                "p90": line.p90,
                "mean": line.mean,
                "longest": line.longest.seconds,
                "longest_ended": line.longest.ended,
            }
            for line in causes(found.episodes)
        ],
        "models": [
            {"family": one.family, **_rate(Rate(one.attempts, one.failed, one.repeats))}
            for one in found.models
        ],
        "busiest": _slot(found, ends.busiest) if ends else None,
        "quietest": _slot(found, ends.quietest) if ends else None,
        "hours": [
            {
                "at": utc(row.hour * 3600.0),
                "utc_offset": row.utc_offset,
                "attempts": row.attempts,
                "failed": row.failed,
                "calls": row.attempts - row.repeats,
            }
            for row in found.counts
        ],
        "latency": _delay(found.delays.total)
        | {
            "by_hour": [
                {"weekday": slot.weekday, "hour": slot.hour, **_delay(cell)}
                for slot, cell in found.delays.cells.items()
            ]
        },
        "episodes": [episode(one, note_of(one, found.notes)) for one in found.episodes],
        "open": [{"id": one.id, "age": one.lasted, **outlook(seen)} for one, seen in found.outlooks],
    }


def episode(one: Episode, note: Note | None = None) -> dict[str, object]:
    """One episode; `lasted` is at least so much unless `end` is `recovered`."""
    return {
        "id": one.id,
        "cause": one.cause,
        "route": one.route,
        "families": list(one.families),
        "opened_at": utc(one.opened_at),
        "last_failure_at": utc(one.last_failure_at),
        "closed_at": utc(one.until) if one.ended else None,
        "end": one.end.value,
        "lasted": one.lasted,
        "attempts": one.attempts,
        "calls": one.calls,
        "given_up": one.given_up,
        "broken": one.broken,
        "utc_offset": one.utc_offset,
        "note": {"text": note.text, "noted_at": utc(note.noted_at)} if note is not None else None,
    }


def kind(found: tuple[int | None, str | None, int]) -> dict[str, object]:
    """How many failures of an episode had this status and error type."""
    return {"status": found[0], "error_type": found[1], "attempts": found[2]}


def attempt(row: Attempt) -> dict[str, object]:
    """One failure of a timeline."""
    return {
        "at": utc(row.at),
        "call": row.call,
        "number": row.number,
        "family": row.family,
        "status": row.status,
        "error_type": row.error_type,
        "request_id": row.request_id,
        "took": row.took,
        "held": row.held,
        "ended": row.ended,
        "client": row.client,
    }


def outlook(seen: Outlook) -> dict[str, object]:
    """What is to be expected; null where nobody knows."""
    return {"n": seen.count, "p50": seen.p50, "p75": seen.p75, "p90": seen.p90, "half_over_after": seen.more}


def comparison(found: Comparison) -> dict[str, object]:
    """Two spans, and between which bounds the share of failures changed."""
    return {
        "before": _span(found.before),
        "after": _span(found.after),
        "change": list(found.bounds) if found.bounds else None,
        "verdict": {-1: "fewer", 0: "no_clear_change", 1: "more"}[found.verdict],
    }


def rows(found: Report, view: str | None) -> str:
    """The view's rows, a header first; the episodes where the view has no rows of its own."""
    if view is not None and view != "list" and view in HEADERS:
        objects = report(found)[view]
    else:
        view = "list"
        objects = [episode(one) | {"families": " ".join(one.families)} for one in found.episodes]
    assert isinstance(objects, list)
    return _written(HEADERS[view], objects)


def _written(header: Sequence[str], objects: Sequence[dict[str, object]]) -> str:
    text = io.StringIO()
    # Names come from outside only in shapes that no spreadsheet takes for a formula (store/rows.py).
    writer = csv.DictWriter(text, header, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(objects)
    return text.getvalue()


def _rate(rate: Rate) -> dict[str, object]:
    low, high = rate.interval()
    return {
        "attempts": rate.attempts,
        "calls": rate.calls,
        "failed": rate.failed,
        "low": low,
        "high": high,
    }


def _delay(one: Delay) -> dict[str, object]:
    return {"answers": one.answers, "p50": one.p50, "p90": one.p90}


def _slot(found: Report, one: Slot) -> dict[str, object]:
    rates = found.hours.cells if one.weekday is not None else found.hours.by_hour
    return {"weekday": one.weekday, "hour": one.hour, **_rate(rates[one])}


def _span(one: Span) -> dict[str, object]:
    return {
        "since": utc(one.since),
        "until": utc(one.until),
        **_rate(one.rate),
        "episodes": one.episodes,
        "p50": one.p50,
        "lost": one.lost,
    }
