"""What the id of an incident looks like, as people type it and as a path names it."""

import re

SHORTEST = 4
"""Hex digits of an id; more where two incidents share them."""
LONGEST = 16
_ID = re.compile(rf"[0-9a-f]{{{SHORTEST},{LONGEST}}}")
_BEGINNING = re.compile(rf"[0-9A-Fa-f]{{2,{LONGEST}}}")


def is_id(text: str) -> bool:
    """Whether this may be one. Words such as `dead` may, too."""
    return _ID.fullmatch(text) is not None


def begins_one(text: str) -> bool:
    """Whether this may be the beginning of one, in whatever case somebody typed it."""
    return _BEGINNING.fullmatch(text) is not None
