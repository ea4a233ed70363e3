"""One frame of `seawall watch`: the user's gateways, what they hold, how their lanes stand, and who has gone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from seawall.clock import duration
from seawall.history.usual import Usual
from seawall.view.facts import Gateway
from seawall.view.lanes import SHOWN, held_rows, holding_rows, lane_rows
from seawall.view.layout import Fact, Look, Row, cut_end, ends, laid_out
from seawall.view.rows import models_row, page_row, path_row, strip_row, usual_line

_MOST_FAMILIES = 3
_STEPS = (
    (True, 60),
    (True, 30),
    (True, SHOWN),
    (True, 5),
    (False, SHOWN),
    (False, 5),
    (False, 3),
    (False, 1),
)
"""Whether lanes are shown and how many held calls, until it fits."""
_ROOM_FOR_THE_CLOCK = 6
_ROOM_FOR_KEYS = 8
"""Lines of a terminal from which on the keys are named."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A gateway that was there while we watched and is not any more; `at` is local clock time."""

    address: str
    at: str


@dataclass(frozen=True, slots=True)
class Around:
    """What was measured beside what gateways say. All of it may be missing."""

    hops: Mapping[str, object] = field(default_factory=dict)
    """Seconds of each part of the way to the API, as `api.path` finds them."""
    way: str = ""
    """What came of it: `fine`, or what failed."""
    way_bad: bool = False
    page: str = ""
    page_at: str = ""
    page_bad: bool = False
    escalation: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a frame shows. `at` is local clock time; `hint` says how to leave."""

    at: str
    gateways: Sequence[Gateway]
    gone: Sequence[Gone] = ()
    hint: str = ""
    usual: Mapping[str, Usual] = field(default_factory=dict)
    """How long trouble usually lasts, by cause."""
    around: Around = Around()
    said: Sequence[str] = ()
    """What has happened lately, a line each: that it is over, what a key did."""
    keys: str = ""
    lanes: bool = False
    """Lanes come before held calls where there is no room for all."""


def frame(scene: Scene, look: Look, height: int | None = None) -> list[str]:
    """The lines of a frame, at most `height` of them: lanes and held calls give way first, then whatever is last.

    Without a height all of it, and of each call why it waits.
    """
    if height is None:
        return _whole(scene, look, SHOWN, lanes=True, why=True)
    keys = [cut_end(scene.keys, look.width or 200)] if scene.keys and height >= _ROOM_FOR_KEYS else []
    room = height - len(keys)
    lines: list[str] = []
    for lanes, most in _STEPS:
        lines = _whole(scene, look, min(most, 3) if scene.lanes else most, lanes or scene.lanes)
        if len(lines) <= room:
            return [*lines, *keys]
    return [*_shortened(lines, look, room, len(_clock(scene, look))), *keys]


def _shortened(lines: list[str], look: Look, height: int, clock: int) -> list[str]:
    """As many lines as fit; of a small terminal none for the clock, which takes `clock` of them."""
    if height < _ROOM_FOR_THE_CLOCK:
        lines = lines[clock:]
    if height < 2 or len(lines) <= height:
        return lines[:height]
    missing = f"and {len(lines) - height + 1} more lines"
    return [*lines[: height - 1], missing if look.width is None else cut_end(missing, look.width)]


def _clock(scene: Scene, look: Look) -> list[str]:
    right = f"{scene.at}  {scene.hint}" if scene.hint else scene.at
    return ends(Fact("seawall watch"), right, look)


def _whole(scene: Scene, look: Look, most: int, lanes: bool, why: bool = False) -> list[str]:
    lines = _clock(scene, look)
    below: list[Row] = []
    for number, one in enumerate(scene.gateways):
        if one.cause:
            lines += headline(one, look)
            if one.cause_age is not None:
                lines += filter(None, [usual_line(one.cause_age, scene.usual.get(one.cause), look)])
        held = held_rows(one, most) if why else holding_rows(one, look, most)
        rows = [*held, *models_row(one.models, one.span)]
        if not number:
            rows += _around(scene.around)
        rows += strip_row(one.minutes, look)
        own = [Row("Gateway", _about(one)), *(lane_rows(one) if lanes else [])]
        if len(scene.gateways) > 1:
            lines += laid_out([*rows, *own], look)
        else:
            lines += laid_out(rows, look)
            below = own
    lines += laid_out(below, look)
    rows = [_gone(each) for each in scene.gone]
    if not scene.gateways and not scene.gone:
        rows.append(Row("Gateway", [Fact("none runs"), Fact("`seawall run -- claude` starts one")]))
    rows += [Row("" if number else "Lately", [Fact(said)]) for number, said in enumerate(scene.said)]
    return lines + laid_out(rows, look)


def _around(one: Around) -> list[Row]:
    rows = [*path_row(one.hops, one.way, one.way_bad), *page_row(one.page, one.page_at, one.page_bad)]
    return [*rows, Row("Escalate", [Fact(one.escalation)])] if one.escalation else rows


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
    elif one.untried:
        said.append(f"holding {one.held}")
    if one.calls is not None:
        said.append(f"{one.calls} call{'' if one.calls == 1 else 's'}")
    if one.recovered:
        said.append(f"{one.recovered} recovered")
    if one.fell_back:
        said.append(f"{one.fell_back} fell back")
    said += one.failing
    if one.lost:
        said.append(f"{one.lost} lost")
    if one.store == "degraded":
        said.append("records wait in memory")
    if one.draining:
        said.append("stopping")
    return [Fact(text) for text in said]


def headline(one: Gateway, look: Look) -> list[str]:
    """Whose side the trouble is on and what it is, with how long it has lasted."""
    what, party = title(one.cause, one.host, one.by_api)
    dash = "- " if look.plain else "— "
    since = duration(one.cause_age) if one.cause_age is not None else ""
    return ends(Fact(f"{dash}{what}{_where(one)}", party, "party"), since, look)


def _where(one: Gateway) -> str:
    """By which answer, and for which models."""
    families = {trouble.family for trouble in one.alike}
    # Another address, to which calls fall back, has lanes of these families too.
    known = {(trouble.route, trouble.family) for trouble in one.alike}
    lanes = [lane for lane in one.lanes if (lane.upstream, lane.family) in known and lane.state != "calm"]
    # A lane knows its last refusal, not which trouble that was of.
    mixed = any(trouble.cause != one.cause and trouble.family in families for trouble in one.troubles)
    answers = {lane.refused_by for lane in lanes if lane.refused_by and not mixed}
    said = f" ({answers.pop()})" if len(answers) == 1 else ""
    named = sorted(families - {""})
    return said + (f" for {', '.join(named)}" if 0 < len(named) <= _MOST_FAMILIES else "")


def title(cause: str, host: str, by_api: bool = False) -> tuple[str, str]:
    """What the cause is, and the party's name. A cause that only a newer Seawall knows is called by its code."""
    from seawall.causes.cause import lookup
    from seawall.doctor.side import called

    known = lookup(cause)
    return (known.title if known.code == cause else cause), called(cause.partition(".")[0], host, by_api)
