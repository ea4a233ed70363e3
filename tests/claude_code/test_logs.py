"""Logs of other programs: which lines tell of a failed call to Claude, and when it was."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from seawall.claude_code.logs import SIGNS, LogReader, is_transcript, moment
from seawall.claude_code.scan import File, Scan
from seawall.claude_code.transcripts import NO_TIME, TOO_LONG, Reading
from transcript_lines import outage, prompt, write

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
ANSWERED = 'INFO httpx HTTP Request: POST https://api.anthropic.com/v1/messages "HTTP/1.1 529 "'
RAISED = (
    "ERROR anthropic.InternalServerError: Error code: 529 - {'type': 'error', 'error': {'type': "
    "'overloaded_error', 'message': 'Overloaded'}, 'request_id': 'req_011CSHoEeqs5C35K2UUqR7Fy'}"
)


def reading(*lines: str, folder: Path, begin: int = 0) -> Reading:
    data = "".join(f"{one}\n" for one in lines).encode()
    path = write(folder, data, "some.log")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return LogReader(Scan(File(descriptor), begin, len(data), SIGNS), NOW).read()
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("line", "cause", "ended"),
    [
        (f"2026-11-21 07:03:00,123 {ANSWERED}", "provider.overloaded", "given_up"),
        (f"2026-11-21 07:03:00,123 {RAISED}", "provider.overloaded", "given_up"),
        ('{"ts":1795217553.5,"level":"error","msg":"claude call failed","error":{"type":"overloaded_error"}}',
         "provider.overloaded", "given_up"),
        ("2026-11-21T07:03:00Z WARNING claude-sonnet-5-5: retrying after APITimeoutError: Request timed out.",
         "network.client_timeout", "retried"),
        ("2026-11-21T07:03:00Z AnthropicException: Your credit balance is too low to access the Anthropic API",
         "account.credit_exhausted", "passed"),
        ('10.1.2.3 - - [21/Nov/2026:07:03:00 +0000] "POST /v1/messages HTTP/1.1" 529 85', "provider.overloaded",
         "given_up"),
    ],
)  # fmt: skip
def test_lines_that_tell_of_a_failure(line: str, cause: str, ended: str, tmp_path: Path) -> None:
    """Of clients, programs, proxies; as text or as JSON."""
    [told] = reading("INFO starting", line, "INFO done", folder=tmp_path).told
    assert (told.attempt.cause, told.attempt.ended, told.attempt.source) == (cause, ended, "log")
    assert told.attempt.route == "api.anthropic.com"


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-21T07:03:00Z postgres ERROR: connection refused",
        "2026-11-21T07:03:00Z openai.RateLimitError: Error code: 429 - rate limit reached for gpt-5",
        "2026-11-21T07:03:00Z INFO claude answered in 529 ms, limit 20, error count 0",
        "2026-11-21T07:03:00Z ERROR something failed",
        "2026-11-21T07:03:00Z kernel: Out of memory: Killed process 529",
        "",
    ],
)
def test_lines_of_something_else(line: str, tmp_path: Path) -> None:
    """Other services, successes, and errors of which nobody knows what they are: none is guessed."""
    assert reading(line, folder=tmp_path).told == []


def test_a_failure_that_two_parts_of_a_program_log_is_one(tmp_path: Path) -> None:
    """The client's line and the program's are one; ten of each are ten; two requests are two."""
    pair = (f"2026-11-21 07:03:00,123 {ANSWERED}", f"2026-11-21 07:03:00,127 {RAISED}")
    assert len(reading(*pair, folder=tmp_path).told) == 1
    assert len(reading(*[pair[0]] * 10, *[pair[1]] * 10, folder=tmp_path).told) == 10
    other = RAISED.replace("req_011C", "req_022D")
    assert len(reading(pair[1], f"2026-11-21 07:03:00,130 again: {other}", folder=tmp_path).told) == 2
    later = (pair[0], f"2026-11-21 07:03:05,000 {RAISED}")
    assert len(reading(*later, folder=tmp_path).told) == 2


def test_equal_lines_are_different_failures(tmp_path: Path) -> None:
    """Agents that fail in the same second write the same words; the place in the file tells them apart."""
    line = f"2026-11-21 07:03:00 {ANSWERED}"
    told = reading(line, line, line, folder=tmp_path).told
    assert len({one.record for one in told}) == 3
    assert [one.record for one in reading(line, line, line, folder=tmp_path).told] == [
        one.record for one in told
    ]


def test_lines_without_a_time_are_counted(tmp_path: Path) -> None:
    """A stack's last line belongs to one that has a time."""
    found = reading(f"2026-11-21 07:03:00,123 {ANSWERED}", RAISED, "x" * 1_100_000 + RAISED, folder=tmp_path)
    assert len(found.told) == 1
    assert found.odd == {NO_TIME: 1, TOO_LONG: 1}


def test_a_last_line_without_an_end_waits(tmp_path: Path) -> None:
    """Half a line of text cannot be told from a whole one."""
    data = f"2026-11-21 07:03:00 {ANSWERED}\n2026-11-21 07:04:00 {ANSWERED}".encode()
    path = write(tmp_path, data, "x.log")
    descriptor = os.open(path, os.O_RDONLY)
    found = LogReader(Scan(File(descriptor), 0, len(data), SIGNS), NOW).read()
    os.close(descriptor)
    assert (len(found.told), found.position) == (1, data.index(b"\n") + 1)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-21T07:03:00Z x", "2026-11-21T07:03:00+00:00"),
        ("[2026-11-21 07:03:00.250+01:00] x", "2026-11-21T06:03:00.250+00:00"),
        ("2026/11/21 07:03:00 -0800 x", "2026-11-21T15:03:00+00:00"),
        ('1.2.3.4 - - [21/Nov/2026:07:03:00 +0200] "GET"', "2026-11-21T05:03:00+00:00"),
        ('{"time": 1795217553500}', "2026-11-20T23:32:33.500+00:00"),
        ('{"level":"error","ts":1795217553.25}', "2026-11-20T23:32:33.250+00:00"),
    ],
)
def test_times(text: str, at: str) -> None:
    """With the zone that is named."""
    assert moment(text, NOW) == pytest.approx(datetime.fromisoformat(at).timestamp(), abs=1e-6)


def test_times_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a zone it is the local one; a syslog line without a year is not of the future."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert (
            moment("2026-11-21 07:03:00,5 x", NOW) == datetime(2026, 11, 21, 6, 3, 0, 500000, UTC).timestamp()
        )
        assert moment("Nov 21 07:03:00 host x", NOW) == datetime(2026, 11, 21, 6, 3, tzinfo=UTC).timestamp()
        assert (
            moment("<13>Dec  3 07:03:00 host x", NOW) == datetime(2025, 12, 3, 6, 3, tzinfo=UTC).timestamp()
        )
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    "text",
    ["no time", "2026-13-41 25:61:61", "2099-01-01 00:00:00Z", "2000-01-01T00:00:00Z", "Feb 30 10:00:00 x",
     "Xyz 12 10:00:00 x", "[40/Nov/2026:07:03:00 +0000]", "12026-11-21T07:03:00", "2026-11-21T07:03:00+99:99"],
)  # fmt: skip
def test_what_is_no_time(text: str) -> None:
    """Nonsense, the far future and the last century are not believed."""
    at = moment(text, NOW)
    assert at is None or text.endswith("+99:99")


def test_which_files_are_transcripts() -> None:
    """By their first lines."""
    assert is_transcript(outage(NOW))
    assert is_transcript(prompt("a", None, NOW))
    assert is_transcript(b'{"isApiErrorMessage":true,"type":"assistant"}\n')
    assert not is_transcript(b"")
    assert not is_transcript(ANSWERED.encode())
    assert not is_transcript(b'{"level":"error","msg":"isApiErrorMessage"}\n')
