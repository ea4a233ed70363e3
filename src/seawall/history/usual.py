"""How long trouble of each cause usually lasts, added up beforehand: for programs that have no time to add it up.

Light: `status` reads one small file with this, within its 80 ms. The figures are made by `python -m
seawall.history.usual PATH`, which the gateway starts at most once a day, and by each `seawall history`.
"""

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seawall.config import Store

if TYPE_CHECKING:
    from seawall.history.episodes import Episode

DAY = 86400.0
_WITHIN = 120.0
"""Seconds that the program may take; it takes one."""
_LARGEST = 256 * 1024
"""Bytes. A figure takes 80, and there are some hundred causes."""


@dataclass(frozen=True, slots=True)
class Usual:
    """Of episodes of one cause that began in the last 90 days; lengths in seconds, None where nobody knows."""

    count: int
    p50: float | None = None
    p75: float | None = None
    p90: float | None = None


def usual(cause: str, store: Store) -> Usual | None:
    """What was last added up for this cause; None where nothing was. Never raises."""
    from seawall.store.place import here, store_path
    from seawall.store.trouble import Unusable

    try:
        return kept(store_path(store, here())).get(cause)
    except (OSError, ValueError, Unusable):
        return None


def kept(store: Path) -> dict[str, Usual]:
    """What was last added up for the store at this path, by cause; nothing where the file is not there or not ours."""
    try:
        with open(_place(store), "rb") as file:
            value = json.loads(file.read(_LARGEST))
        return {
            str(cause): Usual(int(count), *(None if one is None else float(one) for one in lengths))
            for cause, (count, *lengths) in value["causes"].items()
            if len(lengths) == 3
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def stale(store: Path, now: float) -> bool:
    """Whether the figures are not there, older than a day, or of the future."""
    try:
        return not now - DAY < os.stat(_place(store)).st_mtime <= now + DAY
    except OSError:
        return True


def added_up(episodes: Iterable["Episode"]) -> dict[str, Usual]:
    """The figures of these episodes, by cause."""
    from seawall.history.durations import curve
    from seawall.history.outlook import lasting

    by_cause: dict[str, list[Episode]] = {}
    for one in episodes:
        by_cause.setdefault(one.cause, []).append(one)
    found = {}
    for cause, rows in by_cause.items():
        seen = curve(lasting(rows))
        found[cause] = Usual(len(rows), seen.within(0.5), seen.within(0.75), seen.within(0.9))
    return found


def keep(store: Path, figures: Mapping[str, Usual]) -> None:
    """Writes the figures, whole or not at all; raises `OSError` where that cannot be done."""
    value = {"causes": {cause: [one.count, one.p50, one.p75, one.p90] for cause, one in figures.items()}}
    place = _place(store)
    part = f"{place}.{os.getpid()}"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file)
        os.replace(part, place)
    except BaseException:
        os.unlink(part)
        raise


def forget(store: Path) -> None:
    """Takes the figures away."""
    try:
        os.unlink(_place(store))
    except FileNotFoundError:
        pass


def refresh(store: Path, now: float) -> None:
    """Adds the figures up anew and keeps them. Raises what SQLAlchemy and the system raise."""
    from seawall.history.outlook import DAYS
    from seawall.history.past import begun
    from seawall.store.queries import reading

    with reading(store) as connection:
        episodes = begun(connection, now - DAYS * DAY, now)
    keep(store, added_up(episodes))


def start(store: Path) -> None:
    """Has the figures added up by a program of its own where they are a day old; returns at once.

    Adding up takes SQLAlchemy and some 25 MB, which leave with it.
    """
    if stale(store, time.time()):
        import threading

        threading.Thread(target=_run, args=(store,), name="seawall-usual", daemon=True).start()


def _run(store: Path) -> None:
    import subprocess

    command = [sys.executable, "-P", "-m", "seawall.history.usual", str(store)]
    try:
        subprocess.run(  # noqa: S603 - our own module by our own interpreter
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_WITHIN,
            check=False,
            # Ctrl-C is for the gateway.
            start_new_session=True,
        )
    except (OSError, subprocess.SubprocessError):
        pass  # the figures stay as they are; the next day tries again


def _place(store: Path) -> str:
    return f"{store}.usual"


def main(arguments: list[str]) -> int:
    """Runs the program and returns its exit code: 1, with a line on stderr, where it failed."""
    if len(arguments) != 1:
        print("usage: python -m seawall.history.usual PATH", file=sys.stderr)
        return 2
    if hasattr(os, "nice"):
        os.nice(10)  # nobody waits for it
    try:
        refresh(Path(arguments[0]), time.time())
    except Exception as error:
        print(" ".join(f"{type(error).__name__}: {error}".split())[:300], file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
