"""The work of a benchmark: what `[bench]` and `[fleet]` say, for how many agents, and what each turn asks for.

Times are model seconds, tokens are fresh input tokens. Distributions and seeds are those of the simulation that
the figures of overload control come from, so that a run here and a run there do the same turns.
"""

import os
import random
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec

from seawall.fake.capacity import CapacityModel
from seawall.fake.limits import LimitsModel
from seawall.fake.scenario import Scenario, ScenarioError, contents, read, table

MOST_AGENTS: Final = 1000
MOST_SECONDS: Final = 86_400.0
_FOLDER: Final = resources.files("seawall.fake").joinpath("scenarios", "bench")
SHIPPED: Final = tuple(sorted(f.name[:-5] for f in _FOLDER.iterdir() if f.name.endswith(".toml")))
"""Names of the scenarios that come with the program."""
LEAST_STREAM: Final = 0.5
LEAST_TOKENS: Final = 200.0


class BenchModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When it is over, and what is compared: `[bench]` in a scenario."""

    horizon: float
    """Seconds from the first agent's start to the end."""
    event: tuple[float, float]
    """From when to when the trouble lasts: refusals are counted in it, recovery after it."""
    per_agent: bool = True
    """Slots, engine, others and limits are given for one agent, and multiplied by their number."""
    least_slots: float = 2.0
    least_starts: float = 4.0
    """What capacity and acceleration limit are at least, however small the fleet."""
    least_agents: int = 1
    """A smaller fleet makes no sense here."""

    def __post_init__(self) -> None:
        if not 1 <= self.horizon <= MOST_SECONDS:
            raise ValueError(f"horizon must be from 1 to {MOST_SECONDS:g}")
        if not 0 <= self.event[0] < self.event[1] <= self.horizon:
            raise ValueError("event is [from, to], within the horizon")
        if not (0 <= self.least_slots < 1e9 and 0 <= self.least_starts < 1e9 and self.least_agents >= 1):
            raise ValueError("least_slots and least_starts are 0 or more, least_agents is 1 or more")


class FleetModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The agents: `[fleet]` in a scenario of the benchmark."""

    think_s: float = 8.0
    stream_s: float = 20.0
    stream_spread: float = 1.0
    stream_most: float = 300.0
    tokens: float = 6000.0
    tokens_spread: float = 1.0
    checkpoint: int = 20
    """An error costs an agent its work since the last so many turns, and it starts again after `restart_s`."""
    restart_s: float = 60.0
    starts_s: float = 30.0
    """The agents start within so many seconds, in so many waves `wave_every_s` apart."""
    waves: int = 1
    wave_every_s: float = 20.0
    greedy: float = 0.0
    """Share of the agents that send `greedy_width` requests at a time."""
    greedy_width: int = 8
    foreign: float = 0.0
    """Share of the fleet that belongs to others: it takes the same capacity, by another way, and is not measured."""

    def __post_init__(self) -> None:
        times = (self.think_s, self.stream_s, self.stream_most, self.restart_s)
        if not all(0 < t <= 3600 for t in times):
            raise ValueError("think_s, stream_s, stream_most and restart_s are seconds above 0, at most 3600")
        if not (0 <= self.starts_s <= 3600 and 0 <= self.wave_every_s <= 3600 and 1 <= self.waves <= 100):
            raise ValueError("starts_s and wave_every_s are from 0 to 3600, waves from 1 to 100")
        if not (0 <= self.stream_spread <= 3 and 0 <= self.tokens_spread <= 3):
            raise ValueError("spreads are from 0 to 3")
        if not LEAST_TOKENS <= self.tokens <= 100_000:
            raise ValueError(f"tokens must be from {LEAST_TOKENS:g} to 100000")
        if not (0 <= self.greedy <= 1 and 0 <= self.foreign < 1):
            raise ValueError("greedy and foreign are shares")
        if not (self.checkpoint >= 1 and 1 <= self.greedy_width <= 64):
            raise ValueError("checkpoint is 1 or more, greedy_width from 1 to 64")


@dataclass(frozen=True, slots=True)
class Work:
    """One scenario of the benchmark, read and checked whole, for any number of agents."""

    name: str
    scenario: Scenario
    bench: BenchModel
    fleet: FleetModel
    text: str = ""
    """Of a file, what it held when it was read."""

    def fits(self, agents: int) -> bool:
        """Whether a fleet of this size makes sense."""
        return agents >= self.bench.least_agents

    def own(self, agents: int) -> int:
        """How many of the fleet are measured."""
        return max(1, agents - round(agents * self.fleet.foreign))

    def served(self, agents: int) -> Scenario:
        """The scenario as the faulty API is told it, for a fleet of this size; ScenarioError where that is too much."""
        if not self.bench.per_agent:
            return self.scenario
        capacity, limits = self.scenario.capacity, self.scenario.limits
        try:
            return msgspec.structs.replace(
                self.scenario,
                capacity=None if capacity is None else _capacity(capacity, agents, self.bench.least_slots),
                limits=_limits(limits, self.own(agents), self.bench.least_starts),
            )
        except ValueError as error:
            raise ScenarioError(f"{self.name}, for {agents} agents: {error}") from None

    def starts(self, agents: int, seed: int) -> list[float]:
        """When each agent asks first."""
        rng, fleet = random.Random(seed * 17 + 3), self.fleet
        return [
            rng.uniform(0, fleet.starts_s) + fleet.wave_every_s * (n % fleet.waves) for n in range(agents)
        ]

    def width(self, agent: int) -> int:
        """How many requests this agent sends at a time."""
        greedy = self.fleet.greedy and agent % max(1, round(1 / self.fleet.greedy)) == 0
        return self.fleet.greedy_width if greedy else 1

    def refused(self, now: float) -> float:
        """The chance of being refused now whatever the load."""
        model = self.scenario.capacity
        if model is None:
            return 0.0
        phase = next((p for p in model.phases if p.begin <= now < p.end), None)
        return model.refuse if phase is None or phase.refuse is None else phase.refuse


def _times(value: float | None, agents: int) -> float | None:
    return None if value is None else value * agents


def _capacity(model: CapacityModel, agents: int, least: float) -> CapacityModel:
    phases = tuple(
        msgspec.structs.replace(
            phase,
            slots=_times(phase.slots, agents),
            engine=_times(phase.engine, agents),
            others=_times(phase.others, agents),
        )
        for phase in model.phases
    )
    return msgspec.structs.replace(
        model,
        slots=max(least, model.slots * agents),
        engine=None if model.engine is None else max(least, model.engine * agents),
        others=model.others * agents,
        phases=phases,
    )


def _limits(model: LimitsModel, agents: int, least: float) -> LimitsModel:
    ramp = model.acceleration
    return msgspec.structs.replace(
        model,
        requests_per_minute=model.requests_per_minute * agents,
        input_tokens_per_minute=model.input_tokens_per_minute * agents,
        output_tokens_per_minute=model.output_tokens_per_minute * agents,
        acceleration=None
        if ramp is None
        else msgspec.structs.replace(ramp, base=max(least, ramp.base * agents)),
    )


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one request asks for, and how long its agent thinks afterwards."""

    stream: float
    tokens: float
    guess: float
    """What the length of its body says of its tokens: 10 % too few to 10 % too many."""
    think: float


def draw(fleet: FleetModel, rng: random.Random) -> Drawn:
    """The next request of an agent."""
    stream = min(fleet.stream_most, fleet.stream_s * _spread(rng, fleet.stream_spread))
    tokens = max(LEAST_TOKENS, fleet.tokens * _spread(rng, fleet.tokens_spread))
    guess = tokens * rng.uniform(0.9, 1.1)
    return Drawn(max(LEAST_STREAM, stream), tokens, guess, rng.expovariate(1 / fleet.think_s))


def _spread(rng: random.Random, sigma: float) -> float:
    return rng.lognormvariate(-sigma * sigma / 2, sigma)


def agents_rng(seed: int, agent: int) -> random.Random:
    """The chance of one agent: what it asks for depends on nothing else."""
    return random.Random(seed * 1_000_003 + agent * 7907 + 17)


# ---- files -------------------------------------------------------------------------------------------


def find(name: str) -> Work:
    """A scenario of the benchmark: a shipped one by its name, or a file; raises ScenarioError."""
    known = {shipped.lower(): shipped for shipped in SHIPPED}
    if shipped := known.get(name.lower()):
        return work(shipped, read(shipped_text(shipped), shipped))
    if name and not Path(name).suffix and not os.path.exists(name):
        raise ScenarioError(f"no scenario is called {name!r}; there are {', '.join(SHIPPED)}, or a TOML file")
    text = contents(name, f"the benchmark's own are {', '.join(SHIPPED)}")
    found = replace(work(Path(name).name, read(text, name)), text=text)
    if found.name in SHIPPED:
        raise ScenarioError(
            f"{name}: the benchmark has a {found.name} of its own; give the file another name"
        )
    return found


def shipped_text(name: str) -> str:
    """The file of a shipped scenario."""
    return _FOLDER.joinpath(f"{name}.toml").read_text("utf-8")


def work(name: str, scenario: Scenario) -> Work:
    """The scenario with its two tables read; raises ScenarioError."""
    if not scenario.bench:
        raise ScenarioError(f"{name}: no table [bench]: it is no scenario of the benchmark")
    if scenario.factor != 1:
        raise ScenarioError(f"{name}: factor is not for the benchmark, which has --factor")
    return Work(
        name,
        scenario,
        table(f"{name}: bench", scenario.bench, BenchModel),
        table(f"{name}: fleet", scenario.fleet, FleetModel),
    )
