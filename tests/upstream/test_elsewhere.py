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
    b"host: api.anthropic.com",
    b"X-Api-Key: " + KEY.encode(),
    b"anthropic-version: 2023-06-01",
    b"anthropic-beta: a-2025-01-01,b-2025-01-01",
    b"Anthropic-Beta: c-2025-01-01",
    b"user-agent: claude-cli/2.1.0 (external, cli)",
    b"X-Stainless-Retry-Count: 1",
    b"content-type: application/json",
    b"accept-encoding: identity",
    b"empty: ",
    b"content-length: 10",
]
HEAD = format_head(b"POST /base/v1/messages?beta=true HTTP/1.1", HEADERS)

SECRETS = [
    b"Authorization: Bearer secret",
    b"cookie: secret",
    b"x-claude-code-session-id: secret",
    b"X-Claude-Code-Agent-Id: secret",
    b"x-portkey-api-key: secret",
    b"cf-access-client-secret: secret",
    b"helicone-auth: Bearer secret",
    b"anthropic-organization-id: secret",
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
    assert moved.lines == [
        b"host: other.example",
        *[
            line
            for line in HEADERS
            if line.partition(b":")[0].lower() not in (b"host", b"x-api-key", b"empty", b"content-length")
        ],
        b"x-api-key: their-key",
        b"content-length: 99",
    ]


def test_another_address_is_told_which_gateways_it_came_by() -> None:
    """Each of our kind once, ours the last; what proxies of a company write there stays here."""
    came = [
        b"via: 1.1 seawall-ab12cd34",
        b"Via: 1.1 proxy.corp.example (squid)",
        b"via: 1.1 seawall-ab12cd34",
    ]
    head = format_head(b"POST /v1/messages HTTP/1.1", HEADERS + came)
    moved = read_request(for_another_address(head, 1, b"h", b"", "k", b"1.1 seawall-00000001"))
    told = [value for name, value in moved.fields if name == b"via"]
    assert told == [b"1.1 seawall-ab12cd34", b"1.1 seawall-00000001"]


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
    assert has_subscription(format_head(b"POST /v1/messages HTTP/1.1", [*HEADERS, header]))
    assert not has_subscription(HEAD)


@pytest.mark.parametrize("cookies", [0, 1, 3])
@pytest.mark.parametrize("twice", [False, True])
def test_cookies_of_another_address_stay_away(cookies: int, twice: bool) -> None:
    """However many there are; what else the answer says stays, in its order."""
    said = [b"Request-Id: r", *[b"Vary: v"] * (1 + twice)]
    parts = said[:1] + [b"Set-Cookie: a=%d" % n for n in range(cookies)] + said[1:]
    answer = read_answer(format_head(b"HTTP/1.1 200 OK", [*parts, b"content-length: 0"]), b"POST")
    keep_cookies_away(answer)
    assert client_headers(answer) == said
    assert b"set-cookie" not in answer.lower
