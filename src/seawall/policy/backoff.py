"""How long to wait before the next attempt."""

import random

from seawall.config import Backoff


def next_delay(failures: int, hint: float | None, params: Backoff, rng: random.Random) -> float:
    """Seconds that a request waits after its `failures`-th failure in a row, at least `hint`.

    The first few cost it nothing: its lane says when it may go. After them exponential with full jitter: uniform from
    0 to a bound that doubles (M. Brooker, "Exponential Backoff And Jitter", 2015), so that a request at fault
    itself makes room. A hint of the upstream is a minimum: early is useless, and its jitter goes upward only.
    """
    own = failures - params.free
    delay = rng.uniform(0, _bound(own, params.first, params.factor, params.most)) if own > 0 else 0.0
    if hint is None:
        return delay
    return max(delay, hint * (1 + rng.uniform(0, params.hint_spread)))


def next_throttle_delay(failures: int, params: Backoff, rng: random.Random) -> float:
    """Seconds to wait after a 429 that states no time: calmer, and never at once."""
    bound = _bound(failures, params.throttle_first, params.factor, params.throttle_most)
    return rng.uniform(bound / 2, bound)


def _bound(failures: int, first: float, factor: float, most: float) -> float:
    # Past 2**60 the bound is long reached; a larger power would overflow.
    return float(min(most, first * factor ** min(max(failures, 1) - 1, 60)))
