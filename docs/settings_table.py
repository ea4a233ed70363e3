"""Writes the tables of docs/reference/configuration.md from the table in src/seawall/config.py: `make reference`."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from seawall import config
from seawall.settings import KEYS, is_seconds

PAGE = Path(__file__).parent / "reference/configuration.md"
BEGINS, ENDS = "<!-- from config.py: make reference -->", "<!-- to here -->"


def reasons() -> dict[tuple[str, str], str]:
    """The docstring behind each field of the classes in config.py."""
    found = {}
    for one in ast.parse(Path(config.__file__).read_text("utf-8")).body:
        if not isinstance(one, ast.ClassDef):
            continue
        for field, after in zip(one.body, [*one.body[1:], None], strict=True):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                text = after.value if isinstance(after, ast.Expr) else None
                said = text.value if isinstance(text, ast.Constant) else ""
                found[one.name, field.target.id] = re.sub(r"\s+", " ", str(said)).strip()
    return found


def sections(part: Any, name: str, said: dict[tuple[str, str], str]) -> Iterator[str]:
    """One table for each section, those inside after their own."""
    inside = [one for one in fields(part) if is_dataclass(getattr(part, one.name))]
    rows = []
    for one in fields(part):
        key = f"{name}.{one.name}"
        if key in KEYS:
            reason = said.get((type(part).__name__, one.name), "")
            rows.append(f"| `{one.name}` | `{shown(key, getattr(part, one.name))}` | {reason} |")
    if rows:
        about = ast.get_docstring(next(c for c in TREE if c.name == type(part).__name__)) or ""
        yield "\n".join([f"## [{name}]", "", about, "", "| key | default | |", "|---|---|---|", *rows, ""])
    for one in inside:
        yield from sections(getattr(part, one.name), f"{name}.{one.name}" if name else one.name, said)


TREE = [
    one for one in ast.parse(Path(config.__file__).read_text("utf-8")).body if isinstance(one, ast.ClassDef)
]


def shown(key: str, value: Any) -> str:
    """A default as a person would write it."""
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return "[" + ", ".join(f'"{one}"' for one in value) + "]"
        case str():
            return f'"{value}"'
        case float() if is_seconds(key):
            return f'"{value:g}s"'
        case int() if key.startswith("gateway.sizes."):
            unit = next(
                u for u in ("GiB", "MiB", "KiB") if value >= 1 << {"GiB": 30, "MiB": 20, "KiB": 10}[u]
            )
            return f'"{value >> {"GiB": 30, "MiB": 20, "KiB": 10}[unit]} {unit}"'
        case _:
            return f"{value:g}"


def page(text: str) -> str:
    """The page with its tables made anew."""
    before, _, rest = text.partition(BEGINS)
    _, _, after = rest.partition(ENDS)
    tables = "\n".join(sections(config.Config(), "", reasons()))
    return f"{before}{BEGINS}\n\n{tables}\n{ENDS}{after}"


if __name__ == "__main__":
    now = PAGE.read_text("utf-8")
    made = page(now)
    if sys.argv[1:] == ["--check"]:
        sys.exit(made != now)
    PAGE.write_text(made, "utf-8")
