"""`seawall explain`: from where a text comes to what is printed, with every bad input of its row."""

import io
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from store_helpers import QUICK, attempt

from seawall.cli import many
from seawall.cli import verbs as cli
from seawall.cli.clipboard import pasted
from seawall.cli.common import Failure
from seawall.config import Store
from seawall.store.writer import Writer
from shapes import conforms

OVERLOADED = "API Error: 529 Overloaded"


def outcome(capsys, *arguments):
    """Exit code, stdout and stderr of a command in this process."""
    with pytest.raises(SystemExit) as left:
        cli.run(arguments)
    out, err = capsys.readouterr()
    return left.value.code, out, err


def given(monkeypatch, data: bytes) -> None:
    """Stdin that is no terminal."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", OVERLOADED),
        ("explain", *OVERLOADED.split()),
        (OVERLOADED,),
        ("explain", "--plain", OVERLOADED),
        ("explain", "--", OVERLOADED),
        ("529",),
        ("overloaded_error",),
    ],
)
def test_a_text_is_explained(capsys, arguments):
    """With the verb or without; the exit code is the party's."""
    code, out, err = outcome(capsys, *arguments)
    assert (code, err) == (10, "")
    assert out.startswith("Anthropic's side — the API is at capacity.")
    assert "Read as   provider.overloaded · from your text only" in out


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("usage limit reached", 11),
        ("invalid x-api-key", 12),
        ("Prompt is too long", 13),
        ("getaddrinfo ENOTFOUND api.anthropic.com", 14),
        ("zsh: command not found: claude", 15),
        ("No available channel for model claude-x", 16),
        ("openai.RateLimitError: 429", 19),
        ("fatal: could not read from remote repository git@github.com", 19),
        ("nothing of the kind", 19),
    ],
)
def test_the_exit_code_is_the_party(capsys, text, code):
    """By the table of codes."""
    assert outcome(capsys, "explain", text)[0] == code


def test_a_file(capsys, tmp_path):
    """By its path, or with --file."""
    path = tmp_path / "crash.log"
    path.write_text("line\n" + OVERLOADED + "\n")
    assert outcome(capsys, "explain", str(path))[0] == 10
    assert outcome(capsys, "explain", "--file", str(path))[0] == 10


@pytest.mark.parametrize("arguments", [("explain",), ("explain", "-"), ("explain", "--file", "-")])
def test_stdin(capsys, monkeypatch, arguments):
    """Where it is no terminal, or named."""
    given(monkeypatch, OVERLOADED.encode())
    assert outcome(capsys, *arguments)[0] == 10


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_pasting_ends_with_an_empty_line(capsys, monkeypatch):
    """The invitation is beside the answer, on stderr."""
    monkeypatch.setattr(sys, "stdin", Terminal(f"  ⎿ {OVERLOADED}\n\nnever read\n"))
    code, out, err = outcome(capsys, "explain")
    assert code == 10
    assert err == "Paste the error, then press Enter on an empty line.\n> > "
    assert "never" not in out
    assert sys.stdin.read() == "never read\n"


@pytest.mark.parametrize("arguments", [("explain", ""), ("explain", "  \n "), ("explain",)])
def test_no_text(capsys, monkeypatch, arguments):
    """Said in one line, with the code for unusable input."""
    given(monkeypatch, b" \n\n")
    code, out, err = outcome(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.endswith("there is no text to explain\n")


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\xff\xfe" * 1000,
        b"\xff\xfe" + OVERLOADED.encode("utf-16-le"),
        bytes(range(256)) * 50,
        OVERLOADED.encode() + b"\x00" * 100,
        ("API Error: 529 Overloaded\r\n" * 3).encode(),
        "エラー: 接続できません".encode("shift-jis"),
        "ошибка: соединение прервано".encode(),
        b'{"error":' * 2000,
        b"x" * 5_000_000,
        b"\x1b[31m" + OVERLOADED.encode() + b"\x1b[0m",
        b'HTTP/1.1 200 OK\r\n\r\n{"type":"message"}',
    ],
)
def test_whatever_comes_is_answered(capsys, monkeypatch, data):
    """Binary, wide, foreign, huge, coloured, or no error at all: an answer, no traceback."""
    given(monkeypatch, data)
    code, out, err = outcome(capsys, "explain")
    assert code in (10, 19)
    assert err == ""
    assert "Read as" in out
    assert "\x1b" not in out
    assert "\x00" not in out


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("/no/such/file", "there is no file /no/such/file"),
        ("./crash.log", "there is no file ./crash.log"),
        ("provider.nothing", "no cause 'provider.nothing'; the nearest are: provider."),
    ],
)
def test_what_is_not_there(capsys, argument, says):
    """A path and a code are named, with what is near."""
    code, out, err = outcome(capsys, "explain", argument)
    assert (code, out) == (2, "")
    assert err.startswith(f"seawall: {says}")


def test_a_folder_and_an_unreadable_file(capsys, tmp_path):
    """No text is in them."""
    assert outcome(capsys, "explain", str(tmp_path))[0] == 2
    assert outcome(capsys, "explain", "--file", str(tmp_path / "none"))[0] == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("explain", "-32000: Connection closed by the MCP server of claude"), 15),
        (("explain", "-v", "--json", "-q is no option: 529 Overloaded"), 10),
        (("explain", "--", "-overloaded_error"), 10),
        (("explain", "--nope"), 2),
        (("explain", OVERLOADED, "--last"), 2),
        (("explain", "--clipboard", "--jsonl"), 2),
    ],
)
def test_texts_that_begin_with_a_dash(capsys, arguments, code):
    """A dash and a blank make a text; two ways at once are refused."""
    assert outcome(capsys, *arguments)[0] == code


def test_a_cause_by_its_code(capsys):
    """Its page; a former short name leads to it; --verbose has more."""
    code, out, _ = outcome(capsys, "explain", "provider.overloaded")
    assert code == 0
    assert out.startswith("provider.overloaded — the API is at capacity")
    assert outcome(capsys, "explain", "provider.throttle")[1].startswith("provider.rate_limited_unspecified")
    assert len(outcome(capsys, "explain", "-v", "provider.overloaded")[1]) > len(out)
    value = conforms(outcome(capsys, "explain", "--json", "provider.overloaded")[1])
    assert value["schema"] == "seawall.cause/1"
    assert value["cause"]["do"]
    assert "matchers" not in value["cause"]


def test_a_key_of_another_vendor_is_evidence_and_stays_masked(capsys):
    """In both forms of the answer: the prefix is shown, nothing of the rest."""
    key = "sk-proj-" + "aB3dE5fG7h" * 4
    text = f"ERROR 401 ANTHROPIC_API_KEY={key} invalid x-api-key"
    code, out, _ = outcome(capsys, "explain", text)
    assert code == 12
    assert "begins with sk-proj-***" in out
    whole = outcome(capsys, "explain", "--json", text)[1]
    verdict = conforms(whole)["verdict"]
    assert verdict["cause"] == "account.wrong_vendor"
    assert verdict["evidence"][0]["weight"] == "decisive"
    assert "sk-proj-***" in verdict["evidence"][0]["text"]
    assert not any(key[8:16] in said for said in (out, whole))


def test_every_former_name_leads_somewhere():
    """To a code that exists, and is no code itself."""
    from seawall.causes.cause import codes
    from seawall.cli.catalogue import _FORMER

    assert set(_FORMER.values()) <= set(codes())
    assert not set(_FORMER) & set(codes())


def test_lists(capsys):
    """All, a party's, those with words, none."""
    everything = outcome(capsys, "explain", "--list")[1]
    assert "provider.overloaded" in everything
    assert "network.dns_failure" in everything
    network = outcome(capsys, "explain", "--list", "network")[1]
    assert "network.dns_failure" in network
    assert "provider.overloaded" not in network
    found = outcome(capsys, "explain", "--search", "certificate authority")
    assert found[0] == 0
    assert "network.tls_untrusted_ca" in found[1]
    assert outcome(capsys, "explain", "--search", "ECONNRESET")[1].startswith("network.connection_reset")
    assert outcome(capsys, "explain", "--search", "qwertyuiop")[:2] == (19, "")
    assert outcome(capsys, "explain", "--search", " ")[0] == 2
    assert outcome(capsys, "explain", "--list", "nobody")[0] == 2
    value = conforms(outcome(capsys, "explain", "--list", "limit", "--json")[1])
    assert value["schema"] == "seawall.causes/1"
    assert all(row["party"] == "limit" for row in value["causes"])


def test_json(capsys):
    """One object that has all of the verdict and of what was read."""
    text = "API Error (529 Overloaded) attempt 9/10\nAPI Error: 529 Overloaded req_011CUabcdef"
    code, out, err = outcome(capsys, "explain", "--json", text)
    value = conforms(out)
    assert (code, err) == (10, "")
    assert value["schema"] == "seawall.verdict/1"
    assert value["exit_code"] == 10
    verdict = value["verdict"]
    assert (verdict["cause"], verdict["party"], verdict["confidence"]) == (
        "provider.overloaded",
        "provider",
        "certain",
    )
    assert verdict["retry"] == "yes"
    assert {"text", "command", "costs_money"} <= verdict["do"][0].keys()
    assert {"text", "reason"} == verdict["dont"][0].keys()
    assert value["read"]["status"] == 529
    assert value["read"]["attempt"] == [9, 10]
    assert value["generated_at"].endswith("Z")


KEY = "sk-ant-api03-" + "Zq9" * 31 + "AA"


@pytest.mark.parametrize("way", ["--json", "--plain"])
@pytest.mark.parametrize(
    "text",
    [
        f"API Error: 401 invalid x-api-key {KEY}",
        f"curl -H 'x-api-key: {KEY}' failed 529",
        f"Error for req_{KEY} resets 3pm host {KEY}.example.com",
        "Authorization: Bearer " + "Qx7" * 12 + " 529 Overloaded",
    ],
)
def test_no_key_is_shown(capsys, way, text):
    """No run of 12 characters of it, and a line says that it was there."""
    _, out, err = outcome(capsys, "explain", way, text)
    for secret in ("Zq9" * 31, "Qx7" * 12):
        assert not any(secret[start : start + 12] in out + err for start in range(len(secret) - 12))
        assert not any(
            secret[start : start + 12].lower() in (out + err).lower() for start in range(len(secret) - 12)
        )
    if way == "--plain" and "req_" not in text:
        assert "It was masked. If you posted it elsewhere, revoke it." in out


def test_plain_prose_held_no_key(capsys):
    """Home folders and addresses are masked as well, but are no keys."""
    assert (
        "held a key"
        not in outcome(
            capsys, "explain", "529 for ada@example.com in /home/ada, Bearer authentication failed"
        )[1]
    )


def test_many_texts(capsysbinary, monkeypatch):
    """A line for a line, in order; null where nothing is known."""
    rows = [{"id": 1, "text": OVERLOADED}, {"id": "b", "text": "hello"}, {"text": "read ECONNRESET"}]
    given(monkeypatch, b"\n".join(json.dumps(row).encode() for row in rows) + b"\n\n")
    with pytest.raises(SystemExit) as left:
        cli.run(["explain", "--jsonl"])
    assert left.value.code == 0
    answers = [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    assert answers == [
        {"id": 1, "cause": "provider.overloaded", "party": "provider", "retry": "yes", "also": []},
        {"id": "b", "cause": None, "party": "unknown", "retry": "no", "also": []},
        {"id": None, "cause": "network.connection_reset", "party": "network", "retry": "yes",
         "also": ["unrelated.unrelated"]},
    ]  # fmt: skip


def test_lines_that_are_none():
    """Each gets an answer, and the end says how many there were."""
    out = io.BytesIO()
    source = io.BytesIO(
        b'nonsense\n{"id":1}\n{"id":2,"text":7}\n\xff\xfe\n{"id":{"a":[1]},"text":"529 Overloaded"}'
    )
    with pytest.raises(Failure, match="4 lines could not be read"):
        many.lines(source, out)
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(answers) == 5
    assert all("error" in answer for answer in answers[:4])
    assert [answer["id"] for answer in answers[:4]] == [None, 1, 2, None]
    assert answers[4]["id"] == {"a": [1]}


def test_a_line_without_end_is_not_kept(monkeypatch):
    """Beyond the bound only that it was there is known."""
    monkeypatch.setattr(many, "_LONGEST_LINE", 1000)
    monkeypatch.setattr(many, "_CHUNK", 100)
    out = io.BytesIO()
    source = io.BytesIO(b'{"text":"' + b"x" * 5000 + b'"}\n{"text":"529 Overloaded"}\n')
    with pytest.raises(Failure, match="1 lines"):
        many.lines(source, out)
    assert [json.loads(line)["cause"] for line in out.getvalue().splitlines()] == [
        None,
        "provider.overloaded",
    ]


def test_an_answer_comes_before_the_next_question():
    """Whoever asks one by one does not wait for a buffer to fill."""
    child = subprocess.Popen(
        [sys.executable, "-m", "seawall", "explain", "--jsonl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child:
        for number in range(3):
            child.stdin.write(b'{"id":%d,"text":"529 Overloaded"}\n' % number)
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["id"] == number
        child.stdin.close()
    assert child.returncode == 0


def tool(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_the_clipboard(capsys, monkeypatch, tmp_path):
    """Read by the first tool that gives a text; what is missing is named."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failure, match="nothing here reads the clipboard"):
        pasted()
    tool(tmp_path, "wl-paste", "exit 1")
    with pytest.raises(Failure, match="has no text"):
        pasted()
    tool(tmp_path, "xclip", f"echo '{OVERLOADED}'")
    assert outcome(capsys, "explain", "--clipboard")[0] == 10


def test_the_last_failure_on_record(capsys, monkeypatch, tmp_path):
    """From the store; when it was, and its cause's page; successes behind it do not hide it."""
    path = tmp_path / "seawall.db"
    monkeypatch.setenv("SEAWALL_STORE_PATH", str(path))
    monkeypatch.setenv("HOME", str(tmp_path))
    store = Writer(Store(path=str(path)), pace=QUICK)
    store.start()
    store.put(attempt(1, at=1000.0, cause="provider.overloaded", status=529))
    store.put(attempt(2, at=2000.0, cause=None, status=200))
    assert store.close().dropped == 0
    code, out, err = outcome(capsys, "explain", "--last")
    assert (code, err) == (10, "")
    assert out.startswith("Seen      1970-01-01")
    assert "provider.overloaded — the API is at capacity" in out
    value = conforms(outcome(capsys, "explain", "--last", "--json")[1])
    assert value["generated_at"] > "2026"
    assert value["verdict"]["cause"] == "provider.overloaded"
    assert value["verdict"]["do"]
    assert value["seen"]["at"] == "1970-01-01T00:16:40Z"
    assert not {"account", "network"} & value["seen"].keys()


def test_no_failure_on_record(capsys, monkeypatch, tmp_path):
    """A fresh home has none, and the line says what to do instead."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    code, out, err = outcome(capsys, "explain", "--last")
    assert (code, out) == (2, "")
    assert "no failure is on record" in err


def test_the_text_from_a_closed_pipe():
    """A reader that leaves early is no failure."""
    command = f"{sys.executable} -m seawall explain --list | head -1"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith("account.")


def test_big_input_in_little_memory():
    """50 MB from a pipe, within 100 MB."""
    line = b"2026-11-21 connect ECONNREFUSED 10.0.0.1:443 quiet quiet quiet\n" * 1000
    script = (
        "import resource, subprocess, sys\n"
        "command = [sys.executable, '-m', 'seawall', 'explain', '-']\n"
        "done = subprocess.run(command, stdin=sys.stdin, capture_output=True)\n"
        "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    for _ in range(50_000_000 // len(line)):
        child.stdin.write(line)
    out, _ = child.communicate()
    code, kilobytes = map(int, out.split())
    assert code == 14
    # Linux counts in kilobytes, macOS in bytes.
    assert kilobytes < 100_000 * (1024 if sys.platform == "darwin" else 1)


def test_ones_own_history_on_the_page(own_home):
    """How long it lasted here, where enough was added up; nothing of it with too few."""
    place = own_home.path / ".local/share/seawall"
    place.mkdir(parents=True)
    figures = {"provider.overloaded": [23, 120.0, 240.0, 660.0], "network.offline": [3, None, None, None]}
    (place / "seawall.db.usual").write_text(json.dumps({"at": 0, "causes": figures}))
    shown = " ".join(own_home.seawall("explain", "provider.overloaded").stdout.split())
    assert "Yours: half 2 min, 9 of 10 11 min (23 episodes). Fixed when" in shown
    assert "Fixed when The same message goes through: seawall doctor --again" in shown
    assert "Yours" not in own_home.seawall("explain", "network.offline").stdout


def test_platforms_of_the_page(own_home):
    """Of platforms only this one is spoken of; with --verbose all."""
    here = own_home.seawall("explain", "network.dns_failure").stdout
    assert "macos" not in here
    assert "linux" in here or sys.platform != "linux"
    assert "macos" in own_home.seawall("explain", "network.dns_failure", "--verbose").stdout
