"""Proxies that browsers take and programs of the terminal do not."""

from pathlib import Path

import pytest
from doctor_peers import program

from seawall.claude_code.profiles import Line
from seawall.doctor import desktop
from seawall.doctor.desktop import Setting

GNOME = """org.gnome.system.proxy autoconfig-url ''
org.gnome.system.proxy ignore-hosts ['localhost', '127.0.0.0/8', '::1']
org.gnome.system.proxy mode 'manual'
org.gnome.system.proxy use-same-proxy true
org.gnome.system.proxy.ftp host ''
org.gnome.system.proxy.http authentication-password 'hunter2-hunter2'
org.gnome.system.proxy.http host 'proxy.example'
org.gnome.system.proxy.http port 8080
org.gnome.system.proxy.https host 'proxy.example'
org.gnome.system.proxy.https port 3128
org.gnome.system.proxy.socks host ''
org.gnome.system.proxy.socks port 0
"""
KDE = "[Proxy Settings]\nProxyType=1\nhttpProxy=http://proxy.example 8080\nhttpsProxy=http://proxy.example 3128\n"
MACOS = """<dictionary> {
  HTTPSEnable : 1
  HTTPSPort : 3128
  HTTPSProxy : proxy.example
  ProxyAutoConfigEnable : 0
}
"""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (GNOME, "proxy.example:3128"),
        (GNOME.replace("'manual'", "'auto'"), "a script (PAC)"),
        (GNOME.replace("'manual'", "'none'"), ""),
        (GNOME.replace("host 'proxy.example'", "host ''").replace("socks host ''", "socks host 's.example'"),
         "s.example:0 (SOCKS)"),
        ("No such schema", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_gnome(text: str, place: str) -> None:
    """Manual, automatic, none, and a desktop that is not GNOME."""
    found = desktop.from_gnome(text)
    assert [one.place for one in found] == ([place] if place else [])
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (KDE, "proxy.example:3128"),
        (KDE.replace("ProxyType=1", "ProxyType=2"), "a script (PAC)"),
        (KDE.replace("ProxyType=1", "ProxyType=0"), ""),
        (KDE.replace("httpsProxy", "other").replace("httpProxy", "another"), ""),
        ("no ini file [", ""),
        ("[Other]\na=b\n", ""),
        ("", ""),
    ],
)
def test_kde(text: str, place: str) -> None:
    """KDE writes a blank before the port."""
    assert [one.place for one in desktop.from_kde(text)] == ([place] if place else [])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (MACOS, "proxy.example:3128"),
        (MACOS.replace("ConfigEnable : 0", "ConfigEnable : 1"), "a script (PAC)"),
        (MACOS.replace("HTTPSEnable : 1", "HTTPSEnable : 0"), ""),
        ("  SOCKSEnable : 1\n  SOCKSPort : 1080\n  SOCKSProxy : s.example\n", "s.example:1080 (SOCKS)"),
        ("", ""),
    ],
)
def test_macos(text: str, place: str) -> None:
    """As `scutil --proxy` prints it."""
    assert [one.place for one in desktop.from_scutil(text)] == ([place] if place else [])


def test_the_systems_list_of_variables() -> None:
    """Only what stands below /etc, and without a password."""
    lines = (
        Line("https_proxy", "http://u:hunter2@proxy.example:3128", "/etc/environment line 2"),
        Line("https_proxy", "http://own.example:1", "~/.zshrc line 1"),
        Line("HTTP_PROXY", "socks5://s.example:1", "/etc/environment line 3"),
    )
    assert desktop.from_lines(lines) == [
        Setting("/etc/environment line 2 (https_proxy)", "proxy.example:3128")
    ]


@pytest.mark.skipif("sys.platform == 'darwin'", reason="macOS has its own settings")
def test_the_desktop_is_asked(tmp_path: Path) -> None:
    """KDE's file and GNOME's program; one that fails says nothing."""
    program(tmp_path / "bin" / "gsettings", f"#!/bin/sh\ncat <<'E'\n{GNOME}E\n")
    file = tmp_path / ".config" / "kioslaverc"
    (tmp_path / ".config" / "dconf").mkdir(parents=True)
    (tmp_path / ".config" / "dconf" / "user").write_bytes(b"")
    file.write_text(KDE)
    found = desktop.look(tmp_path, (), str(tmp_path / "bin"))
    assert [one.source for one in found] == ["the KDE settings", "the GNOME settings"]
    program(tmp_path / "bin" / "gsettings", "#!/bin/sh\nexit 1\n")
    file.unlink()
    assert desktop.look(tmp_path, (), str(tmp_path / "bin")) == []


@pytest.mark.skipif("sys.platform == 'darwin'", reason="macOS has its own settings")
def test_nothing_is_made_by_asking(tmp_path: Path) -> None:
    """A home without a database of settings has none, and gets none."""
    program(tmp_path / "bin" / "gsettings", f"#!/bin/sh\ntouch {tmp_path}/made\n")
    before = sorted(tmp_path.rglob("*"))
    assert desktop.look(tmp_path, (), f"{tmp_path / 'bin'}:/usr/bin:/bin") == []
    assert sorted(tmp_path.rglob("*")) == before
