"""The pages of the site that are made from the catalogue: one a cause, and three to find one by."""

import re
from collections.abc import Iterable, Iterator, Mapping

from seawall.causes.cause import Cause, Hold, Party, Platform, Retry, Step
from seawall.view.explanation import SHOWN_AS

RETRY = {
    Retry.YES: "Yes, with growing pauses",
    Retry.AFTER_WAIT: "Yes, once the limit has been reset",
    Retry.AFTER_CHANGE: "Only after a change",
    Retry.NO: "No",
}
HOLD = {
    Hold.YES: "Holds the call and tries again",
    Hold.UNTIL: "Holds the call until the time that the answer states, if that is near",
    Hold.NO: "Passes the error on at once",
}
PLATFORMS = {
    Platform.LINUX: "Linux",
    Platform.MACOS: "macOS",
    Platform.WINDOWS: "Windows",
    Platform.WSL: "WSL",
    Platform.CONTAINER: "Containers",
    Platform.CI: "CI",
    Platform.EDITOR: "Editors",
    Platform.DESKTOP: "Claude Desktop",
}
STATUSES = {
    200: "OK, and yet not an answer",
    400: "Bad request",
    401: "Unauthorized",
    402: "Payment required",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    407: "Proxy authentication required",
    408: "Request timeout",
    409: "Conflict",
    410: "Gone",
    413: "Request too large",
    422: "Unprocessable",
    424: "Failed dependency",
    429: "Too many requests",
    431: "Headers too large",
    451: "Unavailable for legal reasons",
    499: "The client closed the request",
    500: "Internal server error",
    501: "Not implemented",
    502: "Bad gateway",
    503: "Service unavailable",
    504: "Gateway timeout",
    520: "Unknown error behind the edge",
    521: "The origin is down",
    522: "No connection to the origin in time",
    523: "The origin cannot be reached",
    524: "The origin took too long",
    525: "No TLS with the origin",
    526: "The origin's certificate is not valid",
    527: "Error on the way to the origin",
    529: "Overloaded",
    530: "The origin cannot be found",
}
"""In our words: not all of them are in the HTTP standard, and what Python calls them changes with its version."""
_MARKED = re.compile(r"([\\*_\[\]#|~^{}])")
_ADDRESS = re.compile(r"https?://[\w.-]+\.[a-z]+(?:/[\w./#?=%-]*[\w/])?")


def pages(causes: Iterable[Cause]) -> dict[str, str]:
    """Name and Markdown of every page; the same causes always give the same pages."""
    known = {cause.code: cause for cause in causes}
    made = {f"{cause.code}.md": cause_page(cause, known) for cause in known.values()}
    made["index.md"] = by_party(known.values())
    made["by-status.md"] = by_status(known.values())
    made["by-wording.md"] = by_wording(known.values())
    return made


def cause_page(cause: Cause, known: Mapping[str, Cause]) -> str:
    """All that is known of a cause, in the order in which somebody in trouble needs it."""
    blocks = [
        f"---\ntitle: {quoted(cause.title)}\ndescription: {quoted(cause.meaning)}\n---",
        f"# {prose(cause.title)}",
        *_quick(cause.do[:1]),
        _facts(cause),
        f"## What it means\n\n{prose(cause.meaning)}",
        f"## How it shows\n\n{_signature(cause)}",
        f"## Where it comes from\n\n{_list(prose(one) for one in cause.comes_from)}",
        f"## What to do\n\n{_steps(cause.do)}",
        "## What not to do\n\n" + _list(f"**{prose(one.text)}** {prose(one.reason)}" for one in cause.dont),
        f"## How long it lasts\n\n{prose(cause.wait)}",
        f"## How to see that it is fixed\n\n{prose(cause.verify)}{_command(cause.verify_command)}",
        f"## When to escalate\n\n{prose(cause.escalate)}",
        _platforms(cause),
        f"## How to prevent it\n\n{prose(cause.prevention)}",
        "## Questions\n\n"
        + "\n\n".join(f"### {prose(one.ask)}\n\n{prose(one.answer)}" for one in cause.questions),
        _others(cause, known),
        "## Sources\n\n" + _list(_source(one.title, one.date, one.url) for one in cause.sources),
        f"Updated {cause.checked.isoformat()}. The same in a terminal: `seawall explain {cause.code}`.",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def by_party(causes: Iterable[Cause]) -> str:
    """The index: whose side each cause is on."""
    parties: dict[str, list[Cause]] = {}
    for cause in causes:
        parties.setdefault(SHOWN_AS[cause.party], []).append(cause)
    ordered = [side for side in SHOWN_AS.values() if side in parties]
    intro = (
        "# Find your error\n\n"
        "`seawall explain` reads a whole error text on your machine and names its cause. "
        "Here you can look for it yourself: below by whose side it is on, or "
        "[by status](by-status.md), or [by wording](by-wording.md).\n\n"
        '<div class="finder" data-label="Words, a status or a code"></div>'
    )
    sections = [f"## {side}\n\n{_list(map(_entry, parties[side]))}" for side in ordered]
    return "\n\n".join([intro, *sections]) + "\n"


def by_status(causes: Iterable[Cause]) -> str:
    """The index of numbers and types that an answer carries."""
    numbers: dict[int, list[Cause]] = {}
    types: dict[str, list[Cause]] = {}
    without = []
    for cause in causes:
        for status in statuses(cause):
            numbers.setdefault(status, []).append(cause)
        for kind in error_types(cause):
            types.setdefault(kind, []).append(cause)
        if not statuses(cause) and not error_types(cause):
            without.append(cause)
    intro = (
        "# Errors by status\n\n"
        "A status alone seldom decides: the message beside it does. "
        "Other ways in: [by whose side](index.md), [by wording](by-wording.md).\n\n"
        '<div class="finder" data-label="A status, a type or words"></div>'
    )
    named = [
        f"## {number} {STATUSES.get(number, '')} {{ #status-{number} }}\n\n{_list(map(_entry, numbers[number]))}"
        for number in sorted(numbers)
    ]
    typed = [f"### {code_span(kind)}\n\n{_list(map(_entry, types[kind]))}" for kind in sorted(types)]
    rest = [
        "## No status at all",
        "Nobody answered, or what is wrong shows before a call.",
        _list(map(_entry, without)),
    ]
    return "\n\n".join([intro, *named, "## Error types", *typed, *rest]) + "\n"


def by_wording(causes: Iterable[Cause]) -> str:
    """The index of the texts that clients show, those of the client with the most of them first."""
    clients: dict[str, list[tuple[str, str]]] = {}
    for cause in causes:
        for one in cause.wordings:
            version = f" <small>{prose(one.version)}</small>" if one.version else ""
            line = f"{code_span(one.text)}{version}<br>{_link(cause)}"
            clients.setdefault(one.client, []).append((one.text.lower(), line))
    intro = (
        "# Errors by wording\n\n"
        "What clients show, in their own words. Your text may differ in numbers and names. "
        "Other ways in: [by whose side](index.md), [by status](by-status.md).\n\n"
        '<div class="finder" data-label="A few words of your error"></div>'
    )
    order = sorted(clients, key=lambda client: (-len(clients[client]), client))
    sections = [
        f"## {prose(client)}\n\n{_list(line for _, line in sorted(clients[client]))}" for client in order
    ]
    return "\n\n".join([intro, *sections]) + "\n"


def statuses(cause: Cause) -> list[int]:
    """The numbers that an answer of this cause has been seen with."""
    found = {status for one in cause.matchers for status in one.status}
    if cause.party is not Party.UNKNOWN:  # whose examples are numbers that mean nothing
        found |= {status for one in cause.examples if (status := one.evidence.get("status", 0)) >= 400}
    return sorted(found)


def error_types(cause: Cause) -> list[str]:
    """The types and codes of an error body that are matched."""
    return sorted({kind for one in cause.matchers for kind in (*one.type, *one.error_code)})


def prose(text: str) -> str:
    """A plain sentence as Markdown: only its backticks and its addresses mean something."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return _plain(text.replace("`", "'"))
    return "".join(code_span(part) if number % 2 else _plain(part) for number, part in enumerate(parts))


def code_span(text: str) -> str:
    """A text as it stands, whatever backticks it holds."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def quoted(text: str) -> str:
    """A text as a YAML string on one line."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plain(text: str) -> str:
    done = 0
    made = []
    for found in _ADDRESS.finditer(text):
        made += [_marked(text[done : found.start()]), f"<{found[0]}>"]
        done = found.end()
    return "".join([*made, _marked(text[done:])])


def _marked(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKED.sub(lambda found: f"&#{ord(found[1])};", text)


def _quick(steps: Iterable[Step]) -> Iterator[str]:
    """The first step, set apart: enough for most readers."""
    for step in steps:
        yield '!!! tip "Quick fix"\n\n' + _indented(_step(step))


def _facts(cause: Cause) -> str:
    rows = (
        ("Category", SHOWN_AS[cause.party]),
        ("Try again?", RETRY[cause.retry]),
        ("Seawall", HOLD[cause.hold]),
        ("Code", f"<code>{cause.code}</code>"),
    )
    return (
        '<dl class="facts">\n'
        + "\n".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
        + "\n</dl>"
    )


def _signature(cause: Cause) -> str:
    lines = []
    if numbers := statuses(cause):
        lines.append(
            "Status: " + ", ".join(f"[{code_span(str(one))}](by-status.md#status-{one})" for one in numbers)
        )
    if kinds := error_types(cause):
        lines.append("Type: " + ", ".join(map(code_span, kinds)))
    lines += [
        f"{code_span(one.text)}<br><small>{prose(_seen(one.client, one.version))}</small>"
        for one in cause.wordings
    ]
    return _list(lines) if lines else "No single text: it is concluded from several facts."


def _seen(client: str, version: str | None) -> str:
    return f"{client} {version}" if version else client


def _steps(steps: Iterable[Step]) -> str:
    return "\n\n".join(f"1.  {_indented(_step(step)).lstrip()}" for step in steps)


def _step(step: Step) -> str:
    text = prose(step.text) + (" (costs money)" if step.costs_money else "")
    if step.link:
        text += f" <{step.link}>"
    if step.command and step.powershell:
        shell, windows = _block(step.command), _block(step.powershell, "powershell")
        return (
            f'{text}\n\n=== "Linux, macOS"\n\n{_indented(shell)}\n\n=== "PowerShell"\n\n{_indented(windows)}'
        )
    if step.powershell:
        return f"{text}\n\n{_block(step.powershell, 'powershell')}"
    return text + _command(step.command)


def _command(command: str | None, language: str = "sh") -> str:
    return f"\n\n{_block(command, language)}" if command else ""


def _block(command: str, language: str = "sh") -> str:
    if command.startswith("/"):
        return f'```text title="In Claude Code"\n{command}\n```'
    return f"```{language}\n{command}\n```"


def _platforms(cause: Cause) -> str:
    if not cause.platforms:
        return ""
    items = []
    for one in cause.platforms:
        shell = "powershell" if one.on is Platform.WINDOWS else "sh"
        text = f"**{PLATFORMS[one.on]}:** {prose(one.text)}{_command(one.command, shell)}"
        items.append(f"-   {_indented(text).lstrip()}")
    return "## On your platform\n\n" + "\n\n".join(items)


def _others(cause: Cause, known: Mapping[str, Cause]) -> str:
    """What only looks like it, and what the same words can also stand for."""
    lines: dict[str, str] = {}
    for miss in cause.near_misses:
        if miss.code and miss.code in known and miss.code != cause.code:
            lines.setdefault(miss.code, f"{_link(known[miss.code])}: {prose(miss.why or '')}")
    for matcher in cause.matchers:
        for code in matcher.also:
            if code in known:
                lines.setdefault(
                    code, f"{_link(known[code])}: {prose(matcher.apart or 'the same words can mean it.')}"
                )
    return f"## What it is not\n\n{_list(lines.values())}" if lines else ""


def _source(title: str, date: str, url: str | None) -> str:
    return (f"[{prose(title)}]({url})" if url else prose(title)) + f", {date}"


def _entry(cause: Cause) -> str:
    """A line of an index; what else people may look for goes with it, unseen."""
    words = re.findall(r"[a-z0-9_]+", " ".join(one.text for one in cause.wordings).lower())
    hidden = " ".join(dict.fromkeys([*map(str, statuses(cause)), *error_types(cause), *words]))
    return f'{_link(cause)}{{ data-words="{hidden}" }} {code_span(cause.code)}'


def _link(cause: Cause) -> str:
    return f"[{prose(cause.title)}]({cause.code}.md)"


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.split("\n"))
