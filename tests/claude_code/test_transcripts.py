"""Whole transcripts: which are found, what they tell, and where the next reading begins."""

import os
import time
from pathlib import Path

import pytest

from seawall.claude_code import transcripts
from seawall.claude_code.scan import File, Scan
from seawall.claude_code.transcripts import MARKERS, NO_JSON, NO_TIME, TOO_LONG, Reader, Reading
from transcript_lines import answer, line, outage, overloaded, prompt, refused, retry, shown, write

AT = 1_795_217_553.0


def reading(data: bytes, tmp_path: Path, begin: int = 0, now: float = AT + 1e6) -> Reading:
    path = write(tmp_path, data)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return Reader(Scan(File(descriptor), begin, len(data), MARKERS), now).read()
    finally:
        os.close(descriptor)


def test_a_call_that_was_given_up(tmp_path: Path) -> None:
    """Two retries and the end of one call, each following the one before."""
    found = reading(outage(AT), tmp_path)
    assert [(one.attempt.ended, one.attempt.request_id) for one in found.told] == [
        ("retried", "req_a00001"), ("retried", "req_a00002"), ("given_up", "req_a00003"),
    ]  # fmt: skip
    first, second, third = found.told
    assert (first.after, second.after, third.after) == ("", first.record, second.record)
    assert len({one.record for one in found.told}) == 3
    assert (found.position, found.ended, found.odd) == (len(outage(AT)), True, {})


def test_a_call_that_got_through(tmp_path: Path) -> None:
    """The answer after a retry says so, and of which model the failures were."""
    data = (
        prompt("a", None, AT) + retry("b", "a", AT + 1, 1, refused()) + retry("c", "b", AT + 2, 2, refused())
        + line(type="progress") + answer("d", "c", AT + 5, "req_final01", "claude-sonnet-5-5")
        + answer("e", "d", AT + 9, "req_next001")
    )  # fmt: skip
    told = reading(data, tmp_path).told
    assert [(one.attempt.ended, one.attempt.cause, one.attempt.family) for one in told] == [
        ("retried", "network.connection_refused", "sonnet"),
        ("retried", "network.connection_refused", "sonnet"),
        ("recovered", None, "sonnet"),
    ]
    assert (told[2].after, told[2].attempt.request_id) == (told[1].record, "req_final01")


def test_the_model_is_the_one_that_answered_before(tmp_path: Path) -> None:
    """A failure has no model of its own; Claude Code's messages before it have none either."""
    data = (
        answer("a", None, AT, "req_1") + answer("b", "a", AT, "req_2", "us.anthropic.claude-haiku-4-5-v1:0")
        + shown("c", "b", AT + 1, "Request timed out") + shown("d", "c", AT + 2, "Request timed out")
    )  # fmt: skip
    assert [one.attempt.family for one in reading(data, tmp_path).told] == ["haiku", "haiku"]
    assert [one.attempt.family for one in reading(outage(AT), tmp_path).told] == ["", "", ""]


def test_calls_that_are_interleaved(tmp_path: Path) -> None:
    """Agents whose records stand in one file are told apart by which record follows which."""
    data = (
        retry("a1", "a0", AT, 1, overloaded("req_a000001")) + retry("b1", "b0", AT, 1, overloaded("req_b000001"))
        + answer("b2", "b1", AT + 2, "req_b000002") + retry("a2", "a1", AT + 3, 2, overloaded("req_a000002"))
        + answer("a3", "a2", AT + 9, "req_a000003")
    )  # fmt: skip
    told = {one.attempt.request_id: one for one in reading(data, tmp_path).told}
    assert told["req_b000002"].after == told["req_b000001"].record
    assert told["req_a000002"].after == told["req_a000001"].record
    assert told["req_a000003"].after == told["req_a000002"].record


def test_a_call_that_has_not_ended_is_read_again(tmp_path: Path) -> None:
    """The next reading begins at its last retry, which it knows again, and finds the end."""
    begun = outage(AT)[: outage(AT).rfind(b"\n", 0, -1) + 1]
    first = reading(begun, tmp_path)
    assert first.position == begun.rfind(b"\n", 0, -1) + 1
    second = reading(outage(AT), tmp_path, first.position)
    assert [one.attempt.ended for one in second.told] == ["retried", "given_up"]
    assert second.told[0].record == first.told[1].record
    assert second.told[1].after == first.told[1].record


def test_an_end_that_never_comes_is_not_waited_for(tmp_path: Path) -> None:
    """After 200 other answers a retry that nothing follows is as it is; the file is not read again from there."""
    data = retry("a", "x", AT, 1, refused()) + b"".join(
        answer(f"b{n}", f"b{n - 1}", AT + n, f"req_{n:07}") for n in range(transcripts.PATIENCE + 5)
    )
    found = reading(data, tmp_path)
    assert (found.position, len(found.told)) == (len(data), 1)


def test_many_failures_are_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part goes on where the one before ended, also where calls never end, and nothing is left out."""
    monkeypatch.setattr(transcripts, "MOST", 50)
    monkeypatch.setattr(transcripts, "PATIENCE", 20)
    data = b"".join(retry(f"u{n}", f"v{n}", AT + n, 1, refused()) for n in range(300))
    records, position, parts = set(), 0, 0
    while True:
        part = reading(data, tmp_path, position)
        records.update(one.record for one in part.told)
        assert len(part.told) <= 50
        assert part.ended or part.position > position
        position, parts = part.position, parts + 1
        if part.ended:
            break
    assert len(records) == 300
    assert parts > 5


def test_a_failure_of_this_moment_is_left_for_the_next_time(tmp_path: Path) -> None:
    """The gateway may be about to note it: the reading ends before it."""
    data = outage(AT)
    before_last = data.rfind(b"\n", 0, -1) + 1
    found = reading(data, tmp_path, now=AT + 5)
    assert found.position <= before_last
    assert [one.attempt.ended for one in found.told] == ["retried", "retried"]
    ahead = reading(data, tmp_path, now=AT - 3600)  # the clock was set back: nothing would ever be old enough
    assert len(ahead.told) == 3


def test_a_cut_last_line(tmp_path: Path) -> None:
    """Half a record is nothing yet; a record that only lacks its end of line is one, and is looked at again."""
    half = reading(outage(AT)[:-40], tmp_path)
    assert [one.attempt.ended for one in half.told] == ["retried", "retried"]
    assert half.odd == {}
    data = shown("a", None, AT, "Request timed out")
    whole = reading(prompt("p", None, AT) + data.strip(), tmp_path)
    assert [one.attempt.ended for one in whole.told] == ["given_up"]
    assert whole.position == len(prompt("p", None, AT))


def test_a_mark_before_the_first_line(tmp_path: Path) -> None:
    """A copy that Windows' tools made begins with a byte order mark: its first line is read like the others."""
    told = reading(b"\xef\xbb\xbf" + shown("a", None, AT, "API Error: 529 Overloaded"), tmp_path).told
    assert [one.attempt.cause for one in told] == ["provider.overloaded"]


def test_lines_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    """Broken JSON, no time, over a megabyte; other programs' lines and quotes are no trouble."""
    data = (
        b'{"isApiErrorMessage":true,\n'
        + line(type="assistant", isApiErrorMessage=True, message={"content": "Overloaded"})
        + b'{"isApiErrorMessage":"' + b"x" * 1_100_000 + b'"}\n'
        + b'{"retryAttempt": 1, "service": "billing"}\n'
        + prompt("q", None, AT, "what does isApiErrorMessage mean")
        + outage(AT)
    )  # fmt: skip
    found = reading(data, tmp_path)
    assert found.odd == {NO_JSON: 1, NO_TIME: 1, TOO_LONG: 1}
    assert len(found.told) == 3


def test_where_transcripts_are(tmp_path: Path) -> None:
    """In the user's folder, in the one that a variable names instead, and in the one of the standard."""
    home, other = tmp_path / "home", tmp_path / "other"
    assert transcripts.folders({}, home) == []
    for folder in (home / ".claude", home / ".config/claude", other):
        (folder / "projects").mkdir(parents=True)
    assert transcripts.folders({}, home) == [home / ".claude/projects", home / ".config/claude/projects"]
    assert transcripts.folders({"CLAUDE_CONFIG_DIR": str(other)}, home) == [other / "projects"]


def test_files_are_found_once_however_they_are_linked(tmp_path: Path) -> None:
    """Agents' files below sessions are found; circles end; links, pipes and what may not be read are survived."""
    projects = tmp_path / "projects"
    plain = write(projects / "-home-dev-a", b"{}\n")
    agent = write(projects / "-home-dev-a/5c1f/subagents", b"{}\n", "agent-1.jsonl")
    write(projects / "-home-dev-a", b"notes", "notes.md")
    (projects / "-home-dev-a/round").symlink_to(projects, target_is_directory=True)
    (projects / "link.jsonl").symlink_to(plain)
    (projects / "gone.jsonl").symlink_to(tmp_path / "nowhere")
    (projects / "self.jsonl").symlink_to(projects / "self.jsonl")
    os.mkfifo(projects / "pipe.jsonl")
    (projects / "folder.jsonl").mkdir()
    told: list[str] = []
    found = sorted(Path(one.path).resolve() for one in transcripts.find([projects, projects], told.append))
    assert found == sorted([plain, agent])
    assert sorted(told) == ["links in a circle", "no regular file", "vanished"]
    assert list(transcripts.find([tmp_path / "none"], told.append)) == []
    assert told[-1] == "folder not there"


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, and the others are read. (Tests may run as root, who may read everything.)"""
    good, closed = write(tmp_path / "good", b"{}\n"), tmp_path / "closed"
    closed.mkdir()
    real = os.scandir

    def scandir(folder: str):
        if folder.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    told: list[str] = []
    assert [one.path for one in transcripts.find([tmp_path], told.append)] == [os.path.realpath(good)]
    assert told == ["folder without permission"]


def test_a_folder_that_may_not_be_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One in which it cannot even be seen whether transcripts are there counts as there: reading it says why not. A
    name that no folder can have does not."""
    real = Path.stat

    def stat(path: Path, **how: bool) -> os.stat_result:
        if tmp_path in path.parents:
            raise PermissionError(13, "Permission denied")
        return real(path, **how)

    monkeypatch.setattr(Path, "stat", stat)
    place = tmp_path / ".claude/projects"
    assert place in transcripts.folders({}, tmp_path)
    told: list[str] = []
    assert list(transcripts.find([place], told.append)) == []
    assert told == ["folder not there"]
    assert transcripts.folders({"CLAUDE_CONFIG_DIR": "/" + "x" * 5000}, tmp_path) == []


def test_the_last_failure(tmp_path: Path) -> None:
    """The newest that was shown, in whichever file; older files are not even opened."""
    old = write(tmp_path, outage(AT) + answer("z", "a3", AT + 9, "req_9"), "old.jsonl")
    new = write(tmp_path, answer("y", None, AT, "req_8") + shown("s", "y", AT + 100, "Request timed out")
                + answer("x", "s", AT + 200, "req_7") + prompt("w", "x", AT + 201), "new.jsonl")  # fmt: skip
    newest = write(tmp_path, prompt("v", None, AT + 300, "isApiErrorMessage"), "newest.jsonl")
    for path, at in ((old, AT + 9), (new, AT + 201), (newest, AT + 300)):
        os.utime(path, (at, at))
    found = transcripts.last_failure([tmp_path], AT + 1000)
    assert found is not None
    attempt, text = found
    assert (attempt.at, attempt.cause, attempt.family) == (AT + 100, "network.client_timeout", "opus")
    assert text == "Request timed out"
    assert transcripts.last_failure([tmp_path / "none"], AT) is None


def test_the_last_failure_is_found_fast(tmp_path: Path) -> None:
    """Only ends are read: of 40 MB in 40 files it takes a few milliseconds of processor time, 100 ms at most."""
    filler = prompt("p", None, AT, "x" * 1000) * 1000
    for number in range(40):
        write(tmp_path, filler + outage(AT + number), f"{number}.jsonl")
    begun = time.process_time()
    found = transcripts.last_failure([tmp_path], AT + 1000)
    assert time.process_time() - begun < 0.1
    assert found is not None
    assert found[0].at == AT + 39 + 4
