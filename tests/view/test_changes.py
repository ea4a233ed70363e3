"""Lines of changes: what is worth a line, and what is not."""

from typing import Any

import pytest

from seawall.view.changes import changes
from seawall.view.facts import Gateway, gateway
from told_gateway import CALM, LANE, STATUS

HERE = {"address": "http://127.0.0.1:8787", "up": 21600.0, "cause_age": 220.0}
QUIET = {"held": 0, "cause": None, "lanes": [CALM]}


def one(**status: Any) -> Gateway:
    return gateway(STATUS | HERE | {"untried": 0} | status)


@pytest.mark.parametrize(
    ("before", "now", "says"),
    [
        (None, [], ["no gateway runs"]),
        ([], [], []),
        (None, [one(**QUIET)], ["nothing held"]),
        (None, [one()], ["holding 2, provider.overloaded for 3 min 40 s", "opus: not our load"]),
        ([one()], [one(up=22000.0, cause_age=230.0, calls=500)], []),
        ([one()], [one(lanes=[LANE | {"rate": 1.0, "running": 1, "queued": 2}, CALM])], []),
        ([one()], [one(held=3)], ["holding 3, provider.overloaded for 3 min 40 s"]),
        ([one()], [one(held=3, untried=9)], ["holding 3, 9 more wait, provider.overloaded for 3 min 40 s"]),
        ([one()], [one(**QUIET)], ["nothing held"]),
        ([one()], [one(lanes=[LANE | {"state": "calm"}])], ["opus: calm"]),
        ([one()], [one(lanes=[LANE | {"state": "outage", "breaker": "open"}])], ["opus: outage"]),
        ([one()], [one(lanes=[LANE | {"breaker": "open"}])], ["opus: not our load, breaker open"]),
        ([one(**QUIET)], [one(**QUIET | {"lanes": []})], []),
        ([one()], [gateway(HERE | {"answers": False})], ["the gateway does not answer"]),
        ([one(**QUIET)], [one(**QUIET, draining=True)], ["nothing held, stopping"]),
        ([one(**QUIET)], [one(**QUIET, store="degraded")], ["nothing held, records wait in memory"]),
        ([one()], [], ["the gateway at http://127.0.0.1:8787 is gone"]),
        (
            [one(**QUIET)],
            [one(**QUIET), one(**QUIET, address="http://127.0.0.1:9999")],
            ["nothing held (http://127.0.0.1:9999)"],
        ),
    ],
)
def test_changes(before: list[Gateway] | None, now: list[Gateway], says: list[str]) -> None:
    """A gateway's state and a lane's are worth a line when they change; figures that always move are not."""
    assert changes(before, now) == says
