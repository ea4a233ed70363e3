"""What the scenarios of the benchmark say, for any size of fleet."""

import random
import re
from pathlib import Path

import pytest

from seawall.fake.scenario import ScenarioError, read
from seawall.fake.work import SHIPPED, FleetModel, Work, agents_rng, draw, find, work

BENCH = "[bench]\nhorizon = 60\nevent = [10, 20]\n"


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("agents", [1, 20, 200])
def test_every_shipped_scenario_scales(name: str, agents: int) -> None:
    """Each is read, and what it serves is a scenario again, in calm weather large enough for the fleet."""
    found = find(name)
    served = found.served(agents)
    assert found.name == name
    assert served.capacity is not None
    assert served.capacity.slots == pytest.approx(max(2, found.scenario.capacity.slots * agents))  # type: ignore[union-attr]
    assert len(found.starts(agents, 1)) == agents
    assert found.scenario.title


def test_what_is_shipped() -> None:
    """The scenarios of the design of overload control, in this order."""
    assert SHIPPED == ("S1", "S1x", "S1y", "S2", "S4", "S5", "S8", "competition")


def test_the_brownout_of_two_hundred() -> None:
    """As in the simulation: 180 slots, for five minutes 42."""
    capacity = find("S1").served(200).capacity
    assert capacity is not None
    assert capacity.slots == 180
    assert [(p.begin, p.end, p.slots) for p in capacity.phases] == [(300, 600, pytest.approx(42))]


def test_limits_and_ramp_of_two_hundred() -> None:
    """As in the simulation: 600 requests and 3.6 million tokens a minute; 30 starts in ten seconds, never under 4."""
    limits = find("S4").served(200).limits
    assert (limits.requests_per_minute, limits.input_tokens_per_minute, limits.burst_s) == (600, 3.6e6, 15)
    for agents, base in ((200, 30), (1, 4)):
        ramp = find("S5").served(agents).limits.acceleration
        assert ramp is not None
        assert ramp.base == base


def test_waves_and_widths() -> None:
    """Starts in three waves twenty seconds apart; one agent in ten is greedy."""
    starts = find("S4").starts(6, 7)
    assert [round(start // 20) for start in starts] == [0, 1, 2, 0, 1, 2]
    greedy = find("S8")
    assert [n for n in range(30) if greedy.width(n) == 8] == [0, 10, 20]
    assert {greedy.width(n) for n in range(30)} == {1, 8}
    assert {find("S1").width(n) for n in range(30)} == {1}


def test_whose_agents_they_are() -> None:
    """In the competition a quarter is ours; where a fleet is too small for a scenario it says so."""
    assert find("competition").own(200) == 50
    assert find("S1").own(200) == 200
    assert not find("competition").fits(3)
    assert not find("S8").fits(9)
    assert find("S8").fits(10)


def test_capacity_that_is_meant_as_it_stands() -> None:
    """With `per_agent = false` nothing is multiplied."""
    found = work("x", read(BENCH + "per_agent = false\n[capacity]\nslots = 7"))
    assert found.served(200) == found.scenario


def test_what_is_refused_whatever_the_load() -> None:
    """The chance over time."""
    assert [find("S1x").refused(t) for t in (0, 299.9, 300, 599.9, 600)] == [0, 0, 0.7, 0.7, 0]
    assert find("S1").refused(400) == 0
    assert work("x", read(BENCH)).refused(0) == 0


def test_draws_are_the_simulations() -> None:
    """Means and caps of the distributions; the same agent and seed draw the same."""
    fleet, rng = FleetModel(), random.Random(1)
    drawn = [draw(fleet, rng) for _ in range(20_000)]
    assert sum(d.stream for d in drawn) / len(drawn) == pytest.approx(20, rel=0.05)
    assert sum(d.tokens for d in drawn) / len(drawn) == pytest.approx(6000, rel=0.05)
    assert sum(d.think for d in drawn) / len(drawn) == pytest.approx(8, rel=0.05)
    assert max(d.stream for d in drawn) <= 300
    assert min(d.stream for d in drawn) >= 0.5
    assert all(0.9 <= d.guess / d.tokens <= 1.1 for d in drawn)
    assert draw(fleet, agents_rng(3, 4)) == draw(fleet, agents_rng(3, 4))
    assert draw(fleet, agents_rng(3, 4)) != draw(fleet, agents_rng(3, 5))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("title = 'x'", "no table \\[bench\\]"),
        ("[bench]\nhorizon = 60", "bench: .*event"),
        ("[bench]\nhorizon = 0\nevent = [1, 2]", "horizon must be from 1"),
        ("[bench]\nhorizon = 60\nevent = [20, 10]", "event is"),
        ("[bench]\nhorizon = 60\nevent = [10, 61]", "event is"),
        ("[bench]\nhorizon = 60\nevent = [10]", "bench.event: .*length 2"),
        (BENCH + "[fleet]\nthink_s = 'a'", "fleet.think_s: "),
        (BENCH + "[fleet]\nturns = 3", "x: fleet: there is no key 'turns'"),
        ("[bench]\nhorizonn = 60", "x: bench: there is no key 'horizonn' \\(did you mean 'horizon'\\?\\)"),
        (BENCH + "[fleet]\ngreedy = 2", "greedy and foreign are shares"),
        (BENCH + "[fleet]\ntokens = 1", "tokens must be"),
        (BENCH + "[fleet]\nwaves = 0", "waves from 1"),
        (BENCH + "[fleet]\nstream_spread = 9", "spreads"),
        (BENCH + "[fleet]\ncheckpoint = 0", "checkpoint"),
        (BENCH + "[fleet]\nrestart_s = 0", "restart_s"),
        ("factor = 2\n" + BENCH, "factor is not for the benchmark"),
    ],
)
def test_a_scenario_that_cannot_be_used(text: str, why: str) -> None:
    """One line that names the place."""
    with pytest.raises(ScenarioError, match=why) as failed:
        work("x", read(text))
    assert "\n" not in str(failed.value)


def test_finding_scenarios(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name in any case, or a file of one's own, which keeps the name of the file."""
    monkeypatch.chdir(tmp_path)
    assert find("s1X").name == "S1x"
    file = tmp_path / "mine.toml"
    file.write_text(BENCH)
    found: Work = find(str(file))
    assert (found.name, found.bench.horizon) == ("mine.toml", 60)
    with pytest.raises(ScenarioError, match="no scenario is called 'S3'; there are S1, S1x"):
        find("S3")
    with pytest.raises(
        ScenarioError, match=r"none.toml: No such file .*the benchmark's own are S1, S1x"
    ) as none:
        find("none.toml")
    assert "outage" not in str(none.value)  # one of `seawall fake`, and none of the benchmark
    file.write_bytes(b"\xef\xbb\xbf" + BENCH.encode())  # as some editors save it
    assert find(str(file)).bench.horizon == 60
    file.write_text("= 3")
    with pytest.raises(ScenarioError, match="not TOML"):
        find(str(file))


def test_the_pages_example_is_a_scenario() -> None:
    """What the page shows can be used as it stands, and its defaults are the real ones."""
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "benchmark.md").read_text("utf-8")
    (text,) = re.findall(r"^```toml scenario\n(.*?)^```$", page, re.M | re.S)
    found = work("mine.toml", read(text))
    assert found.fleet == FleetModel()
    assert found.served(200).capacity is not None
