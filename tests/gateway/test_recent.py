"""How attempts ended lately."""

from seawall.gateway.recent import HOUR, SPAN, Recent

AT = 1_700_000_040.0
"""A full minute."""


def test_models_of_the_last_minutes() -> None:
    """By family: how many succeeded of how many; what is older than three minutes is not counted."""
    recent = Recent()
    recent.count(AT, "opus", False)
    recent.count(AT + 30, "opus", True)
    recent.count(AT + 60, "haiku", False)
    assert recent.models(AT + 60) == {"opus": (1, 2), "haiku": (1, 1)}
    assert recent.models(AT + SPAN + 5) == {"opus": (0, 1), "haiku": (1, 1)}
    assert recent.models(AT + 2 * SPAN) == {}


def test_minutes_of_the_last_hour() -> None:
    """Sixty pairs, the oldest first; this minute is the last."""
    recent = Recent()
    for second in (0, 10, 25, 59):
        recent.count(AT + second, "opus", second == 25)
    recent.count(AT + 125, "haiku", True)
    shown = recent.minutes(AT + 130)
    assert len(shown) == HOUR
    assert shown[-3:] == [(3, 1), (0, 0), (0, 1)]
    assert set(shown[:-3]) == {(0, 0)}


def test_a_day_leaves_no_more_than_an_hour() -> None:
    """However long it counts, it keeps sixty minutes; what is forgotten is the oldest."""
    recent = Recent()
    for minute in range(24 * 60):
        recent.count(AT + 60 * minute, "opus", False)
    assert recent.minutes(AT + 60 * (24 * 60 - 1)) == [(1, 0)] * HOUR
    assert len(recent._minutes) <= HOUR + 1


def test_a_clock_that_is_set() -> None:
    """Back or forward: nothing raises, and nothing of the future is counted as now."""
    recent = Recent()
    recent.count(AT, "opus", False)
    recent.count(AT - 3600, "opus", True)
    assert recent.models(AT - 3600) == {"opus": (0, 1)}
    recent.count(AT + 7200, "opus", True)
    assert recent.models(AT + 7200) == {"opus": (0, 1)}
    assert recent.minutes(AT + 7200)[-1] == (0, 1)
