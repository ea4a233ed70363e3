"""How long episodes last, when some were not seen to end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.history.durations import ENOUGH, Lasting, curve


def ended(*seconds: float) -> list[Lasting]:
    return [Lasting(one, True) for one in seconds]


def unseen(*seconds: float) -> list[Lasting]:
    return [Lasting(one, False) for one in seconds]


def test_against_a_table_worked_by_hand() -> None:
    """Ten lengths, four of them without an end: 9/10, 8/9, 5/6 (with two gone at 3), 4/5, 2/3, 1/2 of what was left."""
    found = curve([*ended(1, 2, 4, 5, 7, 8), *unseen(3, 3, 6, 9)])
    assert found.times == (1, 2, 4, 5, 7, 8)
    shares = [0.9, 0.8, 0.8 * 5 / 6, 0.8 * 4 / 6, 0.8 * 4 / 6 * 2 / 3, 0.8 * 4 / 6 / 3]
    assert found.shares == pytest.approx(shares)


@pytest.mark.parametrize(
    ("lengths", "share", "seconds"),
    [
        (ended(*range(1, 9)), 0.5, 4),
        (ended(*range(1, 9)), 0.75, 6),
        (ended(*range(1, 9)), 0.9, 8),
        (ended(*range(1, 9)), 0.0, 1),
        (ended(*range(1, 8)), 0.5, None),  # seven are too few
        (unseen(*range(1, 20)), 0.5, None),
        # Those that nobody saw end make the middle later, not earlier.
        ([*ended(1, 2, 3, 4), *unseen(1, 1, 1, 1)], 0.5, 3),
        ([*ended(1, 2, 3, 4), *unseen(9, 9, 9, 9)], 0.5, 4),
        ([*ended(1, 2, 3), *unseen(9, 9, 9, 9, 9)], 0.5, None),
        (ended(*[0.0] * 8), 0.5, 0.0),
        ([], 0.5, None),
    ],
)
def test_percentiles(lengths: list[Lasting], share: float, seconds: float | None) -> None:
    """The first length by which so many are over; none with fewer than eight or without enough ends."""
    assert curve(lengths).within(share) == seconds


def test_of_those_that_got_this_far() -> None:
    """Half of what is left is over within so much more."""
    found = curve(ended(1, 1, 1, 1, 10, 20, 30, 40))
    assert found.half_over_after(5) == 15
    assert found.half_over_after(0) == 1
    assert found.half_over_after(40) is None
    assert curve(ended(1, 2)).half_over_after(0) is None


lengths = st.lists(st.builds(Lasting, st.integers(0, 50).map(float), st.booleans()), max_size=40)


@given(lengths)
def test_the_curve_only_falls(rows: list[Lasting]) -> None:
    """From one down to nothing at most; percentiles rise with the share."""
    found = curve(rows)
    assert list(found.times) == sorted(set(found.times))
    assert list(found.shares) == sorted(found.shares, reverse=True)
    assert all(-1e-12 <= share < 1 for share in found.shares)
    assert found.count == len(rows)
    known = [at for share in (0.25, 0.5, 0.75, 0.9) if (at := found.within(share)) is not None]
    assert known == sorted(known)


@given(
    st.lists(st.integers(0, 50).map(float), min_size=ENOUGH, max_size=60), st.sampled_from([0.25, 0.5, 0.75])
)
def test_without_open_ends_it_is_the_plain_share(seconds: list[float], share: float) -> None:
    """Where every end was seen, a percentile is the smallest length that so many do not exceed."""
    at = curve(ended(*seconds)).within(share)
    plain = next(
        one for one in sorted(seconds) if sum(x <= one for x in seconds) / len(seconds) >= share - 1e-9
    )
    assert at == plain


@given(lengths.filter(lambda rows: len(rows) >= ENOUGH))
def test_open_ends_never_make_it_rosier(rows: list[Lasting]) -> None:
    """Taking what nobody saw end for ended would say less, or the same, never more."""
    honest, rosy = curve(rows).within(0.5), curve([Lasting(one.seconds, True) for one in rows]).within(0.5)
    assert rosy is not None
    assert honest is None or honest >= rosy
