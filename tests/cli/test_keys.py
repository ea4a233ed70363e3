"""Where keys come from, and that they are never said."""

import sys
from types import SimpleNamespace

import pytest

from seawall.cli.keys import fallback_keys
from seawall.config import Config, Fallback

KEY = "sk-other-" + "k" * 30
BY_ENV = Fallback(upstream="https://a.example", key_env="A_KEY")
BY_KEYRING = Fallback(upstream="https://b.example", key_keyring="service/some/user")


def keyring_with(monkeypatch: pytest.MonkeyPatch, **found: object) -> None:
    """An installed `keyring` that has one entry, or fails."""

    def get_password(service: str, user: str) -> object:
        if isinstance(found.get("error"), Exception):
            raise found["error"]
        return found.get("key") if (service, user) == ("service", "some/user") else None

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=get_password))


def test_keys_from_both_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the table's place; one that changes only the model needs none."""
    keyring_with(monkeypatch, key="from-the-keyring\n")
    config = Config(fallback=(Fallback(model="opus"), BY_ENV, BY_KEYRING))
    assert fallback_keys(config, {"A_KEY": f" {KEY} "}) == ({1: KEY, 2: "from-the-keyring"}, [])


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({}, "the variable A_KEY is not set"),
        ({"A_KEY": " "}, "the variable A_KEY is not set"),
        ({"A_KEY": "two words"}, "a blank or another sign"),
        ({"A_KEY": "sk-x\r\nhost: evil"}, "a blank or another sign"),
        ({"A_KEY": "schlüssel-" + KEY}, "a blank or another sign"),
        ({"A_KEY": "sk-ant-oat01-" + KEY}, "the token of a claude.ai login"),
    ],
)
def test_a_variable_without_a_usable_key(environ: dict[str, str], says: str) -> None:
    """The table is not used, and the sentence does not repeat what was found."""
    keys, problems = fallback_keys(Config(fallback=(BY_ENV,)), environ)
    assert keys == {}
    assert len(problems) == 1
    assert problems[0].startswith("[[fallback]] 1 is not used: ")
    assert says in problems[0]
    assert KEY not in problems[0]


def test_no_keyring_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said what to install, or to do instead."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    keys, problems = fallback_keys(Config(fallback=(BY_KEYRING,)), {})
    assert keys == {}
    assert "key_keyring needs the Python package `keyring`, which is not installed" in problems[0]


def test_a_keyring_that_has_nothing_or_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither keeps the gateway from starting."""
    config = Config(fallback=(BY_KEYRING,))
    keyring_with(monkeypatch, key=None)
    assert "has nothing for service/some/user" in fallback_keys(config, {})[1][0]
    keyring_with(monkeypatch, error=RuntimeError(KEY))
    assert fallback_keys(config, {})[1] == [
        "[[fallback]] 1 is not used: the keyring does not answer (RuntimeError)"
    ]
