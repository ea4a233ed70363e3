"""The report that is made ready when it is time to tell somebody: kept where only its user looks, sent nowhere.

Whoever tells of it (`seawall watch --notify`) writes it, never the gateway: one an incident, the newest few are kept.
"""

import os
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from seawall.cli.common import Common, Failure, home

if TYPE_CHECKING:
    from seawall.cli.measured import Measured
    from seawall.view.notify import Event

FOLDER = "reports"
"""In the user's state folder."""
KEPT = 3
"""Incidents whose reports are kept; each takes some 50 kB."""
_NAME = re.compile(r"seawall-report-[a-z0-9]{1,40}(?:-\d{1,2})?")


def place() -> Path | None:
    """Where they are kept, whether it is there or not."""
    from seawall.doctor import kept

    folder = kept.folder(os.environ)
    return folder / FOLDER if folder is not None else None


def of(episode: str) -> Path | None:
    """The folder of the report that is ready for this incident; None where there is none."""
    where = place()
    if where is None or not episode.isalnum():
        return None
    folder = where / f"seawall-report-{episode.lower()}"
    return folder if (folder / "README.txt").is_file() else None


def shown(folder: Path) -> str:
    """The folder as people write it: nobody's name is in it where it is below the home."""
    try:
        return f"~/{folder.relative_to(home(os.environ))}"
    except ValueError:
        return str(folder)


def made(common: Common, event: "Event", known: "Measured | None") -> str:
    """Makes the report of what the event is about ready: a sentence on where it is, or on why there is none.

    `known` is what was measured of the way to the API; here only this machine is looked at, and no token is spent.
    """
    from seawall.report.bundle import Leak

    try:
        folder = _made(Common(quiet=True, config=common.config, offline=True), event, known)
    except (Failure, Leak) as error:
        why = str(error)
    except OSError as error:
        why = f"it cannot be written: {error.strerror or type(error).__name__}"
    except Exception as error:  # a report is a convenience: whatever breaks it, the message goes out
        why = type(error).__name__
    else:
        return f"A report is ready in {shown(folder)}; nothing was sent."
    return f"No report could be made ready ({why.rstrip('.')})."


def _made(common: Common, event: "Event", known: "Measured | None") -> Path:
    from seawall.cli.measured import recorded_id
    from seawall.cli.reported import Wanted, prepared
    from seawall.report import bundle
    from seawall.report.case import MEASURED
    from seawall.view.notify import Episode

    now, where = time.time(), place()
    if where is None:
        raise Failure("there is no home to keep it in")
    name = recorded_id(common, Episode(event.subject, event.cause, event.since), now)
    if name and (there := of(name)) is not None:
        return there
    wanted = Wanted(
        episode=name or MEASURED, text="bundle", browser=False, since=None, to=where, reveal=(),
        no_network_names=False, yes=True,
    )  # fmt: skip
    ready = prepared(common, wanted, (), now, known.results if known is not None else ())
    files = bundle.made(ready.case, ready.verdict, ready.masker, ready.hidden, ready.revealed).files
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    ready.names.keep(where.parent)
    written = bundle.write(where, f"seawall-report-{ready.case.id}", files)
    _tidy(where, written.folder)
    return written.folder


def _tidy(where: Path, newest: Path) -> None:
    """Removes all but the newest few; what is not of these names stays."""
    ours = [
        one for one in where.iterdir() if _NAME.fullmatch(one.name) and not one.is_symlink() and one.is_dir()
    ]
    ours.sort(key=lambda one: (one == newest, one.stat().st_mtime))
    for one in ours[:-KEPT]:
        shutil.rmtree(one, ignore_errors=True)
        one.with_name(f"{one.name}.zip").unlink(missing_ok=True)
