"""What a report is about: an episode on record, what was measured just now, and whether it is time to tell anybody.

The first layer of redaction is here and in `machine.py`: only named fields are collected. No prompt, no answer, no file
or its name, no value of the environment, no history of commands; of free text only what the doctor says.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seawall.causes.cause import Cause, load, lookup
from seawall.doctor.check import Result
from seawall.doctor.escalation import Escalation
from seawall.doctor.verdict import Verdict
from seawall.history.episodes import KEPT, Episode
from seawall.report.machine import Machine
from seawall.store.rows import Attempt

if TYPE_CHECKING:
    from sqlalchemy import Connection

DAY = 86400.0
NEWEST = 30 * DAY
"""How far back the newest episode may lie that is meant where none is named."""
MEASURED = "now"
"""In place of an id: what is measured now, whatever is on record."""
MOST = 5000
"""Rows of a timeline: about 500 KB."""
VERSIONS = 90 * DAY
"""How far back versions of the client are compared."""


class Unclear(Exception):
    """There is not exactly one episode that can be meant; one line says why."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is on record of what is reported."""

    episode: Episode | None = None
    rows: Sequence[Attempt] = ()
    """Failures, oldest first."""
    calls: int = 0
    p90: float | None = None
    accepted_at: float | None = None
    """When a call of the same route last succeeded after failures."""
    other: Sequence[Attempt] = ()
    """What else is on record of the last weeks, to compare versions of the client by."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The failures of one cause."""

    cause: Cause
    rows: Sequence[Attempt]

    @property
    def calls(self) -> int:
        """How many calls they hit."""
        return len({row.call for row in self.rows})


@dataclass(frozen=True, slots=True)
class Case:
    """All that the texts of a report are made from."""

    made_at: float
    cause: Cause
    machine: Machine
    verdict: Verdict
    results: Sequence[Result]
    escalation: Escalation
    host: str
    recorded: Recorded = field(default_factory=Recorded)
    cloud: str = ""

    @property
    def id(self) -> str:
        """The episode's id, or the word for what was only measured."""
        return self.recorded.episode.id if self.recorded.episode else MEASURED

    @property
    def kinds(self) -> list[Kind]:
        """The failures on record by their causes, the most frequent first."""
        return [Kind(load(code), rows) for code, rows in _by_cause(self.recorded.rows)]

    @property
    def request_ids(self) -> list[str]:
        """Of the failures, newest first, each once; and of what the doctor was answered."""
        ids = [row.request_id for row in reversed(self.recorded.rows) if row.request_id]
        ids += [
            one.finding.facts["request_id"]
            for one in self.results
            if isinstance(one.finding.facts.get("request_id"), str)
        ]
        return [one for one in dict.fromkeys(ids) if one]


def most_frequent(rows: Sequence[Attempt]) -> str | None:
    """The cause of most of these failures, as the catalogue names it now; None where there are none."""
    return next((code for code, _ in _by_cause(rows)), None)


def _by_cause(rows: Sequence[Attempt]) -> list[tuple[str, list[Attempt]]]:
    found: dict[str, list[Attempt]] = {}
    for row in reversed(rows):  # of equals the one that failed last comes first
        if row.cause:
            found.setdefault(lookup(row.cause).code, []).append(row)
    return sorted(((code, some[::-1]) for code, some in found.items()), key=lambda one: -len(one[1]))


def recorded(
    connection: "Connection | None", wanted: str | None, since: float | None, now: float
) -> Recorded:
    """The episode with this id (or the newest), or all failures since a time; `Unclear` where there is not one."""
    from seawall.history.outlook import outlook
    from seawall.history.past import begun
    from seawall.store import queries

    if connection is None:
        if wanted is not None:
            raise Unclear(f"no episode has the id {wanted[:40]!r}: nothing is on record yet")
        return Recorded()
    if since is not None:
        rows = [row for row in queries.attempts_since(connection, since, MOST) if row.cause and row.at <= now]
        return Recorded(rows=rows[::-1], calls=len({row.call for row in rows}))
    known = begun(connection, now - KEPT, now)
    one = chosen(known, wanted, now)
    if one is None:
        return Recorded()
    span = (one.cause, one.route, one.opened_at, one.last_failure_at)
    rows = queries.attempts_of(connection, *span, MOST)
    recent = queries.attempts_since(connection, one.opened_at - VERSIONS, MOST)
    good = [row.at for row in recent if row.cause is None and row.route == one.route and row.at <= now]
    earlier = [each for each in known if each.opened_at >= one.opened_at - VERSIONS]
    return Recorded(
        episode=one,
        rows=rows,
        calls=queries.calls_of(connection, *span),
        p90=outlook(one, earlier).p90,
        accepted_at=max(good, default=None),
        other=recent,
    )


def chosen(known: Sequence[Episode], wanted: str | None, now: float) -> Episode | None:
    """The episode that is meant: by its id or the beginning of one, else the newest of the last weeks."""
    if wanted is None:
        recent = [one for one in known if one.last_failure_at >= now - NEWEST]
        return max(recent, key=lambda one: one.last_failure_at, default=None)
    fitting = [one for one in known if len(wanted) >= 2 and one.id.startswith(wanted.lower())]
    exact = [one for one in fitting if one.id == wanted.lower()]
    if len(exact or fitting) == 1:
        return (exact or fitting)[0]
    some = ", ".join(one.id for one in fitting[:4])
    what = f"{len(fitting)} episodes begin with" if fitting else "no episode has the id"
    raise Unclear(f"{what} {wanted[:40]!r}{f' ({some})' if some else ''}; `seawall history list` shows them")


def version(client: str) -> tuple[int, ...] | None:
    """The version of Claude Code in what a client calls itself; None for another client."""
    name, _, rest = client.partition("/")
    parts = rest.partition(" ")[0].split(".")
    if name != "claude-cli" or not all(part.isdecimal() and len(part) < 7 for part in parts):
        return None
    return tuple(map(int, parts))


def last_working(rows: Sequence[Attempt], other: Sequence[Attempt], party: str) -> str:
    """The newest earlier version of Claude Code that worked and never failed so; empty where none is known.

    What the service or a limit does is no regression of the client, whatever the versions are.
    """
    failing = {found for row in rows if (found := version(row.client))}
    if not failing or party in ("provider", "limit", "account"):
        return ""
    causes = {row.cause for row in rows}
    broken = failing | {found for row in other if row.cause in causes and (found := version(row.client))}
    worked = {found for row in other if row.cause is None and (found := version(row.client))}
    before = {one for one in worked - broken if one < min(broken)}
    return ".".join(map(str, max(before))) if before else ""
