"""Keys of a terminal, one by one. What a verb makes of them is in test_model.py."""

import os
import pty
import sys
import termios

import pytest

from seawall.cli.typed import keys


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch):
    """A terminal as stdin; the person's end of it."""
    person, ours = pty.openpty()
    with open(ours, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield person
    os.close(person)


def test_keys_come_one_by_one(terminal):
    """Letters of any script whole; of an arrow, a function key and a lone escape nothing."""
    os.write(terminal, "aé\x1b[1;5Cz\x1bOP\x1b[Aя".encode())
    with keys() as next_key:
        assert [next_key() for _ in range(4)] == ["a", "é", "z", "я"]


def test_a_key_typed_before_is_not_lost(terminal):
    """Nor one between two uses, and nothing is echoed or waits for Enter."""
    os.write(terminal, b"xy")
    with keys() as next_key:
        assert next_key() == "x"
        flags = termios.tcgetattr(sys.stdin.fileno())[3]
        assert not flags & (termios.ECHO | termios.ICANON)
    with keys() as next_key:
        assert next_key() == "y"
    assert termios.tcgetattr(sys.stdin.fileno())[3] & termios.ECHO


def test_a_terminal_that_is_gone(monkeypatch):
    """An empty key, not an error."""
    person, ours = pty.openpty()
    with open(ours, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with keys() as next_key:
            os.close(person)
            assert next_key() == ""
