"""What a gateway does so that somebody is told: it starts `seawall watch --notify` once trouble has lasted long enough.

All else, from following the trouble to a dead webhook, is that process's: a look every few seconds is all that it
costs here (decision 0037).
"""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from seawall.cli.common import Common
from seawall.config import Notify

if TYPE_CHECKING:
    import subprocess

EVERY = 5.0
AGAIN = 60.0
"""Seconds after which one that has ended while it goes on is started again; twice as long after each."""
AGAIN_MOST = 900.0

Start = Callable[[], "subprocess.Popen[bytes]"]


async def alarm(worth_telling: Callable[[float], bool], notify: Notify, start: Start) -> None:
    """Looks until it is cancelled, and starts whoever tells; one at a time."""
    if not any(one for one in notify.on if one != "gateway_down"):
        return
    if not ((notify.desktop and _has_desktop()) or notify.webhook or notify.slack or notify.apprise):
        return
    loop = asyncio.get_running_loop()
    every = min(EVERY, max(notify.after / 4, 0.05))
    child: subprocess.Popen[bytes] | None = None
    again, pause = 0.0, AGAIN
    while True:
        await asyncio.sleep(every)
        if child is not None and child.poll() is None:
            continue
        if not worth_telling(notify.after):
            again, pause = 0.0, AGAIN
        elif loop.time() >= again:
            try:
                child = await asyncio.to_thread(start)
            except OSError:
                child = None  # no memory or no processes left: later, perhaps
            again, pause = loop.time() + pause, min(AGAIN_MOST, 2 * pause)


def _has_desktop() -> bool:
    """Whether there may be one; a server has none, and nobody needs to be started there to find that out."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS")
    return sys.platform == "darwin" or any(os.environ.get(name) for name in names)


def starter(common: Common) -> Start:
    """What starts it, with the same settings."""

    def start() -> "subprocess.Popen[bytes]":
        from seawall.gateway.detach import start_beside

        return start_beside(["watch", "--notify", *of(common)], os.environ)

    return start


def of(common: Common) -> list[str]:
    """The options that say which settings are in force."""
    offline = ["--offline"] if common.offline else []
    return [*offline, *(["--config", str(common.config.absolute())] if common.config is not None else [])]
