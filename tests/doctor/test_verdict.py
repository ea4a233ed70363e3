"""The verdict by table: these findings, that cause, as sure as that."""

from typing import Any

import pytest

from seawall.causes.cause import codes, lookup
from seawall.causes.verdict import Confidence
from seawall.doctor.check import Check, Direction, Finding, Result, Sign, State, Weight, checks
from seawall.doctor.rules import rules
from seawall.doctor.verdict import Verdict, conclude, confidence

D, S, W = Weight.DECISIVE, Weight.STRONG, Weight.WEAK
AGAINST = Direction.AGAINST
OVERLOADED = Sign("provider.overloaded", "529 from the API", D, check="seen.recent")


NOW = 1_795_000_000.0


async def never(probe: object) -> Finding:
    raise AssertionError


def judged(host: str = "api.anthropic.com", **found: tuple[State, dict[str, Any]] | Finding) -> Verdict:
    """The verdict on findings; `net_tcp4=` stands for `net.tcp4`."""
    results = []
    for name, given in found.items():
        check = Check(name.replace("_", ".", 1), name, never)
        finding = given if isinstance(given, Finding) else Finding(given[0], "", given[1])
        results.append(Result(check, finding))
    return conclude(results, NOW, host)


def signs(*given: Sign) -> Finding:
    return Finding(State.WARN, "", {}, given)


def said(who: str, status: int | None, *given: Sign) -> Finding:
    """What a call found that was answered by somebody."""
    return Finding(State.FAIL, "", {"who": who, "status": status}, given)


def red(worst: int) -> Finding:
    """A status page with trouble."""
    facts = {"reached": True, "host": "s", "worst": worst}
    return Finding(State.WARN, "", facts, (Sign("provider.*", "red", S),))


FINE = (State.OK, {"who": "api", "status": 401})
NO_V6 = (State.SKIP, {})
DEAD4 = (State.FAIL, {"fault": "connect_timeout", "address": "198.51.100.1", "said": "no answer in 2.5 s"})
CONTROL = (State.OK, {"host": "example.com", "reached": True})
NO_CONTROL = (State.FAIL, {"host": "example.com", "reached": False, "fault": "connect_timeout"})
TLS_DATE = (State.FAIL, {"fault": "tls_expired"})
TCP6 = (State.FAIL, {"fault": "connect_timeout", "address": "2001:db8::1", "said": "no answer", "host": "h"})

TABLE: list[tuple[str, dict[str, Any], str | None, str]] = [
    ("all is well", {"api_edge": FINE}, None, "certain"),
    ("IPv6 fails where IPv4 works", {"net_tcp4": (State.OK, {}), "net_tcp6": TCP6, "api_edge": FINE},
     "network.ipv6_broken", "certain"),
    ("only this host is not reached", {"net_tcp4": DEAD4, "net_tcp6": NO_V6, "net_control": CONTROL},
     "network.blocked", "likely"),
    ("no host is reached", {"net_tcp4": DEAD4, "net_tcp6": NO_V6, "net_control": NO_CONTROL},
     "network.offline", "likely"),
    ("not reached, and no control", {"net_tcp4": DEAD4, "net_tcp6": NO_V6},
     "network.connect_timeout", "possible"),
    ("two certificates out of date", {"tls_chain": TLS_DATE, "net_control": (State.FAIL, {"fault": "tls_expired",
     "host": "example.com"})}, "machine.clock", "certain"),
    ("the edge, and the way is whole", {"api_edge": Finding(State.FAIL, "", {"who": "edge", "status": 503,
     "cause": "provider.service_unavailable"}, (Sign("provider.service_unavailable", "503", S, check="api.edge"),)),
     "net_control": CONTROL}, "provider.service_unavailable", "likely"),
    ("529 and a green page", {"seen_recent": signs(OVERLOADED), "api_edge": FINE,
     "status_page": signs(Sign("provider.*", "green", W, AGAINST))}, "provider.overloaded", "certain"),
    ("a red page alone", {"api_edge": FINE, "status_page": signs(Sign("provider.*", "red", S))},
     "provider.service_unavailable", "possible"),
    ("a page with a small matter alone", {"api_edge": FINE, "status_page": signs(Sign("provider.*", "so-so", W))},
     None, "certain"),
    ("a red page and a broken resolver", {"net_dns": Finding(State.FAIL, "", {}, (Sign("network.dns_temporary", "no",
     D),)), "status_page": signs(Sign("provider.*", "red", S))}, "network.dns_temporary", "certain"),
    ("a wrong key and an overloaded API", {"cred_shape": signs(Sign("account.wrong_vendor", "sk-proj-", D)),
     "seen_recent": signs(OVERLOADED)}, "account.wrong_vendor", "certain"),
    ("a faint machine cause and a sure one of the service", {"local_env": signs(Sign("machine.tls_checking_off", "off",
     W)), "seen_recent": signs(OVERLOADED)}, "provider.overloaded", "certain"),
    ("resets before, and the API answers now", {"api_edge": FINE,
     "seen_recent": signs(Sign("network.connection_reset", "9 calls", S))}, "unknown.facts_disagree", "unknown"),
    ("a key refused before, accepted now", {"api_edge": FINE, "cred_live": (State.OK, {}),
     "seen_recent": signs(Sign("account.invalid_api_key", "401", D))}, "unknown.facts_disagree", "unknown"),
    ("the control fails too, and the status page is reached", {"net_tcp4": DEAD4, "net_tcp6": NO_V6,
     "net_control": NO_CONTROL, "status_page": (State.OK, {"reached": True, "host": "status.claude.com"})},
     "network.blocked", "likely"),
    ("a trouble of the network that is a while ago", {"api_edge": FINE,
     "seen_recent": signs(Sign("network.dns_temporary", "12 min ago", W))}, None, "certain"),
    ("the API was not asked", {"api_edge": (State.SKIP, {})}, "unknown.unknown", "unknown"),
    ("the API's check crashed", {"api_edge": (State.CRASH, {})}, "unknown.unknown", "unknown"),
    ("a word of an edge about the account", {"net_control": CONTROL, "api_edge": FINE, "cred_live": said("edge", 403,
     Sign("account.permission_denied", "403"))}, None, "certain"),
    ("the edge refuses a body's size", {"api_edge": said("edge", 413, Sign("request.request_too_large", "413", D))},
     "request.request_too_large", "certain"),
    ("a page from something on the way says overloaded", {"api_edge": said("between", 529,
     Sign("provider.overloaded", "529"), Sign("gateway.unexpected_response", "a page"))},
     "gateway.unexpected_response", "possible"),
    ("nobody answered, so it is no limit", {"api_edge": said("nobody", None, Sign("limit.self_burst", "x"),
     Sign("network.client_timeout", "silence"))}, "network.client_timeout", "possible"),
    ("an old refusal of the API itself", {"api_edge": FINE, "seen_recent": signs(
     Sign("provider.overloaded", "529", D, at=NOW - 700))}, "provider.overloaded", "possible"),
    ("a refusal within ten minutes", {"api_edge": FINE, "seen_recent": signs(
     Sign("provider.overloaded", "529", D, at=NOW - 590))}, "provider.overloaded", "certain"),
    ("an old fact that says no", {"seen_recent": signs(OVERLOADED, Sign("provider.*", "it went well", D, AGAINST,
     at=NOW - 700))}, "provider.overloaded", "certain"),
    ("a dead host and a page that shows a major outage", {"net_tcp4": DEAD4, "net_tcp6": NO_V6, "net_control": CONTROL,
     "status_page": red(4)},
     "provider.service_unavailable", "possible"),
    ("a dead host and a page with a smaller trouble", {"net_tcp4": DEAD4, "net_tcp6": NO_V6, "net_control": CONTROL,
     "status_page": red(3)},
     "network.blocked", "likely"),
    ("a page to sign in, seen by plain HTTP and a closed port", {"net_tcp4": DEAD4, "net_tcp6": NO_V6, "net_control":
     NO_CONTROL, "net_captive": (State.WARN, {"portal": True, "host": "p"}), "api_edge": (State.SKIP, {})},
     "network.captive_portal", "certain"),
    ("a network that looks into plain HTTP", {"api_edge": FINE, "net_captive": (State.WARN, {"portal": True,
     "host": "p"})}, None, "certain"),
    ("the host takes the call and says nothing", {"net_control": CONTROL, "tls_chain": (State.OK, {"public": True}),
     "api_edge": Finding(State.FAIL, "", {"who": "nobody", "fault": "first_byte_timeout"},
     (Sign("network.client_timeout", "silence"),))}, "provider.gateway_timeout", "possible"),
    ("the same by a certificate of a company's", {"net_control": CONTROL, "tls_chain": (State.OK, {"public": False}),
     "api_edge": Finding(State.FAIL, "", {"who": "nobody", "fault": "first_byte_timeout"},
     (Sign("network.client_timeout", "silence"),))}, "network.client_timeout", "possible"),
    ("streams that were cut just now", {"api_edge": FINE, "seen_recent": signs(Sign("network.stream_truncated", "cut",
     S))}, "network.stream_truncated", "possible"),
    ("a stream held back on its way to the API", {"api_edge": FINE, "api_stream": said("api", 200,
     Sign("network.proxy_buffering", "at once"))}, "network.proxy_buffering", "possible"),
    ("two strong facts of one check are one", {"api_edge": (State.FAIL, {}),
     "seen_recent": signs(Sign("limit.self_burst", "a", S, check="x"), Sign("limit.self_burst", "b", S, check="x"))},
     "limit.self_burst", "possible"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "cause", "word"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_table(found: dict[str, Any], cause: str | None, word: str) -> None:
    """The cause and its word; what is not known says what would decide."""
    verdict = judged(**found)
    assert (verdict.cause, verdict.confidence.value) == (cause, word)
    assert bool(verdict.decides) == (word == "unknown")
    assert verdict.ok == (cause is None)


def test_the_others_are_named() -> None:
    """Several causes: the first that must be fixed is the verdict, the rest stand beside it in their order."""
    verdict = judged(
        seen_recent=signs(OVERLOADED),
        net_dns=signs(Sign("network.dns_failure", "no", D)),
        local_base_url=signs(Sign("machine.dead_base_url", "refused", D)),
    )
    assert verdict.cause == "machine.dead_base_url"
    assert verdict.also == ("network.dns_failure", "provider.overloaded")


def test_the_order_of_parties_is_the_surfaces() -> None:
    """Whatever order findings come in, the party that must be fixed first is named."""
    usual = [party for party in rules().order if party not in ("seawall", "gateway")]
    assert usual == ["machine", "account", "network", "request", "limit", "provider"]


def test_evidence_for_stands_before_evidence_against() -> None:
    """And the weightier before the lighter; a text stands there once."""
    page = Sign("provider.*", "green", W, AGAINST)
    faint = Sign("provider.overloaded", "faint", W)
    verdict = judged(a=signs(page, faint, OVERLOADED, OVERLOADED))
    assert [one.text for one in verdict.evidence] == ["529 from the API", "faint", "green"]


def test_a_headline_of_the_measurement_wins() -> None:
    """It says more than the catalogue's title."""
    exact = Sign("provider.overloaded", "529", D, title="the API is overloaded (529) for opus")
    assert judged(a=signs(exact)).title == "the API is overloaded (529) for opus"


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ([D], Confidence.CERTAIN), ([S], Confidence.POSSIBLE), ([S, S], Confidence.LIKELY), ([W], Confidence.UNKNOWN),
        ([W, W, W], Confidence.POSSIBLE), ([], Confidence.UNKNOWN),
    ],
)  # fmt: skip
def test_the_words(given: list[Weight], word: Confidence) -> None:
    """Decisive: certain. Two strong ones of different checks: likely. One, or several weak ones: possible."""
    found = [Sign("x.y", str(n), weight, check=str(n)) for n, weight in enumerate(given)]
    assert confidence(found) is word
    opposed = [*found, Sign("x.y", "no", D, AGAINST)]
    assert confidence(opposed) is Confidence.UNKNOWN


def test_an_old_fact_shows_its_age() -> None:
    """Its text says how long ago it was; a young one's does not."""
    old, new = (
        Sign("provider.overloaded", "old", D, at=NOW - 720),
        Sign("provider.overloaded", "new", D, at=NOW - 60),
    )
    assert [one.text for one in judged(a=signs(old, new)).evidence] == ["new", "old; 12 min ago"]


def test_a_companys_gateway_excludes_nobody() -> None:
    """What answers at another address than Anthropic's may speak for the service behind it."""
    answer = said("between", 529, Sign("provider.overloaded", "529"))
    assert judged(host="llm.corp.example", api_edge=answer).cause == "provider.overloaded"
    assert judged(host="api.anthropic.com", api_edge=answer).party == "unknown"
    assert judged(host="fakeanthropic.com", api_edge=answer).cause == "provider.overloaded"


@pytest.mark.parametrize(
    ("host", "cause"),
    [
        ("llm.corp.example", "gateway.gateway_error"),
        ("bedrock-runtime.us-east-1.amazonaws.com", "provider.bad_gateway"),
        ("api.anthropic.com", "unknown.unknown"),
    ],
)
def test_a_status_alone_is_whoevers_answered(host: str, cause: str) -> None:
    """A company's gateway that says 502 is itself meant; a cloud answers for its own service."""
    assert (
        judged(host=host, api_edge=said("between", 502, Sign("provider.bad_gateway", "502"))).cause == cause
    )


def test_who_answered() -> None:
    """It is part of the verdict, for the name of the party."""
    assert judged(api_edge=FINE).who == "api"
    assert judged(api_edge=(State.SKIP, {})).who == ""


@pytest.mark.parametrize(
    ("seen", "command"),
    [
        (Sign("network.connection_reset", "reset", S), "seawall doctor --compare here"),
        (
            Sign("gateway.unexpected_response", "a page", S),
            "seawall doctor --base-url https://api.anthropic.com",
        ),
    ],
)
def test_each_riddle_has_its_own_measurement(seen: Sign, command: str) -> None:
    """Not one sentence for all: what decides depends on what was seen."""
    verdict = judged(api_edge=FINE, seen_recent=signs(seen))
    assert verdict.cause == "unknown.facts_disagree"
    assert verdict.decides[0].startswith("One measurement decides: ")
    assert verdict.decides[-1].endswith(command)


@pytest.mark.parametrize("cause", ["none", *codes()])
def test_something_decides_about_every_cause(cause: str) -> None:
    """Whatever was seen and contradicted, there is a measurement to name."""
    from seawall.doctor.verdict import _measurement

    assert _measurement(cause, {}).do


def test_rules_name_what_is_there() -> None:
    """Causes of the catalogue, checks that exist."""
    ids = {one.id for one in checks()}
    for rule in rules().rule:
        assert {key.partition(":")[0] for key in rule.when} <= ids
        if "*" not in rule.cause and "{" not in rule.cause:
            assert rule.cause in codes()
            assert lookup(rule.cause).code == rule.cause


def test_what_several_checks_could_not_learn_for_one_reason_is_said_once() -> None:
    """Three that read the same file would say the same three times."""
    no, other = Finding(State.UNKNOWN, "it is damaged"), Finding(State.UNKNOWN, "no answer in 3 s")
    found = judged(seen_recent=no, seen_burst=no, status_page=other, request_long=no)
    assert [one.text for one in found.evidence] == [
        "not known: seen_recent, seen_burst, request_long: it is damaged",
        "not known: status_page: no answer in 3 s",
    ]


def test_what_else_was_seen_stands_in_the_order_of_mending() -> None:
    """Machine, account, network, whatever is surest; what must be mended first and is sure heads the answer."""
    network = Sign("network.dns_failure", "no address", D)
    account, machine = Sign("account.invalid_api_key", "401", S), Sign("machine.ca_file", "missing", W)
    limit = Sign("limit.self_burst", "9 at once", S)
    found = judged(net_dns=signs(limit, network), cred_live=signs(account), local_env=signs(machine))
    assert found.cause == "network.dns_failure"
    assert found.also == ("machine.ca_file", "account.invalid_api_key", "limit.self_burst")
