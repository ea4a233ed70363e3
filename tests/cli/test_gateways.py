"""What `status` and `watch` ask of the user's gateways, and how they end."""

import json
import time
from pathlib import Path

import pytest

from own_home import Home
from seawall.cli.gateways import as_json, code, observed
from told_gateway import STATUS, told

OVERLOADED = {"held": 1, "cause": "provider.overloaded"}


@pytest.mark.parametrize(
    ("found", "ends"),
    [
        ([], 0),
        ([{"held": 0, "cause": "provider.overloaded"}], 0),
        ([{"held": 2, "cause": None}], 0),
        ([{"answers": False}], 0),
        ([OVERLOADED], 10),
        ([OVERLOADED, {"held": 1, "cause": "network.dns_failure"}], 14),
        ([{"held": 1, "cause": "weather.rain"}], 19),
    ],
)
def test_the_code_is_the_party_of_what_is_held(found: list[dict[str, object]], ends: int) -> None:
    """0 while nothing is held; of several the highest; 19 for a party that is not known."""
    assert code(found) == ends


def test_the_object() -> None:
    """What the gateways said goes through whole; the rest says when and by whom it was asked."""
    value = json.loads(as_json([STATUS], 0.0))
    assert value["gateways"] == [STATUS]
    assert (value["generated_at"], value["running"], value["exit_code"]) == ("1970-01-01T00:00:00Z", True, 10)


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"[]", b"[" * 100_000, b'"x"', b"\xff\xfe", b"null", b'{"a": ' + b"9" * 5000 + b"}"],
)
def test_an_answer_that_is_none(own_home: Home, body: bytes) -> None:
    """Whatever a gateway of another version says, it is one that does not answer."""
    with told(own_home.place, lambda: body) as record:
        [one] = observed(own_home.environ, time.time(), 30.0)
    assert (one["answers"], one["address"]) == (False, record.address)


def test_ages_are_counted_from_the_asking(own_home: Home) -> None:
    """`since` is a moment; what is shown is how long ago that is."""
    with told(own_home.place, lambda: {**STATUS, "since": 100.0}):
        [one] = observed(own_home.environ, 130.0, 30.0)
    assert (one["cause_age"], one["up"]) == (30.0, 130.0)
    assert one["lanes"] == STATUS["lanes"]


def test_no_folder_no_gateways(tmp_path: Path) -> None:
    """Nothing is made where nothing is."""
    place = tmp_path / "run"
    place.mkdir()
    assert observed({"XDG_RUNTIME_DIR": str(place)}, 0.0, 0.1) == []
    assert list(place.iterdir()) == []
