"""From findings to the cause that must be fixed first, with what speaks for it and against it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seawall.causes.cause import Party, index, lookup
from seawall.causes.verdict import Confidence
from seawall.doctor.check import Direction, Finding, Result, Sign, State, Weight

FIRST = (
    Party.SEAWALL,
    Party.MACHINE,
    Party.ACCOUNT,
    Party.NETWORK,
    Party.GATEWAY,
    Party.REQUEST,
    Party.LIMIT,
    Party.PROVIDER,
)
"""Whose causes must be fixed first: nothing behind one can be judged while it stands."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Evidence that only several checks together give.

    `when`: a fact as `check:name`, or a check alone for its state, and the values that fit. `text` may name facts of
    those checks; of several, and for whose evidence it is, the last counts.
    """

    cause: str
    when: Mapping[str, tuple[Any, ...]]
    text: str
    weight: Weight = Weight.STRONG
    direction: Direction = Direction.FOR
    title: str = ""


_FAIL, _OK, _NOT = (State.FAIL,), (State.OK,), (State.SKIP, State.FAIL)
_TIMEOUT, _REFUSED, _RESET = (
    ("connect_timeout", "unreachable"),
    ("connection_refused",),
    ("connection_reset",),
)
_EDGE_STATUS = (500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 529, 530)

RULES = (
    # One kind of address works to the same host at the same moment: that flips the outcome.
    Rule("network.ipv6_broken", {"net.tcp4": _OK, "net.tcp6": _FAIL},
         "by IPv6 to {address}: {said}; by IPv4 it works", Weight.DECISIVE,
         title="IPv6 to {host} does not work; IPv4 does"),
    # No connection by any kind: by what it fails with, and by whether unrelated hosts are reached.
    *(
        rule
        for tcp, other in (("net.tcp4", "net.tcp6"), ("net.tcp6", "net.tcp4"))
        for rule in (
            Rule("network.connection_refused", {other: _NOT, f"{tcp}:fault": _REFUSED}, "{address}: {said}"),
            Rule("network.connect_timeout", {other: _NOT, f"{tcp}:fault": _TIMEOUT}, "{address}: {said}"),
            Rule("network.connection_reset", {other: _NOT, f"{tcp}:fault": _RESET}, "{address}: {said}"),
            Rule("network.blocked", {other: _NOT, tcp: _FAIL}, "no connection to the API's host"),
            Rule("network.blocked", {other: _NOT, tcp: _FAIL, "net.control": _OK},
                 "{host}, an unrelated host, is reached at the same moment"),
            Rule("network.blocked", {other: _NOT, tcp: _FAIL, "status.page:reached": (True,)},
                 "{host} is reached at the same moment"),
            Rule("network.offline", {"net.control:reached": (False,), other: _NOT, tcp: _FAIL},
                 "no connection to the API's host"),
            Rule("network.offline", {other: _NOT, tcp: _FAIL, "net.control:reached": (False,)},
                 "{host}, an unrelated host, is not reached either"),
        )
    ),
    Rule("network.offline", {"status.page:reached": (True,)}, "{host} is reached", Weight.DECISIVE,
         Direction.AGAINST),
    # Two unrelated hosts cannot both have let their certificates run out.
    Rule("machine.clock", {"tls.chain:fault": ("tls_expired",), "net.control:fault": ("tls_expired",)},
         "two unrelated hosts both seem out of date: it is the clock here", Weight.DECISIVE),
    Rule("network.tls_untrusted_ca", {"tls.chain:fault": ("tls_untrusted_ca",),
         "net.control:fault": ("tls_untrusted_ca",)},
         "{host}, an unrelated host, shows a certificate that nobody trusts either: it is the network"),
    # The edge says that what is behind it is in trouble, and the way to it is whole.
    Rule("{cause}", {"api.edge:who": ("edge",), "api.edge:status": _EDGE_STATUS, "net.control": _OK},
         "unrelated hosts are reached: your network is not the reason"),
    Rule("{cause}", {"cred.live:who": ("edge",), "cred.live:status": _EDGE_STATUS, "net.control": _OK},
         "unrelated hosts are reached: your network is not the reason"),
    # The API answers now: whatever broke the way before does not do so any more.
    Rule("network.*", {"api.edge:who": ("api",)},
         "this machine reaches the API now ({status} from the API itself)", Weight.DECISIVE, Direction.AGAINST),
    Rule("gateway.*", {"api.edge:who": ("api",)},
         "the API itself answers now ({status})", Weight.DECISIVE, Direction.AGAINST),
    Rule("account.invalid_api_key", {"cred.live": _OK}, "the key is accepted now", Weight.DECISIVE,
         Direction.AGAINST),
    Rule("account.invalid_credentials_unspecified", {"cred.live": _OK}, "the key is accepted now",
         Weight.DECISIVE, Direction.AGAINST),
    Rule("machine.dead_base_url", {"api.edge": _OK}, "the API itself is reachable from here", Weight.WEAK,
         Direction.NEUTRAL),
)  # fmt: skip
"""What several checks say together. Single checks bring their own signs."""

_UNTOUCHED = ("network.ipv6_broken", "network.tls_untrusted_ca")
"""The API can be reached by one way while these make another fail."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is the matter. `cause` is None where nothing was found; `decides` says what would settle it."""

    cause: str | None
    confidence: Confidence
    title: str
    evidence: tuple[Sign, ...]
    also: tuple[str, ...] = ()
    fine: tuple[str, ...] = ()
    """Titles of the checks that passed."""
    not_run: tuple[str, ...] = ()
    """Titles of those that were not run because another failed."""
    decides: str = ""

    @property
    def party(self) -> Party:
        return lookup(self.cause).party if self.cause else Party.UNKNOWN

    @property
    def ok(self) -> bool:
        return self.cause is None


@dataclass(frozen=True, slots=True)
class _Candidate:
    cause: str
    signs: tuple[Sign, ...]
    confidence: Confidence
    place: int

    @property
    def rank(self) -> tuple[int, int, int, int]:
        """The lower, the earlier it must be fixed."""
        sure = {Confidence.CERTAIN: 0, Confidence.LIKELY: 0, Confidence.POSSIBLE: 1, Confidence.UNKNOWN: 2}
        party = lookup(self.cause).party
        order = FIRST.index(party) if party in FIRST else len(FIRST)
        finer = {Confidence.CERTAIN: 0, Confidence.LIKELY: 1}.get(self.confidence, 2)
        return sure[self.confidence], order, finer, self.place


def conclude(results: Sequence[Result]) -> Verdict:
    """The verdict on what the checks found."""
    signs = [*(sign for one in results for sign in one.finding.signs), *_combined(results)]
    candidates = sorted(_candidates(signs), key=lambda one: one.rank)
    fine = tuple(one.check.title for one in results if one.finding.state is State.OK)
    not_run = tuple(one.check.title for one in results if one.finding.blocked_by)
    general = (*(one for one in signs if one.cause == "*"), *_open(results))
    named = [one for one in candidates if one.confidence is not Confidence.UNKNOWN]
    if named:
        first = named[0]
        also = tuple(one.cause for one in candidates[0:] if one.cause != first.cause and _told(one))
        title = next((one.title for one in _by_weight(first.signs) if one.title), "")
        return Verdict(
            first.cause, first.confidence, title, (*_shown(first.signs), *general), also, fine, not_run
        )
    # What is old and contradicted is over, not a riddle.
    opposed = next(
        (one for one in candidates if any(map(_against, one.signs)) and any(map(_weighty, one.signs))), None
    )
    if opposed is not None:
        title = f"{_low(lookup(opposed.cause).title)}, by what was seen; what is measured now says otherwise"
        return Verdict(
            "unknown.facts_disagree", Confidence.UNKNOWN, title, (*_shown(opposed.signs), *general), (), fine,
            not_run,
            "Run `seawall doctor` while a call fails, and once on another network, such as a phone's hotspot.",
        )  # fmt: skip
    weak = tuple(one for one in signs if one.cause != "*" and one.direction is not Direction.AGAINST)
    return _unmeasured(results, (*weak, *general), fine, not_run)


def _open(results: Sequence[Result]) -> Iterable[Sign]:
    """What could not be measured, which is neither good nor bad."""
    for one in results:
        if one.finding.state in (State.UNKNOWN, State.CRASH):
            text = f"not known: {one.check.title}: {one.finding.summary}"
            yield Sign("*", text, Weight.WEAK, Direction.NEUTRAL, check=one.check.id)


def _unmeasured(
    results: Sequence[Result], signs: tuple[Sign, ...], fine: tuple[str, ...], not_run: tuple[str, ...]
) -> Verdict:
    """All clear, or not known because what matters could not be measured."""
    found = {one.check.id: one.finding for one in results}
    edge = found.get("api.edge")
    if edge is None or edge.state is State.OK:
        return Verdict(None, Confidence.CERTAIN, "", signs, (), fine, not_run)
    if edge.state is State.SKIP and not edge.blocked_by:
        return Verdict(
            "unknown.unknown", Confidence.UNKNOWN, "nothing wrong on this machine; the API was not asked", signs, (),
            fine, not_run, "Run `seawall doctor` without --offline.",
        )  # fmt: skip
    return Verdict(
        "unknown.unknown", Confidence.UNKNOWN, "the API was not reached, and no measurement explains it", signs, (),
        fine, not_run, "Run `seawall doctor` on another network, such as a phone's hotspot, and compare.",
    )  # fmt: skip


def _combined(results: Sequence[Result]) -> Iterable[Sign]:
    """The signs of the rules that fit."""
    found = {one.check.id: one.finding for one in results}
    for rule in RULES:
        facts: dict[str, Any] = {}
        for key, values in rule.when.items():
            finding = found.get(key.partition(":")[0])
            if finding is None or not _fits(finding, key.partition(":")[2], values):
                break
            facts |= finding.facts
        else:
            said = {name: value for name, value in facts.items() if isinstance(value, (str, int, float))}
            yield Sign(
                rule.cause.format_map(said),
                rule.text.format_map(said),
                rule.weight,
                rule.direction,
                rule.title.format_map(said),
                check=list(rule.when)[-1].partition(":")[0],
            )


def _fits(finding: Finding, fact: str, values: tuple[Any, ...]) -> bool:
    if not fact:
        return finding.state in values
    return finding.facts.get(fact) in values


def _candidates(signs: Sequence[Sign]) -> Iterable[_Candidate]:
    known = index().causes
    causes = [one.cause for one in signs if one.direction is Direction.FOR]
    if not any(cause.startswith("provider.") and cause in known for cause in causes):
        # A page that shows an outage is a cause of its own where nothing else names one of the service's.
        signs = [
            replace(one, cause="provider.service_unavailable")
            if one.cause == "provider.*" and one.direction is Direction.FOR
            else one
            for one in signs
        ]
    exact = dict.fromkeys(one.cause for one in signs if one.direction is Direction.FOR and one.cause in known)
    for place, cause in enumerate(exact):
        if cause == "unknown.unknown":
            continue
        own = tuple(one for one in signs if _about(one, cause))
        yield _Candidate(cause, own, confidence(own), place)


def _about(sign: Sign, cause: str) -> bool:
    if sign.cause == cause:
        return True
    wide = sign.cause.endswith(".*") and cause.startswith(sign.cause[:-1])
    return wide and not (cause in _UNTOUCHED and sign.direction is Direction.AGAINST)


def confidence(signs: Sequence[Sign]) -> Confidence:
    """How sure the evidence for one cause makes it: a word, by the rules of the surface."""
    supporting = [one for one in signs if one.direction is Direction.FOR]
    if any(_against(one) for one in signs):
        return Confidence.UNKNOWN
    if any(one.weight is Weight.DECISIVE for one in supporting):
        return Confidence.CERTAIN
    strong = [one for one in supporting if one.weight is Weight.STRONG]
    if len({one.check for one in strong}) >= 2:
        return Confidence.LIKELY
    if strong or len(supporting) >= 3:
        return Confidence.POSSIBLE
    return Confidence.UNKNOWN


def _against(sign: Sign) -> bool:
    return sign.direction is Direction.AGAINST and sign.weight is Weight.DECISIVE


def _weighty(sign: Sign) -> bool:
    return sign.direction is Direction.FOR and sign.weight is not Weight.WEAK


def _told(candidate: _Candidate) -> bool:
    """Whether it is worth a word beside the first: what is contradicted or faint by far is not."""
    if any(_against(one) for one in candidate.signs):
        return False
    return candidate.confidence is not Confidence.UNKNOWN or candidate.cause.startswith("machine.")


_WEIGHTS = {Weight.DECISIVE: 0, Weight.STRONG: 1, Weight.WEAK: 2}
_DIRECTIONS = {Direction.FOR: 0, Direction.AGAINST: 1, Direction.NEUTRAL: 2}


def _by_weight(signs: Iterable[Sign]) -> list[Sign]:
    return sorted(signs, key=lambda one: (_DIRECTIONS[one.direction], _WEIGHTS[one.weight]))


def _shown(signs: Iterable[Sign]) -> tuple[Sign, ...]:
    return tuple({one.text: one for one in reversed(_by_weight(signs))}.values())[::-1]


def _low(text: str) -> str:
    return text[:1].lower() + text[1:]
