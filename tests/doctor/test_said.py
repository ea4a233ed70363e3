"""A pasted text as evidence: it counts, and it never settles anything alone."""

import pytest

from seawall.causes.cause import load
from seawall.causes.verdict import explain
from seawall.doctor.case import Case
from seawall.doctor.check import Check, Finding, Probe, Result, Sign, State, Weight
from seawall.doctor.said import CHECK, finding, says
from seawall.doctor.verdict import conclude


async def never(probe: Probe) -> Finding:
    raise AssertionError


def case(text: str, *signs: Sign, who: str = "api") -> Case:
    """What comes of a text and of these signs, while the API answers."""
    edge = Result(Check("api.edge", "API", never), Finding(State.OK, "401", {"who": who, "status": 401}))
    seen = Result(Check("seen.recent", "calls", never), Finding(State.WARN, "", {}, signs))
    verdict = conclude((edge, seen, Result(CHECK, finding(explain(text)))))
    return Case(verdict, load(verdict.cause) if verdict.cause else None, (edge, seen), 1000.0)


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("API Error: 529 Overloaded", Weight.STRONG),
        ("hello", None),
        ("openai.RateLimitError: quota", None),
        ("something went wrong somewhere, error", None),
    ],
)
def test_what_a_text_counts(text: str, weight: Weight | None) -> None:
    """A strong fact at most; nothing where it names no cause of ours."""
    found = finding(explain(text))
    assert [one.weight for one in found.signs] == ([weight] if weight else [])


def test_what_beside_the_words_decided_stands_with_it() -> None:
    """A key of another vendor in the text: its prefix and its form, as `explain` alone shows them; still one fact."""
    [sign] = finding(explain(f"401 invalid x-api-key with sk-proj-{'aB3dE5' * 8}")).signs
    assert sign.text == (
        "your text says so: the key belongs to another vendor (401); "
        "the key in the text begins with sk-proj-***, the form of an OpenAI key"
    )
    assert sign.weight is Weight.STRONG


def test_a_text_alone_is_possible_and_with_a_measurement_more() -> None:
    """It is one fact; a second of another kind makes it likely, a typed answer certain."""
    text = "API Error: 529 Overloaded"
    assert case(text).verdict.confidence == "possible"
    strong = Sign("provider.overloaded", "held for this", check="local.gateway")
    assert case(text, strong).verdict.confidence == "likely"
    typed = Sign("provider.overloaded", "529", Weight.DECISIVE, check="seen.recent")
    assert case(text, typed).verdict.confidence == "certain"


@pytest.mark.parametrize(
    ("text", "signs", "said"),
    [
        ("API Error: 529 Overloaded", (), "from your text; nothing measured speaks against it"),
        (
            "API Error: 529 Overloaded",
            (Sign("provider.overloaded", "x", check="y"),),
            "from your text, and measured",
        ),
        ("read ECONNRESET while calling api.anthropic.com", (), "what is measured now shows no trace of it"),
        (
            "API Error: 529 Overloaded",
            (Sign("machine.disk", "full", Weight.DECISIVE),),
            "first is machine.disk",
        ),
        ("hello", (), "the text fits no cause"),
        ("openai.RateLimitError: quota", (), "the text is about no Claude call"),
    ],
)
def test_what_both_say(text: str, signs: tuple[Sign, ...], said: str) -> None:
    """Where the answer comes from is said."""
    assert said in says(explain(text), case(text, *signs))
