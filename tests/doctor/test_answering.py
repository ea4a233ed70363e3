"""Which models answer while others fail."""

from typing import Any

import pytest
from store_helpers import attempt

from seawall.doctor.answering import Lately, answering, at_route, going, lately, recoveries, succeed

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


def gateway(upstream: str, *models: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "upstream": upstream,
        "recent": {"span": 180.0, "models": list(models)},
        "succeeded_at": NOW,
    } | more


def test_what_is_about_one_upstream() -> None:
    """Rows of gateways by where they went, those of others whatever they assume; counts and troubles likewise."""
    opus, sonnet = ({"family": name, "succeeded": 1, "tried": 1} for name in ("opus", "sonnet"))
    away = {"route": "llm.example", "family": "opus", "cause": "provider.overloaded"}
    rows = [attempt(), attempt(2, route="llm.example"), attempt(3, route="llm.example", source="hook")]
    said = [
        gateway("https://api.anthropic.com", opus, sonnet | {"route": "llm.example"}, troubles=[away]),
        gateway("https://llm.example:8443/v2", opus, troubles=[away]),
        {"recent": 7, "troubles": "x"},
    ]
    kept, (first, second, third) = at_route(rows, said, "api.anthropic.com")
    assert [row.number for row in kept] == [1, 3]
    assert (first["recent"]["models"], first["troubles"], first["succeeded_at"]) == ([opus], [], NOW)
    assert (second["recent"]["models"], second["troubles"], second["succeeded_at"]) == ([], [], None)
    assert (third["recent"], third["troubles"]) == (7, [])
    assert [row.number for row in at_route(rows, said, "llm.example")[0]] == [2, 3]


def test_each_family_by_its_own_last_success() -> None:
    """With several that work it is known of each, and a success from before the trouble is none."""
    young = {"succeeded": 3, "tried": 3}
    said = gateway(
        "https://api.anthropic.com",
        young | {"family": "haiku", "succeeded_at": NOW - 5},
        young | {"family": "sonnet", "succeeded_at": NOW - 50},
        {"family": "opus", "succeeded": 1, "tried": 9, "succeeded_at": NOW - 70},
    )
    assert answering([attempt(at=NOW - 1)], [said], NOW - 40, NOW) == {"haiku": NOW - 5}


@pytest.mark.parametrize("value", [None, 7, "x", [], {}, float("nan"), -1, [7], [{}], [{"family": ["x"]}]])
@pytest.mark.parametrize("name", ["troubles", "recent", "succeeded_at"])
def test_whatever_a_gateway_says(name: str, value: Any) -> None:
    """Nonsense says nothing, and raises nothing."""
    said: list[Any] = [{name: value}, {"recent": {"span": value, "models": value}}]
    assert answering([], said, NOW - 1, NOW) == {}
    assert lately(said) is None or lately(said) == Lately(7.0, {})
    assert recoveries(said) == {}
    assert all(isinstance(one, dict) for one in going(said))
