"""Error bodies, whoever wrote them, as one value; and Anthropic's envelope, written.

The innermost error wins: relays put a vendor's body, as text, into a body of their own.
"""

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from seawall import redact

Kind = Literal["empty", "json", "stream", "html", "text", "cut", "encoded"]
"""What the bytes turned out to be; the words of `causes.evidence.Body`. `cut`: JSON that ended before its end."""

MOST_BYTES = 1024 * 1024
_MOST_DEPTH = 8
"""Errors wrapped deeper than this are read at that depth; three levels have been seen."""
_MOST_NODES = 256
"""Values looked at in one body."""
_MOST_CUT = 64 * 1024
"""How much of HTML, text or broken JSON is searched."""
_MOST_WRAPPED = 16 * 1024
"""How much of a string is searched for an error inside it."""
_MOST_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An error body's facts. `message` has at most 500 characters, on one line, redacted; words that are no
    plain identifiers are left out."""

    kind: Kind
    type: str | None = None
    code: str | None = None
    """The stable machine code: `error.details.error_code`."""
    message: str | None = None
    request_id: str | None = None


# By the API's documentation; 529 and 413 have no name in HTTP's own list.
_STATUS_OF = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_TYPE_OF = {status: type_ for type_, status in _STATUS_OF.items()} | {408: "timeout_error"}


def status_of(error_type: str) -> int:
    """The HTTP status that goes with an error type; 500 for a type that is not known."""
    return _STATUS_OF.get(error_type, 500)


def named_status(error_type: str) -> str:
    """The same as a text; empty for a type that is not known."""
    return str(_STATUS_OF.get(error_type, ""))


def type_of(status: int) -> str:
    """The error type that goes with an HTTP status; the general one of its class if it has none of its own."""
    return _TYPE_OF.get(status) or ("invalid_request_error" if 400 <= status < 500 else "api_error")


def envelope(type: str, message: str, request_id: str | None = None) -> bytes:
    """Anthropic's error envelope as JSON."""
    body: dict[str, Any] = {"type": "error", "error": {"type": type, "message": message}}
    if request_id is not None:
        body["request_id"] = request_id
    # A lone surrogate in a message would stop the encoder; an error must always be sayable.
    return json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def read(body: bytes, content_type: str | None) -> ErrorBody:
    """What an error body says; never raises, reads at most 1 MiB and a fixed number of values."""
    whole = len(body) <= MOST_BYTES
    body = body[:MOST_BYTES].removeprefix(b"\xef\xbb\xbf").strip()
    if not body:
        return ErrorBody("empty")
    if body[:2] == b"\x1f\x8b" or b"\x00" in body[:64]:
        return ErrorBody("encoded")
    kind = content_type.partition(";")[0].strip().lower() if content_type else ""
    if body[:1] in b'{["':
        return _json(body, whole)
    if body[:1] == b"<" or kind == "text/html":
        return _html(body)
    if body.startswith((b"event:", b"data:")):
        return _event(body)
    return _text(body)


def _json(body: bytes, whole: bool) -> ErrorBody:
    try:
        value = msgspec.json.decode(body) if whole else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    if value is not None:
        return replace(_Search().inside(value, 0) or ErrorBody("json"), kind="json")
    return replace(_broken(body[:_MOST_CUT].decode("utf-8", "replace")), kind="cut")


def _event(body: bytes) -> ErrorBody:
    """The first event's data of a stream."""
    start = body.find(b"data:", 0, _MOST_CUT)
    line = body[start + 5 :].split(b"\n", 1)[0].strip() if start >= 0 else b""
    if line[:1] == b"{":
        return replace(_json(line, True), kind="stream")
    return ErrorBody("stream")


def _text(body: bytes) -> ErrorBody:
    said = body[:_MOST_CUT].decode("utf-8", "replace")
    found = _Search().inside(said, 0)
    return replace(found, kind="text") if found else ErrorBody("text", message=_sentence(said))


def _html(body: bytes) -> ErrorBody:
    page = body[:_MOST_CUT].decode("utf-8", "replace")
    low = page.lower()
    if len(low) != len(page):  # a few letters change length; positions must fit
        low = page
    for tag in ("title", "h1"):
        start = low.find(f"<{tag}")
        start = low.find(">", start) if start >= 0 else -1
        if start >= 0:
            end = low.find(f"</{tag}", start)
            import html  # 0.5 MB of names of characters, and most errors are no pages

            words = _sentence(html.unescape(page[start + 1 : end if end >= 0 else start + 2000]))
            if words:
                return ErrorBody("html", message=words)
    return ErrorBody("html")


class _Search:
    """Looks for the innermost error of a decoded value; `left` bounds the work."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = _MOST_NODES

    def inside(self, value: object, depth: int) -> ErrorBody | None:
        self.left -= 1
        if self.left < 0 or depth > _MOST_DEPTH:
            return None
        match value:
            case dict():
                return self._object(value, depth)
            case list():
                return next((found for item in value[:8] if (found := self.inside(item, depth + 1))), None)
            case str():
                return self._wrapped(value, depth)
            case _:
                return None

    def _object(self, value: dict[str, Any], depth: int) -> ErrorBody | None:
        request_id = _word(value.get("request_id") or value.get("requestId"))
        for key in ("error", "message", "detail", "msg", "Message", "errors", "body"):
            inner = value.get(key)
            found = self.inside(inner, depth + 1) if isinstance(inner, dict | list | str) else None
            if found is not None:
                return replace(found, request_id=found.request_id or request_id)
        said = next((value[k] for k in _SAYING if isinstance(value.get(k), str) and value[k]), None)
        details = value.get("details")
        code = details.get("error_code") if isinstance(details, dict) else None
        type_ = _word(value.get("type"))
        if type_ == "error":  # the envelope's own
            type_ = None
        if said is None and type_ is None and code is None:
            return None
        return ErrorBody("json", type_ or _other_type(value), _word(code), _sentence(said), request_id)

    def _wrapped(self, said: str, depth: int) -> ErrorBody | None:
        """An error body inside a sentence."""
        start = said.find("{", 0, _MOST_WRAPPED)
        if start < 0 or ('"' not in said and "'" not in said):
            return None
        piece = said[start : start + _MOST_WRAPPED]
        for candidate in (piece, piece.replace('\\"', '"')):
            try:
                value, _ = _DECODER.raw_decode(candidate)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict) and (found := self.inside(value, depth + 1)):
                return found
        found = _broken(piece)
        return found if found.type or found.code else None


_DECODER = json.JSONDecoder()
_SAYING = ("message", "error", "detail", "msg", "Message", "error_description", "title")


def _other_type(value: dict[str, Any]) -> str | None:
    """The word that other vendors put where Anthropic has `type`."""
    for key in ("status", "code", "__type", "error_code"):
        word = value.get(key)
        if isinstance(word, str) and not word.isdigit():
            return _word(word)
    return None


# For JSON that was cut off, and for Python's way of writing it. Each value is a run without its quote.
_BROKEN = re.compile(
    r"""\\{0,3}["'](type|error_code|message|request_id)\\{0,3}["']\s{0,4}:\s{0,4}\\{0,3}["']"""
    r"""([^"'\\\r\n]{0,2000})"""
)


def _broken(said: str) -> ErrorBody:
    """What can be had from JSON that does not parse: the last type, code and message."""
    found: dict[str, str] = {}
    for number, pair in enumerate(_BROKEN.finditer(said)):
        if number >= _MOST_NODES:
            break
        key, value = pair.groups()
        if key != "type" or value != "error":
            found[key] = value
    return ErrorBody(
        "cut",
        _word(found.get("type")),
        _word(found.get("error_code")),
        _sentence(found.get("message")),
        _word(found.get("request_id")),
    )


_PLAIN = re.compile(r"[A-Za-z0-9_.:#-]{1,80}")


def _word(value: object) -> str | None:
    """An identifier that may be stored as it is; None for anything else."""
    if not isinstance(value, str) or not _PLAIN.fullmatch(value):
        return None
    return value if redact.text(value) == value else None


def _sentence(value: object) -> str | None:
    """A text that may be stored: one line, redacted, cut. Redacted before it is cut: half a key is a key too."""
    if not isinstance(value, str):
        return None
    line = " ".join(value[: 4 * _MOST_MESSAGE].replace("\x00", " ").split())
    line = line.encode("utf-8", "replace").decode("utf-8")
    return redact.text(line)[:_MOST_MESSAGE] or None
