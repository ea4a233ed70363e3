"""When a gateway starts whoever tells, and with what."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from seawall.cli import alarm as module
from seawall.cli.alarm import alarm, of
from seawall.cli.common import Common
from seawall.config import Notify

NOW = Notify(after=0.0, webhook="https://x.example")


def started(
    worth: Callable[[float], bool], until: int, *, code: str = "", notify: Notify = NOW, raises: bool = False
) -> list["subprocess.Popen[bytes]"]:
    """The processes that were started until there were so many, or nothing more came in a second."""
    children: list[subprocess.Popen[bytes]] = []
    tries = 0

    def start() -> "subprocess.Popen[bytes]":
        nonlocal tries
        tries += 1
        if raises and tries == 1:
            raise OSError("no memory")
        child = subprocess.Popen([sys.executable, "-c", code or "pass"])
        children.append(child)
        return child

    async def whole() -> None:
        task = asyncio.create_task(alarm(worth, notify, start))
        for _ in range(100):
            await asyncio.sleep(0.02)
            if len(children) >= until or task.done():
                break
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(whole())
    for child in children:
        child.kill()
        child.wait()
    return children


def test_it_is_started_when_it_is_worth_it() -> None:
    """With the settings' own measure of how long."""
    asked: list[float] = []

    def worth(after: float) -> bool:
        asked.append(after)
        return len(asked) >= 3

    assert len(started(worth, 1, notify=replace(NOW, after=0.1))) == 1
    assert asked == [0.1] * 3


def test_one_at_a_time() -> None:
    """While it lives no other is started."""
    assert len(started(lambda _: True, 2, code="import time; time.sleep(30)")) == 1


def test_one_that_ends_is_not_started_over_and_over() -> None:
    """It may have nothing to do: the next comes a minute later."""
    assert len(started(lambda _: True, 2)) == 1


def test_it_is_started_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it goes on; also after one that could not be started."""
    monkeypatch.setattr(module, "AGAIN", 0.01)
    assert len(started(lambda _: True, 2)) == 2
    assert len(started(lambda _: True, 1, raises=True)) == 1


def test_the_next_trouble_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is over the pause is over too."""
    monkeypatch.setattr(module, "AGAIN", 1000.0)
    looks = iter([True, False, False, False, False, False, False])
    assert len(started(lambda _: next(looks, True), 2)) == 2


@pytest.mark.parametrize(
    "notify",
    [Notify(on=()), Notify(on=("gateway_down",)), Notify(desktop=False), Notify(desktop=False, secret="x")],
)
def test_nobody_is_to_be_told(notify: Notify) -> None:
    """Then nothing is ever looked at."""

    def worth(_: float) -> bool:
        raise AssertionError

    assert started(worth, 1, notify=notify) == []


def test_the_same_settings() -> None:
    """Another file that was named, and whether the network may be used."""
    assert of(Common()) == []
    assert of(Common(config=Path("/etc/x.toml"), offline=True)) == ["--offline", "--config", "/etc/x.toml"]


def test_a_gateway_loads_nothing_of_it() -> None:
    """What decides and sends is the other process's: no module of it is in the gateway's memory."""
    code = "import sys, seawall.cli.serving, seawall.cli.alarm, seawall.gateway.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert (
        loaded & {"seawall.view.notify", "seawall.view.ways", "seawall.cli.telling", "apprise", "requests"}
        == set()
    )
    assert not any(name.startswith("seawall.doctor") for name in loaded)


def test_a_desktop_is_a_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is one."""
    monkeypatch.setenv("DISPLAY", ":0")
    assert len(started(lambda _: True, 1, notify=Notify(after=0.0))) == 1
