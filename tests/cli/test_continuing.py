"""Whether a run of `claude -p` ended with a cut answer, and what goes on with it: facts in, commands out."""

import json
import shlex
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from claude_stand_in import StandIn
from own_home import Home
from seawall.claude_code.record import decoded, failure
from seawall.cli.continuing import Seen, Turns, last_shown, turns, was_cut, why_not
from seawall.fake.scenario import Scenario
from seawall.fake.thread import BackgroundFakeApi
from seawall.store.rows import Attempt

FRESH = "11111111-2222-4333-8444-555555555555"
THEIRS = "99999999-2222-4333-8444-555555555555"
BEGAN = 1_790_000_000.0
CUT = "API Error: Connection lost mid-response. The response above may be incomplete."
LOST = "API Error: Connection lost before a response was produced. Try again."
OVERLOADED = "API Error: 529 Overloaded. This is a server-side issue, usually temporary."
LIMIT = "Claude usage limit reached. Your limit will reset at 3pm."


@pytest.mark.parametrize(
    ("command", "first", "again", "session"),
    [
        (
            "claude -p review --model opus",
            f"claude --session-id {FRESH} -p review --model opus",
            f"claude --resume {FRESH} -p continue --model opus",
            FRESH,
        ),
        (
            "claude --tools Read Edit -p --verbose",
            f"claude --session-id {FRESH} --tools Read Edit -p --verbose",
            f"claude --resume {FRESH} --tools Read Edit -p continue --verbose",
            FRESH,
        ),
        (
            "claude -p --model opus -- review --all",
            f"claude --session-id {FRESH} -p --model opus -- review --all",
            f"claude --resume {FRESH} -p --model opus -- continue",
            FRESH,
        ),
        (
            f"/opt/claude --session-id {THEIRS} -p review",
            f"/opt/claude --session-id {THEIRS} -p review",
            f"/opt/claude --resume {THEIRS} -p continue",
            THEIRS,
        ),
        (
            f"claude --session-id={THEIRS} -p review",
            f"claude --session-id={THEIRS} -p review",
            f"claude --resume {THEIRS} -p continue",
            THEIRS,
        ),
        ("claude -c -p review", "claude -c -p review", "claude -c -p continue", ""),
        ("claude -pc review", "claude -pc review", "claude -pc continue", ""),
        ("claude -pc", "claude -pc", "claude -pc continue", ""),
        (
            f"claude -r {THEIRS} -p review",
            f"claude -r {THEIRS} -p review",
            f"claude -r {THEIRS} -p continue",
            THEIRS,
        ),
        ("claude -p go --resume name", "claude -p go --resume name", "claude -p continue --resume name", ""),
    ],
)
def test_the_commands(command: str, first: str, again: str, session: str) -> None:
    """The same options; the prompt is replaced where it stands; the session is the one that was cut."""
    given = turns(shlex.split(command), FRESH)
    assert given == Turns(tuple(shlex.split(first)), tuple(shlex.split(again)), session)


@pytest.mark.parametrize(
    ("command", "environ", "says"),
    [
        ("claude -p x", {}, ""),
        ("claude --print x", {"CLAUDE_CODE_SKIP_PROMPT_HISTORY": "0"}, ""),
        ("claude --new a -p x", {}, ""),
        ("echo -p x", {}, "--then-continue is for `claude -p`"),
        ("claude x", {}, "--then-continue is for `claude -p`: without -p you see"),
        ("claude -- -p", {}, "--then-continue is for `claude -p`: without -p you see"),
        ("claude -p x --fork-session -c", {}, "does not go with --fork-session, which begins a new session"),
        ("claude -p x --no-session-persistence", {}, "keeps no session to go on with"),
        ("claude -p x --from-pr 5", {}, "--from-pr"),
        ("claude -p x --bg", {}, "--background"),
        ("claude -p x -w", {}, "--worktree"),
        ("claude -p --input-format stream-json", {}, "--input-format"),
        ("claude -p --input-format=text x", {}, ""),
        ("claude -p -r", {}, "--resume without a session's id"),
        ("claude -p x", {"CLAUDE_CODE_SKIP_PROMPT_HISTORY": "1"}, "CLAUDE_CODE_SKIP_PROMPT_HISTORY is set"),
        ("claude -p --new x", {}, "cannot tell the value of --new from the prompt; write --new=..."),
    ],
)
def test_what_cannot_be_continued(command: str, environ: dict[str, str], says: str) -> None:
    """It is known before anything runs, in one line; nothing is said of what can."""
    why = why_not(command.split(), environ)
    assert (says in why) if says else why == ""


def record(at: float, text: str, **more: object) -> bytes:
    """A line of a transcript that tells of a failure."""
    moment = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    content = [{"type": "text", "text": text}]
    fields = {"type": "assistant", "isApiErrorMessage": True, "timestamp": moment, "uuid": "u", **more}
    return json.dumps(fields | {"message": {"model": "<synthetic>", "content": content}}).encode()


def shown(text: str, **more: object) -> Attempt:
    """The failure that such a line tells of."""
    found = decoded(record(BEGAN + 5, text, **more))
    assert found is not None
    return failure(found, BEGAN + 5, "api.anthropic.com", "")


HERE = Seen(BEGAN + 4, BEGAN - 1)
"""A gateway that saw an answer cut in this run, and none that was whole after it."""


@pytest.mark.parametrize(
    ("code", "text", "seen", "cut"),
    [
        (1, None, HERE, True),
        (1, None, Seen(BEGAN + 4), True),
        (1, None, Seen(), False),
        (1, None, Seen(BEGAN - 4, BEGAN - 9), False),
        (1, None, Seen(BEGAN + 4, BEGAN + 5), False),
        (0, None, HERE, False),
        (0, CUT, HERE, False),
        (130, CUT, HERE, False),
        (143, CUT, HERE, False),
        (1, CUT, Seen(), True),
        (1, CUT, Seen(BEGAN + 4, BEGAN + 6), True),
        (1, LOST, HERE, True),
        (1, LOST, Seen(), False),
        (1, OVERLOADED, HERE, False),
        (1, LIMIT, HERE, False),
    ],
)  # fmt: skip
def test_whether_a_run_was_cut(code: int, text: str | None, seen: Seen, cut: bool) -> None:
    """By its own last words, else by the gateway; never after success, a signal, or a failure that came later."""
    assert was_cut(code, shown(text) if text else None, seen, BEGAN) is cut


def test_the_last_failure_of_the_session(tmp_path: Path) -> None:
    """Of this session only, of this run only, the newest; whatever else the file holds."""
    folder = tmp_path / "projects"
    (folder / "-a").mkdir(parents=True)
    lines = [
        record(BEGAN - 5, CUT), b'no json: "isApiErrorMessage"', b"", record(BEGAN + 9, OVERLOADED),
        record(BEGAN + 3, CUT),
        json.dumps({"type": "user", "message": 'a prompt that quotes "isApiErrorMessage":true'}).encode(),
        record(BEGAN + 99, CUT)[:-30],
    ]  # fmt: skip
    (folder / "-a" / f"{FRESH}.jsonl").write_bytes(b"\n".join(lines))
    (folder / "-a" / f"{THEIRS}.jsonl").write_bytes(record(BEGAN + 50, CUT))
    (folder / f"{FRESH}.jsonl").mkdir()
    found = last_shown([folder, tmp_path / "none"], FRESH, BEGAN)
    assert found is not None
    assert (found.at, found.cause) == (BEGAN + 9, "provider.overloaded")
    assert last_shown([folder], FRESH, BEGAN + 10) is None
    assert last_shown([folder], "*", BEGAN) is None
    assert last_shown([folder], "", BEGAN) is None


@pytest.fixture
def api(own_home: Home) -> Iterator[BackgroundFakeApi]:
    """A faulty API behind the gateways of this home's runs."""
    fake = BackgroundFakeApi(Scenario())
    fake.start()
    own_home.environ["SEAWALL_GATEWAY_UPSTREAM"] = fake.url
    yield fake
    fake.stop()


RUN = ("run", "--then-continue", "--", "claude", "-p", "review all", "--model", "opus")
GOES_ON = 'seawall: the answer was cut; going on with "continue" ({} of 3)\n'


def test_a_cut_answer_is_gone_on_with(own_home: Home, api: BackgroundFakeApi) -> None:
    """Twice, since it is cut twice; in the same session with the same options; the last code is returned."""
    claude = StandIn(own_home)
    api.script("cut at=in-block how=close", "cut at=in-block how=close")
    done = own_home.seawall(*RUN)
    assert (done.returncode, done.stdout) == (0, "failed\nfailed\nanswered\n")
    assert done.stderr == GOES_ON.format(1) + GOES_ON.format(2)
    first, *more = claude.calls
    assert first[0] == "--session-id"
    assert first[2:] == ["-p", "review all", "--model", "opus"]
    assert more == [["--resume", first[1], "-p", "continue", "--model", "opus"]] * 2


def test_it_is_gone_on_with_three_times_at_most(own_home: Home, api: BackgroundFakeApi) -> None:
    """Then the failure is its user's; the code is that of the last."""
    claude = StandIn(own_home)
    api.script(*["cut at=in-block how=close"] * 9)
    done = own_home.seawall(*RUN)
    assert (done.returncode, done.stderr) == (1, "".join(map(GOES_ON.format, (1, 2, 3))))
    assert len(claude.calls) == 4


@pytest.mark.parametrize("fault", ["ok", "status code=401", "status code=400"])
def test_only_a_cut_answer_is_gone_on_with(own_home: Home, api: BackgroundFakeApi, fault: str) -> None:
    """Neither success nor any other failure."""
    claude = StandIn(own_home)
    api.script(fault)
    done = own_home.seawall(*RUN)
    assert (done.returncode, done.stderr) == (0 if fault == "ok" else 1, "")
    assert len(claude.calls) == 1


def test_without_the_option_nothing_is_changed(own_home: Home, api: BackgroundFakeApi) -> None:
    """The command is called as it is written, once."""
    claude = StandIn(own_home)
    api.script("cut at=in-block how=close")
    assert own_home.seawall("run", *RUN[2:]).returncode == 1
    assert claude.calls == [["-p", "review all", "--model", "opus"]]


@pytest.mark.parametrize(("shown", "times"), [(CUT, 4), (OVERLOADED, 1)])
def test_without_a_gateway_the_transcript_tells(own_home: Home, shown: str, times: int) -> None:
    """What Claude Code itself says of its end."""
    claude = StandIn(own_home, shown)
    done = own_home.seawall("run", "--direct", *RUN[1:])
    assert (done.returncode, len(claude.calls)) == (1, times)


def test_a_run_that_was_told_to_end_is_not_gone_on_with(own_home: Home) -> None:
    """Its own last words say that its answer was cut; but its user wanted an end."""
    StandIn(own_home, CUT)
    script = own_home.tools / "claude"
    waits = "trap 'go=1' TERM; echo there; while [ -z $go ]; do sleep 0.05; done; exec"
    script.write_text(script.read_text().replace("exec", waits))
    run = own_home.start("run", "--direct", *RUN[1:])
    assert run.stdout is not None
    assert run.stdout.readline() == "there\n"
    run.send_signal(signal.SIGTERM)
    out, errors = run.communicate(timeout=30)
    assert (run.returncode, out, errors) == (1, "failed\n", "")


@pytest.mark.parametrize(
    "command", [["echo", "x"], ["claude", "x"], ["claude", "-p", "x", "--fork-session", "-c"]]
)
def test_what_cannot_be_continued_is_unusable_input(own_home: Home, command: list[str]) -> None:
    """One line, exit 2, and nothing ran."""
    claude = StandIn(own_home)
    done = own_home.seawall("run", "--then-continue", "--", *command)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("seawall: --then-continue ")
    assert (claude.calls, own_home.gateways()) == ([], [])
