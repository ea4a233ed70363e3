"""The fleet: who is in it, what its turns are, how a turn is judged, and the same faults for real and own agents."""

import asyncio
import itertools
import sys
from collections.abc import Callable

import pytest

from seawall.fake.app import FakeApi
from seawall.fake.content import answer_text, nonce_of
from seawall.fake.fleet import (
    OPUS,
    SONNET,
    Ask,
    Fleet,
    Manner,
    Member,
    Planned,
    RealSdk,
    Result,
    Terms,
    by_schedule,
    judged,
    members,
    nonce,
    plan,
)


def test_the_three_fleets() -> None:
    """The SDK alone; Claude Code, half on Opus; through Seawall half and half of the same."""
    assert {(m.client, m.model) for m in members("sdk", 5)} == {("sdk", SONNET)}
    code = members("claude-code", 8)
    assert [m.model for m in code].count(OPUS) == 4
    mixed = [(m.client, m.model) for m in members("seawall", 8)]
    assert (mixed.count(("sdk", SONNET)), mixed.count(("claude-code", OPUS))) == (4, 2)
    assert [m.number for m in members("seawall", 8)] == list(range(8))


def test_turns_are_the_same_for_the_same_seed() -> None:
    """Prompt, thought and manner depend on seed, agent and turn alone; thought is never longer than three means."""
    plans = [plan(1, agent, turn, 2.0) for agent in range(20) for turn in range(20)]
    assert plans == [plan(1, agent, turn, 2.0) for agent in range(20) for turn in range(20)]
    assert plans != [plan(2, agent, turn, 2.0) for agent in range(20) for turn in range(20)]
    assert all(0 <= p.think <= 6.0 for p in plans)
    assert len({nonce_of(p.prompt) for p in plans}) == 400
    assert nonce_of(plan(1, 3, 4, 1.0).prompt) == nonce(3, 4)
    assert {p.manner for p in plans} == {"events", "helper", "whole"}


@pytest.mark.parametrize(
    ("result", "outcome", "taken"),
    [
        (Result(answer_text("a0.t0", 9)), "finished", False),
        (Result(answer_text("a0.t0", 9), "OverloadedError"), "lost", False),
        (Result(answer_text("a0.t0", 9)[:30]), "lost", True),
        (Result(answer_text("a0.t1", 9)), "lost", True),
        (Result(""), "lost", True),
    ],
)
def test_only_the_whole_right_answer_finishes_a_turn(result: Result, outcome: str, taken: bool) -> None:
    """An error loses it; half an answer, another's or none without an error loses it and is taken for success."""
    found = judged(result, "nonce=a0.t0")
    assert (found[0], found[2]) == (outcome, taken)


PROMPT = "nonce=p1"


def ask_once(
    make: Callable[[str], Ask], manner: Manner, *faults: str, model: str = SONNET
) -> tuple[Result, int]:
    """What one turn brings that meets these faults, and how many requests it took."""

    async def once() -> tuple[Result, int]:
        async with FakeApi() as api:
            api.script(*faults)
            client = "claude-code" if model == OPUS else "sdk"
            result = await make(api.url)(Member(0, client, model), Planned(PROMPT, 0.0, manner))
            return result, len(api.requests)

    return asyncio.run(once())


def own(url: str) -> Ask:
    return by_schedule(url, 1)


def real(url: str) -> Ask:
    sdk = RealSdk(url)

    async def ask(member: Member, planned: Planned) -> Result:
        try:
            return await sdk.ask(member, planned)
        finally:
            await sdk.close()

    return ask


@pytest.mark.parametrize("make", [own, real])
@pytest.mark.parametrize(
    ("manner", "faults", "attempts", "outcome", "taken"),
    [
        ("events", [], 1, "finished", False),
        ("helper", [], 1, "finished", False),
        ("whole", [], 1, "finished", False),
        ("whole", ["status code=503 retry-after-ms=1", "reset"], 3, "finished", False),
        ("events", ["overloaded retry-after=0.001"] * 3, 3, "lost", False),
        ("events", ["error-event at=before-content"], 1, "lost", False),
        ("events", ["cut at=in-block"], 1, "lost", False),
        ("events", ["early-end at=in-block"], 1, "lost", True),
        ("events", ["early-end at=before-content"], 1, "lost", True),
        ("whole", ["early-end at=in-block"], 1, "lost", False),
    ],
)
def test_the_stand_in_fares_as_the_real_sdk_does(
    make: Callable[[str], Ask], manner: Manner, faults: list[str], attempts: int, outcome: str, taken: bool
) -> None:
    """The same requests and the same end for the package and for the agent that keeps to its schedule."""
    if make is real:
        pytest.importorskip("anthropic")
    result, seen = ask_once(make, manner, *faults)
    found = judged(result, PROMPT)
    assert (seen, found[0], found[2]) == (attempts, outcome, taken), result


def test_claude_code_saves_a_half_answer_by_asking_again() -> None:
    """Told by an error event inside the block, it asks at once, not streamed, and has the whole answer."""
    result, seen = ask_once(own, "events", "error-event at=in-block", model=OPUS)
    assert judged(result, PROMPT)[0] == "finished"
    assert seen == 2


def test_the_real_sdk_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package: ImportError, which the drill turns into a note."""
    monkeypatch.setitem(sys.modules, "anthropic", None)
    with pytest.raises(ImportError):
        RealSdk("http://127.0.0.1:9")


def fleet_of(ask: Ask, *, turns: int | None, seconds: float = 30.0, finish: float = 30.0) -> Fleet:
    terms = Terms(agents=3, seconds=seconds, turns=turns, think=0.001, finish=finish, seed=1)
    return Fleet("sdk", terms, {"sdk": ask, "claude-code": ask})


async def whole(member: Member, planned: Planned) -> Result:
    return Result(answer_text(nonce_of(planned.prompt), 5))


async def never(member: Member, planned: Planned) -> Result:
    await asyncio.Event().wait()
    raise AssertionError


def test_every_agent_does_its_turns_one_after_the_other() -> None:
    """Three agents with four turns: twelve, each once, none overlapping another of its agent."""
    fleet = fleet_of(whole, turns=4)
    asyncio.run(fleet.run())
    assert {(t.agent.number, t.number) for t in fleet.turns} == {(a, n) for a in range(3) for n in range(4)}
    assert {t.outcome for t in fleet.turns} == {"finished"}
    for agent in range(3):
        times = [(t.began, t.ended) for t in fleet.turns if t.agent.number == agent]
        assert times == sorted(times)
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(times))
    assert not fleet.under_way


def test_what_does_not_end_is_ended_and_counted() -> None:
    """When the time for begun turns is over they are unfinished: neither finished nor lost, and nothing runs on."""

    async def run() -> tuple[Fleet, int]:
        fleet = fleet_of(never, turns=None, seconds=0.1, finish=0.0)
        await fleet.run()
        return fleet, len(asyncio.all_tasks())

    fleet, tasks = asyncio.run(run())
    assert {t.outcome for t in fleet.turns} <= {"unfinished"}
    assert tasks == 1


def test_no_turn_begins_after_the_script() -> None:
    """With no time at all there is no turn, and the run ends by itself."""
    fleet = fleet_of(whole, turns=None, seconds=0.0)
    asyncio.run(fleet.run())
    assert fleet.turns == []


def test_a_fault_of_the_agents_own_ends_the_run_and_is_not_counted_as_a_lost_turn() -> None:
    """An exception that is none of the client's comes out of the run."""

    async def broken(member: Member, planned: Planned) -> Result:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(fleet_of(broken, turns=1).run())
