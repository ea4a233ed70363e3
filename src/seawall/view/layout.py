"""Rows of facts, laid out: texts made harmless, measured in columns, flowed or cut to a width, coloured.

A row is a label and the facts beside it. What a terminal would obey never gets through.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

LABEL = 14
"""Columns of the label: the widest that is usual (`Holding 500`), and a gap."""
NARROW = 60
"""Below this many columns a label stands above its facts, not beside them."""
_INDENT = 2
_LONGEST = 160
"""Characters of one text that are looked at: ours are shorter, and a client's must not fill the screen."""
_MARKS = ("Mn", "Me")
"""Categories of signs that stand on another: they take no column."""
_BEARING = "\u0590"
"""From here on (Hebrew, Arabic, the scripts of India, Thai) words are spelt with marks; before, NFC has made letters of
those that belong."""
_MOST_MARKS = 2
"""On one letter: a vowel and a tone. More are no word."""
_COLORS = {"good": 32, "warn": 33, "bad": 31, "party": 1}


@dataclass(frozen=True, slots=True)
class Look:
    """How lines are to look: `width` in columns (None: nothing is cut or wrapped), and what may be used."""

    width: int | None = 80
    color: bool = False
    plain: bool = False
    """No signs of our own beyond ASCII."""
    windows: bool = False
    """Commands of PowerShell where they differ."""

    @property
    def edge(self) -> int:
        """Columns that prose may take: two are left free at the right."""
        return 10_000 if self.width is None else max(20, min(self.width, 80) - 2)


@dataclass(frozen=True, slots=True)
class Fact:
    """A piece of a row that stays together. `tone` (`good`, `warn`, `bad`, `party`) colours the mark before it."""

    text: str
    mark: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A label and the facts beside it; a row without a label goes on with the one above."""

    label: str
    facts: Sequence[Fact]


def clean(text: str, most: int = _LONGEST) -> str:
    """`text` in one line, with `?` for all that is not a visible character: escapes, direction marks, surrogates."""
    text = " ".join(text[:most].split())
    if text.isascii() and text.isprintable():
        return text
    import unicodedata  # only where somebody writes more than ASCII

    shown: list[str] = []
    marks, bears = 0, False
    for char in unicodedata.normalize("NFC", text):
        if unicodedata.category(char) in _MARKS:
            marks += 1
            if not bears or marks > _MOST_MARKS:
                continue
        else:
            marks, bears = 0, char >= _BEARING and char.isalpha()
        shown.append(char if char.isprintable() else "?")
    return "".join(shown)


def columns(text: str) -> int:
    """How many columns a cleaned text takes: signs of East Asian scripts and emoji take two."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.category(char) in _MARKS else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def cut_middle(text: str, width: int) -> str:
    """`text` in at most `width` columns, with `...` for its middle: both ends of a name tell something."""
    if columns(text) <= width:
        return text
    if width < 6:
        return cut_end(text, width)
    back = (width - 3) // 2
    return cut_end(text, width - 3 - back) + "..." + cut_end(text[::-1], back)[::-1]


def cut_end(text: str, width: int) -> str:
    """The beginning of `text` that fits `width` columns."""
    if text.isascii():
        return text[: max(0, width)]
    taken, kept = 0, []
    for char in text:
        taken += columns(char)
        if taken > width:
            break
        kept.append(char)
    return "".join(kept)


def laid_out(rows: Iterable[Row], look: Look) -> list[str]:
    """The rows as lines of at most the look's width."""
    return [line for row in rows for line in _lines(row, look)]


def ends(left: Fact, right: str, look: Look) -> list[str]:
    """Something at both ends of a line; in lines one under the other where it does not fit."""
    facts = [left, Fact(right)] if right else [left]
    if look.width is None:
        return [_joined(facts, look)]
    room = look.width - columns(_said(left)) - columns(right)
    if right and room >= 2:
        return [_painted(left, look) + " " * room + right]
    return [_joined(group, look) for group in _flowed(facts, look.width, len(separator(look)))]


def separator(look: Look) -> str:
    """What stands between two facts."""
    return "; " if look.plain else " · "


def _lines(row: Row, look: Look) -> list[str]:
    if look.width is None:
        facts = _joined(row.facts, look)
        return [f"{row.label}: {facts}" if row.label else f"  {facts}"]
    beside = look.width >= NARROW
    indent = min(LABEL if beside else _INDENT, look.width - 1)
    lines = [] if beside or not row.label else [cut_middle(row.label, look.width)]
    label = cut_middle(row.label, LABEL - 1) if beside else ""
    lead = label + " " * (indent - columns(label))
    for group in _flowed(row.facts, look.width - indent, len(separator(look))):
        lines.append(lead + _joined(group, look))
        lead = " " * indent
    return lines


def _flowed(facts: Sequence[Fact], room: int, between: int) -> list[list[Fact]]:
    """Facts in groups that fit a line each; one that is longer than a line goes on in the next."""
    groups: list[list[Fact]] = []
    taken = room
    for whole in facts:
        for number, fact in enumerate(_pieces(whole, room)):
            size = columns(_said(fact))
            if groups and not number and taken + between + size <= room:
                groups[-1].append(fact)
                taken += between + size
            else:
                groups.append([fact])
                taken = size
    return groups


def _pieces(fact: Fact, room: int) -> list[Fact]:
    """A fact in pieces of whole words that fit a line each; a word that is longer is cut in its middle."""
    if columns(_said(fact)) <= room:
        return [fact]
    pieces: list[Fact] = []
    line = Fact("", cut_end(fact.mark, room), fact.tone)
    for word in fact.text.split():
        longer = replace(line, text=f"{line.text} {word}".lstrip())
        if columns(_said(longer)) > room and (line.text or line.mark):
            pieces.append(line)
            longer = Fact(word)
        line = replace(longer, text=cut_middle(longer.text, room)) if longer.text == word else longer
    return [*pieces, line]


def _joined(facts: Sequence[Fact], look: Look) -> str:
    return separator(look).join(_painted(fact, look) for fact in facts)


def _said(fact: Fact) -> str:
    return f"{fact.mark} {fact.text}".rstrip() if fact.mark else fact.text


def _painted(fact: Fact, look: Look) -> str:
    if not (look.color and fact.mark and fact.tone in _COLORS):
        return _said(fact)
    return f"\x1b[{_COLORS[fact.tone]}m{fact.mark}\x1b[0m {fact.text}".rstrip()
