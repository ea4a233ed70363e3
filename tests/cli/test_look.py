"""How lines are to look: width, colour, signs, by terminal, options and environment."""

import os
import pty
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from seawall.cli.common import Common
from seawall.cli.look import WIDEST, columns, look_of, printed


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COLUMNS", "NO_COLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch, has: int) -> Iterator[None]:
    """A terminal of so many columns as stdout."""
    far, near = pty.openpty()
    termios.tcsetwinsize(near, (24, has))
    with open(near, "w", encoding="utf-8") as stream, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        yield
    os.close(far)


@pytest.mark.parametrize(("has", "width"), [(40, 40), (80, 80), (200, WIDEST), (0, WIDEST), (1, 1)])
def test_a_terminal(monkeypatch: pytest.MonkeyPatch, has: int, width: int) -> None:
    """As wide as it is, 80 at most; one that does not know its width has 80."""
    with terminal(monkeypatch, has):
        look = look_of(Common())
        assert (look.width, look.color, look.plain) == (width, True, False)
        assert look_of(Common(no_color=True)).color is False


@pytest.mark.parametrize(
    ("told", "width"),
    [("50", 50), ("500", WIDEST), ("0", 60), ("wide", 60), ("-5", 60), ("", 60), ("9" * 5000, 60)],
)
def test_the_variable(monkeypatch: pytest.MonkeyPatch, told: str, width: int) -> None:
    """Goes before what the terminal says, if it is a number."""
    monkeypatch.setenv("COLUMNS", told)
    with terminal(monkeypatch, 60):
        assert columns(sys.stdout) == width


def test_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """80 columns, whatever a variable says, and no colour."""
    monkeypatch.setenv("COLUMNS", "40")
    with open(os.devnull, "w", encoding="utf-8") as stream, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        look = look_of(Common())
    assert (look.width, look.color, look.edge) == (80, False, 78)


def test_plain() -> None:
    """Nothing is wrapped or coloured."""
    look = look_of(Common(plain=True))
    assert (look.width, look.color, look.plain) == (None, False, True)
    assert look.edge > 1000


def test_colour_that_was_asked_for_stays(capsys: pytest.CaptureFixture[str]) -> None:
    """Where no terminal is too."""
    printed(["\x1b[1mAnthropic's side\x1b[0m", "second"])
    assert capsys.readouterr().out == "\x1b[1mAnthropic's side\x1b[0m\nsecond\n"
