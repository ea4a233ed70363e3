"""Scenario files: read whole, refused with the place, and rules that fit the requests they name."""

import pytest

from seawall.fake.content import Asked
from seawall.fake.scenario import Rule, Scenario, ScenarioError, Script, load, read, shipped

ASKED = Asked("POST", "/v1/messages", model="claude-opus-5", stream=True)


def chosen(
    script: Script, *, attempt: int = 1, now: float = 0.0, asked: Asked = ASKED, key: str = "k"
) -> str:
    return " + ".join(map(str, script.choose(asked, key, attempt, now)))


def script(text: str, seed: int = 1) -> Script:
    return Script(read(text).rules, seed)


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_scenario_loads(name):
    """By its name alone, with a title."""
    assert load(name).title


def test_the_shipped_scenarios_are_the_promised_ones():
    """The names that the page and the command show."""
    assert {"brownout", "calm", "faults-mix", "outage", "stampede"} <= set(shipped())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x =", "bad.toml: not TOML"),
        ("colour = 1", "bad.toml: Object contains unknown field `colour`"),
        ("title = 5", "bad.toml: title: Expected `str`, got `int`"),
        ("factor = 0", "bad.toml: factor must be"),
        ("[[rule]]\nfrom = 1", "bad.toml: rule[0]: Object missing required field `do`"),
        (
            '[[rule]]\ndo = "ok"\n[[rule]]\ndo = "overloadd"',
            "bad.toml: rule[1]: no fault is called 'overloadd'",
        ),
        ('[[rule]]\ndo = "cut at=nowhere"', "bad.toml: rule[0]: fault 'cut': at=nowhere is not"),
        ('[[rule]]\ndo = "ok"\nfrom = 5\nto = 5', "rule[0]: `from` must be 0 or more and below `to`"),
        ('[[rule]]\ndo = "ok"\nchance = 1.5', "rule[0]: chance is a probability"),
        ('[[rule]]\ndo = "ok"\nfirst = 0', "rule[0]: first, count and attempts count from 1"),
        ('[[rule]]\ndo = "ok"\nattempts = [1, "2"]', "rule[0].attempts[1]: Expected `int`"),
        ("[capacity]\nslots = -1", "capacity: slots, engine and others are numbers"),
        ("[capacity]\nslots = 1\nknee = inf", "capacity: noise is a share"),
        ("[capacity]\nslots = 1\nrefusal_cost = inf", "capacity: noise is a share"),
        ("[capacity]\nslots = 1\nnoise_s = inf", "capacity: noise is a share"),
        ("[limits.acceleration]\nbase = 4\nretry_after = inf", "limits.acceleration: base and factor"),
        ("[limits.acceleration]\nbase = inf", "limits.acceleration: base and factor"),
        ("[capacity]\nslots = 5\n[[capacity.phase]]\nfrom = 3\nto = 2", "capacity.phase[0]: `from` must be"),
        (
            "[capacity]\nslots = 5\n[[capacity.phase]]\nfrom = 1\nto = 2\nrefuse = 7",
            "capacity.phase[0]: refuse is",
        ),
        ("[limits]\nrequests_per_minute = 0", "limits: limits are numbers above 0"),
        ("[limits.acceleration]\nbase = 0", "limits.acceleration: base and factor"),
        ("[answer]\nwords = 0", "answer: words must be from 1"),
        ('[answer]\nblocks = ["song"]', "answer: blocks is a list of thinking, text, tool"),
        ("[answer]\nseconds = -1", "answer: times are seconds"),
        ("[answer]\nseconds = nan", "answer: times are seconds"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text, says):
    """File, table and row, in one line."""
    with pytest.raises(ScenarioError) as caught:
        read(text, "bad.toml")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read_say_so(tmp_path):
    """Missing, a folder, not text: one line each, and the shipped names where it helps."""
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    for name, says in (
        ("none.toml", "(shipped: brownout, calm, "),
        ("bytes.toml", "UTF-8"),
        (".", "directory"),
    ):
        with pytest.raises(ScenarioError) as caught:
            load(tmp_path / name)
        assert says in str(caught.value)
    (tmp_path / "own.toml").write_text('title = "own"')
    assert load(tmp_path / "own.toml").title == "own"


def test_first_attempts_of_each_call():
    """The first three attempts of any body, then right answers."""
    rules = script('[[rule]]\nfirst = 3\ndo = "overloaded"')
    for key in ("a", "b"):
        assert [chosen(rules, attempt=n, key=key) for n in range(1, 6)] == ["overloaded"] * 3 + ["", ""]


def test_named_attempts_and_a_count_in_all():
    """The second attempt only; and a rule that is used up makes way for the next."""
    rules = script(
        '[[rule]]\nattempts = [2]\ncount = 1\ndo = "reset"\n[[rule]]\nattempts = [2]\ndo = "close"'
    )
    assert [chosen(rules, attempt=n) for n in (1, 2, 3)] == ["", "reset", ""]
    assert [chosen(rules, attempt=2, key=k) for k in "xy"] == ["close", "close"]


def test_between_two_times():
    """From is in, to is out."""
    rules = script('[[rule]]\nfrom = 5\nto = 25\ndo = "overloaded"')
    assert [chosen(rules, now=t) for t in (0, 4.999, 5, 24.999, 25)] == [
        "",
        "",
        "overloaded",
        "overloaded",
        "",
    ]


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ('model = "*opus*"', True),
        ('model = "*haiku*"', False),
        ("stream = true", True),
        ("stream = false", False),
        ('path = "/v1/messages"', True),
        ('path = "*"', True),
        ('path = "/v1/models*"', False),
    ],
)
def test_rules_name_requests_by_model_path_and_stream(rule, fits):
    """Shell patterns, and the whole path."""
    assert bool(chosen(script(f'[[rule]]\n{rule}\ndo = "overloaded"'))) is fits


def test_a_rule_speaks_of_messages_unless_it_names_another_path():
    """count_tokens and models are left alone by default."""
    other = Asked("POST", "/v1/messages/count_tokens")
    assert chosen(script('[[rule]]\ndo = "overloaded"'), asked=other) == ""


def test_chance_is_seeded_and_does_not_depend_on_order():
    """About the stated share; the same requests meet the same faults in any order; another seed differs."""
    text = '[[rule]]\nchance = 0.3\ndo = "overloaded"'
    keys = [str(n) for n in range(2000)]
    there = {k: chosen(script(text), key=k) for k in keys}
    back = {k: chosen(script(text), key=k) for k in reversed(keys)}
    other = {k: chosen(script(text, seed=2), key=k) for k in keys}
    assert there == back
    assert there != other
    assert 540 < sum(bool(v) for v in there.values()) < 660


def test_a_call_that_chance_hit_can_be_lucky_next_time():
    """Each attempt is drawn anew."""
    rules = script('[[rule]]\nchance = 0.5\ndo = "overloaded"')
    assert len({chosen(rules, attempt=n) for n in range(1, 20)}) == 2


def test_a_closed_listener_by_the_clock_needs_no_request():
    """Only a plain window is one; a rule with conditions waits for a request."""
    window = Rule(do="refused", begin=1, end=2)
    assert window.closes_listener
    assert not Rule(do="refused", begin=1).closes_listener
    assert not Rule(do="refused", begin=1, end=2, first=1).closes_listener
    assert not Rule(do="overloaded", begin=1, end=2).closes_listener


def test_lengths_are_drawn_once_for_each_request():
    """The same at every attempt, around the mean, below the most, and what the request asks for wins."""
    shape = read("[answer]\nfirst_s = 1.5\nfirst_spread = 0.5\nseconds = 20\nseconds_spread = 1.0").answer
    drawn = [shape.draw(Asked("POST", "/", nonce=str(n)), 1) for n in range(3000)]
    assert drawn[7] == shape.draw(Asked("POST", "/", nonce="7"), 1)
    assert 1.4 < sum(f for f, _ in drawn) / 3000 < 1.6
    assert 18 < sum(s for _, s in drawn) / 3000 < 22
    assert max(s for _, s in drawn) <= 300
    assert shape.draw(Asked("POST", "/", seconds=3.5), 1)[1] == 3.5


def test_a_fleets_table_is_kept_for_others():
    """A program that drives clients by the same file finds its part."""
    assert read("[fleet]\nagents = 20").fleet == {"agents": 20}
    assert Scenario().fleet == {}
