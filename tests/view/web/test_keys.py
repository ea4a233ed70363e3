"""Links, cookies and tokens, by hand-made times."""

import pytest

from seawall.gateway.runtime import proof
from seawall.view.web.keys import COOKIE_LIVES, LINK_LIVES, OPEN, Keys, link

TOKEN = "t" * 43
NOW = 1_795_000_000.0


def key_of(path: str) -> str:
    assert path.startswith(f"{OPEN}?key=")
    return path.partition("=")[2]


def cookie_of(keys: Keys, now: float = NOW) -> str:
    return keys.cookie(now).partition(";")[0]


def test_a_link_works_once() -> None:
    """And only for the gateways of the user whose token made it."""
    key = key_of(link(TOKEN, NOW))
    assert not Keys("another").spend(key, NOW)
    keys = Keys(TOKEN)
    assert keys.spend(key, NOW)
    assert not keys.spend(key, NOW)
    assert keys.spend(key_of(link(TOKEN, NOW)), NOW)


def test_a_link_lives_a_minute() -> None:
    """A link found later in a log or a list of processes opens nothing."""
    key = key_of(link(TOKEN, NOW))
    assert not Keys(TOKEN).spend(key, NOW + LINK_LIVES + 1)
    assert Keys(TOKEN).spend(key, NOW + LINK_LIVES - 1)


@pytest.mark.parametrize("wrong", ["", "-", "--", "x", "9999999999-aa-00", "é-é-é", "1" * 5000])
def test_what_is_no_key_is_refused(wrong: str) -> None:
    """Whatever it is made of."""
    assert not Keys(TOKEN).spend(wrong, NOW)


def test_many_links_take_bounded_room() -> None:
    """Used ones are remembered for as long as they would live, and no more of them than a person can open."""
    keys = Keys(TOKEN)
    assert sum(keys.spend(key_of(link(TOKEN, NOW)), NOW) for _ in range(300)) == 256
    assert keys.spend(key_of(link(TOKEN, NOW + 600)), NOW + 600)


def test_a_cookie_lets_in_for_a_week() -> None:
    """Also at a gateway that was started anew since; not when it is over, nor for another user."""
    cookie = cookie_of(Keys(TOKEN))
    assert Keys(TOKEN).admits({"cookie": f"a=b; {cookie}; c=d"}, NOW)
    assert not Keys(TOKEN).admits({"cookie": cookie}, NOW + COOKIE_LIVES + 1)
    assert not Keys("another").admits({"cookie": cookie}, NOW)
    assert not Keys(TOKEN).admits({"cookie": cookie[:-1]}, NOW)
    assert not Keys(TOKEN).admits({}, NOW)


def test_the_cookie_is_out_of_reach() -> None:
    """Of scripts, and of requests that other sites' pages make."""
    whole = Keys(TOKEN).cookie(NOW)
    assert "; HttpOnly" in whole
    assert "; SameSite=Strict" in whole
    assert TOKEN not in whole
    assert "Secure" not in whole  # http://127.0.0.1 would not get it back
    assert Keys(TOKEN).cookie(NOW, secure=True).endswith("; Secure")


def test_a_page_at_another_port_gets_nothing_with_the_cookie() -> None:
    """For a browser it is the same site, so it would send the cookie along."""
    cookie = cookie_of(Keys(TOKEN))
    for site, admitted in (
        ("same-origin", True),
        ("none", True),
        ("same-site", False),
        ("cross-site", False),
    ):
        assert Keys(TOKEN).admits({"cookie": cookie, "sec-fetch-site": site}, NOW) is admitted, site


def test_programs_send_the_token() -> None:
    """In a header of ours, or as Prometheus does; a wrong one is not made good by a cookie."""
    keys = Keys(TOKEN)
    assert keys.admits({"x-seawall-token": TOKEN}, NOW)
    assert keys.admits({"authorization": f"Bearer {TOKEN}"}, NOW)
    assert not keys.admits({"authorization": f"Basic {TOKEN}"}, NOW)
    for wrong in ("", "wrong", "tökén"):
        assert not keys.admits({"x-seawall-token": wrong, "cookie": cookie_of(keys)}, NOW)
        assert not keys.admits({"authorization": f"bearer {wrong}", "cookie": cookie_of(keys)}, NOW)


def test_what_the_challenge_gives_away_is_worth_nothing() -> None:
    """The gateway proves itself to anybody with an HMAC of the token over a text of theirs: no key, no cookie."""
    text = f"{int(NOW + 50)}-{'a' * 24}"
    for given in (proof(TOKEN, text), proof(TOKEN, text)[:48]):
        assert not Keys(TOKEN).spend(f"{text}-{given}", NOW)
        assert not Keys(TOKEN).admits({"cookie": f"seawall={text}-{given}"}, NOW)


def test_a_link_is_no_cookie_and_a_cookie_no_link() -> None:
    """Each is sealed for its own purpose."""
    keys = Keys(TOKEN)
    assert not keys.admits({"cookie": f"seawall={key_of(link(TOKEN, NOW))}"}, NOW)
    assert not keys.spend(cookie_of(keys).partition("=")[2], NOW)
