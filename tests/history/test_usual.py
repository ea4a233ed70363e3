"""How long trouble usually lasts, from a small file."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from seawall.config import Store
from seawall.history.episodes import End, Episode
from seawall.history.usual import DAY, Usual, added_up, forget, keep, kept, main, refresh, stale, start, usual
from seawall.store.migrate import migrate
from seawall.store.rows import Attempt, cells
from seawall.store.writer import INSERT_ATTEMPT

NOW = 1_795_000_000.0
FIGURES = {"provider.overloaded": Usual(23, 120.0, 240.0, 660.0), "network.reset": Usual(3)}


def episode(cause: str, lasted: float, end: End = End.RECOVERED) -> Episode:
    return Episode("7f3a", cause, "api", (), NOW, NOW, NOW + lasted, end, 3, 1, 0, 0, 0)


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    """By cause, in a file that only its owner may read; of another cause, or without the file, nothing is known."""
    store = tmp_path / "seawall.db"
    assert usual("provider.overloaded", Store(path=str(store))) is None
    keep(store, FIGURES)
    assert kept(store) == FIGURES
    assert usual("provider.overloaded", Store(path=str(store))) == FIGURES["provider.overloaded"]
    assert usual("limit.session", Store(path=str(store))) is None
    [file] = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    forget(store)
    forget(store)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe", b"[]", b"{}", b'{"causes": []}', b'{"causes": {"a.b": 1}}', b'{"causes": {"a.b": [1, 2]}}',
        b'{"causes": {"a.b": ["x", 1, 2, 3]}}', b'{"causes": {"a.b": [1, {}, 2, 3]}}', b"[" * 100_000,
        b'{"causes": {}}' + b" " * 300_000 + b"x",
    ],
)  # fmt: skip
def test_whatever_stands_in_the_file(tmp_path: Path, content: bytes) -> None:
    """What is not ours is as if it were not there."""
    store = tmp_path / "seawall.db"
    (tmp_path / "seawall.db.usual").write_bytes(content)
    assert kept(store) == {}
    assert usual("a.b", Store(path=str(store))) is None


@pytest.mark.parametrize("path", ["postgresql://host/x", "a\0b"])
def test_a_store_that_is_no_file(path: str) -> None:
    """Nothing is known, and nothing is raised."""
    assert usual("a.b", Store(path=path)) is None


def test_the_figures(tmp_path: Path) -> None:
    """Percentiles from eight episodes on, those without an end counted as at least so long."""
    rows = [episode("a.b", 60.0 * n) for n in range(1, 9)]
    few = rows[:7]
    assert added_up([*rows, episode("c.d", 5)]) == {"a.b": Usual(8, 240, 360, 480), "c.d": Usual(1)}
    assert added_up(few)["a.b"] == Usual(7)
    walked_away = [replace(one, end=End.UNSEEN) if one.lasted > 300 else one for one in rows]
    assert added_up(walked_away)["a.b"] == Usual(8, 240, None, None)
    assert added_up([]) == {}


def test_when_they_are_old(tmp_path: Path) -> None:
    """After a day, and where a clock was wrong when they were made."""
    store = tmp_path / "seawall.db"
    assert stale(store, NOW)
    keep(store, {})
    for age, old in (
        (0.0, False),
        (0.9 * DAY, False),
        (1.1 * DAY, True),
        (-0.5 * DAY, False),
        (-2 * DAY, True),
    ):
        os.utime(f"{store}.usual", (NOW - age, NOW - age))
        assert stale(store, NOW) is old


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """Whole or not at all, and nothing half done is left."""
    store = tmp_path / "seawall.db"
    (tmp_path / "seawall.db.usual").mkdir()
    with pytest.raises(IsADirectoryError):
        keep(store, FIGURES)
    assert [one.name for one in tmp_path.iterdir()] == ["seawall.db.usual"]


def test_as_a_program_it_adds_up_a_store(tmp_path: Path) -> None:
    """Run as the gateway runs it: eight outages of one to eight minutes."""
    store = tmp_path / "seawall.db"
    store.touch()
    migrate(str(store))
    connection = sqlite3.connect(store)
    for n in range(1, 9):
        row = Attempt(
            at=NOW - 3600.0 * n, utc_offset=60, call="c", number=1, route="api", family="opus", status=529,
            error_type=None, cause="provider.overloaded", request_id=None, took=0.5, held=0.0, ended="retried",
        )  # fmt: skip
        well = replace(row, at=row.at + 30.0 * n, held=30.0 * n, cause=None, ended="recovered", number=2)
        connection.executemany(INSERT_ATTEMPT, [cells(row), cells(well)])
    connection.commit()
    connection.close()
    refresh(store, NOW)
    assert kept(store) == {"provider.overloaded": Usual(8, 120, 180, 240)}
    command = [sys.executable, "-m", "seawall.history.usual", str(store)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert set(json.loads((tmp_path / "seawall.db.usual").read_text())) == {"causes"}


def test_it_is_started_once_a_day(tmp_path: Path) -> None:
    """Where the figures are old a program adds them up, and nobody waits for it."""
    store = tmp_path / "seawall.db"
    store.touch()
    migrate(str(store))
    start(store)
    patience = time.monotonic() + 60
    while not kept_file(store).exists():
        assert time.monotonic() < patience
        time.sleep(0.01)
    before = kept_file(store).stat().st_mtime_ns
    threads = threading.active_count()
    start(store)
    assert threading.active_count() <= threads
    assert kept_file(store).stat().st_mtime_ns == before


def kept_file(store: Path) -> Path:
    return store.with_name("seawall.db.usual")


def test_as_a_program_it_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, and an exit code."""
    command = [sys.executable, "-m", "seawall.history.usual", str(tmp_path / "none.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_looking_is_light() -> None:
    """`status` has 80 ms in all: neither a database nor what adds up is imported."""
    code = (
        "import sys; from seawall.config import Store; from seawall.history.usual import usual;"
        "usual('a.b', Store(path='/nonexistent/x.db'));"
        "print(*[m for m in ('sqlite3', 'sqlalchemy', 'seawall.history.episodes', 'statistics') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
