"""A run of the doctor as verbs need it: what is examined, what is on record of it, and the case that comes of both."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seawall.cli.common import NOWHERE, Common, ExitCode, Failure, home, load_settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from seawall.causes.cause import Cause
    from seawall.doctor.case import Case
    from seawall.doctor.check import Check, Result
    from seawall.doctor.earlier import Earlier, Recently
    from seawall.doctor.escalation import Escalation
    from seawall.doctor.subject import Subject
    from seawall.doctor.verdict import Verdict
    from seawall.history.episodes import Episode
    from seawall.history.past import Past

DAY = 86400.0


def subject_of(common: Common, base_url: str | None = None, spend: bool | None = None) -> "Subject":
    """What is to be examined; `Failure` for an address that is none."""
    from seawall.cli import gateways
    from seawall.doctor import kept
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
        here = NOWHERE
    try:
        return subject(
            loaded.config,
            loaded.sources["gateway.upstream"],
            os.environ,
            home(os.environ),
            here,
            base_url=base_url,
            offline=common.offline,
            spend=spend,
            gateways=gateways.observed(os.environ, time.time()),
            state=kept.folder(os.environ),
        )
    except ValueError as error:
        raise Failure(f"--base-url: {error}", ExitCode.USAGE) from None


def chosen_checks(names: Sequence[str]) -> "tuple[Check, ...]":
    """The named checks and those that they need, all for no names; `Failure` with the nearest for one that is none."""
    from seawall.doctor.check import checks, chosen

    given = checks()
    wanted = [name for one in names for name in one.split(",") if name]
    if not wanted:
        return given
    try:
        return chosen(given, wanted)
    except KeyError as missing:
        import difflib

        name = str(missing.args[0])[:40]
        near = difflib.get_close_matches(name, [one.id for one in given], n=3, cutoff=0.0)
        raise Failure(f"no check {name!r}; the nearest are: {', '.join(near)}", ExitCode.USAGE) from None


def case_of(subject: "Subject", results: "Sequence[Result]", now: float) -> "Case":
    """The verdict on what was found, with all that is on record beside it."""
    from seawall.causes.cause import load
    from seawall.cli.verbs import VERBS
    from seawall.doctor.case import Case, places
    from seawall.doctor.earlier import Earlier
    from seawall.doctor.platform import platforms
    from seawall.doctor.side import name_of
    from seawall.doctor.verdict import conclude

    verdict = conclude(results, now, subject.api.host)
    cause = load(verdict.cause) if verdict.cause else None
    before, recently = _on_record(subject, verdict, now)
    return Case(
        verdict,
        cause,
        results,
        now,
        host=name_of(subject.api),
        cloud=subject.cloud,
        earlier=before or Earlier(),
        recently=recently,
        escalation=_escalation(subject, verdict, cause, results, before or Earlier(), now),
        platforms=platforms(os.environ),
        places=places(subject),
        verbs=frozenset(VERBS),
        notifies="limit_reset" in subject.config.notify.on,
    )


def _escalation(
    subject: "Subject",
    verdict: "Verdict",
    cause: "Cause | None",
    results: "Sequence[Result]",
    before: "Earlier",
    now: float,
) -> "Escalation | None":
    if cause is None:
        return None
    from seawall.doctor import answers, escalation
    from seawall.doctor.side import name_of
    from seawall.origin import anthropics

    current = before.current
    accepted = [one.get("succeeded_at") for one in subject.gateways]
    facts = escalation.facts_of(
        cause.code,
        results,
        now,
        opened_at=current.opened_at if current else None,
        p90=before.outlook.p90,
        episode=current.id if current else "",
        host="" if verdict.who == "api" or anthropics(subject.api.host) else name_of(subject.api),
        accepted_at=max((at for at in accepted if isinstance(at, (int, float))), default=None),
        answers=answers.of(subject.state, current.id if current else ""),
    )
    found = escalation.judge(facts, now, subject.config.escalate)
    if found.state is escalation.State.NOW and current is not None:
        from dataclasses import replace

        from seawall.cli import ready

        if (folder := ready.of(current.id)) is not None:
            found = replace(found, text=f"{found.text}; it is ready in {ready.shown(folder)}")
    return found


def _on_record(
    subject: "Subject", verdict: "Verdict", now: float
) -> "tuple[Earlier | None, Recently | None]":
    """What the store has of this cause, or of today where nothing is the matter; nothing where it cannot be read."""
    with _records(subject) as connection:
        if connection is None:
            return None, None
        from seawall.doctor.earlier import earlier
        from seawall.history.outlook import DAYS
        from seawall.history.past import begun, past
        from seawall.store import queries
        from seawall.view.history import note_line

        if verdict.cause is None:
            midnight = _midnight(now)
            counts = queries.counts_since(connection, int(midnight // 3600))
            calls = sum(one.attempts for one in counts if not one.cause)
            return None, recently(past(connection, now - DAY, now), calls, midnight)
        found = begun(connection, now - DAYS * DAY, now, verdict.cause)
        note = queries.last_note(connection, verdict.cause, now)
        return earlier(verdict.cause, found, now, note_line(note, now) if note else ""), None
    return None, None


def going_on(subject: "Subject", cause: str, now: float) -> "Episode | None":
    """The incident of this cause that goes on, by the records; else the one that began last within the last hour."""
    with _records(subject) as connection:
        if connection is None:
            return None
        from seawall.history.episodes import End
        from seawall.history.past import begun

        found = begun(connection, now - DAY, now, cause)
        young = [one for one in found if one.end is End.OPEN or one.opened_at >= now - 3600]
        return max(young, key=lambda one: (one.end is End.OPEN, one.opened_at), default=None)
    return None


@contextmanager
def _records(subject: "Subject") -> "Iterator[Connection | None]":
    """The store, to be read; None where there is none. What breaks while it is read ends the reading, and no more."""
    from seawall.store.place import here, store_path
    from seawall.store.trouble import Unusable

    try:
        path = store_path(subject.config.store, here())
        there = path.exists()
    except (Unusable, OSError):
        there = False
    if not there:
        yield None
        return
    from sqlalchemy.exc import SQLAlchemyError

    from seawall.store import queries
    from seawall.store.version import HEAD

    opened = False
    try:
        with queries.reading(path) as connection:
            known = queries.revision(connection) == HEAD
            opened = True
            yield connection if known else None
    except (SQLAlchemyError, OSError):
        if not opened:
            yield None


def recently(seen: "Past", calls: int, midnight: float) -> "Recently":
    """What became of the calls since midnight, and the incident that ended last, of the last day."""
    from seawall.doctor.earlier import Recently
    from seawall.history.episodes import End

    back = [one for one in seen.recoveries if one.last >= midnight]
    today = [one for one in seen.episodes if one.opened_at >= midnight]
    over = [one for one in seen.episodes if one.end is not End.OPEN]
    return Recently(
        calls,
        sum(one.calls for one in back),
        max((one.last - one.since for one in back), default=0.0),
        sum(one.given_up + one.broken for one in today),
        max(over, key=lambda one: one.until, default=None),
    )


def _midnight(now: float) -> float:
    local = time.localtime(now)
    return time.mktime((local.tm_year, local.tm_mon, local.tm_mday, 0, 0, 0, 0, 0, -1))


def json_of(case: "Case", code: int) -> dict[str, Any]:
    """The case as `seawall.verdict/1`."""
    from seawall.doctor.advice import advice
    from seawall.view.doctor_data import as_json

    return as_json(case, advice(case), code)
