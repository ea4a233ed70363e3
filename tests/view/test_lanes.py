"""Held calls and lanes, in each state, at both widths."""

from typing import Any

import pytest

from seawall.view.facts import gateway
from seawall.view.lanes import lines
from seawall.view.layout import Look, columns
from told_gateway import CALL, CALM, HOSTILE, LANE, STATUS

INDENT = " " * 14


def shown(look: Look | None = None, **status: Any) -> list[str]:
    return lines(gateway(status), look or Look(80))


@pytest.mark.parametrize(
    ("lane", "says"),
    [
        (CALM, ["haiku         ok calm · 3 running · no limit · 0 queued · breaker closed"]),
        (
            {"family": "opus", "state": "limited", "running": 2, "queued": 1, "limit": None, "breaker": "closed",
             "rate": 4.0, "refused_share": 0.0, "queued_by_agent": [{"agent": "s:1", "queued": 1}],
             "next_attempt_in": 3.2, "why": "own limit: input tokens, 3.2 s"},
            [
                "opus          ! own limit · 2 running · 1 queued · breaker closed",
                f"{INDENT}queued by s:1 1",
                f"{INDENT}next attempt in 3.2 s · own limit: input tokens, 3.2 s",
            ],
        ),
        (
            LANE | {"state": "own", "queued_by_agent": [], "next_attempt_in": None},
            [
                "opus          ! our own load · 12 running · 3 trying · limit 57 · 40 queued",
                f"{INDENT}breaker closed · 31 % refused lately · 4 extra tries a second",
            ],
        ),
        (
            LANE | {"why": "529 for opus: waiting its turn"},
            [
                "opus          ! not our load · 12 running · 3 trying · limit 57 · 40 queued",
                f"{INDENT}breaker closed · 31 % refused lately · 4 extra tries a second",
                f"{INDENT}queued by s:1f0c2a7e/a:3 3 · s:2b 2 · others 35",
                f"{INDENT}next attempt in 2 s · 529 for opus: waiting its turn",
            ],
        ),
        (
            {"family": "opus", "state": "strained", "running": 9, "queued": 0, "next_attempt_in": 0.0},
            ["opus          ! refusals · 9 running · 0 queued", f"{INDENT}next attempt now"],
        ),
        (
            {"family": "opus", "state": "outage", "running": 0, "queued": 4, "breaker": "open", "probe_in": 2.0,
             "queued_by_agent": [{"agent": "s:1", "queued": 4}], "why": "529 for opus: probe in 2 s"},
            [
                "opus          x outage · 0 running · 4 queued · breaker open, probe in 2 s",
                f"{INDENT}queued by s:1 4",
                f"{INDENT}529 for opus: probe in 2 s",
            ],
        ),
        (
            {"family": "opus", "state": "outage", "breaker": "open", "probe_in": 0},
            ["opus          x outage · breaker open, probe now"],
        ),
        ({"family": "opus", "state": "resting", "breaker": "half-open"},
         ["opus          ? resting · breaker half-open"]),
        ({"state": "calm", "running": 1}, ["any model     ok calm · 1 running · no limit"]),
        (
            {"family": "sonnet", "start_rate": 2.5, "blocked_for": 12.0},
            ["sonnet        2.5 starts a second at most", f"{INDENT}all paused for 12 s by the API's word"],
        ),
    ],
)  # fmt: skip
def test_a_lane(lane: dict[str, Any], says: list[str]) -> None:
    """Its state with a mark, what runs and waits, the breaker, and what the head of the queue waits for."""
    assert shown(lanes=[lane]) == says


def test_two_versions_of_a_family() -> None:
    """Only then a lane says which it is."""
    lanes = [
        {"family": "opus", "version": number, "state": "calm", "running": 1} for number in ("5.5", "4.8")
    ]
    assert [line.split("ok")[0].strip() for line in shown(lanes=lanes)] == ["opus 4.8", "opus 5.5"]
    assert shown(lanes=lanes[:1])[0].startswith("opus  ")


@pytest.mark.parametrize(
    ("bucket", "says"),
    [
        ({"name": "input-tokens", "limit": 3600000, "left": 12000, "wait": 3.2},
         "input tokens: 12 000 left, 3 600 000 a minute, next fits in 3.2 s"),
        ({"name": "requests", "limit": 50, "left": 49, "wait": 0}, "requests: 49 left, 50 a minute"),
        ({"name": "output-tokens", "left": 5, "wait": 75}, "output tokens: 5 left, next fits in 1 min 15 s"),
        ({"name": "output-tokens", "limit": 80000}, "output tokens: 80 000 a minute"),
        ({"name": "new-kind"}, "new kind"),
    ],
)  # fmt: skip
def test_a_bucket(bucket: dict[str, Any], says: str) -> None:
    """What is left of it, and how long the first in the queue waits for it."""
    assert shown(lanes=[{"family": "opus", "running": 1, "buckets": [bucket]}])[1:] == [INDENT + says]


@pytest.mark.parametrize(
    ("window", "says"),
    [
        ({"window": "5h", "used": 0.86, "status": "allowed_warning", "resets_in": 5400.0},
         "plan 5h: 86 % used (allowed warning), resets in 1 h 30 min"),
        ({"window": "7d", "used": 0.1, "status": "allowed"}, "plan 7d: 10 % used"),
        ({"window": "7d", "status": "rejected", "resets_in": 0}, "plan 7d: (rejected), resets now"),
    ],
)  # fmt: skip
def test_a_window_of_a_plan(window: dict[str, Any], says: str) -> None:
    """A budget: how much is used, and when it is new."""
    assert shown(lanes=[{"family": "opus", "running": 1, "plan": [window]}])[1:] == [INDENT + says]


def test_held_calls() -> None:
    """The oldest first: who, how long, which attempt, when next; and why under it."""
    assert shown(**STATUS)[:4] == [
        "Holding 2     claude-cli/2.1.329 s:1f0c2a7e · 2 min 51 s · attempt 7",
        f"{INDENT}next in 11 s",
        f"{INDENT}529 for opus: probe in 2 s · sw_1234567800002a",
        f"{INDENT}claude-cli/2.1.329 s:1f0c2a7e · 48 s · attempt 3 · next in 4 s",
    ]


def test_at_forty_columns() -> None:
    """Labels stand above; nothing is lost but the middle of long names."""
    assert shown(Look(40), **STATUS | {"lanes": [LANE]}) == [
        "Holding 2",
        "  claude-cli/2.1.329 s:1f0c2a7e",
        "  2 min 51 s · attempt 7 · next in 11 s",
        "  529 for opus: probe in 2 s",
        "  sw_1234567800002a",
        "  claude-cli/2.1.329 s:1f0c2a7e · 48 s",
        "  attempt 3 · next in 4 s",
        "  529 for opus: probe in 2 s",
        "  sw_12345678000030",
        "opus",
        "  ! not our load · 12 running · 3 trying",
        "  limit 57 · 40 queued · breaker closed",
        "  31 % refused lately",
        "  4 extra tries a second",
        "  queued by s:1f0c2a7e/a:3 3 · s:2b 2",
        "  others 35",
        "  next attempt in 2 s",
    ]


def test_plain() -> None:
    """No sign beyond ASCII of ours, no colour, no wrapping: one line a row."""
    plain = shown(Look(None, plain=True), **STATUS)
    assert plain[0] == "Holding 2: claude-cli/2.1.329 s:1f0c2a7e; 2 min 51 s; attempt 7; next in 11 s"
    assert "opus: ! not our load; 12 running; 3 trying; limit 57; 40 queued; " in plain[4]
    assert all(line.isascii() for line in plain)


def test_colour_is_on_the_marks_alone() -> None:
    """Without the colour the same signs stand there."""
    painted = shown(Look(80, color=True), **STATUS)
    assert (
        "opus          \x1b[33m!\x1b[0m not our load · 12 running · 3 trying · limit 57 · 40 queued"
        in painted
    )
    assert (
        "haiku         \x1b[32mok\x1b[0m calm · 3 running · no limit · 0 queued · breaker closed" in painted
    )
    bare = [line.replace("\x1b[33m", "").replace("\x1b[32m", "").replace("\x1b[0m", "") for line in painted]
    assert bare == shown(Look(80), **STATUS)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({"id": "sw_1"}, ["sw_1"]),
        ({}, ["a call"]),
        (CALL | {"attempt": 1, "class": "deferrable", "next_in": 0.0, "why": "own limit: input tokens, 3.2 s"},
         ["claude-cli/2.1.329 s:1f0c2a7e · 2 min 51 s · not tried yet", "next now",
          "own limit: input tokens, 3.2 s · can wait for others", "sw_1234567800002a"]),
        ({"id": "sw_1", "held": 5.0, "cause": "provider.overloaded", "family": "opus"},
         ["sw_1 · 5 s", "provider.overloaded opus"]),
    ],
)  # fmt: skip
def test_a_call_of_which_less_is_known(call: dict[str, Any], says: list[str]) -> None:
    """What is not known is not there."""
    assert [line[14:] for line in shown(waiting=[call])] == says


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ({"held": 2, "longest_held": 171.0, "next_try_in": 11.0},
         ["Holding 2     the longest 2 min 51 s · next try in 11 s"]),
        ({"held": 2}, ["Holding 2     no more is known"]),
        ({"held": 0, "waiting": []}, []),
        ({"held": 0, "waiting": [{"id": "sw_1"}], "waiting_more": 3}, ["Waiting 4     sw_1", f"{INDENT}and 3 more"]),
    ],
)  # fmt: skip
def test_calls_that_are_not_listed(status: dict[str, Any], says: list[str]) -> None:
    """An older gateway says only how many it holds; one that lists some says how many more there are."""
    assert shown(**status) == says


def test_five_hundred_held_calls() -> None:
    """Ten are shown, and how many more there are."""
    said = shown(held=500, waiting=[CALL] * 50, waiting_more=450)
    assert said[0].startswith("Holding 500   claude-cli/2.1.329")
    assert said[-1] == f"{INDENT}and 490 more"
    assert len(said) == 31


def test_calls_that_have_not_been_tried_wait_too() -> None:
    """Where more wait than are held, the label counts those who wait."""
    new = CALL | {"attempt": 1}
    assert shown(held=1, waiting=[CALL, new])[0].startswith("Waiting 2     claude-cli")
    assert shown(held=2, waiting=[CALL, new])[0].startswith("Holding 2     claude-cli")
    assert shown(held=3, waiting=[CALL, new])[0].startswith("Holding 3     claude-cli")


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (0, "now"),
        (0.04, "now"),
        (0.06, "in 0.1 s"),
        (2.0, "in 2 s"),
        (3.24, "in 3.2 s"),
        (9.96, "in 10 s"),
        (75, "in 1 min 15 s"),
    ],
)
def test_a_wait(seconds: float, says: str) -> None:
    """With tenths below ten seconds."""
    assert shown(lanes=[{"next_attempt_in": seconds}])[-1].endswith(f"next attempt {says}")


def test_lanes_of_one_family_are_told_apart() -> None:
    """By account, and by host, only where they must be; trouble first, the idle last."""
    idle = CALM | {"family": "sonnet", "running": 0}
    other = LANE | {"account": "ffff000011112222"}
    far = LANE | {"upstream": "far.example"}

    def names(*lanes: dict[str, Any]) -> list[str]:
        return [line[:26].split("  ")[0] for line in shown(lanes=[*lanes]) if not line.startswith(" ")]

    assert names(idle, CALM, LANE) == ["opus", "haiku", "sonnet"]
    both = CALM | {"family": "", "account": "ffff000011112222", "upstream": "a-rather-long-name.example"}
    assert shown(lanes=[CALM | {"family": ""}, both])[:2] == [
        "any model     ffff0000 · a-rather-long-name.example · ok calm · 3 running",
        f"{INDENT}no limit · 0 queued · breaker closed",
    ]
    assert [line for line in shown(lanes=[LANE, other]) if not line.startswith(" ")] == [
        "opus          a1b2c3d4 · ! not our load · 12 running · 3 trying · limit 57",
        "opus          ffff0000 · ! not our load · 12 running · 3 trying · limit 57",
    ]
    assert [line for line in shown(Look(40), lanes=[LANE, far]) if "opus" in line or "example" in line] == [
        "opus",
        "opus",
        "  far.example · ! not our load",
    ]


@pytest.mark.parametrize("width", [80, 40])
def test_hostile_names(width: int) -> None:
    """Escape sequences and wide signs in names: visible, and within the width."""
    lane = LANE | dict.fromkeys(("family", "why", "state", "breaker"), HOSTILE * 20)
    call = CALL | dict.fromkeys(("id", "client", "agent", "why", "cause"), HOSTILE * 20)
    said = shown(Look(width), lanes=[lane], waiting=[call], held=1)
    assert all(line.isprintable() and columns(line) <= width for line in said)
