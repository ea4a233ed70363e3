"""Which models answer while others fail."""

from typing import Any

import pytest
from store_helpers import attempt

from seawall.doctor.answering import Lately, answering, going, lately, recoveries, succeed

NOW = 1_795_000_100.0
COUNTED = Lately(180.0, {"opus": (0, 14), "haiku": (2, 2), "sonnet": (4, 4), "fable": (1, 9)})


@pytest.mark.parametrize(
    ("fine", "counted", "text"),
    [
        ({"haiku": None, "sonnet": 7.0}, COUNTED, "haiku and sonnet succeed: 6 of 6 in the last 3 min"),
        ({"haiku": None}, COUNTED, "haiku succeeds: 2 of 2 in the last 3 min"),
        ({"fable": 7.0}, COUNTED, ""),
        ({"fable": 7.0, "haiku": 7.0}, COUNTED, "haiku succeeds: 2 of 2 in the last 3 min"),
        ({"novel": 7.0}, COUNTED, ""),
        ({}, COUNTED, ""),
        ({"haiku": 7.0}, None, "haiku succeeds meanwhile"),
        ({"opus": 7.0, "haiku": 7.0, "sonnet": 7.0}, None, "haiku, opus and sonnet succeed meanwhile"),
        ({}, None, ""),
    ],
)
def test_what_is_said_of_them(fine: dict[str, float | None], counted: Lately | None, text: str) -> None:
    """By the counts where there are any; one that fails more often than not is no comfort."""
    assert succeed(fine, counted) == text


def test_by_the_record_alone() -> None:
    """Who succeeded after the trouble began, and not before a failure of its own."""
    rows = [
        attempt(at=NOW - 60),
        attempt(at=NOW - 30, family="haiku", cause=None),
        attempt(at=NOW - 70, family="sonnet", cause=None),
        attempt(at=NOW - 50, family="fable", cause=None),
        attempt(at=NOW - 40, family="fable"),
        attempt(at=NOW - 10, family="", cause=None),
    ]
    assert answering(rows, [], NOW - 60, NOW) == {"haiku": NOW - 30}


@pytest.mark.parametrize("value", [None, 7, "x", [], {}, float("nan"), -1, [7], [{}], [{"family": ["x"]}]])
@pytest.mark.parametrize("name", ["troubles", "recent", "succeeded_at"])
def test_whatever_a_gateway_says(name: str, value: Any) -> None:
    """Nonsense says nothing, and raises nothing."""
    said: list[Any] = [{name: value}, {"recent": {"span": value, "models": value}}]
    assert answering([], said, NOW - 1, NOW) == {}
    assert lately(said) is None or lately(said) == Lately(7.0, {})
    assert recoveries(said) == {}
    assert all(isinstance(one, dict) for one in going(said))
