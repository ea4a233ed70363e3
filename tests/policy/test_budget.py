"""The last guard: so many refusals for each acceptance and a few besides, then one attempt in five seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.config import Budget as Params
from seawall.policy.budget import Budget

PARAMS = Params(window=300.0, own_share=0.5, foreign_share=3.0, free_rate=0.2)
FREE = int(PARAMS.free_rate * PARAMS.window)
"""Refusals that are free in a window: 60."""
NOW = 5000.0


def counted(accepted: int, refused: int, now: float = NOW) -> Budget:
    budget = Budget(PARAMS)
    for n in range(accepted + refused):
        budget.count(now, refused=n < refused)
    return budget


@pytest.mark.parametrize(
    ("accepted", "refused", "foreign", "free"),
    [
        (0, 0, False, True),
        (0, FREE, False, True),
        (0, FREE + 1, False, False),
        (0, FREE + 1, True, False),
        (100, FREE + 50, False, True),
        (100, FREE + 51, False, False),
        (100, FREE + 51, True, True),
        (100, FREE + 300, True, True),
        (100, FREE + 301, True, False),
    ],
)
def test_what_is_left(accepted: int, refused: int, foreign: bool, free: bool) -> None:
    """Half a refusal for each acceptance where they are our doing, three where not, sixty besides."""
    budget = counted(accepted, refused)
    budget.send(NOW)
    assert budget.when(NOW, foreign) == (NOW if free else NOW + 5.0)


def test_beyond_it_one_attempt_in_five_seconds() -> None:
    """From the last attempt on, whatever became of that."""
    budget = counted(0, 500)
    assert budget.when(NOW, False) == NOW
    budget.send(NOW)
    assert budget.when(NOW + 1, False) == NOW + 5
    assert budget.when(NOW + 5, False) == NOW + 5
    assert budget.when(NOW + 60, False) == NOW + 60


def test_the_window_forgets() -> None:
    """Five minutes later, give or take a thirtieth, nothing of it is left."""
    budget = counted(10, 500)
    assert budget.refused_share(NOW) == pytest.approx(500 / 510)
    assert budget.refused_share(NOW + 285) > 0.9
    assert budget.refused_share(NOW + 301) == 0.0
    assert budget.when(NOW + 301, False) == NOW + 301


@pytest.mark.parametrize("asleep", [300.0, 8 * 3600.0, 30 * 86400.0, 299.9 + 300])
def test_a_jump_of_the_clock_forgets_all_and_goes_on(asleep: float) -> None:
    """After a night of sleep it counts from nothing, and counts right."""
    budget = counted(50, 500)
    now = NOW + asleep + 10
    for _ in range(3):
        budget.count(now, refused=True)
    budget.count(now + 20, refused=False)
    assert budget.refused_share(now + 20) == 0.75


@given(
    st.lists(
        st.tuples(st.sampled_from((0.0, 0.3, 4.0, 11.0, 290.0, 1e5)), st.booleans()), min_size=1, max_size=300
    )
)
def test_the_counts_are_those_of_a_list(steps: list[tuple[float, bool]]) -> None:
    """What the bins say is what a list of all verdicts says, for the window less a bin and for the whole one."""
    budget, now, seen = Budget(PARAMS), 0.0, list[tuple[float, bool]]()
    for after, refused in steps:
        now += after
        budget.count(now, refused=refused)
        seen.append((now, refused))
        surely = [one for at, one in seen if at > now - PARAMS.window * 29 / 30]
        perhaps = [one for at, one in seen if at > now - PARAMS.window]
        assert sum(surely) <= budget.refused <= sum(perhaps)
        assert len(surely) <= budget.refused + budget._accepted <= len(perhaps)


@given(st.lists(st.tuples(st.floats(0.01, 3.0), st.booleans()), min_size=1, max_size=400), st.booleans())
def test_attempts_beyond_it_are_five_seconds_apart(steps: list[tuple[float, bool]], foreign: bool) -> None:
    """A client that always asks: an attempt goes within the budget, or five seconds after the one before."""
    budget, now, last = Budget(PARAMS), 1000.0, -1e9
    share = PARAMS.foreign_share if foreign else PARAMS.own_share
    for after, refused in steps:
        now += after
        if budget.when(now, foreign) > now:
            continue
        within = budget.refused <= share * budget._accepted + FREE
        assert within or now - last >= 1 / PARAMS.free_rate - 1e-9
        budget.send(now)
        last = now
        budget.count(now, refused=refused or len(steps) % 3 > 0)
