"""One frame of `seawall watch`: the user's gateways, what they hold, how their lanes stand, and who has gone."""

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.view.facts import Gateway
from seawall.view.lanes import SHOWN, held_rows, lane_rows, untried
from seawall.view.layout import Fact, Look, Row, cut_end, ends, laid_out
from seawall.view.words import duration

_PARTIES = {
    "limit": "Your plan or limits",
    "account": "Your account or key",
    "request": "Your request",
    "network": "Your network",
    "machine": "This machine",
    "gateway": "A gateway on the way",
    "seawall": "Seawall itself",
}
_ANTHROPIC = "api.anthropic.com"
_STEPS = (60, 30, SHOWN, 5, 3, 2, 1)
"""Held calls that a frame tries to show, until it fits."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A gateway that was there while we watched and is not any more; `at` is local clock time."""

    address: str
    at: str


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a frame shows. `at` is local clock time; `hint` says how to leave."""

    at: str
    gateways: Sequence[Gateway]
    gone: Sequence[Gone] = ()
    hint: str = ""


def frame(scene: Scene, look: Look, height: int | None = None) -> list[str]:
    """The lines of a frame, at most `height` of them: held calls give way first, then whatever is last."""
    if height is None:
        return _whole(scene, look, SHOWN)
    lines: list[str] = []
    for most in _STEPS:
        lines = _whole(scene, look, most)
        if len(lines) <= height:
            return lines
    return _shortened(lines, look, height)


def _shortened(lines: list[str], look: Look, height: int) -> list[str]:
    if height < 3:
        return lines[1 : height + 1]  # the clock is what can be done without
    missing = f"and {len(lines) - height + 1} more lines"
    return [*lines[: height - 1], missing if look.width is None else cut_end(missing, look.width)]


def _whole(scene: Scene, look: Look, most: int) -> list[str]:
    right = f"{scene.at}  {scene.hint}" if scene.hint else scene.at
    lines = ends(Fact("seawall watch"), right, look)
    for one in scene.gateways:
        if one.cause:
            lines += headline(one, look)
        lines += laid_out([Row("Gateway", _about(one)), *held_rows(one, most), *lane_rows(one)], look)
    rows = [_gone(each) for each in scene.gone]
    if not scene.gateways and not scene.gone:
        rows.append(Row("Gateway", [Fact("none runs"), Fact("`seawall run -- claude` starts one")]))
    return lines + laid_out(rows, look)


def _gone(gone: Gone) -> Row:
    facts = [Fact(gone.address, "x", "bad"), Fact(f"gone since {gone.at}"), Fact("calls sent there fail")]
    return Row("Gone", facts)


def _about(one: Gateway) -> list[Fact]:
    """Where it is, how it fares, and what it has done so far."""
    said = [one.address] if one.address else []
    if not one.answers:
        said.append("does not answer")
    if one.up is not None:
        said.append(f"up {duration(one.up)}")
    if one.answers and not one.held:
        said.append("nothing held")
    elif untried(one):
        said.append(f"holding {one.held}")
    if one.calls is not None:
        said.append(f"{one.calls} calls")
    if one.recovered:
        said.append(f"{one.recovered} recovered")
    if one.fell_back:
        said.append(f"{one.fell_back} fell back")
    if one.lost:
        said.append(f"{one.lost} lost")
    if one.store == "degraded":
        said.append("records wait in memory")
    if one.draining:
        said.append("stopping")
    return [Fact(text) for text in said]


def headline(one: Gateway, look: Look) -> list[str]:
    """Whose side the trouble is on and what it is, with how long it has lasted."""
    what, party = title(one)
    dash = "- " if look.plain else "— "
    since = duration(one.cause_age) if one.cause_age is not None else ""
    return ends(Fact(dash + what, party, "party"), since, look)


def title(one: Gateway) -> tuple[str, str]:
    """What the cause is, and the party's name. A cause that only a newer Seawall knows is called by its code."""
    from seawall.causes.cause import lookup

    known = lookup(one.cause)
    party = one.cause.partition(".")[0]
    host = one.upstream.partition("://")[2].partition("/")[0] or "The upstream"
    side = "Anthropic's side" if host == _ANTHROPIC else f"{host}'s side"
    name = side if party == "provider" else _PARTIES.get(party, "Not known yet")
    return (known.title if known.code == one.cause else one.cause), name
