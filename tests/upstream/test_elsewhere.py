"""What of a request's head goes to another model, and what to another address."""

import pytest

from seawall.http.head import format_head, read_answer, read_request
from seawall.upstream.elsewhere import (
    betas,
    for_another_address,
    for_same_address,
    has_subscription,
    keep_cookies_away,
)
from seawall.upstream.headers import client_headers

KEY = "sk-ant-api03-" + "k" * 40
HEADERS = [
    (b"host", b"api.anthropic.com"),
    (b"X-Api-Key", KEY.encode()),
    (b"anthropic-version", b"2023-06-01"),
    (b"anthropic-beta", b"a-2025-01-01,b-2025-01-01"),
    (b"Anthropic-Beta", b"c-2025-01-01"),
    (b"user-agent", b"claude-cli/2.1.0 (external, cli)"),
    (b"X-Stainless-Retry-Count", b"1"),
    (b"content-type", b"application/json"),
    (b"accept-encoding", b"identity"),
    (b"empty", b""),
    (b"content-length", b"10"),
]
HEAD = format_head(b"POST /base/v1/messages?beta=true HTTP/1.1", HEADERS)

SECRETS = [
    (b"Authorization", b"Bearer secret"),
    (b"cookie", b"secret"),
    (b"x-claude-code-session-id", b"secret"),
    (b"X-Claude-Code-Agent-Id", b"secret"),
    (b"x-portkey-api-key", b"secret"),
    (b"cf-access-client-secret", b"secret"),
    (b"helicone-auth", b"Bearer secret"),
    (b"anthropic-organization-id", b"secret"),
]


def test_the_same_address_gets_the_same_head() -> None:
    """Only the length of the body differs."""
    assert for_same_address(HEAD, 10) == HEAD
    assert for_same_address(HEAD, 123) == HEAD.replace(b"content-length: 10", b"content-length: 123")


def test_another_address_gets_its_own_key_and_no_other() -> None:
    """Protocol and client are told; whose request it was, and with what it came in, is not."""
    head = format_head(b"POST /base/v1/messages?beta=true HTTP/1.1", HEADERS + SECRETS)
    moved = read_request(for_another_address(head, 99, b"other.example", b"/claude", "their-key"))
    assert (moved.method, moved.target, moved.length) == (b"POST", b"/claude/v1/messages?beta=true", 99)
    assert moved.headers == [
        (b"host", b"other.example"),
        *[
            pair
            for pair in HEADERS
            if pair[0].lower() not in (b"host", b"x-api-key", b"empty", b"content-length")
        ],
        (b"x-api-key", b"their-key"),
        (b"content-length", b"99"),
    ]


@pytest.mark.parametrize("query", [b"", b"?key=secret", b"?beta=true&key=secret"])
def test_a_query_that_is_not_known_stays_here(query: bytes) -> None:
    """Some gateways take a key there."""
    head = format_head(b"POST /v1/messages" + query + b" HTTP/1.1", HEADERS)
    moved = read_request(for_another_address(head, 0, b"h", b"", "k"))
    assert moved.target == b"/v1/messages"


def test_betas_of_all_headers() -> None:
    """However many lines name them."""
    assert betas(HEAD) == b"a-2025-01-01,b-2025-01-01,c-2025-01-01"
    assert betas(format_head(b"POST / HTTP/1.1", [])) == b""


@pytest.mark.parametrize("header", [b"authorization: Bearer sk-ant-oat01-x", b"X-API-Key: sk-ant-oat01-x"])
def test_a_login_is_seen_in_any_header(header: bytes) -> None:
    """Whichever it came in; a key is none."""
    name, _, value = header.partition(b": ")
    assert has_subscription(format_head(b"POST /v1/messages HTTP/1.1", [*HEADERS, (name, value)]))
    assert not has_subscription(HEAD)


@pytest.mark.parametrize("cookies", [0, 1, 3])
@pytest.mark.parametrize("twice", [False, True])
def test_cookies_of_another_address_stay_away(cookies: int, twice: bool) -> None:
    """However many there are; what else the answer says stays, in its order."""
    said = [(b"Request-Id", b"r"), *[(b"Vary", b"v")] * (1 + twice)]
    parts = said[:1] + [(b"Set-Cookie", b"a=%d" % n) for n in range(cookies)] + said[1:]
    answer = read_answer(format_head(b"HTTP/1.1 200 OK", [*parts, (b"content-length", b"0")]), b"POST")
    keep_cookies_away(answer)
    assert client_headers(answer) == said
    assert b"set-cookie" not in answer.lower
