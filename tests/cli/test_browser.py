"""An address goes to the person's own browser, or it is said that there is none."""

import pytest

from own_home import Home, until
from seawall.cli import browser


def test_what_opens_an_address(own_home: Home) -> None:
    """BROWSER first, then the platform's own; without a display there is none."""
    own_home.tool("mybrowser", "true")
    own_home.tool("xdg-open", "true")
    path = {"PATH": str(own_home.tools)}
    mine, usual = str(own_home.tools / "mybrowser"), str(own_home.tools / "xdg-open")
    assert browser.command({**path, "BROWSER": "missing:mybrowser --new"}, "linux") == [mine, "--new"]
    assert browser.command({**path, "DISPLAY": ":0"}, "linux") == [usual]
    assert browser.command({**path, "WAYLAND_DISPLAY": "w"}, "linux") == [usual]
    assert browser.command(path, "linux") is None
    assert browser.command({"PATH": "/nonexistent", "DISPLAY": ":0"}, "linux") is None
    assert browser.command(path, "darwin") == ["/usr/bin/open"]


@pytest.mark.parametrize("value", ["'", "missing", "lynx %s", "", ":::"])
def test_a_browser_that_is_none(own_home: Home, value: str) -> None:
    """Whatever the variable holds, nothing raises."""
    assert browser.command({"PATH": str(own_home.tools), "BROWSER": value}, "linux") is None


def test_an_address_is_handed_over_whole(own_home: Home) -> None:
    """As one argument, whatever signs are in it."""
    got = own_home.path / "got"
    own_home.tool("mybrowser", f'printf %s "$1" > "{got}"')
    environ = own_home.environ | {"BROWSER": "mybrowser"}
    address = "https://example.com/?q=a%20b&c='$(x)"
    assert browser.opened(address, environ)
    until(got.exists, "the browser")
    assert got.read_text() == address


def test_a_browser_that_fails_is_not_taken_for_one_that_opened(own_home: Home) -> None:
    """Its exit code counts, and one that cannot be started is none."""
    own_home.tool("mybrowser", "exit 3")
    assert not browser.opened("https://example.com", own_home.environ | {"BROWSER": "mybrowser"})
    (own_home.tools / "mybrowser").write_bytes(b"\x00\x01")
    assert not browser.opened("https://example.com", own_home.environ | {"BROWSER": "mybrowser"})
    assert not browser.opened("https://example.com", {"PATH": "/nonexistent"})
