"""Notes in a real store."""

import sqlite3
from pathlib import Path

import pytest

from seawall.store import notes
from seawall.store.bursts import Note
from seawall.store.queries import last_note, notes_between, reading


def row(key: str, opened_at: float, text: str, cause: str = "a.b") -> notes.Cells:
    return {
        "id": key, "cause": cause, "party": "a", "route": "api", "family": "", "account": "", "utc_offset": 60,
        "opened_at": opened_at, "last_failure_at": opened_at, "closed_at": None, "censored": True, "attempts": 1,
        "calls": 1, "held": 0, "lost": 0, "waited": 0.0, "longest_hold": 0.0, "note": text, "noted_at": 9e9,
    }  # fmt: skip


def test_the_last_note_of_a_cause(path: Path) -> None:
    """Of the newest episode before the one that goes on; never of another cause, nor its own."""
    notes.keep(path, row("aa", 1000.0, "first"))
    notes.keep(path, row("bb", 2000.0, "second"))
    notes.keep(path, row("cc", 2500.0, "other", "c.d"))
    with reading(path) as connection:
        assert last_note(connection, "a.b", 3000.0) == Note("bb", "a.b", "api", 2000.0, 60, "second", 9e9)
        assert last_note(connection, "a.b", 2000.0) == Note("aa", "a.b", "api", 1000.0, 60, "first", 9e9)
        assert last_note(connection, "a.b", 1000.0) is None
        assert [one.text for one in notes_between(connection, 1000.0, 2500.0)] == ["first", "second", "other"]


def test_another_takes_its_place_and_none_takes_it_away(path: Path) -> None:
    """One note an episode."""
    notes.keep(path, row("aa", 1000.0, "first"))
    notes.keep(path, row("aa", 1000.0, "second"))
    with reading(path) as connection:
        assert [one.text for one in notes_between(connection, 0.0, 1e10)] == ["second"]
    assert notes.drop(path, "aa")
    assert not notes.drop(path, "aa")
    assert notes.forget(path) == 0


def test_a_locked_store_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As SQLite says it, after some patience; nothing is kept."""
    monkeypatch.setattr(notes, "PATIENCE", 0.01)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        notes.keep(path, row("aa", 1000.0, "first"))
    holder.close()
    with reading(path) as connection:
        assert notes_between(connection, 0.0, 1e10) == []
