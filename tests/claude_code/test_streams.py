"""What comes through pipes and out of packed files: the same as from a file, in little memory."""

import gzip
import os
import random
import sqlite3
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seawall.claude_code import streams
from seawall.claude_code.intake import Intake, Sum
from seawall.claude_code.scan import File, Scan, Stopped
from seawall.claude_code.streams import BACK, DAMAGED, TOO_MUCH, Stream
from seawall.claude_code.transcripts import Found
from transcript_lines import outage

NOW = 1_790_000_000.0
AT = NOW - 9 * 86400


@contextmanager
def opened(data: bytes, folder: Path) -> Iterator[Stream]:
    """A stream of these bytes."""
    path = folder / "data"
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDONLY)
    stream = Stream(descriptor, lambda: False)
    os.close(descriptor)
    try:
        yield stream
    finally:
        stream.close()


def everything(stream: Stream) -> bytes:
    whole = b""
    while piece := stream.read(len(whole), len(whole) + 70_001):
        whole += piece
    return whole


def zeros(size: int) -> bytes:
    return gzip.compress(bytes(size), 9)


TEXT = b"".join(b"%d the same words in each line, and a number that differs\n" % n for n in range(20_000))
NOISE = random.Random(5).randbytes(900_000).replace(b"\n", b"-") + b"\n"


@pytest.mark.parametrize(
    "data",
    [TEXT, gzip.compress(TEXT), gzip.compress(TEXT[:500_000]) + gzip.compress(TEXT[500_000:]),
     gzip.compress(TEXT) + bytes(300_000)],
    ids=["plain", "packed", "packed in two parts", "zeros behind it"],
)  # fmt: skip
def test_what_is_read_is_what_was_written(data: bytes, tmp_path: Path) -> None:
    """Packed or not, in one part or in several."""
    with opened(data, tmp_path) as stream:
        assert everything(stream) == TEXT
        assert (stream.ended, stream.odd) == (True, "")


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"x", gzip.compress(b""), gzip.compress(b"x"), b"\x1f"], ids=range(6)
)
def test_the_last_line_has_an_end(data: bytes, tmp_path: Path) -> None:
    """Nobody writes on at what came through a pipe; nothing stays nothing."""
    with opened(data, tmp_path) as stream:
        whole = everything(stream)
        assert whole.endswith(b"\n") or not whole
        assert whole.rstrip(b"\n") in (b"", b"x", b"\x1f")
        assert (stream.ended, stream.odd) == (True, "")


@pytest.mark.parametrize(
    "data",
    [gzip.compress(NOISE)[:300_000], gzip.compress(NOISE)[:-5], gzip.compress(NOISE) + b"rubbish", b"\x1f\x8b",
     gzip.compress(NOISE)[:200_000] + b"\xff" * 1000],
    ids=["cut", "without its sum", "rubbish behind it", "a begin only", "overwritten"],
)  # fmt: skip
def test_a_damaged_file_gives_what_it_has(data: bytes, tmp_path: Path) -> None:
    """And it is said that this is not all."""
    with opened(data, tmp_path) as stream:
        whole = everything(stream)
        assert NOISE.startswith(whole.rstrip(b"\n")[:100_000])
        assert (stream.ended, stream.odd) == (True, DAMAGED)


def test_a_bomb_ends_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """40 KB that unpack to 40 MB: no more than the limit is unpacked, in a few MB of memory."""
    monkeypatch.setattr(streams, "MOST_UNPACKED", 30_000_000)
    data = zeros(40_000_000)
    assert len(data) < 50_000
    with opened(data, tmp_path) as stream:
        tracemalloc.start()
        try:
            assert list(Scan(stream, 0, 2**62, (b"MARK",)).lines()) == []
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert stream.odd == TOO_MUCH
        assert 30_000_000 < stream.end < 31_000_000
        assert most < 6 * BACK


def test_a_search_finds_the_same_as_in_a_file(tmp_path: Path) -> None:
    """Long lines, lines across pieces, and what stands before a line that was found."""
    lines = [b"x" * n + (b" MARK " if n % 7 == 0 else b"") + b"y" * (n % 5000) for n in range(0, 60_000, 61)]
    lines[500:500] = [b"z" * 3_000_000 + b" MARK", b"MARK" + b"z" * 9_000_000, b"after MARK"]
    data = b"\n".join(lines) + b"\n"
    path = tmp_path / "plain"
    path.write_bytes(data)
    with path.open("rb") as file, opened(gzip.compress(data, 1), tmp_path) as stream:
        of_file = Scan(File(file.fileno()), 0, len(data), (b"MARK",))
        of_stream = Scan(stream, 0, 2**62, (b"MARK",))
        for one, other in zip(of_file.lines(), of_stream.lines(), strict=True):
            assert one == other
            if one.data is not None:  # else nobody asks
                assert of_file.before(one.at, 256 * 1024) == of_stream.before(other.at, 256 * 1024)
        assert of_file.position == of_stream.position == len(data)


def test_what_is_gone_is_gone_on_after(tmp_path: Path) -> None:
    """From a place that is no longer kept, the next whole line is where reading goes on."""
    data = b"".join(b"%09d\n" % n for n in range(2_000_000))
    with opened(data, tmp_path) as stream:
        for place in range(0, len(data), 500_000):
            stream.read(place, place + 500_000)
        first = stream.from_here(0)
        assert first % 10 == 0
        assert len(data) - 2 * BACK - 600_000 < first < len(data) - BACK + 600_000
        assert stream.read(first, first + 10) == data[first : first + 10]
        assert stream.from_here(len(data)) == len(data)


def test_waiting_for_a_pipe_ends_when_it_is_told_to() -> None:
    """Nothing comes, and nobody closes it: an interrupt is heard all the same."""
    reader, writer = os.pipe()
    stop = threading.Event()
    os.write(writer, b"a line\n")
    stream = Stream(reader, stop.is_set)
    try:
        assert stream.read(0, 7) == b"a line\n"
        stop.set()
        with pytest.raises(Stopped):
            stream.read(7, 8)
    finally:
        stream.close()
        os.close(reader)
        os.close(writer)


def taken(path: Path, store: sqlite3.Connection | None = None) -> Sum:
    intake = Intake(store, NOW, logs=True)
    intake.take([Found(str(path), path.stat())])
    assert intake._streams == {}
    return intake.sum


def test_many_failures_in_a_packed_file_are_read_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once, though a part goes on where the last has ended; also where that place is no longer kept."""
    data = b"".join(outage(AT + 100 * n, f"n{n}") for n in range(300))
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)
    plain = taken(path)
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(data))
    monkeypatch.setattr("seawall.claude_code.transcripts.MOST", 50)
    found = taken(packed)
    assert (found.failures, found.recovered, dict(found.odd)) == (plain.failures, plain.recovered, {})
    assert found.read == 1
    assert found.scanned >= len(data)
