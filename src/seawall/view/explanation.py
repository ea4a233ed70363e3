"""What `seawall explain` prints: a verdict on a text, a cause's page, the catalogue's table."""

import re
import textwrap
from collections.abc import Iterable, Sequence

from seawall.causes.cause import Cause, Party, Platform, Step, Summary, load, lookup
from seawall.causes.match import UNKNOWN
from seawall.causes.verdict import Confidence, Verdict, nearest, question, unknown_title
from seawall.doctor.side import SHOWN_AS
from seawall.view.layout import NARROW, Look

_CLOUDS = (
    ("bedrock", "Amazon Bedrock's side"),
    ("aiplatform", "Google Cloud's side"),
    ("vertex", "Google Cloud's side"),
    ("services.ai.azure.com", "Microsoft Foundry's side"),
)
LABEL = 10
PAGE_LABEL = 16
KEY_NOTE = "The text held a key. It was masked. If you posted it elsewhere, revoke it."


def party_of(verdict: Verdict) -> str:
    """Whose side it is, as people read it: the host's name where another than Anthropic's API was asked."""
    party = lookup(verdict.cause).party
    if party is Party.PROVIDER:
        named = f"{verdict.cause} {verdict.facts.flat[:20_000]}"
        return next((side for sign, side in _CLOUDS if sign in named), SHOWN_AS[party])
    return SHOWN_AS[party]


def verdict(found: Verdict, cause: Cause, look: Look, source: str, held_key: bool) -> list[str]:
    """The block that answers a pasted text; `source` says where the text came from."""
    title = low(cause.title) if found.cause != UNKNOWN else unknown_title(found.facts)
    lines = headline(party_of(found), title, found.confidence, look)
    lines.append("")
    if found.cause == UNKNOWN:
        lines += _unknown(found, look)
    else:
        lines += row("Meaning", [cause.meaning], look)
        lines += row("Do now", step_lines(cause.do, look), look)
        lines += row("Don't", [dont_line(one.text, one.reason) for one in cause.dont], look)
        lines += row("Evidence", [f"+ {found.evidence}"] if found.evidence else [], look)
        lines += row("Fixed?", [_verify(cause, look)], look)
        lines += row("Escalate", [escalation(cause)], look)
        lines += row("Or", _others(found), look)
    lines += row("Errors", _counted(found), look)
    lines += row("Facts", [" · ".join(facts(found))] if facts(found) else [], look)
    if held_key:
        lines += ["", *wrapped(KEY_NOTE, look.edge)]
    read_as = f"{found.cause} · {source}"
    return [*lines, "", *row("Read as", [read_as], look)]


def _verify(cause: Cause, look: Look) -> str:
    """What success looks like, and the command that shows it."""
    if not cause.verify_command or cause.verify_command in cause.verify:
        return cause.verify
    text = f"{cause.verify.rstrip('.')}:"
    return _with_command(text, cause.verify_command, look)


def escalation(cause: Cause) -> str:
    """When to tell anybody, with the command where it is Anthropic that is told."""
    said = low(cause.escalate).rstrip(".")
    ours = cause.party in (Party.PROVIDER, Party.UNKNOWN) and said.startswith(("after", "with"))
    return f"{said}: seawall report" if ours else said


def facts(found: Verdict) -> list[str]:
    """What was read in the text, each in a few words."""
    read = found.facts
    said = [f"status {status}" for status in dict.fromkeys(read.whole.statuses)][:3]
    if read.whole.type:
        said.append(read.whole.type)
    if read.attempt:
        attempt, most = read.attempt
        from_first = f"{read.first_attempt}–" if read.first_attempt not in (None, attempt) else ""
        said.append(f"attempt {from_first}{attempt} of {most}")
    if read.resets:
        said.append(f"resets {read.resets}")
    if read.request_id:
        said.append(f"request {read.request_id}")
    return said


def _unknown(found: Verdict, look: Look) -> list[str]:
    lines = []
    if near := nearest(found.facts):
        shown = [
            f"{code}, {low(lookup(code).title)}: the text shares only {words}{_lacks(code, words)}"
            for code, words in near
        ]
        lines += row("Nearest", shown, look)
    return lines + row("Decides", [question(found.facts)], look)


def _lacks(code: str, words: str) -> str:
    """What that cause is known by, in the wording nearest to these words: the text does not have it."""
    shared = set(words.split(", "))
    texts = [one.text for one in load(code).wordings if len(one.text) <= _WORDING]
    if not texts:
        return ""
    nearest_text = max(texts, key=lambda text: (len(shared & set(_WORD.findall(text.lower()))), -len(text)))
    return f', not "{nearest_text}"'


_WORDING = 80
_WORD = re.compile(r"[a-z0-9_]+")


def _others(found: Verdict) -> list[str]:
    if not found.also:
        return []
    others = [f"{code}: {low(lookup(code).title)}" for code in found.also[:3]]
    return [*others, *([found.apart] if found.apart else [])]


def _counted(found: Verdict) -> list[str]:
    """The first, the last and the most frequent of several errors."""
    if not found.counts:
        return []
    total = dict(found.counts)
    last = found.counts[-1][0]
    most = max(total, key=lambda code: total[code])
    shown = dict.fromkeys((most, found.first or last, last))
    said = ", ".join(f"{total[code]} × {code}" for code in shown)
    if rest := sum(total.values()) - sum(total[code] for code in shown):
        said += f", {rest} × other causes"
    return [f"{said}; the last: {last}, the first: {found.first}" if len(total) > 1 else said]


def headline(party: str, title: str, confidence: Confidence, look: Look) -> list[str]:
    """Whose side it is and what it is, with how sure that is at the end of the line."""
    mark = str(confidence)
    if look.width is None:
        lines = [f"{party} — {title}.  {mark}"]
    else:
        # The word stands beside the last line; in wide terminals no line is longer than leaves room for it.
        room = look.edge - len(mark) - 1 if look.width >= NARROW else look.edge
        lines = flowed(f"{party} — {title}.", room, "", "")
        if look.edge - len(lines[-1]) - len(mark) < (1 if look.width >= NARROW else 2):
            lines.append("")
        lines[-1] += mark.rjust(look.edge - len(lines[-1]))
    if look.color and lines[0].startswith(party):
        lines[0] = f"\x1b[1m{party}\x1b[0m{lines[0][len(party) :]}"
    return lines


def page(
    cause: Cause,
    look: Look,
    more: bool = False,
    own: str = "",
    platforms: frozenset[Platform] = frozenset(Platform),
) -> list[str]:
    """A cause, whole: what it is, what to do, how people meet it; with `more` what else is known.

    `own` is what one's own history says of how long it lasts; of platforms only these are spoken of.
    """
    head = f"{cause.code} — {low(cause.title)}"
    side = SHOWN_AS[cause.party]
    gap = look.edge - len(head) - len(side)
    if look.width is not None and gap >= 2:
        lines = [head + " " * gap + side]
    else:
        lines = [*wrapped(head, look.edge), *wrapped(side, look.edge)]
    lines.append("")
    lines += row("What it means", [cause.meaning], look, PAGE_LABEL)
    lines += row("Comes from", cause.comes_from if more else (), look, PAGE_LABEL)
    lines += row("Do", [_step(one, look) for one in cause.do], look, PAGE_LABEL)
    lines += row(
        "Don't", [f"{one.text.rstrip('.')}: {low(one.reason)}" for one in cause.dont], look, PAGE_LABEL
    )
    lines += row(
        "On", [_note(one.on, one.text, one.command) for one in cause.platforms if more or one.on in platforms],
        look, PAGE_LABEL,
    )  # fmt: skip
    lines += row("How long", [f"{cause.wait} {own}".rstrip()], look, PAGE_LABEL)
    lines += row("Fixed when", [_verify(cause, look)], look, PAGE_LABEL)
    lines += row("Escalate", [cause.escalate], look, PAGE_LABEL)
    lines += row("Prevent", [cause.prevention] if more else (), look, PAGE_LABEL)
    for one in cause.questions if more else ():
        lines += row("Asked", [one.ask, one.answer], look, PAGE_LABEL)
    lines += row("Seen as", _joined(_wordings(cause, more)), look, PAGE_LABEL)
    lines += row("Not the same", _joined(_near_misses(cause)), look, PAGE_LABEL)
    sources = "; ".join(f"{one.title} ({one.date})" for one in cause.sources)
    lines += row("Sources", [sources], look, PAGE_LABEL)
    return lines


def _wordings(cause: Cause, more: bool) -> Iterable[str]:
    """Texts that people meet, each once; but for `more` no more of them than their first sentence."""
    firsts = (one.text if more else _FIRST.sub(r"\1 …", one.text) for one in cause.wordings)
    return dict.fromkeys(firsts)


_FIRST = re.compile(r"^(.{16,}?[a-z]{3}\.) \S.*", re.DOTALL)
"""A text's first sentence, and what comes after it; neither a number's full stop nor an abbreviation's ends one."""


def _near_misses(cause: Cause) -> Iterable[str]:
    seen = set()
    for miss in cause.near_misses:
        if miss.code and miss.code not in seen:
            seen.add(miss.code)
            yield f"{miss.code} ({low((miss.why or '').rstrip('.'))})"


def _note(on: str, text: str, command: str | None) -> str:
    return f"{on}: {text}" + (f"\n{command}" if command else "")


def table(causes: Iterable[Summary], look: Look) -> list[str]:
    """Code and title of each, a line or two."""
    lines = []
    narrow = look.width is not None and look.width < NARROW
    for cause in causes:
        beside = not narrow and len(cause.code) < _CODE
        title = wrapped(cause.title, look.edge, " " * (2 if narrow else _CODE))
        lines += [cause.code + title.pop(0)[len(cause.code) :]] if beside else [cause.code]
        lines += title
    return lines


_CODE = 34
"""Columns of a code in a table, and a gap; the few that are longer have a line of their own."""


def row(label: str, texts: Sequence[str], look: Look, column: int = LABEL) -> list[str]:
    """A label and its texts beside it, each from a line of its own; nothing for no texts."""
    if not texts:
        return []
    above = look.width is not None and look.width < NARROW
    if above and column == LABEL:
        # Beside the label is little room: only what has no longer word stands there.
        above = any(len(word) > look.edge - column for text in texts for word in text.split())
    indent = "  " if above else " " * column
    lines = [line for text in texts for line in wrapped(text, look.edge, indent)]
    if above:
        return [label, *lines]
    lines[0] = f"{label:<{column}}{lines[0][column:]}"
    return lines


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """The text's lines within `width`. A line after a line end is a command: it stays in one piece, to be copied."""
    prose, *commands = text.split("\n")
    hang = indent + "   " if prose[:3] in ("1. ", "2. ", "3. ") else indent
    hang += "  " if prose[:2] in ("+ ", "- ", "· ", ". ", "? ", "x ") else ""
    return [*flowed(prose, width, indent, hang), *(hang + command for command in commands)] or [indent]


def flowed(text: str, width: int, indent: str, hang: str, whole: str = "") -> list[str]:
    """The lines of a text; `whole`, a command in it, other short commands and lengths of time stay in one piece."""
    text = _WHOLE.sub(lambda found: found[0].replace(" ", _GLUE), text)
    if whole:
        text = text.replace(whole, whole.replace(" ", _GLUE))
    lines = textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=hang,
        break_on_hyphens=False,
        break_long_words=not whole or any(len(word) > 2 * width for word in text.split()),
    )
    return [line.replace(_GLUE, " ") for line in lines]


_GLUE = "\x00"
"""Stands for a blank at which no line ends; no text that is shown has it."""
_WHOLE = re.compile(r"\b\d+ (?:ms|min|s|h|d)\b(?: \d+ (?:min|s)\b)?|`[^`]{1,30}`|\bseawall report\b")
"""Lengths of time, and short commands."""


def step_lines(steps: Sequence[Step], look: Look) -> list[str]:
    """Steps without commands are read as one; others have numbers."""
    if not any(step.command or step.link for step in steps):
        return [" ".join(step.text for step in steps)]
    shown = [_step(step, look) for step in steps]
    return shown if len(shown) == 1 else [f"{number}. {text}" for number, text in enumerate(shown, 1)]


def _step(step: Step, look: Look) -> str:
    command = (step.powershell if look.windows else None) or step.command
    text = step.text + (" (costs money)" if step.costs_money else "")
    if step.link:
        text = f"{text.rstrip('.')}: {step.link}"
    return _with_command(text, command, look)


def _with_command(text: str, command: str | None, look: Look) -> str:
    """The command beside its sentence where both fit a line, else below it."""
    if not command or command in text:
        return text
    beside = f"{text} {command}" if text.endswith(":") else f"{text}  {command}"
    return beside if len(beside) + 3 + PAGE_LABEL <= look.edge else f"{text}\n{command}"


def _joined(texts: Iterable[str]) -> list[str]:
    whole = " · ".join(texts)
    return [whole] if whole else []


def dont_line(text: str, reason: str) -> str:
    """What not to do, and why, in one line."""
    return ": ".join(low(one).rstrip(".") for one in (text, reason) if one)


def low(text: str) -> str:
    """As the middle of a sentence: a first capital that is no name's and no abbreviation's is made small."""
    first = text.split(" ", 1)[0]
    if first[:1].isupper() and first[1:].strip(".,:'’s").islower() and first.strip(".,:'s") not in _NAMES:
        return text[0].lower() + text[1:]
    return text if len(first) > 1 or first not in ("A", "I") else text[0].lower() + text[1:]


_NAMES = frozenset(
    (
        "Claude",
        "Anthropic",
        "Bedrock",
        "Vertex",
        "Seawall",
        "Amazon",
        "Google",
        "Microsoft",
        "Cloudflare",
        "Windows",
        "Node",
    )
)
