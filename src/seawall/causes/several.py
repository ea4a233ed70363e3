"""The errors of a paste of several lines, told apart: attempts, lines of JSON, lines that come again.

A stack, a wrapped line and a reason below an error belong to the error above them. A text without anything that comes
again is one error.
"""

import re
from collections import Counter
from typing import NamedTuple

from seawall.causes.cause import readings
from seawall.causes.context import holds
from seawall.causes.extract import VARIES, Facts, Part, parts_of
from seawall.causes.match import LOCAL, Rank
from seawall.causes.match import read as signs

_MOST = 400
"""Different lines that are looked at for signs; what else is there belongs to the error above it."""
_LONGEST = 2000
"""Characters of a line that are looked at to tell what it is."""
_COUNTED = re.compile(
    r"[^\w(]{0,8}(?:[\w.:/+-]{1,40}[^\w(]{1,4}){0,3}?(?:attempt|try|retry|request|call|run) ?#?\d{1,4}(?![\d.])"
    r"[^)]{0,12}[:\s-].{0,4}\w"
)
"""A line that begins with a counter and goes on."""
_COUNTERS = ("attempt", "try", "request", "call", "run")
_CALLED = re.compile(r"\W{0,8}(?:api error(?:: | ?\()|failed to connect to )")
_GOES_ON = re.compile(r"""\s*(?:["'}\]),:.]|at |caused by|cause:)""")
"""How a line begins that belongs to the one above."""


class _Line(NamedTuple):
    text: str
    kind: str
    """What it begins as, where it is known by that: counted, called, json."""
    key: str
    """What it says, without what differs from line to line."""
    indent: int


class _Error(NamedTuple):
    begins: int
    """The number of its first line."""
    name: str
    """By what others are known to be of its sort."""
    code: str | None
    """What its lines show by themselves."""


def parts(facts: Facts) -> tuple[Part, ...]:
    """The errors of the text, each once with how often it stands there, in the order of their last appearance."""
    return parts_of(_pieces(facts)) or facts.parts


def _pieces(facts: Facts) -> list[str]:
    """Each error's lines, in order; none for a text where no error comes again."""
    texts = [text for text in facts.spelled.lower().split("\n") if text and not text.isspace()]
    if not _may_come_again(texts):
        return []
    made: dict[str, _Line] = {}
    lines = [made.get(text) or made.setdefault(text, _line(text)) for text in texts]
    names = Counter(line.kind or line.key for line in lines)
    if len(names) == len(lines):
        return []
    errors = _errors(lines, facts.broken)
    if max(Counter(error.name for error in errors if error.code).values(), default=0) < 2:
        return []
    starts = [error.begins for error in errors]
    spans = zip([0, *starts], [*starts, len(lines)], strict=True)
    return [
        " ".join(" ".join(line.text for line in lines[begin:end]).split())
        for begin, end in spans
        if begin < end
    ]


def _may_come_again(texts: list[str]) -> bool:
    """Whether two lines can be of one sort: a look at their letters, as most pastes have no two such lines."""
    seen: set[str | bytes] = set()
    for text in texts:
        name = _kind(text) or _letters(text[:_LONGEST]) or text.strip(_NOTHING)
        if name in seen:
            return True
        if name:
            seen.add(name)
    return False


_NOTHING = "{}[]()<>,;:.'\"` \t-=_*#|"
"""What a line of brackets or a rule is made of."""
_NO_LETTERS = bytes(byte for byte in range(128) if not chr(byte).isalpha())


def _letters(text: str) -> str | bytes:
    """The same for lines that say the same: counters and times have no letters of their own, ids and waits have."""
    if "req_" in text or "retrying in " in text or text.count("-") > 3:
        return VARIES.sub("", text.strip()).strip()
    return text.encode("utf-8", "surrogatepass").translate(None, _NO_LETTERS)


def _line(text: str) -> _Line:
    head = text[:_LONGEST]
    bare = head.strip()
    return _Line(text, _kind(text), VARIES.sub("", bare).strip(), len(head) - len(head.lstrip()))


def _kind(text: str) -> str:
    """What a line begins as; empty for one that is not known by its beginning."""
    head = text[:_LONGEST]
    if head.lstrip().startswith("{") and len(bare := text.strip().rstrip(",")) > 2 and bare.endswith("}"):
        return "json"
    if _CALLED.match(head):
        return "called"
    return "counted" if holds(head, _COUNTERS) and _COUNTED.match(head) else ""


class _Told:
    """What a line says by itself."""

    def __init__(self, broken: frozenset[str]) -> None:
        self._broken = broken
        self._codes: dict[str, str | None] = {}
        self._known = readings().keys.keys()

    def code(self, line: _Line) -> str | None:
        """The cause that its weightiest sign stands for; None where it says no more than that something failed."""
        if line.key not in self._codes:
            if len(self._codes) >= _MOST:
                return None
            self._codes[line.key] = self._found(line.text)
        return self._codes[line.key]

    def _found(self, text: str) -> str | None:
        part = Part(" ".join(text[:_LONGEST].split()))
        if not part.statuses and self._known.isdisjoint(part.words) and part.type is None:
            return None
        telling = [hit for hit in signs(part, self._broken) if hit.rank > Rank.WRAPPER and hit.code != LOCAL]
        return max(telling, key=lambda hit: (hit.rank, hit.length, hit.at)).code if telling else None


def _errors(lines: list[_Line], broken: frozenset[str]) -> list[_Error]:
    """Where each error begins, and what it shows."""
    told = _Told(broken)
    found: list[_Error] = []
    keys: set[str] = set()
    code: str | None = None
    depth = brackets = 0
    for number, line in enumerate(lines):
        own = told.code(line)
        if line.kind:
            begins = line.kind != "json" or brackets <= 0
        elif line.key in keys:
            begins = True
        else:
            another = own not in (None, code) and (code is not None or not found)
            outer = not found or line.indent <= depth + 1
            begins = another and outer and brackets <= 0 and not _GOES_ON.match(line.text)
        if begins:
            depth = min(depth, line.indent) if found else line.indent
            found.append(_Error(number, line.kind or line.key, own))
            keys.add(line.key)
            code, brackets = own, 0
        elif found and code is None and own is not None:
            found[-1] = found[-1]._replace(code=own)
            code = own
        head = line.text[:_LONGEST]
        brackets += sum(map(head.count, "{([")) - sum(map(head.count, "})]"))
    return found
