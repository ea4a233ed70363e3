"""What is kept between runs: whole or not at all, private, and never a reason to fail."""

import json
from pathlib import Path

import pytest

from seawall.doctor import kept


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Mode 600 in a folder of mode 700; nothing else is left there."""
    path = tmp_path / "state" / "x.json"
    kept.write(path, {"a": [1, None]})
    kept.write(path, {"b": "ä"})
    assert kept.read(path) == {"b": "ä"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["x.json"]


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[1]", b"\xff\xfe", b"null", b"[" * 5000, b" " * (kept.LARGEST + 1) + b"{}"]
)
def test_what_is_none_of_ours(tmp_path: Path, data: bytes) -> None:
    """Read as if it were not there."""
    path = tmp_path / "x.json"
    path.write_bytes(data)
    assert kept.read(path) is None
    assert kept.read(tmp_path) is None
    assert kept.read(tmp_path / "none") is None


def test_what_cannot_be_written_leaves_the_old(tmp_path: Path) -> None:
    """An object that is no JSON: the old one stands, and nothing lies beside it."""
    path = tmp_path / "x.json"
    kept.write(path, {"old": 1})
    with pytest.raises(TypeError):
        kept.write(path, {"new": object()})
    assert json.loads(path.read_text()) == {"old": 1}
    assert [one.name for one in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"HOME": "/h"}, "/h/.local/state/seawall"),
        ({"HOME": "/h", "XDG_STATE_HOME": "/s"}, "/s/seawall"),
        ({"HOME": "/h", "XDG_STATE_HOME": "relative"}, "/h/.local/state/seawall"),
        ({"HOME": "h"}, None),
        ({}, None),
    ],
)
def test_where(environ: dict[str, str], place: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the rules of the platform; nowhere without a home."""
    monkeypatch.setattr("sys.platform", "linux")
    found = kept.folder(environ)
    assert (str(found) if found else None) == place
