"""What a report says of the machine: versions, system, terminal, kind of proxy, names of settings. No value of any."""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seawall import __version__
from seawall.doctor.check import Result
from seawall.doctor.subject import Subject
from seawall.origin import anthropics


@dataclass(frozen=True, slots=True)
class Machine:
    """Each in the words that are written; empty where it is not known."""

    seawall: str
    python: str
    system: str
    claude_code: str
    node: str
    terminal: str
    shell: str
    os_choice: str
    """As Claude Code's bug form has it, like the two below."""
    terminal_choice: str
    platform_choice: str
    proxy: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    """Names of the variables that are set, and where; never what they hold."""
    gateway: str = ""


def machine(
    environ: Mapping[str, str], subject: Subject, results: Sequence[Result], host: str, interactive: bool
) -> Machine:
    """What can be said without asking anybody; `host` is whom the calls went to."""
    found = {one.check.id: one.finding for one in results}
    client: Mapping[str, Any] = found["local.client"].facts if "local.client" in found else {}
    build = f" ({client['build']} build)" if client.get("build") and client.get("version") else ""
    return Machine(
        seawall=__version__,
        python=f"{platform.python_version()} ({platform.python_implementation()})",
        system=_system(environ),
        claude_code=f"{client['version']}{build}" if client.get("version") else "",
        node=str(client.get("node") or ""),
        terminal=", ".join(filter(None, (_known_terminal(environ), _short(environ.get("TERM", ""))))),
        shell=_short(os.path.basename(environ.get("SHELL", ""))),
        os_choice=_os_choice(),
        terminal_choice=_terminal_choice(environ, interactive),
        platform_choice=_platform_choice(subject, host),
        proxy=tuple(_proxies(environ, subject)),
        settings=tuple(f"{name} ({one.where})" for name, one in sorted(subject.variables.items())),
        gateway=_gateway(subject),
    )


def _short(text: str, also: str = "") -> str:
    return "".join(char for char in text[:40] if char.isalnum() or char in f"-._+ {also}")


def _system(environ: Mapping[str, str]) -> str:
    name = f"{platform.system()} {_short(platform.release())} ({platform.machine()})"
    if environ.get("WSL_DISTRO_NAME"):
        name += ", WSL"
    if Path("/.dockerenv").exists():
        name += ", in a container"
    return f"{name}{_distribution()}"


def _distribution() -> str:
    if sys.platform == "darwin":
        return f", macOS {platform.mac_ver()[0]}"
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""
    return f", {_short(name, '/()')}"  # Debian GNU/Linux 12 (bookworm)


def _os_choice() -> str:
    if sys.platform in ("darwin", "win32"):
        return "macOS" if sys.platform == "darwin" else "Windows"
    if not sys.platform.startswith("linux"):
        return "Other"
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return "Other Linux"
    kin = f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".split()
    return "Ubuntu/Debian Linux" if {"debian", "ubuntu"} & set(kin) else "Other Linux"


_TERMINALS = (
    ("TERM_PROGRAM", "Apple_Terminal", "Terminal.app (macOS)"),
    ("TERM_PROGRAM", "WarpTerminal", "Warp"),
    ("CURSOR_TRACE_ID", "", "Cursor"),
    ("TERM_PROGRAM", "iTerm.app", "iTerm2"),
    ("TERMINAL_EMULATOR", "JetBrains-JediTerm", "IntelliJ IDEA terminal"),
    ("TERM_PROGRAM", "vscode", "VS Code integrated terminal"),
    ("WT_SESSION", "", "Windows Terminal"),
    ("WSL_DISTRO_NAME", "", "WSL (Windows Subsystem for Linux)"),
    ("XTERM_VERSION", "", "Xterm"),
)
"""A variable, the value that it has there (empty: any), and the form's word for it."""


def _known_terminal(environ: Mapping[str, str]) -> str:
    for name, value, said in _TERMINALS:
        if environ.get(name) and value in ("", environ[name]):
            return said
    return ""


def _terminal_choice(environ: Mapping[str, str], interactive: bool) -> str:
    if environ.get("CI") or environ.get("GITHUB_ACTIONS") or not (interactive or environ.get("TERM")):
        return "Non-interactive/CI environment"
    return _known_terminal(environ) or "Other"


def _platform_choice(subject: Subject, host: str) -> str:
    cloud = subject.cloud
    if cloud:
        return {"Amazon Bedrock": "AWS Bedrock", "Google Cloud": "Google Vertex AI"}.get(cloud, "Other")
    return "Anthropic API" if anthropics(host) else "Other"


def _proxies(environ: Mapping[str, str], subject: Subject) -> list[str]:
    """Which proxy variables are set, of what kind, and whether with a password."""
    said = []
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        one = subject.variables.get(name)
        value = one.text if one else environ.get(name, "")
        if not value:
            continue
        scheme = value.partition("://")[0].lower() if "://" in value else "no scheme"
        kind = (
            scheme
            if scheme in ("http", "https", "socks4", "socks5", "socks5h", "no scheme")
            else "another scheme"
        )
        said.append(f"{name}: {kind}{', with a password' if '@' in value else ''}")
    said += [f"{name}: set" for name in ("NO_PROXY", "no_proxy") if environ.get(name)]
    return said


def _gateway(subject: Subject) -> str:
    running = [one for one in subject.gateways if one.get("answers") is not False]
    if not running:
        return "not running"
    held = sum(one["held"] for one in running if isinstance(one.get("held"), int))
    versions = ", ".join(sorted({_short(str(one.get("version", ""))) for one in running}))
    return f"{len(running)} running ({versions}), holding {held}"
