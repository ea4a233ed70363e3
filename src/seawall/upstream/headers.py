"""Which headers travel on, in both directions."""

from functools import lru_cache

from seawall.http.head import CHUNKED, HOP_BY_HOP, AnswerHead, Headers, RequestHead

CONTINUE = 100
"""`Expect` is answered here and not sent on, so an upstream's own 100 answers nobody: it goes no further.
Node's `fetch` takes one that it did not ask for as a broken connection."""
_OURS = b"x-seawall-"
"""Headers with this prefix are between a client and its Seawall."""
OUR_COOKIE = b"seawall"
"""Lets a browser see the page about this gateway; browsers send it with whatever they ask at this address."""
_NOT_SENT = HOP_BY_HOP | {b"expect", b"proxy-authorization"}
_IDENTITY = b"accept-encoding: identity"
_NOT_ANSWERED = HOP_BY_HOP | {b"content-length", b"proxy-authenticate"}
_USUAL = (b"keep-alive", b"close")
"""What nearly every `connection` says."""
_KNOWN = 32
"""Names of headers come in the same order again: so many orders are remembered, of requests and of answers."""


def _dropped(lower: dict[bytes, bytes], always: frozenset[bytes]) -> frozenset[bytes]:
    """`always`, and the headers that `connection` declares to be for this connection only."""
    connection = lower.get(b"connection")
    if connection is None or connection.lower() in _USUAL:
        return always
    return always.union(token.strip() for token in connection.lower().split(b","))


def upstream_headers(head: RequestHead, host: bytes, length: int, *, identity: bool) -> Headers:
    """A request's headers as they are sent on, its body's length among them: all but those of the connection.

    `identity`: ask for an answer that is not compressed, so that errors and first events can be read.
    """
    lower, size = head.lower, b"%d" % length
    not_sent = _dropped(lower, _NOT_SENT)
    if not_sent is _NOT_SENT and len(lower) == len(head.lines) and lower.get(b"content-length") == size:
        places, at, coding_at = _places(tuple(lower))  # nearly always: two lines change, where they stand
        headers = [head.lines[place] for place in places] if places else head.lines.copy()
        headers[at] = b"host: " + host
        if identity and coding_at is not None:
            headers[coding_at] = _IDENTITY
        elif identity:
            headers.append(_IDENTITY)
    else:
        framing = (
            (b"host", b"content-length", b"accept-encoding") if identity else (b"host", b"content-length")
        )
        not_sent = not_sent.union(framing, (name for name in lower if name.startswith(_OURS)))
        headers = [b"host: " + host, *_without(head, not_sent)]
        if identity:
            headers.append(_IDENTITY)
        if length == CHUNKED:
            headers.append(b"transfer-encoding: chunked")
        elif length or b"content-length" in lower:
            headers.append(b"content-length: " + size)
    return _without_our_cookie(headers) if b"cookie" in lower else headers


@lru_cache(_KNOWN)
def _places(names: tuple[bytes, ...]) -> tuple[tuple[int, ...], int, int | None]:
    """Where in a head the lines stand that are sent on (none: all of them are), and among those host and coding."""
    places = tuple(
        place for place, name in enumerate(names) if name not in _NOT_SENT and not name.startswith(_OURS)
    )
    sent = [names[place] for place in places]
    coding_at = sent.index(b"accept-encoding") if b"accept-encoding" in sent else None
    return () if len(sent) == len(names) else places, sent.index(b"host"), coding_at


def _without_our_cookie(headers: Headers) -> Headers:
    kept = []
    for line in headers:
        name, _, value = line.partition(b":")
        if name.lower() == b"cookie":
            pairs = [one.strip() for one in value.split(b";")]
            others = [one for one in pairs if one.partition(b"=")[0].strip() != OUR_COOKIE]
            if len(others) < len(pairs):
                line = name + b": " + b"; ".join(others) if others else b""
        if line:
            kept.append(line)
    return kept


def client_headers(head: AnswerHead, without: bytes = b"") -> Headers:
    """An answer's headers as they are sent on; how it is framed is the connection's own affair."""
    lower, lines = head.lower, head.lines
    dropped = _dropped(lower, _NOT_ANSWERED)
    if without or dropped is not _NOT_ANSWERED or len(lower) != len(lines):
        return _without(head, dropped | {without})
    lines = lines.copy()
    for place in _not_answered(tuple(lower)):
        del lines[place]
    return lines


@lru_cache(_KNOWN)
def _not_answered(names: tuple[bytes, ...]) -> list[int]:
    """Where in a head the lines stand that are not sent on, the last one first."""
    return [place for place, name in enumerate(names) if name in _NOT_ANSWERED][::-1]


def _without(head: RequestHead | AnswerHead, dropped: frozenset[bytes]) -> Headers:
    """The lines of a head but for those of some headers."""
    return [line for (name, _), line in zip(head.fields, head.lines, strict=True) if name not in dropped]
