"""What is found in a request: each trouble with its cause and its place, and nothing in requests that are right."""

import base64
import json
import struct
import typing
from typing import Any

import anthropic.types as sdk
import pytest
import typing_extensions
from anthropic.types.beta import beta_content_block_param, beta_tool_union_param
from anthropic.types.beta import message_create_params as beta_params
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.causes.cause import codes
from seawall.causes.lint.blocks import NEEDS
from seawall.causes.lint.check import Report, check, too_long
from seawall.causes.lint.fields import BETA_FIELDS, FIELDS
from seawall.causes.lint.tools import KINDS
from seawall.wire.models import MODELS

TODAY = "2026-11-21"
USER = {"role": "user", "content": "Which way is the harbour?"}
ASSISTANT = {"role": "assistant", "content": "To the left."}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "fog"}
TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {"far": {"type": "integer"}}}}
OLD = "claude-haiku-4-5"


def request(**changes: Any) -> dict[str, Any]:
    """A request that is right, with changes; a field that is None is left out."""
    whole = {"model": "claude-sonnet-5-5", "max_tokens": 1024, "messages": [USER]} | changes
    return {name: value for name, value in whole.items() if value is not ...}


def looked(value: Any) -> Report:
    return check(value if isinstance(value, bytes) else json.dumps(value).encode(), TODAY)


def seen(report: Report) -> set[tuple[str, str, str]]:
    return {(one.level[0], one.code.removeprefix("request."), one.pointer) for one in report.findings}


def said(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def picture(width: int = 10, height: int = 10, more: int = 0) -> str:
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + bytes(more)
    return base64.b64encode(png).decode()


def image(data: str, kind: str = "image/png") -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}


def pdf(data: bytes) -> dict[str, Any]:
    source = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(data).decode()}
    return {"type": "document", "source": source}


def tool(**schema: Any) -> dict[str, Any]:
    return {"tools": [{"name": "look", "input_schema": {"type": "object"} | schema}]}


WITH_TOOL = {"tools": [TOOL]}
CALLED = [USER, {"role": "assistant", "content": [CALL]}]
CACHED = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
CACHED_LONG = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"stream": True, "max_tokens": 128_000},
        {"max_tokens": 21_333},
        {"system": ""},
        {"system": [{"type": "text", "text": "Be short."}]},
        {"messages": [USER, ASSISTANT, USER]},
        {"model": OLD, "messages": [USER, ASSISTANT]},
        {"model": OLD, "messages": [USER, {"role": "assistant", "content": ""}]},
        {"model": OLD, "temperature": 0.2},
        {"model": OLD, "thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
        {"temperature": 1, "top_p": 1.0},
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
        WITH_TOOL | {"messages": [*CALLED, said(RESULT, {"type": "text", "text": "go on"})]},
        WITH_TOOL | {"messages": [*CALLED, said({**RESULT, "content": [image(picture())]})]},
        WITH_TOOL | {"messages": [*CALLED, said({"type": "tool_result", "tool_use_id": "toolu_1"})]},
        WITH_TOOL | {"tool_choice": {"type": "tool", "name": "look"}},
        WITH_TOOL | {"messages": [USER, {"role": "assistant", "content": [
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}]}]},
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}, {"type": "mcp_toolset"}]},
        {"messages": [said(image(picture(1568, 1568)))]},
        {"messages": [said(pdf(b"%PDF-1.7 /Type /Page "))]},
        {"messages": [said(*[CACHED_LONG, CACHED_LONG, CACHED, CACHED])]},
        {"metadata": {"user_id": "u-1"}, "service_tier": "auto", "stop_sequences": ["END"]},
        {"model": ..., "anthropic_version": "bedrock-2023-05-31"},
        {"model": "us.anthropic.claude-sonnet-5-20260201-v1:0"},
        tool(properties={"a": {"$ref": "#/$defs/b"}}, **{"$defs": {"b": {"type": ["string", "null"]}}}),
    ],
    ids=str,
)  # fmt: skip
def test_nothing_is_found_in_what_is_right(changes: dict[str, Any]) -> None:
    """No error and no warning."""
    assert seen(looked(request(**changes))) == set()


CASES: list[tuple[dict[str, Any], str, str, str]] = [
    # model
    ({"model": ...}, "e", "parameter_invalid", ""),
    ({"model": ""}, "e", "parameter_invalid", "/model"),
    ({"model": 5}, "e", "parameter_invalid", "/model"),
    ({"model": "claude-sonnet-5.5"}, "e", "model_not_found", "/model"),
    ({"model": "sonnet"}, "e", "model_not_found", "/model"),
    ({"model": "claude-opus-5-5[1m]"}, "e", "model_not_found", "/model"),
    ({"model": "gpt-7"}, "e", "model_not_found", "/model"),
    ({"model": "claude-opus-7"}, "w", "model_not_found", "/model"),
    ({"model": "claude-fable-5-2"}, "w", "model_not_found", "/model"),
    ({"model": "claude-3-5-sonnet-20241022"}, "e", "model_retired", "/model"),
    ({"model": "claude-opus-4-1"}, "e", "model_retired", "/model"),
    ({"model": "claude-sonnet-4-5"}, "w", "model_retired", "/model"),
    # numbers
    ({"max_tokens": ...}, "e", "parameter_invalid", ""),
    ({"max_tokens": "1024"}, "e", "parameter_invalid", "/max_tokens"),
    ({"max_tokens": True}, "e", "parameter_invalid", "/max_tokens"),
    ({"max_tokens": -1}, "e", "parameter_invalid", "/max_tokens"),
    ({"max_tokens": 0}, "w", "parameter_invalid", "/max_tokens"),
    ({"max_tokens": 128_001, "stream": True}, "e", "max_output_tokens_invalid", "/max_tokens"),
    ({"max_tokens": 21_334}, "w", "stream_required", "/max_tokens"),
    ({"max_tokens": 21_334, "stream": False}, "w", "stream_required", "/stream"),
    ({"temperature": 0.2}, "e", "parameter_invalid", "/temperature"),
    ({"model": OLD, "temperature": 1.2}, "e", "parameter_invalid", "/temperature"),
    ({"model": OLD, "temperature": 0.2, "top_p": 0.5}, "e", "parameter_invalid", "/top_p"),
    ({"top_k": 5}, "e", "parameter_invalid", "/top_k"),
    ({"model": OLD, "top_k": 1.5}, "e", "parameter_invalid", "/top_k"),
    # thinking
    ({"thinking": "on"}, "e", "thinking_config_invalid", "/thinking"),
    ({"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
     "e", "thinking_config_invalid", "/thinking/type"),
    ({"model": OLD, "thinking": {"type": "adaptive"}}, "e", "thinking_config_invalid", "/thinking/type"),
    ({"model": "claude-opus-5-5", "thinking": {"type": "disabled"}}, "e", "thinking_config_invalid", "/thinking/type"),
    ({"model": OLD, "thinking": {"type": "enabled", "budget_tokens": 512}},
     "e", "thinking_config_invalid", "/thinking/budget_tokens"),
    ({"model": OLD, "thinking": {"type": "enabled", "budget_tokens": 1024}},
     "e", "thinking_config_invalid", "/thinking/budget_tokens"),
    (WITH_TOOL | {"model": OLD, "thinking": {"type": "enabled", "budget_tokens": 1024}},
     "w", "thinking_config_invalid", "/thinking/budget_tokens"),
    ({"thinking": {"type": "adaptive", "budget_tokens": 1024}},
     "e", "thinking_config_invalid", "/thinking/budget_tokens"),
    ({"model": OLD, "thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000, "temperature": 0.5},
     "e", "thinking_config_invalid", "/temperature"),
    # small fields
    ({"stream": "true"}, "e", "parameter_invalid", "/stream"),
    ({"service_tier": "fast"}, "e", "parameter_invalid", "/service_tier"),
    ({"speed": "slow"}, "e", "parameter_invalid", "/speed"),
    ({"stop_sequences": "END"}, "e", "parameter_invalid", "/stop_sequences"),
    ({"stop_sequences": ["a", " "]}, "e", "parameter_invalid", "/stop_sequences/1"),
    ({"metadata": "me"}, "e", "parameter_invalid", "/metadata"),
    ({"output_config": {"effort": "huge"}}, "e", "parameter_invalid", "/output_config/effort"),
    ({"model": OLD, "output_config": {"effort": "low"}}, "e", "parameter_invalid", "/output_config/effort"),
    ({"max_token": 5}, "e", "parameter_invalid", "/max_token"),
    ({"timeout": 5}, "e", "parameter_invalid", "/timeout"),
    ({"stop": ["x"]}, "e", "parameter_invalid", "/stop"),
    ({"something": 5}, "w", "parameter_invalid", "/something"),
    ({"context_management": {}}, "w", "beta_header_invalid", "/context_management"),
    ({"messages": ..., "requests": []}, "e", "parameter_invalid", "/requests"),
    # system and messages
    ({"system": 5}, "e", "parameter_invalid", "/system"),
    ({"system": [{"type": "text", "text": ""}]}, "e", "empty_content", "/system/0/text"),
    ({"messages": ...}, "e", "parameter_invalid", ""),
    ({"messages": "hi"}, "e", "parameter_invalid", "/messages"),
    ({"messages": []}, "e", "empty_content", "/messages"),
    ({"messages": ["hi"]}, "e", "parameter_invalid", "/messages/0"),
    ({"messages": [{"role": "user"}]}, "e", "parameter_invalid", "/messages/0/content"),
    ({"messages": [{"role": "user", "content": ""}]}, "e", "empty_content", "/messages/0/content"),
    ({"messages": [{"role": "user", "content": []}]}, "e", "empty_content", "/messages/0/content"),
    ({"messages": [said({"type": "text", "text": "\n"})]}, "e", "empty_content", "/messages/0/content/0/text"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "e", "role_order", "/messages/0/role"),
    ({"messages": [{"role": "system", "content": "x"}, USER]}, "w", "role_order", "/messages/0/role"),
    ({"messages": [ASSISTANT, USER]}, "e", "role_order", "/messages/0/role"),
    ({"messages": [USER, USER]}, "w", "role_order", "/messages/1/role"),
    ({"messages": [USER | {"name": "me"}]}, "e", "parameter_invalid", "/messages/0/name"),
    ({"messages": [USER, ASSISTANT]}, "e", "prefill_unsupported", "/messages/1"),
    ({"model": OLD, "messages": [USER, {"role": "assistant", "content": "So "}]},
     "e", "parameter_invalid", "/messages/1"),
    # blocks
    ({"messages": [said("hi")]}, "e", "parameter_invalid", "/messages/0/content/0"),
    ({"messages": [said({"text": "hi"})]}, "e", "parameter_invalid", "/messages/0/content/0"),
    ({"messages": [said({"type": "image_url"})]}, "e", "parameter_invalid", "/messages/0/content/0/type"),
    ({"messages": [said({"type": "texts"})]}, "e", "parameter_invalid", "/messages/0/content/0/type"),
    ({"messages": [said({"type": "hologram"})]}, "w", "parameter_invalid", "/messages/0/content/0/type"),
    ({"messages": [said({"type": "text"})]}, "e", "parameter_invalid", "/messages/0/content/0"),
    ({"messages": [USER, {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": ""}]},
                   USER]}, "e", "thinking_signature", "/messages/1/content/0/signature"),
    # tool pairs
    (WITH_TOOL | {"messages": [*CALLED, USER]}, "e", "tool_result_mismatch", "/messages/1/content/0"),
    (WITH_TOOL | {"messages": CALLED}, "e", "tool_result_mismatch", "/messages/1/content/0"),
    (WITH_TOOL | {"messages": [said(RESULT)]}, "e", "tool_result_mismatch", "/messages/0/content/0/tool_use_id"),
    (WITH_TOOL | {"messages": [*CALLED, said(RESULT, RESULT)]},
     "e", "tool_result_mismatch", "/messages/2/content/1/tool_use_id"),
    (WITH_TOOL | {"messages": [*CALLED, said({"type": "text", "text": "x"}, RESULT)]},
     "e", "tool_result_mismatch", "/messages/2/content/1"),
    (WITH_TOOL | {"messages": [USER, {"role": "assistant", "content": [CALL, CALL]}, said(RESULT)]},
     "e", "tool_result_mismatch", "/messages/1/content/1/id"),
    (WITH_TOOL | {"messages": [*CALLED, said(RESULT), ASSISTANT, said(RESULT)]},
     "e", "tool_result_mismatch", "/messages/4/content/0/tool_use_id"),
    (WITH_TOOL | {"messages": [said(CALL)]}, "e", "tool_result_mismatch", "/messages/0/content/0"),
    (WITH_TOOL | {"messages": [USER, {"role": "assistant", "content": [CALL | {"input": "{}"}]}, said(RESULT)]},
     "e", "parameter_invalid", "/messages/1/content/0/input"),
    ({"messages": [*CALLED, said(RESULT)]}, "w", "tool_schema_invalid", ""),
    (WITH_TOOL | {"model": OLD, "max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 1024},
                  "messages": [*CALLED, said(RESULT)]}, "e", "thinking_block_missing", "/messages"),
    # tools
    ({"tools": {}}, "e", "tool_schema_invalid", "/tools"),
    ({"tools": ["look"]}, "e", "tool_schema_invalid", "/tools/0"),
    ({"tools": [TOOL, TOOL]}, "e", "tool_schema_invalid", "/tools/1/name"),
    ({"tools": [TOOL | {"name": "look around"}]}, "e", "tool_schema_invalid", "/tools/0/name"),
    ({"tools": [{"name": "look"}]}, "e", "tool_schema_invalid", "/tools/0"),
    ({"tools": [{"name": "look", "inputSchema": {}}]}, "e", "tool_schema_invalid", "/tools/0"),
    ({"tools": [{"type": "function", "function": {}}]}, "e", "tool_schema_invalid", "/tools/0"),
    ({"tools": [{"type": "web_serch_20250305", "name": "x"}]}, "w", "tool_schema_invalid", "/tools/0/type"),
    (tool(type="array"), "e", "tool_schema_invalid", "/tools/0/input_schema"),
    (tool(anyOf=[]), "e", "tool_schema_invalid", "/tools/0/input_schema/anyOf"),
    (tool(properties={"a b": {}}), "e", "tool_schema_invalid", "/tools/0/input_schema/properties/a b"),
    (tool(properties={"a": {"type": "str"}}), "e", "tool_schema_invalid", "/tools/0/input_schema/properties/a/type"),
    (tool(properties={"a": "string"}), "e", "tool_schema_invalid", "/tools/0/input_schema/properties/a"),
    (tool(properties={}, required=["b"]), "w", "tool_schema_invalid", "/tools/0/input_schema/required"),
    (tool(required="b"), "e", "tool_schema_invalid", "/tools/0/input_schema/required"),
    (tool(properties={"a": {"$ref": "#/$defs/b"}}),
     "w", "tool_schema_invalid", "/tools/0/input_schema/properties/a/$ref"),
    ({"tool_choice": {"type": "auto"}}, "e", "parameter_invalid", "/tool_choice"),
    (WITH_TOOL | {"tool_choice": "auto"}, "e", "parameter_invalid", "/tool_choice"),
    (WITH_TOOL | {"tool_choice": {"type": "tool", "name": "x"}}, "e", "parameter_invalid", "/tool_choice/name"),
    (WITH_TOOL | {"model": "claude-opus-5-5", "tool_choice": {"type": "any"}},
     "e", "parameter_invalid", "/tool_choice"),
    # cache
    ({"messages": [said(*[CACHED] * 5)]}, "e", "parameter_invalid", "/messages/0/content/4/cache_control"),
    ({"messages": [said(CACHED, CACHED_LONG)]}, "e", "parameter_invalid", "/messages/0/content/1/cache_control"),
    ({"cache_control": {"type": "forever"}}, "e", "parameter_invalid", "/cache_control"),
    ({"cache_control": {"type": "ephemeral", "ttl": "2h"}}, "e", "parameter_invalid", "/cache_control/ttl"),
    # images and PDFs
    ({"messages": [said(image("!!"))]}, "e", "image_invalid", "/messages/0/content/0/source/data"),
    ({"messages": [said(image("data:image/png;base64," + picture()))]},
     "e", "image_invalid", "/messages/0/content/0/source/data"),
    ({"messages": [said(image(picture(), "image/jpeg"))]},
     "e", "image_invalid", "/messages/0/content/0/source/media_type"),
    ({"messages": [said(image(picture(), "image/tiff"))]},
     "e", "image_invalid", "/messages/0/content/0/source/media_type"),
    ({"messages": [said(image(base64.b64encode(b"<html>").decode()))]},
     "e", "image_invalid", "/messages/0/content/0/source/data"),
    ({"messages": [said(image(picture(8001, 10)))]}, "e", "image_too_large", "/messages/0/content/0/source"),
    ({"messages": [said(image(picture(more=4_000_000)))]}, "e", "image_too_large", "/messages/0/content/0/source"),
    ({"messages": [said(image(picture(2001, 10)), *[image(picture())] * 20)]},
     "e", "image_too_large", "/messages/0/content/0/source"),
    ({"model": OLD, "messages": [said(*[image(picture())] * 101)]}, "e", "image_too_large", "/messages"),
    ({"messages": [said(pdf(b"PK"))]}, "e", "pdf_invalid", "/messages/0/content/0/source/data"),
    ({"messages": [said(pdf(b"%PDF-1.7 /Encrypt"))]}, "w", "pdf_invalid", "/messages/0/content/0/source"),
    ({"model": OLD, "messages": [said(pdf(b"%PDF-1.7" + b" /Type /Page" * 101))]}, "w", "pdf_invalid", "/messages"),
    ({"messages": [said({"type": "document", "source": "x"})]}, "e", "pdf_invalid", "/messages/0/content/0/source"),
    # size
    ({"model": OLD, "messages": [{"role": "user", "content": "a word " * 120_000}]},
     "w", "context_too_long", "/messages"),
    ({"model": OLD, "messages": [{"role": "user", "content": "a word " * 300_000}]},
     "e", "context_too_long", "/messages"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "level", "code", "pointer"), CASES, ids=range(len(CASES)))
def test_each_trouble_is_found_at_its_place(
    changes: dict[str, Any], level: str, code: str, pointer: str
) -> None:
    """That one and no other, with a cause of the catalogue and something to do."""
    report = looked(request(**changes))
    assert seen(report) == {(level, code, pointer)}
    assert all(one.code in codes() and one.do and one.what for one in report.findings)
    assert report.errors == (level == "e")


@pytest.mark.parametrize(
    ("body", "line", "column", "says"),
    [
        (b"", None, None, "empty"),
        (b" \n", None, None, "empty"),
        (b"\xef\xbb\xbf{}", 1, 1, "byte order mark"),
        ('{"a": 1}'.encode("utf-16"), None, None, "UTF-16"),
        (b'{"a": "\xff"}', 1, 8, "not UTF-8"),
        (b"\x1f\x8b\x08\x00", None, None, "compressed"),
        (b'{"model": "x",\n "max_tokens": 5,}', 2, 18, "comma before the end"),
        ('{"ä": "ö", }'.encode(), 1, 12, "comma before the end"),
        (b"{'a': 1}", 1, 2, "single quotes"),
        (b'{"a": None}', 1, 7, "Python"),
        (b'{"a": NaN}', 1, 7, "does not have"),
        (b'{"a": 1} {"b": 2}', 1, 10, "follows the end"),
        (b'{"a": "x\ny"}', 1, 9, "control character"),
        (b'{\n// one\n"a": 1}', 2, 1, "comment"),
        (b"{a: 1}", 1, 2, "without double quotes"),
        (b'{"a": "x', 1, 9, "ends in the middle"),
        (b'{"a": "\\ud83d"}', 1, 8, "surrogate"),
        (b"[" * 200_000, None, None, "levels deep"),
        (b"\x00\x01\x02", None, None, "UTF-16"),
    ],
)  # fmt: skip
def test_what_is_no_json_is_said_with_its_place(
    body: bytes, line: int | None, column: int | None, says: str
) -> None:
    """Line and column as an editor counts them."""
    (one,) = looked(body).findings
    assert (one.code, one.line, one.column) == ("request.malformed_json", line, column)
    assert says in one.what


@pytest.mark.parametrize("body", [b"[]", b"5", b'"x"', b"null"])
def test_what_is_no_object_is_said(body: bytes) -> None:
    """A list of messages is no request."""
    assert seen(looked(body)) == {("e", "parameter_invalid", "")}


def test_a_body_of_too_many_values_is_not_built() -> None:
    """Said, and no memory taken for it; commas within texts are not counted."""
    many = b'{"messages": [' + b"[]," * 2_100_000 + b"[]]}"
    assert seen(looked(many)) == {("w", "malformed_json", "")}
    assert seen(looked(request(messages=[{"role": "user", "content": "," * 2_100_000}]))) == set()


def test_a_large_body_is_refused_for_its_size() -> None:
    """Over 32 MB by its own finding, beyond 64 MB without being read."""
    big = request(messages=[USER], metadata={"user_id": "x" * 34_000_000})
    assert ("e", "request_too_large", "") in seen(looked(big))
    assert seen(too_long(70_000_000)) == {("e", "request_too_large", "")}


def test_findings_are_bounded() -> None:
    """The first hundred are kept, the others counted."""
    report = looked(request(messages=[{"role": "user", "content": ""}] * 500))
    assert len(report.findings) == 100
    assert report.more == 401
    assert report.errors == 500


SECRETS = ("sk-ant-api03-" + "Zq7" * 30, "AKIAQ7ZQ7ZQ7ZQ7ZQ7ZQ", "ghp_" + "a1B2" * 10)


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_is_shown(secret: str) -> None:
    """Planted in every place that a finding names, no run of 12 characters of it comes out."""
    bodies = [
        json.dumps(request(**{field: secret}))
        for field in ("model", "max_tokens", "system", "thinking", "tools", "stream")
    ]
    bodies += [
        json.dumps(
            request(**{secret: 1}, messages=[{"role": secret, "content": [{"type": secret}], secret: 1}])
        )
    ]
    bodies += [json.dumps(request(**tool(properties={secret + " ": {"type": secret}})))]
    bodies += [json.dumps(request(messages=[said({"type": "tool_result", "tool_use_id": secret})]))]
    bodies += [json.dumps(request(system=secret))[:-cut] for cut in (1, 3, 40, 60)]
    bodies += [f'{{"a": "x" {secret}}}', f'{{"a": "{secret[:20]}" "{secret[20:]}"}}', "x" * 390 + secret]
    for body in bodies:
        report = looked(body.encode())
        assert report.findings or body == bodies[2]
        shown = " ".join(f"{one.pointer} {one.what} {one.do} {one.excerpt}" for one in report.findings)
        bare = secret.removeprefix("sk-ant-api03-")
        assert not any(bare[at : at + 12] in shown for at in range(len(bare) - 11)), shown


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
WORDS = sorted(FIELDS | BETA_FIELDS | set(NEEDS) | {"role", "content", "type", "text", "source", "data", "id", "name",
    "input", "tool_use_id", "properties", "required", "items", "$ref", "ttl", "edits", "budget_tokens", "effort",
    "input_schema", "user", "assistant", "enabled", "base64", "ephemeral", "is_error", "url"})  # fmt: skip
like_requests = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 200_000)
    | st.sampled_from([*WORDS, *MODELS, "", " ", "#/a/0"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(
    json_values,
    like_requests,
    st.dictionaries(st.sampled_from(sorted(FIELDS)), like_requests, max_size=8),
    st.builds(lambda m, t: request(messages=m, tools=t), st.lists(like_requests, max_size=4), like_requests),
    st.builds(lambda b: request(messages=[{"role": "user", "content": b}]), like_requests),
))  # fmt: skip
def test_any_json_is_looked_at(value: Any) -> None:
    """Whatever it is, a report; causes are the catalogue's, pointers begin at the root."""
    report = looked(json.dumps(value).encode())
    assert all(one.code in codes() for one in report.findings)
    assert all(one.pointer == "" or one.pointer.startswith("/") for one in report.findings)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_looked_at(body: bytes) -> None:
    """No bytes break it, and none of them pass for a request."""
    assert looked(body).errors >= 1


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.binary(max_size=3))
def test_a_damaged_request_is_looked_at(at: int, other: bytes) -> None:
    """Cut and changed anywhere."""
    whole = json.dumps(request(**WITH_TOOL, messages=[*CALLED, said(RESULT, image(picture()))])).encode()
    looked(whole[:at])
    looked(whole[:at] + other + whole[at + 1 :])


def members(union: Any) -> list[Any]:
    """The TypedDicts of a union of the SDK's."""
    return [one for one in typing.get_args(union) if isinstance(one, type)]


def test_blocks_are_those_of_the_sdk() -> None:
    """Each type that the SDK knows, with the fields that it demands."""
    theirs = {}
    for one in members(beta_content_block_param.BetaContentBlockParam):
        (kind,) = typing.get_args(typing.get_type_hints(one)["type"])
        hints = typing.get_type_hints(one, include_extras=True)
        needed = {
            name for name, hint in hints.items() if typing.get_origin(hint) is typing_extensions.Required
        }
        theirs[kind] = tuple(sorted(needed - {"type"}))
    assert theirs == {kind: tuple(sorted(needs)) for kind, needs in NEEDS.items()}


def test_fields_are_those_of_the_sdk() -> None:
    """All that the SDK sends in a body, and sampling, which only older ones send."""
    stable = set(sdk.message_create_params.MessageCreateParamsNonStreaming.__annotations__)
    stable |= set(sdk.message_create_params.MessageCreateParamsBase.__annotations__)
    beta = set(beta_params.MessageCreateParamsBase.__annotations__)
    assert stable | {"temperature", "top_k", "top_p"} == FIELDS
    assert beta - stable - {"betas"} == BETA_FIELDS


def test_tools_are_those_of_the_sdk() -> None:
    """Each type of tool that the API itself knows."""
    for one in members(beta_tool_union_param.BetaToolUnionParam):
        for kind in typing.get_args(typing.get_type_hints(one)["type"]):
            if isinstance(kind, str) and kind != "custom":
                report = looked(request(tools=[{"type": kind, "name": "x"}]))
                assert report.findings == (), kind
    assert sorted(KINDS) == KINDS
