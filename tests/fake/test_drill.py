"""The drill: its terms, its figures, its transcript; and the whole of it once, through a real gateway."""

import asyncio
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from seawall.fake.app import Seen
from seawall.fake.behind import GatewayFailed
from seawall.fake.drill import Drill, figures, going_on, terms, transcript
from seawall.fake.fleet import OPUS, SONNET, Member, Turn, members, plan
from seawall.fake.scenario import Scenario, ScenarioError, load, read

# ---- terms ---------------------------------------------------------------------------------------------


def test_the_shipped_script_is_one_that_seawall_can_save() -> None:
    """No call of the SDK breaks after its first words, and none fails more than twice without a verdict."""
    scenario = load("drill")
    assert terms(scenario).turns
    for rule in scenario.rules:
        if "at=in-block" in rule.do:
            assert rule.model == "claude-opus-*"
        elif any(word in rule.do for word in ("reset", "early-end", "wrong-body")):
            assert rule.first in (1, 2)


@pytest.mark.parametrize(
    ("text", "seconds", "finish", "think", "turns"),
    [
        ("", 20.0, 25.0, 0.5, None),
        ("[[rule]]\nto = 30\ndo = 'reset'", 36.0, 25.0, 0.5, None),
        ("[[rule]]\nfrom = 8\ndo = 'reset'", 14.0, 25.0, 0.5, None),
        ("factor = 10\n[fleet]\nseconds = 30\nfinish_s = 5\nthink_s = 1\nturns = 3", 3.0, 0.5, 0.1, 3),
    ],
)
def test_terms(text: str, seconds: float, finish: float, think: float, turns: int | None) -> None:
    """From `[fleet]`, else from the last rule; the time factor divides what the scenario says."""
    found = terms(read(text))
    assert (found.seconds, found.finish, found.think, found.turns) == (seconds, finish, think, turns)


def test_options_go_before_the_file() -> None:
    """Agents and seed: option, then scenario, then the usual."""
    scenario = read("seed = 5\n[fleet]\nagents = 3")
    assert (terms(scenario).agents, terms(scenario).seed) == (3, 5)
    changed = terms(scenario, agents=9, seed=0)
    assert (changed.agents, changed.seed) == (9, 0)
    assert terms(Scenario()).seed == 1


@pytest.mark.parametrize(
    "fleet",
    [
        "agents = 0",
        "agents = 201",
        "agents = 'two'",
        "turns = 0",
        "seconds = 0",
        "seconds = 1e9",
        "think_s = 0",
        "think_s = nan",
        "finish_s = -1",
        "agnets = 3",
    ],
)
def test_a_fleet_that_cannot_be_is_refused_in_one_line(fleet: str) -> None:
    """The line says where."""
    with pytest.raises(ScenarioError, match=r"^fleet.*: .*$"):
        terms(read(f"[fleet]\n{fleet}"))


def test_what_the_script_does_now() -> None:
    """Rules in force, each once; a rule for a counted few says nothing about the API."""
    scenario = read(
        """
        [[rule]]
        from = 1
        to = 3
        chance = 0.5
        do = "overloaded"
        [[rule]]
        from = 2
        do = "reset"
        [[rule]]
        from = 2
        do = "reset"
        [[rule]]
        count = 1
        do = "close"
        """
    )
    now = {second: going_on(scenario.rules, second) for second in (0.0, 1.0, 2.5, 3.0)}
    assert now == {0.0: (), 1.0: ("overloaded",), 2.5: ("overloaded", "reset"), 3.0: ("reset",)}


# ---- figures -------------------------------------------------------------------------------------------


def turn(number: int, outcome: Any, took: float, **more: Any) -> Turn:
    return Turn(Member(0, "sdk", SONNET), number, 10.0, 10.0 + took, outcome, **more)


def seen(fault: str = "", *, nonce: str = "a0.t0", status: int = 200) -> Seen:
    body = b'{"messages": [{"role": "user", "content": "nonce=%s"}]}' % nonce.encode()
    made = Seen("POST", "/v1/messages", (), body, len(body), "", 0.0, 1.0, 1, 1, "req_1", fault, status)
    made.ended = 2.0
    return made


def test_figures_are_counted_from_turns_and_requests() -> None:
    """Each figure from what happened; requests of lost turns count among the attempts."""
    turns = [
        turn(0, "finished", 1.0),
        turn(1, "finished", 7.5),
        turn(2, "lost", 2.0, why="OverloadedError"),
        turn(3, "lost", 2.0, taken=True, after_content=True),
        turn(4, "unfinished", 3.0),
    ]
    cut = seen("early-end at=in-block")
    found = figures(
        "sdk", 1, turns, [seen(), seen("overloaded", status=529), cut, seen("reset", status=0), seen()]
    )
    assert (found.finished, found.lost, found.unfinished, found.begun) == (2, 2, 1, 5)
    assert (found.taken, found.after_content, found.broken) == (1, 1, 1)
    assert (found.attempts, found.attempts_per_success, found.longest_wait) == (5, 2.5, 7.5)


def test_a_run_that_finished_nothing_has_no_attempts_per_success() -> None:
    """Null, not a division by zero."""
    found = figures("sdk", 1, [], [])
    assert found.as_json()["attempts_per_success"] is None
    assert found.as_json()["longest_wait_s"] == 0.0


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        ("", 0),
        ("early-end at=in-block", 1),
        ("slow-bytes + cut how=close at=after-block", 1),
        ("error-event at=before-content", 0),
        ("hang at=in-block seconds=2", 0),
        ("cut at=before-content", 0),
    ],
)
def test_what_counts_as_broken_after_its_first_words(fault: str, broken: int) -> None:
    """An answer that ended inside or after a block; not one that only paused there."""
    assert figures("sdk", 1, [], [seen(fault)]).broken == broken


def test_a_transcript_has_every_turn_and_attempt_in_order() -> None:
    """An attempt is told to belong to its turn; one of nobody's turn is kept all the same."""
    lines = transcript("sdk", [turn(0, "finished", 1.0)], [seen(), seen(nonce="other")], factor=2.0)
    assert [(line["kind"], line["began_s"], line.get("ended_s")) for line in lines] == [
        ("attempt", 0.5, 1.0),
        ("attempt", 0.5, 1.0),
        ("turn", 10.0, 11.0),
    ]
    assert [line["turn"] for line in lines] == [0, None, 0]


# ---- the gateway's process -----------------------------------------------------------------------------


def test_a_gateway_that_ends_in_the_middle_ends_the_drill(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The drill says so at once, instead of counting its turns as lost."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scenario = read("[fleet]\nagents = 2\nseconds = 600")
    running = Drill(scenario, terms(scenario), "calm", real_sdk=False)

    async def run() -> None:
        work = asyncio.ensure_future(running.run())
        while not running.figures():
            await asyncio.sleep(0.01)
        (record,) = tmp_path.glob("seawall-behind-*/seawall/gateway-*.json")
        os.kill(int(record.stem.rpartition("-")[2]), 9)
        await work

    with pytest.raises(GatewayFailed, match="ended in the middle"):
        asyncio.run(run())
    assert list(tmp_path.iterdir()) == []


# ---- the whole path ------------------------------------------------------------------------------------

# By attempts instead of by the clock, so that what must come out is known exactly: three 529 for every Opus call,
# three 503 for every call that is not streamed, and one reset for all others.
SCRIPT = f"""
[fleet]
agents = 6
turns = 1
think_s = 0.05
seconds = 60
finish_s = 0

[[rule]]
first = 3
model = "{OPUS}"
do = "overloaded"

[[rule]]
first = 3
stream = false
do = "status code=503 body=html"

[[rule]]
first = 1
do = "reset"
"""


def test_seawall_loses_none_of_what_the_others_lose(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same script three times: exactly the turns that must be lost are, through Seawall none; all adds up."""
    pytest.importorskip("anthropic")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scenario = read(SCRIPT)
    report = asyncio.run(Drill(scenario, terms(scenario), "exact").run(keep_transcript=True))
    sdk, code, held = report.runs
    not_streamed = sum(plan(1, member.number, 0, 0.05).manner == "whole" for member in members("sdk", 6))
    assert not_streamed, "the plan must have such turns, or the script does nothing to the SDK"
    assert (sdk.finished, sdk.lost) == (6 - not_streamed, not_streamed)
    assert (code.finished, code.lost) == (3, 3)
    assert (held.finished, held.lost) == (6, 0)
    assert sdk.attempts == 2 * sdk.finished + 3 * sdk.lost
    assert code.attempts == 2 * 3 + 3 * 3
    assert [run.unfinished for run in report.runs] == [0, 0, 0]
    kinds = Counter((line["kind"], line.get("through")) for line in report.transcript)
    for run in report.runs:
        assert kinds["turn", run.through] == run.begun == 6
        assert kinds["attempt", run.through] == run.attempts
    assert all(line["agent"] is not None for line in report.transcript if line["kind"] == "attempt")
    assert report.as_json()["schema"] == "seawall.drill/1"
    assert [run["through"] for run in report.as_json()["runs"]] == ["sdk", "claude-code", "seawall"]
    assert list(tmp_path.iterdir()) == []
