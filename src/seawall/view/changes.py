"""What has changed between two looks, in lines: for a log, a pipe, a terminal without a cursor."""

from collections.abc import Sequence

from seawall.clock import duration
from seawall.view.facts import Gateway, Lane
from seawall.view.lanes import name, state_words


def changes(before: Sequence[Gateway] | None, now: Sequence[Gateway]) -> list[str]:
    """One line for each gateway and lane that is not as it was; all of them where there is no `before`.

    A figure that always moves, such as an age or a rate, is no change.
    """
    if before is None and not now:
        return ["no gateway runs"]
    old = {one.address: one for one in before or ()}
    lines: list[str] = []
    for one in now:
        where = f" ({one.address})" if one.address and len(now) > 1 else ""
        was = old.get(one.address)
        if was is None or _marks(was) != _marks(one):
            lines.append(_gateway(one) + where)
        states = {} if was is None else {name(lane, was.lanes): _lane(lane) for lane in was.lanes}
        for lane in one.lanes:
            called, said = name(lane, one.lanes), _lane(lane)
            # A lane that is new and calm is what everybody expects.
            if said != states.get(called, "calm"):
                lines.append(f"{called}: {said}{where}")
    present = {one.address for one in now}
    lines += [f"the gateway at {address} is gone" for address in old if address not in present]
    return lines


def _marks(one: Gateway) -> tuple[object, ...]:
    return one.answers, one.draining, one.held, one.cause, one.store == "degraded"


def _gateway(one: Gateway) -> str:
    if not one.answers:
        return "the gateway does not answer"
    said = [one.counts]
    if one.cause:
        age = f" for {duration(one.cause_age)}" if one.cause_age is not None else ""
        said.append(f"{one.cause}{age}")
    if one.store == "degraded":
        said.append("records wait in memory")
    if one.draining:
        said.append("stopping")
    return ", ".join(said)


def _lane(lane: Lane) -> str:
    said = state_words(lane.state) or "calm"
    return f"{said}, breaker open" if lane.breaker == "open" and lane.state != "outage" else said
