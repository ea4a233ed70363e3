"""Right answers: they prove that they are whole and whose they are."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.fake.content import (
    BadRequest,
    answer_text,
    blocks_of,
    error_object,
    events_of,
    message_of,
    nonce_of,
    read_messages,
    verify_answer,
)


def asked(prompt: str = "nonce=abc", **more):
    body = {
        "model": "claude-opus-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": prompt}],
        **more,
    }
    return read_messages(json.dumps(body).encode(), "/v1/messages")


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(), st.text(max_size=80))
def test_a_whole_answer_verifies_for_its_own_prompt(words, seed, prompt):
    """Whatever the prompt, seed and length."""
    assert verify_answer(answer_text(nonce_of(prompt), words, seed), prompt) is None


def test_every_shorter_text_is_found_out():
    """No cut at any character passes for the whole."""
    text = answer_text("abc", 12)
    assert [n for n in range(len(text)) if verify_answer(text[:n], "nonce=abc") is None] == []


@settings(deadline=None)
@given(st.integers(0, 10_000), st.characters(codec="ascii", exclude_categories=["Cc", "Zs"]))
def test_a_changed_character_is_found_out(place, other):
    """A different letter anywhere fails, and says how."""
    text = answer_text("abc", 8)
    place %= len(text)
    changed = text[:place] + other + text[place + 1 :]
    assert changed == text or verify_answer(changed, "nonce=abc")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cut"),
        (answer_text("abc", 5) + " " + answer_text("abc", 5), "not whole"),
        (answer_text("abc", 5).replace("2:", "3:", 1), "not whole"),
        (answer_text("other", 5), "of another request"),
    ],
)
def test_what_is_wrong_is_said(text, says):
    """Cut, doubled, out of order, and another's answer are told apart."""
    assert says in (verify_answer(text, "please nonce=abc") or "")


def test_the_answer_depends_on_seed_and_nonce_alone():
    """Same seed and request, same text; another seed, another text that verifies too."""
    assert answer_text("abc", 20, 1) == answer_text("abc", 20, 1)
    assert answer_text("abc", 20, 2) != answer_text("abc", 20, 1)
    assert verify_answer(answer_text("abc", 20, 2), "nonce=abc") is None


def test_an_earlier_nonce_serves_where_the_last_message_has_none():
    """A client that asks to resume adds a user message of its own; the call's mark stays."""
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "count, nonce=first"}]},
        {"role": "assistant", "content": "1:tide"},
        {"role": "user", "content": "resume directly"},
    ]
    assert asked(messages=messages).nonce == "first"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"x": ' + b"[" * 100_000, "not valid JSON"),
        (b"[]", "Expected `object`"),
        (b"{}", "missing required field `model`"),
        (b'{"model": 5, "messages": []}', "$.model"),
        (b'{"model": "claude", "messages": []}', "messages:"),
        (
            b'{"model": "claude", "messages": [{"role": "user", "content": "x"}]}',
            "max_tokens: Field required",
        ),
        (b'{"model": "claude", "max_tokens": 0, "messages": [{"role": "user"}]}', "max_tokens: must be"),
        (b'{"model": "claude", "max_tokens": "9", "messages": [{"role": "user"}]}', "$.max_tokens"),
        (b'\xff{"model": "claude"}', "not valid JSON"),
    ],
)
def test_a_body_that_is_no_request_is_refused_in_words(body, says):
    """Each kind of bad body has a text that names what is wrong."""
    with pytest.raises(BadRequest) as caught:
        read_messages(body, "/v1/messages")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("line", "words", "seconds", "blocks"),
    [
        ("seawall-fake: words=7 seconds=1.5 blocks=thinking,text", 7, 1.5, ("thinking", "text")),
        ("seawall-fake: words=0", 1, None, ()),
        ("seawall-fake: words=99999999 seconds=nan blocks=song", None, None, ()),
        ("seawall-fake: seconds=-1", None, None, ()),
        ("seawall-fake: seconds=inf", None, None, ()),
        ("words=7", None, None, ()),
    ],
)
def test_a_directive_asks_for_an_answers_length(line, words, seconds, blocks):
    """Only behind its prefix, and only within bounds."""
    got = asked(f"nonce=a\n{line}")
    assert (got.words, got.seconds, got.blocks) == (words, seconds, blocks)


def test_max_tokens_shortens_the_answer_and_keeps_it_whole():
    """A call that allows one token gets one word and the end mark."""
    got = asked("nonce=a", max_tokens=1)
    (block,) = blocks_of(got, ("text",), 50, 1)
    assert "words=1 " in block["text"]
    assert verify_answer(block["text"], "nonce=a") is None
    assert message_of(got, [block], "msg")["usage"]["output_tokens"] == 1


@pytest.mark.parametrize("kinds", [("text",), ("thinking", "text", "tool"), ("tool",), ("text", "tool")])
@pytest.mark.parametrize("words_each", [1, 4, 1000])
def test_events_in_the_order_of_the_api_say_what_the_message_says(kinds, words_each):
    """Deltas joined are the blocks of the answer that is not streamed; usage is cumulative."""
    got = asked("nonce=a", tools=[{"name": "Bash"}])
    blocks = blocks_of(got, kinds, 20, 1)
    events = [e.data for e in events_of(got, blocks, "msg_1", words_each)]
    kinds_seen = [e["type"] for e in events if e["type"] not in ("ping", "content_block_delta")]
    assert kinds_seen == [
        "message_start",
        *["content_block_start", "content_block_stop"] * len(kinds),
        "message_delta",
        "message_stop",
    ]
    assert "ping" in [e["type"] for e in events]
    assert _joined(events) == blocks
    whole = message_of(got, blocks, "msg_1")
    assert events[-2]["usage"] == whole["usage"]
    assert events[-2]["delta"]["stop_reason"] == whole["stop_reason"]
    assert whole["stop_reason"] == ("tool_use" if "tool" in kinds else "end_turn")
    assert events[0]["message"]["stop_reason"] is None


def _joined(events: list[dict]) -> list[dict]:
    blocks: list[dict] = []
    partial = ""
    for event in events:
        match event:
            case {"type": "content_block_start", "index": index, "content_block": block}:
                assert index == len(blocks)
                blocks.append(dict(block))
                partial = ""
            case {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": text}}:
                partial += text
            case {"type": "content_block_delta", "delta": delta}:
                for name in ("text", "thinking", "signature"):
                    if name in delta:
                        blocks[-1][name] += delta[name]
            case {"type": "content_block_stop"} if blocks[-1]["type"] == "tool_use":
                blocks[-1]["input"] = json.loads(partial)
    return blocks


def test_a_forced_tool_is_called_by_its_name():
    """`tool_choice` adds a tool_use block of that name."""
    got = asked(tools=[{"name": "A"}, {"name": "B"}], tool_choice={"type": "tool", "name": "B"})
    assert [b.get("name") for b in blocks_of(got, ("text",), 5, 1)] == [None, "B"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request_error"), (401, "authentication_error"), (402, "billing_error"),
     (403, "permission_error"), (404, "not_found_error"), (413, "request_too_large"),
     (418, "invalid_request_error"), (429, "rate_limit_error"), (500, "api_error"), (503, "api_error"),
     (504, "timeout_error"), (529, "overloaded_error")],
)  # fmt: skip
def test_an_errors_type_follows_its_status(status, kind):
    """The envelope is the API's."""
    assert error_object(status, "x") == {"type": "error", "error": {"type": kind, "message": "x"}}
