"""When to stop trying, and how to find out that one may go on: one probe at a time."""

import math
import random
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seawall.config import Breaker as Params
from seawall.policy.breaker import Breaker

# Not the defaults: those may be tuned, and the machine stays what it is.
PARAMS = Params(
    streak_least=6,
    streak_most=15,
    alarm=0.001,
    quiet=1.0,
    probe_first=1.0,
    probe_factor=1.6,
    probe_most=5.0,
    probe_spread=0.2,
    probe_silence=10.0,
)
NOW = 1000.0


def breaker(seed: int = 1, **changes: float) -> Breaker:
    return Breaker(replace(PARAMS, **changes), random.Random(seed))  # type: ignore[arg-type]


def opened(**changes: float) -> Breaker:
    """Open since NOW."""
    one = breaker(**changes)
    while not one.refused(NOW):
        pass
    return one


def exact() -> Breaker:
    """Open since NOW, with no chance in its intervals."""
    return opened(probe_spread=0.0)


# -- opening ------------------------------------------------------------------------------------------------------


def test_six_refusals_in_a_row_open_it() -> None:
    """Five do not; acceptances between them begin anew."""
    one = breaker()
    assert [one.refused(NOW + n) for n in range(5)] == [False] * 5
    for _ in range(5):
        one.accepted(NOW + 5)
    assert [one.refused(NOW + 10 + n) for n in range(6)] == [False] * 5 + [True]
    assert one.open


def test_what_was_sent_before_the_first_refusal_says_nothing() -> None:
    """Its acceptance comes with the first byte, seconds later: it ends no streak and closes nothing that is open."""
    one = breaker()
    for _ in range(3):
        one.refused(NOW)
    assert not one.accepted(NOW + 0.5, sent_at=NOW - 0.1)
    assert one.streak == 3
    assert [one.refused(NOW + 2) for _ in range(3)] == [False, False, True]
    assert not one.accepted(NOW + 3, sent_at=NOW)
    assert one.open
    assert one.accepted(NOW + 4, sent_at=NOW + 0.2)
    assert not one.open


def test_an_acceptance_of_any_age_is_no_quiet() -> None:
    """As long as they come in, it does not open."""
    one = breaker()
    for n in range(30):
        assert not one.refused(NOW + n / 10)
        one.accepted(NOW + n / 10, sent_at=NOW - 1)
    assert one.refused(NOW + 4)


def test_it_opens_only_after_a_quiet_second() -> None:
    """While something was accepted within a second, a streak of any length does not open it."""
    one = breaker()
    one.accepted(NOW)
    assert not any(one.refused(NOW + 0.99) for _ in range(20))
    assert one.refused(NOW + 1.0)


@pytest.mark.parametrize(
    ("refused", "accepted", "needed"), [(0, 1, 6), (1, 9, 6), (1, 2, 6), (1, 1, 10), (2, 1, 15), (9, 1, 15)]
)
def test_the_more_usual_refusals_were_the_longer_a_streak_must_be(
    refused: int, accepted: int, needed: int
) -> None:
    """From 6 to 15, so that chance does not open it where most attempts are refused anyway."""
    one = breaker()
    one.accepted(NOW)
    for _ in range(200):
        for _ in range(refused):
            assert not one.refused(NOW)
        for _ in range(accepted):
            one.accepted(NOW)
    assert [one.refused(NOW + 1) for _ in range(needed)] == [False] * (needed - 1) + [True]


def test_a_long_outage_is_not_usual() -> None:
    """Its hundreds of refusals do not count: when it is over, six in a row are too many as before."""
    one = opened()
    for n in range(500):
        one.refused(NOW + n)
    one.accepted(NOW + 600)
    for _ in range(60):
        one.accepted(NOW + 601)
    assert [one.refused(NOW + 610) for _ in range(6)] == [False] * 5 + [True]


# -- probing ------------------------------------------------------------------------------------------------------


def test_closed_it_lets_all_go() -> None:
    """Nothing is a probe."""
    one = breaker()
    assert one.when(NOW) == NOW
    assert [one.send(NOW) for _ in range(3)] == [0, 0, 0]


def test_the_interval_of_probes() -> None:
    """1 s, then 1.6 times as long after each refused one, at most 5 s."""
    one, now, gaps = exact(), NOW, []
    for _ in range(7):
        at = one.when(now)
        gaps.append(round(at - now, 3))
        now = at
        one.refused(now, one.send(now))
    assert gaps == [1.0, 1.6, 2.56, 4.096, 5.0, 5.0, 5.0]


def test_the_next_outage_begins_with_short_intervals() -> None:
    """What the last one had come to is forgotten."""
    one, now = exact(), NOW
    for _ in range(7):
        now = one.when(now)
        one.refused(now, one.send(now))
    one.accepted(now)
    now += 100
    while not one.refused(now):
        pass
    assert one.when(now) == now + 1.0


def test_while_a_probe_is_under_way_nobody_goes() -> None:
    """Until its verdict."""
    one = exact()
    assert one.send(NOW + 1) == 1
    assert one.when(NOW + 10.9) == math.inf
    one.refused(NOW + 10.9, 1)
    assert one.when(NOW + 10.9) == NOW + 12.5


def test_a_probe_that_says_nothing_is_waited_for_no_more() -> None:
    """After 10 s the next may go, and alone; the verdict of the silent one says nothing of that."""
    one = exact()
    silent = one.send(NOW + 1)
    assert one.patient_until == NOW + 11
    assert one.when(NOW + 11) == NOW + 11
    second = one.send(NOW + 11)
    assert second != silent
    for end in (lambda: one.refused(NOW + 12, silent), lambda: one.returned(silent)):
        end()
        assert one.when(NOW + 12) == math.inf
    one.refused(NOW + 13, second)
    assert one.when(NOW + 13) < NOW + 18
    # Whoever is taken, the silent one too, shows that it is over.
    assert one.accepted(NOW + 14, NOW + 1)


def test_a_probe_that_ends_without_a_verdict_makes_room_for_the_next() -> None:
    """Its client left: the next may go, when it would have."""
    one = exact()
    probe = one.send(NOW)
    one.returned(probe)
    assert one.when(NOW + 0.5) == NOW + 1.0
    assert one.when(NOW + 10) == NOW + 10


def test_an_acceptance_closes_it() -> None:
    """Of the probe, or of one that was under way before."""
    for probe_first in (True, False):
        one = exact()
        if probe_first:
            one.send(NOW + 1)
        assert one.accepted(NOW + 4)
        assert not one.open
        assert one.when(NOW + 4) == NOW + 4
        assert not one.accepted(NOW + 5)


def test_a_probe_of_an_earlier_time_frees_nobody() -> None:
    """It closed and opened again while an old probe was under way: that one's end is not the new one's."""
    one = exact()
    old = one.send(NOW)
    one.accepted(NOW + 1)  # another stream
    while not one.refused(NOW + 10):
        pass
    new = one.send(NOW + 15)
    assert new != old
    one.returned(old)
    assert one.when(NOW + 20) == math.inf
    one.refused(NOW + 20, old)
    assert one.when(NOW + 20) == math.inf
    one.refused(NOW + 21, new)
    assert NOW + 21 < one.when(NOW + 21) < NOW + 27


def test_stragglers_do_not_free_a_probe() -> None:
    """Refusals of attempts that went before it opened say nothing of the probe under way."""
    one = exact()
    one.send(NOW)
    for _ in range(50):
        one.refused(NOW + 0.3)
    assert one.when(NOW + 0.3) == math.inf


def test_the_machine_slept() -> None:
    """Eight hours later the next probe goes at once, and one acceptance is enough."""
    one = exact()
    now = NOW + 8 * 3600
    assert one.when(now) == now
    one.send(now)
    assert one.accepted(now + 1)


def test_intervals_are_spread() -> None:
    """A fifth up and down, by the seeded draw: gateways that opened together do not probe together."""
    firsts = {opened_at(seed) for seed in range(50)}
    assert len(firsts) == 50
    assert min(firsts) >= NOW + 0.8
    assert max(firsts) <= NOW + 1.2
    assert opened_at(7) == opened_at(7)


def opened_at(seed: int) -> float:
    one = breaker(seed)
    while not one.refused(NOW):
        pass
    return one.when(NOW)


class AnyCourse(RuleBasedStateMachine):
    """Attempts by the book, verdicts of all kinds in any order, steps and jumps of the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.now, self.era = breaker(), NOW, 0
        self.under_way: list[tuple[int, int, float]] = []
        """Number of the probe, or 0; how often it had opened by then; and when it went."""

    @rule(by=st.sampled_from((0.0, 0.1, 1.0, 6.0, 8 * 3600.0)))
    def time(self, by: float) -> None:
        self.now += by

    @precondition(lambda self: self.one.when(self.now) <= self.now)
    @rule()
    def attempt(self) -> None:
        was_open = self.one.open
        self.under_way.append((self.one.send(self.now), self.era, self.now))
        assert bool(self.under_way[-1][0]) == was_open

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 99), verdict=st.sampled_from(("refused", "refused", "accepted", "returned")))
    def verdict(self, which: int, verdict: str) -> None:
        probe, *_ = self.under_way.pop(which % len(self.under_way))
        match verdict:
            case "refused":
                self.era += self.one.refused(self.now, probe)
            case "accepted":
                was_open = self.one.open
                assert self.one.accepted(self.now) == was_open
                assert not self.one.open
            case _:
                self.one.returned(probe)

    @invariant()
    def one_probe_at_a_time(self) -> None:
        heard = self.now - PARAMS.probe_silence
        probes = [probe for probe, era, at in self.under_way if probe and era == self.era and at > heard]
        if self.one.open:
            assert len(probes) <= 1
            assert (self.one.when(self.now) == math.inf) == bool(probes)
            assert self.one.when(self.now) == math.inf or self.one.when(self.now) <= self.now + 6.0
        else:
            assert self.one.when(self.now) == self.now


AnyCourse.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestAnyCourse = AnyCourse.TestCase
