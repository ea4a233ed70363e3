"""The ways to somebody who does not look: bell, terminal, desktop, webhook, Slack, and whatever Apprise knows.

Every way has a limit in seconds, says in one sentence what became of a message, and never repeats an address.
"""

import base64
import hashlib
import hmac
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from seawall import __version__
from seawall.clock import utc
from seawall.config import ConfigError, Network, Notify, webhook_address
from seawall.view.notify import Event

TITLE = "Seawall"
LIMIT = 3.0
"""Seconds for one try of a webhook."""
TRIES = 3
PAUSE = 1.0
"""Seconds after the first try; doubled after the second."""
TOOL_LIMIT = 10.0
"""Seconds that a program of the desktop may take: PowerShell needs some where nothing of it is in memory."""
APPRISE_LIMIT = 15.0
_AGAIN = (408, 425, 429)
_LOADING = threading.Lock()
"""Apprise loads its services at the first address, and two that do so at once find half of them."""


@dataclass(frozen=True, slots=True)
class Message:
    """An event with all that a way may say of it."""

    event: Event
    text: str
    party: str = ""
    side: str = ""
    outlook: str = ""
    """One sentence on how long such trouble lasts; empty where nobody knows."""
    link: str = ""
    """Where more is to be seen."""
    test: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a message on one way. `arrived` is None where nobody can know."""

    way: str
    arrived: bool | None
    text: str


# ---- the terminal --------------------------------------------------------------------------------------


def sequence(text: str, environ: Mapping[str, str]) -> str:
    """What makes this terminal show a notification: OSC 9, 777 or 99; empty where none of them is understood."""
    said = "".join(char for char in text if char.isprintable())
    program, term = environ.get("TERM_PROGRAM", ""), environ.get("TERM", "")
    if term.startswith("xterm-kitty") or environ.get("KITTY_WINDOW_ID"):
        made = f"\x1b]99;;{TITLE}: {said}\x1b\\"
    elif term.startswith(("rxvt", "foot")):
        made = f"\x1b]777;notify;{TITLE};{said.replace(';', ',')}\x1b\\"
    elif (
        program in ("iTerm.app", "WezTerm", "ghostty")
        or environ.get("WT_SESSION")
        or environ.get("ConEmuPID")
    ):
        # A number first would be one of ConEmu's own commands.
        made = f"\x1b]9;{TITLE}: {said}\x1b\\"
    else:
        return ""
    if environ.get("TMUX"):
        return "\x1bPtmux;" + made.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    return made


# ---- the desktop ---------------------------------------------------------------------------------------


def desktop_command(text: str, environ: Mapping[str, str], platform: str = sys.platform) -> list[str]:
    """The program that shows it on this desktop, with its arguments; empty where there is no desktop or program."""
    if platform == "darwin":
        tool = shutil.which("osascript", path=environ.get("PATH"))
        # The texts are arguments, never part of the script.
        script = [
            "on run argv",
            "display notification (item 2 of argv) with title (item 1 of argv)",
            "end run",
        ]
        return [tool, *(part for line in script for part in ("-e", line)), TITLE, text] if tool else []
    if platform == "win32" or environ.get("WSL_DISTRO_NAME") or environ.get("WSL_INTEROP"):
        # WSL's own desktop has nobody who shows notifications; Windows has, and its programs can be run from there.
        tool = shutil.which("powershell.exe", path=environ.get("PATH"))
        if tool or platform == "win32":
            return [tool, "-NoProfile", "-NonInteractive", "-EncodedCommand", _toast(text)] if tool else []
    if not any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS")):
        return []
    tool = shutil.which("notify-send", path=environ.get("PATH"))
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return [tool, f"--app-name={TITLE}", "--", TITLE, escaped] if tool else []


_TOAST = """\
$ErrorActionPreference = 'Stop'
$text = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('{text}'))
[void][Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]
$xml = [Windows.UI.Notifications.ToastNotificationManager]::GetTemplateContent('ToastText02')
$lines = $xml.GetElementsByTagName('text')
[void]$lines.Item(0).AppendChild($xml.CreateTextNode('{title}'))
[void]$lines.Item(1).AppendChild($xml.CreateTextNode($text))
$toast = [Windows.UI.Notifications.ToastNotification]::new($xml)
$app = '{{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}}\\WindowsPowerShell\\v1.0\\powershell.exe'
[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier($app).Show($toast)
"""
"""What Windows PowerShell runs. It shows in PowerShell's name: a name of our own would have to be registered first."""


def _toast(text: str) -> str:
    """The script with its text as data: PowerShell ends a string at six kinds of quotes."""
    data = base64.b64encode(text.encode()).decode()
    return base64.b64encode(_TOAST.format(text=data, title=TITLE).encode("utf-16-le")).decode()


async def _desktop(message: Message, environ: Mapping[str, str]) -> Sent:
    import asyncio

    command = desktop_command(message.text, environ)
    if not command:
        tool = {"darwin": "osascript", "win32": "powershell.exe"}.get(sys.platform, "notify-send")
        return Sent("desktop", False, f"there is no desktop here, or no {tool}")
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environ),
            start_new_session=True,
        )
    except OSError as error:
        return Sent("desktop", False, f"{os.path.basename(command[0])}: {error.strerror}")
    try:
        async with asyncio.timeout(TOOL_LIMIT):
            code = await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        return Sent("desktop", False, f"{os.path.basename(command[0])} took more than {TOOL_LIMIT:g} s")
    if code:
        return Sent("desktop", False, f"{os.path.basename(command[0])} ended with code {code}")
    return Sent("desktop", None, "handed to the desktop; whether it was shown only you can see")


# ---- webhooks ------------------------------------------------------------------------------------------


def as_json(message: Message) -> dict[str, Any]:
    """The event as `seawall.event/1`. The same event has the same `id`, whoever sends it and however often."""
    one = message.event
    whole = f"{one.kind}\n{one.subject}\n{one.since:.0f}"
    return {
        "schema": "seawall.event/1",
        "id": hashlib.sha256(whole.encode()).hexdigest()[:16],
        "event": one.kind,
        "test": message.test,
        "at": utc(one.at),
        "seawall_version": __version__,
        "text": message.text,
        "cause": one.cause or None,
        "party": message.party or None,
        "subject": one.subject,
        "families": list(one.families),
        "since": utc(one.since),
        "ended_at": utc(one.ended_at) if one.ended_at is not None else None,
        "age": round(max(0.0, (one.at if one.ended_at is None else one.ended_at) - one.since), 1),
        "held": one.held,
        "finished": one.finished,
        "given_up": one.given_up,
        "outlook": message.outlook or None,
        "link": message.link or None,
    }


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """What proves to a receiver that knows the secret who sent this, and when: HMAC-SHA256 over `timestamp.body`."""
    return "sha256=" + hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def signed(notify: Notify, event: str, body: bytes, wall: float) -> dict[str, str]:
    """The headers of a webhook's request."""
    headers = {
        "content-type": "application/json",
        "user-agent": f"seawall/{__version__}",
        "x-seawall-event": event,
        "accept-encoding": "identity",
    }
    if notify.secret:
        timestamp = int(wall)
        headers |= {
            "x-seawall-timestamp": str(timestamp),
            "x-seawall-signature": signature(notify.secret, timestamp, body),
        }
    return headers


def _slack(text: str) -> str:
    # Slack reads only these three as signs of its own.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def slack_body(message: Message) -> dict[str, Any]:
    """The message as Slack shows it: a text, and a block with whose side it is on, how long, and where to look."""
    escaped = _slack(message.text)
    small = [
        _slack(message.side),
        _slack(message.outlook),
        f"<{message.link}|dashboard>" if message.link else "",
    ]
    shown = " · ".join(part for part in small if part)
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*{TITLE}*  {escaped}"}}
    ]
    if shown:
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": shown}]})
    return {"text": f"{TITLE}: {escaped}", "blocks": blocks}


async def post(
    way: str,
    address: str,
    body: bytes,
    headers: Callable[[], dict[str, str]],
    network: Network,
    sleep: Callable[[float], Awaitable[None]],
) -> Sent:
    """Sends it by POST: three tries of three seconds; a redirection is not followed, a refusal not tried again."""
    from seawall.doctor.reach import ask

    try:
        origin, target = webhook_address(f"notify.{way}", address)
    except ConfigError as error:
        return Sent(way, False, str(error))
    said = ""
    for number in range(1, TRIES + 1):
        answer = await ask(origin, network, "POST", target, headers(), body, seconds=LIMIT)
        if answer.status is not None and 200 <= answer.status < 300:
            return Sent(way, True, f"{origin.host} took it ({answer.status})")
        if answer.status is None:
            said = f"{origin.host} did not answer: {answer.text.rstrip('.')}"
        else:
            said = f"{origin.host} answered {answer.status}"
            if 300 <= answer.status < 400:
                return Sent(way, False, f"{said}: a redirection, which is not followed")
            if answer.status < 500 and answer.status not in _AGAIN:
                return Sent(way, False, said)
        if number < TRIES:
            await sleep(PAUSE * 2 ** (number - 1))
    return Sent(way, False, f"{said}, {TRIES} times")


# ---- all of them ---------------------------------------------------------------------------------------


async def _apprise(message: Message, address: str) -> Sent:
    """By Apprise; of the address only its kind is ever said."""
    import asyncio

    # Without a scheme it may be a key that stands in the wrong place.
    scheme, mark, _ = address.partition("://")
    kind = "".join(char for char in scheme[:20] if char.isalnum() or char in "+-.") if mark else ""
    way = f"apprise {kind}".rstrip()

    def work() -> bool | None:
        import logging

        with _LOADING:
            import apprise

            logging.getLogger("apprise").disabled = True  # its lines have addresses in them
            one = apprise.Apprise()
            known = one.add(address)
        return bool(one.notify(body=message.text, title=TITLE)) if known else None

    from seawall.doctor.check import in_thread

    try:
        async with asyncio.timeout(APPRISE_LIMIT):
            took = await in_thread(work)
    except TimeoutError:
        return Sent(way, False, f"no end within {APPRISE_LIMIT:g} s")
    except Exception as error:  # a library of a hundred services: whatever one of them raises
        return Sent(way, False, f"it failed: {type(error).__name__}")
    if took is None:
        return Sent(way, False, "Apprise does not know an address like this")
    return Sent(way, took, "the service took it" if took else "the service did not take it")


def open_ways(notify: Notify, environ: Mapping[str, str]) -> list[str]:
    """The ways that need no terminal and are open, by name."""
    found = ["desktop"] if notify.desktop and desktop_command("", environ) else []
    found += ["webhook"] if notify.webhook else []
    found += ["slack"] if notify.slack else []
    return found + (["apprise"] if notify.apprise else [])


async def send(message: Message, notify: Notify, network: Network, environ: Mapping[str, str]) -> list[Sent]:
    """Sends it on every way that is set, side by side, and says what became of it on each."""
    import asyncio

    sending: list[Awaitable[Sent]] = []
    if notify.desktop:
        sending.append(_desktop(message, environ))
    if notify.webhook:
        body = json.dumps(as_json(message)).encode()

        def headers() -> dict[str, str]:
            return signed(notify, message.event.kind, body, time.time())

        sending.append(post("webhook", notify.webhook, body, headers, network, asyncio.sleep))
    if notify.slack:
        plain = {"content-type": "application/json", "user-agent": f"seawall/{__version__}"}
        whole = json.dumps(slack_body(message)).encode()
        sending.append(post("slack", notify.slack, whole, lambda: dict(plain), network, asyncio.sleep))
    sending += [_apprise(message, address) for address in notify.apprise]
    return list(await asyncio.gather(*sending))
