"""Keys of other vendors where Claude's should be. All keys here are made up."""

import time

import pytest

from seawall.causes.vendors import VENDORS, another, misplaced
from seawall.causes.verdict import Confidence, explain

BODY = "aB3dE5fG7h" * 4
OPENAI = "sk-proj-" + BODY
CLAUDE = "sk-ant-api03-" + BODY


@pytest.mark.parametrize("prefix", [prefix for prefix, _ in VENDORS])
@pytest.mark.parametrize("rest", [BODY, "***", "..."])
def test_every_published_beginning_is_known(prefix, rest):
    """Whole, or with what somebody left of it."""
    found = misplaced(f'ANTHROPIC_API_KEY="{prefix}{rest}"')
    assert found is not None
    assert prefix.startswith(found[0])


@pytest.mark.parametrize(
    ("text", "prefix", "also"),
    [
        (f"ERROR 401 ANTHROPIC_API_KEY={OPENAI} invalid x-api-key", "sk-proj-", ("account.invalid_api_key",)),
        (f"x-api-key: {OPENAI} 401", "sk-proj-", ()),
        (f"401 invalid x-api-key\nkey: {OPENAI}", "sk-proj-", ("account.invalid_api_key",)),
        (f"curl -H 'x-api-key: AIzaSy{BODY}' -> invalid x-api-key", "AIza", ("account.invalid_api_key",)),
        (
            "API Error: 401 invalid x-api-key ANTHROPIC_AUTH_TOKEN=gsk_***",
            "gsk_",
            ("account.invalid_api_key",),
        ),
        (f"API Error: 401 ANTHROPIC_API_KEY={OPENAI}", "sk-proj-", ("gateway.gateway_auth",)),
        (f"API Error: 401 invalid x-api-key, it is sk-{BODY}", "sk-", ("account.invalid_api_key",)),
    ],
)
def test_a_refused_key_of_another_vendor_is_that(text, prefix, also):
    """Its prefix is the evidence, and no more of it than that."""
    found = explain(text)
    assert found.cause == "account.wrong_vendor"
    assert found.confidence is Confidence.CERTAIN
    assert found.also == also
    assert found.evidence is not None
    assert f"begins with {prefix}***" in found.evidence
    assert BODY[:6] not in found.evidence


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (f"OPENAI_API_KEY={OPENAI}\nAPI Error: 401 invalid x-api-key", "account.invalid_api_key"),
        (f"ANTHROPIC_API_KEY={CLAUDE} API Error: 401 invalid x-api-key {OPENAI}", "account.invalid_api_key"),
        (f"ANTHROPIC_API_KEY={CLAUDE} API Error: 401 invalid x-api-key", "account.invalid_api_key"),
        (f"API Error: 529 Overloaded ANTHROPIC_API_KEY={OPENAI}", "provider.overloaded"),
        (f"openai.AuthenticationError: Error code: 401 - {OPENAI}", "unrelated.unrelated_other_vendor"),
        (
            f"ANTHROPIC_BASE_URL=https://relay.example ANTHROPIC_API_KEY={OPENAI} API Error: 401",
            "gateway.gateway_auth",
        ),
    ],
)
def test_a_key_that_is_not_in_the_place_of_claudes_decides_nothing(text, cause):
    """Another variable's, one beside a Claude key, one beside an error of another kind, one of a gateway."""
    assert explain(text).cause == cause
    assert explain(text).evidence is None


@pytest.mark.parametrize(
    "piece", ["sk-", "x-api-key: ", "AIza", "a_key=sk-proj-*** ", "ANTHROPIC_API_KEY=sk-proj-"]
)
def test_long_texts_take_a_moment(piece):
    """A quarter of a million characters; three seconds leave room for a busy machine."""
    text = piece * (260_000 // len(piece))
    began = time.process_time()
    misplaced(text)
    another(text)
    assert time.process_time() - began < 3
