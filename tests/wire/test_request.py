"""A request's facts are read from its top level, and never from anywhere else."""

import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.wire.request import acts_on_server, decoded, digest, family, read, twin_digest, version

BODY = {
    "tools": [{"name": "t", "input_schema": {"properties": {"model": {"type": "string"}}}}],
    "model": "claude-opus-5-5",
    "stream": True,
    "max_tokens": 128000,
    "metadata": {"user_id": "u1"},
    "messages": [{"role": "user", "content": '{"model": "claude-haiku-5-5"}'}],
}


def body(**changes: object) -> bytes:
    return json.dumps({**BODY, **changes}).encode()


def test_facts() -> None:
    """Family, stream, max_tokens and user come from the top level."""
    facts = read(body(), 999)
    assert (facts.family, facts.streamed) == ("opus", True)
    assert (facts.max_tokens, facts.user, facts.size, facts.readable) == (128000, "u1", 999, True)


@pytest.mark.parametrize(
    "odd",
    [
        {"model": 5},
        {"stream": "yes"},
        {"max_tokens": "many"},
        {"max_tokens": True},
        {"max_tokens": -5},
        {"max_tokens": 10**400},
        {"max_tokens": -(10**400)},
        {"metadata": [1]},
    ],
)
def test_odd_values_are_nothing(odd: dict[str, object]) -> None:
    """A value of a wrong type says nothing; the API will refuse it itself."""
    facts = read(body(**odd), 1)
    assert facts.readable
    key = next(iter(odd))
    seen = {
        "model": facts.family,
        "stream": facts.streamed,
        "max_tokens": facts.max_tokens,
        "metadata": facts.user,
    }
    assert not seen[key]


def test_of_a_very_long_user_the_beginning_is_kept() -> None:
    """A place may be kept for a minute after its call, with the user's name."""
    assert read(body(metadata={"user_id": "u" * 1_000_000}), 1).user == "u" * 256


@given(st.binary(max_size=60))
def test_reading_never_fails(junk: bytes) -> None:
    """Any bytes are a body."""
    read(junk, len(junk))
    twin_digest(junk)
    acts_on_server(junk)


@pytest.mark.parametrize("coding", [b"gzip", b"x-gzip", b"deflate", b"GZIP"])
def test_compressed_bodies_are_read(coding: bytes) -> None:
    """Facts of a compressed request come from its decoded body."""
    packed = zlib.compress(body()) if coding == b"deflate" else gzip.compress(body())
    assert decoded(packed, coding, 1 << 20) == body()


def test_bombs_and_strangers_are_not_decoded() -> None:
    """Decoding is bounded; other codings are forwarded unread."""
    assert decoded(gzip.compress(b" " * 10_000_000), b"gzip", 1 << 20) is None
    assert decoded(b"x", b"br", 1 << 20) is None
    assert decoded(b"x", b"gzip", 1 << 20) is None
    assert decoded(b"x", None, 1) == b"x"


@pytest.mark.parametrize(
    ("changes", "acts"),
    [
        ({}, False),
        ({"tools": [{"type": "custom", "name": "x"}]}, False),
        ({"tools": [{"type": "web_search_20260101", "name": "web_search"}]}, True),
        ({"mcp_servers": [{"url": "https://x"}]}, True),
        ({"mcp_servers": []}, False),
        ({"container": "c1"}, True),
        ({"container": None}, False),
    ],
)
def test_what_acts_on_the_server(changes: dict[str, object], acts: bool) -> None:
    """Server tools, MCP servers and containers must not be run twice."""
    assert acts_on_server(body(**changes)) is acts


def test_twins() -> None:
    """Claude Code's not streamed twin has the same twin digest; another conversation has not."""
    twin = body(stream=False, max_tokens=64000, temperature=1)
    assert twin_digest(body()) == twin_digest(twin) != twin_digest(body(messages=[]))
    assert digest(body()) != digest(twin)
    assert twin_digest(None) == b""


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("claude-opus-4-8", "opus"),
        ("claude-3-5-haiku-latest", "haiku"),
        ("claude-fable-5", "fable"),
        ("gpt", ""),
    ],
)
def test_family(model: str, name: str) -> None:
    """The family stands in the model's name."""
    assert family(model) == name


@pytest.mark.parametrize(
    ("model", "number"),
    [
        ("claude-opus-4-8", "4.8"),
        ("claude-opus-4-5-20251101", "4.5"),
        ("claude-sonnet-4-20250514", "4"),
        ("claude-opus-5", "5"),
        ("claude-opus-5@20260101", "5"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "4.5"),
        ("opus[1m]", ""),
        ("claude-mythos-preview", ""),
        ("claude-opus-123", ""),
        ("claude-3-5-haiku-latest", ""),
        ("gpt-5", ""),
        ("", ""),
        ("x" * 5000 + "opus-5-5", "5.5"),
    ],
)
def test_version(model: str, number: str) -> None:
    """The version stands after the family; a day is none."""
    assert version(model, family(model)) == number
    assert read(body(model=model), 1).version == number
