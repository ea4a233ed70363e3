"""The ways a message goes: what each makes of it, and what becomes of it if the other side is dead or slow."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from seawall.config import Network, Notify
from seawall.view import ways
from seawall.view.notify import Event
from seawall.view.ways import (
    Message,
    Sent,
    as_json,
    desktop_command,
    open_ways,
    post,
    send,
    sequence,
    slack_body,
)

T = 1_800_000_000.0
EVENT = Event(
    "recovered", "api.anthropic.com", T, T + 372, "provider.overloaded", ("opus",), T + 312, finished=2
)
MESSAGE = Message(
    EVENT, "Claude is back after 5 min 12 s; 2 held calls finished.", "provider", "Anthropic's side",
    "Most are over by 4 min.", "http://127.0.0.1:8787",
)  # fmt: skip
NOWHERE = {"PATH": "/nonexistent"}


@dataclass
class Receiver:
    """A receiver of webhooks: it answers as told, in turn, the last for ever."""

    answers: list[Any]
    address: str = ""
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiver(*answers: Any) -> Iterator[Receiver]:
    """Answers: a status; `slow`: nothing for as long as the test lasts; `endless`: a body that never ends."""
    one, over = Receiver(list(answers)), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            named = {name.lower(): value for name, value in self.headers.items()}
            one.got.append((self.path, named, self.rfile.read(length)))
            answer = one.answers.pop(0) if len(one.answers) > 1 else one.answers[0]
            if answer == "slow":
                over.wait(30)
                return
            self.send_response(200 if answer == "endless" else answer)
            if answer in (301, 302, 307):
                self.send_header("location", f"{one.address}/elsewhere")
            self.end_headers()
            while answer == "endless" and not over.is_set():
                try:
                    self.wfile.write(b"x" * 1000)
                except OSError:
                    return

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    one.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield one
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def posted(address: str, way: str = "webhook") -> tuple[Sent, list[float]]:
    """What became of a post, and the pauses between its tries, which take no time here."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def whole() -> Sent:
        return await post(way, address, b"{}", lambda: {"content-type": "application/json"}, Network(), sleep)

    return asyncio.run(whole()), pauses


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of a try, short: what is waited for in these tests never comes."""
    monkeypatch.setattr(ways, "LIMIT", 0.2)


def test_a_webhook_that_takes_it() -> None:
    """One request, by POST, at the path and query as they stand in the settings."""
    with receiver(204) as one:
        sent, pauses = posted(f"{one.address}/hook/?a=b")
    assert sent == Sent("webhook", True, "127.0.0.1 took it (204)")
    assert ([path for path, _, _ in one.got], pauses) == (["/hook/?a=b"], [])


@pytest.mark.parametrize(("answers", "tries"), [((500, 503, 200), 3), ((429, 200), 2), ((500,), 3)])
def test_a_webhook_in_trouble_is_tried_three_times(answers: tuple[int, ...], tries: int) -> None:
    """With growing pauses; what has then not been taken is not."""
    with receiver(*answers) as one:
        sent, pauses = posted(one.address)
    assert len(one.got) == tries
    assert pauses == [1.0, 2.0][: tries - 1]
    assert sent.arrived is (answers[-1] == 200)
    if not sent.arrived:
        assert sent.text == "127.0.0.1 answered 500, 3 times"


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_refusal_is_not_tried_again(status: int) -> None:
    """It would be refused again."""
    with receiver(status) as one:
        sent, _ = posted(one.address)
    assert (sent.arrived, sent.text, len(one.got)) == (False, f"127.0.0.1 answered {status}", 1)


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirection_is_not_followed(status: int) -> None:
    """What is sent goes where its user said, and nowhere else."""
    with receiver(status, 200) as one:
        sent, _ = posted(one.address)
    assert [path for path, _, _ in one.got] == ["/"]
    assert sent.text == f"127.0.0.1 answered {status}: a redirection, which is not followed"


def test_a_webhook_that_is_dead() -> None:
    """Nobody listens: three tries, and one sentence."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sent, pauses = posted(f"http://127.0.0.1:{port}/SECRET")
    assert (sent.arrived, pauses) == (False, [1.0, 2.0])
    assert sent.text.startswith("127.0.0.1 did not answer: ")
    assert sent.text.endswith(", 3 times")
    assert "SECRET" not in sent.text


@pytest.mark.usefixtures("hurried")
def test_a_webhook_that_is_slow() -> None:
    """It takes the request and says nothing: each try ends at its limit."""
    with receiver("slow") as one:
        sent, _ = posted(one.address)
    assert (sent.arrived, len(one.got)) == (False, 3)
    assert sent.text == "127.0.0.1 did not answer: it took the request and said nothing for 0.2 s, 3 times"


@pytest.mark.usefixtures("hurried")
def test_a_webhook_whose_answer_never_ends() -> None:
    """Its head is enough, and its body fills nobody."""
    with receiver("endless") as one:
        sent, _ = posted(one.address)
    assert len(one.got) <= 3
    assert sent.way == "webhook"


def test_an_address_that_must_not_be_used() -> None:
    """Nothing is sent in clear over the network."""
    sent, pauses = posted("http://hooks.example/SECRET")
    assert (sent.arrived, pauses) == (False, [])
    assert (
        sent.text == "notify.webhook is http:// and not on this machine: what is sent would travel in clear"
    )


def test_what_a_webhook_gets() -> None:
    """The event as `seawall.event/1`, signed over the time and the very bytes."""
    with receiver(200) as one:
        notify = Notify(desktop=False, webhook=one.address, secret="shared secret")
        sent = asyncio.run(send(MESSAGE, notify, Network(), NOWHERE))
    assert [each.arrived for each in sent] == [True]
    [(_, headers, body)] = one.got
    value = json.loads(body)
    from shapes import conforms

    conforms(body.decode() + "\n")
    assert value["text"] == "Claude is back after 5 min 12 s; 2 held calls finished."
    assert (value["event"], value["age"], value["finished"]) == ("recovered", 312.0, 2)
    assert (value["since"], value["ended_at"]) == ("2027-01-15T08:00:00Z", "2027-01-15T08:05:12Z")
    assert (headers["content-type"], headers["x-seawall-event"]) == ("application/json", "recovered")
    signed = f"{headers['x-seawall-timestamp']}.".encode() + body
    expected = "sha256=" + hmac.new(b"shared secret", signed, hashlib.sha256).hexdigest()
    assert headers["x-seawall-signature"] == expected


def test_without_a_secret_nothing_is_signed() -> None:
    """And no header pretends it."""
    with receiver(200) as one:
        asyncio.run(send(MESSAGE, Notify(desktop=False, webhook=one.address), Network(), NOWHERE))
    [(_, headers, _)] = one.got
    assert not {"x-seawall-signature", "x-seawall-timestamp"} & headers.keys()


def test_the_same_event_has_the_same_id() -> None:
    """A receiver that gets it twice can tell."""
    again = replace(MESSAGE, event=replace(EVENT, at=T + 999, finished=3))
    other = replace(MESSAGE, event=replace(EVENT, kind="gave_up"))
    assert as_json(MESSAGE)["id"] == as_json(again)["id"] != as_json(other)["id"]


def test_what_slack_gets() -> None:
    """A text for the list of notifications, and a block with party, outlook and where to look; nothing is markup."""
    with receiver(200) as one:
        message = replace(MESSAGE, text="<!channel> & more")
        sent = asyncio.run(send(message, Notify(desktop=False, slack=one.address), Network(), NOWHERE))
    assert [(each.way, each.arrived) for each in sent] == [("slack", True)]
    [(_, headers, body)] = one.got
    value = json.loads(body)
    assert value == slack_body(message)
    assert value["text"] == "Seawall: &lt;!channel&gt; &amp; more"
    [section, context] = value["blocks"]
    assert section["text"]["text"] == "*Seawall*  &lt;!channel&gt; &amp; more"
    assert context["elements"][0]["text"] == (
        "Anthropic's side · Most are over by 4 min. · <http://127.0.0.1:8787|dashboard>"
    )
    assert "x-seawall-event" not in headers


def test_a_dead_way_does_not_keep_the_others() -> None:
    """All are sent side by side, each with its own outcome."""
    with receiver(404) as bad, receiver(200) as good:
        notify = Notify(webhook=bad.address, slack=good.address)
        sent = asyncio.run(send(MESSAGE, notify, Network(), NOWHERE))
    assert [(each.way, each.arrived) for each in sent] == [
        ("desktop", False), ("webhook", False), ("slack", True)
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise imports it on 3.11
def test_apprise() -> None:
    """An address of its kind reaches the service; a wrong one is said; what is said holds no address."""
    with receiver(200) as one:
        good = one.address.replace("http://", "json://") + "/SECRET"
        notify = Notify(desktop=False, apprise=(good, "nonsense://SECRET", "SECRET"))
        sent = asyncio.run(send(MESSAGE, notify, Network(), NOWHERE))
    assert [(each.way, each.arrived) for each in sent] == [
        ("apprise json", True), ("apprise nonsense", False), ("apprise", False)
    ]  # fmt: skip
    assert "SECRET" not in "".join(each.text for each in sent)
    [(path, _, body)] = one.got
    assert path == "/SECRET"
    assert json.loads(body)["message"] == MESSAGE.text


def tool(folder: Path, name: str, script: str) -> dict[str, str]:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin", "DISPLAY": ":0"}


def test_the_desktop(tmp_path: Path) -> None:
    """The tool gets title and text as arguments, its markup harmless, nothing read as an option."""
    environ = tool(tmp_path, "notify-send", f'printf "%s\\n" "$@" > {tmp_path}/got')
    message = replace(MESSAGE, text="-x <b>a</b> & `b`")
    [sent] = asyncio.run(send(message, Notify(), Network(), environ))
    assert (sent.way, sent.arrived) == ("desktop", None)
    assert (tmp_path / "got").read_text().splitlines() == [
        "--app-name=Seawall", "--", "Seawall", "-x &lt;b>a&lt;/b> &amp; `b`"
    ]  # fmt: skip


def test_a_desktop_that_fails_or_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code is said; a tool that hangs is ended."""
    monkeypatch.setattr(ways, "TOOL_LIMIT", 0.3)
    [failed] = asyncio.run(send(MESSAGE, Notify(), Network(), tool(tmp_path, "notify-send", "exit 3")))
    assert failed.text == "notify-send ended with code 3"
    hangs = tool(tmp_path, "notify-send", f"echo $$ > {tmp_path}/pid; exec sleep 60")
    [hung] = asyncio.run(send(MESSAGE, Notify(), Network(), hangs))
    assert hung.text == "notify-send took more than 0.3 s"
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_without_a_desktop(tmp_path: Path) -> None:
    """No tool, or none that it could be shown on: nothing is started."""
    environ = tool(tmp_path, "notify-send", "exit 0")
    assert desktop_command("x", environ, "linux")
    assert desktop_command("x", {"PATH": environ["PATH"]}, "linux") == []
    assert desktop_command("x", NOWHERE | {"DISPLAY": ":0"}, "linux") == []


def test_on_a_mac(tmp_path: Path) -> None:
    """The text is an argument of the script, never a part of it."""
    environ = tool(tmp_path, "osascript", "exit 0")
    command = desktop_command('" & do shell script "x', environ, "darwin")
    assert command[-2:] == ["Seawall", '" & do shell script "x']
    assert all("shell" not in part for part in command[:-1])


def scripted(command: Sequence[str]) -> str:
    """What PowerShell is to run."""
    return base64.b64decode(command[-1]).decode("utf-16-le")


def test_a_windows_toast_from_wsl(tmp_path: Path) -> None:
    """PowerShell of the Windows around it shows it; the text goes in as data, whatever quotes it has."""
    environ = tool(tmp_path, "powershell.exe", f'printf "%s\\n" "$@" > {tmp_path}/got') | {
        "WSL_DISTRO_NAME": "Debian"
    }
    hostile = "it’s 'over'; Remove-Item \"C:\\\" $(calc) <toast/> – ₂"
    [sent] = asyncio.run(send(replace(MESSAGE, text=hostile), Notify(), Network(), environ))
    assert (sent.way, sent.arrived) == ("desktop", None)
    got = (tmp_path / "got").read_text().splitlines()
    assert got[:-1] == ["-NoProfile", "-NonInteractive", "-EncodedCommand"]
    script = scripted(got)
    assert "ToastNotificationManager" in script
    assert "Remove-Item" not in script
    [text] = re.findall(r"FromBase64String\('([A-Za-z0-9+/=]+)'\)", script)
    assert base64.b64decode(text).decode() == hostile


@pytest.mark.parametrize(
    ("more", "platform", "used"),
    [
        ({}, "win32", "powershell.exe"),
        ({"WSL_INTEROP": "/run/WSL/1_interop"}, "linux", "powershell.exe"),
        # WSL's own desktop has nobody who shows notifications: Windows has.
        ({"WSL_DISTRO_NAME": "Debian", "DISPLAY": ":0"}, "linux", "powershell.exe"),
        ({"DISPLAY": ":0"}, "linux", "notify-send"),
    ],
)
def test_which_desktop(tmp_path: Path, more: dict[str, str], platform: str, used: str) -> None:
    """Windows is asked where it is there; a PowerShell that somebody has on Linux is no desktop."""
    tool(tmp_path, "powershell.exe", "exit 0")
    environ = {"PATH": tool(tmp_path, "notify-send", "exit 0")["PATH"]} | more
    assert os.path.basename(desktop_command("x", environ, platform)[0]) == used


def test_wsl_without_powershell(tmp_path: Path) -> None:
    """Where Windows' programs are not on the path, WSL's own desktop is asked, if there is one."""
    environ = tool(tmp_path, "notify-send", "exit 0") | {"WSL_DISTRO_NAME": "Debian"}
    assert desktop_command("x", environ, "linux")[0].endswith("notify-send")
    assert desktop_command("x", NOWHERE, "win32") == []


@pytest.mark.parametrize(
    ("environ", "made"),
    [
        ({"TERM": "xterm-kitty"}, "\x1b]99;;Seawall: a;b\x1b\\"),
        ({"TERM": "rxvt-unicode"}, "\x1b]777;notify;Seawall;a,b\x1b\\"),
        ({"TERM": "foot"}, "\x1b]777;notify;Seawall;a,b\x1b\\"),
        ({"TERM_PROGRAM": "iTerm.app"}, "\x1b]9;Seawall: a;b\x1b\\"),
        ({"TERM_PROGRAM": "WezTerm", "TMUX": "x"}, "\x1bPtmux;\x1b\x1b]9;Seawall: a;b\x1b\x1b\\\x1b\\"),
        ({"TERM": "xterm-256color"}, ""),
        ({"TERM": "dumb"}, ""),
        ({}, ""),
    ],
)
def test_the_terminals_own_notification(environ: dict[str, str], made: str) -> None:
    """By the sequence that this terminal understands; nothing in the text can end it early."""
    assert sequence("a\x1b\x07\x9c;b", environ) == made


@pytest.mark.parametrize(
    ("notify", "ways_"),
    [
        (Notify(), []), (Notify(webhook="https://x.example"), ["webhook"]),
        (Notify(slack="https://x.example", apprise=("x://",)), ["slack", "apprise"]),
    ],
)  # fmt: skip
def test_which_ways_are_open(notify: Notify, ways_: list[str]) -> None:
    """Those that are set, and the desktop where there is one."""
    assert open_ways(notify, NOWHERE) == ways_
