"""From findings to the cause that must be fixed first, with what speaks for it and against it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from seawall.causes.cause import Party, index, lookup
from seawall.causes.verdict import Confidence
from seawall.clock import duration
from seawall.doctor.check import Direction, Finding, Result, Sign, State, Weight
from seawall.doctor.rules import Decides, about, fits, rules
from seawall.origin import anthropics

CLOUDS = (".amazonaws.com", ".googleapis.com", ".azure.com")
"""Where other providers answer for Claude themselves."""


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
    decides: tuple[str, ...] = ()
    """Lines on the one measurement that would settle it; empty where it is settled."""
    who: str = ""
    """Who answered when the API was asked: `api`, `edge`, `seawall`, `between`, `nobody`; empty: it was not asked."""

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
    def order(self) -> int:
        """Where its party stands among those whose causes must be fixed first."""
        party, first = lookup(self.cause).party, rules().order
        return first.index(party) if party in first else len(first)

    @property
    def rank(self) -> tuple[int, int, int, int]:
        """The lower, the earlier it must be fixed."""
        sure = {Confidence.CERTAIN: 0, Confidence.LIKELY: 0, Confidence.POSSIBLE: 1, Confidence.UNKNOWN: 2}
        finer = {Confidence.CERTAIN: 0, Confidence.LIKELY: 1}.get(self.confidence, 2)
        return sure[self.confidence], self.order, finer, self.place


def conclude(results: Sequence[Result], now: float | None = None, host: str = "api.anthropic.com") -> Verdict:
    """The verdict on what the checks found. `now` in UTC seconds ages old facts; `host` is whom calls are sent to."""
    found = {one.check.id: one.finding for one in results}
    signs = [sign for one in results for sign in _told_by(one, host)] + list(_combined(found))
    if now is not None:
        signs = [_aged(one, now) for one in signs]
    verdict = _judged(signs, results, found)
    return replace(
        verdict,
        fine=tuple(one.check.title for one in results if _is_fine(one)),
        not_run=tuple(one.check.title for one in results if one.finding.blocked_by),
        who=next(
            (str(found[name].facts["who"]) for name in ("api.edge", "cred.live") if _asked(found, name)), ""
        ),
    )


def _is_fine(result: Result) -> bool:
    """Whether it passed, and is of the way to the API or of what is set here: calls and times are told elsewhere."""
    return result.finding.state is State.OK and not result.check.id.startswith(_TOLD_ELSEWHERE)


_TOLD_ELSEWHERE = ("seen.", "api.path", "request.", "local.gateway")


def _asked(found: Mapping[str, Finding], name: str) -> bool:
    return name in found and "who" in found[name].facts


def _judged(signs: Sequence[Sign], results: Sequence[Result], found: Mapping[str, Finding]) -> Verdict:
    candidates = sorted(_candidates(signs), key=lambda one: one.rank)
    general = (*(one for one in signs if one.cause == "*"), *_open(results))
    named = [one for one in candidates if one.confidence is not Confidence.UNKNOWN]
    if named:
        first = named[0]
        others = sorted(filter(_told, candidates), key=lambda one: one.order)
        also = tuple(one.cause for one in others if one.cause != first.cause)
        title = next((one.title for one in _by_weight(first.signs) if one.title), "")
        return Verdict(first.cause, first.confidence, title, (*_shown(first.signs), *general), also)
    # What is old and contradicted is over, not a riddle.
    opposed = next(
        (one for one in candidates if any(map(_against, one.signs)) and any(map(_weighty, one.signs))), None
    )
    if opposed is not None:
        how = _measurement(opposed.cause, found)
        title = (
            how.said
            or f"{_low(lookup(opposed.cause).title)}, by what was seen; what is measured now says otherwise"
        )
        shown = (*_shown(opposed.signs), *general)
        return Verdict("unknown.facts_disagree", Confidence.UNKNOWN, title, shown, decides=how.do)
    weak = tuple(one for one in signs if one.cause != "*" and one.direction is not Direction.AGAINST)
    edge = found.get("api.edge")
    if edge is None or edge.state is State.OK:
        return Verdict(None, Confidence.CERTAIN, "", (*weak, *general))
    how = _measurement("none", found)
    return Verdict("unknown.unknown", Confidence.UNKNOWN, how.said, (*weak, *general), decides=how.do)


def _measurement(cause: str, found: Mapping[str, Finding]) -> Decides:
    """The one measurement that would settle it: of the rules that fit the first."""
    return next(
        one
        for one in rules().decides
        if (about(one.cause, cause) if cause != "none" else one.cause == "none") and fits(one.when, found)
    )


def _told_by(result: Result, host: str) -> Iterable[Sign]:
    """A check's signs, without those that whoever answered it cannot give: an edge knows no account."""
    facts, known = result.finding.facts, rules()
    who = str(facts.get("who", ""))
    elsewhere = who == "between" and not anthropics(host)
    out: tuple[str, ...] = known.excludes.get(who, ())
    if (who == "edge" and facts.get("status") == 413) or elsewhere:
        out = ()
    for one in result.finding.signs:
        cause = one.cause
        if elsewhere and not host.endswith(CLOUDS):
            cause = known.instead.get(cause, cause)
        excluded = one.direction is Direction.FOR and cause.partition(".")[0] in out
        if excluded and cause not in known.apart.causes:
            yield replace(one, cause="*", direction=Direction.NEUTRAL, title="")
        else:
            yield replace(one, cause=cause)


def _aged(sign: Sign, now: float) -> Sign:
    """A fact that is old counts a step less, and says how old it is."""
    age = 0.0 if sign.at is None else now - sign.at
    if age <= rules().old:
        return sign
    weight = {Weight.DECISIVE: Weight.STRONG}.get(sign.weight, Weight.WEAK)
    return replace(sign, weight=weight, text=f"{sign.text}; {duration(age)} ago")


def _open(results: Sequence[Result]) -> Iterable[Sign]:
    """What could not be measured, which is neither good nor bad; what several say alike is said once."""
    alike: dict[str, list[Result]] = {}
    for one in results:
        if one.finding.state in (State.UNKNOWN, State.CRASH):
            alike.setdefault(one.finding.summary, []).append(one)
    for summary, them in alike.items():
        titles = ", ".join(one.check.title for one in them)
        yield Sign(
            "*", f"not known: {titles}: {summary}", Weight.WEAK, Direction.NEUTRAL, check=them[0].check.id
        )


def _combined(found: Mapping[str, Finding]) -> Iterable[Sign]:
    """The signs of the rules that fit."""
    for rule in rules().rule:
        if not fits(rule.when, found):
            continue
        facts: dict[str, object] = {}
        for key in rule.when:
            finding = found[key.partition(":")[0]]
            facts |= {**finding.facts, "summary": finding.summary}
        said = {name: value for name, value in facts.items() if isinstance(value, (str, int, float))}
        try:
            cause, text, title = (one.format_map(said) for one in (str(rule.cause), rule.text, rule.title))
        except KeyError:  # the check did not find what the sentence names
            continue
        yield Sign(cause, text, rule.weight, rule.direction, title, check=rule.check)


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
    wide = sign.cause.endswith(".*") and about(sign.cause, cause)
    return wide and not (cause in rules().apart.causes and sign.direction is Direction.AGAINST)


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
