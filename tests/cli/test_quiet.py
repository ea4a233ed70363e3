"""Until when a command waits for a quiet hour: facts and a moment in, a step out; and the waiting by a fake clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from seawall.causes.cause import index
from seawall.causes.verdict import Confidence
from seawall.cli import quiet
from seawall.cli.quiet import Past, Step, Waiting, covers, decide, next_window, sentence
from seawall.doctor.verdict import Verdict
from seawall.history.claims import Claim, claim
from seawall.history.plan import Window
from seawall.history.rates import Rate

HOUR = 3600.0
NOW = datetime(2026, 11, 20, 16, 50, tzinfo=UTC).timestamp()
"""A Friday."""
TODAY = Window(NOW + 190 * 60, NOW + 370 * 60, Rate(811, 9))
TOMORROW = Window(NOW + 14 * HOUR, NOW + 16 * HOUR, Rate(402, 6))


@pytest.mark.parametrize(
    ("window", "now", "step"),
    [
        (None, NOW, Step.ASK),
        (TODAY, NOW, Step.WAIT),
        (TODAY, TODAY.start - 0.1, Step.WAIT),
        (TODAY, TODAY.start, Step.ASK),
        (TODAY, TODAY.end - 0.1, Step.ASK),
        (TODAY, TODAY.end, Step.PLAN),
        (TODAY, TODAY.end + 9 * HOUR, Step.PLAN),
        (TODAY, NOW - 400 * 86400, Step.WAIT),
    ],
)
def test_what_to_do_at_a_moment(window: Window | None, now: float, step: Step) -> None:
    """Before the window waits, in it asks for the service, after it (a sleep, a clock that was set) plans anew."""
    assert decide(window, now) is step


@pytest.mark.parametrize(
    ("best", "now", "found"),
    [
        ((), NOW, None),
        ((TOMORROW, TODAY), NOW, TODAY),
        ((TODAY, TOMORROW), TODAY.start + 1, TODAY),
        ((TODAY, TOMORROW), TODAY.end, TOMORROW),
        ((TODAY,), TODAY.end, None),
    ],
)
def test_the_next_window_is_the_first_to_come(
    best: tuple[Window, ...], now: float, found: Window | None
) -> None:
    """Not the quietest of all: the next; one that goes on counts, one that is over does not."""
    assert next_window(best, now) == found


def at_utc(_: float) -> int:
    return 0


def test_the_sentence() -> None:
    """Word for word as the user's surface has it."""
    past = Past((TODAY, TOMORROW), Rate(1000, 68), 28, 9412, 30 * 86400.0, True)
    assert sentence(past, TODAY, NOW, at_utc, True) == (
        "Waiting for a quiet hour: today 20:00 (in 3 h 10 min); failure rate there 1.1 % against 6.8 % now "
        "(your last 30 days). Ctrl-C to stop, Enter to start now."
    )
    assert sentence(past, TOMORROW, NOW, at_utc, False).startswith(
        "Waiting for a quiet hour: tomorrow 06:50 (in 14 h)"
    )
    later = Window(NOW + 13 * HOUR + 50 * 60, NOW + 16 * HOUR, Rate(1000, 11))
    assert "(in 13 h 50 min)" in sentence(past, later, NOW, at_utc, False)
    assert sentence(past, TODAY, NOW, at_utc, False).endswith("(your last 30 days). Ctrl-C to stop.")
    unknown = sentence(Past((TODAY,), None, 28, 9412, 30 * 86400.0, True), TODAY, NOW, at_utc, True)
    assert "failure rate there 1.1 % (your last 30 days; of now too little is known). Ctrl-C" in unknown
    here = sentence(past, TODAY, TODAY.start + 60, at_utc, True)
    assert here == "This is a quiet hour: failure rate 1.1 % (your last 30 days). Starting."


@pytest.mark.parametrize(
    ("past", "says"),
    [
        (Past(), "Too little is on record to name a quiet hour (0 days, 0 calls). Starting."),
        (
            Past(days=12, calls=1904, known=True),
            "No hour of yours is surely better than another (12 days, 1 904 calls). Starting.",
        ),
        (
            Past(days=1, calls=3, claims=[Claim("mon-fri", 9, 17, "UTC", "someone", "2026-03-26", "")]),
            'Too little is on record to name a quiet hour (1 day, 3 calls); that "9-17 h UTC on weekdays" is busy is '
            "only a claim (someone, 26 Mar 2026). Starting.",
        ),
        (
            Past(trouble="it is locked"),
            "No quiet hour is known (it is locked). Starting.",
        ),
    ],
)
def test_nothing_known_starts_at_once_and_says_so(past: Past, says: str) -> None:
    """Published claims are no figures: they are said, and nobody waits for them."""
    assert sentence(past, None, NOW, at_utc, True) == says


def test_the_clock_of_the_window_is_that_of_its_day() -> None:
    """Over the end of daylight saving the hour is the one that a clock on the wall will show."""
    berlin = ZoneInfo("Europe/Berlin")

    def offset(at: float) -> int:
        found = datetime.fromtimestamp(at, berlin).utcoffset()
        assert found is not None
        return int(found.total_seconds() // 60)

    now = datetime(2026, 10, 24, 22, 0, tzinfo=berlin).timestamp()
    window = Window(datetime(2026, 10, 25, 6, 0, tzinfo=berlin).timestamp(), now + 20 * HOUR, Rate(100, 1))
    assert "tomorrow 06:00 (in 9 h)" in sentence(Past((window,)), window, now, offset, False)


@pytest.mark.parametrize(
    ("text", "when", "yes"),
    [
        ("mon-fri 09-17 America/Los_Angeles; x", (2026, 11, 20, 17, 0), True),
        ("mon-fri 09-17 America/Los_Angeles; x", (2026, 11, 20, 16, 59), False),
        ("mon-fri 09-17 America/Los_Angeles; x", (2026, 11, 21, 17, 0), False),
        ("mon-fri 22-06 UTC; x", (2026, 11, 20, 23, 0), True),
        ("mon-fri 22-06 UTC; x", (2026, 11, 21, 5, 0), True),
        ("mon-fri 22-06 UTC; x", (2026, 11, 22, 5, 0), False),
        ("mon-fri 22-06 UTC; x", (2026, 11, 20, 12, 0), False),
        ("fri-mon 00-24 UTC; x", (2026, 11, 22, 5, 0), True),
        ("fri-mon 00-24 UTC; x", (2026, 11, 24, 5, 0), False),
        ("mon-sun 09-17 No/Where; x", (2026, 11, 20, 12, 0), False),
    ],
)
def test_what_a_claim_covers(text: str, when: tuple[int, int, int, int, int], yes: bool) -> None:
    """By the clock of its zone; hours past midnight belong to the day on which they began."""
    found = claim(text)
    assert found is not None
    assert covers(found, datetime(*when, tzinfo=UTC).timestamp()) is yes


@pytest.mark.parametrize(
    ("cause", "confidence", "who", "waits"),
    [
        (None, "certain", "api", False),
        ("provider.overloaded", "certain", "api", True),
        ("provider.overloaded", "possible", "api", False),
        ("limit.rate_limited_requests", "likely", "api", True),
        ("limit.spend_limit_reached", "certain", "api", False),
        ("network.dns_failure", "certain", "nobody", True),
        ("network.ipv6_broken", "certain", "api", False),
        ("network.dns_failure", "certain", "", False),
        ("account.invalid_api_key", "certain", "api", False),
        ("machine.dead_base_url", "certain", "nobody", False),
    ],
)
def test_what_is_waited_for(cause: str | None, confidence: str, who: str, waits: bool) -> None:
    """Troubles that end by themselves, and an API that cannot be reached; not what its user must mend."""
    verdict = Verdict(cause, Confidence(confidence), "the title", (), who=who)
    assert quiet.trouble(verdict) == (f"The title ({cause})" if waits else "")
    assert cause is None or cause in index().causes


@dataclass
class Machine:
    """A clock, records, a service and a person that do what a test says."""

    now: float = NOW
    pasts: list[Past] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    slept: Callable[[float, float], float] = lambda now, seconds: now + seconds
    enter: int = 10**9
    """At this pause somebody presses Enter."""

    def wall(self) -> float:
        return self.now

    def pause(self, seconds: float) -> bool:
        assert 0 < seconds <= max(quiet.GLANCE, quiet.AGAIN)
        self.pauses.append(seconds)
        self.now = self.slept(self.now, seconds)
        return len(self.pauses) == self.enter

    def run(self) -> None:
        quiet.wait(
            Waiting(
                lambda _: self.pasts.pop(0) if len(self.pasts) > 1 else self.pasts[0],
                lambda: self.troubles.pop(0) if self.troubles else "",
                self.said.append,
                lambda past, window, now: f"window {window.start - NOW:.0f}" if window else "none",
                self.pause,
                self,
            )
        )


def test_it_waits_for_the_window_and_goes() -> None:
    """At the very moment, looking at the clock every half minute; one line is said."""
    machine = Machine(pasts=[Past((TOMORROW, TODAY))])
    machine.run()
    assert machine.now == TODAY.start
    assert machine.said == ["window 11400"]
    assert len(machine.pauses) == 11400 / quiet.GLANCE


@pytest.mark.parametrize("past", [Past(), Past((Window(NOW - 10, NOW + 10, Rate(9, 0)),))])
def test_it_goes_at_once(past: Past) -> None:
    """Where nothing is known, and in a quiet hour."""
    machine = Machine(pasts=[past])
    machine.run()
    assert (machine.pauses, len(machine.said)) == ([], 1)


def test_enter_starts_it() -> None:
    """While it waits for the hour, and while it waits for the service."""
    machine = Machine(pasts=[Past((TODAY,))], enter=3)
    machine.run()
    assert machine.now == NOW + 3 * quiet.GLANCE
    machine = Machine(pasts=[Past()], troubles=["down"] * 9, enter=2)
    machine.run()
    assert machine.now == NOW + 2 * quiet.AGAIN


def test_a_service_that_fails_is_waited_for_and_said_once() -> None:
    """Beyond the window's end too: an outage that is over is what was waited for."""
    machine = Machine(pasts=[Past((TODAY,))], troubles=["down"] * 300)
    machine.run()
    assert machine.now == TODAY.start + 300 * quiet.AGAIN > TODAY.end
    assert machine.said[1:] == [
        "down: not started until the service answers.",
        "The service answers: starting.",
    ]


def test_a_machine_that_slept_through_the_window_looks_for_the_next() -> None:
    """It wakes in a busy hour: that is not what was asked for."""
    machine = Machine(
        pasts=[Past((TODAY,)), Past((TOMORROW,))],
        slept=lambda now, seconds: max(now + seconds, TODAY.end + 60),
    )
    machine.run()
    assert machine.now == TOMORROW.start
    assert machine.said[0] == "window 11400"
    assert machine.said[2] == f"window {TOMORROW.start - NOW:.0f}"


def test_a_clock_that_is_set_back_makes_the_wait_longer() -> None:
    """Hours are of the wall clock."""
    machine = Machine(pasts=[Past((TODAY,))])
    machine.slept = lambda now, seconds: now - HOUR if len(machine.pauses) == 1 else now + seconds
    machine.run()
    assert machine.now == TODAY.start
    assert len(machine.pauses) == 1 + (11400 + HOUR) / quiet.GLANCE
