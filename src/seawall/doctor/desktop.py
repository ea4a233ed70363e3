"""The proxy that the desktop or the system is set to, which browsers take and programs of the terminal do not."""

import configparser
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seawall.claude_code.profiles import Line
from seawall.doctor.platform import text_of
from seawall.doctor.program import said
from seawall.http.failure import DialError
from seawall.http.proxy import parse

_NAMES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Setting:
    """A proxy that somebody set. `place` is `host:port`, or what kind of automatic setting it is."""

    source: str
    place: str
    automatic: bool = False
    """A script (PAC) chooses the proxy: its address is not known here."""


def look(home: Path, lines: Sequence[Line], environ_path: str) -> list[Setting]:
    """Every such setting that is found. Blocks, at most some `SECONDS`."""
    found = from_lines(lines)
    if sys.platform == "darwin":
        found += from_scutil(_said(["/usr/sbin/scutil", "--proxy"]))
    else:
        found += from_kde(text_of(home / ".config" / "kioslaverc"))
        # Without a database of the user's own nothing is set, and asking would make files.
        tool = shutil.which("gsettings", path=environ_path)
        if tool and (home / ".config" / "dconf" / "user").is_file():
            found += from_gnome(_said([tool, "list-recursively", "org.gnome.system.proxy"], home))
    return found


def _said(command: Sequence[str], home: Path = Path("/")) -> str:
    runtime = f"/run/user/{os.getuid()}"
    environ = {
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(home), "LC_ALL": "C",
        # Where dconf may note that it was read. In no such folder it would make one in the user's cache.
        "XDG_RUNTIME_DIR": runtime if os.path.isdir(runtime) else os.devnull,
    }  # fmt: skip
    try:
        return said(command, environ, SECONDS) or ""
    except OSError:
        return ""


def authority(value: str) -> str:
    """`host:port` of a proxy's address, without a password; empty where it is none that can be read."""
    try:
        return parse(value).authority
    except DialError:
        return ""


def from_lines(lines: Sequence[Line]) -> list[Setting]:
    """Of the system's own list of variables: a session that was begun before it changed has not got them."""
    return [
        Setting(f"{one.place} ({one.name})", place)
        for one in lines
        if one.name in _NAMES and one.place.startswith("/etc/") and (place := authority(one.value))
    ]


def from_gnome(text: str) -> list[Setting]:
    """From `gsettings list-recursively org.gnome.system.proxy`."""
    found = dict(re.findall(r"^org\.gnome\.system\.proxy(?:\.)?(\S* \S+) (.*)$", text, re.MULTILINE))
    values = {key.strip(): value.strip().strip("'") for key, value in found.items()}
    source = "the GNOME settings"
    match values.get("mode"):
        case "auto":
            return [Setting(source, "a script (PAC)", automatic=True)]
        case "manual":
            kinds = ("https", "http", "socks")
            pairs = (
                (kind, values.get(f"{kind} host", ""), values.get(f"{kind} port", "0")) for kind in kinds
            )
            return [
                Setting(source, f"{host}:{port}" + (" (SOCKS)" if kind == "socks" else ""))
                for kind, host, port in pairs
                if host and port.isdigit()
            ][:1]
    return []


def from_kde(text: str) -> list[Setting]:
    """From KDE's kioslaverc."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return []
    if not parser.has_section("Proxy Settings"):
        return []
    values = parser["Proxy Settings"]
    source = "the KDE settings"
    kind = values.get("ProxyType", "0")
    if kind in ("2", "3"):
        return [Setting(source, "a script (PAC)", automatic=True)]
    if kind != "1":
        return []
    value = values.get("httpsProxy") or values.get("httpProxy") or ""
    place = authority(value.strip().replace(" ", ":"))  # KDE writes a blank before the port
    return [Setting(source, place)] if place else []


def from_scutil(text: str) -> list[Setting]:
    """From `scutil --proxy` on macOS."""
    values = dict(re.findall(r"^\s*(\w+) : (.*)$", text, re.MULTILINE))
    source = "the macOS network settings"
    if values.get("ProxyAutoConfigEnable") == "1" or values.get("ProxyAutoDiscoveryEnable") == "1":
        return [Setting(source, "a script (PAC)", automatic=True)]
    for kind in ("HTTPS", "HTTP", "SOCKS"):
        host = values.get(f"{kind}Proxy", "").strip()
        if values.get(f"{kind}Enable") == "1" and host:
            name = f"{host}:{values.get(f'{kind}Port', '').strip() or '?'}"
            return [Setting(source, name + (" (SOCKS)" if kind == "SOCKS" else ""))]
    return []
