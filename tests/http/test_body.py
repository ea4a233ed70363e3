"""Bodies are taken apart the same way however they arrive, and what could be read in two ways is refused."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.http.body import LAST_CHUNK, BadBody, Chunked, Counted, chunk, reader
from seawall.http.head import CHUNKED, UNTIL_CLOSE

PIECES = st.lists(st.binary(min_size=1, max_size=30), max_size=8)
CUTS = st.lists(st.integers(0, 400), max_size=30)


def sliced(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(places)]


@given(PIECES, CUTS, st.binary(max_size=20))
def test_chunks_however_sliced(pieces: list[bytes], cuts: list[int], behind: bytes) -> None:
    """The content is the pieces joined; what is behind the end is all there."""
    body = Chunked()
    content, rest = b"", b""
    for part in sliced(b"".join(map(chunk, pieces)) + LAST_CHUNK + behind, cuts):
        if body.done:
            rest += part
        else:
            content += body.feed(part)
    assert body.done
    assert content == b"".join(pieces)
    assert body.rest + rest == behind


@given(st.binary(max_size=60), CUTS, st.binary(max_size=20))
def test_counted_however_sliced(content: bytes, cuts: list[int], behind: bytes) -> None:
    """Exactly the stated bytes are content."""
    body = Counted(len(content))
    got, rest = b"", b""
    for part in sliced(content + behind, cuts):
        if body.done:
            rest += part
        else:
            got += body.feed(part)
    assert (body.done, got, body.rest + rest) == (True, content, behind)


@pytest.mark.parametrize(
    "data",
    [
        b"zz\r\n",
        b"\r\nabc",
        b"5",
        b"-1\r\n",
        b"+1\r\nx\r\n",
        b"0x1\r\nx\r\n",
        b"1\nx\r\n",
        b"1\r\nxx\r\n",
        b"1\r\nx\n",
        b"1\r\nx\rz",
        b" 1\r\nx\r\n",
        b"1 x\r\nx\r\n",
        b"1;a\x00b\r\nx\r\n",
        b"1;a\rb\r\nx\r\n",
        b"fffffffffffffffff\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\n: x\r\n\r\n",
        b"0\r\na b: x\r\n\r\n",
        b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"0\r\ncontent-length: 1\r\n\r\n",
        b"0\r\n" + b"a: b\r\n" * 100 + b"\r\n",
        b"1;" + b"x" * 5000,
    ],
)
def test_bad_chunks(data: bytes) -> None:
    """Junk between chunks is refused, at once or when more of it comes."""
    body = Chunked()

    def feed() -> None:
        body.feed(data)
        body.feed(b"zz\r\nzz\r\nzz")

    with pytest.raises(BadBody):
        feed()


@given(st.binary(max_size=100), CUTS)
def test_junk_is_refused_the_same_however_sliced(data: bytes, cuts: list[int]) -> None:
    """Slicing decides nothing about what is content."""

    def take(parts: list[bytes]) -> tuple[bytes, bool]:
        body, got = Chunked(), b""
        for part in parts:
            if body.done:
                break
            got += body.feed(part)
        return got, body.done

    try:
        whole = take([data])
    except BadBody:
        return
    assert take(sliced(data, cuts)) == whole


def test_readers() -> None:
    """Each framing has its reader; a body of nothing is done at once."""
    assert reader(0).done
    assert not reader(5).done
    assert not reader(CHUNKED).done
    until = reader(UNTIL_CLOSE)
    assert until.feed(b"abc") == b"abc"
    assert not until.done
