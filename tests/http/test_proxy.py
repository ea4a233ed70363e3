"""Which origins go through which proxy."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.causes.evidence import Fault
from seawall.config import Network
from seawall.http.failure import DialError
from seawall.http.proxy import ProxyAddress, choose, excepted, parse
from seawall.origin import Origin

API = Origin("https", "api.anthropic.com", 443)


@pytest.mark.parametrize(
    ("host", "port", "no_proxy", "straight"),
    [
        ("api.anthropic.com", 443, "", False),
        ("api.anthropic.com", 443, "*", True),
        ("api.anthropic.com", 443, "other.example, *", True),
        ("api.anthropic.com", 443, "api.anthropic.com", True),
        ("api.anthropic.com", 443, "API.Anthropic.COM", True),
        ("api.anthropic.com", 443, "anthropic.com", True),
        ("api.anthropic.com", 443, ".anthropic.com", True),
        ("api.anthropic.com", 443, "*.anthropic.com", True),
        ("anthropic.com", 443, ".anthropic.com", True),
        ("notanthropic.com", 443, "anthropic.com", False),
        ("api.anthropic.com.evil.example", 443, "api.anthropic.com", False),
        ("anthropic.com", 443, "api.anthropic.com", False),
        ("api.anthropic.com", 443, "com.", True),
        ("api.anthropic.com.", 443, "api.anthropic.com", True),
        ("api.anthropic.com", 443, "api.anthropic.com.", True),
        ("api.anthropic.com", 443, "api.anthropic.com:443", True),
        ("api.anthropic.com", 443, "api.anthropic.com:8443", False),
        ("api.anthropic.com", 443, ".anthropic.com:443", True),
        ("api.anthropic.com", 443, "api.anthropic.com:", True),
        ("api.anthropic.com", 443, "api.anthropic.com:https", False),
        ("api.anthropic.com", 443, "a.example b.example\tanthropic.com", True),
        ("api.anthropic.com", 443, " , ,, anthropic.com ,", True),
        ("api.anthropic.com", 443, "a.example;anthropic.com", False),
        ("api.anthropic.com", 443, "api.*.com", False),
        ("api.anthropic.com", 443, ".", False),
        ("api.anthropic.com", 443, "*.", False),
        ("api.anthropic.com", 443, "10.0.0.0/8", False),
        ("xn--bcher-kva.example", 443, "bücher.example", True),
        ("10.1.2.3", 443, "10.1.2.3", True),
        ("10.1.2.3", 443, "10.1.2.3:443", True),
        ("10.1.2.3", 443, "10.1.2.3:80", False),
        ("10.1.2.3", 443, "10.0.0.0/8", True),
        ("10.1.2.3", 443, "10.1.2.99/24", True),
        ("11.1.2.3", 443, "10.0.0.0/8", False),
        ("10.1.2.3", 443, "10.0.0.0/99", False),
        ("10.1.2.3", 443, "10.0.0.0/", False),
        ("10.1.2.3", 443, "2.3", False),
        ("10.1.2.3", 443, "::/0", False),
        ("2001:db8::1", 443, "2001:db8::1", True),
        ("2001:db8::1", 443, "2001:DB8:0:0::1", True),
        ("2001:db8::1", 443, "[2001:db8::1]", True),
        ("2001:db8::1", 443, "[2001:db8::1]:443", True),
        ("2001:db8::1", 443, "[2001:db8::1]:80", False),
        ("2001:db8::1", 443, "2001:db8::/32", True),
        ("2001:db8::1", 443, "[2001:db8::", False),
        ("::ffff:10.1.2.3", 443, "10.0.0.0/8", True),
    ],
)
def test_no_proxy(host: str, port: int, no_proxy: str, straight: bool) -> None:
    """`NO_PROXY` means what curl, Go and requests users expect of it."""
    assert excepted(Origin("https", host, port), no_proxy) is straight


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://proxy.corp:3128", ProxyAddress("proxy.corp", 3128)),
        ("HTTP://Proxy.Corp:3128/", ProxyAddress("proxy.corp", 3128)),
        ("proxy.corp:3128", ProxyAddress("proxy.corp", 3128)),
        ("  proxy.corp ", ProxyAddress("proxy.corp", 80)),
        ("http://10.0.0.1:8080/path?x#y", ProxyAddress("10.0.0.1", 8080)),
        ("http://[::1]:8080", ProxyAddress("::1", 8080)),
        ("[2001:db8::1]", ProxyAddress("2001:db8::1", 80)),
        ("http://@proxy.corp", ProxyAddress("proxy.corp", 80)),
    ],
)
def test_a_proxy_address_is_understood(url: str, proxy: ProxyAddress) -> None:
    """A missing scheme means http, a missing port 80."""
    assert parse(url) == proxy


@pytest.mark.parametrize(
    ("user", "pair"),
    [
        ("me:secret", b"me:secret"),
        ("me", b"me:"),
        ("me:", b"me:"),
        ("dom%5Cme:p%40ss%3Aw%2Frd%23", b"dom\\me:p@ss:w/rd#"),
        ("me:p@ss", b"me:p@ss"),
        ("me:a:b", b"me:a:b"),
        ("me:100%", b"me:100%"),
        ("m%C3%BC:%FF", b"m\xc3\xbc:\xff"),
        ("me:a%0D%0Ab", b"me:a\r\nb"),
    ],
)
def test_user_and_password_are_decoded(user: str, pair: bytes) -> None:
    """The password is percent-decoded, goes out in Basic form, and is not shown by `repr`."""
    proxy = parse(f"http://{user}@proxy.corp:3128")
    assert (proxy.host, proxy.port) == ("proxy.corp", 3128)
    scheme, value = proxy.authorization.split(" ")
    assert (scheme, base64.b64decode(value)) == ("Basic", pair)
    assert value not in repr(proxy)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://me:hunter2@proxy.corp", "begins with https://"),
        ("socks5://me:hunter2@proxy.corp", "begins with socks5://"),
        ("SOCKS5h://proxy.corp", "begins with socks5h://"),
        ("hunter2://proxy.corp", "another scheme"),
        ("http://", "form http://host:port"),
        ("http://me:hunter2@", "form http://host:port"),
        ("http://me:hunter2@proxy.corp:x", "form http://host:port"),
        ("http://me:hunter2@proxy.corp:0", "form http://host:port"),
        ("http://me:12/hunter2@proxy.corp:3128", "percent-encoded"),
        ("http://me:1#hunter2@proxy.corp:3128", "percent-encoded"),
        ("http://me:1?hunter2@proxy.corp:3128", "percent-encoded"),
        ("http://proxy corp", "form http://host:port"),
        ("${HTTPS_PROXY}", "form http://host:port"),
        ("http://[::1", "form http://host:port"),
        ("false", None),
    ],
)
def test_a_proxy_that_cannot_be_used(url: str, says: str | None) -> None:
    """What is no HTTP proxy is refused in a sentence without its password; a bare word is a host's name."""
    if says is None:
        assert parse(url) == ProxyAddress(url, 80)
        return
    with pytest.raises(DialError) as refused:
        parse(url)
    assert refused.value.fault is Fault.PROXY_FAILED
    assert says in refused.value.text
    assert "hunter2" not in refused.value.text


@pytest.mark.parametrize(
    ("origin", "network", "host"),
    [
        (API, Network(), None),
        (API, Network(https_proxy="  "), None),
        (API, Network(https_proxy="http://a:1"), "a"),
        (API, Network(http_proxy="http://b:1"), "b"),
        (API, Network(https_proxy="http://a:1", http_proxy="http://b:1"), "a"),
        (API, Network(https_proxy="http://a:1", no_proxy="anthropic.com"), None),
        (API, Network(https_proxy="socks5://a:1", no_proxy="anthropic.com"), None),
        (Origin("http", "10.0.0.1", 80), Network(https_proxy="http://a:1", http_proxy="http://b:1"), None),
        (Origin("https", "localhost", 443), Network(https_proxy="http://a:1"), None),
        (Origin("https", "127.3.2.1", 443), Network(https_proxy="http://a:1"), None),
        (Origin("https", "::1", 443), Network(https_proxy="socks5://a:1"), None),
    ],
)
def test_choose(origin: Origin, network: Network, host: str | None) -> None:
    """https_proxy before http_proxy; loopback, plain http and the exceptions go straight."""
    proxy = choose(origin, network)
    assert (proxy and proxy.host) == host


PIECES = st.lists(
    st.sampled_from(
        [*"[]:/%.*,@#? \t", "10.0.0.0", "::1", "/8", "a.example", "443", "http://", "\u0130", "\ud800"]
    )
    | st.text(max_size=8),
    max_size=12,
).map("".join)


@given(PIECES, st.sampled_from([API, Origin("https", "10.0.0.1", 443), Origin("https", "2001:db8::1", 1)]))
def test_no_exception_list_crashes(no_proxy: str, origin: Origin) -> None:
    """Any text as `NO_PROXY` gives an answer, and a star added to it gives yes."""
    assert excepted(origin, no_proxy) in {True, False}
    assert excepted(origin, no_proxy + ",*") is True


@given(PIECES)
def test_no_proxy_address_crashes(url: str) -> None:
    """Any text as a proxy's address gives a proxy or a `DialError`, nothing else."""
    try:
        proxy = parse(url)
    except DialError as exc:
        proxy, fault = None, exc.fault
    if proxy is None:
        assert fault is Fault.PROXY_FAILED
        return
    assert 0 < proxy.port < 65536
    proxy.authority.encode("ascii")
    proxy.authorization.encode("ascii")


@given(st.text(min_size=1, max_size=30))
def test_a_password_is_never_in_an_error(word: str) -> None:
    """Whatever stands where a password stands, the sentence is the same for all."""
    secret = f"Zq{word}Qz"
    with pytest.raises(DialError) as refused:
        parse(f"http://me:{secret}@[broken")
    assert secret not in refused.value.text
    assert secret not in repr(refused.value)
