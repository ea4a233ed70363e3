"""`seawall drill`: a scripted outage, without Seawall and with it, on this machine alone."""

import contextlib
import json
import os
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seawall.cli.common import Common, ExitCode, Failure, common_options
from seawall.cli.look import look_of
from seawall.cli.progress import run

if TYPE_CHECKING:
    from seawall.fake.drill import Drill, Figures, Report

NAMES = {"sdk": "SDK alone", "claude-code": "Claude Code alone", "seawall": "through Seawall"}
BAR = 24


@click.command()
@click.option(
    "--scenario", metavar="FILE", default="drill", help="Another script: a TOML file, or a shipped one."
)
@click.option(
    "--record", metavar="FILE", type=click.Path(path_type=Path), help="Keep every turn and attempt."
)
@click.option("--agents", metavar="N", type=click.IntRange(1, 200), help="Agents in each of the three runs.")
@click.option("--seed", metavar="N", type=int, help="Another number, another course of chance.")
@common_options
def drill(scenario: str, record: Path | None, agents: int | None, seed: int | None, common: Common) -> int:
    """One outage, three fleets at once: the SDK alone, Claude Code alone, and both through Seawall.

    Takes about half a minute. Needs no key and no network: the API that fails is Seawall's own.
    """
    from seawall.fake.behind import GatewayFailed
    from seawall.fake.drill import Drill, terms
    from seawall.fake.scenario import ScenarioError, load

    try:
        found = load(scenario)
        asked = terms(found, agents=agents, seed=seed, name=f"{scenario}: fleet")
        running = Drill(found, asked, found.title or scenario)
    except ScenarioError as error:
        raise Failure(str(error), ExitCode.USAGE) from None
    try:
        with _kept(record) as keep:
            report = run(
                lambda: running.run(keep_transcript=record is not None),
                lambda width: progress(running, width),
                common,
                frame_every=0.25,
                line_every=5.0,
            )
            keep(report.transcript)
    except GatewayFailed as error:
        raise Failure(str(error)) from None
    if report.gateway_said:
        common.say(f"the gateway said: {report.gateway_said}")
    if common.json:
        click.echo(json.dumps(report.as_json()))
    else:
        click.echo(text(report, _width(common)), nl=False)
    return ExitCode.OK


command: click.Command = drill


# ---- what is printed -----------------------------------------------------------------------------------


def text(report: "Report", width: int) -> str:
    """The table, what it means, and what to do next, in lines of at most `width` columns."""
    return "\n".join(
        [*table(report.runs, width), "", *_wrapped(meaning(report), width), "", *_next(width), ""]
    )


def table(runs: "tuple[Figures, ...]", width: int) -> list[str]:
    """One line a run; short names and headings where the terminal is narrow."""
    if width >= 66:
        heads = [
            ("", "turns", "turns", "attempts per", "longest"),
            ("", "finished", "lost", "success", "wait"),
        ]
        names = NAMES
    else:
        heads, names = [("", "done", "lost", "tries", "wait")], {name: name for name in NAMES}
    rows = [(names[run.through], *_cells(run)) for run in runs]
    columns = [max(len(line[n]) for line in (*heads, *rows)) for n in range(5)]
    gap = "   " if width >= 66 else " "
    return [
        gap.join(
            [line[0].ljust(columns[0]), *(cell.rjust(columns[n + 1]) for n, cell in enumerate(line[1:]))]
        ).rstrip()
        for line in (*heads, *rows)
    ]


def _cells(run: "Figures") -> tuple[str, str, str, str]:
    ratio = run.attempts_per_success
    attempts = "-" if ratio is None else f"{ratio:.2f}"
    return str(run.finished), str(run.lost + run.unfinished), attempts, f"{run.longest_wait:.1f} s"


def meaning(report: "Report") -> list[str]:
    """What the figures say, a paragraph each."""
    sdk, code, held = report.runs
    same = (
        f"the same {sdk.begun} turns" if report.turns and sdk.begun == code.begun == held.begun else "turns"
    )
    lost = [run.lost + run.unfinished for run in report.runs]
    if lost[2]:
        fared = f"Through Seawall {lost[2]} were lost"
    else:
        fared = "Seawall held the calls that failed, tried them again, and lost none"
    said = [
        f"Three fleets of {sdk.agents} agents did {same} through the same outage. Alone, the SDK lost "
        f"{_count(lost[0])} and Claude Code {_count(lost[1])}. {fared}; the longest turn took "
        f"{held.longest_wait:.1f}\u00a0s."
    ]
    if sdk.taken:
        said.append(
            f"{_count(sdk.taken).capitalize()} of the SDK's lost turns raised no error: "
            "an empty or half answer was taken for the whole one."
        )
    if held.broken:
        said.append(_broken(held))
    if any(run.unfinished for run in report.runs):
        parts = ", ".join(f"{NAMES[run.through]} {run.unfinished}" for run in report.runs if run.unfinished)
        said.append(f"Still waiting at the end, and counted as lost in the table: {parts}.")
    if not report.sdk_version:
        said.append(
            "The `anthropic` package is not installed: agents that keep to its measured schedule stood in for it."
        )
    return said


def _broken(held: "Figures") -> str:
    one = held.broken == 1
    what = "One answer" if one else f"{held.broken} answers"
    cut = f"{what} through Seawall broke off after the first words, which nobody on the way can send again"
    if held.after_content:
        return f"{cut}: {_count(held.after_content)} of the lost turns are lost by that, with an error that says so."
    return f"{cut}; told of it, the client asked again by itself."


def _count(number: int) -> str:
    return "none" if number == 0 else str(number)


def _next(width: int) -> list[str]:
    line = "With your own work:  seawall run -- claude"
    return [line] if len(line) <= width else ["With your own work:", "  seawall run -- claude"]


def _wrapped(paragraphs: list[str], width: int) -> list[str]:
    lines = (line for one in paragraphs for line in textwrap.wrap(one, width, break_on_hyphens=False))
    return [line.replace("\u00a0", " ") for line in lines]


def _width(common: Common) -> int:
    width = look_of(common).width
    return 10_000 if width is None else max(20, width)


def progress(running: "Drill", width: int) -> list[str]:
    """How the runs stand: the time and what the script does, and a line a run."""
    if not (runs := running.figures()):
        return ["Starting three faulty APIs and a gateway ..."]
    script = ", ".join(running.script()) or "calm"
    lines = [f"{running.now():4.1f} s  the API now: {script}"]
    whole = running.terms.agents * running.terms.turns if running.terms.turns else 0
    lines += [_standing(run, running.waiting(run.through), whole, width) for run in runs]
    return [line if len(line) <= width else line[: width - 3] + "..." for line in lines]


def _standing(run: "Figures", waiting: int, whole: int, width: int) -> str:
    """One run: a bar of what is finished, lost and not done yet where there is room, and the figures."""
    if width < 66:
        return f"{run.through:<11}{run.finished:>4} done{run.lost:>4} lost{waiting:>4} open"
    drawn = ""
    if whole:
        finished = run.finished * BAR // whole
        lost = min(BAR - finished, -(-run.lost * BAR // whole))  # rounded up: one lost turn is seen
        drawn = "[" + "#" * finished + "x" * lost + "." * (BAR - finished - lost) + "]"
    return f"{NAMES[run.through]:<17} {drawn} {run.finished:>4} done {run.lost:>3} lost {waiting:>3} waiting"


# ---- its transcript --------------------------------------------------------------------------------------


@contextlib.contextmanager
def _kept(record: Path | None) -> Iterator[Callable[[tuple[dict[str, Any], ...]], None]]:
    """Gives a function that writes the transcript's lines; a file appears only with all of them in it."""
    if record is None:
        yield lambda lines: None
        return
    direct = record.exists() and not record.is_file()  # a terminal, a pipe: nothing to replace
    beside = record if direct else record.with_name(f".{record.name}.{os.getpid()}")
    try:
        # Opened now: half a minute later is late to learn that it cannot be written.
        file = beside.open("w", encoding="utf-8")
    except OSError as error:
        raise Failure(f"cannot write {record}: {error.strerror or error}", ExitCode.USAGE) from None

    def write(lines: tuple[dict[str, Any], ...]) -> None:
        try:
            with file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
            if not direct:
                os.replace(beside, record)
        except OSError as error:
            raise Failure(f"cannot write {record}: {error.strerror or error}") from None

    try:
        yield write
    finally:
        with contextlib.suppress(OSError):
            file.close()
        if not direct:
            beside.unlink(missing_ok=True)
