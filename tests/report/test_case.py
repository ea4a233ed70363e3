"""Which incident is meant, what is read of it, and whether a version of the client is to blame."""

from dataclasses import replace
from pathlib import Path

import pytest

from report_cases import EPISODE, FAILED, NOW, case, mixed, result, rows
from seawall.config import Store
from seawall.report.case import Recorded, Unclear, chosen, last_working, most_frequent, recorded, version
from seawall.store.queries import reading
from seawall.store.rows import Attempt
from seawall.store.writer import Pace, Writer

KNOWN = [
    EPISODE,
    replace(EPISODE, id="7f9b", last_failure_at=NOW - 9000),
    replace(EPISODE, id="81c0", last_failure_at=NOW - 40 * 86400),
]


def store(path: Path, *attempts: Attempt) -> Path:
    """A real store with these rows."""
    writer = Writer(Store(path=str(path)), pace=Pace(gather=0.001, counts_every=0.001))
    writer.start()
    for row in attempts:
        writer.put(row)
    assert writer.close(20).dropped == 0
    return path


def test_the_newest_is_meant_where_none_is_named():
    """But nothing older than a month."""
    assert chosen(KNOWN, None, NOW).id == "7f3a"
    assert chosen(KNOWN[2:], None, NOW) is None
    assert chosen([], None, NOW) is None


def test_an_incident_by_its_id():
    """Whole, or as much as tells it apart; case does not matter."""
    assert chosen(KNOWN, "81c0", NOW).id == "81c0"
    assert chosen(KNOWN, "81", NOW).id == "81c0"
    assert chosen(KNOWN, "7F3A", NOW).id == "7f3a"
    assert chosen([*KNOWN, replace(EPISODE, id="7f3a9")], "7f3a", NOW).id == "7f3a"


@pytest.mark.parametrize("wanted", ["7f", "ffff", "7", "", "x" * 1000, "../../etc"])
def test_an_id_that_is_unknown_or_ambiguous(wanted):
    """It is said which, with what would be possible, and nothing is guessed."""
    with pytest.raises(Unclear) as raised:
        chosen(KNOWN, wanted, NOW)
    text = str(raised.value)
    assert "seawall history list" in text
    assert len(text) < 200
    assert ("7f3a, 7f9b" in text) == (wanted == "7f")


def test_an_episode_from_the_store(tmp_path):
    """Its failures oldest first, its calls, and nothing of other causes."""
    now = FAILED.at + 200
    path = store(
        tmp_path / "s.db", *rows(3), replace(FAILED, cause="request.too_long", status=400, call="x"),
        replace(FAILED, at=FAILED.at - 900, cause=None, ended="recovered", status=200, call="y"),
    )  # fmt: skip
    with reading(path) as connection:
        found = recorded(connection, None, None, now)
    assert found.episode is not None
    assert found.episode.cause == "provider.overloaded"
    assert [row.number for row in found.rows] == [1, 2, 3]
    assert found.calls == 1
    assert found.accepted_at == FAILED.at - 900


def test_all_failures_since_a_time(tmp_path):
    """Of every cause, oldest first; what succeeded is left out."""
    path = store(
        tmp_path / "s.db", *rows(3), replace(FAILED, at=FAILED.at + 90, cause="request.too_long", call="x")
    )
    with reading(path) as connection:
        found = recorded(connection, None, FAILED.at + 30, FAILED.at + 500)
    assert found.episode is None
    assert [row.cause for row in found.rows] == [
        "provider.overloaded",
        "request.too_long",
        "provider.overloaded",
    ]
    assert found.calls == 2


def test_without_a_store():
    """Nothing is on record; an id that is named all the same is said to be unknown."""
    assert recorded(None, None, None, NOW) == Recorded()
    with pytest.raises(Unclear):
        recorded(None, "7f3a", None, NOW)


@pytest.mark.parametrize(
    ("client", "found"),
    [
        ("claude-cli/2.1.245", (2, 1, 245)),
        ("claude-cli/2.1.245 linux", (2, 1, 245)),
        ("claude-cli/dev", None),
        ("claude-cli/", None),
        ("AsyncAnthropic/Python 2.11.0", None),
        ("claude-cli/1.2.99999999", None),
        ("", None),
    ],
)
def test_the_clients_version(client, found):
    """Claude Code's own, and no other client's."""
    assert version(client) == found


def seen(version_: str, cause: str | None) -> Attempt:
    return replace(FAILED, client=f"claude-cli/{version_}", cause=cause)


@pytest.mark.parametrize(
    ("other", "working"),
    [
        ([seen("2.1.244", None), seen("2.1.240", None)], "2.1.244"),
        ([seen("2.1.244", None), seen("2.1.244", "network.stream_truncated")], ""),
        ([seen("2.1.246", None)], ""),
        ([seen("2.1.244", None), seen("2.1.200", "network.stream_truncated")], ""),
        ([seen("2.1.199", None), seen("2.1.200", "network.stream_truncated")], "2.1.199"),
        ([seen("2.1.245", None)], ""),
        ([], ""),
    ],
)
def test_the_last_working_version(other, working):
    """One that worked, is older than every version that failed so, and never failed so itself."""
    failed = [seen("2.1.245", "network.stream_truncated")]
    assert last_working(failed, other, "network") == working


def test_what_the_service_does_is_no_regression():
    """A 529 has nothing to do with the client's version."""
    assert last_working([seen("2.1.245", "provider.overloaded")], [seen("2.1.244", None)], "provider") == ""


def test_request_ids_newest_first():
    """Each once; those that the doctor got at the end."""
    made = case(
        recorded=Recorded(EPISODE, [*rows(2), rows(2)[0]]),
        results=(result("api.edge", request_id="req_doctor0001"),),
    )
    assert made.request_ids == [
        "req_011CSHoEeqs5C35K2UUqR0000",
        "req_011CSHoEeqs5C35K2UUqR0001",
        "req_doctor0001",
    ]
    assert made.id == "7f3a"
    assert case(recorded=Recorded()).id == "now"


def test_causes_are_counted_the_most_frequent_first():
    """By attempts; a code of an older catalogue counts as what it is today; of equals the newest."""
    found = mixed().kinds
    assert [(one.cause.code, len(one.rows), one.calls) for one in found] == [
        ("provider.overloaded", 252, 12),
        ("network.connection_refused", 32, 5),
        ("provider.service_unavailable", 10, 2),
    ]  # fmt: skip
    assert most_frequent(mixed().recorded.rows) == "provider.overloaded"
    one = replace(FAILED, cause="network.offline", at=FAILED.at + 1)
    assert most_frequent([FAILED, one]) == "network.offline"
    assert most_frequent([]) is None
    assert [kind.cause.code for kind in case().kinds] == ["provider.overloaded"]
