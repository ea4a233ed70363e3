"""What clients do after a failed attempt, step by step; the figures are those that were measured."""

import random
from typing import Any

import pytest

from seawall.fake.schedules import Again, Error, Failure, Step, Taken, claude_code, sdk


def status(code: int, **more: Any) -> Failure:
    """An error status."""
    return Failure("status", "start", status=code, **more)


def code(*failures: Failure, opus: bool = False) -> Step:
    return claude_code(failures, opus=opus, rng=random.Random(1))


def sdk_step(*failures: Failure) -> Step:
    return sdk(failures, rng=random.Random(1))


def wait(step: Step) -> float:
    assert isinstance(step, Again), step
    return step.after


def test_claude_code_waits_half_a_second_doubling_to_32_and_up_to_a_quarter_more() -> None:
    """Ten retries whose waits lie between the doubling bound and a quarter above it; then an error."""
    for n in range(1, 11):
        bound = min(32.0, 0.5 * 2 ** (n - 1))
        assert bound <= wait(code(*[status(529)] * n)) <= 1.25 * bound
    assert isinstance(code(*[status(529)] * 11), Error)


def test_claude_code_takes_three_minutes_for_its_eleven_attempts() -> None:
    """The sum of the waits is what was measured: 175 to 190 s, with room for jitter."""
    rng = random.Random(7)
    total = sum(wait(claude_code((status(503),) * n, opus=False, rng=rng)) for n in range(1, 11))
    assert 159.5 <= total <= 199.4


@pytest.mark.parametrize("between", [[], [status(500)], [Failure("cut", "block", status=200)]])
def test_claude_code_on_opus_dies_at_its_third_529_over_the_turn(between: list[Failure]) -> None:
    """Other failures between do not start the count anew; the same turn on Sonnet goes on."""
    failures = [status(529), *between, status(529), *between, status(529)]
    assert isinstance(code(*failures, opus=True), Error)
    assert isinstance(code(*failures[:-1], opus=True), Again)
    assert isinstance(code(*failures, opus=False), Again)


def test_an_overloaded_event_counts_as_a_529() -> None:
    """Two statuses and an event that says `overloaded_error` are three."""
    event = Failure("event", "start", status=200, kind="overloaded_error")
    assert isinstance(code(status(529), event, status(529), opus=True), Error)


@pytest.mark.parametrize(
    ("failure", "streamed"),
    [
        (Failure("connection"), True),
        (Failure("cut", "start"), True),
        (Failure("cut", "block"), True),
        (Failure("event", "start", kind="overloaded_error"), True),
        (Failure("event", "start", kind="api_error"), False),
        (Failure("event", "block", kind="overloaded_error"), False),
        (Failure("end", "start"), False),
        (Failure("end", "block"), True),
        (Failure("body", "start"), False),
    ],
    ids=str,
)
def test_claude_code_after_a_stream_that_failed(failure: Failure, streamed: bool) -> None:
    """Streamed again after a wait, or not streamed and at once, as the table of measurements has it."""
    step = code(failure)
    assert isinstance(step, Again)
    assert step.streamed is streamed
    assert (step.after == 0) is (not streamed)


def test_a_second_clean_end_inside_a_block_is_asked_again_without_streaming() -> None:
    """Streamed once more, then not streamed, at once."""
    end = Failure("end", "block")
    assert code(end, end) == Again(0.0, streamed=False)


def test_what_was_asked_without_streaming_is_retried_so_and_with_waits() -> None:
    """The fallback fails as well: usual waits from there, and an end after ten."""
    first, then = Failure("end", "start"), status(500, streamed=False)
    step = code(first, then)
    assert isinstance(step, Again)
    assert not step.streamed
    assert 0.5 <= step.after <= 0.625
    assert isinstance(code(first, *[then] * 11), Error)


@pytest.mark.parametrize(("hint", "least", "most"), [("20", 20, 25), ("45", 45, 56.25), ("0.1", 0.5, 0.625)])
def test_claude_code_waits_at_least_as_long_as_it_is_told(hint: str, least: float, most: float) -> None:
    """`retry-after` with jitter upward, or its own wait where that is longer."""
    assert least <= wait(code(status(429, headers={"retry-after": hint}))) <= most


@pytest.mark.parametrize(
    "failure",
    [
        status(529, headers={"retry-after": "61"}),
        status(529, headers={"x-should-retry": "false"}),
        status(413),
        status(402),
    ],
    ids=str,
)
def test_claude_code_gives_up_at_once(failure: Failure) -> None:
    """A `retry-after` above a minute, a word against it, a status that waiting does not change."""
    assert isinstance(code(failure), Error)


def test_claude_code_keeps_a_whole_block() -> None:
    """What broke after a whole block is not asked for again."""
    assert code(Failure("cut", "after")) == Taken()


def test_the_sdk_tries_three_times_half_a_second_doubling_and_up_to_a_quarter_less() -> None:
    """Two retries with their bounds, then an error."""
    assert 0.375 <= wait(sdk_step(status(529))) <= 0.5
    assert 0.75 <= wait(sdk_step(status(529), Failure("connection"))) <= 1.0
    assert isinstance(sdk_step(*[status(529)] * 3), Error)


@pytest.mark.parametrize("how", ["cut", "event", "body"])
def test_the_sdk_retries_nothing_after_the_head(how: Any) -> None:
    """One attempt, then an error."""
    assert isinstance(sdk_step(Failure(how, "start", status=200)), Error)


def test_the_sdk_takes_a_stream_that_ends_cleanly_for_the_answer() -> None:
    """Half a stream is success to it; half a JSON body is not."""
    assert sdk_step(Failure("end", "block", status=200)) == Taken()
    assert isinstance(sdk_step(Failure("body", "start", streamed=False, status=200)), Error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "3600"}, 3600.0),
        ({"retry-after-ms": "300", "retry-after": "7"}, 0.3),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 90.0),
    ],
)
def test_the_sdk_waits_exactly_as_long_as_it_is_told(headers: dict[str, str], seconds: float) -> None:
    """Seconds, milliseconds or a date, without a limit."""
    assert wait(sdk_step(status(429, headers=headers, at=10.0))) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "1e30", ""])
def test_a_hint_that_says_nothing_is_passed_over(text: str) -> None:
    """The usual wait."""
    assert wait(sdk_step(status(429, headers={"retry-after": text}))) <= 0.5
    assert wait(code(status(429, headers={"retry-after": text}))) <= 0.625


@pytest.mark.parametrize(
    ("failure", "goes_on"),
    [
        (status(400), False),
        (status(401), False),
        (status(408), True),
        (status(409), True),
        (status(429), True),
        (status(400, headers={"x-should-retry": "true"}), True),
        (status(500, headers={"x-should-retry": "false"}), False),
    ],
    ids=str,
)
def test_which_statuses_the_sdk_retries(failure: Failure, goes_on: bool) -> None:
    """As its own rules have it; `x-should-retry` decides before them."""
    assert isinstance(sdk_step(failure), Again) is goes_on
