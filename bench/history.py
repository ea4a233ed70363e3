"""What looking back costs: `python -m bench.history [--attempts N] [--shape outages|even]` prints one JSON object.

A store of a million attempts within 30 days is made in a temporary folder; then `seawall history` and `seawall plan`
are run as whole processes, `--rounds` times each. `outages`: all in 400 outages of a fleet. `even`: failures and
recoveries in every minute of the month, in every lane: about the most rows that sums by the minute can have.
`import` is an empty program that imports SQLAlchemy, for comparison. `goal` is what `seawall history`
may take by the clock; `cpu` is the least processor time of a run, which other work on the machine changes less.
"""

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from seawall.store.migrate import migrate
from seawall.store.rows import Attempt, Cell, Count, cells
from seawall.store.writer import INSERT_ATTEMPT, UPSERT_COUNT

SPAN = 30 * 86400.0
FAMILIES = ("opus", "sonnet", "haiku")
CAUSES = (
    ("provider.overloaded", 529, "overloaded_error"),
    ("provider.throttle", 429, "rate_limit_error"),
    ("provider.internal", 500, "api_error"),
    ("network.reset", None, None),
)
CLIENTS = ("claude-cli/2.1.59", "Anthropic/Python 2.11.0")
GOAL = 1.0
"""Seconds of `seawall history` with a million attempts, as a whole process."""
ROUTE, ACCOUNT, ZONE = "api.anthropic.com", "5fa3c1", 60


def moments(shape: str, attempts: int, now: float, rng: random.Random) -> Iterator[tuple[float, int, int]]:
    """When each attempt ended, of which cause and which outage, so many in all."""
    begin = now - SPAN
    if shape == "even":
        for n in range(attempts):
            yield begin + SPAN * n / attempts, rng.randrange(len(CAUSES)), n
        return
    outages = 400
    left = attempts
    for n in range(outages):
        size = left // (outages - n) if n < outages - 1 else left
        left -= size
        start = begin + rng.random() * (SPAN - 7200)
        length = min(7000.0, rng.lognormvariate(5.0, 1.0))
        cause = rng.choice((0, 0, 0, 0, 1, 2, 3))
        for _ in range(size):
            yield start + rng.random() * length, cause, n


def rows(shape: str, attempts: int, now: float) -> Iterator[tuple[Cell, ...]]:
    """The attempts: of five one recovers, the others fail and are tried again; a few are lost."""
    rng = random.Random(7)
    for n, (at, which, group) in enumerate(moments(shape, attempts, now, rng)):
        cause, status, kind = CAUSES[which]
        well, lost = n % 5 == 4, n % 500 == 0
        row = Attempt(
            at=at,
            utc_offset=ZONE,
            call=f"{n // 5:x}",
            number=n % 5 + 1,
            route=ROUTE,
            family=FAMILIES[(group if shape == "outages" else n // 5) % 3],
            status=200 if well else status,
            error_type=None if well else kind,
            cause=None if well else cause,
            request_id=f"req_{n:024x}",
            took=0.5,
            held=float(n % 5) * 6,
            ended="recovered" if well else "given_up" if lost else "retried",
            client=CLIENTS[n % 2],
            account=ACCOUNT,
        )
        made = cells(row)
        assert made is not None
        yield made


def counts(now: float, attempts: int) -> Iterator[tuple[Cell, ...]]:
    """Hourly counts as the gateway keeps them, ten good attempts to each that failed."""
    hours = int(SPAN // 3600)
    for hour in range(int((now - SPAN) // 3600), int(now // 3600)):
        for family in FAMILIES:
            for cause in ("", *(code for code, _, _ in CAUSES)):
                number = attempts // hours // 15
                made = cells(Count(hour, ZONE, ROUTE, family, ACCOUNT, cause, number * (1 if cause else 40)))
                assert made is not None
                yield made


def fill(path: Path, shape: str, attempts: int, now: float) -> float:
    """Makes the store and returns how many attempts a second went in, one process and one transaction."""
    path.touch(0o600)
    migrate(str(path))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    began = time.perf_counter()
    connection.execute("BEGIN")
    connection.executemany(INSERT_ATTEMPT, rows(shape, attempts, now))
    connection.executemany(UPSERT_COUNT, counts(now, attempts))
    connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return attempts / took


def timed(command: list[str], environment: dict[str, str], rounds: int) -> dict[str, float]:
    """Seconds of the best run of a whole process and of the middle one, and the least processor time of a run."""
    taken, used = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        taken.append(time.perf_counter() - began)
        used.append(usage.ru_utime + usage.ru_stime)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
    best, middle = min(taken), sorted(taken)[len(taken) // 2]
    return {"best": round(best, 3), "middle": round(middle, 3), "cpu": round(min(used), 3)}


def measured(shape: str, attempts: int, rounds: int, folder: Path) -> dict[str, object]:
    """All figures of one shape."""
    now = time.time()
    path = folder / f"{shape}.db"
    filled = fill(path, shape, attempts, now)
    connection = sqlite3.connect(path)
    sums = {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("attempt", "burst", "burst_lane", "recovery", "work", "hourly_count")
    }
    connection.close()
    environment = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "SEAWALL_STORE_PATH": str(path),
        "TZ": "Europe/Berlin",
    }
    seawall = [sys.executable, "-m", "seawall"]
    questions = {
        "history": [*seawall, "history"],
        "history_json": [*seawall, "history", "--json"],
        "history_list": [*seawall, "history", "list"],
        "history_400d": [*seawall, "history", "--since", "400d"],
        "plan": [*seawall, "plan"],
        "import": [sys.executable, "-c", "import sqlalchemy"],
    }
    seconds = {name: timed(command, environment, rounds) for name, command in questions.items()}
    goal = {"seconds": GOAL, "reached": seconds["history"]["best"] <= GOAL}
    return {"shape": shape, "rows": sums, "filled_per_s": round(filled), "seconds": seconds, "goal": goal}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.history")
    parser.add_argument("--attempts", type=int, default=1_000_000)
    parser.add_argument("--shape", choices=("outages", "even", "both"), default="both")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    shapes = ("outages", "even") if given.shape == "both" else (given.shape,)
    with tempfile.TemporaryDirectory() as folder:
        found = [measured(shape, given.attempts, given.rounds, Path(folder)) for shape in shapes]
    print(json.dumps({"bench": "history", "attempts": given.attempts, "results": found}, indent=1))


if __name__ == "__main__":
    main()
