"""`seawall run`, with real processes in a home of their own."""

import json
import os
import pty
import select
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from own_home import Home, until
from seawall.gateway import runtime

PRINT_ADDRESS = ("sh", "-c", "echo $ANTHROPIC_BASE_URL")
CALL = """
import os, urllib.error, urllib.request
body = b'{"model": "m", "max_tokens": 5}'
headers = {"content-type": "application/json", "x-seawall-hold": "0s"}
request = urllib.request.Request(os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages", body, headers)
try:
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)
except urllib.error.HTTPError as error:
    print(error.code)
"""


def leases(home: Home) -> int:
    """How many runs hold the one gateway. On a busy machine it may not answer within the time of `status`."""
    told: list[int] = []

    def asked() -> bool:
        [one] = json.loads(home.seawall("status", "--json").stdout)["gateways"]
        told.extend([one["leases"]] if "leases" in one else [])
        return bool(told)

    until(asked, "the gateway answers")
    return told[0]


def test_the_childs_code_is_returned(own_home: Home) -> None:
    """Its own code, and 128 and the number of the signal that ended it."""
    assert own_home.seawall("run", "--", "sh", "-c", "exit 7").returncode == 7
    assert own_home.seawall("run", "--", "sh", "-c", "kill -9 $$").returncode == 137
    assert own_home.seawall("run", "--direct", "--", "sh", "-c", "exit 3").returncode == 3


def test_the_help_shows_its_options(own_home: Home) -> None:
    """All that a person may give."""
    shown = own_home.seawall("run", "--help").stdout
    for option in ("--hold", "--no-hold", "--direct", "--when [quiet]", "--stagger", "--then-continue"):
        assert f"  {option} " in shown, shown


def test_options_after_the_command_are_the_commands(own_home: Home) -> None:
    """`--` may be left out: what follows the command's name belongs to it."""
    done = own_home.seawall("run", "--direct", "echo", "--hold", "-v", "--", "x")
    assert done.stdout == "--hold -v -- x\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "seawall run: no command; for example: seawall run -- claude"),
        (("--", "no-such-command"), "seawall: the command 'no-such-command' was not found"),
        (("--", "/dev/null"), "seawall: the command '/dev/null' cannot be executed"),
        (("--hold", "soon", "--", "true"), "seawall run: --hold must be a length of time"),
        (("--hold", "1m", "--no-hold", "--", "true"), "seawall run: --hold and --no-hold exclude each other"),
    ],
)
def test_unusable_input_is_one_line_and_starts_nothing(
    own_home: Home, arguments: tuple[str, ...], says: str
) -> None:
    """Exit code 2, one line, no gateway, nothing in the home."""
    done = own_home.seawall("run", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(says)
    assert done.stderr.count("\n") == 1
    assert own_home.gateways() == []
    assert list(own_home.path.iterdir()) == []


def test_the_child_is_led_to_the_gateway(own_home: Home) -> None:
    """Address, names that need no proxy, and the switches that a gateway turns off; what the user set stays."""
    done = own_home.seawall(
        "run", "--", "env", NO_PROXY="corp.example", ENABLE_TOOL_SEARCH="false", ANTHROPIC_API_KEY="k"
    )
    child = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    [gateway] = own_home.gateways()
    assert child["ANTHROPIC_BASE_URL"] == gateway.address
    assert child["NO_PROXY"] == child["no_proxy"] == "corp.example,127.0.0.1,::1,localhost"
    assert child["ENABLE_TOOL_SEARCH"] == "false"
    assert child["CLAUDE_CODE_ENABLE_FINE_GRAINED_TOOL_STREAMING"] == "1"
    assert child["CLAUDE_CODE_GATEWAY_HINT_HEADERS"] == "1"
    assert child["ANTHROPIC_API_KEY"] == "k"
    assert "ANTHROPIC_CUSTOM_HEADERS" not in child


def test_the_gateway_does_not_inherit_credentials(own_home: Home) -> None:
    """They come with each request; the long-lived process has no need of them."""
    own_home.seawall("run", "--", "true", ANTHROPIC_API_KEY="k" * 30, GITHUB_TOKEN="t" * 30, OTHER="o" * 30)
    [gateway] = own_home.gateways()
    if not Path(f"/proc/{gateway.pid}/environ").exists():
        pytest.skip("this system does not show a process's environment as a file")
    environ = Path(f"/proc/{gateway.pid}/environ").read_text()
    assert "k" * 30 not in environ
    assert "t" * 30 not in environ
    assert "o" * 30 in environ


def test_a_hold_goes_with_each_request_of_the_run(own_home: Home) -> None:
    """One more line in the custom headers; the user's own lines stay, the gateway is shared all the same."""
    script = ("sh", "-c", 'echo "$ANTHROPIC_CUSTOM_HEADERS"')
    held = own_home.seawall("run", "--hold", "90s", "--", *script, ANTHROPIC_CUSTOM_HEADERS="x-a: 1")
    assert held.stdout == "x-a: 1\nx-seawall-hold: 90s\n"
    assert own_home.seawall("run", "--no-hold", "--", *script).stdout == "x-seawall-hold: 0s\n"
    assert len(own_home.gateways()) == 1


def test_a_hold_that_no_call_brought_is_said(own_home: Home) -> None:
    """A client that does not send the custom headers is held as the settings say: one line, with what reaches it."""
    other = CALL.replace(', "x-seawall-hold": "0s"', "")
    calls = [(sys.executable, "-c", script) for script in (CALL, other)]
    upstream = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "SEAWALL_GATEWAY_HOLD": "0s"}
    brought, without = (own_home.seawall("run", "--no-hold", "--", *call, **upstream) for call in calls)
    assert (brought.stdout, brought.stderr) == ("503\n", "")
    assert without.stdout == "503\n"
    assert " ".join(without.stderr.split()) == (
        "seawall: no call brought the hold of this run: its client does not send ANTHROPIC_CUSTOM_HEADERS, so "
        "calls were held as the settings say; `SEAWALL_GATEWAY_HOLD=0s seawall run ...` reaches every client"
    )
    assert own_home.seawall("run", "--", *calls[1], **upstream).stderr == ""
    # Claude Code sends it: what came without was another run's.
    own_home.tool("claude", shlex.join(calls[1]))
    assert own_home.seawall("run", "--no-hold", "--", "claude", **upstream).stderr == ""


def test_twenty_runs_at_once_start_one_gateway(own_home: Home) -> None:
    """All of them are led to the same address."""
    runs = [own_home.start("run", "--", *PRINT_ADDRESS) for _ in range(20)]
    addresses = {run.communicate(timeout=60)[0] for run in runs}
    [gateway] = own_home.gateways()
    assert addresses == {gateway.address + "\n"}


def test_a_killed_run_frees_its_lease_and_the_gateway_leaves(own_home: Home) -> None:
    """However a run ends, its lease ends; after the last, the gateway goes and takes its record along."""
    run = own_home.start("run", "--linger", "0.3", "--", "sh", "-c", "echo there; exec sleep 600")
    assert run.stdout is not None
    assert run.stdout.readline() == "there\n"
    assert leases(own_home) == 1
    [gateway] = own_home.gateways()
    os.kill(run.pid, signal.SIGKILL)
    until(lambda: own_home.gateways() == [], "the gateway leaves")
    until(lambda: not list(own_home.place.glob("gateway-*")), "its record is gone")
    assert own_home.seawall("status").stdout == "not running\n"
    assert gateway.shared


def test_nothing_is_left_but_state_and_data(own_home: Home) -> None:
    """After a run the home holds the records of failures and a log, in the folders meant for them."""
    own_home.seawall("run", "--linger", "0", "--", "true")
    until(lambda: own_home.gateways() == [], "the gateway leaves")
    left = {path.relative_to(own_home.path).parts[:3] for path in own_home.path.rglob("*") if path.is_file()}
    assert left <= {(".local", "share", "seawall"), (".local", "state", "seawall")}
    assert {path.name.rpartition(".")[2] for path in own_home.place.iterdir()} == {"token", "lock"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in own_home.place.iterdir())


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2]
)
def test_signals_of_other_processes_are_passed_on(own_home: Home, number: signal.Signals) -> None:
    """The command decides how it ends; its code comes back. Without a terminal no key can have told it already."""
    name = number.name.removeprefix("SIG")
    script = f"trap 'exit 5' {name}; echo there; while :; do sleep 0.05; done"
    before = signal.signal(
        number, signal.SIG_DFL
    )  # what is ignored here, as in the background, stays ignored there
    run = own_home.start("run", "--", "sh", "-c", script)
    signal.signal(number, before)
    assert run.stdout is not None
    assert run.stdout.readline() == "there\n"
    os.kill(run.pid, number)
    assert run.wait(timeout=30) == 5


def test_the_terminals_interrupt_is_the_childs_to_answer(own_home: Home) -> None:
    """Ctrl-C reaches both, the command once; one that goes on after it is not left alone."""
    script = (
        "trap 'n=$((n+1)); echo heard-$n' INT; trap 'exit 4' TERM; echo there; while :; do sleep 0.05; done"
    )
    front = "import fcntl, os, sys, termios as t; fcntl.ioctl(0, t.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-m", "seawall", "run", "--", "sh", "-c", script]
    terminal, end = pty.openpty()
    run = subprocess.Popen(
        [sys.executable, "-c", front, *command], env=own_home.environ, cwd=own_home.path,
        stdin=end, stdout=end, stderr=end, start_new_session=True,
    )  # fmt: skip
    os.close(end)
    shown = b""

    def shows(text: bytes) -> bool:
        nonlocal shown
        while select.select([terminal], [], [], 0)[0]:
            shown += os.read(terminal, 4096)
        return text in shown

    try:
        until(lambda: shows(b"there"), "the command runs")
        for count in (1, 2):
            os.write(terminal, b"\x03")
            until(lambda: shows(b"heard-%d" % count), "the command is interrupted")  # noqa: B023  now
        run.terminate()
        assert run.wait(30) == 4
        assert b"heard-3" not in shown
    finally:
        run.kill()
        run.wait()
        os.close(terminal)


def test_a_run_inside_a_run_shares_its_gateway(own_home: Home) -> None:
    """The inner one sees through the address that the outer one set, with and without one before."""
    run = shlex.join([sys.executable, "-m", "seawall", "run", "--", *PRINT_ADDRESS])
    inner = f"echo $ANTHROPIC_BASE_URL; exec {run}"
    environ = dict(own_home.environ)
    del own_home.environ["SEAWALL_GATEWAY_UPSTREAM"]
    for before in ("http://127.0.0.1:9", "http://127.0.0.1:19/base"):
        done = own_home.seawall("run", "--", "sh", "-c", inner, ANTHROPIC_BASE_URL=before)
        first, second = done.stdout.splitlines()
        assert first == second
        assert [gateway.upstream for gateway in own_home.gateways() if gateway.address == first] == [before]
    own_home.environ = environ


def test_one_line_says_that_no_call_came(own_home: Home) -> None:
    """A command that does not use the address learns of it at the end; one that does is left in peace."""
    none = own_home.seawall("run", "--", "true")
    assert (
        none.stderr == "seawall: no call came through the gateway; does the command use ANTHROPIC_BASE_URL?\n"
    )
    some = own_home.seawall("run", "--", sys.executable, "-c", CALL)
    assert (some.stdout, some.stderr) == ("503\n", "")


def test_a_gateway_that_dies_is_replaced_at_its_address(own_home: Home) -> None:
    """The command was given an address; work goes on there."""
    run = own_home.start("run", "--", "sh", "-c", "echo there; read line; exit 0")
    assert run.stdout is not None
    assert run.stdout.readline() == "there\n"
    [first] = own_home.gateways()
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: [one.pid for one in own_home.gateways()] not in ([], [first.pid]), "another gateway")
    [second] = own_home.gateways()
    assert second.address == first.address
    until(lambda: leases(own_home) == 1, "the run's new lease")
    _, errors = run.communicate("\n", timeout=30)
    assert run.returncode == 0
    assert "could not be started again" not in errors


def test_a_stale_record_is_seen_through(own_home: Home) -> None:
    """A process that lives under that number, and a listener that cannot prove itself, are not our gateway."""
    first = own_home.seawall("run", "--", *PRINT_ADDRESS)
    [real] = own_home.gateways()
    os.kill(real.pid, signal.SIGKILL)
    until(lambda: own_home.gateways() == [], "the gateway is gone")
    import socket

    with socket.create_server(("127.0.0.1", 0)) as stranger:
        fields = {name: getattr(real, name) for name in runtime.Record.__dataclass_fields__}
        fields |= {"pid": os.getpid(), "port": stranger.getsockname()[1]}
        runtime.publish(own_home.place, runtime.Record(**fields))
        second = own_home.seawall("run", "--", *PRINT_ADDRESS)
        runtime.withdraw(own_home.place, runtime.Record(**fields))
    [other] = own_home.gateways()
    assert second.stdout == other.address + "\n"
    assert first.returncode == second.returncode == 0


def test_two_configurations_have_two_gateways(own_home: Home) -> None:
    """A run with another upstream or proxy must not go through this one's."""
    addresses = {
        own_home.seawall("run", "--", *PRINT_ADDRESS, **more).stdout
        for more in (
            {},
            {"SEAWALL_GATEWAY_UPSTREAM": "http://127.0.0.1:19"},
            {"HTTPS_PROXY": "http://127.0.0.1:29"},
        )
    }
    assert len(addresses) == len(own_home.gateways()) == 3


def test_a_certificate_is_for_those_who_call_from_elsewhere(own_home: Home) -> None:
    """A command's client trusts no certificate for 127.0.0.1: the gateway of runs speaks plain HTTP there."""
    file = own_home.path / "gateway.pem"
    trustme.CA().issue_cert("gateway.example").private_key_and_cert_chain_pem.write_to_path(str(file))
    settings = {"SEAWALL_GATEWAY_TLS_CERT": str(file), "SEAWALL_GATEWAY_TLS_KEY": str(file)}
    done = own_home.seawall("run", "--", *PRINT_ADDRESS, **settings)
    assert done.stdout.startswith("http://127.0.0.1:"), done.stderr
    assert done.returncode == 0


def test_a_taken_port_does_not_stop_a_run(own_home: Home) -> None:
    """Where the configured port is somebody else's, a free one is taken."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        done = own_home.seawall("run", "--", *PRINT_ADDRESS, SEAWALL_GATEWAY_LISTEN=listen)
    assert done.returncode == 0
    assert done.stdout.startswith("http://127.0.0.1:")
    assert done.stdout.strip() != f"http://{listen}"


def test_a_wrong_setting_is_one_line(own_home: Home) -> None:
    """The code of unusable input; nothing runs."""
    done = own_home.seawall("run", "--", "echo", "ran", SEAWALL_GATEWAY_UPSTREAM="no address")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "gateway.upstream: The address has a blank" in done.stderr


def test_a_home_that_cannot_be_written_is_no_obstacle(own_home: Home) -> None:
    """Without a place for log and records, the command runs behind its gateway all the same."""
    file = own_home.path / "file"
    file.touch()
    done = own_home.seawall("run", "--", *PRINT_ADDRESS, HOME=str(file / "home"))
    assert done.returncode == 0
    assert done.stdout.startswith("http://127.0.0.1:")


def test_no_place_for_the_state_is_one_line(own_home: Home, tmp_path: Path) -> None:
    """A runtime folder that somebody else prepared is not used; the line says how to go on."""
    (tmp_path / f"seawall-{os.getuid()}").symlink_to(own_home.path)
    if Path(f"/run/user/{os.getuid()}").is_dir():
        pytest.skip("this user has a runtime folder of the system's")
    done = own_home.seawall("run", "--", "echo", "ran", XDG_RUNTIME_DIR="")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "seawall run --direct" in done.stderr


CLAUDE = """
for a in "$@"; do echo "arg $a"; done
echo "base $ANTHROPIC_BASE_URL"
echo "headers $ANTHROPIC_CUSTOM_HEADERS"
"""


def test_settings_that_set_the_address_are_overridden_for_claude(own_home: Home) -> None:
    """Claude Code's settings win over the environment: the address goes by --settings, and theirs is the upstream."""
    own_home.tool("claude", CLAUDE)
    del own_home.environ["SEAWALL_GATEWAY_UPSTREAM"]
    settings = own_home.path / ".claude" / "settings.json"
    settings.parent.mkdir()
    before = json.dumps({"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:19"}})
    settings.write_text(before)
    done = own_home.seawall("run", "--", "claude", "-p", "hello")
    [gateway] = own_home.gateways()
    assert gateway.upstream == "http://127.0.0.1:19"
    arguments = [line[4:] for line in done.stdout.splitlines() if line.startswith("arg ")]
    assert arguments[0] == "--settings"
    assert json.loads(arguments[1]) == {"env": {"ANTHROPIC_BASE_URL": gateway.address}}
    assert arguments[2:] == ["-p", "hello"]
    assert settings.read_text() == before


def test_a_fallback_model_makes_the_hold_short(own_home: Home) -> None:
    """Claude Code changes model only when it sees the failure; it is said, and --hold decides otherwise."""
    own_home.tool("claude", CLAUDE)
    short = own_home.seawall("run", "--", "claude", "--fallback-model", "sonnet")
    assert "headers x-seawall-hold: 20s\n" in short.stdout
    assert "calls of this run are held 20 s at most" in short.stderr
    asked = own_home.seawall("run", "--hold", "5m", "--", "claude", "--fallback-model", "sonnet")
    assert "headers x-seawall-hold: 300s\n" in asked.stdout
    assert "20 s" not in asked.stderr


def test_another_provider_is_not_covered_and_says_so(own_home: Home) -> None:
    """With a cloud flag Claude Code ignores the address: it runs as it would without us."""
    own_home.tool("claude", CLAUDE)
    done = own_home.seawall("run", "--", "claude", CLAUDE_CODE_USE_BEDROCK="1")
    assert done.stdout == "base \nheaders \n"
    assert "CLAUDE_CODE_USE_BEDROCK is set" in done.stderr
    assert done.stderr.endswith("this command is not covered\n")
    assert own_home.gateways() == []
