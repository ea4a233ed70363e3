"""Whole frames: what stands first, what gives way in a small terminal, and who has gone."""

from pathlib import Path
from typing import Any

import pytest

from seawall.view.facts import Gateway, gateway
from seawall.view.frame import Gone, Scene, frame
from seawall.view.layout import Look
from told_gateway import CALL, CALM, LANE, STATUS

ROOT = Path(__file__).parent.parent.parent
HERE = {"address": "http://127.0.0.1:8787", "up": 21600.0, "cause_age": 220.0}


def one(**status: Any) -> Gateway:
    return gateway(STATUS | HERE | status)


def test_a_frame() -> None:
    """Time and way out, whose side it is on, the gateway, held calls, lanes."""
    scene = Scene("14:22:31", [one(waiting=[CALL], held=1, lanes=[CALM])], hint="q quit")
    assert frame(scene, Look(80)) == [
        "seawall watch                                                   14:22:31  q quit",
        "Anthropic's side — The API is at capacity                             3 min 40 s",
        "Gateway       http://127.0.0.1:8787 · up 6 h · 187 calls · 12 recovered",
        "Holding 1     claude-cli/2.1.329 s:1f0c2a7e · 2 min 51 s · attempt 7",
        "              next in 11 s",
        "              529 for opus: probe in 2 s · sw_1234567800002a",
        "haiku         ok calm · 3 running · no limit · 0 queued · breaker closed",
    ]
    assert frame(scene, Look(40))[:5] == [
        "seawall watch           14:22:31  q quit",
        "Anthropic's side — The API is at",
        "capacity · 3 min 40 s",
        "Gateway",
        "  http://127.0.0.1:8787 · up 6 h",
    ]
    assert frame(scene, Look(None, plain=True))[1] == "Anthropic's side - The API is at capacity; 3 min 40 s"
    assert frame(scene, Look(80, color=True))[1].startswith("\x1b[1mAnthropic's side\x1b[0m — The API")


def test_the_example_of_the_page() -> None:
    """The page of commands shows a frame as it is."""
    why = "529 for opus: next try in 2.0 s"
    lane = LANE | {
        "why": why,
        "buckets": [{"name": "input-tokens", "limit": 3600000, "left": 412000, "wait": 0}],
    }
    status = one(waiting=[CALL | {"why": why, "next_in": 2.0}], held=1, lanes=[lane, CALM])
    shown = frame(Scene("14:22:31", [status], hint="q quit"), Look(80))
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


def test_calls_that_fell_back_are_counted() -> None:
    """Answers of another model or address are never silent."""
    assert "12 recovered · 3 fell back" in "\n".join(frame(Scene("14:22:31", [one(fell_back=3)]), Look(None)))


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
    assert said[2] == "Gateway       http://127.0.0.1:8787 · up 6 h · holding 1 · 187 calls"
    assert said[4].startswith("Waiting 2     ")


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
    assert "              and 495 more" in short
    assert sum("attempt 7" in line for line in tall) == 50
    assert frame(scene, Look(80), 8)[-1].startswith("and ")
