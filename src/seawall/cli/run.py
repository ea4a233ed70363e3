"""`seawall run -- CMD`: one command behind the gateway that all runs of the user share."""

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seawall.claude_code import settings as claude
from seawall.cli import child as children
from seawall.cli import times
from seawall.cli.common import Common, ExitCode, Failure, common_options, home
from seawall.cli.kept_gateway import Calls, Kept, starter
from seawall.cli.process import Signals, at_the_terminal, run_child
from seawall.clock import duration
from seawall.gateway import runtime

if TYPE_CHECKING:
    from seawall.cli.continuing import Seen, Turns


@click.command(context_settings={"allow_interspersed_args": False, "ignore_unknown_options": False})
@click.option("--hold", metavar="TIME", help="How long a call of this run is held at most, such as 15m.")
@click.option("--no-hold", is_flag=True, help="Pass every failure of this run on at once.")
@click.option("--direct", is_flag=True, help="Without the gateway: only keeps what fails meanwhile.")
@click.option(
    "--when",
    type=click.Choice(["quiet"]),
    help="Start in the next quiet hour of your own past; see `seawall plan`.",
)
@click.option("--stagger", is_flag=True, help="Start some seconds after your other runs that say so.")
@click.option(
    "--then-continue",
    is_flag=True,
    help='For `claude -p`: go on with "continue" after an answer that was cut.',
)
@click.option("--linger", hidden=True, type=click.FloatRange(min=0))
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- CMD...")
@common_options
def run(
    hold: str | None,
    no_hold: bool,
    direct: bool,
    when: str | None,
    stagger: bool,
    then_continue: bool,
    linger: float | None,
    command: tuple[str, ...],
    common: Common,
) -> int:
    """Run CMD behind the gateway and return its exit code. Changes no files.

    The gateway is started if none runs; all runs share it, and it leaves a minute after the last.
    """
    if not command:
        raise click.UsageError("no command; for example: seawall run -- claude")
    if no_hold and hold is not None:
        raise click.UsageError("--hold and --no-hold exclude each other")
    asked = 0.0 if no_hold else times.length(hold, "--hold", 7 * 86400.0, "15m, at most 7d")
    work = _Work(command, _program(command[0]), _turns(command) if then_continue else None, common)
    _wait(when, stagger, common)
    if direct:
        return _without_gateway(work)
    settings = claude.ClaudeSettings({})
    if children.is_claude(command):
        settings = claude.read(os.environ, home(os.environ), Path.cwd())
    goes_by = children.client_environ(os.environ, settings)
    if children.is_claude(command) and (why := children.why_uncovered(command, goes_by, settings)):
        common.say(f"{why}: this command is not covered")
        return _without_gateway(work)
    if name := claude.cloud(os.environ):
        common.say(f"{name} is set: Claude Code, if the command starts it, is not covered")
    if asked is None and children.names_fallback(command, settings):
        asked = children.FALLBACK_HOLD
        common.say(
            f"a fallback model is named, so calls of this run are held {duration(asked)} at most "
            "(--hold says otherwise)"
        )
    try:
        return _behind_gateway(work, settings, goes_by, asked, linger)
    except (runtime.Trouble, OSError) as error:
        raise Failure(f"{error}; `seawall run --direct` goes without a gateway") from None


def _program(name: str) -> str:
    """The file that is run. What cannot be run is unusable input: nothing is started for it."""
    found = shutil.which(name)
    if found is None:
        there = os.path.exists(name) and os.sep in name
        why = "cannot be executed" if there else "was not found"
        raise Failure(f"the command {name!r} {why}", ExitCode.USAGE)
    return found


def _turns(command: Sequence[str]) -> "Turns":
    """The command, and how it is gone on with; `Failure` for one that is no work for `--then-continue`."""
    import uuid

    from seawall.cli import continuing

    if why := continuing.why_not(command, os.environ):
        raise Failure(why, ExitCode.USAGE)
    return continuing.turns(command, str(uuid.uuid4()))


def _wait(when: str | None, stagger: bool, common: Common) -> None:
    """Returns when the command should start."""
    if when is not None:
        from seawall.cli.until_quiet import until_quiet

        until_quiet(common, at_the_terminal)
    if stagger:
        from seawall.cli.apart import in_line

        in_line(common)


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be run."""

    command: Sequence[str]
    program: str
    turns: "Turns | None"
    """How to go on after a cut answer; None: not at all."""
    common: Common

    def run(self, prepared: Callable[[Sequence[str]], children.Child], seen: "Callable[[], Seen]") -> int:
        """Runs it, again while its answer is cut; the last exit code. `seen`: what a gateway knows of cut answers."""
        signals = Signals()
        if self.turns is None:
            return run_child(prepared(self.command), self.program, signals)
        from seawall.claude_code.transcripts import folders
        from seawall.cli import continuing

        began = time.time()
        code = run_child(prepared(self.turns.first), self.program, signals)
        for number in range(1, continuing.MOST + 1):
            places = folders(os.environ, home(os.environ))  # a first run makes them
            shown = continuing.last_shown(places, self.turns.session, began)
            if signals.heard or not continuing.was_cut(code, shown, seen(), began):
                break
            self.common.say(f'the answer was cut; going on with "continue" ({number} of {continuing.MOST})')
            began = time.time()
            code = run_child(prepared(self.turns.again), self.program, signals)
        return code


def _without_gateway(work: _Work) -> int:
    from seawall.cli.continuing import Seen
    from seawall.cli.written import keep_what_was_written

    began = time.time()
    code = work.run(lambda command: children.Child(tuple(command), dict(os.environ)), Seen)
    keep_what_was_written(work.common, began)
    return code


def _behind_gateway(
    work: _Work,
    settings: claude.ClaudeSettings,
    goes_by: Mapping[str, str],
    hold: float | None,
    linger: float | None,
) -> int:
    kept = Kept(starter(goes_by, linger, work.common))
    try:
        before = kept.calls()
        code = work.run(
            lambda command: children.prepare(command, os.environ, settings, kept.address, hold), kept.seen
        )
        after = kept.calls()
    finally:
        kept.close()
    if kept.lost:
        work.common.say("the gateway ended while the command ran, and could not be started again")
    elif why := _missed(before, after, None if children.is_claude(work.command) else hold):
        work.common.say(why)
    return code


def _missed(before: Calls, after: Calls, hold: float | None) -> str:
    """What of this run did not come to the gateway, by its counts before and after; empty where nothing is missing.

    `hold`: the one that was asked of a client of which nobody knows whether it brings it.
    """
    if before.all is None or after.all is None:
        return ""
    if before.all == after.all:
        return "no call came through the gateway; does the command use ANTHROPIC_BASE_URL?"
    if hold is None or before.own_hold is None or before.own_hold != after.own_hold:
        return ""
    return (
        "no call brought the hold of this run: its client does not send ANTHROPIC_CUSTOM_HEADERS, so calls were held "
        f"as the settings say; `SEAWALL_GATEWAY_HOLD={hold:g}s seawall run ...` reaches every client"
    )
