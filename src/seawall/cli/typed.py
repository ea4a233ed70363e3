"""Keys that a person types at a terminal, one by one; what was typed ahead is neither lost nor taken from the shell."""

import codecs
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_SOON = 0.05
"""Seconds in which the rest of an arrow key's bytes comes."""
_END = (b"\x04", b"\0")
"""Ctrl-D, and what Linux makes of one that was typed before anybody asked for keys."""
_ENDS = frozenset(map(chr, range(0x40, 0x7F)))
"""What ends such a key's bytes."""


@contextmanager
def keys() -> Iterator[Callable[[], str]]:
    """A function that waits for the next key of the terminal that is stdin; empty at the end of input.

    Arrow and function keys are left out. Ctrl-C interrupts as ever.
    """
    try:
        import termios
        import tty
    except ImportError:  # a console of Windows keeps what was typed ahead by itself
        import click

        yield click.getchar
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    # Not TCSAFLUSH, which throws away what has been typed and not read.
    tty.setcbreak(terminal, termios.TCSADRAIN)
    try:
        yield lambda: _key(terminal)
    finally:
        with suppress(OSError, termios.error):  # a terminal that is gone needs nothing back
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _key(terminal: int) -> str:
    # Byte by byte: what is not asked for stays where it is.
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while byte := _byte(terminal):
        if byte in _END:
            return ""
        if byte == b"\x1b":
            _rest_of_a_key(terminal)
        elif key := decoder.decode(byte):
            return key
    return ""


def _byte(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1)
    except OSError:  # it was closed
        return b""


def _rest_of_a_key(terminal: int) -> None:
    """Takes the bytes that an arrow key sends behind its escape: `[A`, `OP`, `[1;5C`."""
    first = True
    while select.select([terminal], [], [], _SOON)[0] and (byte := _byte(terminal)):
        if not first and byte.decode("latin-1") in _ENDS:
            return
        if first and byte not in (b"[", b"O"):
            return
        first = False
