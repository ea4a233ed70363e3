"""`seawall history`: from a real store to what is printed, and what it survives."""

import contextlib
import csv
import gc
import io
import json
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from store_helpers import empty_store

from own_home import LIMIT, Home
from seawall.cli import history, verbs
from seawall.clock import local
from seawall.config import Store
from seawall.store.bursts import HourCount
from seawall.store.latency import HourLatency, Latency, step_of
from seawall.store.migrate import migrate
from seawall.store.rows import Attempt, Count
from seawall.store.writer import Pace, Writer
from seawall.view.history_data import HEADERS
from shapes import conforms

FAILED = Attempt(
    at=0.0, utc_offset=60, call="c1", number=1, route="api.anthropic.com", family="opus", status=529,
    error_type="overloaded_error", cause="provider.overloaded", request_id="req_011CSHoEeqs5C35K2UUqR7Fy",
    took=0.5, held=0.0, ended="retried", client="claude-cli/2.1.59", account="ab",
)  # fmt: skip


def filled(home: Home, *rows: Attempt | Count | Latency) -> Path:
    """The store of this home, with these rows, written as the gateway does."""
    path = home.path / ".local/share/seawall/seawall.db"
    if not path.exists():
        path.parent.mkdir(0o700, parents=True)
        shutil.copyfile(empty_store(), path)
    writer = Writer(Store(path=str(path)), pace=Pace(gather=0.001, counts_every=0.001))
    writer.start()
    for row in rows:
        writer.put(row)
    assert writer.close(20).dropped == 0
    return path


def outages(now: float, number: int = 9) -> list[Attempt | Count]:
    """So many episodes, an hour apart, each of two calls: one recovers after n minutes, one is given up."""
    rows: list[Attempt | Count] = []
    for n in range(1, number + 1):
        at = now - n * 3600
        for k in range(n):
            rows.append(replace(FAILED, at=at + 60.0 * k, call=f"a{n}", number=k + 1, held=60.0 * k))
        rows.append(replace(FAILED, at=at + 1, call=f"b{n}", ended="given_up"))
        success = replace(FAILED, cause=None, status=200, ended="recovered", number=n + 1)
        rows.append(replace(success, at=at + 60.0 * n, call=f"a{n}", held=60.0 * n))
        hour = int(at // 3600)
        rows += [
            Count(hour, 60, "api.anthropic.com", "opus", "ab", cause, 25)
            for cause in ("", "provider.overloaded")
        ]
    return rows


def test_the_whole_view(own_home: Home) -> None:
    """Head, hours, causes, what was saved and lost, in lines of 80 columns."""
    filled(own_home, *outages(time.time()))
    done = own_home.seawall("history")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == [
        "Last 30 days · local time (UTC) · 405 calls · 9 episodes · 50 % of held calls",
        "recovered",
    ]
    assert "No clear pattern yet (" in done.stdout
    [cause] = [line for line in lines if line.startswith("  episodes")] or [
        line for line in lines if line.startswith("provider.overloaded")
    ]
    assert cause.split() == ["provider.overloaded", "9", "18", "5", "min", "9", "min", "9", "min"]
    assert "Held and saved: 9 calls, 45 min of waiting you did not have to watch" in lines
    assert "Lost: 9 calls (9 gave up)" in lines
    assert max(map(len, lines)) <= 80


def test_what_claude_code_tried_again_itself_was_not_held(own_home: Home) -> None:
    """Where no gateway ever ran, nothing is said of held calls; what was lost is."""
    at = time.time() - 3600
    told = replace(FAILED, source="transcript", at=at, call="file_1", ended="given_up", held=30.0)
    well = replace(
        told, at=at + 90, call="file_2", number=2, cause=None, status=200, ended="recovered", held=8.0
    )
    filled(own_home, told, replace(told, at=at + 60, call="file_2", ended="retried", held=0.0), well)
    said = own_home.seawall("history").stdout
    assert "held" not in said.lower()
    assert "Lost: 1 call (1 gave up)" in said
    value = conforms(own_home.seawall("history", "--json").stdout)
    assert value["held_and_recovered"] == {"calls": 0, "waited": 0.0}
    assert [one["end"] for one in value["episodes"]] == ["recovered"]


def test_how_long_answers_took_to_begin(own_home: Home) -> None:
    """By hour of the week for programs, all together for people; of one model where one is named."""
    now = time.time()
    hour = int(now // 3600) - 24
    answers = [Latency(hour, 60, "api.anthropic.com", "opus", step_of(s), 15) for s in (1.0, 2.0)]
    answers += [Latency(hour, 60, "api.anthropic.com", "haiku", step_of(0.3), 5)]
    filled(own_home, *answers, Count(hour, 60, "api.anthropic.com", "haiku", "ab", "", 5), *outages(now, 1))
    value = conforms(own_home.seawall("history", "--json").stdout)
    [cell] = value["latency"]["by_hour"]
    at = datetime.fromtimestamp(hour * 3600, UTC) + timedelta(minutes=60)
    assert (cell["weekday"], cell["hour"], cell["answers"]) == (at.weekday(), at.hour, 35)
    assert value["latency"] == {"by_hour": [cell]} | {key: cell[key] for key in ("answers", "p50", "p90")}
    assert 0.7 < cell["p50"] <= 1.02 < cell["p90"] <= 2.05
    said = own_home.seawall("history", "hours").stdout.splitlines()
    assert said[-1] == "Answers begin after 1.0 s (half of them), 1.9 s (9 of 10) · 35 answers"
    alone = own_home.seawall("history", "hours", "--model", "haiku", "--plain").stdout.splitlines()
    assert re.fullmatch(r"Answers begin after 0\.\d s .*, 0\.\d s .* 5 answers", alone[-1])


def test_the_views(own_home: Home) -> None:
    """Each part alone; an episode by its id; the same for programs."""
    now = time.time()
    filled(own_home, *outages(now, 3))
    listed = own_home.seawall("history", "list", "--plain").stdout.splitlines()
    assert len(listed) == 4
    assert listed[1].split()[3:5] == ["provider.overloaded", "1"]
    shown = own_home.seawall("history", "show", listed[3].split()[0])
    assert "4 attempts of 2 calls failed" in shown.stdout
    assert shown.stdout.count("req_011CSHoEeqs5C35K2UUqR7Fy") == 4
    assert own_home.seawall("history", "causes").stdout.split()[0] == "cause"
    assert own_home.seawall("history", "models").stdout.splitlines()[1].split() == ["opus", "150", "50", "%"]
    assert own_home.seawall("history", "hours").stdout.startswith("Failure rate by hour\n")
    value = json.loads(own_home.seawall("history", "--json").stdout)
    assert (value["schema"], value["attempts"], value["failed"]) == ("seawall.history/1", 150, 75)
    assert [one["lasted"] for one in value["episodes"]] == pytest.approx([180.0, 120.0, 60.0], abs=0.01)
    assert value["causes"][0]["p50"] is None
    rows = list(csv.DictReader(io.StringIO(own_home.seawall("history", "--csv").stdout)))
    assert [one["id"] for one in rows] == [one["id"] for one in value["episodes"]]
    compared = json.loads(own_home.seawall("history", "--compare", "1d", "--json").stdout)
    assert (compared["after"]["attempts"], compared["before"]["attempts"], compared["change"]) == (
        150,
        0,
        None,
    )
    assert "Too few calls or hours to compare" in own_home.seawall("history", "--compare", "1d").stdout
    other = own_home.seawall("history", "--cause", "limit.long_gone", "--model", "sonnet", "list")
    assert (other.returncode, len(other.stdout.splitlines())) == (0, 1)


def test_what_goes_on(own_home: Home) -> None:
    """An episode that has no end yet is said with what is to be expected of it; a wrong clock's rows are left out."""
    now = time.time()
    filled(own_home, *outages(now), replace(FAILED, at=now - 30), replace(FAILED, at=now + 90_000))
    text = own_home.seawall("history", "--plain").stdout
    assert "Now: provider.overloaded for" in text
    assert "Most episodes like this end within 7 min" in text
    assert "1 attempt of the future left out" in text


def test_nothing_on_record(own_home: Home) -> None:
    """No store, an empty store, an empty span: one line, and success. Nothing is made by looking."""
    done = own_home.seawall("history")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (0, "", 1)
    assert json.loads(own_home.seawall("history", "--json").stdout)["episodes"] == []
    assert list(own_home.path.iterdir()) == []
    for view in ((), ("hours",), ("causes",), ("models",)):
        rows = own_home.seawall("history", *view, "--csv").stdout.splitlines()
        assert rows == [",".join(HEADERS[view[0] if view else "list"])]
    beside = conforms(own_home.seawall("history", "--compare", "7d", "--json").stdout)
    assert (beside["schema"], beside["after"]["attempts"]) == ("seawall.comparison/1", 0)
    filled(own_home)
    assert own_home.seawall("history").stdout == "Nothing is on record: last 30 days.\n"


def test_a_part_of_an_hour(own_home: Home) -> None:
    """Calls are counted by the hour: of a span within one their number is not known, and is not said to be none."""
    now = time.time()
    counted = Count(int(now // 3600) - 1, 0, "api.anthropic.com", "opus", "ab", "", 300)
    filled(own_home, counted)
    said = own_home.seawall("history", "--since", "1s").stdout
    assert said == "Nothing is on record: last 1s; calls are counted by the hour: --since 1h.\n"
    filled(own_home, replace(FAILED, at=time.time()))
    head = own_home.seawall("history", "--since", "20s", "--plain").stdout.splitlines()[0]
    assert head == "Last 20s; local time (UTC); 1 episode"
    assert "; 300 calls; " in own_home.seawall("history", "--since", "3h", "--plain").stdout.splitlines()[0]


def test_one_call_that_is_tried_thirty_times_is_one_call(own_home: Home) -> None:
    """A model's share and a comparison need twenty calls, not twenty attempts; programs are told of both."""
    now = time.time()
    tries = [replace(FAILED, at=now - 4000 + n, number=n + 1) for n in range(30)]
    filled(
        own_home,
        *tries,
        Count(int((now - 4000) // 3600), 0, "api.anthropic.com", "opus", "ab", FAILED.cause or "", 30),
    )
    assert own_home.seawall("history", "models").stdout.splitlines()[1].split() == ["opus", "30", "–"]
    [model] = conforms(own_home.seawall("history", "--json").stdout)["models"]
    assert (model["attempts"], model["calls"], model["failed"]) == (30, 1, 30)
    beside = conforms(own_home.seawall("history", "--compare", "1d", "--json").stdout)
    assert (beside["after"]["attempts"], beside["after"]["calls"]) == (30, 1)


def test_a_store_that_cannot_be_read(own_home: Home) -> None:
    """Locked, of a newer or an older version, another program's, damaged: one line that says so, exit 1."""
    path = filled(own_home)
    with sqlite3.connect(path, isolation_level=None) as holder:
        holder.execute("PRAGMA journal_mode = DELETE")
        holder.execute("BEGIN EXCLUSIVE")
        locked = own_home.seawall("history")
        holder.execute("ROLLBACK")
        holder.execute("UPDATE alembic_version SET version_num = '9999'")
        newer = own_home.seawall("history")
        holder.execute("UPDATE alembic_version SET version_num = '0001'")
        older = own_home.seawall("history")
        holder.execute("DROP TABLE attempt")
        foreign = own_home.seawall("history")
    holder.close()
    path.write_bytes(b"not a database at all" * 100)
    damaged = own_home.seawall("history", "--json")
    for done, words in (
        (locked, "is locked by another program"),
        (newer, "of a newer Seawall (schema 9999)"),
        (older, "of an older Seawall"),
        (foreign, "no records of Seawall"),
    ):
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert words in done.stderr
    assert damaged.returncode == 1
    assert "is damaged" in json.loads(damaged.stdout)["error"]["message"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--since", "yesteryear"], ["--since", "-3d"], ["--since", "2999-01-01"], ["--since", ""],
        ["--compare", "0d"], ["--compare", "7d", "--since", "3d"], ["show"], ["list", "7f3a"], ["show", "zz"],
        ["--cause", "Robert'); DROP"], ["--csv", "--json"], ["everything"], ["note", "7f3a"], ["note"],
        ["show", "7f3a", "text"], ["--yes"], ["--forget", "list"], ["--forget", "--since", "3d"],
        ["--forget", "--json"],
        ["--forget"], ["--compare", "yesteryear"], ["--since", "\x1b[2J"], ["--since", "9" * 400 + "d"],
        ["--compare", "ffff"], ["note", "zz", "text"], ["list", "--csv", "--compare", "3d"],
    ],
)  # fmt: skip
def test_nonsense_is_refused(
    own_home: Home, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and exit 2."""
    filled(own_home, replace(FAILED, at=time.time() - 5000))
    monkeypatch.setenv("SEAWALL_STORE_PATH", str(own_home.path / ".local/share/seawall/seawall.db"))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(SystemExit) as left:
        verbs.run(["history", *arguments])
    gc.enable()
    said = capsys.readouterr()
    assert left.value.code == 2
    assert said.err.count("\n") + said.out.count("\n") == 1
    assert "\x1b" not in said.err


def test_a_note_is_shown_the_next_time(own_home: Home) -> None:
    """Kept with its episode, but for what is secret or obeyed; a new one takes its place, none removes it."""
    now = time.time()
    filled(own_home, *outages(now, 2))
    first, second = [one["id"] for one in conforms(own_home.seawall("history", "--json").stdout)["episodes"]]
    said = own_home.seawall("history", "note", first, "try sonnet")
    assert said.stdout == (
        f"Noted for {first} (provider.overloaded); it is shown the next time this cause comes up\n"
    )
    secret = "sk-ant-api03-" + "Zq7x" * 24
    again = own_home.seawall(
        "history", "note", first, f"fixed by\x1b[2J waiting {secret}\n" + "x" * 900, "--json"
    )
    noted = conforms(again.stdout)["note"]
    assert noted.startswith("fixed by?[2J waiting sk-ant-api03-***")
    assert len(noted) <= 500
    assert own_home.seawall("history", "note", first, "fixed by waiting").returncode == 0
    shown = own_home.seawall("history", "show", first).stdout
    assert "Note: fixed by waiting\n" in shown
    assert " of 3 answers: 529 overloaded_error" in shown
    value = conforms(own_home.seawall("history", "show", first, "--json").stdout)
    assert value["episode"]["note"]["text"] == "fixed by waiting"
    assert value["evidence"] == [{"status": 529, "error_type": "overloaded_error", "attempts": 3}]
    assert conforms(own_home.seawall("history", "show", second, "--json").stdout)["episode"]["note"] is None
    filled(own_home, replace(FAILED, at=now - 20))
    day = time.gmtime(now - 2 * 3600 + 60 * FAILED.utc_offset)  # as the clock stood where it was
    line = f"  Last time, {day.tm_mday} {time.strftime('%b', day)}: fixed by waiting"
    assert line in own_home.seawall("history", TZ="UTC").stdout.splitlines()
    assert own_home.seawall("history", "note", first, "").stdout == f"{first} has no note any more\n"
    assert own_home.seawall("history", "note", first, " ").stdout == f"{first} had no note\n"
    assert "Last time" not in own_home.seawall("history").stdout


def test_an_episode_that_began_earlier_than_was_known_keeps_its_note(own_home: Home) -> None:
    """Older failures come in later, from an import: the episode has another id, and still its note."""
    at = time.time() - 5000
    filled(own_home, replace(FAILED, at=at))
    [one] = json.loads(own_home.seawall("history", "--json").stdout)["episodes"]
    own_home.seawall("history", "note", one["id"], "a note")
    filled(own_home, replace(FAILED, at=at - 60))
    [other] = json.loads(own_home.seawall("history", "--json").stdout)["episodes"]
    assert other["id"] != one["id"]
    assert other["note"]["text"] == "a note"


def id_of_first(now: float) -> str:
    """The id that the first of three `outages` has, the oldest."""
    key = f"{FAILED.cause}|{FAILED.route}|{now - 3 * 3600:.3f}"
    return sha256(key.encode()).hexdigest()[:4]


@pytest.mark.parametrize("shape", [r"[a-c]...", r"\d{3}d"], ids=["of letters", "like a length"])
def test_before_and_after_a_note(own_home: Home, shape: str) -> None:
    """As much time before the note as has passed since; without a note there is nothing to compare.

    An id follows from the moment of the first failure, and one in sixty reads like a length: each kind has its moment.
    """
    begin = time.time()
    now = next(begin - n for n in range(40_000) if re.fullmatch(shape, id_of_first(begin - n)))
    filled(own_home, *outages(now, 3))
    first, *_ = [one["id"] for one in json.loads(own_home.seawall("history", "--json").stdout)["episodes"]]
    assert first == id_of_first(now)
    without = own_home.seawall("history", "--compare", first)
    assert (without.returncode, f"{first} has no note" in without.stderr) == (2, True)
    own_home.seawall("history", "note", first, "another proxy")
    shown = own_home.seawall("history", "--compare", first)
    assert f"since the note on {first}" in shown.stdout
    compared = conforms(own_home.seawall("history", "--compare", first, "--json").stdout)
    spans = [
        datetime.fromisoformat(compared[side]["until"]) - datetime.fromisoformat(compared[side]["since"])
        for side in ("before", "after")
    ]
    assert abs(spans[0] - spans[1]) <= timedelta(seconds=1)


def test_a_span_longer_than_records_go_back(own_home: Home) -> None:
    """Two halves of what is kept are compared, and the head says so; a line says where records begin later."""
    now = time.time()
    filled(own_home, *outages(now, 3))
    shown = own_home.seawall("history", "--compare", "99999d", "--plain").stdout
    assert shown.splitlines()[0].split(maxsplit=1) == ["before", "last 200 days"]
    assert "records are kept for 400 days" in shown
    assert "Nothing of this is on record before " in shown
    value = conforms(own_home.seawall("history", "--compare", "99999d", "--json").stdout)
    assert datetime.fromisoformat(value["after"]["since"]) == datetime.fromisoformat(value["before"]["until"])
    assert now - datetime.fromisoformat(value["before"]["since"]).timestamp() == pytest.approx(
        400 * 86400, abs=60
    )
    first = Count(int((now - 9.5 * 86400) // 3600), 0, "api.anthropic.com", "opus", "ab", "", 100)
    filled(own_home, first)
    shown = own_home.seawall("history", "--compare", "7d", "--plain", TZ="UTC").stdout
    assert shown.splitlines()[0].split(maxsplit=1) == ["before", "last 7d"]
    assert f"Nothing of this is on record before {local(first.hour * 3600, False, now)}" in " ".join(
        shown.split()
    )
    assert "on record" not in own_home.seawall("history", "--compare", "5d", "--plain", TZ="UTC").stdout


def test_an_id_that_reads_like_a_length(own_home: Home) -> None:
    """`123d` is 123 days, unless an episode has that id: then it is meant."""
    now = time.time()
    begin = now - 40_000
    at = next(
        begin + n
        for n in range(30_000)
        if re.fullmatch(r"\d{3}d", sha256(f"a.b|api.anthropic.com|{begin + n:.3f}".encode()).hexdigest()[:4])
    )
    filled(own_home, replace(FAILED, at=at, cause="a.b"))
    [one] = json.loads(own_home.seawall("history", "--json").stdout)["episodes"]
    assert re.fullmatch(r"\d{3}d", one["id"])
    assert f"{one['id']} has no note" in own_home.seawall("history", "--compare", one["id"]).stderr
    other = "123d" if one["id"] != "123d" else "124d"
    assert own_home.seawall("history", "--compare", other).returncode == 0


def test_what_is_to_be_forgotten(own_home: Home) -> None:
    """Nothing without a yes; then all of it: attempts, counts, notes, figures, damaged copies."""
    path = filled(own_home, *outages(time.time(), 3))
    assert own_home.seawall("history").returncode == 0
    aside = path.with_name("seawall.db.damaged-20260101T000000Z")
    aside.write_bytes(b"old")
    refused = own_home.seawall("history", "--forget")
    assert (refused.returncode, path.exists(), aside.exists()) == (2, True, True)
    assert "episodes" in own_home.seawall("history").stdout
    value = conforms(own_home.seawall("history", "--forget", "--yes", "--json").stdout)
    assert value["attempts"] == 12
    assert own_home.seawall("history").stdout == "Nothing is on record: last 30 days.\n"
    assert {one.name for one in path.parent.iterdir()} <= {"seawall.db", "seawall.db-wal", "seawall.db-shm"}
    path.unlink()
    assert own_home.seawall("history", "--forget", "-y").stdout == "Nothing is on record\n"


@pytest.mark.parametrize(("keys", "left"), [(b"n\n", True), (b"\n", True), (b"y\n", False), (b"\x04", True)])
def test_forgetting_asks_at_a_terminal(own_home: Home, keys: bytes, left: bool) -> None:
    """Only a yes is one."""
    path = filled(own_home, *outages(time.time(), 1))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "seawall", "history", "--forget"]
    with subprocess.Popen(
        command, env=own_home.environ, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # the other end is gone
            while more := os.read(ours, 1000):
                shown += more
                if b"Go ahead?" in shown and keys:
                    os.write(ours, keys)
                    keys = b""
        process.wait(LIMIT)
    os.close(ours)
    assert b"All of " in shown
    connection = sqlite3.connect(path)
    assert bool(connection.execute("SELECT count(*) FROM attempt").fetchone()[0]) is left
    connection.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write anywhere; test_incidents.py has what is said")
def test_a_home_that_cannot_be_written(own_home: Home) -> None:
    """History is read all the same; a note is refused in one line, and nothing else is."""
    path = filled(own_home, *outages(time.time(), 1))
    [one] = json.loads(own_home.seawall("history", "--json").stdout)["episodes"]
    path.with_name("seawall.db.usual").unlink()
    sealed(path.parent)
    try:
        assert "1 episode" in own_home.seawall("history").stdout
        refused = own_home.seawall("history", "note", one["id"], "text")
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
        assert "cannot be written" in refused.stderr
    finally:
        sealed(path.parent, False)


def sealed(folder: Path, on: bool = True) -> None:
    """Makes a folder and its files so that nobody but root can write there."""
    for one in (*folder.iterdir(), folder):
        one.chmod((0o500 if one.is_dir() else 0o400) if on else 0o700)


def test_a_zone_of_the_settings(own_home: Home) -> None:
    """Hours by its clock, also where a daylight saving change lies between; one that does not exist is said."""
    filled(own_home, *outages(time.time(), 1))
    there = own_home.seawall("history", SEAWALL_HISTORY_TIMEZONE="Asia/Kolkata")
    assert there.stdout.startswith("Last 30 days · Asia/Kolkata · ")
    value = json.loads(own_home.seawall("history", "--json", SEAWALL_HISTORY_TIMEZONE="Asia/Kolkata").stdout)
    assert {one["utc_offset"] for one in (*value["hours"], *value["episodes"])} == {330}
    for wrong in ("Mars/Olympus", "../../etc/passwd", "a" * 5000):
        done = own_home.seawall("history", SEAWALL_HISTORY_TIMEZONE=wrong)
        assert (done.returncode, done.stderr.count("\n")) == (0, 1)
        assert "no zone that this machine knows" in done.stderr


@pytest.mark.parametrize(
    ("zone", "said"),
    [("<+0545>-5:45", "UTC+5:45"), ("XXX3", "UTC-3"), (":", "UTC"), ("no/such", "UTC"), ("UTC", "UTC")],
)
def test_a_zone_without_a_name(own_home: Home, zone: str, said: str) -> None:
    """Local time is said as what it is east of UTC."""
    filled(own_home, *outages(time.time(), 1))
    assert f"local time ({said})" in own_home.seawall("history", TZ=zone).stdout


def test_one_row(own_home: Home) -> None:
    """A single failure is a whole history."""
    filled(own_home, replace(FAILED, at=time.time() - 5000))
    done = own_home.seawall("history", "--plain")
    assert done.stdout.splitlines() == [
        "Last 30 days; local time (UTC); 1 episode",
        "",
        "cause                episodes  calls hit  half over in  9 of 10 in  longest",
        "provider.overloaded         1          1             -           -   >= 0 s",
        "",
        "Lost: nothing",
    ]


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([("", 19)], "No clear pattern yet (1 day, 19 calls)"),
        ([("provider.overloaded", 500)], "No clear pattern yet (1 day, 500 calls)"),
        ([("", 500)], "No clear pattern yet (1 day, 500 calls)"),
    ],
)
def test_few_calls_all_failed_none_failed(own_home: Home, counts: list[tuple[str, int]], said: str) -> None:
    """Below 20 a cell is blank; where all or none failed no hour is the busiest."""
    hour = int(time.time() // 3600) - 2
    filled(own_home, *(Count(hour, 0, "api.anthropic.com", "opus", "", cause, n) for cause, n in counts))
    lines = own_home.seawall("history").stdout.splitlines()
    assert said in lines
    grid = [line for line in lines if line[:3] in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")]
    signs = "".join(line[3:] for line in grid).split()
    assert signs == {19: [], 500: ["#" if counts[0][0] else "."]}[counts[0][1]]


def test_a_cause_that_no_longer_exists(own_home: Home) -> None:
    """Records of an older catalogue are shown under the name they have."""
    filled(own_home, replace(FAILED, at=time.time() - 5000, cause="provider.long_gone"))
    [one] = json.loads(own_home.seawall("history", "--json").stdout)["episodes"]
    assert "provider.long_gone" in own_home.seawall("history").stdout
    shown = own_home.seawall("history", "show", one["id"])
    assert (shown.returncode, "provider.long_gone" in shown.stdout) == (0, True)
    assert own_home.seawall("history", "--cause", "provider.long_gone").returncode == 0


def test_what_is_asked_for_is_understood(own_home: Home) -> None:
    """A model's whole name means its family, a former code its new one; a code with a slip is said, with the nearest.
    What was held and saved is that of the cause."""
    filled(own_home, *outages(time.time(), 3))
    whole = own_home.seawall("history", "--model", "opus").stdout
    for name in ("claude-opus-4-5", "Opus"):
        assert own_home.seawall("history", "--model", name).stdout == whole
    known = own_home.seawall("history", "--cause", "provider.overloaded")
    assert (known.stderr, "Held and saved: 3 calls" in known.stdout) == ("", True)
    slip = own_home.seawall("history", "--cause", "provider.overload")
    assert slip.stderr.startswith(
        "seawall: no cause 'provider.overload'; the nearest are: provider.overloaded"
    )
    assert (slip.returncode, "Held and saved" in slip.stdout, "% of held" in slip.stdout) == (0, False, False)
    former = own_home.seawall("history", "--cause", "limit.session").stdout
    assert "only limit.usage_limit_reached" in former.replace("\n", " ")


def test_overlapping_episodes_and_future_times(own_home: Home) -> None:
    """Two causes at the same time are two episodes; what lies in the future is none, and is said."""
    now = time.time()
    rows = [replace(FAILED, at=now - 5000 + 60 * n, cause=f"provider.{'ab'[n % 2]}") for n in range(6)]
    filled(own_home, *rows, replace(FAILED, at=now + 1e9), replace(FAILED, at=now + 86400 * 3))
    value = json.loads(own_home.seawall("history", "--json").stdout)
    assert [one["cause"] for one in value["episodes"]] == ["provider.a", "provider.b"]
    assert value["future_attempts"] == 2
    assert "2 attempts of the future left out" in own_home.seawall("history", "--plain").stdout


def test_transcripts_are_offered_where_nothing_is_on_record(own_home: Home) -> None:
    """In one line, if there are any, and not where the settings say no."""
    assert "seawall import" not in own_home.seawall("history").stderr
    (own_home.path / ".claude/projects/x").mkdir(parents=True)
    assert own_home.seawall("history").stderr.count("seawall import") == 1
    off = own_home.seawall("history", SEAWALL_HISTORY_IMPORT_TRANSCRIPTS="false")
    assert "seawall import" not in off.stderr


def test_a_migrated_empty_file(own_home: Home, tmp_path: Path) -> None:
    """A store that no gateway has written to yet is read like any other."""
    path = tmp_path / "made.db"
    path.touch()
    migrate(str(path))
    done = own_home.seawall("history", "--since", "2020-01-01", SEAWALL_STORE_PATH=str(path))
    assert (done.returncode, done.stdout) == (
        0,
        "Nothing is on record: last 400 days, the most that is kept.\n",
    )


def test_a_daylight_saving_change_in_a_named_zone() -> None:
    """Hours before and behind the change are those that the clock on the wall there showed."""
    change = int(datetime.fromisoformat("2026-10-25T01:00+00:00").timestamp() // 3600)
    counts = [HourCount(change + n, 0, 20, 1) for n in (-2, -1, 0, 1)]
    began = [HourLatency(one.hour, 0, 20, 1) for one in counts]
    _, found, answers = history._in_zone([], counts, began, ZoneInfo("Europe/Berlin"))
    assert [one.utc_offset for one in answers] == [one.utc_offset for one in found]
    assert [one.utc_offset for one in found] == [120, 120, 60, 60]
    assert [((one.hour * 60 + one.utc_offset) // 60) % 24 for one in found] == [1, 2, 2, 3]
    _, odd, _ = history._in_zone([], [HourCount(2**50, 0, 20, 1)], [], ZoneInfo("Europe/Berlin"))
    assert odd[0].utc_offset == 0


@pytest.mark.parametrize("since", ["99999999999d", "401d", "1970-01-01", "9" * 40 + "d"])
def test_no_more_is_shown_than_is_kept(own_home: Home, since: str) -> None:
    """What goes back further than the records is headed by what is shown."""
    filled(own_home, replace(FAILED, at=time.time() - 3600))
    done = own_home.seawall("history", "--since", since)
    assert done.returncode == 0
    assert done.stdout.startswith("Last 400 days, the most that is kept")
