"""What the store costs: `python -m bench.store [--rows N]` prints one JSON object, figures first, ratios last.

`put_us` is what the hot path pays for a row, `rows_per_s` what the writer's thread brings to the file, beside bare
sqlite3 on the same machine in the same run: compare the ratios, not the figures.
"""

import argparse
import json
import resource
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from seawall.config import Store
from seawall.store.rows import Attempt, Count
from seawall.store.writer import INSERT_ATTEMPT, Health, Pace, Writer

ATTEMPT = Attempt(
    at=1_795_000_000.25,
    utc_offset=60,
    call="3f2a9c",
    number=1,
    route="api.anthropic.com",
    family="opus",
    status=529,
    error_type="overloaded_error",
    cause="provider.overloaded",
    request_id="req_011CSHoEeqs5C35K2UUqR7Fy",
    took=0.5,
    held=12.25,
    ended="retried",
    client="claude-cli/2.1.59",
)
COUNT = Count(498_611, 60, "api.anthropic.com", "opus", "", "", 1)


def opened(path: Path, bound: int) -> Writer:
    """A writer whose store is open."""
    writer = Writer(Store(path=str(path)), pace=Pace(bound=bound))
    writer.start()
    while writer.state.health is not Health.OK:
        time.sleep(0.001)
    return writer


def put_cost(path: Path, row: Attempt | Count, rows: int) -> float:
    """Microseconds of one `put`, the writer's thread at work beside it; the loop itself is taken off."""
    writer = opened(path, rows)
    began = time.perf_counter()
    for _ in range(rows):
        pass
    empty = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(rows):
        writer.put(row)
    took = time.perf_counter() - began - empty
    writer.close(60)
    return took / rows * 1e6


def through(path: Path, rows: int) -> float:
    """Rows a second from the first `put` to the last one in the file."""
    writer = opened(path, rows)
    began = time.perf_counter()
    for _ in range(rows):
        writer.put(ATTEMPT)
    last = writer.close(60)
    assert last.written == rows, last
    return rows / (time.perf_counter() - began)


def bare(path: Path, rows: int) -> float:
    """Rows a second of sqlite3 alone: the same table, indexes, settings and batches."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = NORMAL")
    values = tuple(getattr(ATTEMPT, name) for name in Attempt.__dataclass_fields__)
    began = time.perf_counter()
    for _ in range(rows // 1000):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(INSERT_ATTEMPT, [values] * 1000)
        connection.execute("COMMIT")
    took = time.perf_counter() - began
    connection.close()
    return rows / took


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    rows = parser.parse_args().rows
    unit = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seawall.db"
        began = time.perf_counter()
        opened(path, 1).close()
        first = time.perf_counter() - began
        began = time.perf_counter()
        opened(path, 1).close()
        again = time.perf_counter() - began
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit - before
        figures = {
            "first_open_ms": first * 1e3,
            "open_ms": again * 1e3,
            "memory_mb": memory / 1e6,
            "put_attempt_us": put_cost(path, ATTEMPT, rows),
            "put_count_us": put_cost(path, COUNT, rows),
            "rows_per_s": through(path, rows),
            "bare_sqlite_rows_per_s": bare(path, rows),
        }
    figures["share_of_bare"] = figures["rows_per_s"] / figures["bare_sqlite_rows_per_s"]
    print(json.dumps({name: round(value, 2) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
