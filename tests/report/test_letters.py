"""Texts for support and for the network team say what those need, in the order in which they need it."""

import subprocess
from dataclasses import replace

import pytest

from report_cases import EPISODE, case, mixed, result, rows, verdict
from seawall.causes.cause import codes, lookup
from seawall.doctor.check import State
from seawall.report import letters
from seawall.report.case import Recorded


def test_support_gets_request_ids_first():
    """Then what happened, what was ruled out, and on what."""
    lines = letters.support(case()).splitlines()
    assert lines[0] == "To: Anthropic support (https://support.claude.com)"
    assert lines[1] == "Subject: The API is at capacity (provider.overloaded) since 2025-11-20 13:13:20 UTC"
    assert lines[3:7] == ["Request ids:", *(f"  req_011CSHoEeqs5C35K2UUqR000{n}" for n in (2, 1, 0))]
    text = "\n".join(lines)
    assert (
        text.index("3 attempts of 2 calls")
        < text.index("What was ruled out")
        < text.index("Claude Code 2.1.245")
    )


def test_more_ids_than_a_mail_needs():
    """Sixty, and where the rest is."""
    text = letters.support(case(recorded=Recorded(EPISODE, rows(100))))
    assert text.count("req_") == 60
    assert "and 40 more in timeline.csv" in text


def test_support_of_whoever_runs_the_platform():
    """A cloud's trouble is the cloud's to hear of, a gateway's its operator's."""
    assert letters.support(case(cloud="Amazon Bedrock")).startswith("To: the support of Amazon Bedrock\n")
    assert letters.support(case(host="relay.example")).startswith("To: whoever runs relay.example\n")
    assert "none: no answer carried one" in letters.support(case(recorded=Recorded()))


def test_the_network_team_gets_what_it_needs():
    """What fails, hosts and ports, who signs, what to change, how to test."""
    made = case(
        "network.tls_untrusted_ca",
        verdict=verdict("network.tls_untrusted_ca"),
        results=(
            result("tls.chain", State.FAIL, "an unknown root", issuer="Zscaler Root CA", trusted=False),
            result("net.proxy", State.OK, "opens the way", proxy="proxy.corp.example:8080"),
            result("net.tcp6", State.SKIP, "no IPv6"),
        ),
    )  # fmt: skip
    text = letters.network(made, "it@corp.example")
    assert text.startswith("To: it@corp.example\nSubject: api.anthropic.com: ")
    for part in (
        "tls chain: fail; an unknown root",
        "issuer of the certificate: Zscaler Root CA; this machine does not trust it",
        "proxy: proxy.corp.example:8080", "api.anthropic.com       the API itself", "platform.claude.com", "port 443",
        "NODE_EXTRA_CA_CERTS", "must print 401", "openssl s_client",
    ):  # fmt: skip
        assert part in text, part
    assert "no IPv6" not in text
    assert "NODE_TLS_REJECT_UNAUTHORIZED" not in text


def test_it_is_about_the_network_where_that_is_what_fails_now():
    """An incident of the service on record does not hide what is measured."""
    text = letters.network(case(verdict=verdict("network.dns_failure")))
    assert lookup("network.dns_failure").title in text.splitlines()[1]
    assert "Let the resolver answer" in text
    assert letters.network(case()).splitlines()[1].endswith("The API is at capacity")


def test_a_fault_of_the_network_behind_another_cause():
    """What must be fixed first is not the network's; what else was seen is."""
    seen = replace(verdict("machine.settings"), also=("account.conflict", "network.proxy_auth"))
    text = letters.network(case("machine.settings", verdict=seen))
    assert lookup("network.proxy_auth").title in text.splitlines()[1]
    assert "which credentials the proxy wants" in text
    assert "also seen: " in text
    assert letters.trouble(case()) is None


@pytest.mark.parametrize("code", [one for one in codes() if one.startswith("network.")])
def test_every_cause_of_the_network_has_a_change_to_ask_for(code):
    """By its own line, or by the hosts that must be allowed; never by turning checks off."""
    text = letters.network(case(code, verdict=verdict(code)))
    change = text.partition("What to change\n")[2].partition("\n\n")[0]
    assert change.strip()
    assert "REJECT_UNAUTHORIZED" not in text


def test_the_tests_can_be_run_as_printed():
    """Each line is a command and its meaning; a shell can read the command."""
    tests = letters.network(case()).partition("How to test\n")[2].partition("\n\n")[0].splitlines()
    assert len(tests) == 3
    for line in tests:
        command = line.strip().partition("      ")[0]
        done = subprocess.run(["bash", "-n", "-c", command], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def test_several_causes():
    """Support is told of each with its count; the network team of what is theirs, with its own count and time."""
    said = letters.support(mixed())
    assert (
        "Subject: The API is at capacity (provider.overloaded) and 2 other causes since 2025-11-20 13:13:20 UTC"
        in said
    )
    assert "\n- 32 attempts of 5 calls: Nobody listens" in said
    theirs = letters.network(mixed())
    assert "Subject: api.anthropic.com: Nobody listens at that address" in theirs
    failing = theirs.partition("What fails\n")[2].partition("\n\n")[0]
    assert failing == (
        "  Nobody listens at that address, or a firewall refuses (network.connection_refused): 32 attempts of 5 calls, "
        "between 2025-11-20 13:20:00 UTC and 2025-11-20 13:20:31 UTC."
    )
