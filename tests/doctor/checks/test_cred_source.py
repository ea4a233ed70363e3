"""Which credential wins, and what it hides."""

import json
from pathlib import Path

import pytest
from doctor_peers import KEY, about, ran

from seawall.doctor.check import Finding, State

TOKEN = "token-that-nobody-sees-1234567890"


def source(tmp_path: Path, *, helper: bool = False, login: bool = False, **environ: str) -> Finding:
    folder = tmp_path / "home" / ".claude"
    folder.mkdir(parents=True)
    if helper:
        (folder / "settings.json").write_text(
            json.dumps({"apiKeyHelper": "print-key --secret=hunter2hunter2"})
        )
    if login:
        (folder / ".credentials.json").write_text(json.dumps({"token": "sk-ant-oat01-" + "s" * 60}))
    return ran(about(tmp_path, environ=environ), "cred.source")


@pytest.mark.parametrize(
    ("environ", "helper", "login", "used", "hidden"),
    [
        ({"ANTHROPIC_AUTH_TOKEN": TOKEN, "ANTHROPIC_API_KEY": KEY}, True, True, "ANTHROPIC_AUTH_TOKEN",
         ["ANTHROPIC_API_KEY", "apiKeyHelper", "saved login"]),
        ({"ANTHROPIC_API_KEY": KEY, "CLAUDE_CODE_OAUTH_TOKEN": TOKEN}, True, False, "ANTHROPIC_API_KEY",
         ["apiKeyHelper", "CLAUDE_CODE_OAUTH_TOKEN"]),
        ({"CLAUDE_CODE_OAUTH_TOKEN": TOKEN}, True, True, "apiKeyHelper", ["CLAUDE_CODE_OAUTH_TOKEN", "saved login"]),
        ({"CLAUDE_CODE_OAUTH_TOKEN": TOKEN}, False, True, "CLAUDE_CODE_OAUTH_TOKEN", ["saved login"]),
        ({}, False, True, "saved login", []),
    ],
)  # fmt: skip
def test_the_order(
    tmp_path: Path, environ: dict[str, str], helper: bool, login: bool, used: str, hidden: list[str]
) -> None:
    """Token, key, helper, login token, saved login; each that is hidden is named, and none is shown."""
    found = source(tmp_path, helper=helper, login=login, **environ)
    assert (found.facts["used"], list(found.facts["hidden"])) == (used, hidden)
    assert not any(secret in repr(found) for secret in (KEY[20:], TOKEN[10:], "hunter2", "ssssss"))


def test_two_variables_are_a_note(tmp_path: Path) -> None:
    """Faint, because the one that wins may well be right; the SDKs choose otherwise."""
    found = source(tmp_path, ANTHROPIC_API_KEY=KEY, ANTHROPIC_AUTH_TOKEN=TOKEN)
    assert (found.state, [(one.cause, one.weight.value) for one in found.signs]) == (
        State.WARN, [("account.conflict", "weak")],
    )  # fmt: skip


def test_a_hidden_login_speaks_for_nothing_by_itself(tmp_path: Path) -> None:
    """It is told beside any trouble of the account."""
    found = source(tmp_path, login=True, ANTHROPIC_API_KEY=KEY)
    (sign,) = found.signs
    assert (found.state, sign.cause, sign.direction.value) == (State.OK, "account.*", "neutral")
    assert sign.text == "a saved claude.ai login exists; ANTHROPIC_API_KEY wins over it"


def test_none(tmp_path: Path) -> None:
    """A login in the system's keychain is not looked at, so nothing is said of it."""
    assert source(tmp_path).state is State.SKIP


def test_another_provider(tmp_path: Path) -> None:
    """Its own credentials count there."""
    found = source(tmp_path, ANTHROPIC_API_KEY=KEY, CLAUDE_CODE_USE_BEDROCK="1")
    assert found.facts["used"] == "Amazon Bedrock"
