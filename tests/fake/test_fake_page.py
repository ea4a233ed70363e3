"""The page about the faulty API says what the program does."""

import re
from pathlib import Path

import pytest

from seawall.fake.scenario import read, shipped
from seawall.fake.script import KINDS, parse

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "fake.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^#### `([\w-]+)`\n(.*?)(?=^###|\Z)", PAGE, re.M | re.S))


def test_the_page_lists_every_fault_and_no_other():
    """One heading each."""
    assert sorted(SECTIONS) == sorted(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_a_faults_section_is_complete_and_its_example_parses(name):
    """Its sentence, each parameter with what it takes, and an example that uses this very fault."""
    kind, section = KINDS[name], SECTIONS[name]
    assert kind.doc in section
    listed = dict(re.findall(r"^- `([\w-]+)`: (.*)$", section, re.M))
    assert listed == {p: kind.takes(p).replace("|", ", ") for p in kind.parameters}
    (example,) = re.findall(r"^```fault\n(.*?)\n```$", section, re.M | re.S)
    assert [f.name for f in parse(example)] == [name]
    assert example == kind.example


def test_the_pages_scenario_is_read():
    """Every setting that exists stands in it."""
    (text,) = re.findall(r"^```toml scenario\n(.*?)^```$", PAGE, re.M | re.S)
    scenario = read(text, "the page")
    assert len(scenario.rules) == 4
    for part in (scenario.answer, scenario.limits, scenario.limits.acceleration, scenario.capacity):
        for name in part.__struct_encode_fields__:
            assert re.search(rf"\b{name}\b", text), name
    for name in scenario.rules[0].__struct_encode_fields__:
        assert re.search(rf"^{name} = ", text, re.M), name


@pytest.mark.parametrize("name", shipped())
def test_the_page_names_every_shipped_scenario(name):
    """In the list."""
    assert f"`{name}`" in PAGE
