"""Accounts keep their hashes from one start to the next."""

from pathlib import Path

from seawall.config import Store
from seawall.store.place import account_salt


def test_the_salt_is_kept(tmp_path: Path) -> None:
    """It is made once, readable by its owner only, and the same ever after."""
    store = Store(path=str(tmp_path / "new" / "seawall.db"))
    first = account_salt(store)
    assert len(first) == 16
    assert account_salt(store) == first
    assert (tmp_path / "new" / "salt").stat().st_mode & 0o777 == 0o600


def test_without_a_place_there_is_one_all_the_same(tmp_path: Path) -> None:
    """A home that cannot be written, or a file that is no salt, costs only the joining of accounts."""
    (tmp_path / "file").write_text("x")
    store = Store(path=str(tmp_path / "file" / "seawall.db"))
    assert len(account_salt(store)) == 16
    assert account_salt(store) != account_salt(store)
    (tmp_path / "salt").write_bytes(b"short")
    assert len(account_salt(Store(path=str(tmp_path / "seawall.db")))) == 16
