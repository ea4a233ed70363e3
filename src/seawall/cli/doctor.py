"""`seawall doctor`, and `seawall` alone: is it me or them, by measuring; what to do now, and what not."""

import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seawall import __version__
from seawall.cli.common import Common, ExitCode, Failure, common_options, exit_code_of, home, load_settings

if TYPE_CHECKING:
    from seawall.causes.cause import Cause
    from seawall.doctor.check import Check, Result
    from seawall.doctor.subject import Subject
    from seawall.doctor.verdict import Verdict


@click.command()
@click.option("--all", "everything", is_flag=True, help="Every check with what it found, before the verdict.")
@click.option(
    "--list", "listed", is_flag=True, help="The checks, what they cost and whom they ask; runs none."
)
@click.option(
    "--only", multiple=True, metavar="ID", help="Only this check and those that it needs; repeat it."
)
@click.option("--base-url", metavar="URL", help="Measure this address. No key is sent to it.")
@common_options
def doctor(
    common: Common, everything: bool, listed: bool, only: tuple[str, ...], base_url: str | None
) -> int:
    """Measure what lies between here and the API, and name whose side a failure is on, with evidence.

    Spends no tokens, changes nothing, ends within 8 seconds.
    """
    return examine(common, everything=everything, listed=listed, only=only, base_url=base_url)


def examine(
    common: Common,
    *,
    everything: bool = False,
    listed: bool = False,
    only: Sequence[str] = (),
    base_url: str | None = None,
) -> int:
    """Runs the checks and prints the verdict; the code of its party."""
    from seawall.doctor.check import checks, chosen, measure

    given = checks()
    subject = _subject(common, base_url)
    if only:
        names = [name for one in only for name in one.split(",")]
        try:
            given = chosen(given, names)
        except KeyError as missing:
            import difflib

            name = str(missing.args[0])[:40]
            near = difflib.get_close_matches(name, [one.id for one in given], n=3, cutoff=0.0)
            text = f"no check {name!r}; the nearest are: {', '.join(near)}"
            raise Failure(text, ExitCode.USAGE) from None
    if listed:
        return _list(given, subject, common)
    waiting = not common.quiet and not common.json and sys.stderr.isatty()
    if waiting:
        print("measuring ...", end="", file=sys.stderr, flush=True)
    try:
        results = measure(subject, given)
    finally:
        if waiting:
            print("\r             \r", end="", file=sys.stderr, flush=True)
    return _answer(common, subject, results, everything)


def _subject(common: Common, base_url: str | None) -> "Subject":
    from seawall.cli import gateways
    from seawall.doctor.subject import subject
    from seawall.origin import Origin

    loaded = load_settings(common, {}, os.environ)
    for name in ("control_host", "captive_probe", "status_page"):
        try:
            Origin.parse(getattr(loaded.config.doctor, name))
        except ValueError as error:
            raise Failure(f"doctor.{name}: {error}", ExitCode.USAGE) from None
    try:
        here = Path.cwd()
    except OSError:  # the folder is gone
        here = Path("/nonexistent")
    try:
        return subject(
            loaded.config,
            loaded.sources["gateway.upstream"],
            os.environ,
            home(os.environ),
            here,
            base_url=base_url,
            offline=common.offline,
            gateways=gateways.observed(os.environ, time.time(), 0.3),
        )
    except ValueError as error:
        raise Failure(f"--base-url: {error}", ExitCode.USAGE) from None


def _answer(common: Common, subject: "Subject", results: Sequence["Result"], everything: bool) -> int:
    from seawall.causes.cause import load
    from seawall.doctor.verdict import conclude

    verdict = conclude(results, time.time(), subject.api.host)
    code = exit_code_of(verdict.cause) if verdict.cause else ExitCode.OK
    cause = load(verdict.cause) if verdict.cause else None
    if common.json:
        click.echo(json.dumps(as_json(verdict, cause, subject, results, code)))
        return code
    from seawall.view import doctor as view

    look = _look(common)
    lines = [*view.table(results, look), ""] if everything else []
    lines += view.block(verdict, cause, results, look, common.plain)
    _printed(lines)
    return code


def _look(common: Common) -> Any:
    from seawall.view.explanation import Look

    if common.plain:
        return Look(None)
    columns = shutil.get_terminal_size((80, 24)).columns
    return Look(min(80, columns), common.color(sys.stdout, os.environ))


def _printed(lines: Sequence[str]) -> None:
    for line in lines:
        click.echo(line, color=True)  # what colour there is was asked for


def _list(given: Sequence["Check"], subject: "Subject", common: Common) -> int:
    from seawall.origin import Origin

    hosts = {
        "api": subject.api.host,
        "control": Origin.parse(subject.control)[0].host,
        "status": Origin.parse(subject.status)[0].host,
        "captive": Origin.parse(subject.captive)[0].host,
        "peers": "teammates' gateways",
        "proxy": "the proxy",
        "resolver": "the resolver",
    }
    if common.json:
        rows = [
            {
                "id": one.id, "title": one.title, "cost": one.cost, "limit": one.limit,
                "hosts": [hosts[name] for name in one.to], "needs": [*one.needs, *one.any_of],
            }
            for one in given
        ]  # fmt: skip
        click.echo(json.dumps({"schema": "seawall.checks/1", "checks": rows}))
        return ExitCode.OK
    from seawall.view import doctor as view

    _printed(view.listed(given, hosts, _look(common)))
    return ExitCode.OK


def _utc(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def as_json(
    verdict: "Verdict", cause: "Cause | None", subject: "Subject", results: Sequence["Result"], code: int
) -> dict[str, Any]:
    """The verdict as `seawall.verdict/1`."""
    now = time.time()
    evidence = [
        {
            "for": one.cause, "direction": one.direction, "weight": one.weight, "text": one.text,
            "check": one.check, "at": _utc(one.at or now),
        }
        for one in verdict.evidence
    ]  # fmt: skip
    held = next((one.finding.facts.get("held", 0) for one in results if one.check.id == "local.gateway"), 0)
    said: dict[str, Any] = {
        "cause": verdict.cause,
        "party": verdict.party if cause else None,
        "host": subject.api.host,
        "confidence": verdict.confidence,
        "title": verdict.title or (cause.title if cause else "All clear"),
        "retry": cause.retry if cause else None,
        "action": {"kind": "hold", "calls": held} if held else None,
        "do": [
            {"text": one.text, "command": one.command, "costs_money": one.costs_money}
            for one in (cause.do if cause and not verdict.decides else ())
        ],
        "dont": [{"text": one.text, "reason": one.reason} for one in (cause.dont if cause else ())],
        "verify": {"command": "seawall doctor", "expect": "exit 0"},
        "decides": " ".join(verdict.decides) or None,
        "escalate": cause.escalate if cause else None,
        "evidence": evidence,
        "also": list(verdict.also),
    }
    return {
        "schema": "seawall.verdict/1",
        "generated_at": _utc(now),
        "seawall_version": __version__,
        "ok": verdict.ok,
        "verdict": said,
        "checks": [
            {
                "id": one.check.id, "title": one.check.title, "state": one.finding.state,
                "took": round(one.took, 4), "cost": one.check.cost, "summary": one.finding.summary,
                "facts": dict(one.finding.facts),
            }
            for one in results
        ],
        "exit_code": int(code),
    }  # fmt: skip
