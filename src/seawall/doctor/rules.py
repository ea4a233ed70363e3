"""What several checks say together, as `causes/rules.toml` has it."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

import seawall.causes
from seawall.causes.cause import Party
from seawall.doctor.check import Direction, Finding, Weight

RULES = Path(seawall.causes.__file__).with_name("rules.toml")
ABSENT = "absent"
_KINDS = ("net.tcp4", "net.tcp6")

When = dict[str, tuple[Any, ...]]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Evidence that only several checks together give."""

    cause: str | tuple[str, ...]
    when: When
    text: str
    weight: Weight = Weight.STRONG
    direction: Direction = Direction.FOR
    title: str = ""
    each: bool = False

    @property
    def check(self) -> str:
        """Whose evidence it is."""
        return list(self.when)[-1].partition(":")[0]


class Decides(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The one measurement that would settle what was seen of `cause`."""

    cause: str
    do: tuple[str, ...]
    said: str = ""
    when: When = {}


class Apart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    causes: tuple[str, ...]


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    order: tuple[Party, ...]
    old: float
    excludes: dict[str, tuple[str, ...]]
    instead: dict[str, str]
    rule: tuple[Rule, ...]
    apart: Apart
    decides: tuple[Decides, ...]


@cache
def rules() -> Rules:
    """The rules; one that stands for both kinds of address, or for several causes, as several."""
    import tomllib

    whole = msgspec.convert(tomllib.loads(RULES.read_text("utf-8")), Rules)
    return msgspec.structs.replace(whole, rule=tuple(one for rule in whole.rule for one in _both(rule)))


def _both(rule: Rule) -> Iterable[Rule]:
    if not isinstance(rule.cause, str):
        return [one for cause in rule.cause for one in _both(msgspec.structs.replace(rule, cause=cause))]
    if not rule.each:
        return [rule]
    pairs = (_KINDS, _KINDS[::-1])
    return [
        msgspec.structs.replace(
            rule, when={_placed(key, this, other): values for key, values in rule.when.items()}
        )
        for this, other in pairs
    ]


def _placed(key: str, this: str, other: str) -> str:
    check, colon, fact = key.partition(":")
    return {"this": this, "other": other}.get(check, check) + colon + fact


def fits(when: Mapping[str, tuple[Any, ...]], found: Mapping[str, Finding]) -> bool:
    """Whether every fact has one of its values; `absent` stands for a fact that the check has not got."""
    for key, values in when.items():
        check, _, fact = key.partition(":")
        if (finding := found.get(check)) is None:
            return False
        value = finding.facts.get(fact) if fact else finding.state
        if (ABSENT if value is None else value) not in values:
            return False
    return True


def about(pattern: str, cause: str) -> bool:
    """Whether a code is meant by a code, by `party.*` or by `*`."""
    return pattern in ("*", cause) or (pattern.endswith(".*") and cause.startswith(pattern[:-1]))
