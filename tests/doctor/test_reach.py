"""One request, measured: whatever comes back is an answer or one sentence, in time and within bounds."""

import asyncio
import time

import pytest
from doctor_peers import answer, free_port, from_api, host

from seawall.causes.evidence import Fault
from seawall.config import Network
from seawall.doctor.reach import MOST_BODY, Answer, ask
from seawall.origin import Origin


def asked(url: str, seconds: float = 5.0) -> Answer:
    origin, _ = Origin.parse(url)
    return asyncio.run(ask(origin, Network(), "GET", "/x", {"accept": "*/*"}, seconds=seconds))


def test_an_answer() -> None:
    """Status, headers in lower case, body, and when it came."""
    with host(from_api(200, b"{}", X_Thing="1")) as one:
        found = asked(one.url)
    assert (found.status, found.headers["x-thing"], found.body, found.who) == (200, "1", b"{}", "api")
    assert found.connected is not None
    assert found.first_byte is not None
    assert one.requests == [
        f"GET /x HTTP/1.1\r\nhost: 127.0.0.1:{one.port}\r\nconnection: close\r\naccept: */*\r\n\r\n".encode()
    ]


def test_chunks_are_joined() -> None:
    """Also those that come without an end."""
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    with host(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n") as one:
        assert asked(one.url).body == b"abcde"
    with host(head + b"zz\r\nabc\r\n") as one:
        assert asked(one.url).body == b""


@pytest.mark.parametrize(
    ("says", "who"),
    [
        (from_api(401), "api"),
        (answer(502, cf_ray="8f00-FRA"), "edge"),
        (answer(502, x_seawall_id="sw_1"), "seawall"),
        (answer(502, via="1.1 proxy"), "between"),
        (answer(200, request_id="not-of-the-api"), "between"),
    ],
)
def test_who_answered(says: bytes, who: str) -> None:
    """By the headers, before anything else is concluded."""
    with host(says) as one:
        assert asked(one.url).who == who


@pytest.mark.parametrize(
    ("says", "fault"),
    [
        (b"", Fault.CONNECTION_CLOSED),
        (b"garbage\r\n\r\n", Fault.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000, Fault.BAD_ANSWER),
        (b"HTTP/1.1 200", Fault.BAD_ANSWER),
    ],
)
def test_what_is_no_answer(says: bytes, fault: Fault) -> None:
    """A fault with a sentence; never an exception."""
    with host(says) as one:
        found = asked(one.url)
    assert (found.status, found.fault, found.who) == (None, fault, "nobody")
    assert found.text


def test_silence_ends() -> None:
    """After the time that was given, not after the other side's."""
    begun = time.monotonic()
    with host(lambda _: None) as one:
        found = asked(one.url, seconds=0.2)
    assert found.fault is Fault.FIRST_BYTE_TIMEOUT
    assert time.monotonic() - begun < 5


def test_an_endless_body_is_cut() -> None:
    """No more is kept than the limit, however much comes."""
    with host(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (3 * MOST_BODY)) as one:
        assert len(asked(one.url).body) <= MOST_BODY


def test_nobody() -> None:
    """A refused connection is said to be one."""
    assert asked(f"http://127.0.0.1:{free_port()}").fault is Fault.CONNECTION_REFUSED
