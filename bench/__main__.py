"""`python -m bench`: Seawall beside nginx and a direct connection, interleaved, in about four minutes.

Prints goals and ratios first. A goal that is missed is no error; a run that failed is.
"""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import decisions, load, origin, report, targets, wire
from bench.measure import (
    ON_LINUX,
    calmest,
    cores,
    cpu_seconds,
    facts,
    percentile,
    pinned,
    resident_kb,
    run,
    waited_seconds,
)
from bench.report import NGINX, SEAWALL, Rounds
from bench.targets import Target

RESULTS = targets.ROOT / "bench" / "results"
BODY_KB = 2.0
_AGAIN = 2
"""So many rounds of streams more where some were disturbed: each takes half a minute."""
_WAITED = 0.02
"""Share of a round for which gateway and origin together may wait for a core: alone they wait for 0.5 to 1.3 %, beside
another busy process for 9 to 30 %, and the p99 of event delays is then four to ten times what it was."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. Times in seconds."""

    rounds: int = 5
    latency: int = 1000
    """Exchanges of each target and round."""
    large: int = 60
    busy: float = 2.5
    streams: int = 500
    stream_rounds: int = 3
    streaming: float = 3.0
    held: int = 1000
    held_rounds: int = 2
    holding: float = 8.0
    starts: int = 7
    decisions: int = 4000
    """Of the control law, in each of its rounds."""
    decision_rounds: int = 9


QUICK = Plan(rounds=2, latency=400, large=20, busy=1.0, stream_rounds=1, streaming=1.5, held_rounds=1,
             starts=3, decision_rounds=3)  # fmt: skip

MEASURED = ("latency", "requests", "events", "memory", "start", "decisions")


class Bench:
    """One run: the targets, and the values so far."""

    def __init__(self, plan: Plan, folder: Path, load_core: int | None, gateway_core: int | None) -> None:
        self.plan = plan
        self.folder = folder
        self.load_core = load_core
        self.gateway_core = gateway_core
        self.rounds: Rounds = {}
        self.notes: list[str] = []
        self.gateways = (NGINX, SEAWALL) if targets.nginx() else (SEAWALL,)

    def put(self, measure: str, target: str, value: float) -> None:
        self.rounds.setdefault(measure, {}).setdefault(target, []).append(value)

    # -- measures -------------------------------------------------------------------------------------------------

    def latency(self, all_targets: list[Target]) -> None:
        """One request at a time, small and large."""
        for measure, size, count in (
            ("latency", 2048, self.plan.latency),
            ("large", 500_000, self.plan.large),
        ):
            lines = {t.name: load.Line(t.port, wire.request(t.port, "json", size)) for t in all_targets}
            for line in lines.values():
                line.times(count // 4 + 1)
            for _ in range(self.plan.rounds):
                taken: dict[str, list[float]] = {name: [] for name in lines}
                for _ in range(10):
                    for name, line in lines.items():
                        taken[name] += line.times(count // 10)
                for name, times in taken.items():
                    self.put(f"{measure}_p50", name, percentile(times, 0.5))
                    if measure == "latency":
                        self.put(f"{measure}_p99", name, percentile(times, 0.99))
            for line in lines.values():
                line.close()

    async def requests(self) -> None:
        """As many requests as one core carries, counted by the gateway's own processor time where that is known.

        Load and origin are one process that never sleeps. A gateway that needs little time waits for them, and
        other work on the machine takes time from either: what a second of its own core's time carries is
        disturbed by neither.
        """
        server = await origin.listen()
        upstream = Target("direct", server.sockets[0].getsockname()[1])
        with ExitStack() as stack:
            # Off this loop: a gateway is started when it has answered, and this loop is its upstream.
            gateways = await asyncio.to_thread(lambda: list(self._gateways(stack, upstream)))
            with pinned(self.load_core), load.awake():
                for _ in range(self.plan.rounds):
                    for target in (upstream, *gateways):
                        await self._saturate(target)
        server.close()

    async def _saturate(self, target: Target) -> None:
        done, took, used = await load.saturate(target.port, 64, 1.0, self.plan.busy, _cpu(target))
        self.put("request_rate", target.name, done / took)
        if target.pid is not None and ON_LINUX:
            self.put("requests", target.name, done / used)
            self.put("request_cpu", target.name, used / done * 1e6)
        elif not ON_LINUX:
            self.put("requests", target.name, done / took)

    def events(self, all_targets: list[Target]) -> None:
        """Many streams at an even pace.

        A gateway that waits for its core sends late, whichever gateway it is: a round in which one had to is measured
        once more. Rounds are chosen by that alone, never by their delays.
        """
        wanted = self.plan.stream_rounds
        rounds: list[tuple[float, list[tuple[str, str, float]]]] = []
        while len(rounds) < wanted + _AGAIN and sum(share <= _WAITED for share, _ in rounds) < wanted:
            rounds.append(self._events_of(all_targets))
        for values in calmest(rounds, wanted):
            for measure, name, value in values:
                self.put(measure, name, value)
        if disturbed := sum(share > _WAITED for share, _ in rounds):
            kept = max(0, wanted - len(rounds) + disturbed)
            self.notes.append(
                f"Events: in {disturbed} of {len(rounds)} rounds gateway and origin waited for a core for more than "
                f"{_WAITED:.1%} of the time, {max(share for share, _ in rounds):.0%} at most: other work ran on this "
                f"machine. {kept} of those are among the {wanted} that count."
            )

    def _events_of(self, all_targets: list[Target]) -> tuple[float, list[tuple[str, str, float]]]:
        """One round: for what share of its time a process waited for a core, and the values."""
        most, values = 0.0, []
        for target in all_targets:
            pids = [pid for pid in (target.pid, all_targets[0].origin_pid) if pid is not None and ON_LINUX]
            _, used, waited, delays = run(
                load.stream(
                    target.port,
                    self.plan.streams,
                    self.plan.streaming,
                    _cpu(target),
                    lambda pids=pids: sum(map(waited_seconds, pids)),
                )
            )
            most = max(most, waited)
            values.append(("event_delay_p99", target.name, percentile(delays, 0.99)))
            if target.pid is not None and ON_LINUX:
                values.append(("event_cpu", target.name, used * 1e6))
        return most, values

    def memory(self, upstream: Target) -> None:
        """What a call costs while it waits, and while it streams; a gateway of its own for each."""
        for _ in range(self.plan.held_rounds):
            for name in self.gateways:
                for measure, mode in (("held", "overloaded"), ("stream", "hang")):
                    if name != SEAWALL and mode == "overloaded":
                        continue  # it holds nothing
                    with targets.gateway(name, upstream.port, self.folder, self.gateway_core) as (target, _):
                        assert target.pid is not None
                        before, most = self._memory_of(target, target.pid, mode)
                    self.put(f"{measure}_kb", name, (most - before) / self.plan.held - BODY_KB)
                    self.put(f"{measure}_total", name, most / 1024)

    def _memory_of(self, target: Target, pid: int, mode: str) -> tuple[float, float]:
        """Resident KB after a warm-up, and at its highest under the calls."""
        run(load.saturate(target.port, 8, 0.2, 0.5, lambda: 0.0))
        time.sleep(0.3)
        before = resident_kb(pid)
        memory: Callable[[], float] = lambda: resident_kb(pid)  # noqa: E731
        return before, run(load.hold(target.port, mode, self.plan.held, self.plan.holding, memory))

    def start(self, upstream: Target) -> None:
        """From a process's start to its first answer; the first start, which fills caches, is not counted."""
        for number in range(self.plan.starts + 1):
            for name in self.gateways:
                with targets.gateway(name, upstream.port, self.folder, self.gateway_core) as (_, seconds):
                    if number:
                        self.put("start", name, seconds * 1000)

    def decide(self) -> None:
        """The control law by itself, in this process."""
        for queued, values in decisions.costs(self.plan.decisions, self.plan.decision_rounds).items():
            for value in values:
                self.put(f"decision_{queued}", SEAWALL, value)

    # -- the run --------------------------------------------------------------------------------------------------

    def carry_out(self, only: frozenset[str]) -> None:
        """Measure, one target after the other, again and again."""
        if "decisions" in only:
            self._say("decisions")
            self.decide()
        if not only - {"decisions"}:
            return
        with ExitStack() as stack:
            upstream = stack.enter_context(targets.origin(self.folder, self.load_core))
            if "start" in only:
                self._say("start")
                self.start(upstream)
            if "requests" in only:
                self._say("requests")
                run(self.requests())
            if only & {"latency", "events"}:
                all_targets = [upstream, *self._gateways(stack, upstream)]
                for name in ("latency", "events"):
                    if name in only:
                        self._say(name)
                        getattr(self, name)(all_targets)
            if "memory" in only and ON_LINUX:
                self._say("memory")
                self.memory(upstream)

    def _gateways(self, stack: ExitStack, upstream: Target) -> Iterator[Target]:
        for name in self.gateways:
            yield stack.enter_context(targets.gateway(name, upstream.port, self.folder, self.gateway_core))[0]

    def _say(self, what: str) -> None:
        print(f"measuring {what} ...", file=sys.stderr, flush=True)


def _cpu(target: Target) -> Callable[[], float]:
    pid = target.pid
    return (lambda: cpu_seconds(pid)) if pid is not None and ON_LINUX else (lambda: 0.0)


def _conditions(where: tuple[int, int] | None) -> list[str]:
    """What a reader must know of this run."""
    notes = []
    if where:
        notes.append(f"Pinned: load and origin on core {where[0]}, the gateway on core {where[1]}.")
    else:
        notes.append("Not pinned: this machine or system gives this process no two cores; ratios are rough.")
    if targets.nginx() is None:
        notes.append("nginx is not here: skipped, and with it every goal that is a ratio to it.")
    if not ON_LINUX:
        notes.append("Processor time and memory of other processes are measured on Linux only.")
    notes.append("Load and origin are asyncio protocols of bench/, on uvloop where there is one.")
    return notes


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="half a minute; rough")
    parser.add_argument("--only", default=",".join(MEASURED), help=f"some of {','.join(MEASURED)}")
    parser.add_argument("--json", metavar="FILE", help="write the result there too; - is standard output")
    given = parser.parse_args()
    given.only = frozenset(given.only.split(","))
    if unknown := given.only - set(MEASURED):
        parser.error(f"no measure {', '.join(sorted(unknown))}")
    return given


def _keep(result: dict[str, Any], also: str | None) -> Path:
    """Write the result to the results folder, and where else it is wanted."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    said = json.dumps(result, indent=2) + "\n"
    path = RESULTS / f"{result['at'].replace(':', '').replace('-', '')}.json"
    path.write_text(said)
    if also == "-":
        print(said, end="")
    elif also:
        Path(also).write_text(said)
    return path


def main() -> int:
    """Measure, print, keep."""
    given = _arguments()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY or hard > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384) if hard > 0 else 16384, hard))
    where = cores()
    machine, at = facts(), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    began = time.perf_counter()
    load_core, gateway_core = where or (None, None)
    with tempfile.TemporaryDirectory(prefix="seawall-bench-") as folder, pinned(load_core):
        bench = Bench(QUICK if given.quick else Plan(), Path(folder), load_core, gateway_core)
        try:
            bench.carry_out(given.only)
        except (load.Failed, RuntimeError, OSError) as error:
            print(f"the run failed: {error}", file=sys.stderr)
            return 1
    notes = [*_conditions(where), *bench.notes, f"Took {time.perf_counter() - began:.0f} s."]
    result = {
        "schema": "seawall.bench/1",
        "at": at,
        "quick": given.quick,
        "machine": machine,
        "notes": notes,
        "goals": [
            {"measure": v.goal.measure, "value": v.value, "bound": v.goal.bound, "of": v.goal.of,
             "at_least": v.goal.at_least, "unit": v.unit, "reached": v.reached}
            for v in report.verdicts(bench.rounds)
        ],
        "ratios": report.ratios(bench.rounds),
        "figures": report.figures(bench.rounds),
        "rounds": bench.rounds,
    }  # fmt: skip
    path = _keep(result, given.json)
    if given.json != "-":
        print(report.text(bench.rounds, [*notes, f"Kept in {path.relative_to(targets.ROOT)}."]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
