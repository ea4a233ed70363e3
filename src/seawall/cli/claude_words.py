"""The arguments of `claude`, one option or prompt at a time, as Claude Code 2.1.329 reads them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto


class Follows(Enum):
    """What may stand behind an option as its value."""

    NOTHING = auto()
    ONE = auto()
    PERHAPS = auto()
    """One word, unless that is an option."""
    MANY = auto()
    """All words up to the next option."""


_NOTHING = """
    --allow-dangerously-skip-permissions --ax-screen-reader --background --bare --brief --chrome --continue
    --dangerously-skip-permissions --desktop --disable-slash-commands --exclude-dynamic-system-prompt-sections
    --fork-session --forward-subagent-text --help --ide --include-hook-events --include-partial-messages --no-chrome
    --no-session-persistence --print --replay-user-messages --restricted --safe-mode --strict-mcp-config --tmux
    --verbose --version
"""
_ONE = """
    --agent --agents --append-system-prompt --append-system-prompt-file --autocompact --debug-file --effort
    --environment --fallback-model --input-format --json-schema --max-budget-usd --max-turns --model --name
    --output-format --permission-mode --permission-prompt-tool --permission-prompts --plugin-dir --plugin-url
    --remote-control-session-name-prefix --session-id --setting-sources --settings --system-prompt
    --system-prompt-file --system-prompt-snapshot
"""
_PERHAPS = """
    --cloud --debug --from-pr --prompt-suggestions --remote-control --resume --teleport --worktree
"""
_MANY = """
    --add-dir --allowedTools --allowed-tools --betas --disallowedTools --disallowed-tools --file --mcp-config --tools
"""
_FOLLOWS = {
    name: follows
    for names, follows in (
        (_NOTHING, Follows.NOTHING),
        (_ONE, Follows.ONE),
        (_PERHAPS, Follows.PERHAPS),
        (_MANY, Follows.MANY),
    )
    for name in names.split()
}
_SHORT = {
    "p": "--print", "c": "--continue", "h": "--help", "v": "--version", "n": "--name", "d": "--debug",
    "r": "--resume", "w": "--worktree",
}  # fmt: skip
_OTHER_NAMES = {"--bg": "--background"}


@dataclass(frozen=True, slots=True)
class Part:
    """Words that belong together."""

    words: tuple[str, ...]
    options: tuple[str, ...] = ()
    """Their long names: one, or the letters of `-pc`; none for a prompt."""
    value: str = ""
    unsure: bool = False
    """The last word is its value, or else a prompt: this option is not known here."""


def parts(arguments: Sequence[str]) -> list[Part]:
    """The arguments behind the command's name; put together again they are the same."""
    found: list[Part] = []
    rest = list(arguments)
    while rest:
        if rest[0] == "--":
            found += [Part(("--",), ("--",)), *(Part((word,)) for word in rest[1:])]
            break
        part = _next(rest)
        found.append(part)
        del rest[: len(part.words)]
    return found


def _next(rest: Sequence[str]) -> Part:
    word = rest[0]
    if not _is_option(word):
        return Part((word,))
    options, value, whole = _named(word)
    if whole:
        return Part((word,), options, value)
    last = options[-1]
    behind = rest[1:2]
    values: Iterable[str] = ()
    match _FOLLOWS.get(last):
        case Follows.ONE:
            values = behind
        case Follows.PERHAPS if behind and not _is_option(behind[0]):
            values = behind
        case Follows.MANY:
            values = _up_to_option(rest[1:])
        case None if behind and not _is_option(behind[0]):
            return Part((word, *behind), options, behind[0], unsure=True)
        case _:
            pass
    words = tuple(values)
    return Part((word, *words), options, words[0] if words else "")


def _is_option(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _named(word: str) -> tuple[tuple[str, ...], str, bool]:
    """The options of a word, a value within it, and whether nothing behind it can be one."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return (_OTHER_NAMES.get(name, name),), value, bool(equals)
    names: list[str] = []
    for place, letter in enumerate(word[1:], 1):
        name = _SHORT.get(letter, f"-{letter}")
        names.append(name)
        if _FOLLOWS.get(name) is not Follows.NOTHING and word[place + 1 :]:
            return tuple(names), word[place + 1 :].removeprefix("="), True
    return tuple(names), "", False


def _up_to_option(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        if _is_option(word):
            return
        yield word
