"""Failures are classified in one place: cause, hold, and whether it may have been carried out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.causes.cause import Hold, lookup
from seawall.causes.evidence import Body, Evidence, Fault, Phase
from seawall.policy.outcome import classify, is_ambiguous


def head(status: int, **more: object) -> Evidence:
    return Evidence(Phase.BODY, status=status, body=Body.JSON, **more)  # type: ignore[arg-type]


TABLE = [
    (head(529, error_type="overloaded_error"), "provider.overloaded", Hold.YES),
    (head(500, error_type="overloaded_error"), "provider.overloaded", Hold.YES),
    (head(200, error_type="overloaded_error", in_stream=True), "provider.overloaded", Hold.YES),
    (head(500, error_type="api_error"), "provider.internal_server_error", Hold.YES),
    (head(502), "provider.bad_gateway", Hold.YES),
    (head(503), "provider.service_unavailable", Hold.YES),
    (head(504), "provider.gateway_timeout", Hold.YES),
    (head(520), "provider.cdn_origin_error", Hold.YES),
    (head(503, should_retry=False), "provider.service_unavailable", Hold.NO),
    (head(429, retry_after=3.0, bucket_empty="input-tokens"), "limit.rate_limited_tokens", Hold.UNTIL),
    (head(429, retry_after=3.0, bucket_empty="requests"), "limit.rate_limited_requests", Hold.UNTIL),
    (head(429), "provider.rate_limited_unspecified", Hold.YES),
    (head(429, limits_rejected=True, retry_after=3.0), "limit.usage_limit_reached", Hold.NO),
    (head(429, error_code="enforced_spend_limit_reached"), "limit.spend_limit_reached", Hold.NO),
    (head(401, error_type="authentication_error"), None, Hold.NO),
    (head(400, error_type="invalid_request_error"), None, Hold.NO),
    (head(403), None, Hold.NO),
    (head(404), None, Hold.NO),
    (head(413), "request.request_too_large", Hold.NO),
    (head(301), None, Hold.NO),
    (head(400, error_code="request_body_timeout"), "network.client_timeout", Hold.NO),
    (head(401, error_type="overloaded_error"), "provider.overloaded", Hold.NO),
    (Evidence(Phase.CONNECT, fault=Fault.CONNECTION_REFUSED), "network.connection_refused", Hold.YES),
    (Evidence(Phase.CONNECT, fault=Fault.DNS_FAILURE), "network.dns_failure", Hold.YES),
    (Evidence(Phase.SENT, fault=Fault.CONNECTION_RESET), "network.connection_reset", Hold.YES),
    (Evidence(Phase.CONNECT, fault=Fault.CONNECT_TIMEOUT), "network.connect_timeout", Hold.YES),
    (
        Evidence(Phase.BODY, status=200, fault=Fault.CONNECTION_CLOSED, body=Body.STREAM),
        "network.stream_truncated",
        Hold.YES,
    ),
    (Evidence(Phase.BODY, status=200, body=Body.HTML), "gateway.unexpected_response", Hold.YES),
]


@pytest.mark.parametrize(("evidence", "cause", "hold"), TABLE)
def test_table(evidence: Evidence, cause: str | None, hold: Hold) -> None:
    """Each kind of failure has its cause and its hold (rules 3 and 7)."""
    outcome = classify(evidence)
    assert cause in (None, outcome.cause)
    assert outcome.hold is hold
    assert lookup(outcome.cause).code == outcome.cause


def test_a_throttle_is_told_from_a_limit() -> None:
    """A 429 without a stated time is a throttle; with one it waits until then."""
    assert classify(head(429)).throttle
    limited = classify(head(429, retry_after=7.0))
    assert (limited.throttle, limited.retry_after) == (False, 7.0)


@pytest.mark.parametrize(
    ("evidence", "ambiguous"),
    [
        (Evidence(Phase.CONNECT, fault=Fault.CONNECTION_REFUSED), False),
        (Evidence(Phase.SENDING, fault=Fault.CONNECTION_RESET), False),
        (Evidence(Phase.SENT, fault=Fault.CONNECTION_RESET), True),
        (Evidence(Phase.SENT, fault=Fault.FIRST_BYTE_TIMEOUT), True),
        (Evidence(Phase.HEAD, status=200, fault=Fault.CONNECTION_CLOSED), True),
        (Evidence(Phase.BODY, status=200, body=Body.HTML), True),
        (Evidence(Phase.BODY, status=200, in_stream=True, error_type="api_error"), False),
        (head(529), False),
        (head(500), False),
    ],
)
def test_what_may_have_been_carried_out(evidence: Evidence, ambiguous: bool) -> None:
    """A verdict of the upstream is never ambiguous; silence after the whole request always is (rule 2)."""
    assert is_ambiguous(evidence) is ambiguous


@given(
    st.builds(
        Evidence,
        phase=st.sampled_from(Phase),
        status=st.none() | st.integers(100, 999),
        fault=st.none() | st.sampled_from(Fault),
        body=st.sampled_from(Body),
        error_type=st.none() | st.text(max_size=20),
        error_code=st.none() | st.text(max_size=20),
        message=st.none() | st.text(max_size=50),
        in_stream=st.booleans(),
        retry_after=st.none() | st.floats(0, 1e7),
        should_retry=st.none() | st.booleans(),
    )
)
def test_every_failure_has_an_outcome(evidence: Evidence) -> None:
    """Whatever was seen, there is a cause from the catalogue."""
    outcome = classify(evidence)
    assert lookup(outcome.cause).code == outcome.cause
    if evidence.should_retry is False:
        assert outcome.hold is Hold.NO
