"""`python -m bench.texts`: how many error texts `seawall explain --jsonl` answers in a second, on one core.

The texts are the catalogue's own wordings and examples, each with a number behind it, so that none comes twice.
"""

import itertools
import json
import os
import subprocess
import sys
import time

from bench.measure import facts, middle
from seawall.causes.compile import catalogue

COUNT = 40_000
ROUNDS = 5
GOAL = 10_000


def texts(count: int) -> bytes:
    """So many lines for `seawall explain --jsonl`."""
    known = [
        text
        for cause in catalogue()
        for text in (*(one.text for one in cause.wordings), *(one.text for one in cause.examples))
        if text
    ]
    lines = zip(range(count), itertools.cycle(known))
    return b"".join(json.dumps({"id": n, "text": f"{text} #{n}"}).encode() + b"\n" for n, text in lines)


def _children() -> float:
    """Seconds of processor time of processes that have ended."""
    spent = os.times()
    return spent.children_user + spent.children_system


def main() -> int:
    given = texts(COUNT)
    command = [sys.executable, "-m", "seawall", "explain", "--jsonl"]
    by_clock, by_processor = [], []
    for _ in range(ROUNDS):
        began, before = time.perf_counter(), _children()
        done = subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True)
        by_clock.append(COUNT / (time.perf_counter() - began))
        by_processor.append(COUNT / (_children() - before))
        assert done.stdout.count(b"\n") == COUNT
    print(
        f"texts a second, goal {GOAL}; whole processes of {COUNT} texts, {len(given) / COUNT:.0f} bytes a line"
    )
    for name, values in (("by the clock", by_clock), ("by the processor", by_processor)):
        print(f"  {name:<18} best {max(values):6.0f}   median {middle(values):6.0f}")
    print(f"  {facts()}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
