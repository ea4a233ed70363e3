"""The capacity model: who is refused, how fast who runs is served. No sleeping: time is passed in."""

import statistics

import pytest

from seawall.fake.capacity import Capacity, CapacityModel, Phase


def quiet(slots: float = 100.0, **more) -> Capacity:
    return Capacity(CapacityModel(slots=slots, noise=0.0, **more), seed=1)


def fill(capacity: Capacity, streams: int) -> None:
    """Start so many streams without asking."""
    capacity.running = streams


@pytest.mark.parametrize(
    ("running", "chance"), [(0, 0.0), (50, 0.0), (99, 0.0), (104, 0.25), (109, 0.5), (119, 1.0), (500, 1.0)]
)
def test_the_knee_is_soft(running, chance):
    """Never up to C, always from 1.2 C, a straight line between."""
    capacity = quiet()
    fill(capacity, running)
    assert capacity.refusal_probability(0.0) == pytest.approx(chance)


def test_refusals_come_as_often_as_stated():
    """Half of those at 1.1 C, nine in ten of them a 529, the others a 503."""
    capacity = quiet(refusal_cost=0)
    codes = []
    for _ in range(4000):
        fill(capacity, 109)
        codes.append(capacity.arrive(0.0))
    assert 1850 < codes.count(0) < 2150
    refused = [c for c in codes if c]
    assert set(refused) == {529, 503}
    assert 0.85 < refused.count(529) / len(refused) < 0.95


def test_foreign_refusals_do_not_depend_on_load():
    """e(t) and the knee are independent."""
    capacity = quiet(refuse=0.7)
    assert capacity.refusal_probability(0.0) == pytest.approx(0.7)
    fill(capacity, 109)
    assert capacity.refusal_probability(0.0) == pytest.approx(1 - 0.5 * 0.3)


def test_other_peoples_streams_take_slots_and_engine():
    """60 of theirs leave 40 of 100 for us."""
    capacity = quiet(others=60)
    fill(capacity, 39)
    assert capacity.refusal_probability(0.0) == 0.0
    fill(capacity, 59)
    assert capacity.refusal_probability(0.0) == pytest.approx(1.0)
    shared = quiet(slots=50, others=99)
    shared.arrive(0.0)
    assert Capacity(CapacityModel(slots=50, noise=0, others=99), 1).speed(1.0) == pytest.approx(50 / 99)


def test_running_streams_share_the_engine():
    """Alone at full speed; four on an engine of two at half; when they leave, full again."""
    capacity = quiet(slots=100, engine=2)
    capacity.arrive(0.0)
    assert capacity.worked(10.0) == pytest.approx(10.0)
    for _ in range(3):
        assert capacity.arrive(10.0) == 0
    assert capacity.speed(10.0) == 0.5
    assert capacity.worked(20.0) == pytest.approx(15.0)
    for _ in range(3):
        capacity.leave(20.0)
    assert capacity.worked(30.0) == pytest.approx(25.0)


def test_an_outage_refuses_all_and_lets_running_streams_go_on():
    """Admission closes from 5 to 10 s; the engine does not."""
    capacity = quiet(slots=10, phases=(Phase(begin=5, end=10, outage=True),))
    assert capacity.arrive(4.9) == 0
    assert capacity.arrive(5.0) in (529, 503)
    assert capacity.refusal_probability(9.9) == 1.0
    assert capacity.speed(9.9) == 1.0
    assert capacity.arrive(10.0) == 0


def test_a_brownout_slows_what_runs():
    """Fewer slots are also a smaller engine, unless the engine is named."""
    capacity = quiet(
        slots=10, phases=(Phase(begin=5, end=10, slots=2), Phase(begin=10, end=20, slots=2, engine=10))
    )
    for _ in range(4):
        assert capacity.arrive(0.0) == 0
    assert capacity.speed(7.0) == pytest.approx(0.5)
    assert capacity.speed(12.0) == pytest.approx(1.0)


def test_refusals_cost_slots():
    """Twenty a second for long take about two of a hundred; then it heals."""
    capacity = quiet(phases=(Phase(begin=0, end=60, refuse=1.0),))
    for tick in range(60 * 20):
        assert capacity.arrive(tick / 20)
    assert capacity.slots(60.0) == pytest.approx(98.0, abs=0.2)
    assert capacity.slots(120.0) == pytest.approx(100.0, abs=0.01)


def test_noise_is_slow_and_has_the_stated_spread():
    """Deviation of 10 %, correlation of about e^-1 after 30 s."""
    capacity = Capacity(CapacityModel(slots=100), seed=3)
    levels = [capacity.slots(float(t)) for t in range(20_000)]
    assert 98 < statistics.mean(levels) < 102
    assert 8.5 < statistics.pstdev(levels) < 11.5
    assert 0.25 < statistics.correlation(levels[:-30], levels[30:]) < 0.48


def test_the_same_seed_gives_the_same_service():
    """However often it is looked at between."""
    one, two, other = (Capacity(CapacityModel(slots=100), seed) for seed in (1, 1, 2))
    for t in range(1, 100):
        two.worked(t / 10)
    assert [one.slots(float(t)) for t in range(10, 60)] == [two.slots(float(t)) for t in range(10, 60)]
    assert one.slots(60.0) != other.slots(60.0)


def test_a_jump_of_the_clock_is_survived():
    """A day later the model works, at once, and the stream has been served."""
    capacity = quiet()
    capacity.arrive(0.0)
    assert capacity.worked(1e9) == pytest.approx(1e9)
    capacity.leave(1e9 + 1)
    assert capacity.running == 0


def test_phases_end_where_they_say():
    """Between phases the base is in force."""
    capacity = quiet(slots=10, phases=(Phase(begin=1, end=2, refuse=1.0), Phase(begin=3, end=4, others=30)))
    assert [capacity.refusal_probability(t) for t in (0.5, 1.5, 2.5, 3.5, 4.5)] == [0.0, 1.0, 0.0, 1.0, 0.0]
