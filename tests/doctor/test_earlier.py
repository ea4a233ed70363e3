"""What earlier episodes say: how many, how long, at which hours."""

from seawall.causes.cause import codes
from seawall.doctor.earlier import MONTH, USUAL, earlier, same_hours
from seawall.history.episodes import End, Episode

NOW = 1_795_184_518.0
CAUSE = "provider.overloaded"


def one(n: int, age: float, lasted: float = 60.0, end: End = End.RECOVERED, cause: str = CAUSE) -> Episode:
    """The nth, that began so many seconds ago."""
    at = NOW - age
    return Episode(
        f"e{n:03}", cause, "api.anthropic.com", ("opus",), at, at + lasted, at + lasted, end, 5, 2, 0, 0, 0
    )


def test_counts_and_percentiles() -> None:
    """The current one counts for itself only; another cause's and what is older than 90 days for nothing."""
    before = [one(n, 86400.0 * n, lasted=60.0 * n) for n in range(1, 11)]
    others = [one(50, 200, cause="network.dns_failure"), one(51, 100 * 86400.0)]
    now = one(99, 190, 190, End.OPEN)
    found = earlier(CAUSE, [*before, *others, now], NOW)
    assert found.current == now
    assert (found.month, found.outlook.count, found.outlook.p50) == (10, 10, 300.0)
    assert len(found.week) == 8
    assert found.within_5_min == round(5 / 7, 4)


def test_with_seven_nothing_is_estimated() -> None:
    """Eight are needed before any figure is named."""
    found = earlier(CAUSE, [one(n, 86400.0 * n) for n in range(1, 8)], NOW)
    assert (found.current, found.month, found.outlook.p50, found.within_5_min) == (None, 7, None, None)
    assert earlier(CAUSE, [one(n, 86400.0 * n) for n in range(1, 9)], NOW).outlook.p50 == 60.0


def test_what_is_older_than_a_month_is_not_of_the_month() -> None:
    """It may still say how long such episodes last."""
    found = earlier(CAUSE, [one(n, MONTH + 86400.0 * n) for n in range(1, 10)], NOW)
    assert (found.month, found.outlook.count) == (0, 9)


def test_hours_that_agree(utc: None) -> None:
    """Three or more within three hours of the clock; else nothing is said of hours."""
    day = NOW - NOW % 86400
    at = [one(n, NOW - (day - 86400.0 * n + 13.5 * 3600 + 1800 * n)) for n in range(3)]
    assert same_hours(at) == (13, 15)
    assert same_hours(at[:2]) is None
    assert same_hours([*at, one(9, NOW - (day + 20 * 3600))]) is None


def test_published_figures_are_of_causes_that_are_there() -> None:
    """And of the service's only."""
    assert set(USUAL) <= set(codes())
    assert all(code.startswith("provider.") for code in USUAL)
