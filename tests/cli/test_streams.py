"""Commands whose stdin, stdout or stderr is closed or takes nothing more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from own_home import LIMIT, Home
from seawall.cli.verbs import VERBS

# Each verb so that it says something, soon, and has its own code; `fake` and `serve` are begun where they end at once.
COMMANDS = {
    "run": (["run", "--direct", "--", "true"], 0),
    "serve": (["serve", "--listen", "nowhere"], 2),
    "status": (["status"], 0),
    "watch": (["watch", "--once"], 0),
    "history": (["history"], 0),
    "plan": (["plan"], 0),
    "report": (["report", "ffff"], 2),
    "import": (["import", "--dry-run"], 0),
    "doctor": (["doctor", "--list"], 0),
    "explain": (["explain", "API Error: 529 Overloaded"], 10),
    "model": (["model", "--answers", "b,a,b,a,b"], 0),
    "rules": (["rules"], 0),
    "drill": (["drill", "--help"], 0),
    "bench": (["bench", "--help"], 0),
    "fake": (["fake", "--listen", "nowhere"], 2),
    "config": (["config"], 0),
    "help": (["help"], 0),
}
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no file that is full")
SILENT = {"run", "serve", "history", "report", "fake"}
"""Those that write nothing on stdout so."""


def shell(home: Home, arguments: list[str], streams: str) -> "subprocess.CompletedProcess[str]":
    """A command as a shell with these redirections starts it."""
    command = f'exec "$0" -m seawall "$@" {streams}'
    return subprocess.run(
        ["sh", "-c", command, sys.executable, *arguments],
        env=home.environ, cwd=home.path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT,
        check=False,
    )  # fmt: skip


def test_every_verb_is_here() -> None:
    """What follows is about all of them."""
    assert set(COMMANDS) == set(VERBS)


def sound(done: "subprocess.CompletedProcess[str]", code: int) -> None:
    """The verb's own code; nothing of Python's, no fault of ours."""
    assert done.returncode == code, done
    for wrong in ("Traceback", "Exception ignored", "Seawall itself failed", "NoneType"):
        assert wrong not in done.stdout + done.stderr, done


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_command_without_streams_has_its_own_code(own_home: Home, verb: str) -> None:
    """All three closed: nothing is said, and nothing is a failure."""
    arguments, code = COMMANDS[verb]
    done = shell(own_home, arguments, "<&- >&- 2>&-")
    sound(done, code)
    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("streams", [">&-", "<&-", "2>&-", ">&- 2>&-"])
def test_any_stream_may_be_the_closed_one(own_home: Home, streams: str) -> None:
    """One of them, or two: the code is the cause's."""
    arguments, code = COMMANDS["explain"]
    sound(shell(own_home, arguments, streams), code)


@FULL
@pytest.mark.parametrize("verb", COMMANDS)
def test_a_full_stderr_is_no_failure(own_home: Home, verb: str) -> None:
    """What stands beside the answer is lost, the answer and the code are not."""
    arguments, code = COMMANDS[verb]
    done = shell(own_home, arguments, "2>/dev/full")
    sound(done, code)
    assert bool(done.stdout) == (verb not in SILENT)


@FULL
@pytest.mark.parametrize("verb", COMMANDS)
def test_a_full_stdout_is_one_line_and_code_1(own_home: Home, verb: str) -> None:
    """What could not be written is said; with nothing to write there, the code is the verb's own."""
    arguments, code = COMMANDS[verb]
    done = shell(own_home, arguments, ">/dev/full")
    sound(done, code if verb in SILENT else 1)
    told = [line for line in done.stderr.splitlines() if "cannot be written" in line]
    expected = [] if verb in SILENT else ["seawall: the answer cannot be written: No space left on device"]
    assert told == expected


@FULL
def test_both_full_leaves_the_code(own_home: Home) -> None:
    """With nobody to tell, code 1 says it."""
    assert shell(own_home, ["config"], ">/dev/full 2>&1").returncode == 1


@FULL
def test_a_full_stdout_with_much_to_say_and_as_json(own_home: Home) -> None:
    """More than a buffer holds, and an object: the same line, on stderr."""
    for arguments in (["help", "--all"], ["config", "--json"], ["explain", "--list"]):
        done = shell(own_home, arguments, ">/dev/full")
        assert done.stderr == "seawall: the answer cannot be written: No space left on device\n", arguments
        assert done.returncode == 1


@FULL
def test_a_full_stdout_is_not_taken_for_another_fault(own_home: Home) -> None:
    """A verb that is ready for errors of its own work does not say that a port cannot be had."""
    done = shell(own_home, ["fake", "--listen", "127.0.0.1:0"], ">/dev/full")
    assert (done.returncode, done.stderr) == (
        1,
        "seawall: the answer cannot be written: No space left on device\n",
    )


def test_a_reader_of_notes_that_has_left_is_no_failure(own_home: Home) -> None:
    """`seawall history 2> >(true)`: what stands beside the answer is lost, and the answer is there."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "seawall", "import", "--dry-run"],
            env=own_home.environ, cwd=own_home.path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=closed,
            timeout=LIMIT, check=False,
        )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout


def test_a_command_never_gets_a_file_of_ours_for_its_stdout(own_home: Home) -> None:
    """The number of a closed stream is taken at once, so that no store or socket is behind it; a child has it too."""
    own_home.tool("writer", f"echo said; readlink /proc/self/fd/1 > {own_home.path / 'where'}")
    done = shell(own_home, ["run", "--direct", "--", "writer"], ">&-")
    assert (done.returncode, (own_home.path / "where").exists()) == (0, True)
    assert "Bad file descriptor" not in done.stderr


def test_an_unbuffered_python_writes_all_the_same(own_home: Home) -> None:
    """PYTHONUNBUFFERED takes the buffers away; the answer and what stands beside it are whole."""
    own_home.environ["PYTHONUNBUFFERED"] = "1"
    done = own_home.seawall("explain", "API Error: 529 Overloaded")
    assert (done.returncode, "provider.overloaded" in done.stdout) == (10, True)
    assert "no verb" in own_home.seawall("nonsense").stderr
