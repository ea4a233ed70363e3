"""Calls that are too large for a limit."""

import time
from pathlib import Path

from doctor_peers import about, keep, ran
from store_helpers import attempt

from seawall.doctor.check import Finding, State
from seawall.doctor.checks.request_long import needs, signs_of

BIG = 2_000_000
"""Bytes: half a million tokens, which may take 260 s until the first byte."""


def test_what_a_size_needs() -> None:
    """A second for 2 000 tokens, and some to begin with."""
    assert needs(0) == 10.0
    assert needs(8000) == 11.0
    assert needs(BIG) == 260.0


def test_a_call_that_was_given_up_at_a_short_limit() -> None:
    """Strong, with the advice; none of that for a call that had time enough."""
    rows = [attempt(input_bytes=BIG, cause="network.client_timeout", status=None)]
    (sign,) = signs_of(rows, 180.0)
    assert (sign.cause, sign.weight.value) == ("network.client_timeout", "strong")
    assert (
        "raise the limit, stream, split the request, or shorten the conversation with /compact" in sign.text
    )
    assert sign.text.endswith("1 of them were given up")
    assert signs_of(rows, 600.0) == []


def test_a_call_that_went_another_way() -> None:
    """Only weak where it failed for another reason."""
    (sign,) = signs_of([attempt(input_bytes=BIG)], 180.0)
    assert sign.weight.value == "weak"


def test_near_the_services_own_limit() -> None:
    """32 MB, whatever the time."""
    (sign,) = signs_of([attempt(input_bytes=31_000_000)], 1e6)
    assert sign.cause == "request.request_too_large"


def test_sizes_on_record_and_the_limit_that_is_set(tmp_path: Path) -> None:
    """The client's own limit counts, where one is set."""
    keep(tmp_path, attempt(at=time.time() - 30, input_bytes=400_000))
    assert ran(about(tmp_path), "request.long").state is State.OK
    told = Finding(State.WARN, "", {"limits": {"API_TIMEOUT_MS": 60.0, "CLAUDE_STREAM_IDLE_TIMEOUT_MS": 5.0}})
    found = ran(about(tmp_path), "request.long", local_timeouts=told)
    assert (found.state, found.facts["limit"], found.facts["tokens"]) == (State.WARN, 60.0, 100_000)


def test_no_record(tmp_path: Path) -> None:
    """Nothing is known."""
    assert ran(about(tmp_path), "request.long").state is State.SKIP
