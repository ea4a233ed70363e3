"""What this machine knows must be hidden: values of secret variables, passwords in addresses, people, hosts."""

from pathlib import Path

import pytest

from seawall.report import hidden

SECRET = "Zq7xW2mK9pL4vB8nC3dF"


@pytest.mark.parametrize(
    "name",
    ["ANTHROPIC_API_KEY", "MY_TOKEN", "DB_PASSWORD", "AWS_SECRET_ACCESS_KEY", "GITHUB_PAT", "COOKIE", "APIKEY",
     "SEAWALL_NOTIFY_WEBHOOK", "SENTRY_DSN", "npm_config_authtoken", "KEY", "FOO_AUTH"],
)  # fmt: skip
def test_a_variable_that_says_secret_is_believed(name):
    """By its name alone."""
    assert SECRET in hidden.secret_values({name: SECRET})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_THINKING_TOKENS", "31999"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("KEYBOARD", "qwertyuiop"),
        ("PATH", "/usr/bin:/bin"),
        ("ANTHROPIC_MODEL", "claude-sonnet-4-5"),
        ("MY_TOKEN", "abc"),
        ("CLAUDE_CODE_CLIENT_KEY", "/"),
    ],
)
def test_what_is_no_secret_stays(name, value):
    """Numbers, switches, paths that are there, and names that only look alike: hiding them would hide the report."""
    assert hidden.secret_values({name: value}) == set()


@pytest.mark.parametrize(
    "value",
    [f"http://ann:{SECRET}@proxy.example:8080", f"postgres://ann:{SECRET}@db/x", f"socks5://a:{SECRET}@h:1"],
)
def test_the_password_of_any_address(value):
    """Whatever the variable is called."""
    assert SECRET in hidden.secret_values({"HTTPS_PROXY": value})
    assert SECRET in hidden.secret_values({"ANYTHING": value})


def test_a_password_that_is_written_with_percents():
    """Both spellings are known."""
    found = hidden.secret_values({"HTTPS_PROXY": "http://ann:p%40ss%3Aword%21@proxy.example"})
    assert {"p%40ss%3Aword%21", "p@ss:word!"} <= found


def test_custom_headers_value_by_value():
    """Each line's value is one."""
    found = hidden.secret_values({"ANTHROPIC_CUSTOM_HEADERS": f"X-A: {SECRET}\nX-B: {SECRET[::-1]}"})
    assert found == {SECRET, SECRET[::-1]}


def test_a_name_that_is_no_word_is_known_by_heart(monkeypatch):
    """It may be hidden wherever it stands; `test` may not, or nothing could be read."""
    monkeypatch.setattr(hidden, "_account", lambda: {"test"})
    found = hidden.known({"USER": "annabelle"}, Path("/home/annabelle"))
    assert found.users == ("annabelle",)
    assert found.common_users == ("test",)
    assert "/home/annabelle" in found.homes


def test_hosts_by_name_only():
    """Addresses are known by their form, loopback stays, and one common word is no name to look for."""
    given = ["proxy.corp.example", "127.0.0.1", "::1", "10.1.2.3", "localhost", "server", "Build7."]
    found = hidden.known({}, Path("/home/x"), more_hosts=given).hosts
    assert {"proxy.corp.example", "build7"} <= set(found)
    assert not {"127.0.0.1", "::1", "10.1.2.3", "localhost", "server"} & set(found)


def test_the_current_folder_is_a_projects_name(tmp_path, monkeypatch):
    """Known as it is, and as it is written below the home folder."""
    place = tmp_path / "acme"
    place.mkdir()
    monkeypatch.chdir(place)
    assert set(hidden.known({}, tmp_path).here) == {str(place), "~/acme"}
    assert hidden.known({}, place).here == ()


@pytest.mark.parametrize("name", ["test", "root", "admin", "network", "proxy", "overloaded", "bo"])
def test_a_common_word_is_known_to_be_one(name):
    """Accounts that many have, words of our own texts, and very short names."""
    found = hidden.known({"USER": name}, Path(f"/home/{name}"))
    assert name not in found.users
    assert name in found.common_users


def test_nothing_is_shown_by_accident():
    """A traceback that shows the value shows no secret."""
    found = hidden.known({"MY_TOKEN": SECRET, "USER": "annabelle"}, Path("/home/annabelle"))
    assert SECRET not in repr(found)
    assert "annabelle" not in repr(found)


@pytest.mark.parametrize(
    ("secret", "core"),
    [
        ("sk-ant-api03-abcdef", "abcdef"),
        ("ghp_abcdef", "abcdef"),
        ("https://hooks.example.com/services/abc", "services/abc"),
        ("https://ann:abcdefgh@proxy.example", "abcdefgh"),
        ("plain", "plain"),
    ],
)
def test_the_core_of_a_secret(secret, core):
    """What everybody may know of it is no part of it."""
    assert hidden.core(secret) == core
