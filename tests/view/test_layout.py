"""Texts and rows as they reach a terminal."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.view.layout import Fact, Look, Row, clean, columns, cut_middle, ends, laid_out
from told_gateway import HOSTILE

PAINT = re.compile(r"\x1b\[\d+m")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("opus", "opus"),
        ("two\r\nlines\tand  blanks ", "two lines and blanks"),
        ("\x1b[2J\x1b]0;title\x07", "?[2J?]0;title?"),
        ("\x9b31m\x7f\x00", "?31m??"),
        ("\u202eabc\u200b\u2066", "?abc??"),
        ("\ud800", "?"),
        ("e\u0301", "é"),
        ("x\u0301\u0302\u0303", "x"),
        ("แก้แล้ว", "แก้แล้ว"),
        ("हिन्दी", "हिन्दी"),
        ("שָׁלוֹם", "שָׁלוֹם"),
        ("ก" + "\u0e48" * 30, "ก\u0e48\u0e48"),
        ("\u26a0\ufe0f", "\u26a0"),
        ("名前", "名前"),
        ("a" * 1000, "a" * 160),
    ],
)
def test_a_terminal_obeys_nothing_of_it(text: str, shown: str) -> None:
    """One line of visible signs, of bounded length."""
    assert clean(text) == shown


@settings(deadline=None)
@given(st.text())
def test_whatever_comes_is_one_visible_line(text: str) -> None:
    """No sign that a terminal obeys, whatever the text."""
    assert clean(text).isprintable()


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("short", 5, "short"), ("a-very-long-name", 11, "a-ve...name"), ("abcdef", 3, "abc"), ("abc", 0, ""),
        ("名前名前", 7, "名...前"), ("名前", 1, ""), ("แก้แล้ว", 5, "แก้แล้ว"), ("ก้ก้ก้ก้ก้", 3, "ก้ก้ก้"),
    ],
)  # fmt: skip
def test_a_long_name_loses_its_middle(text: str, width: int, shown: str) -> None:
    """Both ends stay; a sign of two columns counts as two."""
    assert cut_middle(text, width) == shown
    assert columns(shown) <= width


ROWS = [
    Row("opus", [Fact("our own load", "!", "warn"), Fact("12 running"), Fact("40 queued")]),
    Row("", [Fact("a sentence of several words that goes on"), Fact("b" * 30)]),
]


@pytest.mark.parametrize(
    ("look", "shown"),
    [
        (
            Look(80),
            [
                "opus          ! our own load · 12 running · 40 queued",
                "              a sentence of several words that goes on",
                "              bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
            ],
        ),
        (
            Look(26),
            [
                "opus",
                "  ! our own load",
                "  12 running · 40 queued",
                "  a sentence of several",
                "  words that goes on",
                "  bbbbbbbbbbb...bbbbbbbbbb",
            ],
        ),
        (
            Look(None, plain=True),
            [
                "opus: ! our own load; 12 running; 40 queued",
                f"  a sentence of several words that goes on; {'b' * 30}",
            ],
        ),
        (Look(80, color=True), ["opus          \x1b[33m!\x1b[0m our own load · 12 running · 40 queued"]),
    ],
)
def test_rows(look: Look, shown: list[str]) -> None:
    """Beside a label or under it; words wrap, names are cut; plain is neither; colour is on the mark alone."""
    assert laid_out(ROWS, look)[: len(shown)] == shown


@pytest.mark.parametrize(
    ("left", "right", "width", "shown"),
    [
        ("left", "right", 20, ["left           right"]),
        ("left", "right", 10, ["left", "right"]),
        ("left", "", 10, ["left"]),
        ("two words", "r", 6, ["two", "words", "r"]),
    ],
)
def test_two_ends(left: str, right: str, width: int, shown: list[str]) -> None:
    """One line where both fit, else one under the other."""
    assert ends(Fact(left), right, Look(width)) == shown


FACTS = st.builds(
    Fact,
    st.text(max_size=60).map(clean),
    st.sampled_from(["", "!", "ok", "Anthropic's side"]),
    st.sampled_from(["", "warn", "party"]),
)


@settings(deadline=None)
@given(
    st.lists(st.builds(Row, st.text(max_size=30).map(clean), st.lists(FACTS, max_size=5)), max_size=4),
    st.integers(1, 100),
    st.booleans(),
)
def test_no_line_is_wider_than_the_terminal(rows: list[Row], width: int, color: bool) -> None:
    """At any width, with any text; colour takes no room."""
    look = Look(width, color)
    lines = laid_out(rows, look)
    if rows and rows[0].facts:
        lines += ends(rows[0].facts[0], rows[0].label, look)
    assert all(columns(PAINT.sub("", line)) <= width for line in lines)


def test_hostile_text_is_shown_not_obeyed() -> None:
    """Whatever is in a name, the only escape sequences written are our colours."""
    [line] = laid_out([Row(clean(HOSTILE)[:10], [Fact(clean(HOSTILE))])], Look(None))
    assert line.isprintable()
