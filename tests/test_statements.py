"""The acceptance statements of the user's surface, each under its number, by whole commands."""

import contextlib
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from doctor_peers import GREEN, OVERLOADED, answer, from_api, host, setting
from store_helpers import QUICK, attempt

from own_home import LIMIT, Home, until
from seawall.config import Store
from seawall.store.rows import Attempt, Count
from seawall.store.writer import Writer
from shapes import conforms


def records(home: Home, *rows: Attempt | Count) -> None:
    """A store of this home with these rows."""
    writer = Writer(Store(path=str(home.path / ".local/share/seawall/seawall.db")), pace=QUICK)
    writer.start()
    for row in rows:
        writer.put(row)
    assert writer.close(20).dropped == 0


@pytest.fixture
def lived_in(own_home: Home) -> Home:
    """A home with records, settings, files to read and a request."""
    now = time.time()
    failed = attempt(1, at=now - 4000)
    records(
        own_home, failed, replace(failed, at=now - 3900, number=2),
        attempt(3, at=now - 3880, cause=None, status=200, ended="recovered"),
        Count(int(now // 3600) - 1, 60, "api.anthropic.com", "opus", "", "", 30),
    )  # fmt: skip
    (own_home.path / "body.json").write_text(
        '{"model": "claude-opus-5", "messages": [{"role": "usr", "content": ""}]}'
    )
    (own_home.path / "short.toml").write_text("[fleet]\nagents = 1\nturns = 1\nthink_s = 0.05\nseconds = 60")
    tiny = "[bench]\nhorizon = 20\nevent = [5, 10]\n[fleet]\nthink_s = 1\nstream_s = 2\nstarts_s = 1\n"
    (own_home.path / "tiny.toml").write_text(tiny)
    return own_home


COMMANDS = {
    "status": ["status"],
    "watch": ["watch", "--once"],
    "history": ["history"],
    "a view of the history": ["history", "causes"],
    "two spans": ["history", "--compare", "7d"],
    "an episode that is not there": ["history", "show", "zz"],
    "the checks": ["doctor", "--list"],
    "the doctor without a network": ["doctor", "--offline"],
    "a text": ["explain", "API Error: 529 Overloaded"],
    "a text without a meaning": ["explain", "something else happened"],
    "several errors": ["explain", "API Error: 529 Overloaded\nAPI Error: 500 Internal server error"],
    "nothing": ["explain", "  "],
    "a cause": ["explain", "limit.usage_limit_reached"],
    "causes": ["explain", "--list"],
    "a search": ["explain", "--search", "certificate"],
    "the last failure": ["explain", "--last"],
    "a request": ["explain", "--request", "body.json"],
    "a text without a verb": ["invalid x-api-key 401 authentication_error", "--json"],
    "the model": ["model", "--answers", "b,a,b,a,b"],
    "the rules": ["rules"],
    "the rules in a file": ["rules", "--write", "CLAUDE.md", "--yes"],
    "settings": ["config"],
    "settings, checked": ["config", "check"],
    "settings, where": ["config", "path"],
    "the faults": ["fake", "--list-faults"],
    "a drill": ["drill", "--scenario", "short.toml", "--quiet"],
    "a benchmark": ["bench", "--scenario", "tiny.toml", "--agents", "1", "--seed", "4", "--factor", "40",
                    "--no-calibration", "--through", "sdk", "--quiet"],
    "wrong usage": ["status", "--nonsense"],
    "no verb": ["stauts"],
}  # fmt: skip


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_statement_14_json_is_of_the_shipped_shape(lived_in: Home, arguments: list[str]) -> None:
    """One object on stdout that validates, whatever the verb, and whatever became of it."""
    asked = arguments if "--json" in arguments else [*arguments, "--json"]
    done = lived_in.seawall(*asked, **setting("http://127.0.0.1:9"))
    value = conforms(done.stdout)
    if "exit_code" in value:
        assert value["exit_code"] == done.returncode


def test_statement_14_the_doctors(lived_in: Home) -> None:
    """All clear, overloaded and dead alike."""
    with host(from_api(401)) as api, host(answer(200, GREEN)) as page, host(b"") as control:
        fine = lived_in.seawall("doctor", "--json", **setting(api.url, page.url, control.url))
        bare = lived_in.seawall("--json", **setting(api.url, page.url, control.url))
    with host(from_api(529, OVERLOADED)) as api:
        full = lived_in.seawall("doctor", "--json", **setting(api.url))
    dead = lived_in.seawall("doctor", "--json", **setting("http://127.0.0.1:9"))
    assert [conforms(one.stdout)["exit_code"] for one in (fine, bare, full, dead)] == [0, 0, 10, 14]
    assert [one.returncode for one in (fine, bare, full, dead)] == [0, 0, 10, 14]


def test_statement_14_an_episode(lived_in: Home) -> None:
    """One that is there."""
    [one] = conforms(lived_in.seawall("history", "--json").stdout)["episodes"]
    assert (
        conforms(lived_in.seawall("history", "show", one["id"], "--json").stdout)["episode"]["id"]
        == one["id"]
    )


def test_statement_14_of_those_that_run_on(own_home: Home) -> None:
    """Their first lines: the gateway's, the fake API's; what a running gateway says of itself."""
    fake = own_home.start("fake", "--json", "--listen", "127.0.0.1:0")
    assert fake.stdout is not None
    api = conforms(fake.stdout.readline())
    serve = own_home.start("serve", "--json", "--listen", "127.0.0.1:0", "--upstream", api["url"])
    assert serve.stdout is not None
    conforms(serve.stdout.readline())
    until(lambda: conforms(own_home.seawall("status", "--json").stdout)["running"], "the gateway is listed")
    fake.terminate()
    assert conforms(fake.stdout.read())["schema"] == "seawall.fake.summary/1"


@contextlib.contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal."""
    ours, theirs = pty.openpty()
    try:
        yield ours, theirs
    finally:
        os.close(ours)
        with contextlib.suppress(OSError):
            os.close(theirs)


def at_a_terminal(home: Home, *arguments: str, **more: str) -> str:
    """What a command writes to a terminal that has colours."""
    environ = {name: value for name, value in home.environ.items() if name != "NO_COLOR"}
    with terminal() as (ours, theirs):
        process = subprocess.Popen(
            [sys.executable, "-m", "seawall", *arguments], env=environ | more | {"TERM": "xterm-256color"},
            cwd=home.path, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        data = b""
        with contextlib.suppress(OSError):  # the end of a terminal is an error on Linux
            while more_data := os.read(ours, 65536):
                data += more_data
        process.communicate(timeout=LIMIT)
    return data.decode().replace("\r\n", "\n")


AT_A_TERMINAL = ["status", "history", "the checks", "the doctor without a network", "a text", "a cause", "a request",
                 "the model", "the rules", "settings", "wrong usage"]  # fmt: skip


@pytest.mark.parametrize("name", AT_A_TERMINAL)
def test_statement_14_at_a_terminal(lived_in: Home, name: str) -> None:
    """The same object, without a colour in it, where stdout is a terminal and NO_COLOR is not set."""
    conforms(at_a_terminal(lived_in, *COMMANDS[name], "--json", **setting("http://127.0.0.1:9")))
