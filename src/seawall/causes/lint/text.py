"""A body's bytes as JSON: its parts, or the place where it is none. In memory bounded by the body's size."""

import codecs
import re

import msgspec

from seawall import redact
from seawall.causes.lint.found import Finding, Level
from seawall.wire.request import RequestBody

CODE = "request.malformed_json"
MOST_VALUES = 2_000_000
"""Values in a body beyond which it is not looked into: as objects they would take some 200 MB."""
_CHUNK = 1024 * 1024
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_PLACE = re.compile(r"(.*) \(byte (\d+)\)\Z")
_raw = msgspec.json.Decoder(msgspec.Raw)

Parts = dict[str, msgspec.Raw]
_parts = msgspec.json.Decoder(Parts)
_items = msgspec.json.Decoder(list[msgspec.Raw])


def parts(body: RequestBody) -> Parts | Finding:
    """The members of the object that a body is, not yet read; a finding where it is no object or no JSON."""
    if not body.strip():
        return _finding(None, "the body is empty", "send an object with model, max_tokens and messages")
    if wrong := _not_text(body):
        return wrong
    try:
        _raw.decode(body)
    except RecursionError:
        return _finding(
            None, "it is nested hundreds of levels deep", "send it flatter; the API has a limit too"
        )
    except msgspec.DecodeError as error:
        return _not_json(body, str(error))
    if _values(body) > MOST_VALUES:
        what = f"it has over {MOST_VALUES:,} values, too many to look into here".replace(",", " ")
        return Finding(Level.WARNING, CODE, "", what, "look at a shorter request of the same making")
    try:
        return _parts.decode(body)
    except msgspec.DecodeError:
        do = 'send an object: {"model": ..., "max_tokens": ..., "messages": [...]}'
        if body.lstrip()[:1] == b"[":
            do += "; a list of messages goes into its `messages`"
        return Finding(Level.ERROR, "request.parameter_invalid", "", "the body is no object", do)


def items(raw: msgspec.Raw) -> list[msgspec.Raw] | None:
    """The items of a list, not yet read; None for what is no list."""
    try:
        return _items.decode(raw)
    except msgspec.DecodeError:
        return None


def _values(body: RequestBody) -> int:
    """How many values a body has, at most; its strings are looked for only where there may be too many."""
    most = sum(body.count(sign) for sign in (b",", b"[", b"{"))
    if most <= MOST_VALUES:
        return most
    bare = _STRING.sub(b"", body)
    return sum(bare.count(sign) for sign in (b",", b"[", b"{"))


def _not_text(body: RequestBody) -> Finding | None:
    """That the bytes are not UTF-8, or begin with a mark that JSON does not allow."""
    head = bytes(body[:4])
    if head.startswith(b"\xef\xbb\xbf"):
        return _finding(0, "it begins with a byte order mark", "save it as UTF-8 without one", body)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or head[:2].count(0) == 1:
        return _finding(None, "it is UTF-16 or UTF-32", "save it as UTF-8")
    if head.startswith(b"\x1f\x8b"):
        return _finding(None, "it is compressed (gzip)", "unpack it first, to have it looked at")
    reader = codecs.getincrementaldecoder("utf-8")()
    for begin in range(0, len(body), _CHUNK):
        chunk = body[begin : begin + _CHUNK]
        held = len(reader.getstate()[0])
        try:
            reader.decode(chunk, final=begin + _CHUNK >= len(body))
        except UnicodeDecodeError as error:
            at = begin - held + error.start
            return _finding(at, "a byte there is not UTF-8", "save it as UTF-8", body)
    return None


def _not_json(body: RequestBody, said: str) -> Finding:
    found = _PLACE.fullmatch(said)
    if found is None:
        return _cut_off(body)
    at, why = int(found[2]), found[1].removeprefix("JSON is malformed: ")
    if "trailing characters" in why:
        at -= 1  # counted from 1 there, from 0 elsewhere
    what, do = _reason(body, at, why)
    return _finding(at, what, do, body)


def _cut_off(body: RequestBody) -> Finding:
    if half := re.search(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])", body):
        what = "half of a surrogate pair, which is no character"
        return _finding(half.start(), what, "do not cut texts in the middle of an emoji", body)
    what = "it ends in the middle: something is not closed"
    return _finding(len(body.rstrip()), what, "send it whole; close what is open", body)


def _reason(body: RequestBody, at: int, why: str) -> tuple[str, str]:
    """What is wrong at a byte, and what to do, in our words."""
    here, before = bytes(body[at : at + 8]), bytes(body[max(0, at - 64) : at]).rstrip()
    if "trailing comma" in why or (here[:1] in (b"]", b"}") and before.endswith(b",")):
        return "a comma before the end of an object or list", "remove it"
    if here.startswith(b"'"):
        return "a text in single quotes", "use double quotes; in Python write it with json.dumps"
    if here.startswith((b"//", b"/*", b"#")):
        return "a comment, which JSON does not have", "remove it"
    if here.startswith((b"None", b"True", b"False")):
        return "a word of Python", "in Python write it with json.dumps: null, true, false"
    if here.startswith((b"NaN", b"Infin", b"-Infin", b"undef")):
        return "a value that JSON does not have", "put a number or null there"
    if here.startswith((b"\xe2\x80\x9c", b"\xe2\x80\x9d", b"\xe2\x80\x98", b"\xe2\x80\x99")):
        return "a typographic quote", "use plain double quotes"
    if "trailing characters" in why:
        do = "send one object; a batch has its requests in a list `requests`"
        return "something follows the end of the object", do
    if here[:1] in (b"\n", b"\r", b"\t") or (here and here[0] < 32):
        return "a line end or control character within a text", "write it as \\n or \\t; json.dumps does"
    if "keys must be strings" in why or before.endswith(b"{"):
        return "the name of a field without double quotes", "put it in double quotes"
    if "number" in why:
        return "a number that JSON does not allow", "no zeros in front, digits after the point"
    return "this is no JSON", "a comma, colon, quote or bracket before it is missing or too much"


def _finding(at: int | None, what: str, do: str, body: RequestBody = b"") -> Finding:
    if at is None:
        return Finding(Level.ERROR, CODE, "", what, do)
    begins = body.rfind(b"\n", 0, at) + 1
    # A line may be the whole body: only its characters are counted, a few bytes each.
    column = len(bytes(body[begins:at]).decode("utf-8", "replace")) + 1
    return Finding(Level.ERROR, CODE, "", what, do, body.count(b"\n", 0, at) + 1, column, excerpt(body, at))


_SIDE = 24
_WORD = re.compile(r"[A-Za-z0-9_+/=.~-]{6,}|[^\x00-\x7f]+")
_OPEN = frozenset(
    """
    assistant budget_tokens cache_control content description enabled ephemeral image input_schema max_tokens
    media_type messages metadata object properties required source stop_sequences stream string system temperature
    thinking tool_choice tool_result tool_use tool_use_id
    """.split()  # noqa: SIM905 - one name a word reads better
)
"""Words of the API itself; any other of six letters and more could be a part of a secret."""


def excerpt(body: RequestBody, at: int) -> str:
    """A few characters before and after a byte, one line, long words masked; `⟨` marks the place."""
    left = bytes(body[max(0, at - 400) : at]).decode("utf-8", "replace")
    right = bytes(body[at : at + 400]).decode("utf-8", "replace")
    return _bare(left)[-_SIDE:].lstrip() + "⟨" + _bare(right)[:_SIDE].rstrip()


def _bare(text: str) -> str:
    hidden = _WORD.sub(lambda word: word[0] if word[0] in _OPEN else redact.MASK, redact.text(text))
    return "".join(char if char.isprintable() else " " for char in hidden)
