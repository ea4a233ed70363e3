"""The addresses in the settings, and what a gateway must not start with."""

from dataclasses import replace

import pytest

from seawall.config import (
    Config,
    ConfigError,
    Fallback,
    Gateway,
    Notify,
    Team,
    check,
    is_own,
    listen_address,
    notify_problems,
    quiet_hours,
    upstream_address,
    webhook_address,
)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8787", "127.0.0.1", 8787),
        ("localhost:0", "localhost", 0),
        ("[::1]:8787", "::1", 8787),
        ("8787", "127.0.0.1", 8787),
        ("gateway.example:443", "gateway.example", 443),
    ],
)
def test_a_listen_address_is_read(text: str, host: str, port: int) -> None:
    """Host and port come out of every form that people write."""
    assert listen_address(text) == (host, port)


@pytest.mark.parametrize(
    "text",
    ["", ":", ":8787", "127.0.0.1", "127.0.0.1:", "::1:8787", "host:65536", "host:-1", "host:٣", "host:http"],
)
def test_a_listen_address_that_is_none_is_named(text: str) -> None:
    """The line names the key, the form that is expected and what was found."""
    with pytest.raises(ConfigError, match=r"gateway.listen must be HOST:PORT such as 127.0.0.1:8787"):
        listen_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://api.anthropic.com",
        "https://gateway.example:8443/claude/",
        "http://127.0.0.1:9000",
        "http://[::1]:9000/base",
        "http://localhost:1",
    ],
)
def test_an_upstream_is_accepted(text: str) -> None:
    """Addresses with a port, a path, an IPv6 literal; http only on this machine."""
    assert upstream_address(text)[0].host


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("api.anthropic.com", "does not begin with"),
        ("ftp://api.anthropic.com", "no other scheme"),
        ("https://", "names no host"),
        ("https://-host", "no name and no IP address"),
        ("https://a..b", "no name and no IP address"),
        ("https://host:port", "port"),
        ("https://host:0", "port"),
        ("https://host:99999", "port"),
        ("https://[::1", "IPv6 literal"),
        ("https://ho st/", "a blank"),
        ("http://127.1", "four decimal numbers"),
        ("https://me:secret@host", "no user name or password"),
        ("https://host/?a=b", r"no \? and no #"),
        ("http://api.anthropic.com", "credentials would travel in clear"),
        ("http://10.0.0.1", "credentials would travel in clear"),
    ],
)
def test_an_upstream_that_is_none_is_named(text: str, says: str) -> None:
    """One line says what is wrong; a password in it is not repeated."""
    with pytest.raises(ConfigError, match=says) as caught:
        upstream_address(text)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("listen", "upstream", "own"),
    [
        ("127.0.0.1:8787", "http://127.0.0.1:8787", True),
        ("127.0.0.1:8787", "http://localhost:8787/", True),
        ("127.0.0.1:8787", "http://[::1]:8787", True),
        ("0.0.0.0:8787", "http://127.0.0.1:8787", True),
        ("127.0.0.1:443", "https://localhost", True),
        ("gateway.example:443", "https://gateway.example", True),
        ("127.0.0.1:8787", "http://127.0.0.1:8788", False),
        ("127.0.0.1:443", "https://api.anthropic.com", False),
        ("127.0.0.1:8787", "not an address", False),
    ],
)
def test_a_loop_is_seen(listen: str, upstream: str, own: bool) -> None:
    """An upstream is our own listener when host and port lead back to it, by any of its names."""
    assert is_own(Gateway(listen=listen, upstream=upstream)) is own


OPEN = Gateway(listen="0.0.0.0:8787")


@pytest.mark.parametrize(
    ("gateway", "token", "says"),
    [
        (Gateway(upstream="http://127.0.0.1:8787"), "", "in a circle"),
        (Gateway(tls_cert="cert.pem"), "", "belong together"),
        (OPEN, "", "set team.token"),
        (OPEN, "t", "gateway.behind_proxy = true"),
    ],
)
def test_settings_that_must_not_be_together_are_refused(gateway: Gateway, token: str, says: str) -> None:
    """Loops, half a certificate, and open listeners without token or TLS do not start."""
    with pytest.raises(ConfigError, match=says):
        check(Config(gateway=gateway, team=Team(token=token)))


@pytest.mark.parametrize(
    "gateway",
    [Gateway(), replace(OPEN, behind_proxy=True), replace(OPEN, tls_cert="c.pem", tls_key="k.pem")],
)
def test_good_settings_pass(gateway: Gateway) -> None:
    """The defaults pass, and an open listener with a token and TLS on one side of it."""
    check(Config(gateway=gateway, team=Team(token="t")))


def test_the_token_is_not_in_the_repr() -> None:
    """A settings object may end in a traceback; its secret may not."""
    assert "hush" not in repr(Config(team=Team(token="hush")))


def test_a_gateway_does_not_start_with_a_fallback_into_itself() -> None:
    """Settings that were made another way than from a file are looked at too; the line names which."""
    good = Fallback(upstream="https://other.example", key_env="OTHER_KEY")
    check(Config(fallback=(good,)))
    itself = replace(good, upstream="http://127.0.0.1:8787")
    with pytest.raises(ConfigError, match=r"\[\[fallback\]\] 2: upstream is this gateway itself"):
        check(Config(fallback=(good, itself)))


@pytest.mark.parametrize(
    ("upstream", "again"),
    [
        ("http://127.0.0.1:4000", "http://localhost:4000"),
        ("http://localhost:4000", "http://[::1]:4000/v"),
        ("https://api.anthropic.com", "https://api.anthropic.com."),
    ],
)
def test_the_same_address_by_another_name_is_the_same(upstream: str, again: str) -> None:
    """A second key for it is refused however it is written; another port of this machine is another address."""
    gateway = Gateway(upstream=upstream)
    with pytest.raises(ConfigError, match="under another key"):
        check(Config(gateway, fallback=(Fallback(upstream=again, key_env="K"),)))
    check(Config(gateway, fallback=(Fallback(upstream="http://localhost:4001", key_env="K"),)))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("22:00-07:00", (1320, 420)),
        ("0:00 - 23:59", (0, 1439)),
        ("7:30-7:30", (450, 450)),
        ("", None),
        ("  ", None),
    ],
)
def test_quiet_hours_are_read(text: str, span: tuple[int, int] | None) -> None:
    """Two times of the day in minutes; none where none are wanted."""
    assert quiet_hours(text) == span


@pytest.mark.parametrize(
    "text", ["night", "22-07", "24:00-07:00", "22:60-07:00", "22:00", "22:00-07:00-08:00", "٢٢:00-07:00"]
)
def test_quiet_hours_that_are_none(text: str) -> None:
    """What is no span of hours is called that."""
    with pytest.raises(ConfigError, match=r"^notify\.quiet must be two times"):
        quiet_hours(text)


@pytest.mark.parametrize(
    ("address", "host", "target"),
    [
        ("https://hooks.example/T0/B1", "hooks.example", "/T0/B1"),
        ("https://hooks.example", "hooks.example", "/"),
        ("https://hooks.example/a/?b=c&d=%20e", "hooks.example", "/a/?b=c&d=%20e"),
        ("http://127.0.0.1:9/x", "127.0.0.1", "/x"),
        ("http://[::1]:9/x", "::1", "/x"),
    ],
)
def test_a_webhooks_address_is_read(address: str, host: str, target: str) -> None:
    """Path and query as they were written; plain http only on this machine."""
    origin, path = webhook_address("notify.webhook", address)
    assert (origin.host, path) == (host, target)


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example/SECRET",
        "ftp://hooks.example/SECRET",
        "SECRET",
        "https://u:SECRET@hooks.example/",
        "https:// SECRET",
    ],
)
def test_a_webhooks_address_that_must_not_be_used(address: str) -> None:
    """In clear over the network, with a password, of another kind: refused, and never repeated."""
    [problem] = notify_problems(Notify(webhook=address))
    assert problem.startswith("notify.webhook is ")
    assert "SECRET" not in problem


def test_what_is_wrong_with_notifications() -> None:
    """Each mistake is a sentence; the defaults have none."""
    assert notify_problems(Notify()) == []
    assert len(notify_problems(Notify(on=("recoverd", "held"), quiet="night", slack="x"))) == 3


def test_addresses_of_notifications_are_not_in_a_representation() -> None:
    """What a log or a traceback may show holds none of them."""
    secret = Notify(
        webhook="https://a/SECRET", secret="SECRET", slack="https://b/SECRET", apprise=("x://SECRET",)
    )
    assert "SECRET" not in repr(Config(notify=secret))
