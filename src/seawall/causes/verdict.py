"""What a pasted text means: its cause, how sure that is, and what else it may be."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from seawall.causes.context import Context, ours
from seawall.causes.extract import Facts, Part, read
from seawall.causes.match import UNKNOWN, Hit, Rank
from seawall.causes.match import read as signs

OTHER_VENDOR = "unrelated.unrelated_other_vendor"
UNRELATED = "unrelated.unrelated"
LOCAL = "machine.local_runtime"
_ORIGIN = "provider.cdn_origin_error"


class Confidence(StrEnum):
    """A word, never a percentage."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The cause that a text shows; `also` are other codes it may stand for or that stand beside it."""

    cause: str
    confidence: Confidence
    facts: Facts
    also: tuple[str, ...] = ()
    apart: str | None = None
    """What tells the cause from those."""
    counts: tuple[tuple[str, int], ...] = ()
    """With several errors in the text: each with how often it stands there, in the order of the last."""


@dataclass(frozen=True, slots=True)
class _Found:
    """The best sign of one part."""

    hit: Hit
    count: int
    others: tuple[str, ...]


_NODE = frozenset(("npm", "npx", "node", "nvm"))
"""What Claude Code is installed with: their errors are this machine's."""
_PAGE = re.compile(r"<title>\s?([\w.-]{1,80}) \| 5\d\d")
"""The edge network's page names the host it stands for."""
_ERROR = re.compile(
    r"error|exception|traceback|fatal|fail|denied|refused|cannot|can't|could not|unable|timed out|panic|not found"
    r"|errno|abort"
)


def explain(text: str) -> Verdict:
    """What the text means; never fails, whatever it is."""
    return judge(read(text))


def judge(facts: Facts) -> Verdict:
    found = [one for part in facts.parts if (one := _best(part, facts.broken))]
    context = Context(facts)
    if not found:
        return _nothing(facts, context)
    chosen = _decisive(found)
    also = dict.fromkeys(other for one in (chosen, *reversed(found)) for other in (one.hit.code, *one.others))
    also.update(dict.fromkeys(chosen.hit.reading.also if chosen.hit.reading else ()))
    apart = chosen.hit.reading.apart if chosen.hit.reading else None
    code, more = _placed(chosen.hit, facts, context)
    also.update(dict.fromkeys(more))
    also.pop(code, None)
    counts = tuple((one.hit.code, one.count) for one in found) if len(found) > 1 else ()
    return Verdict(code, _confidence(chosen.hit, context, code), facts, tuple(also), apart, counts)


def _best(part: Part, broken: frozenset[str]) -> _Found | None:
    """The sign that decides for one part: the weightiest; of equals the longest phrase near the last."""
    hits = signs(part, broken)
    if not hits:
        return None
    # A failed API call makes programs stumble; what a program alone can say is the cause only where nothing else is.
    hits = [hit for hit in hits if hit.code != LOCAL or hit.rank < Rank.NAME] if _elsewhere(hits) else hits
    top = max(hit.rank for hit in hits)
    hits = [hit for hit in hits if hit.rank == top]
    best = hits[0]
    if len(hits) > 1:
        last = max(hit.at for hit in hits)
        best = max((hit for hit in hits if hit.at >= last - _NEAR or len(part.flat) < _SHORT), key=_exactness)
    others = dict.fromkeys(hit.code for hit in hits if hit.code != best.code)
    return _Found(best, part.count, tuple(others))


def _elsewhere(hits: list[Hit]) -> bool:
    return any(hit.rank >= Rank.NAME and hit.code != LOCAL for hit in hits)


_NEAR = 400
_SHORT = 1200
"""Up to this length a part is one error, and what is most exact decides; beyond, what stands near its end."""


def _exactness(hit: Hit) -> tuple[int, int, str]:
    reading = hit.reading
    conditions = (
        bool(reading.status or reading.status_class or reading.type or reading.beside) if reading else 0
    )
    return hit.length + 8 * conditions, hit.at, hit.code


def _decisive(found: list[_Found]) -> _Found:
    """The last state, or the run that repeats; a part that says only that something failed decides nothing."""
    telling = [one for one in found if one.hit.rank > Rank.WRAPPER] or found
    by_code: dict[str, int] = {}
    for one in telling:
        by_code[one.hit.code] = by_code.get(one.hit.code, 0) + one.count
    last = telling[-1]
    most = max(by_code, key=lambda code: by_code[code])
    if by_code[most] >= 3 and by_code[most] >= 3 * by_code[last.hit.code]:
        return next(one for one in reversed(telling) if one.hit.code == most)
    return last


def _placed(hit: Hit, facts: Facts, context: Context) -> tuple[str, Iterable[str]]:
    """The code once it is settled whether the text is about a Claude call at all, and what else that may be."""
    reading = hit.reading
    common = reading.common if reading else True
    if hit.code == LOCAL and not context.claude and _NODE.isdisjoint(facts.whole.words):
        return UNRELATED, (LOCAL,)
    if hit.code == _ORIGIN and (title := _PAGE.search(facts.flat)) and not ours(title[1]):
        return "gateway.gateway_error", (hit.code,)
    if context.claude or not common or hit.code.startswith(("machine.", "unrelated.", "gateway.")):
        return hit.code, ()
    if context.other:
        return OTHER_VENDOR, (hit.code,)
    if context.foreign:
        return UNRELATED, (hit.code,)
    return hit.code, (UNRELATED,)


def _confidence(hit: Hit, context: Context, code: str) -> Confidence:
    if code in (UNRELATED, OTHER_VENDOR):
        return Confidence.LIKELY
    if hit.rank is Rank.WRAPPER or not context.claude:
        return Confidence.POSSIBLE if hit.rank < Rank.MEANING else Confidence.LIKELY
    if hit.reading and hit.reading.also:
        return Confidence.POSSIBLE if hit.rank < Rank.NAME else Confidence.LIKELY
    return Confidence.LIKELY if hit.rank is Rank.STATUS else Confidence.CERTAIN


def _nothing(facts: Facts, context: Context) -> Verdict:
    """No sign of any cause: another vendor's error, another program's, or not known."""
    if not _ERROR.search(facts.flat):
        return Verdict(UNKNOWN, Confidence.UNKNOWN, facts)
    if context.other and not context.claude:
        return Verdict(OTHER_VENDOR, Confidence.LIKELY, facts, (UNRELATED,))
    if not context.claude and (context.foreign or len(facts.flat) > 20):
        return Verdict(UNRELATED, Confidence.POSSIBLE, facts)
    return Verdict(UNKNOWN, Confidence.UNKNOWN, facts)
