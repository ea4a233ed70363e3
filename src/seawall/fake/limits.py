"""The caller's own limits: buckets that really deplete, an acceleration limit, a subscription's windows.

Times are model seconds, `wall` is the time that headers show; `factor` divides what headers promise.
"""

import math
from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

MOST_LANES: Final = 10_000


class Acceleration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most `base` starts in 10 s, or `factor` times what the minute before had in 10 s."""

    base: float
    factor: float = 1.5
    retry_after: float = 10.0

    def __post_init__(self) -> None:
        if not (0 < self.base < 1e9 and 0 < self.factor < 1e9 and 0 <= self.retry_after < 1e9):
            raise ValueError("base and factor are above 0, retry_after is 0 or more")


class LimitsModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one account and one generation of a model family: `[limits]` in a scenario."""

    requests_per_minute: float = 100_000
    input_tokens_per_minute: float = 500_000_000
    output_tokens_per_minute: float = 100_000_000
    burst_s: float = 60.0
    """How many seconds' worth a bucket holds: less than 60 makes short bursts trip the limit a minute."""
    acceleration: Acceleration | None = None
    plan_tokens_5h: float = 1_000_000_000
    plan_tokens_7d: float = 20_000_000_000
    """What a subscription token may use in its windows."""

    def __post_init__(self) -> None:
        per_minute = (self.requests_per_minute, self.input_tokens_per_minute, self.output_tokens_per_minute)
        if not all(
            0 < v < 1e15 for v in (*per_minute, self.burst_s, self.plan_tokens_5h, self.plan_tokens_7d)
        ):
            raise ValueError("limits are numbers above 0")


@dataclass(frozen=True, slots=True)
class Limited:
    """A refusal: which limit, and how many model seconds to wait."""

    kind: str
    """`requests`, `input-tokens`, `output-tokens`, `acceleration` or `plan`."""
    retry_after: float


class Bucket:
    """Refilled continuously; its level may fall below zero when output was longer than it held."""

    def __init__(self, per_minute: float, burst_s: float, now: float) -> None:
        self.limit, self.rate = per_minute, per_minute / 60
        self.most = self.level = self.rate * burst_s
        self.at = now

    def fill(self, now: float) -> None:
        self.level = min(self.most, self.level + max(0.0, now - self.at) * self.rate)
        self.at = max(self.at, now)

    def wait(self, need: float) -> float:
        # Less than a millionth of a token is the rounding of floats, not a lack.
        return max(0.0, (min(need, self.most) - self.level - 1e-6) / self.rate)

    def take(self, amount: float) -> None:
        self.level -= min(amount, self.most)


class Lane:
    """The buckets of one account and one generation of a model family."""

    def __init__(self, model: LimitsModel, now: float) -> None:
        self.model = model
        self.requests = Bucket(model.requests_per_minute, model.burst_s, now)
        self.input = Bucket(model.input_tokens_per_minute, model.burst_s, now)
        self.output = Bucket(model.output_tokens_per_minute, model.burst_s, now)
        self.starts: deque[float] = deque()

    def take(self, now: float, tokens: float) -> Limited | None:
        """None when the request may start, and it is counted; else the refusal."""
        for bucket in (self.requests, self.input, self.output):
            bucket.fill(now)
        waits = {
            "requests": self.requests.wait(1),
            "input-tokens": self.input.wait(tokens),
            "output-tokens": self.output.wait(1),
        }
        worst = max(waits, key=lambda k: waits[k])
        if waits[worst] > 0:
            return Limited(worst, max(1.0, math.ceil(waits[worst])))
        if self.model.acceleration is not None:
            if self.too_fast(now):
                return Limited("acceleration", self.model.acceleration.retry_after)
            self.starts.append(now)
        self.requests.take(1)
        self.input.take(tokens)
        return None

    def too_fast(self, now: float, more: int = 0) -> bool:
        """Whether one more start, after `more` that are on their way, would go beyond the acceleration limit."""
        limit = self.model.acceleration
        if limit is None:
            return False
        while self.starts and self.starts[0] < now - 70:
            self.starts.popleft()
        recent = 0
        for start in reversed(self.starts):
            if start <= now - 10:
                break
            recent += 1
        before = (len(self.starts) - recent) / 6
        return recent + more >= max(limit.base, limit.factor * before)

    def headers(self, now: float, wall: float, factor: float) -> list[tuple[str, str]]:
        """The `anthropic-ratelimit-*` headers of an API key."""
        for bucket in (self.requests, self.input, self.output):
            bucket.fill(now)
        tight = min((self.input, self.output), key=lambda b: b.level / b.most)
        pairs = []
        named = (
            ("requests", self.requests, 1),
            ("tokens", tight, 1000),
            ("input-tokens", self.input, 1000),
            ("output-tokens", self.output, 1000),
        )
        for name, bucket, unit in named:
            left = (
                int(max(0.0, bucket.level) / unit + 0.5) * unit if unit > 1 else int(max(0.0, bucket.level))
            )
            full = (bucket.most - bucket.level) / bucket.rate / factor
            prefix = f"anthropic-ratelimit-{name}-"
            # A minute of the client's is `factor` of the scenario's.
            limit = str(int(bucket.limit * factor))
            pairs += [(prefix + "limit", limit), (prefix + "remaining", str(left))]
            pairs.append((prefix + "reset", rfc3339(wall + full)))
        return pairs


class Plan:
    """The 5 hour and 7 day windows of one subscription."""

    def __init__(self, model: LimitsModel, now: float) -> None:
        self.windows = [
            _Window("5h", "five_hour", model.plan_tokens_5h, 5 * 3600.0, now),
            _Window("7d", "seven_day", model.plan_tokens_7d, 7 * 86400.0, now),
        ]

    def take(self, now: float, tokens: float) -> Limited | None:
        """None when a window has room, and the use is counted; else the refusal."""
        for window in self.windows:
            window.roll(now)
        if full := [w for w in self.windows if w.used >= w.budget]:
            return Limited("plan", max(1.0, math.ceil(max(w.resets - now for w in full))))
        self.spend(tokens)
        return None

    def spend(self, tokens: float) -> None:
        """Count use against both windows."""
        for window in self.windows:
            window.used += tokens

    def headers(self, now: float, wall: float, factor: float) -> list[tuple[str, str]]:
        """The `anthropic-ratelimit-unified-*` headers."""
        for window in self.windows:
            window.roll(now)
        worst = max(self.windows, key=lambda w: w.share)
        prefix = "anthropic-ratelimit-unified-"
        pairs = [
            (prefix + "status", worst.status),
            (prefix + "reset", str(int(wall + (worst.resets - now) / factor))),
            (prefix + "representative-claim", worst.claim),
        ]
        for window in self.windows:
            own = f"{prefix}{window.name}-"
            pairs.append((own + "status", window.status))
            pairs.append((own + "reset", str(int(wall + (window.resets - now) / factor))))
            pairs.append((own + "utilization", f"{window.share:.4g}"))
            if window.status == "allowed_warning":
                pairs.append((own + "surpassed-threshold", f"{WARN_AT:g}"))
        return pairs


WARN_AT: Final = 0.75
"""Share of a window from which the API warns."""


class _Window:
    def __init__(self, name: str, claim: str, budget: float, length: float, now: float) -> None:
        self.name, self.claim, self.budget, self.length = name, claim, budget, length
        self.used, self.resets = 0.0, now + length

    def roll(self, now: float) -> None:
        if now >= self.resets:
            self.used, self.resets = 0.0, now + self.length

    @property
    def share(self) -> float:
        return self.used / self.budget

    @property
    def status(self) -> str:
        return "rejected" if self.share >= 1 else "allowed_warning" if self.share >= WARN_AT else "allowed"


class Limits:
    """The lanes and plans of every account that has called; the longest unused are forgotten."""

    def __init__(self, model: LimitsModel) -> None:
        self.model = model
        self._lanes: OrderedDict[tuple[str, str], Lane] = OrderedDict()
        self._plans: OrderedDict[str, Plan] = OrderedDict()

    def lane(self, account: str, limited_as: str, now: float) -> Lane:
        """The buckets of this account for these models."""
        key = (account, limited_as)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane(self.model, now)
            if len(self._lanes) > MOST_LANES:
                self._lanes.popitem(last=False)
        self._lanes.move_to_end(key)
        return lane

    def plan(self, account: str, now: float) -> Plan:
        """The windows of this subscription."""
        plan = self._plans.get(account)
        if plan is None:
            plan = self._plans[account] = Plan(self.model, now)
            if len(self._plans) > MOST_LANES:
                self._plans.popitem(last=False)
        self._plans.move_to_end(account)
        return plan


def rfc3339(wall: float) -> str:
    """A moment as the API writes it, in whole seconds of UTC."""
    return datetime.fromtimestamp(math.ceil(min(wall, 253402300799)), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
