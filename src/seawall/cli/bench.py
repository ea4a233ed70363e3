"""`seawall bench`: a fleet of agents through trouble, with Seawall and without, in figures."""

import json
import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from seawall.cli.common import Common, ExitCode, Failure, common_options
from seawall.cli.progress import run
from seawall.clock import duration

if TYPE_CHECKING:
    from seawall.fake.bench import Bench, Plan

WAYS: Final = ("seawall", "oracle", "sdk", "retries10", "proxy", "aimd")
FLEETS: Final = (1, 20, 200)
SEEDS: Final = (1, 2, 3)


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
    type=click.Choice(WAYS),
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
    "--jobs", metavar="N", type=click.IntRange(1, 64), help="Runs side by side; one for each processor."
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
    jobs: int | None,
    no_calibration: bool,
    no_turns: bool,
    common: Common,
) -> int:
    """Measure what Seawall does for a fleet: brownouts, outages, own limits, a stampede, greedy tenants.

    Alone it takes about 25 minutes on two processors: eight scenarios with 200 agents, through Seawall
    and by an oracle that knows the service's capacity, three seeds. Needs no key and no network.
    """
    from seawall.fake.bench import Bench, BenchFailed, Plan
    from seawall.view.bench import text

    if math.isnan(factor):
        raise click.BadParameter("nan is no number", param_hint="--factor")
    ways = through or (WAYS if everything else WAYS[:1])
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
        side_by_side=jobs or min(64, os.cpu_count() or 1),
        calibrate=not no_calibration,
        keep_raw=common.json and not no_turns,
    )
    _check_fits(plan, named=bool(scenarios))
    running, stopped = Bench(plan), False
    try:
        report = run(
            running.run,
            lambda width: [line[:width] for line in progress(running)],
            common,
            frame_every=0.5,
            line_every=15.0,
        )
    except KeyboardInterrupt:
        if not running.rows:
            raise
        # What was measured took its time: it is not thrown away with the rest.
        report, stopped = running.report("interrupted"), True
    except BenchFailed as error:
        raise Failure(str(error)) from None
    except OSError as error:
        raise Failure(f"the benchmark cannot be run here: {error}") from None
    click.echo(json.dumps(report.as_json()) if common.json else text(report), nl=common.json)
    for why in report.calibration.trouble:
        common.say(f"VOID: {why}")
    for why in report.undone:
        common.say(f"not done: {why}")
    if stopped:
        return ExitCode.INTERRUPTED
    return ExitCode.SEAWALL if report.calibration.trouble or report.undone else ExitCode.OK


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
    return tuple((work.name if work.name in SHIPPED else name, work) for name, work in found)


def _settings(common: Common, factor: float) -> str:
    """The settings of `--config` on the benchmark's clock; empty without one. Nothing else of the user's is read."""
    if common.config is None:
        return ""
    from seawall.fake.trial import settings
    from seawall.settings import load, read_file

    if not common.config.exists():
        raise Failure(f"there is no settings file {common.config}", ExitCode.USAGE)
    if trouble := read_file(common.config).trouble:
        # Other verbs go on with the defaults. This one would take half an hour to measure somebody else's settings.
        raise Failure(f"{trouble}, so there is nothing to measure", ExitCode.USAGE)
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


def _check_fits(plan: "Plan", *, named: bool) -> None:
    """Failure for a scenario that cannot be run with one of these sizes of fleet; one that was named, with none."""
    from seawall.fake.scenario import ScenarioError

    for name, work in plan.works:
        sizes = [size for size in plan.agents if work.fits(size)]
        if named and not sizes:
            raise Failure(f"{name} needs at least {work.bench.least_agents} agents", ExitCode.USAGE)
        try:
            for size in sizes:
                work.served(size)
        except ScenarioError as error:
            raise Failure(str(error), ExitCode.USAGE) from None


def progress(running: "Bench") -> list[str]:
    """How far the benchmark is: a line of its own, and one for each run under way."""
    from seawall.fake.bench import named
    from seawall.view.bench import NAMES
    from seawall.view.layout import clean

    whole = len(running.jobs)
    undone = f", {len(running.undone)} failed" if running.undone else ""
    lines = [f"{len(running.rows)} of {whole} runs done{undone}, about {duration(running.left())} left"]
    for one in running.standing.values():
        horizon = running.plan.horizon(one.job)
        failed = f", {one.failed} failed" if one.failed else ""
        share = min(one.at / horizon, 1)
        lines.append(
            f"{clean(named(one.job))}, {NAMES[one.job.through]}: {share:.0%}, {one.turns} turns{failed}"
        )
    return lines
