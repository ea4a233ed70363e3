"""What may be sent to another model or address, and how little of it changes."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.wire.models import MODELS
from seawall.wire.translate import Asks, Refused, elsewhere_refusal, model_refusal, read, translated

USER = {"role": "user", "content": "hello"}
BODY: dict[str, Any] = {
    "model": "claude-opus-5-5",
    "max_tokens": 32_000,
    "stream": True,
    "messages": [USER],
    "metadata": {"user_id": "u1"},
}


def asks(betas: bytes = b"", tokens: int = 100, **changes: object) -> Asks:
    body = json.dumps({**BODY, **changes}).encode()
    found = read(body, body, betas, tokens)
    assert isinstance(found, Asks)
    return found


@pytest.mark.parametrize("id", MODELS)
def test_a_plain_request_can_go_to_every_model(id: str) -> None:
    """Text, tools of the client, betas that are not a model's: nothing to refuse."""
    plain = asks(
        b"claude-code-20250219,interleaved-thinking-2025-05-14",
        tools=[{"name": "t", "input_schema": {}}],
        tool_choice={"type": "auto"},
        temperature=1,
        top_p=1.0,
        speed="standard",
        fallbacks=[],
        context_management={"edits": [{"type": "clear_tool_uses_20250919"}]},
    )
    assert model_refusal(plain, MODELS[id]) == ""


PREFILL = {"messages": [USER, {"role": "assistant", "content": "Sure:"}]}
ENABLED = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
ADAPTIVE = {"thinking": {"type": "adaptive"}}
DISABLED = {"thinking": {"type": "disabled"}}
FORCED = {"tool_choice": {"type": "tool", "name": "t"}}


@pytest.mark.parametrize(
    ("changes", "model", "says"),
    [
        (PREFILL, "claude-haiku-4-5", ""),
        (PREFILL, "claude-sonnet-4-6", "the last message is the assistant's"),
        (PREFILL, "claude-sonnet-5-5", "the last message is the assistant's"),
        (ENABLED, "claude-sonnet-4-5", ""),
        (ENABLED, "claude-sonnet-4-6", ""),
        (ENABLED, "claude-opus-4-7", "no thinking 'enabled'"),
        (ENABLED, "claude-haiku-5-5", "no thinking 'enabled'"),
        (ADAPTIVE, "claude-opus-4-5", "no thinking 'adaptive'"),
        (ADAPTIVE, "claude-opus-4-6", ""),
        (ADAPTIVE, "claude-fable-5-1", ""),
        (DISABLED, "claude-sonnet-5-5", ""),
        (DISABLED, "claude-opus-5-5", "no thinking 'disabled'"),
        (DISABLED, "claude-fable-5", "no thinking 'disabled'"),
        (DISABLED, "claude-mythos-preview", "no thinking 'disabled'"),
        ({"thinking": {"type": "later"}}, "claude-sonnet-5-5", "no thinking 'later'"),
        ({"temperature": 0.5}, "claude-sonnet-4-6", ""),
        ({"temperature": 0.5}, "claude-opus-4-7", "does not take temperature"),
        ({"temperature": 0, "top_k": 5}, "claude-sonnet-5", "does not take temperature and top_k"),
        ({"top_p": 0.9}, "claude-haiku-5-5", "does not take top_p"),
        (FORCED, "claude-sonnet-5-5", ""),
        (FORCED, "claude-fable-5", ""),
        (FORCED, "claude-fable-5-1", "does not take tool_choice 'tool'"),
        ({"tool_choice": {"type": "any"}}, "claude-opus-5-5", "does not take tool_choice 'any'"),
        ({"max_tokens": 128_000}, "claude-sonnet-5-5", ""),
        ({"max_tokens": 128_000}, "claude-haiku-4-5", "max_tokens is 128000, and its most is 64000"),
        ({"output_config": {"effort": "high"}}, "claude-sonnet-5-5", ""),
        ({"output_config": {"effort": "high"}}, "claude-haiku-4-5", "no effort 'high'"),
        ({"output_config": {"effort": "xhigh"}}, "claude-opus-4-6", "no effort 'xhigh'"),
        ({"speed": "fast"}, "claude-opus-4-8", "fast mode"),
        ({"tools": [{"type": "computer_20251124", "name": "c"}]}, "claude-opus-5-5", "tools for a screen"),
        ({"tools": [{"type": "web_search_20260101", "name": "w"}]}, "claude-sonnet-5-5", ""),
        ({"context_management": {"edits": [{"type": "compact_20260112"}]}}, "claude-sonnet-5-5", ""),
        ({"context_management": {"edits": [{"type": "compact_20260112"}]}}, "claude-opus-4-5", "not compact"),
        ({"thread": {"type": "continue"}}, "claude-sonnet-5-5", "thread cannot follow"),
        ({"fallbacks": "default"}, "claude-sonnet-5-5", "fallbacks cannot follow"),
        ({"container": "c1"}, "claude-sonnet-5-5", ""),
    ],
)
def test_what_another_model_would_answer_with_400(changes: dict[str, Any], model: str, says: str) -> None:
    """Each difference between models that a request can run into is refused with its reason, and nothing else is."""
    why = model_refusal(asks(**changes), MODELS[model])
    assert why.startswith(says) if not says else says in why
    assert bool(why) == bool(says)


@pytest.mark.parametrize(
    ("betas", "model", "refused"),
    [
        (b"context-1m-2025-08-07", "claude-haiku-4-5", True),
        (b"oauth-2025-04-20, context-1m-2025-08-07", "claude-opus-4-5", True),
        (b"context-1m-2025-08-07", "claude-sonnet-5-5", False),
        (b"fast-mode-2026-02-01", "claude-sonnet-5-5", True),
        (b"output-300k-2026-03-24", "claude-haiku-5-5", True),
        (b"computer-use-2025-11-24", "claude-sonnet-5-5", True),
        (b"extended-cache-ttl-2025-04-11,,", "claude-haiku-4-5", False),
    ],
)
def test_betas_that_belong_to_a_model(betas: bytes, model: str, refused: bool) -> None:
    """The header is never changed, so a beta that the other model may refuse keeps the request here."""
    assert bool(model_refusal(asks(betas), MODELS[model])) is refused


@pytest.mark.parametrize(
    ("tokens", "model", "refused"),
    [
        (200_000, "claude-haiku-4-5", False),
        (200_001, "claude-haiku-4-5", True),
        (999_999, "claude-haiku-5-5", False),
        (1_000_001, "claude-opus-4-6", True),
    ],
)
def test_a_window_that_is_too_small(tokens: int, model: str, refused: bool) -> None:
    """The estimate of the input is compared with the other model's window."""
    assert bool(model_refusal(asks(tokens=tokens), MODELS[model])) is refused


@pytest.mark.parametrize(
    "field",
    ["thread", "container", "mcp_servers", "user_profile_id", "workspace_id", "fallback_credit_token"],
)
def test_what_belongs_to_the_clients_account_stays_there(field: str) -> None:
    """Names that mean nothing to another account, and credentials within the body, go to no other address."""
    assert field in elsewhere_refusal(asks(**{field: [{"authorization_token": "t"}]}))
    assert elsewhere_refusal(asks(**{field: None})) == ""


@pytest.mark.parametrize("coding", [gzip.compress, lambda body: None])
def test_a_compressed_request_is_not_read(coding: Any) -> None:
    """Neither one that could be unpacked nor one that could not."""
    body = json.dumps(BODY).encode()
    refused = read(gzip.compress(body), coding(body), b"", 1)
    assert isinstance(refused, Refused)
    assert "compressed" in refused.reason


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"{}", b'{"model": 5}', b'{"model": "a", "messages": 5}', b"\xff"]
)
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    """Nothing is sent elsewhere on a guess."""
    assert isinstance(read(body, body, b"", 1), Refused)


@given(
    st.dictionaries(
        st.sampled_from([*Asks.__struct_fields__, "tools", "messages", "metadata"]),
        st.none()
        | st.integers()
        | st.text(max_size=3)
        | st.lists(st.none(), max_size=2)
        | st.dictionaries(st.sampled_from(["type", "edits"]), st.integers(), max_size=1),
    )
)
def test_odd_values_are_no_crash(fields: dict[str, Any]) -> None:
    """The API will refuse them itself; here they say nothing, or the request stays."""
    body = json.dumps({"model": "m", **fields}).encode()
    found = read(body, body, b"", 1)
    if isinstance(found, Asks):
        for model in MODELS.values():
            model_refusal(found, model)


def test_only_the_model_changes() -> None:
    """Blanks, order, escapes and numbers are as the client wrote them."""
    body = b'{ "stream":true, "n": 1.50e0, "s": "\\u00e9",\n"model" :  "claude-opus-5-5" , "metadata":{"user_id":"u"} }'
    changed = body.replace(b'"claude-opus-5-5"', b'"claude-sonnet-5-5"')
    assert translated(body, model="claude-sonnet-5-5") == changed
    assert translated(bytearray(body)) == body


@pytest.mark.parametrize(
    ("metadata", "left"),
    [
        (b'{"user_id":"u"}', b"{}"),
        (b'{ "user_id" : "u" }', b"{  }"),
        (b'{"user_id":"u","x":1}', b'{"x":1}'),
        (b'{"x":1, "user_id":"u"}', b'{"x":1}'),
        (b'{"x":{"user_id":"deep"}}', b'{"x":{"user_id":"deep"}}'),
        (b"null", b"null"),
        (b"{}", b"{}"),
    ],
)
def test_the_user_stays_here(metadata: bytes, left: bytes) -> None:
    """`metadata.user_id` is taken out; whatever else stands there stays."""
    text = b'{"model":"a", "metadata": %b, "messages":[]}'
    assert translated(text % metadata, without_user=True) == text % left
    assert translated(text % metadata, model="b", without_user=True) == text.replace(b'"a"', b'"b"') % left


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","metadata":"u1"}',
        b'{"model":"a","metadata":{"user_id":"a","user_id":"b"}}',
        b'{"model":"a","metadata":{},"metadata":{"user_id":"a"}}',
    ],
)
def test_a_user_that_cannot_be_taken_out_surely_keeps_the_request_here(body: bytes) -> None:
    """Where a strange parser could still find one."""
    assert isinstance(translated(body, without_user=True), Refused)


def test_a_model_that_stands_twice_keeps_the_request_here() -> None:
    """Two parsers could read two models."""
    assert isinstance(translated(b'{"model":"a","model":"b"}', model="c"), Refused)
