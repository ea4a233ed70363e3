"""What was written down lately, for every check that asks."""

import asyncio
from pathlib import Path

from doctor_peers import about, keep
from store_helpers import attempt

from seawall.doctor.check import Finding, Probe, State
from seawall.doctor.recorded import WINDOW, attempts

NOW = 1_795_000_100.0


def recorded(tmp_path: Path) -> object:
    return asyncio.run(attempts(Probe(about(tmp_path), {}), NOW))


def test_what_lies_in_the_window(tmp_path: Path) -> None:
    """Older attempts are over; those of a clock that was set back are no facts."""
    keep(
        tmp_path,
        attempt(1, at=NOW - WINDOW - 5, call="old"),
        attempt(1, at=NOW - 5, call="now"),
        attempt(1, at=NOW + 3600, call="then"),
    )
    rows = recorded(tmp_path)
    assert isinstance(rows, list)
    assert [row.call for row in rows] == ["now"]


def test_no_record(tmp_path: Path) -> None:
    """Nothing, and nothing is made."""
    assert recorded(tmp_path) == []
    assert not (tmp_path / "seawall.db").exists()


def test_a_record_that_cannot_be_read(tmp_path: Path) -> None:
    """The finding of the check that asked."""
    (tmp_path / "seawall.db").write_bytes(b"not a database" * 100)
    found = recorded(tmp_path)
    assert isinstance(found, Finding)
    assert found.state is State.UNKNOWN
