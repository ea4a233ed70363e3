"""A fleet of agents: each thinks, asks, checks the whole answer, and goes on, until the script is over."""

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, Final, Literal

from seawall.fake.caller import call
from seawall.fake.content import verify_answer
from seawall.fake.schedules import Again, Error, Failure, Step, Taken, claude_code, sdk

Through = Literal["sdk", "claude-code", "seawall"]
Client = Literal["sdk", "claude-code"]
Manner = Literal["events", "helper", "whole"]
"""Streamed and read event by event; streamed through the SDK's helper; not streamed."""

OPUS: Final = "claude-opus-5-5"
SONNET: Final = "claude-sonnet-5-5"
KEY: Final = "sk-ant-api03-drill"
"""No key: it only has the form of one, and goes nowhere but to this machine."""


@dataclass(frozen=True, slots=True)
class Member:
    """One agent of a fleet."""

    number: int
    client: Client
    model: str


def members(through: Through, agents: int) -> tuple[Member, ...]:
    """Who is in the fleet: the SDK alone, Claude Code alone (half of it on Opus), or both by turns."""
    kinds: tuple[tuple[Client, str], ...]
    match through:
        case "sdk":
            kinds = (("sdk", SONNET),)
        case "claude-code":
            kinds = (("claude-code", OPUS), ("claude-code", SONNET))
        case "seawall":
            kinds = (("sdk", SONNET), ("claude-code", OPUS), ("sdk", SONNET), ("claude-code", SONNET))
    return tuple(Member(n, *kinds[n % len(kinds)]) for n in range(agents))


@dataclass(frozen=True, slots=True)
class Planned:
    """What an agent's n-th turn will be; the same in every run with this seed."""

    prompt: str
    think: float
    manner: Manner


def plan(seed: int, agent: int, turn: int, think: float) -> Planned:
    """The turn: its prompt, so many seconds of thought before (`think` on average), how it is asked."""
    rng = random.Random(f"{seed}:{agent}:{turn}")
    pause = min(rng.expovariate(1.0), 3.0) * think
    manner: Manner = rng.choice(("events", "events", "helper", "whole"))
    return Planned(f"Turn {turn} of agent {agent}. nonce={nonce(agent, turn)}", pause, manner)


def nonce(agent: int, turn: int) -> str:
    """The mark by which requests and answers are told apart."""
    return f"a{agent}.t{turn}"


@dataclass(frozen=True, slots=True)
class Result:
    """What the client handed to its program: a text that it takes for the answer, or an error and what came before."""

    text: str
    error: str = ""


Outcome = Literal["finished", "lost", "unfinished"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn as it went; times in seconds since the script began."""

    agent: Member
    number: int
    began: float
    ended: float
    outcome: Outcome
    why: str = ""
    taken: bool = False
    """No error was raised: the program takes for an answer what is none."""
    after_content: bool = False
    """Part of an answer had come when it broke: nobody on the way could send it again."""


def judged(result: Result, prompt: str) -> tuple[Outcome, str, bool]:
    """Whether the turn is finished, why not, and whether the program took it for finished all the same."""
    if result.error:
        return "lost", result.error, False
    wrong = verify_answer(result.text, prompt)
    return ("lost", wrong, True) if wrong else ("finished", "", False)


Ask = Callable[[Member, Planned], Awaitable[Result]]


def by_schedule(url: str, seed: int) -> Ask:
    """Asks the way that the member's client is measured to do."""
    rng = random.Random(seed)
    session = str(uuid.UUID(int=rng.getrandbits(128), version=4))

    async def ask(member: Member, planned: Planned) -> Result:
        failures: tuple[Failure, ...] = ()
        # Claude Code always streams.
        streamed = member.client == "claude-code" or planned.manner != "whole"
        while True:
            body = _body(member, planned) | ({"stream": True} if streamed else {})
            reply = await call(url, _headers(member, f"{session}-{member.number}", len(failures)), body)
            if reply.failure is None:
                return Result(reply.text)
            failures += (reply.failure,)
            match _next(member, failures, rng):
                case Again(after, streamed):
                    await asyncio.sleep(after)
                case Error(why):
                    return Result(reply.text, why)
                case Taken():
                    return Result(reply.text)

    return ask


def _next(member: Member, failures: tuple[Failure, ...], rng: random.Random) -> Step:
    if member.client == "sdk":
        return sdk(failures, rng=rng)
    return claude_code(failures, opus=member.model == OPUS, rng=rng)


def _body(member: Member, planned: Planned) -> dict[str, Any]:
    messages = [{"role": "user", "content": planned.prompt}]
    return {"model": member.model, "max_tokens": 1024, "messages": messages}


def _headers(member: Member, session: str, failures: int) -> dict[str, str]:
    if member.client == "claude-code":
        return {
            "user-agent": "claude-cli/2.1.329 (external, cli)",
            "x-claude-code-session-id": session,
            "x-api-key": KEY,
            "anthropic-version": "2023-06-01",
            "accept-encoding": "gzip, br",
        }
    return {
        "user-agent": "Anthropic/Python 2.11.0",
        "authorization": f"Bearer {KEY}",
        "anthropic-version": "2026-10-21",
        "accept-encoding": "gzip",
        "x-stainless-read-timeout": "600",
        "x-stainless-retry-count": str(failures),
    }


class RealSdk:
    """The `anthropic` package with its defaults; ImportError where it is not installed."""

    def __init__(self, url: str) -> None:
        import anthropic

        self.version = anthropic.__version__
        # The environment's proxies and credentials are for the real API, not for this.
        http = anthropic.DefaultAsyncHttpxClient(trust_env=False)
        self._client = anthropic.AsyncAnthropic(api_key=KEY, base_url=url, http_client=http)

    async def ask(self, member: Member, planned: Planned) -> Result:
        """One turn; whatever exception the program would get is the turn's error."""
        pieces: list[str] = []
        try:
            await self._ask(_body(member, planned), planned.manner, pieces)
        except Exception as error:
            return Result("".join(pieces), type(error).__name__)
        return Result("".join(pieces))

    async def _ask(self, body: dict[str, Any], manner: Manner, pieces: list[str]) -> None:
        messages: Any = self._client.messages
        match manner:
            case "events":
                async with await messages.create(**body, stream=True) as events:
                    async for event in events:
                        if event.type == "content_block_delta" and event.delta.type == "text_delta":
                            pieces.append(event.delta.text)
            case "helper":
                async with messages.stream(**body) as stream:
                    async for text in stream.text_stream:
                        pieces.append(text)
                    await stream.get_final_message()
            case "whole":
                message = await messages.create(**body)
                pieces += [block.text for block in message.content if block.type == "text"]

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.close()


@dataclass(frozen=True, slots=True)
class Terms:
    """What all fleets of a drill have in common; seconds of real time."""

    agents: int
    seconds: float
    """No turn begins later."""
    turns: int | None
    """How many each agent has to do; None: as many as it can begin in time."""
    think: float
    finish: float
    """How long begun turns may still take after `seconds`."""
    seed: int


class Fleet:
    """The agents of one run: `await run()`, and look at `turns` meanwhile or afterwards."""

    def __init__(self, through: Through, terms: Terms, asks: dict[Client, Ask]) -> None:
        self.through, self.terms = through, terms
        self.members = members(through, terms.agents)
        self.turns: list[Turn] = []
        self.under_way: dict[Member, tuple[int, float]] = {}
        self._asks = asks
        self._began = 0.0

    def now(self) -> float:
        """Seconds since the script began."""
        return time.monotonic() - self._began

    async def run(self) -> None:
        """Until every agent has ended its last turn, or the time for that is over; then nothing is left running."""
        self._began = time.monotonic()
        tasks = [asyncio.ensure_future(self._live(member)) for member in self.members]
        try:
            limit = self.terms.seconds + self.terms.finish
            await asyncio.wait(tasks, timeout=limit, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        now = self.now()
        for member, (number, began) in self.under_way.items():
            self.turns.append(Turn(member, number, began, now, "unfinished", "still waiting at the end"))
        for one in ended:
            if isinstance(one, Exception):
                raise one

    async def _live(self, member: Member) -> None:
        for number in range(self.terms.turns) if self.terms.turns is not None else count():
            planned = plan(self.terms.seed, member.number, number, self.terms.think)
            await asyncio.sleep(planned.think)
            if self.now() >= self.terms.seconds:
                return
            began = self.now()
            self.under_way[member] = (number, began)
            result = await self._asks[member.client](member, planned)
            del self.under_way[member]
            outcome, why, taken = judged(result, planned.prompt)
            broke = outcome == "lost" and bool(result.text)
            self.turns.append(Turn(member, number, began, self.now(), outcome, why, taken, broke))
