"""The bundle: what is in it, masked and looked at once more, written as a folder and a zip of the same."""

import csv
import io
import json
import os
import re
import shutil
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seawall.report import issue
from seawall.report.case import MOST, Case
from seawall.report.hidden import Hidden
from seawall.report.masking import REVEALABLE, Hit, Masker, look
from seawall.report.words import happened, stamp, utc

COLUMNS = (
    "at", "call", "attempt", "status", "type", "cause", "request_id", "duration", "held", "ended", "model", "client"
)  # fmt: skip
"""Of the timeline; times in UTC, lengths in seconds."""
FACTS = frozenset(
    """
    seconds addresses control control_resolves fault status who cause request_id first_byte via date issuer inspector
    ends trusted public proxy without host reached indicator components incidents worst updated failed recovered window
    held version build node reads_system_store family portal begins hops gaps streams together failing fine source
    offset kind length prefix vendor free
    """.split()  # noqa: SIM905  a list of words reads better so
)
"""Facts of checks that go into a bundle; what else a check may know stays here."""
_TRIES = 99
_NAMES = {
    "key": ("key", "keys"),
    "user": ("user name", "user names"),
    "host": ("host name", "host names"),
    "address": ("address", "addresses"),
    "mail": ("mail address", "mail addresses"),
    "organisation": ("organisation", "organisations"),
    "path": ("path", "paths"),
}


class Leak(Exception):
    """The last look found something; nothing was written. The text names file and line, and never shows it."""

    def __init__(self, hit: Hit) -> None:
        super().__init__(f"{hit.file}, line {hit.line}: {hit.what}; nothing was written")
        self.hit = hit


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files by name, in their order, and how many names of each kind were hidden."""

    files: Mapping[str, str]
    masked: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Written:
    """Where it is; `size` of the zip in bytes."""

    folder: Path
    zip: Path
    size: int


def made(
    case: Case, verdict: Mapping[str, Any], masker: Masker, hidden: Hidden, revealed: Sequence[str]
) -> Bundle:
    """The six files; `Leak` where the last look finds something. `verdict` is the doctor's object."""
    plain = {
        "README.txt": _readme(case),
        "verdict.json": json.dumps(_masked_values(only_named(verdict), masker), indent=2, ensure_ascii=False)
        + "\n",
        "timeline.csv": timeline(case),
        "environment.txt": environment(case),
        "issue.md": issue.markdown(case),
    }
    files = {name: masker.text(printable(text)) for name, text in plain.items()}
    files["redaction.txt"] = _redaction(masker.counts, revealed)
    if hit := look(files, masker, hidden, case.request_ids):
        raise Leak(hit)
    return Bundle(files, masker.counts)


def checked(name: str, text: str, case: Case, masker: Masker, hidden: Hidden) -> str:
    """One text, masked and looked at like the files; `Leak` as for them."""
    shown = masker.text(printable(text))
    if hit := look({name: shown}, masker, hidden, case.request_ids):
        raise Leak(hit)
    return shown


def printable(text: str) -> str:
    """`text` with `?` for what a terminal would obey."""
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in text)


def only_named(value: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict's object with the facts that may go out, and no others."""
    found = dict(value)
    found["checks"] = [_named(one) for one in found.get("checks") or [] if isinstance(one, Mapping)]
    said = found.get("verdict")
    if isinstance(said, Mapping):
        evidence = [_named(one) for one in said.get("evidence") or [] if isinstance(one, Mapping)]
        found["verdict"] = {**said, "evidence": evidence}
    return found


def _named(one: Mapping[str, Any]) -> dict[str, Any]:
    facts = one.get("facts")
    if not isinstance(facts, Mapping):
        return dict(one)
    return {**one, "facts": {name: fact for name, fact in facts.items() if name in FACTS}}


def _masked_values(value: Any, masker: Masker) -> Any:
    """Every text in it masked before it is written as JSON: what escapes it would be seen by the last look only."""
    match value:
        case str():
            return masker.text(printable(value))
        case Mapping():
            return {masker.text(str(name)): _masked_values(one, masker) for name, one in value.items()}
        case list() | tuple():
            return [_masked_values(one, masker) for one in value]
        case _:
            return value


def timeline(case: Case) -> str:
    """A row for each attempt that failed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in case.recorded.rows:
        writer.writerow(
            (
                stamp(row.at), row.call, row.number, row.status or "", row.error_type or "", row.cause or "",
                row.request_id or "", round(row.took, 3), round(row.held, 3), row.ended, row.family, row.client,
            )
        )  # fmt: skip
    return text.getvalue()


def environment(case: Case) -> str:
    """Versions, system, kind of proxy, names of settings."""
    one = case.machine
    rows = [
        ("Seawall", one.seawall),
        ("Python", one.python),
        ("System", one.system),
        ("Claude Code", one.claude_code or "not found"),
        ("Node", one.node or "not used, or not found"),
        ("Terminal", one.terminal or "none"),
        ("Shell", one.shell or "not known"),
        ("Platform", case.cloud or one.platform_choice),
        ("Host", case.host),
        ("Gateway", one.gateway),
        *(("Proxy", each) for each in one.proxy or ("none set",)),
        *(("Set", each) for each in one.settings or ("none of the settings that matter",)),
    ]
    return (
        "\n".join(f"{label:<14}{text}" for label, text in rows)
        + "\n\nNames of settings only; no value was read out.\n"
    )


def counted(masked: Mapping[str, int]) -> str:
    """`2 keys, 1 user name, 3 host names`."""
    said = [f"{n} {_NAMES[kind][n != 1]}" for kind, n in masked.items() if n and kind in _NAMES]
    return ", ".join(said) or "nothing needed it"


def _filled(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(textwrap.fill(one, 92, subsequent_indent="  " * one.startswith("- ")) for one in lines)


def _readme(case: Case) -> str:
    rows = len(case.recorded.rows)
    which = "oldest" if case.recorded.episode else "newest"
    more = f" (the {which}; there are more)" if rows >= MOST else ""
    return f"""Report {case.id} by seawall {case.machine.seawall}, made {utc(case.made_at)}

{_filled(happened(case))}

  README.txt       this text
  verdict.json     verdict, evidence, checks: what was measured, and what follows from it
  timeline.csv     {rows} attempts{more}: time, status, type, request id, duration
  environment.txt  versions, system, kind of proxy, names of settings (no values)
  issue.md         the text for {issue.REPOSITORY}
  redaction.txt    what was masked

It holds no prompt, no answer, no file and no file's name, no key, no value of a setting and no
command. Names of people and machines are replaced by signs such as <user-1> and <host-2>, the
same name by the same sign. Request ids stay: support finds a call by them, and they open
nothing. Nothing was sent anywhere; look through it before you do.
"""


def _redaction(masked: Mapping[str, int], revealed: Sequence[str]) -> str:
    stays = ", ".join(_NAMES[kind][1] for kind in revealed) or "none"
    return f"""Masked: {counted(masked)}
Left as they are, because you asked for it: {stays}

1. Only named fields are collected.
2. Every text went through patterns for keys of all vendors, tokens, passwords in addresses,
   private keys, mail addresses, folders and files, user names, host names, addresses of machines
   and ids of organisations, and through the values of this machine's own secret variables.
3. The finished files were looked at once more with the same rules, and for anything that looks
   like a key. One find, and nothing would have been written.

The same name has the same sign in every report of this machine. Which name that is stands
nowhere in the bundle; the machine itself keeps salted hashes only.
"""


def write(place: Path, name: str, files: Mapping[str, str]) -> Written:
    """Writes the folder and the zip under the first free name; `OSError` where it cannot, and then nothing stays."""
    folder, packed = _free(place, name)
    try:
        for each, text in files.items():
            _new(folder / each, text.encode())
        _zip(packed, folder.name, files)
        return Written(folder, packed, packed.stat().st_size)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        packed.unlink(missing_ok=True)
        raise


def _free(place: Path, name: str) -> tuple[Path, Path]:
    """A folder and a zip of the same name that were not there; both are made, empty."""
    for number in range(1, _TRIES + 1):
        folder = place / (name if number == 1 else f"{name}-{number}")
        packed = folder.with_name(f"{folder.name}.zip")
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        try:
            _new(packed, b"")
        except FileExistsError:
            folder.rmdir()
            continue
        except BaseException:
            folder.rmdir()
            raise
        return folder, packed
    raise FileExistsError(f"{_TRIES} reports of that name are there already")


def _new(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def _zip(path: Path, root: str, files: Mapping[str, str]) -> None:
    import zipfile

    with path.open("r+b") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"{root}/{name}", text)


def newest(place: Path, name: str) -> dict[str, str] | None:
    """The files of the newest report of this name that is there, as they were written; None where there is none."""
    fitting = re.compile(rf"{re.escape(name)}(?:-(\d{{1,2}}))?")
    found: list[tuple[int, Path]] = []
    try:
        for each in place.iterdir():
            if (match := fitting.fullmatch(each.name)) and (each / "README.txt").is_file():
                found.append((int(match[1] or 1), each))
        folder = max(found)[1]
        return {
            each.name: each.read_text("utf-8", "replace")
            for each in sorted(folder.iterdir())
            if each.suffix in (".txt", ".json", ".csv", ".md") and each.is_file()
        }
    except (OSError, ValueError):
        return None


def kinds(given: Collection[str]) -> list[str]:
    """The kinds that may be revealed, of those given; `ValueError` with a sentence for any other."""
    wrong = [one for one in given if one not in REVEALABLE]
    if wrong:
        raise ValueError(f"{wrong[0][:30]!r} cannot be revealed; {', '.join(REVEALABLE)} can, keys never")
    return list(dict.fromkeys(given))
