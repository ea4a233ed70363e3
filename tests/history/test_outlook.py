"""How long an episode that goes on will last."""

from dataclasses import replace

from seawall.history.episodes import End, Episode
from seawall.history.outlook import DAYS, outlook

NOW = 1_795_000_000.0


def episode(number: int, lasted: float, end: End = End.RECOVERED, **changed: object) -> Episode:
    opened = NOW - 3600.0 * number
    one = Episode(
        id=f"{number:04x}", cause="provider.overloaded", route="api", families=("opus",), opened_at=opened,
        last_failure_at=opened, until=opened + lasted, end=end, attempts=1, calls=1, given_up=0, broken=0, utc_offset=0,
    )  # fmt: skip
    return replace(one, **changed)  # type: ignore[arg-type]


OPEN = episode(0, 180.0, End.OPEN, opened_at=NOW - 180, until=NOW)
EIGHT = [episode(n, 60.0 * n) for n in range(1, 9)]


def test_eight_before_it() -> None:
    """From eight on there are percentiles, and what is left for those that got as far; with seven nothing."""
    found = outlook(OPEN, EIGHT)
    assert (found.count, found.p50, found.p75, found.p90) == (8, 240.0, 360.0, 480.0)
    assert found.more == 180.0  # five of eight were left after 3 min; half of them are over by 6 min
    few = outlook(OPEN, EIGHT[1:])
    assert (few.count, few.p50, few.p75, few.p90, few.more) == (7, None, None, None, None)


def test_it_is_not_its_own_predecessor() -> None:
    """Neither the episode itself, nor one that began later, nor one older than ninety days counts."""
    old = episode(24 * (DAYS + 1), 60.0)
    later = replace(EIGHT[0], opened_at=NOW)
    assert outlook(OPEN, [*EIGHT[1:], OPEN, later, old]).count == 7


def test_the_same_route_and_model_first() -> None:
    """With eight of the same route and model those alone count; else all of the cause; never another cause."""
    sonnets = [
        replace(one, id=f"s{one.id}", families=("sonnet",), until=one.opened_at + 9000) for one in EIGHT
    ]
    elsewhere = [replace(one, id=f"r{one.id}", route="other", until=one.opened_at + 9000) for one in EIGHT]
    others = [replace(one, id=f"c{one.id}", cause="network.reset") for one in EIGHT]
    assert outlook(OPEN, [*EIGHT, *sonnets, *elsewhere, *others]).p75 == 360.0
    assert outlook(OPEN, [*EIGHT[1:], *sonnets, *others]).count == 15
    assert outlook(OPEN, others).count == 0


def test_those_without_an_end_count_as_longer() -> None:
    """Half of them not seen to end: the upper percentiles are not known, and none is made up."""
    found = outlook(OPEN, [replace(one, end=End.UNSEEN) if one.lasted > 240 else one for one in EIGHT])
    assert (found.p50, found.p75, found.p90, found.more) == (240.0, None, None, None)
