"""What follows from options, environment and files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.config import Config, ConfigError, Fallback, Gateway
from seawall.settings import (
    ALIASES,
    KEYS,
    TABLES,
    Loaded,
    clients_upstream,
    convert,
    load,
    project_file,
    seconds,
    settle,
    size,
    user_file,
)

OURS = "http://127.0.0.1:40001"
INSIDE = {"ANTHROPIC_BASE_URL": OURS + "/", "SEAWALL_RUN_ADDRESS": OURS}


def settled(
    options: dict[str, object] | None = None,
    environ: dict[str, str] | None = None,
    user: dict[str, object] | None = None,
    project: dict[str, object] | None = None,
) -> Loaded:
    """The settings that follow; nothing else is given."""
    return settle(options or {}, environ or {}, user or {}, "config.toml", project or {}, ".seawall.toml")


def test_nothing_given_is_the_table() -> None:
    """Every default holds, and says that it is one."""
    loaded = settled()
    assert loaded.config == Config()
    assert set(loaded.sources.values()) == {"default"}
    assert set(loaded.sources) == set(KEYS)
    assert loaded.warnings == []


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("15m", 900),
        ("10s", 10),
        ("2h", 7200),
        ("1h 30m", 5400),
        ("500ms", 0.5),
        ("400d", 34_560_000),
        ("90", 90),
        ("1.5 h", 5400),
        ("2 min", 120),
        ("3 minutes", 180),
        ("1 day", 86400),
        ("0", 0),
    ],
)
def test_lengths_of_time(text: str, result: float) -> None:
    """Every unit that people write."""
    assert seconds(text) == result


@pytest.mark.parametrize(
    "text",
    ["", " ", "m", "15x", "m15", "1h nonsense", "--1", "1,5m", "∞", "1e999", "-1e999", "9" * 400 + "d"],
)
def test_no_length_of_time(text: str) -> None:
    """Anything else is refused, never guessed; a hold without an end too, for no clock can be reckoned with it."""
    with pytest.raises(ValueError):  # noqa: PT011
        seconds(text)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("1 GiB", 1 << 30),
        ("64 MB", 64_000_000),
        ("512k", 512_000),
        ("4096", 4096),
        ("1.5 KiB", 1536),
        ("10b", 10),
    ],
)
def test_sizes(text: str, result: int) -> None:
    """Powers of 1024 with an i, of 1000 without."""
    assert size(text) == result


@pytest.mark.parametrize("text", ["", "1 XB", "GiB", "-1", "1e9", "1 GiBs"])
def test_no_size(text: str) -> None:
    """Anything else is refused, never guessed."""
    with pytest.raises(ValueError):  # noqa: PT011
        size(text)


def test_the_order_is_option_environment_project_user_default() -> None:
    """Each source wins over those after it, and the one that won is named."""
    user: dict[str, object] = {
        "gateway": {"hold": "1m", "concurrency": 5, "ping_every": "7s", "finish_abandoned": True}
    }
    project: dict[str, object] = {"gateway": {"hold": "2m", "concurrency": 6, "ping_every": "8s"}}
    environ = {"SEAWALL_GATEWAY_HOLD": "3m", "SEAWALL_GATEWAY_CONCURRENCY": "7"}
    loaded = settled({"gateway.hold": "4m", "gateway.listen": None}, environ, user, project)
    gateway = loaded.config.gateway
    assert (gateway.hold.longest, gateway.concurrency, gateway.hold.ping_every) == (240, 7, 8)
    assert gateway.finish_abandoned
    assert loaded.sources["gateway.hold.longest"] == "option --hold"
    assert loaded.sources["gateway.concurrency"] == "SEAWALL_GATEWAY_CONCURRENCY"
    assert loaded.sources["gateway.hold.ping_every"] == ".seawall.toml"
    assert loaded.sources["gateway.finish_abandoned"] == "config.toml"
    assert loaded.sources["gateway.listen"] == "default"
    assert loaded.warnings == []


def test_hold_is_a_length_or_a_table() -> None:
    """`hold = "20s"` sets the longest; `[gateway.hold]` sets each part."""
    assert settled(user={"gateway": {"hold": "20s"}}).config.gateway.hold.longest == 20
    table = settled(user={"gateway": {"hold": {"longest": "30s", "replays": 1}, "sizes": {"held": "2 GiB"}}})
    assert table.config.gateway.hold.longest == 30
    assert table.config.gateway.hold.replays == 1
    assert table.config.gateway.sizes.held == 2 << 30
    assert table.warnings == []


@pytest.mark.parametrize(
    "key",
    [
        "listen",
        "upstream",
        "hosts",
        "origins",
        "behind_proxy",
        "tls_cert",
        "tls_key",
        "fallback",
        "fallback_after",
    ],
)
def test_a_project_may_not_set_addresses(key: str) -> None:
    """A cloned repository must not redirect calls: the value is not used, and that is said."""
    value: object = {"hosts": ["evil"], "origins": ["evil"], "behind_proxy": True, "fallback": ["evil"]}.get(
        key, "evil"
    )
    loaded = settled(project={"gateway": {key: value}})
    assert loaded.config == Config()
    assert loaded.warnings == [f".seawall.toml: a project may not set gateway.{key}; it is not used"]


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("network", "https_proxy"), ("store", "path"), ("team", "token"), ("notify", "webhook"), ("notify", "secret"),
        ("notify", "slack"), ("notify", "apprise"),
    ],
)  # fmt: skip
def test_a_project_may_not_set_credentials_proxies_or_files(section: str, key: str) -> None:
    """The same for what carries secrets or says where files go."""
    loaded = settled(project={section: {key: "evil"}})
    assert loaded.config == Config()
    assert len(loaded.warnings) == 1


@pytest.mark.parametrize(
    ("user", "warning"),
    [
        ({"gatway": {"hold": 1}}, "[gatway] is not a section; did you mean gateway?"),
        ({"gateway": {"lisen": "x"}}, "gateway.lisen is not a setting; did you mean gateway.listen?"),
        ({"gateway": 5}, "gateway must be a section, not 5; it is not used"),
        (
            {"gateway": {"hold": "soon"}},
            "gateway.hold.longest must be a length of time such as \"15m\", not 'soon'; it is not used",
        ),
        (
            {"gateway": {"concurrency": "many"}},
            "gateway.concurrency must be a whole number, not 'many'; it is not used",
        ),
        (
            {"gateway": {"concurrency": True}},
            "gateway.concurrency must be a whole number, not true; it is not used",
        ),
        ({"gateway": {"concurrency": 0}}, "gateway.concurrency must be at least 1, not 0; it is not used"),
        (
            {"gateway": {"hold": {"longest": float("nan")}}},
            "gateway.hold.longest must be at least 0, not nan; it is not used",
        ),
        (
            {"gateway": {"hold": {"longest": float("inf")}}},
            "gateway.hold.longest must be at most 3.1536e+08, not inf; it is not used",
        ),
        ({"gateway": {"hosts": [1]}}, "gateway.hosts must be a list of texts, not [1]; it is not used"),
        ({"gateway": {"upstream": {"a": 1}}}, None),
        ({"team": {"token": 12345}}, "team.token must be a text, not a text that is none; it is not used"),
    ],
)
def test_a_files_mistake_is_one_warning_and_the_default(user: dict[str, object], warning: str | None) -> None:
    """Nothing in a file can keep the program from starting; the line names key, expected, found, nearest."""
    loaded = settled(user=user)
    assert loaded.config == Config()
    assert len(loaded.warnings) == 1
    assert warning is None or loaded.warnings == [f"config.toml: {warning}"]


@pytest.mark.parametrize(
    ("options", "environ", "says"),
    [
        ({"gateway.hold": "soon"}, {}, "option --hold: gateway.hold.longest must be a length of time"),
        ({"gateway.concurrency": "0"}, {}, "option --concurrency: gateway.concurrency must be at least 1"),
        ({}, {"SEAWALL_GATEWAY_HOLD": "soon"}, "SEAWALL_GATEWAY_HOLD: gateway.hold.longest must be"),
        (
            {},
            {"SEAWALL_GATEWAY_BEHIND_PROXY": "maybe"},
            "SEAWALL_GATEWAY_BEHIND_PROXY: .* true or false, not 'maybe'",
        ),
        ({}, {"SEAWALL_GATEWAY_HOLD": "-3"}, "must be at least 0"),
    ],
)
def test_a_wrong_option_or_variable_ends_the_command(
    options: dict[str, object], environ: dict[str, str], says: str
) -> None:
    """Somebody asked for it right now: better no start than another setting than theirs."""
    with pytest.raises(ConfigError, match=says):
        settled(options, environ)


def test_an_unknown_variable_of_ours_is_named() -> None:
    """A misspelt variable does not silently do nothing; other programs' variables are not looked at."""
    loaded = settled(environ={"SEAWALL_GATEWAY_LISTN": "1", "SEAWALL_DEBUG": "1", "OTHER": "x"})
    assert loaded.warnings == ["SEAWALL_GATEWAY_LISTN is not a setting; did you mean SEAWALL_GATEWAY_LISTEN?"]


def test_the_long_name_of_a_variable_wins_over_the_short_one() -> None:
    """Both name one setting; the exact one counts."""
    environ = {"SEAWALL_GATEWAY_HOLD": "1m", "SEAWALL_GATEWAY_HOLD_LONGEST": "2m"}
    assert settled(environ=environ).config.gateway.hold.longest == 120


@pytest.mark.parametrize(
    ("environ", "upstream", "clients"),
    [
        ({}, Gateway().upstream, False),
        ({"ANTHROPIC_BASE_URL": ""}, Gateway().upstream, False),
        ({"ANTHROPIC_BASE_URL": "https://corp.example/claude"}, "https://corp.example/claude", True),
        (
            {"ANTHROPIC_BASE_URL": "https://corp.example", "SEAWALL_GATEWAY_UPSTREAM": "https://b.example"},
            "https://b.example",
            False,
        ),
        ({"ANTHROPIC_BASE_URL": "http://localhost:8787/"}, Gateway().upstream, False),
        (INSIDE, Gateway().upstream, False),
        ({**INSIDE, "SEAWALL_RUN_UPSTREAM": "https://corp.example"}, "https://corp.example", True),
        (
            {"ANTHROPIC_BASE_URL": "https://else.example", "SEAWALL_RUN_ADDRESS": OURS},
            "https://else.example",
            True,
        ),
    ],
)
def test_the_clients_own_address_becomes_the_upstream(
    environ: dict[str, str], upstream: str, clients: bool
) -> None:
    """ANTHROPIC_BASE_URL counts where nothing else did, and never leads back to ourselves."""
    gateway = settled(environ=environ).config.gateway
    assert (gateway.upstream, gateway.upstream_is_clients) == (upstream, clients)


@pytest.mark.parametrize(
    ("environ", "https", "http", "no"),
    [
        ({}, "", "", ""),
        ({"HTTPS_PROXY": "http://up:1"}, "http://up:1", "", ""),
        ({"HTTPS_PROXY": "http://up:1", "https_proxy": "http://low:1"}, "http://low:1", "", ""),
        ({"HTTPS_PROXY": "http://up:1", "https_proxy": ""}, "http://up:1", "", ""),
        ({"HTTP_PROXY": "http://plain:1"}, "http://plain:1", "http://plain:1", ""),
        ({"NO_PROXY": "a", "no_proxy": "b"}, "", "", "b"),
    ],
)
def test_proxies_come_from_the_usual_variables(
    environ: dict[str, str], https: str, http: str, no: str
) -> None:
    """Lower case wins, empty means unset, http:// stands in for https:// as in Claude Code."""
    network = settled(environ=environ).config.network
    assert (network.https_proxy, network.http_proxy, network.no_proxy) == (https, http, no)


def test_extra_roots_come_from_both_variables() -> None:
    """Whichever of the two is set is trusted too."""
    loaded = settled(environ={"SSL_CERT_FILE": "/a.pem", "NODE_EXTRA_CA_CERTS": "/b.pem"})
    assert loaded.config.network.ca_files == ("/a.pem", "/b.pem")
    assert loaded.sources["network.ca_files"] == "SSL_CERT_FILE and NODE_EXTRA_CA_CERTS"
    assert settled(environ={"SSL_CERT_FILE": " "}).config.network.ca_files == ()


def test_retry_after_keeps_its_order() -> None:
    """A least above the most would leave nothing to choose from: both defaults return, with a warning."""
    loaded = settled(user={"gateway": {"hold": {"retry_after_least": 59, "retry_after_most": 30}}})
    assert loaded.config.gateway.hold.retry_after_least == 30
    assert len(loaded.warnings) == 1


def test_a_list_in_a_variable_is_parted_by_commas() -> None:
    """Blanks and empty parts do not count."""
    assert settled(environ={"SEAWALL_GATEWAY_HOSTS": "a.example, b.example,"}).config.gateway.hosts == (
        "a.example",
        "b.example",
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[gateway\n", "line 1, column 9"),
        (b"[gateway]\nhold = 15m\n", "line 2, column 10"),
        (b"\xff\xfe", "line 1: not UTF-8"),
        (b"a = " + b"[" * 100_000, "config.toml"),
        (b"#" * (1 << 20) + b"##", "larger than 1 MiB"),
    ],
)
def test_a_file_that_does_not_parse_is_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    """The defaults hold; the line names file, line and column."""
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    loaded = load({}, {}, user_file=path, project_file=None)
    assert loaded.config == Config()
    assert len(loaded.warnings) == 1
    assert says in loaded.warnings[0]
    assert "\n" not in loaded.warnings[0]


def test_files_with_a_mark_or_windows_line_ends_are_read(tmp_path: Path) -> None:
    """What a Windows editor writes is as good as any."""
    path = tmp_path / "config.toml"
    path.write_bytes(b'\xef\xbb\xbf[gateway]\r\nhold = "20s"\r\n')
    loaded = load({}, {}, user_file=path, project_file=tmp_path / "none")
    assert (loaded.config.gateway.hold.longest, loaded.warnings) == (20, [])
    assert loaded.sources["gateway.hold.longest"] == str(path)


def test_a_folder_in_the_files_place_is_a_warning(tmp_path: Path) -> None:
    """It cannot be read, and that is all."""
    assert "cannot be read" in load({}, {}, user_file=tmp_path, project_file=None).warnings[0]


def test_the_users_file_follows_xdg() -> None:
    """`~/.config` unless XDG_CONFIG_HOME names a whole path."""
    home = Path("/home/me")
    assert user_file({}, home) == Path("/home/me/.config/seawall/config.toml")
    assert user_file({"XDG_CONFIG_HOME": "/x"}, home) == Path("/x/seawall/config.toml")
    assert user_file({"XDG_CONFIG_HOME": "x"}, home) == Path("/home/me/.config/seawall/config.toml")


def test_the_projects_file_is_the_nearest_one_within_the_repository(tmp_path: Path) -> None:
    """Looked for upward, never past the repository or the home."""
    home = tmp_path / "home"
    deep = home / "repo" / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / ".seawall.toml").touch()
    assert project_file(deep, home) is None
    (home / ".seawall.toml").touch()
    assert project_file(deep, home) == home / ".seawall.toml"
    (home / "repo" / ".git").mkdir()
    assert project_file(deep, home) is None
    (home / "repo" / "a" / ".seawall.toml").touch()
    assert project_file(deep, home) == home / "repo" / "a" / ".seawall.toml"


def test_an_address_before_run_is_remembered() -> None:
    """Inside `run` the address from before counts, also when there was none."""
    assert clients_upstream({"ANTHROPIC_BASE_URL": OURS, "SEAWALL_RUN_ADDRESS": OURS}) == (
        "",
        "SEAWALL_RUN_UPSTREAM",
    )


FILE = b"""\
[gateway]
fallback = ["sonnet"]
fallback_after = "1m"

[[fallback]]
for = ["provider.overloaded", "network.*"]
model = "claude-sonnet-5-5"
after = "5s"

  [[ fallback ]]
for = "limit.*"
upstream = "https://other.example/claude"
key_keyring = "other/me"
team = true

[[fallback]]
upstream = "https://third.example"
key_env = "THIRD_KEY"
"""


def test_fallbacks_are_tables_in_their_order(tmp_path: Path) -> None:
    """Each `[[fallback]]` of the user's file, with the defaults for what it does not say."""
    path = tmp_path / "config.toml"
    path.write_bytes(FILE)
    loaded = load({}, {}, user_file=path, project_file=None)
    assert loaded.warnings == []
    assert loaded.config.gateway.fallback == ("sonnet",)
    assert loaded.config.gateway.fallback_after == 60
    assert loaded.config.fallback == (
        Fallback(("provider.overloaded", "network.*"), "claude-sonnet-5-5", after=5.0),
        Fallback(("limit.*",), upstream="https://other.example/claude", key_keyring="other/me", team=True),
        Fallback(upstream="https://third.example", key_env="THIRD_KEY"),
    )
    assert set(loaded.sources) == set(KEYS)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("fro = ['*']", "'fro' is not one of its keys; did you mean for?"),
        ("after = 'soon'", "fallback.after must be a length of time such as \"15m\", not 'soon'"),
        ("after = -1", "fallback.after must be at least 0, not -1"),
        ("for = [5]", "fallback.for must be a list of texts, not [5]"),
        (
            "for = ['overloaded']",
            "for must name causes such as provider.overloaded or provider.*, not 'overloaded'",
        ),
        ("key_env = 5", "fallback.key_env must be a text, not a text that is none"),
        ("key_env = 'X'", "key_env is for another upstream, and it names none"),
        ("team = true", "team is for another upstream, and it names none"),
        ("upstream = 'https://other.example'", "set key_env or key_keyring"),
        ("upstream = 'https://o.example'\nkey_env = 'A'\nkey_keyring = 'a/b'", "not both"),
        (
            "upstream = 'https://o.example'\nkey_env = 'sk-ant-secret'",
            "must be the name of a variable, not a key",
        ),
        ("upstream = 'https://o.example'\nkey_keyring = 'secret'", "key_keyring must be SERVICE/USER"),
        ("upstream = 'http://o.example'\nkey_env = 'A'", "the key would travel in clear"),
        ("upstream = 'o.example'\nkey_env = 'A'", "does not begin with https://"),
        ("upstream = 'https://me:secret@o.example'\nkey_env = 'A'", "no user name or password"),
        ("upstream = 'http://localhost:8787'\nkey_env = 'A'", "is this gateway itself"),
        ("upstream = 'https://API.anthropic.com/x'\nkey_env = 'A'", "under another key"),
    ],
)
def test_a_fallback_that_cannot_be_is_one_warning(tmp_path: Path, wrong: str, says: str) -> None:
    """It names file, line and table, and no secret; the tables around it count."""
    path = tmp_path / "config.toml"
    model = "" if "upstream" in wrong else "model = 'claude-opus-5'\n"
    path.write_text(
        f"# mine\n[[fallback]]\nmodel = 'opus'\n[[fallback]]\n{model}{wrong}\n[[fallback]]\nmodel = 'haiku'\n"
    )
    loaded = load({}, {}, user_file=path, project_file=None)
    assert [one.model for one in loaded.config.fallback] == ["opus", "haiku"]
    assert len(loaded.warnings) == 1
    assert loaded.warnings[0].startswith(f"{path}, line 4: [[fallback]] 2: ")
    assert says in loaded.warnings[0]
    assert "secret" not in loaded.warnings[0]


def test_a_fallback_without_anything_says_what_is_missing() -> None:
    """An empty table names no model and no upstream."""
    loaded = settled(user={"fallback": [{}]})
    assert loaded.config == Config()
    assert loaded.warnings == [
        "config.toml: [[fallback]] 1: it names no model and no upstream; it is not used"
    ]


@pytest.mark.parametrize("value", [5, "sonnet", ["sonnet"], {"model": "opus"}, [{"model": "opus"}, 5]])
def test_fallbacks_that_are_no_tables_are_one_warning(value: object) -> None:
    """The line says how such a table begins."""
    loaded = settled(user={"fallback": value})
    assert loaded.config == Config()
    assert loaded.warnings == [
        "config.toml: fallback must be tables that begin with [[fallback]]; it is not used"
    ]


def test_a_project_may_not_set_fallbacks() -> None:
    """Somebody else's repository must not send calls, or prompts, to another address."""
    loaded = settled(project={"fallback": [{"model": "claude-opus-5"}]})
    assert loaded.config == Config()
    assert loaded.warnings == [".seawall.toml: a project may not set fallback; it is not used"]


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
names = st.sampled_from([part for key in [*KEYS, *ALIASES, *TABLES] for part in key.split(".")]) | st.text(
    max_size=8
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(names, documents, max_size=4), st.dictionaries(names, documents, max_size=4))
def test_no_file_can_crash_it(user: dict[str, object], project: dict[str, object]) -> None:
    """Whatever stands in the files, there are settings, and a line for whatever was not used."""
    loaded = settled(user=user, project=project)
    assert set(loaded.sources) == set(KEYS)
    assert all("\n" not in line for line in loaded.warnings)


@given(st.sampled_from(sorted(KEYS)), scalars | st.lists(scalars, max_size=3))
def test_a_value_converts_or_is_refused(key: str, value: object) -> None:
    """There is no third way; what converts has the type of its key."""
    refusal, result = "", None
    try:
        result = convert(key, value)
    except ConfigError as error:
        refusal = str(error)
    if refusal:
        assert refusal.startswith(key)
    else:
        assert isinstance(result, KEYS[key] if isinstance(KEYS[key], type) else tuple)


@given(
    st.dictionaries(
        st.sampled_from(sorted(key.partition(".")[2] for key in TABLES)), scalars | st.lists(scalars)
    )
)
def test_any_fallback_is_used_or_warned_of(table: dict[str, object]) -> None:
    """There is no third way."""
    loaded = settled(user={"fallback": [table]})
    assert len(loaded.config.fallback) + len(loaded.warnings) == 1


def test_published_peaks_are_texts_or_tables(tmp_path: Path) -> None:
    """A claim of busy hours may be a table with its parts or a line; what is neither is a warning, and not used."""
    file = tmp_path / "config.toml"
    file.write_text(
        '[history]\nkeep = "100d"\n[[plan.published_peaks]]\ndays = "sat-sun"\nhours = "10-12"\ntz = "UTC"\n'
        'source = "a friend"\ndate = 2026-05-01\n'
    )
    loaded = load({}, {}, user_file=file, project_file=None)
    assert loaded.warnings == []
    assert loaded.config.plan.published_peaks == ("sat-sun 10-12 UTC; a friend; 2026-05-01",)
    assert loaded.config.history.keep == 100 * 86400
    lines = "mon 09-10 UTC; me; 2026;; tue 09-10 UTC; me; 2026"
    by_variable = load({}, {"SEAWALL_PLAN_PUBLISHED_PEAKS": lines}, user_file=None, project_file=None)
    assert by_variable.config.plan.published_peaks == ("mon 09-10 UTC; me; 2026", "tue 09-10 UTC; me; 2026")
    for wrong in ('[[plan.published_peaks]]\ndays = "mon"\n', "[plan]\npublished_peaks = [1]\n"):
        file.write_text(wrong)
        loaded = load({}, {}, user_file=file, project_file=None)
        assert len(loaded.warnings) == 1
        assert "plan.published_peaks must be a list of texts" in loaded.warnings[0]


def test_a_project_cannot_shorten_what_is_remembered(tmp_path: Path) -> None:
    """`history.keep` deletes records: a file that came with somebody else's repository does not decide that."""
    file = tmp_path / ".seawall.toml"
    file.write_text('[history]\nkeep = "1d"\ntimezone = "UTC"\n')
    loaded = load({}, {}, user_file=None, project_file=file)
    assert loaded.config.history.keep == 400 * 86400
    assert loaded.config.history.timezone == "UTC"
    assert "may not set history.keep" in loaded.warnings[0]
