"""Reading a status: what is not there or not of its kind is left out, and nothing surprises."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.view.facts import gateway
from seawall.view.frame import Scene, frame
from seawall.view.layout import Look
from told_gateway import CALL, HOSTILE, LANE, STATUS, without


def test_a_whole_status_is_read_whole() -> None:
    """Every key that the contract names has its place."""
    one = gateway(STATUS | {"address": "http://127.0.0.1:8787", "up": 5.0, "cause_age": 2.5})
    assert (one.address, one.up, one.held, one.cause, one.cause_age) == (
        "http://127.0.0.1:8787", 5.0, 2, "provider.overloaded", 2.5,
    )  # fmt: skip
    lane, call = one.lanes[0], one.waiting[0]
    assert (lane.family, lane.running, lane.pending, lane.queued, lane.limit) == ("opus", 12, 3, 40, 57)
    assert lane.agents == (("s:1f0c2a7e/a:3", 3), ("s:2b", 2))
    assert (call.id, call.attempt, call.waited, call.next_in) == ("sw_1234567800002a", 7, 171.0, 11.0)


@pytest.mark.parametrize("name", sorted(STATUS))
def test_any_key_may_be_missing(name: str) -> None:
    """An older gateway lacks it: there is a frame all the same."""
    assert frame(Scene("14:22:31", [gateway(without(STATUS, name))]), Look(80))


@pytest.mark.parametrize("name", sorted(LANE))
def test_any_key_of_a_lane_may_be_missing(name: str) -> None:
    """The rest of the lane is shown."""
    one = gateway({"lanes": [without(LANE, name) | {"from_the_future": {}}]})
    assert frame(Scene("14:22:31", [one]), Look(80))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (1.5, 1.5), (3, 3.0), (-2, 0.0), (True, None), ("3", None), (None, None), (float("nan"), None),
        (float("inf"), None), (10**400, 1e9), (1e300, 1e9), ([], None),
    ],
)  # fmt: skip
def test_a_length_of_time_is_a_bounded_number(value: object, seconds: float | None) -> None:
    """Below zero is zero; what is no number is not known; no figure fills the line."""
    assert gateway({"up": value}).up == seconds


@pytest.mark.parametrize("value", [None, 1, "x", {}, [1, "x", None], [[]], [{}]])
def test_a_list_of_something_else_does_no_harm(value: object) -> None:
    """Only objects count as lanes, calls, buckets, windows and agents."""
    inner = {"buckets": value, "plan": value, "queued_by_agent": value}
    one = gateway({"lanes": [inner], "waiting": value})
    assert len(one.lanes) == 1
    assert frame(Scene("14:22:31", [one, gateway({"lanes": value})]), Look(80))


def test_hostile_texts_are_clean() -> None:
    """Names come from clients: no escape sequence of theirs gets into a fact."""
    one = gateway(
        {
            "cause": HOSTILE,
            "lanes": [LANE | dict.fromkeys(("family", "upstream", "account", "why", "state"), HOSTILE)],
            "waiting": [CALL | dict.fromkeys(("id", "client", "agent", "why"), HOSTILE)],
        }
    )
    texts = [one.cause, one.lanes[0].family, one.lanes[0].why, one.waiting[0].client, one.waiting[0].agent]
    assert all(text.isprintable() and len(text) <= 160 for text in texts)


def test_more_than_is_kept_is_counted() -> None:
    """A list without end is cut, and says how many it lost."""
    one = gateway({"waiting": [CALL] * 1500, "waiting_more": 7, "lanes": [LANE] * 900})
    assert (len(one.waiting), one.listed, len(one.lanes)) == (1000, 1507, 500)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(STATUS | LANE | CALL)), inner)
    ),
    max_leaves=20,
)


@settings(deadline=None)  # what a busy machine takes for a frame says nothing
@given(
    st.dictionaries(st.sampled_from(sorted(STATUS | {"up": 0})), JSON),
    st.integers(1, 100),
    st.integers(0, 40),
)
def test_any_json_makes_a_frame_that_fits(status: dict[str, object], width: int, height: int) -> None:
    """No status at all can break the view, or the terminal."""
    lines = frame(Scene("14:22:31", [gateway(status)]), Look(width), height)
    assert len(lines) <= height
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("upstream", "host", "route"),
    [
        ("https://api.anthropic.com", "api.anthropic.com", "api.anthropic.com"),
        ("http://127.0.0.1:9/base", "127.0.0.1:9", "127.0.0.1"),
        ("http://[::1]:9", "[::1]:9", "::1"),
        ("http://[::1]", "[::1]", "::1"),
        ("", "", ""),
    ],
)
def test_whom_calls_go_to(upstream: str, host: str, route: str) -> None:
    """As it is shown, and as lanes name it."""
    one = gateway({"upstream": upstream})
    assert (one.host, one.route) == (host, route)
