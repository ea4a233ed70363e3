"""Faults as words: `status code=529 retry-after=20 + slow-bytes`, checked before anything runs.

The same words stand in scenario files, on the command line, in tests and on the page.
"""

import difflib
import inspect
import shlex
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from seawall.fake.answer import Answer
from seawall.fake.content import Asked
from seawall.fake.faults import FAULTS, Context


class FaultError(ValueError):
    """A fault that does not exist, or a parameter that it does not take; the text is one clear line."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault that can be named: what it does, its parameters with their defaults, an example."""

    name: str
    run: Callable[..., Answer]
    doc: str
    parameters: Mapping[str, tuple[Any, Any]]
    """Name in scripts -> (type, default)."""
    example: str

    def takes(self, parameter: str) -> str:
        """What a parameter takes, for people: its choices or its type, and its default."""
        kind, default = self.parameters[parameter]
        if typing.get_origin(kind) is Literal:
            words = "|".join(str(v) for v in typing.get_args(kind))
        else:
            sort = next((t for t in (bool, int, float) if kind is t or t in typing.get_args(kind)), str)
            words = {bool: "true|false", int: "whole number", float: "number", str: "text"}[sort]
        if default is None or default == "":
            return words
        return f"{words} (default {_word(default)})"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault with its parameters, ready to be applied."""

    name: str
    given: tuple[tuple[str, Any], ...] = ()

    def apply(self, answer: Answer, asked: Asked, context: Context) -> Answer:
        """The answer as this fault makes it."""
        named = {name.replace("-", "_"): value for name, value in self.given}
        return KINDS[self.name].run(answer, asked, context, **named)

    @property
    def needs_tool(self) -> bool:
        """Whether it acts inside tool JSON, so that the answer must have some."""
        return ("at", "in-tool") in self.given

    def __str__(self) -> str:
        return " ".join([self.name, *(f"{n}={shlex.quote(_word(v))}" for n, v in self.given)])


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _kind(run: Callable[..., Answer], example: str) -> Kind:
    signature = inspect.signature(run)
    parameters = {
        p.name.replace("_", "-"): (p.annotation, p.default)
        for p in signature.parameters.values()
        if p.kind is inspect.Parameter.KEYWORD_ONLY
    }
    doc = " ".join((run.__doc__ or "").strip().partition("\n\n")[0].split())
    return Kind(run.__name__.replace("_", "-"), run, doc, parameters, example)


KINDS: Final[Mapping[str, Kind]] = {k.name: k for k in (_kind(run, example) for run, example in FAULTS)}


def fault(name: str, **given: object) -> Fault:
    """The fault of this name; raises FaultError for what it does not know."""
    kind = KINDS.get(name.replace("_", "-"))
    if kind is None:
        raise FaultError(
            f"no fault is called {name!r}{near(name, KINDS)}; `seawall fake --list-faults` has all"
        )
    checked = []
    for parameter, value in given.items():
        dashed = parameter.replace("_", "-")
        if dashed not in kind.parameters:
            known = ", ".join(kind.parameters) or "none"
            raise FaultError(f"fault {kind.name!r} takes no {dashed!r} (it takes: {known})")
        checked.append((dashed, _value(kind, dashed, value)))
    return Fault(kind.name, tuple(checked))


def _value(kind: Kind, parameter: str, value: object) -> Any:
    wanted = kind.parameters[parameter][0]
    refused = FaultError(f"fault {kind.name!r}: {parameter}={value!s} is not {kind.takes(parameter)}")
    if type(value) is bool and wanted in (int, float):
        raise refused
    try:
        result = msgspec.convert(value, wanted, strict=False)
    except msgspec.ValidationError:
        # Numbers as choices (`code=103`) arrive as text.
        try:
            result = msgspec.convert(int(str(value)), wanted)
        except (ValueError, msgspec.ValidationError):
            raise refused from None
    if isinstance(result, float | int) and not isinstance(result, bool) and not 0 <= result < 1e10:
        raise refused
    if parameter == "code" and kind.name == "status" and not 200 <= result <= 999:
        raise FaultError(f"fault 'status': code={result} is no final status (200 to 999)")
    return result


def near(name: str, known: Iterable[str]) -> str:
    """What may have been meant, as the end of a sentence; empty where nothing is like it."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def parse(script: str) -> tuple[Fault, ...]:
    """The faults that a line names, `+` between them; `ok` is none. Raises FaultError."""
    try:
        words = shlex.split(script)
    except ValueError as error:
        raise FaultError(f"{script!r} cannot be read: {error}") from None
    faults: list[Fault] = []
    for part in _parts(words):
        if not part:
            raise FaultError(f"{script!r} names no fault (a right answer is `ok`)")
        if part == ["ok"]:
            continue
        pairs = [w.partition("=") for w in part[1:]]
        if bad := next((w for w, equals, _ in pairs if not equals), None):
            raise FaultError(f"{script!r}: {bad!r} is no name=value (between two faults stands a +)")
        if len({n for n, _, _ in pairs}) < len(pairs):
            raise FaultError(f"{script!r}: a parameter is given twice")
        faults.append(fault(part[0], **{n: v for n, _, v in pairs}))
    return tuple(faults)


def _parts(words: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == "+":
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def as_faults(given: "str | Fault | tuple[Fault, ...]") -> tuple[Fault, ...]:
    """What a test may write, as faults."""
    if isinstance(given, str):
        return parse(given)
    return (given,) if isinstance(given, Fault) else tuple(given)
