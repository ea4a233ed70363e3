"""What `watch` knows from one look to the next, and what keys do."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.cli import measured
from seawall.cli.measured import Measured
from seawall.cli.watching import GONE_MOST, SAID_MOST, Watched, back
from seawall.clock import local
from seawall.config import Config, Notify
from seawall.doctor import answers, kept
from seawall.doctor.check import Check, Finding, Probe, Result, State
from seawall.view.notify import Event

T = 1_800_000_000.0
HERE = {"address": "http://127.0.0.1:8787", "upstream": "https://api.anthropic.com", "answers": True}
SILENT = Config(notify=Notify(on=(), bell=True, desktop=False))


def status(since: float | None = T, recovered_at: float | None = None, **more: Any) -> dict[str, object]:
    trouble = {
        "route": "api.anthropic.com", "family": "opus", "cause": "provider.overloaded", "since": since,
        "recovered_at": recovered_at, "finished": 2,
    }  # fmt: skip
    going_on = since is not None and recovered_at is None
    cause = (
        {"cause": "provider.overloaded", "cause_age": 60.0, "held": 2}
        if going_on
        else {"cause": None, "held": 0}
    )
    return HERE | cause | {"troubles": [trouble] if since is not None else []} | more


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own; what is sent in the background is waited for."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (
        "XDG_STATE_HOME",
        "XDG_DATA_HOME",
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "DBUS_SESSION_BUS_ADDRESS",
        "BROWSER",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for thread in threading.enumerate():
        if thread.name == "seawall-tells":
            thread.join(30)


def test_who_has_gone() -> None:
    """A gateway that is missed is named until one is back at its address; only the last few are kept."""
    watched = Watched()
    addresses = [f"http://127.0.0.1:{port}" for port in range(8000, 8006)]
    watched.look([{"address": address} for address in addresses], T)
    assert watched.scene(T, "").gone == ()
    watched.look([], T + 1)
    assert [gone.address for gone in watched.scene(T + 1, "").gone] == addresses[-GONE_MOST:]
    watched.look([{"address": addresses[-1]}], T + 2)
    scene = watched.scene(T + 2, "")
    assert [gone.at for gone in scene.gone] == [local(T + 1)] * (GONE_MOST - 1)
    assert addresses[-1] not in [gone.address for gone in scene.gone]


def test_it_is_over() -> None:
    """Ten seconds without a failure: the bell rings once, and one line says when, after how long, what came of it."""
    rung: list[str] = []
    watched = Watched(config=SILENT, ring=rung.append)
    watched.look([status()], T + 60)
    assert not watched.fine
    over = [status(recovered_at=T + 312)]
    watched.look(over, T + 313)
    assert (rung, watched.fine) == ([], False)
    watched.look(over, T + 323)
    line = f"Back at {local(T + 312)} after 5 min 12 s. 2 held calls finished."
    assert (rung, list(watched.said), watched.back, watched.fine) == ([line], [line], line, True)
    watched.look(over, T + 324)
    watched.look([status(since=None)], T + 400)
    assert len(rung) == 1


def test_no_bell_where_none_is_wanted() -> None:
    """The line is there all the same."""
    rung: list[str] = []
    watched = Watched(config=Config(notify=Notify(on=(), bell=False)), ring=rung.append)
    watched.look([status()], T + 60)
    watched.look([status(recovered_at=T + 100)], T + 111)
    assert rung == []
    assert watched.back


def test_the_lines_of_an_end() -> None:
    """One call and more, and calls that were given up."""
    event = Event("recovered", "x", T, T + 400, "provider.overloaded", (), T + 60, finished=1, given_up=3)
    assert back(event) == f"Back at {local(T + 60)} after 1 min. 1 held call finished. 3 given up."
    assert back(Event("recovered", "x", T, T + 60)) == f"Back at {local(T + 60)} after 1 min."


def test_a_laptop_that_slept() -> None:
    """Three hours between two looks: the end is told with its true length, and nothing breaks."""
    watched = Watched(config=SILENT)
    watched.look([status()], T + 60)
    watched.look([status()], T + 60 + 3 * 3600)
    watched.look([status(recovered_at=T + 3 * 3600 + 90)], T + 3 * 3600 + 120)
    assert watched.back.startswith(f"Back at {local(T + 3 * 3600 + 90)} after 3 h 1 min.")


def test_a_gateway_that_restarts_in_the_middle() -> None:
    """Nobody saw the end: nothing is said of it."""
    watched = Watched(config=SILENT)
    watched.look([status()], T + 60)
    watched.look([], T + 61)
    watched.look([status(since=None)], T + 62)
    assert (watched.back, list(watched.said)) == ("", [])


def test_what_is_not_fine() -> None:
    """No gateway, one that does not answer, calls held for whatever cause."""
    watched = Watched()
    watched.look([], T)
    assert not watched.fine
    for said, fine in ((HERE, True), (HERE | {"answers": False}, False), (HERE | {"held": 1}, False)):
        watched.look([said], T)
        assert watched.fine is fine


def said_of(keys: str, *, trouble: bool = True) -> tuple[Watched, str]:
    watched = Watched(config=SILENT)
    watched.look([status() if trouble else HERE], T + 60)
    watched.press(keys, T + 61)
    return watched, watched.said[-1] if watched.said else ""


def given(keys: str) -> dict[str, Any]:
    """The answers that these keys leave."""
    watched, _ = said_of(keys)
    episode = watched.seen.episodes["api.anthropic.com"]
    found = answers.of(measured.state(), measured.name_of(episode, None))
    return {kind: one.yes for kind in answers.KINDS if (one := getattr(found, kind)) is not None}


@pytest.mark.parametrize(
    ("keys", "answered"),
    [
        ("b", {"restarted": True}), ("B", {"restarted": True}), ("ny", {"other_network": True}),
        ("nn", {"other_network": False}), ("ry", {"community": True}), ("rn", {"community": False}),
        ("n", {}), ("nx", {}), ("x", {}), ("\x1b[Ab", {}),
        ("bnyry", {"restarted": True, "other_network": True, "community": True}),
    ],
)  # fmt: skip
def test_answers(keys: str, answered: dict[str, bool]) -> None:
    """Restarted, another network, others: kept for the episode, where the doctor and the report find them."""
    assert given(keys) == answered


def test_an_answer_about_nothing() -> None:
    """Where nothing goes on there is nothing to answer, and nothing is written."""
    for key in "bnr":
        assert said_of(key, trouble=False)[1] == "nothing goes on that an answer could be about"
    place = measured.state()
    assert place is not None
    assert not (place / answers.FILE).exists()


def test_the_community_page_without_a_browser() -> None:
    """Its address is said, to be copied."""
    watched, _ = said_of("r")
    assert list(watched.said) == [answers.COMMUNITY, "Do others report it too? y or n"]


def test_an_answer_that_cannot_be_kept(own_state: Path) -> None:
    """A home that cannot be written: it is said, and the watching goes on."""
    (own_state / ".local").write_text("in the way")
    assert said_of("b")[1] == "your answer cannot be kept: no folder can be written"


def test_explain() -> None:
    """`e` shows the page of the cause, any key goes back; with nothing wrong there is none."""
    watched, _ = said_of("e")
    assert watched.explains == "provider.overloaded"
    watched.press("b", T + 62)
    assert (watched.explains, list(watched.said)) == ("", [])
    assert said_of("e", trouble=False)[1] == "nothing is wrong just now: there is nothing to explain"


def test_notify_me() -> None:
    """`m` says by which ways, and a second one takes it back."""
    watched, line = said_of("m")
    assert (watched.notifies, line) == (True, "you will be told when it is over: bell")
    watched.press("m", T + 62)
    assert not watched.notifies


def test_many_keys_stay_few_lines() -> None:
    """However much is typed."""
    watched, _ = said_of("m" * 1000 + "n" * 1001)
    assert len(watched.said) == SAID_MOST


async def _no(_: Probe) -> Finding:
    return Finding(State.SKIP, "")


def found(check: str, state: State, summary: str, **facts: object) -> Result:
    return Result(Check(check, check, _no), Finding(state, summary, facts))


class Told:
    """A measurement that is there already."""

    def __init__(self, *results: Result, at: float = T) -> None:
        self.one = Measured(at, "https://api.anthropic.com", results, {})

    def look(self, upstream: str, going_on: object, now: float) -> Measured:
        return self.one


def around(*results: Result, wall: float = T + 60, at: float = T) -> Any:
    watched = Watched(config=SILENT, measuring=Told(*results, at=at))  # type: ignore[arg-type]
    watched.look([status(succeeded_at=T - 10)], wall)
    return watched.around(wall)


def test_what_is_around() -> None:
    """The way hop by hop, the page with its time, and when it is to be reported."""
    one = around(
        found("api.path", State.OK, "", name=0.009),
        found("api.edge", State.OK, "401 in 5 ms"),
        found("status.page", State.OK, "no open incident", reached=True, worst=0, host="status.claude.com"),
    )
    assert (dict(one.hops), one.way, one.way_bad) == ({"name": 0.009}, "fine", False)
    assert (one.page, one.page_at, one.page_bad) == ("no open incident", local(T), False)
    assert one.escalation.startswith(f"not yet, {local(T + 600)} · ")
    assert one.escalation.endswith(" of 6 gates met")


def test_a_way_that_is_broken() -> None:
    """The first thing that failed is named; an old measurement says how old it is."""
    one = around(
        found("net.dns", State.FAIL, "the name has no address"),
        found("api.edge", State.SKIP, "not run"),
        wall=T + 300,
    )
    assert (one.way, one.way_bad) == (f"the name has no address, measured {local(T)}", True)
    assert one.page == ""


def test_another_host_is_no_part_of_the_way() -> None:
    """One that is not reached closes a gate; the way to the API is fine all the same."""
    one = around(
        found("net.control", State.FAIL, "example.com is not reached"),
        found("api.edge", State.OK, "401 in 5 ms"),
    )
    assert (one.way, one.way_bad) == ("fine", False)


def test_an_incident_on_the_page() -> None:
    """It is known already: nothing to report."""
    incident = found(
        "status.page", State.WARN, "API: major outage", reached=True, worst=4, host="status.claude.com",
        incidents=[{"name": "API down"}],
    )  # fmt: skip
    one = around(incident)
    assert one.page_bad
    assert one.escalation.startswith('already known: the status page shows "API down"')


def test_the_state_folder_is_the_users(own_state: Path) -> None:
    """What is kept by these tests is in their own home."""
    assert measured.state() == own_state / ".local/state/seawall" == kept.folder({"HOME": str(own_state)})
