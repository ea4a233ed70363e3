"""`seawall import` as a whole command: what it reads, says and survives."""

import gzip
import json
import os
import pty
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from own_home import LIMIT, Home, until
from seawall.cli import schemas
from transcript_lines import answer, outage, prompt, refused, retry, shown, write

AT = time.time() - 3 * 86400


def projects(home: Home) -> Path:
    return home.path / ".claude/projects/-home-dev-secret-project"


def database(home: Home) -> Path:
    return home.path / ".local/share/seawall/seawall.db"


def words(text: str) -> str:
    """The text in one line."""
    return " ".join(text.split())


def kept(home: Home) -> int:
    connection = sqlite3.connect(database(home))
    try:
        return int(connection.execute("SELECT count(*) FROM attempt").fetchone()[0])
    finally:
        connection.close()


def valid(text: str) -> dict[str, object]:
    value: dict[str, object] = json.loads(text)
    Draft202012Validator(json.loads(schemas.text("import"))).validate(value)
    return value


def test_the_first_import_and_the_second(own_home: Home) -> None:
    """Failures by cause, what got through, and that transcripts are deleted; then nothing new; history shows it."""
    write(projects(own_home), outage(AT))
    write(projects(own_home), prompt("a", None, AT) + retry("b", "a", AT + 1, 1, refused())
          + answer("c", "b", AT + 2, "req_0000001"), "5c1f/subagents/agent-7.jsonl")  # fmt: skip
    first = own_home.seawall("import")
    assert (first.returncode, first.stderr) == (0, "")
    lines = first.stdout.splitlines()
    said = "Imported 4 new failures and 1 call that got through after failures, from 2 files ("
    assert words(first.stdout).startswith(said)
    assert [line.split() for line in lines if line.startswith("    ")] == [
        ["3", "provider.overloaded"],
        ["1", "network.connection_refused"],
    ]
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "Claude Code deletes its transcripts after 30 days; what was imported stays."
    second = own_home.seawall("import")
    assert second.stdout.splitlines()[0] == "Nothing to read: 2 files unchanged since the last import."
    assert kept(own_home) == 5
    assert oct(database(own_home).stat().st_mode & 0o777) == "0o600"
    history = own_home.seawall("history", "list")
    assert history.returncode == 0
    assert "provider.overloaded" in history.stdout


def test_json_is_as_its_schema_says(own_home: Home) -> None:
    """In a first import, a dry one, one with nothing to read, and one of bad files."""
    write(projects(own_home), outage(AT) + b'{"isApiErrorMessage":\n')
    os.mkfifo(projects(own_home) / "pipe.jsonl")
    dry = valid(own_home.seawall("import", "--dry-run", "--json").stdout)
    assert (dry["dry_run"], dry["new"], dry["causes"]) == (True, 3, {"provider.overloaded": 3})
    assert not database(own_home).exists()
    first = valid(own_home.seawall("import", "--json", "--since", "7d").stdout)
    assert (first["new"], first["lines_left_out"]) == (3, {"lines that are no JSON": 1})
    assert first["files"] == {"found": 1, "read": 1, "unchanged": 0, "left_out": {"no regular file": 1}}
    second = valid(own_home.seawall("import", "--json").stdout)
    assert (second["new"], second["since"]) == (0, None)


def test_no_transcripts_at_all(own_home: Home) -> None:
    """Said, and no failure: there is nothing to do."""
    done = own_home.seawall("import")
    assert done.returncode == 0
    assert "Claude Code keeps no transcripts here" in done.stderr
    valid(own_home.seawall("import", "--json").stdout)


def test_another_folder_of_claude_code(own_home: Home, tmp_path: Path) -> None:
    """CLAUDE_CONFIG_DIR says where."""
    write(tmp_path / "elsewhere/projects/p", outage(AT))
    done = own_home.seawall("import", CLAUDE_CONFIG_DIR=str(tmp_path / "elsewhere"))
    assert done.stdout.startswith("Imported 3 new failures,")


def test_files_that_are_named(own_home: Home, tmp_path: Path) -> None:
    """Logs of other programs, transcripts, folders of both; again when they have grown."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(AT))
    line = (
        f'{stamp}Z INFO HTTP Request: POST https://api.anthropic.com/v1/messages "HTTP/1.1 529 "\n'.encode()
    )
    log = write(tmp_path / "logs", line * 3, "app.log")
    write(tmp_path / "logs/deep", outage(AT - 9000), "some.jsonl")
    done = own_home.seawall("import", str(log))
    assert done.stdout.startswith("Imported 3 new failures, from 1 file (")
    assert "30 days" not in done.stdout
    log.write_bytes(line * 5)
    both = own_home.seawall("import", str(tmp_path / "logs"), "--quiet")
    assert both.stdout.startswith("Imported 5 new failures, from 2 files (")
    assert kept(own_home) == 8


def piped(home: Home, data: bytes, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    """An import of `-` that this comes to through a pipe."""
    return subprocess.run(
        [sys.executable, "-m", "seawall", "import", *arguments], env=home.environ, cwd=home.path, input=data,
        capture_output=True, timeout=LIMIT, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_what_comes_through_a_pipe(own_home: Home, tmp_path: Path, packed: bool) -> None:
    """A log or a transcript, packed or not, its last line without an end; the same bytes again tell nothing new."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(AT))
    line = f'{stamp}Z HTTP Request: POST https://api.anthropic.com/v1/messages "HTTP/1.1 529 "'.encode()
    log = b"\n".join([line] * 3)
    for data, new in ((log, 3), (outage(AT - 9000), 3)):
        sent = gzip.compress(data) if packed else data
        told = valid(piped(own_home, sent, "-", "-", "--json").stdout.decode())
        assert (told["new"], told["files"]["found"], told["files"]["read"]) == (new, 1, 1)  # type: ignore[index]
        again = valid(piped(own_home, sent, "-", "--json").stdout.decode())
        assert (again["new"], again["read_before"]) == (0, new)
    # A file with the same lines, too, says what is on record already.
    (tmp_path / "app.log").write_bytes(log + b"\n")
    named = valid(own_home.seawall("import", str(tmp_path / "app.log"), "--json").stdout)
    assert (named["new"], named["read_before"]) == (0, 3)


def test_packed_logs(own_home: Home, tmp_path: Path) -> None:
    """In a folder too; once read they are not opened again, and a damaged one gives what it has and is named."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(AT))
    line = f'{stamp}Z HTTP Request: POST https://api.anthropic.com/v1/messages "HTTP/1.1 529 "\n'.encode()
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "app.log.2.gz").write_bytes(gzip.compress(line * 4))
    first = own_home.seawall("import", str(folder))
    assert first.stdout.startswith("Imported 4 new failures, from 1 file (")
    assert "1 file unchanged" in own_home.seawall("import", str(folder)).stdout
    noise = random.Random(7).randbytes(300_000).hex().encode() + b"\n"
    (folder / "app.log.1.gz").write_bytes(gzip.compress(line * 6 + noise)[:-1000])
    second = own_home.seawall("import", str(folder))
    assert words(second.stdout).startswith("Imported 2 new failures, from 1 file (")
    assert "Left out: the rest of a damaged packed file (1)." in words(second.stdout)
    # Rotated: the same lines at the same places, packed by now.
    (folder / "app.log").write_bytes(line * 6)
    third = valid(own_home.seawall("import", str(folder / "app.log"), "--json").stdout)
    assert (third["new"], third["read_before"]) == (0, 6)


def test_an_interrupt_is_heard_while_a_pipe_is_silent(own_home: Home) -> None:
    """Nobody closes the other end, and nothing comes: Ctrl-C ends it."""
    process = own_home.start("import", "-")
    assert process.stdin is not None
    until(lambda: database(own_home).exists(), "it has begun")
    until(lambda: len(os.listdir(f"/proc/{process.pid}/task")) > 1, "it reads")
    process.send_signal(signal.SIGINT)
    assert process.wait(LIMIT) == 130


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.log"], "there is no file nowhere.log"),
        (["--since", "soon"], "--since 'soon' is neither a span of time (7d, 12h) nor a day (2026-11-01)"),
        (["--since", "2999-01-01"], "--since 2999-01-01 has not come yet"),
        (["--since", "-5d"], "is neither a span of time"),
        (["--sinc", "5d"], "--since"),
    ],
)
def test_wrong_usage(own_home: Home, arguments: list[str], said: str) -> None:
    """One line, exit code 2, and nothing made."""
    done = own_home.seawall("import", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not database(own_home).exists()


def test_a_file_that_cannot_be_read_is_said(own_home: Home, tmp_path: Path) -> None:
    """In one line at the end; with no other file it is a failure."""
    pipe = tmp_path / "pipe.log"
    os.mkfifo(pipe)
    alone = own_home.seawall("import", str(pipe))
    assert (alone.returncode, "Left out: no regular file (1)." in alone.stdout) == (1, True)
    log = write(tmp_path, outage(AT), "x.jsonl")
    assert own_home.seawall("import", str(pipe), str(log)).returncode == 0


@pytest.mark.skipif(
    shutil.which("setpriv") is None, reason="no setpriv: a user who may read everything reads it"
)
def test_a_file_without_permission_does_not_keep_the_others_from_being_read(
    own_home: Home, tmp_path: Path
) -> None:
    """Of several that were named it is counted; alone it is a failure."""
    log, closed = (
        write(tmp_path, outage(AT), "x.jsonl"),
        write(tmp_path, outage(AT + 900, "b"), "closed.jsonl"),
    )
    closed.chmod(0)
    least = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()

    def imported(*files: Path) -> tuple[int, str]:
        done = subprocess.run(
            [*least, sys.executable, "-m", "seawall", "import", *map(str, files)],
            env=own_home.environ, cwd=own_home.path, capture_output=True, text=True, timeout=LIMIT, check=False,
        )  # fmt: skip
        assert done.stderr == ""
        return done.returncode, done.stdout

    code, said = imported(closed)
    assert (code, said) == (1, "Nothing to read.\nLeft out: without permission (1).\n")
    code, said = imported(closed, log)
    assert (code, "Left out: without permission (1)." in said) == (0, True)
    assert said.startswith("Imported ")


def test_all_that_a_folder_may_hold(own_home: Home) -> None:
    """A line of 20 MB, a cut last line, links in a circle, a foreign file, NULs: said in one line, the rest is read."""
    folder = projects(own_home)
    write(folder, outage(AT) + b'{"isApiErrorMessage":"' + b"x" * 20_000_000 + b'"}\n' + outage(AT + 60, "b"))
    write(folder, outage(AT + 120, "c")[:-30], "cut.jsonl")
    write(folder, b"\0" * 100_000 + shown("d", None, AT + 200, "Request timed out"), "zeroed.jsonl")
    write(
        folder, b'{"retryAttempt":1,"service":"mail"}\n"isApiErrorMessage": so\n\xff\xfe\n', "foreign.jsonl"
    )
    (folder / "round").symlink_to(folder, target_is_directory=True)
    (folder / "loop.jsonl").symlink_to(folder / "loop.jsonl")
    done = own_home.seawall("import")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Imported 9 new failures, from 4 files (20 MB in ")
    assert "Left out: lines over 1 MB (1), lines that are no JSON (1), links in a circle (1)." in words(
        done.stdout
    )


@pytest.mark.parametrize("trouble", ["locked", "newer", "damaged", "read-only", "older"])
def test_a_store_in_trouble(own_home: Home, trouble: str) -> None:
    """One line that says what is wrong, and nothing is lost; a damaged or an older store is put right."""
    write(projects(own_home), outage(AT))
    path = database(own_home)
    if trouble == "read-only":
        path.parent.parent.mkdir(parents=True)
        path.parent.write_text("no folder")
    else:
        own_home.seawall("import", "--json")
        write(projects(own_home), outage(AT + 60, "b"), "b.jsonl")
    connection = None if trouble == "read-only" else sqlite3.connect(path, isolation_level=None)
    if trouble == "newer" and connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    elif trouble == "damaged" and connection:
        connection.close()
        path.write_bytes(b"no database" * 1000)
    elif trouble == "locked" and connection:
        connection.execute("BEGIN EXCLUSIVE")
    elif trouble == "older" and connection:
        connection.close()
        path.unlink()
        subprocess.run(
            [sys.executable, "-c", _OLD.format(path=str(path))], check=True, env=own_home.environ, timeout=60
        )
    done = own_home.seawall("import")
    if connection is not None:
        connection.close()
    if trouble in ("damaged", "older"):
        assert (done.returncode, kept(own_home)) == (0, 6)
        assert (trouble == "damaged") == ("was moved to" in done.stderr)
    else:
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        words = {"locked": "locked by another program", "newer": "newer Seawall", "read-only": "cannot be"}
        assert words[trouble] in done.stderr
        assert "wait in memory" not in done.stderr


_OLD = """
from pathlib import Path
from alembic.command import upgrade
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from seawall.store import migrations
settings = Config()
settings.set_main_option("script_location", str(Path(migrations.__file__).parent))
with create_engine("sqlite:///{path}", poolclass=NullPool).begin() as connection:
    settings.attributes["connection"] = connection
    upgrade(settings, "0002")
"""


def test_an_interrupted_import_goes_on(own_home: Home) -> None:
    """SIGINT ends it with 130, at once, whatever it was doing; the next one has all of it, once."""
    filler = prompt("p", None, AT, "x" * 4000) * 50
    for number in range(400):
        write(projects(own_home), outage(AT + number, f"n{number:03}x") + filler, f"{number:03}.jsonl")
    own_home.seawall("import", str(write(own_home.path, b"", "empty.log")))  # the store is there
    process = own_home.start("import", "--json")

    def some() -> bool:
        connection = sqlite3.connect(database(own_home))
        try:
            return process.poll() is not None or connection.execute(
                "SELECT count(*) > 1 FROM imported_file"
            ).fetchone() == (1,)
        finally:
            connection.close()

    until(some, "a first transaction")
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=30)
    # It may have been done already, and then the signal finds it while it leaves.
    assert process.returncode in (130, 0, -signal.SIGINT), error
    assert valid(out)["interrupted"] is (process.returncode == 130)
    after = valid(own_home.seawall("import", "--json").stdout)
    assert after["read_before"] == 0
    assert kept(own_home) == 1200


def test_progress_is_shown_in_a_terminal_and_erased(own_home: Home) -> None:
    """One line on stderr; none with --quiet, and none where it is no terminal."""
    for number in range(5):
        write(projects(own_home), outage(AT + number, f"n{number}x"), f"{number}.jsonl")
    for options, drawn in (((), True), (("--quiet",), False)):
        shutil.rmtree(own_home.path / ".local", ignore_errors=True)
        ours, theirs = pty.openpty()
        done = subprocess.run(
            [sys.executable, "-m", "seawall", "import", *options],
            env=own_home.environ | {"TERM": "xterm"}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=theirs, cwd=own_home.path, timeout=60, check=True,
        )  # fmt: skip
        os.close(theirs)
        try:
            seen = os.read(ours, 100_000)
        except OSError:  # nobody wrote anything
            seen = b""
        os.close(ours)
        assert done.stdout.startswith(b"Imported 15 new failures")
        assert (b" of 5 files, " in seen) is drawn
        assert seen.endswith(b"\r\x1b[K") is drawn


def test_the_conversation_stays_where_it_is(own_home: Home) -> None:
    """Neither output nor store has a prompt, an answer, a session, a folder's or a file's name."""
    write(projects(own_home), outage(AT))
    said = own_home.seawall("import", "-v").stdout + own_home.seawall("import", "--json").stdout
    content = database(own_home).read_bytes()
    for secret in ("secret-project", "billing", "5c1f4a52"):
        assert secret not in said
        assert secret.encode() not in content


def test_nothing_new_is_quick(own_home: Home) -> None:
    """Neither SQLAlchemy nor a thread is needed to see that nothing changed."""
    write(projects(own_home), outage(AT))
    own_home.seawall("import")
    script = (
        "import sys; from seawall.cli.verbs import run\n"
        "try: run(['import'])\n"
        "except SystemExit: pass\n"
        "print({'sqlalchemy', 'alembic', 'rich', 'concurrent.futures', 'asyncio'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=own_home.environ, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "set()"
