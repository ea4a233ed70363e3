"""What is counted, what is kept, and what `status` says is going on."""

import asyncio

import pytest
from ground import ground, question

from seawall.fake.scenario import AnswerShape, Scenario
from seawall.gateway.records import LaneKey, Records, client_name
from seawall.store.latency import Latency, step_of
from seawall.store.rows import Attempt, Count

LANE = LaneKey("api.anthropic.com", "a1", "opus")
OTHER = LaneKey("api.anthropic.com", "a1", "haiku")


class Clock:
    def __init__(self) -> None:
        self.at = 1_000_000.0

    def now(self) -> float:
        return self.at

    def wall(self) -> float:
        return self.at


def test_counts_are_folded_by_hour_lane_and_cause() -> None:
    """One row for what ended alike within an hour, handed on once."""
    rows: list[Attempt | Count | Latency] = []
    clock = Clock()
    records = Records(clock, rows.append)
    for _ in range(3):
        records.succeed(LANE, None, 0.0)
    records.count(LANE, "provider.overloaded")
    records.succeed(OTHER, None, 0.0)
    clock.at += 3600
    records.succeed(LANE, None, 0.0)
    records.flush()
    records.flush()
    counts = [row for row in rows if isinstance(row, Count)]
    assert sorted((row.hour, row.family, row.cause, row.attempts) for row in counts) == [
        (277, "haiku", "", 1),
        (277, "opus", "", 3),
        (277, "opus", "provider.overloaded", 1),
        (278, "opus", "", 1),
    ]


def test_successes_are_told_at_once_and_counted_once() -> None:
    """Whoever asks sees them all: within a slot and behind it, after the clock was set back, and of very many lanes."""
    rows: list[Attempt | Count] = []
    clock = Clock()
    records = Records(clock, rows.append)
    tried = 0
    for step in (1, 19, 0, 60, -40, 3600, 5):
        clock.at += step
        records.succeed(LANE, None, 0.0)
        tried += 1
        assert records.tallies.of(LANE.route, LANE.family).succeeded == tried
        assert sum(one["succeeded"] for one in records.told()["recent"]["models"]) >= 1
        records.flush()
    for number in range(3000):
        records.succeed(LaneKey("api.anthropic.com", f"n{number}", "opus"), None, 0.0)
    assert records.tallies.of(LANE.route, LANE.family).succeeded == tried + 3000
    assert len(records._lanes) <= 1000
    records.flush()
    records.flush()
    counts = [row for row in rows if isinstance(row, Count)]
    assert sum(row.attempts for row in counts if row.account == "a1") == tried
    assert sum(row.attempts for row in counts) == tried + 3000


def test_how_long_answers_took_to_begin_is_kept_by_the_hour() -> None:
    """One row for the answers of an hour, a route and a model that took about as long; handed on once."""
    rows: list[Attempt | Count | Latency] = []
    clock = Clock()
    records = Records(clock, rows.append)
    for seconds in (1.2, 1.3, 5.0, 0.0001, 5000.0):
        records.succeed(LANE, 0.001, seconds)
    records.succeed(OTHER, None, 1.2)
    records.flush()
    clock.at += 3600
    records.succeed(LANE, None, 1.2)
    records.flush()
    records.flush()
    kept = [row for row in rows if isinstance(row, Latency)]
    assert sorted((row.hour, row.family, row.step, row.answers) for row in kept) == [
        (277, "haiku", step_of(1.2), 1),
        (277, "opus", 0, 1),
        (277, "opus", step_of(1.2), 2),
        (277, "opus", step_of(5.0), 1),
        (277, "opus", step_of(5000.0), 1),
        (278, "opus", step_of(1.2), 1),
    ]
    assert {row.route for row in kept} == {LANE.route}


def test_an_episode_is_over_a_minute_after_a_success() -> None:
    """Failures of one lane are one episode; another lane's success does not end it."""
    clock = Clock()
    records = Records(clock, None)
    assert records.trouble() is None
    records.count(LANE, "provider.overloaded")
    clock.at += 10
    records.count(LANE, "provider.overloaded")
    records.succeed(OTHER, None, 0.0)
    trouble = records.trouble()
    assert trouble is not None
    assert (trouble.cause, trouble.since, trouble.failures) == ("provider.overloaded", 1_000_000.0, 2)
    records.succeed(LANE, None, 0.0)
    assert records.trouble() is None
    clock.at += 30
    records.flush()
    records.count(LANE, "provider.overloaded")
    trouble = records.trouble()
    assert trouble is not None
    assert trouble.since == 1_000_000.0
    records.succeed(LANE, None, 0.0)
    clock.at += 61
    records.flush()
    records.count(LANE, "provider.overloaded")
    trouble = records.trouble()
    assert trouble is not None
    assert trouble.since == clock.at


def test_a_sink_that_fails_costs_its_rows_only() -> None:
    """Whatever the sink raises, nothing is raised here, and it is counted."""

    def broken(row: object) -> None:
        raise OSError

    records = Records(Clock(), broken)
    records.succeed(LANE, None, 0.0)
    records.flush()
    assert records.unwritten == 2, "the count, and how long it took to begin"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (b"claude-cli/2.1.329 (external, cli)", "claude-cli/2.1.329"),
        (b"Anthropic/Python 2.11.0", "Anthropic/Python 2.11.0"),
        (b"AsyncAnthropic/Python 2.11.0", "AsyncAnthropic/Python 2.11.0"),
        (b"curl/8.5.0", "curl/8.5.0"),
        (b"Mozilla", ""),
        (b"", ""),
        (None, ""),
        (b"x" * 500 + b"/1", ""),
        (b"evil\x00/1", ""),
    ],
)
def test_client_names(agent: bytes | None, name: str) -> None:
    """Product and version, nothing that a client could smuggle into the store."""
    assert client_name(agent) == name


def test_why_a_lane_fails() -> None:
    """By its last failure, if that is not older than is asked; a success, or another lane's failure, says nothing."""
    clock = Clock()
    records = Records(clock, None)
    records.count(OTHER, "provider.overloaded")
    assert records.cause_in(LANE, 0.0) == ""
    records.count(LANE, "provider.overloaded")
    clock.at += 10
    records.count(LANE, "network.connection_reset")
    assert records.cause_in(LANE, clock.at) == "network.connection_reset"
    assert records.cause_in(LANE, clock.at + 1) == ""
    records.succeed(LANE, None, 0.0)
    assert records.cause_in(LANE, 0.0) == ""


def test_what_a_lane_waits_for() -> None:
    """Its last failure that may be waited out and goes on, or came since; else that nobody reaches its upstream."""
    clock = Clock()
    records = Records(clock, None)
    assert records.waited_out(LANE, clock.at) == ""
    records.count(OTHER, "provider.overloaded")
    assert records.waited_out(LANE, clock.at) == ""
    records.count(OTHER, "network.connection_refused")
    assert records.waited_out(LANE, clock.at) == "network.connection_refused"
    records.count(LANE, "provider.overloaded")
    clock.at += 10
    records.count(LANE, "account.invalid_api_key")
    assert records.waited_out(LANE, clock.at) == "provider.overloaded"
    records.succeed(LANE, None, 0.0)
    assert records.waited_out(LANE, clock.at - 10) == "provider.overloaded"
    assert records.waited_out(LANE, clock.at) == "network.connection_refused"


def test_trouble_of_a_fallback_is_no_trouble_of_the_upstream() -> None:
    """Nobody tries it while the upstream is well: it is told by itself, and neither heads the status nor alarms."""
    clock = Clock()
    records = Records(clock, None, LANE.route)
    there = LaneKey("other.example", "b1", "opus")
    records.count(there, "network.connection_refused", "retried")
    clock.at += 700
    told = records.told()
    assert told["troubles"] == []
    assert [(one["route"], one["cause"]) for one in told["fallback_troubles"]] == [
        ("other.example", "network.connection_refused")
    ]
    assert records.trouble() is None
    assert records.lasting() == 0.0
    records.count(LANE, "provider.overloaded", "retried")
    clock.at += 60
    own = records.trouble()
    assert own is not None
    assert (own.cause, records.lasting()) == ("provider.overloaded", 60.0)


def test_troubles_of_an_account_that_is_known_now_are_one() -> None:
    """What was counted under its credential and under its name: one trouble, which a success under either ends."""
    clock, names = Clock(), {"a1": "org"}
    records = Records(clock, None, LANE.route, lambda account: names.get(account, account))
    names.clear()
    records.count(LANE, "provider.overloaded", "retried")
    clock.at += 1
    renamed = LANE.of("org")
    records.count(renamed, "provider.overloaded", "retried")
    names["a1"] = "org"
    records.rename("a1", "org")
    (trouble,) = records.told()["troubles"]
    assert (trouble["account"], trouble["failures"]) == ("org", 2)
    assert (trouble["since"], trouble["last"]) == (1_000_000.0, 1_000_001.0)
    records.ended(LANE, "provider.overloaded", finished=True)
    assert records.cause_in(LANE, 0.0) == "provider.overloaded"
    records.succeed(LANE, None, 0.0)
    assert records.trouble() is None
    assert records.told()["troubles"][0]["finished"] == 1


def test_a_model_that_is_well_ends_no_trouble_of_another() -> None:
    """The service refuses by the model: 4.8 may answer while 5.5 of the same family does not."""
    clock = Clock()
    records = Records(clock, None)
    new, old = (LaneKey(LANE.route, "a1", "opus", version) for version in ("5.5", "4.8"))
    records.count(new, "provider.overloaded", "retried")
    records.succeed(old, None, 0.0)
    assert records.cause_in(new, 0.0) == "provider.overloaded"
    assert [(one["version"], one["recovered_at"]) for one in records.told()["troubles"]] == [("5.5", None)]


def test_trouble_goes_on_under_its_accounts_name() -> None:
    """One half had ended, the other goes on: so does the whole."""
    clock, names = Clock(), {"a1": "a1"}
    records = Records(clock, None, LANE.route, lambda account: names.get(account, account))
    records.count(LANE.of("org"), "provider.overloaded", "retried")
    records.succeed(LANE.of("org"), None, 0.0)
    records.count(LANE, "provider.overloaded", "retried")
    names["a1"] = "org"
    records.rename("a1", "org")
    assert records.cause_in(LANE, 0.0) == "provider.overloaded"
    records.succeed(LANE, None, 0.0)
    assert records.cause_in(LANE, 0.0) == ""


def test_what_is_told_of_troubles() -> None:
    """Each with its lane, since when, how often, how many calls came through or were given up; attempts lately."""
    clock = Clock()
    records = Records(clock, None)
    records.count(LANE, "provider.overloaded", by_api=True)
    clock.at += 5
    records.count(LANE, "provider.overloaded")
    records.ended(LANE, "provider.overloaded", finished=False)
    clock.at += 5
    records.succeed(LANE, None, 0.0)
    records.ended(LANE, "provider.overloaded", finished=True)
    records.ended(OTHER, "seawall.memory_full", finished=False)
    told = records.told()
    assert told["troubles"] == [
        {
            "route": "api.anthropic.com", "family": "opus", "version": "", "account": "a1",
            "cause": "provider.overloaded",
            "since": 1_000_000.0, "last": 1_000_005.0, "failures": 2, "by_api": True, "recovered_at": 1_000_010.0,
            "finished": 1, "given_up": 1,
        }
    ]  # fmt: skip
    [model] = told["recent"]["models"]
    assert model == {
        "route": "api.anthropic.com", "family": "opus", "succeeded": 1, "tried": 3, "succeeded_at": 1_000_010.0,
    }  # fmt: skip
    assert told["recent"]["minutes"][-1] == (1, 2)
    assert (records.recovered, records.lost, told["succeeded_at"]) == (1, 2, 1_000_010.0)
    assert told["cut_at"] is None
    records.cut()
    assert (records.lost, records.told()["cut_at"]) == (3, 1_000_010.0)


def test_the_last_long_streams_are_told() -> None:
    """When each ended, its first content and its end; short ones show nothing, and twenty are enough."""
    clock = Clock()
    records = Records(clock, None)
    for tokens in (None, 0, 99):
        records.streamed(1.0, 2.0, tokens)
    assert records.told()["streams"] == []
    for number in range(30):
        clock.at += 1
        records.streamed(1.00001, 2.0 + number, 100)
    told = records.told()["streams"]
    assert len(told) == 20
    assert told[0] == {"at": 1_000_011.0, "first": 1.0, "whole": 12.0, "tokens": 100}
    assert told[-1]["whole"] == 31.0


def test_a_gateway_tells_of_the_streams_that_it_carried() -> None:
    """A long answer that was streamed, by its times; not one that broke off, or was not streamed."""

    async def run() -> None:
        shape = AnswerShape(words=400, first_s=0.2)
        async with ground("cut at=in-block how=close", scenario=Scenario(answer=shape)) as g:
            for stream in (True, True, False):
                await g.ask(question(stream=stream, max_tokens=4000))
            [one] = g.gateway.status()["streams"]
            assert one["tokens"] >= 400
            assert 0.2 <= one["first"] <= one["whole"]

    asyncio.run(run())
