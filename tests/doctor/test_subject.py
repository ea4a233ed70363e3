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


OURS = {"address": "http://127.0.0.1:8787", "upstream": "https://relay.example/v2", "pid": 7}
BUSY = OURS | {"held": 4, "cause": "provider.overloaded"}


@pytest.mark.parametrize(
    ("told", "gateways", "measured"),
    [
        ("http://127.0.0.1:8787", [OURS], ("relay.example", "/v2")),
        ("http://localhost:8787/", [OURS], ("relay.example", "/v2")),
        ("http://127.0.0.1:8787", [OURS | {"answers": False}], ("api.anthropic.com", "")),
        ("http://127.0.0.1:8788", [OURS], ("api.anthropic.com", "")),
        ("http://127.0.0.1:8787", [OURS | {"upstream": "nonsense"}], ("api.anthropic.com", "")),
        ("http://127.0.0.1:8787", [OURS | {"upstream": 7}], ("api.anthropic.com", "")),
        ("https://llm.corp.example", [BUSY], ("llm.corp.example", "")),
        ("", [OURS], ("api.anthropic.com", "")),
        ("", [BUSY], ("relay.example", "/v2")),
        ("", [BUSY | {"answers": False}], ("api.anthropic.com", "")),
        ("", [OURS | {"running": 1}], ("relay.example", "/v2")),
        ("", [OURS | {"recent": {"models": [{"family": "opus", "tried": 3}]}}], ("relay.example", "/v2")),
        ("", [OURS | {"held": "4", "running": float("nan"), "recent": [7]}], ("api.anthropic.com", "")),
        ("", [OURS | {"running": 9}, BUSY | {"upstream": "https://held.example"}], ("held.example", "")),
        ("", [BUSY | {"upstream": "https://api.anthropic.com"}, BUSY | {"held": 9}], ("api.anthropic.com", "")),
    ],
)  # fmt: skip
def test_what_is_behind_a_gateway_of_ours_is_measured(
    tmp_path: Path, told: str, gateways: list[dict[str, object]], measured: tuple[str, str]
) -> None:
    """A proved gateway says where it sends calls: the one that clients are told, or one that carries calls."""
    environ = {"ANTHROPIC_BASE_URL": told} if told else {}
    source = "ANTHROPIC_BASE_URL" if told else "default"
    config = replace(Config(), gateway=Gateway(upstream=told or "https://api.anthropic.com"))
    one = subject(config, source, environ, tmp_path, tmp_path, gateways=gateways)
    assert (one.api.host, one.base_path) == measured


def test_a_gateway_behind_a_gateway_is_followed(tmp_path: Path) -> None:
    """To the last one; two that name each other lead nowhere, and end."""
    chain = [OURS | {"upstream": "http://127.0.0.1:8788"}, BUSY | {"address": "http://127.0.0.1:8788"}]
    environ = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8787"}

    def host(gateways: list[dict[str, object]]) -> str:
        return subject(Config(), "default", environ, tmp_path, tmp_path, gateways=gateways).api.host

    assert host(chain) == "relay.example"
    ring = [chain[0], chain[1] | {"upstream": "http://127.0.0.1:8787"}]
    assert host(ring) == "api.anthropic.com"


def test_an_address_that_is_named_is_what_is_measured(tmp_path: Path) -> None:
    """`--base-url`, and an upstream that this very command's environment names, whatever runs."""
    one = subject(Config(), "default", {}, tmp_path, tmp_path, base_url="https://x.example", gateways=[BUSY])
    assert one.api.host == "x.example"
    config = replace(Config(), gateway=Gateway(upstream="https://y.example"))
    one = subject(config, "SEAWALL_GATEWAY_UPSTREAM", {}, tmp_path, tmp_path, gateways=[BUSY])
    assert one.api.host == "y.example"
