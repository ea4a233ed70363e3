"""What `seawall explain --request` prints: what was found in a request, place by place."""

from typing import Any

from seawall.causes.cause import lookup
from seawall.causes.lint.check import Report
from seawall.causes.lint.found import Finding, Level
from seawall.view.explanation import row, wrapped
from seawall.view.layout import Look

_MARKS = {Level.ERROR: "x", Level.WARNING: "!"}


def lines(report: Report, look: Look) -> list[str]:
    """The findings, errors first, each with its place, its cause and what to do; what was looked at."""
    shown = wrapped(_headline(report), look.edge)
    for one in report.findings:
        shown += ["", *_finding(one, look)]
    if report.more:
        shown += ["", *wrapped(f"and {report.more} more; those above are the first", look.edge)]
    return [*shown, "", *row("Read", [_facts(report)], look)]


def as_json(report: Report) -> dict[str, Any]:
    """The members of `seawall.request/1`, but for its name and the exit code."""
    return {
        "ok": report.errors == 0,
        "errors": report.errors,
        "warnings": report.warnings,
        "findings": [
            {
                "level": str(one.level),
                "pointer": one.pointer,
                "line": one.line,
                "column": one.column,
                "excerpt": one.excerpt or None,
                "cause": one.code,
                "party": str(lookup(one.code).party),
                "what": one.what,
                "do": one.do,
            }
            for one in report.findings
        ],
        "more": report.more,
        "request": {
            "bytes": report.size,
            "model": report.model or None,
            "window": report.window or None,
            "messages": report.messages,
            "tools": report.tools,
            "images": report.images,
            "pdfs": report.pdfs,
            "tokens_estimated": report.tokens,
        },
    }


def _headline(report: Report) -> str:
    if not report.findings:
        return "Nothing found that the API would refuse."
    others = f"{report.warnings} to look at" if report.warnings else ""
    if not report.errors:
        return f"Nothing that the API is sure to refuse; {others}."
    things = "1 thing" if report.errors == 1 else f"{report.errors} things"
    return f"Your request — {things} that the API would refuse" + (f", {others}" if others else "") + "."


def _finding(one: Finding, look: Look) -> list[str]:
    place = one.pointer or "the whole body"
    if one.line is not None:
        place = f"line {one.line}, column {one.column}"
    facts = row("", [_sentence(one) + "."], look, 2)
    if one.excerpt:
        facts += row("", [f"It reads: {one.excerpt}"], look, 2)
    return [f"{_MARKS[one.level]} {place}  {one.code}", *facts, *row("", [f"Do: {one.do}."], look, 2)]


def _sentence(one: Finding) -> str:
    """What was found, with a capital; a name keeps the spelling that somebody has to type."""
    first = one.what.partition(" ")[0]
    name = first in one.pointer.split("/") or not first.isalpha()
    return one.what if name else one.what[:1].upper() + one.what[1:]


def _facts(report: Report) -> str:
    said = [report.model] if report.model else []
    counts = (
        (report.messages, "message"),
        (report.tools, "tool"),
        (report.images, "image"),
        (report.pdfs, "PDF"),
    )
    said += [f"{count} {name}{'s' if count != 1 else ''}" for count, name in counts if count]
    if report.tokens:
        said.append(f"about {report.tokens} tokens" + (f" of {report.window}" if report.window else ""))
    said.append(f"{report.size} bytes")
    return " · ".join(said) + "; nothing was sent"
