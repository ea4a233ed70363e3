"""The command itself: run in this terminal and process group, with the signals that are meant for it."""

import os
import signal
import subprocess
from dataclasses import dataclass, field

from seawall.cli.child import Child
from seawall.cli.common import ExitCode, Failure


@dataclass(slots=True)
class Signals:
    """What reaches this process while the command runs: the terminal's signals reach both, others are passed on."""

    process: "subprocess.Popen[bytes] | None" = None
    early: list[int] = field(default_factory=list)
    heard: bool = False
    """Whether one came that means to end the command: nothing is begun after it."""

    def listen(self) -> None:
        """From now on. A handler, not SIG_IGN: what is ignored here would stay ignored in the command."""
        for number in (signal.SIGINT, signal.SIGQUIT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._interrupt)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._forward)

    def _interrupt(self, number: int, frame: object) -> None:
        """A key's signal reaches the command by itself; one that no key of a terminal can have sent is passed on."""
        self.heard = True
        if not at_the_terminal():
            self._forward(number, frame)

    def _forward(self, number: int, _frame: object) -> None:
        self.heard = self.heard or number in (signal.SIGTERM, signal.SIGHUP)
        if self.process is None:
            self.early.append(number)
        else:
            self.process.send_signal(number)

    def started(self, process: "subprocess.Popen[bytes]") -> None:
        """Signals go to it; those that came before it was there too."""
        self.process = process
        for number in self.early:
            process.send_signal(number)


def at_the_terminal() -> bool:
    """Whether keys of a terminal reach this process: it has one, and is in the group that runs in front there."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def run_child(child: Child, program: str, signals: Signals) -> int:
    """Runs the command in this terminal and process group, and returns its code; 128+n for a signal."""
    signals.listen()
    try:
        process = subprocess.Popen(child.arguments, executable=program, env=dict(child.environ))  # noqa: S603
    except OSError as error:
        raise Failure(
            f"the command {child.arguments[0]!r} cannot be run: {error.strerror}", ExitCode.USAGE
        ) from None
    signals.started(process)
    code = process.wait()
    return 128 - code if code < 0 else code
