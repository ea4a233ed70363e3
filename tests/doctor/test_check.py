"""The frame: side by side, in time, a crash is a result, a failure spares what hangs on it."""

import asyncio
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from doctor_peers import about

from seawall.doctor.check import Check, Finding, Probe, Sign, State, checks, chosen, measure, ordered


async def fine(probe: Probe) -> Finding:
    return Finding(State.OK, "fine")


async def failing(probe: Probe) -> Finding:
    return Finding(State.FAIL, "broken", signs=(Sign("network.offline", "so"),))


async def crashing(probe: Probe) -> Finding:
    raise RuntimeError("it holds sk-ant-api03-" + "x" * 40)


async def hanging(probe: Probe) -> Finding:
    await asyncio.Event().wait()
    raise AssertionError


def states(
    tmp_path: Path, *given: Check, whole: float = 5.0, offline: bool = False
) -> dict[str, tuple[State, str]]:
    found = measure(about(tmp_path, offline=offline), ordered(given), whole)
    return {one.check.id: (one.finding.state, one.finding.summary) for one in found}


def test_what_hangs_on_a_failure_is_skipped_and_names_its_root(tmp_path: Path) -> None:
    """One dead resolver is one problem, not nine; what does not hang on it runs."""
    found = states(
        tmp_path,
        Check("c", "third", fine, needs=("b",)),
        Check("b", "second", fine, needs=("a",)),
        Check("a", "first", failing),
        Check("d", "other", fine, after=("a",)),
    )
    assert found["a"][0] is State.FAIL
    assert found["b"] == (State.SKIP, "not run: first failed")
    assert found["c"] == (State.SKIP, "not run: first failed")
    assert found["d"][0] is State.OK


@pytest.mark.parametrize(
    ("one", "other", "runs"),
    [(failing, fine, True), (failing, failing, False), (fine, fine, True)],
)
def test_one_way_of_several_is_enough(tmp_path: Path, one: object, other: object, runs: bool) -> None:
    """`any_of`: skipped only where all of them failed."""
    a, b = Check("a", "A", one), Check("b", "B", other)  # type: ignore[arg-type]
    found = states(tmp_path, a, b, Check("c", "C", fine, any_of=("a", "b")))
    assert (found["c"][0] is State.OK) is runs


def test_a_crash_is_a_result_and_shows_no_secret(tmp_path: Path) -> None:
    """The others run, and what hangs on it too."""
    found = states(tmp_path, Check("a", "A", crashing), Check("b", "B", fine, needs=("a",)))
    assert found["a"][0] is State.CRASH
    assert "RuntimeError" in found["a"][1]
    assert "xxxx" not in found["a"][1]
    assert found["b"][0] is State.OK


def test_limits_of_a_check_and_of_the_whole(tmp_path: Path) -> None:
    """A check that hangs is `unknown` after its limit; one with a long limit after that of the run."""
    begun = time.monotonic()
    found = states(
        tmp_path, Check("a", "A", hanging, limit=0.05), Check("b", "B", hanging, limit=60.0), whole=0.2
    )
    assert found["a"] == (State.UNKNOWN, "no answer in 0.05 s")
    assert found["b"][0] is State.UNKNOWN
    assert time.monotonic() - begun < 5


def test_what_settles_the_question_hurries_the_others(tmp_path: Path) -> None:
    """They are not waited for much longer, whatever the limit of the run."""
    begun = time.monotonic()
    found = states(
        tmp_path, Check("a", "A", failing, settles=True), Check("b", "B", hanging, limit=60.0), whole=60
    )
    assert found["b"][0] is State.UNKNOWN
    assert time.monotonic() - begun < 10


def test_offline_asks_nobody(tmp_path: Path) -> None:
    """A check that leaves the machine is not run, the others are."""
    found = states(tmp_path, Check("a", "A", crashing, to=("api",)), Check("b", "B", fine), offline=True)
    assert found["a"] == (State.SKIP, "not run: --offline")
    assert found["b"][0] is State.OK


def test_a_look_up_that_never_ends_holds_up_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends with its limit although the thread of the resolver does not."""
    over = threading.Event()

    def dead(*_: object, **__: object) -> list[object]:
        over.wait(30)
        return []

    async def asks(probe: Probe) -> Finding:
        await asyncio.get_running_loop().getaddrinfo("name.example", 443)
        raise AssertionError

    monkeypatch.setattr(socket, "getaddrinfo", dead)
    try:
        assert states(tmp_path, Check("a", "A", asks, limit=0.05))["a"][0] is State.UNKNOWN
    finally:
        over.set()


def test_signs_say_which_check_they_came_from(tmp_path: Path) -> None:
    """The frame writes it in."""
    (result,) = measure(about(tmp_path), (Check("a", "A", failing),))
    assert [one.check for one in result.finding.signs] == ["a"]


def test_the_checks_that_are_there() -> None:
    """Found by themselves, each after what it hangs on, none named that is not there.

    Only those that spend tokens, which a person asks for, may take longer than three seconds.
    """
    found = checks()
    ids = [one.id for one in found]
    assert len(ids) == len(set(ids)) >= 17
    for place, one in enumerate(found):
        assert {*one.needs, *one.any_of, *one.after} <= set(ids[:place]), one.id
        assert one.cost == ("tokens" if one.id in ("api.model", "api.stream") else "none")
        assert one.limit <= (3 if one.cost == "none" else 6)
        assert set(one.to) <= {"api", "captive", "control", "peers", "proxy", "resolver", "status"}
        assert one.run.__module__.rpartition(".")[2] == one.id.replace(".", "_")


def test_chosen_checks_bring_what_they_need() -> None:
    """`--only tls.chain` measures the way to it, and nothing else."""
    ids = {one.id for one in chosen(checks(), ["tls.chain"])}
    assert {"tls.chain", "net.dns", "net.link", "net.tcp4"} <= ids
    assert not ids & {"api.edge", "status.page", "seen.recent"}
    with pytest.raises(KeyError):
        chosen(checks(), ["nope"])


def test_a_circle_is_refused() -> None:
    """Two that hang on each other would wait for ever."""
    a = Check("a", "A", fine, needs=("b",))
    with pytest.raises(ValueError, match="a, b"):
        ordered([a, replace(a, id="b", needs=("a",))])
