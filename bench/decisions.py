"""What the control law costs: `python -m bench.decisions` prints microseconds of processor time a decision.

A decision is a whole round of one attempt through a lane: a request joins, the next one is let go, the answer's headers
are read into three buckets, it is accepted, an older stream ends; one in ten is refused and stands in line again. What
`next` says while nobody may go belongs to it too. No sockets, no clock of the machine: moments are made up.
"""

import argparse
import json
import math
import random
import time
from collections import deque

from seawall.config import Gateway
from seawall.policy.breaker import Breaker
from seawall.policy.lane import Lane, Sent
from seawall.policy.pacer import INPUT, OUTPUT, REQUESTS, Level
from seawall.policy.queue import Ticket

QUEUED = (0, 100, 10_000)
IN_FLIGHT = 50
"""Attempts that are under way all the time."""
AGENTS = 200
EVERY = 0.01
"""Seconds from one decision to the next, where the lane does not say later."""
HOLD = 900.0
REFUSED = 0.1
LEVELS = [Level(REQUESTS, 60_000, 50_000), Level(INPUT, 60_000_000, 5e7), Level(OUTPUT, 9_000_000, 8e6)]


class Rounds:
    """A lane with so many in line, kept so while `run` decides."""

    def __init__(self, queued: int, seed: int) -> None:
        settings, self._rng = Gateway(), random.Random(seed)
        self.lane = Lane(settings, Breaker(settings.breaker, self._rng), self._rng)
        self.now = 1000.0
        self._running: deque[Sent] = deque()
        self._number = 0
        # The first answer makes the buckets known; then the lane is filled, and the rest stands in line.
        self._round()
        self.lane.hear(self._running[0], LEVELS, self.now)
        while len(self._running) < IN_FLIGHT:
            self._round()
        for _ in range(queued):
            self._join()

    def _join(self) -> None:
        self._number += 1
        flow = f"s:{self._number % AGENTS}"
        self.lane.join(Ticket(flow, self.now, self.now + HOLD, size=24_000, tokens=6000.0), self.now)

    def _round(self) -> None:
        lane = self.lane
        self._join()
        while not isinstance(sent := lane.next(self.now), Sent):
            assert sent is not None
            if sent.until < math.inf:
                self.now = max(self.now, sent.until)
            else:
                lane.ended(self._running.popleft(), self.now)
        lane.hear(sent, LEVELS, self.now)
        lane.accepted(sent, self.now)
        self._running.append(sent)

    def run(self, decisions: int) -> float:
        """Microseconds each of so many decisions took."""
        lane, running = self.lane, self._running
        began = time.process_time()
        for _ in range(decisions):
            self.now += EVERY
            if self._rng.random() < REFUSED and isinstance(sent := lane.next(self.now), Sent):
                lane.refused(sent, self.now)
                sent.ticket.not_before = self.now
                lane.join(sent.ticket, self.now)
            self._round()
            lane.ended(running.popleft(), self.now)
        return (time.process_time() - began) / decisions * 1e6


def costs(decisions: int, rounds: int) -> dict[int, list[float]]:
    """Microseconds a decision of each round, by how many are queued; interleaved."""
    lanes = {queued: Rounds(queued, seed=1) for queued in QUEUED}
    found: dict[int, list[float]] = {queued: [] for queued in QUEUED}
    for _ in range(rounds):
        for queued, one in lanes.items():
            found[queued].append(one.run(decisions))
    return found


def main() -> None:
    """Print one JSON object: the middle of the rounds, by how many are queued."""
    parser = argparse.ArgumentParser(prog="python -m bench.decisions", description=__doc__)
    parser.add_argument("--decisions", type=int, default=5000, help="in each round")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    found = costs(given.decisions, given.rounds)
    print(
        json.dumps({f"{queued} queued, us": round(sorted(v)[len(v) // 2], 2) for queued, v in found.items()})
    )


if __name__ == "__main__":
    main()
