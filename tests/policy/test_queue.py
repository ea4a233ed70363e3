"""Who is next: shares by agent, classes, ageing, promotion; and that nothing is kept of those who left."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.config import Queue as Params
from seawall.policy.queue import Queue, Ticket

HOLD = 900.0
# Not the defaults: those may be tuned, and the rules stay what they are.
PARAMS = Params(tokens_unit=1000.0, request_units=10.0, promote_share=0.2, age_share=0.5)


def ticket(flow: str = "s:1", begun_at: float = 0.0, **more: object) -> Ticket:
    return Ticket(flow, begun_at, begun_at + HOLD, **more)  # type: ignore[arg-type]


def joined(queue: Queue, *tickets: Ticket, now: float = 0.0) -> None:
    for one in tickets:
        queue.join(one, now)


def drained(queue: Queue, now: float = 0.0) -> list[Ticket]:
    """All, in the order in which they go."""
    order = []
    while (head := queue.head(now)) is not None:
        queue.take(head)
        order.append(head)
    return order


def entries(queue: Queue) -> int:
    return sum(map(len, (queue._first, queue._usual, queue._deferred, queue._moments)))


# -- order --------------------------------------------------------------------------------------------------------


def test_nobody_waits() -> None:
    """An empty line has no head and no moment."""
    queue = Queue(PARAMS)
    assert queue.head(5.0) is None
    assert queue.next_moment() == math.inf
    assert queue.size == 0


def test_one_agents_requests_go_in_their_order() -> None:
    """First come, first served, as long as only one asks."""
    queue, asked = Queue(PARAMS), [ticket() for _ in range(5)]
    joined(queue, *asked)
    assert drained(queue) == asked


def test_an_agent_that_asks_for_eight_things_gets_one_agents_share() -> None:
    """Eight of one agent before one of another: the other goes second, not ninth."""
    queue = Queue(PARAMS)
    many, one = [ticket("s:greedy") for _ in range(8)], ticket("s:plain")
    joined(queue, *many, one)
    assert drained(queue) == [many[0], one, *many[1:]]


def test_a_share_counts_tokens_a_little() -> None:
    """Ten units for each request and one for each thousand tokens: 30 000 tokens weigh as four plain requests."""
    queue = Queue(PARAMS)
    large = [ticket("s:large", tokens=30_000.0) for _ in range(3)]
    small = [ticket("s:small") for _ in range(9)]
    joined(queue, *large, *small)
    order = [one.flow[2:] for one in drained(queue)]
    assert order[:9] == ["large", "small", "small", "small", "small", "large", "small", "small", "small"]


def test_who_comes_late_has_saved_nothing() -> None:
    """A share that was not used is not paid back: an agent that slept begins where the others are."""
    queue = Queue(PARAMS)
    early = [ticket("s:early") for _ in range(6)]
    joined(queue, *early)
    for _ in range(4):
        head = queue.head(0.0)
        assert head is not None
        queue.take(head)
    late = [ticket("s:late") for _ in range(3)]
    joined(queue, *late)
    assert [one.flow for one in drained(queue)] == ["s:late", "s:early", "s:late", "s:early", "s:late"]


def test_an_old_request_does_not_turn_the_clock_back() -> None:
    """One that was refused long ago goes; who is new then begins where the others are, not where that one was."""
    queue, old = Queue(PARAMS), ticket("s:old")
    joined(queue, old)
    queue.take(old)
    others = [ticket("s:other") for _ in range(5)]
    joined(queue, *others)
    for _ in range(3):
        head = queue.head(0.0)
        assert head is not None
        queue.take(head)
    joined(queue, old)
    assert queue.head(0.0) is old
    queue.take(old)
    joined(queue, *(ticket("s:new") for _ in range(3)))
    assert [one.flow for one in drained(queue)] == ["s:new", "s:other", "s:new", "s:other", "s:new"]


def test_a_request_that_goes_first_takes_no_newcomers_share() -> None:
    """The last of a hundred goes first, because its hold is short: who comes then is next, not behind the hundred."""
    queue = Queue(PARAMS)
    joined(queue, *(ticket("s:greedy") for _ in range(100)))
    hurried = Ticket("s:greedy", 0.0, 20.0)
    joined(queue, hurried)
    assert queue.head(17.0) is hurried
    queue.take(hurried)
    new = ticket("s:new", 17.0)
    joined(queue, new, now=17.0)
    assert new in drained(queue, 17.0)[:2]


def test_work_that_can_wait_is_not_charged_to_what_cannot() -> None:
    """An agent with two hundred deferrable requests in line asks for something now: it has its share like any other."""
    queue = Queue(PARAMS)
    joined(queue, *(ticket("s:both", deferrable=True) for _ in range(200)))
    others = [ticket(f"s:{n % 5}") for n in range(50)]
    asked = ticket("s:both")
    joined(queue, *others, asked)
    assert drained(queue)[:6] == [*others[:5], asked]


def test_a_refused_request_keeps_its_place() -> None:
    """It joins again with its old tag, and is first."""
    queue, asked = Queue(PARAMS), [ticket(f"s:{n}") for n in range(4)]
    joined(queue, *asked)
    first = queue.head(0.0)
    assert first is asked[0]
    queue.take(first)
    joined(queue, first)
    assert drained(queue) == asked


def test_a_place_given_on_keeps_its_tag() -> None:
    """A client that comes back with the tag of the place it left is not put last."""
    queue = Queue(PARAMS)
    asked = [ticket("s:a"), ticket("s:a"), ticket("s:b"), ticket("s:b"), ticket("s:b")]
    joined(queue, *asked)
    queue.leave(asked[1])
    back = ticket("s:a", tag=asked[1].tag)
    joined(queue, back)
    assert drained(queue) == [asked[0], asked[2], asked[3], back, asked[4]]


def test_who_leaves_before_its_turn_has_had_no_share() -> None:
    """Somebody asks, stops it and asks anew, twice a round of ten others: what never went is not held against it."""
    queue, served, mine = Queue(PARAMS), 0, ticket("s:mine")
    joined(queue, *(ticket(f"s:{n}") for n in range(10)), mine)
    for turn in range(200):
        head = queue.head(0.0)
        assert head is not None
        queue.take(head)
        served += head is mine
        if head is mine or turn % 5 == 0:
            queue.leave(mine)
            mine = ticket("s:mine")
            joined(queue, mine)
        if head.flow != "s:mine":
            joined(queue, ticket(head.flow))
    assert served >= 15


def test_who_comes_back_is_charged_again() -> None:
    """Leaving and coming back with the place of before brings nobody more than its share."""
    queue = Queue(PARAMS)
    others = [ticket(f"s:{n % 2}") for n in range(60)]
    joined(queue, *others)
    served = 0
    mine = ticket("s:mine")
    joined(queue, mine)
    for _ in range(30):
        queue.leave(mine)
        mine = ticket("s:mine", tag=mine.tag)
        joined(queue, mine)
        head = queue.head(0.0)
        assert head is not None
        queue.take(head)
        if head is mine:
            served += 1
            mine = ticket("s:mine")
            joined(queue, mine)
    assert 9 <= served <= 11


# -- classes and moments ------------------------------------------------------------------------------------------


def test_deferrable_requests_come_after_all_others() -> None:
    """Even if they came long before."""
    queue = Queue(PARAMS)
    later, sooner = ticket("s:1", deferrable=True), ticket("s:2")
    joined(queue, later)
    joined(queue, sooner, now=10.0)
    assert drained(queue, 10.0) == [sooner, later]


def test_a_deferrable_request_ages() -> None:
    """After half of its hold it competes with the others, at its old tag."""
    queue = Queue(PARAMS)
    old = ticket("s:1", deferrable=True)
    joined(queue, old)
    head = ticket("s:3", begun_at=449.0)
    joined(queue, head, ticket("s:2", begun_at=449.0), now=449.0)
    assert queue.head(449.9) is head
    assert queue.next_moment() == 450.0
    assert queue.head(450.0) is old  # equal tags, and it stood there first
    queue.take(old)
    joined(queue, ticket("s:1", begun_at=450.0), now=450.0)
    assert [one.flow for one in drained(queue, 450.0)] == ["s:3", "s:2", "s:1"]


def test_in_the_last_part_of_its_hold_a_request_goes_first() -> None:
    """Earliest deadline first among them, whatever their tags and classes."""
    queue = Queue(PARAMS)
    begun = {"s:1": 2.0, "s:2": 0.0, "s:3": 1.0}
    asked = {flow: ticket(flow, at, deferrable=flow == "s:3") for flow, at in begun.items()}
    joined(queue, *asked.values(), now=2.0)
    new = ticket("s:4", begun_at=719.0)
    joined(queue, new, now=719.0)
    assert queue.head(719.9) is asked["s:1"]
    assert queue.head(720.0) is asked["s:2"]
    assert [one.flow for one in drained(queue, 722.0)] == ["s:2", "s:3", "s:1", "s:4"]


def test_its_own_pause_stops_nobody_else() -> None:
    """A request that waits by itself is not the head until then; then it has its old place."""
    queue = Queue(PARAMS)
    first, second = ticket("s:1"), ticket("s:2")
    first.not_before = 3.0
    joined(queue, first, second)
    assert queue.head(0.0) is second
    assert queue.next_moment() == 3.0
    assert queue.head(2.999) is second
    assert queue.head(3.0) is first


def test_only_pauses_have_a_moment_and_no_head() -> None:
    """Nobody may go, and the line says from when on somebody may."""
    queue, asked = Queue(PARAMS), ticket()
    asked.not_before = 7.0
    joined(queue, asked)
    assert queue.head(1.0) is None
    assert (queue.size, queue.next_moment()) == (1, 7.0)
    assert queue.head(7.0) is asked


def test_a_night_of_sleep_moves_everybody_on() -> None:
    """After eight hours all are overdue: earliest deadline first, and no moment is left."""
    queue = Queue(PARAMS)
    asked = [ticket(f"s:{n}", n, deferrable=n % 2 == 0) for n in range(6)]
    asked[3].not_before = 100.0
    joined(queue, *reversed(asked), now=5.0)
    assert drained(queue, 5.0 + 8 * 3600) == asked
    assert queue.next_moment() == math.inf


# -- leaving, and memory ------------------------------------------------------------------------------------------


def test_who_leaves_is_gone_at_once() -> None:
    """From the head, from the middle, from a pause; leaving twice is nothing."""
    queue, asked = Queue(PARAMS), [ticket(f"s:{n}") for n in range(4)]
    asked[2].not_before = 50.0
    joined(queue, *asked)
    for n in (0, 2):
        queue.leave(asked[n])
        queue.leave(asked[n])
        assert not asked[n].waiting
    assert queue.size == 2
    assert queue.by_flow == {"s:1": 1, "s:3": 1}
    assert drained(queue, 60.0) == [asked[1], asked[3]]
    assert not queue.by_flow


def test_all_clients_gone_at_once_leave_nothing() -> None:
    """Ten thousand join and leave in any order: counts are zero and nothing of them is kept, without anybody asking."""
    queue, rng = Queue(PARAMS), random.Random(3)
    asked = [ticket(f"s:{n % 50}", deferrable=n % 3 == 0) for n in range(10_000)]
    for one in asked[::5]:
        one.not_before = 1.0
    joined(queue, *asked)
    rng.shuffle(asked)
    for one in asked:
        queue.leave(one)
    assert (queue.size, len(queue.by_flow)) == (0, 0)
    assert entries(queue) <= 200


def test_a_request_that_joins_again_and_again_is_kept_once() -> None:
    """Refused thousands of times, paused or not, it leaves no trail."""
    queue, again = Queue(PARAMS), ticket()
    joined(queue, ticket("s:2"), again)
    for n in range(5000):
        queue.leave(again)
        again.not_before = n * 0.1 + (n % 2) * 500
        queue.join(again, n * 0.1)
    assert queue.size == 2
    assert entries(queue) <= 200


def test_who_passes_by_leaves_no_trail() -> None:
    """A hundred requests a second for an hour, and one that always waits behind nobody's back."""
    queue = Queue(PARAMS)
    for n in range(20_000):
        now = n * 0.01
        joined(queue, ticket(f"s:{n % 7}", now), now=now)
        if n > 20:
            head = queue.head(now)
            assert head is not None
            queue.take(head)
    assert queue.size == 21
    assert entries(queue) <= 300


def test_shares_are_remembered_of_so_many_agents_only() -> None:
    """New names without end do not grow it."""
    queue = Queue(Params(flows_kept=100))
    for n in range(1000):
        joined(queue, one := ticket(f"s:{n}"))
        queue.take(one)
    assert len(queue._finish) == 100


def test_who_asks_often_is_not_forgotten() -> None:
    """Of the agents that are remembered the one that has not asked for longest goes."""
    queue = Queue(Params(flows_kept=3))
    for n in range(20):
        joined(queue, ticket("s:often"), ticket(f"s:{n}"))
    assert list(queue._finish)[-2:] == ["s:often", "s:19"]
    assert queue._finish["s:often"] == 200.0


# -- what holds always --------------------------------------------------------------------------------------------


@given(
    width=st.integers(1, 30),
    plain=st.integers(1, 30),
    goes=st.integers(1, 400),
    tokens=st.floats(0, 50_000),
)
def test_equal_shares_whatever_their_width(width: int, plain: int, goes: int, tokens: float) -> None:
    """Two agents that always want more, one with many requests in line: within one request they get the same."""
    queue = Queue(PARAMS)
    for flow, count in (("s:wide", width), ("s:plain", plain)):
        joined(queue, *(ticket(flow, tokens=tokens) for _ in range(count)))
    got = {"s:wide": 0, "s:plain": 0}
    for _ in range(goes):
        head = queue.head(0.0)
        assert head is not None
        queue.take(head)
        got[head.flow] += 1
        joined(queue, ticket(head.flow, tokens=tokens))
    assert abs(got["s:wide"] - got["s:plain"]) <= 1


@given(flows=st.lists(st.integers(0, 5), min_size=1, max_size=60), seed=st.integers(0, 999))
def test_everybody_goes_once(flows: list[int], seed: int) -> None:
    """Whatever pauses, classes and moments: each who joined goes exactly once, and nobody before its pause is over."""
    rng, queue, now = random.Random(seed), Queue(PARAMS), 0.0
    asked, gone = [], []
    for flow in flows:
        now += rng.choice((0.0, 0.1, 100.0))
        one = ticket(f"s:{flow}", now, deferrable=rng.random() < 0.3)
        one.not_before = now + rng.choice((-1.0, 5.0, 300.0))
        joined(queue, one, now=now)
        asked.append(one)
        if rng.random() < 0.5 and (head := queue.head(now)) is not None:
            assert head.not_before <= now
            queue.take(head)
            gone.append(head)
    while queue.size:
        gone += drained(queue, now)
        now = max(now, queue.next_moment()) if queue.size else now
    assert len(gone) == len(asked)
    assert set(gone) == set(asked)


@pytest.mark.parametrize("size", [1, 1000])
def test_a_head_is_told_without_being_taken(size: int) -> None:
    """Asking changes nothing, however often."""
    queue, asked = Queue(PARAMS), [ticket(f"s:{n}") for n in range(size)]
    joined(queue, *asked)
    assert {queue.head(0.0) for _ in range(3)} == {asked[0]}
    assert queue.size == size
