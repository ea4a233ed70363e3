"""Where the store is."""

import os
import sys
from pathlib import Path

from seawall.config import Store
from seawall.store.trouble import Kind, Trouble, Unusable

_SALT = 16


def here() -> str:
    """The current folder, or the root where it was deleted."""
    try:
        return os.getcwd()
    except OSError:
        return os.sep


def store_path(store: Store, folder: str) -> Path:
    """The absolute path of the SQLite file: as configured (from this folder on), or in the platform's data folder.

    Raises `Unusable` where there is none: no home folder, an address, a name that no file can have.
    """
    if "://" in store.path:
        raise _none("The store is an address, and this version of Seawall keeps a file. Name a path.")
    if "\0" in store.path:
        raise _none("The store's path has a NUL in it, which no file's name can have. Name another.")
    if store.path:
        path = os.path.expanduser(store.path)
        # What expanduser leaves as it was has no home to stand for.
        homeless = path.startswith("~")
    else:
        path = os.path.join(_data_folder(), "seawall.db")
        homeless = not os.path.isabs(path)
    if homeless:
        raise _none("There is no home folder to keep records in. Set HOME, or the store's path.")
    # The file that a link leads to: its log is beside it, and it is what is moved aside when damaged.
    return Path(os.path.realpath(os.path.join(folder, path)))


def _data_folder() -> str:
    """The platform's folder for Seawall's data; no absolute path where there is none."""
    home, base = os.environ.get("HOME", ""), os.environ.get("XDG_DATA_HOME", "")
    if sys.platform == "linux" and os.path.isabs(home):
        # The usual case without platformdirs, which with tempfile, shutil, bz2 and lzma is 0.9 MB of a gateway.
        return os.path.join(base if os.path.isabs(base) else f"{home}/.local/share", "seawall")
    from platformdirs import user_data_dir

    try:
        return user_data_dir("seawall", appauthor=False)
    except RuntimeError:  # newer versions raise, older ones return a path that begins with ~
        return ""


def account_salt(store: Store) -> bytes:
    """What accounts are hashed with: made once, kept beside the store (mode 600), so that history can join them.

    Where nothing can be kept it holds for this process only.
    """
    made = os.urandom(_SALT)
    try:
        path = store_path(store, here()).with_name("salt")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            kept = path.read_bytes()
            return kept if len(kept) == _SALT else made
        with os.fdopen(descriptor, "wb") as file:
            file.write(made)
    except (OSError, Unusable):
        pass
    return made


def _none(reason: str) -> Unusable:
    return Unusable(Trouble(Kind.NO_PLACE, reason))
