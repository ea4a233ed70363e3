"""What every verb has: its options, its exit codes, how it fails. Imports nothing heavy."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

if TYPE_CHECKING:
    from seawall.settings import Loaded

Function = TypeVar("Function", bound=Callable[..., Any])


class ExitCode(IntEnum):
    """Why a command ended. 10 to 19 are the parties of a cause."""

    OK = 0
    SEAWALL = 1
    USAGE = 2
    PROVIDER = 10
    LIMIT = 11
    ACCOUNT = 12
    REQUEST = 13
    NETWORK = 14
    MACHINE = 15
    GATEWAY = 16
    UNKNOWN = 19
    GAVE_UP = 20
    INTERRUPTED = 130


def exit_code_of(cause: str | None) -> ExitCode:
    """The exit code of a cause, by its party; of a party that has none, the one for not known."""
    party = (cause or "unknown").partition(".")[0].upper()
    return ExitCode.__members__.get(party, ExitCode.UNKNOWN)


class Failure(Exception):
    """An expected end of a command: one line for the person, and the exit code."""

    def __init__(self, text: str, code: ExitCode = ExitCode.SEAWALL, verb: str = "seawall") -> None:
        super().__init__(text)
        self.code = code
        self.verb = verb


def stop(code: int, text: str, as_json: bool, verb: str = "seawall") -> int:
    """Says why a command ends, in one line or as one object, and returns the code.

    What was typed or read is part of many such lines, and people paste keys into the wrong place.
    """
    from seawall import redact  # 3 ms that only a command that fails needs

    line = redact.line(" ".join(text.split()))
    try:
        if as_json:
            error = {"code": int(code), "class": ExitCode(code).name.lower(), "message": line}
            print(json.dumps({"schema": "seawall.error/1", "error": error}), flush=True)
        else:
            print(f"{verb}: {line}", file=sys.stderr, flush=True)
    except OSError:
        pass  # nobody is left to tell
    return code


@dataclass(frozen=True, slots=True)
class Common:
    """The options that every verb has."""

    json: bool = False
    plain: bool = False
    quiet: bool = False
    verbose: bool = False
    no_color: bool = False
    offline: bool = False
    config: Path | None = None

    def say(self, text: str) -> None:
        """One line beside the answer: progress or a warning, on stderr, not with `--quiet`."""
        if not self.quiet:
            from seawall import redact

            print(redact.line(f"seawall: {text}"), file=sys.stderr, flush=True)

    def color(self, stream: TextIO, environ: Mapping[str, str]) -> bool:
        """Whether colour may be written to `stream`."""
        if self.plain or self.no_color:
            return False
        return wants_color(stream.isatty(), environ)


def wants_color(terminal: bool, environ: Mapping[str, str]) -> bool:
    """NO_COLOR forbids it, CLICOLOR_FORCE asks for it (unless 0), else a terminal that is not dumb has it."""
    if environ.get("NO_COLOR"):
        return False
    if environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return terminal and environ.get("TERM") != "dumb"


FLAGS = {
    "--json": "json",
    "--plain": "plain",
    "--quiet": "quiet",
    "-q": "quiet",
    "--verbose": "verbose",
    "-v": "verbose",
    "--no-color": "no_color",
    "--offline": "offline",
}
"""Those of them that have no value, by how they are written."""


def common_options(function: Function) -> Function:
    """Gives a verb the options that every verb has; it receives them as `common: Common`."""
    import functools

    import click  # not above: the gateway does without it

    @functools.wraps(function)
    def with_common(*args: Any, **kwargs: Any) -> Any:
        kept = {name: kwargs.pop(name) for name in Common.__dataclass_fields__}
        return function(*args, common=Common(**kept), **kwargs)

    wrapped: Any = with_common
    for option in reversed(
        (
            click.option("--json", is_flag=True, help="One JSON object on stdout."),
            click.option("--plain", is_flag=True, help="No colour, no glyphs, no wrapping."),
            click.option("--quiet", "-q", is_flag=True, help="Only the answer and failures."),
            click.option(
                "--verbose", "-v", is_flag=True, help="More words; tracebacks of Seawall's own faults."
            ),
            click.option("--no-color", is_flag=True, help="No colour."),
            click.option("--offline", is_flag=True, help="No network at all, this machine's own excepted."),
            click.option(
                "--config",
                type=click.Path(path_type=Path),
                metavar="PATH",
                help="Another settings file than the usual.",
            ),
        )
    ):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[no-any-return]


NOWHERE = Path("/dev/null/nowhere")
"""Stands for a folder that there is none of: below what is no folder not even root can make one."""


def home(environ: Mapping[str, str]) -> Path:
    """The user's home, or `NOWHERE`."""
    folder = Path(environ.get("HOME") or os.path.expanduser("~"))
    return folder if folder.is_absolute() else NOWHERE


def settings_files(common: Common, environ: Mapping[str, str]) -> tuple[Path, Path | None]:
    """The user's file and the project's; Failure when a file was named and is not there."""
    from seawall.settings import project_file, user_file

    user = user_file(environ, home(environ))
    named = common.config or (Path(environ["SEAWALL_CONFIG"]) if environ.get("SEAWALL_CONFIG") else None)
    if named is not None:
        if not named.exists():
            raise Failure(f"there is no settings file {named}", ExitCode.USAGE)
        user = named.absolute()
    try:
        here = Path.cwd()
    except OSError:  # the folder is gone
        return user, None
    return user, project_file(here, home(environ))


def load_settings(common: Common, options: Mapping[str, object], environ: Mapping[str, str]) -> "Loaded":
    """The settings in force for a verb; warnings are said."""
    from seawall.settings import load

    user, project = settings_files(common, environ)
    loaded = load(options, environ, user_file=user, project_file=project)
    for line in loaded.warnings:
        common.say(line)
    return loaded
