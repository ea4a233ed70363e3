"""Every file of the catalogue is whole, and says what the matcher does."""

from dataclasses import replace

import pytest

from seawall.causes import cause
from seawall.causes.cause import INDEX, CatalogueError, Hold, Party, evidence, load, lookup, parse
from seawall.causes.compile import catalogue, compiled, main
from seawall.causes.match import match

CAUSES = catalogue()
EXAMPLES = [(c.code, e) for c in CAUSES for e in c.examples if e.evidence]
NEAR = [(c.code, e) for c in CAUSES for e in c.near_misses if e.evidence]
TYPICAL = [(c, next((e for e in c.examples if e.evidence), None)) for c in CAUSES]
WORDINGS = [(c, e, w.text) for c, e in TYPICAL for w in c.wordings if e]


@pytest.mark.parametrize(("code", "example"), EXAMPLES)
def test_an_example_is_given_the_code_of_its_file(code, example):
    """Evidence that a file calls typical is that cause."""
    assert match(evidence(example)) == code


@pytest.mark.parametrize(("code", "example"), NEAR)
def test_a_near_miss_is_given_the_code_that_it_names(code, example):
    """Evidence that only resembles a cause is another one, and the file says which and why."""
    assert example.code != code
    assert example.why
    assert match(evidence(example)) == example.code


@pytest.mark.parametrize(("cause_", "example", "wording"), WORDINGS)
def test_a_wording_leads_to_no_other_cause(cause_, example, wording):
    """A text that clients show for a cause, put in place of the message, does not change the verdict."""
    assert match(replace(evidence(example), message=wording)) == cause_.code


@pytest.mark.parametrize("cause_", CAUSES, ids=lambda c: c.code)
def test_a_cause_is_whole(cause_):
    """No text is empty, and every list that a reader needs has something in it."""
    for text in (
        cause_.title,
        cause_.meaning,
        cause_.verify,
        cause_.wait,
        cause_.escalate,
        cause_.prevention,
    ):
        assert text == text.strip()
        assert len(text) > 2
    assert "  " not in cause_.meaning + cause_.title + cause_.verify
    for part in (
        cause_.do,
        cause_.dont,
        cause_.questions,
        cause_.sources,
        cause_.near_misses,
    ):
        assert part
    # A conclusion from several facts has no single text or answer that shows it.
    assert bool(cause_.examples) >= bool(cause_.matchers)
    assert not cause_.title.endswith(".")
    assert max(len(cause_.do), len(cause_.dont)) <= 3
    assert load(cause_.code) == cause_
    short = lookup(cause_.code)
    assert (short.title, short.party, short.retry, short.hold) == (
        cause_.title, cause_.party, cause_.retry, cause_.hold,
    )  # fmt: skip


def test_the_index_is_current():
    """`python -m seawall.causes.compile` has been run since the last change of a file."""
    assert INDEX.read_bytes() == compiled(CAUSES)
    assert main(["--check"]) == 0


def test_the_near_misses_name_causes_that_exist():
    """A near miss points at a page that can be read."""
    known = set(cause.codes())
    assert {e.code for _, e in NEAR} <= known


def test_what_cannot_pass_is_never_held():
    """Causes of party account and request, and machines' settings, are handed over at once."""
    for c in CAUSES:
        if c.party in (Party.ACCOUNT, Party.REQUEST, Party.MACHINE, Party.UNRELATED, Party.UNKNOWN):
            assert c.hold is Hold.NO, c.code


@pytest.mark.parametrize(
    ("code", "hold"),
    [
        ("provider.overloaded", "yes"),
        ("provider.rate_limited_unspecified", "yes"),
        ("limit.rate_limited_tokens", "until"),
        ("limit.rate_limited_acceleration", "until"),
        ("limit.usage_limit_reached", "no"),
        ("limit.spend_limit_reached", "no"),
        ("network.connection_refused", "yes"),
        ("network.dns_failure", "yes"),
        ("network.tls_untrusted_ca", "no"),
        ("network.edge_blocked", "no"),
        ("gateway.unexpected_response", "yes"),
    ],
)
def test_what_the_gateway_does_about_it(code, hold):
    """Passing faults are held, refusals that stay are not, and stated times are waited for."""
    assert lookup(code).hold == hold


def test_a_code_that_is_gone_is_unknown():
    """Old rows in a store may name a code that this version does not have."""
    assert lookup("provider.of_old").code == "unknown.unknown"
    with pytest.raises(KeyError):
        load("provider.of_old")
    with pytest.raises(KeyError):
        load("../../secrets")


GOOD = (cause.CATALOGUE / "network.asleep.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("title =", "titel ="), "titel"),
        (('party = "network"', 'party = "nobody"'), "party"),
        (('party = "network"', 'party = "machine"'), "party"),
        (('hold = "yes"', 'hold = "perhaps"'), "hold"),
        (('code = "network.asleep"', 'code = "network.awake"'), "code"),
        (("checked = 2026-11-21", 'checked = "soon"'), "checked"),
        (('fault = ["asleep"]', 'fault = ["dreaming"]'), "matchers[0].fault[0]"),
        (('phase = "sent"', 'phase = "spent"'), "phase"),
        (('phase = "sent"', 'fase = "sent"'), "fase"),
        (("title =", "title"), "line"),
    ],
)
def test_a_wrong_file_is_refused_by_name_and_field(change, field):
    """Whoever adds a cause learns which file and which field is wrong."""
    with pytest.raises(CatalogueError) as caught:
        parse("network.asleep.toml", GOOD.replace(*change, 1))
    assert "network.asleep.toml" in str(caught.value)
    assert field in str(caught.value)


def test_a_text_that_could_never_match_is_refused():
    """The message is lower-cased before it is searched, so a capital in a pattern is a mistake."""
    bad = parse("network.asleep.toml", GOOD.replace('fault = ["asleep"]', 'text = ["Asleep"]', 1))
    with pytest.raises(CatalogueError, match=r"network\.asleep\.toml.*lower case"):
        compiled((bad,))
