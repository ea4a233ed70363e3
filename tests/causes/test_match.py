"""Structured evidence and the code it is given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.causes.cause import codes
from seawall.causes.evidence import Body, Evidence, Fault, Phase
from seawall.causes.match import match


def seen(status, type_=None, message=None, **more):
    more.setdefault("body", Body.JSON if type_ else Body.EMPTY)
    return Evidence(phase=Phase.HEAD, status=status, error_type=type_, message=message, **more)


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        (seen(400, "invalid_request_error"), "request.parameter_invalid"),
        (seen(400, "invalid_request_error", "You have reached your API usage limits"), "limit.spend_limit_reached"),
        (seen(400, "invalid_request_error", "Your credit balance is too low to access"), "account.credit_exhausted"),
        (seen(401, "authentication_error"), "account.invalid_credentials_unspecified"),
        (seen(402, "billing_error"), "account.credit_exhausted"),
        (seen(403, "permission_error"), "account.permission_denied"),
        (seen(404, "not_found_error"), "request.endpoint_not_found"),
        (seen(404, "not_found_error", "model: claude-nothing"), "request.model_not_found"),
        (seen(408), "provider.gateway_timeout"),
        (seen(409, "conflict_error"), "request.conflict"),
        (seen(413, "request_too_large"), "request.request_too_large"),
        (seen(413, body=Body.HTML), "request.request_too_large"),
        (seen(422), "request.parameter_invalid"),
        (seen(429, "rate_limit_error"), "provider.rate_limited_unspecified"),
        (seen(500, "api_error"), "provider.internal_server_error"),
        (seen(501), "provider.internal_server_error"),
        (seen(502), "provider.bad_gateway"),
        (seen(503, "api_error"), "provider.service_unavailable"),
        (seen(503, "overloaded_error", should_retry=False), "provider.overloaded"),
        (seen(504, "timeout_error"), "provider.gateway_timeout"),
        (seen(529, "overloaded_error"), "provider.overloaded"),
        (seen(529), "provider.overloaded"),
    ],
)  # fmt: skip
def test_each_status_and_type_of_the_api(evidence, code):
    """The table of the API's errors, row by row."""
    assert match(evidence) == code


@pytest.mark.parametrize(
    ("status", "error_code", "code"),
    [
        (429, "enforced_spend_limit_reached", "limit.spend_limit_reached"),
        (429, "contract_spend_limit_reached", "limit.spend_limit_reached"),
        (429, "ramp_limit_exceeded", "limit.rate_limited_acceleration"),
        (402, "linked_organization_billing_unavailable", "account.credit_exhausted"),
        (402, "linked_organization_spend_limit_reached", "limit.spend_limit_reached"),
        (400, "organization_on_hold", "account.org_disabled"),
        (400, "claude_code_version_too_old", "machine.old_client"),
        (400, "claude_code_key_creator_not_member", "account.permission_denied"),
        (400, "request_body_encoding_invalid", "request.parameter_invalid"),
        (400, "request_body_timeout", "network.client_timeout"),
        (413, "request_body_too_large_after_decoding", "request.request_too_large"),
        (400, "cmek_key_disabled", "account.permission_denied"),
        (503, "cmek_context_unavailable", "provider.service_unavailable"),
        (503, "cmek_key_unreachable", "provider.service_unavailable"),
        (529, "compaction_unavailable", "provider.overloaded"),
        (400, "thread_continue_in_flight", "request.conflict"),
        (400, "tool_name_conflict", "request.tool_schema_invalid"),
        (403, "sandbox_egress_restricted", "network.blocked"),
        (400, "a_code_of_tomorrow", "request.parameter_invalid"),
    ],
)
def test_each_error_code(status, error_code, code):
    """The stable machine code decides; one that is not known is treated as its bare type."""
    type_ = "invalid_request_error" if status == 400 else None
    assert match(seen(status, type_, error_code=error_code)) == code


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"limits_rejected": True, "retry_after": 60.0}, "limit.usage_limit_reached"),
        ({"limits_rejected": True, "bucket_empty": "requests"}, "limit.usage_limit_reached"),
        ({"bucket_empty": "requests", "retry_after": 2.0}, "limit.rate_limited_requests"),
        ({"bucket_empty": "input-tokens", "retry_after": 2.0}, "limit.rate_limited_tokens"),
        ({"bucket_empty": "output-tokens"}, "limit.rate_limited_tokens"),
        ({"bucket_empty": "tokens", "retry_after": 2.0}, "limit.rate_limited_tokens"),
        ({"retry_after": 2.0}, "limit.rate_limited_acceleration"),
        ({"retry_after": 2.0, "has_buckets": True}, "limit.rate_limited_acceleration"),
        ({"retry_after": 2.0, "has_buckets": False}, "provider.rate_limited_unspecified"),
        ({}, "provider.rate_limited_unspecified"),
        ({"error_code": "enforced_spend_limit_reached", "retry_after": 2.0}, "limit.spend_limit_reached"),
    ],
)
def test_the_families_of_429(more, code):
    """Plan, bucket, sharp rise, throttle and money are told apart by headers and code."""
    assert match(seen(429, "rate_limit_error", **more)) == code


@pytest.mark.parametrize("status", [200, 400, 404, 429, 500, 502, 503, 529])
def test_overloaded_wins_over_any_status(status):
    """Relays put other numbers on it; the type is the service's own word."""
    assert match(seen(status, "overloaded_error", "Overloaded")) == "provider.overloaded"


@pytest.mark.parametrize("status", [520, 521, 522, 523, 524, 525, 526, 527])
def test_the_edge_networks_numbers(status):
    """520 to 527 are the edge's, about the servers behind it."""
    assert match(seen(status, body=Body.HTML, from_edge=True)) == "provider.cdn_origin_error"


IN_FLIGHT = (Phase.HEAD, Phase.BODY, Phase.CONTENT)
BEFORE = (Phase.CONNECT, Phase.SENDING, Phase.SENT)


@pytest.mark.parametrize(
    ("fault", "before", "after"),
    [
        (Fault.DNS_FAILURE, "network.dns_failure", None),
        (Fault.DNS_TEMPORARY, "network.dns_temporary", None),
        (Fault.CONNECTION_REFUSED, "network.connection_refused", None),
        (Fault.CONNECTION_RESET, "network.connection_reset", "network.stream_truncated"),
        (Fault.CONNECTION_CLOSED, "network.connection_reset", "network.stream_truncated"),
        (Fault.CONNECT_TIMEOUT, "network.connect_timeout", None),
        (Fault.UNREACHABLE, "network.connect_timeout", None),
        (Fault.FIRST_BYTE_TIMEOUT, "network.client_timeout", "network.stream_idle_timeout"),
        (Fault.IDLE_TIMEOUT, "network.client_timeout", "network.stream_idle_timeout"),
        (Fault.TLS_UNTRUSTED_CA, "network.tls_untrusted_ca", None),
        (Fault.TLS_EXPIRED, "network.tls_expired", None),
        (Fault.TLS_OTHER, "network.tls_other", None),
        (Fault.PROXY_AUTH, "network.proxy_auth", None),
        (Fault.PROXY_FAILED, "network.proxy_failed", None),
        (Fault.BAD_ANSWER, "gateway.unexpected_response", "gateway.unexpected_response"),
        (Fault.ASLEEP, "network.asleep", "network.asleep"),
    ],
)
def test_each_fault_in_each_phase(fault, before, after):
    """What broke and how far the attempt had come give the cause."""
    for phase in BEFORE:
        assert match(Evidence(phase=phase, fault=fault)) == before
    for phase in IN_FLIGHT if after else ():
        assert match(Evidence(phase=phase, status=200, fault=fault, body=Body.STREAM)) == after


def test_every_fault_is_in_the_table():
    """A fault that is added gets a cause."""
    for fault in Fault:
        assert match(Evidence(phase=Phase.SENT, fault=fault)) != "unknown.unknown"


@pytest.mark.parametrize("body", [Body.HTML, Body.EMPTY, Body.NONE, Body.TEXT, Body.JSON, Body.ENCODED])
def test_a_success_that_is_no_answer(body):
    """200 with anything but an answer of the API came from something else."""
    assert match(Evidence(phase=Phase.BODY, status=200, body=body)) == "gateway.unexpected_response"


@pytest.mark.parametrize(
    ("type_", "code"),
    [
        ("overloaded_error", "provider.overloaded"),
        ("api_error", "provider.internal_server_error"),
        ("timeout_error", "provider.gateway_timeout"),
        ("rate_limit_error", "provider.rate_limited_unspecified"),
        ("invalid_request_error", "request.parameter_invalid"),
        ("authentication_error", "account.invalid_credentials_unspecified"),
        ("permission_error", "account.permission_denied"),
        ("a_type_of_tomorrow", "provider.internal_server_error"),
        (None, "provider.internal_server_error"),
    ],
)
def test_an_error_event_means_what_its_status_would(type_, code):
    """Inside a stream the same vocabulary holds."""
    evidence = Evidence(phase=Phase.BODY, status=200, body=Body.STREAM, in_stream=True, error_type=type_)
    assert match(evidence) == code


def test_a_status_of_failure_beats_a_fault_after_it():
    """The head said what was wrong; that its body was cut adds nothing."""
    evidence = Evidence(phase=Phase.BODY, status=503, fault=Fault.CONNECTION_RESET, body=Body.CUT)
    assert match(evidence) == "provider.service_unavailable"


def test_typographic_signs_and_wrapping_do_not_hide_a_message():
    """Relays reflow and prettify the words."""
    said = "Your credit\n   balance is\ttoo LOW to access"
    assert match(seen(400, "invalid_request_error", said)) == "account.credit_exhausted"


def test_parts_of_a_phrase_must_stand_in_order():
    """`input length * max_tokens * exceed context limit` is not the same words in another order."""
    assert (
        match(seen(400, None, "exceed context limit: max_tokens input length")) == "request.parameter_invalid"
    )


any_word = st.one_of(
    st.none(), st.text(max_size=60), st.sampled_from(["overloaded_error", "api_error", "forbidden"])
)
any_evidence = st.builds(
    Evidence,
    phase=st.sampled_from(Phase),
    status=st.one_of(st.none(), st.integers(-1, 1000), st.sampled_from([200, 302, 401, 403, 429, 503])),
    fault=st.one_of(st.none(), st.sampled_from(Fault)),
    body=st.sampled_from(Body),
    error_type=any_word,
    error_code=any_word,
    message=st.one_of(st.none(), st.text(max_size=300)),
    in_stream=st.booleans(),
    retry_after=st.one_of(st.none(), st.floats(allow_nan=True)),
    should_retry=st.one_of(st.none(), st.booleans()),
    limits_rejected=st.booleans(),
    bucket_empty=any_word,
    request_id=any_word,
    from_edge=st.booleans(),
    from_seawall=st.booleans(),
    has_buckets=st.one_of(st.none(), st.booleans()),
)
CODES = frozenset(codes())


@given(any_evidence)
def test_any_evidence_has_a_code(evidence):
    """Matching never fails and never invents a code."""
    assert match(evidence) in CODES


@given(any_evidence)
def test_only_429_is_judged_by_its_limits(evidence):
    """Limit headers are on good answers too; they explain nothing but a 429."""
    if (
        evidence.status == 500
        and not evidence.error_type
        and not evidence.error_code
        and not evidence.message
    ):
        assert match(evidence) in ("provider.internal_server_error", "network.stream_truncated")
