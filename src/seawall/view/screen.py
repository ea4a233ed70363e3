"""A terminal that is drawn over again and again: what was there before comes back however this ends."""

import os
import select
import signal
import termios
import tty
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from types import FrameType
from typing import Any, Self, TextIO

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
"""The other screen, without a cursor, where a line too long is cut, empty."""
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_LINES = 24
"""Of a terminal that does not say how many it has."""


class Screen:
    """The terminal while it is ours: `draw` frames, `wait` for keys. Raises KeyboardInterrupt on a signal to end."""

    def __init__(self, keys: TextIO, out: TextIO) -> None:
        self._out = out
        self._keys = _terminal(keys)
        self._before: list[Any] | None = None
        self._woken, self._waker = os.pipe()
        self._undo = ExitStack()
        self._to_stop = False

    @property
    def has_keys(self) -> bool:
        """Whether keys can be read: stdin is a terminal too."""
        return self._keys is not None

    def height(self) -> int:
        """Lines that a frame may have."""
        try:
            return os.get_terminal_size(self._out.fileno()).lines or _LINES
        except (OSError, ValueError):
            return _LINES

    def __enter__(self) -> Self:
        try:
            self._prepare()
            self._take()
        except BaseException:
            self._undo.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def draw(self, lines: Sequence[str], height: int) -> None:
        """Shows a frame of at most `height` lines; what stood below it goes."""
        # Each line is emptied before it is written: behind a full line the cursor still stands on its last sign.
        rows = [*lines, *[""] * (height - len(lines))]
        self._out.write("".join(f"\x1b[{number};1H\x1b[2K{row}" for number, row in enumerate(rows, 1)))
        self._out.flush()

    def ring(self, sequence: str = "") -> None:
        """Rings the bell, and sends the terminal what makes it show a notification of its own."""
        self._out.write(f"\a{sequence}")
        self._out.flush()

    def wait(self, seconds: float) -> str | None:
        """What was typed, empty at the keys' end; None after `seconds` or when all must be drawn again."""
        readers = [self._woken] if self._keys is None else [self._woken, self._keys]
        ready, _, _ = select.select(readers, [], [], max(0.0, seconds))
        if self._woken in ready:
            with suppress(BlockingIOError):
                os.read(self._woken, 4096)
        if self._to_stop:
            self._stop()
            return None
        if self._keys is None or self._keys not in ready:
            return None
        try:
            return os.read(self._keys, 4096).decode(errors="replace")
        except OSError:
            return ""

    def _prepare(self) -> None:
        """Signals wake `wait`, or end it; all that is changed is put on the list of what to undo."""
        undo = self._undo
        for end in (self._woken, self._waker):
            undo.callback(os.close, end)
            os.set_blocking(end, False)
        undo.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False))
        handlers = {
            signal.SIGWINCH: lambda *_: None,
            signal.SIGTSTP: self._stop_soon,
            signal.SIGTERM: _end,
            signal.SIGHUP: _end,
        }
        for number, handler in handlers.items():
            undo.callback(signal.signal, number, signal.signal(number, handler))
        undo.callback(self._give_back)

    def _take(self) -> None:
        if self._keys is not None:
            self._before = termios.tcgetattr(self._keys)
            tty.setcbreak(self._keys, termios.TCSADRAIN)
        self._out.write(_ENTER)
        self._out.flush()

    def _give_back(self) -> None:
        # A terminal that is gone needs nothing back.
        with suppress(OSError, ValueError):
            self._out.write(_LEAVE)
            self._out.flush()
        if self._keys is not None and self._before is not None:
            with suppress(OSError, termios.error):
                termios.tcsetattr(self._keys, termios.TCSADRAIN, self._before)

    def _stop_soon(self, number: int, frame: FrameType | None) -> None:
        # Not here: a handler may come in the middle of a write.
        self._to_stop = True

    def _stop(self) -> None:
        """Ctrl-Z: the shell gets its terminal as it was, and we get it again afterwards."""
        self._to_stop = False
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._take()


def _terminal(stream: TextIO) -> int | None:
    """The descriptor of a stream that is a terminal."""
    try:
        return stream.fileno() if stream.isatty() else None
    except (OSError, ValueError):
        return None


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
