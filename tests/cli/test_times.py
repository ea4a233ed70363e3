"""Times as people write them in options and settings."""

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import click
import pytest

from seawall.cli import times
from seawall.cli.common import Common, ExitCode, Failure
from seawall.history.episodes import KEPT

NOW = 1_795_217_553.0


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine's clock is that of Berlin."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800.0), ("0", 0.0), ("1h 30m", 5400.0), (None, None)])
def test_a_length(text: str | None, seconds: float | None) -> None:
    """In seconds; none where none was given."""
    assert times.length(text, "--max", 86400.0, "30m") == seconds


@pytest.mark.parametrize("text", ["soon", "", "-5m", "2d", "inf", "nan", "\x1b[2J"])
def test_no_length(text: str) -> None:
    """The option is named, and what may stand there."""
    with pytest.raises(click.UsageError, match="--max must be a length of time such as 30m, not"):
        times.length(text, "--max", 86400.0, "30m")


@pytest.mark.parametrize(("text", "seconds"), [("7d", 7 * 86400.0), ("12h", 43200.0), ("9000d", KEPT)])
def test_a_span(text: str, seconds: float) -> None:
    """As far as records go back at most."""
    assert times.span(text, "--compare") == seconds


@pytest.mark.parametrize("text", ["soon", "0d", "-3d", "", "9" * 400 + "d"])
def test_no_span(text: str) -> None:
    """Wrong usage, in a line that stays short."""
    with pytest.raises(Failure, match="is no span of time; 7d, 12h or 90m is") as failure:
        times.span(text, "--compare")
    assert failure.value.code is ExitCode.USAGE
    assert len(str(failure.value)) < 120


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("7d", NOW - 7 * 86400),
        (" 12h ", NOW - 43200),
        ("9000000d", 0.0),
        ("2026-11-01", datetime.fromisoformat("2026-11-01T00:00+01:00").timestamp()),
        ("2026-07-01", datetime.fromisoformat("2026-07-01T00:00+02:00").timestamp()),
    ],
)
def test_a_beginning(text: str, at: float) -> None:
    """So long ago, or the first moment of a day by this machine's clock."""
    assert times.begin(text, NOW) == at


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2999-01-01", "has not come yet"),
        ("2026-13-01", "neither a span"),
        ("soon", "neither a span"),
        ("", "neither"),
    ],
)
def test_no_beginning(text: str, said: str) -> None:
    """Wrong usage."""
    with pytest.raises(Failure, match=said) as failure:
        times.begin(text, NOW)
    assert failure.value.code is ExitCode.USAGE


def test_a_day_is_one_of_the_zone_that_counts() -> None:
    """Where `history.timezone` is ahead of this machine, today there has come, and begins at its own midnight."""
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
    apia = times.zone_of("Pacific/Apia")
    assert times.begin("2026-11-22", noon, apia) == noon - 3600.0
    with pytest.raises(Failure, match="has not come yet"):
        times.begin("2026-11-23", noon, apia)
    spring = datetime(2026, 3, 29, 12, tzinfo=UTC).timestamp()
    assert times.begin("2026-03-29", spring, times.zone_of("Europe/Berlin")) == spring - 13 * 3600.0


def test_the_zone_of_the_settings(capsys: pytest.CaptureFixture[str]) -> None:
    """None is this machine's; one that nobody knows is said."""
    assert str(times.set_zone("Asia/Kathmandu", Common())) == "Asia/Kathmandu"
    assert times.set_zone("", Common()) is times.set_zone("local", Common()) is None
    assert capsys.readouterr().err == ""
    for name in ("Mars/Base", "../../etc/passwd", "\0"):
        assert times.set_zone(name, Common()) is None
        assert "is no zone that this machine knows; local time is used" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "minutes"), [("Asia/Kathmandu", 345), ("America/New_York", -300), (None, 60)]
)
def test_minutes_east(name: str | None, minutes: int) -> None:
    """Of that zone, or of this machine; 0 at a time that no calendar has."""
    east = times.east(times.zone_of(name) if name else None)
    assert east(NOW) == minutes
    assert [east(at) for at in (1e300, -1e300, math.inf, math.nan)] == [0] * 4


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "UTC"), (3600, "UTC+1"), (-12600, "UTC-3:30"), (20700, "UTC+5:45")]
)
def test_the_name_of_an_offset(seconds: int, said: str) -> None:
    """As people write it."""
    assert times.utc_name(seconds) == said
