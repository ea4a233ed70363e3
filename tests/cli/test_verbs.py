"""From arguments to exit codes; what help shows; how failures end."""

import importlib
import json
import os
import subprocess
import sys

import click
import pytest

from own_home import Home
from seawall import __version__
from seawall.causes.cause import Party
from seawall.cli import verbs as cli
from seawall.cli.common import ExitCode, Failure, exit_code_of, wants_color
from seawall.config import ConfigError


def outcome(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command in this process."""
    with pytest.raises(SystemExit) as left:
        cli.run(arguments)
    out, err = capsys.readouterr()
    assert isinstance(left.value.code, int)
    return left.value.code, out, err


def broken(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """A verb that fails so."""

    def fail() -> None:
        raise error

    monkeypatch.setitem(cli.VERBS, "status", ("broken:verb", ""))
    monkeypatch.setattr(cli.Verbs, "get_command", lambda *_: click.Command("status", callback=fail))


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("help",)])
def test_help_lists_the_verbs_that_are_there(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    """The same text each way, within 80 columns, naming every verb."""
    code, out, err = outcome(capsys, *arguments)
    assert (code, err) == (0, "")
    assert out == cli.help_text()
    assert max(map(len, out.splitlines())) <= 80
    assert "\n  seawall                   " + cli.VERBS["doctor"][1] in out  # by its short name
    shown = {verb for _, verbs in cli.SECTIONS for verb in verbs}
    assert set(cli.VERBS) <= shown | set(cli.PLUMBING)
    assert all(f"\n  seawall {verb}" in out for verb in cli.VERBS if verb in shown and verb != "doctor")


def test_the_usual_verbs_come_first() -> None:
    """A newcomer's page has the sections of the surface in their order, and its last lines."""
    lines = cli.help_text().splitlines()
    assert lines[0] == "seawall — keeps you working when Claude calls fail; says whose fault it is"
    titles = [line for line in lines[1:-2] if line and not line.startswith(" ")]
    assert titles == [
        "When something fails",
        "Keep working",
        "Look back, plan, escalate",
        "Try it",
        "Small tools",
    ]
    assert lines[-2:] == [
        "First time?  Run `seawall`, then `seawall run -- claude`.", "All verbs: seawall help --all"
    ]  # fmt: skip


@pytest.mark.parametrize("verb", sorted(cli.VERBS))
def test_every_verb_of_the_table_is_there(verb: str) -> None:
    """Its module can be imported, holds its command, and the command says what it does."""
    module, _, name = cli.VERBS[verb][0].partition(":")
    command = getattr(importlib.import_module(module), name)
    assert isinstance(command, click.Command)
    assert command.help


def test_help_of_one_verb_and_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    """`help VERB` shows its options; `help --all` those of every verb."""
    assert "--upstream" in outcome(capsys, "help", "serve")[1]
    everything = outcome(capsys, "help", "--all")[1]
    assert all(f"Usage: seawall {verb}" in everything for verb in cli.VERBS)
    assert "\nPlumbing\n  seawall status " in everything


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    """One line."""
    assert outcome(capsys, "--version") == (0, f"seawall {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("statsu",), "seawall: no verb 'statsu'; the nearest are: status, watch\n"),
        (("help", "statsu"), "seawall: no verb 'statsu'; the nearest are: status, watch\n"),
        (("x" * 500,), "seawall: no verb 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...'"),
        (("status", "--jsn"), "seawall status: No such option '--jsn'"),
        (("--nope",), "seawall doctor: No such option '--nope'"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    """The nearest names are there, a traceback is not."""
    code, out, err = outcome(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(says)
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([], []),
        (["--json"], ["doctor", "--json"]),
        (["--config", "x.toml", "--plain"], ["doctor", "--config", "x.toml", "--plain"]),
        (["--json", "status", "-v"], ["status", "--json", "-v"]),
        (["--quiet", "--", "text"], ["--quiet", "--", "text"]),
        (["--version"], ["--version"]),
        (["--help", "status"], ["--help", "status"]),
        (["- API Error: 529"], ["- API Error: 529"]),
        (["run", "--", "-x"], ["run", "--", "-x"]),
    ],
)
def test_options_before_the_verb(given: list[str], meant: list[str]) -> None:
    """They are the verb's; without a verb the doctor's."""
    assert cli.placed(given) == meant


def test_aliases_name_verbs_and_are_none() -> None:
    """Each guess stands for one command, and is no verb itself; what is not there yet is left out."""
    words = [word for guesses in cli.ALIASES.values() for word in guesses]
    assert len(words) == len(set(words))
    assert cli.VERBS.keys().isdisjoint(words)
    for real, guesses in cli.ALIASES.items():
        there = real.split()[0] in cli.VERBS
        assert {cli.alias_of(word) for word in guesses} == {real if there else None}
    assert cli.alias_of("doctor") is None


def test_an_alias_says_the_real_name_once(own_home: Home) -> None:
    """One line on stderr the first time; the answer and the code are the verb's; --quiet leaves it out."""
    quiet = own_home.seawall("diagnose", "--list", "--quiet")
    first = own_home.seawall("check", "--list")
    second = own_home.seawall("check", "--list")
    other = own_home.seawall("fix", "--list", CLICOLOR_FORCE="1")
    assert [one.stderr for one in (quiet, first, second, other)] == [
        "", "seawall check is seawall doctor\n", "", "\x1b[90mseawall fix is seawall doctor\x1b[0m\n",
    ]  # fmt: skip
    assert first.stdout == second.stdout == own_home.seawall("doctor", "--list").stdout
    told = own_home.path / ".local/state/seawall/told.json"
    assert told.stat().st_mode & 0o777 == 0o600


def test_an_alias_where_nothing_can_be_kept(own_home: Home) -> None:
    """It works, and says it each time."""
    (own_home.path / ".local").write_text("in the way")
    for _ in range(2):
        done = own_home.seawall("check", "--list")
        assert (done.returncode, done.stderr) == (0, "seawall check is seawall doctor\n")


def test_failures_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json the failure is the one object on stdout."""
    code, out, err = outcome(capsys, "status", "--json", "--jsn")
    assert (code, err) == (2, "")
    value = json.loads(out)
    assert value["schema"] == "seawall.error/1"
    assert value["error"]["code"] == 2


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (Failure("no room\nat all"), 1, "seawall: no room at all\n"),
        (Failure("bad", ExitCode.USAGE), 2, "seawall: bad\n"),
        (ConfigError("gateway.listen must be"), 2, "seawall: gateway.listen must be\n"),
        (click.ClickException("said by click"), 1, "seawall: said by click\n"),
        (KeyboardInterrupt(), 130, ""),
        (ValueError("first line\nsecond"), 1, "seawall: Seawall itself failed (ValueError: first line). "),
        (RuntimeError(), 1, "seawall: Seawall itself failed (RuntimeError). "),
    ],
)
def test_a_failure_is_one_line_and_its_code(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    says: str,
) -> None:
    """Whatever a verb raises, a person sees a line and a script a code."""
    monkeypatch.delenv("SEAWALL_DEBUG", raising=False)
    broken(monkeypatch, error)
    got, out, err = outcome(capsys, "status")
    assert (got, out) == (code, "")
    assert err.startswith(says)
    assert err.count("\n") == (1 if says else 0)


def test_a_traceback_only_when_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SEAWALL_DEBUG lets our own faults through."""
    broken(monkeypatch, ValueError("inside"))
    monkeypatch.setenv("SEAWALL_DEBUG", "1")
    with pytest.raises(ValueError, match="inside"):
        cli.run(["status"])


def test_a_reader_that_has_seen_enough_is_no_failure() -> None:
    """`seawall config | head -1` ends quietly."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "seawall", "config"], stdout=closed, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_locale_without_our_signs_is_no_failure() -> None:
    """The dash of the help becomes a question mark."""
    environ = {**os.environ, "PYTHONIOENCODING": "iso-8859-1", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "seawall", "--help"], env=environ, capture_output=True, check=True
    )
    assert done.stdout.startswith(b"seawall ? keeps")


HEAVY = {"asyncio", "sqlalchemy", "alembic", "rich", "ssl", "msgspec", "h11", "httptools", "brotli", "uvloop",
         "platformdirs", "seawall.config", "urllib.request", "email", "logging"}  # fmt: skip


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["status"]])
def test_start_up_imports_nothing_heavy(arguments: list[str], tmp_path: "os.PathLike[str]") -> None:
    """A command of 80 ms leaves no room for what other verbs need."""
    code = (
        "import sys\nfrom seawall.cli import main\n"
        f"try: sys.argv[1:] = {arguments!r}; main()\n"
        "except SystemExit: print(*sorted(sys.modules), file=sys.stderr)"
    )
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert HEAVY.isdisjoint(done.stderr.split())


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        ("provider.overloaded", 10), ("limit.session", 11), ("account.invalid_key", 12), ("request.too_long", 13),
        ("network.dns_failure", 14), ("machine.disk", 15), ("gateway.html_answer", 16), ("seawall.memory_full", 1),
        ("unrelated.other", 19), ("unknown.unknown", 19), (None, 19), ("", 19),
    ],
)  # fmt: skip
def test_codes_by_party(cause: str | None, code: int) -> None:
    """The table of exit codes."""
    assert exit_code_of(cause) == code


def test_every_party_has_an_exit_code() -> None:
    """A verb can end with the class of any cause; 0 is none of them."""
    codes = {party: exit_code_of(f"{party}.anything") for party in Party}
    assert {party for party, code in codes.items() if code is ExitCode.UNKNOWN} == {
        Party.UNKNOWN,
        Party.UNRELATED,
    }
    assert ExitCode.OK not in codes.values()


@pytest.mark.parametrize(
    ("terminal", "environ", "color"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
        (False, {"CLICOLOR_FORCE": "1"}, True),
        (False, {"CLICOLOR_FORCE": "0"}, False),
        (True, {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour(terminal: bool, environ: dict[str, str], color: bool) -> None:
    """NO_COLOR before CLICOLOR_FORCE before the terminal."""
    assert wants_color(terminal, environ) is color
