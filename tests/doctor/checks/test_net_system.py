"""A proxy that only the desktop knows."""

from pathlib import Path

import pytest
from doctor_peers import about, ran

from seawall.doctor import desktop
from seawall.doctor.check import Finding, State
from seawall.doctor.desktop import Setting

FAILED, WORKS = Finding(State.FAIL, ""), Finding(State.OK, "")


@pytest.fixture
def one_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desktop, "look", lambda *_: [Setting("the GNOME settings", "proxy.example:3128")])


@pytest.mark.usefixtures("one_setting")
def test_where_the_api_cannot_be_connected_to(tmp_path: Path) -> None:
    """It is the likely reason: the browser goes another way."""
    found = ran(about(tmp_path), "net.system", net_tcp4=FAILED)
    (sign,) = found.signs
    assert (found.state, sign.cause, sign.weight.value, sign.direction.value) == (
        State.WARN, "network.blocked", "strong", "for",
    )  # fmt: skip
    assert (
        sign.text == "the GNOME settings name a proxy (proxy.example:3128), which Claude Code does not read"
    )


@pytest.mark.usefixtures("one_setting")
def test_where_it_can(tmp_path: Path) -> None:
    """A note, no more."""
    found = ran(about(tmp_path), "net.system", net_tcp4=WORKS, net_tcp6=FAILED)
    assert (found.state, [one.direction.value for one in found.signs]) == (State.OK, ["neutral"])


@pytest.mark.usefixtures("one_setting")
def test_where_the_client_is_told_one_too(tmp_path: Path) -> None:
    """Nothing to say."""
    one = about(tmp_path, environ={"HTTPS_PROXY": "http://p.example:1"})
    assert ran(one, "net.system", net_tcp4=FAILED).signs == ()


def test_only_all_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other programs read it; Claude Code does not."""
    monkeypatch.setattr(desktop, "look", lambda *_: [])
    one = about(tmp_path, environ={"ALL_PROXY": "socks5://u:hunter2@p.example:1"})
    found = ran(one, "net.system", net_tcp4=FAILED)
    assert found.summary == "ALL_PROXY is set, which Claude Code does not read; it reads HTTPS_PROXY"
    assert found.facts["all_proxy"] is True
    assert "hunter2" not in repr(found)
