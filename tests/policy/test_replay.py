"""The law has no chance of its own: the same events at the same moments with the same seed give the same decisions.

`python tests/policy/test_replay.py` records the trace anew, for when the law is meant to decide otherwise.
"""

import json
import random
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from seawall.config import Gateway
from seawall.fake.scenario import read
from seawall.fake.virtual import Simulation
from seawall.fake.work import work
from seawall.policy.breaker import Breaker
from seawall.policy.lane import Lane, Sent, Wait
from seawall.policy.pacer import Level
from seawall.policy.queue import Ticket

TRACE = Path(__file__).with_name("trace.json")
SEED = 20261121
AGENTS = 24

# Every state of the law within four minutes: calm, others' refusals, a brownout, an outage, limits of one's own.
WEATHER = """
title = "all kinds of weather"
[bench]
horizon = 240
event = [20, 200]
[fleet]
think_s = 4
stream_s = 8
starts_s = 4
greedy = 0.25
greedy_width = 3
[answer]
first_s = 1.0
first_spread = 0.5
[capacity]
slots = 1.5
[[capacity.phase]]
from = 20
to = 80
slots = 0.2
[[capacity.phase]]
from = 90
to = 150
refuse = 0.8
[[capacity.phase]]
from = 160
to = 180
outage = true
[limits]
requests_per_minute = 2.5
input_tokens_per_minute = 20000
burst_s = 15
[limits.acceleration]
base = 0.9
retry_after = 3
"""

Event = list[Any]
"""Moment, what happened, to whom, and what more it said; then what the lane said to it, where it says something."""


PARTS = ("limiter", "breaker", "pacer", "queue", "budget")


def new_lane(settings: Gateway) -> Lane:
    rng = random.Random(SEED)
    return Lane(settings, Breaker(settings.breaker, rng), rng)


def recorded() -> tuple[Gateway, list[Event]]:
    """The trace, and the settings that it was recorded with: another default is no other law."""
    trace = json.loads(TRACE.read_text())
    usual = Gateway()
    changed = {part: replace(getattr(usual, part), **trace["settings"][part]) for part in PARTS}
    return replace(usual, **changed), trace["events"]


class Recorder:
    """A lane that writes down what it is told, and what it says."""

    def __init__(self, simulation: Simulation) -> None:
        self.lane = new_lane(simulation.settings)
        self.events: list[Event] = []
        self._tickets: dict[Ticket, int] = {}
        self._sent: list[Sent] = []

    def join(self, ticket: Ticket, now: float) -> None:
        number = self._tickets.setdefault(ticket, len(self._tickets))
        facts = [ticket.flow, ticket.begun_at, ticket.deadline, ticket.size, ticket.tokens]
        self.events.append([now, "join", number, ticket.not_before if ticket.tag is not None else facts])
        self.lane.join(ticket, now)

    def leave(self, ticket: Ticket, now: float) -> None:
        self.events.append([now, "leave", self._tickets[ticket]])
        self.lane.leave(ticket, now)

    def next(self, now: float) -> Sent | Wait | None:
        said = self.lane.next(now)
        if isinstance(said, Sent):
            self._sent.append(said)
        self.events.append([now, "next", None, told(said, self._tickets)])
        return said

    def hear(self, sent: Sent, levels: list[Level], now: float) -> None:
        self._note(now, "hear", sent, [[level.name, level.limit, level.left] for level in levels])
        self.lane.hear(sent, levels, now)

    def accepted(self, sent: Sent, now: float) -> None:
        self._note(now, "accepted", sent)
        self.lane.accepted(sent, now)

    def refused(self, sent: Sent, now: float) -> None:
        self._note(now, "refused", sent)
        self.lane.refused(sent, now)

    def limited(self, sent: Sent, levels: list[Level], retry_after: float | None, now: float) -> None:
        told = [[level.name, level.limit, level.left] for level in levels]
        self._note(now, "limited", sent, [told, retry_after])
        self.lane.limited(sent, levels, retry_after, now)

    def ended(self, sent: Sent, now: float) -> None:
        self._note(now, "ended", sent)
        self.lane.ended(sent, now)

    def _note(self, now: float, what: str, sent: Sent, *more: Any) -> None:
        self.events.append([now, what, next(n for n, one in enumerate(self._sent) if one is sent), *more])


def told(said: Sent | Wait | None, tickets: dict[Ticket, int]) -> Event | None:
    """A decision as the trace has it. Moments to a millionth: the last digits are the mathematics library's."""
    match said:
        case Sent():
            return ["go", tickets[said.ticket], said.kind.value]
        case Wait():
            return ["wait", said.why, None if said.until == float("inf") else round(said.until, 6)]
        case None:
            return None


def record() -> list[Event]:
    """The trace of a run in virtual time."""
    simulation = Simulation(work("weather", read(WEATHER, "weather")), AGENTS, SEED, Recorder)
    simulation.run()
    assert isinstance(simulation.law, Recorder)
    return simulation.law.events


def replay(settings: Gateway, events: list[Event]) -> None:
    """Tell a new lane the same; what it says must be what the trace has."""
    lane = new_lane(settings)
    tickets: list[Ticket] = []
    sent: list[Sent] = []
    names: dict[Ticket, int] = {}
    for number, (now, what, who, *more) in enumerate(events):
        match what:
            case "join":
                if who == len(tickets):
                    flow, begun_at, deadline, size, tokens = more[0]
                    tickets.append(Ticket(flow, begun_at, deadline, size=size, tokens=tokens))
                    names[tickets[-1]] = who
                else:
                    tickets[who].not_before = more[0]
                lane.join(tickets[who], now)
            case "leave":
                lane.leave(tickets[who], now)
            case "next":
                decision = lane.next(now)
                if isinstance(decision, Sent):
                    sent.append(decision)
                assert told(decision, names) == more[0], f"event {number}, at {now}"
            case "hear":
                lane.hear(sent[who], [Level(*level) for level in more[0]], now)
            case "limited":
                lane.limited(sent[who], [Level(*level) for level in more[0][0]], more[0][1], now)
            case "accepted" | "refused" | "ended":
                getattr(lane, what)(sent[who], now)
            case _:
                raise AssertionError(what)


def test_the_recorded_trace_is_decided_as_it_was() -> None:
    """Whatever was made quicker or plainer since: the same requests go at the same moments, for the same reasons."""
    replay(*recorded())


def test_the_trace_has_all_kinds_of_weather() -> None:
    """It would prove little otherwise."""
    _, events = recorded()
    said = [event[3] for event in events if event[1] == "next" and event[3] is not None]
    assert {one[2] for one in said if one[0] == "go"} == {"replacement", "surplus", "probe"}
    assert {one[1] for one in said if one[0] == "wait"} >= {
        "limiter",
        "breaker",
        "requests",
        "starts a second",
    }
    assert {event[1] for event in events} >= {
        "join",
        "next",
        "hear",
        "accepted",
        "refused",
        "limited",
        "ended",
    }


def test_a_replay_repeats_itself() -> None:
    """With today's settings too: what a lane said once, others say to the same events."""
    events = record()
    replay(Gateway(), events)
    replay(Gateway(), events)


if __name__ == "__main__":
    settings = json.dumps({part: asdict(getattr(Gateway(), part)) for part in PARTS})
    events = ",\n".join(json.dumps(event) for event in record())
    TRACE.write_text(f'{{"settings": {settings}, "events": [\n{events}\n]}}\n')
