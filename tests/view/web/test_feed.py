"""The events of an open page."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from seawall.gateway.tally import Tallies
from seawall.view.web.feed import FOLLOWERS, Feed, rates


def feed(status: dict[str, object] | None = None, closing: list[bool] | None = None) -> Feed:
    told = status if status is not None else {"held": 0}
    return Feed(lambda: told, lambda: (Tallies(), 0.0), lambda: bool(closing and closing[0]), every=0.01)


async def events(pieces: AsyncGenerator[bytes, None], count: int) -> list[tuple[str, object]]:
    """The next events, in their order."""
    found: list[tuple[str, object]] = []
    async for piece in pieces:
        for one in piece.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in one.splitlines())
            if "event" in fields:
                found.append((fields["event"], json.loads(fields["data"])))
        if len(found) >= count:
            return found
    return found


def test_a_page_is_told_all_at_first_and_then_what_changes() -> None:
    """The status and the rates; then nothing until something is different."""
    status: dict[str, object] = {"held": 0}

    async def watch() -> None:
        async with aclosing(feed(status).follow()) as pieces:
            first = await events(pieces, 2)
            assert [name for name, _ in first] == ["status", "rates"]
            assert first[0][1] == {"schema": "seawall.gateway/1", "held": 0}
            status["held"] = 2
            [(name, told)] = await events(pieces, 1)
            assert (name, told) == ("status", {"schema": "seawall.gateway/1", "held": 2})

    asyncio.run(watch())


@pytest.mark.parametrize(
    ("cause", "by_api", "side"),
    [
        ("provider.overloaded", True, "Anthropic's side"),
        ("provider.overloaded", False, "127.0.0.1:8790's side"),
        ("network.dns_failure", False, "Your network"),
    ],
)
def test_a_page_is_told_whose_side_trouble_is_on(cause: str, by_api: bool, side: str) -> None:
    """As the terminal has it: where the API itself answers it is Anthropic's, at whatever address."""
    trouble = {"cause": cause, "since": 1.0, "recovered_at": None, "by_api": by_api}
    status = {"cause": cause, "upstream": "http://127.0.0.1:8790", "troubles": [trouble]}

    async def watch() -> None:
        async with aclosing(feed(status).follow()) as pieces:
            [(_, told), _] = await events(pieces, 2)
            assert told == {"schema": "seawall.gateway/1", **status, "side": side}

    asyncio.run(watch())


def test_a_gateway_that_leaves_says_so_and_ends() -> None:
    """So that its shutdown does not wait for open pages."""
    closing = [False]

    async def watch() -> list[tuple[str, object]]:
        pieces = feed(closing=closing).follow()
        await events(pieces, 2)
        closing[0] = True
        return await events(pieces, 99)

    assert asyncio.run(watch()) == [("leaving", {})]


def test_pages_that_close_make_room() -> None:
    """So many may be open; each that leaves is counted off, whenever it does."""

    async def watch() -> None:
        one = feed()
        assert not one.full
        followers = [one.follow() for _ in range(FOLLOWERS)]
        for follower in followers:
            await events(follower, 1)
        assert one.full
        for follower in followers:
            await follower.aclose()
        assert one.followers == 0

    asyncio.run(watch())


def test_the_status_is_made_once_for_all_pages() -> None:
    """Sixteen pages cost the gateway what one does."""
    made = []

    def status() -> dict[str, object]:
        made.append(1)
        return {"held": 0}

    one = Feed(status, lambda: (Tallies(), 0.0), lambda: False, every=600)

    async def watch() -> None:
        followers = [one.follow() for _ in range(FOLLOWERS)]
        for follower in followers:
            await events(follower, 1)
            await follower.aclose()

    asyncio.run(watch())
    assert len(made) == 1


def test_text_from_outside_cannot_make_an_event() -> None:
    """A line break in a text is no line break in the stream."""
    one = feed({"why": "a\n\nevent: status\ndata: {}\n\n\u2028"})
    assert one.current().count(b"\n") == 3


def test_rates_say_how_much_of_a_window_they_cover() -> None:
    """A gateway that runs for ten minutes has ten minutes of its hour."""
    tallies = Tallies()
    tallies.sample(0.0)
    tallies.of("api.anthropic.com", "opus").succeeded += 3
    found = json.loads(json.dumps(rates(tallies, 600.0)))
    [row] = found["models"]
    assert (row["route"], row["family"]) == ("api.anthropic.com", "opus")
    assert [one["covered"] for one in row["windows"]] == [300.0, 600.0, 600.0]
    assert [one["attempts"] for one in row["windows"]] == [3, 3, 3]
