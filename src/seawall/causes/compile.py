"""`python -m seawall.causes.compile [--check]`: makes the index of the catalogue, or says whether it is current."""

import sys
from collections.abc import Iterable

import msgspec

from seawall.causes.cause import (
    CATALOGUE,
    INDEX,
    READINGS,
    CatalogueError,
    Cause,
    Index,
    Matcher,
    Reading,
    Readings,
    Rule,
    Summary,
    parse,
)
from seawall.causes.extract import WORD, glue
from seawall.causes.match import key_word, stage


def catalogue() -> tuple[Cause, ...]:
    """Every cause of the catalogue's files, by code."""
    entries = sorted(CATALOGUE.glob("*.toml"))
    return tuple(parse(entry.name, entry.read_text("utf-8")) for entry in entries)


def compiled(causes: tuple[Cause, ...]) -> bytes:
    """The index as JSON: the same causes always give the same bytes."""
    rules = [
        Rule(code=cause.code, **msgspec.structs.asdict(matcher))
        for cause in causes
        for matcher in cause.matchers
        if not matcher.reading
    ]
    for rule in rules:
        if any(text != text.lower().strip() or not text for text in rule.text):
            raise CatalogueError(
                f"{rule.code}.toml: `$.matchers[...].text` must be lower case without outer blanks"
            )
        if not all(key_word(text) for text in rule.text):
            raise CatalogueError(f"{rule.code}.toml: `$.matchers[...].text` must have a word in it")
    rules.sort(key=_order)
    summaries = {c.code: Summary(c.code, c.title, c.party, c.retry, c.hold) for c in causes}
    index = Index(causes=summaries, rules=tuple(rules))
    return msgspec.json.format(msgspec.json.encode(index, order="deterministic"), indent=1) + b"\n"


def compiled_readings(causes: tuple[Cause, ...]) -> bytes:
    """The index of texts as JSON: every phrase under its rarest word, every identifier under itself."""
    readings: list[Reading] = []
    keys: dict[str, list[int]] = {}
    for cause in causes:
        for matcher in cause.matchers:
            for key, parts in _phrases(cause.code, matcher) if matcher.reading else ():
                keys.setdefault(key, []).append(len(readings))
                readings.append(_reading(cause.code, matcher, parts))
    whole = Readings(readings=tuple(readings), keys={key: tuple(keys[key]) for key in sorted(keys)})
    return msgspec.json.format(msgspec.json.encode(whole), indent=0) + b"\n"


_FREQUENT = frozenset((
    "error", "errors", "api", "request", "requests", "message", "messages", "claude", "anthropic", "model",
    "response", "failed", "invalid", "this", "your", "from", "with", "content", "status", "code", "type", "please",
    "tokens", "not", "the", "and", "for",
))  # fmt: skip
"""Words that most pasted texts have: no phrase is looked for by one of them if it has another."""


def _phrases(code: str, matcher: Matcher) -> Iterable[tuple[str, tuple[str, ...]]]:
    for said in matcher.said:
        words = WORD.findall(said) if said.isascii() else [""]
        if not words or said != said.lower():
            raise CatalogueError(
                f"{code}.toml: `$.matchers[...].said` must be lower case and have a word: {said!r}"
            )
        key = max(words, key=lambda word: (word not in _FREQUENT, len(word)))
        yield key, tuple(map(glue, said.split(" * ")))
    for name in matcher.name:
        if not WORD.fullmatch(name.lower()):
            raise CatalogueError(f"{code}.toml: `$.matchers[...].name` must be one word: {name!r}")
        yield name.lower(), ()


def _reading(code: str, matcher: Matcher, parts: tuple[str, ...]) -> Reading:
    return Reading(
        code=code,
        parts=parts,
        wrapper=bool(matcher.wrapper),
        common=bool(matcher.common),
        type=matcher.type,
        status=matcher.status,
        status_class=matcher.status_class,
        beside=tuple(map(glue, matcher.beside)),
        without=tuple(map(glue, matcher.without)),
        also=matcher.also,
        apart=matcher.apart,
        plain=not (
            matcher.type or matcher.status or matcher.status_class or matcher.beside or matcher.without
        ),
    )


def _order(rule: Rule) -> tuple[int, int, int, int, str, bytes]:
    """By stage; in a stage the rule with more conditions first, then the one with the longer text.

    Among limits the plan's own word comes before an empty bucket, and that before a mere time to wait.
    """
    limits = 0 if rule.limits_rejected else 1 if rule.bucket else 2
    conditions = sum(1 for name in rule.__struct_fields__ if getattr(rule, name) not in ((), None))
    longest = max(map(len, rule.text), default=0)
    return stage(rule), limits, -conditions, -longest, rule.code, msgspec.json.encode(rule)


def main(arguments: list[str]) -> int:
    try:
        causes = catalogue()
        made = {INDEX: compiled(causes), READINGS: compiled_readings(causes)}
    except CatalogueError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments != ["--check"]:
        for path, new in made.items():
            path.write_bytes(new)
        return 0
    old = [path.name for path, new in made.items() if not path.is_file() or path.read_bytes() != new]
    if old:
        print(f"{', '.join(old)}: not current; run python -m seawall.causes.compile", file=sys.stderr)
    return 1 if old else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
