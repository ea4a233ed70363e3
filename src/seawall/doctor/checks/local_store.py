"""Can Seawall's records and Claude Code's be written, and is there room left?

Facts: `folders`, each with `path`, `free` (bytes), `trouble`; `unusable`: why the gateway cannot use its file. Signs
for `machine.disk`: decisive where a write to Claude Code's folder was refused for want of room or by a read-only disk,
strong where it is somebody else's, weak for Seawall's own records (calls work without them) and where little is left.
"""

import errno
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from seawall.claude_code.settings import shown
from seawall.doctor.check import Check, Finding, Probe, Sign, State, Weight, in_thread
from seawall.doctor.recorded import why_unusable
from seawall.store.place import here, store_path
from seawall.store.trouble import Unusable

LITTLE = 200 << 20
"""Bytes: an hour of transcripts, and the client's next update, need about as much."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Room:
    """What became of a small write to a folder, which leaves nothing behind."""

    path: str
    free: int | None
    trouble: str = ""
    plain: bool = False
    """The trouble is the disk's, beyond doubt."""


def room(folder: Path, home: Path) -> Room:
    """Tries the folder, or the nearest one above it that is there. Blocks."""
    there = next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))
    name = shown(there, home)
    free = _free(there)
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"\0" * 4096)
            file.flush()
    except OSError as error:
        if error.errno in _FULL:
            return Room(name, free, "there is no room left on it", plain=True)
        if error.errno == errno.EROFS:
            return Room(name, free, "it is read-only", plain=True)
        return Room(name, free, _not_ours(there) or f"it cannot be written ({error.strerror or 'no access'})")
    return Room(name, free)


def _free(folder: Path) -> int | None:
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    # Some file systems count no blocks at all; that says nothing of what is left.
    return found.f_bavail * found.f_frsize if found.f_blocks else None


def _not_ours(folder: Path) -> str:
    try:
        owner = folder.stat().st_uid
    except OSError:
        return ""
    return "" if owner == os.geteuid() else f"it belongs to another user (number {owner})"


def _signs(one: Room, what: str, ours: bool) -> list[Sign]:
    if one.trouble:
        weight = Weight.WEAK if ours else Weight.DECISIVE if one.plain else Weight.STRONG
        return [Sign("machine.disk", f"{one.path}, where {what} are kept: {one.trouble}", weight)]
    if one.free is not None and one.free < LITTLE:
        text = f"{one.free >> 20} MB are left where {what} are kept ({one.path})"
        return [Sign("machine.disk", text, Weight.WEAK)]
    return []


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    home = subject.home
    try:
        file = store_path(subject.config.store, here())
    except Unusable as error:
        return Finding(State.SKIP, str(error))
    ours: Room = await in_thread(lambda: room(file.parent, home))
    # What cannot be written at all is said by its folder.
    unusable: str = "" if ours.trouble else await in_thread(lambda: why_unusable(file, home))
    rooms = [(ours, "Seawall's records", True)]
    if (folder := subject.claude_folder).exists():
        theirs: Room = await in_thread(lambda: room(folder, home))
        rooms.append((theirs, "Claude Code's transcripts and settings", False))
    facts: dict[str, object] = {
        "folders": [{"path": one.path, "free": one.free, "trouble": one.trouble} for one, _, _ in rooms],
        "unusable": unusable,
    }
    signs = [Sign("machine.disk", unusable, Weight.WEAK)] if unusable else []
    signs += [sign for one, what, own in rooms for sign in _signs(one, what, own)]
    if signs:
        first = min(signs, key=lambda one: list(Weight).index(one.weight))
        bad = any(one.trouble for one, _, own in rooms if not own)
        return Finding(State.FAIL if bad else State.WARN, first.text, facts, tuple(signs))
    free = min((one.free for one, _, _ in rooms if one.free is not None), default=None)
    left = "" if free is None else f", {free / (1 << 30):.0f} GB left"
    return Finding(State.OK, f"can be written{left}", facts)


CHECK = Check("local.store", "disk", run)
