"""Rows of `seawall watch` about what lies around the gateway: how long trouble lasts, the way, the page, the hour."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from seawall.clock import duration
from seawall.history.usual import Usual
from seawall.view.facts import Tried
from seawall.view.layout import LABEL, NARROW, Fact, Look, Row, clean, columns, cut_end

BAR = 40
_HOPS = {"name": "name", "connect": "connect", "tls": "TLS", "first_byte": "first byte"}
_MOST_MODELS = 6


def over_by(age: float, known: Usual) -> float | None:
    """The share of earlier episodes that were over at this age in seconds; None where too few are known.

    Straight lines between what is known: half, three quarters and nine tenths were over by then.
    """
    points = [(0.0, 0.0)]
    for share, at in ((0.5, known.p50), (0.75, known.p75), (0.9, known.p90)):
        if at is not None and at > points[-1][0]:
            points.append((at, share))
    if len(points) == 1:
        return None
    for (before, low), (after, high) in pairwise(points):
        if age <= after:
            return low + (high - low) * (age - before) / (after - before)
    return points[-1][1]


def usual_line(age: float, known: Usual | None, look: Look) -> str:
    """How far along an episode of this age is: a bar and its meaning. Empty where too few earlier ones are known."""
    share = over_by(max(0.0, age), known) if known is not None else None
    if known is None or share is None:
        return ""
    if known.p75 is not None and age <= known.p75:
        said = f"3 of 4 are over by {duration(known.p75)}"
    elif known.p75 is None:
        said = f"half are over by {duration(known.p50 or 0.0)}"
    elif known.p90 is not None and age <= known.p90:
        said = f"longer than 3 of 4; 9 of 10 are over by {duration(known.p90)}"
    else:
        said = "longer than 9 of 10" if known.p90 is not None else "longer than 3 of 4"
    if look.width is None:
        return f"  {said}"
    room = look.width - columns(said) - 6
    if room < 8:
        return cut_end(f"  {said}", look.width)
    size = min(BAR, room)
    full = min(size - 1, int(share * size))
    return f"  [{'#' * full}{'-' * (size - full)}]  {said}"


def models_row(models: Sequence[Tried], span: float | None) -> list[Row]:
    """How many attempts succeeded of how many, by model family, those most used first; of two routes each alone."""
    if not models:
        return []
    most = sorted(models, key=lambda one: (-one.tried, one.family))[:_MOST_MODELS]
    two = {family for family, times in Counter(each.family for each in models).items() if times > 1}
    said = "   ".join(
        f"{one.family or 'any model'}{f' {one.route}' if one.family in two else ''} {one.succeeded}/{one.tried}"
        for one in most
    )
    return [Row("Models", [Fact(said), Fact(f"last {duration(span or 0.0)}")])]


def path_row(hops: Mapping[str, object], said: str, bad: bool) -> list[Row]:
    """How long each part of the way took when it was measured last; `said`: what came of it, in a few words."""
    times = [
        f"{word} {1000 * value:.0f} ms"
        for name, word in _HOPS.items()
        if isinstance(value := hops.get(name), (int, float))
    ]
    if not times and not said:
        return []
    facts = [Fact("  ".join(times))] if times else []
    return [Row("Path", [*facts, Fact(clean(said), "x", "bad") if bad else Fact(clean(said))])]


def page_row(said: str, at: str, bad: bool) -> list[Row]:
    """What the status page said, and when it was read."""
    if not said:
        return []
    text = f"{clean(said)}, read {at}"
    return [Row("Status page", [Fact(text, "!", "warn") if bad else Fact(text)])]


def strip_row(minutes: Sequence[tuple[int, int]], look: Look) -> list[Row]:
    """A sign a minute, the newest last: `.` nothing failed, `+` some attempts did, `#` most, blank: none was made."""
    if not any(good or bad for good, bad in minutes):
        return []
    room = len(minutes)
    if look.width is not None:
        room = max(1, min(room, look.width - (LABEL if look.width >= NARROW else 2)))
    signs = [_sign(good, bad) for good, bad in minutes][-room:]
    return [Row(f"Last {len(signs)} min", [Fact("".join(signs))])]


def _sign(good: int, bad: int) -> str:
    if not good and not bad:
        return " "
    return "." if not bad else "#" if bad > good else "+"
