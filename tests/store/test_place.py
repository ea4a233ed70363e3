import os
from pathlib import Path

import platformdirs
import pytest

from seawall.config import Store
from seawall.store.place import here, store_path
from seawall.store.trouble import Kind, Unusable


def test_a_configured_path_is_taken(tmp_path: Path):
    """The path of the configuration, made absolute."""
    assert store_path(Store(path=str(tmp_path / "a" / "b.db")), here()) == tmp_path / "a" / "b.db"


def test_a_relative_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A later change of folder does not move the store."""
    monkeypatch.chdir(tmp_path)
    assert store_path(Store(path="b.db"), here()) == tmp_path / "b.db"


def test_a_folder_that_is_gone_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A gateway that was started in a folder that somebody removed still starts."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert here() == os.sep


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`~/x.db` works as it does in a shell."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store_path(Store(path="~/x.db"), here()) == tmp_path / "x.db"


def test_without_a_path_it_is_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The platform's folder for data, below the user's home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    path = store_path(Store(), here())
    assert path.name == "seawall.db"
    assert path.parent.name == "seawall"
    assert path.is_relative_to(tmp_path)


@pytest.mark.parametrize("data", [None, "", "data", "/srv/data"])
def test_the_data_folder_is_the_one_of_platformdirs(data: str | None, monkeypatch: pytest.MonkeyPatch):
    """The usual case is answered without platformdirs, and as it would answer."""
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    if data is not None:
        monkeypatch.setenv("XDG_DATA_HOME", data)
    wanted = os.path.join(platformdirs.user_data_dir("seawall", appauthor=False), "seawall.db")
    assert str(store_path(Store(), here())) == os.path.realpath(wanted)


def test_a_link_is_followed(tmp_path: Path):
    """The store is the file itself: its log is found beside it, and a damaged one is what is moved."""
    (tmp_path / "link.db").symlink_to(tmp_path / "disk" / "real.db")
    assert store_path(Store(path=str(tmp_path / "link.db")), here()) == tmp_path / "disk" / "real.db"


def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose user has no entry and no HOME: nothing can be put for the tilde."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)


@pytest.mark.parametrize("configured", ["", "~/x.db", "~nobody-of-this-name/x.db"])
def test_no_home_is_said_plainly(configured: str, monkeypatch: pytest.MonkeyPatch):
    """No folder called ~ is made in the current one."""
    no_home(monkeypatch)
    with pytest.raises(Unusable, match="Set HOME") as caught:
        store_path(Store(path=configured), here())
    assert caught.value.trouble.kind is Kind.NO_PLACE


def test_a_name_that_no_file_can_have_is_refused():
    """A NUL in a configured path is said as what it is."""
    with pytest.raises(Unusable, match="NUL"):
        store_path(Store(path="/tmp/a\0b.db"), here())


def test_an_address_is_refused():
    """An address is not taken for a folder called `postgresql:`; its password is not repeated."""
    with pytest.raises(Unusable, match="keeps a file") as caught:
        store_path(Store(path="postgresql://ada:secret@db/seawall"), here())
    assert "secret" not in caught.value.trouble.reason
