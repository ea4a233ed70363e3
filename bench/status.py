"""What a look costs: `python -m bench.status [--rounds N]` prints one JSON object, times in milliseconds.

`seawall status` as a whole process, with a gateway that holds calls and with none, beside an interpreter that does
nothing and one that only imports the command line's library; the lowest and the middle of so many runs in turn, and
the processor's time, which a busy machine changes less. And what notifications cost a gateway: one look for trouble,
with a hundred troubles on record.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from seawall.clock import SystemClock
from seawall.gateway.records import LaneKey, Records
from told_gateway import STATUS, told

COMMANDS = {
    "python": ["-c", "pass"],
    "click": ["-c", "import click"],
    "status_none_runs": ["-m", "seawall", "status"],
    "status_holding": ["-m", "seawall", "status"],
}


def look() -> float:
    """Milliseconds of one look for trouble."""
    records = Records(SystemClock(), None)
    for number in range(100):
        records.count(LaneKey("api.anthropic.com", str(number), "opus"), "provider.overloaded")
    return timeit.timeit(records.lasting, number=1000)


def whole(command: list[str], environ: dict[str, str]) -> tuple[float, float]:
    """Milliseconds of a process from start to end, by the clock and of processor."""
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], env=environ, stdout=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    return 1000 * (time.perf_counter() - begun), 1000 * (used.ru_utime + used.ru_stime)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        environ = {"PATH": os.environ["PATH"], "HOME": folder, "XDG_RUNTIME_DIR": folder}
        with told(Path(folder, "seawall"), lambda: STATUS):
            for _ in range(rounds):
                for name, command in COMMANDS.items():
                    own = environ | ({"XDG_RUNTIME_DIR": f"{folder}/none"} if "none" in name else {})

                    times[name].append(whole(command, own))
    figures = {
        name: {
            "least": round(min(clock for clock, _ in all_), 1),
            "middle": round(statistics.median(clock for clock, _ in all_), 1),
            "processor": round(statistics.median(used for _, used in all_), 1),
        }
        for name, all_ in times.items()
    }
    print(json.dumps({"rounds": rounds, "look": round(look(), 4), **figures}, indent=1))


if __name__ == "__main__":
    main()
