"""Long texts made short: the lines that may matter, in bounded memory, in one pass."""

from collections import deque
from collections.abc import Iterable, Iterator

from seawall.causes.cause import readings
from seawall.causes.extract import MOST, TYPES, words

_HEAD = MOST // 4
_TAIL = MOST // 2
"""Characters kept of the first lines that matter and of the last: the last state is what counts."""
_LONGEST = 4096
"""Characters of a line that are looked at in one piece; longer ones are cut, with an overlap."""
_OVERLAP = 256
_AFTER = 3
"""Lines that go with one that matters: what was wrapped, and the top of a stack."""


def condensed(chunks: Iterable[str]) -> str:
    """What of a text of any length is worth reading, `MOST` characters at most; memory does not grow with it."""
    head: list[str] = []
    tail: deque[str] = deque()
    size = 0
    room = _HEAD
    for line in _telling(_pieces(chunks)):
        if room > 0:
            head.append(line)
            room -= len(line) + 1
            continue
        tail.append(line)
        size += len(line) + 1
        while size > _TAIL:
            size -= len(tail.popleft()) + 1
    return "\n".join((*head, *tail))


def _telling(lines: Iterable[str]) -> Iterator[str]:
    """Lines with a word that some cause is known by, and those right behind them."""
    known = readings().keys.keys() | TYPES
    goes_on = 0
    for line in lines:
        if not line.isascii() or not known.isdisjoint(words(line.lower().encode())):
            goes_on = _AFTER
        elif not goes_on:
            continue
        else:
            goes_on -= 1
        yield line


def _pieces(chunks: Iterable[str]) -> Iterator[str]:
    """The text's lines, none longer than `_LONGEST`."""
    rest = ""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split("\n")
        for line in lines:
            yield from _cut(line)
        if len(rest) > _LONGEST:
            *pieces, rest = _cut(rest)
            yield from pieces
    yield from _cut(rest)


def _cut(line: str) -> Iterator[str]:
    if len(line) <= _LONGEST:
        yield line
        return
    for start in range(0, len(line), _LONGEST - _OVERLAP):
        yield line[start : start + _LONGEST]
