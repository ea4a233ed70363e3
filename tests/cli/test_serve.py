"""`seawall serve`, with real processes."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from own_home import LIMIT, Home, until
from seawall.cli import serving
from seawall.cli.serve import serve
from seawall.cli.serving import passed_sockets
from seawall.fake.thread import BackgroundFakeApi
from seawall.wire import models


def ready(process: "subprocess.Popen[str]") -> dict[str, object]:
    """What it says once it listens."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate(timeout=LIMIT)[1]
    said: dict[str, object] = json.loads(line)
    return said


def test_it_may_have_as_many_files_as_the_machine_allows(own_home: Home) -> None:
    """A shell's soft limit of 1024 files would end a fleet of 500 calls."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] != resource.RLIM_INFINITY and before[1] <= 256:
        pytest.skip("this machine allows no more")
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        process = own_home.start("serve", "--listen", "127.0.0.1:0", "--json")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    ready(process)
    limits = Path(f"/proc/{process.pid}/limits")
    if limits.exists():
        [line] = [line for line in limits.read_text().splitlines() if line.startswith("Max open files")]
        assert int(line.split()[3]) > 256
    process.terminate()
    process.communicate(timeout=LIMIT)
    assert process.returncode == 0


def test_one_line_says_what_it_does(own_home: Home) -> None:
    """Where it listens, where it sends, how long it holds; SIGTERM ends it cleanly and takes its record along."""
    process = own_home.start("serve", "--listen", "127.0.0.1:0", "--hold", "20s")
    assert process.stdout is not None
    line = process.stdout.readline()
    [record] = own_home.gateways()
    assert line == (
        f"Seawall listens on {record.address}, sends to http://127.0.0.1:9, holds failed calls up to 20 s.\n"
    )
    os.kill(process.pid, signal.SIGTERM)
    assert process.communicate(timeout=LIMIT) == ("", "")
    assert process.returncode == 0
    assert list(own_home.place.glob("gateway-*")) == []


def test_ctrl_c_is_a_clean_stop(own_home: Home) -> None:
    """It is how a foreground gateway is meant to be ended."""
    process = own_home.start("serve", "--json", "--listen", "127.0.0.1:0")
    assert ready(process)["schema"] == "seawall.serve/1"
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=LIMIT) == 0


def test_nohup_keeps_it(own_home: Home) -> None:
    """Who starts it to outlive a terminal tells it to ignore the hang-up; without that a hang-up is a clean stop."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited, as `nohup` does it
    try:
        kept = own_home.start("serve", "--json", "--listen", "127.0.0.1:0")
    finally:
        signal.signal(signal.SIGHUP, before)
    ended = own_home.start("serve", "--json", "--listen", "127.0.0.1:0")
    for process in (kept, ended):
        ready(process)
        os.kill(process.pid, signal.SIGHUP)
    assert ended.wait(timeout=LIMIT) == 0
    assert kept.poll() is None
    os.kill(kept.pid, signal.SIGTERM)
    assert kept.wait(timeout=LIMIT) == 0


def test_a_second_signal_does_not_wait(own_home: Home) -> None:
    """The first lets a running call end; the second ends it now."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        upstream = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = own_home.start("serve", "--json", "--listen", "127.0.0.1:0", "--upstream", upstream)
        address = str(ready(process)["address"]).removeprefix("http://")
        host, _, port = address.partition(":")
        body = b'{"model": "m", "max_tokens": 5, "stream": true, "messages": []}'
        with socket.create_connection((host, int(port))) as client:
            client.sendall(
                b"POST /v1/messages HTTP/1.1\r\nhost: %b\r\ncontent-type: application/json\r\n"
                b"content-length: %d\r\n\r\n%b" % (address.encode(), len(body), body)
            )
            [record] = own_home.gateways()
            until(lambda: '"running": 1' in own_home.seawall("status", "--json").stdout, "the call runs")
            os.kill(process.pid, signal.SIGTERM)
            until(lambda: own_home.gateways() == [], "it has begun to stop")
            assert process.poll() is None
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(timeout=LIMIT) == 130
    assert not record.shared


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--upstream", "nonsense"), "gateway.upstream: The address does not begin with"),
        (("--upstream", "http://127.0.0.1:8787"), "gateway.upstream is this gateway itself"),
        (("--upstream", "http://api.anthropic.com"), "credentials would travel in clear"),
        (("--listen", "0.0.0.0:8787"), "gateway.listen is not loopback (0.0.0.0:8787): set team.token"),
        (("--listen", "nowhere"), "gateway.listen must be HOST:PORT"),
        (("--listen", "192.0.2.1:8787"), "set team.token"),
        (("--hold", "soon"), "option --hold: gateway.hold.longest must be a length of time"),
        (("--lisen", "x"), "No such option"),
        (("--config", "/no/such/file"), "there is no settings file /no/such/file"),
    ],
)
def test_unusable_settings_are_one_line(own_home: Home, arguments: tuple[str, ...], says: str) -> None:
    """Exit code 2; nothing is opened, nothing is left."""
    done = own_home.seawall("serve", *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert says in done.stderr
    assert list(own_home.path.iterdir()) == []
    as_json = own_home.seawall("serve", "--json", *arguments)
    assert (as_json.returncode, as_json.stderr) == (2, "")
    assert says in json.loads(as_json.stdout)["error"]["message"]


def pem_files(folder: Path) -> dict[str, str]:
    """Files that a listener may be given, by what they are."""
    import trustme

    ca = trustme.CA()
    own, other = ca.issue_cert("127.0.0.1"), ca.issue_cert("127.0.0.1")
    own.cert_chain_pems[0].write_to_path(str(folder / "own.pem"))
    own.private_key_pem.write_to_path(str(folder / "own.key"))
    other.private_key_pem.write_to_path(str(folder / "other.key"))
    from cryptography.hazmat.primitives import serialization as form

    locked = form.load_pem_private_key(own.private_key_pem.bytes(), None).private_bytes(
        form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"secret")
    )
    (folder / "locked.key").write_bytes(locked)
    (folder / "text.pem").write_text("no certificate\n")
    names = ("own.pem", "own.key", "other.key", "locked.key", "text.pem", "missing.pem")
    return {name: str(folder / name) for name in names} | {"folder": str(folder)}


@pytest.mark.parametrize(
    ("cert", "key", "says"),
    [
        ("missing.pem", "own.key", "missing.pem: there is no such file"),
        ("own.pem", "missing.pem", "missing.pem: there is no such file"),
        ("folder", "own.key", "it is not a file"),
        ("text.pem", "own.key", "text.pem: it holds no certificate in PEM form"),
        ("own.pem", "other.key", "own.pem: the key belongs to another certificate"),
        ("own.pem", "locked.key", "own.pem: its key cannot be opened without a passphrase"),
    ],
)
def test_a_certificate_that_cannot_be_shown_is_one_line(
    own_home: Home, tmp_path: Path, cert: str, key: str, says: str
) -> None:
    """It says which file it is and what is wrong with it; nobody is asked for a passphrase, and nothing listens."""
    files = pem_files(tmp_path)
    given = {"SEAWALL_GATEWAY_TLS_CERT": files[cert], "SEAWALL_GATEWAY_TLS_KEY": files[key]}
    done = own_home.seawall("serve", "--listen", "127.0.0.1:0", **given)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("seawall: gateway.tls_cert and gateway.tls_key: ")
    assert says in done.stderr


def test_a_client_that_ends_tls_early_is_no_trouble(own_home: Home, tmp_path: Path) -> None:
    """TLS has no half-closed connections: its call ends, and nothing is said of it."""
    import ssl

    files = pem_files(tmp_path)
    given = {"SEAWALL_GATEWAY_TLS_CERT": files["own.pem"], "SEAWALL_GATEWAY_TLS_KEY": files["own.key"]}
    process = own_home.start("serve", "--listen", "127.0.0.1:0", "--json", **given)
    place = str(ready(process)["address"]).removeprefix("https://")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", int(place.rpartition(":")[2])), LIMIT) as plain:
        sealed = context.wrap_socket(plain)
        head = f"POST /v1/messages HTTP/1.1\r\nhost: {place}\r\ncontent-length: 2\r\n\r\n{{}}"
        sealed.sendall(head.encode())
        until(lambda: '"running": 1' in own_home.seawall("status", "--json").stdout, "the call is held")
        sealed.unwrap().close()
        until(lambda: '"running": 0' in own_home.seawall("status", "--json").stdout, "the call has ended")
    os.kill(process.pid, signal.SIGTERM)
    assert process.communicate(timeout=LIMIT)[1] == ""


@pytest.mark.parametrize(
    "proxy", ["socks5://u:hunter2@proxy.example", "http://", "http://u:hunter2/@proxy.example"]
)
def test_a_proxy_that_no_call_gets_through_is_one_line(own_home: Home, proxy: str) -> None:
    """Said when it starts, by `serve` and by `run`; where no proxy is asked, its address is nobody's trouble."""
    far = {"SEAWALL_GATEWAY_UPSTREAM": "https://api.example.test", "HTTPS_PROXY": proxy}
    done = own_home.seawall("serve", "--listen", "127.0.0.1:0", **far)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("seawall: network.https_proxy (HTTPS_PROXY): The proxy")
    ran = own_home.seawall("run", "--", "true", **far)
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert "network.https_proxy (HTTPS_PROXY): The proxy" in ran.stderr
    assert "hunter2" not in done.stderr + ran.stderr
    assert own_home.seawall("run", "--", "true", **far, NO_PROXY="api.example.test").returncode == 0


def test_an_address_of_another_machine_is_one_line(own_home: Home) -> None:
    """Bad for listening, whatever the rest says."""
    own_home.environ |= {"SEAWALL_TEAM_TOKEN": "t", "SEAWALL_GATEWAY_BEHIND_PROXY": "true"}
    done = own_home.seawall("serve", "--listen", "192.0.2.1:8787")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "cannot listen on 192.0.2.1:8787" in done.stderr


def test_a_taken_port_names_who_has_it(own_home: Home) -> None:
    """Another program, or the user's own gateway: code 1, one line, what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = own_home.seawall("serve", "--listen", f"127.0.0.1:{port}")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"port {port} on 127.0.0.1 is taken by another program" in done.stderr
    first = own_home.start("serve", "--json", "--listen", "127.0.0.1:0")
    port = int(str(ready(first)["address"]).rpartition(":")[2])
    done = own_home.seawall("serve", "--listen", f"127.0.0.1:{port}")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"port {port} is taken by your own gateway (process {first.pid}" in done.stderr


def test_run_uses_a_gateway_that_was_served(own_home: Home) -> None:
    """The same configuration needs no second process."""
    address = ready(own_home.start("serve", "--json", "--listen", "127.0.0.1:0"))["address"]
    done = own_home.seawall("run", "--", "sh", "-c", "echo $ANTHROPIC_BASE_URL")
    assert done.stdout == f"{address}\n"


def test_it_listens_on_a_socket_that_a_supervisor_holds(own_home: Home) -> None:
    """Started by socket activation, it takes the socket that is there."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        starter = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.set_inheritable(3, True);"
            "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1');"
            "os.execv(sys.executable, [sys.executable, '-m', 'seawall', 'serve', '--json'])"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", starter, str(held.fileno())],
            env=own_home.environ,
            pass_fds=[held.fileno()],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert ready(process)["address"] == f"http://127.0.0.1:{port}"
            nonce = "n" * 32
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
                f"http://127.0.0.1:{port}/api/v1/challenge?nonce={nonce}", timeout=LIMIT
            ) as answer:
                assert len(answer.read()) == 64
            os.kill(process.pid, signal.SIGTERM)
            assert process.wait(timeout=LIMIT) == 0
        finally:
            process.kill()
            process.communicate()


def test_sockets_for_another_process_are_not_taken() -> None:
    """Only a LISTEN_PID of our own counts; the variables do not reach our children."""
    environ = {"LISTEN_PID": "1", "LISTEN_FDS": "1"}
    assert passed_sockets(environ, 2) == []
    assert passed_sockets({}, 2) == []
    assert passed_sockets({"LISTEN_PID": "x", "LISTEN_FDS": "1"}, 2) == []
    assert "LISTEN_PID" not in environ


def test_a_broken_settings_file_is_one_warning(own_home: Home) -> None:
    """The defaults hold, and the line names line and column."""
    config = own_home.path / ".config" / "seawall" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("[gateway\n")
    process = own_home.start("serve", "--json", "--listen", "127.0.0.1:0")
    ready(process)
    os.kill(process.pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=LIMIT)
    assert errors.count("\n") == 1
    assert f"{config}: " in errors
    assert "line 1, column 9" in errors


ASK = """\
import os, urllib.request
body = b'{"model": "claude-opus-5-5", "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]}'
headers = {"content-type": "application/json", "x-api-key": "sk-ant-api03-" + "c" * 40}
headers["anthropic-version"] = "2023-06-01"
request = urllib.request.Request(os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages", body, headers)
with urllib.request.urlopen(request, timeout=30) as answer:
    print(answer.headers["x-seawall-fallback"])
"""


def fallback_to(home: Home, url: str) -> None:
    """The user's own file: everything that the service fails goes there at once."""
    path = home.path / ".config" / "seawall" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f'[[fallback]]\nupstream = "{url}"\nkey_env = "OTHER_API_KEY"\nafter = 0\n')


def test_a_run_brings_the_keys_of_its_fallbacks(
    own_home: Home, fake_api: BackgroundFakeApi, fake_api_factory: Callable[..., BackgroundFakeApi]
) -> None:
    """The gateway that it starts gets the variable that the user's file names, and no other that looks like a key."""
    other = fake_api_factory()
    fake_api.script("overloaded")
    fallback_to(own_home, other.url)
    done = own_home.seawall(
        "run", "--", sys.executable, "-c", ASK,
        SEAWALL_GATEWAY_UPSTREAM=fake_api.url, OTHER_API_KEY="sk-ant-api03-" + "o" * 40,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"upstream={other.url.removeprefix('http://')} model=claude-opus-5-5\n"
    (seen,) = other.requests
    assert seen.header("x-api-key") == "sk-ant-api03-" + "o" * 40


def test_a_run_says_what_keeps_its_calls_from_falling_back(
    own_home: Home, fake_api: BackgroundFakeApi
) -> None:
    """The gateway that it starts has no terminal: who relies on it overnight must hear of it before."""
    fallback_to(own_home, "https://other.example")
    done = own_home.seawall("run", "--", sys.executable, "-c", "", SEAWALL_GATEWAY_UPSTREAM=fake_api.url)
    assert done.returncode == 0
    assert (
        "seawall: [[fallback]] 1 is not used: the variable OTHER_API_KEY is not set in the gateway's environment\n"
        in done.stderr
    )


def test_where_calls_fall_back_to_is_said_once(own_home: Home) -> None:
    """In their order, with the time; those that cannot be used are not among them. Never a key."""
    fallback_to(own_home, "https://other.example")
    path = own_home.path / ".config" / "seawall" / "config.toml"
    path.write_text(
        path.read_text() + '[[fallback]]\nmodel = "haiku"\nafter = "2m"\n'
        '[[fallback]]\nupstream = "https://third.example"\nkey_env = "NO_KEY"\nafter = "5s"\n'
        '[gateway]\nfallback = ["sonnet"]\nfallback_after = "30s"\n'
    )
    process = own_home.start("serve", "--listen", "127.0.0.1:0", OTHER_API_KEY="sk-ant-api03-other")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Seawall listens on ")
    haiku, sonnet = models.CURRENT["haiku"], models.CURRENT["sonnet"]
    assert process.stdout.readline() == (
        f"Held calls fall back to https://other.example at once, then to {haiku} after 2 min, "
        f"then to {sonnet} after 30 s.\n"
    )
    process.terminate()
    rest, said = process.communicate(timeout=LIMIT)
    assert (process.returncode, rest) == (0, "")
    assert said.count("fallback") == 1
    assert "NO_KEY is not set" in said


def test_a_fallback_without_its_key_is_one_warning(own_home: Home) -> None:
    """The gateway starts without it, and says which variable it misses."""
    fallback_to(own_home, "https://other.example")
    process = own_home.start("serve", "--json", "--listen", "127.0.0.1:0")
    ready(process)
    os.kill(process.pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=LIMIT)
    assert errors == (
        "seawall: [[fallback]] 1 is not used: the variable OTHER_API_KEY is not set in the gateway's environment\n"
    )


_ARGUMENTS = st.sampled_from(
    (
        "--listen", "127.0.0.1:0", "--listen=127.0.0.1:1", "--upstream", "http://127.0.0.1:9", "--upstream=", "--hold",
        "15m", "--hold=0", "--no-hold", "--no-hold=1", "--ping-every", "5s", "--concurrency", "7", "--shared", "abc",
        "--linger", "2.5", "--linger=-1", "--linger=nan", "--json", "--plain", "--quiet", "-q", "-qv", "--verbose",
        "-v", "--no-color", "--offline", "--config", "/dev/null", "--config=", "--lis", "--help", "--", "-", "", "x",
    )
)  # fmt: skip


def clicks(arguments: list[str]) -> dict[str, object] | None:
    """What click makes of the options of `seawall serve`; None where it takes them for none or for wrong."""
    taken: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(serving, "serve", lambda **given: taken.update(given) or 0)
        try:
            with serve.make_context("serve", list(arguments)) as context:
                serve.invoke(context)
        except (click.ClickException, click.exceptions.Exit):
            return None
    return taken


@settings(deadline=None)
@given(st.lists(_ARGUMENTS, max_size=6))
def test_plain_options_are_read_as_click_reads_them(arguments: list[str]) -> None:
    """The gateway reads them without click: what it makes of them, click would have made; the rest it leaves to it."""
    read = serving.read(arguments)
    if read is None:
        return
    unsaid = dict.fromkeys(("listen", "upstream", "hold", "ping_every", "concurrency", "shared"))
    assert clicks(arguments) == {**unsaid, "no_hold": False, "linger": 60.0, **read}


def test_every_option_is_read_without_click() -> None:
    """Each that the verb has, so that how a gateway is started makes none larger; `--help` is click's."""
    values = {"linger": "1", "config": os.devnull}
    for option in serve.params:
        assert isinstance(option, click.Option)
        assert option.name is not None
        for name in option.opts:
            given = [name] if option.is_flag else [name, values.get(option.name, "some")]
            assert serving.read(given) == {
                key: value
                for key, value in (clicks(given) or {}).items()
                if key == "common" or value != _DEFAULTS[key]
            }


_DEFAULTS: dict[str, object] = {
    "listen": None, "upstream": None, "hold": None, "ping_every": None, "concurrency": None, "shared": None,
    "no_hold": False, "linger": 60.0,
}  # fmt: skip


def test_a_gateway_runs_without_click(own_home: Home) -> None:
    """It stays for days, and all that the command line needs besides is memory that calls could have."""
    process = own_home.start("serve", "--json", "--listen", "127.0.0.1:0", PYTHONPROFILEIMPORTTIME="1")
    ready(process)
    process.terminate()
    _, imported = process.communicate(timeout=LIMIT)
    loaded = {line.rpartition("|")[2].strip() for line in imported.splitlines()}
    assert "seawall.gateway.app" in loaded
    assert not loaded & {"click", "gettext", "seawall.cli.verbs", "sqlalchemy", "rich"}
