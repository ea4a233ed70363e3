"""What is read from the machine, and the few statistics that are made of it."""

import asyncio
import os
import platform
import statistics
import sys
import time
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of all lie (nearest rank); 0.5 is the median's upper neighbour."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def middle(values: Iterable[float]) -> float:
    """The median: one disturbed round does not move it."""
    return statistics.median(values)


def paired(values: Sequence[float], others: Sequence[float]) -> list[tuple[float, float]]:
    """The rounds of two targets side by side: only what was measured in the same round is compared."""
    return list(zip(values, others, strict=True))


# -- the machine ------------------------------------------------------------------------------------------------------

ON_LINUX = sys.platform == "linux"
"""Elsewhere nothing is pinned, and processor time and memory of other processes are not measured."""


def cpu_seconds(pid: int) -> float:
    """Processor time of a process, all its threads, user and kernel, to the nanosecond."""
    # The kernel's encoding of a process's clock (clock_getcpuclockid(3)).
    return time.clock_gettime((~pid << 3) | 2)


def waited_seconds(pid: int) -> float:
    """For how long a process, all its threads, was ready to run and had no core: another had it."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[1]) for task in tasks) / 1e9


def calmest(rounds: Sequence[tuple[float, T]], count: int) -> list[T]:
    """So many rounds of those given with how much each was disturbed: the least disturbed, in their order."""
    by_calm = sorted(range(len(rounds)), key=lambda number: rounds[number][0])
    return [rounds[number][1] for number in sorted(by_calm[:count])]


def resident_kb(pid: int) -> float:
    """Memory of a process that is in RAM."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1])
    raise OSError(f"no VmRSS of {pid}")


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """This process, and what it starts meanwhile, on one core; `None` changes nothing."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cores() -> tuple[int, int] | None:
    """Two cores: for load and origin, and for the gateway; None where there are not two."""
    if not ON_LINUX:
        return None
    mine = sorted(os.sched_getaffinity(0))
    return (mine[0], mine[1]) if len(mine) > 1 else None


def facts() -> dict[str, Any]:
    """What a reader of the figures must know of the machine."""
    model = ""
    if ON_LINUX:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": model or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": list(os.getloadavg()),
    }


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run it on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
