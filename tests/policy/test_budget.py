"""The last guard: each acceptance pays for so many refusals, a few are free; then one attempt in five seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.config import Budget as Params
from seawall.policy.budget import Budget

PARAMS = Params(share=3.0, most=60.0, free_rate=0.2, window=300.0)
NOW = 5000.0


def counted(refused: int, accepted: int = 0, now: float = NOW) -> Budget:
    """First the refusals."""
    budget = Budget(PARAMS)
    for n in range(accepted + refused):
        budget.count(now, refused=n < refused)
    return budget


@pytest.mark.parametrize(
    ("refused", "accepted", "free"),
    [(0, 0, True), (59, 0, True), (60, 0, False), (500, 0, False), (500, 1, True), (60, 20, True)],
)
def test_what_is_left(refused: int, accepted: int, free: bool) -> None:
    """Sixty refusals are saved up, and one acceptance pays for three; nothing is owed from before."""
    budget = counted(refused, accepted)
    budget.send(NOW)
    assert budget.when(NOW) == (NOW if free else NOW + 5.0)


def test_no_more_is_saved_than_that() -> None:
    """A thousand acceptances do not pay for the refusals of tomorrow."""
    budget = counted(0, 1000)
    for _ in range(59):
        budget.count(NOW, refused=True)
    assert budget.when(NOW) == NOW
    budget.count(NOW, refused=True)
    budget.send(NOW)
    assert budget.when(NOW) == NOW + 5


def test_beyond_it_one_attempt_in_five_seconds() -> None:
    """From the last attempt on, whatever became of that."""
    budget = counted(500)
    assert budget.when(NOW) == NOW
    budget.send(NOW)
    assert budget.when(NOW + 1) == NOW + 5
    budget.count(NOW + 1, refused=True)
    assert budget.when(NOW + 5) == NOW + 5
    budget.send(NOW + 5)
    assert budget.when(NOW + 5.5) == NOW + 10


def test_when_the_trouble_is_over_it_takes_seconds() -> None:
    """A lane that used it up and is never refused again is back at hundreds of attempts within half a minute, where a
    count of five minutes would have kept it at one in five seconds until they had passed."""
    budget, now, attempts, verdicts = counted(500), NOW, 0, list[float]()
    budget.send(now)
    while now < NOW + 30:
        while verdicts and verdicts[0] <= now:
            verdicts.pop(0)
            budget.count(now, refused=False)
        # A lane has no more under way than it has refusals left to pay for: each could be one.
        while budget.when(now) <= now and len(verdicts) < max(1, budget._left):
            budget.send(now)
            attempts += 1
            verdicts.append(now + 1.5)
        now += 0.1
    assert attempts > 300


def test_the_share_that_is_shown_fades() -> None:
    """Of the last minutes; a night later there is none."""
    budget = counted(300, 100)
    assert budget.refused_share(NOW) == pytest.approx(0.75)
    assert budget.refused_share(NOW + 100) == pytest.approx(0.75)
    assert budget.refused_share(NOW + 3000) < 0.02
    assert budget.refused_share(NOW + 30000) == pytest.approx(0.0)


@pytest.mark.parametrize("asleep", [300.0, 8 * 3600.0, 30 * 86400.0])
def test_a_jump_of_the_clock_goes_on(asleep: float) -> None:
    """After a sleep of five minutes or more all is saved up again, and it counts right."""
    budget = counted(500)
    now = NOW + asleep
    for n in range(60):
        assert budget.when(now) == now, n
        budget.count(now, refused=True)
    budget.send(now)
    assert budget.when(now) == now + 5


@given(st.lists(st.tuples(st.floats(0.01, 400.0), st.booleans()), min_size=1, max_size=400))
def test_refusals_never_exceed_it(steps: list[tuple[float, bool]]) -> None:
    """A client that always asks: over any stretch of time its refusals are at most what was saved, what acceptances
    paid for, what time gave, and one for each five seconds."""
    budget, now, last = Budget(PARAMS), 1000.0, -1e9
    since, used = now, 0.0
    """Refusals less what acceptances paid for, at the worst of all beginnings."""
    for after, refused in steps:
        now += after
        if budget.when(now) > now:
            assert now - last < 5.0
            continue
        used = max(0.0, used - (now - since) * 2 * PARAMS.free_rate)
        since = now
        used = used + 1 if refused else max(0.0, used - PARAMS.share)
        assert used <= PARAMS.most + 1
        budget.send(now)
        last = now
        budget.count(now, refused=refused)
