"""`seawall drill`: what it prints, its JSON, its transcript, its exit codes, and what an interruption leaves."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from own_home import LIMIT, Home, until
from seawall.cli import drill
from seawall.cli.common import ExitCode, Failure
from seawall.fake.drill import Figures, Report

FIGURES: dict[str, Any] = {
    "agents": 16,
    "finished": 115,
    "lost": 77,
    "unfinished": 0,
    "taken": 0,
    "after_content": 0,
    "attempts": 230,
    "broken": 0,
    "longest_wait": 5.43,
}


def figures(through: Any, **changed: Any) -> Figures:
    return Figures(through=through, **FIGURES | changed)


def report(**changed: Any) -> Report:
    runs = (
        figures("sdk"),
        figures("claude-code", finished=174, lost=18, longest_wait=20.0),
        figures("seawall", finished=192, lost=0, longest_wait=18.06),
    )
    given: dict[str, Any] = {"scenario": "drill", "seed": 1, "seconds": 34.0, "turns": 12, "sdk_version": "2"}
    return Report(**given | {"runs": runs} | changed)


def test_what_is_printed() -> None:
    """The table, what it means, the next command; nothing wider than the terminal."""
    assert drill.text(report(), 80) == (
        "                       turns   turns   attempts per   longest\n"
        "                    finished    lost        success      wait\n"
        "SDK alone                115      77           2.00     5.4 s\n"
        "Claude Code alone        174      18           1.32    20.0 s\n"
        "through Seawall          192       0           1.20    18.1 s\n"
        "\n"
        "Three fleets of 16 agents did the same 192 turns through the same outage. Alone,\n"
        "the SDK lost 77 and Claude Code 18. Seawall held the calls that failed, tried\n"
        "them again, and lost none; the longest turn took 18.1 s.\n"
        "\n"
        "With your own work:  seawall run -- claude\n"
    )


@pytest.mark.parametrize("width", [20, 30, 40, 65, 66, 80])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    """At 40 columns all of it fits; below, only the table's own lines are wider, which nobody can read anyway."""
    runs = (*report().runs[:2], figures("seawall", lost=3, after_content=1, broken=2, unfinished=1, taken=4))
    lines = drill.text(report(runs=runs, sdk_version=""), width).splitlines()
    assert all(len(line) <= max(width, 36) for line in lines)
    assert any("seawall run -- claude" in line for line in lines)


def test_a_run_without_a_finished_turn() -> None:
    """A sign instead of a figure that there is not."""
    runs = (figures("sdk", finished=0), *report().runs[1:])
    assert "SDK alone                  0      77              -" in drill.text(report(runs=runs), 80)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"taken": 4}, None),
        ({"broken": 1}, "One answer through Seawall broke off"),
        ({"broken": 3, "lost": 2, "after_content": 2}, "2 of the lost turns are lost by that"),
        ({"unfinished": 2}, "Still waiting at the end, and counted as lost in the table: through Seawall 2."),
    ],
)
def test_what_is_said_of_what_seawall_could_not_save(changed: dict[str, Any], sentence: str | None) -> None:
    """Each case has its sentence, and only then."""
    plain = drill.meaning(report())
    said = drill.meaning(report(runs=(*report().runs[:2], figures("seawall", **{"lost": 0} | changed))))
    assert len(plain) == 1
    assert (sentence is None) is (len(said) == 1)
    assert sentence is None or sentence in said[1]
    assert ("lost none" in said[0]) is not bool(changed.keys() & {"lost", "unfinished"})


def test_it_says_when_there_is_no_sdk() -> None:
    """Figures of a stand-in are not passed off as the SDK's."""
    assert "`anthropic` package is not installed" in drill.meaning(report(sdk_version=""))[1]


def test_turns_are_called_the_same_only_where_they_are() -> None:
    """Without a fixed number of turns each fleet does as many as it can."""
    assert "did turns through" in drill.meaning(report(turns=None))[0]


@pytest.mark.parametrize(("width", "bar"), [(40, False), (80, True)])
def test_a_line_of_progress(width: int, bar: bool) -> None:
    """Figures always, a bar where there is room; a single lost turn is seen in it."""
    line = drill._standing(figures("sdk", finished=96, lost=1), 3, 192, width)
    assert len(line) <= width
    assert ("[############x...........]" in line) is bar
    assert "96 done" in line


# ---- bad input ------------------------------------------------------------------------------------------


def invoked(*arguments: str) -> Any:
    return CliRunner().invoke(drill.drill, list(arguments), standalone_mode=False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rule = 3", "rule"),
        ("[[rule]]\ndo = 'overlaoded'", "did you mean 'overloaded'"),
        ("[fleet]\nagents = 0", "bad.toml: fleet: agents must be"),
        ("[fleet]\nagent = 3", "bad.toml: fleet: there is no key 'agent' (did you mean 'agents'?)"),
        ("[", "not TOML"),
        (None, "No such file"),
    ],
)
def test_a_bad_scenario_is_one_line_and_nothing_is_started(
    tmp_path: Path, text: str | None, says: str
) -> None:
    """Exit code 2."""
    file = tmp_path / "bad.toml"
    if text is not None:
        file.write_text(text)
    failure = invoked("--scenario", str(file)).exception
    assert isinstance(failure, Failure)
    assert failure.code is ExitCode.USAGE
    assert says in str(failure)


@pytest.mark.parametrize(
    "arguments", [("--agents", "0"), ("--agents", "many"), ("--seed", "x"), ("--sead", "1")]
)
def test_a_bad_option_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    """click says which, and `main` turns it into exit code 2."""
    assert type(invoked(*arguments).exception).__mro__[-4].__name__ in ("ClickException", "UsageError")


def test_a_transcript_that_cannot_be_written_is_said_before_the_drill(tmp_path: Path) -> None:
    """Exit code 2, and nothing is left."""
    failure = invoked("--record", str(tmp_path / "no" / "such" / "folder")).exception
    assert isinstance(failure, Failure)
    assert failure.code is ExitCode.USAGE
    assert list(tmp_path.iterdir()) == []


# ---- the whole command ----------------------------------------------------------------------------------

SHORT = """
title = "short"
[fleet]
agents = 4
turns = 2
think_s = 0.05
seconds = 60
[[rule]]
first = 1
do = "status code=503 retry-after-ms=10"
"""
LONG = "[fleet]\nagents = 2\nseconds = 600\nthink_s = 0.05"


def test_the_command_as_json_with_a_transcript(own_home: Home) -> None:
    """One object on stdout and nothing else there, progress on stderr, the transcript whole, no process left."""
    (own_home.path / "short.toml").write_text(SHORT)
    done = own_home.seawall("drill", "--json", "--scenario", "short.toml", "--record", "turns.jsonl")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert (printed["schema"], printed["scenario"], printed["seed"]) == ("seawall.drill/1", "short", 1)
    for run in printed["runs"]:
        assert run["turns_finished"] + run["turns_lost"] == 8
        assert run["attempts"] == 16
    assert printed["runs"][2] | {"turns_lost": 0, "attempts_per_success": 2.0} == printed["runs"][2]
    assert "Starting three faulty APIs" in done.stderr
    lines = [json.loads(line) for line in (own_home.path / "turns.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines].count("turn") == 24
    assert [line["kind"] for line in lines].count("attempt") == 48
    assert lines[0]["kind"] == "drill"
    assert "sk-ant" not in (own_home.path / "turns.jsonl").read_text()
    assert list(own_home.path.parent.glob("seawall-behind-*")) == []
    assert own_home.gateways() == [], "the user's own place for gateways is not touched"


def test_on_a_terminal_one_block_changes_and_is_erased(own_home: Home) -> None:
    """Forty columns, no colour: the block is gone at the end, the table stays, and no line is wider."""
    (own_home.path / "calm.toml").write_text("[fleet]\nagents = 2\nturns = 2\nthink_s = 0.05\nseconds = 60")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 40))
    process = subprocess.Popen(
        [sys.executable, "-m", "seawall", "drill", "--scenario", "calm.toml"],
        env=own_home.environ | {"TERM": "xterm-256color", "NO_COLOR": "1"},
        cwd=own_home.path, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 65536):
            written += piece
    except OSError:
        pass  # Linux says so when the other side is closed
    finally:
        os.close(ours)
        process.kill()
        process.wait(LIMIT)
    text = written.decode()
    assert "Starting three" in text
    assert not re.search("\x1b\\[[0-9;]*m", text), "colour in spite of NO_COLOR"
    _, _, stays = text.rpartition("\x1b[2K")
    assert stays.lstrip().startswith("done lost tries")
    assert "seawall run -- claude" in stays
    assert all(len(line) <= 40 for line in stays.splitlines())


def started(own_home: Home) -> "tuple[subprocess.Popen[str], int]":
    """A drill that runs for long, and the process number of its gateway."""
    (own_home.path / "long.toml").write_text(LONG)
    process = own_home.start("drill", "--json", "--scenario", "long.toml", "--record", "turns.jsonl")
    found: list[Path] = []

    def runs() -> bool:
        found[:] = own_home.path.parent.glob("seawall-behind-*/seawall/gateway-*.json")
        return bool(found)

    until(runs, "the drill's gateway")
    return process, int(found[0].stem.rpartition("-")[2])


def lives(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    # Nobody may be there to bury it where the tests run without an init process.
    state = Path(f"/proc/{number}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_drill_that_is_killed_outright_leaves_no_gateway(own_home: Home) -> None:
    """Its gateway notices by itself."""
    process, gateway = started(own_home)
    process.kill()
    until(lambda: not lives(gateway), "the gateway's end")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_stops_everything(own_home: Home, number: int) -> None:
    """Exit code 130, nothing on stdout, no process, no folder and no half transcript left."""
    process, gateway = started(own_home)
    process.send_signal(number)
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert not lives(gateway)
    assert list(own_home.path.parent.glob("seawall-behind-*")) == []
    assert list(own_home.path.glob("*turns*")) == []
