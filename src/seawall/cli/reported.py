"""What `seawall report` starts from: looks back, measures, asks what was tried, and learns what must be hidden."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seawall.cli.common import Common, ExitCode, Failure, exit_code_of, home
from seawall.cli.records import open_records

if TYPE_CHECKING:
    from seawall.doctor.answers import Kind
    from seawall.doctor.check import Result
    from seawall.doctor.escalation import Escalation
    from seawall.doctor.subject import Subject
    from seawall.report.case import Case, Recorded
    from seawall.report.hidden import Hidden
    from seawall.report.masking import Masker
    from seawall.report.names import Names

TRIED: dict[str, tuple["Kind", bool]] = {
    "restart": ("restarted", True),
    "network": ("other_network", True),
    "login": ("other_login", True),
    "others": ("community", True),
    "network-works": ("other_network", False),
    "login-works": ("other_login", False),
    "no-others": ("community", False),
}
"""What a person may say that they tried, and which answer that is."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for."""

    episode: str | None
    text: str
    """`bundle`, `show`, `stdout`, or one text: `issue`, `support`, `it`."""
    browser: bool
    since: float | None
    to: Path
    reveal: tuple[str, ...]
    no_network_names: bool
    yes: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A case, and what hides its names."""

    case: "Case"
    verdict: Mapping[str, Any]
    masker: "Masker"
    revealed: tuple[str, ...]
    """Kinds of names that stay as they are."""
    hidden: "Hidden"
    names: "Names"


def prepared(
    common: Common,
    wanted: Wanted,
    tried: Sequence[str],
    now: float,
    known: "tuple[Result, ...] | None" = None,
) -> Prepared:
    """Looks back, measures, and learns what must be hidden.

    `known`: what was measured of the way to the API already; then nobody beyond this machine is asked.
    """
    from seawall.causes.cause import load, lookup
    from seawall.cli.examine import case_of, json_of, subject_of
    from seawall.doctor.check import checks, measure
    from seawall.report import case as of
    from seawall.report.machine import machine
    from seawall.report.masking import Masker
    from seawall.report.names import load as names_of

    recorded = _looked_back(common, wanted, now)
    _say_tried(common, recorded, tried, now)
    subject = subject_of(common)
    if sys.stderr.isatty() and not common.json:
        common.say("measuring ...")
    if known is None:
        results = measure(subject, checks())
    else:
        here = measure(subject, [one for one in checks() if not one.to])
        results = (*known, *(one for one in here if one.check.id not in {each.check.id for each in known}))
    measured = case_of(subject, results, now)
    verdict = measured.verdict
    code = recorded.episode.cause if recorded.episode else of.most_frequent(recorded.rows) or verdict.cause
    if code is None or (code == "unknown.unknown" and common.offline and not recorded.rows):
        raise Failure(
            "there is no incident to report: none is on record, and nothing wrong was measured (seawall doctor)",
            ExitCode.USAGE,
        )
    host = _host(recorded, code) or subject.api.host
    case = of.Case(
        made_at=now,
        cause=load(lookup(code).code),
        machine=machine(os.environ, subject, results, host, sys.stdout.isatty()),
        verdict=verdict,
        results=results,
        escalation=_judged(subject, recorded, code, host, results, now),
        host=host,
        recorded=recorded,
        cloud=subject.cloud,
    )
    names = names_of(state())
    hidden = _hidden(subject, case, wanted)
    config = subject.config.report
    reveal = set(wanted.reveal)
    if (config.include_hostnames or wanted.text == "it") and not wanted.no_network_names:
        # Whoever runs the network needs to know which hosts and addresses are meant.
        reveal |= {"host", "address"} if wanted.text == "it" else {"host"}
    said = json_of(measured, exit_code_of(verdict.cause) if verdict.cause else ExitCode.OK)
    return Prepared(
        case, said, Masker(hidden, names, reveal, case.request_ids), tuple(sorted(reveal)), hidden, names
    )


def _host(recorded: "Recorded", code: str) -> str:
    """Where the newest failure of that cause was; empty where there is none."""
    from seawall.causes.cause import lookup

    rows = (
        row for row in reversed(recorded.rows) if row.cause and lookup(row.cause).code == lookup(code).code
    )
    return next((row.route.partition(":")[0] for row in rows), "")


def _looked_back(common: Common, wanted: Wanted, now: float) -> "Recorded":
    """What is on record; nothing, with a line that says why, where the records cannot be read and none was named."""
    from seawall.report.case import MEASURED, Recorded, Unclear, recorded

    if wanted.episode == MEASURED:
        return Recorded()
    try:
        with open_records(common) as connection:
            return recorded(connection, wanted.episode, wanted.since, now)
    except Unclear as error:
        raise Failure(str(error), ExitCode.USAGE) from None
    except Failure as failure:
        if wanted.episode is not None or wanted.since is not None:
            raise
        common.say(f"{failure}; the report is of what is measured now")
        return Recorded()


def _say_tried(common: Common, recorded: "Recorded", tried: Sequence[str], now: float) -> None:
    """Keeps what the person says they tried, for this report and for `watch`."""
    from seawall.doctor import answers

    if tried and recorded.episode is None:
        raise Failure("--tried needs an incident that is on record", ExitCode.USAGE)
    for each in tried:
        kind, yes = TRIED[each]
        try:
            if (place := state()) is None or recorded.episode is None:
                raise OSError
            answers.record(place, recorded.episode.id, kind, now, yes)
        except OSError:
            common.say("what you tried cannot be kept: no folder can be written")


def _judged(
    subject: "Subject", recorded: "Recorded", code: str, host: str, results: "Sequence[Result]", now: float
) -> "Escalation":
    """Whether it is time to tell anybody."""
    from seawall.causes.evidence import by_api
    from seawall.doctor import answers, escalation

    place, one = state(), recorded.episode
    succeeded = [
        value for each in subject.gateways if isinstance(value := each.get("succeeded_at"), (int, float))
    ]
    accepted = max((*succeeded, recorded.accepted_at or 0.0))
    facts = escalation.facts_of(
        code,
        results,
        now,
        opened_at=one.opened_at if one else None,
        p90=recorded.p90,
        episode=one.id if one else "",
        host="" if any(by_api(row.request_id) for row in recorded.rows) else _far(host),
        accepted_at=accepted or None,
        answers=answers.of(place, one.id) if one else None,
    )
    return escalation.judge(facts, now, subject.config.escalate)


def _far(host: str) -> str:
    """The host, unless it is this machine: then whoever is behind it is not known, and taken to be Anthropic."""
    from seawall.origin import is_loopback

    return "" if is_loopback(host) else host


def state() -> Path | None:
    """The user's folder of small files that outlive a process."""
    from seawall.doctor import kept

    return kept.folder(os.environ)


def _hidden(subject: "Subject", case: "Case", wanted: Wanted) -> "Hidden":
    """What must not go out, as far as this process knows it."""
    from seawall.report.hidden import known, secret_values

    variables = {name: one.text for name, one in subject.variables.items()}
    for file in subject.files:
        variables |= {f"{name} ": text for name, text in file.env.items()}
    secrets = secret_values({name.strip(): text for name, text in variables.items()})
    secrets |= {subject.config.team.token} - {""}
    hosts = [subject.api.host] if not subject.api.host.endswith("anthropic.com") else []
    for one in case.results:
        facts = one.finding.facts
        hosts += [str(facts[name]).rpartition(":")[0] for name in ("proxy",) if facts.get(name)]
        if wanted.no_network_names:
            hosts += [str(facts[name]) for name in ("issuer", "inspector", "via") if facts.get(name)]
    return known(os.environ, home(os.environ), secrets, hosts)
