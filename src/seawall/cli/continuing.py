"""`seawall run --then-continue`: whether a run of `claude -p` ended with a cut answer, and the command that goes on.

The session gets an id of ours, so that another run in the same folder is never continued in its place.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seawall.cli.child import is_claude
from seawall.cli.claude_words import Part, parts
from seawall.store.rows import Attempt

MOST = 3
"""Times that a command is continued: as often as Claude Code itself asks for the rest of a cut text."""
PROMPT = "continue"

_SESSION = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_END = 512 * 1024
"""Bytes of a transcript's end that are looked at: a dozen turns."""
_CONFLICTS = {
    "--fork-session": "begins a new session each time",
    "--no-session-persistence": "keeps no session to go on with",
    "--from-pr": "chooses its session itself",
    "--teleport": "chooses its session itself",
    "--cloud": "runs elsewhere",
    "--background": "returns before the answer is there",
    "--worktree": "makes a new folder each time",
}


def why_not(command: Sequence[str], environ: Mapping[str, str]) -> str:
    """Why this command cannot be continued, in one line; empty where it can."""
    if not is_claude(command):
        return "--then-continue is for `claude -p`"
    found = parts(command[1:])
    options = {name: part.value for part in found for name in part.options}
    if "--print" not in options:
        return "--then-continue is for `claude -p`: without -p you see yourself that an answer was cut"
    for name, why in _CONFLICTS.items():
        if name in options:
            return f"--then-continue does not go with {name}, which {why}"
    if options.get("--input-format", "text") != "text":
        return "--then-continue does not go with --input-format: another program gives the prompts"
    if options.get("--resume") == "":
        return "--then-continue does not go with --resume without a session's id"
    if environ.get("CLAUDE_CODE_SKIP_PROMPT_HISTORY", "0").lower() not in ("", "0", "false"):
        return "--then-continue needs a session to go on with, and CLAUDE_CODE_SKIP_PROMPT_HISTORY is set"
    unsure = next((part for part in found if part.unsure), None)
    if unsure is not None and not any(not part.options for part in found):
        name = unsure.words[0]
        return f"--then-continue cannot tell the value of {name} from the prompt; write {name}=..."
    return ""


@dataclass(frozen=True, slots=True)
class Turns:
    """The command as it is run first, and each time after a cut answer."""

    first: tuple[str, ...]
    again: tuple[str, ...]
    session: str
    """The session's id; empty where it is not known."""


def turns(command: Sequence[str], fresh: str) -> Turns:
    """Both commands for one that `why_not` has nothing against. `fresh` is the id (a UUID) of no session yet."""
    name, found = command[0], parts(command[1:])
    options = {one: part.value for part in found for one in part.options}
    if "--continue" in options or "--resume" in options:
        own = options.get("--resume", "")
        return Turns(tuple(command), (name, *_prompted(found)), own if _SESSION.fullmatch(own) else "")
    own = options.get("--session-id", "")
    first = tuple(command) if own else (name, "--session-id", fresh, *command[1:])
    kept = [part for part in found if "--session-id" not in part.options]
    return Turns(first, (name, "--resume", own or fresh, *_prompted(kept)), own or fresh)


def _prompted(found: Sequence[Part]) -> Iterator[str]:
    """The same options, with the prompt to go on where the prompt was; one that came from stdin is put behind -p."""
    behind_print = all(part.options for part in found)
    told = False
    for part in found:
        if part.options:
            yield from part.words
        if not told and (not part.options or (behind_print and "--print" in part.options)):
            yield PROMPT
            told = True


# -- how a run ended ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """What a gateway says of its answers. UTC seconds."""

    cut_at: float | None = None
    succeeded_at: float | None = None

    def cut_last(self, began: float) -> bool:
        """Whether an answer broke off since then, and none was whole after it."""
        if self.cut_at is None or self.cut_at < began:
            return False
        return self.succeeded_at is None or self.succeeded_at <= self.cut_at


def was_cut(code: int, shown: Attempt | None, seen: Seen, began: float) -> bool:
    """Whether a run that began then ended with this exit code because an answer was cut.

    `shown` is the last failure of its session: it goes before what the gateway saw of all runs together.
    """
    if code == 0 or code >= 128:
        return False
    if shown is None:
        return seen.cut_last(began)
    if shown.ended == "broken":
        return True
    # One with a status, or that is the user's to mend, came after the cut.
    party = (shown.cause or "unknown").partition(".")[0]
    return shown.status is None and party in ("network", "provider", "unknown") and seen.cut_last(began)


def last_shown(folders: Sequence[Path], session: str, began: float) -> Attempt | None:
    """The last failure since then that the session's transcript tells of; None where there is none."""
    if not _SESSION.fullmatch(session):
        return None
    from seawall.claude_code import record as records
    from seawall.claude_code.transcripts import HOST

    newest: Attempt | None = None
    for line in _lines(folders, session):
        record = records.decoded(line) if b'"isApiErrorMessage"' in line else None
        if record is None or records.kind(record) != "shown":
            continue
        at = records.moment(record)
        if at is not None and at >= began and (newest is None or at >= newest.at):
            newest = records.failure(record, at, HOST, "")
    return newest


def _lines(folders: Sequence[Path], session: str) -> Iterator[bytes]:
    for folder in folders:
        for path in folder.glob(f"*/{session}.jsonl"):
            try:
                with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                    file.seek(max(0, os.fstat(file.fileno()).st_size - _END))
                    yield from file.read(_END).split(b"\n")
            except OSError:
                continue
