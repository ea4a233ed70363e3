"""What `seawall doctor` prints: the verdict in its fixed order, a list of checks, what all of them found."""

from collections.abc import Sequence
from dataclasses import replace

from seawall.clock import duration, local
from seawall.doctor import escalation
from seawall.doctor.case import Case
from seawall.doctor.check import Check, Direction, Result, Sign, State
from seawall.doctor.earlier import Recently
from seawall.doctor.exact import headline
from seawall.doctor.lasting import history
from seawall.doctor.steps import Advice, Do
from seawall.doctor.verdict import Verdict
from seawall.view.explanation import LABEL, dont_line, flowed, low, row, wrapped
from seawall.view.explanation import headline as said_of
from seawall.view.layout import NARROW, Look, cut_middle

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


def harmless(text: str) -> str:
    """`text` with `?` for what a terminal would obey: names of files, hosts and issuers may hold anything."""
    return "".join(char if char.isprintable() else "?" for char in text)


def block(case: Case, advised: Advice, look: Look, plain: bool = False, more: bool = False) -> list[str]:
    """The verdict as a person reads it, in its fixed order; rows without anything to say are left out."""
    marks = _PLAIN if plain else _MARKS
    verdict, cause = case.verdict, case.cause
    if cause is None:
        return _clear(case, look, marks)
    title = harmless(headline(case)) or low(cause.title)
    lines = said_of(case.side, title, verdict.confidence, look)
    look = _body(look)
    if advised.action:
        lines += wrapped(advised.action, look.edge - 1)
    lines.append("")
    if verdict.decides:
        lines += row("Do now", verdict.decides, look)
    else:
        lines += _labelled("Do now", _steps(advised.do, look))
        lines += row("Don't", [dont_line(one.text, one.reason) for one in advised.dont or ()], look)
    evidence = _evidence(verdict, marks)
    if plain:
        evidence = [one.replace("…", "...") for one in evidence]
    lines += row("Evidence", [_fitting(one, look) for one in evidence], look)
    also = ", ".join(verdict.also[:4])
    lines += row("Also seen", [also] if also else [], look)
    lines += row("History", _glyphs(history(case), plain), look)
    lines += row("Escalate", _glyphs(_escalate(case, more, plain), plain), look)
    return [*lines, *_foot(case, advised, "; " if plain else " · ", look)]


def _body(look: Look) -> Look:
    """What stands under the headline is a little narrower, so that its last word stands out."""
    return look if look.width is None or look.width < NARROW else replace(look, width=min(80, look.width) - 1)


def _glyphs(texts: Sequence[str], plain: bool) -> list[str]:
    return [text.replace(" · ", "; ") for text in texts] if plain else list(texts)


def _labelled(label: str, lines: list[str]) -> list[str]:
    return [f"{label:<{LABEL}}{lines[0][LABEL:]}", *lines[1:]] if lines else []


def _steps(steps: Sequence[Do], look: Look) -> list[str]:
    """Steps with numbers where there are several to number, each command in one piece."""
    indent = " " * LABEL
    counted = sum(one.numbered for one in steps) > 1
    lines: list[str] = []
    number = 0
    for one in steps:
        number += one.numbered
        mark = f"{number}. " if counted and one.numbered else ""
        hang = indent + " " * (one.hang if look.width is None or look.width >= NARROW else 3 if mark else 0)
        hang = indent + " " * len(mark) if mark else hang
        for place, text in enumerate(one.lines):
            before = indent + mark if place == 0 else hang
            command = one.command or ""
            lines += (
                [before + text]
                if text == command
                else flowed(harmless(text), look.edge, before, hang, command)
            )
    return lines


def _escalate(case: Case, more: bool, plain: bool) -> list[str]:
    """The outcome; with `more` the gates, where gates matter."""
    if case.escalation is None:
        return [low(case.cause.escalate).rstrip(".")] if case.cause and not case.verdict.decides else []
    gates = escalation.rows(case.escalation, plain) if more else []
    first = [] if gates and case.escalation.opens_at is None else [case.escalation.text]
    return [*first, *gates]


def _foot(case: Case, advised: Advice, between: str, look: Look) -> list[str]:
    """Incident, code and commands side by side, or one below the other: a command is never broken."""
    incident = case.earlier.current
    if not advised.then and incident is None:
        return []
    assert case.cause is not None
    parts = [f"incident {incident.id}"] if incident else []
    parts += [case.cause.code, *(advised.then or ())]
    lines = [""]
    for part in parts:
        beside = f"{lines[-1]}{between}{part}"
        if len(lines) > 1 and len(beside) <= look.edge:
            lines[-1] = beside
        else:
            lines.append(part)
    return lines


def _evidence(verdict: Verdict, marks: dict[Direction, str]) -> list[str]:
    shown: list[Sign] = [one for one in verdict.evidence if one.direction is Direction.FOR][:5]
    shown += [one for one in verdict.evidence if one.direction is Direction.AGAINST][:3]
    neutral = [one for one in verdict.evidence if one.direction is Direction.NEUTRAL][:4]
    lines = [
        f"{marks[one.direction]} {harmless(one.text)}" for one in shown if one.direction is Direction.FOR
    ]
    fine = f"{marks[Direction.FOR]} fine: {', '.join(verdict.fine)}"
    lines += [f"{marks[one.direction]} {harmless(one.text)}" for one in neutral]
    lines += [fine] if verdict.fine else []
    lines += [
        f"{marks[one.direction]} {harmless(one.text)}" for one in shown if one.direction is Direction.AGAINST
    ]
    if verdict.not_run:
        lines.append(f"{marks[Direction.NEUTRAL]} not run for this reason: {', '.join(verdict.not_run)}")
    return lines


def _fitting(text: str, look: Look) -> str:
    """The text with words that no line holds cut in their middle: ids and paths tell something at both ends."""
    room = look.edge - LABEL - 2
    return text if look.width is None else " ".join(cut_middle(word, room) for word in text.split(" "))


def _clear(case: Case, look: Look, marks: dict[Direction, str]) -> list[str]:
    first = (
        "All clear — Claude calls should work from here."
        if case.ok("api.edge")
        else "Nothing wrong in what was measured."
    )
    between = f" {marks[Direction.NEUTRAL]} " if marks[Direction.NEUTRAL] != "." else "; "
    lines = [*wrapped(first, look.edge), ""]
    lines += row("Measured", _measured(case, between), look)
    lines += row("Recently", _recently(case.recently, case.now), look)
    noted = [
        f"{marks[one.direction]} {harmless(one.text)}" for one in case.verdict.evidence if not _known(one)
    ]
    return lines + row("Noted", noted[:5], look)


def _known(sign: Sign) -> bool:
    """Whether the rows above say it already."""
    return sign.cause == "*" and sign.check in ("local.gateway", "seen.recent")


def _recently(seen: Recently | None, now: float) -> list[str]:
    if seen is None or not (seen.calls or seen.held or seen.last):
        return []
    longest = f" (longest {duration(seen.longest)})" if seen.held else ""
    calls = "1 call" if seen.calls == 1 else f"{_number(seen.calls)} calls"
    lines = [f"{calls} today, {_number(seen.held)} held{longest}, {_number(seen.lost)} lost"]
    if seen.last:
        one = seen.last
        when = local(one.opened_at, seconds=False, now=now)
        lines.append(f"last incident: {when}, {one.cause}, {duration(one.lasted)}")
    return lines


def _number(value: int) -> str:
    return f"{value:,}".replace(",", " ")


def _measured(case: Case, between: str) -> list[str]:
    """Where the time goes, hop by hop, and what else was looked at."""

    def milliseconds(check: str, name: str) -> float | None:
        value = case.fact(check, name)
        return 1000 * value if isinstance(value, (int, float)) else None

    fours, sixes = milliseconds("net.tcp4", "seconds"), milliseconds("net.tcp6", "seconds")
    connect = min((one for one in (fours, sixes) if one is not None), default=None)
    whole = milliseconds("tls.chain", "seconds")
    hops = {
        "name": milliseconds("net.dns", "seconds"),
        "connect": connect,
        "TLS": None if whole is None else max(0.0, whole - (connect or 0.0)),
        "first byte": milliseconds("api.edge", "first_byte"),
    }
    client = case.fact("local.client", "version")
    finding = case.finding("local.clock")
    rest = [
        "key accepted" if case.ok("cred.live") else "",
        f"Claude Code {harmless(str(client))}" if client else "",
        f"clock {finding.summary}" if finding and case.ok("local.clock") else "",
    ]
    lines = [
        between.join(f"{label} {value:.0f} ms" for label, value in hops.items() if value is not None),
        between.join(filter(None, rest)),
        "status page: no open incidents" if case.ok("status.page") else "",
    ]
    lines += [
        f"{one.check.title}: {harmless(one.finding.summary)}"
        for one in case.results
        if one.check.id in ("net.proxy", "local.gateway") and one.finding.state is State.OK
    ]
    return [line for line in lines if line]


def table(results: Sequence[Result], look: Look) -> list[str]:
    """Each check in a line: how it ended and what it found."""
    width = max((len(one.check.id) for one in results), default=0)
    lines = []
    for one in results:
        head = f"{_STATES[one.finding.state]:<2} {one.check.id}"
        if look.width is not None and look.width < NARROW:
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
