"""Rates by hour and weekday: the wall clock, intervals, and when an hour may be named."""

import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.history.rates import ENOUGH, Rate, Slot, changed, difference, extremes, hours
from seawall.store.bursts import HourCount

MONDAY = 494_688 // 24 * 24
"""An hour that begins a day; made a Monday below."""
MONDAY -= (MONDAY // 24 + 3) % 7 * 24


def test_wilson_as_in_the_books() -> None:
    """5 of 10: 0.237 to 0.763; 0 of 20: 0 to 0.161; nothing known: anything."""
    assert Rate(10, 5).interval() == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert Rate(20, 0).interval() == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert Rate(20, 20).interval() == pytest.approx((0.8389, 1.0), abs=1e-4)
    assert Rate().interval() == (0.0, 1.0)


@given(st.integers(1, 10_000), st.integers(0, 10_000), st.integers(1, 168), st.floats(1, 50))
def test_an_interval_holds_its_rate(attempts: int, failed: int, among: int, spread: float) -> None:
    """It lies within 0 and 1, about the share, and is wider where more must hold or attempts fail together."""
    rate = Rate(attempts, min(failed, attempts))
    low, high = rate.interval(among, spread)
    assert 0 <= low <= rate.share + 1e-9
    assert rate.share - 1e-9 <= high <= 1
    plain = rate.interval()
    assert low <= plain[0] + 1e-9
    assert high >= plain[1] - 1e-9


def test_twenty_attempts_make_a_cell() -> None:
    """With nineteen it is blank."""
    assert not Rate(ENOUGH - 1, 0).enough
    assert Rate(ENOUGH, 0).enough


@pytest.mark.parametrize(
    ("moment", "zone", "slot"),
    [
        # Berlin, 25 October 2026: 01:00 UTC is 02:00 for the second time, 00:00 UTC for the first.
        ("2026-10-25T00:00", "Europe/Berlin", Slot(6, 2)),
        ("2026-10-25T01:00", "Europe/Berlin", Slot(6, 2)),
        ("2026-10-25T02:00", "Europe/Berlin", Slot(6, 3)),
        # 29 March: there is no hour 2.
        ("2026-03-29T00:00", "Europe/Berlin", Slot(6, 1)),
        ("2026-03-29T01:00", "Europe/Berlin", Slot(6, 3)),
        # The same wall clock in summer and in winter.
        ("2026-07-06T13:00", "Europe/Berlin", Slot(0, 15)),
        ("2026-12-07T14:00", "Europe/Berlin", Slot(0, 15)),
        ("2026-07-05T23:00", "Pacific/Auckland", Slot(0, 11)),
        ("2026-07-06T03:00", "America/Los_Angeles", Slot(6, 20)),
        # Half an hour aside: the hour in which it begins.
        ("2026-07-06T10:00", "Asia/Kolkata", Slot(0, 15)),
        ("2026-07-06T10:00", "Asia/Kathmandu", Slot(0, 15)),
    ],
)
def test_hours_are_those_of_the_wall_clock(moment: str, zone: str, slot: Slot) -> None:
    """By the offset of that time, so that daylight saving does not smear."""
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    offset = at.astimezone(ZoneInfo(zone)).utcoffset()
    assert offset is not None
    found = hours([HourCount(int(at.timestamp() // 3600), int(offset.total_seconds() // 60), 20, 1)])
    assert found.cells == {slot: Rate(20, 1)}
    assert found.by_hour == {Slot(None, slot.hour): Rate(20, 1)}


def weeks(
    number: int, attempts: int, failed: "dict[int, float] | None" = None, seed: int = 0
) -> list[HourCount]:
    """So many weeks of hours, each with a chance of failure by its hour of the day (5 % where none is given)."""
    rng = random.Random(seed)
    chances = failed or {}
    return [
        HourCount(MONDAY + hour, 0, attempts, sum(rng.random() < chances.get(hour % 24, 0.05) for _ in range(attempts)))
        for hour in range(number * 168)
    ]  # fmt: skip


def test_equal_rates_have_no_busiest_hour() -> None:
    """Of forty months with the same chance at every hour, hardly one is given a busiest hour."""
    named = sum(extremes(hours(weeks(4, 30, seed=seed))) is not None for seed in range(40))
    assert named <= 2


def test_one_outage_is_no_pattern() -> None:
    """Outages at random times, however many attempts failed in them, name no hour."""
    for seed in range(20):
        rng = random.Random(seed)
        bad = {rng.randrange(672) for _ in range(8)}
        rows = [HourCount(MONDAY + hour, 0, 200, 120 if hour in bad else 2) for hour in range(672)]
        assert extremes(hours(rows)) is None


def test_a_real_pattern_is_named() -> None:
    """Hours that fail five times as often, week for week, are found; an hour of one weekday too."""
    found = hours(weeks(6, 60, {15: 0.3, 3: 0.01}))
    ends = extremes(found)
    assert ends is not None
    assert ends.busiest.hour == 15
    tuesdays = [
        HourCount(MONDAY + hour, 0, 100, 40 if hour % 168 == 24 + 15 else 2 + hour % 3)
        for hour in range(168 * 6)
    ]
    ends = extremes(hours(tuesdays))
    assert ends is not None
    assert ends.busiest == Slot(1, 15)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [HourCount(MONDAY, 0, 1, 1)],
        [HourCount(MONDAY + hour, 0, 19, hour % 19) for hour in range(168)],  # all cells blank
        [HourCount(MONDAY + hour, 0, 50, 50) for hour in range(168 * 4)],  # every attempt failed
        [HourCount(MONDAY + hour, 0, 50, 0) for hour in range(168 * 4)],  # none did
        [HourCount(MONDAY + 15, 0, 5000, 4000), HourCount(MONDAY + 16, 0, 5000, 1)],  # one day
    ],
)
def test_without_a_pattern_nothing_is_named(rows: list[HourCount]) -> None:
    """Too little, all alike, or one day alone."""
    assert extremes(hours(rows)) is None


def test_two_rates_differ_only_if_that_is_sure() -> None:
    """Newcombe's own example: 56 of 70 and 48 of 80 differ by 0.052 to 0.334; nothing lies about zero."""
    low, high = difference(Rate(80, 48), Rate(70, 56))
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    low, high = difference(Rate(50, 5), Rate(50, 6))
    assert low < 0 < high


@given(
    st.lists(
        st.builds(HourCount, st.integers(0, 5000), st.integers(-840, 840), st.integers(0, 99), st.just(0))
    )
)
def test_nothing_is_lost(rows: list[HourCount]) -> None:
    """Each attempt is in one hour of the week and in one of the day."""
    found = hours(rows)
    total = sum(one.attempts for one in rows)
    assert found.total.attempts == total
    assert sum(rate.attempts for rate in found.cells.values()) == total
    assert sum(rate.attempts for rate in found.by_hour.values()) == total
    assert extremes(found) is None  # none failed


def week(rng: random.Random, outages: int) -> list[Rate]:
    """The days of a week: 30 calls an hour, and so many outages, each of which some calls of an hour are tried in."""
    hit = [rng.randrange(7) for _ in range(outages)]
    parts = []
    for day in range(7):
        failed = sum(rng.random() < 0.005 for _ in range(270))
        again = sum(4 * round(30 * rng.choice((0.1, 0.2, 0.5))) for one in hit if one == day)
        parts.append(Rate(270 + again, failed + again, again))
    return parts


def test_some_outages_are_no_change() -> None:
    """Weeks with the same chance of an outage: five in a hundred may be said to differ, and not three in four."""
    rng = random.Random(11)
    found = [
        changed(week(rng, rng.choice((1, 2, 3, 4, 5))), week(rng, rng.choice((1, 2, 3, 4, 5))))
        for _ in range(300)
    ]
    wrong = sum(one is None or one[0] > 0 or one[1] < 0 for one in found)
    assert wrong < 30
    by_attempts = sum(
        low > 0 or high < 0
        for low, high in (
            difference(sum(week(rng, 3), Rate()), sum(week(rng, 3), Rate())) for _ in range(300)
        )
    )
    assert by_attempts > 150  # as if each attempt failed by itself


def test_a_change_is_still_seen() -> None:
    """From no outage to twelve, and between steady shares; too few parts say nothing."""
    rng = random.Random(12)
    told = [changed(week(rng, 0), week(rng, 12)) for _ in range(100)]
    assert sum(one is not None and one[0] > 0 for one in told) > 80
    steady = changed([Rate(200, 20)] * 7, [Rate(200, 4)] * 7)
    assert steady is not None
    assert steady == pytest.approx(difference(Rate(1400, 140), Rate(1400, 28)), abs=0.01)
    assert changed([Rate(200, 20)] * 2, [Rate(200, 4)] * 3) is None
    assert changed([], []) is None
    assert changed([Rate(9, 0)] * 7, [Rate(9, 9)] * 7) is not None
