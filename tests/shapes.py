"""Whether what a verb printed as JSON is of the shape that is shipped."""

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from seawall.cli import schemas


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = json.loads(schemas.text(name))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def conforms(printed: str) -> dict[str, Any]:
    """The one object that was printed, once it has been found to be of the shape that it names."""
    assert printed.count("\n") == 1, "one object in one line, and nothing else"
    value = json.loads(printed)
    assert value["schema"] in schemas.names()
    troubles = [
        f"{list(one.absolute_path)}: {one.message[:200]}"
        for one in _validator(value["schema"]).iter_errors(value)
    ]
    assert troubles == []
    assert isinstance(value, dict)
    return value
