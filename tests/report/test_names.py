"""The same name gets the same sign, within a report and across reports, and the map holds no name."""

import json
import stat

import pytest

from seawall.report import names


def test_the_same_name_has_the_same_sign():
    """By kind, whatever its case; another name has another."""
    one = names.Names(b"s" * 16)
    assert one.masked("user", "annabel") == "<user-1>"
    assert one.masked("host", "build7") == "<host-1>"
    assert one.masked("user", "bertram") == "<user-2>"
    assert one.masked("user", "Annabel") == "<user-1>"
    assert one.counts == {"host": 1, "user": 2}


def test_signs_hold_across_reports(tmp_path):
    """A later report of this machine says the same; it counts only what it hid itself."""
    first = names.load(tmp_path)
    first.masked("user", "annabel")
    first.masked("host", "build7")
    first.keep(tmp_path)
    later = names.load(tmp_path)
    assert later.masked("host", "other") == "<host-2>"
    assert later.masked("user", "annabel") == "<user-1>"
    assert later.counts == {"host": 1, "user": 1}
    kept = tmp_path / names.FILE
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "annabel" not in kept.read_text()


def test_another_machine_has_other_signs_in_its_map(tmp_path):
    """The hashes are salted: two maps cannot be compared."""
    for place in ("a", "b"):
        one = names.load(tmp_path / place)
        one.masked("user", "annabel")
        one.keep(tmp_path / place)
    maps = [json.loads((tmp_path / place / names.FILE).read_text())["names"] for place in ("a", "b")]
    assert maps[0] != maps[1]


def test_the_map_does_not_grow_for_ever(tmp_path):
    """The newest names are kept, and no number is given twice."""
    one = names.load(tmp_path)
    for number in range(names.MOST + 10):
        one.masked("host", f"h{number}")
    one.keep(tmp_path)
    held = json.loads((tmp_path / names.FILE).read_text())["names"]["host"]
    assert len(held) == names.MOST
    assert names.load(tmp_path).masked("host", "new") == f"<host-{names.MOST + 11}>"


@pytest.mark.parametrize(
    "held",
    ["", "[]", '{"salt":1}', '{"salt":"zz"}', '{"salt":"00"}', '{"salt":"' + "00" * 16 + '","names":[]}',
     '{"salt":"' + "00" * 16 + '","names":{"host":{"x":"y","z":-1}}}', "\x00" * 100],
)  # fmt: skip
def test_a_broken_map_is_begun_anew(tmp_path, held):
    """Nothing raises; numbers begin at one."""
    (tmp_path / names.FILE).write_text(held)
    assert names.load(tmp_path).masked("host", "build7") == "<host-1>"
    assert names.load(None).masked("host", "build7") == "<host-1>"
