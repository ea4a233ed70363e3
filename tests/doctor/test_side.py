"""What an upstream is called."""

import pytest

from seawall.doctor.side import called, name_of, side_of
from seawall.origin import Origin
from seawall.view.facts import gateway


@pytest.mark.parametrize(
    ("url", "name", "side"),
    [
        ("https://api.anthropic.com", "api.anthropic.com", "Anthropic's side"),
        ("https://api.anthropic.com:8443/x", "api.anthropic.com:8443", "Anthropic's side"),
        ("http://127.0.0.1:18790", "127.0.0.1:18790", "127.0.0.1:18790's side"),
        ("http://127.0.0.1", "127.0.0.1", "127.0.0.1's side"),
        ("https://relay.example:443/v2", "relay.example", "relay.example's side"),
        ("http://relay.example:443", "relay.example:443", "relay.example:443's side"),
        ("https://[2001:db8::1]", "[2001:db8::1]", "[2001:db8::1]'s side"),
        ("http://[::1]:8080", "[::1]:8080", "[::1]:8080's side"),
        ("https://anthropic.com.evil.example", "anthropic.com.evil.example", "anthropic.com.evil.example's side"),
    ],
)  # fmt: skip
def test_one_upstream_has_one_name(url: str, name: str, side: str) -> None:
    """With its port where that is not the usual one."""
    assert name_of(Origin.parse(url)[0]) == name
    assert side_of(name) == side
    assert side_of(name, by_api=True) == called("provider", name, True) == "Anthropic's side"


@pytest.mark.parametrize(
    ("party", "says"),
    [
        ("provider", "llm.example's side"),
        ("limit", "Your plan or limits"),
        ("of a newer one", "Not known yet"),
    ],
)
def test_every_party_is_called_by_one_name(party: str, says: str) -> None:
    """Of the service the host's; of a party that is not known none."""
    assert called(party, "llm.example", False) == says


@pytest.mark.parametrize(
    "url", ["https://api.anthropic.com", "http://127.0.0.1:18790", "http://[::1]:8080/x"]
)
def test_the_live_view_calls_it_the_same(url: str) -> None:
    """What `watch` shows of a gateway's upstream is what the doctor says of it."""
    assert gateway({"upstream": url}).host == name_of(Origin.parse(url)[0])


def test_one_that_is_not_known() -> None:
    """It is still not Anthropic's."""
    assert side_of("") == "The upstream's side"
