"""A settings file that Claude Code cannot read."""

from pathlib import Path

from doctor_peers import about, ran

from seawall.doctor.check import State


def test_each_broken_file_is_named(tmp_path: Path) -> None:
    """With line and column; the good ones are left alone."""
    assert ran(about(tmp_path), "local.settings").state is State.OK
    folder = tmp_path / ".claude"
    folder.mkdir()
    (folder / "settings.json").write_text("{}")
    (folder / "settings.local.json").write_text('{"a": 1,\n "b" 2}')
    found = ran(about(tmp_path), "local.settings")
    assert (found.state, len(found.signs)) == (State.FAIL, 1)
    assert found.signs[0].cause == "machine.settings"
    assert "settings.local.json: line 2, column 6" in found.signs[0].text
