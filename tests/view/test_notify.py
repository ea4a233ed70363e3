"""What is told and when: looks at gateways and a clock of the test's own in, events and decisions out."""

from dataclasses import replace
from typing import Any

import pytest

from seawall.config import Notify
from seawall.view.facts import Gateway, gateway
from seawall.view.frame import title
from seawall.view.notify import Event, Seen, Told, admit, is_quiet, look, noted, text

T = 1_800_000_000.0
HERE = {
    "address": "http://127.0.0.1:8787",
    "upstream": "https://api.anthropic.com",
    "running": 0,
    "leases": 0,
}
ALL = Notify(
    on=("opened", "held", "recovered", "gave_up", "limit_reset", "escalate_now", "gateway_down"), quiet=""
)


def trouble(**more: Any) -> dict[str, Any]:
    return {
        "route": "api.anthropic.com", "family": "opus", "account": "a1", "cause": "provider.overloaded",
        "since": T, "last": T, "failures": 1, "recovered_at": None, "finished": 0, "given_up": 0,
    } | more  # fmt: skip


def one(*troubles: dict[str, Any], **more: Any) -> Gateway:
    return gateway(HERE | {"troubles": list(troubles)} | more)


def told(
    *looks: tuple[float, list[Gateway]], rules: Notify = ALL, due: tuple[str, ...] = ()
) -> list[list[str]]:
    """The kinds of what happened at each look; times are seconds after the first failure."""
    seen, found = Seen(), []
    for after, gateways in looks:
        seen, events = look(seen, gateways, T + after, rules, due)
        found.append([event.kind for event in events])
    return found


def test_an_episode_from_its_beginning_to_its_end() -> None:
    """Nothing before a minute; then that it began and that calls are held; after a quiet minute, that it is over."""
    back = trouble(recovered_at=T + 312, finished=2)
    assert told(
        (0, [one()]),
        (1, [one(trouble(), held=1)]),
        (59, [one(trouble(), held=2)]),
        (61, [one(trouble(), held=2)]),
        (120, [one(trouble(), held=2)]),
        (313, [one(back)]),
        (371, [one(back)]),
        (373, [one(back)]),
        (374, [one()]),
    ) == [[], [], [], ["opened", "held"], [], [], [], ["recovered"], []]


def test_the_api_itself_behind_another_address_is_claude() -> None:
    """What failed once with its request id is its trouble to the end, in a message's side and in its last words."""
    relay = {"route": "relay.example", "by_api": True}
    here = one(trouble(**relay), upstream="http://relay.example:8790")
    seen, _ = look(Seen(), [here], T + 1, ALL)
    [episode] = seen.episodes.values()
    assert episode.by_api
    event = replace(EVENT, subject="relay.example", cause="provider.overloaded")
    assert text(event, "", "").startswith("relay.example is back")
    assert text(replace(event, by_api=True), "", "").startswith("Claude is back")
    assert title("provider.overloaded", "relay.example:8790", by_api=True)[1] == "Anthropic's side"


def test_trouble_that_is_over_soon_is_not_told() -> None:
    """Shorter than a minute: not a word, neither of its beginning nor of its end."""
    back = trouble(recovered_at=T + 40, finished=1)
    assert (
        told((1, [one(trouble(), held=1)]), (41, [one(back)]), (101, [one(back)]), (160, [one()])) == [[]] * 4
    )


def test_the_end_is_said_though_the_gateway_has_forgotten() -> None:
    """A gateway drops what has been over for a minute; what was seen of it is enough."""
    back = trouble(recovered_at=T + 200)
    assert told((70, [one(trouble())]), (201, [one(back)]), (262, [one()]))[-1] == ["recovered"]


def test_an_end_that_nobody_saw_is_not_said() -> None:
    """Nobody tried any more, or another gateway stands at that address: nothing is known."""
    assert told((70, [one(trouble())]), (3700, [one()])) == [["opened"], []]


def test_a_relapse_is_the_same_episode() -> None:
    """Within the minute of quiet it goes on, and only its true end is told."""
    back, again = trouble(recovered_at=T + 100), trouble(recovered_at=T + 300)
    looks = ((70, trouble()), (101, back), (130, trouble()), (301, again), (361, again))
    assert told(*((at, [one(each)]) for at, each in looks)) == [["opened"], [], [], [], ["recovered"]]


def test_two_causes_at_one_host_are_one_outage() -> None:
    """ "Is back" is said when nothing fails any more, once."""
    down = trouble(cause="provider.unavailable", since=T + 30)
    back, over = trouble(recovered_at=T + 100, finished=1), down | {"recovered_at": T + 200, "finished": 2}
    seen, events = look(Seen(), [one(trouble(), down)], T + 70, ALL)
    seen, _ = look(seen, [one(back, down)], T + 165, ALL)
    seen, _ = look(seen, [one(over)], T + 201, ALL)
    seen, events = look(seen, [one(over)], T + 261, ALL)
    assert [(event.kind, event.finished, event.ended_at) for event in events] == [("recovered", 3, T + 200)]
    assert not seen.troubled


def test_two_hosts_are_two_outages() -> None:
    """Each is told by itself."""
    other = HERE | {"address": "http://127.0.0.1:1", "upstream": "https://relay.example"}
    there = gateway(other | {"troubles": [trouble(route="relay.example", cause="gateway.upstream_down")]})
    _, events = look(Seen(), [one(trouble()), there], T + 70, ALL)
    assert [(event.kind, event.subject) for event in events] == [
        ("opened", "api.anthropic.com"), ("opened", "relay.example")
    ]  # fmt: skip


def test_calls_that_were_given_up_are_told_once() -> None:
    """However many follow."""
    assert told((70, [one(trouble(given_up=1))]), (80, [one(trouble(given_up=5))])) == [
        ["opened", "gave_up"],
        [],
    ]


def test_time_to_report_is_told_once() -> None:
    """When the gates have opened, while it goes on."""
    due = ("api.anthropic.com",)
    assert told((700, [one(trouble())]), (701, [one(trouble())]), due=due) == [["opened", "escalate_now"], []]


@pytest.mark.parametrize(
    "cause", ["account.invalid_api_key", "request.malformed", "limit.session", "machine.no_memory"]
)
def test_what_a_person_must_mend_is_no_episode(cause: str) -> None:
    """They see it at once where they work, and it does not end by itself."""
    assert told((70, [one(trouble(cause=cause))]), (700, [one(trouble(cause=cause))])) == [[], []]


def test_a_gateway_too_busy_to_say_is_waited_for() -> None:
    """Nothing ends and nothing is gone because one look was in vain."""
    busy = gateway(HERE | {"answers": False})
    back = trouble(recovered_at=T + 200, finished=1)
    looks = ((70, one(trouble(), running=1)), (72, busy), (74, busy), (201, one(back)), (261, one(back)))
    assert told(*((at, [each]) for at, each in looks)) == [["opened"], [], [], [], ["recovered"]]


def test_a_clock_that_is_set_does_not_keep_it_open() -> None:
    """Back by a day while it settles: it is over."""
    back = trouble(recovered_at=T + 200)
    assert told((70, [one(trouble())]), (201, [one(back)]), (-86400, [one(back)]))[-1] == ["recovered"]


def plan(status: str, resets_in: float | None) -> Gateway:
    window = {"window": "5h", "used": 1.0, "status": status, "resets_in": resets_in}
    return gateway(HERE | {"lanes": [{"account": "a1", "family": "opus", "plan": [window]}]})


def test_a_limit_that_begins_anew() -> None:
    """Told when the time has come, once, whatever is rounded on the way."""
    assert told((0, [plan("rejected", 100.0)]), (50, [plan("rejected", 50.4)]), (101, [plan("rejected", 0.0)]),
                (102, [plan("rejected", 0.0)]), (5000, [plan("rejected", 0.0)]), (5001, [plan("allowed", None)]),
                (5002, [plan("rejected", 100.0)]), (5103, [plan("rejected", 0.0)])) == [
        [], [], ["limit_reset"], [], [], [], [], ["limit_reset"]]  # fmt: skip
    assert told((0, [plan("rejected", 100.0)]), (50, []), (101, [])) == [[], [], ["limit_reset"]]


def test_a_limit_that_is_used_again_before_its_time() -> None:
    """Somebody bought more: nothing to say."""
    assert told((0, [plan("rejected", 100.0)]), (50, [plan("allowed", 50.0)]), (101, [])) == [[], [], []]


def test_one_limit_in_many_lanes_is_told_once() -> None:
    """All models of an account share it."""
    window = {"window": "5h", "used": 1.0, "status": "rejected", "resets_in": 0.0}
    lanes = [{"account": "a1", "family": name, "plan": [window]} for name in ("opus", "sonnet", "haiku")]
    assert told((0, [gateway(HERE | {"lanes": lanes})])) == [["limit_reset"]]


def test_a_gateway_that_is_gone_while_it_was_used() -> None:
    """Ten seconds later, once; one that is back in time, stopped, or was idle is no news."""
    used, draining = one(running=1), one(running=1, draining=True)
    assert told((0, [used]), (1, []), (5, []), (12, []), (20, [])) == [[], [], [], ["gateway_down"], []]
    assert told((0, [used]), (1, []), (5, [used]), (20, [used])) == [[]] * 4
    assert told((0, [used]), (1, [draining]), (2, []), (20, [])) == [[]] * 4
    assert told((0, [one()]), (1, []), (20, [])) == [[]] * 3
    assert told((0, [one(leases=1)]), (1, []), (20, []))[-1] == ["gateway_down"]


EVENT = Event("recovered", "api.anthropic.com", T, T + 400)


@pytest.mark.parametrize(
    ("journal", "rules", "minute", "why"),
    [
        ([], Notify(), 12 * 60, ""),
        ([], Notify(on=("held",)), 12 * 60, "off"),
        ([], Notify(), 23 * 60, "quiet"),
        ([Told(T + 390, "recovered", "api.anthropic.com")], Notify(), 12 * 60, "told"),
        ([Told(T - 1, "recovered", "api.anthropic.com")], Notify(), 12 * 60, ""),
        ([Told(T + 390, "gave_up", "api.anthropic.com")], Notify(), 12 * 60, ""),
        ([Told(T + 390, "recovered", "relay.example")], Notify(), 12 * 60, ""),
        ([Told(T, "x", str(n)) for n in range(6)], Notify(), 12 * 60, "many"),
        ([Told(T, "x", str(n)) for n in range(5)], Notify(), 12 * 60, ""),
        ([Told(T - 3300, "x", str(n)) for n in range(6)], Notify(), 12 * 60, ""),
        ([Told(T + 9999, "x", str(n)) for n in range(6)], Notify(), 12 * 60, ""),
    ],
)  # fmt: skip
def test_what_is_admitted(journal: list[Told], rules: Notify, minute: int, why: str) -> None:
    """Only what was asked for, one message an event and episode, six an hour, none in quiet hours."""
    assert admit(journal, EVENT, T + 400, minute, rules) == why


def test_a_gateway_that_is_down_is_told_at_night() -> None:
    """The one exception from quiet hours; the other rules hold."""
    event = Event("gateway_down", "http://127.0.0.1:8787", T, T)
    assert admit([], event, T, 23 * 60, replace(ALL, quiet="22:00-07:00")) == ""
    assert admit([], event, T, 23 * 60, Notify()) == "off"


@pytest.mark.parametrize(
    ("quiet", "minute", "is_"),
    [
        ("22:00-07:00", 22 * 60, True), ("22:00-07:00", 0, True), ("22:00-07:00", 7 * 60 - 1, True),
        ("22:00-07:00", 7 * 60, False), ("22:00-07:00", 22 * 60 - 1, False), ("12:00-13:00", 12 * 60 + 30, True),
        ("12:00-13:00", 13 * 60, False), ("", 0, False), ("9:00-9:00", 9 * 60, False), ("night", 0, False),
    ],
)  # fmt: skip
def test_quiet_hours(quiet: str, minute: int, is_: bool) -> None:
    """From the first minute up to the last, over midnight too; hours that make no sense are none."""
    assert is_quiet(minute, Notify(quiet=quiet)) is is_


def test_the_journal_stays_small() -> None:
    """What is too old to matter goes, and it never grows without end."""
    journal: list[Told] = []
    for number in range(2000):
        journal = noted(journal, replace(EVENT, subject=str(number)), T + number)
    assert len(journal) == 500
    assert [one.subject for one in noted(journal, EVENT, T + 30 * 86400)] == ["api.anthropic.com"]


def event(kind: str, **more: Any) -> Event:
    return replace(Event(kind, "api.anthropic.com", T, T + 312, "provider.overloaded", ("opus",)), **more)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (event("recovered", ended_at=T + 312, at=T + 372, finished=2),
         "Claude is back after 5 min 12 s; 2 held calls finished."),
        (event("recovered", ended_at=T + 312, finished=1, given_up=3),
         "Claude is back after 5 min 12 s; 1 held call finished; 3 given up."),
        (event("recovered", ended_at=T + 312, subject="relay.example"), "relay.example is back after 5 min 12 s."),
        (event("recovered", ended_at=T + 312, cause="network.dns_failure"), "Your network is back after 5 min 12 s."),
        (event("opened", held=2),
         "Anthropic's side: The API is at capacity for opus, for 5 min 12 s now; 2 calls are held. "
         "Nothing to do but wait."),
        (event("opened", families=("haiku", "opus")),
         "Anthropic's side: The API is at capacity for haiku and opus, for 5 min 12 s now; nothing is held. "
         "Nothing to do but wait."),
        (event("opened", families=("haiku", "opus", "sonnet")),
         "Anthropic's side: The API is at capacity for haiku, opus and sonnet, for 5 min 12 s now; nothing is held. "
         "Nothing to do but wait."),
        (event("held", held=1),
         "Anthropic's side: The API is at capacity for opus, for 5 min 12 s now; 1 call is held,"
         " it goes on by itself."),
        (event("gave_up", given_up=2),
         "Anthropic's side: The API is at capacity for opus, for 5 min 12 s now; 2 calls were given up:"
         " send again when it is back."),
        (event("escalate_now"),
         "Anthropic's side: The API is at capacity for opus, for 5 min 12 s now: time to report it, "
         "with `seawall report`."),
        (event("limit_reset", subject="a1 5h"), "Your plan's 5h limit has begun anew; go on."),
        (event("gateway_down", subject="http://127.0.0.1:8787"),
         "The gateway at http://127.0.0.1:8787 has ended, and calls sent there fail: start `seawall run` again."),
    ],
)  # fmt: skip
def test_an_event_in_one_line(what: Event, says: str) -> None:
    """Party, what it is, how long, and what to do."""
    assert text(what, "Anthropic's side", "The API is at capacity") == says
