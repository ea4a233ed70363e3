"""What was found in a request: where, what, its cause, what to do; never more of its content than a word."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from seawall import redact

MOST = 100
"""Findings that are kept; whoever has more has one cause for most of them."""
_LONGEST = 40
"""Characters of a name that are shown."""
_READ = 400
"""Characters of it that are looked at, so that a credential is seen whole."""


class Level(StrEnum):
    """How sure it is that the API refuses: `error` does, `warning` may, or costs something."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing in a request."""

    level: Level
    code: str
    """The cause that the API's refusal would be."""
    pointer: str
    """Where, as a JSON pointer (RFC 6901); empty for the whole body."""
    what: str
    do: str
    line: int | None = None
    column: int | None = None
    """From 1, in characters; only where the body is not JSON."""
    excerpt: str = ""
    """What stands there, masked; only where the body is not JSON."""


@dataclass(slots=True)
class Found:
    """Collects findings, `MOST` of them; `more` counts the others."""

    findings: list[Finding] = field(default_factory=list)
    more: int = 0
    errors: int = 0

    def error(self, code: str, pointer: str, what: str, do: str) -> None:
        self.add(Finding(Level.ERROR, code, pointer, what, do))

    def warn(self, code: str, pointer: str, what: str, do: str) -> None:
        self.add(Finding(Level.WARNING, code, pointer, what, do))

    def add(self, finding: Finding) -> None:
        self.errors += finding.level is Level.ERROR
        if len(self.findings) < MOST:
            self.findings.append(finding)
        else:
            self.more += 1


def said(value: Any) -> str:
    """A value of the request as a sentence may name it: a short word in quotes, without secrets; else its kind."""
    match value:
        case str():
            return f'"{_plain(value)}"'
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value) if abs(value) < 1e15 else "a number without measure"
        case list():
            return "a list"
        case _:
            return "an object"


def step(at: str, key: str | int) -> str:
    """The pointer to a member or an item of what is at `at`."""
    if isinstance(key, int):
        return f"{at}/{key}"
    return f"{at}/{_plain(key).replace('~', '~0').replace('/', '~1')}"


def _plain(text: str) -> str:
    shown = redact.text(text[:_READ])
    shown = _TAIL.sub("", shown) if len(text) > _READ else shown
    shown = "".join(char if char.isprintable() else "?" for char in shown)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 3] + "..."


_TAIL = re.compile(r"\S{1,100}\Z")
"""The last word of a text that was cut: perhaps a credential that is no longer known for one."""
