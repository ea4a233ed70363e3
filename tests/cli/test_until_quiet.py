"""`seawall run --when quiet` as a whole command: by its records, with and without a terminal, with the service down."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
from doctor_peers import GREEN, OVERLOADED, answer, from_api, host, setting

from kept_past import DAY, HOUR, kept, past
from own_home import Home, until
from seawall.cli.common import Common
from seawall.cli.until_quiet import Person, past_of, service
from seawall.config import Config, Plan

QUIET = ("run", "--direct", "--when", "quiet", "--", "echo", "ran")


def hours(now: float, first: int, count: int) -> tuple[int, ...]:
    """The hours of the day (UTC) that begin so many hours after this one began."""
    return tuple((int(now // HOUR) + first + n) % 24 for n in range(count))


def with_past(home: Home, quiet_in: int) -> float:
    """28 days on record; a quiet window of two hours begins so many hours after this one began."""
    now = time.time()
    kept(home, counts=past(now, hours(now, quiet_in + 6, 2), hours(now, quiet_in, 2)))
    return now


def test_a_quiet_hour_is_waited_for(own_home: Home) -> None:
    """The window that `seawall plan` names first, in its words; Ctrl-C ends it with 130, and nothing ran."""
    with_past(own_home, 5)
    run = own_home.start(*QUIET, TZ="UTC")
    assert run.stderr is not None
    lines = [run.stderr.readline() for _ in range(2)]
    best = json.loads(own_home.seawall("plan", "--json").stdout)["best"][0]
    os.kill(run.pid, signal.SIGINT)
    out, rest = run.communicate(timeout=30)
    assert (run.returncode, out, rest) == (130, "", "")
    assert max(map(len, lines)) <= 81
    begin = datetime.fromisoformat(best["start"])
    day = "today" if begin.date() == datetime.now(UTC).date() else "tomorrow"
    said = " ".join("".join(lines).split())
    assert re.fullmatch(
        rf"Waiting for a quiet hour: {day} {begin:%H:%M} \(in [45] h( \d+ min)?\); failure rate there 0 % "
        r"against [12](\.\d)? % now \(your last 30 days\)\. Ctrl-C to stop\.",
        said,
    ), said


def test_now_is_quiet(own_home: Home) -> None:
    """It starts at once and says so; the command's code and output are its own."""
    with_past(own_home, 0)
    with host(from_api(401)) as api, host(answer(200, GREEN)) as status, host(b"") as control:
        done = own_home.seawall(*QUIET, **setting(api.url, status.url, control.url))
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert done.stderr == "This is a quiet hour: failure rate 0 % (your last 30 days). Starting.\n"


@pytest.mark.parametrize("store", ["none", "empty", "damaged"])
def test_nothing_is_known(own_home: Home, store: str) -> None:
    """It starts, and says why; records that cannot be read are no reason to fail."""
    if store != "none":
        path = kept(own_home)
        if store == "damaged":
            path.write_bytes(b"not a database at all" * 100)
    with host(from_api(401)) as api, host(answer(200, GREEN)) as status, host(b"") as control:
        done = own_home.seawall(*QUIET, **setting(api.url, status.url, control.url))
    assert (done.returncode, done.stdout) == (0, "ran\n")
    said = " ".join(done.stderr.split())
    expected = (
        "No quiet hour is known ("
        if store == "damaged"
        else "Too little is on record to name a quiet hour (0"
    )
    assert said.startswith(expected)
    assert said.endswith(" Starting.")


def test_quiet_says_nothing(own_home: Home) -> None:
    """With --quiet only the command speaks."""
    with host(from_api(401)) as api, host(answer(200, GREEN)) as status, host(b"") as control:
        done = own_home.seawall("run", "-q", *QUIET[1:], **setting(api.url, status.url, control.url))
    assert (done.stdout, done.stderr) == ("ran\n", "")


def test_a_service_that_fails_is_waited_for(own_home: Home) -> None:
    """In a quiet hour too; said once, with the cause; Enter at a terminal starts it all the same."""
    with (
        host(from_api(529, OVERLOADED)) as api,
        host(answer(200, GREEN)) as status,
        host(b"") as control,
        Terminal(own_home, QUIET, setting(api.url, status.url, control.url)) as terminal,
    ):
        terminal.shows(b"not started until the service answers.")
        assert b"(provider.overloaded)" in terminal.shown
        assert b"ran" not in terminal.shown
        terminal.types(b"\n")
        terminal.shows(b"ran")
        assert terminal.run.wait(30) == 0


def test_enter_starts_it_now(own_home: Home) -> None:
    """At a terminal, where it is offered."""
    with_past(own_home, 5)
    with Terminal(own_home, QUIET) as terminal:
        terminal.shows(b"Enter to start now.")
        terminal.types(b"\n")
        terminal.shows(b"ran")
        assert terminal.run.wait(30) == 0


def test_ctrl_c_at_a_terminal(own_home: Home) -> None:
    """130, and the command never ran."""
    with_past(own_home, 5)
    with Terminal(own_home, QUIET) as terminal:
        terminal.shows(b"Ctrl-C to stop")
        terminal.types(b"\x03")
        assert terminal.run.wait(30) == 130
        assert b"ran" not in terminal.shown


def test_the_end_of_input_is_no_enter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-D: it waits on, without asking again and again. In the background nobody is asked at all."""
    front, end = pty.openpty()
    with os.fdopen(front, "wb", buffering=0) as keys, os.fdopen(end) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert Person(lambda: False).can_answer is False
        person = Person(lambda: True)
        keys.write(b"\n")
        assert person.pause(30) is True
        keys.write(b"\x04")
        assert person.pause(30) is False
        assert not person.can_answer


@pytest.mark.parametrize(
    ("status", "body", "page", "says"),
    [
        (401, None, GREEN, ""),
        (529, OVERLOADED, GREEN, "(provider.overloaded)"),
    ],
)
def test_what_keeps_calls_from_being_answered(
    own_home: Home, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes | None, page: bytes, says: str
) -> None:
    """As the doctor measures it: the service's own trouble counts."""
    told = from_api(status) if body is None else from_api(status, body)
    with host(told) as api, host(answer(200, page)) as green, host(b"") as control:
        for name, value in (own_home.environ | setting(api.url, green.url, control.url)).items():
            monkeypatch.setenv(name, value)
        found = service(Common(quiet=True))
    assert (says in found) if says else found == ""


def test_settings_of_the_doctor_are_no_obstacle(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be measured keeps nothing from starting."""
    for name, value in own_home.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SEAWALL_DOCTOR_STATUS_PAGE", "no address")
    assert service(Common(quiet=True)) == ""


def test_claims_are_taken_from_the_settings(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those by which this hour is busy, and that nobody took back."""
    for name, value in own_home.environ.items():
        monkeypatch.setenv(name, value)
    peaks = (
        "mon-sun 00-24 UTC; one",
        "mon-sun 00-24 UTC; two; 2026; 2026",
        "mon-sun 00-01 UTC; three",
        "nonsense",
    )
    found = past_of(Common(quiet=True), Config(plan=Plan(published_peaks=peaks)), 5 * DAY + 12 * HOUR)
    assert [one.source for one in found.claims] == ["one"]


class Terminal:
    """A `seawall` command at a terminal of its own."""

    def __init__(self, home: Home, arguments: tuple[str, ...], more: dict[str, str] | None = None) -> None:
        front = "import fcntl, os, sys, termios as t; fcntl.ioctl(0, t.TIOCSCTTY); os.execv(sys.argv[1], sys.argv[1:])"
        self.shown = b""
        self._terminal, end = pty.openpty()
        self.run = subprocess.Popen(
            [sys.executable, "-c", front, sys.executable, "-m", "seawall", *arguments],
            env=home.environ | (more or {}), cwd=home.path, stdin=end, stdout=end, stderr=end, start_new_session=True,
        )  # fmt: skip
        os.close(end)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.run.kill()
        self.run.wait()
        os.close(self._terminal)

    def types(self, keys: bytes) -> None:
        os.write(self._terminal, keys)

    def shows(self, text: bytes) -> None:
        """Returns once it was shown, wherever lines were broken."""

        def shown() -> bool:
            while select.select([self._terminal], [], [], 0)[0]:
                try:
                    self.shown += os.read(self._terminal, 4096)
                except OSError:  # the command is gone
                    break
            return b"".join(text.split()) in b"".join(self.shown.split())

        until(shown, f"{text!r} is shown")
