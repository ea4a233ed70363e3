"""Everything that is known when the answer is written: the verdict, what it rests on, and what else matters. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seawall.causes.cause import Cause, Party, Platform
from seawall.doctor.check import Direction, Finding, Result, State
from seawall.doctor.earlier import Earlier, Recently
from seawall.doctor.escalation import Escalation
from seawall.doctor.side import called
from seawall.doctor.subject import Subject
from seawall.doctor.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Case:
    """A run of the doctor, judged."""

    verdict: Verdict
    cause: Cause | None
    results: Sequence[Result]
    now: float
    """UTC seconds."""
    host: str = "api.anthropic.com"
    """Whom calls are sent to, as `side.name_of` calls it."""
    cloud: str = ""
    """The other provider that the client is switched to."""
    earlier: Earlier = field(default_factory=Earlier)
    recently: Recently | None = None
    escalation: Escalation | None = None
    platforms: frozenset[Platform] = frozenset()
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Where each variable is set that decides over calls: files, and lines of profiles."""
    verbs: frozenset[str] = frozenset()
    """The verbs that there are: no other is named."""
    notifies: bool = False
    """Whether somebody is told when a limit is reset."""

    def finding(self, check: str) -> Finding | None:
        return next((one.finding for one in self.results if one.check.id == check), None)

    def fact(self, check: str, name: str) -> Any:
        """A fact that a check found, or None."""
        finding = self.finding(check)
        return None if finding is None else finding.facts.get(name)

    def ok(self, check: str) -> bool:
        finding = self.finding(check)
        return finding is not None and finding.state is State.OK

    @property
    def held(self) -> int:
        """Calls that Seawall holds just now."""
        value = self.fact("local.gateway", "held")
        return value if isinstance(value, int) and value > 0 else 0

    def held_for(self, *codes: str) -> int:
        """How many of those are held for one of these causes."""
        found = self.fact("local.gateway", "held_for")
        causes = found if isinstance(found, Mapping) else {}
        return sum(count for code, count in causes.items() if code in codes and isinstance(count, int))

    @property
    def next_tries(self) -> Sequence[float | None]:
        """Seconds until each gateway tries again."""
        return self.fact("local.gateway", "next_tries") or ()

    @property
    def running(self) -> bool:
        """Whether a gateway of the user's runs."""
        return bool(self.fact("local.gateway", "running"))

    @property
    def side(self) -> str:
        """Whose side it is, as people read it; of the service the host's, where another than Anthropic answered."""
        if self.party is Party.PROVIDER and self.cloud:
            return f"{self.cloud}'s side"
        # Behind a relay, or an address of this machine, the API may be what answers: its request ids tell.
        by_api = self.verdict.who == "api" or any(
            one.facts.get("who") == "api" for one in self.verdict.evidence if one.direction is Direction.FOR
        )
        return called(self.party, self.host, by_api)

    @property
    def party(self) -> Party:
        return self.verdict.party


def places(subject: Subject) -> dict[str, tuple[str, ...]]:
    """Where each variable is set: Claude Code's files first, then lines of profiles."""
    found: dict[str, list[str]] = {}
    for file in subject.files:
        for name in file.env:
            found.setdefault(name, []).append(file.path)
    for line in subject.lines:
        found.setdefault(line.name, []).append(line.place)
    for name, value in subject.variables.items():
        if name not in found:
            found[name] = [value.where]
    return {name: tuple(dict.fromkeys(where)) for name, where in found.items()}
