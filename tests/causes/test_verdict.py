"""What pasted texts mean."""

import json
import random
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.causes.cause import codes
from seawall.causes.compile import catalogue
from seawall.causes.extract import read
from seawall.causes.verdict import (
    OTHER_VENDOR,
    UNRELATED,
    Confidence,
    explain,
    nearest,
    question,
    unknown_title,
)

CAUSES = catalogue()
TEXTS = tomllib.loads(Path(__file__).with_name("texts.toml").read_text("utf-8"))
OVERLOADED = 'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in TEXTS.items() for text in texts])
def test_a_text_is_given_its_cause(code, text):
    """Each shape that clients, relays and logs give an error leads to the same cause."""
    assert explain(text).cause == code


@pytest.mark.parametrize(("code", "text"), [(c.code, w.text) for c in CAUSES for w in c.wordings])
def test_statement_7_every_wording_of_the_catalogue_leads_to_its_cause(code, text):
    """What a page shows as a wording is recognised from the text alone."""
    assert explain(text).cause == code


SERVICE = [
    (401, "authentication_error", "invalid x-api-key", "account.invalid_api_key"),
    (402, "billing_error", "There is a problem with billing.", "account.credit_exhausted"),
    (403, "permission_error", "Your API key does not have permission.", "account.permission_denied"),
    (404, "not_found_error", "model: claude-nope-1", "request.model_not_found"),
    (413, "request_too_large", "Request exceeds the maximum size", "request.request_too_large"),
    (500, "api_error", "Internal server error", "provider.internal_server_error"),
    (504, "timeout_error", "Request timed out", "provider.gateway_timeout"),
    (529, "overloaded_error", "Overloaded", "provider.overloaded"),
]


@pytest.mark.parametrize(("status", "kind", "message", "code"), SERVICE)
def test_statement_7_what_the_service_itself_answers(status, kind, message, code):
    """A typed error of the service is its own word, whatever program shows it."""
    body = f'{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}'
    said = f"{{'type': 'error', 'error': {{'type': '{kind}', 'message': '{message}'}}}}"
    for text in (f"API Error: {status} {body}", body, f"Error code: {status} - {said}"):
        assert explain(text).cause == code


@pytest.mark.parametrize(("code", "text"), [(c.code, e.text) for c in CAUSES for e in c.examples if e.text])
def test_an_example_of_a_text_is_given_the_code_of_its_file(code, text):
    """A text that a file calls typical is that cause."""
    assert explain(text).cause == code


@pytest.mark.parametrize(("miss"), [e for c in CAUSES for e in c.near_misses if e.text])
def test_a_near_miss_of_a_text_is_given_the_code_that_it_names(miss):
    """A text that only resembles a cause is another one."""
    assert explain(miss.text).cause == miss.code


# The texts of Claude Code's error reference, by row of the project's reference.
CLAUDE_CODE = [
    ("API Error: 500 Internal server error. This is a server-side issue.", "provider.internal_server_error"),
    ("API Error: 529 Overloaded. This is a server-side issue, usually temporary", "provider.overloaded"),
    ("API Error: Repeated 529 Overloaded errors. The API is at capacity", "provider.overloaded"),
    ("Fable is experiencing high load, please use /model to switch", "provider.overloaded"),
    ("API Error: 502 Bad Gateway", "provider.bad_gateway"),
    ("Request timed out", "network.client_timeout"),
    ("API Error: No response from API (waited 3m, then 10m on the retry).", "network.client_timeout"),
    ("API Error: Connection lost mid-response. The response above may be incomplete.", "network.stream_truncated"),
    ("API Error: Connection closed mid-response", "network.stream_truncated"),
    ("API Error: Your computer went to sleep mid-response.", "network.asleep"),
    ("API Error: The response stopped arriving. The response above may be incomplete.", "network.stream_idle_timeout"),
    ("Response stalled mid-stream", "network.stream_idle_timeout"),
    ("API Error: Part of the response never arrived.", "network.stream_truncated"),
    ("The response stream was malformed.", "network.stream_truncated"),
    ("Content block not found", "network.stream_truncated"),
    ("Content block already closed", "network.stream_truncated"),
    ("Stream event unreadable", "network.stream_truncated"),
    ("Connection lost before a response was produced", "network.stream_truncated"),
    ("API Error: Request rejected (429) · this may be a temporary capacity issue", "provider.rate_limited_unspecified"),
    ("You've hit your session limit · resets 3:45pm", "limit.usage_limit_reached"),
    ("You've hit your Opus limit", "limit.usage_limit_reached"),
    ("You've hit your monthly spend limit · raise it at claude.ai/settings/usage", "limit.spend_limit_reached"),
    ("You've hit your individual spend limit · ask your admin to raise it", "limit.spend_limit_reached"),
    ("Claude usage limit reached", "limit.usage_limit_reached"),
    ("5-hour limit reached", "limit.usage_limit_reached"),
    ("API Error: Usage credits required for 1M context · run /usage-credits", "account.long_context_not_enabled"),
    ("Not logged in · Please run /login", "account.missing_credentials"),
    ("Authentication required · Sign in again to continue", "account.missing_credentials"),
    ("Could not resolve authentication method. Expected one of apiKey, authToken", "account.missing_credentials"),
    ("Invalid API key · Fix external API key", "account.invalid_api_key"),
    ("OAuth token revoked · Please run /login", "account.oauth_revoked"),
    ("Failed to authenticate: OAuth token revoked", "account.oauth_revoked"),
    ("OAuth token has expired · Please run /login", "account.oauth_expired"),
    ("Login expired · Please run /login", "account.oauth_expired"),
    ("Failed to authenticate: OAuth session expired and could not be refreshed", "account.oauth_expired"),
    ("Please run /login · API Error: 401 Invalid authentication credentials",
     "account.invalid_credentials_unspecified"),
    ("Your ANTHROPIC_API_KEY belongs to a disabled organization", "account.org_disabled"),
    ("Your account is on hold and can't use Claude Code.", "account.org_disabled"),
    ("Your organization has disabled Claude subscription access", "account.oauth_not_allowed"),
    ("Unable to connect to API. Check your internet connection", "network.connection_failed_unspecified"),
    ("Connection refused — a firewall or proxy may be blocking it (ECONNREFUSED)", "network.connection_refused"),
    ("Can't reach the API server — check your internet or DNS (FailedToOpenSocket)", "network.dns_failure"),
    ("No internet route — check your connection or VPN (EHOSTUNREACH)", "network.connect_timeout"),
    ("Couldn't connect through your proxy (ERR_PROXY_TUNNEL) — the proxy refused the tunnel", "network.proxy_failed"),
    ("Connection dropped (ECONNRESET)", "network.connection_reset"),
    ("Socket is closed", "network.connection_reset"),
    ("Unable to connect to API (ECONNREFUSED)", "network.connection_refused"),
    ("SSL certificate verification failed (UNABLE_TO_GET_ISSUER_CERT_LOCALLY)", "network.tls_untrusted_ca"),
    ("Self-signed certificate detected (SELF_SIGNED_CERT_IN_CHAIN)", "network.tls_untrusted_ca"),
    ("Unable to connect to API: SSL certificate has expired", "network.tls_expired"),
    ("Unable to connect to API: SSL certificate hostname mismatch", "network.tls_other"),
    ("Failed to connect to api.anthropic.com: ENOTFOUND", "network.dns_failure"),
    ("API returned an empty or malformed response (HTTP 200) — check for a proxy", "gateway.unexpected_response"),
    ("Streaming response ended before any complete data was received.", "gateway.unexpected_response"),
    ("Prompt is too long", "request.context_too_long"),
    ("Context limit reached · /compact or /clear to continue", "request.context_too_long"),
    ("Input is too long for requested model.", "request.context_too_long"),
    ("Request too large (max 32MB).", "request.request_too_large"),
    ("API Error: 400 Unexpected value(s) for the `anthropic-beta` header", "request.beta_header_invalid"),
    ("There's an issue with the selected model (claude-x). It may not exist", "request.model_not_found"),
    ("API Error: 400 due to tool use concurrency issues", "request.tool_result_mismatch"),
    ("max_tokens must be greater than thinking.budget_tokens", "request.thinking_config_invalid"),
    ("thinking.type.enabled is not supported for this model", "request.thinking_config_invalid"),
    ("API Error: Output blocked by content filtering policy", "request.content_filtered"),
    ("It appears to violate our Usage Policy", "request.policy_refusal"),
    ("claude-x's safeguards flagged this message", "request.policy_refusal"),
    ("Agent terminated early due to an API error: Overloaded", "provider.overloaded"),
    ("Claude Code process exited with code 1", "machine.local_runtime"),
    ("AWS credentials expired or invalid", "account.cloud_credentials"),
    ("Google Cloud credentials expired or invalid", "account.cloud_credentials"),
    ("Could not load the default credentials", "account.cloud_credentials"),
    ("all upstreams failed (3 attempted)", "gateway.gateway_error"),
    ("upstream rate limit exceeded", "gateway.gateway_error"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "code"), CLAUDE_CODE)
def test_the_texts_of_claude_code(text, code):
    """What a person sees there is enough to name the cause."""
    assert explain(text).cause == code


def test_the_innermost_error_wins_over_its_wrappers():
    """A vendor's body in a cloud's body in a client's line is the vendor's."""
    inner = json.dumps(
        {"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 > 8"}}
    )
    text = "API Error: 400 " + json.dumps(
        {"error": {"code": 400, "message": inner, "status": "INVALID_ARGUMENT"}}
    )
    assert explain(text).cause == "request.context_too_long"


def test_the_message_wins_over_the_status_and_the_status_over_the_name():
    """A relay's 500 with a limit's words is the limit; a library's class says least."""
    assert (
        explain("API Error: 500 You have reached your specified API usage limits").cause
        == "limit.spend_limit_reached"
    )
    assert explain("anthropic.InternalServerError: Error code: 502").cause == "provider.bad_gateway"


def test_the_run_that_repeats_decides_else_the_last():
    """One timeout among many refusals is not the cause; after one refusal another state is."""
    line = "API Error (529 Overloaded) · Retrying in {} seconds… (attempt {}/10)\n"
    timeout = "API Error (Request timed out.) · Retrying in 9 seconds… (attempt 9/10)\n"
    many = explain("".join(line.format(n, n) for n in range(1, 8)) + timeout)
    assert many.cause == "provider.overloaded"
    assert "network.client_timeout" in many.also
    assert many.counts == (("provider.overloaded", 7), ("network.client_timeout", 1))
    assert explain(line.format(1, 1) + "API Error: OAuth token has expired").cause == "account.oauth_expired"


TYPED = '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_%d"}'
SHAPES = [
    "{said}",
    "attempt {n}: {said}",
    "attempt {n} {said}",
    "Attempt {n}/10 failed: {said}",
    "[{n}] retry {n}: {said}",
    "2026-11-21T10:00:0{n}.5Z [ERROR] {said}",
    "10:00:0{n} ERROR {said}",
    '{{"ts": {n}, "error": "{said}"}}',
    "⎿ {said} · Retrying in {n} seconds… (attempt {n}/10)",
    "⎿ {said}\n  · Retrying in {n} seconds…\n  (attempt {n}/10)",
    "{said}\n    at async request (file:///app/client.js:{n}:7)",
]
"""How a retry loop's errors are written, a line or a few each."""


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("overloaded", ["529 Overloaded", "API Error: 529 Overloaded"])
def test_all_errors_of_a_retry_loop_are_counted_and_the_run_decides(shape, overloaded):
    """Three refusals for lack of capacity and two timeouts: the refusals' cause, with the timeouts beside it."""
    loop = [overloaded] * 3 + ["Request timed out"] * 2
    for text in ("\n", "\r\n", "\n\n"):
        text = text.join(shape.format(n=n, said=said) for n, said in enumerate(loop, 1))
        found = explain(text)
        assert found.counts == (("provider.overloaded", 3), ("network.client_timeout", 2))
        assert found.cause == found.first == "provider.overloaded"
        assert "network.client_timeout" in found.also


def test_lines_of_json_are_errors_of_their_own():
    """Whole bodies with their request ids, and a log's own objects."""
    lines = [TYPED % n for n in range(4)] + ['{"ts":7,"error":"connect ETIMEDOUT api.anthropic.com:443"}'] * 2
    found = explain("\n".join(lines))
    assert found.counts == (("provider.overloaded", 4), ("network.connect_timeout", 2))
    assert found.cause == "provider.overloaded"


def test_every_kind_of_error_in_a_loop_is_counted():
    """Also those that come once, and hundreds of one kind."""
    loop = (
        ["API Error: 529 Overloaded"] * 8 + ["Request timed out"] * 2 + ["API Error: 401 invalid x-api-key"]
    )
    found = explain("".join(f"attempt {n} {said}\n" for n, said in enumerate(loop, 1)))
    assert dict(found.counts) == {
        "provider.overloaded": 8,
        "network.client_timeout": 2,
        "account.invalid_api_key": 1,
    }
    many = explain("".join(f"attempt {n}: API Error: 529 Overloaded\n" for n in range(1, 900)))
    assert many.counts == (("provider.overloaded", 899),)


def test_the_order_of_what_passes_by_itself_does_not_matter_but_a_tie_goes_to_the_last():
    """Two refusals, then a timeout: the refusals. As many of both: the last state."""
    assert explain("529 Overloaded\n529 Overloaded\nRequest timed out\n").cause == "provider.overloaded"
    assert explain("529 Overloaded\nRequest timed out\n" * 2).cause == "network.client_timeout"
    mixed = explain("529 Overloaded\nRequest timed out\n" * 2 + "529 Overloaded\n")
    assert mixed.counts == (("network.client_timeout", 2), ("provider.overloaded", 3))
    assert mixed.first == "provider.overloaded"


def test_an_error_of_several_lines_is_one():
    """A stack, a chain of exceptions, and a body that is broken into lines are not several errors."""
    chain = (
        'Traceback (most recent call last):\n  File "a.py", line 3\nhttpcore.ReadTimeout\n\n'
        'Traceback (most recent call last):\n  File "a.py", line 9\nhttpx.ReadTimeout\n\n'
        "Traceback (most recent call last):\nanthropic.APITimeoutError: Request timed out.\n"
    )
    assert explain(chain).cause == "network.client_timeout"
    assert explain(chain).counts == ()
    body = OVERLOADED.replace(",", ",\n  ")
    assert explain(body).counts == ()
    assert explain(f"{body}\n{body}").counts == (("provider.overloaded", 2),)
    fetch = (
        "API Error (Connection error.) · Retrying in {n} s… (attempt {n}/9)\n    TypeError (fetch failed)\n"
    )
    counts = explain("".join(fetch.format(n=n) for n in range(1, 5))).counts
    assert sum(count for _, count in counts) == 4


def test_a_bare_transport_error_may_be_anybodys():
    """Without a host it keeps its name, and that it may have nothing to do with Claude is said."""
    bare = explain("read ECONNRESET")
    assert bare.cause == "network.connection_reset"
    assert UNRELATED in bare.also
    assert bare.confidence is Confidence.POSSIBLE
    ours = explain("read ECONNRESET api.anthropic.com")
    assert UNRELATED not in ours.also


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("connect ECONNREFUSED 127.0.0.1:5432", UNRELATED),
        ("Error: connect ETIMEDOUT db.example.com:443", UNRELATED),
        ("openai.APIConnectionError: Connection error.", OTHER_VENDOR),
        ("gemini-2.5-pro: 503 Service Unavailable", OTHER_VENDOR),
        ("Ollama: model overloaded", OTHER_VENDOR),
        ("Error: EMFILE: too many open files, watch '/srv/app'", UNRELATED),
    ],
)
def test_what_is_no_claude_call_is_never_claimed(text, code):
    """The same words beside another vendor's or another trade's names are theirs."""
    assert explain(text).cause == code


def test_two_causes_of_the_same_words_are_both_named_with_what_tells_them_apart():
    """The sentence serves a throttle and a plan's limit alike."""
    found = explain("API Error: 429 This request would exceed your account's rate limit.")
    assert found.cause == "provider.rate_limited_unspecified"
    assert "limit.usage_limit_reached" in found.also
    assert found.apart


@pytest.mark.parametrize(
    "text", ["", "   \n", "hello", "The weather is fine today.", '{"type":"message","content":[]}']
)
def test_no_cause_is_made_up(text):
    """What says nothing of an error is not known."""
    found = explain(text)
    assert found.cause == "unknown.unknown"
    assert found.confidence is Confidence.UNKNOWN


def test_an_unknown_text_gets_its_neighbours_and_a_question():
    """Not known is said with what would decide."""
    facts = read("API Error: the certificate of the flux was denied by claude")
    assert explain(facts.flat).cause == "unknown.unknown"
    near = nearest(facts)
    assert any("certificate" in words for _, words in near)
    assert all(code in codes() for code, _ in near)
    assert "?" in question(facts)
    assert "no cause" in unknown_title(facts)
    assert "answer" in unknown_title(read('{"type":"message","stop_reason":"end_turn"}'))


@pytest.mark.parametrize("seed", range(6))
def test_noise_is_near_nothing(seed):
    """Three hundred thousand bytes of it: neither a cause nor a neighbour, and no status that a reader misread."""
    noise = random.Random(seed).randbytes(300_000).decode("utf-8", "replace")
    found = explain(noise)
    assert found.cause == "unknown.unknown"
    assert nearest(found.facts) == []
    assert explain("no v1 of this").cause == "unknown.unknown"
    assert nearest(read("no v1 of this")) == []


WRAPPED = [
    OVERLOADED.replace(" ", "\n     "),
    OVERLOADED.replace("overloaded_error", "overloa\n    ded_error"),
    OVERLOADED.replace('"', "\\\""),
    OVERLOADED.replace('"', "\\\\\\\""),
    OVERLOADED.replace('"', "“"),
    OVERLOADED.replace("{", "%7B").replace('"', "%22").replace(" ", "%20"),
    "\n".join(f"{n:4} | {part}" for n, part in enumerate(OVERLOADED.split(" "))),
    "│ " + OVERLOADED.replace(" ", " │\n│ ") + " │",
    "\x1b[31m⎿ " + OVERLOADED + "\x1b[0m",
    "\x00".join(OVERLOADED),
    OVERLOADED.replace("\n", "\r\n") + "\r\n",
    OVERLOADED[:60],
    "&quot;".join(OVERLOADED.split('"')),
    "> " + OVERLOADED,
    "APl Errar: 5Z9 over1oad",
]  # fmt: skip


@pytest.mark.parametrize("text", WRAPPED)
def test_what_copying_does_to_a_text_does_not_matter(text):
    """Wrapped, escaped, quoted, numbered, framed, coloured, cut off or misread: the same error."""
    assert explain(text).cause == "provider.overloaded"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400))
def test_no_text_is_too_strange(text):
    """Whatever it is, the answer is a code of the catalogue."""
    assert explain(text).cause in codes()


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_noise_around_an_error_does_not_hide_it(before, after):
    """Only another error's own words could."""
    known = explain(before + "\n" + after)
    if known.cause.startswith(("unknown.", "unrelated.")):
        assert explain(f"{before}\n{OVERLOADED}\n{after}").cause == "provider.overloaded"


@pytest.mark.parametrize(
    "piece", ["{", '{"error":"', "a", "a.", "529 ", "api error: ", "\\", "\x1b[", "at x (", "&", "%22", "│\n"]
)
def test_hostile_repetition_is_answered(piece):
    """A quarter of a million characters of anything end like any other text: every pattern is linear."""
    assert explain(piece * (260_000 // len(piece))).cause in codes()


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("rate_limit", "provider.rate_limited_unspecified"),
        ("overloaded", "provider.overloaded"),
        ("authentication_failed", "account.invalid_credentials_unspecified"),
        ("oauth_org_not_allowed", "account.oauth_not_allowed"),
        ("billing_error", "account.credit_exhausted"),
        ("invalid_request", "request.parameter_invalid"),
        ("model_not_found", "request.model_not_found"),
        ("server_error", "provider.internal_server_error"),
        ("max_output_tokens", "request.output_limit_exceeded"),
        ("unknown", "unknown.unknown"),
        ("a_kind_of_next_year", "unknown.unknown"),
    ],
)
def test_a_bare_hook_of_claude_code_leads_to_the_cause_of_its_kind(kind, cause):
    """However it is written; with the folder of a work on another vendor beside it."""
    hook = {
        "session_id": "8c1",
        "cwd": "/home/lee/gemini-bot",
        "hook_event_name": "StopFailure",
        "error": kind,
    }
    assert explain(json.dumps(hook)).cause == cause
    assert explain(json.dumps({"hook_event_name": "StopFailure", "error": kind}, indent=2)).cause == cause
    assert explain(f"[hook] StopFailure input: {json.dumps(json.dumps(hook))}").cause == cause


@pytest.mark.parametrize(
    ("kind", "shown", "cause"),
    [
        ("rate_limit", "You've hit your weekly limit · resets Mon 9am", "limit.usage_limit_reached"),
        ("server_error", "API Error: 529 Overloaded", "provider.overloaded"),
        ("server_error", "API Error: Service Unavailable", "provider.service_unavailable"),
        ("authentication_failed", "Not logged in · Please run /login", "account.missing_credentials"),
        ("invalid_request", "Prompt is too long", "request.context_too_long"),
        ("unknown", "API Error: Connection error.", "network.connection_failed_unspecified"),
    ],
)
def test_the_message_of_a_hook_wins_over_its_kind(kind, shown, cause):
    """In whatever field it stands."""
    hook = {"hook_event_name": "StopFailure", "error": kind}
    assert explain(json.dumps(hook | {"last_assistant_message": shown})).cause == cause
    assert explain(json.dumps({"error_details": shown} | hook)).cause == cause


def test_a_kind_that_stands_for_several_causes_says_so():
    """With what tells them apart, unless the message has told already."""
    hook = {"hook_event_name": "StopFailure", "error": "rate_limit"}
    bare = explain(json.dumps(hook))
    assert bare.confidence is Confidence.POSSIBLE
    assert "limit.usage_limit_reached" in bare.also
    assert bare.apart
    said = explain(json.dumps(hook | {"last_assistant_message": "Server is temporarily limiting requests"}))
    assert (said.cause, said.confidence) == ("provider.rate_limited_unspecified", Confidence.CERTAIN)
    assert not said.apart


@pytest.mark.parametrize(
    ("text", "beside"),
    [
        ("Request timed out.", "API Error: Request timed out."),
        ("Invalid API key", "Invalid API key · claude"),
        ("Session expired. Please log in again.", "Claude Code: session expired. Please log in again."),
        ("overloaded", "opus is overloaded"),
    ],
)
def test_words_that_everybody_has_are_only_possible_without_a_sign_of_claude(text, beside):
    """The same cause, less sure, and it may be about nothing of Claude at all."""
    bare, shown = explain(text), explain(beside)
    assert bare.cause == shown.cause
    assert bare.confidence is Confidence.POSSIBLE
    assert UNRELATED in bare.also
    assert shown.confidence in (Confidence.CERTAIN, Confidence.LIKELY)
