"""What `watch` measures, how often, and what is left of it for the next."""

import json
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from seawall.cli import measured
from seawall.cli.common import Common
from seawall.cli.measured import CALM, EVERY, FILE, OLD, Measured, Measuring, last, measure, name_of
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
    found = measure(Common(), fake_api.url, [EPISODE], T)
    assert found is not None
    assert found.facts("api.path").keys() >= {"connect", "first_byte"}
    edge = next(one.finding for one in found.results if one.check.id == "api.edge")
    assert edge.state == "ok"
    assert not any(one.check.id == "net.control" for one in found.results)
    file = home / ".local/state/seawall" / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = last(T + 1)
    assert again is not None
    assert (again.at, again.upstream, dict(again.episodes)) == (T, fake_api.url, dict(found.episodes))
    assert [(one.check.id, one.finding.state, dict(one.finding.facts)) for one in again.results] == [
        (one.check.id, one.finding.state, json.loads(json.dumps(dict(one.finding.facts)))) for one in found.results
    ]  # fmt: skip


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
