"""How requests are sent: once, with a client's own retries, or through a proxy that retries and cools down."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from seawall.fake.agents import Ask, Asking, Time
from seawall.fake.content import verify_answer
from seawall.fake.lean import Lean, Raw, read_answer
from seawall.fake.scenario import MESSAGES

LONGEST_HINT: Final = 60.0
"""A longer `retry-after` ends the request."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Why an attempt brought no whole answer, and what it asked to wait, in model seconds."""

    why: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends attempts to one address and judges what comes."""

    lean: Lean
    time: Time
    silence: float
    """Model seconds without a byte after which an attempt is given up."""

    async def attempt(self, made: Asking, on_head: Callable[[int], None] = lambda _: None) -> Failed | None:
        """None when the whole and right answer came."""
        request = self.lean.request(MESSAGES, made.headers, made.body)
        raw = await self.lean.send(request, self.silence / self.time.factor, on_head)
        return judged(raw, made.nonce, self.time.factor)


def judged(raw: Raw, nonce: str, factor: float) -> Failed | None:
    """None when this is the whole answer to the request with this nonce."""
    text, why = read_answer(raw)
    if not why and (wrong := verify_answer(text, f"nonce={nonce}")):
        why = f"wrong answer: {wrong}"
    if not why:
        return None
    return Failed(why, None if raw.retry_after is None else raw.retry_after * factor)


@dataclass(frozen=True, slots=True)
class Retries:
    """How a client retries: so often, after `first` seconds doubled each time up to `most`, changed by chance."""

    number: int
    first: float
    most: float
    less: float = 0.0
    more: float = 0.0
    """Shares by which the wait is shorter or longer at most."""

    def wait(self, failures: int, hint: float | None, rng: random.Random) -> float | None:
        """Seconds to the next attempt after so many failures; None: there is none."""
        if failures > self.number or (hint is not None and hint > LONGEST_HINT):
            return None
        if hint:
            return hint
        chance = rng.random()
        wait: float = min(self.most, self.first * 2 ** (failures - 1))
        return wait * (1 + (self.more or -self.less) * chance)


NONE: Final = Retries(0, 0.5, 8.0)
SDK: Final = Retries(2, 0.5, 8.0, less=0.25)
TEN: Final = Retries(10, 0.5, 32.0, more=0.25)


def retrying(sender: Sender, retries: Retries, seed: int) -> Ask:
    """Each request retries for itself."""
    chances: dict[int, random.Random] = {}

    async def ask(made: Asking) -> str:
        rng = chances.setdefault(made.agent, random.Random(f"{seed}:{made.agent}"))
        failures = 0
        while (failed := await sender.attempt(made)) is not None:
            failures += 1
            wait = retries.wait(failures, failed.retry_after, rng)
            if wait is None:
                return failed.why
            await sender.time.sleep(wait)
        return ""

    return ask


MINUTE: Final = 60.0
COOLDOWN: Final = 5.0
LEAST_SEEN: Final = 5
MOST_FAILED: Final = 0.5


class Cooling:
    """A proxy's health of its upstream: over half of at least five answers failed this minute means a pause."""

    def __init__(self) -> None:
        self._until = -1.0
        self._minute = self._failed = self._good = 0

    def cools(self, now: float) -> bool:
        """Whether requests are refused at once."""
        return now < self._until

    def count(self, now: float, *, good: bool) -> None:
        """An attempt ended."""
        minute = int(now // MINUTE)
        if minute != self._minute:
            self._minute, self._failed, self._good = minute, 0, 0
        if good:
            self._good += 1
            return
        self._failed += 1
        seen = self._failed + self._good
        if seen >= LEAST_SEEN and self._failed / seen > MOST_FAILED:
            self._until = now + COOLDOWN


def through_proxy(sender: Sender, seed: int) -> Ask:
    """A pass-through proxy with two retries and a cooldown, in front of clients with ten retries."""
    cooling, time = Cooling(), sender.time
    rng = random.Random(f"{seed}:proxy")

    async def forwarded(made: Asking) -> Failed | None:
        failures = 0
        while not cooling.cools(time.now()):
            failed = await sender.attempt(made)
            cooling.count(time.now(), good=failed is None)
            if failed is None:
                return None
            failures += 1
            wait = SDK.wait(failures, failed.retry_after, rng)
            if wait is None:
                return failed
            await time.sleep(wait)
        await time.sleep(0.01)
        return Failed("the proxy's pause")

    async def ask(made: Asking) -> str:
        failures = 0
        while (failed := await forwarded(made)) is not None:
            failures += 1
            wait = TEN.wait(failures, failed.retry_after, rng)
            if wait is None:
                return failed.why
            await time.sleep(wait)
        return ""

    return ask
