"""A benchmark as people read it: Markdown tables, the goals, and whether any of it means something."""

from collections.abc import Callable, Sequence
from typing import Final

from seawall.clock import duration
from seawall.fake.bench import Calibration, Report
from seawall.fake.goals import WORDS, Met
from seawall.fake.score import Row, mean
from seawall.view.layout import clean

NAMES: Final = {
    "seawall": "Seawall",
    "oracle": "oracle",
    "sdk": "SDK, 2 retries",
    "retries10": "10 retries",
    "proxy": "proxy, 2 retries + pause",
    "aimd": "textbook AIMD",
    "via": "--via",
}

Say = Callable[[Sequence[Row]], str]


def _number(name: str, digits: int, scale: float = 1.0) -> Say:
    def say(rows: Sequence[Row]) -> str:
        value = mean(row[name] for row in rows)
        return "-" if value is None else f"{value * scale:.{digits}f}"

    return say


def _with_worst(name: str, digits: int, worst: Callable[[Sequence[float]], float]) -> Say:
    """The mean, and the worst seed where there are several."""

    def say(rows: Sequence[Row]) -> str:
        values = [row[name] for row in rows if row[name] is not None]
        text = _number(name, digits)(rows)
        return f"{text} ({worst(values):.{digits}f})" if len(values) > 1 else text

    return say


COLUMNS: Final[tuple[tuple[str, str, Say], ...]] = (
    ("failures", "failed", _number("failures", 0)),
    ("agents_killed", "killed", _number("agents_killed", 0)),
    ("goodput_of_oracle", "goodput % (worst)", _with_worst("goodput_of_oracle", 1, min)),
    ("attempts_per_success", "attempts/success", _number("attempts_per_success", 2)),
    ("attempts_of_unavoidable", "of unavoidable", _number("attempts_of_unavoidable", 2)),
    ("refused_in_event", "refused in event", _number("refused_in_event", 0)),
    ("refused_429", "429", _number("refused_429", 0)),
    ("recovery_s", "recovery s (worst)", _with_worst("recovery_s", 0, max)),
    ("delay_p50", "delay p50", _number("delay_p50", 1)),
    ("delay_p95", "p95", _number("delay_p95", 0)),
    ("delay_p99", "p99", _number("delay_p99", 0)),
    ("jain", "Jain", _number("jain", 3)),
    ("throughput_of_limit", "% of limit", _number("throughput_of_limit", 1, 100)),
    ("greedy_advantage", "greedy x", _number("greedy_advantage", 2)),
    ("share", "share %", _number("share", 1, 100)),
)


def text(report: Report) -> str:
    """A table for each scenario and size of fleet, one of the goals, and what the calibration says; Markdown."""
    parts = []
    seen: dict[tuple[str, int], list[Row]] = {}
    asked = {(work.name, size) for _, work in report.plan.works for size in report.plan.agents}
    for row in report.rows:
        key = (row["scenario"], row["agents"])
        if key in asked:
            seen.setdefault(key, []).append(row)
    for (_, size), rows in seen.items():
        parts.append(_heading(rows[0]["title"], size, sorted({row["seed"] for row in rows})))
        parts.append(table(rows))
    if report.goals:
        parts.append("### Goals")
        parts.append(goals(report.goals))
    parts.append("\n".join(calibration(report.calibration)))
    if report.undone:
        parts.append(
            "\n".join(["**Not done, and in no table:**", "", *(f"- {why}" for why in report.undone)])
        )
    if report.plan.via and report.plan.factor != 1:
        parts.append(
            f"The gateway of --via keeps its own times: its seconds were {report.plan.factor:g} of the service's."
        )
    if report.plan.settings_file:
        parts.append(f"Seawall ran with the settings of {report.plan.settings_file}.")
    parts.append(_machine(report))
    return "\n\n".join(parts) + "\n"


def _heading(title: str, agents: int, seeds: Sequence[int]) -> str:
    counted = f"{agents} agents" if agents > 1 else "1 agent"
    return f"### {clean(title)}, {counted}, seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def table(rows: Sequence[Row]) -> str:
    """A line for each way, means over seeds; columns that say nothing of this scenario are left out."""
    ways = list(dict.fromkeys(row["through"] for row in rows))
    shown = [column for column in COLUMNS if any(row[column[0]] is not None for row in rows)]
    lines = [["through", *(head for _, head, _ in shown)]]
    for way in ways:
        mine = [row for row in rows if row["through"] == way]
        lines.append([NAMES[way], *(say(mine) for _, _, say in shown)])
    return markdown(lines)


def goals(met: Sequence[Met]) -> str:
    """Every goal with its aim, its floor, the figure and the distances: above 0 it is reached."""
    lines = [["scenario", "agents", "figure", "aim", "floor", "measured", "to aim", "to floor"]]
    for one in met:
        goal = one.goal
        sign = "≥" if goal.sense == "least" else "≤"
        words = WORDS[goal.figure] + (" (worst seed)" if goal.over == "worst" and goal.aim else "")
        lines.append(
            [
                goal.scenario,
                str(goal.agents),
                words,
                f"{sign} {goal.aim:g}",
                f"{sign} {goal.floor:g}",
                f"{one.measured:.4g}",
                _distance(one.to_aim),
                _distance(one.to_floor),
            ]
        )
    return markdown(lines)


def _distance(value: float) -> str:
    return f"{value:+.3g}" if value < 0 else f"ok {value:+.3g}" if value else "ok"


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its columns as wide as they need to be; the first is left-aligned, others right."""
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(
        "| "
        + " | ".join(
            cell.rjust(w) if n else cell.ljust(w)
            for n, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in (lines[0], rule, *lines[1:])
    )


def calibration(found: Calibration) -> list[str]:
    """Whether the figures above mean anything."""
    if found.skipped and not found.trouble:
        return ["Not calibrated: nothing shows that the model of the service behaved as it must."]
    known = ", ".join(f"{NAMES[way]} {value:.1f} %" for way, value in found.found.items())
    if not found.trouble:
        return [f"Calibrated: of the oracle's goodput in S1, {known}."]
    return ["**VOID: these figures mean nothing.**", "", *(f"- {why}" for why in found.trouble)]


def _machine(report: Report) -> str:
    rows = [row["machine"] for row in report.rows]
    lag = max(row["lag_p99_ms"] for row in rows)
    mine = max(row["processor_share"] for row in rows)
    behind = max(row["gateway_processor_share"] for row in rows)
    return (
        f"{len(rows)} runs at {report.plan.factor:g} times the speed of life, {duration(report.seconds)}. At most: "
        f"{mine:.0%} of a processor for API and fleet, {behind:.0%} for the gateway, {lag:.0f} ms late (p99)."
    )
