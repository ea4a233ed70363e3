"""What happened, in sentences with figures."""

from dataclasses import replace

import pytest

from report_cases import EPISODE, FAILED, NOW, case, mixed, rows, verdict
from seawall.history.episodes import End
from seawall.report.case import Recorded
from seawall.report.words import happened, ruled_out, said, stamp, utc


def test_times_are_the_same_for_everybody():
    """UTC for people and for programs; a time that no calendar has raises nothing."""
    assert utc(NOW) == "2025-11-20 13:23:20 UTC"
    assert stamp(NOW + 0.125) == "2025-11-20T13:23:20.125Z"
    for at in (1e300, float("nan")):
        assert "calendar" in utc(at)
        assert stamp(at) == ""


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (End.OPEN, "It goes on, for 10 min so far."),
        (End.RECOVERED, "It was over at 2025-11-20 13:23:20 UTC, after 10 min."),
        (End.UNSEEN, "Its end was not seen: nothing was tried any more."),
    ],
)
def test_what_happened(end, sentence):
    """The cause, how many attempts of how many calls, where and when, and how it ended."""
    text = happened(case(recorded=Recorded(replace(EPISODE, end=end), rows(), calls=2)))
    assert text == (
        "The API is at capacity (529 overloaded_error). 3 attempts of 2 calls failed for opus at api.anthropic.com, "
        f"between 2025-11-20 13:13:20 UTC and 2025-11-20 13:15:20 UTC. {sentence}"
    )


def test_one_attempt_of_one_call():
    """Singulars are singular."""
    text = happened(case(recorded=Recorded(EPISODE, rows(1), calls=1)))
    assert "1 attempt of 1 call failed" in text


def test_several_causes_are_never_one_sentence():
    """Each has its line, with how many attempts of how many calls, the most frequent first."""
    text = happened(mixed())
    assert text == (
        "294 attempts of 19 calls failed for opus at api.anthropic.com, "
        "between 2025-11-20 13:13:20 UTC and 2025-11-20 13:20:31 UTC, by 3 causes:\n"
        "- 252 attempts of 12 calls: The API is at capacity (provider.overloaded; 529 overloaded_error).\n"
        "- 32 attempts of 5 calls: Nobody listens at that address, or a firewall refuses "
        "(network.connection_refused; no answer).\n"
        "- 10 attempts of 2 calls: The service is not available for the moment (provider.service_unavailable; 503)."
    )


def test_what_was_only_measured():
    """Without anything on record it says so."""
    text = happened(case(recorded=Recorded()))
    assert "Nothing of it is on record" in text


def test_what_an_attempt_failed_with():
    """Status and type; the cause where there was no type; that nothing answered."""
    assert said(FAILED) == "529 overloaded_error"
    assert said(replace(FAILED, error_type=None)) == "529 (provider.overloaded)"
    assert (
        said(replace(FAILED, status=None, error_type=None, cause="network.offline"))
        == "no answer (network.offline)"
    )


def test_what_was_ruled_out():
    """What is fine, and what speaks against."""
    assert ruled_out(case()) == [
        "fine, measured 2025-11-20 13:23:20 UTC: name, TLS",
        "the status page shows no incident",
    ]
    assert ruled_out(case(verdict=replace(verdict(), fine=(), evidence=()))) == []
