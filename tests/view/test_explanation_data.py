"""What programs are told of a text, and of a failure on record."""

import json

import pytest

from seawall import __version__
from seawall.causes.cause import codes, load
from seawall.causes.verdict import explain
from seawall.view.explanation_data import of_record, of_text
from shapes import conforms

NOW = 1_800_000_000.0


@pytest.mark.parametrize("code", codes())
def test_every_cause_has_the_shape_that_is_shipped(code: str) -> None:
    """When it was made and by which version among it; steps and their commands as the catalogue has them."""
    value = conforms(json.dumps(of_record(load(code), {"id": "7f3a"}, NOW, 10)) + "\n")
    assert (value["generated_at"], value["seawall_version"]) == ("2027-01-15T08:00:00Z", __version__)
    assert (value["verdict"]["cause"], value["seen"], value["exit_code"]) == (code, {"id": "7f3a"}, 10)
    assert [one["command"] for one in value["verdict"]["do"]] == [one.command for one in load(code).do]


def test_a_text() -> None:
    """What was read stands beside what is concluded; of hosts the first."""
    found = explain("API Error: 529 Overloaded from api.anthropic.com req_011CUabcdef attempt 2/10")
    value = conforms(json.dumps(of_text(found, load(found.cause), "masked", True, NOW, 10)) + "\n")
    assert (value["verdict"]["host"], value["verdict"]["confidence"]) == ("api.anthropic.com", "certain")
    assert (value["read"]["status"], value["read"]["attempt"], value["read"]["text"]) == (
        529,
        [2, 10],
        "masked",
    )
    assert value["read"]["held_key"] is True
