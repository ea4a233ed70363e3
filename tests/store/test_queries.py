import shutil
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy
from hypothesis import given, settings
from hypothesis import strategies as st
from store_helpers import QUICK, attempt, empty_store

from seawall.config import Store
from seawall.history.episodes import episodes
from seawall.store.bursts import Burst, HourCount, ModelCount, Recovery
from seawall.store.latency import HourLatency, Latency
from seawall.store.queries import (
    attempts_after,
    attempts_of,
    attempts_since,
    bursts_between,
    calls_of,
    counts_since,
    each_recovery_in,
    held_between,
    hours_between,
    latencies_between,
    models_between,
    reading,
    recoveries_between,
    recoveries_in,
    revision,
)
from seawall.store.rows import Attempt, Count, cells
from seawall.store.version import HEAD
from seawall.store.writer import INSERT_ATTEMPT, Writer


def written(path: Path, *rows: object) -> Path:
    return written_but(0, path, *rows)


def written_but(unfit: int, path: Path, *rows: object) -> Path:
    store = Writer(Store(path=str(path)), pace=QUICK)
    store.start()
    for row in rows:
        store.put(row)  # type: ignore[arg-type]
    assert store.close().dropped == unfit
    return path


def test_attempts_come_back_as_they_were_put(path: Path):
    """The newest first, those of the asked time on, equal to what was recorded, types too."""
    old, new, newest = (attempt(n, at=float(n), maybe_billed=n == 2, status=None) for n in (1, 2, 3))
    with reading(written(path, old, newest, new)) as connection:
        found = attempts_since(connection, 2.0)
        assert found == [newest, new]
        assert found[1].maybe_billed is True
        assert attempts_since(connection, 0.0, most=1) == [newest]


def test_counts_come_back_by_hour(path: Path):
    """The oldest hour first, added up."""
    one, two, three = (Count(hour, 60, "host", "opus", "", "", hour) for hour in (1, 2, 3))
    with reading(written(path, three, two, one, two)) as connection:
        assert counts_since(connection, 2) == [Count(2, 60, "host", "opus", "", "", 4), three]


def test_an_empty_store_has_no_rows(path: Path):
    """Nothing recorded is an empty answer."""
    with reading(path) as connection:
        assert attempts_since(connection, 0.0) == []
        assert counts_since(connection, 0) == []


def test_reading_cannot_write(path: Path):
    """A question never changes the store."""
    with (
        reading(path) as connection,
        pytest.raises(sqlalchemy.exc.OperationalError, match="readonly"),
    ):
        connection.execute(sqlalchemy.text("DELETE FROM attempt"))


def test_no_store_is_told_from_an_empty_one(tmp_path: Path):
    """A missing file is not made by looking at it."""
    with pytest.raises(FileNotFoundError), reading(tmp_path / "none.db"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_failures_and_recoveries_are_added_up_by_minute(path: Path):
    """Lane, cause and time; first failures of calls and losses counted; what is no failure left out."""
    failures = [
        attempt(1, at=6000.0, call="a"),
        attempt(2, at=6040.5, call="a", ended="given_up"),
        attempt(1, at=6059.0, call="b", ended="broken"),
        attempt(1, at=6030.0, call="c", family="sonnet"),
        attempt(1, at=7000.0, call="d", cause="network.dns_failure"),
        attempt(1, at=6050.0, call="e", ended="abandoned"),
    ]
    successes = [
        attempt(2, at=6100.25, held=90.0, cause=None, ended="recovered"),
        attempt(3, at=6100.75, held=10.0, cause=None, ended="recovered"),
        attempt(3, at=6101.0, held=10.0, cause=None, ended="abandoned"),
    ]
    with reading(written(path, *failures, *successes)) as connection:
        dns, overloaded = sorted(bursts_between(connection, 6000.0, 7000.0), key=lambda one: one.cause)
        assert overloaded == Burst(
            "provider.overloaded", "api.anthropic.com", 6000.0, 6059.0, 4, 3, 1, 1, 60, 12.25, 12.25, 0,
            (("opus", ""), ("sonnet", "")),
        )  # fmt: skip
        assert (dns.cause, dns.attempts, dns.lanes) == ("network.dns_failure", 1, (("opus", ""),))
        assert bursts_between(connection, 6000.0, 7000.0, "network.dns_failure") == [dns]
        assert bursts_between(connection, 7000.5, 9000.0) == []
        assert each_recovery_in(connection, [101]) == [
            Recovery("api.anthropic.com", "opus", "", 6100.25, 6100.25, 6010.25, 1, 90.0),
            Recovery("api.anthropic.com", "opus", "", 6100.75, 6100.75, 6090.75, 1, 10.0),
        ]
        assert each_recovery_in(connection, [100, 102]) == []
        both = [Recovery("api.anthropic.com", "opus", "", 6100.25, 6100.75, 6010.25, 2, 100.0)]
        assert recoveries_between(connection, 6000.0, 7000.0) == both
        assert recoveries_in(connection, [*range(-2000, 101), *range(102, 3000)]) == []
        assert recoveries_in(connection, range(-1000, 1000)) == both
        assert held_between(connection, 6000.0, 7000.0) == (2, 100.0)
        assert held_between(connection, 6100.5, 7000.0, "opus") == (2, 100.0)
        assert held_between(connection, 6101.0, 7000.0) == (0, 0.0)
        assert held_between(connection, 6000.0, 7000.0, "haiku") == (0, 0.0)
        kind = overloaded.cause, overloaded.route
        assert [row.number for row in attempts_of(connection, *kind, 6030.0, 6059.0, 2)] == [1, 2]
        assert calls_of(connection, *kind, 6000.0, 6059.0) == 4
        assert (attempts_after(connection, 6100.75), attempts_after(connection, 9000.0)) == (2, 0)


def test_only_what_a_gateway_held_was_held(path: Path):
    """Calls that their own client tried again, or gave up, close an episode and count as lost; nobody held them."""
    rows = [
        attempt(3, at=6000.0, ended="given_up", held=900.0),
        attempt(11, at=6001.0, call="file_1", ended="given_up", held=40.0, source="transcript"),
        attempt(1, at=6002.0, call="file_2", ended="given_up", held=7.0, source="log"),
        attempt(2, at=6100.0, held=60.0, cause=None, ended="recovered"),
        attempt(2, at=6101.0, call="file_3", held=8.0, cause=None, ended="recovered", source="transcript"),
    ]
    with reading(written(path, *rows)) as connection:
        [burst] = bursts_between(connection, 5000.0, 7000.0)
        assert (burst.given_up, burst.unheld) == (3, 2)
        assert (burst.shortest_hold, burst.longest_hold) == (900.0, 900.0)
        assert held_between(connection, 5000.0, 7000.0) == (1, 60.0)
        [recovery] = recoveries_between(connection, 5000.0, 7000.0)
        assert (recovery.first, recovery.last, recovery.calls, recovery.waited) == (6100.0, 6101.0, 1, 60.0)
        alone = each_recovery_in(connection, [101])
        assert [(one.first, one.calls, one.waited) for one in alone] == [(6100.0, 1, 60.0), (6101.0, 0, 0.0)]


def test_counts_are_added_up_by_hour_and_by_model(path: Path):
    """All attempts and those that failed; of one cause or one model if asked."""
    rows = [
        Count(10, 60, "host", "opus", "a", "", 30),
        Count(10, 60, "host", "opus", "b", "x.y", 3),
        Count(10, 60, "host", "sonnet", "", "x.z", 2),
        Count(11, 120, "host", "opus", "", "", 5),
        Count(12, 120, "host", "opus", "", "", 7),
    ]
    with reading(written(path, *rows)) as connection:
        span = (10 * 3600.0, 11 * 3600.0)
        assert hours_between(connection, *span) == [HourCount(10, 60, 35, 5), HourCount(11, 120, 5, 0)]
        assert hours_between(connection, *span, "x.y", "opus")[0] == HourCount(10, 60, 33, 3)
        assert hours_between(connection, span[0] + 1, span[1]) == [HourCount(11, 120, 5, 0)]
        assert models_between(connection, *span) == [ModelCount("opus", 38, 3), ModelCount("sonnet", 2, 2)]
        assert models_between(connection, *span, "x.z")[0] == ModelCount("opus", 38, 0)
        assert (revision(connection), hours_between(connection, 0.0, 1.0)) == (HEAD, [])


def test_held_calls_of_one_cause(path: Path):
    """Only those that met it, whatever else they met; what a client tried again itself was held by nobody."""
    rows = [
        attempt(1, at=6000.0, call="a", cause="x.y"),
        attempt(2, at=6010.0, call="a", cause="x.z"),
        attempt(3, at=6020.0, call="a", held=20.0, cause=None, ended="recovered"),
        attempt(1, at=6000.0, call="b", cause="x.z", family="sonnet"),
        attempt(2, at=6040.0, call="b", held=40.0, cause=None, ended="recovered", family="sonnet"),
        attempt(1, at=6000.0, call="c", cause="x.y", source="transcript"),
        attempt(2, at=6009.0, call="c", held=9.0, cause=None, ended="recovered", source="transcript"),
    ]
    with reading(written(path, *rows)) as connection:
        span = (5000.0, 7000.0)
        assert held_between(connection, *span) == (2, 60.0)
        assert held_between(connection, *span, cause="x.y") == (1, 20.0)
        assert held_between(connection, *span, cause="x.z") == (2, 60.0)
        assert held_between(connection, *span, "sonnet", "x.z") == (1, 40.0)
        assert held_between(connection, *span, cause="x.none") == (0, 0.0)


def test_a_call_that_is_tried_again_counts_once(path: Path):
    """By hour and by model: failures after the first of their call, and the success after them, are repeats."""
    rows = [
        *(attempt(number, at=36_000.0 + number) for number in (1, 2, 3)),
        attempt(4, at=36_010.0, cause=None, ended="recovered"),
        attempt(1, at=36_020.0, call="other", family="sonnet"),
        Count(10, 0, "host", "opus", "", "x.y", 34),
        Count(10, 0, "host", "sonnet", "", "x.y", 1),
    ]
    with reading(written(path, *rows)) as connection:
        span = (10 * 3600.0, 11 * 3600.0)
        assert [one.repeats for one in hours_between(connection, *span)] == [3]
        assert [one.repeats for one in hours_between(connection, *span, None, "sonnet")] == [0]
        counted = {one.family: one.repeats for one in models_between(connection, *span)}
        assert counted == {"opus": 3, "sonnet": 0}


def test_latencies_are_added_up_by_hour_and_step(path: Path):
    """Of all routes and models together, or of one model; of the hours that begin within the span."""
    rows = [
        Latency(10, 60, "host", "opus", 20, 3),
        Latency(10, 60, "other", "opus", 20, 2),
        Latency(10, 60, "host", "sonnet", 20, 1),
        Latency(10, 60, "host", "opus", 22, 4),
        Latency(11, 120, "host", "opus", 20, 5),
        Latency(12, 120, "host", "opus", 20, 7),
        Latency(10, 60, "host", "opus", 99, 7),
    ]
    with reading(written_but(1, path, *rows)) as connection:
        span = (10 * 3600.0, 11 * 3600.0)
        assert latencies_between(connection, *span) == [
            HourLatency(10, 60, 20, 6), HourLatency(10, 60, 22, 4), HourLatency(11, 120, 20, 5),
        ]  # fmt: skip
        assert latencies_between(connection, *span, "sonnet") == [HourLatency(10, 60, 20, 1)]
        assert latencies_between(connection, span[0] + 1, span[1]) == [HourLatency(11, 120, 20, 5)]


def test_attempts_that_were_no_first_ones_are_told_apart(path: Path):
    """A call that is tried three times is one call; an hour never has fewer than none."""
    rows = [
        Count(2, 60, "api.anthropic.com", "opus", "", "provider.overloaded", 2),
        Count(2, 60, "api.anthropic.com", "opus", "", "", 40),
        Count(3, 60, "api.anthropic.com", "opus", "", "", 1),
        attempt(1, at=7200.0, call="a"),
        attempt(2, at=7260.0, call="a"),
        attempt(3, at=7300.0, call="a", cause=None, ended="recovered"),
        *(attempt(n, at=10_800.0 + n, call="b") for n in range(2, 9)),
    ]
    with reading(written(path, *rows)) as connection:
        assert hours_between(connection, 7200.0, 14_000.0) == [
            HourCount(2, 60, 42, 2, 2),
            HourCount(3, 60, 1, 0, 1),
        ]
        assert hours_between(connection, 7200.0, 14_000.0, family="sonnet") == []


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.builds(
            attempt,
            st.integers(1, 3),
            at=st.floats(3000, 4200).map(lambda at: round(at, 2)),
            cause=st.sampled_from([None, "provider.overloaded", "network.reset"]),
            ended=st.sampled_from(["retried", "given_up", "broken", "abandoned", "recovered"]),
            family=st.sampled_from(["opus", "haiku"]),
            client=st.sampled_from(["", "claude-cli/2.1.59"]),
            held=st.sampled_from([0.0, 30.5, 900.0]),
        ),
        max_size=30,
    )
)
def test_the_stores_own_sums_are_those_of_its_attempts(rows: list[Attempt]):
    """Whoever inserts an attempt, in whatever order: the triggers' sums make the same episodes as each by itself."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "seawall.db"
        path.touch()
        shutil.copyfile(empty_store(), path)
        connection = sqlite3.connect(path)
        connection.executemany(INSERT_ATTEMPT, [cells(row) for row in rows])
        connection.commit()
        work = connection.execute("SELECT hour, client, calls, attempts FROM work ORDER BY hour").fetchall()
        lanes = connection.execute(
            "SELECT family, sum(attempts), sum(calls) FROM burst_lane GROUP BY family"
        ).fetchall()
        connection.close()
        with reading(path) as opened:
            bursts = bursts_between(opened, 0.0, 1e6)
            recoveries = recoveries_between(opened, 0.0, 1e6)
            exact = each_recovery_in(opened, {int(one.last // 60) for one in recoveries})
    failed = [row for row in rows if row.cause and row.ended != "abandoned"]
    well = [row for row in rows if row.cause is None and row.ended == "recovered"]
    alone = [
        Burst(
            str(row.cause), row.route, row.at, row.at, 1, int(row.number == 1),
            int(row.ended == "given_up"), int(row.ended == "broken"), row.utc_offset,
            *((row.held, row.held) if row.ended == "given_up" else (None, None)), 0,
            ((row.family, row.account),),
        )
        for row in failed
    ]  # fmt: skip
    assert episodes(bursts, exact, 1e6) == episodes(alone, exact, 1e6)
    assert lanes == [
        (family, len(of), sum(row.number == 1 for row in of))
        for family in ("haiku", "opus")
        if (of := [row for row in failed if row.family == family])
    ]
    assert len(exact) == len(well)
    assert sum(one.calls for one in recoveries) == len(well)
    assert sum(one.waited for one in recoveries) == pytest.approx(sum(row.held for row in well))
    assert {one.first for one in recoveries} <= {row.at for row in well}
    hours = sorted({int(row.at // 3600) for row in failed if row.client})
    named = [[row for row in failed if row.client and row.at // 3600 == hour] for hour in hours]
    assert work == [
        (hour, "claude-cli/2.1.59", sum(row.number == 1 for row in of), len(of))
        for hour, of in zip(hours, named, strict=True)
    ]


def test_many_attempts_are_few_rows(path: Path):
    """What history reads of an hour of trouble does not grow with its attempts (`bench.history`: a million of them)."""
    connection = sqlite3.connect(path)
    rows = (attempt(n % 5 + 1, at=1e9 + 3600 * n / 20_000, call=f"{n // 5}") for n in range(20_000))
    connection.executemany(INSERT_ATTEMPT, (cells(row) for row in rows))
    connection.commit()
    connection.close()
    with reading(path) as opened:
        found = bursts_between(opened, 0.0, 2e9)
    assert len(found) <= 2
    assert (sum(one.attempts for one in found), sum(one.calls for one in found)) == (20_000, 4_000)
