from hypothesis import given
from hypothesis import strategies as st
from store_helpers import attempt

from seawall.store.backlog import Backlog
from seawall.store.latency import Latency
from seawall.store.rows import Count


def count(n: int = 1, hour: int = 1) -> Count:
    return Count(hour, 0, "host", "opus", "", "", n)


def test_attempts_come_out_in_the_order_they_went_in():
    """The oldest are handed out first, as many as asked."""
    backlog = Backlog(10)
    for number in (1, 2, 3):
        backlog.put(attempt(number))
    assert [row.number for row in backlog.take(2, counts=True)[0]] == [1, 2]
    assert backlog.done(unfit=0) == 2
    assert len(backlog) == 1


def test_counts_of_one_hour_and_kind_become_one_row():
    """Counts are added up while they wait."""
    backlog = Backlog(10)
    for row in (count(2), count(3), count(1, hour=2)):
        backlog.put(row)
    assert backlog.take(10, counts=True) == ([], [count(5), count(1, hour=2)])


def test_latencies_are_added_up_beside_counts():
    """An hour's answers of one step become one row; they are no counts of attempts, and nothing else is a row."""
    backlog = Backlog(10)
    for row in (Latency(1, 0, "host", "opus", 20, 2), count(), Latency(1, 0, "host", "opus", 20, 3)):
        backlog.put(row)
    backlog.put(Latency(1, 0, "host", "opus", 21, 1))
    backlog.put("no row")  # type: ignore[arg-type]
    found = backlog.take(10, counts=True)[1]
    assert found == [Latency(1, 0, "host", "opus", 20, 5), count(), Latency(1, 0, "host", "opus", 21, 1)]
    assert backlog.dropped == 1
    backlog.give_back([], found)
    assert backlog.take(10, counts=True)[1] == found


def test_counts_wait_until_they_are_asked_for():
    """A batch of attempts alone leaves the counts where they are."""
    backlog = Backlog(10)
    backlog.put(count())
    backlog.put(attempt())
    assert backlog.take(10, counts=False) == ([attempt()], [])
    backlog.done(unfit=0)
    assert len(backlog) == 1


def test_over_the_bound_the_oldest_are_dropped_and_counted():
    """Memory is bounded: of five attempts in room for three, the first two are gone."""
    backlog = Backlog(3)
    for number in range(1, 6):
        backlog.put(attempt(number))
    assert [row.number for row in backlog.take(9, counts=False)[0]] == [3, 4, 5]
    assert backlog.dropped == 2


def test_counts_are_bounded_too():
    """A new kind of count finds no room; one that is there goes on growing."""
    backlog = Backlog(2)
    for hour in (1, 2, 3, 1):
        backlog.put(count(hour=hour))
    assert backlog.take(9, counts=True)[1] == [count(2, hour=1), count(1, hour=2)]
    assert backlog.dropped == 1


def test_what_could_not_be_written_waits_in_front():
    """Rows given back keep their place before those that came meanwhile, and counts are added to."""
    backlog = Backlog(10)
    backlog.put(attempt(1))
    backlog.put(count(2))
    taken = backlog.take(10, counts=True)
    assert len(backlog) == 2
    backlog.put(attempt(2))
    backlog.put(count(3))
    backlog.give_back(*taken)
    attempts, counts = backlog.take(10, counts=True)
    assert [row.number for row in attempts] == [1, 2]
    assert counts == [count(5)]


def test_given_back_rows_are_the_first_to_be_dropped():
    """They are the oldest: newer ones that came meanwhile keep their room."""
    backlog = Backlog(3)
    for number in (1, 2, 3):
        backlog.put(attempt(number))
    taken = backlog.take(3, counts=False)
    for number in (4, 5):
        backlog.put(attempt(number))
    backlog.give_back(*taken)
    assert [row.number for row in backlog.take(9, counts=False)[0]] == [3, 4, 5]
    assert backlog.dropped == 2


def test_what_is_no_row_is_dropped_and_counted():
    """Text, or a count that is no number, never gets in and never raises."""
    backlog = Backlog(10)
    for nonsense in ("Please rewrite my novel", None, {"call": 1}, Count([], 0, "", "", "", "", 1)):  # type: ignore[arg-type]
        backlog.put(nonsense)  # type: ignore[arg-type]
    assert len(backlog) == 0
    assert backlog.dropped == 4


def test_nothing_waits_in_a_closed_one():
    """What waits when it closes, and what comes after, is counted as dropped."""
    backlog = Backlog(10)
    backlog.put(attempt())
    backlog.close()
    backlog.put(attempt())
    backlog.put(count())
    assert len(backlog) == 0
    assert backlog.dropped == 3


@given(
    st.lists(
        st.one_of(
            st.just("put"),
            st.tuples(st.just("write"), st.integers(0, 5), st.booleans()),
            st.tuples(st.just("fail"), st.integers(0, 5), st.booleans()),
        ),
        max_size=60,
    )
)
def test_no_row_is_lost_uncounted(steps: list[object]):
    """Every attempt put is written, waits or is counted as dropped; in order, within the bound."""
    backlog, put, written = Backlog(4), 0, []
    for step in steps:
        if step == "put":
            put += 1
            backlog.put(attempt(put))
            continue
        what, most, meanwhile = step  # type: ignore[misc]
        taken = backlog.take(most, counts=True)
        if meanwhile:
            put += 1
            backlog.put(attempt(put))
        if what == "write":
            written += [row.number for row in taken[0]]
            backlog.done(unfit=0)
        else:
            backlog.give_back(*taken)
        assert len(backlog) <= 4
    assert put == len(written) + len(backlog) + backlog.dropped
    assert written == sorted(set(written))
