"""Many files, read again and again while they change: what is new is kept once."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from seawall.claude_code import intake as intake_of
from seawall.claude_code import transcripts
from seawall.claude_code.intake import Intake, Sum
from seawall.claude_code.transcripts import Found
from seawall.store.imported import Fate, FileState
from seawall.store.migrate import migrate
from transcript_lines import answer, outage, overloaded, prompt, refused, retry, shown, write

AT = 1_795_217_553.0
NOW = AT + 1e5


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "made.db"
    path.touch()
    migrate(str(path))
    return path


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """An open store of this test's own."""
    copy = tmp_path / "seawall.db"
    shutil.copyfile(made, copy)
    connection = sqlite3.connect(copy, isolation_level=None)
    yield connection
    connection.close()


def taken(store: sqlite3.Connection | None, folder: Path, **options: object) -> Sum:
    """One import of a folder."""
    one = Intake(store, float(options.pop("now", NOW)), **options)  # type: ignore[arg-type]
    found = transcripts.find([folder], lambda why: one.sum.left_out.update([why]), (".jsonl", ".log"))
    one.take(found)
    return one.sum


def kept(store: sqlite3.Connection) -> list[str]:
    return [row[0] for row in store.execute("SELECT ended FROM attempt ORDER BY at, id")]


def test_what_was_read_is_not_opened_again(store: sqlite3.Connection, tmp_path: Path, monkeypatch) -> None:
    """A file that has not changed costs a look at its size and time."""
    write(tmp_path / "p", outage(AT))
    first = taken(store, tmp_path / "p")
    assert (first.files, first.read, first.failures, first.scanned) == (1, 1, 3, len(outage(AT)))
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("opened"))
    second = taken(store, tmp_path / "p")
    assert (second.unchanged, second.read, second.failures) == (1, 0, 0)
    assert kept(store) == ["retried", "retried", "given_up"]


def test_only_what_was_added_is_read(store: sqlite3.Connection, tmp_path: Path) -> None:
    """A file that grows goes on where it ended; with whole lines, and in the middle of one."""
    data = outage(AT, "a") + outage(AT + 100, "b") + outage(AT + 200, "c")
    for size in (len(outage(AT)), len(outage(AT)) + 500, len(outage(AT)) * 2 + 77, len(data)):
        write(tmp_path / "p", data[:size])
        taken(store, tmp_path / "p")
    assert kept(store) == ["retried", "retried", "given_up"] * 3
    calls = store.execute("SELECT call, count(*), max(number) FROM attempt GROUP BY call").fetchall()
    assert sorted(row[1:] for row in calls) == [(3, 3)] * 3
    last = taken(store, tmp_path / "p")
    assert (last.unchanged, last.scanned) == (1, 0)
    more = outage(AT + 300, "d")
    write(tmp_path / "p", data + more)
    assert taken(store, tmp_path / "p").scanned == len(more)


def test_every_way_to_cut_a_file_gives_the_same(tmp_path: Path, made: Path) -> None:
    """However a file had grown when it was read, the records on the end are those of one reading."""
    data = (
        prompt("a", None, AT) + retry("b", "a", AT + 1, 1, refused()) + retry("c", "b", AT + 2, 2, refused())
        + answer("d", "c", AT + 5, "req_final01") + outage(AT + 60, "e")
    )  # fmt: skip
    question = "SELECT call, number, at, held, ended, cause FROM attempt ORDER BY at, number"
    results = set()
    for cut in range(0, len(data), 97):
        place = tmp_path / f"s{cut}.db"
        shutil.copyfile(made, place)
        connection = sqlite3.connect(place, isolation_level=None)
        for size in (cut, len(data)):
            write(tmp_path / "p", data[:size])
            taken(connection, tmp_path / "p")
        results.add(tuple(connection.execute(question).fetchall()))
        connection.close()
    assert len(results) == 1


@pytest.mark.parametrize("what", ["shrunk", "written anew", "another file", "a copy"])
def test_a_file_that_is_another_is_read_anew(store: sqlite3.Connection, tmp_path: Path, what: str) -> None:
    """Shortened, overwritten, replaced: what is in it now is read, and what was known is not doubled."""
    path = write(tmp_path / "p", outage(AT, "a") + outage(AT + 100, "b"))
    taken(store, tmp_path / "p")
    if what == "shrunk":
        path.write_bytes(outage(AT, "a"))
    elif what == "written anew":
        path.write_bytes(outage(AT + 200, "c") + outage(AT + 300, "d") + outage(AT + 400, "e"))
    elif what == "another file":
        other = write(tmp_path, outage(AT, "a") + outage(AT + 100, "b") + outage(AT + 200, "c"), "other")
        os.replace(other, path)
    else:
        write(tmp_path / "p", path.read_bytes(), "copy.jsonl")
    found = taken(store, tmp_path / "p")
    new = {"shrunk": 0, "written anew": 9, "another file": 3, "a copy": 0}[what]
    assert (found.failures, len(kept(store))) == (new, 6 + new)
    assert found.read == 1


def test_a_file_that_vanishes_while_it_is_read(store: sqlite3.Connection, tmp_path: Path) -> None:
    """It is counted, and the others are read."""
    write(tmp_path / "p", outage(AT, "a"), "a.jsonl")
    gone = write(tmp_path / "p", outage(AT, "b"), "b.jsonl")
    one = Intake(store, NOW)
    found = list(transcripts.find([tmp_path / "p"], pytest.fail))
    gone.unlink()
    one.take(found)
    assert (one.sum.read, one.sum.failures, dict(one.sum.left_out)) == (1, 3, {"vanished": 1})


def test_a_file_that_becomes_a_pipe_blocks_nothing(store: sqlite3.Connection, tmp_path: Path) -> None:
    """Between the look and the opening: it is no regular file any more."""
    path = write(tmp_path / "p", outage(AT))
    found = list(transcripts.find([tmp_path / "p"], pytest.fail))
    path.unlink()
    os.mkfifo(path)
    one = Intake(store, NOW)
    one.take(found)
    assert dict(one.sum.left_out) == {"no regular file": 1}


def test_a_file_that_may_not_be_read(store: sqlite3.Connection, tmp_path: Path, monkeypatch) -> None:
    """Said, and tried again next time."""
    path = write(tmp_path / "p", outage(AT))
    real = os.open

    def refused_open(name: str, *arguments: int) -> int:
        if name == os.path.realpath(path):
            raise PermissionError(13, "Permission denied")
        return real(name, *arguments)

    monkeypatch.setattr(os, "open", refused_open)
    assert dict(taken(store, tmp_path / "p").left_out) == {"without permission": 1}
    monkeypatch.undo()
    assert taken(store, tmp_path / "p").failures == 3


def test_what_is_older_than_asked_for_is_there_for_the_next_time(
    store: sqlite3.Connection, tmp_path: Path
) -> None:
    """With `since`, older failures and older files are left out; without it they are read after all."""
    write(tmp_path / "p", outage(AT, "a") + outage(AT + 1000, "b"), "mixed.jsonl")
    old = write(tmp_path / "p", outage(AT, "c"), "old.jsonl")
    os.utime(old, (AT, AT))
    since = taken(store, tmp_path / "p", since=AT + 500)
    assert (since.failures, since.older, since.left_out["older"]) == (3, 3, 1)
    again = taken(store, tmp_path / "p", since=AT + 500)
    assert (again.failures, again.unchanged) == (0, 1)
    assert taken(store, tmp_path / "p").failures == 6
    assert taken(store, tmp_path / "p").unchanged == 2


def test_a_newer_reader_reads_everything_again(
    store: sqlite3.Connection, tmp_path: Path, monkeypatch
) -> None:
    """What it understands better is found; what was known is not doubled."""
    write(tmp_path / "p", outage(AT))
    taken(store, tmp_path / "p")
    monkeypatch.setattr(intake_of, "READER", 2)
    found = taken(store, tmp_path / "p")
    assert (found.read, found.failures, found.fates[Fate.AGAIN]) == (1, 0, 3)


def test_a_dry_run_keeps_nothing(store: sqlite3.Connection, tmp_path: Path) -> None:
    """And says what an import would; with a store, and without one."""
    write(tmp_path / "p", outage(AT) + outage(AT), "a.jsonl")
    for connection in (store, None):
        found = taken(connection, tmp_path / "p", kept=False)
        assert (found.failures, found.fates[Fate.AGAIN]) == (3, 3)
    assert kept(store) == []
    assert taken(store, tmp_path / "p").failures == 3
    assert taken(store, tmp_path / "p", kept=False).failures == 0


def test_an_interrupted_import_goes_on(store: sqlite3.Connection, tmp_path: Path, monkeypatch) -> None:
    """Whenever the interruption comes, what was kept stays, and the next import makes it whole, without doubles."""
    monkeypatch.setattr(intake_of, "FILES_AT_ONCE", 3)
    for number in range(20):
        write(tmp_path / "p", outage(AT + number, f"n{number:02}x"), f"{number}.jsonl")

    def interrupt(so_far: Sum) -> None:
        if so_far.read == 10:
            raise KeyboardInterrupt

    one = Intake(store, NOW)
    with pytest.raises(KeyboardInterrupt):
        one.take(transcripts.find([tmp_path / "p"], pytest.fail), interrupt)
    assert len(kept(store)) == 27  # nine files, in transactions of three
    assert store.execute("SELECT count(*) FROM imported_file").fetchone() == (9,)
    found = taken(store, tmp_path / "p")
    assert (found.unchanged, found.read, found.fates[Fate.AGAIN]) == (9, 11, 0)
    assert len(kept(store)) == 60


def test_a_large_file_holds_up_no_other(tmp_path: Path, monkeypatch) -> None:
    """While the largest file is read, the other thread goes on with the next ones, however many there are."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    write(tmp_path / "p", outage(AT) * 3, "0.jsonl")
    for number in range(1, 20):
        write(tmp_path / "p", outage(AT + number, f"n{number:02}x"), f"{number}.jsonl")
    others, read, order = Event(), Intake._read, list[str]()

    def waits(intake: Intake, one: Found, going_on: FileState | None = None):  # type: ignore[no-untyped-def]
        if one.path.endswith("/0.jsonl"):
            assert others.wait(60), "nothing else was read meanwhile"
        part = read(intake, one, going_on)
        order.append(one.path)
        if len(order) == 19:
            others.set()
        return part

    monkeypatch.setattr(Intake, "_read", waits)
    assert taken(None, tmp_path / "p").read == 20
    assert order[-1].endswith("/0.jsonl")


def test_two_imports_at_once_double_nothing(store: sqlite3.Connection, tmp_path: Path) -> None:
    """The second read before the first wrote: the records are looked up when it writes."""
    write(tmp_path / "p", outage(AT))
    first, second = Intake(store, NOW), Intake(store, NOW)
    found = list(transcripts.find([tmp_path / "p"], pytest.fail))
    first.take(found)
    second.take(found)
    assert (first.sum.failures, second.sum.failures, second.sum.fates[Fate.AGAIN]) == (3, 0, 3)
    assert len(kept(store)) == 3


def test_a_file_full_of_failures_is_read_in_parts(
    store: sqlite3.Connection, tmp_path: Path, monkeypatch
) -> None:
    """All are found, none twice, and the calls are whole across the parts."""
    monkeypatch.setattr(transcripts, "MOST", 7)
    write(tmp_path / "p", b"".join(outage(AT + 10 * n, f"n{n:03}x") for n in range(100)))
    found = taken(store, tmp_path / "p")
    assert (found.read, found.failures) == (1, 300)
    calls = store.execute("SELECT count(*), max(number) FROM attempt GROUP BY call").fetchall()
    assert calls == [(3, 3)] * 100


def test_the_gateway_the_hook_and_the_transcript_count_once(
    store: sqlite3.Connection, tmp_path: Path
) -> None:
    """One call: the gateway saw its two retries, a hook its end; the transcript adds nothing but itself."""
    columns = "at, utc_offset, call, number, route, family, cause, request_id, took, held, ended, source, client," \
        " network, account, maybe_billed, cache_cold, input_bytes"  # fmt: skip
    for at, call, cause, request, source in (
        (AT + 1.2, "sw_1", "provider.overloaded", "req_a00001", "gateway"),
        (AT + 2.1, "sw_2", "provider.overloaded", None, "gateway"),
        (AT + 4.4, "hook_1", "provider.overloaded", None, "hook"),
    ):
        row = (at, 0, call, 1, "api.anthropic.com", "opus", cause, request, 0.1, 0.0, "passed", source, "", "", "",
               0, 0, 0)  # fmt: skip
        store.execute(f"INSERT INTO attempt ({columns}) VALUES ({', '.join('?' * 18)})", row)
    write(tmp_path / "p", outage(AT))
    found = taken(store, tmp_path / "p")
    assert (found.failures, found.fates[Fate.SEEN], len(kept(store))) == (0, 3, 3)


def test_the_gateways_row_may_come_late(store: sqlite3.Connection, tmp_path: Path) -> None:
    """Its store was locked when the transcript was imported: the next import, with nothing to read, makes them one."""
    write(tmp_path / "p", outage(AT))
    assert taken(store, tmp_path / "p", now=AT + 600).failures == 3
    columns = "at, utc_offset, call, number, route, family, cause, request_id, took, held, ended, source, client," \
        " network, account, maybe_billed, cache_cold, input_bytes"  # fmt: skip
    row = (AT + 1.2, 0, "sw_1", 1, "api.anthropic.com", "opus", "provider.overloaded", None, 0.1, 0.0, "retried",
           "gateway", "", "", "", 0, 0, 0)  # fmt: skip
    store.execute(f"INSERT INTO attempt ({columns}) VALUES ({', '.join('?' * 18)})", row)
    assert taken(None, tmp_path / "p", now=AT + 700).failures == 3
    assert len(kept(store)) == 4
    assert taken(store, tmp_path / "p", now=AT + 700).unchanged == 1
    assert len(kept(store)) == 3
    assert store.execute("SELECT count(*) FROM attempt WHERE source = 'gateway'").fetchone() == (1,)


def test_logs_and_transcripts_are_told_apart(store: sqlite3.Connection, tmp_path: Path) -> None:
    """Of files that were named each is read as what it is; among Claude Code's own all are transcripts."""
    log = (
        b'2026-11-20 23:00:00 INFO HTTP Request: POST https://api.anthropic.com/v1/messages "HTTP/1.1 529 "\n'
    )
    write(tmp_path / "p", log, "app.log")
    write(tmp_path / "p", outage(AT))
    assert taken(store, tmp_path / "p", kept=False).failures == 3
    found = taken(store, tmp_path / "p", logs=True)
    assert found.failures == 4
    sources = store.execute("SELECT source, count(*) FROM attempt GROUP BY source ORDER BY source").fetchall()
    assert sources == [("log", 1), ("transcript", 3)]


def test_nothing_of_a_conversation_is_kept(store: sqlite3.Connection, tmp_path: Path) -> None:
    """No prompt, answer, folder, file name or session stands in the store."""
    path = write(tmp_path / "p" / "-home-dev-secret-project", outage(AT) + shown("z", None, AT + 9, "Request timed out")
                 + answer("y", "z", AT + 20, "req_000009"))  # fmt: skip
    taken(store, tmp_path / "p")
    (database,) = store.execute("PRAGMA database_list").fetchone()[2:]
    content = Path(database).read_bytes()
    for secret in (b"secret-project", b"billing", path.stem.encode(), b"refactor", b"capacity"):
        assert secret not in content


def test_an_error_with_a_huge_field_is_survived(store: sqlite3.Connection, tmp_path: Path) -> None:
    """900 kB of text in an error, hostile numbers, ids of other kinds: a row with what fits, or none."""
    error = overloaded("req_" + "x" * 300) | {"message": "y" * 900_000}
    write(tmp_path / "p", retry("a", None, AT, 2**70, error) + retry("b" * 5000, {}, AT, -1, refused()))  # type: ignore[arg-type]
    found = taken(store, tmp_path / "p")
    assert found.failures == 2
    assert store.execute("SELECT max(length(request_id)), min(number) FROM attempt").fetchone() == (None, 1)
