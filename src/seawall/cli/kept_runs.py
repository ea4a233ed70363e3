"""`doctor --again`, `--save` and `--compare`: runs of the doctor that are kept in the user's state folder."""

import contextlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seawall.cli.common import Common, ExitCode, Failure
from seawall.cli.look import look_of, printed

if TYPE_CHECKING:
    from seawall.doctor.case import Case
    from seawall.doctor.subject import Subject

LAST = "doctor-last.json"
SAVED = "doctor-saved"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


def failed_last(environ: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    """The checks to repeat (none: all of them), and a line on which those are."""
    from seawall.clock import local
    from seawall.doctor import kept, runs
    from seawall.doctor.check import checks

    place = kept.folder(environ)
    last = kept.read(place / LAST) if place else None
    known = {one.id for one in checks()}
    names = tuple(name for name in runs.to_repeat(last or {}) if name in known)
    if last is None or not names:
        return (), "nothing that failed is kept from a run before; all checks are run"
    at = last.get("at")
    when = f" at {local(at, seconds=False)}" if isinstance(at, (int, float)) else ""
    return names, f"again what did not pass{when}: {', '.join(names)}"


def remember(environ: Mapping[str, str], case: "Case", whole: bool) -> None:
    """Keeps a run in which something failed, for `--again`; a whole run without a fault ends that."""
    from seawall.doctor import kept, runs

    place = kept.folder(environ)
    if place is None:
        return
    try:
        if case.verdict.cause is not None and not _offline(case):
            kept.write(place / LAST, runs.kept_of(case))
        elif whole and case.verdict.cause is None:
            (place / LAST).unlink(missing_ok=True)
    except OSError:
        pass  # a folder that cannot be written is no reason to say nothing about the network


def _offline(case: "Case") -> bool:
    return case.fact("api.edge", "offline") is True


def check_name(name: str) -> str:
    """The name, if a run can be kept under it."""
    if not _NAME.fullmatch(name):
        raise Failure(
            f"{name[:40]!r} is no name for a run: letters, digits, '.', '_' and '-', 40 at most",
            ExitCode.USAGE,
        )
    return name


def save(environ: Mapping[str, str], name: str, case: "Case") -> None:
    """Keeps the run under this name; one of the same name is replaced."""
    from seawall.doctor import kept, runs

    place = kept.folder(environ)
    try:
        if place is None:
            raise OSError("there is no home folder")
        kept.write(place / SAVED / f"{check_name(name)}.json", runs.kept_of(case))
    except OSError as error:
        raise Failure(f"the run cannot be kept: {error.strerror or error}") from None


def saved(environ: Mapping[str, str], name: str) -> tuple[str, dict[str, Any]]:
    """The run that was kept under this name; `Failure` names those that are there."""
    from seawall.doctor import kept, runs

    place = kept.folder(environ)
    found = kept.read(place / SAVED / f"{check_name(name)}.json") if place else None
    if found is not None and found.get("schema") == runs.SCHEMA:
        return name, found
    there = sorted(one.stem for one in _files(place / SAVED)) if place else []
    known = (
        f"there are: {', '.join(there[:10])}"
        if there
        else "none is kept; seawall doctor --save NAME keeps one"
    )
    raise Failure(f"no run is kept as {name!r}; {known}", ExitCode.USAGE)


def open_gate(subject: "Subject", kept_run: tuple[str, dict[str, Any]], case: "Case") -> None:
    """Keeps for the incident that a second network was tried, and what came of it: escalation asks for that."""
    from seawall.cli import examine
    from seawall.doctor import answers, kept, runs

    _, before = kept_run
    fails = runs.second_network(before, case)
    place = kept.folder(os.environ)
    if fails is None or place is None:
        return
    one = examine.going_on(subject, str(before["cause"]), case.now)
    if one is not None:
        with contextlib.suppress(OSError):
            answers.record(place, one.id, "other_network", case.now, fails)


def _files(folder: Path) -> list[Path]:
    try:
        return [one for one in folder.iterdir() if one.suffix == ".json" and not one.name.startswith(".")]
    except OSError:
        return []


def compare(common: Common, kept_run: tuple[str, dict[str, Any]], case: "Case") -> int:
    """Prints the facts that differ, and what that says; the code of what is measured now."""
    from seawall.cli import doctor, examine
    from seawall.clock import utc
    from seawall.doctor import runs

    name, before = kept_run
    result = runs.compared(before, case.results)
    code = doctor.code_of(case)
    at = before.get("at")
    at = float(at) if isinstance(at, (int, float)) and 0 <= at < 1e11 else 0.0
    if common.json:
        found = examine.json_of(case, code)
        found["compared"] = {
            "with": name,
            "saved_at": utc(at),
            "there": {"cause": before.get("cause"), "title": str(before.get("title"))},
            "differs": [
                {"check": one.check, "fact": one.fact, "there": one.there, "here": one.here}
                for one in result.differs
            ],
            "same": result.same,
        }
        click.echo(json.dumps(found))
        return code
    from seawall.view import doctor_compared

    printed(doctor_compared.lines(name, at, before, result, case, look_of(common)))
    return code
