"""What is other than when it last worked."""

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from doctor_peers import KEY, about, ran

from seawall.doctor.check import Finding, State
from seawall.doctor.checks.seen_changes import NAME

GOOD = {"api_edge": Finding(State.OK, ""), "cred_live": Finding(State.OK, "")}
BAD = {"api_edge": Finding(State.FAIL, "")}


def link(**facts: object) -> dict[str, Finding]:
    whole = {"label": "aa", "interface": "eth0", "tunnels": [], "resolvers": ["192.0.2.53"]} | facts
    return {"net_link": Finding(State.OK, "", whole)}


def test_a_success_is_kept_and_holds_no_secret(tmp_path: Path) -> None:
    """Mode 600; of a variable only a salted hash, which is another in another file."""
    one = about(tmp_path, environ={"ANTHROPIC_API_KEY": KEY, "HTTPS_PROXY": "http://u:hunter2@p.example:1"})
    assert ran(one, "seen.changes", **GOOD, **link()).state is State.OK
    path = tmp_path / "state" / NAME
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "hunter2" not in text
    assert not any(KEY[n : n + 12] in text for n in range(13, len(KEY) - 12))
    path.unlink()
    ran(one, "seen.changes", **GOOD, **link())
    assert json.loads(path.read_text())["facts"]["variables"] != json.loads(text)["facts"]["variables"]


def test_what_changed_since(tmp_path: Path) -> None:
    """By party, each with what it was and is; a failure keeps nothing."""
    ran(about(tmp_path, environ={"ANTHROPIC_API_KEY": KEY}), "seen.changes", **GOOD, **link())
    kept = (tmp_path / "state" / NAME).read_text()
    now = about(tmp_path, environ={"ANTHROPIC_API_KEY": KEY + "x", "API_TIMEOUT_MS": "5"})
    changed = link(label="bb", interface="wg0", tunnels=["wg0"])
    found = ran(now, "seen.changes", **BAD, **changed)
    assert found.state is State.WARN
    said = {(one.cause, one.text.partition("): ")[2]) for one in found.signs}
    assert said == {
        ("network.*", "the network is another"),
        ("network.*", "the interface that leads out was eth0, is wg0"),
        ("network.*", "VPNs and tunnels was none, is wg0"),
        ("account.*", "ANTHROPIC_API_KEY is another"),
        ("machine.*", "API_TIMEOUT_MS is new"),
    }
    assert all(one.weight.value == "weak" for one in found.signs)
    assert (tmp_path / "state" / NAME).read_text() == kept


def test_nothing_changed(tmp_path: Path) -> None:
    """The same facts; what could not be measured this time is no change."""
    ran(about(tmp_path), "seen.changes", **GOOD, **link())
    found = ran(about(tmp_path), "seen.changes", **BAD, **link(resolvers=[]))
    assert (found.state, found.facts["changes"]) == (State.OK, [])


def test_no_success_before(tmp_path: Path) -> None:
    """Nothing to compare with."""
    assert ran(about(tmp_path), "seen.changes", **BAD).state is State.SKIP


@pytest.mark.parametrize("text", ["", "{", "[]", '{"at": "x", "facts": 5}', '{"at": 1e12, "facts": {}}'])
def test_a_file_that_is_none(tmp_path: Path, text: str) -> None:
    """It is as if there were none; the next success writes a good one."""
    path = tmp_path / "state" / NAME
    path.parent.mkdir()
    path.write_text(text)
    assert ran(about(tmp_path), "seen.changes", **BAD).state is State.SKIP
    assert ran(about(tmp_path), "seen.changes", **GOOD).state is State.OK
    assert json.loads(path.read_text())["facts"]


def test_a_key_that_is_refused_is_no_success(tmp_path: Path) -> None:
    """The API was reached, and calls would fail all the same."""
    ran(about(tmp_path), "seen.changes", **GOOD | {"cred_live": Finding(State.FAIL, "")})
    assert not (tmp_path / "state").exists()


def test_runs_of_which_nothing_is_kept(tmp_path: Path) -> None:
    """Another address than the client's, no network, no home, a folder that cannot be written."""
    for one in (
        about(tmp_path, base_url="https://other.example"),
        about(tmp_path, offline=True),
        replace(about(tmp_path), state=None),
    ):
        assert ran(one, "seen.changes", **GOOD).state is State.SKIP
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert ran(replace(about(tmp_path), state=blocked / "state"), "seen.changes", **GOOD).state is State.OK
