"""What a command behind the gateway is given: facts in, plan out."""

import json
from collections.abc import Mapping

import pytest

from seawall.claude_code.settings import ClaudeSettings, cloud
from seawall.cli import child

ADDRESS = "http://127.0.0.1:40001"
NOTHING = ClaudeSettings({})
THEIRS = ClaudeSettings({"ANTHROPIC_BASE_URL": "https://corp.example"})


@pytest.mark.parametrize(
    ("command", "yes"),
    [
        (["claude"], True),
        (["/opt/bin/claude", "-p"], True),
        (["Claude.exe"], True),
        (["claude-x"], False),
        (["sh"], False),
    ],
)
def test_claude_is_known_by_its_name(command: list[str], yes: bool) -> None:
    """By the program's name, wherever it lies."""
    assert child.is_claude(command) is yes


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["--settings", "x"], "x"),
        (["-p", "--settings=x"], "x"),
        (["--settings"], ""),
        (["--", "--settings", "x"], None),
        (["--settingsx", "x"], None),
        ([], None),
    ],
)
def test_an_option_of_the_command(arguments: list[str], value: str | None) -> None:
    """Both spellings, not after `--`."""
    assert child.option(arguments, "--settings") == value


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"CLAUDE_CODE_USE_BEDROCK": "1"}, "CLAUDE_CODE_USE_BEDROCK"),
        ({"CLAUDE_CODE_USE_VERTEX": "true"}, "CLAUDE_CODE_USE_VERTEX"),
        ({"CLAUDE_CODE_USE_FOUNDRY": "0"}, None),
        ({"CLAUDE_CODE_USE_FOUNDRY": ""}, None),
        ({}, None),
    ],
)
def test_another_provider(environ: dict[str, str], name: str | None) -> None:
    """The variable that is set, not one that is set to off."""
    assert cloud(environ) == name


@pytest.mark.parametrize(
    ("command", "environ", "settings", "says"),
    [
        (["claude"], {}, NOTHING, None),
        (["claude"], {}, THEIRS, None),
        (["claude"], {"CLAUDE_CODE_USE_VERTEX": "1"}, NOTHING, "CLAUDE_CODE_USE_VERTEX"),
        (["claude"], {}, ClaudeSettings(THEIRS.env, frozenset(THEIRS.env)), "managed settings"),
        (["claude", "--settings", "s.json"], {}, THEIRS, "a --settings of its own"),
        (["claude", "--settings", "s.json"], {}, NOTHING, None),
        (
            ["claude", "--settings", '{"env": {"ANTHROPIC_BASE_URL": "x"}}'],
            {},
            NOTHING,
            "the command's own --settings",
        ),
    ],
)
def test_what_cannot_be_covered(
    command: list[str], environ: dict[str, str], settings: ClaudeSettings, says: str | None
) -> None:
    """Claude Code would go elsewhere, and the reason is named."""
    why = child.why_uncovered(command, environ, settings)
    assert (why is None) if says is None else (why is not None and says in why)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "127.0.0.1,::1,localhost"),
        ("a, b ,", "a,b,127.0.0.1,::1,localhost"),
        ("localhost,a", "localhost,a,127.0.0.1,::1"),
        ("*", "*,127.0.0.1,::1,localhost"),
    ],
)
def test_names_without_proxy(before: str, after: str) -> None:
    """This machine's own are added once."""
    assert child.with_loopback(before) == after
    assert child.with_loopback(after) == after


@pytest.mark.parametrize(
    ("headers", "hold", "after"),
    [
        ("", None, ""),
        ("x-a: 1", None, "x-a: 1"),
        ("", 20.0, "x-seawall-hold: 20s"),
        ("x-a: 1\nX-Seawall-Hold: 5s", 0.0, "x-a: 1\nx-seawall-hold: 0s"),
    ],
)
def test_the_hold_as_a_header(headers: str, hold: float | None, after: str) -> None:
    """The user's lines stay; an outer run's hold is replaced."""
    assert child.with_hold(headers, hold) == after


def overriding(command: list[str], settings: Mapping[str, str], hold: float | None = None) -> dict[str, str]:
    """What is passed by --settings."""
    made = child.prepare(command, {}, ClaudeSettings(settings), ADDRESS, hold)
    if made.arguments[1:2] != ("--settings",):
        assert made.arguments == tuple(command)
        return {}
    env: dict[str, str] = json.loads(made.arguments[2])["env"]
    return env


def test_only_what_settings_would_override_goes_by_settings() -> None:
    """Addresses, headers and proxy names of theirs lose; anything else of theirs stays as it is."""
    assert overriding(["claude"], {}) == {}
    assert overriding(["claude"], {"ENABLE_TOOL_SEARCH": "false", "HTTPS_PROXY": "http://p:1"}) == {}
    assert overriding(["claude"], THEIRS.env) == {"ANTHROPIC_BASE_URL": ADDRESS}
    assert overriding(["claude"], {"NO_PROXY": "corp"}) == {"NO_PROXY": "corp,127.0.0.1,::1,localhost"}
    assert overriding(["claude"], {"ANTHROPIC_CUSTOM_HEADERS": "x-a: 1"}) == {}
    assert overriding(["claude"], {"ANTHROPIC_CUSTOM_HEADERS": "x-a: 1"}, 5) == {
        "ANTHROPIC_CUSTOM_HEADERS": "x-a: 1\nx-seawall-hold: 5s"
    }
    assert overriding(["sh"], THEIRS.env) == {}


def test_both_lists_of_names_without_a_proxy_stay() -> None:
    """Some programs read the one and some the other; where only one is set, it is for both."""
    environ = child.prepare(["sh"], {"NO_PROXY": "a.b", "no_proxy": "c.d"}, NOTHING, ADDRESS, None).environ
    assert (environ["NO_PROXY"], environ["no_proxy"]) == tuple(
        f"{n},127.0.0.1,::1,localhost" for n in ("a.b", "c.d")
    )
    environ = child.prepare(["sh"], {"NO_PROXY": "a.b"}, NOTHING, ADDRESS, None).environ
    assert environ["NO_PROXY"] == environ["no_proxy"] == "a.b,127.0.0.1,::1,localhost"


def test_the_way_without_us_is_remembered() -> None:
    """A run inside this one finds the upstream that would be used without either."""
    made = child.prepare(["claude"], {"ANTHROPIC_BASE_URL": "https://shell.example"}, THEIRS, ADDRESS, None)
    assert made.environ["SEAWALL_RUN_UPSTREAM"] == "https://corp.example"
    inner = child.prepare(["sh"], made.environ, NOTHING, ADDRESS, None)
    assert inner.environ["SEAWALL_RUN_UPSTREAM"] == "https://corp.example"
    assert inner.environ["ANTHROPIC_BASE_URL"] == ADDRESS
