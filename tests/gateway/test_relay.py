"""The states of an answer: what may be sent in each, and what a failure becomes in each."""

import json
import random

import pytest

from seawall.causes.evidence import Evidence, Phase
from seawall.config import Hold
from seawall.gateway.relay import Relay, Stage, Told
from seawall.http.head import AnswerHead, Headers, read_answer
from seawall.upstream.messages import Failure
from seawall.wire.sse import PING, events, name_and_data


class Paper:
    """A reply that only writes down what it is told."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.body = b""
        self.end_: str = ""
        self.filler = b""
        self.source: object = None
        self.slow = False

    def interim(self, status: int, headers: Headers) -> None:
        self.status = status

    def start(self, status: int, headers: Headers, length: int, reason: bytes = b"") -> None:
        assert not self.status, "two heads"
        self.status, self.headers = status, headers

    def write(self, data: bytes) -> None:
        assert self.status, "before its head"
        assert not self.end_, "after its end"
        self.body += data

    def flush(self) -> None:
        pass

    def end(self) -> None:
        self.end_ = "whole"

    def abort(self) -> None:
        self.end_ = "broken"

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        self.start(status, headers, len(body))
        self.body, self.end_ = body, "whole"


class Source:
    def pause(self) -> None: ...
    def resume(self) -> None: ...


def head(status: int = 200, *headers: bytes) -> AnswerHead:
    return read_answer(b"\r\n".join([b"HTTP/1.1 %d X" % status, *headers, b"", b""]), b"POST")


def failed(
    status: int | None = 529, body: bytes = b'{"type":"error",\n"error":{"type":"overloaded_error"}}'
) -> Failure:
    evidence = Evidence(Phase.BODY, status=status, error_type="overloaded_error")
    answered = b"HTTP/1.1 %d X\r\nretry-after: 1\r\nx: y\r\n\r\n" % status if status else b""
    return Failure(evidence, "it broke", answered, body if status else b"", body if status else b"")


def relay(streamed: bool = True) -> tuple[Relay, Paper]:
    paper = Paper()
    return Relay(paper, id="sw_1", streamed=streamed), paper  # type: ignore[arg-type]


def test_from_pending_to_finished() -> None:
    """Content commits; the upstream's own headers go out, with our id."""
    one, paper = relay()
    assert one.stage is Stage.PENDING
    more = one.content(head(200, b"request-id: r"), b"first", Source(), raw=False)  # type: ignore[arg-type]
    assert one.stage is Stage.COMMITTED
    more(b"second")
    one.finish()
    assert (paper.status, paper.body, paper.end_) == (200, b"firstsecond", "whole")
    assert b"request-id: r" in paper.headers
    assert b"x-seawall-id: sw_1" in paper.headers


@pytest.mark.parametrize("streamed", [True, False])
def test_opened_answers_are_kept_alive(streamed: bool) -> None:
    """After opening: a ping at once, then one each period, none after the commit."""
    one, paper = relay(streamed)
    one.open(100.0)
    one.open(101.0)
    sign = PING if streamed else b" "
    assert (one.stage, paper.status, paper.body) == (Stage.OPENED, 200, sign)
    for now in (105.0, 110.0, 111.0, 120.0):
        one.tick(now, 10.0)
    assert paper.body == sign * 3
    one.content(head(), b"x", Source(), raw=False)  # type: ignore[arg-type]
    one.tick(200.0, 10.0)
    assert paper.body == sign * 3 + b"x"


def test_a_failure_before_anything_was_sent_leaves_as_it_came() -> None:
    """Status, headers and body byte for byte; given up, with a retry-after that clients can live with."""
    one, paper = relay()
    one.pass_on(failed())
    assert (paper.status, paper.body, paper.end_) == (529, failed().body, "whole")
    assert b"retry-after: 1" in paper.headers
    one, paper = relay()
    one.give_up(failed(), "held long", Hold(), random.Random(1))
    stated = [line[13:] for line in paper.headers if line.startswith(b"retry-after: ")]
    assert len(stated) == 1
    assert 30 <= int(stated[0]) <= 59


@pytest.mark.parametrize("opened_only", [True, False])
def test_a_failure_after_that_ends_with_the_upstreams_error_event(opened_only: bool) -> None:
    """On one line, and the answer does not end in good order."""
    one, paper = relay()
    one.open(0.0)
    if not opened_only:
        one.content(head(), PING, Source(), raw=False)  # type: ignore[arg-type]
    one.pass_on(failed())
    *_, last = events(paper.body)
    name, data = name_and_data(last)
    assert name == b"error"
    assert json.loads(data)["error"]["type"] == "overloaded_error"
    assert paper.end_ == "broken"
    one.break_off(failed())
    one.break_off(None)


def test_opened_json_is_cut() -> None:
    """JSON has no error event: it is broken off."""
    one, paper = relay(streamed=False)
    one.open(0.0)
    one.give_up(failed(), "x", Hold(), random.Random(1))
    assert (paper.body, paper.end_) == (b" ", "broken")


def test_a_200_that_failed_never_leaves_as_200() -> None:
    """Without an error object it is a 503 of ours; with one, the status of its type."""
    one, paper = relay()
    one.pass_on(
        Failure(Evidence(Phase.BODY, status=200), "a page", b"HTTP/1.1 200 OK\r\n\r\n", b"<html>", b"")
    )
    assert paper.status == 503
    assert b"Seawall" in paper.body
    one, paper = relay()
    one.pass_on(failed(200))
    assert paper.status == 529


def test_what_the_headers_tell() -> None:
    """Only what there is to say, in ASCII."""
    assert Told("sw_1").headers() == [b"x-seawall-id: sw_1"]
    elsewhere = Told("sw_1", fallback="model=claude-sonnet-5-5")
    assert elsewhere.headers() == [b"x-seawall-id: sw_1", b"x-seawall-fallback: model=claude-sonnet-5-5"]
    assert Told("sw_1", 3, 12.34, "provider.overloaded", "päst").headers() == [
        b"x-seawall-id: sw_1",
        b"x-seawall-attempts: 3",
        b"x-seawall-held: 12.3",
        b"x-seawall-cause: provider.overloaded",
        b"x-seawall-note: p?st",
    ]
