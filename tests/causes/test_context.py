"""Whose text it is."""

import pytest

from seawall.causes.context import Context, ours
from seawall.causes.extract import read


def about(text):
    return Context(read(text))


@pytest.mark.parametrize(
    "text",
    [
        "API Error: 500",
        "API Error (Connection error.)",
        "anthropic.APIError",
        "model claude-x",
        "sonnet failed",
        "file /$bunfs/root:cli.js:12",
        '{"type":"error","error":{}}',
        "invalid x-api-key",
        "529",
        "InvokeModel",
    ],
)
def test_signs_of_a_claude_call(text):
    """Its client's, its envelope's, its names."""
    assert about(text).claude


@pytest.mark.parametrize(
    "text", ["error", "[API Error: {", "the apis are down", "my api error handling", "status 500"]
)
def test_what_shows_no_claude_call(text):
    """Common words do not."""
    assert not about(text).claude


@pytest.mark.parametrize(
    "text",
    ["openai.RateLimitError", "model gpt-4o-mini", "gemini-2.5-pro", "ollama", "deepseek-chat", "metagpt.openai_api",
     '{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED"}}'],
)  # fmt: skip
def test_signs_of_another_vendor(text):
    """Names, models, and Google's envelope."""
    assert about(text).other


@pytest.mark.parametrize(
    "text", ["error 500", "API Error: 429", '{"type":"error","error":{"type":"api_error"}}']
)
def test_what_is_no_other_vendors(text):
    """Our own shapes are not."""
    assert not about(text).other


@pytest.mark.parametrize(
    "text",
    [
        "psycopg2",
        "connect 127.0.0.1:5432",
        "https://files.example.com/x",
        "at async load (/srv/app/page.js:1)",
    ],
)
def test_signs_of_another_program(text):
    """Its trade, its host, its own lines."""
    assert about(text).foreign


@pytest.mark.parametrize(
    "text",
    ["read ECONNRESET", "127.0.0.1:8787", "https://api.anthropic.com", "at connect (node:internal/net:12)"],
)
def test_what_may_be_ours(text):
    """Bare errors, local addresses, the API, the engine's lines."""
    assert not about(text).foreign


def test_hosts_of_ours():
    """Where Claude calls may go to."""
    assert ours("api.anthropic.com")
    assert ours("bedrock-runtime.us-east-1.amazonaws.com")
    assert not ours("relay.example.com")


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("API Error: 400 from gpt-5", False),
        ("claude-code: failed", False),
        ("model claude-3-5-haiku", True),
        ("anthropic.APIError", True),
    ],
)
def test_a_client_is_not_yet_the_service(text, service):
    """Claude Code can speak to other vendors through a relay."""
    assert about(text).claude
    assert about(text).service is service
