"""`seawall plan`: from a real store to what is printed, and what it survives."""

import io
import re
import sqlite3
import time
from dataclasses import replace
from typing import Any

import pytest

from kept_past import DAY, HOUR, THROTTLED, kept, past
from own_home import Home
from seawall.cli import verbs
from seawall.store.rows import Count
from shapes import conforms


def clock(hour: int) -> str:
    return f"{hour % 24:02d}:00"


def test_a_plan(own_home: Home) -> None:
    """Quiet hours found in 28 days of counts, work that meets failures at a busy hour, runs that start together."""
    now = time.time()
    this = int(now // HOUR) % 24
    busy, quiet = ((this + 5) % 24, (this + 6) % 24), ((this + 10) % 24, (this + 11) % 24)
    midnight = int(now // DAY) * DAY
    rows = []
    for day in range(1, 6):
        at = midnight - day * DAY + busy[0] * HOUR
        for n in range(6):
            began = replace(THROTTLED, at=at + n * 0.6 + 0.5, call=f"{day}-{n}")
            rows += [
                began,
                replace(began, at=at + 20.0 * n, cause=None, status=200, ended="recovered", number=2),
            ]
            for k in range(20):
                rows.append(
                    replace(began, at=at + 60.0 + k, call=f"s{day}-{n}-{k}", client="Anthropic/Python 2.11.0",
                            cause="provider.overloaded", status=529)
                )  # fmt: skip
    kept(own_home, rows, past(now, busy, quiet))
    done = own_home.seawall("plan", TZ="UTC")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "Best windows in the next 24 h, from your own 30 days:"
    assert f"{clock(quiet[0])}–{clock(quiet[1] + 1)}   0 % failures (" in lines[1]
    [avoid] = [line for line in lines if line.startswith("Avoid: ")]
    assert re.search(rf"{clock(busy[0])}–{clock(busy[1] + 1)}   (7\.[5-9]|8(\.\d)?) % ", avoid)
    assert f"  claude-cli (30 calls hit at {clock(busy[0])} on 5 days)" in done.stdout
    assert f"→ {clock(quiet[0])}: about 6 failures fewer a day" in done.stdout
    assert f"  Anthropic/Python (600 calls hit at {clock(busy[0])} on 5 days)" in done.stdout
    assert "→ batch: half the price, done within 24 h" in done.stdout
    assert (
        f"Stagger: 6 runs started within 3 s at {clock(busy[0])} (on 5 days); 20 s apart avoids"
        in done.stdout
    )
    assert lines[-1].endswith("Your own numbers are used instead.")
    assert max(map(len, lines)) <= 80
    value = conforms(own_home.seawall("plan", "--json", "--for", "claude -p 'review'", TZ="UTC").stdout)
    assert (value["basis"], value["best"][0]["failed"], value["for"]["batch"]) == ("own", 0, False)
    assert value["stagger"][0]["apart"] == 20
    assert {one["to"] for one in value["move"]} == {"batch", "window"}
    kathmandu = own_home.seawall("plan", "--tz", "Asia/Kathmandu")
    begin = (quiet[0] * 60 + 345) % 1440
    assert f"{begin // 60:02d}:{begin % 60:02d}–" in kathmandu.stdout
    assert conforms(own_home.seawall("plan", "--json", "--hours", "1").stdout)["best"] == []


@pytest.mark.parametrize(
    ("command", "more", "fits"),
    [
        ("claude -p 'review all'", ["--calls", "500"], False),
        ("python eval.py", ["--calls", "500"], True),
        ("/usr/bin/python3 eval.py", ["--deadline", "2d"], True),
        ("python eval.py", ["--calls", "500", "--deadline", "3h"], False),
        ("python eval.py", ["--calls", "5"], False),
    ],
)
def test_whether_work_should_be_a_batch(own_home: Home, command: str, more: list[str], fits: bool) -> None:
    """By the rules, without any records; the reason is said."""
    done = own_home.seawall("plan", "--for", command, *more)
    assert done.returncode == 0
    assert f"\n{'Batch' if fits else 'No batch'}: " in done.stdout


def test_work_that_is_due_is_not_sent_to_an_hour_after_that(own_home: Home) -> None:
    """The quiet hours lie ten hours ahead: of what is due in three or nine hours they are no advice, of later work
    they are."""
    now = time.time()
    this = int(now // HOUR) % 24
    busy, quiet = ((this + 5) % 24, (this + 6) % 24), ((this + 10) % 24, (this + 11) % 24)
    kept(own_home, counts=past(now, busy, quiet))

    def advice(due: str) -> tuple[str, dict[str, Any]]:
        asked = ("plan", "--for", "python eval.py", "--deadline", due)
        shown = own_home.seawall(*asked, TZ="UTC").stdout
        [line] = [one for one in shown.splitlines() if one.startswith("python eval.py: ")]
        return line, conforms(own_home.seawall(*asked, "--json", TZ="UTC").stdout)["for"]

    said, value = advice("3h")
    assert re.match(r"python eval.py: any hour until (today|tomorrow) \d\d:\d\d; now ", said)
    assert value["window"] is None
    said, value = advice("9h")
    assert clock(quiet[0]) not in said.partition(";")[0]
    assert value["window"] is None or value["window"]["end"] <= value["due"]
    for due in ("20h", "3d"):
        said, value = advice(due)
        hours = re.escape(f"{clock(quiet[0])}–{clock(quiet[1] + 1)}")
        assert re.search(rf"{hours} \(starts in (9|10) h( \d+ min)?\)", said)
        assert value["window"]["start"] < value["due"]


def test_nothing_on_record(own_home: Home) -> None:
    """No store, an empty one, one row: claims are shown as claims, and no hour is named."""
    for _ in range(3):
        done = own_home.seawall("plan")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("Too little is on record to say when (0 days, 0 calls)")
        assert "nothing of your own confirms them yet" in " ".join(done.stdout.split())
        assert conforms(own_home.seawall("plan", "--json").stdout)["basis"] == "none"
        if not list(own_home.path.iterdir()):  # nothing is made by looking
            kept(own_home, [])
        else:
            kept(own_home, [replace(THROTTLED, at=time.time() - 5000)])


@pytest.mark.parametrize("share", [0.0, 0.05, 1.0], ids=["none failed", "equal rates", "every call failed"])
def test_no_hour_is_better(own_home: Home, share: float) -> None:
    """Where all hours are alike no window is named."""
    now = time.time()
    first = int(now // DAY) * 24 - 28 * 24
    failed = round(100 * share)
    rows = [
        Count(hour, 0, "api.anthropic.com", "opus", "", cause, n)
        for hour in range(first, int(now // HOUR))
        for cause, n in (("", 100 - failed), ("provider.overloaded", failed))
        if n
    ]
    kept(own_home, [], rows)
    done = own_home.seawall("plan", "--plain")
    assert done.stdout.startswith("No clear pattern yet (2")
    assert "Avoid" not in done.stdout


def test_all_hours_below_twenty_calls(own_home: Home) -> None:
    """Nothing is said of any; with a lower bound in the settings something is known."""
    now = time.time()
    first = int(now // HOUR)
    kept(own_home, [], [Count(first - n, 0, "api.anthropic.com", "opus", "", "", 19) for n in range(1, 23)])
    assert own_home.seawall("plan").stdout.startswith("Too little is on record")
    lower = own_home.seawall("plan", "--json", SEAWALL_PLAN_MIN_CALLS_PER_CELL="5")
    assert conforms(lower.stdout)["known_hours"] > 10


def test_future_times_and_clocks_without_sense(own_home: Home) -> None:
    """Rows of a wrong clock are not counted, whatever they hold."""
    now = time.time()
    rows = [replace(THROTTLED, at=at, call=f"{n}") for n, at in enumerate((now + 1e9, 1e15, -1e15, 0.0))]
    kept(own_home, rows, [Count(2**40, 0, "api.anthropic.com", "opus", "", "", 500)])
    assert own_home.seawall("plan").stdout.startswith("Too little is on record to say when (0 days, 0 calls)")


@pytest.mark.parametrize("zone", ["<+0545>-5:45", ":", "no/such", "Europe/Berlin"])
def test_any_local_zone(own_home: Home, zone: str) -> None:
    """With and without a name, and with a daylight saving change ahead or behind."""
    kept(own_home, [], past(time.time(), (3,), (12,)))
    done = own_home.seawall("plan", "--hours", "168", TZ=zone)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Best windows in the next 168 h")


def test_claims_of_ones_own(own_home: Home) -> None:
    """Tables of the settings; one that says nothing is named and left out."""
    folder = own_home.path / ".config/seawall"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(
        '[[plan.published_peaks]]\ndays = "mon-fri"\nhours = "08-10"\ntz = "Europe/Berlin"\nsource = "a colleague"\n'
        'date = "2026-10-01"\n[[plan.published_peaks]]\ndays = "any"\nhours = "x"\ntz = ""\nsource = ""\ndate = ""\n'
    )
    done = own_home.seawall("plan", "--plain")
    assert '"8-10 h Europe/Berlin on weekdays" (a colleague, 1 Oct 2026)' in done.stdout
    assert done.stderr.count("\n") == 1
    assert "is no claim of busy hours" in done.stderr


def test_a_store_that_cannot_be_read(own_home: Home) -> None:
    """Locked, of a newer version, damaged, a folder: a line that says so, and what is published all the same."""
    path = kept(own_home, [])
    with sqlite3.connect(path, isolation_level=None) as holder:
        holder.execute("PRAGMA journal_mode = DELETE")
        holder.execute("BEGIN EXCLUSIVE")
        locked = own_home.seawall("plan")
        holder.execute("ROLLBACK")
        holder.execute("UPDATE alembic_version SET version_num = '9999'")
        newer = own_home.seawall("plan")
    holder.close()
    path.write_bytes(b"not a database at all" * 100)
    damaged = own_home.seawall("plan")
    told = own_home.seawall("plan", "--json")
    path.unlink()
    path.mkdir()
    folder = own_home.seawall("plan")
    path.rmdir()
    none = own_home.seawall("plan")
    assert (none.returncode, none.stderr) == (0, "")
    assert "Published claims" in none.stdout
    for done, words in (
        (locked, "is locked by another program"),
        (newer, "of a newer Seawall (schema 9999)"),
        (damaged, "is damaged"),
        (folder, "is a folder"),
    ):
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (0, none.stdout, 1)
        assert words in done.stderr
        assert done.stderr.endswith("; what follows is without your own past\n")
    assert told.returncode == 0
    assert "is damaged" in conforms(told.stdout)["unread"]
    assert own_home.seawall("plan", "--snippet").returncode == 0


def test_a_store_with_nothing_in_it_yet(own_home: Home) -> None:
    """An empty file is as good as none: for `plan`, `history` and `explain --last` alike."""
    path = own_home.path / ".local/share/seawall/seawall.db"
    path.parent.mkdir(0o700, parents=True)
    without = [own_home.seawall(*verb) for verb in (("plan",), ("history",), ("explain", "--last"))]
    path.touch(0o600)
    empty = [own_home.seawall(*verb) for verb in (("plan",), ("history",), ("explain", "--last"))]
    assert [(one.returncode, one.stdout, one.stderr) for one in empty] == [
        (one.returncode, one.stdout, one.stderr) for one in without
    ]
    assert [one.returncode for one in empty] == [0, 0, 2]


def test_the_snippet(own_home: Home) -> None:
    """A program to copy, whatever is on record; the same for programs."""
    done = own_home.seawall("plan", "--snippet")
    assert (done.returncode, done.stderr) == (0, "")
    assert "client.messages.batches.create(" in done.stdout
    assert conforms(own_home.seawall("plan", "--snippet", "--json").stdout)["text"] == done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--hours", "0"], ["--hours", "169"], ["--hours", "x"], ["--tz", "Mars/Olympus"], ["--tz", ""],
        ["--tz", "../x"],
        ["--calls", "5"], ["--deadline", "1d"], ["--for", " "], ["--for", "x", "--deadline", "soon"],
        ["--for", "x", "--calls", "-1"], ["now"], ["--since", "3d"],
    ],
)  # fmt: skip
def test_nonsense_is_refused(
    own_home: Home, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and exit 2."""
    monkeypatch.setenv("SEAWALL_STORE_PATH", str(own_home.path / "none.db"))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(SystemExit) as left:
        verbs.run(["plan", *arguments])
    said = capsys.readouterr()
    assert (left.value.code, said.out) == (2, "")
    assert said.err.count("\n") == 1
