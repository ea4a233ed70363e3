"""One's own work as failures show it: what comes again at the same hour, and what starts all at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from seawall.history.rates import Rate
from seawall.store.bursts import Start, Work

DATES = 3
"""On so many dates at the same hour, work comes again."""
TOGETHER = 5.0
"""Seconds: starts that follow each other within them belong together."""
SEVERAL = 3
"""So many starts together are a burst."""
AGAIN = 2
"""On so many dates at the same minute, a burst comes again."""
STEP = 5
"""Seconds that a distance between starts is rounded to."""
FARTHEST = 120
"""Seconds between two starts; farther apart nobody would place them."""
THROTTLES = (
    "limit.rate_limited_acceleration",
    "limit.rate_limited_concurrent",
    "limit.rate_limited_requests",
    "limit.rate_limited_tokens",
    "limit.self_burst",
    "limit.bedrock_throttled",
    "limit.vertex_quota",
    "provider.rate_limited_unspecified",
)
"""Causes that starting later can avoid."""
_SDKS = ("Anthropic/", "AsyncAnthropic/")
"""How the SDKs name themselves."""


@dataclass(frozen=True, slots=True)
class Recurring:
    """Work of one client that meets failures at the same hour of the clock on several dates."""

    client: str
    """Without its version."""
    hour: int
    """Of the wall clock."""
    dates: int
    calls: int
    """That were hit, on all dates together."""
    failures: int
    sdk: bool

    @property
    def calls_a_day(self) -> float:
        return self.calls / self.dates

    def fewer(self, here: Rate, there: Rate) -> int:
        """How many failures a day fewer it would meet where the rate is as it is `there`."""
        if not here.share or there.share >= here.share:
            return 0
        return round(self.failures / self.dates * (1 - there.share / here.share))


def recurring(rows: Iterable[Work]) -> list[Recurring]:
    """What comes again, that with most calls first; an hour of the night of a daylight saving change counts once."""
    dates: dict[tuple[str, int], dict[int, tuple[int, int]]] = {}
    for row in rows:
        date, hour = divmod((row.hour * 60 + row.utc_offset) // 60, 24)
        days = dates.setdefault((unversioned(row.client), hour), {})
        calls, failures = days.get(date, (0, 0))
        days[date] = calls + row.calls, failures + row.attempts
    found = [
        Recurring(
            client,
            hour,
            len(days),
            sum(calls for calls, _ in days.values()),
            sum(failures for _, failures in days.values()),
            client.startswith(_SDKS),
        )
        for (client, hour), days in dates.items()
        if len(days) >= DATES
    ]
    return sorted(found, key=lambda one: (-one.calls, one.client, one.hour))


def unversioned(client: str) -> str:
    """`claude-cli` of `claude-cli/2.1.59`, `Anthropic/Python` of `Anthropic/Python 2.11.0`."""
    name, _, version = client.replace(" ", "/").rpartition("/")
    return name if name and version[:1].isdigit() else client


@dataclass(frozen=True, slots=True)
class Burst:
    """Calls of one's own that began together and were throttled."""

    calls: Sequence[str]
    first: float
    """UTC seconds."""
    within: float
    """Seconds from the first start to the last."""
    minute: int
    """Of the day, by the wall clock."""
    dates: int
    """On which that minute had such a burst."""


def bursts(starts: Iterable[Start]) -> list[Burst]:
    """Bursts that come again at the same minute, the largest first."""
    groups: list[list[Start]] = []
    for one in sorted(starts, key=lambda one: (one.at, one.call)):
        if groups and one.at - groups[-1][-1].at <= TOGETHER:
            groups[-1].append(one)
        else:
            groups.append([one])
    by_minute: dict[int, list[list[Start]]] = {}
    for group in groups:
        if len({one.call for one in group}) >= SEVERAL:
            by_minute.setdefault(_minute(group[0])[1], []).append(group)
    found = []
    for minute, same in by_minute.items():
        dates = len({_minute(group[0])[0] for group in same})
        if dates >= AGAIN:
            largest = max(same, key=len)
            calls = tuple(sorted({one.call for one in largest}))
            within = largest[-1].at - largest[0].at
            found.append(Burst(calls, largest[0].at, within, minute, dates))
    return sorted(found, key=lambda one: (-len(one.calls), one.minute))


def _minute(start: Start) -> tuple[int, int]:
    """Date and minute of the day by the wall clock."""
    return divmod(int(start.at // 60) + start.utc_offset, 24 * 60)


def apart(burst: Burst, recovered: Mapping[str, float]) -> int | None:
    """Seconds between starts that would have avoided the throttling; None where nobody knows.

    The last of them got through so long after the first had begun: begun at that pace, each finds room.
    """
    ends = [recovered[call] for call in burst.calls if call in recovered]
    if len(ends) < len(burst.calls) / 2 or len(burst.calls) < 2:
        return None
    seconds = (max(ends) - burst.first) / (len(burst.calls) - 1)
    return min(FARTHEST, max(STEP, ceil(seconds / STEP) * STEP))
