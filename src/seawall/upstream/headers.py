"""Which headers travel on, in both directions."""

from seawall.http.head import HOP_BY_HOP, AnswerHead, Headers, RequestHead

CONTINUE = 100
"""`Expect` is answered here and not sent on, so an upstream's own 100 answers nobody: it goes no further.
Node's `fetch` takes one that it did not ask for as a broken connection."""
_OURS = b"x-seawall-"
"""Headers with this prefix are between a client and its Seawall."""
_NOT_SENT = HOP_BY_HOP | {b"host", b"content-length", b"expect", b"proxy-authorization"}
_NOT_SENT_IDENTITY = _NOT_SENT | {b"accept-encoding"}
_NOT_ANSWERED = HOP_BY_HOP | {b"content-length", b"proxy-authenticate"}


def _named(lower: dict[bytes, bytes]) -> set[bytes]:
    """Headers that `connection` declares to be for this connection only."""
    connection = lower.get(b"connection")
    if connection is None or connection.lower() in (b"keep-alive", b"close"):
        return set()
    return {token.strip() for token in connection.lower().split(b",")}


def upstream_headers(head: RequestHead, host: bytes, *, identity: bool) -> Headers:
    """A request's headers as they are sent on: all but those of the connection.

    `identity`: ask for an answer that is not compressed, so that errors and first events can be read.
    """
    named = _named(head.lower)
    not_sent = _NOT_SENT_IDENTITY if identity else _NOT_SENT
    headers = [(b"host", host)]
    for pair in head.headers:
        name = pair[0].lower()
        if name not in not_sent and name not in named and not name.startswith(_OURS):
            headers.append(pair)
    if identity:
        headers.append((b"accept-encoding", b"identity"))
    return headers


def client_headers(head: AnswerHead, without: bytes = b"") -> Headers:
    """An answer's headers as they are sent on; how it is framed is the connection's own affair."""
    named = _named(head.lower)
    return [
        pair
        for pair in head.headers
        if (name := pair[0].lower()) not in _NOT_ANSWERED and name not in named and name != without
    ]
