"""What `seawall doctor --compare` prints: the facts that differ between two networks, and what that says."""

import time
from collections.abc import Mapping
from typing import Any

from seawall.causes.cause import Party, lookup
from seawall.doctor.case import Case
from seawall.doctor.runs import Compared, Difference
from seawall.view.doctor import harmless
from seawall.view.explanation import low, row, wrapped
from seawall.view.layout import Look, cut_middle


def lines(
    name: str, at: float, before: Mapping[str, Any], result: Compared, case: Case, look: Look
) -> list[str]:
    """The differing facts, each beside its twin; what both runs say together."""
    total = len(result.differs) + result.same
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
    head = f'Compared with "{name}", kept {when}: {len(result.differs)} of {total} facts differ.'
    shown = wrapped(head, look.edge)
    if result.differs:
        shown += ["", *_table(result.differs, name, look)]
    return [*shown, "", *row("Says", [says(name, before, case)], look)]


def _table(differs: tuple[Difference, ...], name: str, look: Look) -> list[str]:
    if look.width is None or look.edge < 60:
        found = []
        for one in differs:
            found += [f"{one.check} {one.fact}"]
            found += [line for side, value in ((name, one.there), ("here", one.here))
                      for line in wrapped(f"{side}: {_word(value)}", look.edge, "  ")]  # fmt: skip
        return found
    first = min(30, max(len(f"{one.check} {one.fact}") for one in differs) + 2)
    room = (look.edge - first - 2) // 2
    rows = [
        ("", name, "here"),
        *((f"{one.check} {one.fact}", _word(one.there), _word(one.here)) for one in differs),
    ]
    return [
        f"{cut_middle(label, first - 2):<{first}}{cut_middle(there, room):<{room + 2}}{cut_middle(here, room)}".rstrip()
        for label, there, here in rows
    ]


def _word(value: Any) -> str:
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return harmless(f"{value:g}" if isinstance(value, float) else str(value))


def says(name: str, before: Mapping[str, Any], case: Case) -> str:
    """What the two runs say together about whose side it is."""
    code = before.get("cause")
    there = lookup(code) if isinstance(code, str) else None
    here = case.verdict.cause
    if there is None and here is None:
        return "Nothing is the matter on either network."
    if there is not None and here is None:
        what = f'{low(there.title)} on "{name}", and all is well here'
        if there.party in (Party.NETWORK, Party.GATEWAY, Party.UNKNOWN):
            return f"{what}: the network there, not Anthropic, unless it ended meanwhile."
        return f"{what}: it was not the network, and it is over."
    if there is None:
        return f'All is well on "{name}", and not here: look at what differs above.'
    if there.code == here:
        return f"Both show {here}: it is not the network, unless both go the same way."
    return f'"{name}" shows {there.code}, here it is {here}: two troubles, or one that differs by the way.'
