"""Episodes: when one begins and ends, and how it is named."""

import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.history.episodes import APART, QUIET, End, closing, episodes, unclear
from seawall.store.bursts import Burst, Recovery

NOW = 1_795_000_000.0


def failed(at: float, cause: str = "provider.overloaded", route: str = "api", family: str = "opus") -> Burst:
    return Burst(cause, route, NOW + at, NOW + at, lanes=((family, "a"),))


def worked(at: float, since: float | None = None, family: str = "opus", route: str = "api") -> Recovery:
    begin = at if since is None else since
    return Recovery(route, family, "a", NOW + at, NOW + at, NOW + begin)


F, S = failed, worked


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        # One failure, and nobody tried again.
        ([F(-1000)], [(-1000, 0, End.UNSEEN)]),
        ([F(-10)], [(-10, 10, End.OPEN)]),
        ([F(-299.5)], [(-299.5, 299.5, End.OPEN)]),
        ([F(-300)], [(-300, 0, End.UNSEEN)]),
        # Less than five minutes apart: one; five minutes: two.
        ([F(-2000), F(-1701)], [(-2000, 299, End.UNSEEN)]),
        ([F(-2000), F(-1700)], [(-2000, 0, End.UNSEEN), (-1700, 0, End.UNSEEN)]),
        # A success closes it, if a minute without failure follows.
        ([F(-2000), S(-1990), F(-1930)], [(-2000, 10, End.RECOVERED), (-1930, 0, End.UNSEEN)]),
        ([F(-2000), S(-1990), F(-1930.1)], [(-2000, 69.9, End.UNSEEN)]),
        ([F(-2000), S(-1990), F(-1980), S(-1970)], [(-2000, 30, End.RECOVERED)]),
        # The first success after the last failure is its end.
        ([F(-2000), S(-1990), S(-1980), S(-1970)], [(-2000, 10, End.RECOVERED)]),
        # Of a success less than a minute ago nobody knows yet.
        ([F(-100), S(-59)], [(-100, 100, End.OPEN)]),
        ([F(-100), S(-60)], [(-100, 40, End.RECOVERED)]),
        # The next morning's success says nothing; that of a call which was held since does.
        ([F(-40_000), S(-1000)], [(-40_000, 0, End.UNSEEN)]),
        ([F(-2000), S(-1200)], [(-2000, 0, End.UNSEEN)]),
        ([F(-2000), S(-1200, since=-2000)], [(-2000, 800, End.RECOVERED)]),
        # Another model's or address's success says nothing either.
        ([F(-2000), S(-1990, family="sonnet")], [(-2000, 0, End.UNSEEN)]),
        ([F(-2000), S(-1990, route="other")], [(-2000, 0, End.UNSEEN)]),
        # Two models on one route are one episode; either's success will do if nothing fails on.
        (
            [F(-2000), F(-1990, family="sonnet"), S(-1900)],
            [(-2000, 100, End.RECOVERED)],
        ),
        # Other causes and routes are other episodes, also at the same time.
        (
            [F(-2000), F(-1990, "network.reset"), F(-1980), S(-1970)],
            [(-2000, 30, End.RECOVERED), (-1990, 20, End.RECOVERED)],
        ),
        ([F(-2000), F(-1990, route="other")], [(-2000, 0, End.UNSEEN), (-1990, 0, End.UNSEEN)]),
        # What a wrong clock wrote is left out.
        ([F(10), S(20)], []),
        ([F(-2000), S(-1990), F(5000)], [(-2000, 10, End.RECOVERED)]),
    ],
)  # fmt: skip
def test_when_it_begins_and_ends(
    rows: list[Burst | Recovery], expected: list[tuple[float, float, End]]
) -> None:
    """Begin (before now), length in seconds, and how it ended."""
    found = episodes(
        [row for row in rows if isinstance(row, Burst)],
        [row for row in rows if isinstance(row, Recovery)],
        NOW,
    )
    assert [(one.opened_at - NOW, pytest.approx(one.lasted), one.end) for one in found] == expected


def test_what_it_counts() -> None:
    """Attempts, calls and losses are added up; one call at least was hit; models are named once."""
    rows = [
        failed(-2000)._replace(last=NOW - 1990, attempts=7, calls=0, given_up=1),
        failed(-1950, family="sonnet")._replace(attempts=3, calls=2, broken=2),
        failed(-1940)._replace(attempts=1, calls=0),
    ]
    [one] = episodes(rows, [], NOW)
    assert (one.attempts, one.calls, one.given_up, one.broken) == (11, 2, 1, 2)
    assert one.families == ("opus", "sonnet")
    [alone] = episodes(rows[:1], [], NOW)
    assert alone.calls == 1


def test_ids_are_the_same_each_time_and_told_apart() -> None:
    """An id depends on cause, route and begin alone; it is four digits, or as many as tell it from the others."""
    rows = [failed(-1000.0 * n) for n in range(1, 1500)]
    found = episodes(rows, [], NOW)
    ids = [one.id for one in found]
    assert len(set(ids)) == len(ids)
    assert all(len(one) >= 4 for one in ids)
    assert min(map(len, ids)) == 4
    assert max(map(len, ids)) > 4
    for one in ids:
        assert [other for other in ids if other.startswith(one)] == [one]
    alone = {one.opened_at: one.id for one in episodes(rows[:3], [], NOW)}
    together = {one.opened_at: one.id for one in found}
    assert all(together[at].startswith(alone[at]) for at in alone)


moments = st.floats(-5000, 500, allow_nan=False).map(lambda at: round(at, 3))
rows = st.builds(
    failed, moments, st.sampled_from(["a.b", "c.d"]), st.sampled_from(["r", "s"]), st.sampled_from(["x", "y"])
)
successes = st.builds(
    lambda at, held, family, route: worked(at, at - held, family, route),
    moments, st.floats(0, 900), st.sampled_from(["x", "y"]), st.sampled_from(["r", "s"]),
)  # fmt: skip


@given(st.lists(rows, max_size=30), st.lists(successes, max_size=15), st.randoms())
def test_every_failure_is_in_one_episode(
    failures: list[Burst], recoveries: list[Recovery], order: random.Random
) -> None:
    """Nothing is lost or counted twice, whatever the order; episodes of one kind never overlap."""
    found = episodes(failures, recoveries, NOW)
    past = [one for one in failures if one.last <= NOW]
    assert sum(one.attempts for one in found) == len(past)
    for one in found:
        assert one.lasted >= 0
        assert one.until <= NOW
        assert one.opened_at <= one.last_failure_at <= one.until
        quiet = [
            row
            for row in past
            if (row.cause, row.route) == (one.cause, one.route) and one.until < row.first < one.until + QUIET
        ]
        assert not (one.end is End.RECOVERED and quiet)
    for kind in {(one.cause, one.route) for one in found}:
        same = [one for one in found if (one.cause, one.route) == kind]
        for before, after in pairwise(same):
            assert before.until <= after.opened_at
            assert before.ended or after.opened_at - before.last_failure_at >= APART
            assert before.end is not End.OPEN
    shuffled = failures[:]
    order.shuffle(shuffled)
    assert {replace(one, utc_offset=0) for one in episodes(shuffled, recoveries, NOW)} == set(found)


# Not held so long that a success more than five minutes after the last failure would count: which of a minute's
# successes was held is not in its sum, so such an end is known to the minute only.
brief = st.builds(
    lambda at, held, family, route: worked(at, at - held, family, route),
    moments, st.floats(0, 299), st.sampled_from(["x", "y"]), st.sampled_from(["r", "s"]),
)  # fmt: skip


@given(st.lists(rows, max_size=40), st.lists(brief, max_size=15))
def test_minutes_lose_nothing(failures: list[Burst], recoveries: list[Recovery]) -> None:
    """Added up by minute they make the same episodes as one by one, if the unclear minutes are looked at closely."""
    minutes: dict[tuple[str, str, int], Burst] = {}
    for one in failures:
        key = (one.cause, one.route, int(one.first // 60))
        before = minutes.get(key, one._replace(attempts=0, calls=0))
        minutes[key] = before._replace(
            first=min(before.first, one.first),
            last=max(before.last, one.last),
            attempts=before.attempts + 1,
            calls=before.calls + 1,
            lanes=tuple({*before.lanes, *one.lanes}),
        )
    sums: dict[tuple[str, str, int], Recovery] = {}
    for success in recoveries:
        at = (success.route, success.family, int(success.last // 60))
        there = sums.get(at, success._replace(calls=0))
        sums[at] = there._replace(
            first=min(there.first, success.first),
            last=max(there.last, success.last),
            since=min(there.since, success.since),
            calls=there.calls + 1,
        )
    # A minute that now cuts in two is no minute of a store, which is asked for what came before now.
    if any(one.first <= NOW < one.last for one in (*minutes.values(), *sums.values())):
        return
    close = unclear(minutes.values(), sums.values(), NOW)
    looked_at = [one for one in recoveries if int(one.last // 60) in close]
    rest = [one for one in sums.values() if int(one.last // 60) not in close]
    exact = episodes([one for one in failures if one.last <= NOW], recoveries, NOW)
    assert episodes(minutes.values(), [*looked_at, *rest], NOW) == exact


@given(st.lists(rows, max_size=20), st.lists(successes, max_size=20))
def test_only_some_successes_matter(failures: list[Burst], recoveries: list[Recovery]) -> None:
    """Those of the minutes in which one may close an episode make the same episodes as all of them."""
    minutes = {minute for some in closing(failures, NOW) for minute in some}
    matter = [one for one in recoveries if int(one.last // 60) in minutes]
    assert episodes(failures, matter, NOW) == episodes(failures, recoveries, NOW)


def test_where_failures_go_on_few_minutes_matter() -> None:
    """In trouble that lasts all day the end alone; after a failure nobody followed up, up to a day."""
    day = [failed(-86_400.0 + 30 * n) for n in range(2800)]
    assert sum(map(len, closing(day, NOW))) <= 42
    assert sum(map(len, closing([*day, failed(-2300), failed(-2270)], NOW))) <= 42
    assert 1440 <= sum(map(len, closing([failed(-9e6)], NOW))) <= 1442
    [one] = closing([failed(-9e6), failed(-9e6 + 7200, cause="c.d")], NOW)
    assert len(one) <= 1440 + 122


def test_failures_and_successes_of_one_minute() -> None:
    """Failures that end in the midst of successes: that minute is unclear, and with each success alone it ends then."""
    begin = -2000.0 - (NOW - 2000.0) % 60  # of a minute
    whole = Recovery("api", "opus", "a", NOW + begin + 5, NOW + begin + 50, NOW + begin, 3, 9.0)
    failures = [F(begin - 60), F(begin + 20)]
    assert unclear(failures, [whole], NOW) == {int((NOW + begin) // 60)}
    assert unclear([*failures, F(begin + 70)], [whole], NOW) == set()  # no end: failures go on
    assert unclear([F(begin + 4)], [whole], NOW) == set()  # all successes came later
    [rough] = episodes(failures, [whole], NOW)
    [exact] = episodes(failures, [S(begin + 5), S(begin + 21), S(begin + 50)], NOW)
    assert (rough.lasted, exact.lasted) == (110.0, 81.0)


def test_what_is_written_while_it_is_read() -> None:
    """A minute of failures that ends a moment after now is there, until now."""
    [one] = episodes([failed(-50)._replace(last=NOW + 2, attempts=40)], [], NOW)
    assert (one.attempts, one.last_failure_at, one.end) == (40, NOW, End.OPEN)


def test_how_long_the_lost_were_held() -> None:
    """The shortest and the longest hold of calls that were given up; nothing where none was."""
    rows = [failed(-2000), failed(-1990)._replace(shortest_hold=3.0, longest_hold=900.0), failed(-1980)]
    assert episodes(rows, [], NOW)[0].holds == (3.0, 900.0)
    assert episodes(rows[:1], [], NOW)[0].holds is None
