"""What `watch` measures, how often, and what is left of it for the next."""

import json
import os
import stat
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seawall.cli import measured
from seawall.cli.common import Common, load_settings
from seawall.cli.measured import CALM, EVERY, FILE, OLD, Measured, Measuring, judged, last, measure, name_of
from seawall.config import Config
from seawall.doctor.check import Check, Finding, Probe, Result, State, checks
from seawall.doctor.check import measure as run
from seawall.doctor.escalation import Met, facts_of, judge
from seawall.doctor.subject import subject
from seawall.view.notify import Episode

if TYPE_CHECKING:
    from seawall.fake.thread import BackgroundFakeApi

T = 1_800_000_000.0
EPISODE = Episode("api.anthropic.com", "provider.overloaded", T - 30)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and settings of its own, that ask nobody beyond this machine."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "SEAWALL_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    for name in ("https_proxy", "http_proxy", "HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("CONTROL_HOST", "STATUS_PAGE", "CAPTIVE_PROBE"):
        monkeypatch.setenv(f"SEAWALL_DOCTOR_{name}", "http://127.0.0.1:9")
    return tmp_path


def test_a_real_measurement(home: Path, fake_api: "BackgroundFakeApi") -> None:
    """The way to an address hop by hop, without a key; it is left in a file of the user's and read back the same."""
    found = measure(Common(), fake_api.url, [], T)
    assert found is not None
    assert found.facts("api.path").keys() >= {"connect", "first_byte"}
    edge = next(one.finding for one in found.results if one.check.id == "api.edge")
    assert edge.state == "ok"
    assert not any(one.check.id == "net.control" for one in found.results)  # nothing is wrong: none of theirs
    file = home / ".local/state/seawall" / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = last(T + 1)
    assert again is not None
    assert (again.at, again.upstream, dict(again.episodes)) == (T, fake_api.url, dict(found.episodes))
    assert [(one.check.id, one.finding.state, dict(one.finding.facts)) for one in again.results] == [
        (one.check.id, one.finding.state, json.loads(json.dumps(dict(one.finding.facts)))) for one in found.results
    ]  # fmt: skip


@pytest.mark.parametrize("alive", [True, False])
def test_the_gates_are_those_of_a_report(
    home: Path, fake_api: "BackgroundFakeApi", monkeypatch: pytest.MonkeyPatch, alive: bool
) -> None:
    """From the trouble's first minute on the same is measured as by all of the doctor's checks, a dead control too."""
    if alive:
        monkeypatch.setenv("SEAWALL_DOCTOR_CONTROL_HOST", fake_api.url)
    found = measure(Common(), fake_api.url, [EPISODE], T)
    assert found is not None
    config = load_settings(Common(quiet=True), {}, os.environ).config
    about = subject(config, "", os.environ, home, home, base_url=fake_api.url, state=None)
    whole = facts_of(EPISODE.cause, run(about, checks()), T)
    gates = {one.id: one for one in judged(config, EPISODE, found, None, T).gates}
    theirs = {one.id: one for one in judge(whole, T, config.escalate).gates}
    assert gates["network"] == theirs["network"]
    assert gates["network"].state is (Met.YES if alive else Met.NO)
    assert gates["page"].state is theirs["page"].state


def test_a_way_that_was_not_walked_is_not_known() -> None:
    """What was measured in calm has no unrelated host in it: the gate is open to question, not met."""

    async def none(_: Probe) -> Finding:
        raise AssertionError

    edge = Result(Check("api.edge", "API", none), Finding(State.OK, "answers"))
    control = Result(Check("net.control", "another host", none), Finding(State.OK, "reached"))
    for results, state in (((edge,), Met.UNKNOWN), ((edge, control), Met.YES)):
        known = Measured(T, "https://api.anthropic.com", results, {})
        [gate] = [one for one in judged(Config(), EPISODE, known, T, T).gates if one.id == "network"]
        assert gate.state is state
        assert ("not measured" in gate.text) == (state is Met.UNKNOWN)
    away = Measured(T, "x", (Result(Check("net.dns", "name", none), Finding(State.FAIL, "dead")),), {})
    [gate] = [one for one in judged(Config(), EPISODE, away, T, T).gates if one.id == "network"]
    assert gate.state is Met.NO


def test_whom_to_tell_behind_a_relay() -> None:
    """Whoever runs it, unless the API itself answered: then Anthropic, as the doctor says."""
    relay = replace(EPISODE, route="relay.example")
    assert judged(Config(), relay, None, None, T).text.startswith("to whoever runs relay.example")
    assert judged(Config(), replace(relay, by_api=True), None, None, T).text.startswith("not yet")


def test_what_is_old_is_not_read() -> None:
    """After a quarter of an hour, or from the future, it says nothing."""
    measured._keep(Measured(T, "x", (), {}))
    assert last(T) is not None
    assert last(T + OLD) is None
    assert last(T - 1) is None


@pytest.mark.parametrize("content", ["", "[]", '{"schema": "seawall.measured/1"}',
    '{"schema": "seawall.measured/1", "at": "x"}',
    '{"schema": "seawall.measured/1", "at": 1800000000, "upstream": "x", "checks": [{"id": 1}], "episodes": []}',
    '{"schema": "seawall.measured/1", "at": 1800000000, "upstream": "x", "checks": 5, "episodes": []}'])  # fmt: skip
def test_a_file_that_is_broken(home: Path, content: str) -> None:
    """It is as if there were none."""
    file = home / ".local/state/seawall" / FILE
    file.parent.mkdir(parents=True)
    file.write_text(content)
    assert last(T) is None


def test_an_address_that_is_none() -> None:
    """Whatever a gateway says of its upstream, nothing raises."""
    assert measure(Common(), "nonsense", [], T) is None


class Counted:
    """How often was measured, and of what; each takes no time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, raises: bool = False) -> None:
        self.times: list[float] = []
        self.raises = raises
        monkeypatch.setattr(measured, "measure", self)

    def __call__(self, common: Common, upstream: str, going_on: object, now: float) -> Measured:
        self.times.append(now)
        if self.raises:
            raise RuntimeError("a check of another world")
        return Measured(now, upstream, (), {})


def looked(measuring: Measuring, now: float, going_on: list[Episode]) -> Measured | None:
    found = measuring.look("https://x.example", going_on, now)
    for thread in threading.enumerate():
        if thread.name == "seawall-measures":
            thread.join(30)
    return found


def test_how_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first look; then once a minute in trouble, else every five; what was found is there at the next look."""
    counted, measuring = Counted(monkeypatch), Measuring(Common())
    assert looked(measuring, T, []) is None
    for second in range(1, 600, 7):
        looked(measuring, T + second, [EPISODE])
    in_trouble = len(counted.times)
    assert in_trouble == 1 + 599 // (EVERY + 3)
    for second in range(600, 1800, 7):
        assert looked(measuring, T + second, []) is not None
    assert len(counted.times) - in_trouble == pytest.approx(1200 / CALM, abs=1)


def test_offline_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known is shown all the same."""
    counted = Counted(monkeypatch)
    measuring = Measuring(Common(offline=True))
    measuring.latest = Measured(T, "https://x.example", (), {})
    assert looked(measuring, T + 500, [EPISODE]) is measuring.latest
    assert looked(measuring, T + OLD, [EPISODE]) is None
    assert counted.times == []


def test_another_upstream_is_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was measured of one address says nothing of another."""
    counted, measuring = Counted(monkeypatch), Measuring(Common())
    measuring.latest = Measured(T, "https://other.example", (), {})
    assert looked(measuring, T + 1, []) is None
    assert counted.times == [T + 1]


def test_a_measurement_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again a minute later, and nothing is shown of it."""
    counted, measuring = Counted(monkeypatch, raises=True), Measuring(Common())
    for second in (0, 1, 30, 61, 62):
        assert looked(measuring, T + second, [EPISODE]) is None
    assert counted.times == [T, T + 61]


def test_the_name_of_an_episode() -> None:
    """The store's id where it is known."""
    assert name_of(EPISODE, None) == f"provider.overloaded@api.anthropic.com@{T - 30:.0f}"
    known = Measured(T, "x", (), {("provider.overloaded", "api.anthropic.com"): "7f3a"})
    assert name_of(EPISODE, known) == "7f3a"
