"""What the benchmark is measured against: the aim and the floor of each figure, and how far a measurement is off.

Aims are those of the design of overload control. Floors are what its reference law reached in simulation on seeds
never used for tuning, less one point (a percent, a second, 0.01 of a ratio, 0.001 of the Jain index); where an aim
is the easier, the aim.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from seawall.fake.score import Row, mean

Sense = Literal["least", "most"]
Over = Literal["mean", "worst"]


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure of one scenario and fleet size, as the mean over seeds or in the worst of them."""

    scenario: str
    agents: int
    figure: str
    sense: Sense
    """The aim is the least, or the most, that the figure should be."""
    aim: float
    floor: float
    over: Over = "mean"


@dataclass(frozen=True, slots=True)
class Met:
    """A goal with what was measured; distances are positive where it was reached."""

    goal: Goal
    measured: float

    @property
    def to_aim(self) -> float:
        """How far beyond the aim."""
        return self._beyond(self.goal.aim)

    @property
    def to_floor(self) -> float:
        """How far beyond the floor."""
        return self._beyond(self.goal.floor)

    def _beyond(self, mark: float) -> float:
        return round(self.measured - mark if self.goal.sense == "least" else mark - self.measured, 4)

    def as_json(self) -> dict[str, Any]:
        """The goal as an object of `goals`."""
        goal = self.goal
        return {
            "scenario": goal.scenario,
            "agents": goal.agents,
            "figure": goal.figure,
            "over": goal.over,
            "sense": goal.sense,
            "aim": goal.aim,
            "floor": goal.floor,
            "measured": round(self.measured, 4),
            "to_aim": self.to_aim,
            "to_floor": self.to_floor,
        }


WORDS: Final = {
    "failures": "failures that a program saw",
    "goodput_of_oracle": "useful goodput, % of the oracle's",
    "attempts_per_success": "attempts per success",
    "attempts_of_unavoidable": "attempts against the unavoidable",
    "refused_429": "429s",
    "refused_in_event": "refusals during the event",
    "recovery_s": "recovery, s",
    "delay_p99_of_oracle": "added delay p99 against the oracle's",
    "delay_p95_of_oracle": "added delay p95 against the oracle's",
    "delay_p50_above_oracle": "added delay p50 above the oracle's, s",
    "jain_above_oracle": "Jain index above the oracle's",
    "throughput_of_limit": "throughput, % of the limit",
    "greedy_advantage": "greedy agent's turns against a single one's",
    "share": "share of all turns, %",
    "lost": "turns lost",
}


def _least(scenario: str, agents: int, figure: str, aim: float, simulated: float, point: float) -> Goal:
    return Goal(scenario, agents, figure, "least", aim, round(min(aim, simulated - point), 4))


def _most(
    scenario: str, agents: int, figure: str, aim: float, simulated: float, point: float, over: Over = "mean"
) -> Goal:
    return Goal(scenario, agents, figure, "most", aim, round(max(aim, simulated + point), 4), over)


_ALL: Final = ("S1", "S1x", "S1y", "S2", "S4", "S5", "S8", "competition")

# The last two numbers: what the reference law reached in simulation, and what one point of it is.
GOALS: Final[tuple[Goal, ...]] = (
    *(Goal(name, 200, "failures", "most", 0, 0, "worst") for name in _ALL),
    _least("S1", 200, "goodput_of_oracle", 98.5, 99.0, 1),
    _least("S1x", 200, "goodput_of_oracle", 94, 94.0, 1),
    _least("S1y", 200, "goodput_of_oracle", 98.5, 97.3, 1),
    _least("S2", 200, "goodput_of_oracle", 98.5, 98.6, 1),
    _least("S4", 200, "throughput_of_limit", 99, 99.7, 1),
    _least("S5", 200, "goodput_of_oracle", 97, 97.2, 1),
    _least("S8", 200, "goodput_of_oracle", 99, 99.0, 1),
    _most("S1", 200, "attempts_per_success", 1.08, 1.07, 0.01),
    _most("S2", 200, "attempts_per_success", 1.08, 1.06, 0.01),
    _most("S8", 200, "attempts_per_success", 1.08, 1.05, 0.01),
    _most("S1x", 200, "attempts_of_unavoidable", 1.05, 1.0, 0.01),
    _most("S1y", 200, "attempts_of_unavoidable", 1.05, 1.0, 0.01),
    _most("S4", 200, "refused_429", 0, 0, 0, "worst"),
    _most("S5", 200, "refused_429", 80, 80, 1),
    _most("S1", 200, "refused_in_event", 260, 250, 1),
    _most("S2", 200, "refused_in_event", 70, 67, 1),
    _most("S1", 200, "recovery_s", 10, 13, 1),
    _most("S1", 200, "recovery_s", 15, 21, 1, "worst"),
    _most("S2", 200, "recovery_s", 10, 12, 1),
    _most("S2", 200, "recovery_s", 15, 15, 1, "worst"),
    _most("S1", 200, "delay_p99_of_oracle", 1.1, 1.0, 0.01),
    _most("S2", 200, "delay_p99_of_oracle", 1.1, 1.03, 0.01),
    _most("S5", 200, "delay_p95_of_oracle", 1.25, 1.2, 0.01),
    _most("S8", 200, "delay_p95_of_oracle", 1.25, 1.2, 0.01),
    *(
        _least(name, 200, "jain_above_oracle", -0.003, -0.002, 0.001)
        for name in ("S1", "S1x", "S1y", "S2", "S4", "S5", "S8")
    ),
    _most("S8", 200, "greedy_advantage", 1.4, 1.4, 0.01),
    _least("competition", 200, "share", 23, 23.3, 1),
    *(Goal(name, 20, "failures", "most", 0, 0, "worst") for name in _ALL),
    _least("S1", 20, "goodput_of_oracle", 98, 98.1, 1),
    _least("S1x", 20, "goodput_of_oracle", 88, 86.0, 1),
    _least("S2", 20, "goodput_of_oracle", 98.5, 98.8, 1),
    _most("S1", 20, "attempts_per_success", 1.15, 1.12, 0.01),
    _most("S2", 20, "attempts_per_success", 1.15, 1.15, 0.01),
    *(Goal(name, 1, "failures", "most", 0, 0, "worst") for name in _ALL if name not in ("S8", "competition")),
    *(Goal(name, 1, "lost", "most", 0, 0, "worst") for name in ("S1", "S1x", "S1y", "S2", "S4", "S5")),
    # Half of the turns of one agent are in calm weather: the middle one says what the way itself costs.
    # 0.3 s is what the median of some forty lognormal first bytes is uncertain by.
    Goal("S1", 1, "delay_p50_above_oracle", "most", 0.3, 0.3),
)


def figure(row: Row, name: str) -> float | None:
    """A figure of a row, as goals speak of it; None where it has none."""
    match name:
        case "delay_p95_of_oracle" | "delay_p99_of_oracle":
            which = name.removesuffix("_of_oracle")
            mine, best = row[which], row.get(f"oracle_{which}")
            return mine / best if mine is not None and best else None
        case "delay_p50_above_oracle":
            mine, best = row["delay_p50"], row.get("oracle_delay_p50")
            return None if mine is None or best is None else mine - best
        case "jain_above_oracle":
            best = row.get("oracle_jain")
            return None if best is None else row["jain"] - best
        case "throughput_of_limit" | "share":
            return None if row[name] is None else 100 * row[name]
        case _:
            value: float | None = row[name]
            return value


def measured(rows: Sequence[Row], through: str = "seawall") -> list[Met]:
    """Every goal for which there are rows of this way, in the order of the table."""
    met = []
    for goal in GOALS:
        values = [
            value
            for row in rows
            if (row["scenario"], row["agents"], row["through"]) == (goal.scenario, goal.agents, through)
            and (value := figure(row, goal.figure)) is not None
        ]
        if not values:
            continue
        worst = min if goal.sense == "least" else max
        value = worst(values) if goal.over == "worst" else mean(values)
        assert value is not None
        met.append(Met(goal, value))
    return met
