"""Heads of requests and answers: strict bytes in, values out.

Lines are taken apart here, by RFC 9112, and what two parsers might read differently is refused: its section 11.2
(request smuggling) names the cases. Most lines come again with every request, so a line that was read is remembered.
"""

import re
from functools import lru_cache
from typing import Final

import msgspec

Headers = list[bytes]
"""Header lines without their ends, as they came, in order."""

Field = tuple[bytes, bytes]
"""A header's name in lower case, and its value."""

CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2
BODILESS: Final = -3
"""Lengths of a body that are no number: framed in chunks, ended by the close of the connection, never there (as in
an answer to HEAD, whose content-length is that of another answer)."""

HOP_BY_HOP: Final = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)
"""Headers that speak of one connection (RFC 9110 section 7.6.1)."""

_NO_BODY: Final = frozenset((204, 304))
_CREDENTIALS: Final = frozenset((b"authorization", b"x-api-key"))
"""Whose call is it? Of two, this side might go by one and the upstream by the other."""
_LONGEST_LENGTH: Final = 18
"""Digits of a content-length; more would not fit 64 bits everywhere."""
_VERSIONS: Final = {b"HTTP/1.1": True, b"HTTP/1.0": False}
_METHOD = re.compile(rb"[A-Z][A-Z-]{0,31}")
_TARGET = re.compile(rb"/[\x21-\x7e]*")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TEXT = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_ABSENT: Final[frozenset[bytes]] = frozenset()

_MOST_KNOWN: Final = 512
_LONGEST_KNOWN: Final = 256
"""Lines that are remembered, and bytes of one: 150 KB of lines and what they say."""
_MOST_REQUEST_LINES: Final = 32
_SECRET = re.compile(rb"auth|key|token|cookie|secret|credential|password|signature")
"""In the names of headers that are read anew each time: a credential stays in memory no longer than its request."""


class BadHead(Exception):
    """A head that is not one, or is one to some and another to others. The text says what is wrong with it."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


class RequestHead(msgspec.Struct, gc=False):
    """What a request's head says. `length` is of the body: bytes, or `CHUNKED`."""

    first_line: bytes
    method: bytes
    target: bytes
    http11: bool
    lines: Headers
    length: int
    keep_alive: bool
    expects_continue: bool
    lower: dict[bytes, bytes]
    """Values by lower-case name; the first of several."""

    @property
    def fields(self) -> list[Field]:
        """What the lines say, each of them."""
        return list(map(_fields, self.lines))


class AnswerHead(msgspec.Struct, gc=False):
    """What an answer's head says. `length` is of the body: bytes, `CHUNKED` or `UNTIL_CLOSE`."""

    status: int
    reason: bytes
    lines: Headers
    length: int
    keep_alive: bool
    lower: dict[bytes, bytes]
    raw: bytes = b""
    """As it came; `read_answer` makes the rest of it again."""

    @property
    def fields(self) -> list[Field]:
        """What the lines say, each of them."""
        return list(map(_fields, self.lines))


def end_of_head(data: bytes | bytearray, limit: int) -> int:
    """Where the head in `data` ends (its empty line included), or 0 while it has not. Raises BadHead."""
    end = data.find(b"\r\n\r\n", 0, limit)
    if end >= 0:
        return end + 4
    if len(data) >= limit:
        raise BadHead(f"the head is longer than {limit // 1024} KB", 431)
    # A head with bare line feeds never ends for us: say so now, not when its time is up.
    if data.count(b"\n") != data.count(b"\r\n"):
        raise BadHead("a line of the head ends in a bare line feed")
    return 0


class _Known(dict[bytes, Field]):
    """What lines say, by line; one that is new is read and, unless it may be a credential, remembered."""

    def __missing__(self, line: bytes) -> Field:
        """Raises BadHead."""
        name, colon, rest = line.partition(b":")
        if not colon:
            raise BadHead("a line that is no header")
        lower, secret = _name(name) if len(name) <= _LONGEST_KNOWN else _name.__wrapped__(name)
        if not _TEXT.fullmatch(rest):
            raise BadHead("a control character in a header")
        # Blanks at a value's end stay in it: who writes them around a length or a coding is refused.
        field = lower, rest.lstrip(b" \t")
        if not secret and len(line) <= _LONGEST_KNOWN:
            if len(self) >= _MOST_KNOWN:
                self.clear()
            self[line] = field
        return field


_known = _Known()
_fields = _known.__getitem__


@lru_cache(256)
def _name(name: bytes) -> tuple[bytes, bool]:
    """A header's name in lower case, and whether what it names may be a credential. Raises BadHead."""
    if not _NAME.fullmatch(name):
        raise BadHead("a folded header line" if name[:1] in (b" ", b"\t") else "a line that is no header")
    lower = name.lower()
    return lower, _SECRET.search(lower) is not None


def _lines(head: bytes) -> list[bytes]:
    """The head's lines, the first one too. Raises BadHead where a second empty line or none ends it."""
    lines = head.split(b"\r\n")
    if len(lines) < 3 or lines.pop() or lines.pop():
        raise BadHead("a head without its end")
    return lines


def _first_of_each(fields: list[Field]) -> tuple[dict[bytes, bytes], frozenset[bytes]]:
    """Values by name, the first of several; and the names that came more than once."""
    names = [name for name, _ in fields]
    lower = dict(reversed(fields))
    # In the order of their first lines, as without repetition.
    return {name: lower[name] for name in names}, frozenset(name for name in lower if names.count(name) > 1)


def _length(lower: dict[bytes, bytes], repeated: frozenset[bytes], http11: bool) -> int | None:
    """The body's length as stated, None where nothing is stated. Raises BadHead where two readings exist."""
    coding = lower.get(b"transfer-encoding")
    stated = lower.get(b"content-length")
    if coding is not None:
        if stated is not None:
            raise BadHead("content-length beside transfer-encoding")
        if not http11 or coding.lower() != b"chunked" or b"transfer-encoding" in repeated:
            raise BadHead("a transfer-encoding other than chunked")
        return CHUNKED
    if stated is None:
        return None
    if b"content-length" in repeated:
        raise BadHead("content-length twice")
    if not stated.isdigit() or len(stated) > _LONGEST_LENGTH:
        raise BadHead("a content-length that is no plain number")
    return int(stated)


def _keep_alive(lower: dict[bytes, bytes], http11: bool) -> bool:
    tokens = {token.strip() for token in lower[b"connection"].lower().split(b",")}
    return b"close" not in tokens and (http11 or b"keep-alive" in tokens)


def read_request(head: bytes) -> RequestHead:
    """A request's whole head, its empty line included. Raises BadHead with the status to answer."""
    lines = _lines(head)
    first_line = lines.pop(0)
    method, target, http11 = _request_lines[first_line]
    lower, repeated = dict(map(_fields, lines)), _ABSENT
    if len(lower) != len(lines):
        lower, repeated = _first_of_each(list(map(_fields, lines)))
    if b"upgrade" in lower:
        raise BadHead("a change of protocol is not carried")
    if b"host" not in lower or b"host" in repeated:
        raise BadHead("exactly one Host header is needed")
    if not repeated.isdisjoint(_CREDENTIALS):
        raise BadHead("two credentials of one kind")
    expect = lower.get(b"expect")
    if expect is not None and expect.lower() != b"100-continue":
        raise BadHead("an expectation other than 100-continue", 417)
    return RequestHead(
        first_line,
        method,
        target,
        http11,
        lines,
        _length(lower, repeated, http11) or 0,
        _keep_alive(lower, http11) if b"connection" in lower else http11,
        expect is not None and http11,
        lower,
    )


class _RequestLines(dict[bytes, tuple[bytes, bytes, bool]]):
    """The same of first lines; a query may hold a credential."""

    def __missing__(self, line: bytes) -> tuple[bytes, bytes, bool]:
        """Method, target, and whether it is HTTP/1.1. Raises BadHead."""
        read = _request_line(line)
        if len(line) <= _LONGEST_KNOWN and not _SECRET.search(line.lower()):
            if len(self) >= _MOST_REQUEST_LINES:
                self.clear()
            self[line] = read
        return read


_request_lines = _RequestLines()


def _request_line(line: bytes) -> tuple[bytes, bytes, bool]:
    parts = line.split(b" ")
    version = parts[-1]
    http11 = _VERSIONS.get(version)
    if len(parts) != 3 or http11 is None:
        if len(parts) == 2 or (len(parts) == 3 and version.startswith(b"HTTP/")):
            raise BadHead("an HTTP version other than 1.1 and 1.0", 505)
        raise BadHead("an irregular request line")
    method, target, _ = parts
    if not _METHOD.fullmatch(method):
        raise BadHead("an irregular method")
    if not target.startswith(b"/"):
        raise BadHead("only targets that begin with a slash are carried")
    if not _TARGET.fullmatch(target):
        raise BadHead("an irregular request line")
    return method, target, http11


def read_answer(head: bytes, method: bytes) -> AnswerHead:
    """The whole head of an answer to a request with `method`. Raises BadHead."""
    lines = _lines(head)
    status, reason, http11 = _status_line(lines.pop(0))
    lower, repeated = dict(map(_fields, lines)), _ABSENT
    if len(lower) != len(lines):
        lower, repeated = _first_of_each(list(map(_fields, lines)))
    length = _length(lower, repeated, http11)
    if status < 200 or status in _NO_BODY or method == b"HEAD":
        length = 0
    elif length is None:
        length = UNTIL_CLOSE
    keep_alive = length != UNTIL_CLOSE and (_keep_alive(lower, http11) if b"connection" in lower else http11)
    return AnswerHead(status, reason, lines, length, keep_alive, lower, head)


@lru_cache(64)
def _status_line(line: bytes) -> tuple[int, bytes, bool]:
    """Status, reason, and whether it is HTTP/1.1. Raises BadHead."""
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        raise BadHead("not an HTTP/1.1 answer")
    status = int(found[2])
    if status == 101:
        raise BadHead("the answer changes the protocol")
    return status, found[3] or b"", found[1] == b"1"


def format_head(first_line: bytes, headers: Headers) -> bytes:
    """A head as bytes, its empty line included."""
    return b"\r\n".join([first_line, *headers, b"\r\n"])
