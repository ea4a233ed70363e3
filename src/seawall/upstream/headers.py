"""Which headers travel on, in both directions."""

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


def _dropped(lower: dict[bytes, bytes], always: frozenset[bytes]) -> frozenset[bytes]:
    """`always`, and the headers that `connection` declares to be for this connection only."""
    connection = lower.get(b"connection")
    if connection is None or connection.lower() in (b"keep-alive", b"close"):
        return always
    return always.union(token.strip() for token in connection.lower().split(b","))


def upstream_headers(head: RequestHead, host: bytes, length: int, *, identity: bool) -> Headers:
    """A request's headers as they are sent on, its body's length among them: all but those of the connection.

    `identity`: ask for an answer that is not compressed, so that errors and first events can be read.
    """
    lower, size = head.lower, b"%d" % length
    not_sent = _dropped(lower, _NOT_SENT)
    if _OURS in b" ".join(lower):
        not_sent = not_sent.union(name for name in lower if name.startswith(_OURS))
    if len(lower) == len(head.lines) and not_sent.isdisjoint(lower) and lower.get(b"content-length") == size:
        headers, names = head.lines.copy(), list(lower)  # nearly always: two lines change, where they stand
        headers[names.index(b"host")] = b"host: " + host
        if identity and b"accept-encoding" in lower:
            headers[names.index(b"accept-encoding")] = _IDENTITY
        elif identity:
            headers.append(_IDENTITY)
    else:
        framing = (
            (b"host", b"content-length", b"accept-encoding") if identity else (b"host", b"content-length")
        )
        headers = [b"host: " + host, *_without(head, not_sent.union(framing))]
        if identity:
            headers.append(_IDENTITY)
        if length == CHUNKED:
            headers.append(b"transfer-encoding: chunked")
        elif length or b"content-length" in lower:
            headers.append(b"content-length: " + size)
    return _without_our_cookie(headers) if b"cookie" in lower else headers


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
    dropped = _dropped(head.lower, _NOT_ANSWERED)
    return _without(head, dropped | {without} if without else dropped)


def _without(head: RequestHead | AnswerHead, dropped: frozenset[bytes]) -> Headers:
    """The lines of a head but for those of some headers."""
    lower = head.lower
    if len(lower) != len(head.lines):  # a name came twice
        return [line for (name, _), line in zip(head.fields, head.lines, strict=True) if name not in dropped]
    names, lines = list(lower), head.lines.copy()
    for name in lower.keys() & dropped:
        at = names.index(name)
        del names[at], lines[at]
    return lines
