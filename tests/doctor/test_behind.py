"""Where gateways send calls, by what they say of themselves."""

from typing import Any

import pytest

from seawall.doctor.behind import behind, carrying, same
from seawall.origin import Origin

HERE = Origin("http", "127.0.0.1", 8787)
ONE: dict[str, Any] = {"address": "http://127.0.0.1:8787", "upstream": "https://relay.example:8443/v2"}
THERE = (Origin("https", "relay.example", 8443), "/v2")
NONSENSE: list[Any] = [
    None,
    7,
    "",
    "x",
    [],
    {},
    float("nan"),
    float("inf"),
    -1,
    True,
    "\x1b[2J",
    "http://[::1",
]


@pytest.mark.parametrize(
    ("address", "is_it"),
    [
        ("http://127.0.0.1:8787", True),
        ("http://localhost:8787", True),
        ("https://[::1]:8787", True),
        ("http://127.0.0.1:8788", False),
        ("http://far.example:8787", False),
        ("nonsense", False),
        (None, False),
    ],
)
def test_this_machines_names_are_one(address: object, is_it: bool) -> None:
    """The port tells gateways apart; how a gateway speaks there does not."""
    assert same(address, HERE) is is_it


def test_only_one_that_is_proved_is_believed() -> None:
    """One that does not answer may be anybody."""
    assert behind(HERE, [ONE]) == carrying([ONE | {"held": 1}], "") == THERE
    assert behind(HERE, [ONE | {"answers": False}]) is None
    assert carrying([ONE | {"answers": False, "held": 1}], "") is None


def test_of_several_that_carry_calls() -> None:
    """What is held counts first, then the upstream of one's settings, then what is under way."""
    other = ONE | {"upstream": "https://other.example"}
    there = (Origin("https", "other.example", 443), "")
    assert carrying([ONE | {"running": 9}, other | {"held": 1}], ONE["upstream"]) == there
    assert carrying([ONE | {"running": 9}, other | {"running": 1}], "https://other.example") == there
    assert carrying([ONE | {"running": 9}, other | {"running": 1}], "https://none.example") == THERE
    assert carrying([ONE, other], "https://other.example") is None


@pytest.mark.parametrize("name", ["address", "upstream", "answers", "held", "running", "recent"])
def test_whatever_a_gateway_says(name: str) -> None:
    """Nonsense is passed over, and nothing is raised."""
    for value in (*NONSENSE, {"models": 7}, {"models": [7, {"tried": "x"}, {}]}):
        said = [ONE | {name: value}]
        assert behind(HERE, said) in (None, THERE)
        assert carrying(said, "") in (None, THERE)
