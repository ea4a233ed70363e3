"""A scenario: what the faulty API does over time, read from a TOML file and checked whole before it runs."""

import fnmatch
import hashlib
import math
import os
import random
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from seawall.fake.capacity import CapacityModel
from seawall.fake.content import KINDS, MOST_SECONDS, MOST_WORDS, Asked
from seawall.fake.limits import LimitsModel
from seawall.fake.script import Fault, FaultError, near, parse
from seawall.fake.status_page import Notice

MESSAGES: Final = "/v1/messages"
MOST_CHARACTERS: Final = 1_000_000
"""Of a scenario's file: what has more is something else, or has no end."""


class ScenarioError(ValueError):
    """The file is no scenario; the text is one line that names the place."""


class AnswerShape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long right answers are and how fast they come: `[answer]`."""

    words: int = 24
    words_each: int = 4
    """Words in one event of a stream."""
    blocks: tuple[str, ...] = ("text",)
    first_s: float = 0.0
    """Mean time to the first byte of the body."""
    first_spread: float = 0.0
    """Sigma of its lognormal distribution; 0: always the mean."""
    seconds: float = 0.0
    """Mean time from the first to the last byte."""
    seconds_spread: float = 0.0
    seconds_most: float = 300.0
    ping_s: float = 0.0
    """In longer gaps between events, a ping this often; 0: none."""

    def __post_init__(self) -> None:
        if not 1 <= self.words <= MOST_WORDS or self.words_each < 1:
            raise ValueError(f"words must be from 1 to {MOST_WORDS}, words_each 1 or more")
        if not self.blocks or any(b not in KINDS for b in self.blocks):
            raise ValueError(f"blocks is a list of {', '.join(KINDS)}")
        times = (self.first_s, self.seconds, self.seconds_most, self.ping_s)
        if not all(0 <= t <= MOST_SECONDS for t in times):
            raise ValueError(f"times are seconds from 0 to {MOST_SECONDS:g}")
        if not (0 <= self.first_spread <= 3 and 0 <= self.seconds_spread <= 3):
            raise ValueError("spreads are from 0 to 3")

    def draw(self, asked: Asked, seed: int) -> tuple[float, float]:
        """Time to the first byte and length of the stream for this request: the same at every attempt."""
        rng = random.Random(f"{seed}:{asked.nonce}")
        first = self.first_s * _spread(rng, self.first_spread)
        seconds = min(self.seconds_most, self.seconds * _spread(rng, self.seconds_spread))
        return first, seconds if asked.seconds is None else asked.seconds


def _spread(rng: random.Random, sigma: float) -> float:
    return rng.lognormvariate(-sigma * sigma / 2, sigma)


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begin": "from", "end": "to"}):
    """Which requests get which faults: one `[[rule]]`. The first rule that fits a request is used."""

    do: str
    path: str = MESSAGES
    """Shell pattern for the path without the query."""
    model: str = "*"
    stream: bool | None = None
    begin: float = 0.0
    end: float = math.inf
    first: int | None = None
    """Only the first so many attempts of each call: attempts are requests with the same path and body."""
    attempts: tuple[int, ...] = ()
    """Only these attempts of each call."""
    count: int | None = None
    """Only so many requests in all."""
    chance: float = 1.0

    def __post_init__(self) -> None:
        try:
            parse(self.do)
        except FaultError as error:
            raise ValueError(str(error)) from None
        if not 0 <= self.begin < self.end:
            raise ValueError("`from` must be 0 or more and below `to`")
        if not 0 <= self.chance <= 1:
            raise ValueError("chance is a probability from 0 to 1")
        if any(n is not None and n < 1 for n in (self.first, self.count, *self.attempts)):
            raise ValueError("first, count and attempts count from 1")

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What this rule does."""
        return parse(self.do)

    @property
    def closes_listener(self) -> bool:
        """Whether it closes the listener by the clock, without a request to set it off."""
        plain = self.first is None and not self.attempts and self.count is None and self.chance == 1
        return plain and self.end < math.inf and any(f.name == "refused" for f in self.faults)

    def fits(self, asked: Asked, attempt: int, now: float) -> bool:
        """Whether a request is one that the rule speaks of, chance and count aside."""
        return (
            self.begin <= now < self.end
            and (self.first is None or attempt <= self.first)
            and (not self.attempts or attempt in self.attempts)
            and (self.stream is None or asked.stream is self.stream)
            and fnmatch.fnmatchcase(asked.path, self.path)
            and fnmatch.fnmatchcase(asked.model, self.model)
        )


class Scenario(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename={"rules": "rule", "notices": "notice"},
):
    """Everything that the faulty API is told: one TOML file."""

    title: str = ""
    factor: float = 1.0
    """Every duration is divided by this."""
    seed: int | None = None
    """Used where the caller names none."""
    answer: AnswerShape = AnswerShape()
    limits: LimitsModel = LimitsModel()
    capacity: CapacityModel | None = None
    rules: tuple[Rule, ...] = ()
    notices: tuple[Notice, ...] = ()
    """What the status page, which is served beside the API, shows and when."""
    fleet: dict[str, Any] = {}
    bench: dict[str, Any] = {}
    """These two are not read here: they are for programs that drive clients by the same file."""

    def __post_init__(self) -> None:
        if not 0.01 <= self.factor <= 1000:
            raise ValueError("factor must be from 0.01 to 1000")


def read(text: str, name: str = "scenario") -> Scenario:
    """The scenario in a TOML text; raises ScenarioError naming the place."""
    try:
        return msgspec.toml.decode(text, type=Scenario)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{name}: {_place(str(error))}") from None
    except msgspec.DecodeError as error:
        raise ScenarioError(f"{name}: not TOML: {error}") from None
    except RecursionError:
        raise ScenarioError(f"{name}: its tables are nested too deep") from None


def _place(text: str) -> str:
    """msgspec's message with the path as the file's reader would say it: `rule[0].do: ...`."""
    says, at, path = text.partition(" - at `$")
    place = path.rstrip("`").lstrip(".")
    return f"{place}: {says}" if at and place else says


Model = TypeVar("Model", bound=msgspec.Struct)


def table(name: str, given: dict[str, Any], kind: type[Model]) -> Model:
    """A table of a scenario that a driver of clients reads; raises ScenarioError, with the nearest name of a key."""
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        says, at, path = str(error).partition(" - at `$")
        place = name + path.rstrip("`") if at else name
        known = kind.__struct_encode_fields__
        if not at and (unknown := next((key for key in given if key not in known), "")):
            says = f"there is no key {unknown!r}{near(unknown, known)}"
        raise ScenarioError(f"{place}: {says}") from None


def load(path: str | Path) -> Scenario:
    """The scenario in a file, or one that is shipped, by name; raises ScenarioError."""
    if not Path(path).suffix and not os.path.exists(path) and str(path) in shipped():
        return read(_folder().joinpath(f"{path}.toml").read_text("utf-8"), str(path))
    return read(contents(path, f"shipped: {', '.join(shipped())}"), str(path))


def contents(path: str | Path, known: str) -> str:
    """The text of a scenario's file; raises ScenarioError, which says what is `known` where there is no such file."""
    if not str(path):
        raise ScenarioError(f"an empty name is no file ({known})")
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read(MOST_CHARACTERS + 1)
    except UnicodeDecodeError:
        raise ScenarioError(f"{path}: not a text in UTF-8") from None
    except OSError as error:
        instead = f" ({known})" if isinstance(error, FileNotFoundError) else ""
        raise ScenarioError(f"{path}: {error.strerror or error}{instead}") from None
    if len(text) > MOST_CHARACTERS:
        raise ScenarioError(f"{path}: more than {MOST_CHARACTERS} characters: it is no scenario")
    return text


def shipped() -> tuple[str, ...]:
    """Names of the scenarios that come with the program."""
    return tuple(sorted(f.name[:-5] for f in _folder().iterdir() if f.name.endswith(".toml")))


def _folder() -> Any:
    return resources.files("seawall.fake").joinpath("scenarios")


@dataclass(slots=True)
class Script:
    """The rules running: which were used how often."""

    rules: tuple[Rule, ...]
    seed: int
    used: dict[int, int] = field(default_factory=dict)

    def choose(self, asked: Asked, body_key: str, attempt: int, now: float) -> tuple[Fault, ...]:
        """The faults for one request. Chance depends on seed, body and attempt alone, never on the order."""
        for index, rule in enumerate(self.rules):
            if not rule.fits(asked, attempt, now):
                continue
            if rule.count is not None and self.used.get(index, 0) >= rule.count:
                continue
            if rule.chance < 1 and self._drawn(index, body_key, attempt) >= rule.chance:
                continue
            self.used[index] = self.used.get(index, 0) + 1
            return rule.faults
        return ()

    def _drawn(self, index: int, body_key: str, attempt: int) -> float:
        drawn = hashlib.sha256(f"{self.seed}:{index}:{body_key}:{attempt}".encode()).digest()
        return int.from_bytes(drawn[:7], "big") / 2**56
