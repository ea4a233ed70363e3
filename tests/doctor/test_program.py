"""Another program is asked, and cannot hold anybody up."""

import os
import sys
import time
from pathlib import Path

import pytest
from doctor_peers import program

from seawall.doctor.program import MOST, said

ENV = {"PATH": os.environ["PATH"]}


def test_what_it_says(tmp_path: Path) -> None:
    """Its output, not what it writes beside."""
    path = program(tmp_path / "a", "#!/bin/sh\necho 2.1.3 and more\necho no >&2\n")
    assert said([str(path)], ENV, 30) == "2.1.3 and more\n"


def test_one_that_hangs(tmp_path: Path) -> None:
    """Ended, with its children, after the time; nothing is known of what it would have said."""
    path = program(tmp_path / "a", f"#!/bin/sh\nsleep 600 & echo $! > {tmp_path}/child\nsleep 600\n")
    assert said([str(path)], ENV, 0.2) is None
    child = tmp_path / "child"
    if child.exists() and (number := child.read_text().strip()):
        deadline = time.monotonic() + 30
        while (place := Path("/proc") / number / "stat").exists() and place.read_text().split()[2] != "Z":
            assert time.monotonic() < deadline, "the child lives on"
            time.sleep(0.01)


def test_one_that_never_ends_its_talk() -> None:
    """A part of it is enough."""
    assert len(said([sys.executable, "-c", "while True: print('x' * 100)"], ENV, 30) or "") == MOST


def test_one_that_talks_and_stays(tmp_path: Path) -> None:
    """What it said in a line counts, although it does not end."""
    path = program(tmp_path / "a", "#!/bin/sh\necho 1.2.3\nsleep 600\n")
    assert said([str(path)], ENV, 2) == "1.2.3\n"


def test_one_that_cannot_be_started(tmp_path: Path) -> None:
    """`OSError`, as the system says it."""
    path = tmp_path / "a"
    path.write_text("not a program")
    path.chmod(0o644)
    with pytest.raises(OSError, match=r"denied|format"):
        said([str(path)], ENV, 1)


def test_it_gets_nothing_to_read_and_no_more_than_it_is_given(tmp_path: Path) -> None:
    """No terminal, no variable of ours."""
    path = program(tmp_path / "a", "#!/bin/sh\nread line; echo got $line $HOME.\n")
    assert said([str(path)], ENV, 30) == "got .\n"
