"""The acceptance statements of the user's surface, each under its number, by whole commands."""

import contextlib
import importlib
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from doctor_peers import GREEN, OVERLOADED, RED, answer, free_port, from_api, host, setting
from store_helpers import QUICK, attempt

from own_home import LIMIT, Home, until
from seawall.causes.cause import Platform, codes, load
from seawall.causes.verdict import Confidence
from seawall.cli.verbs import VERBS, placed
from seawall.config import Escalate, Store
from seawall.doctor import answers, escalation
from seawall.doctor.advice import advice
from seawall.doctor.case import Case
from seawall.doctor.check import Check, Finding, Result, State, checks, chosen
from seawall.doctor.rules import rules
from seawall.doctor.verdict import Verdict
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
    "the plan": ["plan"],
    "a report": ["report", "-y"],
    "an import": ["import"],
    "off": ["off"],
    "on, looked at": ["on", "--dry-run"],
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


def test_statement_14_leaves_no_verb_out() -> None:
    """Those aside that run something else, answer in Claude Code's own form, or are tested below."""
    others = {"run", "help", "hook", "statusline", "serve"}
    assert set(VERBS) <= {arguments[0] for arguments in COMMANDS.values()} | others


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


# ---- 1 to 6: the doctor ----------------------------------------------------------------------------------------


def test_statement_1_without_any_network(own_home: Home) -> None:
    """It ends by itself, with code 14; the network is named, and Anthropic's side is not."""
    begun = time.monotonic()
    done = own_home.seawall(**setting(f"http://127.0.0.1:{free_port()}"))
    assert done.returncode == 14
    assert done.stdout.startswith("Your network — ")
    assert "Anthropic's side" not in done.stdout
    assert time.monotonic() - begun < 8


def test_statement_2_an_api_that_is_overloaded(own_home: Home) -> None:
    """The first word is Anthropic's, the code 10, and no line suggests keys, plan or a new installation."""
    with host(from_api(529, OVERLOADED)) as api, host(answer(200, GREEN)) as page, host(b"") as control:
        done = own_home.seawall("doctor", **setting(api.url, page.url, control.url))
    assert done.returncode == 10
    assert done.stdout.split()[0] == "Anthropic's"
    suggests = done.stdout.partition("Do now")[2].partition("Don't")[0].lower()
    assert not any(word in suggests for word in ("key", "plan", "reinstall", "log out", "login", "/logout"))


def test_statement_3_an_address_where_nobody_listens(own_home: Home) -> None:
    """Code 15; the checks are done within a second, however busy the machine that starts them."""
    dead = f"http://127.0.0.1:{free_port()}"
    with host(from_api(401)) as api, host(lambda _: None) as silent:
        known = setting(api.url, silent.url, silent.url)
        done = own_home.seawall("doctor", "--json", **known, ANTHROPIC_BASE_URL=dead)
    value = conforms(done.stdout)
    assert (done.returncode, value["verdict"]["cause"]) == (15, "machine.dead_base_url")
    checks = {one["id"]: one for one in value["checks"]}
    # The others, which hang here for 3 s each, were waited for no longer than half a second.
    assert checks["status.page"]["state"] == "unknown"
    assert checks["local.base_url"]["took"] < 1
    assert checks["status.page"]["summary"] == "not finished in the time of the whole run"


def test_statement_4_an_openai_key_never_leaves(own_home: Home) -> None:
    """Decided by its beginning before any call: no request holds it, whatever the options."""
    key = "sk-proj-" + "Zq7" * 20
    with host(from_api(401)) as api, host(answer(200, GREEN)) as page, host(b"") as control:
        known = setting(api.url, page.url, control.url)
        for options in ((), ("--json",), ("--all",), ("--spend",), ("--only", "cred.live")):
            done = own_home.seawall("doctor", *options, **known, ANTHROPIC_API_KEY=key)
            assert done.returncode == 12
            assert key[8:20] not in done.stdout + done.stderr
        sent = b"".join([*api.requests, *page.requests, *control.requests])
    assert key[8:20].encode() not in sent


def test_statement_5_a_page_is_evidence_and_no_proof(own_home: Home) -> None:
    """Green and 529 from the API: certain all the same. Red and a resolver that knows no name: the resolver."""
    with host(from_api(529, OVERLOADED)) as api, host(answer(200, GREEN)) as page, host(b"") as control:
        green = own_home.seawall("doctor", "--json", **setting(api.url, page.url, control.url))
    with host(answer(200, RED)) as page, host(b"") as control:
        red = own_home.seawall(
            "doctor", "--json", **setting("https://no-such-name.invalid", page.url, control.url)
        )
    overloaded, nameless = conforms(green.stdout)["verdict"], conforms(red.stdout)["verdict"]
    assert (overloaded["cause"], overloaded["confidence"]) == ("provider.overloaded", "certain")
    assert nameless["party"] == "network"
    assert nameless["cause"] in ("network.dns_failure", "network.dns_temporary")


def test_statement_6_only_what_differs_is_printed(own_home: Home) -> None:
    """Two networks, one of them with another way to the API: the facts of that check, and no other check's."""
    with host(answer(200, GREEN)) as page, host(b"") as control:
        with host(from_api(529, OVERLOADED)) as api:
            own_home.seawall("doctor", "--save", "there", **setting(api.url, page.url, control.url))
        with host(from_api(401)) as api:
            known = setting(api.url, page.url, control.url)
            done = own_home.seawall("doctor", "--compare", "there", "--json", **known)
    compared = conforms(done.stdout)["compared"]
    assert compared["same"] > 20
    assert {one["check"] for one in compared["differs"]} <= {"api.edge", "api.path"}
    assert all(one["there"] != one["here"] for one in compared["differs"])


# ---- 13: escalation --------------------------------------------------------------------------------------------


def _judged(cause: str, incident: str, age: float, now: float) -> str:
    """What comes of a cause so old, with every gate open but the page's."""
    yes = answers.Answer(True, now)
    facts = escalation.Facts(
        cause, now - age, page=escalation.Page(now, incident), network=escalation.Met.YES, accepted_at=now,
        peers_failing=2, answers=answers.Answers(yes, yes, yes, yes),
    )  # fmt: skip
    return escalation.judge(facts, now, Escalate()).state.value


@pytest.mark.parametrize("cause", codes())
def test_statement_13_when_it_never_says_now(cause: str) -> None:
    """Not while the page shows an incident; never for what is the person's own to fix."""
    now = 1_795_000_000.0
    for age in (60.0, 3600.0, 86400.0):
        assert _judged(cause, "Elevated errors", age, now) != "now"
        own = cause.partition(".")[0] in ("account", "request", "machine", "limit")
        assert not (own and _judged(cause, "", age, now) == "now")
    assert _judged("provider.overloaded", "", 3600.0, now) == "now"


# ---- 15: commands ----------------------------------------------------------------------------------------------

_SLASH = re.compile(r"/[a-z][a-z-]*(?: [a-z0-9-]+)?")


def _cases() -> Iterator[Case]:
    """Every cause on every platform, bare and with all that can be known beside it."""
    places = {"ANTHROPIC_API_KEY": ("~/.zshrc line 41",), "ANTHROPIC_BASE_URL": ("~/.claude/settings.json",)}
    facts = {
        "running": 1,
        "held": 2,
        "plan": [{"window": "5h", "rejected": True, "used": 1.0, "resets_in": 60.0}],
    }
    gateway = Result(Check("local.gateway", "gateway", _never), Finding(State.WARN, "", facts))
    seen = Result(
        Check("seen.recent", "calls", _never), Finding(State.WARN, "", {"answered": {"sonnet": 1.0}})
    )
    for code in codes():
        verdict = Verdict(code, Confidence.CERTAIN, "", ())
        for platform in (Platform.LINUX, Platform.WSL, Platform.MACOS, Platform.WINDOWS, Platform.CONTAINER):
            for results in ((), (gateway, seen)):
                yield Case(verdict, load(code), results, 1000.0, platforms=frozenset({platform}), places=places,
                           verbs=frozenset(VERBS))  # fmt: skip


async def _never(probe: object) -> Finding:
    raise AssertionError


def _printed() -> dict[str, bool]:
    """Every command that the doctor prints as a step, as what comes next or as what decides; whether for PowerShell."""
    found: dict[str, bool] = {}
    for case in _cases():
        advised = advice(case)
        windows = Platform.WINDOWS in case.platforms
        for command in (*(one.command for one in advised.do if one.command), *(advised.then or ())):
            found[command] = found.get(command, True) and windows
        for line in (line for one in advised.do for line in one.lines):
            found |= dict.fromkeys(re.findall(r"seawall doctor [^,();]+?(?=$|[,();])", line), False)
    for one in rules().decides:
        for line in one.do:
            found |= dict.fromkeys(re.findall(r"(?<=`)seawall [^`]+|^seawall [^,`]+", line), False)
    return found


def test_statement_15_every_command_is_one() -> None:
    """Ours are taken by our own parser, those of Claude Code have their form, the rest a shell can read."""
    commands = _printed()
    assert len(commands) > 60
    shell = []
    for command, only_windows in commands.items():
        first, *rest = command.split()
        if first == "seawall":
            _parses(rest)
        elif first.startswith("/"):
            assert _SLASH.fullmatch(command), command
        elif not only_windows:
            shell.append(command)
    done = subprocess.run(
        ["bash", "-n"], input="\n".join(shell), capture_output=True, text=True, check=False, timeout=LIMIT
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def _parses(arguments: list[str]) -> None:
    """Raises what the command line would raise; nothing is run."""
    if arguments == ["--version"]:
        return
    verb, *rest = placed(arguments) or ["doctor"]
    module, _, name = VERBS[verb][0].partition(":")
    command = getattr(importlib.import_module(module), name)
    command.make_context(verb, rest)
    if verb == "doctor" and "--only" in rest:
        chosen(checks(), rest[rest.index("--only") + 1].split(","))


def test_statement_15_for_the_platform_it_is_printed_on() -> None:
    """No line of one platform stands in the answer of another."""
    for case in _cases():
        said = "\n".join(line for one in advice(case).do for line in one.lines)
        if Platform.WINDOWS not in case.platforms:
            assert "$env:" not in said, case.verdict.cause
            assert "Remove-Item" not in said, case.verdict.cause
        if Platform.WSL not in case.platforms:
            assert "wsl --" not in said or case.verdict.cause == "machine.wsl"


def outages(number: int, now: float) -> list[Attempt]:
    """So many episodes that were seen to end, an hour apart, of one to so many minutes."""
    rows = []
    for n in range(1, number + 1):
        at = now - 3600.0 * (n + 1)
        rows.append(attempt(1, at=at, call=f"c{n}"))
        rows += [attempt(k + 1, at=at + 60.0 * k, call=f"c{n}") for k in range(1, n)]
        well = attempt(n + 1, at=at + 60.0 * n, call=f"c{n}", cause=None, status=200, ended="recovered")
        rows.append(replace(well, held=60.0 * n))
    return rows


@pytest.mark.parametrize(
    ("earlier", "says"),
    [
        (8, "Most episodes like this end within 6 min; this one is at 1 min"),
        (7, "No history yet (7 earlier); the usual figure is 2-5 min (public troubleshooting texts, 2026)"),
        (0, "No history yet; the usual figure is 2-5 min (public troubleshooting texts, 2026)"),
    ],
)
def test_statement_11_eight_predecessors(own_home: Home, earlier: int, says: str) -> None:
    """An episode with 8 has its percentile sentence; with 7 the published figure and its source."""
    now = time.time()
    records(own_home, *outages(earlier, now), attempt(1, at=now - 70, call="now"))
    shown = own_home.seawall("history", "--plain").stdout
    assert says in shown
    assert ("usual figure" in shown) is (earlier < 8)


def test_statement_12_equal_rates_name_no_busiest_hour(own_home: Home) -> None:
    """A heat map over four weeks of the same rate at every hour."""
    last = int(time.time() // 3600) - 1
    records(
        own_home,
        *(
            Count(last - n, 60, "api.anthropic.com", "opus", "", cause, number)
            for n in range(28 * 24)
            for cause, number in (("", 95), ("provider.overloaded", 5))
        ),
    )
    shown = own_home.seawall("history").stdout
    grid = [line[3:].split() for line in shown.splitlines() if line[:3] in ("Mon", "Wed", "Sun")]
    assert [set(signs) for signs in grid] == [{"+"}] * 3
    assert "Busiest" not in shown
    assert "No clear pattern yet (2" in shown
    assert conforms(own_home.seawall("history", "--json").stdout)["busiest"] is None
