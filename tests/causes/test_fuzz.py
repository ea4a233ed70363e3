"""What `make fuzz` looks for is really looked for, and its first texts pass."""

from pathlib import Path

import fuzz
import pytest

from seawall.causes.cause import codes, load
from seawall.causes.verdict import Verdict, explain

CAUSES = {code: load(code) for code in codes()}


def test_the_texts_it_begins_with_hold(tmp_path: Path) -> None:
    """Every text of the catalogue, as it is."""
    begin, words = fuzz.seeds(tmp_path)
    texts = [path.read_bytes() for path in begin.iterdir()]
    assert len(texts) > 200
    assert '"overloaded_error"' in words.read_text() or '"overloaded"' in words.read_text()
    for data in texts:
        fuzz.holds(fuzz.text_of(data), CAUSES)


def test_some_texts_are_long_and_some_hold_a_key() -> None:
    """By their first byte."""
    assert fuzz.text_of(b"\x00ab") == "ab"
    assert len(fuzz.text_of(b"\x01ab")) == fuzz.REPEATED
    assert fuzz.KEY in fuzz.text_of(b"\x02ab")
    assert fuzz.text_of(b"") == fuzz.text_of(b"\x01") == ""


@pytest.mark.parametrize(
    "data", [b"", b"\x01", b'\x01{"error":', b"\x01 529 overloaded_error\n", b"\x02529 ", b"\x00\xff\xfe"]
)
def test_hostile_texts_hold(data: bytes) -> None:
    """Empty, repeated, with a key, not UTF-8."""
    fuzz.holds(fuzz.text_of(data), CAUSES)


def test_a_code_that_does_not_exist_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be shown as a cause."""
    real = explain("529")
    monkeypatch.setattr(fuzz, "explain", lambda text: Verdict("made.up", real.confidence, real.facts))
    with pytest.raises(AssertionError, match=r"made\.up"):
        fuzz.holds("529", CAUSES)


def test_a_slow_text_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is the processor's, so that a busy machine is none."""
    times = iter((0.0, fuzz.LONGEST))
    monkeypatch.setattr(fuzz.time, "process_time", lambda: next(times))
    with pytest.raises(AssertionError, match=r"5\.0 s for 3 characters"):
        fuzz.holds("529", CAUSES)


def test_a_key_that_is_shown_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it would stand."""
    monkeypatch.setattr(fuzz.redact, "text", lambda text: text)
    with pytest.raises(AssertionError):
        fuzz.holds(f"529 {fuzz.KEY}", CAUSES)
