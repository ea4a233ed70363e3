"""The head of a request that goes to another model or another address than its client's."""

import re

from seawall.http.head import AnswerHead, Headers, format_head

_PATH = b"/v1/messages"
_BETA = b"beta=true"
SUBSCRIPTION = b"sk-ant-oat"
"""What tokens of a claude.ai login begin with: they go only where their own client sends them."""

_HARMLESS = frozenset(
    (b"accept", b"accept-encoding", b"anthropic-version", b"content-type", b"user-agent", b"x-app")
)
_HARMLESS_PREFIXES = (b"x-stainless-",)
"""What a client tells of itself and of the protocol. Any other header may carry a credential (a company's gateway reads
its own), so another address does not get it, as it does not get `x-claude-code-*`, `authorization` or cookies."""
_BETAS = b"anthropic-beta"
_VIA = b"via"
_PASSED = re.compile(rb"1\.1 seawall-[0-9a-f]{1,16}")
"""What a gateway of this kind says of itself: it alone tells nothing of where a request comes from."""
_COOKIES = (b"set-cookie", b"set-cookie2")


def betas(head: bytes) -> bytes:
    """The values of `anthropic-beta` in a request's head as it was to be sent, parted by commas."""
    return b",".join(value for name, value in _read(head)[1] if name.lower() == _BETAS)


def has_subscription(head: bytes) -> bool:
    """Whether it carries the token of a claude.ai login, in whichever header."""
    _, headers = _read(head)
    return any(SUBSCRIPTION in value for _, value in headers)


def for_same_address(head: bytes, length: int) -> bytes:
    """The head with the length of another body; everything else as it was to be sent."""
    line, headers = _read(head)
    return format_head(
        line,
        [
            b"%b: %b" % (name, b"%d" % length if name.lower() == b"content-length" else value)
            for name, value in headers
        ],
    )


def for_another_address(
    head: bytes, length: int, host: bytes, base: bytes, key: str, via: bytes = b""
) -> bytes:
    """The head for an address with a key of its own: nothing in it is its client's but what is known to be harmless.

    `via`: how this gateway knows the request again, should that address lead back; the marks of other gateways that
    it came by stay too.
    """
    line, headers = _read(head)
    target = line.split(b" ")[1]
    query = b"?" + _BETA if target.partition(b"?")[2] == _BETA else b""
    kept: Headers = [b"host: " + host]
    kept += [
        b"%b: %b" % (name, value)
        for name, value in headers
        if (lower := name.lower()) in _HARMLESS or lower == _BETAS or lower.startswith(_HARMLESS_PREFIXES)
    ]
    if via:
        marks = [value for name, value in headers if name.lower() == _VIA and _PASSED.fullmatch(value)]
        kept += [b"via: " + mark for mark in dict.fromkeys([*marks, via])]
    kept += [b"x-api-key: " + key.encode("latin-1"), b"content-length: %d" % length]
    return format_head(b"POST %b%b%b HTTP/1.1" % (base, _PATH, query), kept)


def keep_cookies_away(head: AnswerHead) -> None:
    """Take the cookies out of another address' answer: its client would send them to its own upstream."""
    head.lines = [
        line for (name, _), line in zip(head.fields, head.lines, strict=True) if name not in _COOKIES
    ]
    head.lower = {name: value for name, value in head.lower.items() if name not in _COOKIES}


def _read(head: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """First line, and names and values, of a head that `format_head` made."""
    line, *rest = head.rstrip(b"\r\n").split(b"\r\n")
    pairs = (one.partition(b":") for one in rest)
    return line, [(name, value.lstrip(b" \t")) for name, _, value in pairs]
