"""`seawall doctor`, and `seawall` alone: is it me or them, by measuring; what to do now, and what not."""

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seawall.cli import examine
from seawall.cli.common import Common, ExitCode, Failure, common_options, exit_code_of
from seawall.cli.look import look_of, printed

if TYPE_CHECKING:
    from seawall.doctor.case import Case
    from seawall.doctor.check import Check, Result
    from seawall.doctor.subject import Subject

SPARE = 0.7
"""Seconds of a run's time that are not the checks': start-up and printing."""
LONGEST = 600.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for beside the options that every verb has."""

    everything: bool = False
    only: tuple[str, ...] = ()
    again: bool = False
    spend: bool = False
    save: str | None = None
    compare: str | None = None
    base_url: str | None = None
    timeout: float | None = None


@click.command()
@click.option("--all", "everything", is_flag=True, help="Every check with what it found, before the verdict.")
@click.option(
    "--list", "listed", is_flag=True, help="The checks, what they cost and whom they ask; runs none."
)
@click.option(
    "--only", multiple=True, metavar="ID", help="Only this check and those that it needs; repeat it."
)
@click.option("--again", is_flag=True, help="Only what failed last time, and what hung on it.")
@click.option(
    "--wait", is_flag=True, help="Again and again until all is fine; rings then. 20 if it never is."
)
@click.option("--save", metavar="NAME", help="Keep what is found under this name.")
@click.option("--compare", metavar="NAME", help="Only the facts that differ from those kept under this name.")
@click.option("--spend", is_flag=True, help="Ask the model for a few tokens too; costs next to nothing.")
@click.option("--base-url", metavar="URL", help="Measure this address. No key is sent to it.")
@click.option(
    "--timeout",
    type=float,
    metavar="S",
    help="Seconds for the whole run; with --wait for all of them together.",
)
@click.option(
    "--export-ca", type=click.Path(path_type=Path), metavar="PATH",
    help="Write the root that re-signs connections here, if this machine trusts it.",
)  # fmt: skip
@common_options
def doctor(common: Common, listed: bool, wait: bool, export_ca: Path | None, **asked: Any) -> int:
    """Measure what lies between here and the API, and name whose side a failure is on, with evidence.

    Spends no tokens unless asked to, changes nothing, ends within 8 seconds.
    """
    wanted = Asked(**asked)
    _check(wanted, listed, wait, export_ca)
    if export_ca is not None:
        from seawall.cli.root import export

        return export(common, export_ca, wanted.base_url)
    if listed:
        return _list(examine.chosen_checks(wanted.only), examine.subject_of(common), common)
    if wait:
        from seawall.cli.waiting import until_fine

        return until_fine(common, wanted)
    return run(common, wanted)


def _check(asked: Asked, listed: bool, wait: bool, export_ca: Path | None) -> None:
    """Raises `Failure` for options that do not go together."""
    ways = {"--list": listed, "--wait": wait, "--export-ca": export_ca is not None, "--save": bool(asked.save),
            "--compare": bool(asked.compare)}  # fmt: skip
    given = [name for name, there in ways.items() if there]
    if len(given) > 1:
        raise Failure(f"give one of {', '.join(given)}", ExitCode.USAGE)
    if asked.again and asked.only:
        raise Failure("--again chooses the checks itself; leave out --only", ExitCode.USAGE)
    if asked.timeout is not None and not 1 <= asked.timeout <= (86400 if wait else LONGEST):
        raise Failure("--timeout takes seconds, at least 1", ExitCode.USAGE)


def run(common: Common, asked: Asked) -> int:
    """Measures once and prints the answer; the code of its party."""
    from seawall.cli import kept_runs

    told = ""
    only = asked.only
    if asked.again:
        only, told = kept_runs.failed_last(os.environ)
    compared_with = kept_runs.saved(os.environ, asked.compare) if asked.compare is not None else None
    if asked.save is not None:
        kept_runs.check_name(asked.save)
    given = examine.chosen_checks(only)
    subject = examine.subject_of(common, asked.base_url, True if asked.spend else None)
    results = measured(common, subject, given, asked.timeout)
    case = examine.case_of(subject, results, time.time())
    whole = not only
    kept_runs.remember(os.environ, case, whole)
    if told:
        common.say(told)
    if asked.save is not None:
        kept_runs.save(os.environ, asked.save, case)
        common.say(f'kept as "{asked.save}"; on the other network: seawall doctor --compare {asked.save}')
    if compared_with is not None:
        kept_runs.open_gate(subject, compared_with, case)
        return kept_runs.compare(common, compared_with, case)
    return answer(common, case, everything=asked.everything)


def measured(
    common: Common, subject: "Subject", given: "Sequence[Check]", timeout: float | None = None
) -> "tuple[Result, ...]":
    """What the checks found, with a word to a person who waits meanwhile."""
    from seawall.doctor.check import measure

    waiting = not common.quiet and not common.json and sys.stderr.isatty()
    if waiting:
        print("measuring ...", end="", file=sys.stderr, flush=True)
    try:
        return measure(subject, given, None if timeout is None else max(0.3, timeout - SPARE))
    finally:
        if waiting:
            print("\r             \r", end="", file=sys.stderr, flush=True)


def code_of(case: "Case") -> ExitCode:
    return exit_code_of(case.verdict.cause) if case.verdict.cause else ExitCode.OK


def answer(common: Common, case: "Case", *, everything: bool = False, first: str = "") -> int:
    """Prints the case; the code of its party. `first`: a line before it, for people."""
    code = code_of(case)
    if common.json:
        click.echo(json.dumps(examine.json_of(case, code)))
        return code
    from seawall.doctor.advice import advice
    from seawall.view import doctor as view

    look = look_of(common)
    lines = [*([first, ""] if first else []), *([*view.table(case.results, look), ""] if everything else [])]
    printed([*lines, *view.block(case, advice(case), look, common.plain, common.verbose)])
    return code


def _list(given: "Sequence[Check]", subject: "Subject", common: Common) -> int:
    from seawall.origin import Origin

    hosts = {
        "api": subject.api.host,
        "control": Origin.parse(subject.control)[0].host,
        "captive": Origin.parse(subject.captive)[0].host,
        "status": Origin.parse(subject.status)[0].host,
        "proxy": "the proxy",
        "resolver": "the resolver",
        "peers": "teammates' gateways",
    }
    if common.json:
        rows = [
            {
                "id": one.id, "title": one.title, "cost": one.cost, "limit": one.limit,
                "hosts": [hosts.get(name, name) for name in one.to], "needs": [*one.needs, *one.any_of],
            }
            for one in given
        ]  # fmt: skip
        click.echo(json.dumps({"schema": "seawall.checks/1", "checks": rows}))
        return ExitCode.OK
    from seawall.view import doctor as view

    printed(view.listed(given, hosts, look_of(common)))
    return ExitCode.OK
