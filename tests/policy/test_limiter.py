"""How fast running streams may grow: each state and what leads out of it, and what a refusal can never do."""

import math
import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seawall.config import Limiter as Params
from seawall.policy.limiter import Kind, Limiter, State
from seawall.policy.load import Load

# Not the defaults: those may be tuned, and the machine stays what it is.
PARAMS = Params(
    quiet=30.0,
    calm_rate=4.0,
    calm_burst=8,
    late=0.05,
    fleet_rate=0.2,
    most_rate=1.0,
    least_rate=0.1,
    least_share=0.03,
    queue_time=480.0,
    acceptance_time=20.0,
    waiting_rate=0.8,
    backlog_share=0.5,
    backlog_least=4,
    backlog_time=5.0,
    strained_share=1.5,
    strained_most=12.0,
    depth=0.7,
    look_margin=4,
    look_again=45.0,
    look_most=180.0,
    foreign_share=4.0,
    foreign_most=40.0,
    own_pause=20.0,
    skip_step=0.5,
    skip_most=8.0,
    spare=3,
    spare_share=0.05,
    up=2.0,
    own_up=1.25,
    own_run=3,
    climb_from=3,
    climb_weight=4,
    climb_fleet_rate=0.01,
    own_down=0.5,
    foreign_down=0.93,
    refusal_gap=0.5,
    ramp_fleet_rate=0.02,
)
NOW = 1000.0


class Middle(random.Random):
    """Draws the middle of every range: a gap is exactly one by the rate."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def lane(queued: int = 0, in_flight: int = 0) -> tuple[Limiter, Load]:
    load = Load()
    load.queued, load.in_flight = queued, in_flight
    return Limiter(PARAMS, load, Middle()), load


def crowded(queued: int = 40, in_flight: int = 20) -> tuple[Limiter, Load, float]:
    """A lane with a backlog that looks whose doing its refusals are, and the moment."""
    limiter, load = lane(queued, in_flight)
    limiter.refused(Kind.SURPLUS, NOW, 1)
    now = NOW + 20
    limiter.refused(Kind.REPLACEMENT, now, 1)
    assert limiter.state(now) is State.OWN
    return limiter, load, now


def own(queued: int = 40, in_flight: int = 20) -> tuple[Limiter, Load, float]:
    """One that has looked, and found that it was its own doing."""
    limiter, load, now = crowded(queued, in_flight)
    low(limiter, load, now)
    for _ in range(PARAMS.look_margin):
        limiter.accepted(Kind.REPLACEMENT, now, now - 1)
    load.in_flight = limiter._height = in_flight
    assert limiter.state(now) is State.OWN
    return limiter, load, now


def low(limiter: Limiter, load: Load, now: float) -> None:
    """A verdict that shows the lane its height, then far fewer under way."""
    limiter.accepted(Kind.REPLACEMENT, now, now - 1)
    load.in_flight = int(load.in_flight * PARAMS.depth)


# -- calm ---------------------------------------------------------------------------------------------------------


def test_eight_calls_of_one_person_go_at_once_and_then_four_a_second() -> None:
    """Nothing limits a calm lane; starts are only spread."""
    limiter, _ = lane()
    sent = 0
    while limiter.when(NOW) <= NOW:
        assert limiter.send(NOW) is Kind.SURPLUS
        sent += 1
    assert sent == 8
    assert limiter.when(NOW) == pytest.approx(NOW + 0.25)
    assert (limiter.state(NOW), limiter.limit(NOW)) == (State.CALM, None)


def test_a_fleet_starts_in_some_five_seconds() -> None:
    """The rate of a calm lane grows with those who are in it: 40 a second for 200."""
    limiter, load = lane(queued=200)
    now, sent = NOW, 0
    while sent < 200:
        now = max(now, limiter.when(now))
        limiter.send(now)
        sent += 1
        load.queued, load.in_flight = 200 - sent, sent
    assert now - NOW == pytest.approx(192 / 40, abs=0.01)


def test_a_stream_that_ended_is_replaced_at_once() -> None:
    """Beside the rate, and once each."""
    limiter, _ = lane(queued=5, in_flight=10)
    limiter.refused(Kind.SURPLUS, NOW, 1)
    assert limiter.when(NOW) > NOW
    surplus = limiter.when(NOW)
    limiter.ended(NOW)
    limiter.ended(NOW)
    assert limiter.when(NOW) == NOW
    assert [limiter.send(NOW), limiter.send(NOW)] == [Kind.REPLACEMENT] * 2
    assert limiter.when(NOW) == surplus


@pytest.mark.parametrize(("in_flight", "most"), [(0, 3), (10, 3), (20, 4), (200, 13)])
def test_spare_places_are_few(in_flight: int, most: int) -> None:
    """Streams that ended while nobody waited count as three, and one for each twenty under way."""
    limiter, _ = lane(in_flight=in_flight)
    limiter.refused(Kind.SURPLUS, NOW, 1)
    for _ in range(50):
        limiter.ended(NOW)
    sent = 0
    while limiter.when(NOW) <= NOW:
        assert limiter.send(NOW) is Kind.REPLACEMENT
        sent += 1
    assert sent == most


def test_an_attempt_without_a_verdict_gives_its_place_back() -> None:
    """A replacement that was dropped leaves the place free; anything else used up only time."""
    limiter, _ = lane(in_flight=10)
    limiter.refused(Kind.SURPLUS, NOW, 1)
    limiter.ended(NOW)
    limiter.returned(limiter.send(NOW))
    assert limiter.when(NOW) == NOW
    assert limiter.send(NOW) is Kind.REPLACEMENT
    later = limiter.when(NOW)
    limiter.returned(Kind.SURPLUS)
    limiter.returned(Kind.PROBE)
    assert limiter.when(NOW) == later > NOW


# -- strained -----------------------------------------------------------------------------------------------------


def test_refusals_without_a_backlog() -> None:
    """Few wait: the rate falls by seven percent a refusal, whoever's doing it is, and is kept above its lower bound."""
    limiter, _ = lane(queued=2, in_flight=10)
    limiter.refused(Kind.SURPLUS, NOW, 1)
    assert limiter.state(NOW) is State.STRAINED
    assert limiter.rate == pytest.approx(1.0 * 0.93)
    assert limiter.when(NOW) == pytest.approx(NOW + 0.5 / limiter.rate)
    for _ in range(100):
        limiter.refused(Kind.SURPLUS, NOW, 1)
    assert limiter.rate == pytest.approx(0.1)


def test_while_few_wait_each_tries_about_once_a_second() -> None:
    """The rate of a strained lane is at most 0.8 for each who waits, and at least 1 may be reached."""
    for queued, gap in ((1, 1.0), (3, 1 / 2.4)):
        limiter, _ = lane(queued=queued, in_flight=100)
        limiter.refused(Kind.REPLACEMENT, NOW, 1)
        limiter.rate = 50.0
        at = limiter.when(NOW)
        limiter.send(at)
        assert limiter.when(at) == pytest.approx(at + gap)


def test_a_timer_that_rings_late_does_not_slow_the_rate_down() -> None:
    """The next attempt counts from when the last was due; what is later than that by more is not made up for."""
    for late, made_up in ((0.0, 0.0), (0.02, 0.02), (0.05, 0.05), (20.0, 0.05)):
        limiter, _ = lane(queued=1, in_flight=100)
        limiter.refused(Kind.REPLACEMENT, NOW, 1)
        at = limiter.when(NOW) + late
        limiter.send(at)
        assert limiter.when(at) == pytest.approx(at + 1.0 - made_up, rel=0, abs=1e-6)


def test_half_a_minute_without_a_refusal_is_calm() -> None:
    """Exactly as long as it was said."""
    limiter, _ = lane(in_flight=10)
    limiter.refused(Kind.SURPLUS, NOW, 1)
    assert limiter.state(NOW + 30) is State.STRAINED
    assert limiter.state(NOW + 30.1) is State.CALM


def test_an_acceptance_doubles_the_rate_up_to_its_bound() -> None:
    """And the next attempt goes after a gap of the new rate at the latest."""
    limiter, _ = lane(queued=2, in_flight=28)
    for _ in range(20):
        limiter.refused(Kind.SURPLUS, NOW, 1)
    rates = []
    for _ in range(5):
        limiter.accepted(Kind.SURPLUS, NOW)
        rates.append(limiter.rate)
    first = rates[0] / 2
    assert rates == pytest.approx([min(6.0, first * 2**n) for n in range(1, 6)])
    assert limiter.when(NOW) <= NOW + 1 / first


def test_a_replacement_teaches_nothing_of_the_rate() -> None:
    """Accepted or refused: it took a place that was free, or not."""
    limiter, _ = lane(queued=2, in_flight=10)
    limiter.refused(Kind.SURPLUS, NOW, 1)
    before = limiter.rate
    limiter.accepted(Kind.REPLACEMENT, NOW)
    limiter.refused(Kind.REPLACEMENT, NOW, 1)
    assert limiter.rate == before


# -- own and foreign ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("queued", "in_flight", "state"),
    [(4, 0, State.STRAINED), (5, 0, State.OWN), (10, 20, State.STRAINED), (11, 20, State.OWN)],
)
def test_what_a_backlog_is(queued: int, in_flight: int, state: State) -> None:
    """More than four, and more than half of what is under way; on average over some seconds."""
    limiter, _ = lane(queued, in_flight)
    limiter.queue_changed(NOW)
    limiter.refused(Kind.SURPLUS, NOW + 20, 1)
    limiter.refused(Kind.SURPLUS, NOW + 29, 2)
    assert limiter.state(NOW + 29) is state


def test_a_crowd_of_a_moment_is_no_backlog() -> None:
    """Forty that wait for a second are not yet one; after ten seconds they are."""
    limiter, load = lane(0, 20)
    limiter.queue_changed(NOW)
    load.queued = 40
    limiter.refused(Kind.SURPLUS, NOW + 1, 1)
    assert limiter.state(NOW + 1) is State.STRAINED
    limiter.refused(Kind.SURPLUS, NOW + 10, 2)
    assert limiter.state(NOW + 10) is State.OWN


def test_many_refusals_make_a_few_who_wait_matter() -> None:
    """Twelve more than one and a half for each acceptance, with five that wait; with four it does not matter."""
    for queued, state in ((5, State.OWN), (4, State.STRAINED)):
        limiter, _ = lane(queued, in_flight=100)
        for streak in range(1, 12):
            limiter.refused(Kind.SURPLUS, NOW, streak)
        limiter.accepted(Kind.SURPLUS, NOW, NOW)
        assert limiter.state(NOW) is State.STRAINED
        limiter.refused(Kind.SURPLUS, NOW, 1)
        limiter.refused(Kind.SURPLUS, NOW, 2)
        assert limiter.state(NOW) is State.STRAINED
        limiter.refused(Kind.SURPLUS, NOW, 3)
        assert limiter.state(NOW) is state


@pytest.mark.parametrize("refused", [1, 3])
def test_a_part_that_is_refused_for_long_is_no_matter(refused: int) -> None:
    """One or three in ten, for as long as it likes: few wait, and each tries again."""
    limiter, _ = lane(queued=15, in_flight=100)
    limiter.queue_changed(NOW)
    for n in range(500):
        if n % 10 < refused:
            limiter.refused(Kind.REPLACEMENT, NOW + n / 10, 1)
        else:
            limiter.accepted(Kind.REPLACEMENT, NOW + n / 10, NOW)
        assert limiter.state(NOW + n / 10) is State.STRAINED


def climbing(*, queued: int = 20, in_flight: int = 20) -> tuple[Limiter, Load, float]:
    """One whose doing it was, with a rate of 0.5 * 1.25**2 from two acceptances, which the third doubled."""
    limiter, load, now = own()
    load.queued, load.in_flight = queued, in_flight
    limiter.rate = 1.0
    limiter.refused(Kind.SURPLUS, now, 1)
    assert limiter.rate == pytest.approx(0.5)
    for kind in (Kind.SURPLUS, Kind.SURPLUS, Kind.REPLACEMENT):
        limiter.accepted(kind, now + 1, now + 0.5)
    assert limiter.rate == pytest.approx(0.5 * 1.25**2 * 2)
    return limiter, load, now + 1


def test_in_its_own_doing_a_refusal_halves_the_rate() -> None:
    """Two gentle steps up, then it climbs: replacements double the rate as well as surplus attempts."""
    limiter, _, now = climbing()
    limiter.accepted(Kind.SURPLUS, now, now - 0.5)
    assert limiter.rate == pytest.approx(0.5 * 1.25**2 * 4)
    limiter.accepted(Kind.REPLACEMENT, now, now - 0.5)
    assert limiter.rate == pytest.approx(0.5 * 1.25**2 * 8)


@pytest.mark.parametrize("kind", [Kind.REPLACEMENT, Kind.SURPLUS])
def test_a_climb_in_vain_is_taken_back(kind: Kind) -> None:
    """The first refusal of any attempt puts the rate to where it was when the climb began, however far that got; the
    next of a surplus attempt halves it."""
    limiter, _, now = climbing()
    for _ in range(3):
        limiter.accepted(Kind.SURPLUS, now, now - 0.5)
    assert limiter.rate == pytest.approx(8.0)
    limiter.refused(kind, now, 1)
    assert limiter.rate == pytest.approx(0.5 * 1.25**2)
    assert limiter.when(now) >= now + 0.5 / limiter.rate
    limiter.refused(Kind.SURPLUS, now, 2)
    assert limiter.rate == pytest.approx(0.25 * 1.25**2)


def test_a_climb_that_one_refusal_would_halve_further_is_halved() -> None:
    """A climb that has only begun is taken back no less than any other step up."""
    limiter, _, now = climbing()
    limiter._base = 1.0
    limiter.refused(Kind.SURPLUS, now, 1)
    assert limiter.rate == pytest.approx(0.5 * 1.25**2)


def test_after_a_climb_in_vain_room_is_to_be_proven_again() -> None:
    """What was accepted before the refusal counts for nothing: gentle steps first."""
    limiter, _, now = climbing()
    limiter.refused(Kind.SURPLUS, now, 1)
    rate = limiter.rate
    limiter.accepted(Kind.REPLACEMENT, now + 1, now + 0.5)
    assert limiter.rate == rate
    limiter.accepted(Kind.SURPLUS, now + 1, now + 0.5)
    assert limiter.rate == pytest.approx(rate * 1.25)


@pytest.mark.parametrize(("in_flight", "climbs"), [(1, True), (2, True), (3, False), (40, False)])
def test_one_more_proves_the_more_the_fewer_run(in_flight: int, climbs: bool) -> None:
    """Two of which one was not there a moment ago show room; of forty, one more is hardly any."""
    limiter, load, now = own()
    load.queued, load.in_flight = 40, in_flight
    limiter.rate = 1.0
    limiter.refused(Kind.SURPLUS, now, 1)
    limiter.accepted(Kind.SURPLUS, now + 1, now + 0.5)
    assert limiter.rate == pytest.approx(1.0 if climbs else 0.5 * 1.25)


def test_a_climb_begins_with_a_share_of_the_fleet() -> None:
    """One hundredth a second here: from a rate of a few an hour, doubling alone would take minutes."""
    limiter, load, now = own()
    load.queued, load.in_flight = 400, 200
    limiter.rate = 0.1
    limiter.refused(Kind.SURPLUS, now, 1)
    for _ in range(2):
        limiter.accepted(Kind.REPLACEMENT, now + 1, now + 0.5)
    assert limiter.rate < 1.0
    limiter.accepted(Kind.REPLACEMENT, now + 1, now + 0.5)
    assert limiter.rate == pytest.approx(6.0)
    limiter.accepted(Kind.REPLACEMENT, now + 1, now + 0.5)
    assert limiter.rate == pytest.approx(12.0)


def test_a_climb_that_led_to_calm_is_not_taken_back() -> None:
    """The first refusal after half a minute is a new episode's."""
    limiter, load, now = climbing()
    load.queued = 0
    limiter.queue_changed(now)
    limiter.refused(Kind.REPLACEMENT, now + 31, 1)
    assert limiter.state(now + 31) is State.STRAINED
    assert limiter.rate == pytest.approx(1.0)


def test_what_was_sent_before_a_refusal_proves_no_room() -> None:
    """Its acceptance comes seconds later, and is older news than the refusal."""
    limiter, load, now = own()
    load.queued = 20
    limiter.rate = 1.0
    limiter.refused(Kind.SURPLUS, now, 1)
    for n in range(1, 6):
        limiter.accepted(Kind.SURPLUS, now + 1, now - 1)
        assert limiter.rate == pytest.approx(0.5 * 1.25**n)
    for _ in range(5):
        limiter.accepted(Kind.REPLACEMENT, now + 1, now - 1)
    assert limiter.rate == pytest.approx(0.5 * 1.25**5)


def test_refused_replacements_make_it_shrink() -> None:
    """Streaks of 1, 2 and 3 leave three of the next streams without a successor; an acceptance forgets that."""
    limiter, _, now = own(queued=400, in_flight=200)
    for streak in (1, 2, 3):
        limiter.refused(Kind.REPLACEMENT, now, streak)
    for _ in range(3):
        limiter.ended(now)
        assert limiter.when(now) > now
    limiter.ended(now)
    assert limiter.when(now) == now
    assert limiter.send(now) is Kind.REPLACEMENT
    limiter.refused(Kind.REPLACEMENT, now, 20)
    limiter.accepted(Kind.REPLACEMENT, now, now)
    limiter.ended(now)
    assert limiter.when(now) == now


def test_without_a_backlog_refused_replacements_do_not_make_it_shrink() -> None:
    """Each goes on being replaced."""
    limiter, _ = lane(queued=2, in_flight=20)
    for streak in (1, 2, 3):
        limiter.refused(Kind.REPLACEMENT, NOW, streak)
    limiter.ended(NOW)
    assert limiter.when(NOW) == NOW


def test_it_shrinks_no_further_than_where_it_looks() -> None:
    """On the way down no stream is replaced; from seven tenths of where it was on each is, to see what becomes of
    it."""
    limiter, load, now = crowded(in_flight=20)
    limiter.accepted(Kind.REPLACEMENT, now, now - 1)
    for _ in range(9):
        limiter.refused(Kind.REPLACEMENT, now, 3)
    for in_flight in range(19, 14, -1):
        load.in_flight = in_flight
        limiter.ended(now)
        assert limiter.when(now) > now
    load.in_flight = 14
    limiter.ended(now)
    assert limiter.when(now) == now


def test_a_look_ends_with_the_calm() -> None:
    """After half a minute without a refusal streams are replaced as ever, however the look stood."""
    limiter, _, now = crowded()
    limiter.ended(now)
    assert limiter.when(now) > now
    now += 30.1
    limiter.ended(now)
    assert limiter.when(now) == now
    assert limiter.send(now) is Kind.REPLACEMENT


def test_nobody_waits_any_more() -> None:
    """Whose doing it was is no question then, while it looks or afterwards."""
    for make in (crowded, own):
        limiter, load, now = make()
        load.queued = 0
        limiter.queue_changed(now)
        now += 20
        limiter.refused(Kind.SURPLUS, now, 1)
        assert limiter.state(now) is State.STRAINED


def test_refusals_below_are_not_our_doing() -> None:
    """Four more than acceptances a third further down: it goes on trying, at a quarter of its bound."""
    limiter, load, now = crowded()
    low(limiter, load, now)
    limiter.accepted(Kind.REPLACEMENT, now, now - 1)
    for n in range(5):
        assert limiter.state(now) is State.OWN, n
        limiter.refused(Kind.REPLACEMENT, now, 1)
    assert limiter.state(now) is State.FOREIGN
    assert limiter.rate >= 0.2 * 54 / 4
    limiter.refused(Kind.REPLACEMENT, now, 20)
    limiter.ended(now)
    limiter.ended(now)
    assert limiter.when(now) == now  # no stream is left without a successor


def test_where_all_are_refused_nothing_is_concluded() -> None:
    """Capacity is falling still, or it is an outage: not before something was taken down there."""
    limiter, load, now = crowded()
    low(limiter, load, now)
    for _ in range(50):
        limiter.refused(Kind.REPLACEMENT, now, 1)
    assert limiter.state(now) is State.OWN
    limiter.accepted(Kind.REPLACEMENT, now, now - 1)
    limiter.refused(Kind.REPLACEMENT, now, 1)
    assert limiter.state(now) is State.FOREIGN


@pytest.mark.parametrize("down_there", [True, False])
def test_acceptances_are_the_proof_that_it_was(down_there: bool) -> None:
    """Refusals are gone down there, or on the way already: it stays low, replaces what ends, and is gentle."""
    limiter, load, now = crowded()
    if down_there:
        low(limiter, load, now)
    for _ in range(PARAMS.look_margin):
        limiter.ended(now)
        limiter.accepted(Kind.REPLACEMENT, now + 1, now + 1)
    assert limiter.state(now + 1) is State.OWN
    limiter.ended(now + 1)
    assert limiter.when(now + 1) == now + 1


def test_a_refused_replacement_far_below_speaks_against_its_own_doing() -> None:
    """Where it was found 20 ran. With 14 a service full only of us would take one for each that ended: the next
    acceptance gives the conclusion up. A refusal itself never lets anybody go sooner."""
    limiter, load, now = own()
    limiter.rate, limiter._next, load.queued = 0.1, now + 100, 60
    load.in_flight = 14
    limiter.refused(Kind.REPLACEMENT, now, 1)
    assert limiter.state(now) is State.OWN
    assert limiter.when(now) >= now + 100
    limiter.accepted(Kind.SURPLUS, now, now - 1)
    assert limiter.state(now) is State.STRAINED
    assert limiter.rate >= PARAMS.climb_fleet_rate * (60 + load.in_flight)
    assert limiter.when(now) <= now + 1 / limiter.rate


@pytest.mark.parametrize(
    ("kind", "in_flight", "streak"),
    [(Kind.REPLACEMENT, 15, 1), (Kind.REPLACEMENT, 5, 2), (Kind.SURPLUS, 5, 1)],
)
def test_its_own_doing_is_not_doubted_for(kind: Kind, in_flight: int, streak: int) -> None:
    """A few slots fewer are noise; several refusals in a row are a service that shrinks; and those who try for more
    room are refused because there is none."""
    limiter, load, now = own()
    load.in_flight = in_flight
    for _ in range(20):
        limiter.refused(kind, now, streak)
        limiter.accepted(Kind.REPLACEMENT, now, now - 1)
    assert limiter.state(now) is State.OWN


def test_its_own_doing_is_given_up_after_a_time() -> None:
    """A part of all attempts may be refused whatever it does, and few streams would stay few. A backlog alone is no
    reason to look again for twenty seconds."""
    limiter, _, now = own()

    def goes_on(until: float) -> None:
        nonlocal now
        while now < until:
            now += 1
            limiter.refused(Kind.SURPLUS, now, 1)
            limiter.accepted(Kind.REPLACEMENT, now, now - 1)

    start = now
    goes_on(start + 45)
    assert limiter.state(now) is State.OWN
    goes_on(start + 46)
    assert limiter.state(now) is State.STRAINED
    goes_on(start + 65)
    assert limiter.state(now) is State.STRAINED
    goes_on(start + 67)
    assert limiter.state(now) is State.OWN
    assert limiter._looks


def test_what_is_given_up_is_tried_at_once() -> None:
    """From the rate that a lane came down to, nothing would have been tried before the pause is over. A refusal alone
    gives nothing up: it never lets anybody go sooner."""
    limiter, load, now = own()
    for _ in range(45):
        now += 1
        limiter.refused(Kind.SURPLUS, now, 1)
        limiter.accepted(Kind.REPLACEMENT, now, now - 1)
    limiter.rate, limiter._next, load.queued = 0.1, now + 100, 60
    now += 1
    limiter.refused(Kind.REPLACEMENT, now, 1)
    assert limiter.state(now) is State.OWN
    assert limiter.rate <= 0.1
    limiter.accepted(Kind.REPLACEMENT, now, now - 1)
    assert limiter.state(now) is State.STRAINED
    assert limiter.rate == PARAMS.climb_fleet_rate * (60 + load.in_flight)
    assert limiter.when(now) == now + 1 / limiter.rate


def foreign() -> tuple[Limiter, Load, float]:
    limiter, load, now = crowded()
    look(limiter, load, now)
    return limiter, load, now


def look(limiter: Limiter, load: Load, now: float) -> None:
    """Down, and as many refusals there."""
    low(limiter, load, now)
    limiter.accepted(Kind.REPLACEMENT, now, now - 1)
    for _ in range(5):
        limiter.refused(Kind.REPLACEMENT, now, 1)
    load.in_flight = 20
    assert limiter.state(now) is State.FOREIGN


def test_that_conclusion_holds_for_so_long() -> None:
    """After 45 s it is an open question again; the same answer holds for 90 s then, and for 180 s at most."""
    limiter, load, now = foreign()
    for holds in (45.0, 90.0, 180.0, 180.0):
        for _ in range(int(holds / 15)):
            now += 15
            limiter.refused(Kind.SURPLUS, now, 1)
            assert limiter.state(now) is State.FOREIGN
        now += 0.1
        limiter.refused(Kind.SURPLUS, now, 1)
        assert limiter.state(now) is State.STRAINED
        limiter.refused(Kind.SURPLUS, now + 0.1, 1)
        assert limiter.state(now + 0.1) is State.OWN
        look(limiter, load, now + 0.1)
        now += 0.1


def test_to_push_in_vain_was_a_mistake() -> None:
    """Forty refusals more than four for each acceptance: it was our doing after all, and it looks again. Seven in ten
    refused, for however long, are no reason."""
    limiter, _, now = foreign()
    for n in range(1, 401):
        if n % 10 < 7:
            limiter.refused(Kind.SURPLUS, now + n / 20, 1)
        else:
            limiter.accepted(Kind.SURPLUS, now + n / 20, now)
        assert limiter.state(now + n / 20) is State.FOREIGN
    now += 20
    limiter.accepted(Kind.SURPLUS, now, now)
    for n in range(40):
        assert limiter.state(now) is State.FOREIGN, n
        limiter.refused(Kind.SURPLUS, now, 1)
    assert limiter.state(now) is State.OWN


def test_others_refusals_cost_the_rate_little() -> None:
    """Seven percent each; acceptances double it."""
    limiter, _, now = foreign()
    limiter.rate = 4.0
    limiter.refused(Kind.SURPLUS, now, 1)
    assert limiter.rate == pytest.approx(4.0 * 0.93)
    limiter.accepted(Kind.SURPLUS, now)
    assert limiter.rate == pytest.approx(4.0 * 0.93 * 2)


def test_a_new_episode_is_judged_anew() -> None:
    """After half a minute of calm nothing of the old conclusion is left."""
    limiter, _, now = foreign()
    limiter.refused(Kind.SURPLUS, now + 31, 1)
    assert limiter.state(now + 31) is State.OWN


def test_an_open_breaker_makes_all_of_it_void() -> None:
    """Places that were free are none; the next episode is judged anew."""
    limiter, _, now = foreign()
    limiter.ended(now)
    limiter.stop()
    assert limiter.when(now) > now
    assert limiter.state(now) is State.STRAINED


def test_after_an_outage_it_begins_at_four_a_second_and_doubles() -> None:
    """With each acceptance, until the first refusal: then as ever."""
    limiter, _ = lane(queued=190, in_flight=10)
    limiter.refused(Kind.SURPLUS, NOW, 1)
    limiter.refused(Kind.SURPLUS, NOW + 1, 6)
    limiter.stop()
    now = NOW + 20
    limiter.ramp(now)
    assert limiter.when(now) == now
    limiter.send(now)
    assert limiter.when(now) == pytest.approx(now + 1 / 4)
    rates = []
    for _ in range(3):
        limiter.accepted(Kind.SURPLUS, now)
        rates.append(limiter.rate)
    assert rates == pytest.approx([8.0, 16.0, 32.0])
    limiter.refused(Kind.SURPLUS, now, 1)
    assert limiter.rate == pytest.approx(16.0)
    limiter.accepted(Kind.SURPLUS, now)
    assert limiter.rate == pytest.approx(20.0)


# -- time ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asleep", [31.0, 8 * 3600.0, 400 * 86400.0])
def test_the_machine_slept(asleep: float) -> None:
    """From any state a long silence leads to calm, and the first attempts go at once."""
    for make in (crowded, foreign):
        limiter, load, now = make()
        now += asleep
        load.queued = load.in_flight = 0
        assert limiter.state(now) is State.CALM
        assert limiter.when(now) <= now
        limiter.accepted(limiter.send(now), now)
        assert math.isfinite(limiter.rate)


class AnyCourse(RuleBasedStateMachine):
    """Attempts when they may go, verdicts of all kinds, people who come and leave, steps and jumps of the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.load = Load()
        self.limiter = Limiter(PARAMS, self.load, random.Random(7))
        self.now = NOW
        self.under_way: list[Kind] = []
        self.running = 0
        self.streak = 0

    def _changed(self) -> None:
        self.load.in_flight = len(self.under_way) + self.running

    @rule(by=st.sampled_from((0.0, 0.05, 0.5, 3.0, 31.0, 46.0, 8 * 3600.0)))
    def time(self, by: float) -> None:
        self.now += by

    @rule(queued=st.sampled_from((0, 1, 3, 8, 50, 10_000)))
    def crowd(self, queued: int) -> None:
        self.limiter.queue_changed(self.now)
        self.load.queued = queued

    @precondition(lambda self: self.limiter.when(self.now) <= self.now)
    @rule(most=st.integers(1, 12))
    def attempts(self, most: int) -> None:
        while most and self.limiter.when(self.now) <= self.now:
            self.under_way.append(self.limiter.send(self.now))
            most -= 1
        self._changed()

    @precondition(lambda self: self.under_way)
    @rule(most=st.integers(1, 12))
    def refused(self, most: int) -> None:
        """Never grows the rate that holds, nor lets anybody go sooner: except by the conclusion `foreign`."""
        limiter, now = self.limiter, self.now
        while most and self.under_way:
            most -= 1
            kind = self.under_way.pop(0)
            self._changed()
            self.streak += 1
            rate, when, before = max(limiter.rate, limiter._least()), limiter.when(now), limiter._found
            credit = limiter._credit
            limiter.refused(kind, now, self.streak)
            assert limiter._credit <= credit
            if limiter._found is State.FOREIGN is not before:
                assert PARAMS.look_again <= limiter._until - now <= PARAMS.look_most
                continue
            assert max(limiter.rate, limiter._least()) <= rate
            assert limiter.when(now) >= when

    @precondition(lambda self: self.under_way)
    @rule(most=st.integers(1, 12), ago=st.sampled_from((0.0, 1.5, 300.0)))
    def accepted(self, most: int, ago: float) -> None:
        while most and self.under_way:
            most -= 1
            self.limiter.accepted(self.under_way.pop(0), self.now, self.now - ago)
            self.running += 1
            self.streak = 0

    @precondition(lambda self: self.under_way)
    @rule()
    def dropped(self) -> None:
        self.limiter.returned(self.under_way.pop())
        self._changed()

    @precondition(lambda self: self.running)
    @rule(most=st.integers(1, 12))
    def ended(self, most: int) -> None:
        while most and self.running:
            most -= 1
            self.running -= 1
            self._changed()
            self.limiter.ended(self.now)

    @rule(ramps=st.booleans())
    def outage(self, ramps: bool) -> None:
        self.limiter.stop()
        if ramps:
            self.limiter.ramp(self.now)

    @invariant()
    def bounds(self) -> None:
        limiter = self.limiter
        assert PARAMS.least_rate <= limiter.rate < 1e6
        assert 0 <= limiter._credit < 1000
        assert 0 <= limiter._skip <= PARAMS.skip_most
        # The slowest there is: the longest gap of the lowest rate.
        assert limiter.when(self.now) <= self.now + 1.4 / PARAMS.least_rate
        assert limiter.limit(self.now) is None or limiter.limit(self.now) >= self.load.in_flight


AnyCourse.TestCase.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)
TestAnyCourse = AnyCourse.TestCase
