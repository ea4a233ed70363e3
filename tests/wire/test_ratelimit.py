"""Rate-limit headers into one value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.wire import ratelimit
from seawall.wire.ratelimit import NONE, Bucket, Limits, Window

WALL = 1_763_640_000.0  # 2025-11-20T12:00:00Z


def read(headers: dict[str, str]) -> Limits:
    return ratelimit.read({k.encode(): v.encode("latin-1") for k, v in headers.items()}.get, WALL)


def bucket(
    name: str, limit: object, remaining: object, reset: str = "2025-11-20T12:00:30Z"
) -> dict[str, str]:
    start = f"anthropic-ratelimit-{name}"
    return {f"{start}-limit": str(limit), f"{start}-remaining": str(remaining), f"{start}-reset": reset}


def test_an_answer_without_such_headers_says_nothing():
    """The usual case costs no allocation: it is one shared value."""
    assert read({"content-type": "application/json"}) is NONE
    assert NONE.retry_after is None
    assert NONE.empty_bucket() is None
    assert not NONE.rejected


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "Thu, 20 Nov 2025 12:00:42 GMT"}, 42.0),
        ({"retry-after": "Thu, 20 Nov 2025 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Thursday, 20-Nov-25 12:00:42 GMT"}, 42.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "99999999999"}, 4_294_967.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1_0"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "\u00b2"}, None),
        ({"retry-after": "9" * 5000}, None),
        ({"retry-after": "Thu, 99 Nov 2025 12:00:42 GMT"}, None),
        ({"retry-after": ":" * 60}, None),
    ],
)
def test_how_long_to_wait(headers, seconds):
    """Seconds, milliseconds and dates are read as the SDKs read them; junk is as if it were not there."""
    assert read(headers).retry_after == seconds


@pytest.mark.parametrize(
    ("value", "flag"),
    [("true", True), ("false", False), ("TRUE", True), ("1", None), ("", None), ("maybe", None)],
)
def test_whether_to_try_again(value, flag):
    """`x-should-retry` is a plain word; anything else is no advice."""
    assert read({"x-should-retry": value}).should_retry is flag


def test_the_plans_own_family():
    """Status, window and reset of a subscription; the reset comes as seconds since 1970."""
    said = read(
        {
            "anthropic-ratelimit-unified-status": "rejected",
            "anthropic-ratelimit-unified-representative-claim": "five_hour",
            "anthropic-ratelimit-unified-reset": "1763643600",
        }
    )
    assert said.rejected
    assert (said.unified_status, said.claim, said.reset) == ("rejected", "five_hour", 3600.0)
    assert not read({"anthropic-ratelimit-unified-status": "allowed_warning"}).rejected


def test_the_plans_windows_of_one_model_family():
    """A week's allowance of Opus or Sonnet alone may be used up while the week's own is not."""
    at = "anthropic-ratelimit-unified-"
    said = read(
        {f"{at}status": "rejected", f"{at}7d-utilization": "0.5", f"{at}7d-status": "allowed"}
        | {
            f"{at}7d_opus-utilization": "1.02",
            f"{at}7d_opus-status": "rejected",
            f"{at}7d_opus-reset": "1763643600",
        }
    )
    assert said.windows == (Window("7d", 0.5, "allowed", None), Window("7d_opus", 1.02, "rejected", 3600.0))


def test_the_buckets_of_an_organisation():
    """Each bucket has its limit, what remains and the seconds to its reset."""
    said = read(bucket("requests", 50, 49) | bucket("input-tokens", 30000, 0))
    assert said.buckets == (Bucket("requests", 50, 49, 30.0), Bucket("input-tokens", 30000, 0, 30.0))


@pytest.mark.parametrize(
    ("headers", "threshold", "name"),
    [
        (bucket("requests", 50, 0), 0.02, "requests"),
        (bucket("requests", 50, 1), 0.02, "requests"),
        (bucket("requests", 50, 2), 0.02, None),
        (bucket("requests", 50, 2), 0.1, "requests"),
        (bucket("input-tokens", 30000, 0) | bucket("tokens", 30000, 0), 0.02, "input-tokens"),
        (bucket("tokens", 30000, 0), 0.02, "tokens"),
        (bucket("requests", 50, 1) | bucket("output-tokens", 8000, 0), 0.02, "output-tokens"),
        (bucket("requests", 0, 0), 0.02, "requests"),
        (bucket("requests", 50, 50), 0.02, None),
    ],
)
def test_which_bucket_is_empty(headers, threshold, name):
    """The emptiest bucket at or below the share is named; the summary bucket only where it stands alone."""
    assert read(headers).empty_bucket(threshold) == name


@pytest.mark.parametrize(("limit", "remaining"), [("many", "0"), ("50", "none"), ("-1", "0"), ("", "")])
def test_a_bucket_of_junk_is_left_out(limit, remaining):
    """Numbers that make no sense claim nothing."""
    said = read(bucket("requests", limit, remaining))
    assert said.buckets == ()
    assert said.empty_bucket() is None


def test_a_bucket_without_reset_counts():
    """A reset that cannot be read takes nothing from the rest."""
    assert read(bucket("requests", 50, 0, "tomorrow")).buckets == (Bucket("requests", 50, 0, None),)
    headers = {"anthropic-ratelimit-requests-limit": "5", "anthropic-ratelimit-requests-remaining": "1"}
    assert read(headers).buckets == (Bucket("requests", 5, 1, None),)


def test_an_overdrawn_bucket_is_empty():
    """Less than nothing is left: that is a figure, and the bucket is why a call was refused."""
    said = read(bucket("output-tokens", 8000, -350))
    assert said.empty_bucket() == "output-tokens"
    assert list(said.levels()) == [("output-tokens", 8000.0, 0.0)]


@pytest.mark.parametrize("off", [-600.0, 0.0, 600.0, 86400.0])
def test_times_are_measured_by_the_clock_of_who_wrote_them(off):
    """This machine's clock is minutes off, or jumped while it slept: a pause of a minute is still one of a minute."""
    wall = 1763640000.0  # Thu, 20 Nov 2025 12:00:00 GMT
    headers = {
        b"date": b"Thu, 20 Nov 2025 12:00:00 GMT",
        b"retry-after": b"Thu, 20 Nov 2025 12:01:00 GMT",
        b"anthropic-ratelimit-unified-status": b"rejected",
        b"anthropic-ratelimit-unified-reset": b"1763643600",
        b"anthropic-ratelimit-unified-5h-utilization": b"1.0",
        b"anthropic-ratelimit-unified-5h-reset": b"2025-11-20T14:00:00+01:00",
    }
    said = ratelimit.read(headers.get, wall + off)
    assert (said.retry_after, said.reset) == (60.0, 3600.0)
    assert said.windows[0].reset == 3600.0


@pytest.mark.parametrize(
    "date",
    [b"", b"yesterday", b"Thu, 31 Feb 2025 12:00:00 GMT", b"Thu, 20 ovD 2025 12:00:00 GMT", b"\xff" * 99],
)
def test_a_date_of_junk_is_no_clock(date):
    """Then this machine's own has to do."""
    headers = {b"date": date, b"retry-after": b"Thu, 20 Nov 2025 12:01:00 GMT"}
    assert ratelimit.read(headers.get, 1763640000.0).retry_after == 60.0


NAMES = [
    b"date",
    b"retry-after",
    b"retry-after-ms",
    b"x-should-retry",
    b"anthropic-ratelimit-unified-status",
    b"anthropic-ratelimit-unified-reset",
    b"anthropic-ratelimit-requests-limit",
    b"anthropic-ratelimit-requests-remaining",
    b"anthropic-ratelimit-requests-reset",
]
VALUES = st.one_of(
    st.binary(max_size=80),
    st.text("0123456789.:-TZ+ GMTNovThu,", max_size=40).map(str.encode),
    st.sampled_from([b"0", b"60", b"true", b"rejected", b"2025-11-20T12:00:30Z"]),
)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES), st.floats(0, 4e9))
def test_no_header_makes_it_fail(headers, wall):
    """Whatever a server sends: no exception, no negative time, nothing that is not finite."""
    said = ratelimit.read(headers.get, wall)
    said.empty_bucket()
    times = [said.retry_after, said.reset, *(b.reset for b in said.buckets)]
    assert all(0 <= t <= 4_294_967 for t in times if t is not None)
