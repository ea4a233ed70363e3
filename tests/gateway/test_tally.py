"""What is counted of calls, and windows over it, by hand-made times."""

import pytest

from seawall.gateway.tally import BOUNDS, OTHER, Histogram, Tallies, quantile


def test_a_value_counts_in_the_first_bucket_that_holds_it() -> None:
    """A bound belongs to its own bucket, as Prometheus reads `le`; what is above all bounds is not lost."""
    seen = Histogram()
    for value in (0.0, 0.001, 0.0011, 900.0, 901.0):
        seen.add(value)
    assert seen.counts[:2] == [2, 1]
    assert seen.counts[-2:] == [1, 1]
    assert sum(seen.counts) == 5
    assert seen.total == pytest.approx(1801.0021)


def test_quantiles_lie_within_their_bucket() -> None:
    """Spread evenly in the bucket; nothing of nothing; never more than the last bound."""
    counts = [0] * (len(BOUNDS) + 1)
    assert quantile(counts, 0.5) is None
    counts[BOUNDS.index(1.0)] = 4  # over 0.5 s, up to 1 s
    assert quantile(counts, 0.5) == pytest.approx(0.75)
    assert quantile(counts, 1.0) == pytest.approx(1.0)
    counts[-1] = 100
    assert quantile(counts, 0.9) == BOUNDS[-1]


def test_made_up_names_share_one_row() -> None:
    """A client that invents models cannot grow the table."""
    tallies = Tallies()
    for number in range(1000):
        tallies.of("api", f"family{number}").succeeded += 1
    assert len(tallies.by_name) == 101
    assert tallies.by_name[OTHER].succeeded == 900


def test_windows_are_what_came_since() -> None:
    """Of the last five minutes only what ended in them; and how much of a span is covered is said."""
    tallies = Tallies()
    tally = tallies.of("api", "opus")
    tallies.sample(1000.0)
    tally.succeeded += 8
    tally.failed["provider.overloaded", "retried"] += 2
    tally.upstream.add(0.7)
    for minute in range(1, 20):
        tallies.sample(1000.0 + 60 * minute)
    tally.failed["provider.overloaded", "retried"] += 3
    five, hour, day = tallies.windows(1000.0 + 60 * 20)["api", "opus"]
    assert (five.attempts, five.succeeded, five.p50) == (3, 0, None)
    assert 300 <= five.covered <= 361
    assert (hour.attempts, hour.succeeded, hour.covered) == (13, 8, 1200.0)
    assert hour.p50 == pytest.approx(0.75)
    assert (day.attempts, day.covered) == (13, 1200.0)


def test_a_day_is_remembered_in_bounded_room() -> None:
    """After three days the day's window is a day, and what is kept has not grown."""
    tallies = Tallies()
    tally = tallies.of("api", "opus")
    for minute in range(3 * 24 * 60):
        tally.succeeded += 1
        tallies.sample(60.0 * minute)
    _, hour, day = tallies.windows(60.0 * 3 * 24 * 60)["api", "opus"]
    assert hour.attempts == pytest.approx(60, abs=2)
    assert day.attempts == pytest.approx(1440, abs=16)
    assert day.covered == pytest.approx(86400, abs=960)
    assert len(tallies._minutes) + len(tallies._quarters) < 170


def test_idle_lanes_take_no_more_room() -> None:
    """Marks of a time in which nothing happened are the same object."""
    tallies = Tallies()
    tallies.of("api", "opus").succeeded += 1
    for minute in range(10):
        tallies.sample(60.0 * minute)
    assert len({id(marks) for _, marks in tallies._minutes}) == 1


def test_samples_are_taken_once_a_minute_at_most() -> None:
    """However often somebody asks for one."""
    tallies = Tallies()
    for tick in range(100):
        tallies.sample(tick * 1.0)
    assert len(tallies._minutes) == 2
