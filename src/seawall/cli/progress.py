"""Long work with its progress shown on stderr; a signal ends it, and with it all that it started."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from seawall.cli.common import Common
from seawall.http.loop import loop_runner

Result = TypeVar("Result")


def run(
    work: Callable[[], Coroutine[Any, Any, Result]],
    progress: Callable[[int], list[str]],
    common: Common,
    *,
    frame_every: float,
    line_every: float,
) -> Result:
    """What the work gives. `progress` gives lines for a width: redrawn in a terminal, elsewhere said now and then.

    Raises KeyboardInterrupt when a signal ended it.
    """
    with loop_runner() as runner:
        return runner.run(_watched(work, _Shown(progress, common, frame_every, line_every)))


async def _watched(work: Callable[[], Coroutine[Any, Any, Result]], shown: "_Shown") -> Result:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # by `nohup`
            loop.add_signal_handler(number, task.cancel)
    drawing = asyncio.ensure_future(shown.draw())
    try:
        return await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)


class _Shown:
    def __init__(
        self, progress: Callable[[int], list[str]], common: Common, frame_every: float, line_every: float
    ) -> None:
        self._progress, self._common = progress, common
        self._frame_every, self._line_every = frame_every, line_every

    async def draw(self) -> None:
        """Until it is cancelled: a block that changes and is erased, or lines now and then."""
        common = self._common
        if common.quiet:
            return
        terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not common.plain
        if not terminal:
            while True:
                for line in self._progress(80):
                    common.say(line)
                await asyncio.sleep(self._line_every)
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        console = Console(stderr=True, no_color=not common.color(sys.stderr, os.environ))
        with Live(console=console, transient=True, auto_refresh=False) as live:
            while True:
                live.update(Text("\n".join(self._progress(console.width))), refresh=True)
                await asyncio.sleep(self._frame_every)
