"""Addresses of upstreams: what is understood, what is refused."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seawall.origin import Origin, anthropics, is_loopback

SECRET = "sk-ant-api03-secret"


@pytest.mark.parametrize(
    ("url", "origin", "base"),
    [
        ("https://api.anthropic.com", Origin("https", "api.anthropic.com", 443), ""),
        ("https://api.anthropic.com/", Origin("https", "api.anthropic.com", 443), ""),
        ("HTTPS://API.Anthropic.COM:8443/v1/", Origin("https", "api.anthropic.com", 8443), "/v1"),
        ("  https://gw.example/anthropic\n", Origin("https", "gw.example", 443), "/anthropic"),
        ("http://127.0.0.1:8787", Origin("http", "127.0.0.1", 8787), ""),
        ("http://localhost", Origin("http", "localhost", 80), ""),
        ("http://[::1]:9", Origin("http", "::1", 9), ""),
        ("https://[2001:DB8:0::1]", Origin("https", "2001:db8::1", 443), ""),
        ("https://gw.example.:443/a/b%20c", Origin("https", "gw.example.", 443), "/a/b%20c"),
        ("https://gw.example:", Origin("https", "gw.example", 443), ""),
        ("https://bücher.example", Origin("https", "xn--bcher-kva.example", 443), ""),
        ("https://my_gateway", Origin("https", "my_gateway", 443), ""),
    ],
)
def test_an_address_is_understood(url: str, origin: Origin, base: str) -> None:
    """Scheme, host and port are put into one spelling; the path has no slash at its end."""
    assert Origin.parse(url) == (origin, base)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("api.anthropic.com", "does not begin with https://"),
        (SECRET, "does not begin with https://"),
        ("ftp://api.anthropic.com", "no other scheme"),
        ("https:/api.anthropic.com", "does not begin with https://"),
        ("https://", "no host"),
        ("https:///v1", "no host"),
        (f"https://user:{SECRET}@api.anthropic.com", "no user name"),
        (f"https://api.anthropic.com/?key={SECRET}", "no ?"),
        ("https://api.anthropic.com#x", "no #"),
        ("https://api.anthropic.com/a b", "blank"),
        ("https://api.anthropic\t.com", "blank or a control"),
        ("https://api.anthropic.com/\x7f", "control"),
        ("https://api.anthropic.com/ä", "path"),
        ("https://api.anthropic.com\\v1", "no name and no IP address"),
        ("https://api.anthropic.com:0", "1 to 65535"),
        ("https://api.anthropic.com:65536", "1 to 65535"),
        ("https://api.anthropic.com:+44", "1 to 65535"),
        ("https://api.anthropic.com:４４", "1 to 65535"),
        ("https://api.anthropic.com:44:3", "brackets"),
        ("https://::1", "brackets"),
        ("https://[::1", "not closed"),
        ("https://[::1]8080", "not closed"),
        ("https://[::g]", "no IPv6 address"),
        ("https://[127.0.0.1]", "no IPv6 address"),
        ("https://[fe80::1%25eth0]", "no IPv6 address"),
        ("https://a..b", "no name and no IP address"),
        ("https://-a.example", "no name and no IP address"),
        ("https://" + "a" * 64 + ".example", "no name and no IP address"),
        ("https://" + "a." * 200, "no name and no IP address"),
        ("https://" + "ü" * 300, "no name and no IP address"),
        ("http://127.1", "four decimal numbers"),
        ("http://0x7f000001", "four decimal numbers"),
        ("http://2130706433", "four decimal numbers"),
        ("http://127.0.0.256", "four decimal numbers"),
        ("http://127.0.0.1.", "four decimal numbers"),
    ],
)
def test_an_address_is_refused_in_a_sentence(url: str, says: str) -> None:
    """Each mistake is named by one sentence, which never repeats what was written."""
    with pytest.raises(ValueError, match=r"^(The|An) .*\.$") as refused:
        Origin.parse(url)
    assert says in str(refused.value)
    assert SECRET not in str(refused.value)


@given(st.text(max_size=60).map(lambda rest: "https://" + rest) | st.text(max_size=60))
@example("https://[::1]:")
@example("https://\ud800.example")
def test_no_address_crashes(url: str) -> None:
    """Whatever is written gives an origin that can be written down again as itself, or a `ValueError`."""
    try:
        origin, base = Origin.parse(url)
    except ValueError as exc:
        sentence = str(exc)
    else:
        assert Origin.parse(f"{origin.scheme}://{origin.authority}{base}") == (origin, base)
        assert origin.host.isascii()
        return
    assert sentence.startswith(("The address", "The path", "The port", "An IP"))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("api.localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("notlocalhost", False),
        ("2001:db8::1", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    """Only what can be nothing but this machine is loopback."""
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("host", "theirs"),
    [
        ("api.anthropic.com", True), ("anthropic.com", True), ("status.claude.com", True), ("claude.ai", True),
        ("notanthropic.com", False), ("anthropic.com.evil.example", False), ("127.0.0.1", False), ("", False),
    ],
)  # fmt: skip
def test_where_anthropic_itself_answers(host: str, theirs: bool) -> None:
    """Its own names and those below them, and nobody else's that look like them."""
    assert anthropics(host) is theirs
