"""One value changes; every other byte stays."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seawall.wire.splice import members, with_value, without

blanks = st.text(" \t\r\n", max_size=2)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(["model", "messages", "metadata"]) | st.text(max_size=4)


def escaped(letter: str) -> str:
    """As an escape, in two where one has no room for it."""
    units = letter.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


@st.composite
def texts(draw: st.DrawFn) -> tuple[bytes, dict[str, tuple[int, int]]]:
    """An object written with blanks and escapes anywhere, and where each value stands."""
    content = draw(st.dictionaries(keys, values, max_size=5))
    text, spans = draw(blanks) + "{" + draw(blanks), {}
    for number, (key, value) in enumerate(content.items()):
        text += ("," + draw(blanks)) if number else ""
        text += json.dumps(key) if draw(st.booleans()) else '"' + "".join(map(escaped, key)) + '"'
        text += draw(blanks) + ":" + draw(blanks)
        begins = len(text.encode())
        text += json.dumps(value, ensure_ascii=draw(st.booleans()))
        spans[key] = (begins, len(text.encode()))
        text += draw(blanks)
    return (text + "}" + draw(blanks)).encode(), spans


@given(texts())
def test_members_stand_where_they_were_written(made: tuple[bytes, dict[str, tuple[int, int]]]) -> None:
    """Keys and the bounds of their values are found through blanks, escapes and nesting."""
    text, spans = made
    found = members(text)
    assert found is not None
    assert {member.key: (member.value, member.ends) for member in found} == spans


@given(texts(), st.booleans())
def test_only_the_value_changes(made: tuple[bytes, dict[str, tuple[int, int]]], buffer: bool) -> None:
    """Before and after it the bytes are the same, and the JSON is equal but for it."""
    text, spans = made
    changed = with_value(bytearray(text) if buffer else text, "model", b'"another"')
    if "model" not in spans:
        assert changed is None
        return
    assert changed is not None
    begins, ends = spans["model"]
    assert changed == text[:begins] + b'"another"' + text[ends:]
    assert json.loads(changed) == {**json.loads(text), "model": "another"}
    assert list(json.loads(changed)) == list(json.loads(text))


@given(texts(), keys)
def test_only_the_member_goes(made: tuple[bytes, dict[str, tuple[int, int]]], key: str) -> None:
    """What is left is the same object without it, and the other values' bytes are as they were."""
    text, spans = made
    changed = without(text, key)
    assert changed is not None
    left = json.loads(text)
    left.pop(key, None)
    assert json.loads(changed) == left
    kept = [text[begins:ends] for name, (begins, ends) in spans.items() if name != key]
    found = members(changed)
    assert found is not None
    assert [changed[member.value : member.ends] for member in found] == kept


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[1]",
        b'"model"',
        b'{"model": "a"',
        b'{"model": "a"} {}',
        b'{"model":"a","model":"a"}',
        b'{"model":"a","model":"b"}',
        b'{"model":"a","x":1,"model":"b"}',
        b'{"x":1,"x":1,"model":"a"}',
        b'{"model":"a","x":1,"x":2}',
        b'{"m\\u006fdel":"a","model":"b"}',
        b'{"x":' + b"[" * 100_000,
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_two_parsers_could_read_differently_is_not_changed(text: bytes) -> None:
    """A key that stands twice, a text that is no object: nothing is changed, and that is said."""
    assert members(text) is None
    assert with_value(text, "model", b'"z"') is None
    assert without(text, "model") is None


@given(st.binary(max_size=40))
@example(b"{}")
@example(b'{"a":1}')
def test_any_bytes_are_answered(junk: bytes) -> None:
    """Nothing raises, and what is found lies within."""
    found = members(junk)
    assert found is None or all(0 < one.begins < one.value < one.ends < len(junk) for one in found)
