"""How a command ends: with a code of the table, a failure as one line, and all that was to be said written."""

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from seawall.cli import streams
from seawall.cli.common import ExitCode, Failure, stop


def leave(given: Sequence[str], work: Callable[[], int]) -> NoReturn:
    """Does the work that these arguments ask for and ends the process with the code that it returns, or fails with."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a locale that lacks a sign is no reason to fail
    own = given[: given.index("--")] if "--" in given else given
    as_json = "--json" in own
    debug = bool(os.environ.get("SEAWALL_DEBUG")) or "-v" in own or "--verbose" in own
    try:
        code = work()
    except Failure as error:
        # A verb may have taken stdout's error for one of its own work.
        failed = streams.failed(sys.stdout)
        code = ExitCode.OK if failed else stop(error.code, str(error), as_json, error.verb)
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except Exception as error:
        from seawall.config import ConfigError  # not above: 10 ms of the 80 that `status` has

        if isinstance(error, ConfigError):
            code = stop(ExitCode.USAGE, str(error), as_json)
        elif isinstance(error, OSError) and streams.failed(sys.stdout):
            code = ExitCode.OK  # whatever it would have been: what was to be said is not
        elif debug:
            raise
        else:
            said = str(error).strip().partition("\n")[0]
            what = f"{type(error).__name__}: {said}" if said else type(error).__name__
            text = f"Seawall itself failed ({what}). SEAWALL_DEBUG=1 shows where."
            code = stop(ExitCode.SEAWALL, text, as_json)
    raise SystemExit(_said(int(code)))


def _said(code: int) -> int:
    """The code to leave with, once all is written; where stdout takes no more, that is said, and the code is 1.

    A reader that has seen enough and left is no such failure.
    """
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    if (error := streams.failed(sys.stdout)) is None:
        return code
    # What is left of it must go somewhere: Python would complain once more while it ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return code
    return stop(ExitCode.SEAWALL, f"the answer cannot be written: {error.strerror or error}", as_json=False)
