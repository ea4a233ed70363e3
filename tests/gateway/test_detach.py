"""What a detached gateway inherits, and how a start that fails ends."""

import os
from pathlib import Path

import pytest

from own_home import Home
from seawall.gateway import detach
from seawall.gateway.runtime import LOG_LIMIT, Trouble


def test_credentials_stay_behind() -> None:
    """What clients send with each request; our own settings and the way to the network stay."""
    environ = {
        "PATH": "p", "HTTPS_PROXY": "x", "SEAWALL_TEAM_TOKEN": "x", "ANTHROPIC_BASE_URL": "x",
        "NODE_EXTRA_CA_CERTS": "x",
        "ANTHROPIC_API_KEY": "x", "ANTHROPIC_AUTH_TOKEN": "x", "CLAUDE_CODE_OAUTH_TOKEN": "x", "AWS_PROFILE": "x",
        "GITHUB_TOKEN": "x", "db_password": "x", "OPENAI_API_KEY": "x", "MY_SECRET": "x",
    }  # fmt: skip
    assert set(detach.kept_environment(environ)) == {
        "PATH", "HTTPS_PROXY", "SEAWALL_TEAM_TOKEN", "ANTHROPIC_BASE_URL", "NODE_EXTRA_CA_CERTS",
    }  # fmt: skip
    named = detach.kept_environment(environ, ("OPENAI_API_KEY", "UNSET_KEY"))
    assert named.keys() - detach.kept_environment(environ).keys() == {"OPENAI_API_KEY"}


def test_the_log_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long one is put aside once; mode 600."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    log = detach.log_file()
    assert log is not None
    assert log.stat().st_mode & 0o077 == 0
    log.write_bytes(b"x" * (LOG_LIMIT + 1))
    assert detach.log_file() == log
    assert log.stat().st_size == 0
    assert log.with_name("gateway.log.1").stat().st_size == LOG_LIMIT + 1


def test_no_log_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no file can be made there is none."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert detach.log_file() is None


def test_a_start_that_fails_says_why(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of the process that could not start, and no process left."""
    monkeypatch.setenv("HOME", str(own_home.path))
    monkeypatch.setenv("XDG_STATE_HOME", str(own_home.path / "state"))
    with pytest.raises(
        Trouble, match=r"the gateway did not start: gateway\.upstream: The address does not begin"
    ):
        detach.start_detached(["--upstream", "nonsense"], {**os.environ, **own_home.environ})
    assert own_home.gateways() == []
