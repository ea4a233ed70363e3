"""A short stream, against the fake API: parts one by one, or all at once."""

import time
from pathlib import Path

import pytest
from doctor_peers import KEY, about, answer, host, ran

from seawall.doctor.check import State
from seawall.doctor.checks import api_stream
from seawall.doctor.checks.api_stream import held_back, together
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


def streams(*rows: tuple[object, object, object], at: float | None = None) -> dict[str, object]:
    """A running gateway that saw these: first content, end, tokens."""
    now = time.time() if at is None else at
    kept = [{"at": now, "first": first, "whole": whole, "tokens": tokens} for first, whole, tokens in rows]
    return {"address": "http://127.0.0.1:8787", "pid": 7, "streams": kept}


HELD = [(61.4, 61.41, 4000), (44.0, 44.08, 3000), (5.0, 5.002, 200), (9.0, 9.01, 300), (2.0, 2.01, 150)]
FLOWING = (1.0, 31.0, 2000)


@pytest.mark.parametrize(
    ("first", "whole", "tokens", "at_once"),
    [
        (61.4, 61.41, 4000, True),
        (61.4, 62.4, 4000, False),  # 4000 tokens a second: a fast model, perhaps
        (1.0, 31.0, 2000, False),
        (0.3, 0.31, 200, False),  # over before anything could be seen
        (5.0, 5.0, 100, True),
        (0.1, 0.9, 10**6, False),
    ],
)
def test_what_came_at_once(first: float, whole: float, tokens: int, at_once: bool) -> None:
    """Faster than any model writes, after a time in which parts should have come."""
    assert together(first, whole, tokens) is at_once


def test_streams_that_a_gateway_saw_held_back(tmp_path: Path) -> None:
    """Five of six came at once: something on the way holds them, without a token spent."""
    one = about(tmp_path, gateways=(streams(FLOWING, *HELD),))
    found = ran(one, "api.stream")
    assert (found.state, found.facts) == (State.WARN, {"streams": 6, "together": 5})
    assert [(sign.cause, sign.weight.value) for sign in found.signs] == [
        ("network.proxy_buffering", "strong")
    ]
    assert found.summary.startswith("5 of 6 streams: first part and last part together (")


@pytest.mark.parametrize(
    ("gateway", "state"),
    [
        (streams(*[FLOWING] * 5, *HELD[:4]), State.OK),
        (streams(*HELD[:4]), State.SKIP),
        (streams(*HELD, at=time.time() - 3600), State.SKIP),
        (streams(*[("x", None, float("nan"))] * 9, *[(9.0, 1.0, 100)] * 9), State.SKIP),
        ({"streams": 7}, State.SKIP),
        ({"streams": [None, "x", 7]}, State.SKIP),
        ({"answers": False}, State.SKIP),
    ],
)
def test_too_little_seen_says_nothing(tmp_path: Path, gateway: dict[str, object], state: State) -> None:
    """Fewer than five at once, of long ago, or nonsense: no sign."""
    found = ran(about(tmp_path, gateways=(gateway,)), "api.stream")
    assert (found.state, found.signs) == (state, ())


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
