"""Where a variable is set: the lines of shell profiles, `.env` files and the system's own list. Values stay here."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seawall.claude_code.settings import shown

LARGEST = 1 << 20
"""Bytes read of one file."""
_HOME = (
    ".zshenv", ".zprofile", ".zshrc", ".zlogin", ".bash_profile", ".bash_login", ".profile", ".bashrc",
    ".config/fish/config.fish", ".config/environment.d/envvars.conf", ".pam_environment",
    ".config/plasma-workspace/env/env.sh", ".xprofile",
)  # fmt: skip
_SYSTEM = (Path("/etc/environment"), Path("/etc/profile"), Path("/etc/zshenv"))
_FOLDER = (".envrc", ".env", ".env.local")
"""Read by loaders such as direnv and dotenv, not by shells: what stands there counts for some programs only."""
_LINE = re.compile(
    r"""\s*(?:export\s+|set\s+-(?:g?x|Ux|gx|Ugx)\s+|setenv\s+|declare\s+-x\s+|typeset\s+-x\s+)?"""
    r"""(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:\s*=|\s+(?=\S))(?P<value>.*)"""
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line that sets a variable; `place` is what a person looks up, such as `~/.zshrc line 41`."""

    name: str
    value: str = field(repr=False)
    """As it is written, without quotes around it."""
    place: str
    loader: bool = False
    """Only a loader of `.env` files reads it."""


def lines(home: Path, here: Path, names: Sequence[str], system: Sequence[Path] = _SYSTEM) -> tuple[Line, ...]:
    """The lines that set one of these variables, those of the user's own profiles first."""
    found: list[Line] = []
    wanted = frozenset(names)
    for path in (*(home / name for name in _HOME), *system):
        found += _of(path, home, wanted, loader=False)
    for name in _FOLDER:
        found += _of(here / name, home, wanted, loader=True)
    return tuple(found)


def line_of(found: Sequence[Line], name: str, value: str) -> str:
    """The place of the line that sets this variable to just this value; empty where none does, or several do."""
    fitting = dict.fromkeys(one.place for one in found if one.name == name and one.value == value)
    return next(iter(fitting)) if len(fitting) == 1 else ""


def by_name(found: Sequence[Line]) -> Mapping[str, tuple[str, ...]]:
    """The places of each variable."""
    places: dict[str, list[str]] = {}
    for one in found:
        places.setdefault(one.name, []).append(one.place)
    return {name: tuple(dict.fromkeys(each)) for name, each in places.items()}


def _of(path: Path, home: Path, names: frozenset[str], *, loader: bool) -> Iterator[Line]:
    try:
        if not path.is_file():
            return
        with path.open("rb") as file:
            text = file.read(LARGEST).decode("utf-8", "replace")
    except (OSError, ValueError):
        return
    if not any(name in text for name in names):
        return
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) < 20_000 and (fits := _LINE.match(line)) and fits["name"] in names:
            yield Line(fits["name"], _plain(fits["value"]), f"{shown(path, home)} line {number}", loader)


def _plain(text: str) -> str:
    """The value as a shell would take it, where it can be told without one."""
    text = text.strip()
    if text[:1] in ("'", '"') and (end := text.find(text[0], 1)) > 0:
        return text[1:end]
    return re.split(r"\s+#|\s*;|\s*&&", text, maxsplit=1)[0]
