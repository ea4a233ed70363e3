"""What two networks say together, and how their differences are laid out."""

import pytest

from seawall.causes.cause import load
from seawall.doctor.case import Case
from seawall.doctor.check import Check, Finding, Result, Sign, State, Weight
from seawall.doctor.runs import Compared, Difference
from seawall.doctor.verdict import conclude
from seawall.view.doctor_compared import lines, says
from seawall.view.layout import Look


async def never(probe: object) -> Finding:
    raise AssertionError


def now(cause: str | None = None) -> Case:
    """A run in which this is the matter."""
    signs = (Sign(cause, "x", Weight.DECISIVE),) if cause else ()
    results = (Result(Check("a", "a", never), Finding(State.WARN if cause else State.OK, "", {}, signs)),)
    return Case(conclude(results), load(cause) if cause else None, results, 1000.0)


@pytest.mark.parametrize(
    ("there", "here", "said"),
    [
        (None, None, "Nothing is the matter on either network."),
        ("network.connection_reset", None, "the network there, not Anthropic"),
        ("unknown.facts_disagree", None, "the network there, not Anthropic"),
        ("provider.overloaded", None, "it was not the network, and it is over."),
        ("account.invalid_api_key", None, "it was not the network, and it is over."),
        (None, "network.dns_failure", 'All is well on "office", and not here'),
        ("network.blocked", "network.blocked", "Both show network.blocked: it is not the network, unless"),
        ("network.blocked", "provider.overloaded", "two troubles"),
        (7, None, "Nothing is the matter"),
    ],
)
def test_what_both_say(there: object, here: str | None, said: str) -> None:
    """A network is named only where going round it helped."""
    assert said in says("office", {"cause": there}, now(here))


LONG = Difference("net.proxy", "address", "proxy.of.a.very.long.name.example.corp:3128" * 3, None)


@pytest.mark.parametrize("width", [80, 60, 40])
def test_the_lines(width: int) -> None:
    """Side by side where there is room; long values are cut; nothing obeys what was measured."""
    differs = (
        Difference("net.dns", "resolver", "10.0.0.1", "\x1b[2J"),
        Difference("a", "b", True, 0.25),
        LONG,
    )
    shown = lines("office", 1000.0, {"cause": None}, Compared(differs, 40), now(), Look(width))
    assert max(map(len, shown)) <= width
    assert all(line.isprintable() for line in shown)
    whole = " ".join(" ".join(shown).split())
    assert "3 of 43 facts differ." in whole
    assert "10.0.0.1" in whole
    assert "yes" in whole
    assert "none" in whole
