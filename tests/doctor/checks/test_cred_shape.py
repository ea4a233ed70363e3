"""Keys told by their form: whose they are, what is broken; never shown."""

from pathlib import Path

import pytest
from doctor_peers import KEY, about, ran

from seawall.doctor.check import Finding, State
from seawall.doctor.checks.cred_shape import damage


def shape(tmp_path: Path, **environ: str) -> Finding:
    return ran(about(tmp_path, environ=environ), "cred.shape")


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (KEY, None),
        ("sk-ant-old-" + "k" * 40, None),
        ("sk-proj-" + "a" * 60, "account.wrong_vendor"),
        ("sk-" + "a" * 20 + "T3BlbkFJ" + "b" * 20, "account.wrong_vendor"),
        ("sk-or-v1-" + "a" * 60, "account.wrong_vendor"),
        ("AIza" + "a" * 35, "account.wrong_vendor"),
        ("AKIA" + "A" * 16, "account.wrong_vendor"),
        ("A3TX" + "A" * 16, "account.wrong_vendor"),
        ("sk-" + "0a" * 16, "account.wrong_vendor"),
        ("abc8Q~" + "x" * 32, "account.wrong_vendor"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "account.wrong_vendor"),
        ("gsk_" + "a" * 50, "account.wrong_vendor"),
        ("xai-" + "a" * 50, "account.wrong_vendor"),
        ("hf_" + "a" * 34, "account.wrong_vendor"),
        ("pplx-" + "a" * 48, "account.wrong_vendor"),
        ("ABSK" + "a" * 110, "account.wrong_vendor"),
        ("nvapi-" + "a" * 60, "account.wrong_vendor"),
        ("m" * 32, "account.wrong_vendor"),
        ("sk-my-own-gateway-key-of-no-vendor", "account.wrong_vendor"),
        (KEY[:40] + "\x00" + KEY[40:], "account.malformed_key"),
        (KEY[:40] + "\u200b" + KEY[40:], "account.malformed_key"),
        ("\ufeff" + KEY, "account.malformed_key"),
        (f"\u201c{KEY}\u201d", "account.malformed_key"),
        (KEY + "\n" + "x" * 10_000, "account.malformed_key"),
        ("x-api-key: " + KEY, "account.malformed_key"),
        (f'"{KEY}"', "account.malformed_key"),
        (KEY + "\n", "account.malformed_key"),
        (f" {KEY}", "account.malformed_key"),
        (KEY[:-9], "account.malformed_key"),
        ("Bearer " + KEY, "account.malformed_key"),
        (KEY + "é", "account.malformed_key"),
        ("your-api-key", "account.malformed_key"),
        ("${ANTHROPIC_API_KEY}", "account.malformed_key"),
        ("sk-ant-...", "account.malformed_key"),
        ("   ", "account.malformed_key"),
        ("a", "account.malformed_key"),
        ("sk-ant-a", "account.malformed_key"),
        ("0123456789abcdefghi", "account.malformed_key"),
        ("sk-ant-admin01-" + "k" * 93, "account.invalid_api_key"),
        ("sk-ant-oat01-" + "k" * 93, "account.oauth_not_allowed"),
        ("é" * 10_000, "account.malformed_key"),
    ],
)
def test_a_key(tmp_path: Path, value: str, cause: str | None) -> None:
    """Its cause, certain; none of its secret part in anything that is found."""
    found = shape(tmp_path, ANTHROPIC_API_KEY=value)
    assert [one.cause for one in found.signs] == ([cause] if cause else [])
    assert found.state is (State.FAIL if cause else State.OK)
    secret = value.strip().strip('"')[-12:]
    if len(value) > 30:
        assert secret not in repr(found)


def test_no_key_is_no_failure(tmp_path: Path) -> None:
    """A login in the system's keychain is not looked at, so nothing is said of it."""
    assert shape(tmp_path).state is State.SKIP


def test_another_gateway_gives_out_keys_of_its_own(tmp_path: Path) -> None:
    """Its key may begin like another vendor's."""
    environ = {"ANTHROPIC_BASE_URL": "https://llm.corp.example", "ANTHROPIC_API_KEY": "sk-proj-" + "a" * 50}
    assert not ran(about(tmp_path, environ=environ), "cred.shape").signs


def test_a_short_value_is_a_key_cut_off_and_not_anothers(tmp_path: Path) -> None:
    """Its length is said; where another gateway gives out keys, a short one may be right."""
    assert (
        shape(tmp_path, ANTHROPIC_API_KEY="a").summary
        == "ANTHROPIC_API_KEY is too short for a key: 1 character"
    )
    environ = {"ANTHROPIC_BASE_URL": "https://llm.corp.example", "ANTHROPIC_API_KEY": "sk-1234"}
    assert not shape(tmp_path, **environ).signs


def test_the_saved_login_is_never_opened(tmp_path: Path) -> None:
    """That it is there is all that is known of it."""
    folder = tmp_path / "home" / ".claude"
    folder.mkdir(parents=True)
    (folder / ".credentials.json").write_text('{"token": "sk-ant-oat01-' + "s" * 60 + '"}')
    found = shape(tmp_path, ANTHROPIC_API_KEY=KEY)
    assert found.facts["saved_login"] is True
    assert "ssss" not in repr(found)
    assert found.state is State.OK


def test_a_key_that_is_whole_has_no_damage() -> None:
    """Also one of a form that is not known yet: older and newer generations differ in length."""
    assert not damage(KEY)
    assert not damage("sk-ant-api09-" + "k" * 60)


def test_a_form_that_nobody_has_published_is_not_certain(tmp_path: Path) -> None:
    """A vendor's own form is; what is only not Claude's may be new."""
    assert shape(tmp_path, ANTHROPIC_API_KEY="m" * 32).signs[0].weight.value == "strong"
    assert shape(tmp_path, ANTHROPIC_API_KEY="gsk_" + "a" * 50).signs[0].weight.value == "decisive"


def test_a_gateway_gives_out_keys_of_its_own(tmp_path: Path) -> None:
    """Behind another address every form may be right."""
    environ = {"ANTHROPIC_BASE_URL": "https://llm.corp.example", "ANTHROPIC_API_KEY": "sk-my-own-gateway-key"}
    assert shape(tmp_path, **environ).state is State.OK
