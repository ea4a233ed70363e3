"""Figures as people read them, one behind the other in lines or in a table: shares, counts, lengths, ranges, days."""

import re
from collections.abc import Sequence

from seawall.clock import duration
from seawall.view.layout import Look, columns, cut_middle, separator

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def table(header: Sequence[str], rows: Sequence[Sequence[str]], look: Look) -> list[str]:
    """Columns, the first to the left and figures to the right; where they do not fit, a block for each row."""
    widths = [max(columns(row[at]) for row in (header, *rows)) for at in range(len(header))]
    total = sum(widths) + 2 * (len(widths) - 1)
    if look.width is not None and total > look.width:
        blocks = []
        for row in rows:
            blocks.append(cut_middle(row[0], look.width))
            named = [f"{name} {cell}" for name, cell in zip(header[1:], row[1:], strict=True)]
            blocks += flowed(named, look, "  ")
        return blocks
    unknown = nothing(look)
    texts = [
        all(cell == unknown or not cell.lstrip("≥>= ")[:1].isdigit() or "-" in cell for cell in column)
        and any(cell != unknown for cell in column)
        for column in zip(*rows, strict=True)
    ]
    return ["  ".join(_cells(row, widths, texts)).rstrip() for row in (header, *rows)]


def _cells(row: Sequence[str], widths: Sequence[int], texts: Sequence[bool]) -> list[str]:
    cells = []
    for at, (cell, width) in enumerate(zip(row, widths, strict=True)):
        gap = " " * (width - columns(cell))
        cells.append(cell + gap if at == 0 or (texts and texts[at]) else gap + cell)
    return cells


def flowed(facts: Sequence[str], look: Look, indent: str = "", between: str | None = None) -> list[str]:
    """Facts one behind the other in as few lines as the width allows; a long one is broken between words."""
    mark = separator(look) if between is None else between
    if look.width is None:
        return [indent + mark.join(facts)]
    lines: list[str] = []
    for fact in facts:
        whole = f"{lines[-1]}{mark}{fact}" if lines else f"{indent}{fact}"
        if lines and columns(whole) <= look.width:
            lines[-1] = whole
            continue
        line = indent
        for word in fact.split():
            longer = f"{line} {word}" if line.strip() else f"{line}{word}"
            if columns(longer) > look.width and line.strip():
                lines.append(line)
                longer = indent + word
            line = cut_middle(longer, look.width)
        lines.append(line)
    return lines


def at_least(look: Look) -> str:
    """Before a length that nobody saw the end of."""
    return ">= " if look.plain else "≥ "


def ranged(text: str, look: Look) -> str:
    """A range as it is printed: `15–16 h`, plainly `15-16 h`."""
    return text if look.plain else re.sub(r"(?<=\d)-(?=\d)", "–", text)


def nothing(look: Look) -> str:
    """Where nothing is known."""
    return "-" if look.plain else "–"


def length(seconds: float | None, look: Look) -> str:
    """A length, or that it is not known."""
    return nothing(look) if seconds is None else duration(seconds)


def percent(share: float) -> str:
    """`9.1 %`, `96 %`."""
    return f"{share * 100:.1f} %" if 0 < share < 0.0995 else f"{share * 100:.0f} %"


def number(value: int) -> str:
    """`9 412`."""
    return f"{value:,}".replace(",", " ")


def counted(value: int, noun: str) -> str:
    """`1 call`, `31 calls`."""
    return f"{number(value)} {noun}{'' if value == 1 else 's'}"
