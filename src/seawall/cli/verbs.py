"""From arguments to a verb to an exit code; what a verb needs is imported when it is called."""

import importlib
import os
import sys
from collections.abc import Sequence

import click

from seawall import __version__
from seawall.cli.common import ExitCode, Failure
from seawall.cli.leaving import leave

# Verb, where its click command is, and its line in the help. The order is the help's.
VERBS = {
    "run": ("seawall.cli.run:run", "Run one command behind the gateway; changes no files"),
    "serve": ("seawall.cli.serve:serve", "The gateway in the foreground, for programs and machines"),
    "status": ("seawall.cli.status:status", "What is held right now, in one line"),
    "watch": ("seawall.cli.watch:watch", "What is held and why, live"),
    "history": ("seawall.cli.history:history", "Past incidents; patterns by hour and weekday"),
    "plan": ("seawall.cli.plan:plan", "When to run heavy work; now, off-peak or batch"),
    "report": ("seawall.cli.report:report", "Redacted support bundle and issue text"),
    "import": ("seawall.cli.import_:import_", "Failures out of old transcripts and logs"),
    "doctor": ("seawall.cli.doctor:doctor", "Is it me or them? What do I do now?  (a few seconds)"),
    "explain": ("seawall.cli.explain:explain", "Paste an error, get the cause and the next step"),
    "model": ("seawall.cli.model:model", "Five questions: which model?"),
    "rules": ("seawall.cli.rules:rules", "A block for CLAUDE.md about retries and outages"),
    "drill": ("seawall.cli.drill:drill", "A scripted outage, without Seawall and with it"),
    "bench": ("seawall.cli.bench:bench", "What Seawall does for a fleet, in figures"),
    "fake": ("seawall.cli.fake:fake", "An API that fails as told, for your own tests"),
    "config": ("seawall.cli.settings:config", "Every setting, and where it came from"),
    "help": ("seawall.cli.verbs:help_", "This text; `help VERB` for one verb, `help --all` for all"),
}

ALIASES = {
    "doctor": ("check", "diagnose", "fix"),
    "on": ("install", "setup"),
    "off": ("uninstall", "remove"),
    "watch --web": ("dashboard", "web"),
    "report": ("bundle", "bugreport"),
    "history": ("stats", "log"),
}
"""What people guess, by the command that it stands for. One whose verb is not in the table is no alias yet."""

SECTIONS = (
    ("When something fails", ("doctor", "explain", "watch")),
    ("Keep working", ("run", "on")),
    ("Look back, plan, escalate", ("history", "plan", "report")),
    ("Try it", ("drill", "bench", "fake")),
    ("Small tools", ("model", "rules")),
)
"""What `seawall --help` shows; a verb that is not in the table is left out."""
PLUMBING = ("status", "serve", "hook", "statusline", "config", "import", "help", "off")
"""Listed by `help --all` only; `off` stands beside `on`."""
_SHOWN = {"doctor": "", "run": "run -- claude", "on": "on | off"}
_SAID = {"on": "Put Claude Code behind the gateway | undo it"}


def help_text() -> str:
    """What `seawall --help` prints."""
    lines = ["seawall — keeps you working when Claude calls fail; says whose fault it is"]
    for title, verbs in SECTIONS:
        there = [verb for verb in verbs if verb in VERBS]
        lines += ["", title, *(_line(verb) for verb in there)] if there else []
    return "\n".join([*lines, "", *_LAST]) + "\n"


_LAST = ("First time?  Run `seawall`, then `seawall run -- claude`.", "All verbs: seawall help --all")


def _line(verb: str) -> str:
    command = f"seawall {_SHOWN.get(verb, verb)}"
    return f"  {command:<26}{_SAID.get(verb) or VERBS[verb][1]}"


def plumbing_text() -> str:
    """The verbs that programs and scripts use, a line each."""
    return "\n".join(["Plumbing", *(_line(verb) for verb in PLUMBING if verb in VERBS)]) + "\n"


class Verbs(click.Group):
    """Finds a verb by its name in the table, and imports it only then."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        command = self.get_command(ctx, args[0])
        if command is None and (real := alias_of(args[0])):
            verb, *options = real.split()
            if all(_has_option(self.get_command(ctx, verb), option) for option in options):
                if "--quiet" not in args and "-q" not in args:
                    _tell(args[0], real)
                return verb, self.get_command(ctx, verb), [*options, *args[1:]]
        if command is None:
            import difflib  # only where somebody mistyped

            if reads_like_an_error(args[0]):
                return "explain", self.get_command(ctx, "explain"), args
            near = difflib.get_close_matches(args[0], VERBS, n=2, cutoff=0.0)
            shown = args[0] if len(args[0]) <= 40 else args[0][:37] + "..."
            raise click.UsageError(f"no verb {shown!r}; the nearest are: {', '.join(near)}", ctx)
        return args[0], command, args[1:]

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write(help_text())


def alias_of(word: str) -> str | None:
    """The command that a guessed verb stands for; None where it stands for none that is there."""
    real = next((real for real, words in ALIASES.items() if word in words), None)
    return real if real and real.split()[0] in VERBS else None


def _has_option(command: click.Command | None, option: str) -> bool:
    return command is not None and any(option in one.opts for one in command.params)


def _tell(alias: str, real: str) -> None:
    """Names the real verb in a grey line, the first time that this user types the alias."""
    from seawall.cli.common import wants_color
    from seawall.doctor import kept

    place = kept.folder(os.environ)
    known = (kept.read(place / "told.json") or {}) if place else {}
    if known.get(alias):
        return
    grey = sys.stderr is not None and wants_color(sys.stderr.isatty(), os.environ)
    line = f"seawall {alias} is seawall {real}"
    click.echo(f"\x1b[90m{line}\x1b[0m" if grey else line, err=True, color=True)
    try:
        if place:
            kept.write(place / "told.json", known | {alias: True})
    except OSError:
        pass  # then it is said once more


def reads_like_an_error(argument: str) -> bool:
    """Whether an argument that is no verb is to be explained: a sentence, or a word that some cause is known by."""
    import difflib

    if any(map(str.isspace, argument.strip())):
        return True
    if difflib.get_close_matches(argument, VERBS, n=1, cutoff=0.75):
        return False
    from seawall.causes.cause import codes
    from seawall.causes.match import UNKNOWN
    from seawall.causes.verdict import explain

    return argument in codes() or (
        len(argument) < 400 and not explain(argument).cause.startswith((UNKNOWN, "unrel"))
    )


@click.group(cls=Verbs, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="seawall", message="%(prog)s %(version)s")
@click.pass_context
def seawall(ctx: click.Context) -> int | None:
    """Keeps Claude calls working through failures."""
    if ctx.invoked_subcommand is None:
        from seawall.cli import doctor
        from seawall.cli.common import Common

        return doctor.run(Common(), doctor.Asked())
    return None


@click.command("help")
@click.option("--all", "everything", is_flag=True, help="Every verb with its options.")
@click.option(
    "--schema",
    is_flag=False,
    flag_value="",
    metavar="[NAME]",
    help="The shape of an output's JSON; all names.",
)
@click.argument("verb", required=False)
@click.pass_context
def help_(ctx: click.Context, everything: bool, schema: str | None, verb: str | None) -> None:
    """Show the help of Seawall, of one verb, or of all; or the JSON Schema of what verbs print."""
    root = ctx.find_root()
    if schema is not None:
        from seawall.cli import schemas

        click.echo(schemas.text(schema) if schema else "\n".join(schemas.listed()), nl=not schema)
        return
    if verb is None:
        click.echo(help_text(), nl=False)
    if everything:
        click.echo("\n" + plumbing_text(), nl=False)
    for name in VERBS if everything else [verb] if verb else []:
        _, command, _ = seawall.resolve_command(root, [name])
        assert command is not None
        with click.Context(command, info_name=name, parent=root, color=root.color) as inner:
            click.echo(("\n" if everything else "") + command.get_help(inner))


def placed(given: Sequence[str]) -> list[str]:
    """The arguments with options that stand before the verb behind it; without a verb they are the doctor's."""
    count = 0
    while count < len(given) and given[count].startswith("-") and given[count] not in ("-", "--"):
        count += 2 if given[count] == "--config" else 1
    options, rest = list(given[:count]), list(given[count:])
    known = options and options[0] not in ("-h", "--help", "--version") and not any(map(_blank, options))
    if not known or rest[:1] == ["--"]:
        return list(given)
    return [*(rest[:1] or ["doctor"]), *options, *rest[1:]]


def _blank(argument: str) -> bool:
    """Whether it is a sentence: a text that begins with a dash."""
    return any(map(str.isspace, argument))


def run(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and leaves with the code of the table; shows a traceback only when asked."""
    given = placed(sys.argv[1:] if arguments is None else arguments)
    leave(given, lambda: _outcome(given))


def _outcome(arguments: list[str]) -> int:
    """The exit code of a verb: what it returned, or what it left with."""
    try:
        with seawall.make_context("seawall", list(arguments)) as context:
            result = seawall.invoke(context)
    except click.exceptions.Exit as left:
        return left.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        at = getattr(error, "ctx", None)
        raise Failure(
            error.format_message(), ExitCode(error.exit_code), at.command_path if at else "seawall"
        ) from None
    return result if isinstance(result, int) else ExitCode.OK
