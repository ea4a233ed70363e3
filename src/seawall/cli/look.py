"""How lines for stdout are to look, by options, terminal and environment: one answer for every verb."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

import click

from seawall.cli.common import Common

if TYPE_CHECKING:
    from seawall.view.layout import Look

WIDEST = 80
"""Columns: what is written is no wider, and as wide where there is no terminal."""


def look_of(common: Common) -> "Look":
    """The look of lines for stdout."""
    from seawall.view.layout import Look

    windows = sys.platform == "win32"
    if common.plain:
        return Look(None, plain=True, windows=windows)
    return Look(columns(sys.stdout), common.color(sys.stdout, os.environ), windows=windows)


def printed(lines: Iterable[str]) -> None:
    """Writes the lines to stdout; what colour is in them was asked for."""
    click.echo("\n".join(lines), color=True)


def columns(stream: TextIO) -> int:
    """The columns of the terminal that `stream` writes to, `WIDEST` at most; `WIDEST` where it is none."""
    if not stream.isatty():
        return WIDEST
    # As everywhere, a variable that somebody set goes before what the terminal says of itself.
    told = os.environ.get("COLUMNS", "")
    found = int(told) if told.isdecimal() and len(told) < 6 else 0
    if not found:
        with suppress(OSError, ValueError):
            found = os.get_terminal_size(stream.fileno()).columns
    return min(WIDEST, found) if found > 0 else WIDEST
