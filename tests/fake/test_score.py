"""The figures of a benchmark, from raw turns and attempts."""

import pytest

from seawall.fake.agents import Outcome, Turn
from seawall.fake.limits import LimitsModel
from seawall.fake.scenario import read
from seawall.fake.score import (
    Attempt,
    deaths,
    greedy_advantage,
    jain,
    mean,
    of_oracle,
    percentile,
    recovery,
    refused,
    running_streams,
    score,
    share,
    throughput,
)
from seawall.fake.work import Work, work

W, F, O = Outcome.WHOLE, Outcome.FAILED, Outcome.OPEN  # noqa: E741


def turn(
    agent: int, ask: int, outcome: int, began: float = 0.0, ended: float = 1.0, stream: float = 1.0
) -> Turn:
    return Turn(agent, ask, began, ended, int(outcome), stream, 1000)


def attempt(at: float, ended: float, status: int = 200, tokens: int = 1000, own: int = 1) -> Attempt:
    return Attempt(at, at if status == 200 else None, ended, status, tokens, own)


def scenario(more: str = "", event: str = "[300, 600]", horizon: int = 900) -> Work:
    return work("x", read(f"[bench]\nhorizon = {horizon}\nevent = {event}\n{more}"))


@pytest.mark.parametrize(
    ("outcomes", "checkpoint", "expected"),
    [
        ([], 20, (0, 0)),
        ([W, W, W], 20, (0, 0)),
        ([W, W, F], 20, (1, 2)),
        ([W, W, F, W, F], 20, (2, 3)),
        ([W, W, F], 2, (1, 0)),
        ([W, W, W, F], 2, (1, 1)),
        ([F, F], 20, (2, 0)),
        ([W, O], 20, (0, 0)),
    ],
)
def test_deaths(outcomes: list[int], checkpoint: int, expected: tuple[int, int]) -> None:
    """A failure costs the turns since the last checkpoint; a turn that was cut off by the end costs nothing."""
    turns = [turn(0, n, outcome) for n, outcome in enumerate(outcomes)]
    assert deaths(turns, checkpoint) == expected


def test_deaths_of_an_agent_that_asks_several_things_at_once() -> None:
    """It dies once for an ask, when all of it is over; what was completed in that ask is lost too."""
    one = [turn(0, 0, W), turn(0, 0, W), turn(0, 1, W), turn(0, 1, F), turn(0, 1, F)]
    assert deaths(one, 20) == (1, 3)
    assert deaths([*one, turn(0, 1, O)], 20) == (0, 0)
    assert deaths([*one, turn(1, 0, W)], 20) == (1, 3)


def test_running_streams() -> None:
    """Counted at whole seconds, from when they were let in to their end; what was refused never ran."""
    attempts = [attempt(0.5, 3.5), attempt(2.0, 3.0), attempt(1.0, 1.2), attempt(1, 9, 529), attempt(4, 99)]
    assert running_streams(attempts, 6) == [0, 2, 2, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("after", "expected"),
    [([100] * 60, 0.0), ([0] * 10 + [100] * 50, 14.0), ([0] * 10 + [95] * 50, 14.0), ([50] * 60, 60.0)],
)
def test_recovery(after: list[int], expected: float) -> None:
    """The first second at which the mean of five is nine tenths of the level before; at least to the end if never."""
    running = [100] * 300 + ([100] if after[0] == 100 else [0]) * 100 + after + [after[-1]]
    assert recovery(running, 300, 400) == expected


def test_recovery_has_no_meaning_without_a_before_or_an_after() -> None:
    """An event that begins at once or lasts to the end."""
    assert recovery([1] * 601, 0, 60) is None
    assert recovery([1] * 601, 300, 600) is None


@pytest.mark.parametrize(
    ("counts", "expected"), [([5, 5, 5, 5], 1.0), ([4, 0, 0, 0], 0.25), ([0, 0], 0.0), ([], 0.0)]
)
def test_jain(counts: list[int], expected: float) -> None:
    """1 for equal shares, 1/n where one has all."""
    assert jain(counts) == expected


def test_percentile() -> None:
    """The value below which the share lies; none of nothing."""
    assert percentile(list(range(100)), 0.99) == 99
    assert percentile([7.0], 0.5) == 7.0
    assert percentile([], 0.5) is None


def test_mean() -> None:
    """Of the values that are there."""
    assert mean([1, None, 3]) == 2
    assert mean([None]) is None


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (attempt(0, 1, 529), True),
        (attempt(0, 1, 429), True),
        (attempt(0, 1, 200), False),
        (attempt(0, 1, 400), False),
        (Attempt(0, None, 1, 0, 0, 1), False),
        (Attempt(0, 0.0, 1, 529, 0, 1), False),
    ],
)
def test_refused(one: Attempt, expected: bool) -> None:
    """By limits or capacity: not what a client gave up, not what a script did to an admitted call."""
    assert refused(one) is expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, None),
        ({"requests_per_minute": 60}, 0.5),
        ({"input_tokens_per_minute": 120_000}, 0.25),
        ({"requests_per_minute": 60, "input_tokens_per_minute": 120_000}, 0.5),
        # A request counts at most what the bucket holds.
        ({"requests_per_minute": 30, "burst_s": 1}, 0.5),
        ({"input_tokens_per_minute": 12_000, "burst_s": 2.5}, 1.25),
    ],
)
def test_throughput(given: dict[str, float], expected: float | None) -> None:
    """30 requests of 1000 tokens in a minute against the named buckets; the larger share counts."""
    limits = LimitsModel(**given)
    attempts = [attempt(60 + n, 999) for n in range(30)] + [
        attempt(59, 99),
        attempt(120, 130),
        attempt(70, 71, 429),
    ]
    assert throughput(limits, limits, attempts, 60, 120) == expected


def test_share() -> None:
    """Of all completed turns; what others did not complete does not count."""
    assert share([turn(0, 0, W)], [turn(1, 0, W), turn(1, 1, F), turn(2, 0, W), turn(3, 0, W)]) == 0.25
    assert share([], []) is None


def test_greedy_advantage() -> None:
    """Turns of a greedy agent against a single one's, from a minute after the beginning of the event."""
    found = scenario("[fleet]\ngreedy = 0.5\ngreedy_width = 2")
    inside = [turn(0, n, W, 400, 450) for n in range(6)] + [turn(1, n, W, 400, 500) for n in range(2)]
    outside = [turn(1, 9, W, 300, 350), turn(1, 10, W, 600, 601)]
    assert greedy_advantage(found, 2, inside + outside) == 3.0
    assert greedy_advantage(scenario(), 2, inside) is None


def test_attempts_against_the_unavoidable() -> None:
    """Where half is refused whatever the load, two attempts for each that got in are unavoidable."""
    found = scenario("[capacity]\nslots = 9\n[[capacity.phase]]\nfrom = 300\nto = 600\nrefuse = 0.5")
    calm = [attempt(100, 110), attempt(200, 210)]
    event = [attempt(300, 310), attempt(310, 310.2, 529), attempt(320, 320.2, 529), attempt(330, 340)]
    result = score(found, 1, [turn(0, 0, W)], [], calm + event)
    assert result.attempts_of_unavoidable == 6 / (2 + 2 * 2)
    assert score(scenario(), 1, [], [], []).attempts_of_unavoidable is None


def test_a_whole_score() -> None:
    """Everything counted from one small run; other people's attempts count for nothing."""
    turns = [
        turn(0, 0, W, 0, 12, 10),
        turn(0, 1, W, 20, 24, 3),
        turn(0, 2, F, 320, 330),
        turn(1, 0, W, 0, 13.5, 10),
        turn(1, 1, O, 890, 900),
    ]
    attempts = [
        attempt(0, 12), attempt(0, 13), attempt(20, 24), attempt(320, 321, 529), attempt(322, 323, 429),
        attempt(890, 900), attempt(330, 331, 529, own=0),
    ]  # fmt: skip
    result = score(scenario(), 2, turns, [], attempts)
    assert (result.completed, result.lost, result.useful, result.failures, result.agents_killed) == (
        3,
        2,
        1,
        1,
        1,
    )
    assert (result.attempts, result.attempts_per_success) == (6, 2.0)
    assert (result.refused_in_event, result.refused_429) == (2, 1)
    assert (result.delay_p50, result.delay_p99) == (2, 3.5)
    assert result.jain == 0.9
    assert (result.throughput_of_limit, result.greedy_advantage, result.share) == (None, None, None)
    assert result.as_json()["useful"] == 1


def test_nothing_at_all() -> None:
    """A fleet that completed nothing has no delays and no attempts per success."""
    result = score(scenario(), 2, [], [], [])
    assert (result.completed, result.attempts_per_success, result.delay_p50, result.jain) == (
        0,
        None,
        None,
        0,
    )


def test_of_oracle() -> None:
    """Goodput in percent of the oracle's with the same scenario, fleet and seed; without one, none."""
    base = {
        "scenario": "S1",
        "agents": 20,
        "delay_p50": 1.0,
        "delay_p95": 2.0,
        "delay_p99": 4.0,
        "jain": 0.97,
    }
    rows = of_oracle(
        [
            base | {"seed": 1, "through": "oracle", "useful": 200},
            base | {"seed": 1, "through": "seawall", "useful": 190},
            base | {"seed": 2, "through": "seawall", "useful": 190},
        ]
    )
    assert [row["goodput_of_oracle"] for row in rows] == [100.0, 95.0, None]
    assert [row.get("oracle_delay_p99") for row in rows] == [4.0, 4.0, None]
