"""What a gateway tells of its lanes and of those who wait."""

import asyncio
import json
import math
import random
from contextlib import suppress
from typing import Any

import pytest
from ground import Ground, ground, hold, question, settings, until

from seawall.gateway import lanes
from seawall.gateway.admission import Admission, Gate
from seawall.gateway.records import LaneKey
from seawall.policy.lane import Wait
from seawall.policy.pacer import Cost, Level
from seawall.policy.queue import Ticket

NOW = 1000.0


@pytest.mark.parametrize(
    ("wait", "says"),
    [
        (Wait(NOW, "limiter", NOW), "goes now"),
        (Wait(NOW, "", NOW), "goes now"),
        (Wait(NOW + 0.04, "breaker", NOW + 0.04), "goes now"),
        (Wait(NOW + 2, "breaker", NOW + 2), "529 for opus: probe in 2.0 s"),
        (Wait(math.inf, "breaker", math.inf), "529 for opus: probe under way"),
        (Wait(NOW + 2, "host", NOW + 2), "api.anthropic.com cannot be reached: next try in 2.0 s"),
        (Wait(math.inf, "host", math.inf), "api.anthropic.com cannot be reached: trying now"),
        (Wait(NOW + 0.25, "limiter", NOW + 0.25), "starts are spread: 0.2 s"),
        (Wait(NOW + 4, "budget", NOW + 4), "too many were refused for opus lately: next try in 4.0 s"),
        (Wait(NOW + 3, "backoff", NOW + 3), "its own pause: 3.0 s"),
        (Wait(NOW + 3.24, "input tokens", NOW + 3.24), "own limit: input tokens, 3.2 s"),
        (Wait(math.inf, "concurrency", math.inf),
         "0 attempts are under way, the most that gateway.concurrency allows"),
    ],
)  # fmt: skip
def test_why_the_head_waits(wait: Wait, says: str) -> None:
    """One sentence for each thing that may keep it, with the time where there is one."""

    async def run() -> None:
        assert lanes.why(gate(), wait, NOW) == says

    asyncio.run(run())


@pytest.mark.parametrize(
    ("pause", "lane", "others", "says"),
    [
        (3.0, (1.0, "breaker"), 0, (3.0, "its own pause: 3.0 s")),
        (0.5, (2.0, "breaker"), 0, (2.0, "529 for opus: probe in 2.0 s")),
        (0.5, (2.0, "breaker"), 1, (math.inf, "529 for opus: probe in 2.0 s")),
        (0.5, (math.inf, "breaker"), 1, (math.inf, "529 for opus: probe under way")),
        (0.0, (4.0, "input tokens"), 0, (4.0, "own limit: input tokens, 4.0 s")),
        (0.5, (4.0, "input tokens"), 1, (math.inf, "own limit: input tokens, behind others")),
        (0.1, (0.25, "limiter"), 1, (math.inf, "starts are spread, behind others")),
        (0.02, (0.04, "input tokens"), 1, (math.inf, "behind others")),
        (0.0, (2.0, "breaker"), 0, (2.0, "529 for opus: probe in 2.0 s")),
    ],
)
def test_why_a_call_waits(
    pause: float, lane: tuple[float, str], others: int, says: tuple[float, str]
) -> None:
    """Its own pause is the reason only where nothing keeps the whole lane for longer; the head's time is its own."""

    async def run() -> None:
        one, mine = gate(), Ticket("s:1", NOW, NOW + 900, not_before=NOW + pause)
        for ticket in (mine, *(Ticket("s:2", NOW, NOW + 900) for _ in range(others))):
            one.lane.join(ticket, NOW)
        seconds, why = lane
        assert lanes.told(one, mine, Wait(NOW + seconds, why, NOW + seconds), NOW) == says

    asyncio.run(run())


def test_a_lane_that_waits_for_a_limit_of_the_account_is_not_calm() -> None:
    """It says so while somebody waits for the limit or a 429 pauses it, and an outage is worse than that."""

    async def run() -> None:
        one = gate()
        assert lanes.lane(one, NOW)["state"] == "calm"
        one.lane.pacer.hear([Level("requests", 60, 0)], [], NOW, NOW)
        assert lanes.lane(one, NOW)["state"] == "calm"
        one.lane.join(Ticket("s:1", NOW, NOW + 900), NOW)
        found = lanes.lane(one, NOW)
        assert found["state"] == "limited"
        assert found["why"].startswith("own limit: requests, ")
        other = gate()
        other.lane.pacer.limited([], Cost(1.0, 1.0), 5.0, NOW)
        assert lanes.lane(other, NOW)["state"] == "limited"
        assert lanes.lane(other, NOW + 3600)["state"] == "calm"
        while not other.lane.breaker.open:
            other.lane.breaker.refused(NOW, 0)
        assert lanes.lane(other, NOW)["state"] == "outage"

    asyncio.run(run())


def test_places_that_are_all_taken() -> None:
    """`gateway.concurrency` is the limit, where nothing else is."""

    async def run() -> None:
        one = Admission(settings(concurrency=2), random.Random(1)).gate(LaneKey("a", "key", "opus"))
        assert lanes.lane(one, NOW)["limit"] is None
        one.lane.load.in_flight = 2
        assert lanes.lane(one, NOW)["limit"] == 2

    asyncio.run(run())


@pytest.mark.parametrize(
    ("flow", "says"),
    [
        ("s:1f0c2a7e-aaaa-bbbb", "s:1f0c2a7e"),
        ("s:1f0c2a7e-aaaa-bbbb/a:agent-007-of-many", "s:1f0c2a7e/a:agent-00"),
        ("s:\x1b[2Jname", "s:2Jname"),
        ("c:1234567890", "c:567890"),
    ],
)
def test_an_agent_by_name(flow: str, says: str) -> None:
    """The beginning is enough, and no sign that a terminal would obey."""
    assert lanes.agent_name(flow) == says


def test_a_user_is_a_hash() -> None:
    """What a program calls its user may be a person's name or address."""
    told = lanes.agent_name("u:jane@example.com")
    assert told.startswith("u:")
    assert "jane" not in told
    assert told == lanes.agent_name("u:jane@example.com") != lanes.agent_name("u:joe@example.com")


def test_very_many_lanes() -> None:
    """A hundred are told, those in use before the idle."""

    async def run() -> None:
        admission = Admission(settings(), random.Random(1))
        gates = [admission.gate(LaneKey("api.anthropic.com", f"k{n}", "opus")) for n in range(300)]
        gates[-1].lane.load.in_flight = 1
        told = lanes.lanes(admission.gates(), asyncio.get_running_loop().time())
        assert len(told) == 100
        assert told[0]["account"] == "k299"

    asyncio.run(run())


def test_an_outage() -> None:
    """All that wait are told, the oldest first; when it goes is known of the head alone, why of all of them."""

    async def run() -> None:
        async with ground(*["overloaded"] * 5000, hold=hold(longest=3600)) as g:
            calls = [asyncio.create_task(call(g, n)) for n in range(60)]
            await until(lambda: opus(g)["breaker"] == "open" and g.gateway.status()["waiting_more"] >= 1)
            status, lane = g.gateway.status(), opus(g)
            json.dumps(status)
            assert (status["cause"], status["party"]) == ("provider.overloaded", "provider")
            assert len(status["waiting"]) == 50
            assert sum(1 for one in status["waiting"] if one["next_in"] is not None) <= 1
            waited = [one["waited"] for one in status["waiting"]]
            assert waited == sorted(waited, reverse=True)
            assert all(one["limit"] > 0 for one in status["waiting"])
            assert lane["state"] == "outage"
            assert sum(one["queued"] for one in lane["queued_by_agent"]) <= lane["queued"]
            assert len(lane["queued_by_agent"]) == 10
            for one in calls:
                one.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            await until(lambda: g.gateway.status()["running"] == 0)
            assert opus(g)["queued"] == 0
            assert g.gateway.status()["waiting"] == []

    asyncio.run(run())


async def call(g: Ground, number: int) -> None:
    with suppress(ConnectionError):
        await g.ask(
            question(model="claude-opus-5"), headers={"x-claude-code-session-id": f"{number % 12:08d}"}
        )


def opus(g: Ground) -> dict[str, Any]:
    """The lane of opus, as the status has it; empty until there is one."""
    found = [one for one in g.gateway.status()["lanes"] if one["family"] == "opus"]
    return found[0] if found else {"breaker": "", "queued": 0}


def test_what_is_held_names_the_cause() -> None:
    """An older trouble that is nobody's any more does not: the exit code is of what is held."""

    async def run() -> None:
        async with ground("status code=401 type=authentication_error", hold=hold(longest=3600)) as g:
            await g.ask()
            assert g.gateway.status()["party"] == "account"
            g.fake.script(*["overloaded"] * 5000)
            asking = asyncio.create_task(g.ask(question(model="claude-opus-5")))
            await until(lambda: g.gateway.status()["held"] == 1)
            status = g.gateway.status()
            assert (status["cause"], status["party"]) == ("provider.overloaded", "provider")
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("fault", "label"),
    [
        ("overloaded", "529"),
        ("error-event at=before-content", "529"),
        ("error-event type=strange_error at=before-content", "strange_error"),
        ("wrong-body body=error-json", "529"),
        ("wrong-body body=html", "200 without an answer"),
        ("reset", "connection_reset"),
    ],
)
def test_what_refused_names_the_error_also_inside_of_a_200(fault: str, label: str) -> None:
    """What a person would look up, not the status of the answer that the error came in."""

    async def run() -> None:
        async with ground(*[fault] * 5000, hold=hold(longest=3600)) as g:
            asking = asyncio.create_task(g.ask(question(model="claude-opus-5")))
            await until(lambda: g.gateway.status()["held"] == 1 and opus(g)["refused_by"] != "")
            assert opus(g)["refused_by"] == label
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(run())


@pytest.mark.parametrize(("fault", "by_api"), [("overloaded", True), ("status code=503 body=html", False)])
def test_whether_the_api_itself_answers_is_told(fault: str, by_api: bool) -> None:
    """By the form of its request ids, at whatever address it is reached."""

    async def run() -> None:
        async with ground(*[fault] * 5000, hold=hold(longest=3600)) as g:
            asking = asyncio.create_task(g.ask())
            await until(lambda: g.gateway.status()["held"] == 1)
            [trouble] = g.gateway.status()["troubles"]
            assert trouble["by_api"] is by_api
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(run())


def test_an_answer_that_has_come_is_held_no_more() -> None:
    """A call that failed first and now streams for a long time is running, not held."""

    async def run() -> None:
        async with ground("overloaded", "hang at=in-block", hold=hold(longest=3600)) as g:
            asking = asyncio.create_task(g.ask())
            await until(lambda: g.gateway.status()["held"] == 1)
            await until(lambda: g.sent() == 2 and g.gateway.status()["held"] == 0)
            status = g.gateway.status()
            assert status["running"] == 1
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(run())


def gate() -> Gate:
    one = Admission(settings(), random.Random(1)).gate(LaneKey("api.anthropic.com", "key", "opus"))
    one.refused_by = "529"
    return one
