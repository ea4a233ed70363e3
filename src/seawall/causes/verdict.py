"""What a pasted text means: its cause, how sure that is, and what else it may be."""

import math
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from seawall.causes import languages, several, vendors
from seawall.causes.cause import Reading, Retry, lookup, readings
from seawall.causes.condense import condensed
from seawall.causes.context import Context, holds, ours
from seawall.causes.extract import MOST, PAGE, Facts, Part, read
from seawall.causes.match import LOCAL, UNKNOWN, Hit, Rank
from seawall.causes.match import read as signs

OTHER_VENDOR = "unrelated.unrelated_other_vendor"
UNRELATED = "unrelated.unrelated"
GATEWAY = "gateway.gateway_error"
_ORIGIN = "provider.cdn_origin_error"
_MCP = "machine.mcp_server"
WRONG_VENDOR = "account.wrong_vendor"
_BY_GATEWAY = "gateway.gateway_auth"
_REFUSED = frozenset(("account.invalid_api_key", "account.invalid_credentials_unspecified", _BY_GATEWAY))
"""Causes behind which a key of another vendor may be."""
_PATH = "request.endpoint_not_found"


class Confidence(StrEnum):
    """A word, never a percentage."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"
    UNKNOWN = "unknown"


class Verdict(NamedTuple):
    """The cause that a text shows; `also` are other codes it may stand for or that stand beside it."""

    cause: str
    confidence: Confidence
    facts: Facts
    also: tuple[str, ...] = ()
    apart: str | None = None
    """What tells the cause from those."""
    counts: tuple[tuple[str, int], ...] = ()
    """With several errors in the text: each cause with how often it stands there, in the order of the last."""
    first: str | None = None
    """The cause of the first of them."""
    evidence: str | None = None
    """What beside the error's words decided, as it may be shown."""


class _Found(NamedTuple):
    """The best sign of one part."""

    hit: Hit
    times: int
    first: int
    """The place of its first among all errors of the text."""
    others: tuple[str, ...]
    doubt: Reading | None
    """The sign of the same cause whose words can mean another."""


_ANYBODY = frozenset((
    "account.permission_denied", "account.invalid_api_key", "account.missing_credentials",
    "account.invalid_credentials_unspecified", "request.endpoint_not_found", "request.request_too_large",
    "request.malformed_json", "request.parameter_invalid", "limit.rate_limited_requests",
    "limit.rate_limited_concurrent", "provider.rate_limited_unspecified", "provider.internal_server_error",
    "provider.bad_gateway", "provider.gateway_timeout",
))  # fmt: skip
"""What every web service may say in the same words."""
_OWN = re.compile(r"bunfs/|~bun/|claude-code/cli\.js|[^a-z]cli\.js:\d")
"""Lines of Claude Code itself in a stack: an error without any word of a call is the program's own."""
_NODE = frozenset(("npm", "npx", "node", "nvm"))
"""What Claude Code is installed with: their errors are this machine's."""
_INSTALLER = re.compile(r"npm (?:err!|error) (?:code e(?!lifecycle)|4\d\d )")
"""npm's own line about why it failed; a script that npm only runs ends with another."""
_PAGE = re.compile(r"<title>\s?([\w.-]{1,80}) \| 5\d\d")
"""The edge network's page names the host it stands for."""
_ERROR = re.compile(
    r"error|exception|traceback|fatal|fail|denied|refused|cannot|can't|could not|unable|timed out|panic|not found"
    r"|errno|abort|out of memory|exceeded|unauthori[sz]ed|forbidden|unavailable|rejected|rate limit|missing|expired"
    r"|invalid|not allowed|not supported|unsupported|no such|disabled|required|closed by"
)


def explain(text: str) -> Verdict:
    """What the text means; never fails, whatever it is."""
    return judge(read(text if len(text) <= MOST else condensed((text,))))


def judge(facts: Facts) -> Verdict:
    parts = several.parts(facts) if "\n" in facts.spelled else facts.parts
    found = [one for part in parts if (one := _best(part, facts.broken))]
    context = Context(facts)
    if not found:
        return _wrong_key(facts, vendors.misplaced(facts.spelled), ()) or _nothing(facts, context)
    chosen = _decisive(found)
    code, more = _placed(chosen.hit, facts, context)
    if code in _REFUSED:
        # A gateway gives out keys of its own form.
        key = (vendors.misplaced if code == _BY_GATEWAY else vendors.another)(facts.spelled)
        if (code != _BY_GATEWAY or "base_url" not in facts.flat) and (
            wrong := _wrong_key(facts, key, (code,))
        ):
            return wrong
    also: dict[str, None] = {}
    for one in (chosen, *reversed(found)) if len(found) > 1 else found:
        also[one.hit.code] = None
        also.update(dict.fromkeys(one.others))
    if chosen.doubt:
        also.update(dict.fromkeys(chosen.doubt.also))
    also.update(dict.fromkeys(more))
    also.pop(code, None)
    apart = chosen.doubt.apart if chosen.doubt else None
    sure = _confidence(chosen, context, code)
    if len(found) == 1 and chosen.times == 1:
        return Verdict(code, sure, facts, tuple(also), apart)
    counts: dict[str, int] = {}
    for one in found:
        counts[one.hit.code] = counts.pop(one.hit.code, 0) + one.times
    first = min(found, key=lambda one: one.first).hit.code
    return Verdict(code, sure, facts, tuple(also), apart, tuple(counts.items()), first)


def _wrong_key(facts: Facts, key: tuple[str, str] | None, also: tuple[str, ...]) -> Verdict | None:
    """Of a refused key with another vendor's prefix: the prefix decides."""
    if key is None:
        return None
    evidence = f"the key in the text begins with {key[0]}***, the form of {key[1]}"
    return Verdict(WRONG_VENDOR, Confidence.CERTAIN, facts, also, evidence=evidence)


def _best(part: Part, broken: frozenset[str]) -> _Found | None:
    """The sign that decides for one part: the weightiest; of equals the longest phrase near the last."""
    hits = every = signs(part, broken)
    if not hits:
        return None
    if len(hits) == 1:
        [best] = hits
        return _Found(
            best, part.count, part.first, (), best.reading if best.reading and best.reading.also else None
        )
    # A failed API call makes programs stumble: what any program says then is the cause only where nothing else is.
    if any(hit.rank >= Rank.NAME and hit.code != LOCAL for hit in hits):
        hits = [hit for hit in hits if not _stumbled(hit)]
    # A server of tools has a network, a login and answers of its own: what is said beside it is about those.
    if any(hit.code == _MCP for hit in hits) and not _CALL.search(part.flat):
        hits = [hit for hit in hits if hit.code == _MCP or not (hit.reading is None or hit.reading.common)]
    top = max(hit.rank for hit in hits)
    hits = [hit for hit in hits if hit.rank == top]
    last = max(hit.at for hit in hits)
    best = max((hit for hit in hits if hit.at >= last - _NEAR or len(part.flat) < _SHORT), key=_exactness)
    own = [hit for hit in hits if hit.code == best.code]
    # Of several signs of one cause the one that only Claude gives settles whose it is.
    best = next((hit for hit in own if hit.reading and not hit.reading.common), best)
    others = dict.fromkeys(
        hit.code for hit in hits if hit.code != best.code and not any(map(hit.inside, own))
    )
    doubt = next((hit.reading for hit in every if hit.code == best.code and _doubtful(hit, best)), None)
    return _Found(best, part.count, part.first, tuple(others), doubt)


def _doubtful(hit: Hit, best: Hit) -> bool:
    """Whether its words can mean another cause too, and nothing more exact beside them says which."""
    return bool(hit.reading and hit.reading.also) and (hit.rank > Rank.WRAPPER or best.rank < Rank.NAME)


_CALL = re.compile(r"api error|_error\"|v1/messages|anthropic\.\w*error")
"""What shows that a call to the model failed."""
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
    if len(found) == 1:
        return found[0]
    telling = [one for one in found if one.hit.rank > Rank.WRAPPER]
    # As within a part: what programs say counts only where no call failed; Claude Code's own noise is the rest
    # of a failure that is known for certain.
    sure = any(_certain(one.hit) for one in telling)
    telling = [
        one for one in telling if not (one.hit.code == LOCAL if sure else _stumbled(one.hit))
    ] or telling
    vague = sum(one.times for one in found if one.hit.rank is Rank.WRAPPER)
    if not telling or (found[-1].hit.rank is Rank.WRAPPER and vague >= 3 * sum(one.times for one in telling)):
        telling = found
    by_code: dict[str, int] = {}
    for one in telling:
        by_code[one.hit.code] = by_code.get(one.hit.code, 0) + one.times
    last = telling[-1]
    most = max(by_code, key=lambda code: by_code[code])
    # What passes by itself comes and goes in a loop of retries: the most frequent is the trouble. What ends the
    # loop for good is outweighed only by a long run.
    passing = all(lookup(code).retry is Retry.YES for code in (most, last.hit.code))
    least = by_code[last.hit.code] + 1 if passing else 3 * by_code[last.hit.code]
    if by_code[most] >= least:
        return next(one for one in reversed(telling) if one.hit.code == most)
    return last


def _stumbled(hit: Hit) -> bool:
    """Whether it is what any program may say once something else went wrong."""
    return hit.code == LOCAL and bool(hit.reading and hit.reading.common)


def _certain(hit: Hit) -> bool:
    """Whether only a call to Claude can have said so."""
    if hit.rank < Rank.MEANING or hit.code.startswith(("machine.", "unrelated.")):
        return False
    return not (hit.reading and hit.reading.common)


def _placed(hit: Hit, facts: Facts, context: Context) -> tuple[str, Iterable[str]]:
    """The code once it is settled whether the text is about a Claude call at all, and what else that may be."""
    reading = hit.reading
    common = reading.common if reading else True
    if hit.code == LOCAL and not context.claude and _NODE.isdisjoint(facts.whole.words):
        return UNRELATED, (LOCAL,)
    if common and _INSTALLER.search(facts.flat) and not _CALL.search(facts.flat):
        return LOCAL, (hit.code,)
    if hit.code == _ORIGIN and (title := _PAGE.search(facts.flat)) and not ours(title[1]):
        return GATEWAY, (hit.code,)
    if hit.code.startswith(("machine.", "unrelated.")):
        return hit.code, ()
    if not common:
        if _borrowed(hit) and not context.claude and context.other:
            return OTHER_VENDOR, (hit.code,)
        return hit.code, ()
    if context.relayed and hit.rank < Rank.TYPE and hit.code != _PATH:
        return GATEWAY, (hit.code,)
    # A client of Claude can speak to another vendor through a relay: then the vendor's own words stand in the text.
    if context.other and not context.service:
        return OTHER_VENDOR, (hit.code,)
    if context.claude and not (context.fetched and not _CALL.search(facts.flat)):
        return hit.code, ()
    if context.foreign or context.fetched or len(facts.flat) > _bare(hit, facts):
        return UNRELATED, (hit.code,)
    return hit.code, (UNRELATED,)


def _borrowed(hit: Hit) -> bool:
    """Whether another vendor may have learnt to say the same: few words, and neither a cloud's nor a relay's own."""
    return hit.length < _SENTENCE and not (
        hit.code.startswith("gateway.") or "vertex" in hit.code or "bedrock" in hit.code
    )


_SENTENCE = 24
"""Glued characters of a phrase that nobody else says by chance."""


def _bare(hit: Hit, facts: Facts) -> float:
    """Characters that a text without a sign of Claude may have to be taken for a part of a Claude error all the same.

    A broken connection looks the same whoever made it; a page of the edge network is long; other words that every
    web service has are taken for ours only where there is nothing beside them.
    """
    if hit.code.startswith("network.") or (hit.rank is Rank.STATUS and holds(facts.flat, PAGE)):
        return math.inf
    if hit.rank < Rank.NAME:
        return 32
    return 100 if hit.code in _ANYBODY else 240


def _confidence(chosen: _Found, context: Context, code: str) -> Confidence:
    rank = chosen.hit.rank
    if code in (UNRELATED, OTHER_VENDOR):
        return Confidence.LIKELY
    if not context.claude:
        # Words that others have as well, and nobody is named: that it is about Claude is no more than possible.
        anybody = chosen.hit.reading is None or chosen.hit.reading.common or context.foreign
        return Confidence.POSSIBLE if anybody or rank < Rank.MEANING else Confidence.LIKELY
    if rank is Rank.WRAPPER:
        return Confidence.POSSIBLE
    if chosen.doubt:
        return Confidence.POSSIBLE if rank < Rank.TYPE else Confidence.LIKELY
    return Confidence.LIKELY if rank is Rank.STATUS else Confidence.CERTAIN


def _nothing(facts: Facts, context: Context) -> Verdict:
    """No sign of any cause: another vendor's error, another program's, or not known."""
    if not _failed(facts):
        return Verdict(UNKNOWN, Confidence.UNKNOWN, facts)
    if context.other and not context.claude:
        return Verdict(OTHER_VENDOR, Confidence.LIKELY, facts, (UNRELATED,))
    if context.claude and _OWN.search(facts.flat):
        return Verdict(LOCAL, Confidence.POSSIBLE, facts)
    if not context.claude and (context.foreign or len(facts.flat) > 20):
        return Verdict(UNRELATED, Confidence.POSSIBLE, facts)
    return Verdict(UNKNOWN, Confidence.UNKNOWN, facts)


def _failed(facts: Facts) -> bool:
    """Whether the text says at all that something failed, in whatever language."""
    return bool(_ERROR.search(facts.flat)) or languages.failed(facts.flat, facts.whole.words)


def nearest(facts: Facts) -> list[tuple[str, str]]:
    """The three causes that share the most with a text that fits none, and the words that they share."""
    shared: dict[str, set[str]] = {}
    index = readings()
    for word in index.keys.keys() & facts.whole.words - _EVERYWHERE:
        if len(word) < _TELLING or not word.isalpha():
            continue
        for number in index.keys[word]:
            shared.setdefault(index.readings[number].code, set()).add(word)
    weights = {code: sum(map(len, words)) for code, words in shared.items()}
    near = [code for code in shared if weights[code] >= _SHARED]
    best = sorted(near, key=lambda code: (-weights[code], code))[:3]
    return [(code, ", ".join(sorted(shared[code], key=lambda word: (-len(word), word))[:3])) for code in best]


_EVERYWHERE = frozenset((
    "with", "this", "that", "from", "have", "your", "please", "been", "were", "when", "then", "will", "must", "only",
    "error", "errors", "failed", "cannot", "could", "should", "there", "which", "while", "using", "https", "http",
))  # fmt: skip
"""Words that any text may have."""
_TELLING = 4
"""Letters of a word below which noise has it as well."""
_SHARED = 6
"""Letters that a text must share with a cause to be near it: one telling word, or two short ones."""


def unknown_title(facts: Facts) -> str:
    """What is to be said of a text that fits no cause."""
    if _ANSWER.search(facts.whole.glued) and not _failed(facts):
        return "this reads like an answer, not like an error"
    if not _failed(facts):
        return "nothing in the text says that something failed"
    return "no cause in the catalogue fits this text"


def question(facts: Facts) -> str:
    """The one question whose answer would decide about a text that fits no cause."""
    if not _failed(facts):
        return (
            "What did the program print when it failed? Paste the lines with the error, not those around it."
        )
    if not facts.whole.statuses:
        return (
            "Which HTTP status or system error stands beside it? `claude --debug` writes it down, and so does "
            "ANTHROPIC_LOG=debug for the SDKs."
        )
    if not facts.request_id:
        return (
            "Who answered? An answer of the API has a request id that begins with req_; without one something on "
            "the way answered."
        )
    return "What does the whole answer say? Paste it with its body."


_ANSWER = re.compile(r"type:message,|stop_reason:(?:end_turn|tool_use)|role:assistant")
