"""When it is time to tell somebody: six gates, five outcomes, and what may never be told to Anthropic."""

import time
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.causes.cause import codes, lookup
from seawall.config import Escalate
from seawall.doctor.answers import Answer, Answers
from seawall.doctor.check import Check, Finding, Result, Sign, State, Weight
from seawall.doctor.escalation import (
    Escalation,
    Facts,
    Gate,
    Met,
    Page,
    as_json,
    facts_of,
    judge,
    rows,
)
from seawall.doctor.escalation import State as Outcome

NOW = datetime(2026, 11, 20, 14, 22, 10).timestamp()  # by the local clock, as people read it
RULES = Escalate()
MIN = 60.0
ALL = Facts(
    cause="provider.overloaded",
    opened_at=NOW - 12 * MIN,
    episode="7f3a",
    page=Page(NOW - 30, "", "https://status.claude.com"),
    network=Met.YES,
    network_text="fine",
    accepted_at=NOW - 2 * MIN,
    peers_failing=2,
    answers=Answers(restarted=Answer(True, NOW - 5 * MIN)),
)
"""Every gate is open."""


def gate(one: Escalation, name: str) -> Gate:
    return next(each for each in one.gates if each.id == name)


def test_all_gates_open_means_now():
    """With every condition met the report is due."""
    one = judge(ALL, NOW, RULES)
    assert one.state is Outcome.NOW
    assert one.met == 6
    assert one.text == "now: seawall report 7f3a"


@pytest.mark.parametrize(
    ("change", "shut", "state"),
    [
        ({"opened_at": NOW - 9 * MIN}, "time", Met.NO),
        ({"opened_at": None}, "time", Met.UNKNOWN),
        ({"page": Page()}, "page", Met.UNKNOWN),
        ({"page": Page(NOW - 4 * MIN)}, "page", Met.UNKNOWN),
        ({"network": Met.NO, "network_text": "proxy: failed"}, "network", Met.NO),
        ({"network": Met.UNKNOWN}, "network", Met.UNKNOWN),
        ({"accepted_at": None}, "account", Met.UNKNOWN),
        ({"accepted_at": NOW - 16 * MIN}, "account", Met.UNKNOWN),
        ({"answers": Answers()}, "basics", Met.UNKNOWN),
        ({"answers": Answers(restarted=Answer(True, NOW - 20 * MIN))}, "basics", Met.UNKNOWN),
        ({"old_client": "mended in 2.1.300; this is 2.1.200"}, "basics", Met.NO),
        ({"peers_failing": 0}, "others", Met.UNKNOWN),
        ({"peers_fine": 1}, "others", Met.NO),
    ],
)
def test_one_shut_gate_keeps_it_from_now(change, shut, state):
    """Each condition alone holds the outcome at not yet, and its row says how it stands."""
    one = judge(replace(ALL, **change), NOW, RULES)
    assert one.state is Outcome.NOT_YET
    assert gate(one, shut).state is state
    assert one.met == 5


@pytest.mark.parametrize(
    ("change", "opened"),
    [
        ({"network": Met.NO, "answers": replace(ALL.answers, other_network=Answer(True, NOW))}, "network"),
        ({"accepted_at": None, "answers": replace(ALL.answers, other_login=Answer(True, NOW))}, "account"),
        ({"peers_failing": 0, "answers": replace(ALL.answers, community=Answer(True, NOW))}, "others"),
    ],
)
def test_a_persons_answer_opens_a_gate(change, opened):
    """A second network, a second login, reports of others: what no check measures, the person may say."""
    one = judge(replace(ALL, **change), NOW, RULES)
    assert gate(one, opened).state is Met.YES
    assert one.state is Outcome.NOW


@pytest.mark.parametrize("kind", ["other_network", "other_login", "community"])
def test_a_persons_no_shuts_a_gate(kind):
    """It works elsewhere, or nobody else has it: then it is not the service."""
    facts = replace(ALL, accepted_at=None, peers_failing=0)
    yes = replace(
        facts.answers, **dict.fromkeys(("other_network", "other_login", "community"), Answer(True, NOW))
    )
    one = judge(replace(facts, answers=replace(yes, **{kind: Answer(False, NOW)})), NOW, RULES)
    assert one.state is Outcome.NOT_YET
    assert one.met == 5


def test_the_row_before_the_time_is_the_one_of_the_surface():
    """It names the clock's time, how long until then, and on what it depends."""
    facts = replace(ALL, opened_at=NOW - 200)
    one = judge(facts, NOW, RULES)
    assert one.text == "not yet; 14:28:50 (in 6 min 40 s) if this goes on and the page stays green"
    assert one.opens_at == facts.opened_at + 600


def test_the_gates_as_a_person_reads_them():
    """Section 9's block: how many, then a mark, a name and what is known of each."""
    facts = replace(ALL, opened_at=NOW - 500, answers=Answers(), page=Page(NOW - 30))
    assert rows(judge(facts, NOW, RULES)) == [
        "4 of 6 gates met",
        "x time     8 min 20 s of 10 min   opens 14:23:50",
        "+ page     green at 14:21:40",
        "+ network  fine · second network: not tried (seawall doctor --save)",
        "+ account  accepted 2 min ago",
        "? basics   restart Claude Code once, then press b",
        "+ others   2 teammates fail too",
    ]
    assert all(line.isascii() for line in rows(judge(facts, NOW, RULES), plain=True))


def test_nine_of_ten_earlier_ones_may_take_longer_than_the_clock():
    """Where such trouble usually lasts longer, it is waited for as long as that."""
    one = judge(replace(ALL, p90=38 * MIN), NOW, RULES)
    assert one.state is Outcome.NOT_YET
    assert one.opens_at == ALL.opened_at + 38 * MIN
    assert "9 of 10 earlier ones were over by then" in gate(one, "time").text
    assert judge(replace(ALL, p90=2 * MIN), NOW, RULES).state is Outcome.NOW


@pytest.mark.parametrize("code", ["unknown.unknown", "provider.rate_limited_unspecified"])
def test_what_is_not_plainly_the_services_waits_thirty_minutes(code):
    """The longer clock is for what is not known, and for throttles, which the catalogue gives half an hour."""
    one = judge(replace(ALL, cause=code), NOW, RULES)
    assert one.state is Outcome.NOT_YET
    assert one.opens_at == ALL.opened_at + 30 * MIN
    assert judge(replace(ALL, cause=code, opened_at=NOW - 31 * MIN), NOW, RULES).state is Outcome.NOW


def test_twice_the_time_is_enough_with_page_and_network():
    """Somebody who cannot ask teammates is not kept waiting for ever."""
    facts = replace(ALL, peers_failing=0, answers=Answers(), accepted_at=None)
    before = judge(replace(facts, opened_at=NOW - 19 * MIN), NOW, RULES)
    assert before.state is Outcome.NOT_YET
    assert before.opens_at == NOW + 1 * MIN
    assert "3 of 6 gates met" in before.text
    assert judge(replace(facts, opened_at=NOW - 20 * MIN), NOW, RULES).state is Outcome.NOW
    assert judge(replace(facts, opened_at=NOW - 20 * MIN, page=Page()), NOW, RULES).state is Outcome.NOT_YET
    assert (
        judge(replace(facts, opened_at=NOW - 20 * MIN, network=Met.NO), NOW, RULES).state is Outcome.NOT_YET
    )


def test_an_incident_on_the_page_is_known_already():
    """There is nothing to file, whatever the clock says; the page's name for it and its address are shown."""
    page = Page(NOW - 10, "Elevated errors on Opus", "https://status.claude.com")
    one = judge(replace(ALL, page=page, opened_at=NOW - 9000), NOW, RULES)
    assert one.state is Outcome.ALREADY_KNOWN
    assert "Elevated errors on Opus" in one.text
    assert "https://status.claude.com" in one.text
    assert gate(one, "page").state is Met.NO


def test_a_clock_set_back_during_an_episode_opens_nothing():
    """An episode of the future has lasted no time at all."""
    one = judge(replace(ALL, opened_at=NOW + 3600), NOW, RULES)
    assert one.state is Outcome.NOT_YET
    assert one.opens_at == NOW + 600


times = st.none() | st.floats(NOW - 1e6, NOW + 1e6)
answers = st.none() | st.builds(Answer, st.booleans(), st.floats(NOW - 1e6, NOW + 1e6))
ANY = st.builds(
    Facts,
    cause=st.sampled_from(codes()),
    opened_at=times,
    p90=st.none() | st.floats(0, 1e5),
    episode=st.just("7f3a"),
    host=st.sampled_from(["", "api.anthropic.com", "bedrock-runtime.eu-west-1.amazonaws.com"]),
    page=st.builds(Page, times, st.sampled_from(["", "Elevated errors"])),
    network=st.sampled_from(Met),
    accepted_at=times,
    old_client=st.sampled_from(["", "mended in 2.1.300"]),
    peers_failing=st.integers(0, 3),
    peers_fine=st.integers(0, 3),
    answers=st.builds(Answers, answers, answers, answers, answers),
)


@given(ANY)
def test_statement_13_never_now_while_the_page_shows_an_incident(facts):
    """Statement 13, first half: whatever else is true."""
    if facts.page.incident:
        assert judge(facts, NOW, RULES).state is not Outcome.NOW


@pytest.mark.parametrize(
    "code", [one for one in codes() if one.partition(".")[0] in ("account", "request", "machine", "limit")]
)
def test_statement_13_never_now_for_what_is_the_persons_own(code):
    """Statement 13, second half: with every gate open and any time gone, it is nobody's at Anthropic."""
    for opened in (NOW - 12 * MIN, NOW - 1e6, None):
        one = judge(replace(ALL, cause=code, opened_at=opened), NOW, RULES)
        assert one.state in (Outcome.NEVER, Outcome.ELSEWHERE)
        assert one.gates == ()


@given(ANY)
def test_the_outcome_is_sound(facts):
    """It opens in the future or not at all; now needs page and network; all six gates or none are shown."""
    one = judge(facts, NOW, RULES)
    assert one.opens_at is None or (one.state is Outcome.NOT_YET and one.opens_at >= NOW)
    assert len(one.gates) in (0, 6)
    assert one.text
    if one.state is Outcome.NOW:
        assert gate(one, "page").state is gate(one, "network").state is Met.YES
        assert lookup(facts.cause).party in ("provider", "unknown")
    assert as_json(one)["state"] == one.state.value


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("account.malformed_key", "never for this cause"),
        ("network.tls_untrusted_ca", "to your IT department, not to Anthropic. Text: seawall report --it"),
        ("network.offline", "to whoever runs your network"),
        ("gateway.gateway_error", "to the operator of the gateway"),
        ("network.client_timeout", "to your network team, after 30 minutes, if short calls time out too"),
        (
            "provider.bedrock_unavailable",
            "After 10 minutes, to AWS support, with the value of `x-amzn-requestid`",
        ),
    ],
)
def test_somebody_else_is_named(code, said):
    """What Anthropic cannot mend says who can, in the words of the cause."""
    if code not in codes():
        pytest.fail(f"{code} is gone from the catalogue")
    one = judge(replace(ALL, cause=code), NOW, RULES)
    assert one.text.lower() == said.lower()


def test_another_providers_trouble_is_told_there():
    """A 529 of a gateway or a cloud is not Anthropic's to hear of."""
    one = judge(replace(ALL, host="relay.example"), NOW, RULES)
    assert one.state is Outcome.ELSEWHERE
    assert "relay.example" in one.text


def found(check: str, state: State, facts: dict | None = None, signs: tuple[Sign, ...] = ()) -> Result:
    async def run(probe):
        raise AssertionError("not run here")

    return Result(Check(check, check.replace(".", " "), run), Finding(state, "", facts or {}, signs))


FINE = [found(name, State.OK) for name in ("net.dns", "tls.chain", "net.control", "net.tcp4")]
GREEN = {"reached": True, "worst": 0, "host": "status.claude.com", "incidents": [], "components": {}}


def test_facts_from_what_the_doctor_found():
    """Path, page, key and teammates are read from the findings of this moment."""
    results = [
        *FINE,
        found("status.page", State.OK, GREEN),
        found("cred.live", State.OK),
        found("seen.peers", State.OK, {"failing": 2, "fine": 0}),
    ]
    facts = facts_of("provider.overloaded", results, NOW, opened_at=NOW - 700, episode="7f3a")
    assert facts.page == Page(NOW, "", "https://status.claude.com")
    assert (facts.network, facts.network_text) == (Met.YES, "fine")
    assert facts.accepted_at == NOW
    assert facts.peers_failing == 2


@pytest.mark.parametrize(
    ("chain", "met", "text"),
    [
        (State.WARN, Met.YES, "fine"),
        (State.FAIL, Met.NO, "tls chain: failed"),
        (State.UNKNOWN, Met.UNKNOWN, "tls chain: not measured"),
        (State.CRASH, Met.UNKNOWN, "tls chain: not measured"),
    ],
)
def test_a_company_root_that_the_connection_accepts_is_a_fine_way(chain, met, text):
    """The check only warns where the connection stood: whoever signs it, the way was walked. One that fails was not."""
    results = [one for one in FINE if one.check.id != "tls.chain"]
    results.append(
        found("tls.chain", chain, {"trusted": chain is State.WARN, "public": False, "system": True})
    )
    facts = facts_of("provider.overloaded", results, NOW)
    assert (facts.network, facts.network_text) == (met, text)


def test_a_page_with_an_incident_is_read_as_one():
    """By its incident's name, else by the component that is not well, else by the word of the page."""
    for more, name in (
        ({"incidents": [{"name": "Elevated errors", "impact": "major"}]}, "Elevated errors"),
        (
            {"components": {"Claude API": "partial_outage", "Claude Code": "operational"}},
            "Claude API: partial_outage",
        ),
        ({"indicator": "major"}, "major"),
    ):
        page = facts_of(
            "provider.overloaded", [found("status.page", State.WARN, GREEN | {"worst": 3} | more)], NOW
        ).page
        assert page.incident == name


def test_a_page_that_was_not_reached_says_nothing():
    """No answer is not green."""
    assert facts_of("x.y", [found("status.page", State.UNKNOWN, {"reached": False})], NOW).page == Page()


def test_what_was_not_measured_is_not_fine():
    """A network is fine only where its path was walked; one failed check says it is not."""
    assert facts_of("x.y", [], NOW).network is Met.UNKNOWN
    assert facts_of("x.y", FINE[:2], NOW).network is Met.UNKNOWN
    edge = found("api.edge", State.OK)
    alone = facts_of("x.y", [edge], NOW)
    assert (alone.network, alone.network_text) == (Met.UNKNOWN, "another host: not measured")
    assert facts_of("x.y", [edge, found("net.control", State.OK)], NOW).network is Met.YES
    one = facts_of("x.y", [*FINE, found("api.edge", State.OK), found("net.proxy", State.FAIL)], NOW)
    assert (one.network, one.network_text) == (Met.NO, "net proxy: failed")


def test_an_old_client_is_taken_from_its_sign():
    """What the check says of a later version stands in the row."""
    sign = Sign("machine.old_client", "mended in 2.1.300; this is 2.1.200", Weight.STRONG)
    assert facts_of("x.y", [found("local.client", State.WARN, {}, (sign,))], NOW).old_client == sign.text


def test_an_earlier_acceptance_counts_where_no_key_was_asked_now():
    """A saved login is never opened: then what the gateway saw is what there is."""
    assert (
        facts_of("x.y", [found("cred.live", State.SKIP)], NOW, accepted_at=NOW - 60).accepted_at == NOW - 60
    )


def test_the_object_says_the_same():
    """Section 15: state, the time in UTC, each gate with its state."""
    one = judge(replace(ALL, opened_at=NOW - 200), NOW, RULES)
    said = as_json(one)
    assert said["state"] == "not_yet"
    assert said["opens_at"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW + 400))
    assert said["gates"][0] == {"id": "time", "state": "no", "text": gate(one, "time").text}
