"""The account's own limits: a mirror that is never ahead of the truth, pauses, and a cap on how fast starts grow."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.config import Pacer as Params
from seawall.fake.limits import Lane as Truth
from seawall.fake.limits import LimitsModel
from seawall.policy.pacer import INPUT, OUTPUT, REQUESTS, Cost, Level, Pacer

# Not the defaults: those may be tuned, and the rules stay what they are.
PARAMS = Params(
    margin=0.02,
    reserve=1.0,
    burst=15.0,
    over=0.03,
    block_most=60.0,
    cut_share=0.95,
    cut_window=10.0,
    cut_pause=0.5,
    cut_gap=3.0,
    cut_doubles=12.0,
    cut_kept=120.0,
)
NOW = 1000.0
PLAIN = Cost(1000.0, 500.0)


def pacer(*levels: Level) -> Pacer:
    """One that has heard these levels in an answer that came now."""
    one = Pacer(PARAMS)
    one.hear(list(levels), one.send(PLAIN, NOW), NOW, NOW)
    return one


# -- buckets ------------------------------------------------------------------------------------------------------


def test_nothing_is_known_at_first() -> None:
    """Without headers nobody waits: most accounts are never near their limits."""
    one = Pacer(PARAMS)
    assert one.when(Cost(1e9, 1e9), NOW) == (NOW, "")
    assert one.buckets == {}


@pytest.mark.parametrize(
    ("name", "limit", "left", "why"),
    [
        (REQUESTS, 60.0, 0.0, "requests"),
        (INPUT, 60_000.0, 0.0, "input tokens"),
        (OUTPUT, 60_000.0, 0.0, "output tokens"),
        ("tokens", 60_000.0, 0.0, "tokens"),
    ],
)
def test_an_empty_bucket_is_waited_for(name: str, limit: float, left: float, why: str) -> None:
    """For what the request costs and a second's reserve, at 98 % of the limit; told as a person would say it."""
    at, said = pacer(Level(name, limit, left)).when(PLAIN, NOW)
    rate = limit / 60
    cost = {REQUESTS: 1.0, OUTPUT: 500.0}.get(name, 1000.0)
    assert said == why
    assert at == pytest.approx(NOW + (cost + rate) / (rate * 0.98))


def test_the_fullest_wait_decides() -> None:
    """Of several buckets the one that takes longest."""
    one = pacer(Level(REQUESTS, 60, 0), Level(INPUT, 6000, 0))
    at, why = one.when(PLAIN, NOW)
    assert why == "input tokens"
    assert at == pytest.approx(NOW + 1100 / 98)


def test_waiting_is_enough() -> None:
    """At the moment that it named, the request may go; it is spent, and the next waits in turn."""
    one = pacer(Level(REQUESTS, 60, 0))
    now = NOW
    for _ in range(20):
        at, _ = one.when(PLAIN, now)
        assert at > now or now == NOW
        assert one.when(PLAIN, at + 1e-6) == (at + 1e-6, "")
        one.send(PLAIN, at + 1e-6)
        now = at + 1e-6
    assert now - NOW == pytest.approx(21 / 0.98, rel=0.01)


def test_a_request_larger_than_the_bucket_goes_when_it_is_full() -> None:
    """It would wait for ever otherwise. A bucket counts as full at 99 %."""
    one = pacer(Level(INPUT, 6000, 0))
    at, _ = one.when(Cost(1e6, 0.0), NOW)
    assert at == pytest.approx(NOW + 0.99 * 1500 / 98)
    one.send(Cost(1e6, 0.0), at)
    assert one.buckets[INPUT].level == pytest.approx(-0.01 * 1500)


def test_a_bucket_holds_fifteen_seconds_until_it_shows_more() -> None:
    """A burst that was never seen is not counted on."""
    one = pacer(Level(REQUESTS, 600, 40))
    assert one.buckets[REQUESTS].most == 150
    one.hear([Level(REQUESTS, 600, 480)], one.send(PLAIN, NOW), NOW, NOW)
    assert one.buckets[REQUESTS].most == 480
    one.hear([Level(REQUESTS, 600, 9999)], one.send(PLAIN, NOW), NOW, NOW)
    assert one.buckets[REQUESTS].most == 600


def test_a_new_limit_is_learned() -> None:
    """A tier was changed: rate and size follow."""
    one = pacer(Level(REQUESTS, 600, 100))
    one.hear([Level(REQUESTS, 60, 10)], one.send(PLAIN, NOW), NOW, NOW)
    bucket = one.buckets[REQUESTS]
    assert (bucket.limit, bucket.rate, bucket.most) == (60, 1, 15)
    assert bucket.level <= 15


def test_what_was_sent_since_is_not_in_the_answers_figure() -> None:
    """An answer tells of the moment of its own request: what went after it is taken off, what refilled is added."""
    one = pacer(Level(REQUESTS, 600, 100))
    marks = one.send(PLAIN, NOW)
    for _ in range(20):
        one.send(PLAIN, NOW)
    before = one.buckets[REQUESTS].level
    assert before == 79
    one.hear([Level(REQUESTS, 600, 99)], marks, NOW, NOW + 1)
    # The mirror: 79 and a second's refill of 9.8. The server's: 99 and 10, less 20.
    assert one.buckets[REQUESTS].level == pytest.approx((88.8 + 89) / 2)


@pytest.mark.parametrize(("limit", "left"), [(1, 0), (30_000, 0), (50_000, 50_000)])
def test_a_minute_of_silence_fills_any_bucket(limit: float, left: float) -> None:
    """However little an answer says is left, and of how small a limit, after much was sent: nobody waits for longer
    than an empty bucket takes to be full. Two models of one family may have limits of their own, and a proxy may make
    nonsense of a header; a lane that waits hears nothing that could tell it better."""
    one = pacer(Level(INPUT, 2_000_000, 2_000_000))
    marks = [one.send(Cost(10_000.0, 500.0), NOW) for _ in range(60)]
    for mark in marks[:20]:
        one.hear([Level(INPUT, limit, left)], mark, NOW, NOW + 2)
    at, why = one.when(PLAIN, NOW + 2)
    assert why == "input tokens"
    assert at <= NOW + 2 + 60 / (1 - PARAMS.margin)


def test_who_does_not_wait_leaves_a_minute_of_debt_at_most() -> None:
    """Calls without a hold go whatever is left; who waits then does so no longer than an empty bucket takes to fill."""
    one = pacer(Level(INPUT, 30_000, 0))
    for _ in range(100):
        one.send(Cost(10_000.0, 500.0), NOW)
    assert NOW + 40 < one.when(PLAIN, NOW)[0] <= NOW + 60 / (1 - PARAMS.margin)


def test_an_answer_from_before_the_bucket_was_known_is_left_out() -> None:
    """Its request has no mark: nobody knows what went after it."""
    one = Pacer(PARAMS)
    early = one.send(PLAIN, NOW)
    one.hear([Level(REQUESTS, 600, 100)], one.send(PLAIN, NOW), NOW, NOW)
    one.hear([Level(REQUESTS, 600, 7)], early, NOW, NOW + 1)
    assert one.buckets[REQUESTS].level == 100
    assert one.buckets[REQUESTS].limit == 600


def test_the_machine_slept_and_the_buckets_are_full() -> None:
    """Full, and no more than that."""
    one = pacer(Level(REQUESTS, 60, 0), Level(INPUT, 60_000, 0))
    one.when(PLAIN, NOW + 8 * 3600)
    assert one.buckets[REQUESTS].level == 15
    assert one.when(PLAIN, NOW + 8 * 3600)[1] == ""


# -- what requests cost -------------------------------------------------------------------------------------------


def test_costs_are_learned_from_answers() -> None:
    """Tokens for each byte, three percent high; the output that answers had, at most what the request allows."""
    one = Pacer(PARAMS)
    assert one.cost(4000) == Cost(4000 * 0.25 * 1.03, 500.0)
    for _ in range(400):
        one.learn(4000, 400, 2000)
    assert one.cost(4000).input == pytest.approx(412, rel=0.01)
    assert one.cost(4000).output == pytest.approx(2000, rel=0.01)
    assert one.cost(4000, 64.0).output == 64.0


def test_what_says_nothing_is_not_learned_from() -> None:
    """Small bodies, missing figures, more tokens than bytes."""
    one = Pacer(PARAMS)
    one.learn(512, 500, None)
    assert one.cost(1000) == Pacer(PARAMS).cost(1000)
    for _ in range(1000):
        one.learn(1000, 10**9, None)
    assert one.cost(1000).input <= 1030.1


# -- 429 ----------------------------------------------------------------------------------------------------------


def test_an_empty_bucket_explains_a_429() -> None:
    """All pause until its `retry-after`, and the mirror is set right."""
    one = pacer(Level(REQUESTS, 600, 100), Level(INPUT, 60_000, 15_000))
    one.limited([Level(REQUESTS, 600, 90), Level(INPUT, 60_000, 0)], PLAIN, 7.0, NOW)
    assert one.when(PLAIN, NOW) == (NOW + 7, "input tokens")
    assert one.blocked(NOW + 3) == 4
    assert one.start_rate(NOW) is None
    assert one.when(PLAIN, NOW + 7.1) == (NOW + 7.1, "")


@pytest.mark.parametrize(("said", "pause"), [(None, 1.0), (5.0, 5.0), (60.0, 60.0), (3600.0, 60.0)])
def test_a_pause_is_never_longer_than_a_minute(said: float | None, pause: float) -> None:
    """Whatever is asked: then somebody looks again."""
    one = pacer(Level(REQUESTS, 600, 100))
    one.limited([Level(REQUESTS, 600, 0)], PLAIN, said, NOW)
    assert one.blocked(NOW) == pause


def test_a_pause_is_not_cut_short_by_another() -> None:
    """The longest of those that were asked for."""
    one = pacer(Level(REQUESTS, 600, 100))
    for said in (2.0, 30.0, 5.0):
        one.limited([Level(REQUESTS, 600, 0)], PLAIN, said, NOW)
    assert one.blocked(NOW) == 30


def started(count: int, over: float) -> tuple[Pacer, float]:
    """One that had so many starts accepted within so many seconds, until the moment that comes with it."""
    one = Pacer(PARAMS)
    for n in range(count):
        at = NOW + over * n / count
        one.send(PLAIN, at)
        one.accepted(at)
    return one, NOW + over


def test_full_buckets_do_not_explain_it_so_starts_grew_too_fast() -> None:
    """Starts are cut to 95 % of those of ten seconds, after half a second's pause."""
    one, now = started(100, 10.0)
    one.limited([Level(REQUESTS, 6000, 1500)], PLAIN, 10.0, now)
    assert one.start_rate(now) == pytest.approx(9.5, rel=0.02)
    assert one.when(PLAIN, now) == (now + 0.5, "starts a second")
    one.send(PLAIN, now + 0.5)
    at, why = one.when(PLAIN, now + 0.5)
    assert why == "starts a second"
    assert at == pytest.approx(now + 0.5 + 1 / 9.5, rel=0.05)


def test_the_cap_grows_and_goes() -> None:
    """Twofold in twelve seconds; after two minutes without another cut it is gone."""
    one, now = started(100, 10.0)
    one.limited([], PLAIN, None, now)
    first = one.start_rate(now)
    assert first is not None
    assert one.start_rate(now + 12) == pytest.approx(2 * first)
    assert one.start_rate(now + 36) == pytest.approx(8 * first)
    assert one.start_rate(now + 120) is not None
    assert one.start_rate(now + 120.1) is None


def test_one_cut_in_three_seconds() -> None:
    """A crowd that is refused at once is one message."""
    one, now = started(100, 10.0)
    one.limited([], PLAIN, None, now)
    first = one.start_rate(now)
    for _ in range(50):
        one.limited([], PLAIN, None, now + 0.1)
    assert one.start_rate(now + 0.1) == pytest.approx(first, rel=0.01)
    one.limited([], PLAIN, None, now + 4)
    later = one.start_rate(now + 4)
    assert first is not None
    assert later is not None
    assert later < first


def test_a_cap_is_never_a_crawl() -> None:
    """Five starts in ten seconds are always allowed."""
    one = Pacer(PARAMS)
    one.limited([], PLAIN, None, NOW)
    assert one.start_rate(NOW) == 0.5


def test_a_nights_sleep_ends_all_of_it() -> None:
    """No pause, no cap, no overflow."""
    one, now = started(100, 10.0)
    one.limited([], PLAIN, None, now)
    one.limited([Level(REQUESTS, 600, 0)], PLAIN, 60.0, now)
    now += 8 * 3600
    assert one.when(PLAIN, now) == (now, "")
    assert (one.blocked(now), one.start_rate(now)) == (0, None)


def test_memory_is_bounded() -> None:
    """Starts are remembered up to a number."""
    one, _ = started(50_000, 10.0)
    assert len(one._starts) <= 2000


# -- large calls and old answers ----------------------------------------------------------------------------------


def calls(
    sizes: tuple[float, ...], limit: float, burst: float, *, strict: bool = False, late: float = 2.0
) -> tuple[int, int, float]:
    """Half an hour of greedy clients under a limit of input tokens: how many calls were let in, how many refused, and
    the tokens of the first. `strict`: what is larger than the limit never goes; its client asks for something else."""
    rng, truth = (
        random.Random(5),
        Truth(LimitsModel(requests_per_minute=50, input_tokens_per_minute=limit, burst_s=burst), NOW),
    )
    one, now, done, refused, tokens = Pacer(PARAMS), NOW, 0, 0, 0.0
    answers: list[tuple[float, float, list[float], list[Level], Cost]] = []
    size = sizes[0]
    while now < NOW + 1800:
        while answers and answers[0][0] <= now:
            at, sent_at, marks, told, cost = answers.pop(0)
            one.hear(told, marks, sent_at, at, cost)
        cost = Cost(size * 1.03, 1.0)
        at, _ = one.when(cost, now)
        if at > now:
            now = min(at, answers[0][0]) if answers else at
            continue
        marks = one.send(cost, now)
        if strict and size > limit:
            truth.input.fill(now)
            wait: float | None = 20.0
        else:
            limited = truth.take(now, size)
            wait = limited.retry_after if limited is not None else None
        left = round(max(0.0, truth.input.level) / 1000) * 1000
        told = [Level(REQUESTS, 50, math.floor(max(0.0, truth.requests.level))), Level(INPUT, limit, left)]
        gone = ""
        if wait is None:
            done, tokens = done + 1, tokens + size
            one.accepted(now)
            answers.append((now + late, now, marks, told, cost))
        else:
            refused += 1
            gone = one.limited(told, cost, wait, now)
            now += 0.0 if gone else wait
        if wait is None or gone:
            size = rng.choice(sizes) * rng.uniform(0.9, 1.1)
        now += 0.001
    return done, refused, tokens


@pytest.mark.parametrize("burst", [15.0, 60.0])
@pytest.mark.parametrize("sizes", [(20_000.0,), (12_000.0,), (1000.0, 20_000.0), (1000.0, 1000.0, 27_000.0)])
def test_calls_of_most_of_a_minutes_tokens_are_not_told_off(sizes: tuple[float, ...], burst: float) -> None:
    """A new account has 30 000 input tokens a minute, and one turn of a coding agent takes most of them. The bucket
    holds a minute then, not the fifteen seconds that are taken for granted: what was let in, or refused, says so."""
    done, refused, tokens = calls(sizes, 30_000, burst)
    assert refused <= 3
    assert done > 30
    assert tokens >= 0.9 * 30_000 * 30


def test_one_request_a_minute_is_kept() -> None:
    """A second's worth of so small a limit is a sixtieth of a request: the bucket holds what it was seen to give."""
    one = Pacer(PARAMS)
    one.hear([Level(REQUESTS, 1, 0)], one.send(PLAIN, NOW), NOW, NOW + 1, PLAIN)
    assert one.when(PLAIN, NOW + 1)[0] > NOW + 59


def test_a_call_larger_than_the_limit_is_told_so_and_slows_nobody() -> None:
    """It was refused though the bucket was full: no wait cures that, no start was too fast, and others go on."""
    one = pacer(Level(REQUESTS, 50, 50), Level(INPUT, 30_000, 30_000))
    large = Cost(60_000.0, 500.0)
    one.send(large, NOW)
    said = one.limited([Level(REQUESTS, 50, 49), Level(INPUT, 30_000, 30_000)], large, 20.0, NOW)
    assert said == "input tokens"
    assert one.start_rate(NOW) is None
    assert one.when(PLAIN, NOW) == (NOW, "")


def test_a_call_that_was_refused_before_its_bucket_was_full_waits_for_that() -> None:
    """Its size is an estimate, of which the cache may take a part: it has a chance once the bucket is full."""
    one = pacer(Level(INPUT, 30_000, 10_000))
    large = Cost(40_000.0, 500.0)
    one.send(large, NOW)
    assert one.limited([Level(INPUT, 30_000, 10_000)], large, 5.0, NOW) == ""
    at, why = one.when(large, NOW)
    assert why == "input tokens"
    assert at == pytest.approx(NOW + (0.99 * 30_000 - 10_000) / 490)


@pytest.mark.parametrize("kind", [(20_000.0,), (3000.0,) * 9 + (60_000.0,)])
def test_calls_larger_than_the_limit_do_not_stop_the_others(kind: tuple[float, ...]) -> None:
    """One in ten is larger than a minute's tokens and never goes: the others get what the limit gives."""
    done, refused, tokens = calls(kind, 30_000, 60.0, strict=True)
    assert tokens >= 0.7 * 30_000 * 30
    assert refused <= 3 + 0.2 * done


def test_what_a_refused_call_takes_is_learned_from_its_refusal() -> None:
    """What was left did not do for it, and what comes until `retry-after` will; an empty bucket says nothing of it."""
    one, small = Pacer(PARAMS), Cost(300.0, 100.0)
    assert one.larger([Level(INPUT, 60_000, 5000)], small, 15.0) == 20_000
    assert one.larger([Level(INPUT, 60_000, 200)], small, 15.0) == 0
    assert one.larger([Level(INPUT, 60_000, 5000), Level(OUTPUT, 8000, 0)], small, 15.0) == 0
    assert one.larger([], small, 15.0) == 0


def test_what_ran_over_is_not_counted_on() -> None:
    """An answer takes a hundred seconds, in which the bucket was full and was emptied: it does not fill it anew."""
    one = pacer(Level(REQUESTS, 600, 600))
    marks = one.send(PLAIN, NOW)
    for _ in range(580):
        one.send(PLAIN, NOW + 99)
    one.hear([Level(REQUESTS, 600, 599)], marks, NOW, NOW + 100)
    # 20 were left, and a second's refill came: ten.
    assert one.buckets[REQUESTS].level == pytest.approx(30, abs=10)


def test_an_old_answer_is_not_believed_against_newer_ones() -> None:
    """Others use the account too. What is left now is what the newest answer says, not what one says whose request
    went minutes ago and which knows nothing of them."""
    one = pacer(Level(REQUESTS, 600, 600))
    old = one.send(PLAIN, NOW)
    for n in range(1, 30):
        at = NOW + 60 + n
        one.hear([Level(REQUESTS, 600, 5)], one.send(PLAIN, at), at, at)
    before = one.buckets[REQUESTS].level
    for _ in range(5):
        one.hear([Level(REQUESTS, 600, 599)], old, NOW, NOW + 89)
    assert one.buckets[REQUESTS].level == pytest.approx(before)


# -- what holds always --------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    requests=st.floats(40, 3000),
    fitting=st.floats(40, 3000),
    burst=st.sampled_from((15.0, 30.0, 60.0)),
    size=st.floats(1000, 20_000),
    delay=st.floats(0.0, 5.0),
    seed=st.integers(0, 99),
)
def test_it_is_not_told_off(
    requests: float, fitting: float, burst: float, size: float, delay: float, seed: int
) -> None:
    """A greedy client that asks the pacer first meets buckets that really deplete: hardly a 429, and the limit is used.

    Answers come late, estimates are a tenth off, and figures are rounded to thousands, as the API rounds them; for
    limits below 40 000 tokens a minute that is more than the reserve.
    """
    rng, tokens = random.Random(seed), size * fitting
    truth = Truth(
        LimitsModel(requests_per_minute=requests, input_tokens_per_minute=tokens, burst_s=burst), NOW
    )
    one, now, refused, done = Pacer(PARAMS), NOW, 0, 0
    answers: list[tuple[float, float, tuple[float, ...], list[Level]]] = []
    while now < NOW + 120:
        while answers and answers[0][0] <= now:
            at, sent_at, marks, levels = answers.pop(0)
            one.hear(levels, marks, sent_at, at)
        real = size * rng.uniform(0.9, 1.1)
        cost = Cost(size * 1.03, 1.0)
        at, _ = one.when(cost, now)
        if at > now:
            now = min(at, answers[0][0]) if answers else at
            continue
        marks = one.send(cost, now)
        limited = truth.take(now, real)
        levels = [
            Level(REQUESTS, requests, math.floor(max(0.0, truth.requests.level))),
            Level(INPUT, tokens, round(max(0.0, truth.input.level) / 1000) * 1000),
        ]
        if limited is None:
            done += 1
            one.accepted(now)
            answers.append((now + delay, now, marks, levels))
        else:
            refused += 1
            one.limited(levels, cost, limited.retry_after, now)
        now += 0.001
    # Some before the first answer: until then it knows nothing.
    assert refused <= 5 + 0.05 * done
    assert done >= 0.85 * 2 * min(requests, fitting)
