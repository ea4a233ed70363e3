"""Closed-loop agents: what they ask, when they go on, and what a final error does to them."""

import asyncio
import json

from seawall.fake.agents import Asking, Fleet, Outcome, Time, asking
from seawall.fake.content import read_messages
from seawall.fake.scenario import read
from seawall.fake.work import Drawn, work


def test_what_is_asked() -> None:
    """A body as long as its guessed tokens, which the faulty API reads as it was drawn."""
    made = asking(3, 4, 0, Drawn(12.5, 6000, 6300, 1.0), "sk-ant-api03-x", "session")
    assert len(made.body) == 6300 * 4
    asked = read_messages(made.body, "/v1/messages")
    assert (asked.nonce, asked.input_tokens, asked.seconds, asked.stream) == ("a3.t4.0", 6000, 12.5, True)
    assert asked.family == "sonnet"
    assert made.headers["x-claude-code-session-id"] == "session"
    assert made.headers["x-api-key"] == "sk-ant-api03-x"
    assert json.loads(made.body)["system"]
    short = asking(3, 4, 0, Drawn(12.5, 1, 1, 1.0), "k", "s")
    assert json.loads(short.body)["system"] == ""


def lived(table: str, answers: dict[tuple[int, int], str], numbers: range, asks: int) -> Fleet:
    """A fleet that lived until every agent had asked so often; answers by agent and ask, whole where none is named."""
    found = work("x", read("[bench]\nhorizon = 600\nevent = [10, 20]\n[fleet]\n" + table))

    async def run() -> Fleet:
        fleet = Fleet(found, numbers, [0.0] * len(numbers), 1, "key")
        over = asyncio.Event()
        count = dict.fromkeys(numbers, 0)

        async def ask(made: Asking) -> str:
            count[made.agent] += 1
            if count[made.agent] > asks:
                if all(n > asks for n in count.values()):
                    over.set()
                await asyncio.Event().wait()
            await asyncio.sleep(0)
            return answers.get((made.agent, count[made.agent] - 1), "")

        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(fleet.live(Time(lambda: loop.time() * 1e4, 1e4), ask))
        await asyncio.wait_for(over.wait(), 20)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return fleet

    return asyncio.run(run())


def test_an_agents_turns() -> None:
    """In order, each with its reason; after an error it rests, and what the end cuts off is open."""
    fleet = lived("restart_s = 600\nthink_s = 0.1", {(0, 1): "status 529"}, range(1), 3)
    assert [(t.ask, t.outcome, t.why) for t in fleet.turns] == [
        (0, Outcome.WHOLE, ""),
        (1, Outcome.FAILED, "status 529"),
        (2, Outcome.WHOLE, ""),
        (3, Outcome.OPEN, ""),
    ]
    assert fleet.turns[2].began - fleet.turns[1].ended >= 600
    assert fleet.turns[0].stream > 0


def test_a_greedy_agent_asks_several_things_at_once() -> None:
    """One ask, so many turns, each with its own draw; all of them end before the next."""
    fleet = lived("greedy = 1\ngreedy_width = 3\nthink_s = 0.1", {}, range(1), 6)
    assert [t.ask for t in fleet.turns] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert len({t.stream for t in fleet.turns[:3]}) == 3


def test_agents_draw_for_themselves() -> None:
    """The same numbers ask the same things, whoever else is there."""
    both = lived("think_s = 0.1", {}, range(2), 3)
    one = lived("think_s = 0.1", {}, range(1, 2), 3)
    assert [t.stream for t in both.turns if t.agent == 1] == [t.stream for t in one.turns]
