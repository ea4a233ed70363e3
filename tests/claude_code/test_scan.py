"""Lines with markers, found in bytes: the same as a plain search finds, wherever chunks end."""

import os
from pathlib import Path

import pytest
import stringzilla
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.claude_code import scan
from seawall.claude_code.scan import File, Line, Scan, Stopped

MARKERS = (b"MARK", b"other")


def scanned(
    data: bytes, path: Path, begin: int = 0, markers: tuple[bytes, ...] = MARKERS
) -> tuple[list[Line], int]:
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        found = Scan(File(descriptor), begin, len(data), markers)
        return list(found.lines()), found.position
    finally:
        os.close(descriptor)


def expected(data: bytes, begin: int = 0) -> tuple[list[Line], int]:
    """What a search that keeps everything in memory finds."""
    lines, at = [], begin
    for piece in data[begin:].splitlines(keepends=True) if b"\r" not in data else _split(data[begin:]):
        text, whole = piece.removesuffix(b"\n"), piece.endswith(b"\n")
        if any(marker in text for marker in MARKERS):
            lines.append(Line(at, at + len(piece), text if len(text) <= scan.LONGEST else None, whole))
        at += len(piece)
    return lines, data.rfind(b"\n") + 1 if data.rfind(b"\n") >= begin else begin


def _split(data: bytes) -> list[bytes]:
    pieces = data.split(b"\n")
    return [piece + b"\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])


PIECES = st.lists(
    st.one_of(
        st.sampled_from([b"MARK", b"other", b"\n", b"\n", b"MAR", b"oth", b"K", b"er", b"MAMARK", b"\0"]),
        st.binary(max_size=40).map(lambda data: bytes(97 + byte % 20 for byte in data)),
    ),
    max_size=60,
).map(b"".join)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=PIECES, chunk=st.integers(8, 64), longest=st.integers(10, 200), step=st.integers(1, 50))
def test_it_finds_what_a_plain_search_finds(
    data: bytes, chunk: int, longest: int, step: int, tmp_path: Path
) -> None:
    """Whatever the sizes of chunks and lines: the same lines, places and position."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "CHUNK", chunk)
        patch.setattr(scan, "LONGEST", longest)
        patch.setattr(scan, "_STEP", step)
        found, position = scanned(data, tmp_path / "x")
        lines, place = expected(data)
    assert [(one.end, one.data, one.whole) for one in found] == [
        (one.end, one.data, one.whole) for one in lines
    ]
    assert [one.at for one in found if one.data is not None] == [
        one.at for one in lines if one.data is not None
    ]
    assert position == place


def test_it_goes_on_in_the_middle(tmp_path: Path) -> None:
    """From the begin of a line on, nothing before it is looked at."""
    data = b"MARK one\nplain\nMARK two\n"
    found, position = scanned(data, tmp_path / "x", 9)
    assert [one.data for one in found] == [b"MARK two"]
    assert position == len(data)


def test_a_line_of_20_mb_is_passed_over(tmp_path: Path) -> None:
    """Its marker is seen, its text is not kept, and the next line is read."""
    data = b"x" * 10_000_000 + b"MARK" + b"y" * 10_000_000 + b"\nMARK short\n"
    found, position = scanned(data, tmp_path / "x")
    assert [one.data for one in found] == [None, b"MARK short"]
    assert position == len(data)


def test_markers_may_change_between_two_lines(tmp_path: Path) -> None:
    """What is looked for after a line is what was asked for then."""
    path = tmp_path / "x"
    path.write_bytes(b"MARK\nlater\nMARK\nlater\n")
    descriptor = os.open(path, os.O_RDONLY)
    found = Scan(File(descriptor), 0, 22, (b"MARK",))
    seen = []
    for one in found.lines():
        seen.append((one.at, one.data))
        found.markers = (b"later",) if one.at == 5 - 5 else (b"MARK",)
    os.close(descriptor)
    assert seen == [(0, b"MARK"), (5, b"later"), (11, b"MARK")]


def test_two_passes_at_once_and_one_that_was_left(tmp_path: Path) -> None:
    """Each has a buffer of its own, taken anew when one is over or given up; what was in it before is not found."""
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(f"MARK {name}1\nMARK {name}2\n".encode())
    descriptors = [os.open(tmp_path / name, os.O_RDONLY) for name in ("a", "b")]
    first, second = (Scan(File(one), 0, 16, (b"MARK",)).lines() for one in descriptors)
    assert [next(first).data, next(second).data, next(first).data] == [b"MARK a1", b"MARK b1", b"MARK a2"]
    second.close()
    (tmp_path / "short").write_bytes(b"no\n")
    short = os.open(tmp_path / "short", os.O_RDONLY)
    assert list(Scan(File(short), 0, 1_000_000, (b"MARK",)).lines()) == []
    assert list(first) == []
    assert len(scan._spare) <= scan._SPARE
    for one in (*descriptors, short):
        os.close(one)


def test_a_file_that_shrinks_ends_the_pass(tmp_path: Path) -> None:
    """What was promised and is not there is no endless loop."""
    path = tmp_path / "x"
    path.write_bytes(b"MARK\n")
    descriptor = os.open(path, os.O_RDONLY)
    found = Scan(File(descriptor), 0, 10_000_000, (b"MARK",))
    assert [one.data for one in found.lines()] == [b"MARK"]
    assert found.position == 5
    os.close(descriptor)


def test_it_ends_when_it_is_told_to(tmp_path: Path) -> None:
    """At the next chunk, and within a line that does not end."""
    path = tmp_path / "x"
    path.write_bytes(b"MARK" + b"x" * 3 * scan.CHUNK)
    descriptor = os.open(path, os.O_RDONLY)
    asked: list[int] = []

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(Stopped):
        list(Scan(File(descriptor), 0, 4 + 3 * scan.CHUNK, (b"MARK",), stopped).lines())
    os.close(descriptor)
    assert len(asked) == 4


def test_places_are_counted_from_the_begin_of_the_buffer() -> None:
    """What the scan relies on in the library: bounds, NULs, a buffer that can be written again afterwards."""
    buffer = bytearray(b"ab\0needle needl needle")
    assert stringzilla.find(buffer, b"needle", 0, len(buffer)) == 3
    assert stringzilla.find(buffer, b"needle", 4, len(buffer)) == 16
    assert stringzilla.find(buffer, b"needle", 4, len(buffer) - 1) == -1
    assert stringzilla.find(buffer, b"needle", 22, 22) == -1
    assert stringzilla.find(buffer, b"\0", 0, 3) == 2
    buffer[:2] = b"AB"
    buffer += b"longer"
