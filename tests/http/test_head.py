"""Heads: what is clear is read, what two parsers could read differently is refused."""

import random

import h11
import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.http.body import BadBody, reader
from seawall.http.head import (
    CHUNKED,
    UNTIL_CLOSE,
    BadHead,
    end_of_head,
    format_head,
    read_answer,
    read_request,
)

GOOD = b"POST /v1/messages?beta=true HTTP/1.1\r\nHost: x:1\r\nX-A: b\r\nContent-Length: 3\r\n\r\n"


def request(*lines: str, first: str = "GET / HTTP/1.1", host: str = "host: x") -> bytes:
    return "\r\n".join([first, *([host] if host else []), *lines, "", ""]).encode("latin-1")


def answer(*lines: str, first: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1")


def test_a_request() -> None:
    """Everything in the head is there, names as they came."""
    head = read_request(GOOD)
    assert (head.method, head.target, head.http11) == (b"POST", b"/v1/messages?beta=true", True)
    assert head.lines == [b"Host: x:1", b"X-A: b", b"Content-Length: 3"]
    assert head.fields == [(b"host", b"x:1"), (b"x-a", b"b"), (b"content-length", b"3")]
    assert (head.length, head.keep_alive, head.expects_continue) == (3, True, False)
    assert head.lower[b"x-a"] == b"b"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (request(first="GET http://x/ HTTP/1.1"), 400),
        (request(first="GET x HTTP/1.1"), 400),
        (request(first="OPTIONS * HTTP/1.1"), 400),
        (request(first="CONNECT x:443 HTTP/1.1"), 400),
        (request(first="GET  / HTTP/1.1"), 400),
        (request(first="GET / HTTP/1.1 "), 400),
        (request(first="GET /\tx HTTP/1.1"), 400),
        (request(first="GET /\x7f HTTP/1.1"), 400),
        (request(first="GET /\xe9 HTTP/1.1"), 400),
        (request(first="get / HTTP/1.1"), 400),
        (request(first="G(T / HTTP/1.1"), 400),
        (request(first="G" * 40 + " / HTTP/1.1"), 400),
        (request("a: b\x7f"), 400),
        (request()[:-2], 400),
        (request() + b"a: b\r\n\r\n", 400),
        (request(first="GET / HTTP/2.0"), 505),
        (request(first="GET / HTTP/0.9"), 505),
        (request(first="GET /"), 505),
        (b"\r\n" + request(), 400),
        (request(host=""), 400),
        (request("host: y"), 400),
        (request("authorization: Bearer a", "Authorization: Bearer b"), 400),
        (request("x-api-key: a", "x-api-key: a"), 400),
        (request("upgrade: h2c", "connection: upgrade"), 400),
        (request("upgrade: h2c"), 400),
        (request("content-length: 1", "content-length: 1"), 400),
        (request("content-length: 1", "Content-Length: 2"), 400),
        (request("content-length: 1, 1"), 400),
        (request("content-length: +1"), 400),
        (request("content-length: -1"), 400),
        (request("content-length: 0x1"), 400),
        (request("content-length: 1e3"), 400),
        (request("content-length: 9999999999999999999999"), 400),
        (request("content-length: "), 400),
        (request("content-length: 1 "), 400),
        (request("transfer-encoding: chunked\t"), 400),
        (request("content-length: 1", "transfer-encoding: chunked"), 400),
        (request("transfer-encoding: gzip"), 400),
        (request("transfer-encoding: gzip, chunked"), 400),
        (request("transfer-encoding: chunked", "transfer-encoding: chunked"), 400),
        (request("transfer-encoding: xchunked"), 400),
        (request("transfer-encoding: chunked", first="POST / HTTP/1.0"), 400),
        (request("a b: c"), 400),
        (request("a : c"), 400),
        (request(": c"), 400),
        (request("a: b\x00c"), 400),
        (request("a: b\rc"), 400),
        (request("a: b\nc: d"), 400),
        (request("a: b", " folded"), 400),
        (request("a: b", "\tfolded"), 400),
        (request("noColon"), 400),
        (request("expect: 200-ok"), 417),
    ],
)
def test_refused_requests(head: bytes, status: int) -> None:
    """Ambiguous or malformed heads are refused with a reason."""
    with pytest.raises(BadHead) as error:
        read_request(head)
    assert error.value.status == status
    assert str(error.value)


@pytest.mark.parametrize(
    ("lines", "first", "keep"),
    [
        ((), "GET / HTTP/1.1", True),
        (("connection: close",), "GET / HTTP/1.1", False),
        (("connection: Keep-Alive, Close",), "GET / HTTP/1.1", False),
        ((), "GET / HTTP/1.0", False),
        (("connection: keep-alive",), "GET / HTTP/1.0", True),
    ],
)
def test_keep_alive(lines: tuple[str, ...], first: str, keep: bool) -> None:
    """Who keeps the connection open follows the version and the connection header."""
    assert read_request(request(*lines, first=first)).keep_alive is keep


def test_the_end_of_a_head() -> None:
    """Found wherever it is, bounded, and bare line feeds are refused before their time is up."""
    assert end_of_head(GOOD + b"abc", 65536) == len(GOOD)
    assert end_of_head(GOOD[:-1], 65536) == 0
    assert end_of_head(GOOD[:-2], 65536) == 0
    with pytest.raises(BadHead) as error:
        end_of_head(b"GET / HTTP/1.1\r\n" + b"x" * 100, 100)
    assert error.value.status == 431
    with pytest.raises(BadHead):
        end_of_head(b"GET / HTTP/1.1\nhost: x\n\n", 65536)


@pytest.mark.parametrize(
    ("head", "method", "length", "keep"),
    [
        (answer("content-length: 5"), b"GET", 5, True),
        (answer("content-length: 5"), b"HEAD", 0, True),
        (answer("transfer-encoding: chunked"), b"GET", CHUNKED, True),
        (answer("transfer-encoding: Chunked"), b"GET", CHUNKED, True),
        (answer(), b"GET", UNTIL_CLOSE, False),
        (answer(first="HTTP/1.1 204 No Content"), b"GET", 0, True),
        (answer(first="HTTP/1.1 304 Not Modified"), b"GET", 0, True),
        (answer(first="HTTP/1.1 103 Early Hints"), b"GET", 0, True),
        (answer("content-length: 5", "connection: close"), b"GET", 5, False),
        (answer("content-length: 5", first="HTTP/1.0 200 OK"), b"GET", 5, False),
        (answer("content-length: 5", first="HTTP/1.1 529 "), b"GET", 5, True),
    ],
)
def test_answers(head: bytes, method: bytes, length: int, keep: bool) -> None:
    """The framing of an answer follows RFC 9112 section 6.3."""
    read = read_answer(head, method)
    assert (read.length, read.keep_alive) == (length, keep)


@pytest.mark.parametrize(
    "head",
    [
        answer("content-length: 5", "content-length: 5"),
        answer("content-length: 5", "content-length: 6"),
        answer("content-length: 5", "transfer-encoding: chunked"),
        answer("transfer-encoding: gzip, chunked"),
        answer("transfer-encoding: chunked", first="HTTP/1.0 200 OK"),
        answer("content-length: abc"),
        answer("a: b", " folded"),
        answer("a: b\nc"),
        answer(first="HTTP/1.1 101 Switching Protocols"),
        answer("upgrade: x", "connection: upgrade", first="HTTP/1.1 101 Switching"),
        answer(first="HTTP/2 200"),
        answer(first="HTTP/1.1 20 OK"),
        answer(first="HTTP/1.1 2000 OK"),
        answer(first="HTTP/1.1 099 OK"),
        answer(first="HTTP/1.1  200 OK"),
        answer(first="HTTP/1.1 200 O\x01K"),
        answer(first="ICY 200 OK"),
        b"<html>\r\n\r\n",
    ],
)
def test_refused_answers(head: bytes) -> None:
    """An answer's framing is judged as strictly as a request's."""
    with pytest.raises(BadHead):
        read_answer(head, b"GET")


def test_written_heads_can_be_read() -> None:
    """What is written is read back the same."""
    head = read_request(GOOD)
    assert format_head(b"POST /v1/messages?beta=true HTTP/1.1", head.lines) == GOOD


# -- what is remembered ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "Proxy-Authorization",
        "x-api-key",
        "X-Goog-Api-Key",
        "cookie",
        "x-seawall-token",
        "x-secret",
    ],
)
def test_no_credential_is_remembered(name: str) -> None:
    """A line that may carry one is read anew with every request, and nothing keeps it after that."""
    for _ in range(2):
        head = read_request(request(f"{name}: hunter2-{name}"))
        assert head.lower[name.lower().encode()] == f"hunter2-{name}".encode()
        assert read_request(request(first=f"GET /?{name}=hunter2 HTTP/1.1")).target.endswith(b"=hunter2")
    assert not any(b"hunter2" in line for line in known_lines())


def test_what_is_remembered_is_bounded() -> None:
    """However many different lines come, and however long they are, a few are kept; what they say stays right."""
    for number in range(3000):
        read = read_request(request(f"x-a: {number}", f"x-long: {'y' * 1000}{number}", f"n{number}: v"))
        assert (read.lower[b"x-a"], read.lower[b"n%d" % number]) == (b"%d" % number, b"v")
    assert len(known_lines()) <= 512 + 32
    assert max(map(len, known_lines())) <= 256


def known_lines() -> list[bytes]:
    from seawall.http import head

    return [*head._known, *head._request_lines]


@pytest.mark.parametrize("line", ["a:b", "a:  b", "a:\tb", "a: \t b"])
def test_blanks_before_a_value_are_not_part_of_it(line: str) -> None:
    """RFC 9112 section 5.1. The line goes on as it came, the first time and the next."""
    for _ in range(2):
        head = read_request(request(line))
        assert (head.fields[1], head.lines[1]) == ((b"a", b"b"), line.encode())


def test_all_that_comes_of_a_name_that_comes_twice() -> None:
    """Each line goes on, in order; asked by its name, the first one answers."""
    read = read_request(request("x: 1", "y: 2", "X: 3"))
    assert read.lines == [b"host: x", b"x: 1", b"y: 2", b"X: 3"]
    assert list(read.lower.items()) == [(b"host", b"x"), (b"x", b"1"), (b"y", b"2")]


# -- beside h11 and llhttp --------------------------------------------------------------------------------------------

SEEDS = [
    GOOD + b"abc",
    request("content-length: 5", first="POST /a HTTP/1.1") + b"hello",
    request("transfer-encoding: chunked", first="POST /a HTTP/1.1")
    + b"5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\n\r\n",
    request("transfer-encoding: chunked", first="POST /a HTTP/1.1") + b"a\r\n0123456789\r\n0\r\nt: v\r\n\r\n",
    request("connection: close", "x: 1", "x: 2"),
    request(first="GET /p?q HTTP/1.0"),
    request() + request(first="GET /second HTTP/1.1"),
]
BITS = [
    b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b",", b";", b"0", b"1", b"\x00", b"\xff", b"chunked", b"HTTP/1.1",
    b"Content-Length: 4\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: y\r\n", b"GET / HTTP/1.1\r\nhost: z\r\n\r\n",
    b"-", b"+", b"0x", b"\x0b", b"\x85", b"gzip, ", b"ffffffffffffffffff",
]  # fmt: skip


def mutated(rng: random.Random) -> bytes:
    data = bytearray(rng.choice(SEEDS))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                data[at:at] = rng.choice(BITS)
            case 1:
                del data[at : at + rng.randrange(1, 4)]
            case 2:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case _:
                other = rng.randrange(len(data) + 1)
                data[at:at] = data[other : other + rng.randrange(1, 30)]
    return bytes(data)


Message = tuple[bytes, bytes, bytes]


def by_h11(data: bytes) -> tuple[list[Message], bool]:
    """The requests that h11 reads (method, target, body), and whether it refused something."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    connection.receive_data(b"")
    found: list[Message] = []
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                started, body = event, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                found.append((bytes(started.method), bytes(started.target), body))
                keep = connection.their_state is h11.DONE
                if not keep:
                    return found, False
                connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE:
                    return found, False
                connection.start_next_cycle()
            else:
                return found, False
    except h11.RemoteProtocolError:
        return found, True


def by_us(data: bytes) -> tuple[list[Message], bool]:
    """The requests that we read whole, and whether we refused something."""
    found: list[Message] = []
    try:
        while data:
            end = end_of_head(data, 65536)
            if not end:
                return found, False
            head, data = read_request(data[:end]), data[end:]
            body = reader(head.length)
            content = b"" if body.done else body.feed(data)
            if body.done and head.length:
                data = body.rest
            elif not body.done:
                return found, False
            found.append((head.method, head.target, content))
            if not head.keep_alive:
                return found, False
    except (BadHead, BadBody):
        return found, True
    return found, False


@pytest.mark.parametrize("seed", range(10))
def test_no_request_is_read_that_h11_reads_otherwise(seed: int) -> None:
    """On thousands of mutated requests: each one that we carry, h11 reads the same. We may refuse more, never less."""
    rng = random.Random(seed)
    carried = 0
    for _ in range(1000):
        data = mutated(rng)
        ours, _ = by_us(data)
        theirs, _ = by_h11(data)
        assert ours == theirs[: len(ours)], data
        carried += len(ours)
    assert carried > 200


class Lines:
    """What llhttp reads in one head."""

    def __init__(self) -> None:
        self.target, self.fields = b"", list[tuple[bytes, bytes]]()

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value))


@pytest.mark.parametrize("seed", range(10))
def test_no_head_is_read_that_llhttp_reads_otherwise(seed: int) -> None:
    """The same of heads beside llhttp: method, target and each header, of requests and of answers."""
    rng = random.Random(1000 + seed)
    carried = 0
    for _ in range(1000):
        head = mutated(rng).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        theirs = Lines()
        requests = httptools.HttpRequestParser(theirs)
        try:
            read = read_request(head)
        except BadHead:
            pass
        else:
            if read.method.decode() in METHODS:  # they know a list of them
                requests.feed_data(head)
                assert (requests.get_method(), theirs.target) == (read.method, read.target), head
                assert theirs.fields == read.fields, head
                carried += 1
        head = head.replace(b"GET / HTTP/1.1", b"HTTP/1.1 200 OK", 1).replace(
            b"POST /a HTTP/1.1", b"HTTP/1.1 529 ", 1
        )
        theirs = Lines()
        answers = httptools.HttpResponseParser(theirs)
        try:
            said = read_answer(head, b"POST")
        except BadHead:
            continue
        answers.feed_data(head)
        assert answers.get_status_code() == said.status, head
        assert theirs.fields == said.fields, head
        carried += 1
    assert carried > 200


METHODS = frozenset(("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"))


@given(st.binary(max_size=300))
def test_junk_never_crashes(data: bytes) -> None:
    """Any bytes are read or refused."""
    by_us(data)
    for method in (b"GET", b"HEAD"):
        try:
            read_answer(data, method)
        except BadHead:
            pass
