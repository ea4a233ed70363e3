"""What may be shown: no credential survives, and prose does."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall import redact

BODY = "Zq7xW2mK9pL4vB8nC3" * 6  # 108 characters, no word

KEYS = [
    ("sk-ant-api03-", BODY[:93] + "AA"),
    ("sk-ant-admin01-", BODY[:93] + "AA"),
    ("sk-ant-oat01-", BODY[:90]),
    ("sk-ant-ort01-", BODY[:90]),
    ("sk-ant-sid01-", BODY[:90]),
    ("sk-ant-api01-", BODY[:40]),
    ("sk-ant-", BODY[:20]),
    ("sk-proj-", BODY[:100]),
    ("sk-svcacct-", BODY[:100]),
    ("sk-or-v1-", BODY[:64]),
    ("sk-", "0123456789abcdef0123456789abcdef"),
    ("AIza", BODY[:35]),
    ("AKIA", "IOSFODNN7EXAMPLE"),
    ("ASIA", "IOSFODNN7EXAMPLE"),
    ("ABSK", BODY[:108] + "+/="),
    ("bedrock-api-key-", "YmVkcm9jay5hbWF6b25hd3MuY29t" + BODY[:40]),
    ("xai-", BODY[:60]),
    ("gsk_", BODY[:52]),
    ("hf_", BODY[:34]),
    ("pplx-", BODY[:48]),
    ("ghp_", BODY[:36]),
    ("github_pat_", BODY[:82]),
    ("glpat-", BODY[:20]),
    ("xoxb-", BODY[:50]),
    ("ya29.", BODY[:60]),
    ("eyJ", f"{BODY[:30]}.{BODY[:40]}.{BODY[:43]}"),
]
FRAMES = ["{}", "key {}.", "'{}'", '{{"key":"{}"}}', "x={}&y=1", "a\n{}\nb", "({})", "https://h.example/p/{}"]


def runs(secret: str, shown: str) -> bool:
    """Whether any 12 characters in a row of the secret are shown."""
    return any(secret[i : i + 12] in shown for i in range(max(1, len(secret) - 11)))


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(("prefix", "secret"), KEYS, ids=[prefix for prefix, _ in KEYS])
def test_a_vendors_key_keeps_its_prefix_only(prefix, secret, frame):
    """Wherever a key stands, the vendor can be seen and nothing else of it."""
    shown = redact.text(frame.format(prefix + secret))
    assert not runs(secret, shown)
    assert prefix + "***" in shown


def test_a_key_glued_to_a_word():
    """A missing blank does not save a key from being masked."""
    assert not runs(BODY, redact.text("ANTHROPICsk-ant-api03-" + BODY))


@pytest.mark.parametrize(
    "frame",
    [
        "Authorization: Bearer {}",
        "authorization: Basic {}",
        "Proxy-Authorization: {}",
        "{{'authorization': 'Bearer {}'}}",
        "bearer {}",
        "x-api-key: {}",
        "X-Api-Key={}",
        '"api_key": "{}"',
        '{{\\"api_key\\": \\"{}\\"}}',
        '{{\\\\\\"x-api-key\\\\\\":\\\\\\"{}\\\\\\"}}',
        "ANTHROPIC_API_KEY={}",
        "export ANTHROPIC_AUTH_TOKEN='{}'",
        "aws_secret_access_key = {}",
        "AWS_SESSION_TOKEN={}",
        "password: {}",
        "client_secret={}",
        "cookie: a=1; session={}; b=2",
        "Set-Cookie: sid={}",
        "ANTHROPIC_CUSTOM_HEADERS=X-Mine: {}",
        "https://h.example/?key={}",
        "https://h.example/cb?x=1&code={}&state=2",
        "http://user:{}@proxy.example:8080/",
        "http://{}@proxy.example/",
        "abc8Q~{}",
    ],
)
@pytest.mark.parametrize("secret", ["Zq7xW2mK9pL4vB8nC3dF6hJ1", "correcthorsebatterystaple"])
def test_a_value_is_masked_by_where_it_stands(frame, secret):
    """A secret without any vendor's form is known by its name, header or place in an address."""
    assert not runs(secret, redact.text(frame.format(secret)))


def test_a_password_with_signs_of_an_address_in_it():
    """People forget to encode # and @; the password is masked even so."""
    assert redact.text("http://user:p#s@s?w@proxy.example:8080") == "http://***@proxy.example:8080"


@pytest.mark.parametrize("end", ["\n-----END RSA PRIVATE KEY-----\nafter", ""])
def test_a_private_key_block(end):
    """The block goes whole, also when its end was cut off."""
    shown = redact.text(f"before\n-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n{BODY}{end}")
    assert not runs(BODY, shown)
    assert shown.startswith("before\n")
    assert shown.endswith("after" if end else "***")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("mail ann.b+c@mail.example.com now", "mail ***@*** now"),
        ("/home/ann/x.py:3", "/home/***/x.py:3"),
        ("/Users/ann/x", "/Users/***/x"),
        (r"C:\Users\ann\x", r"C:\Users\***\x"),
        (r'"C:\\Users\\ann\\x"', r'"C:\\Users\\***\\x"'),
        ("/home/ann/.claude/projects/-home-ann-x", "/home/***/.claude/projects/-home-ann-x"),
        ("(org: 01234567-89ab-cdef-0123-456789abcdef)", "(org: ***)"),
        ('"organization_id":"01234567-89ab-cdef-0123-456789abcdef"', '"organization_id":"***"'),
    ],
)
def test_persons_and_organisations(said, shown):
    """Addresses of people, home folders and organisation ids are masked."""
    assert redact.text(said) == shown


@pytest.mark.parametrize(
    "said",
    [
        "invalid x-api-key",
        "invalid bearer token",
        "Bearer authentication failed",
        "OAuth token has expired. Please obtain a new token.",
        "max_tokens: 300000 > 128000, which is the maximum allowed number of output tokens",
        "prompt is too long: 230000 tokens > 200000 maximum",
        "Unexpected token: <",
        "status_code=5031 error_code: overloaded",
        "model: claude-opus-5-5",
        "req_011CTtBC9vQabcdefghijklm",
        "task-force-of-many-helpers",
        "https://docs.example.com/a?page=2#top",
        "sw_1234567800002a toolu_01A09q90qw90lq917835lq9 msg_013Zva2CMHLNnXjNJJKqJ2EF",
        "us.anthropic.claude-opus-4-20250514-v1:0 CLAUDE_CODE_ENABLE_FINE_GRAINED_TOOL_STREAMING",
        "/usr/lib/python3/site-packages/anthropic/_base_client.py",
        "fine-grained-tool-streaming-2025-05-14",
        "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        "8f14e45f-ceea-467f-a6f2-1b1a3e9d2c11",
        "anthropicAPIStatusErrorHandlerName",
        "`tool_use` ids were found without `tool_result`: toolu_01ABCDEFGHIJKLMN",
        "",
    ],
)
def test_prose_and_request_ids_stay(said):
    """Error texts keep their meaning; support needs the request id."""
    assert redact.text(said) == said


@pytest.mark.parametrize(
    "token",
    [
        "Zq7xW2mK9pL4vB8nC3dF6hJ1kQ5sT0uY2wE4rI7o",  # 40 letters and digits, as Cohere's
        "3f2a9c1e7b5d4860af13ce92b7d6450f",  # 32 hex digits
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzq8pL2mN4v",  # AWS's secret half, without its name
        "dGhpcyBpcyBhIHNlY3JldCB0aGF0IG5vYm9keSBzZWVzLg==",
    ],
)
def test_a_credential_without_any_form_is_known_by_its_looks(token):
    """A long run that nobody would have chosen is masked wherever it stands."""
    for frame in ("bad credential {}", "x/{}/y", '["{}"]'):
        assert not runs(token, redact.text(frame.format(token)))


def test_whoever_masks_may_say_with_what():
    """Each hidden value is told with its kind; what stands for it stays at the next look."""
    seen = []

    def masked(kind, value):
        seen.append((kind, value))
        return f"<{kind}-{len(seen)}>"

    said = (
        "ann@mail.example /home/ann/x https://u:pa@h.example/ Bearer opaque-value-1 x-api-key: "
        + "sk-ant-api03-" + BODY + " org: 01234567-89ab-cdef-0123-456789abcdef"
    )  # fmt: skip
    shown = redact.text(said, masked)
    assert {kind for kind, _ in seen} == {"key", "mail", "user", "organisation"}
    before = len(seen)
    assert redact.text(shown, masked) == shown
    assert len(seen) == before
    assert "sk-ant-api03-<key-" in shown


def test_headers_are_shown_without_their_secrets():
    """Names stay, secret values go, and other values are masked like text."""
    shown = redact.headers(
        [
            (b"X-Api-Key", b"sk-ant-api03-" + BODY.encode()),
            (b"authorization", b"Bearer opaque-value-1"),
            (b"cookie", b"a=b"),
            (b"x-my-secret", b"abc"),
            (b"anthropic-ratelimit-tokens-limit", b"80000"),
            (b"referer", b"https://u:p@h.example/"),
        ]
    )
    assert shown == [
        ("X-Api-Key", "sk-ant-api03-***"),
        ("authorization", "***"),
        ("cookie", "***"),
        ("x-my-secret", "***"),
        ("anthropic-ratelimit-tokens-limit", "80000"),
        ("referer", "https://***@h.example/"),
    ]


@pytest.mark.parametrize(
    "name", ["X-API-KEY", "Proxy-Authorization", "x-goog-api-key", "My-Auth-Token", "Set-Cookie"]
)
def test_secret_headers_by_name(name):
    """Case does not matter, and a name that says secret is believed."""
    assert redact.secret_header(name)


@pytest.mark.parametrize(
    "name", ["request-id", "anthropic-ratelimit-input-tokens-remaining", "retry-after", "proxy-authenticate"]
)
def test_open_headers_by_name(name):
    """What counts tokens is no token."""
    assert not redact.secret_header(name)


@given(st.text(max_size=200), st.sampled_from(KEYS), st.text(max_size=200))
def test_no_surroundings_save_an_anthropic_key(before, key, after):
    """Any text before and after: the key is masked (behind a letter or digit, Anthropic's own form is)."""
    prefix, secret = key
    if not prefix.startswith("sk-ant-"):
        before += " "
    assert not runs(secret, redact.text(before + prefix + secret + " " + after))


@given(st.text(alphabet="aAzZ09-_.:/@=&? \n\"'\\*sk-ant-api03eyJBearer", max_size=300))
def test_masking_twice_is_masking_once(said):
    """What has been masked is not masked again: texts pass several doors."""
    once = redact.text(said)
    assert redact.text(once) == once


MILLION = [
    "a", " ", "p", "A", "-", "_", "@", "a@", "a@a.", "://", "://a:", "eyJ", "sk-", "sk-ant-", "sk-ant-a01-",
    "bearer ", "Basic\t", "cookie: ", "authorization\\\\\" ", "api_key=", "-token: ", "&key=", "?code", "org: ",
    "/home/", "\\Users\\", "-----BEGIN PRIVATE KEY-----", "-----BEGIN ", "aaa8Q~", "a" * 64 + "@", "password:'",
]  # fmt: skip


@pytest.mark.parametrize("piece", MILLION)
def test_work_grows_with_the_length_only(piece):
    """A million characters made to hurt cost at most a few times what eight times fewer cost eight times."""
    whole = piece * (400_000 // len(piece))

    def seconds(said: str) -> float:
        start = time.process_time()
        redact.text(said)
        return time.process_time() - start

    # Quadratic work would make the factor 64; the floor keeps timer noise out.
    assert seconds(whole) < 32 * max(seconds(whole[: len(whole) // 8]), 0.01)
