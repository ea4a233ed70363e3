"""Where one error of a paste ends and the next begins; what that means for verdicts is in test_verdict.py."""

import time

import pytest

from seawall.causes.extract import read
from seawall.causes.several import parts


def counted(text: str) -> list[tuple[str, int]]:
    return [(part.flat, part.count) for part in parts(read(text))]


def test_a_text_without_repetition_is_one_error():
    """Whatever its lines say."""
    assert counted("529 Overloaded\nRequest timed out\nECONNRESET") == [
        ("529 overloaded request timed out econnreset", 1)
    ]


def test_lines_that_come_again_are_counted():
    """Counters, times and ids do not make them different."""
    assert counted("529 Overloaded\n529 Overloaded\n") == [("529 overloaded", 2)]
    stamped = "2026-11-21T10:00:01Z 529 Overloaded req_1ab\n2026-11-21T10:00:09Z 529 Overloaded req_2cd"
    assert [count for _, count in counted(stamped)] == [2]


def test_what_repeats_and_shows_no_cause_tells_nothing_apart():
    """Rulers, prompts and the heads of stacks."""
    text = "Traceback (most recent call last):\nhttpx.ReadTimeout\nTraceback (most recent call last):\n529 Overloaded"
    assert len(counted(text)) == 1


def test_what_is_indented_or_inside_brackets_belongs_to_the_error_above():
    """So do stacks and wrapped bodies."""
    one = "529 Overloaded\n    cause: ECONNRESET\n    at x (y.js:1:2)\n"
    assert [count for _, count in counted(one * 3)] == [3]
    wrapped = 'API Error: 500 {"type":"error","message":\n"Overloaded"}\n'
    assert [count for _, count in counted(wrapped * 2)] == [2]


@pytest.mark.parametrize(
    "line",
    [
        "529 x%d\n",
        "attempt %d: 529\n",
        '{"a":%d}\n',
        "a\n",
        "{\n",
        "%d\n",
        "(" * 50 + "%d\n",
        "529 overloaded %d ",
    ],
)
def test_a_long_text_takes_a_moment(line):
    """A quarter of a million characters in lines of any kind; three seconds leave room for a busy machine."""
    text = "".join(line.replace("%d", str(n)) for n in range(260_000 // len(line)))
    facts = read(text)
    began = time.process_time()
    assert parts(facts)
    assert time.process_time() - began < 3
