"""`python -m seawall.causes.compile [--check]`: makes the index of the catalogue, or says whether it is current."""

import sys

import msgspec

from seawall.causes.cause import CATALOGUE, INDEX, CatalogueError, Cause, Index, Rule, Summary, parse
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
        new = compiled(catalogue())
    except CatalogueError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments == ["--check"]:
        current = INDEX.is_file() and INDEX.read_bytes() == new
        if not current:
            print(f"{INDEX.name} is not current: run python -m seawall.causes.compile", file=sys.stderr)
        return 0 if current else 1
    INDEX.write_bytes(new)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
