"""Whether records can be written: tried, not guessed."""

import errno
import os
import shutil
import sqlite3
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from doctor_peers import about, ran
from store_helpers import empty_store

from seawall.config import Store
from seawall.doctor.check import State
from seawall.doctor.checks import local_store
from seawall.store.version import REVISIONS


def refusing(where: Path, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every write below this folder is refused."""
    real = tempfile.TemporaryFile

    def refuse(*_: Any, **kind: Any) -> Any:
        if Path(kind["dir"]).is_relative_to(where):
            raise OSError(code, os.strerror(code))
        return real(dir=kind["dir"])

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)


def test_all_is_well(tmp_path: Path) -> None:
    """The room that is left is said, and nothing is left behind or made."""
    found = ran(about(tmp_path), "local.store")
    assert found.state is State.OK
    assert found.facts["folders"][0]["free"] > 0
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    """What is above it counts."""
    one = about(tmp_path)
    one = replace(one, config=replace(one.config, store=Store(path=str(tmp_path / "a" / "b" / "s.db"))))
    found = ran(one, "local.store")
    assert (found.state, found.facts["folders"][0]["path"]) == (State.OK, str(tmp_path))


@pytest.mark.parametrize(
    ("code", "word", "weight"),
    [
        (errno.ENOSPC, "no room left", "decisive"),
        (errno.EROFS, "read-only", "decisive"),
        (errno.EACCES, "cannot be written", "strong"),
    ],
)
def test_claude_codes_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, word: str, weight: str
) -> None:
    """The client fails by it: a full disk and a read-only one beyond doubt."""
    one = about(tmp_path)
    one.claude_folder.mkdir(parents=True)
    refusing(one.claude_folder, code, monkeypatch)
    found = ran(one, "local.store")
    assert found.state is State.FAIL
    assert [(sign.cause, sign.weight.value) for sign in found.signs] == [("machine.disk", weight)]
    assert word in found.summary


def test_our_own_records_are_only_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls work without them."""
    refusing(tmp_path, errno.ENOSPC, monkeypatch)
    found = ran(about(tmp_path), "local.store")
    assert found.state is State.WARN
    assert [sign.weight.value for sign in found.signs] == ["weak"]


def test_somebody_elses_folder_is_named_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual trace of a run with sudo."""
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000)
    refusing(tmp_path, errno.EACCES, monkeypatch)
    assert "belongs to another user" in local_store.room(tmp_path, tmp_path).trouble


def test_little_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before it is none."""
    monkeypatch.setattr(local_store, "LITTLE", 1 << 62)
    found = ran(about(tmp_path), "local.store")
    assert (found.state, found.signs[0].weight.value) == (State.WARN, "weak")
    assert "MB are left" in found.summary


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("damaged", "is damaged: the next gateway that starts moves it aside"),
        ("newer", "was made by a newer Seawall (schema 9999): nothing is recorded"),
        ("foreign", "belongs to another program: nothing is recorded"),
        ("folder", "is a folder: nothing is recorded"),
        ("locked", "is locked by another program"),
        ("empty", ""),
        ("older", ""),
        ("right", ""),
    ],
)
def test_what_the_gateway_cannot_use(tmp_path: Path, kind: str, words: str) -> None:
    """It is said where the room is fine too, and what the records tell of is not known rather than nothing."""
    path = tmp_path / "seawall.db"
    match kind:
        case "damaged":
            path.write_bytes(os.urandom(5000))
        case "folder":
            path.mkdir()
        case "empty":
            path.touch()
        case _:
            shutil.copyfile(empty_store(), path)
    held = sqlite3.connect(path, isolation_level=None) if path.is_file() else None
    if held and kind in ("newer", "older"):
        held.execute(
            "UPDATE alembic_version SET version_num = ?", ("9999" if kind == "newer" else REVISIONS[0],)
        )
    if held and kind == "foreign":
        held.execute("DROP TABLE attempt")
    if held and kind == "locked":
        held.execute("PRAGMA journal_mode = DELETE")
        held.execute("BEGIN EXCLUSIVE")
    store, recent = (ran(about(tmp_path), check) for check in ("local.store", "seen.recent"))
    if held:
        held.close()
    assert store.state is (State.WARN if words else State.OK)
    assert words in str(store.facts["unusable"])
    assert [(one.cause, one.weight.value) for one in store.signs] == (
        [("machine.disk", "weak")] if words else []
    )
    if kind in ("empty", "right"):
        assert recent.state is State.SKIP
    else:
        assert recent.state is State.UNKNOWN
        assert (words or "is of an older Seawall: the next gateway brings it up to date") in recent.summary
