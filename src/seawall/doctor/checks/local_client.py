"""Is Claude Code found, which version and build is it, and which known symptoms did later versions put an end to?

Facts: `path`, `version`, `build` (`native` or `npm`), `node`, `reads_system_store` (whether it trusts the system's
roots; null: not known), `fixes` (of symptoms that its version still has). A sign for `machine.old_client` (weak) only
where such a symptom was recorded in the last minutes.
"""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seawall.claude_code.settings import shown
from seawall.doctor.check import Check, Finding, Probe, Sign, State, Weight, in_thread
from seawall.doctor.program import said
from seawall.doctor.subject import Subject

SECONDS = 2.0
_VERSION = re.compile(r"(?<![\d.])(\d{1,4})\.(\d{1,4})\.(\d{1,6})(?![\d.])")

Version = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Fix:
    """From this version on a symptom is gone."""

    version: Version
    symptom: str
    causes: tuple[str, ...]
    """Causes, as they are recorded, by which the symptom shows."""
    source: str


_ERRORS = "Claude Code's error reference, November 2026"
_NETWORK = "Claude Code's page on networks, November 2026"
_LOG = "Claude Code's changelog"
FIXES = (
    Fix((2, 1, 196), "a stream that falls silent hangs for ever", ("network.stream_idle_timeout",), _LOG),
    Fix((2, 1, 199), "a throttle (429) ends the turn of a subscriber at once, without another try",
        ("provider.rate_limited_unspecified",), _ERRORS),
    Fix((2, 1, 199), "what had arrived of an answer is lost when it breaks off", ("network.stream_truncated",),
        _ERRORS),
    Fix((2, 1, 222), "behind a gateway, a stream without a byte is not noticed", ("network.stream_idle_timeout",),
        _NETWORK),
    Fix((2, 1, 242), "an answer that never begins is waited for ten minutes", ("network.client_timeout",), _ERRORS),
    Fix((2, 1, 281), "a web page in place of an answer is shown whole", ("gateway.unexpected_response",), _ERRORS),
    Fix((2, 1, 285), "a call that is repeated without streaming is repeated without end", ("network.client_timeout",),
        _ERRORS),
)  # fmt: skip
NODE_READS_SYSTEM = (22, 15, 0)
"""Before this version Node has no way to read the system's roots, so neither has Claude Code's npm build."""


def version_of(text: str) -> Version | None:
    """The first version in what a program says."""
    found = _VERSION.search(text[:400])
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def dotted(version: Version) -> str:
    """As it is written."""
    return ".".join(map(str, version))


def find(search_path: str, home: Path) -> Path | None:
    """The program that `claude` starts, or that its installers leave without putting it on the path."""
    if found := shutil.which("claude", path=search_path):
        return Path(found)
    for place in (".local/bin/claude", ".claude/local/claude"):
        if shutil.which(str(home / place)):
            return home / place
    return None


def is_script(path: Path) -> bool:
    """Whether Node runs it: the build from npm, not the native one."""
    try:
        with path.open("rb") as file:
            head = file.read(200).split(b"\n", 1)[0]
    except OSError:
        return False
    return head.startswith(b"#!") and b"node" in head


def reads_system_store(subject: Subject, build: str, node: Version | None) -> bool | None:
    """Whether this client trusts the roots of the system; None where that is not known."""
    stores = subject.variables.get("CLAUDE_CODE_CERT_STORE")
    if stores and "system" not in stores.text:
        return False
    if build == "native":
        return True
    return None if node is None else node >= NODE_READS_SYSTEM


def _environ(subject: Subject) -> Mapping[str, str]:
    """No credential, no proxy, and nothing that would let it call home."""
    return {
        "PATH": subject.search_path, "HOME": str(subject.home), "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "LC_ALL": "C",
    }  # fmt: skip


async def _asked(command: list[str], subject: Subject, seconds: float) -> str | None:
    answer: str | None = await in_thread(lambda: said(command, _environ(subject), seconds))
    return answer


async def _node(subject: Subject) -> Version | None:
    node = shutil.which("node", path=subject.search_path)
    if node is None:
        return None
    try:
        return version_of(await _asked([node, "--version"], subject, SECONDS / 2) or "")
    except OSError:
        return None


def signs_of(version: Version, seen: Mapping[str, object]) -> tuple[Sign, ...]:
    """One sign for the symptoms that this version has, that a later one has not, and that were seen lately."""
    open_ = [fix for fix in FIXES if version < fix.version and any(seen.get(cause) for cause in fix.causes)]
    if not open_:
        return ()
    newest = max(fix.version for fix in open_)
    text = (
        f"Claude Code {dotted(version)} is older than {dotted(newest)}, since when this is mended: "
        f"{'; '.join(fix.symptom for fix in open_)}"
    )
    return (Sign("machine.old_client", text, Weight.WEAK),)


async def run(probe: Probe) -> Finding:
    subject = probe.subject
    path = find(subject.search_path, subject.home)
    if path is None:
        return Finding(State.SKIP, "no claude is found in the search path", {"path": None})
    place = shown(path, subject.home)
    build = "npm" if is_script(path) else "native"
    facts: dict[str, object] = {"path": place, "build": build, "version": None}
    node = await _node(subject) if build == "npm" else None
    facts["node"] = dotted(node) if node else None
    facts["reads_system_store"] = reads_system_store(subject, build, node)
    try:
        answer = await _asked([str(path), "--version"], subject, SECONDS)
    except OSError as error:
        why = error.strerror or "no access"
        return Finding(State.WARN, f"{place} cannot be started: {why}", facts)
    if answer is None:
        return Finding(State.WARN, f"{place} --version says nothing in {SECONDS:g} s", facts)
    version = version_of(answer)
    if version is None:
        return Finding(State.WARN, f"{place} --version says no version", facts)
    facts["version"] = dotted(version)
    facts["fixes"] = [
        {"version": dotted(fix.version), "symptom": fix.symptom, "source": fix.source}
        for fix in FIXES
        if version < fix.version
    ]
    signs = signs_of(version, probe.fact("seen.recent", "causes") or {})
    on = f" on Node {dotted(node)}" if node else ""
    return Finding(State.WARN if signs else State.OK, f"Claude Code {dotted(version)}{on}", facts, signs)


CHECK = Check("local.client", "Claude Code", run, after=("seen.recent",))
