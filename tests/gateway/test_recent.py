"""How attempts ended lately."""

from seawall.gateway.recent import HOUR, SPAN, Recent

AT = 1_700_000_040.0
"""A full minute."""
OPUS, HAIKU = ("api.anthropic.com", "opus"), ("api.anthropic.com", "haiku")


def test_models_of_the_last_minutes() -> None:
    """By route and family: how many succeeded of how many; what is older than three minutes is not counted."""
    recent = Recent()
    recent.count(AT, OPUS, False)
    recent.count(AT + 30, OPUS, True)
    recent.count(AT + 60, HAIKU, False)
    away = ("llm.example", "opus")
    recent.count(AT + 60, away, False)
    assert recent.models(AT + 60) == {OPUS: (1, 2), HAIKU: (1, 1), away: (1, 1)}
    assert recent.models(AT + SPAN + 5) == {OPUS: (0, 1), HAIKU: (1, 1), away: (1, 1)}
    assert recent.models(AT + 2 * SPAN) == {}


def test_minutes_of_the_last_hour() -> None:
    """Sixty pairs, the oldest first; this minute is the last."""
    recent = Recent()
    for second in (0, 10, 25, 59):
        recent.count(AT + second, OPUS, second == 25)
    recent.count(AT + 125, HAIKU, True)
    shown = recent.minutes(AT + 130)
    assert len(shown) == HOUR
    assert shown[-3:] == [(3, 1), (0, 0), (0, 1)]
    assert set(shown[:-3]) == {(0, 0)}


def test_a_day_leaves_no_more_than_an_hour() -> None:
    """However long it counts, it keeps sixty minutes; what is forgotten is the oldest."""
    recent = Recent()
    for minute in range(24 * 60):
        recent.count(AT + 60 * minute, OPUS, False)
    assert recent.minutes(AT + 60 * (24 * 60 - 1)) == [(1, 0)] * HOUR
    assert len(recent._minutes) <= HOUR + 1


def test_a_clock_that_is_set() -> None:
    """Back or forward: nothing raises, and nothing of the future is counted as now."""
    recent = Recent()
    recent.count(AT, OPUS, False)
    recent.count(AT - 3600, OPUS, True)
    assert recent.models(AT - 3600) == {OPUS: (0, 1)}
    recent.count(AT + 7200, OPUS, True)
    assert recent.models(AT + 7200) == {OPUS: (0, 1)}
    assert recent.minutes(AT + 7200)[-1] == (0, 1)
