"""Which headers of a request travel on, and in which order."""

import pytest

from seawall.http.head import CHUNKED, read_request
from seawall.upstream.headers import upstream_headers


def sent(*lines: str, length: int = 2, identity: bool = True) -> list[str]:
    head = "\r\n".join(["POST / HTTP/1.1", *lines, "", ""]).encode()
    return [line.decode() for line in upstream_headers(read_request(head), b"up", length, identity=identity)]


def test_what_every_client_sends_goes_on_line_by_line() -> None:
    """In its order, as it came; host and coding are made anew where they stood."""
    lines = ["Accept: */*", "Host: x", "Accept-Encoding: gzip", "X-A:b", "Content-Length: 2"]
    assert sent(*lines) == [
        "Accept: */*",
        "host: up",
        "accept-encoding: identity",
        "X-A:b",
        "Content-Length: 2",
    ]
    assert sent(*lines, identity=False)[2] == "Accept-Encoding: gzip"
    assert sent("host: x", "content-length: 2") == [
        "host: up",
        "content-length: 2",
        "accept-encoding: identity",
    ]


@pytest.mark.parametrize(
    "line",
    ["connection: keep-alive", "TE: trailers", "Expect: 100-continue", "x-seawall-hold: 1s", "X-Seawall-New: 1",
     "connection: x-b", "proxy-authorization: Basic x"],
)  # fmt: skip
def test_headers_of_the_connection_stay_here(line: str) -> None:
    """And ours, whatever their name; what the connection header names is of the connection too."""
    named = "x-b" in line
    said = sent("host: x", "x-a: 1", "X-B: 2" if named else "x-c: 3", line, "content-length: 2")
    kept = [] if named else ["x-c: 3"]
    assert sorted(said) == sorted(
        ["host: up", "x-a: 1", *kept, "accept-encoding: identity", "content-length: 2"]
    )
    assert [one for one in said if one.startswith("x-")] == ["x-a: 1", *kept]


def test_the_length_is_that_of_the_body_that_is_sent() -> None:
    """Stated once, in digits as everybody writes them; a body in chunks that was read whole is counted."""
    assert sent("host: x", "content-length: 02") == [
        "host: up",
        "accept-encoding: identity",
        "content-length: 2",
    ]
    assert sent("host: x", "transfer-encoding: chunked")[-1] == "content-length: 2"
    assert sent("host: x", "transfer-encoding: chunked", length=CHUNKED)[-1] == "transfer-encoding: chunked"
    assert not any("content-length" in line for line in sent("host: x", length=0))
    assert sent("host: x", "content-length: 0", length=0)[0:2] == ["host: up", "content-length: 0"]


def test_a_coding_that_comes_twice_is_asked_for_once() -> None:
    """Both lines go, ours comes; other names that come twice go on twice."""
    said = sent(
        "host: x", "accept-encoding: gzip", "Accept-Encoding: br", "a: 1", "A: 2", "content-length: 2"
    )
    assert said == ["host: up", "a: 1", "A: 2", "accept-encoding: identity", "content-length: 2"]
