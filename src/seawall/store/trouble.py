"""What can be wrong with the store, in plain words: translated here from errors of SQLite and the system."""

import errno
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """What sort of trouble; all but the first last until a person does something."""

    LOCKED = "locked"
    FULL = "full"
    UNWRITABLE = "unwritable"
    DAMAGED = "damaged"
    NEWER = "newer"
    FOREIGN = "foreign"
    NO_PLACE = "no_place"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing can be written now, and what to do, in one line."""

    kind: Kind
    reason: str


class Unusable(Exception):
    """The store cannot be used as it is; its trouble says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.reason)
        self.trouble = trouble


# The low byte of SQLite's codes (https://sqlite.org/rescode.html); sqlite3 is not imported for their names,
# since the gateway imports this module at start.
_SQLITE = {
    3: Kind.UNWRITABLE,  # PERM
    5: Kind.LOCKED,  # BUSY
    6: Kind.LOCKED,  # LOCKED
    8: Kind.UNWRITABLE,  # READONLY
    11: Kind.DAMAGED,  # CORRUPT
    13: Kind.FULL,  # FULL
    14: Kind.UNWRITABLE,  # CANTOPEN
    23: Kind.UNWRITABLE,  # AUTH
    26: Kind.DAMAGED,  # NOTADB
}
_IOERR = 10
_SYSTEM = {
    errno.ENOSPC: Kind.FULL,
    errno.EDQUOT: Kind.FULL,
    errno.EACCES: Kind.UNWRITABLE,
    errno.EPERM: Kind.UNWRITABLE,
    errno.EROFS: Kind.UNWRITABLE,
    errno.ENOTDIR: Kind.UNWRITABLE,
    errno.EISDIR: Kind.UNWRITABLE,
    errno.EEXIST: Kind.UNWRITABLE,
    errno.ENOENT: Kind.UNWRITABLE,
    errno.ENAMETOOLONG: Kind.UNWRITABLE,
    errno.ELOOP: Kind.UNWRITABLE,
    errno.EWOULDBLOCK: Kind.LOCKED,
}
_LITTLE = 64 * 1024
"""Bytes. With less left than this a disk counts as full: a few pages of log do not fit."""


def trouble_of(error: Exception, path: Path | None) -> Trouble:
    """Translates what was raised while the store at this path was opened or written."""
    if isinstance(error, Unusable):
        return error.trouble
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        kind = _SQLITE.get(code & 0xFF, Kind.OTHER)
        # On a full disk the memory-mapped index beside the log cannot grow: SQLite says "I/O error".
        if code & 0xFF == _IOERR and is_full(path):
            kind = Kind.FULL
        detail = str(error)
    elif isinstance(error, OSError):
        kind = _SYSTEM.get(error.errno or 0, Kind.OTHER)
        detail = error.strerror or type(error).__name__
    else:
        kind = Kind.OTHER
        detail = type(error).__name__
    return Trouble(kind, sentence(kind, str(path or "the store"), detail))


def sentence(kind: Kind, path: str, detail: str) -> str:
    """What is said of such a trouble: what is wrong, what becomes of the records, what to do."""
    match kind:
        case Kind.LOCKED:
            text = f"{path} is locked by another program. Records wait in memory until it lets go"
            do = f"`lsof {path}` names it."
        case Kind.FULL:
            text = f"The disk of {path} is full. Records wait in memory"
            do = "Free some space."
        case Kind.UNWRITABLE:
            text = f"{path} cannot be written ({detail}). Records wait in memory"
            do = "Change its permissions, or set another path for the store."
        case Kind.DAMAGED:
            text = f"{path} is damaged ({detail}) and could not be moved aside. Records wait in memory"
            do = "Move it away."
        case Kind.NEWER:
            text = f"{path} was made by a newer Seawall ({detail}) and is left alone. Nothing is recorded"
            do = "Update Seawall, or set another path for the store."
        case Kind.FOREIGN:
            text = f"{path} belongs to another program and is left alone. Nothing is recorded"
            do = "Set another path for the store."
        case Kind.NO_PLACE | Kind.OTHER:
            text = f"{path} cannot be used ({detail}). Records wait in memory"
            do = "Set another path for the store if this does not pass."
    return f"{text}. {do}"


def is_full(path: Path | None) -> bool:
    """Whether there is next to no room left where this file is."""
    try:
        disk = os.statvfs(path.parent if path else ".")
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < _LITTLE
