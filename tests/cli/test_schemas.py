"""`seawall help --schema`: what is shipped is whole, and can be had by the names that people type."""

import json
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from own_home import Home
from seawall.cli import schemas
from seawall.cli.common import Failure


def test_every_file_is_a_schema_of_its_name() -> None:
    """Valid JSON Schema 2020-12; the file's name is the schema's; objects may gain fields within a version."""
    shipped = [one for one in files("seawall.schemas").iterdir() if one.name.endswith(".json")]
    assert len(shipped) == len(schemas.names()) >= 20
    for one in shipped:
        value = json.loads(one.read_text("utf-8"))
        Draft202012Validator.check_schema(value)
        assert f"{value['title'].replace('/', '-')}.json" == one.name
        assert value["properties"]["schema"] == {"const": value["title"]}
        assert value["description"].endswith(".")
        assert "additionalProperties" not in value


@pytest.mark.parametrize(
    "name",
    [
        "seawall.verdict/1",
        "seawall.verdict-1",
        "seawall.verdict-1.json",
        "seawall.verdict",
        "verdict",
        "verdict/1",
    ],
)
def test_its_names(name: str) -> None:
    """The whole name, the file's, and short."""
    assert json.loads(schemas.text(name))["title"] == "seawall.verdict/1"


@pytest.mark.parametrize("name", ["verdct", "seawall.verdict/9", "../verdict", "", "\0", "x" * 500])
def test_one_that_is_not_there(name: str) -> None:
    """Its neighbours are named; nothing else is read."""
    with pytest.raises(Failure, match=r"^no schema .*; the nearest are: seawall\.") as left:
        schemas.text(name)
    assert left.value.code == 2


def test_the_command(own_home: Home) -> None:
    """Alone it lists all with a line each; with a name it prints that schema and nothing else."""
    listed = own_home.seawall("help", "--schema")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == schemas.names()
    one = own_home.seawall("help", "--schema", "status")
    assert json.loads(one.stdout)["title"] == "seawall.status/1"
    wrong = own_home.seawall("help", "--schema", "statsu")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "the nearest are: seawall.status/1" in wrong.stderr
