"""How requests are sent: the waits of clients, the pause of a proxy, what counts as a whole answer."""

import asyncio
import random

import pytest

from seawall.fake.agents import Asking, Time
from seawall.fake.content import answer_text
from seawall.fake.lean import Lean, Raw
from seawall.fake.manners import (
    NONE,
    SDK,
    TEN,
    Cooling,
    Failed,
    Retries,
    Sender,
    judged,
    retrying,
    through_proxy,
)
from seawall.fake.work import Drawn


@pytest.mark.parametrize(
    ("retries", "failures", "hint", "least", "most"),
    [
        (SDK, 1, None, 0.375, 0.5),
        (SDK, 2, None, 0.75, 1.0),
        (SDK, 1, 7.0, 7.0, 7.0),
        (TEN, 1, None, 0.5, 0.625),
        (TEN, 7, None, 32, 40),
        (TEN, 10, None, 32, 40),
        (TEN, 3, 60.0, 60, 60),
    ],
)
def test_waits(retries: Retries, failures: int, hint: float | None, least: float, most: float) -> None:
    """Doubled up to the most, a quarter less or more by chance; a hint is obeyed as it stands."""
    for seed in range(50):
        wait = retries.wait(failures, hint, random.Random(seed))
        assert wait is not None
        assert least <= wait <= most


@pytest.mark.parametrize(
    ("retries", "failures", "hint"), [(SDK, 3, None), (TEN, 11, None), (NONE, 1, None), (TEN, 1, 60.5)]
)
def test_when_a_client_gives_up(retries: Retries, failures: int, hint: float | None) -> None:
    """After its last retry, and at a hint of more than a minute."""
    assert retries.wait(failures, hint, random.Random(1)) is None


@pytest.mark.parametrize(
    ("answers", "cools"),
    [
        ("xxxx", False),
        ("xxxxx", True),
        ("xxxoo", False),
        ("xxoox", True),
        ("ooxox", False),
        ("ooooox", False),
    ],
)
def test_a_proxys_pause(answers: str, cools: bool) -> None:
    """More than half of at least five answers of a minute, looked at after each failure."""
    cooling = Cooling()
    for answer in answers:
        cooling.count(30.0, good=answer == "o")
    assert cooling.cools(30.0) is cools
    assert not cooling.cools(35.0)


def test_a_new_minute_forgets() -> None:
    """Failures of the minute before count no more."""
    cooling = Cooling()
    for _ in range(4):
        cooling.count(59.0, good=False)
    cooling.count(61.0, good=False)
    assert not cooling.cools(61.0)


def stream(text: str) -> bytearray:
    deltas = f'data: {{"type":"content_block_delta","delta":{{"text":"{text}"}}}}\n\n'
    return bytearray((deltas + 'data: {"type":"message_stop"}\n\n').encode())


def test_what_a_whole_answer_is() -> None:
    """The right nonce, to its end; a hint is in model seconds."""
    whole = Raw(200, body=stream(answer_text("a1.t1.0", 1)))
    assert judged(whole, "a1.t1.0", 20) is None
    other = judged(whole, "a1.t1.1", 20)
    assert other is not None
    assert other.why.startswith("wrong answer: of another request")
    assert judged(Raw(429, 0.5), "x", 20) == Failed("status 429", 10.0)
    assert judged(Raw(529), "x", 20) == Failed("status 529", None)


class Script(Sender):
    """Answers as told, without a network; counts what was sent."""

    def __init__(self, *failures: Failed | None) -> None:
        super().__init__(Lean("http://127.0.0.1:9"), Time(lambda: 0.0, 1e6), 1.0)
        object.__setattr__(self, "left", list(failures))
        object.__setattr__(self, "sent", 0)

    async def attempt(self, made: Asking, on_head: object = None) -> Failed | None:
        object.__setattr__(self, "sent", self.sent + 1)
        return self.left.pop(0)

    left: list[Failed | None]
    sent: int


MADE = Asking(0, "n", Drawn(1, 1000, 1000, 1), {}, b"")
BAD = Failed("status 529")


def test_a_client_that_retries() -> None:
    """Until it works, or its retries are used up: then the last reason."""
    good = Script(BAD, BAD, None)
    assert asyncio.run(retrying(good, SDK, 1)(MADE)) == ""
    bad = Script(BAD, BAD, Failed("status 503"))
    assert asyncio.run(retrying(bad, SDK, 1)(MADE)) == "status 503"
    once = Script(BAD)
    assert asyncio.run(retrying(once, NONE, 1)(MADE)) == "status 529"


def test_a_proxy_multiplies() -> None:
    """Three attempts for each of the client's, until it pauses; the pause ends the rest at once."""
    sender = Script(*[BAD] * 5, None)
    assert asyncio.run(through_proxy(sender, 1)(MADE)) == "the proxy's pause"
    assert sender.sent == 5
    sender = Script(*[BAD] * 4, None)
    assert asyncio.run(through_proxy(sender, 1)(MADE)) == ""
