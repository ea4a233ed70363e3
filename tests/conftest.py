"""Fixtures that several folders use."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from own_home import Home

# A shell ignores SIGINT for what it runs in the background, and so would every process that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def own_home(tmp_path: Path) -> Iterator[Home]:
    """A home of its own for real `seawall` processes; all of them end with the test."""
    home = Home(tmp_path)
    yield home
    home.end()


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local clock shows UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
