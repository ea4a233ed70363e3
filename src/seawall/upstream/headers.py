"""Which headers travel on, in both directions."""

from seawall.http.head import HOP_BY_HOP, AnswerHead, Headers, RequestHead

CONTINUE = 100
"""`Expect` is answered here and not sent on, so an upstream's own 100 answers nobody: it goes no further.
Node's `fetch` takes one that it did not ask for as a broken connection."""
_OURS = b"x-seawall-"
"""Headers with this prefix are between a client and its Seawall."""
OUR_COOKIE = b"seawall"
"""Lets a browser see the page about this gateway; browsers send it with whatever they ask at this address."""
_NOT_SENT = HOP_BY_HOP | {b"host", b"content-length", b"expect", b"proxy-authorization"}
_NOT_SENT_IDENTITY = _NOT_SENT | {b"accept-encoding"}
_NOT_ANSWERED = HOP_BY_HOP | {b"content-length", b"proxy-authenticate"}


def _dropped(lower: dict[bytes, bytes], always: frozenset[bytes]) -> frozenset[bytes]:
    """`always`, and the headers that `connection` declares to be for this connection only."""
    connection = lower.get(b"connection")
    if connection is None or connection.lower() in (b"keep-alive", b"close"):
        return always
    return always.union(token.strip() for token in connection.lower().split(b","))


def upstream_headers(head: RequestHead, host: bytes, *, identity: bool) -> Headers:
    """A request's headers as they are sent on: all but those of the connection.

    `identity`: ask for an answer that is not compressed, so that errors and first events can be read.
    """
    not_sent = _dropped(head.lower, _NOT_SENT_IDENTITY if identity else _NOT_SENT)
    if _OURS in b" ".join(head.lower):
        not_sent = not_sent.union(name for name in head.lower if name.startswith(_OURS))
    headers = _without(head, not_sent)
    if b"cookie" in head.lower:
        headers = _without_our_cookie(headers)
    headers.insert(0, b"host: " + host)
    if identity:
        headers.append(b"accept-encoding: identity")
    return headers


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
    if len(head.lower) == len(head.lines):  # no name came twice
        return [line for name, line in zip(head.lower, head.lines, strict=True) if name not in dropped]
    return [line for (name, _), line in zip(head.fields, head.lines, strict=True) if name not in dropped]
