"""What comes again at the same hour, and what starts all at once."""

import pytest

from seawall.history.rates import Rate
from seawall.history.work import FARTHEST, Burst, apart, bursts, recurring, unversioned
from seawall.store.bursts import Start, Work

DAY = 24
MIDNIGHT = 498_600  # an hour that is a multiple of 24: midnight UTC


def test_the_hour_is_a_midnight() -> None:
    assert MIDNIGHT % 24 == 0


def work(day: int, hour: int, client: str = "claude-cli/2.1.59", calls: int = 4, offset: int = 0) -> Work:
    return Work(MIDNIGHT + day * DAY + hour - offset // 60, offset, client, calls, calls * 2)


def test_what_comes_again() -> None:
    """On three dates at the same hour, whatever the version; less is chance."""
    rows = [work(day, 15, f"claude-cli/2.1.{day}") for day in range(3)]
    rows += [work(day, 9, "Anthropic/Python 2.11.0", 100) for day in (0, 1, 2, 5)]
    rows += [work(day, 3) for day in range(2)]
    first, second = recurring(rows)
    assert (first.client, first.hour, first.dates, first.calls, first.sdk) == (
        "Anthropic/Python",
        9,
        4,
        400,
        True,
    )
    assert (second.client, second.hour, second.dates, second.calls, second.sdk) == (
        "claude-cli",
        15,
        3,
        12,
        False,
    )
    assert (second.failures, second.calls_a_day) == (24, 4.0)
    assert recurring([]) == []


def test_by_the_wall_clock() -> None:
    """At 15 h before and after a daylight saving change; an hour that comes twice in a night is one date."""
    rows = [work(0, 15), work(1, 15), work(2, 15, offset=60)]
    assert [(one.hour, one.dates) for one in recurring(rows)] == [(15, 3)]
    twice = [work(0, 2), work(0, 2, offset=60), work(1, 2)]
    assert recurring(twice) == []


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("claude-cli/2.1.59", "claude-cli"),
        ("Anthropic/Python 2.11.0", "Anthropic/Python"),
        ("AsyncAnthropic/Python", "AsyncAnthropic/Python"),
        ("curl/8.5.0", "curl"),
        ("thing", "thing"),
        ("", ""),
    ],
)
def test_a_client_without_its_version(client: str, name: str) -> None:
    """Another version is the same work."""
    assert unversioned(client) == name


def test_how_many_fewer() -> None:
    """A day, as the rates are; none where it is no better there."""
    [one] = recurring([work(day, 15, calls=2) for day in range(3)])  # 4 failures a day
    assert one.fewer(Rate(1000, 80), Rate(1000, 20)) == 3
    assert one.fewer(Rate(1000, 80), Rate(1000, 80)) == 0
    assert one.fewer(Rate(1000, 0), Rate(1000, 0)) == 0


def starts(day: int, *seconds: float, minute: int = 9 * 60, offset: int = 0) -> list[Start]:
    begin = (MIDNIGHT + day * DAY) * 3600.0 + minute * 60 - offset * 60
    return [Start(f"{day}-{n}", begin + at, offset) for n, at in enumerate(seconds)]


def test_a_burst_that_comes_again() -> None:
    """Several starts within seconds, on two dates at the same minute; the largest stands for it."""
    rows = starts(0, 0, 1, 2) + starts(1, 0, 0.5, 1.5, 2.5, 3, 4)
    [one] = bursts(rows)
    assert (len(one.calls), one.within, one.minute, one.dates) == (6, 4.0, 9 * 60, 2)
    assert bursts(starts(0, 0, 1, 2)) == []  # once
    assert bursts(starts(0, 0, 1) + starts(1, 0, 1)) == []  # two are none
    assert bursts(starts(0, 0, 10, 20) + starts(1, 0, 10, 20)) == []  # apart already
    assert bursts([]) == []


def test_a_burst_by_the_wall_clock() -> None:
    """At 09:00 in winter and in summer."""
    [one] = bursts(starts(0, 0, 1, 2) + starts(1, 0, 1, 2, offset=60))
    assert (one.minute, one.dates) == (540, 2)


@pytest.mark.parametrize(
    ("ends", "seconds"),
    [
        ({"a": 10.0, "b": 40.0, "c": 70.0, "d": 100.0, "e": 100.0, "f": 96.0}, 20),
        ({"a": 1.0, "b": 1.0, "c": 1.0}, 5),
        ({"a": 9000.0, "b": 1.0, "c": 1.0}, FARTHEST),
        ({"a": 10.0, "b": 40.0}, None),
        ({}, None),
    ],
)
def test_how_far_apart(ends: dict[str, float], seconds: int | None) -> None:
    """As far as the last of them took to get through, shared out; unknown where most never did."""
    burst = Burst(("a", "b", "c", "d", "e", "f"), 0.0, 4.0, 540, 2)
    assert apart(burst, ends) == seconds
