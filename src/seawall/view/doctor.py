"""What `seawall doctor` prints: the verdict in its fixed order, a list of checks, what all of them found."""

from collections.abc import Sequence
from typing import Any

from seawall.causes.cause import Cause, Party
from seawall.doctor.check import Check, Direction, Result, Sign, State
from seawall.doctor.verdict import Verdict
from seawall.view.explanation import SHOWN_AS, Look, dont_line, headline, low, row, step_lines, wrapped

_MARKS = {Direction.FOR: "+", Direction.AGAINST: "-", Direction.NEUTRAL: "·"}
_PLAIN = {**_MARKS, Direction.NEUTRAL: "."}
_STATES = {
    State.OK: "ok",
    State.WARN: "!",
    State.FAIL: "x",
    State.SKIP: "-",
    State.UNKNOWN: "?",
    State.CRASH: "?",
}
_MOST = 3
"""Steps, and things not to do: more is not read."""
_NARROW = 60


def harmless(text: str) -> str:
    """`text` with `?` for what a terminal would obey: names of files, hosts and issuers may hold anything."""
    return "".join(char if char.isprintable() else "?" for char in text)


def block(
    verdict: Verdict, cause: Cause | None, results: Sequence[Result], look: Look, plain: bool
) -> list[str]:
    """The verdict as a person reads it."""
    marks = _PLAIN if plain else _MARKS
    if cause is None:
        return _clear(verdict, results, look, marks)
    party = _party(verdict, results)
    title = harmless(verdict.title) or low(cause.title)
    lines = headline(party, title, verdict.confidence, look)
    lines += _holding(results, look)
    lines.append("")
    if verdict.decides:
        lines += row("Do now", list(verdict.decides), look)
    else:
        lines += row("Do now", step_lines(cause.do[:_MOST], look), look)
        lines += row("Don't", [dont_line(one.text, one.reason) for one in cause.dont[:_MOST]], look)
    lines += row("Evidence", _evidence(verdict, marks), look)
    also = ", ".join(verdict.also[:4])
    lines += row("Also seen", [also] if also else [], look)
    if not verdict.decides:
        lines += row("Escalate", [low(cause.escalate).rstrip(".")], look)
    between = "; " if plain else " · "
    then = "seawall doctor --all" if verdict.decides else f"seawall explain {cause.code}"
    return [*lines, "", *_foot([cause.code, then], between, look)]


def _foot(parts: Sequence[str], between: str, look: Look) -> list[str]:
    """Commands side by side, or one below the other: a command is never broken."""
    whole = between.join(parts)
    return [whole] if len(whole) <= look.edge else list(parts)


def _party(verdict: Verdict, results: Sequence[Result]) -> str:
    return SHOWN_AS[Party.UNKNOWN] if verdict.party is Party.UNKNOWN else SHOWN_AS[verdict.party]


def _holding(results: Sequence[Result], look: Look) -> list[str]:
    """What Seawall does about it just now."""
    held = next((one.finding.facts.get("held", 0) for one in results if one.check.id == "local.gateway"), 0)
    if not held:
        return []
    calls = "1 call" if held == 1 else f"{held} calls"
    return wrapped(f"Seawall is holding {calls} for you. Nothing is lost; leave the window open.", look.edge)


def _evidence(verdict: Verdict, marks: dict[Direction, str]) -> list[str]:
    shown: list[Sign] = [one for one in verdict.evidence if one.direction is Direction.FOR][:5]
    shown += [one for one in verdict.evidence if one.direction is Direction.AGAINST][:3]
    shown += [one for one in verdict.evidence if one.direction is Direction.NEUTRAL][:4]
    lines = [f"{marks[one.direction]} {harmless(one.text)}" for one in shown]
    if verdict.fine:
        lines.append(f"{marks[Direction.FOR]} fine: {', '.join(verdict.fine)}")
    if verdict.not_run:
        lines.append(f"{marks[Direction.NEUTRAL]} not run for this reason: {', '.join(verdict.not_run)}")
    return lines


def _clear(verdict: Verdict, results: Sequence[Result], look: Look, marks: dict[Direction, str]) -> list[str]:
    asked = any(one.check.id == "api.edge" and one.finding.state is State.OK for one in results)
    first = (
        "All clear — Claude calls should work from here." if asked else "Nothing wrong in what was measured."
    )
    lines = [*wrapped(first, look.edge), ""]
    lines += row("Measured", _measured(results, marks), look)
    lines += row(
        "Noted", [f"{marks[one.direction]} {harmless(one.text)}" for one in verdict.evidence[:5]], look
    )
    return lines


def _measured(results: Sequence[Result], marks: dict[Direction, str]) -> list[str]:
    """Where the time goes, hop by hop, and what else was looked at."""
    found = {one.check.id: one.finding for one in results}

    def milliseconds(check: str, name: str) -> float | None:
        value: Any = found[check].facts.get(name) if check in found else None
        return 1000 * value if isinstance(value, (int, float)) else None

    name = milliseconds("net.dns", "seconds")
    fours, sixes = milliseconds("net.tcp4", "seconds"), milliseconds("net.tcp6", "seconds")
    connect = min((one for one in (fours, sixes) if one is not None), default=None)
    whole = milliseconds("tls.chain", "seconds")
    tls = None if whole is None else max(0.0, whole - (connect or 0.0))
    hops = [
        ("name", name),
        ("connect", connect),
        ("TLS", tls),
        ("first byte", milliseconds("api.edge", "first_byte")),
    ]
    between = f" {marks[Direction.NEUTRAL]} " if marks[Direction.NEUTRAL] != "." else "; "
    lines = [between.join(f"{label} {value:.0f} ms" for label, value in hops if value is not None)]
    rest = ("cred.live", "local.clock", "status.page", "net.proxy", "local.gateway")
    said = [
        f"{one.check.title}: {harmless(one.finding.summary)}"
        for one in results
        if one.check.id in rest and one.finding.state is State.OK
    ]
    return [line for line in (*lines, *said) if line]


def table(results: Sequence[Result], look: Look) -> list[str]:
    """Each check in a line: how it ended and what it found."""
    width = max((len(one.check.id) for one in results), default=0)
    lines = []
    for one in results:
        head = f"{_STATES[one.finding.state]:<2} {one.check.id}"
        if look.width is not None and look.width < _NARROW:
            lines += [head, *wrapped(harmless(one.finding.summary), look.edge, "   ")]
            continue
        indent = " " * (width + 5)
        first, *more = wrapped(harmless(one.finding.summary), look.edge, indent)
        lines += [f"{head:<{width + 5}}{first[width + 5 :]}", *more]
    return lines


def listed(checks: Sequence[Check], hosts: dict[str, str], look: Look) -> list[str]:
    """Id, title, cost and whom each asks."""
    lines = []
    for one in checks:
        asks = ", ".join(dict.fromkeys(hosts[name] for name in one.to)) or "this machine only"
        cost = "free" if one.cost == "none" else one.cost
        line = f"{one.id:<16}{one.title:<16}{cost:<6}{asks}"
        if len(line) <= look.edge:
            lines.append(line)
        else:
            lines += [f"{one.id:<16}{one.title}", *wrapped(f"{cost}; {asks}", look.edge, "  ")]
    return lines
