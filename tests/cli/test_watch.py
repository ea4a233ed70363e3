"""`seawall watch`: once, as lines, as objects and in a terminal, with real processes."""

import http.client
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from own_home import LIMIT, Home, until
from seawall.cli.watch import leaves
from told_gateway import CALL, HOSTILE, LANE, STATUS, told

if TYPE_CHECKING:
    from seawall.fake.thread import BackgroundFakeApi


@pytest.mark.parametrize("arguments", [("watch", "--once"), ("watch", "--once", "--plain")])
def test_nothing_runs(own_home: Home, arguments: tuple[str, ...]) -> None:
    """It says so, with what would start one, and exits 0; nothing is made."""
    done = own_home.seawall(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "none runs" in done.stdout
    assert "seawall run -- claude" in done.stdout
    assert list(own_home.runtime.iterdir()) == []


def test_one_frame(own_home: Home) -> None:
    """Who is held and why, each lane, and the code of the party; 80 columns where there is no terminal."""
    with told(own_home.place, lambda: STATUS):
        done = own_home.seawall("watch", "--once")
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (10, "")
    assert re.fullmatch(r"seawall watch {59}\d\d:\d\d:\d\d", lines[0])
    assert lines[1].startswith("Anthropic's side — The API is at capacity")
    assert lines[2].startswith("Holding 2     claude-cli/2.1.329 s:1f0c2a7e · 2 min 51 s · attempt 7")
    assert "              529 for opus: probe in 2 s · sw_1234567800002a" in lines
    assert "opus          ! not our load · 12 running · 3 trying · limit 57 · 40 queued" in lines
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in done.stdout


def test_one_frame_with_colour(own_home: Home) -> None:
    """CLICOLOR_FORCE colours what is no terminal, --no-color and --plain win over it."""
    with told(own_home.place, lambda: STATUS):
        assert "\x1b[33m!\x1b[0m" in own_home.seawall("watch", "--once", CLICOLOR_FORCE="1").stdout
        for option in ("--no-color", "--plain"):
            assert "\x1b" not in own_home.seawall("watch", "--once", option, CLICOLOR_FORCE="1").stdout


def test_one_object(own_home: Home) -> None:
    """The same as `status --json`, lanes and waiting calls in it."""
    with told(own_home.place, lambda: STATUS):
        done = own_home.seawall("watch", "--once", "--json")
        other = own_home.seawall("status", "--json")
    assert done.returncode == other.returncode == 10
    value = json.loads(done.stdout)
    [one] = value["gateways"]
    assert (one["lanes"], one["waiting"]) == (STATUS["lanes"], STATUS["waiting"])
    assert value.keys() == json.loads(other.stdout).keys()


def test_hostile_names(own_home: Home) -> None:
    """What a client called itself does nothing to the terminal, in a frame and in a line, also without UTF-8."""
    names = dict.fromkeys(("client", "agent", "family", "why", "id"), HOSTILE)
    hostile = STATUS | {"cause": f"provider.{HOSTILE}", "waiting": [CALL | names], "lanes": [LANE | names]}
    with told(own_home.place, lambda: hostile):
        for command in (("watch", "--once"), ("watch", "--once", "--plain"), ("status", "--verbose")):
            for encoding in ("utf-8", "ascii"):
                done = own_home.seawall(*command, PYTHONIOENCODING=encoding)
                assert (done.returncode, done.stderr) == (10, "")
                assert all(line.isprintable() for line in done.stdout.splitlines())


def test_status_with_lanes(own_home: Home) -> None:
    """One line as ever; with --verbose what is held and the lanes under it."""
    with told(own_home.place, lambda: STATUS):
        short = own_home.seawall("status").stdout
        long = own_home.seawall("status", "--verbose").stdout
    assert short.count("\n") == 1
    assert long.splitlines()[0].startswith("holding 2 · provider.overloaded")
    assert "opus          ! not our load · 12 running · 3 trying · limit 57 · 40 queued\n" in long


def test_a_real_gateway(own_home: Home, fake_api: "BackgroundFakeApi") -> None:
    """A call that the API keeps refusing is seen as held, in the frame and by the exit code; SIGTERM is seen too."""
    fake_api.script(*["overloaded"] * 500)
    process = own_home.start("serve", "--json", "--listen", "127.0.0.1:0", "--upstream", fake_api.url)
    assert process.stdout is not None
    address = urlsplit(json.loads(process.stdout.readline())["address"])
    asked = {
        "model": "claude-opus-5", "max_tokens": 5, "stream": True, "messages": [{"role": "user", "content": "hi"}]
    }  # fmt: skip
    headers = {
        "x-api-key": "sk-ant-api03-fake",
        "anthropic-version": "2023-06-01",
        "user-agent": "claude-cli/2.1.329",
    }
    with closing(http.client.HTTPConnection(str(address.hostname), address.port)) as client:
        client.request(
            "POST", "/v1/messages", json.dumps(asked), headers | {"content-type": "application/json"}
        )
        until(lambda: own_home.seawall("status").returncode == 10, "the call is held")
        done = own_home.seawall("watch", "--once")
        assert done.returncode == 10
        assert "Anthropic's side — The API is at capacity" in done.stdout  # by its request ids
        assert "\nHolding 1     " in done.stdout
        assert re.search(r"^opus {10}[!x] .* running · limit \d+ · [01] queued", done.stdout, re.MULTILINE)
        until(
            lambda: "529 for opus: " in own_home.seawall("watch", "--once").stdout, "it is said why it waits"
        )
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(timeout=LIMIT) == 0
    assert "none runs" in own_home.seawall("watch", "--once").stdout


def test_an_older_gateway(own_home: Home) -> None:
    """One that knows no lanes is shown by what it says."""
    old = {"held": 1, "longest_held": 5.0, "next_try_in": None, "cause": "provider.overloaded"}
    with told(own_home.place, lambda: old):
        done = own_home.seawall("watch", "--once")
    assert done.returncode == 10
    assert "Holding 1     the longest 5 s" in done.stdout.splitlines()


def test_changes_as_lines(own_home: Home) -> None:
    """Where there is no terminal: a line with the time for each change, and one when the gateway goes."""
    said: dict[str, Any] = STATUS | {"held": 0, "cause": None, "lanes": [], "waiting": []}
    process = own_home.start("watch", "--offline")
    assert process.stdout is not None
    assert re.fullmatch(r"\d\d:\d\d:\d\d  no gateway runs\n", process.stdout.readline())
    with told(own_home.place, lambda: said) as record:
        assert process.stdout.readline()[10:] == "nothing held\n"
        said = said | {"held": 1, "cause": "provider.overloaded", "lanes": [LANE]}
        assert process.stdout.readline()[10:] == "holding 1, provider.overloaded\n"
        assert process.stdout.readline()[10:] == "opus: not our load\n"
    assert process.stdout.readline()[10:] == f"the gateway at {record.address} is gone\n"
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=LIMIT) == 130
    assert process.communicate(timeout=LIMIT) == ("", "")


def test_objects_as_lines(own_home: Home) -> None:
    """With --json one object a second, until Ctrl-C; a reader that leaves ends it quietly."""
    process = own_home.start("watch", "--offline", "--json")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["schema"] == "seawall.status/1"
    process.stdout.close()
    assert process.wait(timeout=LIMIT) == 0


@pytest.mark.parametrize(
    ("typed", "ends"),
    [("q", True), ("Q", True), ("xxq", True), ("\x04", True), ("", True), (None, False), ("x", False),
     ("\x1b[A", False), ("\x1bq", False)],
)  # fmt: skip
def test_keys_that_end_it(typed: str | None, ends: bool) -> None:
    """`q`, also among others typed while a frame was drawn; the end of the keys; no arrow key."""
    assert leaves(typed) is ends


class Terminal:
    """`seawall watch` in a terminal of its own; `until` reads what it writes."""

    def __init__(self, home: Home, *arguments: str, columns: int, lines: int, keys: bool) -> None:
        self.master, slave = pty.openpty()
        self.size(columns, lines)
        self.before = self.modes()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "seawall", "watch", "--offline", *arguments],
            env=home.environ | {"TERM": "xterm"}, cwd=home.path,
            stdin=slave if keys else subprocess.DEVNULL, stdout=slave, stderr=slave, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        self.text = ""

    def size(self, columns: int, lines: int) -> None:
        import fcntl
        import struct
        import termios

        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def modes(self) -> list[Any]:
        import termios

        return termios.tcgetattr(self.master)

    def until(self, wanted: str) -> str:
        """What was written up to and with `wanted`; the rest is kept for the next."""
        deadline = time.monotonic() + LIMIT
        while wanted not in self.text:
            assert select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))[0], self.text
            try:
                self.text += os.read(self.master, 65536).decode()
            except OSError:  # the other side has closed
                raise AssertionError(f"{wanted!r} was never written: {self.text!r}") from None
        found, _, self.text = self.text.partition(wanted)
        return found + wanted

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)


@contextmanager
def terminal(
    home: Home, *arguments: str, columns: int = 80, lines: int = 24, keys: bool = True
) -> Iterator[Terminal]:
    one = Terminal(home, *arguments, columns=columns, lines=lines, keys=keys)
    try:
        yield one
    finally:
        with suppress(ProcessLookupError):
            os.kill(one.process.pid, signal.SIGKILL)
        one.process.wait(timeout=LIMIT)
        os.close(one.master)


LEFT = "\x1b[?25h\x1b[?1049l"
FRAME = "\x1b[1;1H"


def test_in_a_terminal(own_home: Home) -> None:
    """Frames in place on the other screen; `q` ends it with 0 and the terminal is as it was."""
    crowd = STATUS | {"held": 500, "waiting": [CALL] * 50, "waiting_more": 450}
    with told(own_home.place, lambda: crowd), terminal(own_home) as screen:
        screen.until("\x1b[?1049h")
        screen.until(FRAME)
        drawn = screen.until(FRAME)
        assert "q quit" in drawn
        assert "Holding 500   claude-cli/2.1.329" in drawn
        assert "\x1b[33m!\x1b[0m not our load" in drawn
        assert drawn.count("\x1b[2K") == 24
        screen.type(b"x\x1b[A")
        screen.until(FRAME)
        screen.type(b"q")
        screen.until(LEFT)
        assert screen.process.wait(timeout=LIMIT) == 0
        assert screen.modes() == screen.before


def test_the_gateway_dies_while_watched(own_home: Home) -> None:
    """It is said, with the time, and the watching goes on."""
    with terminal(own_home) as screen:
        with told(own_home.place, lambda: STATUS) as record:
            screen.until("Holding 2")
        assert "Holding" not in screen.until(f"x\x1b[0m {record.address} · gone since ").rpartition(FRAME)[2]
        screen.type(b"q")
        assert screen.process.wait(timeout=LIMIT) == 0


def test_a_resize_redraws(own_home: Home) -> None:
    """At once, at the new size; a tiny terminal gets what fits."""
    with told(own_home.place, lambda: STATUS), terminal(own_home, "--no-color") as screen:
        screen.until("Holding 2     claude-cli")
        screen.size(20, 5)
        screen.until("Anthropic's side —\x1b[2;1H")
        screen.until(FRAME)
        lines = re.split(r"\x1b\[\d;1H", screen.until(FRAME).removesuffix(FRAME).replace("\x1b[2K", ""))
        assert len(lines) == 5
        assert max(map(len, lines)) <= 20
        assert lines[-1].startswith("and ")
        screen.type(b"\x04")
        assert screen.process.wait(timeout=LIMIT) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(own_home: Home, number: signal.Signals) -> None:
    """Code 130, and the terminal as it was."""
    with terminal(own_home) as screen:
        screen.until("none runs")
        os.killpg(screen.process.pid, number)
        screen.until(LEFT)
        assert screen.process.wait(timeout=LIMIT) == 130
        assert screen.modes() == screen.before


def test_ctrl_z_gives_the_terminal_back(own_home: Home) -> None:
    """The shell gets its screen and its keys; afterwards we draw again."""
    with terminal(own_home) as screen:
        screen.until("none runs")
        os.kill(screen.process.pid, signal.SIGTSTP)
        screen.until(LEFT)
        _, status = os.waitpid(screen.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        assert screen.modes() == screen.before
        os.kill(screen.process.pid, signal.SIGCONT)
        screen.until("\x1b[?1049h")
        screen.until("none runs")
        screen.type(b"q")
        assert screen.process.wait(timeout=LIMIT) == 0


def test_one_frame_in_a_narrow_terminal(own_home: Home) -> None:
    """Forty columns are enough, and none is crossed."""
    with (
        told(own_home.place, lambda: STATUS),
        terminal(own_home, "--once", "--no-color", columns=40) as screen,
    ):
        lines = screen.until("0 queued").split("\r\n")
        assert "  ! not our load · 12 running · 3 trying" in lines
        assert max(map(len, lines)) == 40
        assert screen.process.wait(timeout=LIMIT) == 10


def test_without_keys(own_home: Home) -> None:
    """Where stdin is no terminal it says that Ctrl-C ends it, and it does."""
    with terminal(own_home, keys=False) as screen:
        screen.until("Ctrl-C quits")
        os.kill(screen.process.pid, signal.SIGINT)
        screen.until(LEFT)
        assert screen.process.wait(timeout=LIMIT) == 130


@pytest.mark.parametrize("arguments", [("--plain",), ("--json",)])
def test_plain_and_json_draw_nothing_over(own_home: Home, arguments: tuple[str, ...]) -> None:
    """In a terminal too they are lines."""
    with terminal(own_home, *arguments) as screen:
        assert "\x1b" not in screen.until("\n")


def troubled(**more: Any) -> dict[str, Any]:
    """The status of a gateway that is in trouble, or over it."""
    at = time.time()
    one = {
        "route": "api.anthropic.com", "family": "opus", "account": "a1", "cause": "provider.overloaded",
        "since": at - 325, "last": at, "failures": 5, "recovered_at": None, "finished": 0, "given_up": 0,
    }  # fmt: skip
    return STATUS | {"troubles": [one]} | more


def over() -> dict[str, Any]:
    """The same when a success has come twenty seconds ago."""
    said = troubled(held=0, cause=None, waiting=[])
    said["troubles"][0] |= {"recovered_at": time.time() - 20, "finished": 2}
    return said


BACK = r"Back at \d\d:\d\d:\d\d after 5 min \d+ s\. 2 held calls finished\."


def test_until_it_is_over(own_home: Home) -> None:
    """`--until ok` in a script: lines of changes, one on the end, and code 0."""
    said = troubled()
    with told(own_home.place, lambda: said):
        process = own_home.start("watch", "--offline", "--until", "ok", "--max", "5m")
        assert process.stdout is not None
        assert "holding 2" in process.stdout.readline()
        said = over()
        out, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, err) == (0, "")
    assert re.search(BACK, out)
    assert "\a" not in out


def test_until_it_is_over_in_a_terminal(own_home: Home) -> None:
    """The bell rings, the screen goes back to the shell, and the line stays there."""
    said = troubled()
    with told(own_home.place, lambda: said), terminal(own_home, "--until", "ok") as screen:
        screen.until("Holding 2")
        said = over()
        screen.until("\a")
        screen.until(LEFT)
        assert screen.process.wait(timeout=LIMIT) == 0
        assert re.search(BACK, screen.until("finished."))
        assert screen.modes() == screen.before


def test_it_says_when_it_is_over_and_goes_on(own_home: Home) -> None:
    """Without --until the view stays, with the line in it; on leaving the line is on the shell's screen too."""
    said = troubled()
    with told(own_home.place, lambda: said), terminal(own_home) as screen:
        screen.until("Holding 2")
        said = over()
        screen.until("\a")
        assert re.search(BACK, screen.until("2 held calls finished."))
        screen.type(b"q")
        screen.until(LEFT)
        assert re.search(BACK, screen.until("2 held calls finished."))
        assert screen.process.wait(timeout=LIMIT) == 0


def test_until_it_is_over_as_objects(own_home: Home) -> None:
    """`--json`: an object a second, each of its shape; what has happened stands in it, as a webhook gets it."""
    from shapes import conforms

    said = troubled()
    with told(own_home.place, lambda: said):
        process = own_home.start("watch", "--offline", "--json", "--until", "ok")
        assert process.stdout is not None
        first = conforms(process.stdout.readline())
        said = over()
        out, err = process.communicate(timeout=LIMIT)
    assert [event["event"] for event in first["events"]] == ["opened", "held"]
    [last] = conforms(out.splitlines(keepends=True)[-1])["events"]
    assert (process.returncode, err, last["event"], last["finished"]) == (0, "", "recovered", 2)


def test_all_is_well_already(own_home: Home) -> None:
    """`--until ok` with nothing wrong ends at once."""
    fine = STATUS | {"held": 0, "cause": None, "waiting": [], "lanes": []}
    with told(own_home.place, lambda: fine):
        done = own_home.seawall("watch", "--offline", "--until", "ok")
    assert (done.returncode, done.stderr) == (0, "")


def test_it_is_not_over_in_time(own_home: Home) -> None:
    """Code 20, and what still is wrong."""
    with told(own_home.place, troubled):
        done = own_home.seawall("watch", "--offline", "--until", "ok", "--max", "0s")
    assert done.returncode == 20
    assert done.stderr == "seawall: the time is up, and it is not over: provider.overloaded\n"


def test_nobody_knows_whether_it_is_over(own_home: Home) -> None:
    """`--until ok` without a gateway: code 19 and a sentence, instead of waiting for ever."""
    done = own_home.seawall("watch", "--offline", "--until", "ok")
    assert done.returncode == 19
    assert "no gateway runs" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("--max", "5m"), ("--until", "ok", "--max", "soon"), ("--until", "ok", "--max", "-5s"), ("--until", "x")],
)  # fmt: skip
def test_wrong_usage(own_home: Home, arguments: tuple[str, ...]) -> None:
    """Code 2, and nothing is watched."""
    done = own_home.seawall("watch", *arguments)
    assert (done.returncode, done.stdout) == (2, "")


def test_keys_in_a_terminal(own_home: Home) -> None:
    """`e` shows the page of the cause and any key goes back; `b` is noted; keys that come in a heap are all read."""
    with told(own_home.place, troubled), terminal(own_home, lines=30) as screen:
        screen.until("e explain")
        screen.type(b"e")
        assert "provider.overloaded" in screen.until("any key goes back")
        screen.type(b"x")
        screen.until("Holding 2")
        screen.type(b"b")
        screen.until("noted at ")
        screen.type(b"ny" * 200)
        screen.until("Does it fail on the other network too?")
        screen.type(b"q")
        assert screen.process.wait(timeout=LIMIT) == 0
    kept = json.loads((own_home.path / ".local/state/seawall/answers.json").read_text())
    [answers] = kept["episodes"].values()
    assert answers.keys() == {"restarted", "other_network"}


def test_a_tiny_terminal_in_trouble(own_home: Home) -> None:
    """Three lines of ten columns: the verdict, and no key breaks it."""
    with told(own_home.place, troubled), terminal(own_home, columns=10, lines=3) as screen:
        screen.until("Anthropic")
        screen.type(b"bnyrye")
        screen.until(FRAME)
        screen.until(FRAME)
        screen.type(b"q")
        assert screen.process.wait(timeout=LIMIT) == 0


def test_a_watch_that_was_stopped_for_a_while(own_home: Home) -> None:
    """As when a laptop sleeps: afterwards it shows how things are now, and says what ended meanwhile."""
    said = troubled()
    with told(own_home.place, lambda: said), terminal(own_home) as screen:
        screen.until("Holding 2")
        os.kill(screen.process.pid, signal.SIGSTOP)
        os.waitpid(screen.process.pid, os.WUNTRACED)
        said = over()
        os.kill(screen.process.pid, signal.SIGCONT)
        assert re.search(BACK, screen.until("2 held calls finished."))
        screen.type(b"q")
        assert screen.process.wait(timeout=LIMIT) == 0


def test_a_real_outage_from_beginning_to_end(own_home: Home, fake_api: "BackgroundFakeApi") -> None:
    """A real gateway in overload: models, the last hour and the way stand there; when it is over, the line does."""
    fake_api.script(*["overloaded"] * 500)
    for name in ("CONTROL_HOST", "STATUS_PAGE", "CAPTIVE_PROBE"):
        own_home.environ[f"SEAWALL_DOCTOR_{name}"] = "http://127.0.0.1:9"
    process = own_home.start("serve", "--json", "--listen", "127.0.0.1:0", "--upstream", fake_api.url)
    assert process.stdout is not None
    address = urlsplit(json.loads(process.stdout.readline())["address"])
    asked = {"model": "claude-opus-5", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    headers = {
        "x-api-key": "sk-ant-api03-fake",
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
    }
    with closing(http.client.HTTPConnection(str(address.hostname), address.port, timeout=LIMIT)) as client:
        client.request("POST", "/v1/messages", json.dumps(asked), headers | {"x-stainless-timeout": "600"})
        until(lambda: own_home.seawall("status").returncode == 10, "the call is held")
        watch = own_home.start("watch", "--until", "ok", "--max", "5m")
        assert watch.stdout is not None
        watch.stdout.readline()
        # The way is measured in the background, and left for others.
        measured = own_home.path / ".local/state/seawall/measured.json"
        until(measured.exists, "the way was measured")
        frame = own_home.seawall("watch", "--once").stdout
        assert re.search(r"^Models        opus 0/\d+ · last 3 min$", frame, re.MULTILINE)
        assert re.search(r"^Path          .*first byte \d+ ms · fine$", frame, re.MULTILINE)
        assert re.search(r"^Last 60 min .*#$", frame, re.MULTILINE)
        fake_api.api._next.clear()
        assert client.getresponse().read()
        out, err = watch.communicate(timeout=2 * LIMIT)
    assert (watch.returncode, err) == (0, "")
    assert re.search(r"Back at \d\d:\d\d:\d\d after .*\. 1 held call finished\.", out)
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(timeout=LIMIT) == 0
