"""Faults as words: what is said is what is done, and what cannot be done is refused at once."""

import pytest

from seawall.fake.faults import FAULTS
from seawall.fake.script import KINDS, Fault, FaultError, as_faults, fault, parse


@pytest.mark.parametrize("name", KINDS)
def test_every_fault_has_words_and_an_example_that_names_it(name):
    """A sentence, described parameters, and an example that parses to this fault and back."""
    kind = KINDS[name]
    assert kind.doc.endswith(".")
    assert all(kind.takes(p) for p in kind.parameters)
    (made,) = parse(kind.example)
    assert made.name == name
    assert parse(str(made)) == (made,)


def test_the_table_has_no_two_of_a_name():
    """A fault added twice would hide the first."""
    assert len(KINDS) == len(FAULTS)


def test_several_faults_are_joined_by_a_plus():
    """In order, each with its own parameters; `ok` is no fault."""
    assert parse("encoded coding=br + cut at=in-block") == (
        fault("encoded", coding="br"),
        fault("cut", at="in-block"),
    )
    assert parse("ok") == ()
    assert parse("status message='two words'") == (Fault("status", (("message", "two words"),)),)


def test_values_take_the_type_of_their_parameter():
    """Numbers, truth values and choices, from text or from Python."""
    assert parse("status code=503 retry-after=1.5 x-should-retry=false") == (
        fault("status", code=503, retry_after=1.5, x_should_retry=False),
    )
    assert parse("interim code=103")[0].given == (("code", 103),)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "names no fault"),
        ("overloaded +", "names no fault"),
        ("overloadd", "did you mean 'overloaded'"),
        ("quite-unknown", "no fault is called"),
        ("status 529", "'529' is no name=value"),
        ("cut at=nowhere", "at=nowhere is not after-headers|before-content"),
        ("cut where=in-block", "takes no 'where' (it takes: at, how)"),
        ("throttle x=1", "it takes: none"),
        ("status code=abc", "code=abc is not whole number"),
        ("status code=100", "no final status"),
        ("status code=1000", "no final status"),
        ("status code=503 code=504", "given twice"),
        ("hang seconds=-1", "seconds=-1 is not number"),
        ("hang seconds=nan", "seconds=nan is not number"),
        ("hang seconds=inf", "seconds=inf is not number"),
        ("hang pings=perhaps", "pings=perhaps is not true|false"),
        ("status message='open", "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(line, says):
    """The text names the fault, the parameter and what would be right."""
    with pytest.raises(FaultError) as caught:
        parse(line)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truth_value_is_no_number():
    """`seconds=True` from Python is a mistake."""
    with pytest.raises(FaultError):
        fault("hang", seconds=True)


def test_a_test_may_write_lines_faults_or_tuples():
    """All three are the same thing."""
    made = fault("overloaded")
    assert as_faults("overloaded") == as_faults(made) == as_faults((made,)) == (made,)
