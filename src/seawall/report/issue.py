"""The issue, in the fields of Claude Code's bug form, and the address that opens that form with them filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from seawall.report.case import Case, last_working
from seawall.report.words import happened, ruled_out, said, utc

REPOSITORY = "https://github.com/anthropics/claude-code/issues"
FORM = f"{REPOSITORY}/new"
TEMPLATE = "bug_report.yml"
LONGEST = 6000
"""Bytes of an address: servers and browsers cut longer ones somewhere."""
_LINES = 12
"""Failures that are listed; the rest is in the timeline."""
_IDS = 30
_ELSEWHERE = "Too long for an address: please paste this part from issue.md."
_ADD = "(please add, if there was one: the full message with its stack trace)"
_COMMAND = "(please add: the command or action that triggered it; Seawall records none)"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form: its id there, its label, and the answer."""

    id: str
    label: str
    text: str
    long: bool = False
    """It may be left to the file where the address would be too long."""


def title(case: Case) -> str:
    """One line for the list of issues."""
    rows, kinds = case.recorded.rows, case.kinds
    what = said(kinds[0].rows[-1]) if kinds else case.cause.code
    part = f" ({len(kinds[0].rows)} of {len(rows)} failures)" if len(kinds) > 1 else ""
    return f"[BUG] {what}: {case.cause.title}{part}"


def fields(case: Case) -> list[Field]:
    """The form's fields in its order (as of November 2026)."""
    machine, rows = case.machine, case.recorded.rows
    working = last_working(rows, case.recorded.other, case.cause.party)
    regressed = "Yes, this worked in a previous version" if working else "I don't know"
    return [
        Field("actual", "What's Wrong?", _wrong(case), long=True),
        Field("expected", "What Should Happen?", f"The calls are answered. {case.cause.verify}"),
        Field("error_output", "Error Messages/Logs", _errors(case), long=True),
        Field("reproduction", "Steps to Reproduce", _steps(case), long=True),
        Field("model", "Claude Model", _model(case)),
        Field("regression", "Is this a regression?", regressed),
        Field("working_version", "Last Working Version", working),
        Field("version", "Claude Code Version", machine.claude_code or _clients(case) or "not found"),
        Field("platform", "Platform", machine.platform_choice),
        Field("os", "Operating System", machine.os_choice),
        Field("terminal", "Terminal/Shell", machine.terminal_choice),
        Field("additional", "Additional Information", _additional(case), long=True),
    ]  # fmt: skip


def markdown(case: Case) -> str:
    """The whole issue as a text to paste."""
    parts = [f"<!-- title: {title(case)} -->", "<!-- Look through it before you send it. -->"]
    for one in fields(case):
        if one.text:
            text = f"```shell\n{one.text}\n```" if one.id == "error_output" else one.text
            parts.append(f"### {one.label}\n\n{text}")
    return "\n\n".join(parts) + "\n"


def address(name: str, answers: Mapping[str, str], long: frozenset[str]) -> tuple[str, list[str]]:
    """The form's address with the answers filled in, at most 6 kB; and which were too long for it."""
    given = {
        "template": TEMPLATE,
        "title": name[:200],
        **{key: text for key, text in answers.items() if text},
    }
    left_out: list[str] = []
    while len(found := f"{FORM}?{urlencode(given, quote_via=quote)}") > LONGEST:
        open_ = [key for key in given if key in long and given[key] != _ELSEWHERE]
        if not open_:
            return f"{FORM}?{urlencode({'template': TEMPLATE})}", list(answers)
        longest = max(open_, key=lambda key: len(quote(given[key])))
        given[longest] = _ELSEWHERE
        left_out.append(longest)
    return found, left_out


def searches(case: Case) -> list[str]:
    """Where the same may have been reported already."""
    rows = case.kinds[0].rows if case.kinds else ()
    status = next((str(row.status) for row in reversed(rows) if row.status), "")
    words = [f"{status} {case.cause.title}".strip(), case.cause.code.partition(".")[2].replace("_", " ")]
    return [f"{REPOSITORY}?q={quote(f'is:issue {one}')}" for one in words]


def _wrong(case: Case) -> str:
    text = happened(case)
    if case.verdict.cause and case.verdict.cause != case.cause.code:
        found = f"{case.verdict.title or 'another cause'} ({case.verdict.cause})"
        text += f"\n\nMeasured at {utc(case.made_at)}: {found}."
    return text


def _errors(case: Case) -> str:
    rows = case.recorded.rows
    shown = rows if len(rows) <= _LINES else [*rows[: _LINES // 2], *rows[-_LINES // 2 :]]
    lines = [f"{utc(row.at)}  {said(row)}  {row.request_id or 'no request id'}" for row in shown]
    if len(rows) > len(shown):
        lines.insert(_LINES // 2, f"... {len(rows) - len(shown)} more in timeline.csv ...")
    same = case.verdict.cause == case.cause.code
    evidence = [
        f"{one.text} ({one.check})" for one in case.verdict.evidence if same and one.direction == "for"
    ][:6]
    return "\n".join([*lines, *evidence]) or "none on record"


def _steps(case: Case) -> str:
    machine, rows = case.machine, case.recorded.rows
    client = f"Claude Code {machine.claude_code}" if machine.claude_code else _clients(case) or "the client"
    families = sorted({row.family for row in rows} - {""})
    model = f" with {' or '.join(families)}" if families else ""
    when = f"from {utc(rows[0].at)} to {utc(rows[-1].at)}" if rows else f"at {utc(case.made_at)}"
    return (
        f"1. Start {client}{model}; calls go to {case.host}.\n2. Send any message, {when}.\n3. See the error above."
        f"\n\nCommand: {_COMMAND}\nMessage: {_ADD}"
    )


def _model(case: Case) -> str:
    families = {row.family for row in case.recorded.rows} - {""}
    if len(families) != 1:
        return "Not sure / Multiple models"
    return {"sonnet": "Sonnet (default)", "opus": "Opus"}.get(families.pop(), "Other")


def _clients(case: Case) -> str:
    return ", ".join(sorted({row.client for row in case.recorded.rows if row.client})[:3])


def _additional(case: Case) -> str:
    machine = case.machine
    parts = [
        ("Node", machine.node or "not used, or not found"),
        ("Seawall", f"{machine.seawall}; cause {case.cause.code}{_sure(case)}"),
        ("System", machine.system),
        ("Terminal", machine.terminal),
        ("Proxy", "; ".join(machine.proxy) or "none set"),
        ("Request ids", ", ".join(case.request_ids[:_IDS]) or "none"),
        ("Ruled out", "; ".join(ruled_out(case)) or "nothing was measured"),
        ("Before reporting", _gates(case) or case.escalation.text),
        ("Possible duplicates", " ".join(searches(case))),
    ]
    lines = [f"- {label}: {text}" for label, text in parts if text]
    return "\n".join([*lines, "- All times are UTC. Names of people, machines and keys are masked."])


def _sure(case: Case) -> str:
    return f", {case.verdict.confidence}" if case.verdict.cause == case.cause.code else ""


def _gates(case: Case) -> str:
    """Which conditions are met; without their texts, whose times are of the local clock."""
    one = case.escalation
    said = ", ".join(f"{gate.id} {gate.state.value}" for gate in one.gates)
    return f"{one.met} of {len(one.gates)} conditions met ({said})" if said else ""
