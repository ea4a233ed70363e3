"""The outputs that the user's surface shows, word for word, made of findings: no network, no clock, no store."""

from dataclasses import replace
from typing import Any

import pytest

from seawall.causes.cause import Platform, load
from seawall.clock import local
from seawall.doctor.advice import advice
from seawall.doctor.case import Case
from seawall.doctor.check import Check, Direction, Finding, Result, Sign, State, Weight
from seawall.doctor.earlier import Earlier, Recently
from seawall.doctor.escalation import Escalation
from seawall.doctor.escalation import State as Told
from seawall.doctor.verdict import conclude
from seawall.history.episodes import End, Episode
from seawall.history.outlook import Outlook
from seawall.view.doctor import block
from seawall.view.layout import Look

NOW = 1795184518.0
"""2026-11-20 14:21:58 in UTC."""
D, S, W = Weight.DECISIVE, Weight.STRONG, Weight.WEAK
pytestmark = pytest.mark.usefixtures("utc")
VERBS = frozenset(("doctor", "explain", "watch", "report", "plan", "on", "off", "run", "history"))


async def never(probe: object) -> Finding:
    raise AssertionError


def result(
    id: str, title: str, state: State = State.OK, *signs: Sign, summary: str = "", **facts: Any
) -> Result:
    told = tuple(replace(one, check=one.check or id) for one in signs)
    return Result(Check(id, title, never), Finding(state, summary, facts, told))


def sign(
    cause: str, text: str, weight: Weight = S, direction: Direction = Direction.FOR, **more: Any
) -> Sign:
    return Sign(cause, text, weight, direction, **more)


def fine(*titles: str) -> list[Result]:
    """Checks that passed and say no more."""
    return [result(f"some.{title}", title) for title in titles]


def skipped(*titles: str) -> list[Result]:
    """Checks that were not run because another failed."""
    return [
        Result(Check(f"other.{title}", title, never), Finding(State.SKIP, "", blocked_by="net.dns"))
        for title in titles
    ]


def episode(id: str, cause: str, age: float, **more: Any) -> Episode:
    """One that goes on."""
    values: dict[str, Any] = {
        "route": "api.anthropic.com", "families": ("opus",), "opened_at": NOW - age, "last_failure_at": NOW - 5,
        "until": NOW, "end": End.OPEN, "attempts": 14, "calls": 2, "given_up": 0, "broken": 0, "utc_offset": 0,
    }  # fmt: skip
    return Episode(id, cause, **values | more)


def never_told() -> Escalation:
    return Escalation(Told.NEVER, "never for this cause")


def shown(*results: Result, width: int | None = 80, plain: bool = False, **known: Any) -> str:
    """What is printed of these findings."""
    verdict = conclude(results, NOW, known.get("host", "api.anthropic.com"))
    cause = load(verdict.cause) if verdict.cause else None
    case = Case(
        verdict, cause, results, NOW, **{"verbs": VERBS, "platforms": frozenset({Platform.LINUX})} | known
    )
    return "\n".join(block(case, advice(case), Look(width), plain)) + "\n"


OVERLOADED = [
    result("local.gateway", "gateway", State.WARN, running=1, held=2, models=[]),
    result(
        "seen.recent", "your own calls", State.WARN,
        sign("provider.overloaded", "14 of 14 answers in 3 min were 529 from the API itself (last req_011C…9vQ at "
             "14:21:52)", D, title="the API is overloaded (529) for opus", facts={"who": "api"}),
        sign("provider.overloaded", "sonnet and haiku succeed: 6 of 6 in the last 2 min"),
        answering={"sonnet": NOW - 20, "haiku": NOW - 31},
    ),
    *fine("name", "IPv4", "IPv6", "TLS", "proxy", "key", "settings", "clock"),
    result("status.page", "status page", State.SKIP,
           sign("provider.*", "status.claude.com shows no incident (14:21:58; it often lags)", W, Direction.AGAINST)),
]  # fmt: skip
HOLDING = {
    "earlier": Earlier(
        episode("7f3a", "provider.overloaded", 190), 23, (), Outlook(23, 120.0, 240.0, 660.0, 100.0)
    ),
    "escalation": Escalation(
        Told.NOT_YET, "not yet; 14:28:50 (in 6 min 50 s) if this goes on and the page stays green", NOW + 410
    ),
}


def test_an_overloaded_api_with_held_calls() -> None:
    """Who, what Seawall does, until when; what not to do; evidence for and against; the clock of escalation."""
    assert (
        shown(*OVERLOADED, **HOLDING)
        == """\
Anthropic's side — the API is overloaded (529) for opus.               certain
Seawall is holding 2 calls for you. Nothing is lost; leave the window open.

Do now    Wait. Most episodes like this end within 4 min; this one is at
          3 min 10 s.
          In a hurry:  /model sonnet   (it answered 20 s ago)
Don't     press Esc and resend: you lose your place in the queue
          change keys, log out, reinstall: nothing here is wrong
          upgrade your plan: a 529 is not your limit and costs no quota
Evidence  + 14 of 14 answers in 3 min were 529 from the API itself (last
            req_011C…9vQ at 14:21:52)
          + sonnet and haiku succeed: 6 of 6 in the last 2 min
          + fine: name, IPv4, IPv6, TLS, proxy, key, settings, clock
          - status.claude.com shows no incident (14:21:58; it often lags)
History   23 such episodes in 30 days; half over in 2 min, 9 of 10 in 11 min
Escalate  not yet; 14:28:50 (in 6 min 50 s) if this goes on and the page
          stays green

incident 7f3a · provider.overloaded · seawall watch · seawall explain 7f3a
"""
    )


def test_the_same_in_forty_columns() -> None:
    """Nothing is wider; commands stay whole."""
    said = shown(*OVERLOADED, width=40, **HOLDING)
    assert max(map(len, said.splitlines())) <= 40
    assert "          In a hurry:  /model sonnet\n          (it answered 20 s ago)\n" in said
    assert said.endswith("\nincident 7f3a · provider.overloaded\nseawall watch · seawall explain 7f3a\n")


def test_the_same_plain() -> None:
    """No signs beyond ASCII of our own, nothing wrapped."""
    said = shown(*OVERLOADED, width=None, plain=True, **HOLDING)
    assert "·" not in said
    assert "(last req_011C...9vQ at 14:21:52)" in said
    assert "incident 7f3a; provider.overloaded; seawall watch; seawall explain 7f3a" in said
    assert "\nDo now    Wait. Most episodes like this end within 4 min; this one is at 3 min 10 s.\n" in said


WRONG_KEY = [
    result(
        "cred.shape", "key of another vendor", State.FAIL,
        sign("account.wrong_vendor", "the value starts sk-proj-, OpenAI's form; 164 characters", D,
             title="ANTHROPIC_API_KEY holds an OpenAI key"),
        sign("account.wrong_vendor", "the API answered 401 authentication_error at 09:14:07"),
        sign("*", "a saved claude.ai login exists; the variable wins over it", W, Direction.NEUTRAL),
        set={"ANTHROPIC_API_KEY": "~/.zshrc line 41"}, saved_login=False,
    ),
    *fine("name", "IPv4", "IPv6", "TLS", "proxy", "settings", "clock", "status page"),
]  # fmt: skip


def test_a_key_of_another_vendor() -> None:
    """Where it is set, by file and line; the key itself stands nowhere."""
    known = {
        "places": {"ANTHROPIC_API_KEY": ("~/.zshrc line 41",)},
        "earlier": Earlier(episode("81c0", "account.wrong_vendor", 60)),
        "escalation": never_told(),
    }
    assert (
        shown(*WRONG_KEY, **known)
        == """\
Your account or key — ANTHROPIC_API_KEY holds an OpenAI key.           certain

Do now    1. Get a Claude key: platform.claude.com/settings/keys
             (it starts with sk-ant-)
          2. Replace it where it is set: ~/.zshrc line 41
          3. Open a new terminal and run: seawall doctor --again
          Have a Claude plan instead?  unset ANTHROPIC_API_KEY, then /login
Don't     wait or retry: a rejected key does not start working
Evidence  + the value starts sk-proj-, OpenAI's form; 164 characters
          + the API answered 401 authentication_error at 09:14:07
          · a saved claude.ai login exists; the variable wins over it
          + fine: name, IPv4, IPv6, TLS, proxy, settings, clock, status page
Escalate  never for this cause

incident 81c0 · account.wrong_vendor · seawall doctor --again
"""
    )


INSPECTED = [
    result(
        "tls.chain", "TLS of the company", State.WARN,
        sign("network.tls_untrusted_ca", "issuer for api.anthropic.com: Zscaler Intermediate Root CA", D),
        sign("network.tls_untrusted_ca", "two unrelated hosts show the same issuer: it is the network", D),
        sign("network.tls_untrusted_ca", "the system store accepts the chain, the public bundle does not", D),
        trusted=True, public=False, system=True, issuer="Zscaler Intermediate Root CA", root="Zscaler Root CA",
    ),
    result("local.client", "client", State.WARN, node="20.11", reads_system_store=False),
    *fine("name", "IPv4", "proxy", "clock"),
]  # fmt: skip


def test_a_company_that_looks_into_connections() -> None:
    """Who signs, why this client fails where others work, and the root from the system's own store."""
    known = {
        "earlier": Earlier(episode("2b9e", "network.tls_untrusted_ca", 60)),
        "escalation": Escalation(
            Told.ELSEWHERE, "to your IT department, not to Anthropic. Text: seawall report --it"
        ),
    }
    assert (
        shown(*INSPECTED, **known)
        == """\
Your network — the connection is re-signed by "Zscaler Root CA", which
Claude Code does not trust.                                            certain

Do now    1. seawall doctor --export-ca ~/company-root.pem
             (copies the root your system already trusts; shows its
             fingerprint first; ask IT if it is not there)
          2. In your shell profile, not only in settings.json:
             export NODE_EXTRA_CA_CERTS=~/company-root.pem
          3. Start Claude Code anew and run: seawall doctor --again
Don't     set NODE_TLS_REJECT_UNAUTHORIZED=0: it turns off all checking
Evidence  + issuer for api.anthropic.com: Zscaler Intermediate Root CA
          + two unrelated hosts show the same issuer: it is the network
          + the system store accepts the chain, the public bundle does not
          + Claude Code runs on Node 20.11, which cannot read the system
            store (22.15 and the native build can)
          + fine: name, IPv4, proxy, clock
Escalate  to your IT department, not to Anthropic. Text: seawall report --it

incident 2b9e · network.tls_untrusted_ca
seawall explain network.tls_untrusted_ca
"""
    )


BUFFERED = [
    result("local.gateway", "gateway", State.WARN, running=1, held=0),
    result(
        "api.stream", "stream", State.FAIL,
        sign("network.proxy_buffering", "5 of 5 streams: first byte and last byte together (61.4 s and 61.4 s; "
             "44.0 s and 44.1 s; …)"),
    ),
    result("api.edge", "API", State.WARN,
           sign("network.proxy_buffering", 'answers pass "Via: 1.1 proxy.example"', check="api.path"),
           sign("network.proxy_buffering", "not measured: the same call without the proxy (blocked)", W,
                Direction.AGAINST)),
]  # fmt: skip


def test_a_proxy_that_holds_streams_back() -> None:
    """What Seawall can do about it and what not; whom to tell, and how to prove it."""
    known = {
        "earlier": Earlier(episode("c410", "network.proxy_buffering", 60)),
        "escalation": Escalation(Told.ELSEWHERE, "to your network team, not to Anthropic"),
    }
    assert (
        shown(*BUFFERED, **known)
        == """\
Your network — something on the way holds streamed answers until they
are complete.                                                           likely
Seawall sends keep-alive pings, so long answers survive; they still arrive
in one piece.

Do now    1. Ask your network team to switch off response buffering for
             api.anthropic.com, content type text/event-stream
             (text to send: seawall report --it)
          2. To prove it: seawall doctor --save office, change to a phone
             hotspot, then seawall doctor --compare office
Don't     raise timeouts only: the wait stays as long as the answer
Evidence  + 5 of 5 streams: first byte and last byte together (61.4 s and
            61.4 s; 44.0 s and 44.1 s; …)
          + answers pass "Via: 1.1 proxy.example"
          - not measured: the same call without the proxy (blocked)
Escalate  to your network team, not to Anthropic

incident c410 · network.proxy_buffering
seawall doctor --spend --only api.stream
"""
    )


NO_NAME = [
    result("local.gateway", "gateway", State.WARN, running=1, held=1, held_for={"network.dns_failure": 1}),
    result(
        "net.dns", "name", State.FAIL,
        sign("network.dns_failure", "resolver 172.20.0.1 gave no answer in 3 s, twice", D,
             title="api.anthropic.com does not resolve"),
        sign("network.dns_failure", "example.com does not resolve either: the resolver, not Anthropic"),
        sign("network.dns_failure", "connecting by address works (24 ms): you are online"),
    ),
    *skipped("TLS", "API", "status page"),
]  # fmt: skip


def test_a_name_that_does_not_resolve() -> None:
    """One problem, not nine: what hangs on it was not run; the step for WSL is shown in WSL only."""
    known = {
        "earlier": Earlier(episode("5d77", "network.dns_failure", 60)),
        "escalation": Escalation(Told.ELSEWHERE, "to whoever runs your network"),
    }
    expected = """\
Your network — api.anthropic.com does not resolve.                     certain
Seawall is holding 1 call and tries again when the name resolves.

Do now    1. Disconnect and reconnect the VPN, if you use one
          2. On WSL: wsl --shutdown, or set a nameserver in /etc/resolv.conf
          3. Compare: does a phone hotspot work?
Evidence  + resolver 172.20.0.1 gave no answer in 3 s, twice
          + example.com does not resolve either: the resolver, not Anthropic
          + connecting by address works (24 ms): you are online
          · not run for this reason: TLS, API, status page
Escalate  to whoever runs your network

incident 5d77 · network.dns_failure · seawall doctor --again
"""
    in_wsl = shown(*NO_NAME, platforms=frozenset({Platform.LINUX, Platform.WSL}), **known)
    assert in_wsl == expected
    elsewhere = shown(*NO_NAME, **known)
    assert "WSL" not in elsewhere
    assert "          2. Compare: does a phone hotspot work?\n" in elsewhere


SPENT = [
    result(
        "local.gateway", "gateway", State.WARN, running=1, held=0,
        plan=[{"window": "5h", "used": 1.0, "rejected": True, "resets_in": 4320.0},
              {"window": "7d", "used": 0.41, "rejected": False, "resets_in": 300000.0}],
    ),
    result(
        "seen.recent", "your own calls", State.WARN,
        sign("limit.usage_limit_reached", "429 with the plan's own quota headers: 5-hour window rejected", D,
             facts={"who": "api"}),
        sign("limit.usage_limit_reached", "a server throttle comes without those headers; these are here"),
    ),
]  # fmt: skip


def test_a_plan_that_is_used_up() -> None:
    """Until when, what the wait will bring, and that nothing is broken."""
    week = tuple(
        episode(f"e{n}", "limit.usage_limit_reached", 86400.0 * n + 1800 * n, end=End.RECOVERED)
        for n in range(3)
    )
    now = episode("e02d", "limit.usage_limit_reached", 600)
    known = {
        "earlier": Earlier(now, 2, (*week[1:], now)),
        "escalation": never_told(),
        "notifies": True,
    }
    assert (
        shown(*SPENT, **known)
        == """\
Your plan or limits — the 5-hour limit is used up; it resets at 15:33
(in 1 h 12 min).                                                       certain
Seawall will not retry before then. It will notify you at 15:33.

Do now    Wait; or continue now for money: /usage-credits
          Your weekly limit is at 41 %, so the reset will really help.
Don't     switch models: this limit is shared by all of them
          wait for the status page: nothing is broken
Evidence  + 429 with the plan's own quota headers: 5-hour window rejected
          + a server throttle comes without those headers; these are here
History   third time this week, each between 13:00 and 15:00
          (seawall plan shows what to move)
Escalate  never for this cause

incident e02d · limit.usage_limit_reached · seawall plan
"""
    )


TOO_LONG = [
    result(
        "seen.recent", "your own calls", State.WARN,
        sign("request.context_too_long", '400 invalid_request_error "prompt is too long: 214310 tokens > 200000 '
             'maximum" from the API itself (req_011C…k2d)', D, facts={"who": "api"}),
    ),
]  # fmt: skip


def test_a_prompt_that_is_too_long() -> None:
    """What Seawall does not do, and why."""
    known = {"earlier": Earlier(episode("90aa", "request.context_too_long", 5)), "escalation": never_told()}
    assert (
        shown(*TOO_LONG, **known)
        == """\
Your request — the conversation is longer than the model's window.     certain
Seawall does not retry this; the same text cannot succeed.

Do now    1. /compact
          2. If that fails with "Conversation too long": Esc twice, step back
             a few messages, /compact again
          3. /context shows what fills the window; /mcp disable NAME helps
Don't     resend, wait, or change keys
Evidence  + 400 invalid_request_error "prompt is too long: 214310 tokens >
            200000 maximum" from the API itself (req_011C…k2d)
Escalate  never for this cause

incident 90aa · request.context_too_long
seawall explain request.context_too_long
"""
    )


def test_an_address_where_nobody_listens() -> None:
    """Where it is set: the settings file and the profile's line."""
    said = shown(
        result(
            "local.base_url", "base address", State.FAIL,
            sign("machine.dead_base_url", "connecting to 127.0.0.1:8787 is refused in under 1 ms", D,
                 title="Claude Code is sent to 127.0.0.1:8787, where nobody listens"),
        ),
        result("api.edge", "API", State.OK, summary="401 in 180 ms", who="api", status=401),
        places={"ANTHROPIC_BASE_URL": ("~/.claude/settings.json", "~/.bashrc line 12")},
        escalation=never_told(),
    )  # fmt: skip
    assert (
        said
        == """\
This machine — Claude Code is sent to 127.0.0.1:8787, where nobody
listens.                                                               certain

Do now    seawall off        puts the setting back (found in
                             ~/.claude/settings.json and ~/.bashrc line 12)
          or, if you use that gateway, start it again
Don't     look for a network fault: the calls never leave this machine
Evidence  + connecting to 127.0.0.1:8787 is refused in under 1 ms
          + the API itself is reachable from here (401 in 180 ms)
          + fine: API
Escalate  never for this cause
"""
    )


CLEAR = [
    result("net.dns", "name", seconds=0.009),
    result("net.tcp4", "IPv4", seconds=0.021),
    result("tls.chain", "TLS", seconds=0.045),
    result("api.edge", "API", who="api", status=401, first_byte=0.132),
    result("cred.live", "key accepted"),
    result("local.client", "client", version="2.1.245"),
    result("local.clock", "clock", summary="within 1 s"),
    result("status.page", "status page"),
]


def test_all_clear() -> None:
    """Where the time goes, what was looked at, and what became of today's calls."""
    last = episode("aa01", "provider.overloaded", 18600, until=NOW - 18500, end=End.RECOVERED)
    last = replace(last, opened_at=NOW - 18598, until=NOW - 18498)
    assert (
        shown(*CLEAR, recently=Recently(312, 2, 100.0, 0, last))
        == """\
All clear — Claude calls should work from here.

Measured  name 9 ms · connect 21 ms · TLS 24 ms · first byte 132 ms
          key accepted · Claude Code 2.1.245 · clock within 1 s
          status page: no open incidents
Recently  312 calls today, 2 held (longest 1 min 40 s), 0 lost
          last incident: 09:12, provider.overloaded, 1 min 40 s
"""
    )


@pytest.mark.parametrize(
    ("seen", "line"),
    [
        (
            Recently(88320, 1500, 83.0, 15),
            "Recently  88 320 calls today, 1 500 held (longest 1 min 23 s), 15 lost\n",
        ),
        (Recently(1, 0, 0.0, 0), "Recently  1 call today, 0 held, 0 lost\n"),
        (Recently(0, 0, 0.0, 0), ""),
    ],
)
def test_a_day_of_many_calls_or_none(seen: Recently, line: str) -> None:
    """Numbers that can be read; no row for a day without any."""
    said = shown(*CLEAR, recently=seen)
    assert line in said
    assert bool(line) == ("Recently" in said)


def test_an_incident_of_yesterday_is_said_to_be_yesterdays() -> None:
    """A time alone would be taken for today's."""
    last = replace(
        episode("aa01", "provider.overloaded", 0, end=End.RECOVERED), opened_at=NOW - 86400, until=NOW - 86300
    )
    said = shown(*CLEAR, recently=Recently(312, 2, 100.0, 0, last))
    assert f"last incident: yesterday {local(NOW, seconds=False)}, provider.overloaded, 1 min 40 s" in said


def test_what_is_not_known_yet() -> None:
    """No party; the one measurement that decides; evidence both ways."""
    said = shown(
        result("seen.recent", "your own calls", State.WARN,
               sign("network.connection_reset", "ECONNRESET on 9 of 10 calls since 10:02")),
        result("api.edge", "API", State.SKIP, who="api", status=401),
        result("status.page", "status page", State.SKIP,
               sign("network.connection_reset", "status page green, but so it was in 6 of 9 confirmed outages", W,
                    Direction.AGAINST)),
        escalation=Escalation(Told.NOT_YET, "not yet; 3 of 6 gates met (seawall report shows them)"),
    )  # fmt: skip
    assert (
        said
        == """\
Not known yet — calls are reset, and no measurement explains it.       unknown

Do now    One measurement decides: the same check on another network.
          seawall doctor --save here, switch to a phone hotspot, then
          seawall doctor --compare here
Evidence  + ECONNRESET on 9 of 10 calls since 10:02
          - this machine reaches the API now (401 from the API itself)
          - status page green, but so it was in 6 of 9 confirmed outages
Escalate  not yet; 3 of 6 gates met (seawall report shows them)
"""
    )


ALL = {
    "overloaded": (OVERLOADED, HOLDING),
    "wrong key": (WRONG_KEY, {}),
    "inspected": (INSPECTED, {}),
    "buffered": (BUFFERED, {}),
    "no name": (NO_NAME, {}),
    "spent": (SPENT, {}),
    "too long": (TOO_LONG, {}),
    "clear": (CLEAR, {}),
}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("width", [80, 60, 40])
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    """Commands excepted, which are copied whole."""
    found, known = ALL[name]
    for line in shown(*found, width=width, **known).splitlines():
        words = line.split()
        assert len(line) <= width or any(
            one in line for one in ("export ", "seawall ", "unset ", *words[-1:])
        )


def test_a_long_value_is_cut_in_its_middle() -> None:
    """Where no line holds it; both ends are left."""
    typed = sign("provider.overloaded", "529 from the API itself (req_011CSHoEeqs5C35K2UUqR7Fy)", D)
    said = shown(result("api.edge", "API", State.FAIL, typed, who="api", status=529), width=40)
    assert "(req_011CSHo...5K2UUqR7Fy)" in said
    wide = shown(result("api.edge", "API", State.FAIL, typed, who="api", status=529))
    assert "(req_011CSHoEeqs5C35K2UUqR7Fy)" in wide


def test_calls_that_are_held_for_another_cause_do_not_wait_for_the_name() -> None:
    """They are held all the same."""
    dead = sign("network.dns_failure", "it does not resolve", D)
    for held_for in ({"provider.overloaded": 4}, {}, None, 7):
        gateway = result("local.gateway", "gateway", State.WARN, running=1, held=4, held_for=held_for)
        said = shown(gateway, result("net.dns", "name", State.FAIL, dead))
        assert "when the name resolves" not in said
        assert "Seawall is holding 4 calls for you." in said


def test_another_provider_has_its_own_name() -> None:
    """Not Anthropic's side, unless the API itself answered."""
    sign_of = sign("provider.overloaded", "529", D)
    there = result("api.edge", "API", State.FAIL, sign_of, who="between", status=529)
    assert shown(there, host="llm.corp.example").startswith("llm.corp.example's side — ")
    assert shown(there, host="bedrock.example", cloud="Amazon Bedrock").startswith("Amazon Bedrock's side — ")
    api = result("api.edge", "API", State.FAIL, sign_of, who="api", status=529)
    assert shown(api, host="llm.corp.example").startswith("Anthropic's side — ")


@pytest.mark.parametrize("missing", ["off", "report", "plan", "watch"])
def test_no_verb_is_named_that_is_not_there(missing: str) -> None:
    """Neither as a step nor as what comes next."""
    for found, known in ALL.values():
        said = shown(*found, verbs=VERBS - {missing}, **{k: v for k, v in known.items() if k != "escalation"})
        assert f"seawall {missing}" not in said


def test_several_at_once() -> None:
    """The first to be fixed is the verdict; the others stand in one line."""
    said = shown(*OVERLOADED, *NO_NAME[1:])
    assert said.startswith("Your network — api.anthropic.com does not resolve.")
    assert "\nAlso seen provider.overloaded\n" in said


@pytest.mark.parametrize(
    ("count", "line"),
    [
        (0, "No history yet; the usual figure is 2-5 min (public troubleshooting texts, 2026)"),
        (7, "No history yet (7 earlier); the usual figure is 2-5 min (public troubleshooting texts, 2026)"),
    ],
)
def test_without_enough_history(count: int, line: str) -> None:
    """The published figure, and where it comes from."""
    said = shown(*OVERLOADED, width=None, earlier=Earlier(None, count, (), Outlook(count)))
    assert f"\nHistory   {line}\n" in said


def test_what_was_noted_last_time() -> None:
    """Stands under the figures."""
    said = shown(*OVERLOADED, earlier=Earlier(note="Last time, 3 Nov: fixed by waiting"))
    assert "\n          Last time, 3 Nov: fixed by waiting\n" in said


def test_longer_than_most() -> None:
    """Then it is said how long those took that got this far."""
    known = Earlier(
        episode("7f3a", "provider.overloaded", 400), 23, (), Outlook(23, 120.0, 240.0, 660.0, 360.0)
    )
    said = shown(*OVERLOADED, width=None, earlier=known)
    assert (
        "Wait. This one is at 6 min 40 s, longer than 3 of 4; of those that got this far, half ended within another "
        "6 min." in said
    )


def test_a_terminal_obeys_nothing_that_was_measured() -> None:
    """An issuer, a path or a page may hold what would move the cursor."""
    evil = sign("network.tls_untrusted_ca", "issuer \x1b[2J\r\n\x9b", D, title='signed by "\x1b]0;x\x07"')
    said = shown(result("tls.chain", "TLS", State.FAIL, evil), places={"X": ("\x1b[2J",)})
    assert all(line.isprintable() for line in said.splitlines())


def test_windows_gets_its_own_commands() -> None:
    """PowerShell's, where they differ."""
    said = shown(*INSPECTED, platforms=frozenset({Platform.WINDOWS}))
    assert "             $env:NODE_EXTRA_CA_CERTS=" in said
    assert "export " not in said


def test_nothing_asked_is_not_all_clear() -> None:
    """With `--only` of a local check nothing is said of the API."""
    assert shown(CLEAR[0]).startswith("Nothing wrong in what was measured.\n")


def test_what_could_not_be_measured_is_said() -> None:
    """A crash of a check is neither good nor bad, and not hidden."""
    assert "not known: status page" in shown(*CLEAR[:4], result("status.page", "status page", State.CRASH))
