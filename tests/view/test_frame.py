"""Whole frames: what stands first, what gives way in a small terminal, and who has gone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seawall.cli.watching import KEYS
from seawall.history.usual import Usual
from seawall.view.facts import Gateway, gateway
from seawall.view.frame import Around, Gone, Scene, frame
from seawall.view.layout import Look
from told_gateway import CALL, CALM, LANE, STATUS

ROOT = Path(__file__).parent.parent.parent
HERE = {"address": "http://127.0.0.1:8787", "up": 21600.0, "cause_age": 220.0}


def one(**status: Any) -> Gateway:
    return gateway(STATUS | HERE | status)


def test_a_frame() -> None:
    """Time and way out, whose side it is on, held calls, then the gateway and its lanes.

    A single frame says of every call why it waits; in a terminal that is redrawn it has one line.
    """
    scene = Scene("14:22:31", [one(waiting=[CALL], held=1, lanes=[CALM])], hint="q quit")
    assert frame(scene, Look(80)) == [
        "seawall watch                                                   14:22:31  q quit",
        "Anthropic's side — The API is at capacity                             3 min 40 s",
        "Holding 1     claude-cli/2.1.329 s:1f0c2a7e · 2 min 51 s · attempt 7",
        "              next in 11 s",
        "              529 for opus: probe in 2 s · sw_1234567800002a",
        "Gateway       http://127.0.0.1:8787 · up 6 h · 187 calls · 12 recovered",
        "haiku         ok calm · 3 running · no limit · 0 queued · breaker closed",
    ]
    assert frame(scene, Look(40), 20)[:6] == [
        "seawall watch           14:22:31  q quit",
        "Anthropic's side — The API is at",
        "capacity · 3 min 40 s",
        "Holding 1",
        "  claude-cli/2.1.329 s:1f0c2a7e 2 min 51",
        "  s, attempt 7, next in 11 s",
    ]
    assert frame(scene, Look(None, plain=True))[1] == "Anthropic's side - The API is at capacity; 3 min 40 s"
    assert frame(scene, Look(80, color=True))[1].startswith("\x1b[1mAnthropic's side\x1b[0m — The API")


WEATHER = {
    "recent": {
        "span": 180,
        "models": [
            {"family": "opus", "succeeded": 0, "tried": 14},
            {"family": "sonnet", "succeeded": 6, "tried": 6},
            {"family": "haiku", "succeeded": 3, "tried": 3},
        ],
        "minutes": [[1, 0]] * 36 + [[0, 5]] * 2 + [[0, 0]] * 5 + [[1, 0]] * 7 + [[4, 2]] * 2 + [[0, 3]] * 8,
    },
    "troubles": [
        {"route": "api.anthropic.com", "family": "opus", "cause": "provider.overloaded", "since": 1.0}
    ],
    "lanes": [LANE | {"refused_by": "529"}, CALM],
}  # fmt: skip
AROUND = Around(
    {"name": 0.009, "connect": 0.021, "tls": 0.024, "first_byte": 0.131}, "fine", False,
    "no incident", "14:21:40", False, "not yet, 14:28:50 · 4 of 6 gates met",
)  # fmt: skip
WHOLE = Scene(
    "14:22:31", [one(waiting=[CALL], held=1, **WEATHER)], hint="q quit", around=AROUND,
    usual={"provider.overloaded": Usual(23, 120.0, 240.0, 660.0)}, keys="b I restarted  n other network tried",
)  # fmt: skip


def test_the_whole_view() -> None:
    """As the page of section 11 has it, row by row; the keys last, and lanes below where there is room."""
    lines = frame(WHOLE, Look(80), 24)
    assert lines[:9] == [
        "seawall watch                                                   14:22:31  q quit",
        "Anthropic's side — The API is at capacity (529) for opus              3 min 40 s",
        "  [############################------------]  3 of 4 are over by 4 min",
        "Holding 1     claude-cli/2.1.329 s:1f0c2a7e  2 min 51 s, attempt 7, next in 11 s",
        "Models        opus 0/14   sonnet 6/6   haiku 3/3 · last 3 min",
        "Path          name 9 ms  connect 21 ms  TLS 24 ms  first byte 131 ms · fine",
        "Status page   no incident, read 14:21:40",
        "Escalate      not yet, 14:28:50 · 4 of 6 gates met",
        "Last 60 min   ....................................##     .......++########",
    ]
    assert lines[9].startswith("Gateway       http://127.0.0.1:8787")
    assert lines[10].startswith("opus          ! not our load")
    assert lines[-1] == "b I restarted  n other network tried"


@pytest.mark.parametrize(("by_api", "side"), [(True, "Anthropic's side"), (False, "127.0.0.1:8790's side")])
def test_the_api_itself_behind_another_address(by_api: bool, side: str) -> None:
    """By its request ids: then it is Anthropic's side, as the doctor says of the same."""
    troubles = [one | {"by_api": by_api} for one in WEATHER["troubles"]]
    shown = one(**WEATHER | {"upstream": "http://127.0.0.1:8790", "troubles": troubles})
    assert frame(replace(WHOLE, gateways=[shown]), Look(80))[1].startswith(f"{side} — The API is at capacity")


def test_a_call_that_still_waits_for_what_others_are_past() -> None:
    """In a brownout some calls succeed between the refusals of others: the verdict of those held stays whole."""
    past = [one | {"by_api": True, "recovered_at": 1.0} for one in WEATHER["troubles"]]
    lane = LANE | {"refused_by": "529"}
    weather = WEATHER | {"upstream": "http://127.0.0.1:8790", "troubles": past, "lanes": [lane]}
    shown = one(waiting=[CALL], held=1, **weather)
    said = "Anthropic's side — The API is at capacity (529) for opus"
    assert frame(replace(WHOLE, gateways=[shown]), Look(80))[1].startswith(said)


def test_an_answer_that_belongs_to_another_trouble() -> None:
    """The last refusal is not named as this cause's where the same models have failed in two ways."""
    (first,) = [one for one in WEATHER["troubles"] if one["cause"] == "provider.overloaded"]
    other = first | {"cause": "provider.service_unavailable"}
    weather = WEATHER | {"troubles": [first, other], "lanes": [LANE | {"refused_by": "503"}]}
    said = frame(replace(WHOLE, gateways=[one(**weather)]), Look(80))[1]
    assert said.startswith("Anthropic's side — The API is at capacity for opus")


def test_lanes_give_way_first() -> None:
    """In twelve lines the verdict, what is held and what is around it stay, and the keys."""
    lines = frame(WHOLE, Look(80), 12)
    assert len(lines) <= 12
    assert not any(line.startswith("opus ") for line in lines)
    assert lines[8].startswith("Last 60 min")
    assert lines[-1] == "b I restarted  n other network tried"


@pytest.mark.parametrize("height", range(1, 30))
@pytest.mark.parametrize("columns", [1, 7, 20, 40, 59, 60, 80])
def test_any_terminal(height: int, columns: int) -> None:
    """No frame is higher or wider than its terminal, with lanes or without."""
    for lanes in (False, True):
        lines = frame(replace(WHOLE, lanes=lanes, said=["Back at 14:24:02"]), Look(columns), height)
        assert len(lines) <= height
        assert max(map(len, lines)) <= columns


def test_the_example_of_the_page() -> None:
    """The page of commands shows a frame as it is."""
    lane = LANE | {
        "why": "529 for opus: next try in 2.0 s",
        "refused_by": "529",
        "buckets": [{"name": "input-tokens", "limit": 3600000, "left": 412000, "wait": 0}],
    }
    status = one(waiting=[CALL | {"next_in": 2.0}], held=1, **WEATHER | {"lanes": [lane, CALM]})
    shown = frame(replace(WHOLE, gateways=[status], keys=KEYS), Look(80), 24)
    assert "```\n" + "\n".join(shown) + "\n```" in (ROOT / "docs/reference/commands.md").read_text()


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ({"cause": "network.dns_failure"}, "Your network — The host's name has no address"),
        ({"cause": "limit.rate_limited_requests"},
         "Your plan or limits — Your organisation's requests per minute are used up"),
        ({"cause": "account.invalid_api_key"}, "Your account or key — The API key was refused"),
        ({"cause": "unknown.unknown"}, "Not known yet — Not known yet"),
        ({"cause": "provider.from_the_future"}, "Anthropic's side — provider.from_the_future"),
        ({"cause": "weather.rain"}, "Not known yet — weather.rain"),
        ({"upstream": "https://relay.example/v2"}, "relay.example's side — The API is at capacity"),
        ({"upstream": ""}, "The upstream's side — The API is at capacity"),
    ],
)  # fmt: skip
def test_whose_side_it_is_on(status: dict[str, str], says: str) -> None:
    """The party by its name, what happened by the catalogue's title; a code that is not known, by itself."""
    assert frame(Scene("14:22:31", [one(**status, cause_age=None)]), Look(None))[1] == says


def test_one_call_is_one_call() -> None:
    """Not `1 calls`."""
    said = frame(Scene("14:22:31", [one(calls=1, recovered=0)]), Look(80))
    assert any(line.endswith(" · 1 call") for line in said), said


def test_calls_that_fell_back_are_counted() -> None:
    """Answers of another model or address are never silent."""
    assert "12 recovered · 3 fell back" in "\n".join(frame(Scene("14:22:31", [one(fell_back=3)]), Look(None)))


def test_a_fallback_that_fails_is_no_headline() -> None:
    """It stands beside what the gateway did: the calls' own upstream is well."""
    trouble = {"route": "other.example", "cause": "account.invalid_api_key", "since": 1.0}
    lines = frame(Scene("14:22:31", [one(cause=None, fallback_troubles=[trouble])]), Look(None))
    (said,) = [line for line in lines if "account" in line]
    assert "fallback other.example fails: account.invalid_api_key" in said
    assert said.startswith("Gateway")


def test_a_headline_names_the_answer_of_the_calls_own_upstream() -> None:
    """What another address last answered, to which they fell back, is no part of it."""
    there = LANE | {"upstream": "other.example", "state": "strained", "refused_by": "no connection"}
    trouble = {"route": "api.anthropic.com", "family": "opus", "cause": "provider.overloaded", "since": 1.0}
    here = one(lanes=[LANE | {"refused_by": "529"}, there], troubles=[trouble])
    assert "The API is at capacity (529) for opus" in frame(Scene("14:22:31", [here]), Look(None))[1]


def test_all_fine() -> None:
    """No headline; nothing held is said."""
    status = {"cause": None, "held": 0, "waiting": [], "lanes": []}
    assert frame(Scene("14:22:31", [one(**status)]), Look(80))[1:] == [
        "Gateway       http://127.0.0.1:8787 · up 6 h · nothing held · 187 calls",
        "              12 recovered",
    ]


@pytest.mark.parametrize(
    ("scene", "says"),
    [
        (Scene("14:22:31", []), "Gateway       none runs · `seawall run -- claude` starts one"),
        (Scene("14:22:31", [], [Gone("http://127.0.0.1:8787", "14:22:20")]),
         "Gone          x http://127.0.0.1:8787 · gone since 14:22:20\n              calls sent there fail"),
        (Scene("14:22:31", [gateway(HERE | {"answers": False})]),
         "Gateway       http://127.0.0.1:8787 · does not answer · up 6 h"),
        (Scene("14:22:31", [gateway(HERE | {"store": "degraded", "draining": True, "lost": 2})]),
         "Gateway       http://127.0.0.1:8787 · up 6 h · nothing held · 2 lost\n"
         "              records wait in memory · stopping"),
    ],
)  # fmt: skip
def test_what_else_a_gateway_may_be(scene: Scene, says: str) -> None:
    """Not there, gone while watched, silent, or in trouble of its own."""
    assert frame(scene, Look(80))[1:] == says.split("\n")


def test_calls_that_have_not_been_tried() -> None:
    """The label counts all that wait; how many are held stands with the gateway."""
    said = frame(Scene("14:22:31", [one(held=1, lanes=[])]), Look(80))
    assert said[2].startswith("Waiting 2     ")
    assert said[7] == "Gateway       http://127.0.0.1:8787 · up 6 h · holding 1 · 187 calls"


def test_two_gateways() -> None:
    """Each with its own lines, and its address."""
    said = frame(Scene("14:22:31", [one(), one(address="http://127.0.0.1:9999", cause=None)]), Look(80))
    assert [line.split("·")[0].strip() for line in said if line.startswith("Gateway")] == [
        "Gateway       http://127.0.0.1:8787", "Gateway       http://127.0.0.1:9999",
    ]  # fmt: skip


CROWD = one(held=500, waiting=[CALL] * 50, waiting_more=450, lanes=[LANE, CALM])


@pytest.mark.parametrize("width", [1, 7, 20, 40, 80])
def test_a_frame_fits_the_terminal(width: int) -> None:
    """However small that is, and something is shown in one line already."""
    for height in range(60):
        lines = frame(Scene("14:22:31", [CROWD], hint="q quit"), Look(width), height)
        assert len(lines) <= height
        assert all(len(line) <= width for line in lines)
        assert any(lines) is (height > 0)


def test_held_calls_give_way_first() -> None:
    """The lanes are all there in 24 lines; a tall terminal shows more calls than a short one."""
    scene = Scene("14:22:31", [CROWD])
    short, tall = frame(scene, Look(80), 24), frame(scene, Look(80), 200)
    assert any(line.startswith("haiku") for line in short)
    assert "              and 490 more" in short
    assert not any(line.startswith("haiku") for line in frame(scene, Look(80), 9))
    assert sum("attempt 7" in line for line in tall) == 50
    assert frame(scene, Look(80), 3)[-1].startswith("and ")


def test_a_tiny_terminal_shows_what_is_wrong() -> None:
    """Below six lines the clock is what can be done without, however many lines it takes."""
    assert frame(WHOLE, Look(80), 2)[0].startswith("Anthropic's side")
    assert frame(WHOLE, Look(10), 3)[0].startswith("Anthropic")
    assert frame(WHOLE, Look(80), 7)[0].startswith("seawall watch")
