"""Which note belongs to which episode, and what the store keeps of it."""

from dataclasses import fields, replace

import pytest

from seawall.history.episodes import End, Episode
from seawall.history.notes import note_of, row
from seawall.store.bursts import Note
from seawall.store.schema import episode as table

ONE = Episode(
    "7f3a",
    "a.b",
    "api",
    ("opus",),
    1000.0,
    1500.0,
    1600.0,
    End.RECOVERED,
    9,
    4,
    1,
    1,
    60,
    "7f3a0011",
    (5.0, 9.0),
)
NOTE = Note("7f3a0011", "a.b", "api", 1000.0, 60, "a note", 5000.0)


@pytest.mark.parametrize(
    ("note", "its"),
    [
        (NOTE, True),
        (replace(NOTE, key="ffff", opened_at=1200.0), True),  # has become part of it
        (replace(NOTE, key="ffff", opened_at=1601.0), False),
        (replace(NOTE, key="ffff", opened_at=999.0), False),
        (replace(NOTE, key="ffff", cause="c.d"), False),
        (replace(NOTE, key="ffff", route="other"), False),
    ],
)
def test_whose_note_it_is(note: Note, its: bool) -> None:
    """That of its id, or of an episode that lies within it."""
    assert note_of(ONE, [note]) == (note if its else None)


def test_the_newest_counts() -> None:
    """Of several."""
    newer = replace(NOTE, key="ffff", opened_at=1100.0, noted_at=6000.0)
    assert note_of(ONE, [newer, NOTE]) is newer
    assert note_of(ONE, []) is None


def test_the_row_fills_the_table() -> None:
    """Every column of it, and what is true of the episode."""
    made = row(ONE, "a note", 5000.0)
    assert list(made) == [column.name for column in table.columns]
    assert (made["party"], made["lost"], made["held"], made["longest_hold"]) == ("a", 2, 2, 9.0)
    assert (made["closed_at"], made["censored"]) == (1600.0, False)
    open_ = row(replace(ONE, end=End.UNSEEN, families=("opus", "sonnet"), holds=None), "a note", 5000.0)
    assert (open_["closed_at"], open_["censored"], open_["family"]) == (None, True, "")
    assert {field.name for field in fields(Note)} >= {"text", "noted_at"}
