"""The caller's own limits: buckets deplete, refill and say so."""

import pytest

from seawall.fake.limits import Acceleration, Lane, Limited, Limits, LimitsModel, Plan, rfc3339

WALL = 1_800_000_000.0


def headers(meter: Lane | Plan, now: float = 0.0, factor: float = 1.0) -> dict[str, str]:
    prefix = "anthropic-ratelimit-"
    return {n.removeprefix(prefix): v for n, v in meter.headers(now, WALL + now / factor, factor)}


def test_requests_deplete_and_come_back():
    """Sixty a minute: one a second after the first sixty; the wait is stated."""
    lane = Lane(LimitsModel(requests_per_minute=60), 0.0)
    assert [lane.take(0.0, 10) for _ in range(60)] == [None] * 60
    assert headers(lane)["requests-limit"] == "60"
    assert headers(lane)["requests-remaining"] == "0"
    assert headers(lane)["requests-reset"] == rfc3339(WALL + 60)
    assert lane.take(0.0, 10) == Limited("requests", 1.0)
    assert lane.take(0.9, 10) is not None
    assert lane.take(1.0, 10) is None
    assert headers(lane, 31.0)["requests-remaining"] == "30"


def test_a_short_burst_trips_a_limit_a_minute():
    """With a burst of 5 s, five requests of sixty a minute are the most at once."""
    lane = Lane(LimitsModel(requests_per_minute=60, burst_s=5), 0.0)
    assert sum(lane.take(0.0, 1) is None for _ in range(60)) == 5


def test_input_tokens_deplete_and_are_shown_in_thousands():
    """The most restrictive limit is shown as `tokens`."""
    lane = Lane(LimitsModel(input_tokens_per_minute=60_000), 0.0)
    assert lane.take(0.0, 40_400) is None
    shown = headers(lane)
    assert (shown["input-tokens-limit"], shown["input-tokens-remaining"]) == ("60000", "20000")
    assert (shown["tokens-limit"], shown["tokens-remaining"]) == ("60000", "20000")
    assert shown["input-tokens-reset"] == rfc3339(WALL + 40.4)
    assert lane.take(0.0, 30_000) == Limited("input-tokens", 11.0)
    assert lane.take(11.0, 30_000) is None


def test_a_request_larger_than_the_bucket_waits_for_a_full_one_and_passes():
    """It is never refused for ever."""
    lane = Lane(LimitsModel(input_tokens_per_minute=6_000), 0.0)
    assert lane.take(0.0, 1_000_000) is None
    refused = lane.take(0.0, 1_000_000)
    assert refused == Limited("input-tokens", 60.0)
    assert lane.take(60.0, 1_000_000) is None


def test_output_counts_when_it_was_made():
    """A long answer blocks the next request, not itself."""
    lane = Lane(LimitsModel(output_tokens_per_minute=600), 0.0)
    assert lane.take(0.0, 1) is None
    lane.output.take(600)
    assert lane.take(0.0, 1) == Limited("output-tokens", 1.0)
    assert headers(lane)["output-tokens-remaining"] == "0"


def test_growth_is_limited():
    """Four starts in 10 s, then 429 with buckets full; after steady use, half as many again."""
    lane = Lane(LimitsModel(acceleration=Acceleration(base=4)), 0.0)
    assert [lane.take(0.0, 1) for _ in range(5)] == [None] * 4 + [Limited("acceleration", 10.0)]
    assert int(headers(lane)["requests-remaining"]) > 99_000
    assert lane.take(10.1, 1) is None
    steady = Lane(LimitsModel(acceleration=Acceleration(base=4)), 0.0)
    for second in range(65):
        for _ in range(1 if second < 10 else 2):
            steady.take(float(second), 1)
    assert sum(steady.take(75.0, 1) is None for _ in range(60)) > 4


def test_the_time_factor_shortens_what_headers_promise():
    """At factor 20 a reset one model minute ahead is three seconds away."""
    lane = Lane(LimitsModel(requests_per_minute=60), 0.0)
    for _ in range(60):
        lane.take(0.0, 1)
    assert headers(lane, factor=20)["requests-reset"] == rfc3339(WALL + 3)
    assert headers(lane, factor=20)["requests-limit"] == str(20 * int(headers(lane)["requests-limit"]))


def test_a_subscriptions_windows_fill_warn_and_reject():
    """Fraction used, warning from three quarters, rejected at the end, fresh after five hours."""
    plan = Plan(LimitsModel(plan_tokens_5h=1000), 0.0)
    assert plan.take(0.0, 500) is None
    shown = headers(plan)
    assert shown["unified-status"] == "allowed"
    assert shown["unified-5h-utilization"] == "0.5"
    assert shown["unified-representative-claim"] == "five_hour"
    assert shown["unified-reset"] == str(int(WALL + 5 * 3600))
    plan.spend(300)
    assert headers(plan)["unified-status"] == "allowed_warning"
    assert headers(plan)["unified-5h-surpassed-threshold"] == "0.75"
    plan.spend(300)
    assert headers(plan)["unified-status"] == "rejected"
    assert plan.take(3600.0, 1) == Limited("plan", 4 * 3600.0)
    assert plan.take(5 * 3600.0, 1) is None


def test_the_weeks_window_outlives_the_five_hours():
    """When the seven days are used up, five hours do not help."""
    plan = Plan(LimitsModel(plan_tokens_5h=1000, plan_tokens_7d=1500), 0.0)
    plan.spend(900)
    assert plan.take(5 * 3600.0, 900) is None
    refused = plan.take(10 * 3600.0, 1)
    assert refused == Limited("plan", 7 * 86400.0 - 10 * 3600.0)
    assert headers(plan, 10 * 3600.0)["unified-representative-claim"] == "seven_day"


@pytest.mark.parametrize("other", [("b", "opus"), ("a", "haiku")])
def test_accounts_and_model_families_have_their_own_limits(other):
    """One that is empty says nothing about another."""
    limits = Limits(LimitsModel(requests_per_minute=1))
    assert limits.lane("a", "opus", 0.0).take(0.0, 1) is None
    assert limits.lane("a", "opus", 0.0).take(0.0, 1) is not None
    assert limits.lane(*other, 0.0).take(0.0, 1) is None


def test_accounts_are_forgotten_before_they_fill_the_memory():
    """The longest unused first."""
    limits = Limits(LimitsModel(requests_per_minute=1))
    for number in range(10_001):
        limits.lane(str(number), "opus", 0.0).take(0.0, 1)
        limits.plan(str(number), 0.0)
    assert len(limits._lanes) == len(limits._plans) == 10_000
    assert limits.lane("0", "opus", 0.0).take(0.0, 1) is None
