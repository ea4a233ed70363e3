"""Runs in line: who starts when, by a table; and several that stand in one file, with a clock of their own."""

import json
import math
import os
import signal
import time
from pathlib import Path

import pytest

from kept_past import bursts, kept
from own_home import Home
from seawall.cli.apart import FILE, SILENT, Line, parsed, stand, told, turn

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("line", "starts_in", "before", "after"),
    [
        (Line(), 0, 0, Line(NOW, {})),
        (Line(NOW - 100, {}), 0, 0, Line(NOW, {})),
        (Line(NOW - 4, {}), 6, 0, Line(NOW - 4, {"me": NOW})),
        (Line(NOW - 4, {"a": NOW - 1, "b": NOW}), 26, 2, Line(NOW - 4, {"a": NOW - 1, "b": NOW, "me": NOW})),
        (Line(NOW - 4, {"a": NOW, "me": NOW - 1, "b": NOW}), 16, 1, Line(NOW - 4, {"a": NOW, "me": NOW, "b": NOW})),
        (Line(NOW - 99, {"a": NOW}), 10, 1, Line(NOW - 99, {"a": NOW, "me": NOW})),
        (Line(NOW - 10, {"me": NOW - 1, "a": NOW}), 0, 0, Line(NOW, {"a": NOW})),
        (Line(NOW - 4, {"a": NOW - SILENT - 1}), 6, 0, Line(NOW - 4, {"me": NOW})),
        (Line(NOW - 4, {"me": NOW - SILENT - 1}), 6, 0, Line(NOW - 4, {"me": NOW})),
        (Line(NOW + 5000, {"a": NOW + 5000}), 0, 0, Line(NOW, {})),
    ],
    ids=[
        "first of all", "long after the last", "soon after the last", "behind two", "keeps its place",
        "somebody in front is about to go", "its turn", "one fell silent", "itself was stopped for a while",
        "the clock was set back",
    ],
)  # fmt: skip
def test_a_turn(line: Line, starts_in: float, before: int, after: Line) -> None:
    """Ten seconds apart, in the order of coming."""
    found = turn(line, "me", NOW, 10.0)
    assert (found.starts_at - NOW, found.before, found.line) == (starts_in, before, after)


@pytest.mark.parametrize(
    ("starts_in", "before", "says"),
    [
        (12.0, 3, "starting in 12 s, 3 runs before this one"),
        (11.2, 1, "starting in 12 s, 1 run before this one"),
        (5.0, 0, "starting in 5 s"),
    ],
)
def test_what_is_said(starts_in: float, before: int, says: str) -> None:
    """When, and how many go first."""
    found = turn(Line(), "me", NOW, 0.0)
    assert told(type(found)(found.line, NOW + starts_in, before), NOW) == says


@pytest.mark.parametrize(
    "text",
    [
        "", "no json", "[]", "{}", "null", '{"last": 1}', '{"last": "x", "waiting": {}}', '{"last": 1, "waiting": []}',
        '{"last": 1, "waiting": {"a": null}}', '{"last": NaN, "waiting": {}}', '{"last": 1, "waiting": {"a": NaN}}',
        '{"last": 1, "waiting": {"a": 1e999}}', "[" * 100_000,
        json.dumps({"last": 1, "waiting": dict.fromkeys(map(str, range(1001)), 1)}),
    ],
)  # fmt: skip
def test_a_file_that_is_none_of_ours_is_an_empty_line(text: str) -> None:
    """Nobody waits for what cannot be read."""
    assert parsed(text) == Line()


def test_a_line_that_was_written_is_read() -> None:
    """As it was."""
    assert parsed('{"last": 5.0, "waiting": {"b": 2.0, "a": 3.0}}') == Line(5.0, {"b": 2.0, "a": 3.0})
    assert parsed('{"last": -Infinity, "waiting": {}}') == Line(-math.inf, {})


class Run:
    """A run whose pauses let others do something, and time pass."""

    def __init__(self, place: Path, begin: float) -> None:
        self.place, self.now, self.said = place, begin, list[str]()

    def wall(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        assert 0 < seconds <= 1
        self.now += seconds

    def stand(self) -> float:
        """When it started."""
        stand(self.place, 10.0, self.said.append, self, self.pause)
        return self.now - NOW


def test_runs_start_one_after_the_other(tmp_path: Path) -> None:
    """The first at once and in silence, each other ten seconds after the one before."""
    runs = [Run(tmp_path, NOW + began) for began in (0, 1, 18)]
    assert [run.stand() for run in runs] == [0, 10, 20]
    assert [run.said for run in runs] == [[], ["starting in 9 s"], ["starting in 2 s"]]
    assert parsed((tmp_path / FILE).read_text()) == Line(NOW + 20, {})
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


def test_one_that_was_killed_while_it_waited_is_forgotten(tmp_path: Path) -> None:
    """Those behind it move up after ten seconds of silence."""
    (tmp_path / FILE).write_text(json.dumps({"last": NOW - 1, "waiting": {"dead": NOW, "dead too": NOW}}))
    run = Run(tmp_path, NOW)
    started = run.stand()
    assert run.said == ["starting in 29 s, 2 runs before this one"]
    assert SILENT < started <= SILENT + 2


def test_one_that_is_interrupted_leaves_at_once(tmp_path: Path) -> None:
    """Ctrl-C: nobody waits for it even so long."""
    (tmp_path / FILE).write_text(json.dumps({"last": NOW, "waiting": {"other": NOW}}))

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    run = Run(tmp_path, NOW)
    with pytest.raises(KeyboardInterrupt):
        stand(tmp_path, 10.0, run.said.append, run, interrupted)
    assert parsed((tmp_path / FILE).read_text()) == Line(NOW, {"other": NOW})


def test_runs_of_a_user_start_apart(own_home: Home) -> None:
    """As the settings say, in the order of coming; one that is interrupted ends with 130 and leaves the line."""
    far = {"SEAWALL_PLAN_APART": "1h"}
    assert own_home.seawall("run", "--direct", "--stagger", "--", "echo", "ran").stdout == "ran\n"
    runs = [own_home.start("run", "--direct", "--stagger", "--", "echo", "ran", **far)]
    assert runs[0].stderr is not None
    assert runs[0].stderr.readline() in ("seawall: starting in 1 h\n", "seawall: starting in 59 min\n")
    runs.append(own_home.start("run", "--direct", "--stagger", "--", "echo", "ran", **far))
    assert runs[1].stderr is not None
    assert runs[1].stderr.readline().endswith(", 1 run before this one\n")
    for run in runs:
        os.kill(run.pid, signal.SIGINT)
        assert (run.wait(30), run.communicate()[0]) == (130, "")
    assert parsed((own_home.place / FILE).read_text()).waiting == {}


def test_they_are_as_far_apart_as_the_plan_advises(own_home: Home) -> None:
    """By the records, in the same seconds that `seawall plan` prints."""
    kept(own_home, bursts(time.time()))
    [advice] = json.loads(own_home.seawall("plan", "--json").stdout)["stagger"]
    assert advice["apart"] == 20
    own_home.place.mkdir(0o700)
    (own_home.place / FILE).write_text(
        json.dumps({"last": time.time(), "waiting": {"other": time.time() + 9}})
    )
    run = own_home.start("run", "--direct", "--stagger", "--", "true")
    assert run.stderr is not None
    said = run.stderr.readline()
    seconds = int(said.removeprefix("seawall: starting in ").partition(" s,")[0])
    assert 20 < seconds <= 40, said


def test_no_line_can_be_kept(own_home: Home) -> None:
    """One line, and the command runs."""
    own_home.place.mkdir(0o700)
    (own_home.place / "starts.lock").mkdir()
    done = own_home.seawall("run", "--direct", "--stagger", "--", "echo", "ran")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (0, "ran\n", 1)
    assert done.stderr.startswith("seawall: runs cannot be kept apart: ")
