"""When trouble is to be told to somebody, and to whom: six gates, five outcomes. Pure.

Two clocks come from public troubleshooting texts: ten minutes for the service's own failures, thirty for the rest.
They are gates, not the whole rule: most of what gets reported was over, known, or the reporter's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from seawall.causes.cause import Cause, Party, load, lookup
from seawall.clock import duration, local, utc
from seawall.config import Escalate
from seawall.doctor.answers import Answers
from seawall.doctor.check import Result
from seawall.doctor.check import State as Ended
from seawall.origin import anthropics

FRESH_PAGE = 180.0
"""Seconds for which a look at the status page counts."""
KNOWN_PAGE = 900.0
"""Seconds for which an incident that it showed is taken to go on."""
FRESH_ACCOUNT = 900.0
"""Seconds for which it counts that the credential was accepted."""
TWICE = 2.0
"""After so many times the wait, page and network alone are enough."""


class State(StrEnum):
    """What comes of it."""

    NEVER = "never"
    """It is the person's own to fix."""
    ALREADY_KNOWN = "already_known"
    """The page shows it: nothing to file."""
    NOT_YET = "not_yet"
    NOW = "now"
    ELSEWHERE = "elsewhere"
    """To somebody else than Anthropic."""


class Met(StrEnum):
    """Whether a gate is open."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition, in the words that are shown."""

    id: str
    state: Met
    text: str
    opens_at: float | None = None
    """UTC seconds; only of the time gate, while it is shut."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the status page said: the incident's name (empty: none) and when it was read (None: it was not)."""

    read_at: float | None = None
    incident: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is judged by. Times are UTC seconds."""

    cause: str
    opened_at: float | None = None
    """When the episode began; None where none is on record."""
    p90: float | None = None
    """Seconds in which 9 of 10 earlier episodes of its kind were over; None with too few."""
    episode: str = ""
    host: str = ""
    """Whom calls go to; empty: Anthropic's own."""
    page: Page = field(default_factory=Page)
    network: Met = Met.UNKNOWN
    network_text: str = "not measured; run seawall"
    accepted_at: float | None = None
    """When the credential was last accepted."""
    old_client: str = ""
    """What is known of a later client that this very symptom is mended in."""
    peers_failing: int = 0
    peers_fine: int = 0
    answers: Answers = field(default_factory=Answers)


@dataclass(frozen=True, slots=True)
class Escalation:
    """The outcome, in a word and in a line, and the gates; those are empty where no gate matters."""

    state: State
    text: str
    opens_at: float | None = None
    gates: tuple[Gate, ...] = ()

    @property
    def met(self) -> int:
        """How many gates are open."""
        return sum(gate.state is Met.YES for gate in self.gates)


def judge(facts: Facts, now: float, rules: Escalate) -> Escalation:
    """Whether, when and to whom; never `now` for what is not the service's, or while its page shows an incident."""
    cause = _cause(facts.cause)
    if (to := _somebody_else(cause, facts.host)) is not None:
        return Escalation(State.ELSEWHERE, to) if to else Escalation(State.NEVER, "never for this cause")
    need = _wait(cause, facts.p90, rules)
    gates = (
        _time(facts, now, need, rules),
        _page(facts.page, now),
        _network(facts),
        _account(facts, now),
        _basics(facts),
        _others(facts),
    )
    if _incident(facts.page, now):
        where = f" ({facts.page.link})" if facts.page.link else ""
        text = f'already known: the status page shows "{facts.page.incident}"{where}; nothing to file'
        return Escalation(State.ALREADY_KNOWN, text, gates=gates)
    met = {gate.id for gate in gates if gate.state is Met.YES}
    twice = None if facts.opened_at is None else facts.opened_at + TWICE * need
    if len(met) == len(gates) or (twice is not None and now >= twice and {"time", "page", "network"} <= met):
        return Escalation(State.NOW, f"now: seawall report {facts.episode}".rstrip(), gates=gates)
    opens = gates[0].opens_at
    if opens is None and {"time", "page", "network"} <= met:
        opens = twice
    return Escalation(State.NOT_YET, _not_yet(gates, len(met), opens, now), opens, gates)


@cache
def _cause(code: str) -> Cause:
    return load(lookup(code).code)


def _somebody_else(cause: Cause, host: str) -> str | None:
    """Whom it is to be told instead of Anthropic; empty: nobody; None: Anthropic it is, once the gates are open."""
    rule = cause.escalate.rstrip(".")
    if rule.startswith("Never"):
        return ""
    if cause.party in (Party.PROVIDER, Party.UNKNOWN):
        if host and not anthropics(host):
            return f"to whoever runs {host}, not to Anthropic"
        return rule[:1].lower() + rule[1:] if ", to " in rule else None
    to = (
        rule[:1].lower() + rule[1:]
        if rule.startswith("To ")
        else f"to whoever runs it; {rule[:1].lower()}{rule[1:]}"
    )
    if cause.party is Party.NETWORK and not rule.startswith("To "):
        to = f"to your network team, {rule[:1].lower()}{rule[1:]}"
    return f"{to}. Text: seawall report --it" if "IT department" in to else to


def _wait(cause: Cause, p90: float | None, rules: Escalate) -> float:
    """Seconds that it must have lasted."""
    provider = cause.party is Party.PROVIDER and "30 min" not in cause.escalate
    return max(rules.provider_after if provider else rules.other_after, p90 or 0.0)


def _time(facts: Facts, now: float, need: float, rules: Escalate) -> Gate:
    if facts.opened_at is None:
        return Gate("time", Met.UNKNOWN, "no episode is on record; count from the first failure")
    age = max(0.0, now - facts.opened_at)
    longer = "; 9 of 10 earlier ones were over by then" if facts.p90 and need == facts.p90 else ""
    if age > need:
        return Gate("time", Met.YES, f"{duration(age)}, more than {duration(need)}{longer}")
    opens = facts.opened_at + need if now >= facts.opened_at else now + need
    text = f"{duration(age)} of {duration(need)}   opens {local(opens)}{longer}"
    return Gate("time", Met.NO, text, opens)


def _incident(page: Page, now: float) -> bool:
    return bool(page.incident) and page.read_at is not None and now - page.read_at <= KNOWN_PAGE


def _page(page: Page, now: float) -> Gate:
    if page.read_at is None:
        return Gate("page", Met.UNKNOWN, "not read")
    if page.incident:
        return Gate("page", Met.NO, f"shows an incident, read at {local(page.read_at)}")
    if now - page.read_at > FRESH_PAGE:
        return Gate("page", Met.UNKNOWN, f"read {duration(now - page.read_at)} ago; look again")
    return Gate("page", Met.YES, f"green at {local(page.read_at)}")


def _network(facts: Facts) -> Gate:
    other = facts.answers.other_network
    if other is not None and not other.yes:
        return Gate("network", Met.NO, "another network works")
    if other is not None:
        return Gate("network", Met.YES, "a second network fails too")
    untried = " · second network: not tried (seawall doctor --save)" if facts.network is not Met.NO else ""
    return Gate("network", facts.network, f"{facts.network_text}{untried}")


def _account(facts: Facts, now: float) -> Gate:
    other = facts.answers.other_login
    if facts.accepted_at is not None and now - facts.accepted_at <= FRESH_ACCOUNT:
        ago = duration(max(0.0, now - facts.accepted_at))
        return Gate("account", Met.YES, f"accepted {ago} ago")
    if other is not None:
        said = "fails too" if other.yes else "works"
        return Gate("account", Met.YES if other.yes else Met.NO, f"a second way of signing in {said}")
    return Gate("account", Met.UNKNOWN, "not seen accepted in the last 15 min")


def _basics(facts: Facts) -> Gate:
    if facts.old_client:
        return Gate("basics", Met.NO, facts.old_client)
    again = facts.answers.restarted
    since = facts.opened_at if facts.opened_at is not None else 0.0
    if again is not None and again.yes and again.at >= since:
        return Gate("basics", Met.YES, f"restarted at {local(again.at)}")
    return Gate("basics", Met.UNKNOWN, "restart Claude Code once, then press b")


def _others(facts: Facts) -> Gate:
    said = facts.answers.community
    if facts.peers_fine:
        return Gate("others", Met.NO, f"{_teammates(facts.peers_fine, 'is', 'are')} fine")
    if facts.peers_failing:
        return Gate("others", Met.YES, f"{_teammates(facts.peers_failing, 'fails', 'fail')} too")
    if said is not None:
        return (
            Gate("others", Met.YES, "others report it")
            if said.yes
            else Gate("others", Met.NO, "nobody reports it")
        )
    return Gate("others", Met.UNKNOWN, "do others report it? press r to look")


def _teammates(count: int, one: str, many: str) -> str:
    return f"1 teammate {one}" if count == 1 else f"{count} teammates {many}"


def _not_yet(gates: Sequence[Gate], met: int, opens: float | None, now: float) -> str:
    if gates[0].state is Met.NO and opens is not None:
        green = " and the page stays green" if gates[1].state is Met.YES else ""
        return f"not yet; {local(opens)} (in {duration(opens - now)}) if this goes on{green}"
    then = f"; {local(opens)} (in {duration(opens - now)}) in any case" if opens is not None else ""
    return f"not yet; {met} of {len(gates)} gates met (seawall report shows them){then}"


_MARKS = {Met.YES: "+", Met.NO: "x", Met.UNKNOWN: "?"}


def rows(one: Escalation, plain: bool = False) -> list[str]:
    """How many gates are open, and a line for each; nothing where no gate matters."""
    if not one.gates:
        return []
    lines = [f"{one.met} of {len(one.gates)} gates met"]
    for gate in one.gates:
        text = gate.text.replace(" · ", "; ") if plain else gate.text
        lines.append(f"{_MARKS[gate.state]} {gate.id:<8} {text}")
    return lines


def as_json(one: Escalation) -> dict[str, object]:
    """The outcome as the verdict's object has it; times in UTC."""
    return {
        "state": one.state.value,
        "text": one.text,
        "opens_at": None if one.opens_at is None else utc(one.opens_at),
        "gates": [{"id": gate.id, "state": gate.state.value, "text": gate.text} for gate in one.gates],
    }


def facts_of(
    cause: str,
    results: Sequence[Result],
    now: float,
    *,
    opened_at: float | None = None,
    p90: float | None = None,
    episode: str = "",
    host: str = "",
    accepted_at: float | None = None,
    answers: Answers | None = None,
) -> Facts:
    """The facts from what the doctor's checks found just now, and what else is known of the episode."""
    found = {one.check.id: one.finding for one in results}
    met, text = _measured_network({name: one.state for name, one in found.items()}, results)
    live = found.get("cred.live")
    client = found.get("local.client")
    old = (
        next((sign.text for sign in client.signs if sign.cause == "machine.old_client"), "") if client else ""
    )
    peers: Mapping[str, Any] = found["seen.peers"].facts if "seen.peers" in found else {}
    return Facts(
        cause=cause,
        opened_at=opened_at,
        p90=p90,
        episode=episode,
        host=host,
        page=_page_found(found["status.page"].facts, now) if "status.page" in found else Page(),
        network=met,
        network_text=text,
        accepted_at=now if live is not None and live.state is Ended.OK else accepted_at,
        old_client=old,
        peers_failing=_count(peers, "failing"),
        peers_fine=_count(peers, "fine"),
        answers=answers or Answers(),
    )


_PATH = {"tls.chain": "TLS", "net.control": "another host"}
"""What must have been walked for the network to be fine: to the API's door, and to a host that is none of its own."""
_WALKED = (Ended.OK, Ended.WARN)
"""`tls.chain` only warns where the connection stood: a company's root that only this machine trusts is no fault."""


def _measured_network(states: Mapping[str, Ended], results: Sequence[Result]) -> tuple[Met, str]:
    titles = {one.check.id: one.check.title for one in results}
    bad = [name for name in states if name.startswith(("net.", "tls.")) and states[name] is Ended.FAIL]
    if bad:
        return Met.NO, f"{titles[bad[0]]}: failed"
    walked = {name for name, state in states.items() if state in _WALKED}
    if states.get("api.edge") is Ended.OK:
        walked.add("tls.chain")  # the API itself has answered just now, over http too
    missing = next((name for name in _PATH if name not in walked), None)
    if missing is None:
        return Met.YES, "fine"
    return Met.UNKNOWN, f"{titles.get(missing, _PATH[missing])}: not measured"


def _page_found(facts: Mapping[str, Any], now: float) -> Page:
    if facts.get("reached") is not True:
        return Page()
    link = f"https://{facts['host']}" if isinstance(facts.get("host"), str) else ""
    worst = facts.get("worst")
    if not isinstance(worst, int) or worst == 0:
        return Page(now, "", link)
    incidents, components = facts.get("incidents"), facts.get("components")
    if isinstance(incidents, list) and incidents and isinstance(incidents[0], Mapping):
        name = str(incidents[0].get("name") or "an incident")
    elif isinstance(components, Mapping) and components:
        name = "; ".join(f"{part}: {said}" for part, said in components.items() if said != "operational")
    else:
        name = str(facts.get("indicator") or "an incident")
    return Page(now, name[:120] or "an incident", link)


def _count(facts: Mapping[str, Any], name: str) -> int:
    value = facts.get(name)
    return value if isinstance(value, int) and value > 0 else 0
