"""What real clients do after a failed attempt, as measured; the failures of a turn in, the next step out.

Claude Code 2.1 with an API key, and the `anthropic` package for Python with its default of two retries.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final, Literal

How = Literal["connection", "status", "event", "cut", "end", "body"]
"""No answer came; an error status; an `error` event; the connection broke in the answer; the answer ended too
soon, but cleanly; something that is no answer at all."""
Place = Literal["head", "start", "block", "after"]
"""Before the head; before any content block; inside one; after a whole one."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt that did not bring the whole answer, as its client saw it."""

    how: How
    place: Place = "head"
    streamed: bool = True
    status: int = 0
    kind: str = ""
    """`error.type` of the body or event."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    at: float = 0.0
    """Wall time, for a `retry-after` that is a date."""

    @property
    def overloaded(self) -> bool:
        """What Claude Code counts as a 529: the status, or any answer that says `overloaded_error`."""
        return self.status == 529 or self.kind == "overloaded_error"

    @property
    def words(self) -> str:
        """The failure in a few words."""
        match self.how:
            case "status":
                return f"status {self.status}"
            case "event":
                return f"error event {self.kind}".rstrip()
            case "connection":
                return "no answer: the connection failed"
            case "cut":
                return "the connection broke in the answer"
            case "end":
                return "the answer ended too soon"
            case "body":
                return "what came was no answer"


@dataclass(frozen=True, slots=True)
class Again:
    """One more attempt, after so many seconds."""

    after: float
    streamed: bool


@dataclass(frozen=True, slots=True)
class Error:
    """The turn ends with an error."""

    why: str


@dataclass(frozen=True, slots=True)
class Taken:
    """The client takes what came for the answer."""


Step = Again | Error | Taken

RETRIES: Final = 10
OVERLOADS: Final = 3
"""Claude Code on Opus with an API key: the third 529 of a turn ends it, whatever came between."""
PATIENCE: Final = 60.0
"""A longer `retry-after` ends Claude Code's turn at once."""
_FINAL: Final = frozenset((400, 402, 403, 404, 413, 422))


def claude_code(failures: tuple[Failure, ...], *, opus: bool, rng: random.Random) -> Step:
    """Claude Code's next step: ten retries, 0.5 s doubling to 32 s and up to a quarter more."""
    last = failures[-1]
    if last.place == "after":
        return Taken()  # it keeps a whole block and asks to go on; our answers have nothing to add
    if opus and sum(f.overloaded for f in failures) >= OVERLOADS:
        return Error(f"{OVERLOADS} times 529")
    if last.how == "status":
        hint = _seconds(last.headers.get("retry-after"))
        told = last.headers.get("x-should-retry")
        if told == "false" or (told != "true" and last.status in _FINAL):
            return Error(last.words)
        if hint is not None and hint > PATIENCE:
            return Error(f"{last.words}, retry-after {hint:g}")
    else:
        hint = None
    if _at_once(failures):
        return Again(0.0, streamed=False)
    waits = sum(not _at_once(failures[: n + 1]) for n in range(len(failures)))
    if waits > RETRIES:
        return Error(f"{last.words}, after {RETRIES} retries")
    own = min(32.0, 0.5 * 2 ** (waits - 1)) * (1 + 0.25 * rng.random())
    after = own if hint is None else max(own, hint * (1 + 0.25 * rng.random()))
    return Again(after, streamed=last.streamed)


def _at_once(failures: tuple[Failure, ...]) -> bool:
    """Whether the last failure makes Claude Code ask again at once without streaming."""
    last = failures[-1]
    if not last.streamed:
        return False
    match last.how:
        case "event":
            return last.place == "block" or not last.overloaded
        case "end" if last.place == "block":
            return sum(f.how == "end" and f.place == "block" and f.streamed for f in failures) > 1
        case "end" | "body":
            return True
        case _:
            return False


SDK_RETRIES: Final = 2


def sdk(failures: tuple[Failure, ...], *, rng: random.Random) -> Step:
    """The SDK's next step: two retries, 0.5 s doubling to 8 s and up to a quarter less; none in a stream."""
    last = failures[-1]
    if last.how == "end" and last.streamed:
        return Taken()  # the iterator ends as if all were well
    if last.how not in ("connection", "status"):
        return Error(last.words)
    if last.how == "status":
        told = last.headers.get("x-should-retry")
        usual = last.status in (408, 409, 429) or last.status >= 500
        if told == "false" or (told != "true" and not usual):
            return Error(last.words)
    if len(failures) > SDK_RETRIES:
        return Error(f"{last.words}, after {SDK_RETRIES} retries")
    hint = _hint(last)
    if hint is not None and hint > 0:
        return Again(hint, last.streamed)
    own = min(8.0, 0.5 * 2 ** (len(failures) - 1)) * (1 - 0.25 * rng.random())
    return Again(own, last.streamed)


def _hint(failure: Failure) -> float | None:
    """How long the answer asks to wait, in any of the three ways that the SDK reads."""
    in_ms = _seconds(failure.headers.get("retry-after-ms"))
    if in_ms is not None:
        return in_ms / 1000
    text = failure.headers.get("retry-after")
    found = _seconds(text)
    if found is not None or text is None:
        return found
    try:
        return parsedate_to_datetime(text).timestamp() - failure.at
    except ValueError:
        return None


def _seconds(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else -1.0
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None
