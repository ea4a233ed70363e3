"""Keeping the account's own limits: a mirror of its buckets, so that no request is sent only to be told 429.

Requests, input tokens and output tokens a minute refill continuously; every answer's headers say what is left. A
subscription's windows of hours and days are budgets, not rates: they are shown, never paced against. A limit on how
fast starts may grow is announced by no header and is learned from its refusals. Moments are monotonic seconds.
"""

import math
from collections import deque
from dataclasses import dataclass

import msgspec

from seawall.config import Pacer as Params

REQUESTS, INPUT, OUTPUT = "requests", "input-tokens", "output-tokens"
_MOST_STARTS = 2000
"""Accepted starts that are remembered."""
_INPUT_PER_BYTE = 0.25
"""Tokens, until answers have said better."""
_OUTPUT = 500.0
_LEARN = 0.02
"""Weight of one answer in what is learned: of the last fifty or so."""
_SMALL = 512
"""Below so many bytes a request is mostly envelope, and says nothing of tokens for each byte."""


@dataclass(slots=True)
class Level:
    """What one answer's headers say of one bucket."""

    name: str
    limit: float
    """A minute."""
    left: float


class Cost(msgspec.Struct):
    """What a request takes from each bucket, estimated."""

    input: float
    output: float

    def of(self, bucket: str) -> float:
        """Its cost in this bucket."""
        return 1.0 if bucket == REQUESTS else self.output if bucket == OUTPUT else self.input


_NOTHING = Cost(0.0, 0.0)
_FULL = 0.98
"""A bucket that holds this share of a minute's limit is full, and who waits for more waits for ever."""


class Bucket:
    """The mirror of one bucket."""

    __slots__ = (
        "_p",
        "_refill",
        "at",
        "heard",
        "least",
        "level",
        "limit",
        "most",
        "name",
        "number",
        "rate",
        "reserve",
        "spent",
    )

    def __init__(self, number: int, told: Level, taken: float, params: Params, now: float) -> None:
        self.number, self.name, self._p = number, told.name, params
        self.limit = self.rate = self.most = 0.0
        self._refill = self.reserve = 0.0
        """A second, less the margin; and what is kept."""
        self.least = 0.0
        """A minute of silence fills any bucket, whatever was sent by those who do not wait for it. Models that share a
        lane, because their names tell no version, may have limits of their own: what went under the larger is no debt
        of the smaller; and headers may be nonsense.
        """
        self.at = now
        self.spent = 0.0
        """The cost of everything sent so far, and what ran over."""
        self.heard = -math.inf
        """When the last answer came soon after its request; else when the newest request went that was answered."""
        self._learn(told, taken)
        self.level = min(told.left, self.most)

    def _learn(self, told: Level, taken: float) -> None:
        """`taken`: what the request cost that was let in just before."""
        if told.limit != self.limit:
            self.limit, self.rate = told.limit, told.limit / 60
            self.most = self.rate * self._p.burst
            self._refill = self.rate * (1 - self._p.margin)
            self.reserve = self.rate * self._p.reserve
        left = told.left if told.left < self.limit else self.limit
        if taken > self.most:  # else an estimate would be held against what the headers have shown
            left = min(left + taken, self.limit)
        if left > self.most:
            self.most = left
        self.least = self.most - self.limit

    def refill(self, now: float) -> None:
        if now > self.at:
            level, most = self.level + (now - self.at) * self._refill, self.most
            if level > most:  # what ran over is gone, and no answer of before may count on it
                self.spent += level - most
                level = most
            self.level, self.at = level, now

    def wait(self, cost: float) -> float:
        """Seconds until a request of this cost fits, with the reserve."""
        need = min(cost + self.reserve, 0.99 * self.most) - self.level
        return need / self._refill if need > 0 else 0.0

    def spend(self, cost: Cost, now: float) -> float:
        """Take the cost of a request out of it; all that was spent so far."""
        name, most, level = self.name, self.most, self.level
        takes = 1.0 if name == REQUESTS else cost.output if name == OUTPUT else cost.input
        if now > self.at:
            level += (now - self.at) * self._refill
            if level > most:
                self.spent += level - most
                level = most
            self.at = now
        takes = takes if takes < most else most
        level -= takes
        self.level = level if level > self.least else self.least
        self.spent += takes
        return self.spent

    def hear(self, told: Level, spent_then: float, ago: float, taken: float) -> None:
        """What an answer said, whose request went `ago` seconds ago, when `spent_then` had been spent.

        Everything sent since is not in its figure yet, and what refilled since is not either.
        """
        self._learn(told, taken)
        if ago < self._p.burst:
            self.heard = self.at
        elif self.at - ago < self.heard:
            return  # newer ones have spoken, and who else uses the account since then is not in its figure
        else:
            self.heard = self.at - ago
        server = told.left + ago * self.rate - (self.spent - spent_then)
        level = (self.level + server) / 2
        self.level = self.most if level > self.most else level if level > self.least else self.least

    def short_of(self, told: Level, cost: float, now: float) -> None:
        """A request was refused, for which it did not hold enough."""
        self.refill(now)
        if told.left < self.rate * self._p.reserve:
            self.level = min(self.level, told.left)
            return
        # What is left would have done for others: the bucket must hold more than was thought. Nothing was taken of it.
        self.level = min(self.level + min(cost, self.most), told.left)
        self.most = max(self.most, min(cost, self.limit))
        self.least = self.most - self.limit


class Pacer:
    """The limits of one lane: when a request of some cost may go, and what answers teach."""

    __slots__ = (
        "_best",
        "_best_at",
        "_blocked",
        "_blocked_by",
        "_cap",
        "_cap_at",
        "_cut_at",
        "_input_per_byte",
        "_listen_at",
        "_output",
        "_p",
        "_sent_at",
        "_starts",
        "buckets",
    )

    def __init__(self, params: Params) -> None:
        self._p = params
        self.buckets: dict[str, Bucket] = {}
        self._blocked = -math.inf
        self._blocked_by = ""
        self._cap: float | None = None
        """Starts a second, where a limit on their growth was met."""
        self._cap_at = self._cut_at = self._sent_at = -math.inf
        self._starts: deque[float] = deque(maxlen=_MOST_STARTS)
        """When accepted attempts began."""
        self._best, self._best_at = 0, -math.inf
        """The most that were accepted within `cut_window` lately, and when."""
        self._listen_at = -math.inf
        self._input_per_byte = _INPUT_PER_BYTE
        self._output = _OUTPUT

    def cost(self, size: int, most_output: float = math.inf) -> Cost:
        """What a request of so many bytes will take, by what answers said of others."""
        output = self._output
        return Cost(
            size * self._input_per_byte * (1 + self._p.over), output if output < most_output else most_output
        )

    def learn(self, size: int, input_tokens: int | None, output_tokens: int | None) -> None:
        """What a request of so many bytes took, where its answer said so. Input that came from the cache does not count
        against the limit, and so is left out of both."""
        if input_tokens is not None and size > _SMALL:
            each = input_tokens / size if input_tokens < size else 1.0
            self._input_per_byte += _LEARN * (each - self._input_per_byte)
        if output_tokens is not None:
            self._output += _LEARN * (output_tokens - self._output)

    def when(self, cost: Cost, now: float) -> tuple[float, str]:
        """The moment from which a request of this cost may go, and what it waits for, or an empty text."""
        if not self.buckets and self._cap is None and self._blocked <= now:
            return now, ""
        at, why = (self._blocked, self._blocked_by) if self._blocked > now else (now, "")
        for name, bucket in self.buckets.items():
            needed = 1.0 if name == REQUESTS else cost.output if name == OUTPUT else cost.input
            if bucket.level >= needed + bucket.reserve:
                continue  # it fits, whatever refilled since
            bucket.refill(now)
            wait = bucket.wait(needed)
            if wait > 0 and now + wait > at:
                at, why = now + wait, name.replace("-", " ")
        cap = None if self._cap is None else self.start_rate(now)
        if cap is not None and self._sent_at + 1 / cap > at:
            at, why = self._sent_at + 1 / cap, "starts a second"
        return at, why

    def send(self, cost: Cost, now: float) -> list[float]:
        """A request goes; marks to hand back with its answer."""
        self._sent_at = now
        marks = []
        for bucket in self.buckets.values():
            marks.append(bucket.spend(cost, now))
        return marks

    def accepted(self, sent_at: float) -> None:
        """A request that began then was taken."""
        recent = self._recent(sent_at)
        self._starts.append(sent_at)
        if recent + 1 >= self._best or sent_at - self._best_at > self._p.best_kept:
            self._best, self._best_at = recent + 1, sent_at

    def _recent(self, now: float) -> int:
        """Accepted starts of the last `cut_window` seconds."""
        starts = self._starts
        while starts and starts[0] <= now - self._p.cut_window:
            starts.popleft()
        return len(starts)

    def listens(self, now: float) -> bool:
        """Whether an answer's headers are worth reading: of a busy lane far from its limits a few a second will do."""
        return now >= self._listen_at

    def listened(self, now: float) -> None:
        """An answer's headers were read."""
        if all(bucket.level > bucket.most / 2 for bucket in self.buckets.values()):
            self._listen_at = now + self._p.listen_every

    def hear(
        self, levels: list[Level], marks: list[float], sent_at: float, now: float, taken: Cost = _NOTHING
    ) -> None:
        """What an answer's headers say; `marks` are those of its request, `taken` is its cost if it was let in."""
        for level in levels:
            name = level.name
            bucket = self.buckets.get(name)
            if bucket is None:
                self._know(level, taken, now)
            elif bucket.number < len(marks):
                takes = 1.0 if name == REQUESTS else taken.output if name == OUTPUT else taken.input
                bucket.refill(now)
                bucket.hear(level, marks[bucket.number], now - sent_at, takes)
            # else it became known after the request went, and the request has no mark of it

    def limited(
        self, levels: list[Level], cost: Cost, retry_after: float | None, now: float, named: str = ""
    ) -> str:
        """The upstream said 429: which limit was it, and how long is it shut? `named`: the one that its words name.

        Given back is the limit that the request itself is larger than, or an empty text: no wait cures that.
        """
        p = self._p
        empty = [told for told in levels if self._explains(told, cost)]
        for told in empty:
            bucket = self.buckets.get(told.name)
            if bucket is None:
                bucket = self._know(told, _NOTHING, now)
            bucket.short_of(told, cost.of(told.name), now)
        for told in levels:
            if cost.of(told.name) > told.limit and told.left >= _FULL * told.limit:
                return told.name.replace("-", " ")  # and so it is nobody else's affair
        if empty or named:
            # Where enough seems left for it, it was larger than estimated: who goes before it would take that again.
            name = empty[0].name if empty else named
            self._block(now + min(p.block_most, retry_after or 1.0), name.replace("-", " "))
            return ""
        # No bucket explains it: starts grew too fast, or it is a limit that nobody announces.
        if now - self._cut_at > p.cut_gap:
            self._cap = max(p.cut_share * self._recent(now), p.cut_least * self._best, 5.0) / p.cut_window
            self._cap_at = self._cut_at = now
            self._block(now + min(p.cut_pause, retry_after or p.cut_pause), "starts a second")
        return ""

    def larger(self, levels: list[Level], cost: Cost, retry_after: float | None) -> float:
        """Input tokens that a request takes which was refused though its estimate would have fitted: what was left, and
        what comes in the time that it was told to wait. 0: some bucket was too empty for the estimate."""
        if any(self._explains(told, cost) for told in levels):
            return 0.0
        wait = min(self._p.block_most, retry_after or 0.0)
        needs = [t.left + wait * t.limit / 60 for t in levels if t.name in (INPUT, "tokens")]
        return max(needs, default=0.0)

    def start_rate(self, now: float) -> float | None:
        """Starts a second that a limit on their growth allows by now; None where none is known."""
        if self._cap is None:
            return None
        if now - self._cut_at > self._p.cut_kept:
            self._cap = None
            return None
        self._cap *= 2 ** ((now - self._cap_at) / self._p.cut_doubles)
        self._cap_at = now
        return self._cap

    def blocked(self, now: float) -> float:
        """Seconds for which nothing may go."""
        return max(0.0, self._blocked - now)

    def _know(self, told: Level, taken: Cost, now: float) -> Bucket:
        """A bucket that no answer named before."""
        bucket = Bucket(len(self.buckets), told, taken.of(told.name), self._p, now)
        self.buckets[told.name] = bucket
        return bucket

    def _explains(self, told: Level, cost: Cost) -> bool:
        """Whether this bucket is why a request of this cost was refused."""
        return told.left < max(told.limit / 60 * self._p.reserve, cost.of(told.name))

    def _block(self, until: float, why: str) -> None:
        if until > self._blocked:
            self._blocked, self._blocked_by = until, why
