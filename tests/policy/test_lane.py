"""All parts of a lane together: who waits for what, what each verdict means, what holds under any course of events."""

import math
import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seawall.config import Gateway
from seawall.fake.score import jain
from seawall.policy.breaker import Breaker
from seawall.policy.lane import Lane, Sent, Wait
from seawall.policy.limiter import Kind, State
from seawall.policy.pacer import INPUT, REQUESTS, Level
from seawall.policy.queue import Ticket

NOW = 1000.0
HOLD = 900.0
FULL = [Level(REQUESTS, 6000, 1500), Level(INPUT, 6e6, 1.5e6)]
EMPTY = [Level(REQUESTS, 6000, 0), Level(INPUT, 6e6, 1.5e6)]


def lane(seed: int = 1, **changes: object) -> Lane:
    gateway, rng = replace(Gateway(), **changes), random.Random(seed)  # type: ignore[arg-type]
    return Lane(gateway, Breaker(gateway.breaker, rng), rng)


def ticket(now: float = NOW, flow: str = "s:1", **more: object) -> Ticket:
    return Ticket(flow, now, now + HOLD, size=4000, tokens=1000.0, **more)  # type: ignore[arg-type]


def sent(law: Lane, now: float, flow: str = "s:1") -> Sent:
    """One more request that goes at once."""
    law.join(ticket(now, flow), now)
    said = law.next(now)
    assert isinstance(said, Sent)
    return said


def waits(law: Lane, now: float) -> Wait:
    said = law.next(now)
    assert isinstance(said, Wait)
    return said


def in_outage(law: Lane, now: float) -> None:
    """Six calls of one moment refused: the breaker is open."""
    for one in [sent(law, now) for _ in range(6)]:
        law.refused(one, now)
    assert law.breaker.open


# -- who waits, and for what --------------------------------------------------------------------------------------


def test_nobody_waits() -> None:
    """Nothing to decide, and nothing to wake up for."""
    assert lane().next(NOW) is None
    assert lane().peek(NOW) is None


def test_a_call_in_calm_weather_goes_at_once() -> None:
    """And is counted, with its parts told."""
    law = lane()
    one = sent(law, NOW)
    assert (one.kind, one.probe, one.host_probe, one.accepted) == (Kind.SURPLUS, 0, 0, False)
    assert (law.load.in_flight, law.load.queued, law.running) == (1, 0, 0)
    law.accepted(one, NOW + 1)
    assert (law.load.in_flight, law.running) == (1, 1)
    law.ended(one, NOW + 9)
    assert (law.load.in_flight, law.running) == (0, 0)


def test_peeking_lets_nobody_go() -> None:
    """What is shown to a person changes nothing."""
    law = lane()
    law.join(ticket(), NOW)
    assert law.peek(NOW) == Wait(NOW, "", NOW)
    assert law.load.queued == 1
    assert isinstance(law.next(NOW), Sent)


def test_a_pause_of_its_own_opens_no_breaker() -> None:
    """Where all who wait pause by themselves, what keeps the lane for longer is what they wait for."""
    law = lane()
    in_outage(law, NOW)
    probe_at = law.breaker.when(NOW)
    law.join(ticket(not_before=NOW + 0.1), NOW)
    assert law.peek(NOW) == Wait(probe_at, "breaker", probe_at)
    longer = lane()
    in_outage(longer, NOW)
    longer.join(ticket(not_before=NOW + 60), NOW)
    assert longer.peek(NOW) == Wait(NOW + 60, "backoff", NOW + 60)


def test_the_number_of_files_is_bounded() -> None:
    """`gateway.concurrency`: until something ends, whenever that is."""
    law = lane(concurrency=2)
    running = [sent(law, NOW), sent(law, NOW)]
    law.join(ticket(), NOW)
    assert waits(law, NOW).why == "concurrency"
    assert waits(law, NOW).at == math.inf
    law.dropped(running[0], NOW)
    assert isinstance(law.next(NOW), Sent)


def test_its_own_pause() -> None:
    """Nobody may go before a moment that is its own."""
    law, one = lane(), ticket()
    one.not_before = NOW + 4
    law.join(one, NOW)
    assert waits(law, NOW) == Wait(NOW + 4, "backoff", NOW + 4)
    assert isinstance(law.next(NOW + 4), Sent)


def test_the_limiter_says_when() -> None:
    """After the burst of a calm lane, starts are spread."""
    law = lane()
    while isinstance(law.next(NOW), Sent) or not law.load.queued:
        law.join(ticket(), NOW)
    said = waits(law, NOW)
    assert said.why == "limiter"
    assert NOW < said.at < NOW + 1
    assert isinstance(law.next(said.at), Sent)


def test_a_limit_of_ones_own_says_when() -> None:
    """By the name of its bucket."""
    law = lane()
    law.limited(sent(law, NOW), EMPTY, 9.0, NOW)
    law.join(ticket(), NOW)
    assert waits(law, NOW) == Wait(NOW + 9, "requests", NOW + 9)


def test_an_outage_and_its_end() -> None:
    """Nobody goes but one probe after the other, the head of the line; its acceptance lets the others follow."""
    law = lane()
    law.limiter.rate = 100.0
    in_outage(law, NOW)
    head, second = ticket(flow="s:a"), ticket(flow="s:b")
    law.join(head, NOW)
    law.join(second, NOW)
    said = waits(law, NOW)
    assert said.why == "breaker"
    probe = law.next(said.at)
    assert isinstance(probe, Sent)
    assert (probe.ticket, probe.kind) == (head, Kind.PROBE)
    assert waits(law, said.at).at == math.inf
    law.accepted(probe, said.at + 1)
    assert not law.breaker.open
    follows = law.next(said.at + 1)
    assert isinstance(follows, Sent)
    assert (follows.ticket, follows.kind) == (second, Kind.SURPLUS)


# -- what a verdict means -----------------------------------------------------------------------------------------


def test_a_limit_is_no_word_on_load() -> None:
    """However many 429s: no streak, no share of refusals, a calm limiter."""
    law = lane()
    for one in [sent(law, NOW + n) for n in range(8)]:
        law.limited(one, EMPTY, 1.0, NOW)
    assert (law.breaker.streak, law.breaker.open) == (0, False)
    assert law.budget.refused_share(NOW) == 0
    assert law.limiter.state(NOW) is State.CALM


def test_a_call_that_was_taken_for_smaller_than_it_is_has_its_turn() -> None:
    """Refused for its tokens, it waits at the head until there are as many as it takes; small calls that came later do
    not take them from under it."""
    law = lane()
    told = [Level(REQUESTS, 6000, 1500), Level(INPUT, 60_000, 5000)]
    first = sent(law, NOW, "s:large")
    law.hear(first, told, NOW)
    law.limited(first, told, 15.0, NOW, "tokens")
    first.ticket.not_before = NOW + 15
    law.join(first.ticket, NOW)
    for n in range(200):
        law.join(ticket(NOW, f"s:{n}"), NOW)
    now, gone = NOW, 0
    while now < NOW + 60:
        said = law.next(now)
        if isinstance(said, Wait):
            now = max(said.until, now + 0.001)
            continue
        assert said is not None
        if said.ticket is first.ticket:
            break
        gone += 1
        law.accepted(said, now)
    assert said is not None
    assert law.pacer.buckets[INPUT].level >= 0
    assert (said.cost.input, gone) == (20_000, 0)  # type: ignore[union-attr]


def test_a_client_that_leaves_is_no_word_either() -> None:
    """Before an answer or in it; and its place is free."""
    law = lane()
    early, late = sent(law, NOW), sent(law, NOW)
    law.accepted(late, NOW)
    law.dropped(early, NOW + 1)
    law.dropped(late, NOW + 1)
    assert (law.load.in_flight, law.running, law.breaker.streak) == (0, 0, 0)
    assert law.limiter.state(NOW + 1) is State.CALM


def test_an_answer_that_breaks_after_its_head_is_a_refusal() -> None:
    """It was counted as accepted and runs no more."""
    law = lane()
    one = sent(law, NOW)
    law.accepted(one, NOW)
    law.refused(one, NOW + 1)
    assert (law.load.in_flight, law.running, law.breaker.streak) == (0, 0, 1)


def test_a_host_that_cannot_be_reached_stops_all_its_lanes() -> None:
    """Six failed connections open the host's breaker; any answer at all, a refusal too, closes it again."""
    gateway, rng = Gateway(), random.Random(1)
    host = Breaker(gateway.breaker, rng)
    opus, haiku = Lane(gateway, host, rng), Lane(gateway, host, rng)
    asked = sent(haiku, NOW)
    for one in [sent(opus, NOW) for _ in range(6)]:
        opus.unreachable(one, NOW)
    haiku.join(ticket(), NOW)
    assert waits(haiku, NOW).why == "host"
    haiku.refused(asked, NOW + 0.1)
    assert not host.open
    assert not haiku.breaker.open
    assert isinstance(haiku.next(NOW + 1), Sent)
    assert opus.breaker.open  # its own: the next of its calls is a probe


def test_a_hosts_probe_is_one_over_all_lanes() -> None:
    """Two models, one unreachable host: one attempt."""
    gateway, rng = Gateway(), random.Random(1)
    host = Breaker(gateway.breaker, rng)
    both = [Lane(gateway, host, rng) for _ in range(2)]
    for _ in range(6):
        host.refused(NOW)
    for law in both:
        law.join(ticket(), NOW)
    now = NOW + 10
    probe = both[0].next(now)
    assert isinstance(probe, Sent)
    assert probe.host_probe
    assert waits(both[1], now) == Wait(waits(both[1], now).until, "host", math.inf)
    both[0].unreachable(probe, now)
    assert now < waits(both[1], now).at < now + 6


@pytest.mark.parametrize("which", ["breaker", "host"])
def test_a_probe_that_hangs_does_not_stop_its_lane(which: str) -> None:
    """Nobody knows when it ends; but when it is waited for no more."""
    law = lane()
    for _ in range(6):
        getattr(law, which).refused(NOW)
    for flow in ("s:a", "s:b", "s:c"):
        law.join(ticket(flow=flow), NOW)
    now = NOW + 10
    for _ in range(2):
        assert isinstance(law.next(now), Sent)
        assert law.next(now) == Wait(now + Gateway().breaker.probe_silence, which, math.inf)
        now += Gateway().breaker.probe_silence
    last = law.next(now)
    assert isinstance(last, Sent)
    law.accepted(last, now + 1)
    assert not getattr(law, which).open


def test_a_hosts_probe_whose_client_leaves() -> None:
    """Another may go in its place."""
    law = lane()
    for _ in range(6):
        law.host.refused(NOW)
    for flow in ("s:a", "s:b"):
        law.join(ticket(flow=flow), NOW)
    now = NOW + 10
    first = law.next(now)
    assert isinstance(first, Sent)
    law.dropped(first, now)
    second = law.next(now)
    assert isinstance(second, Sent)
    assert second.host_probe > first.host_probe


def test_calls_that_wait_for_nothing_do_not_keep_others_from_being_tried() -> None:
    """One that wants to hear of every failure at once may fail each second for ever, for reasons of its own: in the
    outage that it makes of it a call that waits is the probe all the same, and in time."""
    one, now = lane(), 100.0
    held = ticket(now)
    while not one.breaker.open:
        sent = one.enter(ticket(now, waits=False), now)
        assert sent is not None
        one.refused(sent, now + 0.3)
        now += 1.0
    assert one.enter(held, now) is None
    for _ in range(10):
        sent = one.enter(ticket(now, waits=False), now)
        assert sent is not None
        one.refused(sent, now + 0.3)
        now += 1.0
        tried = one.next(now)
        if isinstance(tried, Sent):
            break
    assert isinstance(tried, Sent)
    assert tried.ticket is held
    unwaiting = one.enter(ticket(now, waits=False), now)
    assert unwaiting is not None
    one.accepted(unwaiting, now + 1.0)  # good news are good news, whoever brings them
    assert not one.breaker.open


def test_what_was_known_of_others_refusals_ends_with_an_outage() -> None:
    """Whose doing the next refusals are is asked anew."""
    law = lane()
    first, *others = [sent(law, NOW) for _ in range(6)]
    law.refused(first, NOW)
    law.limiter._find(State.FOREIGN, math.inf)
    for one in others:
        law.refused(one, NOW)
    assert law.breaker.open
    assert law.limiter.state(NOW + 20) is State.STRAINED


def test_starts_that_were_accepted_are_what_a_cut_goes_by() -> None:
    """A 429 with full buckets after ten starts a second: nine and a half are allowed."""
    law, now = lane(), NOW
    for _ in range(100):
        now += 0.1
        law.limiter._next = 0.0
        one = sent(law, now)
        law.accepted(one, now)
        law.ended(one, now)
    law.limited(sent(law, now + 0.3), FULL, None, now + 0.3)
    rate = law.pacer.start_rate(now + 0.3)
    assert rate is not None
    assert 8.5 < rate < 10.5


def test_who_comes_late_has_saved_nothing() -> None:
    """The queue's clock moves on with those who go: a newcomer gets a share of now, not one for the time before."""
    law = lane(concurrency=1)
    for _ in range(8):
        law.join(ticket(), NOW)
    order, now, running = [], NOW, None
    while law.load.queued:
        now += 1.0
        if running is not None:
            law.ended(running, now)
        if len(order) == 4:
            for _ in range(4):
                law.join(ticket(now, "s:late"), now)
        running = law.next(now)
        assert isinstance(running, Sent)
        law.accepted(running, now)
        order.append(running.ticket.flow)
    assert order[4:8] == ["s:late", "s:1"] * 2


def test_a_probe_whose_client_leaves() -> None:
    """The next in line may go in its place at once."""
    law = lane()
    in_outage(law, NOW)
    for flow in ("s:a", "s:b"):
        law.join(ticket(flow=flow), NOW)
    now = NOW + 10
    first = law.next(now)
    assert isinstance(first, Sent)
    law.dropped(first, now)
    second = law.next(now)
    assert isinstance(second, Sent)
    assert second.probe > first.probe


def test_streams_that_end_in_an_outage_prove_no_free_place() -> None:
    """Nothing is replaced until somebody is accepted again."""
    law = lane()
    running = [sent(law, NOW - 60) for _ in range(4)]
    for one in running:
        law.accepted(one, NOW - 59)
    in_outage(law, NOW)
    for one in running:
        law.ended(one, NOW + 1)
    for _ in range(4):
        law.join(ticket(), NOW + 1)
    assert waits(law, NOW + 1).why == "breaker"


def test_waking_after_a_night() -> None:
    """Eight hours asleep with attempts under way, an open breaker and a queue: one answer, and all goes on."""
    law = lane()
    under_way = [sent(law, NOW) for _ in range(6)]
    in_outage(law, NOW + 10)
    queued = [Ticket(f"s:{n}", NOW, NOW + HOLD) for n in range(20)]
    for one in queued:
        law.join(one, NOW + 11)
    now = NOW + 8 * 3600
    for one in under_way:
        law.dropped(one, now)
    probe = law.next(now)
    assert isinstance(probe, Sent)
    assert probe.probe
    law.accepted(probe, now + 1)
    started, steps = 1, 0
    while law.load.queued:
        said = law.next(now + 1)
        steps += 1
        if isinstance(said, Wait):
            assert said.until < math.inf
            now = max(now, said.until - 1)
        else:
            started += 1
    assert started == 20
    assert now < NOW + 8 * 3600 + 30


def test_ten_thousand_are_queued_and_all_leave() -> None:
    """In any order: nothing waits, and nothing is kept of them."""
    law, rng = lane(), random.Random(2)
    law.limiter.refused(Kind.SURPLUS, NOW, 1)
    queued = [ticket(NOW, f"s:{n % 300}") for n in range(10_000)]
    for one in queued:
        law.join(one, NOW)
    for n in range(100):
        law.next(NOW + n)
    rng.shuffle(queued)
    for one in queued:
        law.leave(one, NOW + 200)
    assert (law.load.queued, law.queue.size, len(law.queue.by_flow)) == (0, 0, 0)
    assert law.next(NOW + 300) is None
    queue = law.queue
    assert sum(map(len, (queue._first, queue._usual, queue._deferred, queue._moments))) == 0


# -- shares, starvation, budget -----------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(narrow=st.integers(5, 12), wide=st.integers(5, 60), places=st.integers(1, 4), seed=st.integers(0, 99))
def test_two_greedy_agents_get_the_same(narrow: int, wide: int, places: int, seed: int) -> None:
    """Both always want more than there is, one far more: they get the same, within one request, at any moment."""
    law, rng, now = lane(seed, concurrency=places), random.Random(seed), NOW
    for flow, width in (("s:narrow", narrow), ("s:wide", wide)):
        for _ in range(width):
            law.join(ticket(now, flow), now)
    got, running = Counter[str](), list[Sent]()
    while got.total() < 150:
        now += 0.25
        while isinstance(said := law.next(now), Sent):
            law.accepted(said, now)
            running.append(said)
            got[said.ticket.flow] += 1
            law.join(ticket(now, said.ticket.flow), now)
            assert abs(got["s:narrow"] - got["s:wide"]) <= 1
        if running:
            law.ended(running.pop(rng.randrange(len(running))), now)
    assert jain(list(got.values())) > 0.999


VERDICTS = ("accepted", "refused", "refused", "refused", "unreachable", "limited", "dropped")


@settings(max_examples=60, deadline=None)
@given(
    course=st.lists(st.sampled_from(VERDICTS), max_size=12),
    count=st.integers(1, 40),
    stream=st.floats(0.1, 60.0),
    newcomers=st.booleans(),
    seed=st.integers(0, 999),
)
def test_nobody_starves(course: list[str], count: int, stream: float, newcomers: bool, seed: int) -> None:
    """Whatever the upstream does in turn, as long as it accepts one attempt of each round: every request starts.

    New agents come all the while. A request is repeated after a refusal as the gateway does, with its pauses.
    """
    law, rng, now = lane(seed), random.Random(seed), NOW
    cycle = [*course, "accepted"]
    waiting = [ticket(now, f"s:{n % 5}", deferrable=n % 4 == 0) for n in range(count)]
    left = set(waiting)
    for one in waiting:
        law.join(one, now)
    ends: list[tuple[float, Sent]] = []
    attempts = coming = 0
    while left:
        said = law.next(now)
        if isinstance(said, Sent):
            verdict = cycle[attempts % len(cycle)]
            attempts += 1
            again = True
            match verdict:
                case "accepted":
                    law.accepted(said, now)
                    ends.append((now + stream, said))
                    left.discard(said.ticket)
                    again = False
                case "limited":
                    law.limited(said, rng.choice((FULL, EMPTY)), rng.choice((None, 1.0, 20.0)), now)
                case _:
                    getattr(law, verdict)(said, now)
            if again:
                said.ticket.not_before = now + rng.choice((0.0, 0.0, 1.0, 10.0))
                law.join(said.ticket, now)
            continue
        assert said is not None
        times = [said.until, *(at for at, _ in ends)]
        assert min(times) < math.inf
        now = max(now, min(times))
        for at, one in [e for e in ends if e[0] <= now]:
            law.ended(one, at)
            ends.remove((at, one))
        if newcomers and coming < 300 and now > NOW + 3 * coming:
            coming += 1
            law.join(ticket(now, f"s:new{coming}"), now)
        assert now < NOW + 40 * 3600
    assert attempts <= 60 * len(cycle) * (count + coming + 2)


def test_a_deferrable_request_starts_before_its_deadline() -> None:
    """Others without end, always more than there is room for: it ages, and goes first in its last part."""
    law, now = lane(concurrency=1), NOW
    patient = Ticket("s:patient", now, now + 600.0, deferrable=True)
    law.join(ticket(now), now)
    law.join(patient, now)
    running: Sent | None = None
    while patient.waiting:
        now += 1.0
        for n in range(2):
            law.join(ticket(now, f"s:{now}{n}"), now)
        if running is not None:
            law.ended(running, now)
        said = law.next(now)
        assert isinstance(said, Sent)
        law.accepted(said, now)
        running = said
    assert NOW + 300 <= now < NOW + 600


@pytest.mark.parametrize("accepts_every", [3, 6, 12, 100])
def test_the_budget_holds(accepts_every: int) -> None:
    """Whatever the limiter concludes: refusals of five minutes stay within what acceptances pay for, what is saved,
    what is free, and one attempt in five seconds."""
    never = replace(Gateway().breaker, streak_least=10**6, streak_most=10**6)
    law, now, attempts = lane(breaker=never), NOW, 0
    for n in range(200):
        law.join(ticket(now, f"s:{n}"), now)
    seen: list[tuple[float, bool]] = []
    while now < NOW + 1200:
        said = law.next(now)
        if isinstance(said, Sent):
            attempts += 1
            accepted = attempts % accepts_every == 0
            seen.append((now, accepted))
            if accepted:
                law.accepted(said, now)
                law.ended(said, now)
                law.join(ticket(now, said.ticket.flow), now)
            else:
                law.refused(said, now)
                law.join(said.ticket, now)
        else:
            assert said is not None
            now = max(now, said.until)
    budget = Gateway().budget
    for end in range(300, 1201, 100):
        window = [ok for at, ok in seen if NOW + end - 300 < at <= NOW + end]
        most = budget.share * sum(window) + budget.most + 2 * budget.free_rate * 300 + 1
        assert len(window) - sum(window) <= most


# -- any course of events -----------------------------------------------------------------------------------------


class AnyCourse(RuleBasedStateMachine):
    """Requests that come and leave, verdicts of all kinds in any order, steps and jumps of the clock; and a model that
    counts."""

    def __init__(self) -> None:
        super().__init__()
        self.law = lane(concurrency=40)
        self.now = NOW
        self.waiting: list[Ticket] = []
        self.under_way: list[tuple[Sent, int]] = []
        """And how often the breaker had opened when it went."""
        self.running: list[Sent] = []
        self.era = 0
        self.number = 0

    # people

    @rule(flow=st.integers(0, 4), many=st.sampled_from((1, 1, 3, 30)), deferrable=st.booleans())
    def join(self, flow: int, many: int, deferrable: bool) -> None:
        for _ in range(many):
            hold = 30.0 if flow == 0 else HOLD
            one = Ticket(f"s:{flow}", self.now, self.now + hold, size=4000, deferrable=deferrable)
            self.law.join(one, self.now)
            self.waiting.append(one)

    @precondition(lambda self: self.waiting)
    @rule(which=st.integers(0, 999))
    def leave(self, which: int) -> None:
        one = self.waiting.pop(which % len(self.waiting))
        self.law.leave(one, self.now)
        self.law.leave(one, self.now)

    @precondition(lambda self: len(self.waiting) > 5)
    @rule()
    def all_leave(self) -> None:
        while self.waiting:
            self.law.leave(self.waiting.pop(), self.now)

    # time

    @rule(by=st.sampled_from((0.0, 0.01, 0.3, 1.0, 6.0, 40.0, 700.0, 8 * 3600.0)))
    def time(self, by: float) -> None:
        self.now += by

    @rule(most=st.integers(1, 40))
    def attempts(self, most: int) -> None:
        law, now = self.law, self.now
        while most:
            most -= 1
            was_open = law.breaker.open
            free = was_open or law.host.open or law.budget.when(now) <= now
            said = law.next(now)
            if not isinstance(said, Sent):
                assert (said is None) == (not self.waiting)
                if said is not None:
                    assert said.until > now
                    assert said.at >= said.until
                    # Nobody is waited for for ever, but those who are under way.
                    assert said.until < math.inf or self.under_way or self.running
                return
            assert free
            assert said.ticket.not_before <= now
            assert (said.probe > 0) == was_open
            self.waiting.remove(said.ticket)
            self.under_way.append((said, self.era))

    # verdicts

    def _one(self, which: int) -> Sent:
        return self.under_way.pop(which % len(self.under_way))[0]

    def _again(self, one: Sent, pause: float) -> None:
        one.ticket.not_before = self.now + pause
        self.law.join(one.ticket, self.now)
        self.waiting.append(one.ticket)

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 999))
    def accepted(self, which: int) -> None:
        one = self._one(which)
        self.law.hear(one, FULL, self.now)
        self.law.accepted(one, self.now)
        self.running.append(one)
        assert not self.law.breaker.open
        assert not self.law.host.open

    @precondition(lambda self: self.under_way)
    @rule(
        most=st.sampled_from((1, 2, 40)),
        verdict=st.sampled_from(("refused", "unreachable")),
        pause=st.sampled_from((0.0, 5.0)),
    )
    def refused(self, most: int, verdict: str, pause: float) -> None:
        while most and self.under_way:
            most -= 1
            one, was_open = self._one(0), self.law.breaker.open
            getattr(self.law, verdict)(one, self.now)
            self.era += self.law.breaker.open and not was_open
            self._again(one, pause)

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 999), empty=st.booleans(), wait=st.sampled_from((None, 2.0, 3600.0)))
    def limited(self, which: int, empty: bool, wait: float | None) -> None:
        one, streak = self._one(which), self.law.breaker.streak
        self.law.limited(one, EMPTY if empty else FULL, wait, self.now)
        assert self.law.breaker.streak == streak
        self._again(one, 0.0)

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 999))
    def dropped(self, which: int) -> None:
        self.law.dropped(self._one(which), self.now)

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 999), how=st.sampled_from(("ended", "ended", "dropped", "refused")))
    def over(self, which: int, how: str) -> None:
        was_open = self.law.breaker.open
        getattr(self.law, how)(self.running.pop(which % len(self.running)), self.now)
        self.era += self.law.breaker.open and not was_open

    # what holds

    @invariant()
    def permits_are_conserved(self) -> None:
        law = self.law
        assert law.load.in_flight == len(self.under_way) + len(self.running) <= 40
        assert law.running == len(self.running)
        assert law.load.queued == law.queue.size == len(self.waiting)
        assert law.queue.by_flow == Counter(one.flow for one in self.waiting)
        assert all(one.waiting for one in self.waiting)

    @invariant()
    def one_probe_at_a_time(self) -> None:
        if self.law.breaker.open:
            heard = self.now - Gateway().breaker.probe_silence
            probes = [one for one, era in self.under_way if one.probe and era == self.era and one.at > heard]
            assert len(probes) <= 1

    @invariant()
    def memory_is_bounded(self) -> None:
        queue = self.law.queue
        entries = sum(map(len, (queue._first, queue._usual, queue._deferred, queue._moments)))
        assert entries <= 8 * len(self.waiting) + 600

    def teardown(self) -> None:
        """Whatever happened: when all have ended and left, nothing is under way, and a newcomer goes soon."""
        law = self.law
        for one, _ in self.under_way:
            law.dropped(one, self.now)
        for one in self.running:
            law.ended(one, self.now)
        for one in self.waiting:
            law.leave(one, self.now)
        assert (law.load.in_flight, law.running, law.load.queued) == (0, 0, 0)
        law.join(ticket(self.now), self.now)
        said, steps = law.next(self.now), 0
        while isinstance(said, Wait):
            steps += 1
            assert steps < 100
            assert said.until < self.now + 120
            self.now = said.until
            said = law.next(self.now)
        assert isinstance(said, Sent)


AnyCourse.TestCase.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)
TestAnyCourse = AnyCourse.TestCase
