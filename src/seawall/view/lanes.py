"""What a gateway holds, and how its lanes stand, as rows: who runs, who waits, and for what."""

from collections.abc import Sequence

from seawall.clock import duration
from seawall.view.facts import Bucket, Gateway, Held, Lane, Window
from seawall.view.layout import LABEL, NARROW, Fact, Look, Row, columns, cut_middle, laid_out

SHOWN = 10
"""Held calls that are shown where no terminal's height says how many fit."""

_WHO = 12
"""Columns that a call's name has at least."""

_STATES = {
    "calm": ("calm", "ok", "good"),
    "limited": ("own limit", "!", "warn"),
    "strained": ("refusals", "!", "warn"),
    "own": ("our own load", "!", "warn"),
    "foreign": ("not our load", "!", "warn"),
    "outage": ("outage", "x", "bad"),
}


def lines(gateway: Gateway, look: Look, most: int = SHOWN) -> list[str]:
    """Held calls (`most` of them) and lanes of one gateway, in lines of at most the look's width."""
    return laid_out([*held_rows(gateway, most), *lane_rows(gateway)], look)


# ---- held calls ----------------------------------------------------------------------------------------


def held_rows(gateway: Gateway, most: int = SHOWN) -> list[Row]:
    """Two rows a call, the oldest first; where the gateway lists none, what it says of all of them."""
    label = f"Waiting {gateway.listed}" if gateway.untried else f"Holding {gateway.held}"
    if not gateway.waiting:
        return [Row(label, _held_in_all(gateway))] if gateway.held else []
    rows: list[Row] = []
    for call in gateway.waiting[:most]:
        facts, why = _call_facts(call)
        rows.append(Row("" if rows else label, facts))
        if why:
            rows.append(Row("", why))
    more = gateway.listed - min(most, len(gateway.waiting))
    if more:
        rows.append(Row("" if rows else label, [Fact(f"{'and ' if rows else ''}{more} more")]))
    return rows


def holding_rows(gateway: Gateway, look: Look, most: int = SHOWN) -> list[Row]:
    """A row a call, the oldest first: who it is, how long it has waited, its attempt, when it goes next."""
    label = f"Waiting {gateway.listed}" if gateway.untried else f"Holding {gateway.held}"
    if not gateway.waiting:
        return [Row(label, _held_in_all(gateway))] if gateway.held else []
    shown = [_call_in_a_line(call) for call in gateway.waiting[:most]]
    pad = max((columns(who) for who, _ in shown), default=0)
    if look.width is not None and look.width < NARROW:
        pad = 0  # they stand in lines of their own
    elif look.width is not None:
        pad = max(_WHO, min(pad, look.width - LABEL - 2 - max((len(said) for _, said in shown), default=0)))
    rows: list[Row] = []
    for who, said in shown:
        name = cut_middle(who, pad) if pad else who
        text = f"{name}{' ' * (pad - columns(name))}  {said}" if said else name
        rows.append(Row("" if rows else label, [Fact(text)]))
    more = gateway.listed - len(shown)
    if more:
        rows.append(Row("" if rows else label, [Fact(f"{'and ' if rows else ''}{more} more")]))
    return rows


def _call_in_a_line(call: Held) -> tuple[str, str]:
    said = [duration(call.waited)] if call.waited is not None else []
    if call.attempt is not None:
        said.append(_attempt(call.attempt))
    if call.next_in is not None:
        said.append(f"next {_in(call.next_in)}")
    who = " ".join(part for part in (call.client, call.agent) if part) or call.id or "a call"
    return who, ", ".join(said)


def _attempt(number: int) -> str:
    """The attempt that comes next: before the first there was none."""
    return f"attempt {number}" if number > 1 else "not tried yet"


def _held_in_all(gateway: Gateway) -> list[Fact]:
    said = []
    if gateway.longest_held is not None:
        said.append(f"the longest {duration(gateway.longest_held)}")
    if gateway.next_try_in is not None:
        said.append(f"next try {_in(gateway.next_try_in)}")
    return [Fact(text) for text in said or ["no more is known"]]


def _call_facts(call: Held) -> tuple[list[Fact], list[Fact]]:
    who = " ".join(part for part in (call.client, call.agent) if part) or call.id or "a call"
    facts = [who]
    if call.waited is not None:
        facts.append(duration(call.waited))
    if call.attempt is not None:
        facts.append(_attempt(call.attempt))
    if call.next_in is not None:
        facts.append(f"next {_in(call.next_in)}")
    why = [call.why or " ".join(part for part in (call.cause, call.family) if part)]
    if call.kind == "deferrable":
        why.append("can wait for others")
    if call.id and call.id != who:
        why.append(call.id)
    return [Fact(text) for text in facts], [Fact(text) for text in why if text]


# ---- lanes ---------------------------------------------------------------------------------------------


def lane_rows(gateway: Gateway) -> list[Row]:
    """The lanes, those in trouble first and the idle last; each by its family, and beside it what tells it apart."""
    lanes = sorted(
        gateway.lanes,
        key=lambda lane: (
            lane.state == "calm",
            lane.idle,
            lane.family,
            lane.version,
            lane.upstream,
            lane.account,
        ),
    )
    return [row for lane in lanes for row in _lane_rows(lane, gateway.lanes)]


def name(lane: Lane, among: Sequence[Lane]) -> str:
    """`opus`, or `opus a1b2c3d4` where another account has that family too, or with its host as well."""
    return " ".join([_models(lane, among), *_apart(lane, among)])


def _models(lane: Lane, among: Sequence[Lane]) -> str:
    """`opus`, or `opus 5.5` where another version has a lane too."""
    several = len({other.version for other in among if other.family == lane.family}) > 1
    return " ".join(part for part in (lane.family or "any model", lane.version if several else "") if part)


def _apart(lane: Lane, among: Sequence[Lane]) -> list[str]:
    """What tells it apart from the others of its family: its account, its host."""
    alike = [other for other in among if other.family == lane.family]
    parts = []
    if len({other.account for other in alike}) > 1:
        parts.append(lane.account[:8])
    if len({other.upstream for other in alike}) > 1:
        parts.append(lane.upstream)
    return [part for part in parts if part]


def state_words(state: str) -> str:
    """A lane's state as people read it."""
    return _STATES[state][0] if state in _STATES else state


def _lane_rows(lane: Lane, among: Sequence[Lane]) -> list[Row]:
    # Beside the label, which would cut them: of an account and a host every sign counts.
    beside = [Fact(part) for part in _apart(lane, among)]
    rows = [Row(_models(lane, among), [*beside, *_state(lane), *_load(lane), *_resistance(lane)])]
    for facts in (
        [Fact(_bucket(bucket)) for bucket in lane.buckets if bucket.name],
        [Fact(_window(window)) for window in lane.plan if window.name],
        _agents(lane),
        _next(lane),
    ):
        if facts:
            rows.append(Row("", facts))
    return rows


def _state(lane: Lane) -> list[Fact]:
    if not lane.state:
        return []
    words, mark, tone = _STATES.get(lane.state, (lane.state, "?", "warn"))
    return [Fact(words, mark, tone)]


def _load(lane: Lane) -> list[Fact]:
    said = []
    if lane.running is not None:
        said.append(f"{lane.running} running")
    if lane.pending:
        said.append(f"{lane.pending} trying")
    if lane.limit is not None:
        said.append(f"limit {lane.limit}")
    elif lane.state == "calm":
        said.append("no limit")
    if lane.queued is not None:
        said.append(f"{lane.queued} queued")
    return [Fact(text) for text in said]


def _resistance(lane: Lane) -> list[Fact]:
    """The breaker, and what refusals do to the lane."""
    said = []
    if lane.breaker == "open":
        said.append("breaker open" if lane.probe_in is None else f"breaker open, probe {_in(lane.probe_in)}")
    elif lane.breaker:
        said.append(f"breaker {lane.breaker}")
    if lane.state not in ("calm", "limited"):
        if lane.refused_share is not None:
            said.append(f"{_percent(lane.refused_share)} refused lately")
        if lane.rate is not None and lane.breaker != "open":
            said.append(f"{lane.rate:.3g} extra tries a second")
    if lane.start_rate is not None:
        said.append(f"{lane.start_rate:.3g} starts a second at most")
    if lane.blocked_for:
        said.append(f"all paused for {_short(lane.blocked_for)} by the API's word")
    return [Fact(text) for text in said]


def _bucket(bucket: Bucket) -> str:
    """What may go at once, and what is allowed a minute: the first is a few seconds' worth of the second."""
    said = []
    if bucket.left is not None:
        said.append(f"{_many(bucket.left)} left")
    if bucket.limit is not None:
        said.append(f"{_many(bucket.limit)} a minute")
    if bucket.wait:
        said.append(f"next fits {_in(bucket.wait)}")
    name = bucket.name.replace("-", " ")
    return f"{name}: {', '.join(said)}" if said else name


def _window(window: Window) -> str:
    said = f"plan {window.name}:"
    if window.used is not None:
        said += f" {_percent(window.used)} used"
    if window.status and window.status != "allowed":
        said += f" ({window.status.replace('_', ' ')})"
    if window.resets_in is not None:
        said += f", resets {_in(window.resets_in)}"
    return said.removesuffix(":")


def _agents(lane: Lane) -> list[Fact]:
    """Who waits, as `agent: calls`, the largest first."""
    if not lane.agents:
        return []
    said = [f"{agent} {queued}" for agent, queued in lane.agents]
    rest = (lane.queued or 0) - sum(queued for _, queued in lane.agents)
    if rest > 0:
        said.append(f"others {rest}")
    return [Fact(f"queued by {said[0]}"), *(Fact(text) for text in said[1:])]


def _next(lane: Lane) -> list[Fact]:
    said = []
    if lane.next_in is not None:
        said.append(f"next attempt {_in(lane.next_in)}")
    if lane.why:
        said.append(lane.why)
    return [Fact(text) for text in said]


# ---- figures -------------------------------------------------------------------------------------------


def _in(seconds: float) -> str:
    return f"in {_short(seconds)}" if seconds >= 0.05 else "now"


def _short(seconds: float) -> str:
    """A wait: with tenths below ten seconds, where they matter."""
    return f"{round(seconds, 1):g} s" if seconds < 9.95 else duration(round(seconds))


def _percent(share: float) -> str:
    return f"{round(share * 100)} %"


def _many(count: int) -> str:
    """A large number with its digits in groups: `3 600 000`."""
    return f"{count:,}".replace(",", " ")
