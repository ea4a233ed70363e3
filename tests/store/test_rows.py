import math
from dataclasses import fields, replace

import pytest
from store_helpers import attempt

from seawall.store.rows import Attempt, Count, cells

KEY = "sk-ant-api03-" + "a1B2" * 23 + "AA"
COUNT = Count(498_611, 60, "api.anthropic.com", "opus", "", "provider.overloaded", 7)
TEXTS = [field.name for field in fields(Attempt) if field.type in (str, str | None)]


def value_of(row: Attempt | Count, name: str) -> object:
    kept = cells(row)
    assert kept is not None
    return kept[[field.name for field in fields(row)].index(name)]


def test_a_row_of_ours_is_kept_as_it_is():
    """What the gateway records is written unchanged, in the order of the fields."""
    row = attempt()
    assert cells(row) == tuple(getattr(row, field.name) for field in fields(row))
    assert cells(COUNT) == (498_611, 60, "api.anthropic.com", "opus", "", "provider.overloaded", 7)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("route", "api.anthropic.com:443"),
        ("route", "[::1]:8080"),
        ("route", "bedrock-runtime.us-east-1.amazonaws.com"),
        ("family", ""),
        ("error_type", "ThrottlingException"),
        ("error_type", "RESOURCE_EXHAUSTED"),
        ("error_type", "rate_limit_error"),
        ("cause", None),
        ("request_id", "req_vrtx_011CSHoEeqs5C35K2UUqR7Fy"),
        ("request_id", "4be3f0a1-8f52-4a55-9d5c-0f6c3c3f6a10"),
        ("request_id", "8f1e2d3c4b5a6978-FRA"),
        ("client", "AsyncAnthropic/Python 2.11.0"),
        ("client", "Anthropic/JS 0.71.2"),
        ("client", "claude-cli/2.1.59"),
        ("client", ""),
        ("network", "9f86d081884c7d65"),
        ("account", "a" * 64),
        ("status", None),
        ("fallback", None),
        ("fallback", "model=claude-sonnet-5-5"),
        ("fallback", "upstream=gateway.example"),
        ("fallback", "upstream=gateway.example:8443 model=anthropic/claude-sonnet-5-5:latest"),
        ("fallback", "upstream=[::1]:8080 model=claude-opus-4-5@20251101"),
    ],
)
def test_what_real_services_and_clients_say_is_kept(name: str, value: object):
    """Names, hosts and ids as they are met in the world have the shape of their field."""
    assert value_of(replace(attempt(), **{name: value}), name) == value


SENTENCES = [
    f"Bearer {KEY}",
    "Please rewrite my novel",
    "/home/ada/secret plan.txt",
    "C:\\Users\\ada\\key",
    "ada@example.com",
    "user:password@host",
    '{"messages": []}',
    "two\nlines",
    "nul\0",
    "\ud800",
    "名前",
    "a" * 300,
]
KEYS = [
    KEY,
    KEY[:30],
    "sk-ant-oat01-abc",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    "ghp_16C7e42F292c6912E7710c8",
]
OURS = {"route", "call"}
"""Made by Seawall itself, from its configuration and its counter: a host may begin like anything."""


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("canary", SENTENCES)
def test_no_text_of_a_person_is_kept(name: str, canary: str):
    """A sentence, a path or an address that got into any field is not written."""
    assert value_of(replace(attempt(), **{name: canary}), name) in ("", None)


@pytest.mark.parametrize("name", [name for name in TEXTS if name not in OURS])
@pytest.mark.parametrize("canary", KEYS)
def test_no_key_is_kept(name: str, canary: str):
    """A credential, or a part of one, in a field that others fill is not written."""
    assert value_of(replace(attempt(), **{name: canary}), name) in ("", None)


@pytest.mark.parametrize(
    "canary", [f"model={KEY}", f"upstream=host model={KEY}", f"upstream=host model={KEYS[2]}"]
)
def test_no_key_is_kept_as_the_name_of_a_model(canary: str):
    """The model of a call that went elsewhere is its client's own word."""
    assert value_of(replace(attempt(), fallback=canary), "fallback") is None


@pytest.mark.parametrize("value", [7, 2.5, b"bytes", ["list"], object()])
def test_a_text_that_is_none_is_not_kept(value: object):
    """A value of another type in a text's place is replaced by nothing, not turned into text."""
    assert value_of(replace(attempt(), client=value), "client") == ""  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["at", "took", "held", "number", "utc_offset", "status", "input_bytes"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 2**63, -(2**63) - 1, "529", b"", [1]])
def test_a_row_with_an_impossible_number_is_refused(name: str, value: object):
    """One such row would make the database refuse its whole batch, again and again."""
    assert cells(replace(attempt(), **{name: value})) is None


def test_a_number_that_is_missing_is_refused():
    """Only the status may be missing: there is none where nothing answered."""
    assert cells(replace(attempt(), took=None)) is None  # type: ignore[arg-type]
    assert cells(replace(attempt(), status=None)) is not None


@pytest.mark.parametrize("nonsense", [None, "text", 7, ("a", "tuple"), object()])
def test_what_is_no_row_is_refused(nonsense: object):
    """Nothing but the two kinds of rows has cells."""
    assert cells(nonsense) is None  # type: ignore[arg-type]
