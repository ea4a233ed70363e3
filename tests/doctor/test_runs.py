"""Kept runs: which checks are to be repeated, and which facts are another's."""

import json
from typing import Any

import pytest

from seawall.doctor.case import Case
from seawall.doctor.check import Check, Finding, Result, Sign, State, Weight
from seawall.doctor.runs import alike, compared, kept_of, second_network, to_repeat
from seawall.doctor.verdict import conclude


async def never(probe: object) -> Finding:
    raise AssertionError


def result(id: str, state: State = State.OK, blocked_by: str = "", **facts: Any) -> Result:
    return Result(Check(id, id, never), Finding(state, "", facts, blocked_by=blocked_by))


def kept(*results: Result) -> dict[str, Any]:
    """A run as it comes back from its file."""
    found: dict[str, Any] = json.loads(json.dumps(kept_of(Case(conclude(results), None, results, 1000.0))))
    return found


def test_what_is_repeated() -> None:
    """What did not pass, and what hung on it; not what nobody wanted."""
    run = kept(
        result("a", State.FAIL), result("b"), result("c", State.WARN), result("d", State.SKIP),
        result("e", State.SKIP, "a"), result("f", State.UNKNOWN), result("g", State.CRASH),
    )  # fmt: skip
    assert to_repeat(run) == ("a", "c", "e", "f", "g")


@pytest.mark.parametrize("broken", [{}, {"checks": 3}, {"checks": {"a": 1, "b": {"state": 7}}}])
def test_a_file_that_somebody_edited(broken: dict[str, Any]) -> None:
    """Nothing of it counts."""
    assert to_repeat(broken) == ()
    assert compared(broken, [result("c")]).differs == ()


def test_only_what_differs() -> None:
    """State and facts, also within facts; not times that are noise, nor what is another at each run."""
    there = kept(
        result(
            "net.dns", seconds=0.009, resolver="10.0.0.1", addresses={"IPv4": ["a", "b"]}, request_id="req_1"
        ),
        result("net.proxy", address="proxy.corp:3128"),
        result("gone"),
        result("seen.recent", failed=3),
        result("local.store", folders=[{"path": "/x", "free": 5}]),
    )
    here = [
        result(
            "net.dns",
            seconds=0.030,
            resolver="192.168.1.1",
            addresses={"IPv4": ["b", "a"]},
            request_id="req_2",
        ),
        result("net.proxy", State.SKIP),
        result("new", x=1),
        result("seen.recent", failed=0),
        result("local.store", folders=[{"path": "/x", "free": 9}]),
    ]
    found = compared(there, here)
    assert [(one.check, one.fact, one.there, one.here) for one in found.differs] == [
        ("net.dns", "resolver", "10.0.0.1", "192.168.1.1"),
        ("net.proxy", "state", "ok", "skip"),
        ("net.proxy", "address", "proxy.corp:3128", None),
    ]
    assert found.same == 3


@pytest.mark.parametrize(
    ("there", "here", "same"),
    [
        (0.01, 0.05, True),
        (0.01, 0.2, False),
        (1.0, 1.9, True),
        (1.0, 2.1, False),
        (None, 0.01, False),
        ("x", 1, False),
    ],
)
def test_times(there: Any, here: Any, same: bool) -> None:
    """Twice as long, and by more than a blink, is another time."""
    assert alike(there, here) is same


@pytest.mark.parametrize(
    ("cause", "label", "now", "fails"),
    [
        ("network.blocked", "a", "network.blocked", True),
        ("network.blocked", "a", None, False),
        ("network.blocked", "b", "network.blocked", None),
        ("network.blocked", None, "network.blocked", None),
        ("network.blocked", "a", "network.dns_failure", None),
        (None, "a", None, None),
    ],
)
def test_a_second_network(cause: str | None, label: str | None, now: str | None, fails: bool | None) -> None:
    """The same fault there too, none there, or nothing that could be said: then it is not said."""
    signs = (Sign(now, "x", Weight.DECISIVE),) if now else ()
    found = Finding(State.WARN if now else State.OK, "", {}, signs)
    results = (
        result("net.link", label="b"), result("api.edge"), Result(Check("z", "z", never), found),
    )  # fmt: skip
    case = Case(conclude(results), None, results, 1000.0)
    before = kept(result("net.link", label=label)) | {"cause": cause}
    assert second_network(before, case) is fails
    assert second_network({"cause": cause, "checks": {"net.link": {"facts": 3}}}, case) is None
