"""Of the machine: versions, system, terminal, kind of proxy, names of settings; never a value."""

from pathlib import Path

import pytest
from doctor_peers import about

from report_cases import result
from seawall.report.machine import Machine, machine

SECRET = "Zq7xW2mK9pL4vB8nC3dF6hJ1kQ5s"


def made(
    tmp_path: Path, host: str = "api.anthropic.com", interactive: bool = True, **environ: str
) -> Machine:
    return machine(environ, about(tmp_path, environ=environ), [], host, interactive)


def test_names_of_settings_and_no_value(tmp_path):
    """What is set and where; of a proxy its kind, and whether it has a password."""
    one = made(
        tmp_path, ANTHROPIC_API_KEY=f"sk-ant-api03-{SECRET}", HTTPS_PROXY=f"http://ann:{SECRET}@proxy.corp.example:8080",
        ANTHROPIC_BASE_URL="https://relay.corp.example", NO_PROXY="corp.example",
    )  # fmt: skip
    assert "HTTPS_PROXY: http, with a password" in one.proxy
    assert "NO_PROXY: set" in one.proxy
    assert any(line == "ANTHROPIC_API_KEY (the environment)" for line in one.settings)
    for value in (SECRET, "corp.example", "ann"):
        assert value not in repr(one)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("proxy:8080", "no scheme"), ("SOCKS5://p:1", "socks5"), ("weird://p", "another scheme"), ("http://p", "http"),
        ("\x1b[31m://p", "another scheme"),
    ],
)  # fmt: skip
def test_kinds_of_proxies(tmp_path, value, kind):
    """By scheme only, whatever stands there."""
    assert made(tmp_path, https_proxy=value).proxy[0] == f"https_proxy: {kind}"


def test_the_system_as_it_calls_itself(tmp_path, monkeypatch):
    """With the slash and the brackets of its name; what no name has, a file of anybody's may still hold."""
    name = "Debian GNU/Linux 12 (bookworm)\x1b[2J"
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"PRETTY_NAME": name})
    assert made(tmp_path).system.endswith(", Debian GNU/Linux 12 (bookworm)2J")


@pytest.mark.parametrize(
    ("environ", "choice"),
    [
        ({"TERM_PROGRAM": "Apple_Terminal"}, "Terminal.app (macOS)"),
        ({"TERM_PROGRAM": "vscode"}, "VS Code integrated terminal"),
        ({"TERM_PROGRAM": "vscode", "CURSOR_TRACE_ID": "x"}, "Cursor"),
        ({"TERMINAL_EMULATOR": "JetBrains-JediTerm"}, "IntelliJ IDEA terminal"),
        ({"WT_SESSION": "x", "WSL_DISTRO_NAME": "Debian"}, "Windows Terminal"),
        ({"TERM": "xterm-256color"}, "Other"),
        ({"TERM": "xterm-256color", "CI": "true"}, "Non-interactive/CI environment"),
    ],
)
def test_the_terminal_in_the_forms_words(tmp_path, environ, choice):
    """By what terminals say of themselves."""
    assert made(tmp_path, **environ).terminal_choice == choice


def test_no_terminal_at_all(tmp_path):
    """A job without one is what the form calls non-interactive."""
    assert made(tmp_path, interactive=False).terminal_choice == "Non-interactive/CI environment"


@pytest.mark.parametrize(
    ("host", "environ", "choice"),
    [
        ("api.anthropic.com", {}, "Anthropic API"),
        ("relay.example", {}, "Other"),
        ("api.anthropic.com", {"CLAUDE_CODE_USE_BEDROCK": "1"}, "AWS Bedrock"),
        ("api.anthropic.com", {"CLAUDE_CODE_USE_VERTEX": "1"}, "Google Vertex AI"),
        ("api.anthropic.com", {"CLAUDE_CODE_USE_FOUNDRY": "1"}, "Other"),
    ],
)
def test_the_platform_in_the_forms_words(tmp_path, host, environ, choice):
    """By the cloud that Claude Code is switched to, else by the host that the calls went to."""
    assert made(tmp_path, host=host, **environ).platform_choice == choice


def test_the_client_as_the_doctor_found_it(tmp_path):
    """Version, build, and the Node that it runs on."""
    found = result("local.client", version="2.1.245", build="npm", node="22.15.0")
    one = machine({}, about(tmp_path), [found], "api.anthropic.com", True)
    assert (one.claude_code, one.node) == ("2.1.245 (npm build)", "22.15.0")
    assert made(tmp_path).claude_code == ""


def test_gateways_that_run(tmp_path):
    """How many, of which version, and what they hold; one that does not answer is not running."""
    gateways = ({"answers": True, "version": "0.1.0", "held": 2}, {"answers": False})
    one = machine({}, about(tmp_path, gateways=gateways), [], "api.anthropic.com", True)
    assert one.gateway == "1 running (0.1.0), holding 2"
    assert made(tmp_path).gateway == "not running"


def test_hostile_words_of_the_environment(tmp_path):
    """What a variable holds cannot steer a terminal or fill the page."""
    one = made(tmp_path, TERM="\x1b]0;x\x07" * 100, SHELL="/bin/\x1b[2J" + "z" * 500)
    assert "\x1b" not in repr(one)
    assert len(one.terminal) < 100
    assert len(one.shell) < 50
