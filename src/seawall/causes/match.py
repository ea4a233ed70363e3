"""From evidence to a code: one pass over the compiled rules.

The stages, first that fits: the stable error code; a type that has one meaning only; the message, whose meaning
beats type and status; rate-limit headers; the type; the status; what broke below HTTP; the body of an answer that
should have been good. In a stage the rule with more conditions comes first.
"""

from collections.abc import Iterable
from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from seawall.causes.cause import Matcher, Reading, Rule, index, readings
from seawall.causes.evidence import Evidence

if TYPE_CHECKING:
    from seawall.causes.extract import Part

UNKNOWN = "unknown.unknown"
LOCAL = "machine.local_runtime"

_SURE_TYPES = frozenset({"overloaded_error"})
"""Whatever the status and the wording: these words have one meaning."""


class Stage(IntEnum):
    """The order in which rules are tried."""

    CODE = 0
    SURE = 1
    TEXT = 2
    LIMITS = 3
    TYPE = 4
    STATUS = 5
    FAULT = 6
    REST = 7


def stage(matcher: Matcher) -> Stage:
    """When a matcher is tried: by the weightiest of its conditions."""
    if matcher.error_code:
        return Stage.CODE
    if _SURE_TYPES.intersection(matcher.type):
        return Stage.SURE
    if matcher.text:
        return Stage.TEXT
    if matcher.bucket or matcher.limits_rejected is not None or matcher.retry_after is not None:
        return Stage.LIMITS
    if matcher.type:
        return Stage.TYPE
    # A status of success is no verdict: what broke afterwards, or what the body was, is.
    if matcher.status or (matcher.status_class and matcher.status_class != (2,)):
        return Stage.STATUS
    return Stage.FAULT if matcher.fault else Stage.REST


_Phrase = tuple[str, ...]
"""Parts that must follow each other."""

_SPACED = str.maketrans(dict.fromkeys("!\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~", " "))
"""What separates words; the underscore does not: `max_tokens` is one."""


class _Stages(NamedTuple):
    """The rules, each where its stage looks for it."""

    by_code: dict[str, list[Rule]]
    by_sure_type: dict[str, list[Rule]]
    texts: list[tuple[_Phrase, Rule]]
    by_word: dict[str, list[int]]
    """Each phrase under its longest word, so that a message is looked through once, not once for each phrase."""
    limits: list[Rule]
    by_type: dict[str, list[Rule]]
    by_status: dict[int, list[Rule]]
    by_class: dict[int, list[Rule]]
    by_fault: dict[str, list[Rule]]
    rest: list[Rule]


@cache
def _stages() -> _Stages:
    stages = _Stages({}, {}, [], {}, [], {}, {}, {}, {}, [])
    for rule in index().rules:
        match stage(rule):
            case Stage.CODE:
                _file(stages.by_code, rule.error_code, rule)
            case Stage.SURE:
                _file(stages.by_sure_type, rule.type, rule)
            case Stage.TEXT:
                for text in rule.text:
                    stages.by_word.setdefault(key_word(text), []).append(len(stages.texts))
                    stages.texts.append((tuple(text.split(" * ")), rule))
            case Stage.LIMITS:
                stages.limits.append(rule)
            case Stage.TYPE:
                _file(stages.by_type, rule.type, rule)
            case Stage.STATUS:
                _file(stages.by_status, rule.status, rule)
                _file(stages.by_class, rule.status_class, rule)
            case Stage.FAULT:
                _file(stages.by_fault, rule.fault, rule)
            case Stage.REST:
                stages.rest.append(rule)
    return stages


K = TypeVar("K")


def _file(shelf: dict[K, list[Rule]], keys: Iterable[K], rule: Rule) -> None:
    for key in keys:
        shelf.setdefault(key, []).append(rule)


def key_word(text: str) -> str:
    """The word by which a phrase is found; a message that has the phrase has it as a whole word."""
    return max(text.translate(_SPACED).split(), key=len, default="")


def match(evidence: Evidence) -> str:
    """The code of what went wrong; `unknown.unknown` where nothing fits. Never fails."""
    stages = _stages()
    return (
        _sure(stages, evidence)
        or (_said(stages, evidence, evidence.message) if evidence.message else None)
        or _shown(stages, evidence)
        or UNKNOWN
    )


def _sure(stages: _Stages, e: Evidence) -> str | None:
    """What comes before the message: codes and types that have one meaning."""
    if e.error_code and (found := _first(stages.by_code.get(e.error_code), e)):
        return found
    return _first(stages.by_sure_type.get(e.error_type), e) if e.error_type else None


def _shown(stages: _Stages, e: Evidence) -> str | None:
    """What comes after it: limits, type, status, and what broke."""
    if (e.status == 429 or e.error_type == "rate_limit_error") and (found := _first(stages.limits, e)):
        return found
    if e.error_type and (found := _first(stages.by_type.get(e.error_type), e)):
        return found
    if e.status is not None:
        found = _first(stages.by_status.get(e.status), e) or _first(stages.by_class.get(e.status // 100), e)
        if found:
            return found
    if e.fault is not None and (found := _first(stages.by_fault.get(e.fault), e)):
        return found
    return _first(stages.rest, e)


def _first(rules: list[Rule] | None, e: Evidence) -> str | None:
    if rules is not None:
        for rule in rules:
            if _fits(rule, e):
                return rule.code
    return None


def _said(stages: _Stages, e: Evidence, message: str) -> str | None:
    """Sets of words, then plain substring search: linear whatever the message is."""
    low = message[:2000].lower()
    hits = stages.by_word.keys() & low.translate(_SPACED).split()
    if not hits:
        return None
    low = " ".join(low.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
    for number in sorted(number for word in hits for number in stages.by_word[word]):
        phrase, rule = stages.texts[number]
        if _follow(low, phrase) and _fits(rule, e):
            return rule.code
    return None


def _follow(low: str, phrase: _Phrase) -> bool:
    at = 0
    for part in phrase:
        at = low.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


def _fits(rule: Rule, e: Evidence) -> bool:
    """Whether all conditions hold but those of the text, which was looked at before."""
    return (
        ((not rule.status and not rule.status_class) or _status_fits(rule, e.status))
        and (not rule.type or e.error_type in rule.type)
        and (not rule.error_code or e.error_code in rule.error_code)
        and (not rule.fault or e.fault in rule.fault)
        and (not rule.phase or e.phase in rule.phase)
        and (not rule.body or e.body in rule.body)
        and (not rule.bucket or e.bucket_empty in rule.bucket)
        and (rule.limits_rejected is None or e.limits_rejected is rule.limits_rejected)
        and (rule.has_buckets is None or e.has_buckets is rule.has_buckets)
        and (rule.retry_after is None or (e.retry_after is not None) is rule.retry_after)
        and (rule.in_stream is None or e.in_stream is rule.in_stream)
        and (rule.from_edge is None or e.from_edge is rule.from_edge)
        and (rule.from_seawall is None or e.from_seawall is rule.from_seawall)
        and (rule.no_answer is None or (e.status is None and e.fault is None) is rule.no_answer)
    )


def _status_fits(rule: Rule, status: int | None) -> bool:
    return status is not None and (status in rule.status or status // 100 in rule.status_class)


class Rank(IntEnum):
    """How much a sign in a text weighs."""

    WRAPPER = 1
    """Something failed."""
    STATUS = 2
    TYPE = 3
    NAME = 4
    MEANING = 5


class Hit(NamedTuple):
    """One sign of a cause in a part of a text."""

    code: str
    rank: Rank
    at: int
    """Where in the glued text it stands, as far as that is known; the last of several."""
    length: int
    """Of the phrase: the longer, the more exact."""
    reading: Reading | None = None

    def inside(self, other: "Hit") -> bool:
        """Whether its words are a part of the other's words."""
        return (
            0 < self.length <= other.length and other.at <= self.at <= other.at + other.length - self.length
        )


_GAP = 240
"""Glued characters between two parts of a phrase: a long sentence."""


class _Look(NamedTuple):
    """A reading as a part of a text is searched for it; most are not there, and that must be quick."""

    first: str
    """Its phrase, or the first part of it; empty for an identifier, which stands in the text as its key does."""
    several: bool
    length: int
    rank: Rank
    meaning: bool
    """Whether type and status need not be looked at beside it."""
    reading: Reading


@cache
def _looks() -> tuple[dict[str, tuple[int, ...]], tuple[_Look, ...]]:
    """The numbers of readings by the word that leads to them, and the readings."""
    index = readings()
    return index.keys, tuple(map(_look, index.readings))


def _look(reading: Reading) -> _Look:
    parts = reading.parts
    meaning = bool(parts) and not reading.wrapper and reading.code != LOCAL
    rank = Rank.WRAPPER if reading.wrapper else Rank.MEANING if parts else Rank.NAME
    return _Look(parts[0] if parts else "", len(parts) > 1, sum(map(len, parts)), rank, meaning, reading)


def read(part: "Part", broken: frozenset[str]) -> list[Hit]:
    """All signs in a part of a text; one look at its words finds the phrases that it may hold."""
    keys, looks = _looks()
    glued, hits, meant = part.glued, [], False
    found = keys.keys() & part.words
    if broken:
        found |= keys.keys() & broken
    numbers = set().union(*map(keys.__getitem__, found))
    if not glued.isascii():
        numbers.update(keys.get("", ()))
    for number in numbers:
        first, several, length, rank, meaning, reading = looks[number]
        if first not in glued:
            continue
        at = _place(glued, reading.parts) if several else glued.rfind(first) if length else 0
        if at >= 0 and (reading.plain or _applies(reading, part)):
            meant |= meaning
            hits.append(Hit(reading.code, rank, at, length, reading))
    # What the words mean beats type and status: no need to look at those.
    if not meant:
        hits.extend(_structured(part))
    return hits


def _structured(part: "Part") -> Iterable[Hit]:
    """What the gateway's rules make of the text's status, type, stable code and message."""
    stages = _stages()
    for word in stages.by_code.keys() & part.words:
        yield Hit(stages.by_code[word][0].code, Rank.MEANING, part.glued.rfind(word), len(word))
    if part.status is None and part.type is None:
        return
    e = part.evidence()
    if (
        e.message
        and not stages.by_word.keys().isdisjoint(part.words)
        and (said := _said(stages, e, e.message))
    ):
        yield Hit(said, Rank.MEANING, 0, 0)
        return
    sure = _sure(stages, e)
    if code := sure or _shown(stages, e):
        yield Hit(code, Rank.MEANING if sure else Rank.TYPE if e.error_type else Rank.STATUS, 0, 0)


def _place(glued: str, parts: _Phrase) -> int:
    """Where a phrase of several parts begins; -1 if there is none."""
    # From the first occurrence on: a phrase of several parts is rare enough for a few looks.
    at = glued.find(parts[0])
    for _ in range(8):
        if at < 0:
            return -1
        end = at + len(parts[0])
        for part in parts[1:]:
            end = glued.find(part, end, end + _GAP + len(part))
            if end < 0:
                break
            end += len(part)
        else:
            return at
        at = glued.find(parts[0], at + 1)
    return -1


def _applies(reading: Reading, part: "Part") -> bool:
    glued = part.glued
    return (
        (
            not (reading.status or reading.status_class)
            or any(s in reading.status or s // 100 in reading.status_class for s in part.statuses)
        )
        and (not reading.type or part.type in reading.type)
        and (not reading.beside or any(phrase in glued for phrase in reading.beside))
        and not any(phrase in glued for phrase in reading.without)
    )
