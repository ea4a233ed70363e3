"""Notifications from a real gateway in real trouble, and from gateways that say what they are told to."""

import http.client
import json
import os
import signal
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from doctor_peers import GREEN, KEY, answer, from_api, host, setting

from own_home import LIMIT, Home, until
from report_cases import FAILED
from seawall.cli import measured
from seawall.cli.following import _due, _tell
from seawall.config import EVENTS, Config, Notify, Store
from seawall.doctor.check import Check, Finding, Probe, Result, State
from seawall.store.writer import Pace, Writer
from seawall.view.facts import gateway
from seawall.view.notify import Event, Seen, look
from told_gateway import STATUS, told

if TYPE_CHECKING:
    from seawall.fake.thread import BackgroundFakeApi


class Hook:
    """A receiver of webhooks."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.got: list[dict[str, Any]] = []

    @property
    def events(self) -> list[str]:
        return [one["event"] for one in self.got]


@contextmanager
def hook(status: int = 200) -> Iterator[Hook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            one.got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    one = Hook(f"http://127.0.0.1:{server.server_port}/SECRET-path")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def settings(address: str, **more: str) -> dict[str, str]:
    return {
        "SEAWALL_NOTIFY_WEBHOOK": address,
        "SEAWALL_NOTIFY_DESKTOP": "false",
        "SEAWALL_NOTIFY_AFTER": "0",
        "SEAWALL_NOTIFY_SETTLE": "0",
        "SEAWALL_NOTIFY_QUIET": "22:00-22:00",
        "SEAWALL_NOTIFY_ON": "opened,held,recovered,gave_up,limit_reset,gateway_down",
    } | more


def test_a_gateway_tells_of_its_trouble(own_home: Home, fake_api: "BackgroundFakeApi") -> None:
    """Overload begins, a call is held, it comes through: each is told once, by a process that ends with the trouble."""
    fake_api.script(*["overloaded"] * 500)
    with hook() as one:
        environ = settings(one.address, SEAWALL_NOTIFY_AFTER="0.3")
        process = own_home.start(
            "serve", "--json", "--listen", "127.0.0.1:0", "--upstream", fake_api.url, **environ
        )
        assert process.stdout is not None
        address = urlsplit(json.loads(process.stdout.readline())["address"])
        with closing(
            http.client.HTTPConnection(str(address.hostname), address.port, timeout=LIMIT)
        ) as client:
            asked = {
                "model": "claude-opus-5",
                "max_tokens": 5,
                "messages": [{"role": "user", "content": "hi"}],
            }
            headers = {
                "x-api-key": "sk-ant-api03-fake", "anthropic-version": "2023-06-01",
                "content-type": "application/json", "x-stainless-timeout": "600",
            }  # fmt: skip
            client.request("POST", "/v1/messages", json.dumps(asked), headers)
            until(lambda: "held" in one.events, "the trouble is told")
            fake_api.api._next.clear()
            assert client.getresponse().read()
        until(lambda: "recovered" in one.events, "the end is told")
        # Nobody follows any more once it is over.
        import fcntl

        def free() -> bool:
            with (own_home.place / "notify.lock").open("rb") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    return False
                return True

        until(free, "whoever tells has ended")
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(timeout=LIMIT) == 0
    assert sorted(one.events) == ["held", "opened", "recovered"]
    last = one.got[-1]
    assert last["subject"] == urlsplit(fake_api.url).hostname
    assert (last["cause"], last["finished"], last["given_up"]) == ("provider.overloaded", 1, 0)
    assert last["text"].startswith("Claude is back after ")  # its request ids are the API's own


def trouble(**more: Any) -> dict[str, Any]:
    at = time.time()
    one = {
        "route": "api.anthropic.com", "family": "opus", "account": "a1", "cause": "provider.overloaded",
        "since": at - 100, "last": at, "failures": 5, "recovered_at": None, "finished": 0, "given_up": 0,
    }  # fmt: skip
    return STATUS | {"troubles": [one | more], "leases": 1, "running": 0}


def test_it_follows_until_it_is_over(own_home: Home) -> None:
    """`watch --notify` by itself: ends with 0 when nothing is wrong any more; its own settings hold."""
    said = trouble()
    with hook() as one, told(own_home.place, lambda: said):
        process = own_home.start("watch", "--notify", "--offline", **settings(one.address))
        until(lambda: "held" in one.events, "trouble is told")
        said = trouble(recovered_at=time.time(), given_up=1)
        assert process.wait(timeout=LIMIT) == 0
        assert process.communicate(timeout=LIMIT) == ("", "")
    assert sorted(one.events) == ["gave_up", "held", "opened", "recovered"]


def test_only_one_follows(own_home: Home) -> None:
    """A second ends at once, and nobody is told twice, nor by the next one of what was told."""
    said = trouble()
    with hook() as one, told(own_home.place, lambda: said):
        first = own_home.start("watch", "--notify", "--offline", **settings(one.address))
        until(lambda: "held" in one.events, "trouble is told")
        assert own_home.seawall("watch", "--notify", "--offline", **settings(one.address)).returncode == 0
        assert first.poll() is None
        first.kill()
        first.wait()
        again = own_home.start("watch", "--notify", "--offline", **settings(one.address))
        said = trouble(recovered_at=time.time())
        assert again.wait(timeout=LIMIT) == 0
    assert sorted(one.events)[:2] == ["held", "opened"]
    assert set(one.events[2:]) <= {"recovered"}


def test_a_dead_webhook_is_reported_once(own_home: Home) -> None:
    """In one line on stderr, without its address; the rest goes on."""
    said = trouble()
    with hook(404) as one, told(own_home.place, lambda: said):
        process = own_home.start("watch", "--notify", "--offline", **settings(one.address))
        until(lambda: len(one.got) >= 2, "both were tried")
        said = trouble(recovered_at=time.time())
        assert process.wait(timeout=LIMIT) == 0
        out, err = process.communicate(timeout=LIMIT)
    assert (out, err) == ("", "seawall: notifications by webhook: 127.0.0.1 answered 404\n")


def test_a_gateway_that_died(own_home: Home) -> None:
    """Whoever knows says so: it is told, and there is nothing to follow."""
    with hook() as one:
        done = own_home.seawall("watch", "--notify", "--down", "http://127.0.0.1:1", **settings(one.address))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [(each["event"], each["subject"]) for each in one.got] == [("gateway_down", "http://127.0.0.1:1")]


def test_a_run_whose_gateway_cannot_be_started_again(own_home: Home) -> None:
    """Killed, and its settings are others by now: whoever does not look at the command is told, though it is night."""
    file = own_home.path / ".config" / "seawall" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("[gateway]\nhold = '5m'\n")
    with hook() as one:
        environ = settings(one.address, SEAWALL_NOTIFY_ON="gateway_down", SEAWALL_NOTIFY_QUIET="00:00-23:59")
        run = own_home.start("run", "--", "sh", "-c", "echo there; read line", **environ)
        assert run.stdout is not None
        assert run.stdout.readline() == "there\n"
        [gateway] = own_home.gateways()
        file.write_text("[gateway]\nhold = '6m'\n")
        os.kill(gateway.pid, signal.SIGKILL)
        until(lambda: one.got, "it is told")
        _, err = run.communicate("go\n", timeout=LIMIT)
    assert [(each["event"], each["subject"]) for each in one.got] == [("gateway_down", gateway.address)]
    assert "could not be started again" in err


def test_a_gateway_that_is_gone_while_followed(own_home: Home) -> None:
    """Nobody knows how its trouble ended: nothing is said of that, and it does not follow for ever."""
    with hook() as one:
        with told(own_home.place, lambda: trouble() | {"leases": 0}):
            process = own_home.start("watch", "--notify", "--offline", **settings(one.address))
            until(lambda: "held" in one.events, "trouble is told")
        assert process.wait(timeout=LIMIT) == 0
    assert "recovered" not in one.events


def test_a_limit_that_has_begun_anew(own_home: Home) -> None:
    """Told once, though the gateway says so until the next call."""
    window = {"window": "5h", "used": 1.0, "status": "rejected", "resets_in": 0.0}
    said = STATUS | {"troubles": [], "lanes": [{"family": "opus", "account": "a1", "plan": [window]}]}
    with hook() as one, told(own_home.place, lambda: said):
        for _ in range(2):
            assert own_home.seawall("watch", "--notify", "--offline", **settings(one.address)).returncode == 0
    assert [each["text"] for each in one.got] == ["Your plan's 5h limit has begun anew; go on."]


def test_no_way_is_open(own_home: Home) -> None:
    """It says where to look, and ends."""
    done = own_home.seawall("watch", "--notify", "--offline", SEAWALL_NOTIFY_DESKTOP="false")
    assert done.returncode == 0
    assert done.stderr.startswith("seawall: no way of notification is open")


@pytest.mark.parametrize("arguments", [("--test-notify",), ("--test-notify", "--json")])
def test_a_test_of_all_ways(own_home: Home, arguments: tuple[str, ...]) -> None:
    """A message on each way that is set, and what became of it; no address is repeated."""
    from shapes import conforms

    with hook() as one:
        done = own_home.seawall(
            "watch", *arguments, **settings(one.address, SEAWALL_NOTIFY_SLACK=one.address)
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert "SECRET" not in done.stdout
    if "--json" in arguments:
        ways = [(each["way"], each["arrived"]) for each in conforms(done.stdout)["ways"]]
        assert ways == [("bell", False), ("webhook", True), ("slack", True)]
    else:
        assert done.stdout.splitlines()[1] == "webhook            arrived  127.0.0.1 took it (200)"
    assert sum(each.get("test", False) for each in one.got) == 1
    assert len(one.got) == 2


def test_a_test_that_arrives_nowhere(own_home: Home) -> None:
    """Code 1, and each way says why; what is wrong in the settings is said too."""
    done = own_home.seawall("watch", "--test-notify", SEAWALL_NOTIFY_WEBHOOK="http://hooks.example/SECRET")
    assert done.returncode == 1
    assert "SECRET" not in done.stdout + done.stderr
    assert done.stderr == (
        "seawall: notify.webhook is http:// and not on this machine: what is sent would travel in clear\n"
    )
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["bell", "no"], ["desktop", "no"], ["webhook", "no"]
    ]  # fmt: skip


def green(check: str, **facts: object) -> Result:
    async def not_run(_: Probe) -> Finding:
        return Finding(State.SKIP, "")

    return Result(Check(check, check, not_run), Finding(State.OK, "fine", facts))


class Measured:
    """The way, the network and the page as they were a moment ago."""

    def __init__(self, *results: Result) -> None:
        self.results = results
        self.asked = 0

    def look(self, upstream: str, going_on: object, now: float) -> measured.Measured:
        self.asked += 1
        return measured.Measured(now, upstream, self.results, {})


PAGE = green("status.page", reached=True, worst=0, host="status.claude.com")
NETWORK = (green("net.dns"), green("tls.chain"), green("net.control"), green("api.edge"))


@pytest.mark.parametrize(
    ("age", "results", "on", "due", "asked"),
    [
        (1300.0, (PAGE, *NETWORK), EVENTS, ["api.anthropic.com"], 1),
        (1300.0, NETWORK, EVENTS, [], 1),
        (1300.0, (PAGE,), EVENTS, [], 1),
        (700.0, (PAGE, *NETWORK), EVENTS, [], 1),
        (300.0, (PAGE, *NETWORK), EVENTS, [], 0),
        (1300.0, (PAGE, *NETWORK), ("recovered",), [], 0),
    ],
)
def test_when_it_is_time_to_report(
    own_home: Home, monkeypatch: pytest.MonkeyPatch, age: float, results: tuple[Result, ...], on: tuple[str, ...],
    due: list[str], asked: int,
) -> None:  # fmt: skip
    """Twice the ten minutes, a green page and a fine network; nothing is measured before that could be, or unasked."""
    monkeypatch.setenv("HOME", str(own_home.path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    now = time.time()
    config = Config(notify=Notify(on=on, after=0.0), store=Store(path=str(own_home.path / "none.db")))
    here = gateway(trouble(since=now - age) | {"address": "http://127.0.0.1:1"})
    seen, _ = look(Seen(), [here], now, config.notify)
    measuring = Measured(*results)
    assert _due(config, seen, [here], measuring, now) == due  # type: ignore[arg-type]
    assert measuring.asked == asked
    _, events = look(seen, [here], now, config.notify, due)
    assert [event.kind for event in events] == ["escalate_now"] * len(due)


@pytest.mark.parametrize(
    ("changed", "told_of", "made"),
    [({}, 1, True), ({"quiet": "00:00-23:59"}, 0, True), ({"most": 1}, 0, True), ({"on": ()}, 0, False)],
)
def test_a_report_is_made_ready_whoever_sleeps(
    own_home: Home, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], told_of: int, made: bool
) -> None:
    """When it is told, in quiet hours and after many messages; not where nobody wants to hear of it."""
    from seawall.cli import ready, telling
    from seawall.cli.common import Common

    asked: list[Event] = []

    def made_ready(common: Common, event: Event, known: object) -> str:
        asked.append(event)
        return "It is ready."

    monkeypatch.setattr(ready, "made", made_ready)
    now = time.time()
    with hook() as one:
        notify = Notify(on=EVENTS, quiet="", desktop=False, webhook=one.address)
        config = Config(notify=replace(notify, **changed), store=Store(path=str(own_home.path / "none.db")))
        teller = telling.Teller(config, {"PATH": "/nonexistent"}, own_home.path / "state")
        if "most" in changed:
            assert teller.tell(Event("opened", "other.example", now - 90, now), [])[0] == ""
        event = Event("escalate_now", "api.anthropic.com", now - 1300, now, "provider.overloaded")
        for _ in range(2):
            _tell(teller, event, [], Common(quiet=True))
    texts = [each["text"] for each in one.got if each["event"] == "escalate_now"]
    assert [text.endswith("`seawall report`. It is ready.") for text in texts] == [True] * told_of
    assert bool(asked) is made
    if told_of:
        assert asked == [event]


FILES = ["README.txt", "environment.txt", "issue.md", "redaction.txt", "timeline.csv", "verdict.json"]


def on_record(home: Home, route: str, since: float) -> None:
    """Failures that go on since then, as the gateway writes them."""
    writer = Writer(Store(path=str(home.path / ".local/share/seawall/seawall.db")), pace=Pace(gather=0.001))
    writer.start()
    for number, age in enumerate(range(0, 1290, 60), 1):
        writer.put(replace(FAILED, at=since + age, number=number, route=route))
    assert writer.close(20).dropped == 0


def test_it_is_ready_when_it_is_told(own_home: Home) -> None:
    """Green page, fine network, an overload for longer than it may last: the message names a folder, and so does the
    doctor; only its user can read it, the API was asked for nothing but its door, and nothing is sent to anybody."""
    with (
        host(from_api(401)) as api,
        host(answer(200, GREEN)) as page,
        host(answer(200)) as control,
        hook() as one,
    ):
        route, since = "127.0.0.1", time.time() - 1300
        on_record(own_home, route, since)
        said = trouble(since=since, route=route) | {"upstream": api.url}
        environ = setting(api.url, page.url, control.url) | settings(
            one.address, SEAWALL_NOTIFY_ON="escalate_now", SEAWALL_DOCTOR_DEADLINE="20s"
        )
        with told(own_home.place, lambda: said):
            process = own_home.start("watch", "--notify", **environ, ANTHROPIC_API_KEY=KEY)
            until(lambda: one.got, "it is told")
            asked = [request for request in api.requests if KEY.encode() in request]
            doctor = own_home.seawall("doctor", "--json", **environ)
            report = own_home.seawall("report", "-y", **environ)
            [folder] = (
                each for each in (own_home.path / ".local/state/seawall/reports").iterdir() if each.is_dir()
            )
            said = trouble(recovered_at=time.time(), since=since, route=route) | {"upstream": api.url}
            assert process.wait(timeout=LIMIT) == 0
        _, err = process.communicate(timeout=LIMIT)
    where = f"~/.local/state/seawall/reports/{folder.name}"
    sentence = f"A report is ready in {where}; nothing was sent."
    assert [each["event"] for each in one.got] == ["escalate_now"]
    assert one.got[0]["text"].endswith(f"time to report it, with `seawall report`. {sentence}")
    assert err == f"seawall: {sentence}\n"
    assert asked == []
    found = json.loads(doctor.stdout)
    assert found["escalate"]["state"] == "now", found["escalate"]
    assert found["escalate"]["text"].endswith(f"; it is ready in {where}")
    assert (report.returncode, report.stderr) == (0, "")
    assert report.stdout.startswith("Should you? Yes: ")
    assert sorted(each.name for each in folder.iterdir()) == FILES
    modes = {stat.S_IMODE(each.stat().st_mode) for each in (*folder.iterdir(), folder.with_suffix(".zip"))}
    assert (modes, stat.S_IMODE(folder.stat().st_mode)) == ({0o600}, 0o700)
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    assert len((folder / "timeline.csv").read_text().splitlines()) == 1 + 22
