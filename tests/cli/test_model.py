"""`seawall model`: answers by option and by hand, what is printed, and what the API and the records add."""

import io
import os
import pty
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from store_helpers import QUICK, attempt

from own_home import Home
from seawall.cli import typed
from seawall.cli import verbs as cli
from seawall.config import Store
from seawall.fake.thread import BackgroundFakeApi
from seawall.store.writer import Writer
from shapes import conforms


@pytest.fixture(autouse=True)
def home(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home without settings, records and keys, in this process too."""
    for name in (
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
        "SEAWALL_GATEWAY_UPSTREAM",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
        if name in own_home.environ:
            monkeypatch.setenv(name, own_home.environ[name])
    monkeypatch.setenv("SEAWALL_STORE_PATH", str(own_home.path / "seawall.db"))
    monkeypatch.chdir(own_home.path)
    return own_home


def outcome(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, str, str]:
    """Exit code, stdout and stderr of a command in this process."""
    with pytest.raises(SystemExit) as left:
        cli.run(arguments)
    out, err = capsys.readouterr()
    return left.value.code, out, err


PRINTED = """\
Sonnet for the work, Opus for the plan.
  claude --model opusplan            this once
  "model": "opusplan",               ~/.claude/settings.json
  "fallbackModel": ["sonnet", "haiku"]
Why: hard design or debugging, someone waits, mistakes hurt most, a plan with
an Opus limit.
Next best: sonnet. When overloaded: sonnet, then haiku.
With a fallbackModel set, `seawall run` holds a call for 20 s only, then lets
Claude Code change.
Not asked of the network; aliases are used so the answer does not go stale.
"""


@pytest.mark.parametrize("answers", ["c,a,a,a,b", "caaab", "C, A ,a,A,B", "c,,,,"])
def test_answers_for_scripts(capsys: pytest.CaptureFixture[str], answers: str) -> None:
    """With commas or without; an empty one is the default."""
    assert outcome(capsys, "model", "--answers", answers) == (0, PRINTED, "")


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ("b,a,b", "needs 5 letters, such as b,a,b,a,b; it has 3"),
        ("b,a,b,a,b,a", "it has 6"),
        ("", "it has 0"),
        ("b,a,b,a,z", "answer 5 is 'z'; the choices are a, b, c, d (How do you pay?)"),
        ("b,d,a,a,a", "answer 2 is 'd'; the choices are a, b, c"),
    ],
)
def test_answers_that_are_none(capsys: pytest.CaptureFixture[str], answers: str, says: str) -> None:
    """One line that names the answer, code 2."""
    code, out, err = outcome(capsys, "model", "--answers", answers)
    assert (code, out) == (2, "")
    assert says in err


def test_answers_by_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The questions are beside the answer, on stderr; an empty line is the default."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("c\n\n\n\nb\n"))
    code, out, err = outcome(capsys, "model")
    assert (code, out) == (0, PRINTED)
    assert err.startswith(
        "1. What is the work?\n   a) quick edits, questions\n   b) everyday coding (Enter)\n"
    )


@pytest.mark.parametrize(
    ("typed", "says"), [("c\na\n", "ended too soon"), ("", "ended too soon"), ("z\n", "none of a, b")]
)
def test_answers_that_end_or_miss(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, typed: str, says: str
) -> None:
    """No recommendation from half of the answers; code 2."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    code, out, err = outcome(capsys, "model")
    assert (code, out) == (2, "")
    assert says in err


@contextmanager
def typing(monkeypatch: pytest.MonkeyPatch, keys: str) -> Iterator[int]:
    """A terminal as stdin, at which all these keys have been typed already."""
    person, ours = pty.openpty()
    with open(ours, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        os.write(person, keys.encode())
        try:
            yield ours
        finally:
            os.close(person)


@pytest.mark.parametrize(
    ("keys", "code", "says"),
    [
        ("c\raab", 0, "> c"),
        ("czaaab", 0, "one of a, b, c, please"),
        ("c\x1b[A\x1bOPaaab", 0, "> c"),
        ("cééaaab", 0, "one of a, b, c, please"),
        ("z" * 9, 2, "was not answered"),
        ("c\x04", 2, "ended too soon"),
    ],
)
def test_one_key_each(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, keys: str, code: int, says: str
) -> None:
    """At a terminal; another letter is asked again, but not for ever. What was typed ahead answers what comes next."""
    with typing(monkeypatch, keys):
        got, out, err = outcome(capsys, "model")
    assert (got, out) == (code, PRINTED if code == 0 else "")
    assert says in err


def test_what_was_typed_beyond_the_answers_is_left_to_the_shell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The terminal is as before, and the next line is still there."""
    with typing(monkeypatch, "caaabls -l\n") as terminal:
        before = termios.tcgetattr(terminal)
        assert outcome(capsys, "model")[0] == 0
        assert termios.tcgetattr(terminal) == before
        assert os.read(terminal, 100) == b"ls -l\n"


def test_ctrl_c(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends with 130, in silence, and the terminal is as before."""

    def interrupted(terminal: int) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(typed, "_key", interrupted)
    with typing(monkeypatch, "") as terminal:
        before = termios.tcgetattr(terminal)
        code, out, _ = outcome(capsys, "model")
        assert termios.tcgetattr(terminal) == before
    assert (code, out) == (130, "")


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """One object; a name with brackets is quoted for the shell."""
    value = conforms(outcome(capsys, "model", "--answers", "cbcac", "--json")[1])
    assert (value["schema"], value["model"], value["live"]) == ("seawall.model/1", "opus[1m]", None)
    assert value["command"] == "claude --model 'opus[1m]'"
    assert value["settings"] == {"model": "opus[1m]", "fallbackModel": ["sonnet", "haiku"]}


def test_recent_trouble_is_mentioned(capsys: pytest.CaptureFixture[str], home: Home) -> None:
    """From three refusals of a recommended model on."""
    now = time.time()
    store = Writer(Store(path=str(home.path / "seawall.db")), pace=QUICK)
    store.start()
    for number in range(4):
        store.put(attempt(number, at=now - 60, family="opus", cause="provider.overloaded"))
    store.put(attempt(9, at=now - 60, family="sonnet", cause="provider.overloaded"))
    assert store.close().dropped == 0
    out = outcome(capsys, "model", "--answers", "caaab")[1]
    assert "Lately: opus was overloaded 4 times in 24 hours" in out
    assert "Lately: sonnet" not in out


def test_records_that_cannot_be_read_are_no_trouble(capsys: pytest.CaptureFixture[str], home: Home) -> None:
    """They are an extra."""
    (home.path / "seawall.db").write_bytes(b"no database" * 1000)
    assert outcome(capsys, "model", "--answers", "caaab")[:2] == (0, PRINTED)


def test_live_lists_what_the_key_can_use(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the API that the client would ask."""
    with BackgroundFakeApi() as api:
        monkeypatch.setenv("SEAWALL_GATEWAY_UPSTREAM", api.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-api03-" + "Zq7" * 31 + "AA")
        code, out, err = outcome(capsys, "model", "--answers", "caaab", "--live")
        asked = len(api.requests)
    assert (code, err) == (0, "")
    assert "Your key can use:\n  claude-" in out
    assert "Not asked of the network" not in out
    assert asked == 1


@pytest.mark.parametrize(
    ("key", "arguments", "says"),
    [
        ("", (), "needs an API key"),
        ("sk-proj-abcdefghijklmnop", (), "has not the form of a Claude key"),
        ("sk-ant-api03-" + "Zq7" * 31 + "AA", ("--offline",), "--offline forbids it"),
    ],
)
def test_live_without_a_key(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    arguments: tuple[str, ...],
    says: str,
) -> None:
    """Nothing is sent; code 2."""
    if key:
        monkeypatch.setenv("ANTHROPIC_API_KEY", key)
    code, out, err = outcome(capsys, "model", "--answers", "caaab", "--live", *arguments)
    assert (code, out) == (2, "")
    assert says in err


def test_live_without_a_key_asks_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever cannot be answered is told so before the first question."""
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    code, out, err = outcome(capsys, "model", "--live")
    assert (code, out) == (2, "")
    assert err.startswith("seawall: --live needs an API key")
    assert "1." not in err


def test_live_with_nobody_there(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Said in one line, code 1."""
    monkeypatch.setenv("SEAWALL_GATEWAY_UPSTREAM", "http://127.0.0.1:9")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-api03-" + "Zq7" * 31 + "AA")
    code, out, err = outcome(capsys, "model", "--answers", "caaab", "--live")
    assert (code, out) == (1, "")
    assert "the models cannot be listed" in err
