"""What `seawall history` prints: signs, sentences, tables at any width."""

from dataclasses import replace

import pytest

from seawall.history.episodes import End, Episode
from seawall.history.outlook import Outlook
from seawall.history.rates import Rate, Slot, hours
from seawall.history.report import Report
from seawall.store.bursts import HourCount, Note
from seawall.view import figures, history
from seawall.view.layout import Look, columns


@pytest.mark.parametrize(
    ("rate", "sign"),
    [
        (Rate(19, 19), ""),
        (Rate(20, 0), "."),
        (Rate(1000, 9), "."),
        (Rate(1000, 10), "-"),
        (Rate(1000, 30), "+"),
        (Rate(1000, 60), "#"),
        (Rate(20, 20), "#"),
    ],
)
def test_the_sign_of_a_cell(rate: Rate, sign: str) -> None:
    """By its share; blank, not green, where too little is known."""
    assert history.sign(rate) == sign


@pytest.mark.parametrize(
    ("found", "age", "says"),
    [
        (Outlook(3), 60, "No history yet (3 earlier)"),
        (Outlook(9, 120, 240, 660, 90), 180, "Most episodes like this end within 4 min; this one is at 3 min"),
        (
            Outlook(9, 120, 240, 660, 360),
            300,
            "Longer than 3 of 4; of those that got this far, half ended within another 6 min",
        ),
        (Outlook(9, 120, 240, 240, None), 300, "Longer than 3 of 4; of those that got this far, too few are known"),
        (
            Outlook(9, 120, None, None, None),
            300,
            "Half of the episodes like this end within 2 min; of the others too few were seen to end",
        ),
    ],
)  # fmt: skip
def test_the_outlook(found: Outlook, age: float, says: str) -> None:
    """One sentence, and never a figure that is not known."""
    assert history.outlook_sentence(found, age) == says


def test_the_hours_of_a_week() -> None:
    """Monday 09 h failed half the time; the columns stand under their hours."""
    monday = 494_688 // 24 * 24
    monday -= (monday // 24 + 3) % 7 * 24
    lines = history.hours(hours([HourCount(monday + 9, 0, 20, 10)]), Look(80))
    at = next(line for line in lines if line.startswith("Mon"))
    header = next(line for line in lines if line.startswith("      00"))
    assert at.index("#") == header.index("08") + 2
    assert lines[-1].startswith("No clear pattern yet (1 day")


@pytest.mark.parametrize("width", [20, 40, 60, 80, None])
def test_any_width(width: int | None) -> None:
    """Nothing is wider than the terminal."""
    lines = history.hours(hours([]), Look(width))
    assert width is None or max(map(columns, lines)) <= width


def test_moments() -> None:
    """By the wall clock of the time; a time that no calendar has breaks nothing."""
    assert history.slot(Slot(1, 15)) == "Tue 15-16 h"


HOUR = 3600.0
NOW = 1_795_020_600.0  # 2026-11-18 16:50 UTC


def episode(number: int, cause: str, lasted: float, end: End = End.RECOVERED, **changed: object) -> Episode:
    at = NOW - 86400 - HOUR * number
    one = Episode(f"{number:04x}", cause, "api", ("opus",), at, at, at + lasted, end, 3, 2, 0, 0, 60)
    return replace(one, **changed)  # type: ignore[arg-type]


def a_month() -> Report:
    """Four weeks of 50 calls an hour from 08 to 22 h: 15 h fails in 9 %, 20 h in 1 %, the rest in 2 %."""
    monday = 494_688 // 168 * 168 + 96
    counts = [
        HourCount(monday - 24 * day + hour, 0, 100, {15: 9, 20: 1}.get(hour, 2), 50)
        for day in range(1, 29)
        for hour in range(8, 22)
    ]
    episodes = [episode(n, "provider.overloaded", 60.0 * n) for n in range(1, 9)]
    episodes.append(episode(20, "network.reset", 1080, broken=5))
    episodes.append(episode(21, "limit.session", 700, End.UNSEEN, given_up=2, holds=(900.0, 900.0)))
    return Report(NOW - 30 * 86400, NOW, counts, hours(counts), episodes, (), held=187, waited=9660.0)


def test_the_whole_view_word_for_word() -> None:
    """The order, the words and the signs of the user's surface, in 80 columns."""
    lines = history.whole(a_month(), Look(80), "Last 30 days", "local time (UTC+1)")
    week = "                      - - - - - - - # - - - - - -"
    assert lines == [
        "Last 30 days · local time (UTC+1) · 19 600 calls · 10 episodes · 99 % of held",
        "calls recovered",
        "",
        "Failure rate by hour",
        "  . under 1 %   - 1–3 %   + 3–6 %   # over 6 %   blank: under 20 calls",
        "      00  02  04  06  08  10  12  14  16  18  20  22",
        *(f"{day}{week[3:]}" for day in figures.DAYS),
        "Busiest: Sun 15–16 h, 9.0 % (200 calls). Quietest you use: Sun 20–21 h, 1.0 %",
        "",
        "cause                episodes  calls hit  half over in  9 of 10 in   longest",
        "provider.overloaded         8         16         4 min       8 min     8 min",
        "limit.session               1          2             –           –  ≥ 11 min",
        "network.reset               1          2             –           –    18 min",
        "",
        "Held and saved: 187 calls, 2 h 41 min of waiting you did not have to watch",
        "Lost: 7 calls (5 cut in mid-answer, 2 gave up after 15 min)",
    ]


@pytest.mark.parametrize("width", [20, 40, 60, 80])
def test_the_whole_view_at_any_width(width: int) -> None:
    """Nothing is wider than the terminal; plainly there is nothing but ASCII."""
    assert (
        max(map(columns, history.whole(a_month(), Look(width), "Last 30 days", "local time (UTC)"))) <= width
    )
    assert "\n".join(history.whole(a_month(), Look(None, plain=True), "Last 30 days", "UTC")).isascii()


@pytest.mark.parametrize(
    ("holds", "said"),
    [
        (None, ""), ((0.0, 0.0), ""), ((900.0, 900.2), " after 15 min"), ((30.0, 900.0), " after 30 s to 15 min"),
        ((0.0, 900.0), " after 0 s to 15 min"),
    ],
)  # fmt: skip
def test_how_long_the_lost_were_held(holds: tuple[float, float] | None, said: str) -> None:
    """One length, or from the shortest to the longest."""
    assert history.after(holds) == said


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (NOW, "Last time, 18 Nov: try sonnet"),
        (NOW + 300 * 86400, "Last time, 18 Nov 2026: try sonnet"),
    ],
)
def test_a_note_is_said_with_its_day(at: float, said: str) -> None:
    """And the year, where it is another."""
    assert history.note_line(Note("k", "a.b", "api", NOW, 60, "try sonnet", NOW), at) == said


def test_a_note_is_made_harmless() -> None:
    """Also one of a time that no calendar has."""
    note = Note("k", "a.b", "api", 1e300, 60, "x\x1b[2J", NOW)
    assert history.note_line(note, NOW) == "Last time, an unknown time: x?[2J"


def test_what_goes_on_with_what_was_noted() -> None:
    """How long it may last, without a history of one's own the published figure, and the note of the last time."""
    one = episode(0, "provider.overloaded", 60, End.OPEN)
    note = Note("k", one.cause, "api", NOW - 86400, 60, "wait", NOW)
    report = replace(a_month(), outlooks=[(one, Outlook(7))], last_notes={one.id: note})
    assert history.outlooks(report, Look(None, plain=True)) == [
        "Now: provider.overloaded for 1 min; No history yet (7 earlier); the usual figure is 2-5 min"
        " (public troubleshooting texts, 2026)",
        "  Last time, 17 Nov: wait",
    ]
    other = replace(one, cause="network.reset")
    report = replace(report, outlooks=[(other, Outlook(0))], last_notes={})
    assert history.outlooks(report, Look(None, plain=True)) == [
        "Now: network.reset for 1 min; No history yet"
    ]
