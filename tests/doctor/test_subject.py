"""What is examined: whose word on an address wins, and what is measured then."""

from dataclasses import replace
from pathlib import Path

import pytest
from doctor_peers import KEY, about

from seawall.config import Config, Gateway
from seawall.doctor.subject import subject

HOME_FILE = "home/.claude/settings.json"


def put(tmp_path: Path, place: str, text: str) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def env(url: str) -> str:
    return f'{{"env": {{"ANTHROPIC_BASE_URL": "{url}"}}}}'


def test_the_precedence(tmp_path: Path) -> None:
    """Managed before local before project before user before the environment; the others are named as hidden."""
    places = ["managed-settings.json", ".claude/settings.local.json", ".claude/settings.json", HOME_FILE]
    for number, place in enumerate(places):
        put(tmp_path, place, env(f"https://{number}.example"))
    environ = {"ANTHROPIC_BASE_URL": "https://shell.example"}
    for number, place in enumerate(places):
        one = about(tmp_path, environ=environ)
        assert one.base_url == one.variables["ANTHROPIC_BASE_URL"].text == f"https://{number}.example"
        assert len(one.hidden["ANTHROPIC_BASE_URL"]) == 4 - number
        (tmp_path / place).unlink()
    one = about(tmp_path, environ=environ)
    assert (one.base_url, one.base_where, dict(one.hidden)) == (
        "https://shell.example",
        "the environment",
        {},
    )


def test_a_repr_shows_no_key(tmp_path: Path) -> None:
    """Whoever logs a subject logs no secret."""
    assert KEY[20:40] not in repr(about(tmp_path, environ={"ANTHROPIC_API_KEY": KEY}))


@pytest.mark.parametrize(
    ("told", "upstream", "source", "host"),
    [
        ("", "https://api.anthropic.com", "default", "api.anthropic.com"),
        ("https://llm.corp.example/x", "https://api.anthropic.com", "default", "llm.corp.example"),
        ("http://127.0.0.1:8787", "http://127.0.0.1:8787", "ANTHROPIC_BASE_URL", "api.anthropic.com"),
        ("http://127.0.0.1:8787", "https://llm.corp.example", "user", "llm.corp.example"),
        ("nonsense", "https://api.anthropic.com", "default", "api.anthropic.com"),
        ("http://far.example", "https://api.anthropic.com", "default", "api.anthropic.com"),
        ("", "http://127.0.0.1:99", "SEAWALL_GATEWAY_UPSTREAM", "127.0.0.1"),
    ],
)
def test_whom_to_measure(tmp_path: Path, told: str, upstream: str, source: str, host: str) -> None:
    """The address that the client is told, or what is behind it where it is one of this machine."""
    config = replace(Config(), gateway=Gateway(upstream=upstream))
    environ = {"ANTHROPIC_BASE_URL": told} if told else {}
    assert subject(config, source, environ, tmp_path, tmp_path).api.host == host


def test_the_proxy_of_a_settings_file_is_the_clients(tmp_path: Path) -> None:
    """What the client goes through is what is measured."""
    put(
        tmp_path,
        HOME_FILE,
        '{"env": {"HTTPS_PROXY": "http://proxy.example:3128", "NODE_EXTRA_CA_CERTS": "/ca.pem"}}',
    )
    network = about(tmp_path).config.network
    assert (network.https_proxy, network.ca_files) == ("http://proxy.example:3128", ("/ca.pem",))


def test_nothing_in_a_file_takes_a_variable_away(tmp_path: Path) -> None:
    """The client then has none, whatever the shell says."""
    put(tmp_path, HOME_FILE, '{"env": {"ANTHROPIC_BASE_URL": ""}}')
    one = about(tmp_path, environ={"ANTHROPIC_BASE_URL": "https://shell.example"})
    assert one.base_url == ""
    assert "ANTHROPIC_BASE_URL" not in one.variables


def test_the_line_of_a_profile_is_named(tmp_path: Path) -> None:
    """A variable of the environment is where a profile sets it to just that; elsewhere the line is not blamed."""
    put(tmp_path, "home/.zshrc", f"# mine\nexport ANTHROPIC_API_KEY='{KEY}'\nexport API_TIMEOUT_MS=5\n")
    one = about(tmp_path, environ={"ANTHROPIC_API_KEY": KEY, "API_TIMEOUT_MS": "9"})
    assert one.variables["ANTHROPIC_API_KEY"].where == "~/.zshrc line 2"
    assert one.variables["API_TIMEOUT_MS"].where == "the environment"
    assert KEY[20:40] not in repr(one)


def test_the_client_certificate_of_a_settings_file(tmp_path: Path) -> None:
    """What the client shows of itself is what is measured with; its passphrase is in no repr."""
    names = ("CLAUDE_CODE_CLIENT_CERT", "CLAUDE_CODE_CLIENT_KEY", "CLAUDE_CODE_CLIENT_KEY_PASSPHRASE")
    values = ", ".join(f'"{name}": "{name.lower()}-value"' for name in names)
    put(tmp_path, HOME_FILE, f'{{"env": {{{values}}}}}')
    one = about(tmp_path)
    network = one.config.network
    assert network.client_cert == "claude_code_client_cert-value"
    assert network.client_key_passphrase == "claude_code_client_key_passphrase-value"
    assert "passphrase-value" not in repr(one)


def test_tokens_are_spent_where_that_is_configured_or_asked_for(tmp_path: Path) -> None:
    """By default none are."""
    assert not about(tmp_path).spend
    config = replace(Config(), doctor=replace(Config().doctor, spend=True))
    assert subject(config, "default", {}, tmp_path, tmp_path).spend
    assert not subject(config, "default", {}, tmp_path, tmp_path, spend=False).spend
