"""What is known of one cause, and where it is kept: one TOML file each, and an index of all for quick decisions."""

import dataclasses
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from seawall.causes.evidence import Body, Evidence, Fault, Phase


class Party(StrEnum):
    """Whose side a cause is on."""

    PROVIDER = "provider"
    LIMIT = "limit"
    ACCOUNT = "account"
    REQUEST = "request"
    NETWORK = "network"
    MACHINE = "machine"
    GATEWAY = "gateway"
    SEAWALL = "seawall"
    UNRELATED = "unrelated"
    UNKNOWN = "unknown"


class Retry(StrEnum):
    """Advice to a person: is sending the same request again any use?"""

    YES = "yes"
    AFTER_WAIT = "after_wait"
    AFTER_CHANGE = "after_change"
    NO = "no"


class Hold(StrEnum):
    """What the gateway does with a call that failed so."""

    YES = "yes"
    UNTIL = "until"
    """Until the time that the answer states, if it lies within the hold."""
    NO = "no"


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class Step(_Part, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One thing to do.

    `command` can be copied and runs as printed in a POSIX shell, or in Claude Code if it begins with a slash;
    `powershell` is the same for Windows, where it differs; `link` is a page to open.
    """

    text: str
    command: str | None = None
    powershell: str | None = None
    link: str | None = None
    costs_money: bool = False


class Dont(_Part, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    text: str
    reason: str


class Platform(StrEnum):
    """Where something is different from elsewhere."""

    LINUX = "linux"
    MACOS = "macos"
    WINDOWS = "windows"
    WSL = "wsl"
    CONTAINER = "container"
    CI = "ci"
    EDITOR = "editor"
    """VS Code, JetBrains and other programs that start the client themselves."""
    DESKTOP = "desktop"
    """The Claude Desktop app."""


class Note(_Part, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What is different on one platform; `command` runs there as printed."""

    on: Platform
    text: str
    command: str | None = None


class Question(_Part, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    ask: str
    answer: str


class Wording(_Part, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A text that people meet for this cause: what the client shows, which is not what the wire carries."""

    text: str
    client: str
    version: str | None = None
    """Where it is known: `2.1`, or `before 2.1.227`."""


class Source(_Part, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    title: str
    date: str
    """Year and month of the state that was read."""
    url: str | None = None


class Matcher(_Part, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A conjunction: each field that is set must hold; of a list, one entry is enough.

    `text` entries are lower case; ` * ` in one stands for anything between its parts. With `said` or `name` it is
    a reading: it looks at a pasted text as a whole, not at one attempt's evidence, and the gateway never sees it.
    """

    error_code: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    status: tuple[int, ...] = ()
    status_class: tuple[int, ...] = ()
    """First digits: 5 is any status from 500 to 599."""
    fault: tuple[Fault, ...] = ()
    phase: tuple[Phase, ...] = ()
    body: tuple[Body, ...] = ()
    bucket: tuple[str, ...] = ()
    limits_rejected: bool | None = None
    has_buckets: bool | None = None
    retry_after: bool | None = None
    """Whether the answer stated one."""
    in_stream: bool | None = None
    from_edge: bool | None = None
    from_seawall: bool | None = None
    no_answer: bool | None = None
    """No status and no named fault."""
    said: tuple[str, ...] = ()
    """Reading: phrases of a text, whatever its quotes, blanks and line ends; ` * ` as in `text`, within a sentence."""
    name: tuple[str, ...] = ()
    """Reading: identifiers that stand in a text as whole words: exceptions, system errors, types of other vendors."""
    beside: tuple[str, ...] = ()
    """Reading: one of these phrases stands in the text as well."""
    without: tuple[str, ...] = ()
    """Reading: none of these phrases stands in the text."""
    common: bool | None = None
    """Reading: other programs say this too, so something else in the text must show a Claude call."""
    wrapper: bool | None = None
    """Reading: it says only that something failed; anything more exact in the text decides."""
    also: tuple[str, ...] = ()
    """Reading: codes that the same words can stand for."""
    apart: str | None = None
    """Reading: what tells those from this one, and the command that measures it."""

    @property
    def reading(self) -> bool:
        """Whether it looks at a pasted text."""
        return bool(self.said or self.name)


class Example(_Part, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Evidence, or a pasted text, that must be given this code, or, among `near_misses`, another."""

    evidence: dict[str, Any] = {}
    text: str | None = None
    why: str | None = None
    code: str | None = None
    """Of a near miss: what it is instead."""


class Cause(_Part, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One cause, whole, as its file has it."""

    code: str
    title: str
    party: Party
    retry: Retry
    hold: Hold
    meaning: str
    comes_from: tuple[str, ...]
    """What leads to it, the most frequent first."""
    do: tuple[Step, ...]
    dont: tuple[Dont, ...]
    platforms: tuple[Note, ...] = ()
    verify: str
    """What success looks like; `verify_command` is what shows it."""
    verify_command: str | None = None
    wait: str
    escalate: str
    prevention: str
    questions: tuple[Question, ...]
    wordings: tuple[Wording, ...]
    matchers: tuple[Matcher, ...]
    examples: tuple[Example, ...]
    near_misses: tuple[Example, ...]
    sources: tuple[Source, ...]
    checked: date


class Summary(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What decisions and tables need of a cause."""

    code: str
    title: str
    party: Party
    retry: Retry
    hold: Hold


class Rule(Matcher, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A matcher and the code it stands for, as the index keeps it."""

    code: str


class Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All causes in short, and all rules in the order in which they are tried."""

    causes: dict[str, Summary]
    rules: tuple[Rule, ...]


class CatalogueError(ValueError):
    """A file of the catalogue is not as it must be; the text names the file and the field."""


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A phrase or an identifier of a pasted text and the code it stands for, as the index of texts keeps it.

    `parts` are glued (`causes/extract.py`) and follow each other; none for an identifier, which is its own key.
    """

    code: str
    parts: tuple[str, ...] = ()
    wrapper: bool = False
    common: bool = False
    type: tuple[str, ...] = ()
    status: tuple[int, ...] = ()
    status_class: tuple[int, ...] = ()
    beside: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    apart: str | None = None
    plain: bool = False
    """It has no conditions beside its phrase."""


class Readings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All phrases and identifiers, and for each word the numbers of those that a text with this word may hold."""

    readings: tuple[Reading, ...]
    keys: dict[str, tuple[int, ...]]


CATALOGUE = Path(__file__).with_name("catalogue")
INDEX = Path(__file__).with_name("index.json")
READINGS = Path(__file__).with_name("readings.json")
"""Beside the index, not in it: the gateway reads no texts, and need not hold in memory how."""


def parse(name: str, text: str) -> Cause:
    """The cause that a file holds; `CatalogueError` names the file and the field that is wrong."""
    import tomllib  # only what reads whole causes needs it; the gateway does not

    try:
        cause = msgspec.convert(tomllib.loads(text), Cause)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise CatalogueError(f"{name}: {error}") from error
    if name != f"{cause.code}.toml":
        raise CatalogueError(f"{name}: `$.code` is {cause.code!r}, which is not the file's name")
    if cause.code.partition(".")[0] != cause.party:
        raise CatalogueError(f"{name}: `$.party` is {cause.party!r}, which does not begin the code")
    for example in (*cause.examples, *cause.near_misses):
        if bool(example.evidence) == (example.text is not None):
            raise CatalogueError(f"{name}: an example has either `evidence` or `text`: {example}")
        try:
            evidence(example)
        except msgspec.ValidationError as error:
            raise CatalogueError(f"{name}: evidence {example.evidence}: {error}") from error
    return cause


_FIELDS = frozenset(field.name for field in dataclasses.fields(Evidence))


def evidence(example: Example) -> Evidence:
    """An example's evidence; `phase` is `head` unless it says otherwise."""
    if unknown := example.evidence.keys() - _FIELDS:
        raise msgspec.ValidationError(f"unknown field {min(unknown)!r}")
    return msgspec.convert({"phase": "head"} | example.evidence, Evidence)


def codes() -> tuple[str, ...]:
    """Every code of the catalogue, in order."""
    return tuple(index().causes)


def load(code: str) -> Cause:
    """The cause, whole; `KeyError` for a code that is not in the catalogue."""
    if code not in index().causes:
        raise KeyError(code)
    name = f"{code}.toml"
    return parse(name, (CATALOGUE / name).read_text("utf-8"))


def lookup(code: str) -> Summary:
    """The cause in short; a code that is not in the catalogue (any more) is answered as unknown."""
    causes = index().causes
    return causes.get(code) or causes["unknown.unknown"]


@cache
def index() -> Index:
    """The compiled catalogue; read once, in a few milliseconds."""
    return msgspec.json.decode(INDEX.read_bytes(), type=Index)


@cache
def readings() -> Readings:
    """How texts are read, compiled; read once, in a few milliseconds."""
    return msgspec.json.decode(READINGS.read_bytes(), type=Readings)
