"""A span of time in one value, and two spans beside each other."""

from seawall.history.durations import Lasting
from seawall.history.episodes import End, Episode
from seawall.history.report import causes, compared, span
from seawall.store.bursts import HourCount

NOW = 1_795_000_000.0


def episode(cause: str, at: float, lasted: float, end: End = End.RECOVERED, calls: int = 1) -> Episode:
    return Episode("7f3a", cause, "api", (), at, at, at + lasted, end, 3, calls, 1, 1, 0)


def test_a_line_for_each_cause() -> None:
    """Most episodes first; percentiles from eight on; of two equally long the one without an end is the longest."""
    rows = [episode("a.b", NOW, 10.0 * n, calls=2) for n in range(1, 9)]
    few = [episode("c.d", NOW, 50), episode("c.d", NOW, 50, End.UNSEEN)]
    first, second = causes([*few, *rows])
    assert (first.cause, first.episodes, first.calls, first.p50, first.p90, first.mean) == (
        "a.b",
        8,
        16,
        40,
        80,
        45,
    )
    assert (second.cause, second.p50, second.p90, second.mean) == ("c.d", None, None, 50)
    assert second.longest == Lasting(50, False)
    assert causes([]) == []


def test_two_spans() -> None:
    """Each hour and episode is on one side; a change is said only if it is sure."""
    hour = 3600.0
    begin = NOW // hour * hour
    counts = [HourCount(int(begin // hour) + n, 0, 200, 40 if n < 5 else 10) for n in range(10)]
    rows = [episode("a.b", begin + n * hour, 60) for n in range(10)]
    before = span(begin, begin + 5 * hour, counts, rows)
    after = span(begin + 5 * hour, begin + 10 * hour, counts, rows)
    assert (before.rate.attempts, before.rate.failed, before.episodes, before.lost) == (1000, 200, 5, 10)
    found = compared(before, after)
    assert found.verdict == -1
    assert found.bounds is not None
    assert compared(after, before).verdict == 1
    assert compared(before, before).verdict == 0
    nothing = span(begin, begin, counts, rows)
    assert (compared(nothing, after).verdict, compared(nothing, after).bounds) == (0, None)
