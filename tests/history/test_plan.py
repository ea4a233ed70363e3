"""When heavy work fails least, and when nobody knows."""

import random

import pytest

from seawall.history.plan import HOUR, LONGEST, WINDOWS, batch, coming, planned
from seawall.history.rates import Hours, hours
from seawall.store.bursts import HourCount

MONDAY = 494_688 // 24 // 7 * 7 * 24 + 4 * 24  # midnight of a Monday, UTC (1 January 1970 was a Thursday)


def by_hour(share: dict[int, float], days: int = 28, attempts: int = 200, among: int = 7) -> Hours:
    """Weeks in which each hour of the day fails as often as said, else in 1 of 100; `among` days of the week."""
    rng = random.Random(3)
    rows = []
    for day in range(-days, 0):
        for hour in range(24):
            if (day % 7) < among:
                wanted = share.get(hour, 0.01) * attempts
                failed = max(0, min(attempts, round(wanted + rng.choice((-1, 0, 1)))))
                rows.append(HourCount(MONDAY + day * 24 + hour, 0, attempts, failed))
    return hours(rows)


def utc(_: float) -> int:
    return 0


def of_day(at: float) -> float:
    return at / HOUR - MONDAY


def test_the_quiet_and_the_busy() -> None:
    """Good hours that follow each other are one window, the best first; the worst is named; all from now on."""
    found = by_hour(
        {15: 0.08, 16: 0.08, 17: 0.09, 20: 0.0, 21: 0.0, 22: 0.0, 7: 0.005, 8: 0.005, 12: 0.02, 13: 0.02}
    )
    now = (MONDAY + 16.5) * HOUR
    plan = planned(found, now, 24, utc, 20)
    assert (of_day(plan.best[0].start), of_day(plan.best[0].end)) == (20, 23)
    assert plan.best[0].rate.share < 0.01
    assert len(plan.best) <= WINDOWS
    assert plan.avoid is not None
    assert (of_day(plan.avoid.start), of_day(plan.avoid.end)) == (16.5, 18)
    assert plan.known == 24


@pytest.mark.parametrize(
    "share",
    [dict.fromkeys(range(24), 0.05), dict.fromkeys(range(24), 0.0), dict.fromkeys(range(24), 1.0)],
    ids=["equal", "none failed", "all failed"],
)
def test_equal_hours_have_no_best(share: dict[int, float]) -> None:
    """Nothing is recommended out of chance."""
    plan = planned(by_hour(share), MONDAY * HOUR, 24, utc, 20)
    assert list(plan.best) == []
    assert plan.avoid is None
    assert plan.known == 24


def test_a_few_outages_are_no_pattern() -> None:
    """Two bad dates at 15 h do not make it a bad hour: dates differ by more than that."""
    rng = random.Random(1)
    rows = []
    outages = {(3, 15), (9, 15), (5, 2), (12, 9), (17, 21), (20, 4), (23, 11)}
    for day in range(1, 29):
        for hour in range(24):
            failed = 80 if (day, hour) in outages else rng.choice((0, 0, 1))
            rows.append(HourCount(MONDAY - day * 24 + hour, 0, 100, failed))
    plan = planned(hours(rows), MONDAY * HOUR, 24, utc, 20)
    assert not plan.best
    assert plan.avoid is None


@pytest.mark.parametrize("chance", [0.01, 0.03, 0.1])
def test_equal_chances_hardly_ever_name_an_hour(chance: float) -> None:
    """Of 40 made-up months in which an outage is as likely at any hour, three at most have a window: 95 % sure."""
    named = 0
    for seed in range(40):
        rng = random.Random(seed)
        rows = []
        for hour in range(MONDAY - 30 * 24, MONDAY):
            failed = sum(rng.random() < 0.01 for _ in range(60))
            if rng.random() < chance:
                failed = rng.randrange(20, 60)
            rows.append(HourCount(hour, 0, 60, failed))
        named += bool(planned(hours(rows), MONDAY * HOUR, 24, utc, 20).best)
    assert named <= 3


def test_too_few_calls() -> None:
    """An hour needs as many calls as are asked for; of an empty past nothing is known."""
    assert planned(hours([]), MONDAY * HOUR, 24, utc, 20).known == 0
    few = by_hour({15: 0.9}, attempts=2, days=7, among=1)
    assert planned(few, MONDAY * HOUR, 24, utc, 20).known == 0
    assert planned(few, MONDAY * HOUR, 24, utc, 2).known == 24


def test_an_hour_of_the_weekday_goes_first() -> None:
    """Where its weekday is known well enough; else the same hour of all days stands for it."""
    rows = [HourCount(MONDAY - 7 * 24 + 9, 0, 100, 50), HourCount(MONDAY - 6 * 24 + 9, 0, 100, 0)]
    found = coming(hours(rows), MONDAY * HOUR, 72, utc, 20)
    assert [(of_day(one.start), one.rate.share) for one in found] == [(9, 0.5), (33, 0.0), (57, 0.25)]


def test_by_the_wall_clock() -> None:
    """The coming hours are looked up by the clock they will have, also behind a daylight saving change."""
    rows = [HourCount(MONDAY - 7 * 24 + 9, 0, 100, 50)]
    change = (MONDAY + 5) * HOUR

    def summer(at: float) -> int:
        return 0 if at < change else 60

    found = coming(hours(rows), MONDAY * HOUR, 24, summer, 20)
    assert [of_day(one.start) for one in found] == [8]


def test_a_window_is_not_a_whole_day() -> None:
    """Quiet hours without end are cut: some time today is no plan."""
    found = by_hour(dict.fromkeys(range(12), 0.2) | dict.fromkeys(range(12, 24), 0.0))
    plan = planned(found, MONDAY * HOUR, 48, utc, 20)
    assert plan.best
    assert all(one.end - one.start <= LONGEST * HOUR for one in plan.best)


@pytest.mark.parametrize(
    ("sdk", "calls", "deadline", "fits"),
    [
        (True, 50, None, True),
        (True, 49, None, False),
        (True, None, None, False),
        (True, None, 86400.0, True),
        (True, 5000, 3600.0, False),
        (True, 3, 2 * 86400.0, True),
        (False, 5000, 7 * 86400.0, False),
    ],
)
def test_when_a_batch_is_suggested(sdk: bool, calls: int | None, deadline: float | None, fits: bool) -> None:
    """Only work through the SDK, of 50 calls or more or with a day's time; the reason is said either way."""
    found = batch(sdk, calls, deadline)
    assert found.fits is fits
    assert found.reason
