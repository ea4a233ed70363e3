"""The catalogue is complete, and what it tells people can be followed, read and checked."""

import re
import shutil
import subprocess
from collections import Counter
from datetime import date

import pytest

from seawall.causes.cause import CATALOGUE, Cause, Party, Retry
from seawall.causes.compile import catalogue
from seawall.causes.verdict import explain
from seawall.cli.verbs import VERBS

CAUSES = {c.code: c for c in catalogue()}
EACH = pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES.keys())

# What people post, by party and by what sending again is worth: the labels that the explainer is measured by.
# One difference: a throttle that names no limit is the service's, though the label counts it among the limits.
LABELS = {
    ("provider", "yes"): "overloaded service_unavailable internal_server_error bad_gateway gateway_timeout"
    " cdn_origin_error bedrock_unavailable",
    ("provider", "after_wait"): "rate_limited_unspecified",
    ("limit", "after_wait"): "rate_limited_tokens rate_limited_requests rate_limited_concurrent"
    " rate_limited_acceleration usage_limit_reached bedrock_throttled",
    ("limit", "after_change"): "spend_limit_reached vertex_quota",
    (
        "account",
        "after_change",
    ): "credit_exhausted long_context_not_enabled missing_credentials invalid_api_key"
    " invalid_credentials_unspecified oauth_expired oauth_revoked oauth_not_allowed oauth_login_failed"
    " permission_denied model_access_denied region_blocked bedrock_access_denied cloud_credentials"
    " vertex_permission_denied",
    ("account", "no"): "org_disabled",
    ("request", "after_change"): "model_not_found model_retired endpoint_not_found context_too_long"
    " max_tokens_context_overflow max_output_tokens_invalid output_limit_exceeded request_too_large empty_content"
    " role_order tool_result_mismatch tool_schema_invalid thinking_signature thinking_block_missing"
    " thinking_config_invalid beta_header_invalid image_invalid image_too_large pdf_invalid parameter_invalid"
    " malformed_json prefill_unsupported stream_required content_filtered policy_refusal bedrock_validation",
    (
        "network",
        "after_change",
    ): "edge_blocked connection_refused dns_failure tls_untrusted_ca tls_expired tls_other"
    " proxy_auth proxy_failed",
    ("network", "yes"): "client_timeout stream_idle_timeout stream_truncated connection_reset connect_timeout"
    " dns_temporary connection_failed_unspecified",
    ("gateway", "after_change"): "unexpected_response gateway_auth gateway_error",
    ("machine", "after_change"): "mcp_server local_runtime",
    ("unrelated", "no"): "unrelated_other_vendor unrelated",
}
# What a doctor concludes from several facts, and what one platform or Seawall itself has.
CONCLUDED = {
    ("provider", "yes"): "model_capacity login_down",
    ("limit", "yes"): "self_burst",
    ("account", "after_change"): "wrong_vendor malformed_key conflict",
    ("account", "after_wait"): "fresh_key",
    ("request", "yes"): "conflict",
    ("network", "yes"): "offline ipv6_broken proxy_idle_cut asleep",
    ("network", "after_change"): "captive_portal proxy_buffering blocked",
    (
        "machine",
        "after_change",
    ): "clock ca_file tls_checking_off dead_base_url wrong_base_url settings old_client disk wsl gatekeeper",
    ("seawall", "yes"): "memory_full stopping",
    ("seawall", "after_change"): "not_running refused",
    ("seawall", "no"): "internal_error",
    ("unknown", "no"): "unknown facts_disagree",
}
WANTED = [
    (f"{party}.{condition}", retry)
    for table in (LABELS, CONCLUDED)
    for (party, retry), conditions in table.items()
    for condition in conditions.split()
]


def texts(cause: Cause) -> list[str]:
    """Everything that a person reads of a cause, but for the wordings, which are others' words."""
    return [
        cause.title, cause.meaning, cause.verify, cause.wait, cause.escalate, cause.prevention, *cause.comes_from,
        *(step.text for step in cause.do), *(note.text for note in cause.platforms),
        *(text for entry in cause.dont for text in (entry.text, entry.reason)),
        *(text for entry in cause.questions for text in (entry.ask, entry.answer)),
        *(entry.why for entry in (*cause.examples, *cause.near_misses) if entry.why),
    ]  # fmt: skip


def commands(cause: Cause) -> list[str]:
    """Every command that a person is told to run in a POSIX shell or in Claude Code."""
    foreign = {"windows"}
    return [
        *(step.command for step in cause.do if step.command),
        *(note.command for note in cause.platforms if note.command and note.on not in foreign),
        *([cause.verify_command] if cause.verify_command else []),
    ]


def test_nothing_is_missing_and_nothing_is_there_twice():
    """Every code of the references has a file, and each file is one of them: a code is never lost or renamed."""
    assert len(WANTED) == len({code for code, _ in WANTED}) > 100
    assert sorted(CAUSES) == sorted(code for code, _ in WANTED)


@pytest.mark.parametrize(("code", "retry"), WANTED)
def test_what_sending_again_is_worth(code, retry):
    """The advice on repeating is that of the labels."""
    assert CAUSES[code].retry == retry


@EACH
def test_a_reader_finds_every_part(cause):
    """Where it comes from, two reasons against the wrong thing, two questions, and what it is not."""
    assert 1 <= len(cause.comes_from) <= 5
    assert 1 <= len(cause.do) <= 3
    assert 1 <= len(cause.dont) <= 3
    assert len(cause.questions) >= 2
    assert cause.near_misses
    assert bool(cause.wordings) >= bool(cause.matchers)
    assert not re.match(r"(yes|no)\b", cause.wait, re.IGNORECASE), "it says how long, not whether"
    if cause.party is Party.PROVIDER:
        # Ten minutes for what the service itself sends; a throttle is no outage, and has the thirty of all others.
        patience = 30 if cause.code == "provider.rate_limited_unspecified" else 10
        assert cause.escalate.startswith(f"After {patience} min")


@EACH
def test_texts_are_short_and_plain(cause):
    """Lengths that fit a terminal, whole sentences, no ornaments, and nothing said twice."""
    assert 8 <= len(cause.title) <= 70
    assert 60 <= len(cause.meaning) <= 280
    for text in texts(cause):
        assert text == " ".join(text.split()), text
        assert 2 < len(text) <= 280, text
        assert not set(text) & set("!“”‘’…"), text
        assert not re.search(r"\b(simply|please|oops|obviously|easy|easily)\b", text, re.IGNORECASE), text
    for text in (*(s.text for s in cause.do), *(d.text for d in cause.dont), *(d.reason for d in cause.dont)):
        assert len(text) <= 190, text
    for text in texts(cause)[1:]:
        assert text[-1] in ".?`:", text
    assert all(entry.ask.endswith("?") for entry in cause.questions)
    said = Counter(
        [*(s.text for s in cause.do), *(d.text for d in cause.dont), *(q.ask for q in cause.questions)]
    )
    assert max(said.values()) == 1


def test_titles_differ():
    """Two causes are two things: they do not share a title."""
    assert len({c.title.lower() for c in CAUSES.values()}) == len(CAUSES)


def test_a_wording_belongs_to_one_cause():
    """No text that clients show is claimed by two causes."""
    seen = Counter(w.text.lower() for c in CAUSES.values() for w in c.wordings)
    assert [text for text, count in seen.items() if count > 1] == []


WORDINGS = [(c.code, w.text) for c in CAUSES.values() for w in c.wordings]
TYPICAL = [(c.code, e.text) for c in CAUSES.values() for e in c.examples if e.text]
ALIKE = [(e.code, e.text) for c in CAUSES.values() for e in c.near_misses if e.text]


@pytest.mark.parametrize(("code", "text"), WORDINGS + TYPICAL + ALIKE)
def test_a_text_alone_leads_to_its_cause(code, text):
    """What a client shows is enough: pasted without anything around it, it is given the cause that claims it."""
    assert explain(text).cause == code


TOOLS = frozenset({
    "curl", "printenv", "unset", "export", "env", "sudo", "openssl", "ls", "which", "date", "nslookup", "aws",
    "gcloud", "wsl.exe", "docker", "launchctl", "printf", "security", "df", "xattr", "spctl", "codesign",
    "npm", "python3", "getent", "caffeinate", "systemd-inhibit", "resolvectl", "echo", "networksetup",
    "route", "ip", "git", "touch", "claude", "seawall", "for",
})  # fmt: skip
SLASHES = frozenset({
    "/status", "/login", "/logout", "/model", "/clear", "/compact", "/context", "/usage", "/usage-credits",
    "/mcp", "/rewind",
})  # fmt: skip
CLAUDE = frozenset(["update", "doctor", "mcp", "setup-token", "--version"])
PLACEHOLDER = re.compile(
    r"<[a-z]|\.\.\.|\b(USER|PASSWORD|HOST|PORT|FILE|NAME|YOUR\w*|XXX+)\b|path/to|your-|proxy\.example"
)


@EACH
def test_commands_run_as_they_are_printed(cause):
    """Real tools, real verbs of ours, real commands of the client; no place left to fill in; a shell can parse them."""
    for command in commands(cause):
        first, *rest = command.split()
        if first.startswith("/"):
            assert command in SLASHES, command
            continue
        assert first in TOOLS, command
        assert not PLACEHOLDER.search(command), command
        if first == "seawall":
            assert (rest[0] if rest else "") in {*VERBS, "--version"}, command
            if rest[0] == "explain" and len(rest) > 1:
                assert rest[1] in CAUSES
        if first == "claude" and rest:
            assert rest[0] in CLAUDE, command
    for step in cause.do:
        assert not (step.command and step.link)
        assert not (step.powershell and not step.command)


def test_a_shell_can_parse_every_command():
    """None has an open quote or a missing end."""
    shell = shutil.which("sh")
    if shell is None:
        pytest.skip("no POSIX shell here")
    lines = [line for c in CAUSES.values() for line in commands(c) if not line.startswith("/")]
    assert len(lines) > 80
    for line in sorted(set(lines)):
        done = subprocess.run([shell, "-n", "-c", line], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}: {done.stderr}"


@EACH
def test_nothing_private_or_secret_stands_in_a_file(cause):
    """Public hosts only, by https but for two that are meant to be plain; no key, no address of somebody's network."""
    text = (CATALOGUE / f"{cause.code}.toml").read_text("utf-8")
    plain = {"http://neverssl.com", "http://www.gstatic.com/generate_204", "http://user:password@host:port"}
    for found in re.findall(r"https?://[^\s\"'`<>)]+", text):
        assert found.startswith("https://") or found.rstrip("/.,;") in plain, found
        host = re.sub(r"^https?://(?:[^/@]*@)?", "", found).partition("/")[0].partition(":")[0].rstrip(".,;")
        assert not host.endswith((".local", ".internal", ".corp", ".lan", ".home", ".test")), found
    addresses = re.findall(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", text)
    assert set(addresses) <= {"127.0.0.1", "1.1.1.1"}
    assert not re.search(
        r"sk-ant-[a-z0-9]+-\w{6}|AKIA\w{8}|sk-proj-\w{6}|eyJ\w{10}|(?<!\w)/(home|Users)/\w", text
    )
    assert text.endswith("\n")
    assert "\t" not in text


@EACH
def test_a_source_has_its_date(cause):
    """Where facts come from, with the month of the state that was read, never after the day of the last look."""
    assert cause.checked <= date.today()
    for source in cause.sources:
        assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", source.date)
        assert source.date <= cause.checked.isoformat()[:7]
        assert source.url is None or source.url.startswith("https://")
    assert len({s.title for s in cause.sources}) == len(cause.sources)


HARMFUL = re.compile(
    r"NODE_TLS_REJECT_UNAUTHORIZED=0|rm -rf|--insecure|curl -k|verify=False|spctl --(master|global)-disable|reinstall",
    re.IGNORECASE,
)


@EACH
def test_no_step_does_harm(cause):
    """Nobody is told to switch checking off, to delete his data, or to reinstall."""
    for step in (*cause.do, *cause.platforms):
        assert not HARMFUL.search(f"{step.text} {step.command or ''}"), step


@pytest.mark.parametrize(
    "code",
    [
        "provider.overloaded",
        "provider.service_unavailable",
        "provider.internal_server_error",
        "provider.bad_gateway",
        "provider.gateway_timeout",
        "provider.cdn_origin_error",
        "provider.rate_limited_unspecified",
        "provider.model_capacity",
    ],
)
def test_an_outage_is_never_the_reader_s_to_repair(code):
    """For the service's own failures no step speaks of keys, plans, logins or installing; a `dont` does."""
    cause = CAUSES[code]
    steps = " ".join(step.text for step in cause.do).lower()
    assert not re.search(r"\b(key|keys|plan|log in|login|install|update|vpn|dns)\b", steps)
    assert re.search(r"reinstall|keys|plan", " ".join(entry.text for entry in cause.dont).lower())
    assert cause.retry in (Retry.YES, Retry.AFTER_WAIT)


@pytest.mark.parametrize(
    ("code", "fact"),
    [
        ("provider.overloaded", "no quota"),
        ("provider.overloaded", "429 is about your own rate"),
        ("provider.overloaded", "Red proves a fault of theirs; green proves nothing|lags by minutes"),
        ("provider.overloaded", "A restart does not reach the service"),
        ("provider.overloaded", "Ten minutes for an error that the service itself sends"),
        ("provider.service_unavailable", "thirty for everything else"),
        ("provider.service_unavailable", "529 is the model service saying that it is full"),
        ("provider.rate_limited_unspecified", "anthropic-ratelimit-unified"),
        ("limit.usage_limit_reached", "A refused call costs no quota"),
        ("limit.spend_limit_reached", "no `retry-after`"),
        ("network.stream_truncated", "server-sent events"),
        ("network.stream_idle_timeout", "server-sent events"),
        ("network.proxy_buffering", "no upgrade is asked for"),
        ("network.tls_untrusted_ca", "trusting everybody"),
        ("unknown.unknown", "Not first"),
        ("unknown.unknown", "thirty for everything else"),
        ("request.context_too_long", "the window is the same tomorrow"),
        ("request.request_too_large", "Bytes and tokens are counted apart"),
        ("account.conflict", "cloud flags, then ANTHROPIC_AUTH_TOKEN, ANTHROPIC_API_KEY"),
    ],
)
def test_what_public_advice_gets_wrong_is_settled(code, fact):
    """Where advice is wrong or contradicts itself, the page answers the question in so many words."""
    answers = " ".join(entry.answer for entry in CAUSES[code].questions)
    assert re.search(fact, answers)


@pytest.mark.parametrize(
    ("code", "platform"),
    [
        ("machine.wsl", "wsl"),
        ("machine.gatekeeper", "macos"),
        ("network.dns_failure", "wsl"),
        ("network.tls_untrusted_ca", "linux"),
        ("machine.clock", "windows"),
        ("machine.mcp_server", "windows"),
        ("network.connection_refused", "container"),
        ("account.missing_credentials", "editor"),
        ("account.missing_credentials", "ci"),
    ],
)
def test_platforms_have_their_notes(code, platform):
    """Where one platform differs, its note is there."""
    assert platform in {note.on.value for note in CAUSES[code].platforms}


def test_windows_has_its_own_form_of_what_only_a_posix_shell_has():
    """A step with variables of the shell names the command of PowerShell too."""
    for c in CAUSES.values():
        for step in c.do:
            if step.command and re.match(r"(printenv|unset|export|env)\b", step.command):
                assert step.powershell, f"{c.code}: {step.command}"
