"""Closed-loop agents: each asks, checks the whole answer, thinks and asks again; a final error kills it for a while."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

import msgspec

from seawall.fake.work import Drawn, FleetModel, Work, agents_rng, draw

MODEL: Final = "claude-sonnet-5-5"
BYTES_PER_TOKEN: Final = 4
# What fills a body to its length: it stands in `system`, as the long part of real requests does.
_FILLING: Final = b"the tide turns twice a day and the wall stands between the harbour and the open sea; "


class Outcome(IntEnum):
    """How a turn ended, in raw turns as its number."""

    FAILED = 0
    WHOLE = 1
    OPEN = 2
    """Not ended when the run was over."""


class Turn(NamedTuple):
    """One request of an agent as its program saw it; times in model seconds. A row of raw turns."""

    agent: int
    ask: int
    """Counts from 0; requests that an agent sends at the same time have the same number."""
    began: float
    ended: float
    outcome: int
    stream: float
    """How long the answer takes from its first byte, when nothing slows it down."""
    tokens: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Asking:
    """One request, ready to be sent as often as its sender likes."""

    agent: int
    nonce: str
    drawn: Drawn
    headers: dict[str, str]
    body: bytes


Ask = Callable[[Asking], Awaitable[str]]
"""Sends a request in its own manner until the whole answer is there (empty text), or says why there is none."""


@dataclass(frozen=True, slots=True)
class Time:
    """Model time: `now()` in model seconds, and the factor by which real time is shorter."""

    now: Callable[[], float]
    factor: float

    async def sleep(self, seconds: float) -> None:
        """Wait so many model seconds."""
        await asyncio.sleep(seconds / self.factor)

    async def until(self, moment: float) -> None:
        """Wait for a moment; none that is over."""
        if (left := moment - self.now()) > 0:
            await self.sleep(left)


def asking(agent: int, ask: int, part: int, drawn: Drawn, key: str, session: str) -> Asking:
    """The request of a drawn turn; its body is as long as the guess of its tokens says."""
    nonce = f"a{agent}.t{ask}.{part}"
    wish = f"nonce={nonce}\nseawall-fake: tokens={int(drawn.tokens)} seconds={drawn.stream:.3f}"
    body = {
        "model": MODEL,
        "max_tokens": 1024,
        "stream": True,
        "messages": [{"role": "user", "content": wish}],
    }
    head = msgspec.json.encode(body)[:-1] + b',"system":"'
    short = max(0, int(drawn.guess * BYTES_PER_TOKEN) - len(head) - 2)
    filled = (_FILLING * (short // len(_FILLING) + 1))[:short]
    headers = {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "user-agent": "claude-cli/2.1.329 (external, cli)",
        "x-api-key": key,
        "anthropic-version": "2023-06-01",
        "x-claude-code-session-id": session,
    }
    return Asking(agent, nonce, drawn, headers, head + filled + b'"}')


class Agent:
    """One agent: `await live()` until it is cancelled."""

    def __init__(self, number: int, width: int, start: float, seed: int, fleet: FleetModel) -> None:
        self.number, self.width, self.start, self.fleet = number, width, start, fleet
        self._rng = agents_rng(seed, number)
        self._session = f"{seed:08x}-{number:04x}-4000-8000-{number:012x}"
        self._asks = 0

    async def live(self, time: Time, ask: Ask, key: str, turns: list[Turn]) -> None:
        """Asks and thinks for ever; each turn is added to `turns` when it ends, or is cut off."""
        await time.until(self.start)
        while True:
            drawn = [draw(self.fleet, self._rng) for _ in range(self.width)]
            number, self._asks = self._asks, self._asks + 1
            made = [
                asking(self.number, number, part, one, key, self._session) for part, one in enumerate(drawn)
            ]
            if self.width == 1:
                whole = [await self._turn(made[0], number, time, ask, turns)]
            else:
                whole = await asyncio.gather(*(self._turn(one, number, time, ask, turns) for one in made))
            await time.sleep(drawn[0].think if all(whole) else self.fleet.restart_s)

    async def _turn(self, made: Asking, number: int, time: Time, ask: Ask, turns: list[Turn]) -> bool:
        began, outcome, why = time.now(), Outcome.OPEN, ""
        try:
            why = await ask(made)
            outcome = Outcome.FAILED if why else Outcome.WHOLE
        finally:
            drawn = made.drawn
            turns.append(
                Turn(
                    self.number,
                    number,
                    round(began, 2),
                    round(time.now(), 2),
                    int(outcome),
                    round(drawn.stream, 2),
                    int(drawn.tokens),
                    why,
                )
            )
        return outcome is Outcome.WHOLE


class Fleet:
    """Some agents of a scenario, all asking in the same way: `await live()`, and look at `turns`."""

    def __init__(self, work: Work, numbers: range, starts: list[float], seed: int, key: str) -> None:
        self.key = key
        self.turns: list[Turn] = []
        self._agents = [
            Agent(number, work.width(number), start, seed, work.fleet)
            for number, start in zip(numbers, starts, strict=True)
        ]

    async def live(self, time: Time, ask: Ask) -> None:
        """Until it is cancelled; an error of the benchmark's own ends it."""
        async with asyncio.TaskGroup() as group:
            for agent in self._agents:
                group.create_task(agent.live(time, ask, self.key, self.turns))
