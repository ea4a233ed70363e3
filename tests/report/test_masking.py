"""Every string goes through the patterns; the finished files are looked at once more."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.report import hidden
from seawall.report.hidden import Hidden
from seawall.report.masking import Masker, look
from seawall.report.names import Names

SECRET = "Zq7xW2mK9pL4vB8nC3dF6hJ1kQ5s"
KEY = "sk-ant-api03-" + "kQ7xW2mK9p" * 9 + "abcAA"
KNOWN = Hidden(
    secrets=(SECRET,),
    homes=("/home/annabelle",),
    users=("annabelle",),
    common_users=("test",),
    hosts=("build7",),
)


def masker(known: Hidden = KNOWN, reveal: tuple[str, ...] = ()) -> Masker:
    return Masker(known, Names(b"s" * 16), reveal)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("/home/annabelle/x", "~/x"),
        (r"D:\home\annabelle\x", r"D:~\x"),
        (r"C:\Users\annabelle\x", r"C:\Users\<user-1>\x"),
        (r'"C:\\Users\\annabelle\\x"', r'"C:\\Users\\<user-1>\\x"'),
        ("/Users/annabelle/x", "/Users/<user-1>/x"),
        ("/c/Users/annabelle/x", "/c/Users/<user-1>/x"),
        ("file:///home/annabelle/x", "file://~/x"),
        ("~annabelle/x", "~<user-1>/x"),
        ("-home-annabelle-project", "-home-<user-1>-project"),
        ("Annabelle said", "<user-1> said"),
        ("annabelle@build7", "<user-1>@<host-1>"),
        ("annabelles", "annabelles"),
        ("/home/bertram/x", "/home/<user-1>/x"),
        ("/home/test/x and a test", "/home/<user-1>/x and a test"),
        ("~test/x; -home-test-x; user test", "~<user-1>/x; -home-<user-1>-x; user <user-1>"),
        ("a test of tests: test.", "a test of tests: test."),
        ("test@build7", "<user-1>@<host-1>"),
    ],
)
def test_people_in_any_style_of_path(said, shown):
    """A name that is an ordinary word is hidden where it stands as a name, and nowhere else."""
    assert masker().text(said) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("https://api.anthropic.com/v1/messages", None),
        ("api.anthropic.com status.claude.com github.com/anthropics example.com", None),
        ("bedrock-runtime.eu-west-1.amazonaws.com", None),
        ("http://127.0.0.1:8787 http://localhost:1 [::1]:80 0.0.0.0", None),
        (
            "provider.overloaded net.dns tls.chain issue.md verdict.json 2.1.245 3.11.7 ~/.claude/settings.json",
            None,
        ),
        ("14:28:50 2026-11-20T13:22:00Z 1.1 e.g. i.e. std::vector", None),
        ("https://relay.corp.example/v1", "https://<host-1>/v1"),
        ("proxy.corp.internal:8080", "<host-1>:8080"),
        ("via gw1.mycompany.de and GW1.mycompany.de", "via <host-1> and <host-1>"),
        ("http://intranet/x", "http://<host-1>/x"),
        ("build7: refused", "<host-1>: refused"),
        ("BUILD7.", "<host-1>."),
        ("evilanthropic.com", "<host-1>"),
        ("anthropic.com.evil.example", "<host-1>"),
        ("10.1.2.3 172.20.0.1 10.1.2.3", "<address-1> <address-2> <address-1>"),
        ("192.168.1.7:3128", "<address-1>:3128"),
        ("2001:db8::5 and fe80::1%eth0", "<address-1> and <address-2>"),
        ("[2001:db8::5]:443", "[<address-1>]:443"),
        ("8.8.8.8", "<address-1>"),
    ],
)
def test_hosts_and_addresses(said, shown):
    """One's own are hidden; those that everybody's calls go to stay, and so do codes, files, versions and times."""
    assert masker().text(said) == (said if shown is None else shown)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("/srv/acme/.claude/settings.json line 3", "<path-1> line 3"),
        ("the file /opt/Acme Corp/Roots 2/ca.pem is missing", "the file <path-1> is missing"),
        ("/opt/acme and /srv/x, (/opt/acme/ca.pem): no", "<path-1> and <path-2>, (<path-3>): no"),
        (r"C:\Projects\acme\x", "<path-1>"),
        ('"/opt/acme/x"', '"<path-1>"'),
        ("/proj/acme/x and /proj/acme", "./x and ."),
        ("~/.zshrc line 41; ~/.claude/settings.json", None),
        ("/v1/messages /compact /model and/or 20/11/2026 a / b", None),
        ("/etc/ssl/certs/ca.pem /usr/lib/x /etc/claude-code/managed-settings.json /dev/null", None),
        ("https://github.com/anthropics/claude-code/issues?q=is%3Aissue", None),
        ("curl -sS -o /dev/null https://api.anthropic.com/v1/models", None),
    ],
)
def test_files_and_folders(said, shown):
    """Names of one's own are nobody's business; those that everybody has stay."""
    known = Hidden(homes=("/home/annabelle",), here=("/proj/acme", "~/acme"))
    assert masker(known).text(said) == (said if shown is None else shown)
    assert masker(known, ("path",)).text("/srv/acme/x") == "/srv/acme/x"


@pytest.mark.parametrize(
    "said",
    [f"x {KEY} y", f"token={SECRET}", f"a{SECRET}b", f"http://u:{SECRET}@proxy.example/", f"Bearer {SECRET}",
     f'{{"api_key": "{KEY}"}}', f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----"],
)  # fmt: skip
def test_secrets(said):
    """Keys by their form, and what is known by heart wherever it stands."""
    shown = masker().text(said)
    assert SECRET[:12] not in shown
    assert KEY[13:25] not in shown
    assert "<key-" in shown


def test_the_same_key_has_the_same_sign():
    """A reader can tell that it is one key that is meant."""
    one = masker()
    assert one.text(f"{KEY} and x-api-key: {KEY}").count("<key-1>") == 2


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("host", "proxy.corp.internal"), ("address", "10.1.2.3"), ("user", "/home/annabelle/x"),
        ("mail", "ann@mail.example.com"), ("organisation", "org: 01234567-89ab-cdef-0123-456789abcdef"),
    ],
)  # fmt: skip
def test_one_kind_may_be_revealed(kind, said):
    """That kind stays, the others do not."""
    one = masker(reveal=(kind,)) if kind != "mail" else masker(reveal=("mail", "host"))
    assert one.text(said) == said
    assert masker().text(said) != said
    assert SECRET not in one.text(SECRET)


def test_keys_are_never_revealed():
    """There is no such kind."""
    assert KEY not in masker(reveal=("key", "secret")).text(KEY)


TEXTS = st.lists(
    st.sampled_from(
        ["/home/annabelle", "annabelle", "build7", SECRET, KEY, "10.1.2.3", "proxy.corp.internal", "http://", "@",
         "u:p", " ", "\n", "/", "-", ".", "test", "user ", "~", "<", ">", '"', ":", "Bearer ", "authorization: ",
         "<user-1>", "***", "a", "1", "/srv/acme/x", "C:\\",
         "org: 01234567-89ab-cdef-0123-456789abcdef", "ann@mail.example.com", "::"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@given(TEXTS)
def test_what_is_masked_stays_as_it_is(text):
    """A second look finds nothing more: else the last look at finished files would stop every report."""
    one = masker()
    once = one.text(text)
    assert one.text(once) == once


@given(TEXTS)
def test_nothing_known_survives(text):
    """No secret, whatever stands around it, glued to it or not."""
    shown = masker().text(text)
    assert SECRET not in shown
    assert KEY[13:25] not in shown


def test_the_last_look_names_file_and_line():
    """What the patterns would mask, stands in a file all the same: writing stops there."""
    files = {"a.txt": "fine\n", "b.txt": "fine\nfine\nmail ann@mail.example.com\n"}
    hit = look(files, masker(), KNOWN)
    assert hit is not None
    assert (hit.file, hit.line) == ("b.txt", 3)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (SECRET[5:17], "part of the value of a secret variable"),
        ("x Ty5uR8eW3qA6sD9fG2hJ4k y", "something that looks like a key"),
        ("3f2a9c1e7b5d4860af13", "something that looks like a key"),
        ("/home/bertram/x", "something that is masked elsewhere"),
    ],
)
def test_the_last_look_finds(line, what):
    """Twelve characters of a secret; a run that nobody would have chosen; what the patterns would mask."""
    hit = look({"a": line}, masker(), KNOWN)
    assert hit is not None
    assert hit.what == what
    assert line not in repr(hit)


@pytest.mark.parametrize(
    "line",
    [
        "req_011CSHoEeqs5C35K2UUqR7Fy", "8c1f2a3b4c5d6e7f-FRA", "sw_1234567800002a",
        "fine-grained-tool-streaming-2025-05-14",
        "CLAUDE_CODE_ENABLE_FINE_GRAINED_TOOL_STREAMING", "claude-sonnet-4-5-20250929", "<key-1> <host-2>",
        "https://github.com/anthropics/claude-code/issues?q=is%3Aissue%20529%20overloaded",
        "Linux 6.18.44-fc-v669 (x86_64)",
        "", "==================== ---------------------",
    ],
)  # fmt: skip
def test_the_last_look_lets_pass(line):
    """Request ids (those named as such, whatever their form), names of settings, models, links."""
    ids = ["8c1f2a3b4c5d6e7f-FRA"]
    assert look({"a": line}, Masker(KNOWN, Names(b"s" * 16), (), ids), KNOWN, ids) is None


def test_this_machines_own_names(tmp_path: Path):
    """What is known of a real machine goes through without a hitch, and its text is masked."""
    known = hidden.known({"USER": "annabelle", "MY_TOKEN": SECRET}, tmp_path)
    one = masker(known)
    assert one.text(f"{tmp_path}/x of annabelle: {SECRET}") == "~/x of <user-1>: <key-1>"
