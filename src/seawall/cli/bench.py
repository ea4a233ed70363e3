"""`seawall bench`: a fleet of agents through trouble, with Seawall and without, in figures."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from seawall.cli.common import Common, ExitCode, Failure, common_options
from seawall.view.words import duration

if TYPE_CHECKING:
    from seawall.fake.bench import Bench, Calibration, Plan, Report
    from seawall.fake.goals import Met
    from seawall.fake.score import Row

NAMES: Final = {
    "seawall": "Seawall",
    "oracle": "oracle",
    "sdk": "SDK, 2 retries",
    "retries10": "10 retries",
    "proxy": "proxy, 2 retries + pause",
    "aimd": "textbook AIMD",
    "via": "--via",
}
FLEETS: Final = (1, 20, 200)
SEEDS: Final = (1, 2, 3)
LINE_EVERY: Final = 15.0
"""Seconds between lines of progress where there is no terminal."""
FRAME_EVERY: Final = 0.5


@click.command()
@click.option("--scenario", "scenarios", metavar="NAME|FILE", multiple=True, help="Only this; repeatable.")
@click.option(
    "--agents",
    metavar="N",
    multiple=True,
    type=click.IntRange(1, 1000),
    help="Size of the fleet; repeatable. 200.",
)
@click.option(
    "--seed", "seeds", metavar="N", multiple=True, type=click.IntRange(0, 2**31), help="Repeatable. 1 2 3."
)
@click.option(
    "--through",
    multiple=True,
    type=click.Choice([name for name in NAMES if name != "via"]),
    help="The way of the fleet's calls; repeatable. seawall; the oracle always runs too.",
)
@click.option("--via", metavar="COMMAND", help="Another gateway, with {port} and {upstream} in its command.")
@click.option("--all", "everything", is_flag=True, help="Every way, with 1, 20 and 200 agents.")
@click.option(
    "--factor",
    type=click.FloatRange(0.1, 500),
    default=20.0,
    show_default=True,
    help="How many times as fast as life; 1 to be sure.",
)
@click.option(
    "--jobs", metavar="N", type=click.IntRange(1, 64), default=2, show_default=True, help="Runs side by side."
)
@click.option("--no-calibration", is_flag=True, help="Leave out the three runs that prove the model right.")
@click.option("--no-turns", is_flag=True, help="With --json: figures without the raw turns.")
@common_options
def bench(
    scenarios: tuple[str, ...],
    agents: tuple[int, ...],
    seeds: tuple[int, ...],
    through: tuple[str, ...],
    via: str | None,
    everything: bool,
    factor: float,
    jobs: int,
    no_calibration: bool,
    no_turns: bool,
    common: Common,
) -> int:
    """Measure what Seawall does for a fleet: brownouts, outages, own limits, a stampede, greedy tenants.

    Alone it takes about 25 minutes on two processors: eight scenarios with 200 agents, through Seawall and by an
    oracle that knows the service's capacity, three seeds. Needs no key and no network.
    """
    from seawall.fake.bench import Bench, BenchFailed, Plan
    from seawall.fake.trial import THROUGH

    ways = through or (tuple(way for way in THROUGH if way != "via") if everything else ("seawall",))
    if via is not None:
        _check_via(via)
        ways = (*(through or (ways if everything else ())), "via")
    plan = Plan(
        works=_works(scenarios),
        agents=agents or (FLEETS if everything else FLEETS[-1:]),
        seeds=tuple(dict.fromkeys(seeds or SEEDS)),
        through=tuple(dict.fromkeys(ways)),
        factor=factor,
        via=via or "",
        settings=_settings(common, factor),
        settings_file=str(common.config or ""),
        side_by_side=jobs,
        calibrate=not no_calibration,
        keep_raw=common.json and not no_turns,
    )
    running = Bench(plan)
    _check_fits(plan)
    try:
        report = _run(running, common)
    except BenchFailed as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"the benchmark cannot be run here: {error}") from None
    click.echo(json.dumps(report.as_json()) if common.json else text(report), nl=common.json)
    for why in report.calibration.trouble:
        common.say(f"VOID: {why}")
    return ExitCode.SEAWALL if report.calibration.trouble else ExitCode.OK


command: click.Command = bench


def _works(names: Sequence[str]) -> "tuple[tuple[str, Any], ...]":
    from seawall.fake.scenario import ScenarioError
    from seawall.fake.work import SHIPPED, find

    try:
        found = [(name, find(name)) for name in dict.fromkeys(names or SHIPPED)]
    except ScenarioError as error:
        raise Failure(str(error), ExitCode.USAGE) from None
    called = [work.name for _, work in found]
    if twice := next((name for name in called if called.count(name) > 1), None):
        raise Failure(
            f"two scenarios are called {twice}: the tables could not tell them apart", ExitCode.USAGE
        )
    return tuple((name if name.endswith(".toml") else work.name, work) for name, work in found)


def _settings(common: Common, factor: float) -> str:
    """The settings of `--config` on the benchmark's clock; empty without one. Nothing else of the user's is read."""
    if common.config is None:
        return ""
    from seawall.fake.trial import settings
    from seawall.settings import load

    if not common.config.exists():
        raise Failure(f"there is no settings file {common.config}", ExitCode.USAGE)
    loaded = load({}, {}, user_file=common.config, project_file=None)
    for line in loaded.warnings:
        common.say(line)
    return settings(factor, loaded.config)


def _check_via(command: str) -> None:
    from seawall.fake.behind import arguments

    try:
        arguments(command, 1, "http://127.0.0.1:1")
    except ValueError as error:
        raise Failure(
            f"--via: {error}; it is such as --via 'gateway --port {{port}} --to {{upstream}}'", ExitCode.USAGE
        ) from None


def _check_fits(plan: "Plan") -> None:
    """Failure for a scenario that cannot be run with any, or with one, of these sizes of fleet."""
    from seawall.fake.scenario import ScenarioError

    for name, work in plan.works:
        sizes = [size for size in plan.agents if work.fits(size)]
        if not sizes:
            raise Failure(f"{name} needs at least {work.bench.least_agents} agents", ExitCode.USAGE)
        try:
            for size in sizes:
                work.served(size)
        except ScenarioError as error:
            raise Failure(str(error), ExitCode.USAGE) from None


# ---- what is printed -----------------------------------------------------------------------------------

Say = Callable[[Sequence[Any]], str]


def _number(name: str, digits: int, scale: float = 1.0) -> Say:
    def say(rows: "Sequence[Row]") -> str:
        from seawall.fake.score import mean

        value = mean(row[name] for row in rows)
        return "-" if value is None else f"{value * scale:.{digits}f}"

    return say


def _with_worst(name: str, digits: int, worst: Callable[[Sequence[float]], float]) -> Say:
    """The mean, and the worst seed where there are several."""

    def say(rows: "Sequence[Row]") -> str:
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


def text(report: "Report") -> str:
    """A table for each scenario and size of fleet, one of the goals, and what the calibration says; Markdown."""
    parts = []
    seen: dict[tuple[str, int], list[Any]] = {}
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
    return f"### {title}, {counted}, seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def table(rows: "Sequence[Row]") -> str:
    """A line for each way, means over seeds; columns that say nothing of this scenario are left out."""
    ways = list(dict.fromkeys(row["through"] for row in rows))
    shown = [column for column in COLUMNS if any(row[column[0]] is not None for row in rows)]
    lines = [["through", *(head for _, head, _ in shown)]]
    for way in ways:
        mine = [row for row in rows if row["through"] == way]
        lines.append([NAMES[way], *(say(mine) for _, _, say in shown)])
    return markdown(lines)


def goals(met: "Sequence[Met]") -> str:
    """Every goal with its aim, its floor, the figure and the distances: above 0 it is reached."""
    from seawall.fake.goals import WORDS

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


def calibration(found: "Calibration") -> list[str]:
    """Whether the figures above mean anything."""
    if found.skipped and not found.trouble:
        return ["Not calibrated: nothing shows that the model of the service behaved as it must."]
    known = ", ".join(f"{NAMES[way]} {value:.1f} %" for way, value in found.found.items())
    if not found.trouble:
        return [f"Calibrated: of the oracle's goodput in S1, {known}."]
    return ["**VOID: these figures mean nothing.**", "", *(f"- {why}" for why in found.trouble)]


def _machine(report: "Report") -> str:
    rows = [row["machine"] for row in report.rows]
    lag = max(row["lag_p99_ms"] for row in rows)
    mine = max(row["processor_share"] for row in rows)
    behind = max(row["gateway_processor_share"] for row in rows)
    return (
        f"{len(rows)} runs at {report.plan.factor:g} times the speed of life, {duration(report.seconds)}. At most: "
        f"{mine:.0%} of a processor for API and fleet, {behind:.0%} for the gateway, {lag:.0f} ms late (p99)."
    )


def progress(running: "Bench") -> list[str]:
    """How far the benchmark is: a line of its own, and one for each run under way."""
    from seawall.fake.bench import named

    whole = len(running.jobs)
    lines = [f"{len(running.rows)} of {whole} runs done, about {duration(running.left())} left"]
    for one in running.standing.values():
        horizon = running.plan.horizon(one.job)
        failed = f", {one.failed} failed" if one.failed else ""
        share = min(one.at / horizon, 1)
        lines.append(f"{named(one.job)}, {NAMES[one.job.through]}: {share:.0%}, {one.turns} turns{failed}")
    return lines


# ---- running it ----------------------------------------------------------------------------------------


def _run(running: "Bench", common: Common) -> "Report":
    with asyncio.Runner() as runner:
        return runner.run(_watched(running, common))


async def _watched(running: "Bench", common: Common) -> "Report":
    """The benchmark with its progress shown; a signal ends everything and becomes KeyboardInterrupt."""
    loop = asyncio.get_running_loop()
    work = asyncio.ensure_future(running.run())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, work.cancel)
    shown = asyncio.ensure_future(_show(running, common))
    try:
        return await work
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        shown.cancel()
        await asyncio.gather(shown, return_exceptions=True)


async def _show(running: "Bench", common: Common) -> None:
    """Progress on stderr until it is cancelled: a block that changes and is erased, or lines now and then."""
    if common.quiet:
        return
    terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not common.plain
    if not terminal:
        while True:
            common.say("; ".join(progress(running)))
            await asyncio.sleep(LINE_EVERY)
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True, no_color=not common.color(sys.stderr, os.environ))
    with Live(console=console, transient=True, auto_refresh=False) as live:
        while True:
            lines = [line[: console.width] for line in progress(running)]
            live.update(Text("\n".join(lines)), refresh=True)
            await asyncio.sleep(FRAME_EVERY)
