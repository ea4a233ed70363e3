"""Claude Code's settings files: which are there, what each says, and which of them wins. Nothing is written here."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LARGEST = 4 << 20
"""Bytes read of a settings file; the client's own are a few KB."""

# Each system looks at one of these; a place that is not there says nothing.
MANAGED = (
    Path("/etc/claude-code/managed-settings.json"),
    Path("/Library/Application Support/ClaudeCode/managed-settings.json"),
    *((Path("C:/Program Files/ClaudeCode/managed-settings.json"),) if sys.platform == "win32" else ()),
)

# With one of these, Claude Code talks to another provider and does not look at ANTHROPIC_BASE_URL.
CLOUDS = {
    "CLAUDE_CODE_USE_BEDROCK": "Amazon Bedrock",
    "CLAUDE_CODE_USE_VERTEX": "Google Cloud",
    "CLAUDE_CODE_USE_FOUNDRY": "Microsoft Foundry",
    "CLAUDE_CODE_USE_MANTLE": "Amazon Bedrock",
    "CLAUDE_CODE_USE_ANTHROPIC_AWS": "Claude Platform on AWS",
    "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD": "Claude Platform on Google Cloud",
    "CLAUDE_CODE_USE_GATEWAY": "a Claude apps gateway",
}
_OFF = ("", "0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file that exists: what it holds, or why it cannot be used and where."""

    path: str
    """As a person would type it."""
    scope: str
    """`managed`, `local`, `project` or `user`."""
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ClaudeSettings:
    """What the files say together; where two disagree, the one that wins."""

    env: Mapping[str, str] = field(repr=False)
    managed: frozenset[str] = frozenset()
    """Variables that the managed settings set: nothing on the command line wins over those."""
    fallback: bool = False
    """A fallback model is named."""


def user_folder(environ: Mapping[str, str], home: Path) -> Path:
    """Where Claude Code keeps what is the user's."""
    return Path(environ.get("CLAUDE_CONFIG_DIR") or home / ".claude")


def places(
    environ: Mapping[str, str], home: Path, here: Path, managed: Sequence[Path] = MANAGED
) -> list[tuple[Path, str]]:
    """Where settings may be, and their scope, the one that wins first: of a folder of parts the last by name."""
    found: list[tuple[Path, str]] = []
    for path in managed:
        found += [(part, "managed") for part in reversed(_parts(path.with_suffix(".d")))]
    found += [(path, "managed") for path in managed]
    found += [
        (here / ".claude" / "settings.local.json", "local"),
        (here / ".claude" / "settings.json", "project"),
        (user_folder(environ, home) / "settings.json", "user"),
    ]
    # In the home folder itself the project's file is the user's.
    seen: dict[Path, str] = {}
    for path, scope in found:
        seen.setdefault(path, scope)
    return list(seen.items())


def _parts(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("*.json"))
    except OSError:
        return []


def files(
    environ: Mapping[str, str], home: Path, here: Path, managed: Sequence[Path] = MANAGED
) -> Iterator[SettingsFile]:
    """The settings files that exist, the one that wins first."""
    for path, scope in places(environ, home, here, managed):
        if found := read_file(path, scope, home):
            yield found


def settled(found: Sequence[SettingsFile]) -> ClaudeSettings:
    """What the files, the one that wins first, come to."""
    env: dict[str, str] = {}
    for one in reversed(found):
        env |= one.env
    names = frozenset(name for one in found if one.scope == "managed" for name in one.env)
    return ClaudeSettings(env, names, any(bool(one.values.get("fallbackModel")) for one in found))


def read(
    environ: Mapping[str, str], home: Path, here: Path, managed: Sequence[Path] = MANAGED
) -> ClaudeSettings:
    """The settings of Claude Code in this folder: managed before local before project before user."""
    return settled(list(files(environ, home, here, managed)))


def cloud(environ: Mapping[str, str]) -> str | None:
    """The variable that sends Claude Code to another provider, if one is set."""
    return next((name for name in CLOUDS if environ.get(name, "").strip().lower() not in _OFF), None)


def shown(path: Path, home: Path) -> str:
    """A path as a person would type it."""
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


def read_file(path: Path, scope: str, home: Path) -> SettingsFile | None:
    """The file, with its trouble if it has one; None where there is none."""
    name = shown(path, home)
    try:
        if not path.is_file():
            return SettingsFile(name, scope, trouble=_no_file(path)) if _no_file(path) else None
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no access"
        return SettingsFile(name, scope, trouble=f"it cannot be read ({why})")
    if len(data) > LARGEST:
        return SettingsFile(name, scope, trouble=f"it is larger than {LARGEST >> 20} MiB")
    return _parsed(data, name, scope)


def _no_file(path: Path) -> str:
    if path.is_dir():
        return "it is a folder"
    if path.is_symlink():
        return "it is a link to nothing, or to itself"
    return "it is no regular file" if path.exists() else ""


def _parsed(data: bytes, name: str, scope: str) -> SettingsFile:
    try:
        value = json.loads(data.decode("utf-8-sig") or "{}")
    except UnicodeDecodeError as error:
        return SettingsFile(name, scope, trouble=f"byte {error.start} is not UTF-8")
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        why = "JSON has no comments" if _comment(error) else f"{error.msg[:1].lower()}{error.msg[1:]}"
        return SettingsFile(name, scope, trouble=f"{where}: {why}")
    except (ValueError, RecursionError):
        return SettingsFile(name, scope, trouble="it is nested too deeply, or has a number that is none")
    if not isinstance(value, dict):
        return SettingsFile(name, scope, trouble="it holds no JSON object")
    env = value.get("env", {})
    if not isinstance(env, dict):
        return SettingsFile(name, scope, value, trouble='its "env" is no object')
    return SettingsFile(name, scope, value, {key: _text(one) for key, one in env.items() if _is_text(one)})


def _comment(error: json.JSONDecodeError) -> bool:
    return error.doc[error.pos :].lstrip().startswith(("//", "/*", "#"))


def _is_text(value: object) -> bool:
    return isinstance(value, (str, int, float))


def _text(value: object) -> str:
    # As JavaScript writes it, which is what reads it: `true`, not `True`.
    return str(value).lower() if isinstance(value, bool) else str(value)
