"""What was written down lately, for every check that asks."""

import asyncio
import sys
from pathlib import Path

import pytest
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


def test_a_row_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    """Every field, with its type."""
    kept = attempt(1, at=NOW - 5, maybe_billed=True, input_bytes=12)
    keep(tmp_path, kept)
    rows = recorded(tmp_path)
    assert rows == [kept]
    assert isinstance(rows, list)
    assert (rows[0].maybe_billed, rows[0].cache_cold) == (True, False)
    assert isinstance(rows[0].maybe_billed, bool)


def test_sqlalchemy_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its import alone can take all the time that a check has on a busy machine."""
    keep(tmp_path, attempt(1, at=NOW - 5, call="now"))
    for name in [one for one in sys.modules if one.partition(".")[0] == "sqlalchemy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "seawall.store.queries", raising=False)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    rows = recorded(tmp_path)
    assert isinstance(rows, list)
    assert [row.call for row in rows] == ["now"]
