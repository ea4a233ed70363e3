"""Heads of requests and answers: strict bytes in, values out.

httptools (llhttp) reads the lines; what it lets pass but two parsers might read differently is refused here:
RFC 9112 section 11.2 (request smuggling) names the cases.
"""

from dataclasses import dataclass
from typing import Final

import httptools

Headers = list[tuple[bytes, bytes]]
"""Names as they came, in order."""

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
_ALL_BUT_ENDS: Final = bytes(set(range(256)) - set(b"\r\n"))
_LONGEST_LENGTH: Final = 18
"""Digits of a content-length; more would not fit 64 bits everywhere."""


class BadHead(Exception):
    """A head that is not one, or is one to some and another to others. The text says what is wrong with it."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


@dataclass(slots=True)
class RequestHead:
    """What a request's head says. `length` is of the body: bytes, or `CHUNKED`."""

    method: bytes
    target: bytes
    http11: bool
    headers: Headers
    length: int
    keep_alive: bool
    expects_continue: bool
    lower: dict[bytes, bytes]
    """Values by lower-case name; the first of several."""


@dataclass(slots=True)
class AnswerHead:
    """What an answer's head says. `length` is of the body: bytes, `CHUNKED` or `UNTIL_CLOSE`."""

    status: int
    reason: bytes
    headers: Headers
    length: int
    keep_alive: bool
    lower: dict[bytes, bytes]
    raw: bytes = b""
    """As it came; `read_answer` makes the rest of it again."""


class _Lines:
    """What httptools calls back with."""

    __slots__ = ("headers", "reason", "target")

    def __init__(self) -> None:
        self.target = b""
        self.reason = b""
        self.headers: Headers = []

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_status(self, status: bytes) -> None:
        self.reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))


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


def _count_lines(head: bytes) -> int:
    """How many lines the head has, its empty one included. Raises BadHead for a line end that is not CRLF."""
    ends = head.translate(None, _ALL_BUT_ENDS)
    lines = len(ends) // 2
    if ends != b"\r\n" * lines:
        raise BadHead("a bare carriage return or line feed in the head")
    return lines


def _check_headers(headers: Headers, lines: int) -> None:
    # Each line but the first and the empty last one is a header: a folded one would be none.
    if len(headers) != lines - 2:
        raise BadHead("a folded header line")


def _by_name(headers: Headers) -> tuple[dict[bytes, bytes], frozenset[bytes]]:
    """Values by lower-case name, the first of several; and the names that came more than once."""
    lower = {name.lower(): value for name, value in headers}
    if len(lower) == len(headers):
        return lower, _NONE
    names = [name.lower() for name, _ in headers]
    lower = {name: value for name, (_, value) in zip(reversed(names), reversed(headers), strict=True)}
    return lower, frozenset(name for name in lower if names.count(name) > 1)


_NONE: Final[frozenset[bytes]] = frozenset()


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
    connection = lower.get(b"connection")
    if connection is None:
        return http11
    tokens = {token.strip() for token in connection.lower().split(b",")}
    return b"close" not in tokens and (http11 or b"keep-alive" in tokens)


def read_request(head: bytes) -> RequestHead:
    """A request's whole head, its empty line included. Raises BadHead with the status to answer."""
    count = _count_lines(head)
    lines = _Lines()
    parser = httptools.HttpRequestParser(lines)
    try:
        parser.feed_data(head)
    except httptools.HttpParserUpgrade:
        raise BadHead("a change of protocol is not carried") from None
    except httptools.HttpParserError as error:
        raise BadHead(f"not an HTTP/1.1 request: {error}") from None
    version = parser.get_http_version()
    if version not in ("1.1", "1.0"):
        raise BadHead(f"HTTP version {version}", 505)
    http11 = version == "1.1"
    method, headers = parser.get_method(), lines.headers
    lower, repeated = _by_name(headers)
    # Read the request line again ourselves: llhttp tolerates several spaces and leading empty lines.
    if not head.startswith(method + b" " + lines.target + b" HTTP/"):
        raise BadHead("an irregular request line")
    _check_headers(headers, count)
    if not lines.target.startswith(b"/"):
        raise BadHead("only targets that begin with a slash are carried")
    if b"upgrade" in lower:
        raise BadHead("a change of protocol is not carried")
    if b"host" not in lower or b"host" in repeated:
        raise BadHead("exactly one Host header is needed")
    expect = lower.get(b"expect")
    if expect is not None and expect.lower() != b"100-continue":
        raise BadHead("an expectation other than 100-continue", 417)
    return RequestHead(
        method=method,
        target=lines.target,
        http11=http11,
        headers=headers,
        length=_length(lower, repeated, http11) or 0,
        keep_alive=_keep_alive(lower, http11),
        expects_continue=expect is not None and http11,
        lower=lower,
    )


def read_answer(head: bytes, method: bytes) -> AnswerHead:
    """The whole head of an answer to a request with `method`. Raises BadHead."""
    count = _count_lines(head)
    if not head.startswith(b"HTTP/1."):
        raise BadHead("not an HTTP/1.1 answer")
    lines = _Lines()
    parser = httptools.HttpResponseParser(lines)
    try:
        parser.feed_data(head)
    except httptools.HttpParserUpgrade:
        raise BadHead("the answer changes the protocol") from None
    except httptools.HttpParserError as error:
        raise BadHead(f"not an HTTP/1.1 answer: {error}") from None
    status, http11 = parser.get_status_code(), parser.get_http_version() == "1.1"
    if status == 101:
        raise BadHead("the answer changes the protocol")
    if not 100 <= status <= 999:
        raise BadHead(f"status {status}")
    headers = lines.headers
    _check_headers(headers, count)
    lower, repeated = _by_name(headers)
    length = _length(lower, repeated, http11)
    if status < 200 or status in _NO_BODY or method == b"HEAD":
        length = 0
    elif length is None:
        length = UNTIL_CLOSE
    keep_alive = length != UNTIL_CLOSE and _keep_alive(lower, http11)
    return AnswerHead(status, lines.reason, headers, length, keep_alive, lower, head)


def format_head(first_line: bytes, headers: Headers) -> bytes:
    """A head as bytes, its empty line included."""
    return b"\r\n".join((first_line, *map(b": ".join, headers), b"\r\n"))
