"""`seawall explain ID`: an incident on record, and what else may look like an id."""

import time
from dataclasses import replace

import pytest
from store_helpers import QUICK, attempt

from own_home import Home
from seawall.config import Store
from seawall.store.writer import Writer
from shapes import conforms


@pytest.fixture
def recorded(own_home: Home) -> Home:
    """A home with one incident on record."""
    now = time.time()
    writer = Writer(Store(path=str(own_home.path / ".local/share/seawall/seawall.db")), pace=QUICK)
    writer.start()
    failed = attempt(1, at=now - 4000, held=0.0)
    for row in (failed, replace(failed, at=now - 3900, number=2, held=100.0)):
        writer.put(row)
    writer.put(
        replace(failed, at=now - 3880, number=3, cause=None, status=200, ended="recovered", held=120.0)
    )
    assert writer.close(20).dropped == 0
    return own_home


def test_an_incident(recorded: Home) -> None:
    """When, how long, how it ended, and the page of its cause; the code of its party; the same as JSON."""
    [one] = conforms(recorded.seawall("history", "--json").stdout)["episodes"]
    done = recorded.seawall("explain", one["id"])
    assert (done.returncode, done.stderr) == (10, "")
    assert done.stdout.startswith(f"Incident  {one['id']}: from 20")
    whole = " ".join(done.stdout.split())
    assert "2 min, then a call succeeded; 2 attempts of 1 call for opus failed at api.anthropic.com" in whole
    assert "provider.overloaded — the API is at capacity" in done.stdout
    value = conforms(recorded.seawall("explain", one["id"], "--json").stdout)
    assert (value["verdict"]["cause"], value["seen"]["id"]) == ("provider.overloaded", one["id"])


@pytest.mark.parametrize("word", ["dead", "beef", "0123456789abcdef"])
def test_what_only_looks_like_an_id(recorded: Home, word: str) -> None:
    """It is a text like others."""
    done = recorded.seawall("explain", word)
    assert done.returncode == 19
    assert done.stdout.startswith("Not known yet")


def test_without_records(own_home: Home) -> None:
    """Nor is it an id where nothing is on record, or the records are broken."""
    assert own_home.seawall("explain", "7f3a").returncode == 19
    place = own_home.path / ".local/share/seawall"
    place.mkdir(parents=True, exist_ok=True)
    (place / "seawall.db").write_bytes(b"no database" * 100)
    assert own_home.seawall("explain", "7f3a").returncode == 19
