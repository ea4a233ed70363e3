"""A short stream, against the fake API: parts one by one, or all at once."""

from pathlib import Path

import pytest
from doctor_peers import KEY, about, answer, host, ran

from seawall.doctor.check import State
from seawall.doctor.checks import api_stream
from seawall.doctor.checks.api_stream import held_back
from seawall.doctor.subject import Subject
from seawall.fake.scenario import AnswerShape, Scenario
from seawall.fake.thread import BackgroundFakeApi


def asking(tmp_path: Path, url: str, *, spend: bool = True) -> Subject:
    return about(tmp_path, url, environ={"ANTHROPIC_API_KEY": KEY}, spend=spend)


@pytest.mark.parametrize(
    ("first", "last", "held"),
    [(0.4, 1.9, False), (1.9, 1.92, True), (0.3, 0.31, False), (61.4, 61.4, True), (0.0, 5.0, False)],
)
def test_what_is_held_back(first: float, last: float, held: bool) -> None:
    """First and last part together, after a time in which a part should have come."""
    assert held_back(first, last) is held


def test_nothing_is_spent_unasked(tmp_path: Path) -> None:
    """No request comes."""
    with BackgroundFakeApi() as api:
        assert ran(asking(tmp_path, api.url, spend=False), "api.stream").state is State.SKIP
        assert api.requests == []


def test_parts_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of parts: they are counted, and the end is seen."""
    monkeypatch.setattr(api_stream, "SPREAD", 0.0)  # a busy machine may hand over all at once
    with BackgroundFakeApi(Scenario(answer=AnswerShape(seconds=1.0))) as api:
        found = ran(asking(tmp_path, api.url), "api.stream")
    assert (found.state, found.facts["whole"]) == (State.OK, True)
    assert found.facts["parts"] >= 1
    assert found.facts["last"] >= 1.0


def test_all_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything comes after a second of silence: something holds it back."""
    monkeypatch.setattr(api_stream, "SPREAD", 0.9)  # a busy machine may spread what was sent at once
    with BackgroundFakeApi(Scenario(answer=AnswerShape(first_s=1.0))) as api:
        found = ran(asking(tmp_path, api.url), "api.stream")
    assert found.state is State.WARN
    assert [(one.cause, one.weight.value) for one in found.signs] == [("network.proxy_buffering", "strong")]
    assert "first part and last part together" in found.summary


def test_a_stream_that_breaks_off(tmp_path: Path) -> None:
    """Cut in the middle of its content."""
    with BackgroundFakeApi() as api:
        api.script("cut at=in-block how=close")
        found = ran(asking(tmp_path, api.url), "api.stream")
    assert (found.state, found.signs[0].cause) == (State.FAIL, "network.stream_truncated")


def test_a_head_without_a_body(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It began and nothing followed."""
    monkeypatch.setattr("seawall.doctor.spending.SECONDS", 0.3)
    head = b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

    def says(_: bytes) -> bytes:
        return head

    with host(says) as slow:
        found = ran(asking(tmp_path, slow.url), "api.stream")
    assert found.state is State.FAIL
    assert found.signs[0].cause in ("network.proxy_buffering", "network.stream_truncated")


def test_a_refusal(tmp_path: Path) -> None:
    """Its own cause."""
    with BackgroundFakeApi() as api:
        api.script("status code=529")
        found = ran(asking(tmp_path, api.url), "api.stream")
    assert found.signs[0].cause == "provider.overloaded"
    with host(answer(200, b"{}", content_type="application/json")) as other:
        assert ran(asking(tmp_path, other.url), "api.stream").state is State.FAIL
