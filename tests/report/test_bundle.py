"""Six files, masked and looked at once more; written whole or not at all."""

import csv
import io
import json
import os
import stat
import zipfile
from dataclasses import replace

import pytest

from report_cases import EPISODE, FAILED, case, result, rows, verdict
from seawall.report import bundle
from seawall.report.case import Recorded
from seawall.report.hidden import Hidden
from seawall.report.masking import Masker
from seawall.report.names import Names

SECRET = "Zq7xW2mK9pL4vB8nC3dF6hJ1kQ5s"
KNOWN = Hidden(secrets=(SECRET,), homes=("/home/annabelle",), users=("annabelle",), hosts=("build7",))
VERDICT = {
    "schema": "seawall.verdict/1",
    "verdict": {
        "cause": "provider.overloaded",
        "evidence": [{"text": "seen by annabelle on build7", "facts": {"status": 529, "body": "a prompt"}}],
    },
    "checks": [
        {"id": "net.dns", "summary": "10.1.2.3", "facts": {"seconds": 0.1, "files": ["/home/annabelle/x"]}}
    ],
}


def made(one=None, verdict_=VERDICT, known=KNOWN):
    one = one or case()
    return bundle.made(one, verdict_, Masker(known, Names(b"s" * 16), (), one.request_ids), known, ())


def test_the_six_files():
    """Their names and order, and what is in each."""
    files = made().files
    assert list(files) == [
        "README.txt", "verdict.json", "timeline.csv", "environment.txt", "issue.md", "redaction.txt",
    ]  # fmt: skip
    assert "3 attempts" in files["README.txt"]
    assert "### What's Wrong?" in files["issue.md"]
    assert "HTTPS_PROXY: http, with a password" in files["environment.txt"]
    assert "ANTHROPIC_API_KEY (~/.zshrc line 41)" in files["environment.txt"]
    assert all(text.endswith("\n") for text in files.values())


def test_only_named_facts_go_out():
    """Layer one: what a check may know beyond those stays; names in texts are masked, and JSON stays JSON."""
    value = json.loads(made().files["verdict.json"])
    assert value["checks"][0]["facts"] == {"seconds": 0.1}
    assert value["checks"][0]["summary"] == "<address-1>"
    assert value["verdict"]["evidence"][0] == {
        "text": "seen by <user-1> on <host-1>",
        "facts": {"status": 529},
    }


def test_the_timeline():
    """A row an attempt, times in UTC, lengths in seconds."""
    table = list(csv.DictReader(io.StringIO(made().files["timeline.csv"])))
    assert len(table) == 3
    assert table[0] == {
        "at": "2025-11-20T13:13:20.000Z", "call": "sw_1234567800002a", "attempt": "1", "status": "529",
        "type": "overloaded_error", "cause": "provider.overloaded", "request_id": "req_011CSHoEeqs5C35K2UUqR0000",
        "duration": "0.512", "held": "1.0", "ended": "retried", "model": "opus", "client": "claude-cli/2.1.245",
    }  # fmt: skip


def test_what_was_masked_is_counted():
    """In words, by kind."""
    one = made()
    assert one.masked == {"address": 1, "host": 1, "user": 1}
    assert "Masked: 1 address, 1 host name, 1 user name" in one.files["redaction.txt"]
    assert bundle.counted({"key": 2, "user": 1, "host": 3}) == "2 keys, 1 user name, 3 host names"
    assert bundle.counted({}) == "nothing needed it"


def test_request_ids_of_any_form_stay():
    """A cloud's or the edge's look like keys, and support needs them."""
    ids = ["8c1f2a3b4c5d6e7f-FRA", "0123456789abcdef0123456789abcdef", "req_011CSHoEeqs5C35K2UUqR7Fy",
           "3f2504e0-4f89-41d3-9a0c-0305e82c3301"]  # fmt: skip
    recorded = Recorded(EPISODE, [replace(FAILED, request_id=one) for one in ids])
    files = made(case(recorded=recorded)).files
    for one in ids:
        assert one in files["timeline.csv"]
        assert one in files["issue.md"]


def test_what_looks_like_a_key_is_masked_in_what_checks_say():
    """A sign in its place, not a report that cannot be written."""
    odd = "Ty5uR8eW3qA6sD9fG2hJ4k"
    signs = (replace(verdict().evidence[0], text=f"the proxy said {odd}"),)
    files = made(case(verdict=replace(verdict(), evidence=signs))).files
    assert "the proxy said <key-1>" in files["issue.md"]
    assert not any(odd in text for text in files.values())


class Blind(Masker):
    """A masker that lets everything pass once, as one with a fault would."""

    def __init__(self, known: Hidden) -> None:
        super().__init__(known, Names(b"s" * 16))
        self.seen: set[str] = set()

    def text(self, s: str) -> str:
        if s in self.seen:
            return super().text(s)
        self.seen.add(s)
        return s


@pytest.mark.parametrize(
    "left", ["Ty5uR8eW3qA6sD9fG2hJ4k", SECRET, "ann@mail.example.com", "/home/annabelle/x"]
)
def test_a_leak_stops_the_writing(left):
    """What was not masked is found by the last look: file and line are said, not the find."""
    one = case(machine=replace(case().machine, shell=left))
    with pytest.raises(bundle.Leak) as raised:
        bundle.made(one, VERDICT | {"checks": [], "verdict": {}}, Blind(KNOWN), KNOWN, ())
    said = str(raised.value)
    assert left not in said
    assert said.endswith("nothing was written")
    assert raised.value.hit.file == "environment.txt"
    lines = bundle.environment(one).splitlines()
    assert left in lines[raised.value.hit.line - 1]
    with pytest.raises(bundle.Leak):
        bundle.checked("it.txt", f"{left}\n", case(), Blind(KNOWN), KNOWN)
    assert bundle.checked(
        "it.txt", "annabelle \x1b[2J\n", case(), Masker(KNOWN, Names(b"s" * 16)), KNOWN
    ) == ("<user-1> ?[2J\n")


def test_a_folder_and_a_zip_of_the_same(tmp_path):
    """Both for their owner only, with the same contents."""
    files = made().files
    written = bundle.write(tmp_path, "seawall-report-7f3a", files)
    assert stat.S_IMODE(written.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(written.zip.stat().st_mode) == 0o600
    assert written.size == written.zip.stat().st_size
    with zipfile.ZipFile(written.zip) as archive:
        assert archive.testzip() is None
        inside = {name: archive.read(name).decode() for name in archive.namelist()}
    assert inside == {f"seawall-report-7f3a/{name}": text for name, text in files.items()}
    for name, text in files.items():
        assert (written.folder / name).read_text() == text
        assert stat.S_IMODE((written.folder / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("there", ["folder", "zip", "file", "link"])
def test_a_target_that_exists_is_left_alone(tmp_path, there):
    """The next free name is taken; nothing is written over or through a link."""
    target = tmp_path / "r"
    match there:
        case "folder":
            target.mkdir()
        case "zip":
            (tmp_path / "r.zip").write_text("mine")
        case "file":
            target.write_text("mine")
        case _:
            target.symlink_to(tmp_path / "elsewhere")
    written = bundle.write(tmp_path, "r", {"a.txt": "x\n"})
    assert written.folder.name == "r-2"
    assert not (tmp_path / "elsewhere").exists()
    if there in ("zip", "file"):
        assert (tmp_path / ("r.zip" if there == "zip" else "r")).read_text() == "mine"


def test_a_path_with_spaces_and_signs(tmp_path):
    """Any folder that the system allows."""
    place = tmp_path / "my reports; $(x) ü"
    place.mkdir()
    assert bundle.write(place, "r", {"a.txt": "x\n"}).zip.is_file()


def test_nothing_stays_of_a_report_that_could_not_be_written(tmp_path, monkeypatch):
    """A full disk in the middle leaves neither half a folder nor half a zip."""
    real = os.fdopen
    calls = []

    def full(*given, **more):
        calls.append(given)
        if len(calls) > 3:
            os.close(given[0])
            raise OSError(28, "No space left on device")
        return real(*given, **more)

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(OSError, match="No space"):
        bundle.write(tmp_path, "r", dict.fromkeys(("a", "b", "c", "d"), "x\n"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_may_not_be_written(tmp_path):
    """The error is the system's, and nothing was made."""
    with pytest.raises(OSError, match="r"):
        bundle.write(tmp_path / "missing", "r", {"a": "x\n"})
    assert list(tmp_path.iterdir()) == []


def test_the_newest_report_is_shown(tmp_path):
    """Of several with the same id the last; none where there is none; other names are not mixed up."""
    assert bundle.newest(tmp_path, "r") is None
    for text in ("one", "two"):
        bundle.write(tmp_path, "r", {"README.txt": f"{text}\n", "issue.md": "i\n"})
    bundle.write(tmp_path, "r-other", {"README.txt": "no\n"})
    assert bundle.newest(tmp_path, "r") == {"README.txt": "two\n", "issue.md": "i\n"}
    assert bundle.newest(tmp_path / "missing", "r") is None


def test_kinds_that_may_be_revealed():
    """Keys never; a typing error is no kind."""
    assert bundle.kinds(["host", "user", "host"]) == ["host", "user"]
    for wrong in ("key", "keys", "", "x" * 500):
        with pytest.raises(ValueError, match="cannot be revealed") as raised:
            bundle.kinds([wrong])
        assert len(str(raised.value)) < 200


def test_five_thousand_attempts(tmp_path):
    """A night of failures is written in a moment."""
    one = case(recorded=Recorded(EPISODE, rows(5000), calls=5000), results=(result("net.dns"),))
    files = made(one).files
    assert files["timeline.csv"].count("\n") == 5001
    assert len(files["issue.md"]) < 20_000
