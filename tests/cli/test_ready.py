"""The report that is made ready when it is time to tell; by a whole follower in `test_following.py`."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from own_home import Home
from report_cases import FAILED
from seawall.cli import ready
from seawall.cli.common import Common
from seawall.config import Store
from seawall.store.rows import Attempt
from seawall.store.writer import Pace, Writer
from seawall.view.notify import Event

COMMON = Common(quiet=True)


def fill(home: Home, *rows: Attempt) -> None:
    """The store of this home, with these rows, written as the gateway does."""
    path = home.path / ".local/share/seawall/seawall.db"
    writer = Writer(Store(path=str(path)), pace=Pace(gather=0.001, counts_every=0.001))
    writer.start()
    for row in rows:
        writer.put(row)
    assert writer.close(20).dropped == 0


def incident(home: Home, route: str = "api.anthropic.com") -> Event:
    """Twenty minutes of failures that goes on, on record; what is told of it."""
    now = time.time()
    ages = range(1300, 0, -60)
    fill(home, *(replace(FAILED, at=now - age, number=n, route=route) for n, age in enumerate(ages, 1)))
    return Event("escalate_now", route, now - 1300, now, "provider.overloaded", ("opus",))


@pytest.fixture
def at_home(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """This process in a home of its own."""
    for name in [*os.environ]:
        if name.startswith(("SEAWALL_", "XDG_", "ANTHROPIC_", "CLAUDE_")):
            monkeypatch.delenv(name)
    for name, value in own_home.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(own_home.path)
    return own_home


def folders(home: Home) -> list[Path]:
    where = home.path / ".local/state/seawall/reports"
    return sorted(one for one in where.iterdir() if one.is_dir()) if where.is_dir() else []


def test_one_for_an_incident(at_home: Home) -> None:
    """Asked again it names the one that is there; a report by hand beside it holds no folder's name back."""
    event = incident(at_home)
    first = ready.made(COMMON, event, None)
    assert first.startswith("A report is ready in ~/.local/state/seawall/reports/seawall-report-")
    [folder] = folders(at_home)
    before = folder.stat().st_mtime_ns
    assert ready.made(COMMON, event, None) == first
    assert folders(at_home) == [folder]
    assert folder.stat().st_mtime_ns == before
    assert ready.of(folder.name.removeprefix("seawall-report-")) == folder
    done = at_home.seawall("report", "-y", "--offline")
    assert (done.returncode, done.stderr) == (0, "")


def test_only_a_few_are_kept(at_home: Home) -> None:
    """Three; older ones go with their zips, and what is not a report of ours stays."""
    where = at_home.path / ".local/state/seawall/reports"
    for number in range(5):
        old = where / f"seawall-report-{number:04x}"
        old.mkdir(parents=True)
        (old / "README.txt").write_text("x")
        old.with_suffix(".zip").write_text("x")
        os.utime(old, (number, number))
    (where / "mine").mkdir()
    outside = at_home.path / "outside"
    outside.mkdir()
    (where / "seawall-report-ffff").symlink_to(outside)
    assert ready.made(COMMON, incident(at_home), None).startswith("A report is ready")
    names = {one.name for one in where.iterdir()}
    kept = {name for name in names if name.startswith("seawall-report-") and not name.endswith(".zip")}
    assert {"mine", "seawall-report-ffff", "seawall-report-0003", "seawall-report-0004"} < names
    assert len(kept - {"seawall-report-ffff"}) == ready.KEPT
    assert {name.removesuffix(".zip") for name in names if name.endswith(".zip")} == kept - {
        "seawall-report-ffff"
    }
    assert outside.is_dir()


def test_a_folder_that_cannot_be_written(at_home: Home) -> None:
    """It is said in the message, and nothing else happens."""
    event = incident(at_home)
    state = at_home.path / ".local/state"
    state.mkdir(parents=True)
    (state / "seawall").write_text("a file in its place")
    said = ready.made(COMMON, event, None)
    assert said.startswith("No report could be made ready (it cannot be written: ")
    assert (state / "seawall").read_text() == "a file in its place"


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (lambda *_: (_ for _ in ()).throw(RuntimeError("secret text")), "RuntimeError"),
        (lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")), "No space left on device"),
    ],
)
def test_whatever_breaks_it_the_message_goes_out(
    at_home: Home, monkeypatch: pytest.MonkeyPatch, broken: object, why: str
) -> None:
    """The sentence says why in a word; a surprise says its kind only."""
    monkeypatch.setattr("seawall.report.bundle.write", broken)
    said = ready.made(COMMON, incident(at_home), None)
    assert said.startswith("No report could be made ready (")
    assert why in said
    assert "secret text" not in said
    assert folders(at_home) == []


def test_without_a_record_it_is_about_what_is_measured(at_home: Home) -> None:
    """Nothing on record and nothing measured that is wrong: there is nothing to report, and that is said."""
    event = Event("escalate_now", "api.anthropic.com", time.time() - 1300, time.time(), "provider.overloaded")
    assert ready.made(COMMON, event, None).startswith("No report could be made ready (")
    assert ready.of("now") is None
    assert ready.of("../7f3a") is None
