"""What is examined: whose word on an address wins, and what is measured then."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from doctor_peers import KEY, about

from seawall.config import Config, Gateway
from seawall.doctor.subject import settings_files, subject

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


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("{", "line 1, column 2"),
        ('{\n // why\n "env": {}}', "line 2, column 2"),
        ("[]", "no JSON object"),
        ('{"env": []}', '"env" is no object'),
        ("[" * 100_000, "nested too deeply"),
        ("\ufeff{}", ""),
        ("", ""),
    ],
)
def test_settings_files(tmp_path: Path, text: str, trouble: str) -> None:
    """What is wrong, and where; a mark at the beginning and an empty file are none."""
    put(tmp_path, HOME_FILE, text)
    (found,) = settings_files({}, tmp_path / "home", tmp_path, tmp_path / "managed")
    assert found.path == "~/.claude/settings.json"
    assert trouble in found.trouble
    assert bool(found.trouble) == bool(trouble)


def test_a_settings_file_that_is_none(tmp_path: Path) -> None:
    """A folder, bytes that are no text, a file that is too large."""
    path = tmp_path / HOME_FILE
    path.mkdir(parents=True)
    (found,) = settings_files({}, tmp_path / "home", tmp_path, tmp_path / "managed")
    assert found.trouble == "it is a folder"
    path.rmdir()
    path.write_bytes(b"\xff\xfe{}")
    (found,) = settings_files({}, tmp_path / "home", tmp_path, tmp_path / "managed")
    assert found.trouble == "byte 0 is not UTF-8"
    os.truncate(path, 5 << 20)
    (found,) = settings_files({}, tmp_path / "home", tmp_path, tmp_path / "managed")
    assert found.trouble == "it is larger than 4 MiB"


def test_the_proxy_of_a_settings_file_is_the_clients(tmp_path: Path) -> None:
    """What the client goes through is what is measured."""
    put(
        tmp_path,
        HOME_FILE,
        '{"env": {"HTTPS_PROXY": "http://proxy.example:3128", "NODE_EXTRA_CA_CERTS": "/ca.pem"}}',
    )
    network = about(tmp_path).config.network
    assert (network.https_proxy, network.ca_files) == ("http://proxy.example:3128", ("/ca.pem",))
