"""The event loop that sockets are served on."""

import asyncio
import sys

import pytest

from seawall.http.loop import loop_runner


async def _module() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_uvloop_where_there_is_one() -> None:
    pytest.importorskip("uvloop")
    with loop_runner() as runner:
        assert runner.run(_module()).partition(".")[0] == "uvloop"


def test_asyncios_own_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """On other interpreters there is none."""
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with loop_runner() as runner:
        assert runner.run(_module()).partition(".")[0] == "asyncio"
