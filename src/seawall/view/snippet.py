"""The block for CLAUDE.md about retries and outages: its words, and its place in a file's bytes. Pure.

What is around the block stays byte for byte, and taking the block out gives back what was there before it was put in.
"""

import re
from dataclasses import dataclass

VERSION = 1
BEGIN = f"<!-- seawall:begin v{VERSION} -->"
END = "<!-- seawall:end -->"
_BEGIN = re.compile(rb"^[ \t]*<!-- seawall:begin(?: v\d{1,6})? -->[ \t]*\r?$", re.MULTILINE)
_END = re.compile(rb"^[ \t]*<!-- seawall:end -->[ \t]*\r?$", re.MULTILINE)

_CALLS = """\
## Claude API calls
- Retry 429, 500, 502, 503, 504, 529 and connection errors with exponential
  backoff and jitter; obey `retry-after`; at most 5 tries. Never retry 400, 401,
  403, 404, 413.
- A 529 or 503 is the server's: check https://status.claude.com before changing
  code, keys or settings.
- Use the Message Batches API for work nobody waits for.
- Log every failed call with UTC time, status, error type and request id.
- When starting several workers, spread their starts.
"""
_SESSIONS = """\
## When Claude Code's own calls fail
- "Overloaded", 529 or 503: wait and send again; do not edit code, settings or
  keys because of it. `seawall explain "TEXT"` names the cause of other errors.
- After an answer that was cut off, read `git diff` first, then go on: finished
  tool calls have run and must not run twice.
- After an outage look which background agents ended, and start only those
  again, a few at a time.
"""
FOR = {"sdk": (_CALLS,), "claude-code": (_SESSIONS,), "both": (_CALLS, _SESSIONS)}
"""For whom, and the parts of the block."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a file cannot be changed; `reason` is a sentence without its point."""

    reason: str


def block(audience: str) -> str:
    """The block with its markers, for a key of `FOR`; ends with a line end."""
    return "\n".join((BEGIN, "\n".join(FOR[audience]) + END, ""))


def written(text: bytes, audience: str) -> bytes | Unusable:
    """The file with the block in it: in place of an older one, else at its end."""
    found = _found(text)
    if isinstance(found, Unusable):
        return found
    line_end = b"\r\n" if b"\r\n" in text else b"\n"
    bare = block(audience).encode().replace(b"\n", line_end).removesuffix(line_end)
    if found is not None:
        return text[: found[0]] + bare + text[found[1] :]
    # What is added around it says how the file ended: `removed` takes it away again.
    if not text:
        return bare + line_end
    if text.endswith(b"\n"):
        return text + line_end + bare + line_end
    return text + line_end * 2 + bare


def removed(text: bytes) -> bytes | Unusable:
    """The file without the block, as it was before; the same where it has none."""
    found = _found(text)
    if found is None or isinstance(found, Unusable):
        return text if found is None else found
    before, after = text[: found[0]], text[found[1] :]
    end = next((end for end in (b"\r\n", b"\n") if after.startswith(end)), b"")
    for line_end in (b"\r\n", b"\n"):
        if before.endswith(line_end * 2):
            return before[: -len(line_end) * (1 if end else 2)] + after[len(end) :]
    return before + after[len(end) :]


def _found(text: bytes) -> tuple[int, int] | Unusable | None:
    """Where the block begins and ends; None where there is none."""
    if text.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in text:
        return Unusable("it is no text in UTF-8")
    begins, ends = list(_BEGIN.finditer(text)), list(_END.finditer(text))
    if not begins and not ends:
        return None
    lines = sorted((*_lines(text, begins), *_lines(text, ends)))
    where = f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:6]))}"
    if len(begins) > 1 or len(ends) > 1:
        return Unusable(f"it has the block, or one of its markers, more than once ({where}); leave one")
    if not begins or not ends:
        which = "end" if begins else "begin"
        return Unusable(
            f"the marker of the block's {which} is missing ({where}); add it, or remove the other"
        )
    if ends[0].start() < begins[0].start():
        return Unusable(f"the block's markers are in the wrong order ({where})")
    return begins[0].start(), ends[0].end() - text[ends[0].start() : ends[0].end()].endswith(b"\r")


def _lines(text: bytes, marks: list[re.Match[bytes]]) -> list[int]:
    return [text.count(b"\n", 0, mark.start()) + 1 for mark in marks]
