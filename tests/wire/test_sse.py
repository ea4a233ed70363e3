"""Events are cut at their ends, however the bytes arrive."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.wire.sse import PING, EventTooLong, Splitter, event, events, name_and_data

END = st.sampled_from([b"\n", b"\r\n", b"\r"])
TEXT = st.text(alphabet="ab:{} é", max_size=8).map(str.encode)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """A stream of events with mixed line ends."""
    out = b""
    for _ in range(draw(st.integers(0, 6))):
        end = draw(END)
        for _ in range(draw(st.integers(1, 3))):
            out += draw(st.sampled_from([b"event: ", b"data: ", b"data:", b": "])) + draw(TEXT) + end
        out += end
    return out


def sliced(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(places)]


def parsed(blocks: list[bytes]) -> list[tuple[bytes, bytes]]:
    found = [name_and_data(one) for block in blocks for one in events(block)]
    return [pair for pair in found if pair != (b"", b"")]


@given(streams(), st.lists(st.integers(0, 200), max_size=20))
def test_slicing_changes_nothing(stream: bytes, cuts: list[int]) -> None:
    """The same events come out, and all bytes, in whatever pieces the stream arrives."""
    whole, pieces = Splitter(10_000), Splitter(10_000)
    at_once = [whole.feed(stream)]
    in_pieces = [pieces.feed(piece) for piece in sliced(stream, cuts)]
    assert parsed(in_pieces) == parsed(at_once)
    assert stream.startswith(b"".join(in_pieces))


@given(streams())
def test_every_byte_alone(stream: bytes) -> None:
    """One byte at a time gives the same events."""
    splitter = Splitter(10_000)
    blocks = [splitter.feed(stream[i : i + 1]) for i in range(len(stream))]
    assert parsed(blocks) == parsed([Splitter(10_000).feed(stream)])


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_name_and_data(end: bytes) -> None:
    """Name and data are read with any line end; several data lines are joined."""
    one = b"event: error" + end + b"data: {" + end + b"data:}" + end + end
    assert name_and_data(one) == (b"error", b"{\n}")


def test_what_is_not_whole_waits() -> None:
    """Half an event is kept back until its end comes."""
    splitter = Splitter(100)
    assert splitter.feed(PING + b"event: pi") == PING
    assert splitter.rest == b"event: pi"
    assert splitter.feed(b"ng\ndata: {}\n\n") == b"event: ping\ndata: {}\n\n"
    assert splitter.rest == b""


def test_an_endless_event_is_refused() -> None:
    """Memory for one event is bounded."""
    splitter = Splitter(100)
    with pytest.raises(EventTooLong):
        splitter.feed(b"data: " + b"x" * 200)


def test_written_events_can_be_read() -> None:
    """What `event` writes, `name_and_data` reads."""
    assert name_and_data(event("error", b"{}")) == (b"error", b"{}")
