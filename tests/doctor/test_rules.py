"""The rules' file: read whole, and how its conditions are tried."""

import pytest

from seawall.causes.cause import codes
from seawall.doctor.check import Finding, State, checks
from seawall.doctor.rules import about, fits, rules

FOUND = {"a": Finding(State.OK, "", {"n": 3, "s": "x", "b": False})}


@pytest.mark.parametrize(
    ("when", "true"),
    [
        ({}, True),
        ({"a": ("ok",)}, True),
        ({"a": ("fail", "skip")}, False),
        ({"a:n": (3, 4)}, True),
        ({"a:b": (False,)}, True),
        ({"a:none": ("x",)}, False),
        ({"a:none": ("x", "absent")}, True),
        ({"a:s": ("absent",)}, False),
        ({"c:none": ("absent",)}, False),
        ({"c": ("ok",)}, False),
        ({"a": ("ok",), "a:s": ("y",)}, False),
    ],
)
def test_conditions(when: dict[str, tuple[object, ...]], true: bool) -> None:
    """All must hold; a check that was not run holds nothing."""
    assert fits(when, FOUND) is true


@pytest.mark.parametrize(
    ("pattern", "cause", "true"),
    [
        ("network.reset", "network.reset", True),
        ("network.*", "network.reset", True),
        ("network.*", "networks.reset", False),
        ("*", "x.y", True),
        ("network.re", "network.reset", False),
    ],
)
def test_patterns(pattern: str, cause: str, true: bool) -> None:
    """A code, a party's, or all."""
    assert about(pattern, cause) is true


def test_rules_for_both_kinds_of_address() -> None:
    """One that says `each` is there twice, with the kinds in both places, and names no placeholder any more."""
    refused = [
        one for one in rules().rule if one.cause == "network.connection_refused" and "address" in one.text
    ]
    assert [list(one.when) for one in refused] == [
        ["net.tcp6", "net.tcp4:fault"],
        ["net.tcp4", "net.tcp6:fault"],
    ]
    assert [one.check for one in refused] == ["net.tcp4", "net.tcp6"]
    assert not any(key.partition(":")[0] in ("this", "other") for one in rules().rule for key in one.when)


def test_everything_named_is_there() -> None:
    """Checks and causes of the house; no rule that a typing error keeps from ever being used."""
    ids = {one.id for one in checks()}
    states = {one.value for one in State}
    for one in (*rules().rule, *rules().decides):
        for key, values in one.when.items():
            assert key.partition(":")[0] in ids
            assert ":" in key or states.issuperset(values)
    assert set(rules().apart.causes) <= set(codes())
    parties = {code.partition(".")[0] for code in codes()}
    for one in rules().decides:
        assert one.cause in ("none", "*", *codes()) or one.cause.removesuffix(".*") in parties
    assert set(rules().excludes) == {"api", "edge", "between", "nobody"}
    assert {party for out in rules().excludes.values() for party in out} <= parties


def test_what_is_exact_comes_before_what_is_wide() -> None:
    """The first measurement that fits counts: a party's stands behind its codes, and the last fits all."""
    wide = [one.cause for one in rules().decides if one.cause.endswith("*")]
    assert wide[-1] == "*" == rules().decides[-1].cause
    for number, one in enumerate(rules().decides):
        before = [earlier.cause for earlier in rules().decides[:number] if not earlier.when]
        assert not any(about(earlier, one.cause) and earlier != "none" for earlier in before)
