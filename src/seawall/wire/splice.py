"""Changing one value of a JSON object in its own text: every other byte stays as it came."""

import re
from dataclasses import dataclass

import msgspec

from seawall.wire.request import RequestBody

_BLANK = re.compile(rb"[ \t\n\r]*")
_KEY = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_key = msgspec.json.Decoder(str)
_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object: where its key begins, and where its value begins and ends."""

    key: str
    begins: int
    value: int
    ends: int


def members(text: RequestBody) -> list[Member] | None:
    """The members of the object that `text` is, in order; None where it is none, or names a key twice.

    The text is parsed once in C; what is walked here is only from key to key.
    """
    try:
        parts = _parts.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    whole, found = memoryview(text), []
    at = _after_blank(text, 0) + 1
    for key, raw in parts.items():
        begins = _after_blank(text, at)
        token = _KEY.match(text, begins)
        if token is None or _key.decode(token[0]) != key:
            return None
        value = _after_blank(text, _after_blank(text, token.end()) + 1)
        ends = value + memoryview(raw).nbytes
        # The second of two equal keys is the one that a parser keeps, and the first stands here.
        if whole[value:ends] != memoryview(raw):
            return None
        found.append(Member(key, begins, value, ends))
        at = _after_blank(text, ends)
        closing = text[at : at + 1]
        at += 1
        if (closing == b"}") != (len(found) == len(parts)):
            return None
    return found


def with_value(text: RequestBody, key: str, value: bytes) -> bytes | None:
    """`text` with the value of a key that it has replaced; None where that cannot be done surely."""
    for member in members(text) or ():
        if member.key == key:
            return bytes(text[: member.value]) + value + bytes(text[member.ends :])
    return None


def without(text: RequestBody, key: str) -> bytes | None:
    """`text` without this member, and as it is where it has none; None where that cannot be done surely."""
    found = members(text)
    if found is None:
        return None
    for number, member in enumerate(found):
        if member.key != key:
            continue
        begins, ends = member.begins, member.ends
        if number + 1 < len(found):
            ends = found[number + 1].begins
        elif number:
            begins = found[number - 1].ends
        return bytes(text[:begins]) + bytes(text[ends:])
    return bytes(text)


def _after_blank(text: RequestBody, at: int) -> int:
    blank = _BLANK.match(text, at)
    assert blank is not None  # it matches nothing, too
    return blank.end()
