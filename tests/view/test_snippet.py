"""The block in a file: put in, put in again, taken out, and nothing else touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.view.snippet import BEGIN, END, FOR, Unusable, block, removed, written

lines = st.lists(st.sampled_from(["# Title", "", "text", "- a", "  x "]), max_size=6)
files = st.builds(
    lambda parts, end, last: (end.join(parts) + (end if last else "")).encode(),
    lines,
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)


@given(files, st.sampled_from(sorted(FOR)))
def test_what_is_put_in_can_be_taken_out(text: bytes, audience: str) -> None:
    """Byte for byte, however the file ended."""
    new = written(text, audience)
    assert isinstance(new, bytes)
    assert new.startswith(text)
    assert removed(new) == text


@given(files, files, st.sampled_from(sorted(FOR)), st.sampled_from(sorted(FOR)))
def test_a_second_time_replaces_the_first(before: bytes, after: bytes, first: str, second: str) -> None:
    """What is around the block stays, and once more changes nothing."""
    middle = (b"" if not before or before.endswith(b"\n") else b"\n") + block(first).encode()
    text = before + middle + after
    new = written(text, second)
    assert isinstance(new, bytes)
    begins = text.index(BEGIN.encode())
    assert new.startswith(text[:begins])
    assert new.endswith(after)
    assert new.count(BEGIN.encode()) == 1
    assert written(new, second) == new


@given(files)
def test_a_file_without_the_block_stays(text: bytes) -> None:
    """Removing nothing changes nothing."""
    assert removed(text) == text


def test_windows_line_ends_stay() -> None:
    """The block has the file's own."""
    new = written(b"# A\r\ntext\r\n", "both")
    assert isinstance(new, bytes)
    assert new.count(b"\n") == new.count(b"\r\n")


def test_an_older_block_is_replaced() -> None:
    """Whatever its version and its words."""
    old = b"a\n\n<!-- seawall:begin v0 -->\nold\n<!-- seawall:end -->\nb"
    assert written(old, "sdk") == b"a\n\n" + block("sdk").encode() + b"b"
    assert removed(old) == b"a\nb"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"a\n{BEGIN}\nb\n", "marker of the block's end is missing (line 2)"),
        (f"a\n{END}\n", "marker of the block's begin is missing (line 2)"),
        (f"{END}\n{BEGIN}\n", "wrong order (lines 1, 2)"),
        (f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n", "more than once (lines 1, 2, 3, 4)"),
        (f"{BEGIN}\n{BEGIN}\n{END}\n", "more than once"),
        ("a\0b", "no text in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_changed_surely(text: str, says: str) -> None:
    """Left alone, with the lines to look at; for writing and for removing."""
    for outcome in (written(text.encode(), "both"), removed(text.encode())):
        assert isinstance(outcome, Unusable)
        assert says in outcome.reason


def test_utf_16_is_left_alone() -> None:
    """A mark at its begin says so."""
    assert isinstance(written("# A".encode("utf-16"), "both"), Unusable)


def test_a_marker_within_a_line_is_a_word() -> None:
    """Only a line of its own is a marker."""
    text = f"write `{BEGIN}` there\n".encode()
    assert removed(text) == text


@pytest.mark.parametrize("audience", sorted(FOR))
def test_the_block(audience: str) -> None:
    """Between its markers, within 80 columns, with what its readers need."""
    text = block(audience)
    assert text.startswith(BEGIN + "\n## ")
    assert text.endswith("\n" + END + "\n")
    assert max(map(len, text.splitlines())) <= 80
    assert ("retry-after" in text) == (audience != "claude-code")
    assert ("git diff" in text) == (audience != "sdk")
