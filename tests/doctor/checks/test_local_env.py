"""The base address as it is written, and switches that matter."""

from pathlib import Path

import pytest
import trustme
from doctor_peers import about, ran

from seawall.config import Network
from seawall.doctor.check import State
from seawall.doctor.checks.local_env import trouble


@pytest.mark.parametrize(
    ("url", "wrong", "better"),
    [
        ("https://api.anthropic.com", "", ""),
        ("http://127.0.0.1:8787/", "", ""),
        ("https://llm.corp.example/anthropic", "", ""),
        ("https://[2001:db8::1]:8443", "", ""),
        ("https://api.anthropic.com/v1", "ends in /v1", "https://api.anthropic.com"),
        ("https://api.anthropic.com/v1/", "ends in /v1", "https://api.anthropic.com"),
        ("https://x.example:8443/a/v1/messages", "ends in /v1", "https://x.example:8443/a"),
        ("http://api.anthropic.com", "begins with http://", "https://api.anthropic.com"),
        ("api.anthropic.com", "does not begin with", ""),
        ("https://u:hunter2@x.example", "no user name or password", ""),
        ("http://127.0.0.1:0", "port", ""),
        ("  ", "empty", ""),
    ],
)
def test_base_addresses(url: str, wrong: str, better: str) -> None:
    """What is wrong, and what it should be where that is known; never the password."""
    said, should = trouble(url)
    assert wrong in said
    assert bool(said) == bool(wrong)
    assert should == better
    assert "hunter2" not in said


def test_a_wrong_base_address_is_the_verdict_with_its_place(tmp_path: Path) -> None:
    """Who says so is named."""
    found = ran(about(tmp_path, environ={"ANTHROPIC_BASE_URL": "https://api.anthropic.com/v1"}), "local.env")
    assert found.state is State.FAIL
    (sign,) = found.signs
    assert (sign.cause, sign.weight.value) == ("machine.wrong_base_url", "decisive")
    assert "(the environment)" in sign.text
    assert sign.text.endswith("it should be https://api.anthropic.com")


def test_switches(tmp_path: Path) -> None:
    """Unchecked certificates are a faint warning; another provider is a note."""
    found = ran(about(tmp_path, environ={"NODE_TLS_REJECT_UNAUTHORIZED": "0"}), "local.env")
    assert [(one.cause, one.weight.value) for one in found.signs] == [("machine.tls_checking_off", "weak")]
    found = ran(about(tmp_path, environ={"CLAUDE_CODE_USE_BEDROCK": "1"}), "local.env")
    assert "Amazon Bedrock" in found.signs[0].text
    assert found.state is State.OK
    assert ran(about(tmp_path, environ={"CLAUDE_CODE_USE_BEDROCK": "0"}), "local.env").signs == ()


def test_a_value_that_is_hidden_is_a_note(tmp_path: Path) -> None:
    """The file wins over the shell; the value itself is not said."""
    (tmp_path / ".claude").mkdir()
    (tmp_path / ".claude" / "settings.json").write_text('{"env":{"ANTHROPIC_API_KEY":"aaaa-secret"}}')
    found = ran(about(tmp_path, environ={"ANTHROPIC_API_KEY": "bbbb-secret"}), "local.env")
    assert "wins over the environment" in found.signs[0].text
    assert "secret" not in repr(found)


def test_lines_that_say_otherwise(tmp_path: Path) -> None:
    """A loader's file and a profile that the shell has not read are noted; a line that was read is not."""
    (tmp_path / ".env").write_text("ANTHROPIC_API_KEY=sk-ant-api03-of-a-project\n")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".zshrc").write_text(
        "export ANTHROPIC_BASE_URL=http://127.0.0.1:8787\nexport ANTHROPIC_AUTH_TOKEN=tok-1234\n"
    )
    found = ran(about(tmp_path, environ={"ANTHROPIC_AUTH_TOKEN": "tok-1234"}), "local.env")
    texts = [one.text.replace(str(tmp_path), "") for one in found.signs]
    assert texts == [
        "~/.zshrc line 1 sets ANTHROPIC_BASE_URL, and this shell has not got it: open a new one",
        "/.env line 1 sets ANTHROPIC_API_KEY for programs that load that file",
    ]
    assert found.state is State.OK
    assert found.facts["places"]["ANTHROPIC_AUTH_TOKEN"] == ["~/.zshrc line 2"]
    assert "of-a-project" not in repr(found)


@pytest.mark.parametrize(
    ("no_proxy", "base", "warned"),
    [
        ("", "http://127.0.0.1:8787", True),
        ("corp.example", "http://localhost:8787", True),
        ("localhost,127.0.0.1", "http://127.0.0.1:8787", False),
        ("*", "http://127.0.0.1:8787", False),
        ("", "https://llm.corp.example", False),
    ],
)
def test_a_local_address_and_a_proxy(tmp_path: Path, no_proxy: str, base: str, warned: bool) -> None:
    """The company's proxy knows no address of this machine."""
    environ = {"HTTPS_PROXY": "http://p.example:1", "ANTHROPIC_BASE_URL": base, "NO_PROXY": no_proxy}
    found = ran(about(tmp_path, environ=environ, network=Network(no_proxy=no_proxy)), "local.env")
    assert (found.state is State.WARN) is warned
    assert [one.cause for one in found.signs if one.direction.value == "for"] == (
        ["machine.wrong_base_url"] if warned else []
    )


@pytest.mark.parametrize("kind", ["missing", "folder", "garbage"])
@pytest.mark.parametrize("name", ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"])
def test_a_file_of_roots_that_cannot_be_used_is_seen_without_a_network(
    tmp_path: Path, kind: str, name: str
) -> None:
    """Which variable names it, and where that is set: nothing beyond this machine is asked."""
    path = tmp_path / "root"
    if kind == "folder":
        path.mkdir()
    if kind == "garbage":
        path.write_bytes(b"\x30\x82" * 100)
    found = ran(about(tmp_path, environ={name: str(path)}, offline=True), "local.env")
    [sign] = [one for one in found.signs if one.cause == "machine.ca_file"]
    assert sign.text.startswith(f"{name} (the environment): {path}: skipped, ")
    assert found.state is State.WARN


def test_roots_that_are_right_are_no_trouble(tmp_path: Path) -> None:
    """Neither those of a setting, nor a file that two variables name."""
    path = tmp_path / "root.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    both = {"NODE_EXTRA_CA_CERTS": str(path), "SSL_CERT_FILE": str(path)}
    one = about(tmp_path, environ=both, network=Network(ca_files=(str(path),)))
    assert ran(one, "local.env").state is State.OK
